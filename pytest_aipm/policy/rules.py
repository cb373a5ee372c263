"""One check of a policy: its keys, its scopes, its limits, its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Protocol

from pytest_aipm.checks.base import CheckParams, kind_for, needs_of, range_of
from pytest_aipm.errors import UsageFault
from pytest_aipm.policy.grammar import CheckKeys, DecideOn
from pytest_aipm.policy.limits import Limits, limits_of
from pytest_aipm.policy.model import CheckSpec
from pytest_aipm.policy.outline import CheckOutline
from pytest_aipm.policy.scopes import Scope, scopes_of
from pytest_aipm.policy.tree import Faults, Map, Place, Scalar, Seq, tree_of
from pytest_aipm.policy.words import (
    closed,
    did_you_mean,
    kind_of,
    no_nulls,
    shape,
    unknown_keys,
)

__all__ = ["SHARED", "Checks", "Modules", "build_check", "clauses_of"]

SHARED = frozenset(CheckKeys.model_fields)
"""Keys that every check takes and `defaults` gives."""

_OWN = frozenset(CheckOutline.model_fields)
_TOLD = ("confidence", "min_group_size", "unknown", "max_unknown")
"""Shared keys that the check itself is told."""

_POINT_FAMILIES = frozenset({"performance", "operations"})
"""Their holdout is fixed, and a written floor must be a floor."""


class Checks(Protocol):
    """The catalogue, as a policy sees it."""

    def names(self) -> tuple[str, ...]:
        """Return the full names of all checks."""

    def load(self, name: str) -> ModuleType:
        """Import one check."""

    def suggest(self, name: str) -> str | None:
        """Return the name that was probably meant."""


@dataclass
class Modules:
    """Loads each check once a policy names it."""

    catalog: Checks
    _loaded: dict[str, ModuleType | None] = field(default_factory=dict)

    def get(self, name: str, place: Place, faults: Faults) -> ModuleType | None:
        """Return the module of a check, or None after noting why not."""
        if name not in self.catalog.names():
            near = self.catalog.suggest(name)
            fix = f"did you mean '{near}'?" if near else did_you_mean(name, self.catalog.names())
            faults.add(place, f"unknown check '{name}'", fix)
            return None
        if name not in self._loaded:
            try:
                self._loaded[name] = self.catalog.load(name)
            except UsageFault as error:
                self._loaded[name] = None
                for problem in error.problems:
                    faults.add(place, problem.what, problem.fix)
        return self._loaded[name]


@dataclass(frozen=True)
class _Written:
    """A check as it stands in the text."""

    name: str
    module: ModuleType
    own: Map
    """Its own keys, and nothing else."""
    whole: Map
    """Its own keys over the defaults."""


def build_check(
    check_id: str,
    tree: Map,
    defaults: Map,
    attributes: Mapping[str, str | None],
    modules: Modules,
    faults: Faults,
) -> CheckSpec | None:
    """Return one check with its defaults filled in, or None after noting what is wrong.

    Parameters
    ----------
    check_id : str
    tree : Map
        The check as written, merged over its bases.
    defaults : Map
        What stands behind ``defaults:``.
    attributes : mapping of str to str or None
        Protected attributes, each with its default reference.
    modules : Modules
    faults : Faults
    """
    before = len(faults.problems)
    written = _written(tree, defaults, modules, faults)
    if written is None:
        return None
    shared = shape(CheckKeys, clauses_of(written.whole.only(SHARED)), faults)
    scopes = _scopes(written, tuple(attributes), faults)
    gated = shared is not None and shared.gate is not None
    limits = limits_of(written.own, written.module, faults, no_worse=gated)
    unit, keys = limits.unit if limits else "", shared or CheckKeys()
    told = {scope: _params(written, scope, unit, keys, attributes, faults) for scope in scopes}
    params = {scope: each for scope, each in told.items() if each is not None}
    if shared is None or limits is None or not params or len(params) < len(told):
        return None
    _breakable(written, limits, next(iter(params.values())), faults)
    kind = kind_for(written.module, next(iter(params.values())))
    decide_on = _decide_on(written, shared, scopes, kind, faults)
    if kind != "census" and decide_on != "point":
        _provable(written, limits, next(iter(params.values())), decide_on, faults)
    if len(faults.problems) > before:
        return None
    return _spec(check_id, written, shared, limits, params, decide_on)


def _breakable(written: _Written, limits: Limits, told: CheckParams, faults: Faults) -> None:
    """Note a limit beyond all values: it would hold whatever the model does."""
    low, high = range_of(written.module, told)
    for key, limit in (("limit", limits.limit), ("warn", limits.warn)):
        if limit is None or key not in written.own.entries:
            continue
        top, bottom = limit.max, limit.min
        if top is not None and top > high:
            what = f"no value is above {high:g}, so '{key}' {top:g} can never be broken"
            fix = f"write {top / 100:g} for {top:g} %" if high == 1 else "correct it"
            faults.add(written.own.place_of(key), what, fix)
        if bottom is not None and bottom < low:
            what = f"no value is below {low:g}, so '{key}' {bottom:g} can never be broken"
            faults.add(written.own.place_of(key), what, "correct it")


def _spec(
    check_id: str,
    written: _Written,
    shared: CheckKeys,
    limits: Limits,
    params: dict[Scope, CheckParams],
    decide_on: DecideOn,
) -> CheckSpec:
    told = next(iter(params.values()))
    return CheckSpec(
        check=written.name,
        id=check_id,
        scopes=tuple(params),
        limit=limits.limit,
        warn=limits.warn,
        unit=limits.unit,
        regression=limits.regression,
        decide_on=decide_on,
        confidence=told.confidence,
        on_inconclusive=shared.on_inconclusive,
        min_group_size=told.min_group_size,
        unknown=told.unknown,
        max_unknown=told.max_unknown,
        severity=shared.severity,
        clauses=shared.clause,
        asks=shared.asks or "",
        basis=shared.basis,
        if_possible=shared.if_possible,
        enabled=shared.enabled,
        params=params,
        needs=needs_of(written.module, told),
        kind=kind_for(written.module, told),
        value_range=range_of(written.module, told),
        path=written.own.place.path,
        line=written.own.place.line,
    )


def _written(tree: Map, defaults: Map, modules: Modules, faults: Faults) -> _Written | None:
    no_nulls(tree, faults)
    check = tree.get("check")
    if check is None:
        return None
    if not isinstance(check, Scalar) or not isinstance(check.value, str):
        faults.add(check.place, f"'check' must be text, not {kind_of(check)}", "name a check")
        return None
    module = modules.get(check.value, check.place, faults)
    if module is None:
        return None
    fields = {info.alias or name for name, info in module.Params.model_fields.items()}
    params = fields - CheckParams.model_fields.keys()
    own = unknown_keys(tree, _OWN | SHARED | params, faults, where=f"the check '{check.value}'")
    nested = closed(own.only(params), module.Params, faults, where="'Params'")
    for key, value in nested.entries.items():
        own = own.having(key, value)
    inherited = defaults.only(SHARED | {"by"})
    whole = Map({**inherited.entries, **own.entries}, {**defaults.keys, **own.keys}, own.place)
    return _Written(check.value, module, own, whole)


def clauses_of(tree: Map) -> Map:
    """Return a check with its only clause as a list."""
    clause = tree.get("clause")
    if not isinstance(clause, Scalar) or clause.value is None:
        return tree
    return tree.having("clause", Seq((clause,), clause.place))


def _scopes(written: _Written, attributes: tuple[str, ...], faults: Faults) -> tuple[Scope, ...]:
    """Return the scopes: as written, else each attribute for a check of groups, else overall."""
    kind = written.module.SCOPES
    if kind == "overall":
        if "by" in written.own.entries:
            what = f"'{written.name}' looks at all rows together and takes no 'by'"
            faults.add(written.own.key_place("by"), what, "remove it")
        return ((),)
    by = written.whole.get("by")
    if by is not None and not (isinstance(by, Scalar) and by.value is None):
        return tuple(scope for scope, _ in scopes_of(by, faults))
    if kind == "groups" or written.name.startswith("fairness."):
        return tuple((name,) for name in attributes) or ((),)
    return ((),)


def _params(
    written: _Written,
    scope: Scope,
    unit: str,
    shared: CheckKeys,
    attributes: Mapping[str, str | None],
    faults: Faults,
) -> CheckParams | None:
    """Return what the check is told in one scope; what nobody wrote keeps the check's default."""
    tree = written.own.without(*_OWN, *SHARED)
    for key in _TOLD:
        if key in written.whole.entries:
            tree = tree.having(key, written.whole.entries[key])
    place = written.whole.place_of("reference")
    reference = shared.reference
    if reference is None and len(scope) == 1:
        reference = attributes.get(scope[0])
    if reference is not None:
        tree = tree.having("reference", Scalar(reference, place))
    tree = tree.having("by", tree_of(list(scope))).having("unit", Scalar(unit))
    told: CheckParams | None = shape(written.module.Params, tree, faults)
    return told


