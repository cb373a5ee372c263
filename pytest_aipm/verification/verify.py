"""One look at a folder, from its manifest to its last verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from pytest_aipm.auditing.settings import SIGN_OFFS
from pytest_aipm.baseline import PolicyBaseline, read_baseline
from pytest_aipm.errors import AipmError, OptionError, Problem
from pytest_aipm.policy.text import relative
from pytest_aipm.records import Audit, Record
from pytest_aipm.report import publishable
from pytest_aipm.sources.faults import describe
from pytest_aipm.verification.folder import AUDIT, Folder, page_lines
from pytest_aipm.verification.line import Line, broken, held, untold
from pytest_aipm.verification.rejudged import Rejudged, rejudged
from pytest_aipm.verification.repolicied import policy_lines
from pytest_aipm.verification.signature import signature_lines
from pytest_aipm.verification.signed_off import sign_off_lines
from pytest_aipm.verification.sources import source_lines
from pytest_aipm.verification.totals import total_faults

__all__ = ["Asked", "record_lines", "verified"]

STALE = "audit.stale.json"
MOST = 5
"""Findings that are named one by one; more are counted."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a folder is held against.

    Attributes
    ----------
    folder : Path
    shown : str
        The folder as messages print it.
    root : Path
        Where policies and baseline lie, as far as they are there.
    models, data, policies : tuple of Path
    sign_offs : Path or None
        The project's file; default the usual place under `root`.
    key : Path or None
        The public key of whoever signed.
    names : dict of Path to str
        Paths as they were typed.
    """

    folder: Path
    shown: str
    root: Path
    models: tuple[Path, ...] = ()
    data: tuple[Path, ...] = ()
    policies: tuple[Path, ...] = ()
    key: Path | None = None
    sign_offs: Path | None = None
    names: Mapping[Path, str] = field(default_factory=dict)


def verified(asked: Asked) -> list[Line]:
    """Look at a report folder.

    Parameters
    ----------
    asked : Asked

    Returns
    -------
    list of Line
        One for each thing that was looked at.

    Raises
    ------
    UsageFault
        When there is no report folder, it is stale, or a file that was named is not there.
    """
    folder = _folder(asked)
    lines = list(folder.lines())
    record = folder.record()
    if isinstance(record, Line):
        return [*lines, record, *signature_lines(folder, asked.key)]
    lines += folder.digests(record)
    lines += record_lines(record, asked)
    lines += page_lines(folder, record)
    lines += signature_lines(folder, asked.key)
    return lines


def record_lines(record: Record, asked: Asked) -> Iterator[Line]:
    """Yield what a record says of itself and of what it names."""
    given = _matched(record, asked)
    for audit in record.audits:
        own = given.get(audit.policy.name, ())
        lines = policy_lines(audit, record, asked.root, own)
        yield from _guarded(f"policy {audit.policy.name}", lines)
    for path in given.get("", ()):
        yield _nobodys(record, asked, path)
    for path in asked.models:
        yield from source_lines(record, "model", path, asked.names.get(path, path.name))
    for path in asked.data:
        yield from source_lines(record, "data", path, asked.names.get(path, path.name))
    yield from _guarded("findings", _findings(record, asked))
    yield from sign_off_lines(record, asked.sign_offs or asked.root / SIGN_OFFS, asked.root)
    yield from _guarded("totals", _totals(record))


def _totals(record: Record) -> Iterator[Line]:
    faults = list(total_faults(record))
    for fault in faults:
        yield broken("totals", fault)
    if not faults:
        said = f"{record.verdict.value.upper()} follows from {len(record.findings)} findings"
        yield held("totals", said)


def _guarded(what: str, lines: Iterator[Line]) -> Iterator[Line]:
    """Yield lines; a record that was meddled with may break anything, and that is an answer."""
    try:
        yield from lines
    except (AipmError, OSError):
        raise
    except Exception as fault:  # noqa: BLE001 - whatever breaks must not read as held
        yield broken(what, f"no run writes such a record ({describe(fault)})")


def _folder(asked: Asked) -> Folder:
    path = asked.folder
    if not path.is_dir():
        what = "is a file, not a folder" if path.exists() else "there is no such folder"
        raise OptionError(Problem(what, "name the report folder of the run", asked.shown))
    if not (path / AUDIT).exists():
        if (path / STALE).exists():
            what = "the report is stale: a later run ended before it audited anything"
            raise OptionError(Problem(what, "run the audit again", f"{asked.shown}/{STALE}"))
        if not any(path.iterdir()) or not (path / "manifest.json").exists():
            what = f"there is no {AUDIT} in it"
            raise OptionError(Problem(what, "name the report folder of the run", asked.shown))
    return Folder(path, asked.shown)


def _matched(record: Record, asked: Asked) -> dict[str, list[Path]]:
    """Return which audit each policy file that was named is of; under "" those of none.

    By its content, else by its path under the root, else the only one there is.
    """
    found: dict[str, list[Path]] = {}
    for path in asked.policies:
        if not path.is_file():
            shown = asked.names.get(path, path.name)
            raise OptionError(Problem("--policy: there is no such file", "check the path", shown))
        found.setdefault(_whose(record.audits, path, asked.root), []).append(path)
    return found


def _whose(audits: Sequence[Audit], path: Path, root: Path) -> str:
    digest, place = sha256(path.read_bytes()).hexdigest(), relative(path, root)
    for audit in audits:
        if audit.policy.sha256 == digest:
            return audit.policy.name
    for audit in audits:
        if audit.policy.path == place or Path(audit.policy.path).name == path.name:
            return audit.policy.name
    return audits[0].policy.name if len(audits) == 1 else ""


def _nobodys(record: Record, asked: Asked, path: Path) -> Line:
    names = ", ".join(audit.policy.name for audit in record.audits) or "no policy"
    said = f"{asked.names.get(path, path.name)} is none of the policies audited here ({names})"
    return broken("policy", said)


def _findings(record: Record, asked: Asked) -> Iterator[Line]:
    """Yield which verdicts follow from what is written, and which do not."""
    found: list[Rejudged] = []
    public = {each.id for each in publishable(record).findings if each.value is not None}
    for audit in record.audits:
        approved = _approved(audit, asked.root)
        found += [
            rejudged(each, audit, record, approved, shown=each.id in public)
            for each in audit.findings
        ]
    wrong = [each for each in found if each.faults]
    for each in wrong[:MOST]:
        more = f" ({len(each.faults) - 1} more)" if len(each.faults) > 1 else ""
        yield broken(each.id, f"{each.faults[0]}{more}")
    if len(wrong) > MOST:
        yield broken("findings", f"{len(wrong) - MOST} more do not hold")
    right = [each for each in found if not each.faults]
    counted = [each for each in right if each.basis == "counts"]
    if found:
        said = f"{len(counted)} of {len(found)} verdicts re-derived from counts"
        yield (held if counted else untold)("verdicts", said)
    rest = Counter(each.rests_on for each in right if each.basis != "counts")
    if rest:
        number = sum(rest.values())
        verb = "rests" if number == 1 else "rest"
        named = ", ".join(f"{what} ({n})" for what, n in sorted(rest.items()))
        written = [each for each in right if each.basis == "interval"]
        follow = f"; {len(written)} of them follow from their intervals as written"
        said = f"{number} of {len(found)} {verb} on what the record does not hold: {named}"
        yield untold("verdicts", said + (follow if written else ""))
    since = [each for each in right if each.since]
    if since:
        said = f"the changes since the baseline of {len(since)} findings are taken as written"
        why = "the rows were paired, or the baseline of the run is not under the root folder"
        yield untold("baseline", f"{said}: {why}")


def _approved(audit: Audit, root: Path) -> PolicyBaseline | None:
    """Return what was approved, where the file is still the one that the run read."""
    if audit.baseline is None:
        return None
    place = root / audit.baseline.ref
    try:
        baseline = read_baseline(place, shown=audit.baseline.ref) if place.is_file() else None
    except AipmError:
        return None
    if baseline is None or baseline.sha256 != audit.baseline.sha256:
        return None
    return baseline.policy(audit.policy.name)
