"""Pairing files of a run: read with their key before anything runs, written when it is approved.

What would make a comparison wrong (another key, a damaged file, a file of another policy) and what
would give decisions away (a file that could be committed) is refused. What only takes the pairing
away (no key here, no file yet, another approval) leaves two samples, and is said.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_aipm.auditing.settings import Settings
from pytest_aipm.baseline import Baseline
from pytest_aipm.baseline.pairing import PairingFile, Sealed, read_pairing, seal
from pytest_aipm.errors import BaselineError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.pairing import Pairing, RowKey
from pytest_aipm.evidence.subject import Classes
from pytest_aipm.policy.model import Policy
from pytest_aipm.records import Record

__all__ = ["Pairable", "pairables", "sealed"]

SHORTEST = 16
"""Fewer characters can be tried one after the other."""


@dataclass(frozen=True)
class Pairable:
    """What is known of a policy's pairing before its rows are read.

    Attributes
    ----------
    path : Path
        Of the file.
    key : RowKey or None
        None where the environment holds none.
    pairing : Pairing or None
        The approved rows; None when there are none to pair with.
    why : str
        Why there are none.
    """

    path: Path
    key: RowKey | None
    pairing: Pairing | None = None
    why: str = ""


def pairables(
    settings: Settings, policies: Sequence[Policy], baseline: Baseline | None
) -> dict[str, Pairable]:
    """Return what can be paired, by the name of the policy.

    Parameters
    ----------
    settings : Settings
        With `update_baseline`, a file that cannot be used is about to be written anew.
    policies : sequence of Policy
    baseline : Baseline or None

    Raises
    ------
    BaselineError
        See the module's docstring; all policies at once.
    """
    found: dict[str, Pairable] = {}
    faults: list[Problem] = []
    owners: dict[Path, str] = {}
    for policy in policies:
        spec = policy.subject.pairing
        if spec is None:
            continue
        path = Path(os.path.normpath(settings.root / spec.file))
        if path in owners:
            what = f"policy {owners[path]!r} keeps its pairing in the same file"
            faults.append(_at(policy, what, "name a file for each policy"))
            continue
        owners[path] = policy.name
        try:
            found[policy.name] = _pairable(settings, policy, path, baseline)
        except BaselineError as error:
            faults.extend(error.problems)
    if faults:
        raise BaselineError(faults)
    return found


def sealed(
    pairables: Mapping[str, Pairable], record: Record, evidence: Callable[[str], Evidence]
) -> dict[str, Sealed]:
    """Return the pairing files of a run that is approved, ready to be written after its baseline.

    Parameters
    ----------
    pairables : mapping of policy name to Pairable
    record : Record
    evidence : callable
        Policy name to its open rows.

    Raises
    ------
    MeasurementError
        When ids do not tell the rows apart, or the rows cannot be decided on.
    """
    found = {}
    for audit in record.audits:
        one = pairables.get(audit.policy.name)
        if one is not None and one.key is not None:
            rows = evidence(audit.policy.name).remember(one.key)
            found[audit.policy.name] = seal(one.path, audit, rows, one.key)
    return found


def _pairable(
    settings: Settings, policy: Policy, path: Path, baseline: Baseline | None
) -> Pairable:
    shown = settings.shown(path)
    if _committable(path):
        what = f"the pairing file {shown} lies in the git work tree and is not ignored"
        fix = "add it to .gitignore or keep it elsewhere: it holds a decision for every row"
        raise BaselineError(_at(policy, what, fix))
    key = _key(settings, policy)
    if key is None:
        assert policy.subject.pairing is not None  # noqa: S101 - the caller asked
        return Pairable(path, None, why=f"{policy.subject.pairing.key_env} is not set")
    if not path.exists():
        return Pairable(path, key, why=f"there is no pairing file {shown} yet")
    try:
        file = read_pairing(path, key, shown=shown)
    except BaselineError as error:
        if settings.update_baseline:
            return Pairable(path, key, why=error.problems[0].what)
        raise
    if file.policy != policy.name:
        what = f"the pairing file {shown} is of policy {file.policy!r}"
        raise BaselineError(_at(policy, what, "name a file for each policy"))
    why = _unfit(policy, file, baseline)
    return Pairable(path, key, None if why else Pairing(key, file.rows), why)


def _unfit(policy: Policy, file: PairingFile, baseline: Baseline | None) -> str:
    """Return why a sound file is not that of the approved run, or an empty text."""
    approved = None if baseline is None else baseline.policy(policy.name)
    if approved is None:
        return "nothing is approved yet"
    tag = (approved.facts.get("pairing") or {}).get("tag")
    if tag is None:
        return "the baseline was approved without a pairing file"
    if tag != file.tag:
        return "the pairing file is of another approval than the baseline"
    spec = policy.subject
    several = isinstance(spec.favorable, tuple)
    positive = Classes(spec.favorable) if several else spec.positive  # type: ignore[arg-type]
    if file.positive != (None if positive is None else str(positive)):
        return f"the approved decisions speak of the positive class {file.positive}"
    return ""


def _key(settings: Settings, policy: Policy) -> RowKey | None:
    spec = policy.subject.pairing
    assert spec is not None  # noqa: S101 - the caller asked
    secret = os.environ.get(spec.key_env, "")
    if not secret:
        if not settings.update_baseline:
            return None
        what = f"the pairing file needs a key, but {spec.key_env} is not set"
        raise BaselineError(_at(policy, what, "set it, or remove 'pairing' from the subject"))
    if len(secret) < SHORTEST:
        what = f"the key in {spec.key_env} is shorter than {SHORTEST} characters"
        fix = "use a random one: python -c 'import secrets; print(secrets.token_hex(32))'"
        raise BaselineError(_at(policy, what, fix))
    return RowKey(os.fsencode(secret))


def _at(policy: Policy, what: str, fix: str) -> Problem:
    place = policy.where("subject", "pairing")
    return Problem(what, fix, place.path or policy.path, place.line, place.column)


def _committable(path: Path) -> bool:
    """Return whether ``git add`` would take a file; without git or outside a tree it would not."""
    git = shutil.which("git")
    folder = next((each for each in path.parents if each.is_dir()), None)
    if git is None or folder is None:
        return False
    try:
        asked = subprocess.run(  # noqa: S603 - fixed words, found on the path
            [git, "check-ignore", "-q", "--", str(path)],
            cwd=folder,
            capture_output=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 1
