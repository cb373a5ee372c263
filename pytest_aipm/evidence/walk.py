"""Every part of a fitted object, whatever its class, with the training rows as that part saw them.

The walk reads attributes from where they are kept (``__dict__``, slots, pickling state of compiled
types, closures), so that no property of someone else's class is run. It knows no list of classes,
but four shapes that hand other columns to their parts:

====================  ======================================================================
attribute             what its parts see
====================  ======================================================================
``steps``             the rows as the steps before transformed them (pipelines)
``transformers_``     the columns each is given (column transformers)
``estimators_``       with ``estimators_features_``: the columns each was given (bagging)
anything else         the rows their owner sees
====================  ======================================================================
"""

from __future__ import annotations

import functools
import sys
import time
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.sources.guard import third_party

__all__ = ["MAX_OBJECTS", "Part", "Walk"]

MAX_OBJECTS = 500_000
MAX_ITEMS = 200_000
"""Items of one list or mapping that are looked at."""

_PLAIN = (str, bytes, bytearray, memoryview, int, float, complex, bool, type(None), range, slice)
_OUTSIDE = (type, types.ModuleType, types.BuiltinFunctionType, np.dtype, np.generic, np.ufunc)
_LEAVES = (*_PLAIN, *_OUTSIDE)
_READ = {*sys.stdlib_module_names, "builtins", "numpy", "pandas", "scipy", "sklearn", "_loss"}
"""Packages whose compiled types keep nothing out of sight, or hand it over as their state.

scikit-learn 1.5 calls the module of its loss functions `_loss`.
"""
_POINTERS = ("PyCapsule", "SwigPyObject")
_TREES = {("xgboost", "Booster"), ("lightgbm", "Booster"), ("_catboost", "_CatBoost")}
"""Compiled parts that hold trees: splits and answers, never rows."""


@dataclass(frozen=True, eq=False)
class Part:
    """One object inside a model.

    Attributes
    ----------
    value : object
    rows : DataFrame or None
        The training rows as this part saw them; None where they could not be followed.
    name : str
        Type of the owner and name of the attribute.
    """

    value: Any
    rows: pd.DataFrame | None
    name: str


@dataclass
class Walk:
    """A bounded walk; `stopped` says why it ended early, where it did.

    Parameters
    ----------
    root : object
    rows : DataFrame
        The training rows as the model is given them.
    seconds : float
        Time that the walk, and what is done with its parts, may take.
    """

    root: Any
    rows: pd.DataFrame | None
    seconds: float
    stopped: str = ""
    lost: int = 0
    """Steps through which the rows could not be followed."""
    closed: int = 0
    """Parts that raise when they are looked into."""
    opaque: set[str] = field(default_factory=set)
    """Types whose content is compiled and out of sight."""
    _seen: dict[int, Any] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Part]:
        """Yield each object once, containers before what they hold."""
        end = time.monotonic() + self.seconds
        stack = [Part(self.root, self.rows, type(self.root).__name__)]
        while stack:
            part = stack.pop()
            # by type, since an object may say anything of its `__class__`, or raise
            if issubclass(type(part.value), _LEAVES) or id(part.value) in self._seen:
                continue
            if len(self._seen) >= MAX_OBJECTS:
                self.stopped = f"after {MAX_OBJECTS:,} objects"
                return
            if time.monotonic() > end:
                self.stopped = f"after {self.seconds:g} seconds"
                return
            self._seen[id(part.value)] = part.value  # kept, so that no other takes its number
            yield part
            try:
                stack += reversed(list(self._inside(part)))
            except Exception:  # noqa: BLE001 - mappings and lists of someone else's making
                self.closed += 1

    def _inside(self, part: Part) -> Iterator[Part]:
        value, rows, name = part.value, part.rows, part.name
        kind = type(value)
        if issubclass(kind, np.ndarray):
            if value.dtype == object:
                yield from self._items(value.ravel()[:MAX_ITEMS], rows, name, value.size)
            return
        if issubclass(kind, pd.DataFrame | pd.Series | pd.Index):
            return
        if issubclass(kind, dict):
            yield from self._items(value.values(), rows, name, len(value))
        elif issubclass(kind, list | tuple | set | frozenset):
            yield from self._items(value, rows, name, len(value))
        yield from self._attributes(value, rows)

    def _items(self, items: Any, rows: Any, name: str, size: int) -> Iterator[Part]:
        if size > MAX_ITEMS:
            self.stopped = f"after {MAX_ITEMS:,} items of one list"
        for _, item in zip(range(MAX_ITEMS), items, strict=False):
            yield Part(item, rows, name)

    def _attributes(self, value: Any, rows: pd.DataFrame | None) -> Iterator[Part]:
        kept = _kept(value)
        owner = type(value).__name__
        if _origin(type(value)) in _TREES:
            kept = {name: each for name, each in kept.items() if not _opaque(type(each), {})}
        elif _opaque(type(value), kept):
            self.opaque.add(f"{_origin(type(value))[0]}.{owner}")
        fitted = {name[:-1] for name in kept if name.endswith("_")}
        for name in ("steps", "transformers_"):
            if isinstance(kept.get(name), list):
                follow = self._steps if name == "steps" else self._columns
                yield from follow(kept.pop(name), rows, owner)
        chosen = kept.get("estimators_features_")
        if chosen is not None and isinstance(kept.get("estimators_"), list):
            yield from self._subsets(kept.pop("estimators_"), chosen, rows, owner)
        for name, each in kept.items():
            # `estimators` is the template of `estimators_`: what it would make of rows is no matter
            given = None if name in fitted else rows
            yield Part(each, given, f"{owner}.{name}")

    def _steps(self, steps: Any, rows: Any, owner: str) -> Iterator[Part]:
        for step in steps:
            each = step[-1] if isinstance(step, tuple) and step else step
            yield Part(each, rows, f"{owner} step {type(each).__name__}")
            if each is not None and not isinstance(each, str) and hasattr(type(each), "transform"):
                rows = self._transformed(each, rows)

    def _columns(self, parts: Any, rows: Any, owner: str) -> Iterator[Part]:
        for part in parts:
            if isinstance(part, tuple) and len(part) == 3:
                given = None if rows is None else _chosen(rows, part[2])
                yield Part(part[1], given, f"{owner} part {type(part[1]).__name__}")
            else:
                yield Part(part, rows, owner)

    def _subsets(self, parts: Any, chosen: Any, rows: Any, owner: str) -> Iterator[Part]:
        for each, columns in zip(parts, chosen, strict=False):
            given = None if rows is None else _chosen(rows, columns)
            yield Part(each, given, f"{owner} part {type(each).__name__}")

    def _transformed(self, step: Any, rows: pd.DataFrame | None) -> pd.DataFrame | None:
        """Return the rows behind a step; None where nobody can follow."""
        if rows is None:
            return None
        try:
            with third_party([]):
                found = _framed(step.transform(rows.copy()))
        except Exception:  # noqa: BLE001 - whatever someone else's code raises
            found = None
        if found is None or len(found) != len(rows):
            self.lost += 1
            return None
        return found


