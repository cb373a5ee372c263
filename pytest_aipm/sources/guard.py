"""Someone else's code, called so that nothing of ours or the user's is changed by it."""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from pytest_aipm.sources.faults import first_line

__all__ = ["third_party"]


@contextmanager
def third_party(heard: list[str]) -> Iterator[None]:
    """Run a factory, a loader or a model in isolation.

    Warnings are recorded, never raised, also under ``-W error``. The current folder and the global
    random states of `random` and `numpy.random` are put back afterwards. Inside, these start from a
    fixed seed: code that draws from them gives the same numbers in each run, whatever ran before it
    and in whichever process.

    Parameters
    ----------
    heard : list of str
        Collects ``Category: first line``, each once.
    """
    ours = random.getstate()
    numpys = np.random.get_state(legacy=False)  # noqa: NPY002 - the global state is the subject
    folder = _folder()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            random.seed(0)
            if numpys["bit_generator"] == "MT19937":  # another one cannot be seeded
                np.random.seed(0)  # noqa: NPY002
            yield
    finally:
        if folder is not None and folder != _folder():
            with suppress(OSError):  # someone has removed it meanwhile
                os.chdir(folder)
        random.setstate(ours)
        np.random.set_state(numpys)  # noqa: NPY002
        for each in caught:
            text = _text(each)
            if text not in heard:
                heard.append(text)


def _folder() -> Path | None:
    """Return the current folder, None when it is no longer there."""
    try:
        return Path.cwd()
    except OSError:
        return None


def _text(caught: warnings.WarningMessage) -> str:
    message = caught.message
    line = first_line(message) if isinstance(message, Warning) else str(message)
    return f"{caught.category.__name__}: {line}"
