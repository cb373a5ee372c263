"""A small tree that imitates the model's decisions, tried on rows it did not learn from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from pytest_aipm.attribution import Budget
from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.sample import generator
from pytest_aipm.evidence.weighing import beside, standing

__all__ = ["Surrogate", "Tree", "surrogate"]

LEVELS = 20
"""Categories of a column that have a question of their own; rarer ones share one."""
FAVORABLE = "aipm::favorable"


@dataclass(frozen=True, eq=False)
class _Questions:
    """What a tree may ask about a column: as many numbers a row as it has questions."""

    column: str
    number: int
    answers: Callable[[pd.Series[Any]], Iterable[np.ndarray]]


@dataclass(frozen=True, eq=False)
class Tree:
    """The small tree itself.

    Attributes
    ----------
    asks : tuple of questions
        What it may ask about each column, in the order of the table it is given.
    fitted : DecisionTreeClassifier
    """

    asks: tuple[_Questions, ...]
    fitted: Any

    @property
    def used(self) -> tuple[str, ...]:
        """Columns that it asks about, from the first question on."""
        told = np.repeat([each.column for each in self.asks], [each.number for each in self.asks])
        asked = self.fitted.tree_.feature
        return tuple(dict.fromkeys(told[asked[asked >= 0]].tolist()))

    def decide(self, frame: pd.DataFrame) -> np.ndarray:
        """Return whether rows are decided favorably, shape (n,)."""
        table = _table(self.asks, frame, Budget(), only=self.used)
        return np.asarray(self.fitted.predict(table), dtype=bool)


@dataclass(frozen=True, eq=False)
class Surrogate:
    """How well a small tree imitates the decisions.

    Attributes
    ----------
    rows : DataFrame of n rows
        Those that were not learned from, with the protected columns.
    alike : bool array of shape (n,)
        Which of them tree and model decide alike.
    commonest : float
        Share of rows on which always saying the commoner decision would be right.
    leaves : int
        Of the tree.
    used : tuple of str
        Columns that it asks about.
    tree : Tree
    design : (weights or None, people or None)
        For whom the rows stand.
    total : int
        Rows there are.
    """

    rows: pd.DataFrame
    alike: np.ndarray
    commonest: float
    leaves: int
    used: tuple[str, ...]
    tree: Tree
    design: tuple[np.ndarray | None, np.ndarray | None]
    total: int

    @property
    def tried(self) -> int:
        """How many rows were not learned from."""
        return len(self.alike)


def surrogate(
    evidence: Evidence, *, depth: int, rows: int, budget_s: float | None = None
) -> Surrogate | None:
    """Grow a tree on one half of a sample and try it on the other.

    All rows of one person are in the same half.

    Parameters
    ----------
    evidence : Evidence
    depth : int
        Questions on the way to an answer, at most.
    rows : int
        Most rows, chosen by the seed.
    budget_s : float or None

    Returns
    -------
    Surrogate or None
        None where all of the first half are decided alike: there is nothing to imitate.

    Raises
    ------
    DataError
        When there are fewer than four rows.
    BudgetSpent
    """
    from sklearn.tree import DecisionTreeClassifier  # noqa: PLC0415 - heavy, and only here

    features = evidence.feature_columns()
    attributes = [each.column for each in evidence.subject.attributes]
    subject = evidence.subject
    columns = list(dict.fromkeys([*features, *attributes, *beside(subject)]))
    drawn = evidence.drawn_decided(columns, rows, FAVORABLE).frame
    frame, weight, whose = standing(subject, drawn)
    if len(frame) < 4:
        what = f"{len(frame)} rows are too few to learn from and to try"
        raise DataError(Problem(what, "add rows"))
    decided = frame[FAVORABLE].to_numpy(dtype=bool)
    own = np.arange(len(frame))
    if whose is not None:
        # by when they first occur, so that a row a person makes the halves it makes without
        own = pd.factorize(whose)[0]
    number = int(own.max()) + 1
    order = generator(evidence.seed, "surrogate").permutation(number)
    learn = np.isin(own, order[: number // 2])
    if decided[learn].all() or not decided[learn].any():
        return None
    budget = Budget(budget_s)
    asks = tuple(_questions(frame[name], budget) for name in features)
    fitted = DecisionTreeClassifier(max_depth=depth, min_samples_leaf=5, random_state=0)
    with threadpool_limits(limits=1):
        fitted.fit(
            _table(asks, frame[learn], budget),
            decided[learn],
            None if weight is None else weight[learn],
        )
    tree, right = Tree(asks, fitted), decided[~learn]
    design = tuple(None if each is None else each[~learn] for each in (weight, whose))
    often = float(np.average(right, weights=design[0]))
    return Surrogate(
        rows=frame[~learn],
        alike=tree.decide(frame[~learn]) == right,
        commonest=max(often, 1 - often),
        leaves=int(fitted.get_n_leaves()),
        used=tree.used,
        tree=tree,
        design=(design[0], design[1]),
        total=evidence.data.rows,
    )


def _table(
    asks: Sequence[_Questions],
    frame: pd.DataFrame,
    budget: Budget,
    only: Collection[str] | None = None,
) -> np.ndarray:
    """Return the answers of all rows, as the tree keeps them; 0 for columns it does not ask."""
    number = sum(each.number for each in asks)
    table = np.zeros((len(frame), number), dtype=np.float32, order="F")
    start = 0
    for each in asks:
        if only is None or each.column in only:
            budget.call()
            for place, answers in enumerate(each.answers(frame[each.column]), start):
                table[:, place] = answers
        start += each.number
    return table


def _questions(column: pd.Series[Any], budget: Budget) -> _Questions:
    """Return what a tree can ask about a column: its number, or whether it is one of its values."""
    budget.call()
    name = str(column.name)
    if _numbered(column):
        numbers = _numbers(column)
        gone = np.isnan(numbers)
        middle = float(np.median(numbers[~gone])) if not gone.all() else 0.0
        return _Questions(name, 1 + gone.any(), partial(_number, middle, missing=bool(gone.any())))
    common = _texts(column).value_counts().index[:LEVELS]
    return _Questions(name, max(len(common), 1), partial(_is, common))


def _number(middle: float, column: pd.Series[Any], *, missing: bool) -> Iterator[np.ndarray]:
    """Yield the number, and whether there is none where some rows have none."""
    numbers = _numbers(column)
    yield np.nan_to_num(numbers, nan=middle)
    if missing:
        yield np.isnan(numbers)


def _is(values: pd.Index[Any], column: pd.Series[Any]) -> Iterator[np.ndarray]:
    """Yield for each value where the column has it."""
    codes = values.get_indexer(pd.Index(_texts(column)))
    for code in range(len(values)):
        yield codes == code


def _numbered(column: pd.Series[Any]) -> bool:
    dates = pd.api.types.is_datetime64_any_dtype(column)
    return dates or pd.api.types.is_numeric_dtype(column)


def _numbers(column: pd.Series[Any]) -> np.ndarray:
    if pd.api.types.is_datetime64_any_dtype(column):
        column = column.astype("int64").where(column.notna())
    return column.to_numpy(dtype=float, na_value=np.nan)


def _texts(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.map(str, na_action="ignore").astype(object)
