"""What is audited, in the terms evidence needs: columns, classes, decision rule, attributes."""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.sources.spec import Where

__all__ = ["UNKNOWN", "Attribute", "Classes", "Decision", "Subject", "class_name", "group_name"]

UNKNOWN = "(unknown)"
EMPTY = "(empty)"

LONGEST = 80
"""Letters of a class's name, which stands in sentences, titles and formulas."""

MAX_LEVELS = 200
"""More values than this are an identifier, not a protected attribute."""
CROWD = f"(one of more than {MAX_LEVELS})"
"""Stands for every value of an identifier, so that it costs no more memory than a group."""


@dataclass(frozen=True)
class Attribute:
    """A protected attribute: where its values are and what its groups are called.

    Attributes
    ----------
    name, column : str
        Name in the policy and column in the data.
    bins : tuple of float
        Left-closed cut points for a numeric column: ``x < bins[0]``, ``bins[0] <= x < bins[1]``,
        and so on.
    labels : tuple of str
        Names of the ``len(bins) + 1`` intervals.
    groups : tuple of str
        Groups that must occur; empty when none were declared.
    optional : tuple of str
        Declared groups that may be absent.
    reference : str or None
        Default comparator for this attribute.
    line : int or None
        Line of the policy that declares it.
    """

    name: str
    column: str
    bins: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    reference: str | None = None
    line: int | None = None

    def names(self) -> tuple[str, ...]:
        """Return the names of the intervals of a binned attribute."""
        if self.labels or not self.bins:
            return self.labels
        edges = [group_name(edge) for edge in self.bins]
        inner = [f"{lo} to <{hi}" for lo, hi in itertools.pairwise(edges)]
        return (f"<{edges[0]}", *inner, f">={edges[-1]}")

    def encode(self, column: pd.Series[Any]) -> tuple[np.ndarray, list[str | None]]:
        """Return each row's code and the codes' group names; None is unknown.

        Parameters
        ----------
        column : Series of shape (n,)
            Raw values.

        Returns
        -------
        codes : int array of shape (n,)
        names : list of str or None
            ``names[code]`` is the group's name; each name once, None last.

        Raises
        ------
        DataError
            When a binned column is not numeric, or values are no single values.
        """
        if self.bins:
            return self._encode_bins(column)
        try:
            raw, uniques = _told_apart(column)
        except TypeError:
            what = f"attribute {self.name!r} (column {self.column!r}) holds lists or mappings"
            raise DataError(Problem(what, "name a column with one group a row")) from None
        known = (
            [CROWD] * len(uniques)
            if len(uniques) > MAX_LEVELS
            else [group_name(value) for value in uniques]
        )
        # values that read the same, such as 1 and "1", are one group
        place = {name: i for i, name in enumerate(dict.fromkeys(known))}
        if len(place) == len(known):
            if not len(raw) or raw.min() >= 0:
                return raw, [*place, None]
            return np.where(raw < 0, np.int32(len(place)), raw), [*place, None]
        told = np.array([*(place[name] for name in known), len(place)], dtype=np.int32)
        return told[raw], [*place, None]

    def _encode_bins(self, column: pd.Series[Any]) -> tuple[np.ndarray, list[str | None]]:
        try:
            values = pd.to_numeric(column).to_numpy(dtype=float, na_value=math.nan)
        except (TypeError, ValueError):
            raise DataError(
                Problem(
                    f"attribute {self.name!r} has bins, but column {self.column!r} is not numeric",
                    "remove the bins or name a numeric column",
                )
            ) from None
        names: list[str | None] = [*self.names(), None]
        codes = np.searchsorted(np.asarray(self.bins), values, side="right")
        return np.where(np.isnan(values), len(names) - 1, codes).astype(np.int32), names

    def refuse_crowd(self, levels: Iterable[str], path: str) -> None:
        """Raise DataError when an attribute has more values than groups of people have."""
        found = set(levels)
        if CROWD not in found and len(found) <= MAX_LEVELS:
            return
        raise DataError(
            Problem(
                f"attribute {self.name!r} (column {self.column!r}) has more than {MAX_LEVELS} "
                "values; those are no groups",
                "declare `bins:` for a number, or name a column that holds groups",
                path=path,
                line=self.line,
            )
        )


@dataclass(frozen=True)
class Decision:
    """How a score becomes a decision.

    Attributes
    ----------
    threshold : float or None
        The favorable decision is taken from (``above``) or below (``below``) this score.
    favorable_when : {"above", "below"}
        ``above`` means ``score >= threshold``.
    top_k : float or None
        How many rows, by score, get the favorable decision: below 1 a share of them, else so many.
        Replaces the threshold.
    within : str or None
        Column that says among which rows: each of its values chooses its own.
    """

    threshold: float | None
    favorable_when: Literal["above", "below"]
    top_k: float | None = None
    within: str | None = None


