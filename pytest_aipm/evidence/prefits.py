"""Statistics inside a fitted model, and of which rows they are: training, evaluation, or both.

A scaler that was fitted before the rows were split keeps the mean of all of them. Each fitted part
is found by the walk over the model, which also tells the rows as that part saw them; what it keeps
is computed anew from the training rows, from the evaluation rows, and from both together.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, ModelError
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.passes import located
from pytest_aipm.evidence.train import compared, training_rows
from pytest_aipm.evidence.walk import MAX_CELLS, Part, Walk

__all__ = ["Fitted", "Prefits", "prefits_in", "prefits_of"]

Of = Literal["training", "evaluation", "both", "others", "either"]
"""Of which rows a statistic is; ``either`` where training rows and both together give the same."""
_TELLING: tuple[Of, ...] = ("both", "evaluation", "training", "others", "either")
"""What is told of a part with several statistics: the first of these."""
SAME = 1e-7
"""Relative error from which on two statistics are of other rows; sums differ by 1e-12."""


@dataclass(frozen=True)
class Fitted:
    """One fitted part.

    Attributes
    ----------
    name : str
        Its type.
    statistic : str
        The attribute that told.
    of : Of
    """

    name: str
    statistic: str
    of: Of


@dataclass(frozen=True)
class Prefits:
    """All fitted parts that keep a known statistic; why some were not read; rows of both sides."""

    parts: tuple[Fitted, ...]
    unread: str
    training: int
    evaluation: int


def prefits_of(evidence: Evidence, seconds: float) -> Prefits:
    """Look for statistics in the audited model.

    Raises
    ------
    DataError, ModelError
        Without training rows or a model, or with more rows than can be held.
    """
    train = training_rows(evidence)
    if evidence.model is None:
        what = "there is no model to look into"
        fix = "name a `model`; columns are not enough"
        raise ModelError(evidence.subject.problem("model", what, fix))
    columns = compared(evidence, train)
    if (train.rows + evidence.data.rows) * len(columns) > MAX_CELLS:
        what = f"there are more than {MAX_CELLS:,} cells, and a mean is of all of them"
        raise DataError(evidence.subject.problem("train", what, "leave this check out"))
    with located(train.ref):
        own = train.frame(columns)
    with located(evidence.data.ref):
        others = evidence.data.frame(columns)
    return prefits_in(evidence.model.fitted, own, others, seconds=seconds)


def prefits_in(
    model: Any, training: pd.DataFrame, evaluation: pd.DataFrame, *, seconds: float = 30.0
) -> Prefits:
    """Look for statistics in any object.

    Parameters
    ----------
    model : object
    training, evaluation : DataFrame
        Rows of the same columns, as the model is given them.
    seconds : float
        Time the search may take.
    """
    both = pd.concat([training, evaluation], ignore_index=True)
    frames = {
        "training": training.reset_index(drop=True),
        "both": both,
        "evaluation": evaluation.reset_index(drop=True),
    }
    walks = {of: Walk(model, rows, seconds / 3) for of, rows in frames.items()}
    seen: dict[int, tuple[Part, dict[str, pd.DataFrame]]] = {}
    for of, walk in walks.items():
        for part in walk:
            if _statistics(part.value) and part.rows is not None:
                seen.setdefault(id(part.value), (part, {}))[1][of] = part.rows
    found = [
        told
        for part, rows in seen.values()
        if len(rows) == len(frames) and (told := _told(part, rows)) is not None
    ]
    return Prefits(tuple(found), _unread(*walks.values()), len(training), len(evaluation))


def _unread(*walks: Walk) -> str:
    for walk in walks:
        if walk.stopped:
            return f"the search ended {walk.stopped}; give it more `seconds`"
        if walk.lost:
            return f"the rows could not be followed through {walk.lost:,} of its steps"
    return ""


def _statistics(value: Any) -> dict[str, Any]:
    """Return what a fitted object keeps of the statistics that are known here."""
    try:
        kept = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return {name: kept[name] for name in _KNOWN if name in kept} if isinstance(kept, dict) else {}


def _told(part: Part, rows: dict[str, pd.DataFrame]) -> Fitted | None:
    """Return of which rows a part is; the statistic that tells the most is named."""
    answers: dict[str, Of] = {}
    for name, kept in _statistics(part.value).items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # means of columns without values
                same = {of: _alike(kept, _KNOWN[name](each)) for of, each in rows.items()}
        except Exception:  # noqa: BLE001, S112 - a statistic of the same name that is another one
            continue
        answers[name] = _whose(same)
    if not answers:
        return None
    name = min(answers, key=lambda each: _TELLING.index(answers[each]))
    return Fitted(type(part.value).__name__, name, answers[name])


def _whose(same: dict[str, bool]) -> Of:
    if same["training"]:
        return "either" if same["both"] else "training"
    if same["both"]:
        return "both"
    return "evaluation" if same["evaluation"] else "others"


# what is kept, computed anew


Candidates = list[Any]
"""Statistics of which one may be the one that is kept."""


def _numbers(rows: pd.DataFrame) -> np.ndarray:
    return rows.to_numpy(dtype=float, na_value=np.nan)


def _modes(rows: pd.DataFrame) -> list[Any]:
    """Return the most frequent value of each column, the smallest of several."""
    return [rows.iloc[:, i].mode(dropna=True).iloc[0] for i in range(rows.shape[1])]


def _fill(rows: pd.DataFrame) -> Candidates:
    made: Candidates = []
    for compute in (
        lambda: np.nanmean(_numbers(rows), axis=0),
        lambda: np.nanmedian(_numbers(rows), axis=0),
        lambda: np.array(_modes(rows), dtype=object),
    ):
        try:
            made.append(compute())
        except (TypeError, ValueError, IndexError):  # of texts there is no mean
            continue
    return made


def _categories(rows: pd.DataFrame) -> Candidates:
    return [[frozenset(rows.iloc[:, i].dropna().tolist()) for i in range(rows.shape[1])]]


_KNOWN: dict[str, Callable[[pd.DataFrame], Candidates]] = {
    "mean_": lambda rows: [np.nanmean(_numbers(rows), axis=0)],
    "var_": lambda rows: [np.nanvar(_numbers(rows), axis=0)],
    "data_min_": lambda rows: [np.nanmin(_numbers(rows), axis=0)],
    "data_max_": lambda rows: [np.nanmax(_numbers(rows), axis=0)],
    "max_abs_": lambda rows: [np.nanmax(np.abs(_numbers(rows)), axis=0)],
    "center_": lambda rows: [np.nanmedian(_numbers(rows), axis=0)],
    "statistics_": _fill,
    "categories_": _categories,
}
"""Attributes of fitted scalers, imputers, encoders and projections, and what they are of rows."""


def _alike(kept: Any, candidates: Candidates) -> bool:
    return any(_equal(kept, each) for each in candidates)


def _equal(kept: Any, found: Any) -> bool:
    """Return whether a statistic is the same.

    Raises
    ------
    ValueError, TypeError
        When it is of another shape or kind: then it is another statistic.
    """
    if isinstance(found, list):
        sets = [frozenset(v for v in np.asarray(each).tolist() if v == v) for each in kept]  # noqa: PLR0124 - NaN
        if len(sets) != len(found):
            raise ValueError("another number of columns")
        return sets == found
    kept = np.asarray(kept)
    if kept.shape != found.shape:
        raise ValueError("another shape")
    if "O" in (kept.dtype.kind, found.dtype.kind):
        return all(a == b for a, b in zip(kept.tolist(), found.tolist(), strict=True))
    scale = np.maximum(np.abs(kept.astype(float)), np.abs(found))
    near = np.abs(kept.astype(float) - found) <= SAME * scale + 1e-300
    return bool(np.all(near | (np.isnan(kept.astype(float)) & np.isnan(found))))
