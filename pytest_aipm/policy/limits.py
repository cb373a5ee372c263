"""Limits as a policy writes them: ``{max: 0.10}``, ``{min: 0.80}``, ``{max_auc: 0.60}``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

from pytest_aipm.policy.grammar import INTERNAL, Regression
from pytest_aipm.policy.tree import Faults, Map, Scalar, Tree, tree_of
from pytest_aipm.policy.words import closed, kind_of, number_meant, shape, unknown_keys
from pytest_aipm.records import Limit

__all__ = ["Limits", "ends_of", "limit_of", "limits_of"]

_ENDS = ("min", "max")


@dataclass(frozen=True)
class Limits:
    """What a check is held against; all in one unit."""

    limit: Limit | None
    warn: Limit | None
    regression: Regression | None
    unit: str


def limits_of(
    tree: Map, module: ModuleType, faults: Faults, *, no_worse: bool = False
) -> Limits | None:
    """Return the limits of a check, or None after noting what is wrong.

    A limit that is written wins over the check's own ``DEFAULT_LIMIT``, which also holds beside a
    `regression`: adding a rule never takes one away. `no_worse` is what ``gate`` says, here or as
    a default; a `max_change` written here is another word on the same, and wins over a default.
    """
    before = len(faults.problems)
    units = tuple(getattr(module, "UNITS", ("",)))
    regression = _regression(tree, faults)
    if no_worse:
        regression = _gated(regression, tree, faults)
    limit = _read(tree, "limit", units, faults)
    warn = _read(tree, "warn", units, faults)
    default = getattr(module, "DEFAULT_LIMIT", None)
    if "limit" not in tree.entries and default is not None:
        limit = limit_of(tree_of(_plain(default)), units, faults, name="limit")
    asked = tree.entries.keys() & {"limit", "regression", "gate"}
    if limit is None and regression is None and not asked:
        name = tree.text("check")
        fix = f"add `limit: {{max: ...}}` or `limit: {{min: ...}}`; `aipm explain {name}` shows one"
        what = f"'{name}' has no limit of its own, and none is given"
        faults.add(tree.place, what, fix)
    if limit is not None and warn is not None:
        _warn_inside(limit, warn, tree, faults)
    if len(faults.problems) > before:
        return None
    return Limits(
        limit=limit[1] if limit else None,
        warn=warn[1] if warn else None,
        regression=regression,
        unit=(limit or warn or ("", None))[0],
    )


def limit_of(
    tree: Tree, units: Sequence[str], faults: Faults, *, name: str
) -> tuple[str, Limit] | None:
    """Return the unit and the limit, or None after noting what is wrong.

    Parameters
    ----------
    tree : Tree
        What stands behind ``limit:``.
    units : sequence of str
        Units the check offers; ``""`` allows ``min`` and ``max``, ``"auc"`` allows ``min_auc``
        and ``max_auc``.
    faults : Faults
    name : str
        The key, for messages.
    """
    keys = ends_of(units)
    if not isinstance(tree, Map):
        what = f"'{name}' must be a mapping, not {kind_of(tree)}"
        faults.add(tree.place, what, f"write for example `{name}: {{{list(keys)[1]}: 0.1}}`")
        return None
    if not tree.entries:
        faults.add(tree.place, f"'{name}' is empty", f"give it {' or '.join(keys)}")
    for key in tree.entries:
        if key.isdecimal():
            what = f"'{key}' in '{name}' is no key"
            faults.add(tree.key_place(key), what, "write numbers with a point: 0.2, not 0,2")
            return None
    known = unknown_keys(tree, keys, faults, where=f"'{name}'")
    ends = {key: _number(value, key, faults) for key, value in known.entries.items()}
    if len(ends) != len(tree.entries) or not ends or None in ends.values():
        return None
    used = {keys[key][1] for key in ends}
    if len(used) > 1:
        what = f"'{name}' mixes units: {', '.join(sorted(ends))}"
        faults.add(tree.place, what, "one check judges one unit: keep one")
        return None
    limit = Limit(**{keys[key][0]: value for key, value in ends.items()})
    if limit.min is not None and limit.max is not None and limit.min >= limit.max:
        what = f"the lower end {limit.min:g} of '{name}' is not below the upper end {limit.max:g}"
        faults.add(tree.place, what, "swap or correct them")
        return None
    return used.pop(), limit


def ends_of(units: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return what the keys of a limit mean: which end, in which unit."""
    return {f"{end}_{unit}" if unit else end: (end, unit) for unit in units for end in _ENDS}


def _read(tree: Map, key: str, units: Sequence[str], faults: Faults) -> tuple[str, Limit] | None:
    value = tree.get(key)
    if value is None or (isinstance(value, Scalar) and value.value is None):
        return None
    return limit_of(value, units, faults, name=key)


def _number(value: Tree, key: str, faults: Faults) -> float | None:
    if isinstance(value, Scalar) and not isinstance(value.value, str | bool):
        return None if value.value is None else float(value.value)
    fix = number_meant(value)
    faults.add(value.place, f"'{key}' must be a number, not {kind_of(value)}", fix)
    return None


def _regression(tree: Map, faults: Faults) -> Regression | None:
    value = tree.get("regression")
    if value is None or (isinstance(value, Scalar) and value.value is None):
        return None
    if not isinstance(value, Map) or not value.entries:
        said = "is empty" if isinstance(value, Map) else f"must be a mapping, not {kind_of(value)}"
        what = f"'regression' {said}"
        faults.add(value.place, what, "write for example `regression: {max_change: 0.02}`")
        return None
    known = closed(value, Regression, faults, where="'regression'", hidden=INTERNAL)
    return shape(Regression, known, faults)


def _gated(regression: Regression | None, tree: Map, faults: Faults) -> Regression:
    """Return the regression under ``gate: no-worse``, which brings its own `max_change`."""
    if regression is None or regression.max_change is None:
        return (regression or Regression()).model_copy(update={"no_worse": True})
    if "gate" in tree.entries:
        what = "'gate: no-worse' and 'regression.max_change' exclude each other"
        fix = "keep the gate (0.02, or the spread of measured retrains) or your own number"
        faults.add(tree.key_place("gate"), what, fix)
    return regression


def _warn_inside(
    limit: tuple[str, Limit], warn: tuple[str, Limit], tree: Map, faults: Faults
) -> None:
    """Note a `warn` that could never speak before the limit does."""
    if limit[0] != warn[0]:
        fix = "write both in the same unit"
        faults.add(tree.place_of("warn"), "'warn' and 'limit' are in different units", fix)
        return
    pairs = (("max", warn[1].max, limit[1].max, -1), ("min", warn[1].min, limit[1].min, 1))
    for end, inner, outer, sign in pairs:
        if inner is not None and outer is not None and (inner - outer) * sign <= 0:
            what = f"'warn' {end} {inner:g} is not inside 'limit' {end} {outer:g}: it never speaks"
            faults.add(tree.place_of("warn"), what, "warn earlier than the limit, or remove it")


def _plain(default: object) -> object:
    return default.model_dump(exclude_none=True) if isinstance(default, Limit) else default
