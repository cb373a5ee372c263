"""``aipm sign-off``: note who stands for a reviewed run, in the project and in the report."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pytest_aipm.clock import today
from pytest_aipm.commands.folder import read_folder
from pytest_aipm.commands.ini import exports_of, read_ini
from pytest_aipm.commands.paths import here, relative
from pytest_aipm.commands.project import root_of, sign_offs_of
from pytest_aipm.commands.reviewed import refuse_unfit
from pytest_aipm.commands.say import say
from pytest_aipm.drafts import drafted
from pytest_aipm.errors import OptionError, Problem, SignOffError
from pytest_aipm.policy.sign_offs import load_sign_offs, read_sign_offs
from pytest_aipm.records import Record, SignOff
from pytest_aipm.report import write_reports
from pytest_aipm.report.files import SIGNATURE, stale_name
from pytest_aipm.report.plain import plain_line
from pytest_aipm.verification import Asked, State, verified

__all__ = ["sign_off"]

HEAD = "# Who stands for which reviewed run; `aipm sign-off` adds to it.\nsign_offs:\n"
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 .@()_+-]*[A-Za-z0-9.)]|\d{4}-\d\d-\d\d")
_WORDS = frozenset({"null", "true", "false"})
_EMPTY = re.compile(r"^sign_offs:[ \t]*\[[ \t]*\]", re.MULTILINE)


def sign_off(
    folder: str,
    *,
    by: str,
    role: str,
    comment: str = "",
    sign_offs: str | None = None,
    red_is_accepted: bool = False,
    root: str | None = None,
) -> int:
    """Add a sign-off to the project's file, and show it in the report.

    What was reviewed does not change by it: the record's digest stays, see `records.sign_off`.

    Parameters
    ----------
    folder : str
        The report folder that was reviewed; every file must be as the run wrote it.
    by, role : str
        Who signs off, and as what.
    comment : str
        On which terms.
    sign_offs : str, optional
        The file; default the ini key ``aipm_sign_offs``, else ``policies/sign_offs.yaml``.
    red_is_accepted : bool
        Whether a run that failed may be signed off.
    root : str, optional
        Default the current folder.

    Raises
    ------
    UsageFault
        When `by` or `role` says nothing, the folder does not hold, the run is partial or failed,
        or the file cannot be added to.
    """
    for option, text in (("--by", by), ("--role", role)):
        if not plain_line(text):
            raise OptionError(Problem(f"{option} is empty", "a sign-off has a name and a role"))
    base, place, shown = root_of(root), here(folder), folder.rstrip("/")
    target = sign_offs_of(base, sign_offs)
    record = read_folder(place, shown=shown)
    _refuse(record, Asked(folder=place, shown=shown, root=base), red_is_accepted=red_is_accepted)
    entry = SignOff(
        who=plain_line(by),
        role=plain_line(role),
        date=today().isoformat(),
        digest=record.evidence,
        comment=plain_line(comment),
    )
    exports = exports_of(read_ini(base))
    written = _added(target, entry)
    done = write_reports(record.signed_off(written), place, exports=exports)
    file = relative(target, Path.cwd())
    say(f"{file}: signed off by {entry.who} ({entry.role}), {entry.date}")
    say(f"  {record.verdict.value.upper()}, {len(record.findings)} findings, run of")
    say(f"  {record.run.started}, evidence {record.evidence}")
    say(f"Commit {file}; {shown} shows it, too.")
    if stale_name(SIGNATURE) in done.stale:
        say(f"{shown}/{SIGNATURE} was of the folder as it was: sign it anew")
    return 0


def _refuse(record: Record, asked: Asked, *, red_is_accepted: bool) -> None:
    """Refuse what nobody should stand for without saying so."""
    refuse_unfit(
        record,
        asked.shown,
        error=SignOffError,
        whole="sign off a run of the whole policy, without a selection",
        judged="run its checks",
        red_is_accepted=red_is_accepted,
    )
    for line in verified(asked):
        if line.state is State.BROKEN and line.what != "signature":
            what = f"it does not hold ({line.what}: {line.said})"
            fix = f"see `aipm verify {asked.shown}`"
            raise SignOffError(Problem(what, fix, asked.shown))


def _added(path: Path, entry: SignOff) -> tuple[SignOff, ...]:
    """Write a sign-off behind those that are there, and return all of them.

    The file is added to as text, so that its comments and its order stay; what was written is read
    back before it takes the older file's place.
    """
    there: tuple[SignOff, ...] = ()
    text, last = HEAD, None
    if path.exists():
        there, last = read_sign_offs(path, root=Path.cwd())
        text = path.read_bytes().decode("utf-8-sig")
    if any((each.who, each.digest) == (entry.who, entry.digest) for each in there):
        what = f"{entry.who} has signed this record off already"
        raise SignOffError(Problem(what, "nothing is left to do", relative(path, Path.cwd())))
    ends = "\r\n" if "\r\n" in text else "\n"
    text = _EMPTY.sub("sign_offs:", text)
    line = "  " if last is None else text.splitlines()[last - 1]
    block = _block(entry, line[: len(line) - len(line.lstrip(" "))])
    grown = text.rstrip("\r\n") + ends + block.replace("\n", ends)
    path.parent.mkdir(parents=True, exist_ok=True)
    with drafted(path) as draft:
        draft.write_bytes(grown.encode())
        if _read_back(draft) != (*there, entry):
            what = "it cannot be added to as text"
            fix = "write its list as `sign_offs:` with one `- who: ...` a line below, at its end"
            raise SignOffError(Problem(what, fix, relative(path, Path.cwd())))
    return (*there, entry)


def _read_back(path: Path) -> tuple[SignOff, ...] | None:
    try:
        return load_sign_offs(path, root=Path.cwd())
    except SignOffError:
        return None


def _block(entry: SignOff, indent: str) -> str:
    told = {
        "who": entry.who,
        "role": entry.role,
        "date": entry.date,
        "digest": entry.digest,
        **({"comment": entry.comment} if entry.comment else {}),
    }
    lines = [f"{key}: {_scalar(value, quoted=key == 'digest')}" for key, value in told.items()]
    return f"{indent}- " + f"\n{indent}  ".join(lines) + "\n"


def _scalar(text: str, *, quoted: bool) -> str:
    """Return a text as YAML; in quotes unless it is plainly one: a digest may read as a number."""
    if not quoted and _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)
