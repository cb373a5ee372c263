"""Which column is what: the answer, what the model said, who a row is about, how much it counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_aipm.starting.shown import share, short
from pytest_aipm.starting.table import Column, Table
from pytest_aipm.starting.words import (
    ANSWER,
    BENEFIT,
    EARLIER,
    HARM,
    IDENTIFIER,
    NUMBER,
    PAIRS,
    PREDICTED,
    SCORED,
    WEIGHT,
    attribute_by_name,
    attribute_by_values,
    has,
    parts,
    plain,
)

Said = Literal["predictions", "scores"]

__all__ = [
    "CLASSES",
    "Guess",
    "dates",
    "find_label",
    "find_said",
    "holds_classes",
    "identifier",
    "two_classes",
    "weights",
]

CLASSES = 20
"""More different values than this are no classes."""
SURE = 50
"""Points below which a column is not proposed as the answer."""


@dataclass(frozen=True)
class Guess:
    """A column, why it was chosen, and whether a person must look at it again."""

    column: str
    why: str
    doubt: bool = False


def two_classes(column: Column) -> bool:
    """Return whether a column has exactly two values."""
    return column.distinct == 2 and column.kind in {"flag", "number", "text"}


def holds_classes(column: Column) -> bool:
    """Return whether a column holds a few classes, not numbers and not texts of all kinds."""
    return column.kind in {"flag", "text", "number"} and 2 <= column.distinct <= CLASSES


def identifier(column: Column) -> bool:
    """Return whether a column tells each row from all others."""
    if column.kind == "text":
        return column.unique
    return column.unique and column.whole and bool(has(column.name, IDENTIFIER))


def weights(table: Table) -> str:
    """Return the column that looks like a sampling weight, else an empty text."""
    return next(
        (
            column.name
            for column in table.columns
            if column.kind == "number" and column.low >= 0 and has(column.name, WEIGHT)
        ),
        "",
    )


def dates(table: Table) -> list[str]:
    """Return the columns that hold dates."""
    return [column.name for column in table.columns if column.kind == "date"]


def find_said(table: Table, label: str | None) -> tuple[Said, Guess] | None:
    """Return what the model said: ``predictions`` or ``scores`` and its column, or None.

    Parameters
    ----------
    table : Table
    label : str or None
        The answer, where a person named it.
    """
    truth = None if label is None else table[label]
    kinds: tuple[tuple[frozenset[str], Said], ...] = (
        (PREDICTED, "predictions"),
        (SCORED, "scores"),
    )
    for words, key in kinds:
        for column in table.columns:
            word = has(column.name, words)
            if not word or column.name == label or column.distinct < 1:
                continue
            kind = key
            if two_classes(column) or (key == "predictions" and _decides(column, truth)):
                kind = "predictions"
            elif column.kind != "number":
                continue
            elif truth is None or holds_classes(truth):
                kind = "scores"
            why = f"its name says '{word}'"
            if kind == "predictions" and key == "scores":
                why += ", and its two values are decisions"
            return kind, Guess(column.name, why)
    return None


def _decides(column: Column, truth: Column | None) -> bool:
    """Return whether a column holds classes that a model chose: one, or those of the label."""
    if column.distinct == 1 or (column.kind == "text" and holds_classes(column)):
        return True
    known = truth is not None and holds_classes(truth) and holds_classes(column)
    return known and set(column.classes) <= set(truth.classes if truth else ())


def find_label(table: Table, said: str | None, taken: Iterable[str] = ()) -> Guess | None:
    """Return the column that most looks like what really happened, or None where none does.

    Parameters
    ----------
    table : Table
    said : str or None
        Column with what the model said: the answer has the same classes.
    taken : iterable of str
        Columns that have another role.
    """
    model = table[said] if said is not None else None
    others = {said, *taken}
    found: list[tuple[int, int, Guess]] = []
    for column in table.columns:
        if column.name in others or not _can_answer(column):
            continue
        points, why = _points(column, model)
        found.append((points, column.place, Guess(column.name, why, points < 2 * SURE - 20)))
    if not found:
        return None
    points, _, best = max(found, key=lambda each: each[:2])
    return best if points >= SURE else None


def _can_answer(column: Column) -> bool:
    if column.kind in {"empty", "date"} or column.distinct < 2 or column.free or identifier(column):
        return False
    if has(column.name, PREDICTED) or has(column.name, SCORED) or has(column.name, WEIGHT):
        return False
    return not (attribute_by_name(column.name) or attribute_by_values(column.classes))


def _points(column: Column, model: Column | None) -> tuple[int, str]:
    """Return how much a column looks like the answer, and why in words."""
    points, why = 0, []
    classes, number = holds_classes(column), column.kind == "number" and not holds_classes(column)
    if word := has(column.name, ANSWER):
        points += 100
        why.append(f"its name says '{word}'")
    elif word := has(column.name, NUMBER if number else HARM | BENEFIT):
        points += 60 if two_classes(column) else 40
        why.append(f"its name says '{word}'")
    named_after = model is not None and _named_after(model.name, column.name)
    if model is not None and named_after:
        points += 100
        why.append(f"'{short(model.name)}' is named after it")
    if two_classes(column):
        points += 30 if _written_as_classes(column) else 20
        why.append("it has two values, " + _shares(column))
    elif classes:
        points += 5
        why.append(f"it has {column.distinct} values")
    if column.last:
        points += 25
        why.append("it is the last column")
    if model is not None and two_classes(model):
        if two_classes(column) and set(model.classes) == set(column.classes):
            points += 40
            why.append(f"it has the classes of '{short(model.name)}'")
        else:
            points -= 40 if two_classes(column) else 100
    if _told_before(column.name) and not named_after:
        points -= 60
    return points, "; ".join(why)


def _named_after(model: str, answer: str) -> bool:
    """Return whether one name is the other with a word for "predicted" or "score"."""
    more = set(parts(model)) - set(parts(answer))
    return set(parts(answer)) < set(parts(model)) and any(
        word in PREDICTED or word in SCORED for word in more
    )


def _told_before(name: str) -> bool:
    return bool(set(parts(name)) & EARLIER) and not has(name, ANSWER)


def _written_as_classes(column: Column) -> bool:
    seen = {plain(value) for value in column.classes}
    return seen == {"1", "2"} or any(seen == set(pair) for pair in PAIRS)


def _shares(column: Column) -> str:
    return " and ".join(_class_shares(column.counts, column.known))


def _class_shares(counts: Sequence[tuple[object, int]], known: int) -> list[str]:
    return [f"{short(value)} ({share(n, known)})" for value, n in counts]
