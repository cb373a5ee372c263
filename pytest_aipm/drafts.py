"""Files that are written whole, or not at all."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["drafted", "swept"]

LEFT = 3600.0
"""Seconds after which nobody is still writing a draft."""


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """Give a file beside `path` to write to; it takes the place of `path` when all went well.

    Whatever fails, a full disk or an interruption, leaves what was there and no draft. That of a
    process that was killed goes with the next one.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    draft.unlink(missing_ok=True)  # whose it ever was: a link would lead the writing elsewhere
    try:
        yield draft
        draft.replace(path)
        swept(path.parent, f".{glob.escape(path.name)}.*.tmp", path)
    finally:
        draft.unlink(missing_ok=True)


def swept(folder: Path, pattern: str, new: Path) -> None:
    """Remove what killed processes have left, an hour and more before a file was written.

    Parameters
    ----------
    folder : Path
    pattern : str
        Of the names of drafts.
    new : Path
        A file that was just written there: the clock of its disk is theirs, too.
    """
    with suppress(OSError):
        now = new.stat().st_mtime
        for left in folder.glob(pattern):
            with suppress(OSError):
                if now - left.stat().st_mtime > LEFT:
                    left.unlink()
