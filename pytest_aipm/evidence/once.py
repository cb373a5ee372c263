"""Compute arrays once a run, also when several processes want them.

The first process takes a lock file and writes the arrays into the run folder, the others wait and
read. Without a run folder nothing is written. A computation that fails leaves no file, so that
every process reports the same error itself.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

__all__ = ["once"]

Arrays = Mapping[str, np.ndarray]


def once(folder: Path | None, name: str, compute: Callable[[], Arrays]) -> Arrays:
    """Return ``compute()``, shared with the other processes of the run.

    Parameters
    ----------
    folder : Path or None
        Run folder; None keeps everything in this process.
    name : str
        File stem, the same in every process.
    compute : callable
        Returns named arrays without objects.

    Returns
    -------
    mapping of str to array
    """
    if folder is None:
        return compute()
    target = folder / f"{name}.npz"
    lock = folder / f"{name}.lock"
    while not target.exists():
        if not _take(lock):
            time.sleep(0.05)
            continue
        try:
            if not target.exists():
                arrays = compute()
                draft = folder / f"{name}.{os.getpid()}.tmp.npz"
                np.savez(draft, **dict(arrays))  # type: ignore[arg-type]
                draft.replace(target)
                return arrays
        finally:
            lock.unlink(missing_ok=True)
    with np.load(target, allow_pickle=False) as stored:
        return {key: stored[key] for key in stored.files}


def _take(lock: Path) -> bool:
    """Take the lock; remove it first when its owner has died."""
    try:
        handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        _release_if_orphaned(lock)
        return False
    with os.fdopen(handle, "w") as file:
        file.write(str(os.getpid()))
    return True


def _release_if_orphaned(lock: Path) -> None:
    try:
        owner = int(lock.read_text() or "0")
    except (OSError, ValueError):
        return
    if owner and not _alive(owner):
        lock.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
