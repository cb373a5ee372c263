"""Sign-offs that a record shows against the file they come from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_aipm.errors import SignOffError
from pytest_aipm.policy import load_sign_offs
from pytest_aipm.policy.text import relative
from pytest_aipm.records import Record, SignOff
from pytest_aipm.verification.line import Line, broken, held, untold

__all__ = ["sign_off_lines"]

WHAT = "sign-offs"


def sign_off_lines(record: Record, path: Path, root: Path) -> Iterator[Line]:
    """Yield whether those who are shown signed this record off.

    Parameters
    ----------
    record : Record
    path : Path
        The project's sign-offs file; need not exist.
    root : Path
        Folder that paths in messages are relative to.
    """
    if not record.sign_offs:
        return
    own = {record.evidence, record.digest}
    wrong = [each.who for each in record.sign_offs if each.matches != (each.digest in own)]
    if wrong:
        yield broken(WHAT, f"that of {wrong[0]} is not marked as what it is, this record's or not")
        return
    shown = relative(path, root)
    if not path.is_file():
        yield untold(WHAT, f"there is no {shown} here to compare {_count(record)} with")
        return
    try:
        there = load_sign_offs(path, root=root)
    except SignOffError as fault:
        yield untold(WHAT, str(fault.problems[0]))
        return
    written = {_plain(each) for each in there}
    absent = [each.who for each in record.sign_offs if _plain(each) not in written]
    if absent:
        yield broken(WHAT, f"that of {absent[0]} is not in {shown}")
        return
    matching = sum(each.matches for each in record.sign_offs)
    yield held(WHAT, f"{_count(record)} as in {shown}, {matching} of this record")


def _plain(each: SignOff) -> str:
    return each.model_copy(update={"matches": False}).model_dump_json()


def _count(record: Record) -> str:
    number = len(record.sign_offs)
    return f"{number} sign-off{'s' * (number > 1)}"
