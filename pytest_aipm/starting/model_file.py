"""What can be said of a model before it is opened: whether it can be, and what must come first."""

from __future__ import annotations

import pickletools
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from pytest_aipm.errors import MeasurementError, ModelError, OptionError, Problem, TrustError
from pytest_aipm.sources.artifact import SKOPS
from pytest_aipm.sources.files import resolve, suffix_of
from pytest_aipm.sources.native.formats import NATIVE, format_of
from pytest_aipm.sources.spec import ModelSpec
from pytest_aipm.sources.trust import CODE, Trust, check_trust
from pytest_aipm.starting.shown import listing, scalar

__all__ = ["first_steps", "libraries_of"]

LIBRARIES = {"onnx": ("onnx", "onnxruntime")}
"""What reads a format, where that is not the library of its name."""
RENAMED = {"__builtin__": "builtins", "copy_reg": "copyreg"}
"""What old pickles call modules of the standard library."""
LOOKED_AT = 1 << 20
"""Bytes of a pickle that are searched for names of modules."""


def first_steps(ref: str, root: Path) -> list[str]:
    """Return the commands that must come before a model can be audited; none for most.

    The file is hashed and never opened.

    Raises
    ------
    OptionError
        When there is no such file, its format is unknown, or a library it needs is not installed.
    """
    spec = ModelSpec.parse(ref, root)
    if spec.path is None:
        return []
    path = resolve(spec.path, root, where=None, error=OptionError)
    if path.is_dir():
        raise OptionError(Problem(f"--model={ref} is a folder", "name the file inside it"))
    suffix = suffix_of(path)
    if suffix not in (*CODE, *NATIVE, SKOPS):
        fix = (
            f"known suffixes are {listing([SKOPS, *NATIVE, *CODE])}; for any other model write a "
            "function that returns it (--model=package.module:function), or audit its predictions"
        )
        raise OptionError(Problem(f"--model={ref}: no model format that can be opened", fix))
    needed = _needed(path, suffix, ref)
    absent = [name for name in needed if not _installed(name)]
    if absent:
        fix = f"install it here: pip install {' '.join(_package(name) for name in absent)}"
        what = f"--model={ref} needs {listing(absent)}, which is not installed"
        raise OptionError(Problem(what, fix))
    try:
        check_trust(spec, root, Trust.read(root))
    except TrustError:
        return [f"aipm trust {scalar(spec.path)}"]
    except MeasurementError as fault:
        raise OptionError(fault.problems) from None
    return []


def _needed(path: Path, suffix: str, ref: str) -> list[str]:
    """Return the libraries that a file cannot be opened without."""
    if suffix == SKOPS:
        return ["skops"]
    if suffix not in NATIVE:
        return libraries_of(path)
    try:
        kind = format_of(path.read_bytes(), suffix, ref, None).kind
    except ModelError as fault:
        raise OptionError(fault.problems) from None
    return [*LIBRARIES.get(kind, (kind,))]


def libraries_of(path: Path) -> list[str]:
    """Return the top-level modules that the start of a pickle names; nothing of it is run.

    A compressed file, or the part behind the first array of a joblib file, cannot be searched: what
    is missing there is said when the model is opened.
    """
    with path.open("rb") as file:
        raw = file.read(LOOKED_AT)
    found: dict[str, None] = {}
    # not a pickle all the way through: what was found before is kept
    with suppress(Exception):
        for name in _modules(raw):
            found[RENAMED.get(name, name)] = None
    return list(found)


def _modules(raw: bytes) -> Iterator[str]:
    """Yield the modules of every class and function named; texts are followed through the memo."""
    pushed: list[str | None] = [None, None]
    memo: dict[int, str | None] = {}
    for code, argument, _ in pickletools.genops(raw):
        name = code.name
        if name == "GLOBAL":
            yield str(argument).partition(" ")[0].partition(".")[0]
        elif name == "STACK_GLOBAL" and pushed[-2]:
            yield pushed[-2].partition(".")[0]
        if name == "MEMOIZE":
            memo[len(memo)] = pushed[-1]
        elif name.endswith("PUT") and argument is not None:
            memo[int(argument)] = pushed[-1]
        elif name.endswith("GET") and argument is not None:
            pushed = [pushed[-1], memo.get(int(argument))]
        elif code.stack_after:
            text = argument if isinstance(argument, str) and "UNICODE" in name else None
            pushed = [pushed[-1], text]


def _installed(name: str) -> bool:
    try:
        return not name.isidentifier() or find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _package(name: str) -> str:
    return {"skops": '"pytest-aipm[skops]"', "sklearn": "scikit-learn"}.get(name, name)