def _decide_on(
    written: _Written,
    shared: CheckKeys,
    scopes: tuple[Scope, ...],
    kind: str,
    faults: Faults,
) -> DecideOn:
    """Return the rule of decision: as written, else as the kind of check demands."""
    default: DecideOn = getattr(written.module, "DECIDE_ON", "interval")
    if written.name.partition(".")[0] in _POINT_FAMILIES and scopes == ((),):
        default = "point"
    chosen = shared.decide_on or default
    place = written.whole.place_of("decide_on")
    if kind == "census":
        if shared.decide_on not in (None, "point") and "decide_on" in written.own.entries:
            what = f"'{written.name}' counts the given rows, so the count decides"
            faults.add(place, f"{what}, not '{chosen}'", "remove 'decide_on'")
        return "point"
    return chosen


def _provable(
    written: _Written, limits: Limits, told: CheckParams, decide_on: DecideOn, faults: Faults
) -> None:
    """Note a limit at the border of all values, which no interval of a sample stays within."""
    limit, place = limits.limit, written.own.place_of("limit")
    if limit is None:
        return
    if limit.max == 0:
        what = f"'max: 0' on a sample can never hold under 'decide_on: {decide_on}'"
        why = "no sample proves that something never happens"
        faults.add(
            place, f"{what}: {why}", "write a small limit such as 0.01, or `decide_on: point`"
        )
    high = range_of(written.module, told)[1]
    if written.name.endswith("_ratio") and told.reference in (None, "highest", "overall"):
        high = 1.0  # the lowest of all; only compared with one group it may be more
    if limit.min is not None and limit.min >= high:
        what = f"'min: {limit.min:g}' on a sample can never hold under 'decide_on: {decide_on}'"
        faults.add(
            place,
            f"{what}: no value is above {high:g}, and no sample proves that it is reached",
            f"write a limit below {high:g}, such as {0.95 * high:g}, or `decide_on: point`",
        )
