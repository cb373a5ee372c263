"""``aipm validate --resolved``: every value that a policy ends up with, and where it comes from.

The text parses as YAML again. Behind each value stands its origin: ``file:line`` or
``pack:NAME:line``; with ``(defaults)`` when it stands there for all checks; or whose default it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from pytest_aipm.auditing.settings import Settings
from pytest_aipm.checks.base import CheckParams
from pytest_aipm.commands.ini import read_ini
from pytest_aipm.policy.grammar import INTERNAL, CheckKeys
from pytest_aipm.policy.limits import ends_of
from pytest_aipm.policy.model import CheckSpec, Policy
from pytest_aipm.policy.rules import Checks
from pytest_aipm.policy.shorthand import written_out
from pytest_aipm.policy.tree import Faults, Map, Place, Scalar, Seq
from pytest_aipm.policy.values import plain_scalar
from pytest_aipm.records import Limit

__all__ = ["Line", "aligned", "flow", "resolved", "settings_lines"]

DEFAULT, OF_CHECK = "default", "default of the check"
LONG = 60
"""Longer texts are cut, longer lists show their first items."""
COLUMN = 48
"""Where origins stand, unless a line is longer."""


@dataclass(frozen=True)
class Line:
    """One key: how deep it stands, what is written, and where that comes from."""

    depth: int
    text: str
    origin: str = ""


def aligned(lines: Sequence[Line]) -> Iterator[str]:
    """Yield lines with their origins below each other."""
    for line in lines:
        text = "  " * line.depth + line.text
        yield f"{text:<{COLUMN}}  # {line.origin}" if line.origin else text


def resolved(policy: Policy, catalog: Checks) -> Iterator[Line]:
    """Yield a policy as it is in force, after `extends`, defaults and shorthand.

    Parameters
    ----------
    policy : Policy
    catalog : Catalog
        Its checks say which defaults are their own.
    """
    tree = policy.tree
    yield Line(0, f"# {policy.path}" + "".join(f" < {each}" for each in reversed(policy.extends)))
    for key in ("aipm", "name", "extends"):
        if key in tree.entries:
            yield _written(0, key, tree)
    yield Line(0, "context:")
    context = tree.submap("context")
    for key in context.entries:
        yield _written(1, key, context)
    yield Line(0, "subject:")
    subject = written_out(tree.submap("subject"), Faults())
    yield from _model(1, policy.subject, subject, policy)
    yield Line(0, "publish:")
    yield from _model(1, policy.publish, tree.submap("publish"), policy)
    yield Line(0, "checks:")
    for spec in policy.checks:
        yield from _check(spec, policy, catalog.load(spec.check))


def _written(depth: int, key: str, tree: Map) -> Line:
    return Line(depth, f"{flow(key)}: {flow(tree.entries[key])}", _place(tree.key_place(key)))


def _place(place: Place) -> str:
    return f"{place.path}:{place.line}" if place.line else place.path


# the subject


def _model(depth: int, model: BaseModel, tree: Map, policy: Policy) -> Iterator[Line]:
    """Yield the keys of a part that have a value."""
    for key in type(model).model_fields:
        value = getattr(model, key)
        if value in (None, (), {}) or key in INTERNAL:
            continue
        below = tree.submap(key)
        if isinstance(value, BaseModel):
            yield Line(depth, f"{key}:")
            yield from _model(depth + 1, value, below, policy)
        elif isinstance(value, Mapping):
            yield Line(depth, f"{key}:")
            for name, each in value.items():
                yield Line(depth + 1, f"{flow(name)}:")
                yield from _model(depth + 2, each, below.submap(name), policy)
        else:
            told = _place(tree.key_place(key)) if key in tree.entries else _implied(key)
            yield Line(depth, f"{key}: {flow(value)}", told)


def _implied(key: str) -> str:
    """Return whose default a value of the subject is."""
    why = {
        "column": "the attribute's name",
        "positive": "as 'favorable'",
        "favorable": "as 'positive'",
        "favorable_when": "as 'positive' and 'favorable' say",
    }.get(key)
    return f"{DEFAULT}: {why}" if why else DEFAULT


# checks


def _check(spec: CheckSpec, policy: Policy, module: ModuleType) -> Iterator[Line]:
    own = policy.tree.submap("checks").submap(spec.id)
    named = _origin("id", own, Map()) or f"{DEFAULT}: the check's name"
    yield Line(1, f"- id: {flow(spec.id)}", named)
    yield Line(2, f"check: {spec.check}", _origin("check", own, Map()))
    defaults = policy.tree.submap("defaults")
    if spec.scopes != ((),):
        scopes = [scope[0] if len(scope) == 1 else list(scope) for scope in spec.scopes]
        told = _origin("by", own, defaults) or f"{DEFAULT}: every protected attribute"
        yield Line(2, f"by: {flow(scopes)}", told)
    for key, limit in (("limit", spec.limit), ("warn", spec.warn)):
        yield from _limit(key, limit, spec.unit, own)
    yield from _regression(spec, own)
    for key in CheckKeys.model_fields:
        yield from _shared(key, spec, policy, module)
    yield from _params(spec, own)
    yield from _loosened(spec, policy)


def _origin(key: str, own: Map, defaults: Map) -> str:
    """Return where a key of a check is written; empty when it is written nowhere."""
    if _has(own, key):
        return _place(own.key_place(key))
    return f"{_place(defaults.key_place(key))} (defaults)" if _has(defaults, key) else ""


def _has(tree: Map, key: str) -> bool:
    value = tree.get(key)
    return value is not None and not (isinstance(value, Scalar) and value.value is None)


def _limit(key: str, limit: Limit | None, unit: str, own: Map) -> Iterator[Line]:
    if limit is None:
        return
    yield Line(2, f"{key}:")
    for name, (end, _) in ends_of((unit,)).items():
        value = getattr(limit, end)
        if value is not None:
            told = _origin(name, own.submap(key), Map()) or OF_CHECK
            yield Line(3, f"{name}: {flow(value)}", told)


def _regression(spec: CheckSpec, own: Map) -> Iterator[Line]:
    if spec.regression is None:
        return
    written = own.submap("regression")
    ends = [key for key in ("max_change", "max_total_change") if _has(written, key)]
    if ends:
        yield Line(2, "regression:")
    for key in ends:
        value = getattr(spec.regression, key)
        yield Line(3, f"{key}: {flow(value)}", _origin(key, written, Map()))


def _shared(key: str, spec: CheckSpec, policy: Policy, module: ModuleType) -> Iterator[Line]:
    """Yield one of the keys that every check takes, where it has a value."""
    value = _value(key, spec)
    if value in (None, (), [], ""):
        return
    own, defaults = policy.tree.submap("checks").submap(spec.id), policy.tree.submap("defaults")
    told = _origin(key, own, defaults) or _default(key, spec, policy, module)
    if key == "enabled" and spec.inapplicable:
        told = f"if_possible: {spec.inapplicable}"
    if key == "decide_on" and spec.kind == "census":
        told = f"{DEFAULT}: a count decides by itself"
    yield Line(2, f"{key}: {flow(value)}", told)


def _value(key: str, spec: CheckSpec) -> Any:
    if key == "clause":
        return list(spec.clauses)
    if key == "gate":
        return "no-worse" if spec.regression is not None and spec.regression.no_worse else None
    if key == "reference":
        named = [params.reference for params in spec.params.values()]
        return named[0] if len(set(named)) == 1 else named
    return getattr(spec, key)


def _default(key: str, spec: CheckSpec, policy: Policy, module: ModuleType) -> str:
    """Return whose default a shared key of a check is."""
    if key == "decide_on":
        if spec.decide_on == getattr(module, "DECIDE_ON", None):
            return OF_CHECK
        family = spec.check.partition(".")[0]
        return DEFAULT if spec.decide_on == "interval" else f"{DEFAULT} of {family} without groups"
    if key == "reference":
        attributes = written_out(policy.tree.submap("subject"), Faults()).submap("protected")
        places = [
            _origin("reference", attributes.submap(scope[0]), Map())
            for scope in spec.scopes
            if len(scope) == 1
        ]
        return ", ".join(filter(None, places)) or OF_CHECK
    field = module.Params.model_fields.get(key)
    known = CheckParams.model_fields.get(key)
    of_check = field is not None and known is not None and field.default != known.default
    return OF_CHECK if of_check else DEFAULT


def _params(spec: CheckSpec, own: Map) -> Iterator[Line]:
    """Yield the check's own parameters; they are the same in every scope."""
    told = next(iter(spec.params.values()))
    for name, field in type(told).model_fields.items():
        value, key = getattr(told, name), field.alias or name
        if name in CheckParams.model_fields or value in (None, (), {}, []):
            continue
        plain = told.model_dump(mode="json", include={name})[name]
        yield Line(2, f"{key}: {flow(plain)}", _origin(key, own, Map()) or OF_CHECK)


