"""The history file: one line of JSON for each full run, appended under a lock.

Lines of other versions, half written ones and the marks of a merge are said and left where they
are. A line is written whole or not at all.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from pytest_aipm.auditing.git import git
from pytest_aipm.drafts import drafted
from pytest_aipm.errors import Problem
from pytest_aipm.records import HISTORY, HistoryLine, Record, Release, canonical_json
from pytest_aipm.report import history_line, publishable

if sys.platform != "win32":
    import fcntl

__all__ = ["History", "append", "label_of", "read_history", "with_releases"]

MOST_RELEASES = 12
MOST_NOTES = 3
"""Broken lines that are told one by one."""

_BINARY = getattr(os, "O_BINARY", 0)


@dataclass(frozen=True)
class History:
    """What a history file says.

    Attributes
    ----------
    lines : mapping of int to HistoryLine
        The readable lines by their place, from 0, the oldest first.
    notes : tuple of str
        What could not be read, each with file and line.
    """

    lines: Mapping[int, HistoryLine]
    notes: tuple[str, ...] = ()

    def place(self, published: Record) -> int | None:
        """Return the place of the line that tells of the same run as a published record."""
        told, bare = list(self.lines.values()), history_line(published, label="")
        for number, (place, line) in enumerate(self.lines.items()):
            if bare is not None and _may_be(line, bare):
                own = history_line(published, label=line.label, earlier=told[:number])
                if own is not None and own.same_run(line):
                    return place
        return None

    def before(self, published: Record) -> list[HistoryLine]:
        """Return what came before this run: all of it where the run has no line yet."""
        place = self.place(published)
        return [line for at, line in self.lines.items() if place is None or at < place]


def _may_be(line: HistoryLine, bare: HistoryLine) -> bool:
    """Return whether a line may tell of a run: all is alike but for numbers it leaves out."""
    if line.commit != bare.commit or len(line.policies) != len(bare.policies):
        return False
    for one, own in zip(line.policies, bare.policies, strict=True):
        if len(one.findings) != len(own.findings):
            return False
        for past, now in zip(one.findings, own.findings, strict=True):
            if (past.id, past.verdict) != (now.id, now.verdict) or past.value not in (
                None,
                now.value,
            ):
                return False
    return True


def read_history(path: Path, *, shown: str) -> History:
    """Read a history file; none is an empty one, and one that cannot be read is a note.

    Parameters
    ----------
    path : Path
    shown : str
        The path as messages print it.
    """
    try:
        with _locked(path, os.O_RDONLY) as handle:
            return _parsed(_content(handle), shown)
    except FileNotFoundError:
        return History({})
    except OSError as fault:
        what = f"the history cannot be read ({fault.strerror}), so no earlier release is shown"
        return History({}, (str(Problem(what, "make it readable", shown)),))


def with_releases(record: Record, history: History) -> Record:
    """Return a record with the last twelve earlier runs of each policy, and what was unreadable."""
    lines = history.before(publishable(record)) if history.lines else []
    audits = []
    for number, audit in enumerate(record.audits):
        ids = {finding.id for finding in audit.findings}
        releases = [
            Release(
                label=line.label,
                when=line.started,
                commit=line.commit,
                audit=past.model_copy(
                    update={"findings": tuple(f for f in past.findings if f.id in ids)}
                ),
            )
            for line in lines
            for past in line.policies
            if past.name == audit.policy.name and "::" not in audit.policy.path
        ]
        update: dict[str, object] = {"releases": tuple(releases[-MOST_RELEASES:])}
        if not number and history.notes:
            update["warnings"] = (*audit.warnings, *history.notes)
        audits.append(audit.model_copy(update=update))
    return record.model_copy(update={"audits": tuple(audits)})


def append(path: Path, record: Record, *, label: str, shown: str) -> bool:
    """Add the line of a run; return whether the file changed.

    A run that the file tells of already is not told again. When it has a new name since, because
    its commit was tagged, its line takes the new name and stays where it is.

    Raises
    ------
    OSError
        When it cannot be written; the file is then as it was.
    """
    published = publishable(record)
    if history_line(published, label=label) is None:
        return False
    path = path.resolve()  # a link stays one
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path, os.O_RDWR | os.O_CREAT) as handle:
        raw = _content(handle)
        history = _parsed(raw, shown)
        place = history.place(published)
        line = history_line(published, label=label, earlier=history.before(published))
        if line is None or (place is not None and history.lines[place].label == line.label):
            return False
        text = canonical_json(line.model_dump(mode="json", by_alias=True)).encode() + b"\n"
        if place is not None:
            lines = raw.splitlines(keepends=True)
            _exchange(path, b"".join([*lines[:place], text, *lines[place + 1 :]]))
            return True
        try:
            _add(handle, b"\n" + text if raw and not raw.endswith(b"\n") else text, len(raw))
        except BaseException:
            if not raw:
                path.unlink()
            raise
    return True


def label_of(root: Path, record: Record) -> str:
    """Return what people call a run: its tag, else its short commit, else its date."""
    run = record.run
    tags = git(root, "tag", "--points-at", "HEAD", "--sort=-version:refname").split()
    if tags:
        return tags[0]
    return run.commit[:7] if run.commit else run.started[:10]


def _parsed(raw: bytes, shown: str) -> History:
    lines: dict[int, HistoryLine] = {}
    problems = []
    for place, text in enumerate(raw.splitlines()):
        if not text.strip():
            continue
        try:
            lines[place] = HistoryLine.model_validate_json(text)
        except ValidationError as fault:
            last = place == raw.count(b"\n")
            problems.append(str(_problem(fault, text, torn=last, shown=shown, line=place + 1)))
    if len(problems) > MOST_NOTES:
        more = len(problems) - MOST_NOTES
        problems[MOST_NOTES:] = [f"{shown}: {more} more lines cannot be read either"]
    return History(lines, tuple(problems))


def _problem(fault: ValidationError, text: bytes, *, torn: bool, shown: str, line: int) -> Problem:
    first = fault.errors(include_url=False, include_input=False)[0]
    what, mend = "this is no line of a history", "restore it from version control or delete it"
    if first["loc"] == ("schema",):
        what = f"the schema of this line is not {HISTORY!r}"
        mend = "use the version of pytest-aipm that wrote it"
    elif torn and first["type"] == "json_invalid":
        what = "the last line is torn"
    elif text.startswith((b"<<<<<<<", b"=======", b">>>>>>>")):
        what, mend = "this is the mark of a merge", "keep the lines of both sides"
    elif first["loc"]:
        what += f" (see {' > '.join(map(str, first['loc']))})"
    return Problem(f"{what}; it is left out of the report", mend, shown, line)


@contextmanager
def _locked(path: Path, flags: int) -> Iterator[int]:
    """Hold a file alone, opened; where files cannot be locked, on Windows for one, just open."""
    while True:
        handle = os.open(path, flags | _BINARY, 0o666)
        try:
            if sys.platform != "win32":
                with suppress(OSError):
                    fcntl.flock(handle, fcntl.LOCK_EX if flags & os.O_RDWR else fcntl.LOCK_SH)
            if _is_at(path, handle):
                yield handle
                return
        finally:
            os.close(handle)


def _is_at(path: Path, handle: int) -> bool:
    """Return whether no process put another file into its place, or took it away, meanwhile."""
    held = os.fstat(handle)
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return (held.st_dev, held.st_ino) == (there.st_dev, there.st_ino)


def _content(handle: int) -> bytes:
    os.lseek(handle, 0, os.SEEK_SET)
    parts: list[bytes] = []
    while part := os.read(handle, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def _add(handle: int, text: bytes, size: int) -> None:
    os.lseek(handle, size, os.SEEK_SET)
    try:
        while text:
            text = text[os.write(handle, text) :]
        os.fsync(handle)
    except BaseException:  # a full disk, an interruption: half a line is worse than none
        with suppress(OSError):
            os.ftruncate(handle, size)
        raise


def _exchange(path: Path, content: bytes) -> None:
    with drafted(path) as draft:
        draft.write_bytes(content)
        shutil.copymode(path, draft)