def _origin(kind: type) -> tuple[str, str]:
    """Return the package and the name of a type."""
    return str(kind.__module__).partition(".")[0], kind.__name__


def _opaque(kind: type, kept: dict[str, Any]) -> bool:
    """Return whether a value of the type holds what nobody can read from outside."""
    package, name = _origin(kind)
    if name in _POINTERS or any(each.__module__ == "_ctypes" for each in kind.__mro__):
        return True
    written = any({"__dict__", "__slots__"} & set(vars(each)) for each in kind.__mro__)
    return not (kept or written or package in _READ)


def _kept(value: Any) -> dict[str, Any]:
    """Return what an object keeps, without running its properties."""
    kind = type(value)
    if issubclass(kind, functools.partial):
        return {"func": value.func, "args": value.args, "keywords": value.keywords}
    if issubclass(kind, types.MethodType):
        return {"self": value.__self__, "function": value.__func__}
    if issubclass(kind, types.FunctionType):
        return _of_function(value)
    found: dict[str, Any] = {}
    try:
        own = object.__getattribute__(value, "__dict__")
        found.update({str(name): each for name, each in dict(own).items()})
    except Exception:  # noqa: BLE001 - it keeps its attributes elsewhere, or not at all
        found.update(_state(value))
    for each in kind.__mro__:
        slots = each.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            try:
                found.setdefault(name, object.__getattribute__(value, name))
            except Exception:  # noqa: BLE001, S112 - a slot that was never filled
                continue
    return found


def _of_function(value: types.FunctionType) -> dict[str, Any]:
    found: dict[str, Any] = {"defaults": value.__defaults__, "keywords": value.__kwdefaults__}
    for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=False):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not yet filled
            continue
    return {**found, **value.__dict__}


def _state(value: Any) -> dict[str, Any]:
    """Return the state that a compiled type pickles, where it says how."""
    if isinstance(value, dict | list | tuple | set | frozenset):
        return {}
    how = getattr(type(value), "__getstate__", None)
    if how is None or how is getattr(object, "__getstate__", None):
        return {}
    try:
        with third_party([]):
            return {"state": how(value)}
    except Exception:  # noqa: BLE001 - locks and open files have none
        return {}


def _chosen(rows: pd.DataFrame, columns: Any) -> pd.DataFrame | None:
    """Return some columns, named, numbered, or marked by true and false."""
    try:
        if isinstance(columns, str):
            return rows[[columns]]
        if isinstance(columns, slice):
            text = isinstance(columns.start, str) or isinstance(columns.stop, str)
            return rows.loc[:, columns] if text else rows.iloc[:, columns]
        wanted = list(columns)
        if wanted and all(isinstance(each, str) for each in wanted):
            return rows[wanted]
        return rows.iloc[:, wanted]
    except Exception:  # noqa: BLE001 - a selector that only its owner understands
        return None


MAX_CELLS = 50_000_000


def _framed(values: Any) -> pd.DataFrame | None:
    """Return what a step returned as a table; None for what is none, or too large to be held."""
    shape = getattr(values, "shape", None)
    if shape is None or len(shape) != 2 or shape[0] * shape[1] > MAX_CELLS:
        return None
    if isinstance(values, pd.DataFrame):
        return values
    dense = values.toarray() if hasattr(values, "toarray") else values
    return pd.DataFrame(np.asarray(dense))
