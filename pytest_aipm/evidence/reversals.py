"""Where the output falls back along a column that must only help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.attribution import Budget, asked_twice
from pytest_aipm.attribution.asking import asked, chunk_rows
from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.examples import change, first, turned
from pytest_aipm.evidence.explaining import TWICE, Output, OutputName, output_of
from pytest_aipm.evidence.weighing import beside, standing
from pytest_aipm.records import Example
from pytest_aipm.stats.effects import Units

__all__ = ["Reversals", "reversals"]


@dataclass(frozen=True, eq=False)
class Reversals:
    """Reversals by row and column.

    Attributes
    ----------
    columns : tuple of str
    signs : tuple of int
        1 for a column whose rise must help, -1 for one whose rise must harm.
    worst : float array of shape (n, columns)
        How far the output falls back at most, on the way to what must help.
    counted : bool array of shape (n, columns)
        Where that is more than `eps`.
    varies : tuple of bool
        Whether a column has more than one value.
    eps : float
        What was asked for, or twice the model's own noise where that is more.
    said : str
        The output in words.
    good : int
        1 where a high output is good for a person, -1 where a low one is.
    total : int
        Rows there are.
    units : Units
        Whom the rows stand for.
    examples : tuple of Example
        The worst ones, where the policy allows to show rows.
    """

    columns: tuple[str, ...]
    signs: tuple[int, ...]
    worst: np.ndarray
    counted: np.ndarray
    varies: tuple[bool, ...]
    eps: float
    said: str
    good: int
    total: int
    units: Units
    examples: tuple[Example, ...] = ()

    @property
    def varied(self) -> bool:
        """Whether any column could be moved."""
        return any(self.varies)


def reversals(
    evidence: Evidence,
    columns: Mapping[str, int],
    *,
    rows: int,
    steps: int,
    eps: float,
    output: OutputName,
    budget_s: float | None,
) -> Reversals:
    """Set each column to real values from low to high, and look for outputs that fall back.

    Parameters
    ----------
    evidence : Evidence
    columns : mapping of column to 1 or -1
        Whether its rise must help or harm.
    rows, steps : int
        Most rows, and most values of a column.
    eps : float
    output : OutputName
    budget_s : float or None

    Raises
    ------
    CheckError
        When a column is no input or has no order.
    BudgetSpent
    """
    features = evidence.feature_columns()
    absent = [name for name in columns if name not in features]
    if absent:
        what = f"column {absent[0]!r} is not an input of the model"
        raise CheckError(Problem(what, f"inputs: {', '.join(features[:8])}"))
    chosen = output_of(evidence, output)
    good = -chosen.adverse or 1
    wanted = list(dict.fromkeys([*features, *beside(evidence.subject)]))
    frame, weight, whose = standing(evidence.subject, evidence.drawn(evidence.data, wanted, rows))
    units = Units.of(len(frame), weight, whose)
    frame = frame[features].reset_index(drop=True)
    eps = max(eps, 2 * asked_twice(chosen.ask, frame[:TWICE]))
    grids = {name: _grid(frame[name], steps) for name in columns}
    budget, total = Budget(budget_s), len(frame) * sum(len(grid) for grid in grids.values())
    worst, done = np.zeros((len(frame), len(columns))), 0
    with budget.telling("moved rows given to the model", total):
        budget.part(0, total)
        for place, (name, sign) in enumerate(columns.items()):
            grid = grids[name]
            if len(grid) < 2:
                continue
            each = max(1, chunk_rows(len(features)) // len(grid))
            for start in range(0, len(frame), each):
                budget.check(done, total)
                part = frame[start : start + each]
                said = asked(chosen.ask, _moved(part, name, grid))[:, 0].reshape(len(part), -1)
                way = good * sign * said
                fallen = np.maximum.accumulate(way, axis=1) - way
                worst[start : start + each, place] = fallen.max(axis=1)
                done += said.size
    examples = _examples(evidence, chosen, frame, grids, columns, worst, eps)
    return Reversals(
        columns=tuple(columns),
        signs=tuple(columns.values()),
        worst=worst,
        counted=worst > eps,
        varies=tuple(len(grid) > 1 for grid in grids.values()),
        eps=eps,
        said=chosen.said,
        good=good,
        total=evidence.data.rows,
        units=units,
        examples=first(examples, evidence.stated.rows) if evidence.stated.rows else (),
    )


def _examples(
    evidence: Evidence,
    chosen: Output,
    frame: pd.DataFrame,
    grids: Mapping[str, Any],
    columns: Mapping[str, int],
    worst: np.ndarray,
    eps: float,
) -> Iterator[Example]:
    """Yield the worst reversals: between which two values of a column, and what that does."""
    subject = evidence.subject
    decides = subject.has_decisions and subject.within is None
    for at in np.argsort(-worst, axis=None, kind="stable"):
        row, place = divmod(int(at), len(columns))
        name, sign = list(columns.items())[place]
        if worst[row, place] <= eps:
            return
        moved = _moved(frame[row : row + 1], name, grids[name])
        said = asked(chosen.ask, moved)[:, 0]
        way = (-chosen.adverse or 1) * sign * said
        fallen = np.maximum.accumulate(way) - way
        if fallen.max() <= eps:  # a model that answers otherwise when asked again
            continue
        high = int(np.argmax(fallen))
        low = int(np.argmax(way[: high + 1]))
        one, two = (low, high) if sign > 0 else (high, low)
        told = [f"{chosen.said} goes from {said[one]:.3g} to {said[two]:.3g}"]
        if decides:
            told = [] if chosen.name == "decision" else told
            before, after = evidence.decide(moved.iloc[[one, two]])
            told.append(turned(evidence, bool(before), bool(after)))
        values = grids[name][one], grids[name][two]
        yield Example(changed=(change(name, *values),), effect=", ".join(told))


def _grid(column: pd.Series[Any], steps: int) -> Any:
    """Return real values of a column, ascending."""
    known = column.dropna()
    ordered = pd.api.types.is_numeric_dtype(known) or pd.api.types.is_datetime64_any_dtype(known)
    if isinstance(column.dtype, pd.CategoricalDtype) and column.cat.ordered:
        ordered = True
    if not ordered:
        what = f"column {column.name!r} has no order in which it could rise"
        raise CheckError(Problem(what, "name columns of numbers, dates or ordered categories"))
    values = known.sort_values().drop_duplicates(ignore_index=True).array
    if len(values) <= steps:
        return values
    every = known.sort_values(ignore_index=True).array
    places = np.round(np.linspace(0, len(every) - 1, steps)).astype(int)
    return pd.Series(every.take(places)).drop_duplicates(ignore_index=True).array


def _moved(part: pd.DataFrame, name: str, grid: Any) -> pd.DataFrame:
    """Return each row once for each value, rows together."""
    many = part.loc[np.repeat(part.index.to_numpy(), len(grid))].reset_index(drop=True)
    many[name] = grid.take(np.tile(np.arange(len(grid)), len(part)))
    return many
