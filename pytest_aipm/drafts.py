"""Files that are written whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["drafted"]


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """Give a file beside `path` to write to; it takes the place of `path` when all went well.

    Whatever fails, a full disk or an interruption, leaves what was there and no draft.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
