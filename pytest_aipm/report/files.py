"""Writes the report folder: every file whole, or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pytest_aipm.records import Record, canonical_json
from pytest_aipm.report.exports import EXPORTS, chosen_exports, files_of
from pytest_aipm.report.html import page_and_style
from pytest_aipm.report.markdown import summary_md

if sys.platform != "win32":
    import fcntl

__all__ = [
    "BASE",
    "FILES",
    "SIGNATURE",
    "Written",
    "drafts_left",
    "mark_stale",
    "stale_name",
    "write_reports",
]

MANIFEST = "manifest.json"
BASE = ("audit.json", "index.html", "audit.css", "summary.md")
"""What every report folder holds, beside its manifest."""
FILES = (*BASE, *(export.file for export in files_of(EXPORTS)), MANIFEST)
"""What a report folder may hold, in the order it is written: the manifest vouches for the rest."""
SIGNATURE = f"{MANIFEST}.sig"
"""What `aipm sign` adds; it holds for the bytes of one manifest."""


@dataclass(frozen=True)
class Written:
    """What became of a report.

    Attributes
    ----------
    files : tuple of str
        The files that are there now, in the order of `FILES`.
    left_out : mapping of str to str
        Exports that were asked for and could not be made from this record, with the reason.
    stale : tuple of str
        The new names of files that an earlier run wrote and this one did not.
    """

    files: tuple[str, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    stale: tuple[str, ...] = ()


def write_reports(record: Record, folder: Path, *, exports: Iterable[str] | None = None) -> Written:
    """Write `audit.json`, its published views and their hashes into `folder`.

    All files are made in memory and written beside their places first. When one cannot be put into
    its place, the older ones come back: neither a full disk nor a second run at the same time
    leaves half a file, or a page that speaks of another record. An export that is not written, and
    lies there from an earlier run, is renamed ``*.stale.*`` in the same step; so is the signature
    of a manifest that changes.

    Parameters
    ----------
    record : Record
        The whole record. `audit.json` holds it as it is; the views are made from
        `publishable(record)`.
    folder : Path
        Created when absent. Files of the same names are replaced, others are left alone.
    exports : iterable of str, optional
        Names of `EXPORTS`; default all of them.

    Returns
    -------
    Written

    Raises
    ------
    OptionError
        An export is unknown.
    OSError
        When it cannot be written; the folder then holds what it held before.
    """
    page, style = page_and_style(record)
    contents = {
        "audit.json": record.to_json().encode(),
        "index.html": page.encode(),
        "audit.css": style.encode(),
        "summary.md": summary_md(record).encode(),
    }
    left_out: dict[str, str] = {}
    for export in files_of(chosen_exports(exports)):
        lacks = export.lacks(record)
        if lacks:
            left_out[export.file] = lacks
        else:
            contents[export.file] = export.view(record).encode()
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    manifest = {"schema": "aipm-manifest/1", "digest": record.digest, "files": hashes}
    if left_out:
        manifest["left_out"] = left_out
    contents[MANIFEST] = (canonical_json(manifest, indent=1) + "\n").encode()

    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder) as alone:
        if alone:
            _sweep(folder)
        stale = _outdated(folder, set(FILES) - set(contents))
        if not _same(folder / MANIFEST, contents[MANIFEST]):
            stale |= _outdated(folder, [SIGNATURE])
        renamed = {stale_name(name): data for name, data in stale.items()}
        _exchange(folder, {**renamed, **contents}, gone=tuple(stale))
    return Written(tuple(contents), left_out, tuple(renamed))


def _same(place: Path, data: bytes) -> bool:
    return place.is_file() and place.read_bytes() == data


def _outdated(folder: Path, names: Collection[str]) -> dict[str, bytes]:
    """Return those files of an earlier run that this one does not write."""
    places = (folder / name for name in (*FILES, SIGNATURE) if name in names)
    return {place.name: place.read_bytes() for place in places if place.is_file()}


def stale_name(name: str) -> str:
    """Return the name that a file of an earlier run gets."""
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.stale.{suffix}"


def _exchange(folder: Path, contents: Mapping[str, bytes], gone: Iterable[str]) -> None:
    """Put all files into their places and take others away, or leave all as they were."""
    places = [folder / name for name in contents]
    removed = [folder / name for name in gone]
    parts = {place: place.with_name(f".{place.name}.{os.getpid()}.part") for place in places}
    older = {
        place: place.with_name(f".{place.name}.{os.getpid()}.old") for place in (*places, *removed)
    }
    done: list[Path] = []
    try:
        for place, part in parts.items():
            part.write_bytes(contents[place.name])
        for place, old in older.items():
            if place.exists():
                shutil.copyfile(place, old)
        for place, part in parts.items():
            part.replace(place)
            done.append(place)
        for place in removed:
            place.unlink()
            done.append(place)
    except BaseException:  # an interruption too
        for place in done:
            with suppress(OSError):
                _restore(older[place], place)
        raise
    finally:
        for leftover in (*parts.values(), *older.values()):
            with suppress(OSError):
                leftover.unlink(missing_ok=True)


def _restore(old: Path, place: Path) -> None:
    if not old.exists():
        place.unlink()
        return
    try:
        old.replace(place)
    except OSError:  # what failed a moment ago may fail again
        shutil.copyfile(old, place)


def drafts_left(folder: Path) -> list[Path]:
    """Return what a run has left that was killed while it exchanged the files.

    Where there are any, the files of the folder may be of two runs; the manifest tells.
    """
    found = []
    for path in folder.glob(".*"):
        name, _, rest = path.name.removeprefix(".").rpartition(".")
        name, _, number = name.rpartition(".")
        ours = name.replace(".stale.", ".") in (*FILES, SIGNATURE)
        if ours and number.isdecimal() and rest in ("part", "old"):
            found.append(path)
    return found


def _sweep(folder: Path) -> None:
    for path in drafts_left(folder):
        with suppress(OSError):
            path.unlink()


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Hold a folder while its files are exchanged, so that two runs do not mix theirs.

    Where folders cannot be locked, on Windows for one, `manifest.json` tells which belong together.
    Yields whether nobody else is at it.
    """
    if sys.platform == "win32":
        yield False
        return
    handle, alone = None, False
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
        alone = True
    try:
        yield alone
    finally:
        if handle is not None:
            os.close(handle)


def mark_stale(folder: Path) -> list[Path]:
    """Rename the files of an older run to ``*.stale.*``, so that nobody takes them for new.

    Parameters
    ----------
    folder : Path
        A report folder; need not exist.

    Returns
    -------
    list of Path
        The new names, in the order of `FILES`.

    Raises
    ------
    OSError
        One cannot be renamed; the others then have their names back.
    """
    moved: list[tuple[Path, Path]] = []
    with _alone(folder):
        try:
            for name in (*FILES, SIGNATURE):
                place = folder / name
                if place.is_file():
                    stale = place.with_name(stale_name(name))
                    place.replace(stale)
                    moved.append((place, stale))
        except OSError:
            for place, stale in moved:
                with suppress(OSError):
                    stale.replace(place)
            raise
    return [stale for _, stale in moved]