def _loosened(spec: CheckSpec, policy: Policy) -> Iterator[Line]:
    """Yield where a check asks for less than its base, and who answers for that."""
    listed = [each for each in policy.loosened if each.check_id == spec.id]
    if listed:
        yield Line(2, "other_than_its_base:")
    for each in listed:
        yield Line(3, f"- what: {flow(each.what)}")
        for key, text in (("reason", each.reason), ("owner", each.owner)):
            if text:
                yield Line(4, f"{key}: {flow(text)}")


# beside the policies


def settings_lines(settings: Settings, paths: Sequence[str]) -> Iterator[Line]:
    """Yield what the run takes from the project's configuration.

    Parameters
    ----------
    settings : Settings
    paths : sequence of str
        Policies named on the command line.
    """
    ini = read_ini(settings.root)
    yield Line(0, "run:")
    for key, name in (
        ("policies", "aipm_policies"),
        ("packs", "aipm_packs"),
        ("waivers", "aipm_waivers"),
        ("sign_offs", "aipm_sign_offs"),
        ("baseline", "aipm_baseline"),
        ("report", "aipm_report"),
        ("exports", "aipm_exports"),
        ("first_baseline", "aipm_first_baseline"),
    ):
        value = getattr(settings, key)
        if value is None:
            continue
        if key == "policies":
            value = [settings.shown(each) for each in value]
        told = f"{ini.path}: {name}" if ini.has(name) else DEFAULT
        if key == "policies" and paths:
            told = "command line"
        yield Line(
            1, f"{key}: {flow(settings.shown(value) if isinstance(value, Path) else value)}", told
        )


# values


def flow(value: Any) -> str:
    """Return a value as YAML on one line, shortened where it is long."""
    if isinstance(value, Scalar | Seq | Map):
        value = value.plain()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(key)}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        shown: list[str] = []
        for each in value:
            if len(", ".join([*shown, flow(each)])) > LONG and shown:
                shown.append(plain_scalar(f"… {len(value) - len(shown)} more"))
                break
            shown.append(flow(each))
        return f"[{', '.join(shown)}]"
    if isinstance(value, str):
        words = " ".join(value.split())
        return plain_scalar(words if len(words) <= LONG else f"{words[: LONG - 1]}…")
    return plain_scalar(value)
