"""`package.module:function`: the project's own code, found under the root folder and called."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from pytest_aipm.errors import AipmError
from pytest_aipm.sources.faults import describe, did_you_mean, problem, relative
from pytest_aipm.sources.guard import third_party
from pytest_aipm.sources.spec import Where

__all__ = ["call_factory", "importable"]


def call_factory(
    ref: str, root: Path, heard: list[str], *, where: Where | None, error: type[AipmError]
) -> Any:
    """Import and call ``package.module:function`` without arguments.

    Parameters
    ----------
    ref : str
    root : Path
        Folder that goes first on the import path meanwhile, and stays last on it afterwards.
    heard : list of str
        Collects warnings.
    where : Where or None
        Place in the policy, for messages.
    error : type of AipmError
        What to raise.

    Returns
    -------
    object
        What the function returned.

    Raises
    ------
    AipmError
        Of type `error`: no such module or function, or it raised; the line of the project's code
        that raised is named.
    """
    module_name, _, attribute = ref.partition(":")
    with importable(root), third_party(heard):
        _refuse_namesake(module_name, root, ref, where, error)
        try:
            module = importlib.import_module(module_name)
        except (Exception, SystemExit) as fault:
            raise error(_import_problem(fault, ref, module_name, root, where)) from fault
        try:
            function = reduce(getattr, attribute.split("."), module)
        except AttributeError:
            what = f"factory {ref!r}: module {module_name!r} has no {attribute!r}"
            names = [name for name in dir(module) if not name.startswith("__")]
            fix = did_you_mean(attribute, names) or "name a function of that module"
            raise error(problem(what, fix, where=where)) from None
        if not callable(function):
            what = f"factory {ref!r} is of type {type(function).__name__}, not a function"
            raise error(problem(what, "name a function without arguments", where=where))
        try:
            return function()
        except (Exception, SystemExit) as fault:
            what = f"factory {ref!r} raised {describe(fault)}{_at(fault, root)}"
            fix = "make it run by itself, without arguments"
            raise error(problem(what, fix, where=where)) from fault


@contextmanager
def importable(root: Path) -> Iterator[None]:
    """Put `root` first on the import path; afterwards it stays on it, last.

    First, because a policy that names ``models:load`` means the project's ``models``, not an
    installed package of that name. Last afterwards, so that pickles of the project's own classes
    open, yet no file of the project can shadow a module that a library imports later.
    """
    path = str(root.resolve())
    known = path in sys.path
    sys.path.insert(0, path)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(path)  # the first occurrence: ours
        if not known:
            sys.path.append(path)


def _refuse_namesake(
    module_name: str, root: Path, ref: str, where: Where | None, error: type[AipmError]
) -> None:
    """Refuse a module that is loaded already from elsewhere: it would be the wrong project's."""
    top = module_name.partition(".")[0]
    loaded = sys.modules.get(top)
    ours = PathFinder.find_spec(top, [str(root.resolve())])
    if loaded is None or ours is None or ours.origin is None:
        return
    origin = getattr(loaded, "__file__", None)
    if origin and Path(origin).resolve() != Path(ours.origin).resolve():
        what = f"factory {ref!r}: another module called {top!r} is loaded already"
        fix = f"rename {relative(Path(ours.origin), root.resolve())}, or run it in its own process"
        raise error(problem(what, fix, where=where))


def _import_problem(
    fault: BaseException, ref: str, module_name: str, root: Path, where: Where | None
) -> Any:
    missing = fault.name if isinstance(fault, ModuleNotFoundError) else None
    if missing and f"{module_name}.".startswith(f"{missing}."):
        folder = root.joinpath(*missing.split(".")[:-1])
        near = [path.stem for path in folder.iterdir()] if folder.is_dir() else []
        what = f"factory {ref!r}: there is no module {missing!r}"
        fix = did_you_mean(missing.split(".")[-1], near) or "modules are found from the root folder"
        return problem(what, fix, where=where)
    if missing:
        what = f"factory {ref!r} needs module {missing!r}"
        return problem(what, f"install it{_at(fault, root)}", where=where)
    what = f"factory {ref!r}: importing it raised {describe(fault)}{_at(fault, root)}"
    return problem(what, f"mend {module_name!r}", where=where)


def _at(fault: BaseException, root: Path) -> str:
    """Return `` (file:line)`` of the innermost frame under the root; a syntax error's own place."""
    if isinstance(fault, SyntaxError) and fault.filename and fault.lineno:
        return f" ({relative(Path(fault.filename), root)}:{fault.lineno})"
    base = root.resolve()
    for frame in reversed(traceback.extract_tb(fault.__traceback__)):
        path = Path(frame.filename)
        if path.is_absolute() and path.resolve().is_relative_to(base) and _own(path, base):
            return f" ({relative(path.resolve(), base)}:{frame.lineno})"
    return ""


def _own(path: Path, base: Path) -> bool:
    """Return whether a file is the project's, not of a virtual environment inside it."""
    return "site-packages" not in path.resolve().relative_to(base).parts
