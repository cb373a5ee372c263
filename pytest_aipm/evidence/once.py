"""Compute arrays once a run, also when several processes want them.

The first process locks a file and writes the arrays into the run folder, the others wait and read.
The operating system lets go of the lock of a process that died. Without a run folder nothing is
written. A computation that fails leaves no arrays, so that every process reports the error itself;
where a full disk takes no arrays, every process computes them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from pytest_aipm.drafts import drafted

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

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
    with _locked(folder / f"{name}.lock"):
        if not target.exists():
            arrays = compute()
            with suppress(OSError), drafted(target) as draft, draft.open("wb") as file:
                np.savez(file, **dict(arrays))  # type: ignore[arg-type]
            return arrays
    with np.load(target, allow_pickle=False) as stored:
        return {key: stored[key] for key in stored.files}


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a file's lock; wait for whoever holds it now."""
    with path.open("ab") as file:
        if sys.platform == "win32":
            while True:
                try:
                    msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
                except OSError:
                    time.sleep(0.05)
                else:
                    break
        else:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
