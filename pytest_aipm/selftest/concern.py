"""Which harm can concern which check: by what the check asks for, and whom it looks at."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from pytest_aipm.errors import MeasurementError
from pytest_aipm.policy.model import CheckSpec
from pytest_aipm.policy.scopes import Scope
from pytest_aipm.selftest.harms import Target
from pytest_aipm.selftest.models import Group
from pytest_aipm.selftest.world import Base

__all__ = ["GROUPS", "every_group", "targets_of"]

BESIDE = frozenset({"data", "governance", "operations"})
"""Families that measure something else than what the model decides: harm to that says nothing."""
GROUPS = 8
"""Most groups of a scope that harm is planted into: the largest and the smallest."""


def targets_of(base: Base, spec: CheckSpec, scope: Scope, *, most: int = GROUPS) -> list[Target]:
    """Return what is planted for one node.

    Parameters
    ----------
    base : Base
    spec : CheckSpec
    scope : tuple of str
        Attributes of the node; empty for all rows.
    most : int
        Most groups to try.
    """
    found = [*_conduct(base, spec, _groups(base, scope, most))] if _concerned(spec) else []
    for name in scope:
        found += [Target("drop", group) for group in _groups(base, (name,), most)]
    if spec.kind != "census":
        found.append(Target("thin"))
    return found


def every_group(base: Base, spec: CheckSpec, *, most: int = GROUPS) -> list[Target]:
    """Return harm to each single group, for a check of all rows that no other harm turned red."""
    names = [attribute.name for attribute in base.subject.attributes]
    groups = [group for name in names for group in _groups(base, (name,), most)]
    if not _concerned(spec):
        return []
    return [target for target in _conduct(base, spec, groups) if target.group]


def _concerned(spec: CheckSpec) -> bool:
    return spec.check.partition(".")[0] not in BESIDE


def _conduct(base: Base, spec: CheckSpec, groups: list[Group]) -> Iterator[Target]:
    needs = spec.needs
    if needs.train:
        if base.evidence.train is not None:
            yield from _leaks(base, asks=needs.model)
        return
    if base.said is None:
        return
    inputs = set(base.evidence.feature_columns())
    columns = {each.name: each.column for each in base.subject.attributes}
    if needs.model:
        # a changed decision says nothing to a check that compares the model with itself
        read = [group for group in groups if {columns[name] for name, _ in group} <= inputs]
        yield from (Target("proxy", group) for group in read if group)
        return
    if not (needs.predictions or needs.scores or needs.rows or needs.losses):
        return
    decided = base.favorable is not None and bool((~base.favorable).any())
    for group in groups:
        if decided:
            yield Target("flip", group)
        if group:
            yield Target("proxy", group)
        if needs.label:
            yield Target("degrade", group)


def _leaks(base: Base, *, asks: bool) -> Iterator[Target]:
    if not asks:
        yield Target("leak", place="rows")
    elif base.evidence.model is not None and base.said is not None:
        yield Target("leak", place="model")


def _groups(base: Base, scope: Scope, most: int) -> list[Group]:
    """Return the groups of a scope, the largest first; all rows are the group of no scope."""
    if not scope:
        return [()]
    try:
        levels = pd.DataFrame({name: _levels(base, name) for name in scope})
    except MeasurementError:
        return []  # the check itself says what is wrong with the attribute
    sizes = (
        levels.groupby(list(scope), sort=True).size().sort_values(ascending=False, kind="stable")
    )
    groups = [tuple(zip(scope, _key(key), strict=True)) for key in sizes.index]
    if len(groups) <= most:
        return groups
    half = most // 2
    return [*groups[: most - half], *groups[len(groups) - half :]]


def _key(key: object) -> tuple[str, ...]:
    return key if isinstance(key, tuple) else (str(key),)


def _levels(base: Base, name: str) -> np.ndarray:
    """Return each row's group, None where it is unknown."""
    attribute = base.subject.attribute(name)
    codes, names = attribute.encode(base.frame[attribute.column])
    attribute.refuse_crowd((each for each in names if each), base.subject.path)
    levels: np.ndarray = np.array(names, dtype=object)[codes]
    return levels
