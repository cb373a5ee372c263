"""Where a policy asks for less than the files it extends, and who answers for that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pytest_aipm.checks.base import CheckParams
from pytest_aipm.policy.grammar import Override
from pytest_aipm.policy.ids import scope_id
from pytest_aipm.policy.layers import Layer
from pytest_aipm.policy.model import CheckSpec
from pytest_aipm.policy.rules import Modules, build_check
from pytest_aipm.policy.tree import Faults, Map, Place
from pytest_aipm.policy.words import closed, kind_of, no_nulls, shape
from pytest_aipm.records import NO_WORSE, Limit, Loosening

__all__ = ["Change", "changes", "loosenings"]

_STRICT = {
    "severity": ("advice", "error"),
    "on_inconclusive": ("warn", "fail"),
    "unknown": ("report", "group", "fail"),
}
"""Values from lax to strict."""

_SIZES = (("confidence", -1), ("min_group_size", 1), ("max_unknown", 1))
"""Numbers, and the sign of a change that loosens."""


_JUDGED = CheckParams.model_fields.keys() - {"reference"}
"""Parameters that are compared by other rules, or are none of the policy's."""


@dataclass(frozen=True)
class Change:
    """One difference between a check and the same check of a base.

    ``loosens`` is false for another rule that is neither stricter nor laxer; it is listed, and
    needs nobody's word.
    """

    key: str
    what: str
    loosens: bool = True


def changes(old: CheckSpec, new: CheckSpec) -> Iterator[Change]:
    """Yield where `new` asks for less than `old`, or by another rule."""
    if not old.enabled:
        return
    if not new.enabled:
        yield Change("enabled", "disabled")
        return
    if old.check != new.check:
        yield Change("check", f"check from {old.check} to {new.check}")
        return
    yield from _limits(old, new)
    yield from _regression(old, new)
    yield from _decide_on(old, new)
    for key, sign in _SIZES:
        was, now = getattr(old, key), getattr(new, key)
        if (now - was) * sign > 0:
            yield Change(key, f"{key} from {was:g} to {now:g}")
    for key, order in _STRICT.items():
        was, now = getattr(old, key), getattr(new, key)
        if order.index(now) < order.index(was):
            yield Change(key, f"{key} from {was} to {now}")
    if new.if_possible and not old.if_possible:
        yield Change("if_possible", "if_possible: the check may be left out")
    yield from _scopes(old, new)
    yield from _params(old, new)


def _limits(old: CheckSpec, new: CheckSpec) -> Iterator[Change]:
    for key in ("limit", "warn"):
        was: Limit | None = getattr(old, key)
        now: Limit | None = getattr(new, key)
        if was is None:
            continue
        if now is None:
            yield Change(key, f"{key} removed")
        elif old.unit != new.unit:
            yield Change(key, f"{key} in {new.unit or 'its own unit'} instead of {_unit(old)}")
        else:
            yield from _ends(key, was, now)


def _unit(spec: CheckSpec) -> str:
    return spec.unit or "its own unit"


def _ends(key: str, was: Limit, now: Limit) -> Iterator[Change]:
    for end, sign in (("min", -1), ("max", 1)):
        before, after = getattr(was, end), getattr(now, end)
        if before is None:
            continue
        if after is None:
            yield Change(key, f"{key} {end} {before:g} removed")
        elif (after - before) * sign > 0:
            yield Change(key, f"{key} {end} from {before:g} to {after:g}")


def _regression(old: CheckSpec, new: CheckSpec) -> Iterator[Change]:
    if old.regression is None:
        return
    if new.regression is None:
        yield Change("regression", "regression removed")
        return
    for key in ("max_change", "max_total_change"):
        was, now = getattr(old.regression, key), getattr(new.regression, key)
        if was is not None and now is None:
            replaced = key == "max_change" and new.regression.no_worse
            what = f"{key} {was:g} replaced by gate: no-worse" if replaced else f"{key} removed"
            yield Change("gate" if replaced else "regression", what)
        elif was is not None and now > was:
            yield Change("regression", f"{key} from {was:g} to {now:g}")
    if old.regression.no_worse and not new.regression.no_worse:
        allowed = new.regression.max_change
        if allowed is None:
            yield Change("gate", "gate: no-worse removed")
        elif allowed > NO_WORSE:
            yield Change("regression", f"gate: no-worse replaced by max_change {allowed:g}")


def _decide_on(old: CheckSpec, new: CheckSpec) -> Iterator[Change]:
    """Yield another rule of decision. Only proof asks for all that another rule does.

    The interval leaves open what the point fails, and the point passes what the interval leaves
    open. Where what is left open fails as well, the interval asks for all that the point does.
    """
    if new.decide_on not in (old.decide_on, "proof"):
        what = f"decide_on from {old.decide_on} to {new.decide_on}"
        fails_open = old.decide_on == "point" and new.on_inconclusive == "fail"
        yield Change("decide_on", what, loosens=not fails_open)


