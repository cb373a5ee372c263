"""Weights and repeated people: columns that have no other role."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_aipm.policy.grammar import SubjectSpec
from pytest_aipm.policy.tree import Faults, Map, Place

__all__ = ["weighting", "weighting_words"]


def weighting(subject: SubjectSpec, tree: Map, faults: Faults) -> None:
    """Note a column of weights or of people that is something else, too."""
    for key, column, place in _columns(subject, tree):
        for other in _roles(subject, key):
            if column == other[1]:
                what = f"'{key}' and '{other[0]}' are the same column"
                faults.add(place, what, _FIX[key])
        for i, name in enumerate(subject.features or ()):
            if name == column:
                what = f"'features' lists the column of '{key}', '{name}'"
                fix = "a model that is given it is audited with a copy of the column"
                faults.add(tree.place_of("features", i), what, fix)


_FIX = {
    "weights": "name the column that says how many people a row stands for",
    "cluster": "name the column that says whose row it is",
}


def _columns(subject: SubjectSpec, tree: Map) -> Iterator[tuple[str, str, Place]]:
    if subject.weights is not None:
        yield "weights", subject.weights.column, tree.place_of("weights", "column")
    if subject.cluster is not None:
        yield "cluster", subject.cluster, tree.place_of("cluster")


def _roles(subject: SubjectSpec, key: str) -> Iterator[tuple[str, str | None]]:
    """Yield the other columns of the subject; a row's id may well say whose row it is."""
    for role in ("label", "predictions", "scores", "date"):
        column = getattr(subject, role)
        columns = column.values() if isinstance(column, dict) else (column,)
        yield from ((role, each) for each in columns)
    if subject.champion is not None:
        yield "champion", subject.champion.predictions
        yield "champion", subject.champion.scores
    for name, spec in subject.protected.items():
        if spec.file is None:
            yield f"protected.{name}", spec.column or name
    if key == "weights":
        yield "id", subject.id
        yield "cluster", subject.cluster


def weighting_words(subject: SubjectSpec) -> str:
    """Return how weights and repeated people are read; empty without either.

    A weight that is read as the wrong kind widens or narrows every interval without a sound.
    """
    said = []
    if subject.weights is not None:
        column = subject.weights.column
        if subject.weights.kind == "sampling":
            said.append(
                f"column '{column}' holds sampling weights: a row is one person, who stands for "
                "that many (`kind: frequency` would count them)"
            )
            if subject.decision is not None and subject.decision.top_k is not None:
                said.append("the share that is decided for is one of all weight")
        else:
            said.append(
                f"column '{column}' holds frequencies: a row counts as that many rows "
                "(`kind: sampling` would let one person stand for them)"
            )
    if subject.cluster is not None:
        said.append(f"rows with the same '{subject.cluster}' are of one person")
    decision = subject.decision
    if decision is not None and decision.within is not None and subject.cluster is None:
        said.append(
            f"rows of one '{decision.within}' depend on each other, so each counts as one source "
            "of evidence"
        )
    return "".join(f"; {each}" for each in said)