@dataclass(frozen=True)
class Classes:
    """Some classes of a multiclass task, taken together against the rest."""

    values: tuple[Any, ...]

    def __str__(self) -> str:
        """Return them as a reader names them: ``gold or silver``."""
        names = [class_name(value) for value in self.values]
        return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


@dataclass(frozen=True)
class Subject:
    """One audited model on one data set.

    ``positive`` is the class the score predicts; ``favorable`` the decision that benefits a
    person. ``predictions`` and ``scores`` name columns when there is no model. Of a multiclass
    task both are the same `Classes`, against the rest, or None.
    """

    task: Literal["binary", "multiclass", "regression", "ranking"]
    label: str | None = None
    positive: object = None
    favorable: object = None
    decision: Decision | None = None
    predictions: str | None = None
    scores: str | None = None
    class_scores: tuple[tuple[str, str], ...] = ()
    """Name of each class of a multiclass task, and the column of its scores."""
    attributes: tuple[Attribute, ...] = ()
    features: tuple[str, ...] | None = None
    champion_predictions: str | None = None
    champion_scores: str | None = None
    weights: str | None = None
    """Column of sampling weights; rows that count several people are written out before."""
    cluster: str | None = None
    """Column that says whose row it is, where people have several, or what it is ranked within."""
    id: str | None = None
    date: str | None = None
    """Column of the day a row is of."""
    path: str = ""
    others: tuple[str, ...] = ()
    places: Mapping[str, tuple[str, int | None]] = field(default_factory=dict)
    """File and line of the policy where a key of the subject is written."""

    @property
    def favors_positive(self) -> bool:
        """Whether the favorable decision is the positive class."""
        return self.positive == self.favorable

    @property
    def designed(self) -> bool:
        """Whether rows are not one independent person each of the same weight."""
        return self.weights is not None or self.cluster is not None

    @property
    def has_decisions(self) -> bool:
        """Whether rows are decided on, rather than only given a number."""
        if self.task == "ranking":
            return self.decision is not None and self.decision.top_k is not None
        if self.task == "multiclass":
            return self.favorable is not None
        return self.task == "binary" or self.decision is not None

    @property
    def within(self) -> str | None:
        """Column whose values rank their rows by themselves."""
        return None if self.decision is None else self.decision.within

    def attribute(self, name: str) -> Attribute:
        """Return the attribute called `name`."""
        return next(each for each in self.attributes if each.name == name)

    @property
    def names(self) -> dict[str, str]:
        """The positive and the favorable class as policies write them; a regression has none."""
        return {
            "positive": "" if self.positive is None else group_name(self.positive),
            "favorable": "for the person" if self.favorable is None else group_name(self.favorable),
        }

    def problem(self, key: str, what: str, fix: str) -> Problem:
        """Return a fault of one key of the subject, with its place."""
        return Problem(what, fix, **self.where(key))

    def where(self, key: str) -> Where:
        """Return the place of one key of the subject."""
        path, line = self.places.get(key, (self.path, None))
        return {"path": path, "line": line}

    def roles(self) -> set[str]:
        """Return the columns that have a role other than feature."""
        named = (
            self.label,
            self.predictions,
            self.scores,
            self.champion_predictions,
            self.champion_scores,
            self.weights,
            self.cluster,
            self.id,
            self.date,
            self.within,
            *(column for _, column in self.class_scores),
        )
        return {column for column in named if column is not None} | set(self.others)


def _told_apart(column: pd.Series[Any]) -> tuple[np.ndarray, Any]:
    """Return each row's number among the distinct values, -1 where missing, and these values."""
    known = column.dtype
    if isinstance(known, pd.CategoricalDtype) and len(known.categories) <= MAX_LEVELS:
        return column.array.codes, known.categories
    return pd.factorize(column, use_na_sentinel=True)


def class_name(value: object) -> str:
    """Return a class's name as `group_name` does; a very long one is cut, and still tells apart."""
    name = group_name(value)
    if len(name) <= LONGEST:
        return name
    return f"{name[: LONGEST - 12]}… {zlib.crc32(name.encode()):08x}"


def group_name(value: object) -> str:
    """Return a group's name as policies and reports write it.

    ``1.0`` reads ``1``, true reads ``true``, an empty text reads ``(empty)``.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    # half a character, as a broken file name holds, cannot be written; its number can
    text = str(value).encode("utf-8", "backslashreplace").decode()
    return text if text.strip() else EMPTY