def _scopes(old: CheckSpec, new: CheckSpec) -> Iterator[Change]:
    kept = {frozenset(scope) for scope in new.scopes}
    lost = [scope_id(scope) for scope in old.scopes if frozenset(scope) not in kept]
    if lost:
        yield Change("by", f"by without {', '.join(lost)}")


def _params(old: CheckSpec, new: CheckSpec) -> Iterator[Change]:
    """Yield changes of the check's own keys: another question, neither stricter nor laxer."""
    told = {frozenset(scope): params for scope, params in old.params.items()}
    for scope, now in new.params.items():
        was = told.get(frozenset(scope))
        for key in sorted(type(now).model_fields.keys() - _JUDGED) if was is not None else ():
            before, after = getattr(was, key), getattr(now, key)
            if before != after:
                # fewer groups are compared
                loosens = key == "min_share" and (after or 0) > (before or 0)
                yield Change(key, f"{key} from {before} to {after}", loosens=loosens)


def loosenings(
    layer: Layer, attributes: Mapping[str, str | None], modules: Modules, faults: Faults
) -> tuple[Loosening, ...]:
    """Return what each file loosens of its bases; one without `override` is noted.

    A file is compared with every base it names, so that a lax base after a strict one counts too.
    """
    found: dict[tuple[str, str], Loosening] = {}
    for upper in layer.walk():
        for base, place in upper.bases:
            for check_id, old, new in _pairs(base, upper, attributes, modules):
                for change in changes(old, new):
                    said = _answered(change, check_id, upper, (base, place), faults)
                    what = said.what if upper is layer else f"{said.what} (in {upper.source.path})"
                    loosened = said.model_copy(update={"what": what})
                    found.setdefault((check_id, what), loosened)
        _overrides(upper, faults)
    return tuple(found.values())


def _pairs(
    base: Layer, upper: Layer, attributes: Mapping[str, str | None], modules: Modules
) -> Iterator[tuple[str, CheckSpec, CheckSpec]]:
    """Yield each check of a base, as the base has it and as the file above has it."""
    before, after = (layer.top.submap("defaults") for layer in (base, upper))
    protected = base.top.submap("subject").submap("protected")
    # a base that declares attributes of its own meant all of those
    meant = {key: protected.submap(key).text("reference") for key in protected.entries}
    for check_id, tree in base.checks.items():
        above = upper.checks[check_id]
        old = build_check(check_id, tree, before, meant or attributes, modules, Faults())
        new = build_check(check_id, above, after, attributes, modules, Faults())
        if old is not None and new is not None:
            yield check_id, old, new


def _answered(
    change: Change, check_id: str, upper: Layer, base: tuple[Layer, Place], faults: Faults
) -> Loosening:
    """Return the loosening with the reason the file gives; note that there is none."""
    own = upper.own.get(check_id, Map())
    defaults = upper.source.tree.submap("defaults")
    by_default = change.key in defaults.entries and change.key not in own.entries
    speaker = defaults if by_default and "override" not in own.entries else own
    place = base[1]
    if change.key in speaker.entries:
        place = speaker.key_place(change.key)
    elif own.entries:
        place = own.place
    if change.loosens and "override" not in speaker.entries:
        what = f"'{check_id}' asks for less than {base[0].source.path}: {change.what}"
        where = "'defaults'" if speaker is defaults else f"the check '{check_id}' here"
        faults.add(place, what, f"add `override: {{reason, owner}}` to {where}")
    override = _override(speaker, Faults())
    return Loosening(
        check_id=check_id,
        what=change.what,
        reason=override.reason if override else "",
        owner=override.owner if override else "",
        line=place.line,
    )


def _overrides(layer: Layer, faults: Faults) -> None:
    for tree in (layer.source.tree.submap("defaults"), *layer.own.values()):
        if "override" in tree.entries and not layer.bases and "extends" not in layer.top.entries:
            what = "'override' answers for nothing: this file extends no other"
            faults.add(tree.key_place("override"), what, "remove it")
        _override(tree, faults)


def _override(tree: Map, faults: Faults) -> Override | None:
    value = tree.get("override")
    if value is None:
        return None
    if not isinstance(value, Map):
        what = f"'override' must be a mapping, not {kind_of(value)}"
        faults.add(tree.key_place("override"), what, "write `override: {reason: ..., owner: ...}`")
        return None
    no_nulls(value, faults)
    return shape(Override, closed(value, Override, faults, where="'override'"), faults)
