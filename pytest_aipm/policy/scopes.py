"""The groups a check looks at: what stands behind ``by:``."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_aipm.policy.ids import scope_id
from pytest_aipm.policy.tree import Faults, Place, Scalar, Seq, Tree
from pytest_aipm.policy.words import did_you_mean, kind_of

__all__ = ["Scope", "scopes_of", "undeclared"]

Scope = tuple[str, ...]


def scopes_of(tree: Tree, faults: Faults) -> tuple[tuple[Scope, Place], ...]:
    """Return each scope with its place.

    ``sex`` is one scope, ``[sex, race]`` are two, ``[[sex, race]]`` is their intersection.
    """
    items = tree.items if isinstance(tree, Seq) else (tree,)
    if not items:
        fix = "name an attribute, or remove the key"
        faults.add(tree.place, "'by' is empty", fix)
    found: dict[Scope, Place] = {}
    for item in items:
        scope = _scope(item, faults)
        if scope is not None and not _is_taken(scope, item.place, found, faults):
            found[scope] = item.place
    return tuple(found.items())


def _scope(tree: Tree, faults: Faults) -> Scope | None:
    parts = tree.items if isinstance(tree, Seq) else (tree,)
    names: list[str] = []
    for part in parts:
        if not isinstance(part, Scalar) or not isinstance(part.value, str):
            what = f"an attribute in 'by' must be text, not {kind_of(part)}"
            faults.add(part.place, what, "name a key of subject.protected, in quotes if need be")
            return None
        if part.value in names:
            what = f"the intersection names '{part.value}' twice"
            faults.add(part.place, what, "name each attribute once")
            return None
        names.append(part.value)
    if not names:
        faults.add(tree.place, "an empty intersection in 'by'", "remove it")
        return None
    return tuple(names)


def _is_taken(scope: Scope, place: Place, found: dict[Scope, Place], faults: Faults) -> bool:
    """Note a scope that is there already, or whose id is."""
    for other, first in found.items():
        if set(other) == set(scope):
            what = f"the scope '{scope_id(scope)}' is there twice"
            faults.add(place, f"{what}, first as '{scope_id(other)}'{_line(first)}", "remove one")
            return True
        if scope_id(other) == scope_id(scope):
            what = f"two scopes would share the id '{scope_id(scope)}'"
            faults.add(place, what, "rename the attribute that holds '-x-'")
            return True
    return False


def _line(place: Place) -> str:
    return f" in line {place.line}" if place.line else ""


def undeclared(
    scopes: Sequence[tuple[Scope, Place]], attributes: Sequence[str], faults: Faults
) -> None:
    """Note every attribute that the subject does not declare."""
    for scope, place in scopes:
        for name in scope:
            if name not in attributes:
                listed = [part.strip() for part in name.split(",")]
                fix = did_you_mean(name, attributes) if attributes else "add it there"
                if len(listed) > 1 and set(listed) <= set(attributes):
                    fix = f"write `by: [{', '.join(listed)}]`"
                what = f"the attribute '{name}' is not declared in subject.protected"
                faults.add(place, what, fix)
