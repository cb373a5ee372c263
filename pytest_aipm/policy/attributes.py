"""Protected attributes: names that fit node ids, bins and groups that fit each other."""

from __future__ import annotations

from pytest_aipm.policy.grammar import KEYWORDS, ProtectedSpec, SubjectSpec
from pytest_aipm.policy.ids import OVERALL, is_id
from pytest_aipm.policy.tree import Faults, Map
from pytest_aipm.policy.words import did_you_mean

__all__ = ["attribute_names", "attributes"]


def attribute_names(protected: Map, faults: Faults) -> None:
    """Note every name that cannot stand in a node id."""
    for name in protected.entries:
        if name == OVERALL:
            what = f"an attribute cannot be called '{OVERALL}'"
            faults.add(protected.key_place(name), what, "that is the scope without groups")
        elif not is_id(name):
            what = f"an attribute's name is part of node ids and cannot be '{name[:60]}'"
            fix = f"write `short-name: {{column: '{name[:60]}'}}`"
            faults.add(protected.key_place(name), what, fix)


def attributes(subject: SubjectSpec, tree: Map, faults: Faults) -> None:
    """Note keys of an attribute that contradict each other."""
    for name, spec in subject.protected.items():
        written = tree.submap("protected").submap(name)
        _column(name, spec, subject, written, faults)
        _attribute(name, spec, subject, written, faults)


def _column(
    name: str, spec: ProtectedSpec, subject: SubjectSpec, tree: Map, faults: Faults
) -> None:
    """Note an attribute whose groups would be the outcome itself."""
    for role in ("label", "predictions"):
        if spec.file is None and (spec.column or name) == getattr(subject, role):
            what = f"the attribute '{name}' and '{role}' are the same column"
            faults.add(tree.place_of("column"), what, "name the column that holds the groups")


def _attribute(
    name: str, spec: ProtectedSpec, subject: SubjectSpec, tree: Map, faults: Faults
) -> None:
    def note(key: str, what: str, fix: str) -> None:
        faults.add(tree.key_place(key), what, fix)

    if spec.file is not None and spec.key is None and subject.id is None:
        what = f"'file' of '{name}' has no column to join by"
        note("file", what, "name it as 'key', or as 'id' of the subject")
    if spec.key is not None and spec.file is None:
        note("key", f"'key' of '{name}' has no 'file' to look into", "add 'file' or remove 'key'")
    if spec.labels and not spec.bins:
        note(
            "labels", f"'labels' of '{name}' name intervals, but there are no 'bins'", "add 'bins'"
        )
    elif spec.labels and len(spec.labels) != len(spec.bins) + 1:
        what = (
            f"{len(spec.bins)} 'bins' make {len(spec.bins) + 1} intervals, not {len(spec.labels)}"
        )
        note("labels", what, "name each interval once")
    if spec.optional and not spec.groups:
        note("optional", f"'optional' of '{name}' without 'groups'", "declare the 'groups'")
    if spec.bins and not spec.labels:
        for key in ("groups", "reference"):
            value = getattr(spec, key)
            if value and value not in KEYWORDS:
                note(key, f"'{key}' of '{name}' names intervals that have no name", "add 'labels'")
        return
    _named_groups(spec, tree, faults)


def _named_groups(spec: ProtectedSpec, tree: Map, faults: Faults) -> None:
    """Note a group that is not among those it should be one of."""

    def among(key: str, values: tuple[str, ...], list_key: str) -> None:
        known = getattr(spec, list_key)
        for i, value in enumerate(values):
            if known and value not in known:
                what = f"the group '{value}' is none of '{list_key}'"
                faults.add(tree.place_of(key, i), what, did_you_mean(value, known))

    among("groups", spec.groups, "labels")
    among("optional", spec.optional, "groups")
    if spec.reference is not None and spec.reference not in KEYWORDS:
        among("reference", (spec.reference,), "groups" if spec.groups else "labels")
