"""Rankings by group: how near the order is to the ideal one, and whose rows are seen.

Rows of one query depend on each other, so a query is one source of evidence. And what one group
gains in a query another one loses, which `stats.effective.opposing` adds to the variances.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pytest_aipm.checks.base import CheckParams
from pytest_aipm.checks.effective import level_of
from pytest_aipm.checks.measured import Measured
from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import GroupRows
from pytest_aipm.stats.effective import mean_part, opposing
from pytest_aipm.stats.parts import MeanPart
from pytest_aipm.stats.ranking import Ranking
from pytest_aipm.stats.ranking import ndcg as gain_of_queries

__all__ = ["Values", "exposure", "left_aside", "ndcg"]


@dataclass(frozen=True)
class Values:
    """One value for each of m rows, or for each group in a query.

    Attributes
    ----------
    value, group, query : arrays of shape (m,)
    """

    value: np.ndarray
    group: np.ndarray
    query: np.ndarray

    def parts(self, groups: int, alpha: float, highest: float) -> list[MeanPart]:
        """Return the mean of each group, its variance that of whole queries drawn anew."""
        n = np.bincount(self.group, minlength=groups)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.bincount(self.group, weights=self.value, minlength=groups) / n
            moved = (self.value - mean[self.group]) / n[self.group]
        keys, pair = np.unique(self.query * groups + self.group, return_inverse=True)
        z = np.asarray(np.bincount(pair.reshape(-1), moved, len(keys)), dtype=np.float64)
        against = opposing(z, keys // groups, keys % groups, groups)
        blank, found = MeanPart(0.0, 0.0, 0.0, 0.0, limits=(0.0, highest)), []
        for i in range(groups):
            own = self.group == i
            unit = np.unique(self.query[own], return_inverse=True)[1]
            ones = np.ones(int(own.sum()))
            found.append(mean_part(self.value[own], ones, unit, alpha, blank, float(against[i])))
        return found


def _rows(evidence: Evidence, params: CheckParams) -> tuple[GroupRows, np.ndarray, np.ndarray]:
    """Return the rows of a scope; the query and the score of all rows, best first by score."""
    evidence.require_scores()
    everything = evidence.rows(())
    assert everything.person is not None and everything.score is not None  # noqa: S101, PT018
    decision = evidence.subject.decision
    sign = -1.0 if decision is not None and decision.favorable_when == "below" else 1.0
    _, query = np.unique(everything.person, return_inverse=True)
    return evidence.rows(params.by, params.unknown), query.reshape(-1), sign * everything.score


def ndcg(evidence: Evidence, metric: str, params: CheckParams) -> Measured:
    """Measure NDCG in every group of a scope: the mean over queries of that of a group's rows.

    Parameters
    ----------
    evidence : Evidence
    metric : str
        ``ndcg`` or ``ndcg@K``.
    params : CheckParams

    Raises
    ------
    DataError
        For relevances below 0.
    """
    first = metric.partition("@")[2]
    rows, query, score = _rows(evidence, params)
    assert rows.label is not None and rows.place is not None  # noqa: S101, PT018 - the plan asked
    if (rows.label < 0).any():
        what = f"label {evidence.subject.label!r} holds relevances below 0"
        raise DataError(Problem(what, "shift them so that 0 means: not relevant"))
    groups = len(rows.grouping.keys)
    own, queries = query[rows.place], int(query.max()) + 1
    keys, pair = np.unique(own * groups + rows.group, return_inverse=True)
    gains = gain_of_queries(
        pair.reshape(-1), score[rows.place], rows.label, int(first) if first else None
    )
    known = np.isfinite(gains)
    values = Values(gains[known], keys[known] % groups, keys[known] // groups)
    alpha = level_of(params.confidence, groups)
    of_rows = "" if not params.by else ", on its own rows"
    return Measured(
        grouping=rows.grouping,
        parts=values.parts(groups, alpha, 1.0),
        sizes=np.bincount(rows.group, minlength=groups),
        unknown=rows.unknown,
        better="high",
        name=metric.upper().replace("@", " at "),
        numerator_words="discounted gain of the order over that of the ideal one, of each query"
        + of_rows,
        denominator_words=f"queries with two rows and something relevant (of {queries:,})",
        people=_queries(rows.group, own, groups),
    )


def exposure(
    evidence: Evidence, params: CheckParams, positions: int | None
) -> tuple[Measured, int, int]:
    """Measure the exposure of every group of a scope, relative to the mean of its query.

    Parameters
    ----------
    evidence : Evidence
    params : CheckParams
    positions : int or None
        How many places of a query are seen at all.

    Returns
    -------
    measured : Measured
    alone, queries : int
        Queries without rows of two groups, where nothing is compared, and all queries.
    """
    rows, query, score = _rows(evidence, params)
    assert rows.place is not None  # noqa: S101 - rows of evidence have places
    ranking = Ranking(query, score, positions)
    seen = ranking.exposure()
    mean = ranking.total(seen) / ranking.sizes
    groups = len(rows.grouping.keys)
    own = query[rows.place]
    there = np.unique(own * groups + rows.group) // max(groups, 1)
    mixed = np.bincount(there, minlength=len(ranking.sizes)) > 1
    kept = mixed[own]
    values = Values((seen / mean[query])[rows.place][kept], rows.group[kept], own[kept])
    alpha = level_of(params.confidence, groups)
    measured = Measured(
        grouping=rows.grouping,
        parts=values.parts(groups, alpha, np.inf),
        sizes=np.bincount(rows.group, minlength=groups),
        unknown=rows.unknown,
        better="high",
        name="exposure",
        numerator_words="exposure 1 / log2(1 + rank), relative to the mean of its query, added up",
        denominator_words="rows in queries with rows of two groups",
        people=_queries(rows.group, own, groups),
    )
    return measured, int((~mixed).sum()), len(mixed)


def left_aside(alone: int, queries: int) -> tuple[str, ...]:
    """Return what to say of queries in which nothing is compared."""
    if not alone:
        return ()
    return (f"{alone:,} of {queries:,} queries have rows of fewer than two groups: not compared",)


def _queries(group: np.ndarray, query: np.ndarray, groups: int) -> np.ndarray:
    """Return in how many queries each group has rows."""
    keys = np.unique(query * groups + group)
    return np.bincount(keys % groups, minlength=groups)
