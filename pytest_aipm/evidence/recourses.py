"""Whether people who were decided against could be decided for by changing what they can."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from pytest_aipm.attribution import Budget
from pytest_aipm.attribution.asking import chunk_rows
from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.orders import ranks_of
from pytest_aipm.evidence.sample import Drawn
from pytest_aipm.evidence.weighing import beside, standing

__all__ = ["Recourses", "Way", "recourses"]

Way = Literal["up", "down", "any"]
MOST = 200_000
"""Rows, chosen by the seed, that the shares of people below a value are taken from."""


@dataclass(frozen=True, eq=False)
class Recourses:
    """The cheapest way out of each adverse decision looked at.

    Attributes
    ----------
    rows : DataFrame of n rows
        The people decided against.
    cost : float array of shape (n,)
        Share of all people that is passed on the way, added up over the columns changed; infinite
        where no change tried helps.
    adverse, total : int
        Adverse decisions and rows there are.
    design : (weights or None, people or None)
        For whom the rows stand.
    """

    rows: pd.DataFrame
    cost: np.ndarray
    adverse: int
    total: int
    design: tuple[np.ndarray | None, np.ndarray | None] = (None, None)


def recourses(
    evidence: Evidence,
    mutable: Mapping[str, Way],
    *,
    rows: int,
    steps: int,
    changes: int,
    budget_s: float | None,
) -> Recourses | None:
    """Try real values of columns that people can change, alone and together.

    Parameters
    ----------
    evidence : Evidence
    mutable : mapping of column to ``up``, ``down`` or ``any``
    rows, steps, changes : int
        Most people, values of a column, and columns changed at once.
    budget_s : float or None

    Returns
    -------
    Recourses or None
        None where nobody is decided against.

    Raises
    ------
    CheckError
        When a column is no input, is protected, or has no order.
    BudgetSpent
    """
    features = evidence.feature_columns()
    attributes = [each.column for each in evidence.subject.attributes]
    for name in mutable:
        if name not in features or name in attributes:
            why = "is not an input of the model" if name not in features else "is protected"
            fix = "name inputs that a person can change"
            raise CheckError(Problem(f"column {name!r} under `mutable` {why}", fix))
    subject = evidence.subject
    columns = list(dict.fromkeys([*features, *attributes, *beside(subject)]))
    drawn = evidence.drawn_decided(columns, rows, against=True)
    adverse = drawn.seen
    if not adverse:
        return None
    people, weight, whose = standing(subject, drawn.frame)
    people = people.reset_index(drop=True)
    if not len(people):
        return None
    empty, wanted = Drawn(MOST, evidence.seed), [*mutable, *beside(subject)]
    everyone = evidence.over(evidence.data, wanted, empty.of, empty, numbered=True).frame
    everybody, stands, _ = standing(subject, everyone)
    scales = {name: _Scale(everybody[name], steps, stands) for name in mutable}
    sets = [
        each for size in range(1, changes + 1) for each in itertools.combinations(mutable, size)
    ]
    budget, cost = Budget(budget_s), np.full(len(people), np.inf)
    with budget.telling("sets of columns changed", len(sets)):
        budget.part(0, len(sets))
        for place, names in enumerate(sets):
            budget.check(place, len(sets))
            tried = list(itertools.product(*(range(len(scales[name].values)) for name in names)))
            each = max(1, chunk_rows(len(features)) // max(len(tried), 1))
            for start in range(0, len(people), each):
                budget.call()
                part = people[start : start + each]
                price = _prices(part, names, np.array(tried), scales, mutable)
                changed = _changed(part[features], names, np.array(tried), scales)
                helped = evidence.decide(changed).reshape(len(part), len(tried))
                best = np.where(helped, price, np.inf).min(axis=1)
                cost[start : start + each] = np.minimum(cost[start : start + each], best)
    return Recourses(people, cost, adverse, evidence.data.rows, (weight, whose))


class _Scale:
    """Real values of a column, and what share of all people lies below each."""

    def __init__(self, column: pd.Series[Any], steps: int, weight: np.ndarray | None) -> None:
        order = column.argsort(kind="stable").to_numpy()[: column.notna().sum()]
        known = column.iloc[order].reset_index(drop=True)
        stands = np.ones(len(known)) if weight is None else weight[order]
        self._below = np.concatenate([[0.0], np.cumsum(stands)]) / max(float(stands.sum()), 1e-300)
        ranks_of(known)  # has an order, or is refused
        places = np.unique(np.round(np.linspace(0, len(known) - 1, steps)).astype(int))
        self._known = known
        self.values = known.iloc[places].drop_duplicates(ignore_index=True).array
        self.share = self.of(pd.Series(self.values))

    def of(self, values: pd.Series[Any]) -> np.ndarray:
        """Return the share of people below each value; nan where it is missing."""
        below = np.searchsorted(self._known.to_numpy(), values.to_numpy(), side="left")
        return np.where(values.isna(), np.nan, self._below[below])


def _prices(
    part: pd.DataFrame,
    names: tuple[str, ...],
    tried: np.ndarray,
    scales: Mapping[str, _Scale],
    mutable: Mapping[str, Way],
) -> np.ndarray:
    """Return what each change costs each person; infinite for what they cannot do."""
    total = np.zeros((len(part), len(tried)))
    for place, name in enumerate(names):
        scale = scales[name]
        moved = scale.share[tried[:, place]][None, :] - scale.of(part[name])[:, None]
        wrong = {"up": moved <= 0, "down": moved >= 0, "any": moved == 0}[mutable[name]]
        total += np.where(wrong | np.isnan(moved), np.inf, np.abs(moved))
    return total


def _changed(
    part: pd.DataFrame, names: tuple[str, ...], tried: np.ndarray, scales: Mapping[str, _Scale]
) -> pd.DataFrame:
    many = part.loc[np.repeat(part.index.to_numpy(), len(tried))].reset_index(drop=True)
    for place, name in enumerate(names):
        taken = scales[name].values.take(np.tile(tried[:, place], len(part)))
        many[name] = pd.Series(taken, index=many.index).astype(part[name].dtype)
    return many
