"""Writes the report folder: every file whole, or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from pytest_aipm.records import Record, canonical_json
from pytest_aipm.report.html import index_html, stylesheet
from pytest_aipm.report.markdown import summary_md

if sys.platform != "win32":
    import fcntl

__all__ = ["FILES", "mark_stale", "write_reports"]

FILES = ("audit.json", "index.html", "audit.css", "summary.md", "manifest.json")
"""What a report folder holds, in the order it is written: the manifest vouches for the rest."""


def write_reports(record: Record, folder: Path) -> None:
    """Write `audit.json`, its published views and their hashes into `folder`.

    All files are made in memory and written beside their places first. When one cannot be put into
    its place, the older ones come back: neither a full disk nor a second run at the same time
    leaves half a file, or a page that speaks of another record.

    Parameters
    ----------
    record : Record
        The whole record. `audit.json` holds it as it is; the views are made from
        `publishable(record)`.
    folder : Path
        Created when absent. Files of the same names are replaced, others are left alone.

    Raises
    ------
    OSError
        When it cannot be written; the folder then holds what it held before.
    """
    contents = {
        "audit.json": record.to_json().encode(),
        "index.html": index_html(record).encode(),
        "audit.css": stylesheet().encode(),
        "summary.md": summary_md(record).encode(),
    }
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    manifest = {"schema": "aipm-manifest/1", "digest": record.digest, "files": hashes}
    contents["manifest.json"] = (canonical_json(manifest, indent=1) + "\n").encode()

    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        _exchange(folder, contents)


def _exchange(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Put all files into their places, or leave all as they were."""
    places = [folder / name for name in FILES]
    parts = {place: place.with_name(f".{place.name}.{os.getpid()}.part") for place in places}
    older = {place: place.with_name(f".{place.name}.{os.getpid()}.old") for place in places}
    placed: list[Path] = []
    try:
        for place, part in parts.items():
            part.write_bytes(contents[place.name])
        for place, old in older.items():
            if place.exists():
                shutil.copyfile(place, old)
        for place, part in parts.items():
            part.replace(place)
            placed.append(place)
    except BaseException:  # an interruption too
        for place in placed:
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


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a folder while its files are exchanged, so that two runs do not mix theirs.

    Where folders cannot be locked, on Windows for one, `manifest.json` tells which belong together.
    """
    if sys.platform == "win32":
        yield
        return
    handle = None
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
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
    """
    moved = []
    for name in FILES:
        place = folder / name
        if place.is_file():
            stale = place.with_name(f"{place.stem}.stale{place.suffix}")
            place.replace(stale)
            moved.append(stale)
    return moved
