"""The files of a report folder against its manifest, and against the record they are views of."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from pytest_aipm import __version__
from pytest_aipm.errors import OptionError, Problem
from pytest_aipm.records import SCHEMA, Record, canonical_json
from pytest_aipm.report import FILES, write_reports
from pytest_aipm.report.files import SIGNATURE, drafts_left
from pytest_aipm.report.manifest import is_entry, json_object
from pytest_aipm.verification.known import this_version
from pytest_aipm.verification.line import Line, broken, held, untold

__all__ = ["AUDIT", "MANIFEST", "SIGNATURE", "Folder", "page_lines"]

AUDIT, MANIFEST = "audit.json", "manifest.json"
FORMAT = "aipm-manifest/1"
KEPT = {"left_out"}
"""What a manifest may say beside: the exports that could not be made, and why."""
VIEWS = (".html", ".md", ".json", ".css", ".sarif", ".xml")
"""A file of such a name beside the report may be taken for a part of it."""


@dataclass
class Folder:
    """A report folder, read without trusting it.

    Parameters
    ----------
    path : Path
    shown : str
        The path as messages print it.
    """

    path: Path
    shown: str

    def lines(self) -> Iterator[Line]:
        """Yield what the manifest says of the files, and they of it."""
        named = self.named()
        if isinstance(named, str):
            yield broken("manifest", named)
            return
        wrong = list(self._wrong(named))
        if wrong and drafts_left(self.path):
            yield broken("folder", "a run was killed while it wrote: the files are of two runs")
        yield from wrong
        right = len(named) - len(wrong)
        if right:
            yield held("manifest", f"{right} of {len(named)} files are as the run wrote them")
        for name in sorted(self._beside(named)):
            if name in FILES:
                yield broken(name, f"{MANIFEST} does not name it: nobody vouches for it")
            else:
                yield untold(name, f"{MANIFEST} does not name it: nobody vouches for it")

    def record(self) -> Record | Line:
        """Return the record, or the line that says why it is none.

        Raises
        ------
        OptionError
            When the folder is whole and its record of another schema.
        """
        raw = self.read(AUDIT)
        told = json_object(raw)
        version = told.get("schema")
        if isinstance(version, str) and version != SCHEMA and self._vouched():
            what = f"its schema {version!r} is not {SCHEMA!r}"
            fix = "use the version of pytest-aipm that wrote it"
            raise OptionError(Problem(what, fix, f"{self.shown}/{AUDIT}"))
        try:
            return Record.from_json(raw)
        except ValidationError as error:
            first = error.errors()[0]
            at = ".".join(map(str, first["loc"]))
            return broken("record", f"is none: {at + ': ' if at else ''}{first['msg']}")

    def digests(self, record: Record) -> Iterator[Line]:
        """Yield whether the digests of the record are those of its content."""
        again = record.with_digest()
        if again.digest != record.digest:
            yield broken("digest", "the record was changed after it was written")
        else:
            yield held("digest", f"the record's content gives {record.digest[:12]}")
        named = json_object(self.read(MANIFEST)).get("digest")
        if named != record.digest:
            yield broken("digest", f"{MANIFEST} names another record")

    def read(self, name: str) -> bytes:
        """Return the bytes of a file, empty when it is not there."""
        try:
            return (self.path / name).read_bytes()
        except OSError:
            return b""

    def named(self) -> Mapping[str, str] | str:
        """Return the hash of each file, or what is wrong with the manifest."""
        told = json_object(self.read(MANIFEST))
        files = told.get("files")
        if not isinstance(files, dict) or AUDIT not in files:
            there = (self.path / MANIFEST).exists()
            return f"names no {AUDIT}" if there else f"there is no {MANIFEST}"
        if told.keys() - KEPT != {"schema", "digest", "files"} or told["schema"] != FORMAT:
            return f"is not of the form {FORMAT}"
        if self.read(MANIFEST).decode(errors="replace") != canonical_json(told, indent=1) + "\n":
            return "was written by hand: its bytes are not those of a run"
        odd = [name for name, value in files.items() if not is_entry(name, value)]
        return f"names what is no file of this folder: {odd[0]!r}" if odd else files

    def _wrong(self, named: Mapping[str, str]) -> Iterator[Line]:
        for name, digest in named.items():
            if not (self.path / name).is_file():
                yield broken(name, "is missing")
            elif hashlib.sha256(self.read(name)).hexdigest() != digest:
                yield broken(name, f"is not the file that {MANIFEST} vouches for")

    def _vouched(self) -> bool:
        named = self.named()
        return not isinstance(named, str) and not any(self._wrong(named))

    def _beside(self, named: Mapping[str, str]) -> set[str]:
        there = {each.name for each in self.path.iterdir() if each.is_file()}
        alike = {name for name in there if name in FILES or name.endswith(VIEWS)}
        hidden = {name for name in there if name.startswith(".")}
        older = {name for name in there if ".stale." in name}
        return alike - set(named) - {MANIFEST, SIGNATURE} - hidden - older


def page_lines(folder: Folder, record: Record) -> Iterator[Line]:
    """Yield whether each file that the manifest names is the view of this record, byte for byte.

    Another version of the package may say the same in other words, so nothing is compared then.
    """
    if not this_version(record):
        wrote = record.run.versions.get("pytest-aipm", "no version")
        said = f"written by pytest-aipm {wrote}, this is {__version__}: install that one to compare"
        yield untold("pages", said)
        return
    again, named = _again(record), folder.named()
    files = set(again) if isinstance(named, str) else {*named}
    other = []
    for name in sorted(files - {MANIFEST}):
        if name not in again:
            yield untold(name, "is not written from a record by this installation")
        elif (folder.path / name).is_file() and folder.read(name) != again[name]:
            other.append(name)
    for name in other:
        yield broken(name, "is not what this record gives when it is written again")
    if not other:
        yield held(
            "pages", f"{len(files & again.keys())} files are the bytes that the record gives"
        )


def _again(record: Record) -> dict[str, bytes]:
    """Return every file that is written from a record."""
    with tempfile.TemporaryDirectory() as place:
        write_reports(record, Path(place))
        return {each.name: each.read_bytes() for each in sorted(Path(place).iterdir())}
