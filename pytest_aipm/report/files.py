"""Writes the report folder: every file whole, or not at all."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from pytest_aipm.records import Record, canonical_json
from pytest_aipm.report.html import index_html, stylesheet
from pytest_aipm.report.markdown import summary_md

__all__ = ["FILES", "mark_stale", "write_reports"]

FILES = ("audit.json", "index.html", "audit.css", "summary.md", "manifest.json")
"""What a report folder holds, in the order it is written: the manifest vouches for the rest."""


def write_reports(record: Record, folder: Path) -> None:
    """Write `audit.json`, its published views and their hashes into `folder`.

    All files are made in memory and written beside their places first, so that neither a crash
    nor a full disk leaves half a file, or a page that speaks of another record.

    Parameters
    ----------
    record : Record
        The whole record. `audit.json` holds it as it is; the views are made from
        `publishable(record)`.
    folder : Path
        Created when absent. Files of the same names are replaced, others are left alone.
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
    written: list[tuple[Path, Path]] = []
    try:
        for name in FILES:
            part = folder / f".{name}.{os.getpid()}.part"
            written.append((part, folder / name))
            part.write_bytes(contents[name])
        for part, place in written:
            part.replace(place)
    finally:
        for part, _ in written:
            part.unlink(missing_ok=True)


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
