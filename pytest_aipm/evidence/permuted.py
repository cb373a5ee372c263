"""What a metric loses when columns are dealt to other rows, on the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.attribution import Ask, Budget
from pytest_aipm.attribution.asking import asked, asked_twice, chunk_rows
from pytest_aipm.errors import CheckError, DataError, Problem
from pytest_aipm.evidence.decide import matches, numeric, positive_mask, refuse_missing
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.explaining import TWICE, output_of
from pytest_aipm.evidence.sample import generator
from pytest_aipm.evidence.weighing import beside, standing
from pytest_aipm.stats.auc import placements
from pytest_aipm.stats.dyadic import DyadicPart, dyadic_part
from pytest_aipm.stats.effective import kish_size

__all__ = ["METRICS", "Permuted", "permuted"]

METRICS = {
    "accuracy": "binary",
    "brier": "binary",
    "log_loss": "binary",
    "roc_auc": "binary",
    "mae": "regression",
    "mse": "regression",
}
TINY = 1e-15


@dataclass(frozen=True)
class Permuted:
    """How much worse a metric gets.

    Attributes
    ----------
    part : DyadicPart
        Loss of a score, or rise of an error: positive when the columns matter. Rows stand in it
        both as they are and as donors.
    whole : float
        The metric as it is.
    n : int
        Rows.
    total : int
        Rows there are.
    size : float
        How many people of the same weight tell as much.
    noise : float
        By how much what is measured on changes when the same rows are asked about again.
    """

    part: DyadicPart
    whole: float
    n: int
    total: int
    size: float
    noise: float


def permuted(
    evidence: Evidence,
    columns: Sequence[str],
    *,
    metric: str,
    each_class: bool = False,
    rows: int,
    repeats: int,
    budget_s: float | None,
) -> Permuted:
    """Deal the values of some columns, together, to other rows and measure again.

    In each repeat rows stand in a random ring and take the values of the next row, so nobody
    keeps their own. With weights a row counts as often, and is dealt from as often, as it stands
    for people; nobody is dealt the values of another row of their own.

    Parameters
    ----------
    evidence : Evidence
    columns : sequence of str
        Inputs of the model.
    metric : str
        One of `METRICS` that fits the task.
    each_class : bool
        Whether accuracy asks which of several classes it is, not whether it is the chosen one.
    rows, repeats : int
    budget_s : float or None

    Raises
    ------
    CheckError
        When a column is no input.
    DataError
        When rows cannot show the metric.
    BudgetSpent
    """
    features, subject = evidence.feature_columns(), evidence.subject
    absent = [name for name in columns if name not in features]
    if absent:
        what = f"column {absent[0]!r} under `of` is not an input of the model"
        raise CheckError(Problem(what, f"inputs: {', '.join(features[:8])}"))
    label = subject.label
    assert label is not None  # noqa: S101 - checked by the plan
    wanted = list(dict.fromkeys([*features, label, *beside(subject)]))
    frame, weight, whose = standing(subject, evidence.drawn(evidence.data, wanted, rows))
    ask, y = _asking(evidence, metric), _labels(evidence, frame[label])
    if metric == "accuracy" and each_class:
        ask, y = _naming(evidence, frame[label])
    inputs = frame[features].reset_index(drop=True)
    n = len(inputs)
    own = np.arange(n) if whose is None else np.unique(whose, return_inverse=True)[1].reshape(-1)
    if n < 2 or own.max() == 0:
        one = "one row" if n < 2 else "one person"
        raise DataError(Problem(f"{one} cannot take the values of another", "add rows"))
    rng, nexts = generator(evidence.seed, "permuted"), np.empty((repeats, n), dtype=np.int64)
    for ring in nexts:
        order = rng.permutation(n)
        ring[order] = np.roll(order, -1)
    budget, each = Budget(budget_s), np.ones(n) if weight is None else weight
    said, noise = _answers(ask, inputs, budget), asked_twice(ask, inputs[:TWICE])
    value, influence = 0.0, np.empty((repeats, n))
    for place, donor in enumerate(nexts):
        budget.check(place, repeats)
        dealt = inputs.assign(**{name: inputs[name].array.take(donor) for name in columns})
        pair = each * each[donor] * (own != own[donor])
        before = _influence(metric, y, said, pair)
        after = _influence(metric, y, _answers(ask, dealt, budget), pair)
        value += (after[0] - before[0]) / repeats
        influence[place] = (after[1] - before[1]) / repeats
    worse = -1.0 if metric in ("accuracy", "roc_auc") else 1.0
    first, second = np.tile(own, repeats), own[nexts].reshape(-1)
    apart = first != second
    moved = worse * influence.reshape(-1)[apart]
    part = dyadic_part(worse * value, moved, first[apart], second[apart])
    whole, size = _influence(metric, y, said, each)[0], kish_size(each, own)
    return Permuted(part, whole, n, evidence.data.rows, size, noise)


def _labels(evidence: Evidence, column: pd.Series[float]) -> np.ndarray:
    name = str(column.name)
    if evidence.subject.task == "regression":
        return numeric(column, "label", name)
    refuse_missing(column, "label", name)
    if evidence.subject.positive is None:
        y = (column != column.iloc[0]).to_numpy(dtype=bool)
    else:
        y = matches(column, evidence.subject.positive)
    if y.all() or not y.any():
        what = "the rows have one class only, so no metric can show what a column is worth"
        raise DataError(Problem(what, "try more `rows`, or rows with both classes"))
    return y


def _answers(ask: Ask, frame: pd.DataFrame, budget: Budget) -> np.ndarray:
    size, found = chunk_rows(frame.shape[1]), []
    for start in range(0, len(frame), size):
        budget.call()
        found.append(asked(ask, frame[start : start + size].reset_index(drop=True))[:, 0])
    return np.concatenate(found)


def _asking(evidence: Evidence, metric: str) -> Ask:
    if metric == "accuracy":
        subject = evidence.subject
        return lambda part: positive_mask(subject, evidence.decide(part)).astype(float)
    return output_of(evidence, "probability" if metric in ("brier", "log_loss") else "raw").ask


def _naming(evidence: Evidence, column: pd.Series[Any]) -> tuple[Ask, np.ndarray]:
    """Return the number of the class that the model names, and that of each label."""
    classes = pd.Index(column.unique())

    def ask(frame: pd.DataFrame) -> np.ndarray:
        # a class that no row is labelled has the number -1, which is always wrong
        named: pd.Series[Any] = pd.Series(evidence.asked(frame).labels)
        return np.asarray(classes.get_indexer(pd.Index(named)), dtype=float)

    return ask, np.asarray(classes.get_indexer(pd.Index(column)))


def _influence(
    metric: str, y: np.ndarray, said: np.ndarray, weight: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return a weighted metric and how far each row moves it; those add up to 0."""
    part = weight / weight.sum()
    if metric == "roc_auc":
        if not (part @ y and part @ ~y):
            what = "rows with weight have one class only, so no metric can show what a column is"
            raise DataError(Problem(f"{what} worth", "try more `rows`, or rows with both classes"))
        auc, right = placements(said, y, weight)
        share = np.where(y, part @ y, part @ ~y)
        return auc, part * (right - auc) / share
    if metric == "accuracy":
        each = (said == y).astype(float)
    elif metric == "log_loss":
        of_truth = np.clip(np.where(y, said, 1 - said), TINY, 1.0)
        each = -np.log(of_truth)
    else:
        each = np.abs(said - y) if metric == "mae" else (said - y) ** 2
    mean = float(part @ each)
    return mean, part * (each - mean)
