"""How much attributions move when the numbers of a row move a little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pytest_aipm.attribution import Budget, walk
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.explaining import Explained
from pytest_aipm.evidence.sample import generator
from pytest_aipm.stats.twoway import two_way

__all__ = ["FOLDS", "Shaken", "shaken"]

FOLDS = 20


@dataclass(frozen=True, eq=False)
class Shaken:
    """How much the attributions of n rows change.

    Attributes
    ----------
    relative : array of shape (n,)
        Length of the difference over the row's own length, or that of the median row where it is
        shorter.
    fold : int array of shape (n,)
        Which of the twenty parts of the people each row is in.
    without : array of shape (FOLDS, n)
        The same, were the standard deviations and the median row's length those of the others: the
        rows give the scale that they are measured by, which a jackknife needs to know.
    """

    relative: np.ndarray
    fold: np.ndarray
    without: np.ndarray

    def shares(self, change: float, weight: np.ndarray) -> np.ndarray:
        """Return the weighted share of rows that change by more, without each part of them."""
        more = self.without > change
        return np.array(
            [
                np.average(more[k][self.fold != k], weights=weight[self.fold != k])
                for k in range(FOLDS)
                if (self.fold != k).any()
            ]
        )


def shaken(
    evidence: Evidence, found: Explained, *, spread: float, walks: int, budget_s: float | None
) -> Shaken | None:
    """Return the relative change of each row's attributions, on common random numbers.

    Parameters
    ----------
    evidence : Evidence
    found : Explained
        The rows as they are.
    spread : float
        Standard deviations of the noise, in those of each column.
    walks : int
        As in `found`.
    budget_s : float or None

    Returns
    -------
    Shaken or None
        None where there is nothing to move or nothing attributed.

    Raises
    ------
    BudgetSpent
    """
    inputs = found.sample.inputs
    moved, wide = _moved(inputs, spread, evidence.seed)
    lengths = np.linalg.norm(found.fit.row, axis=1)
    if moved is None or not lengths.any():
        return None
    again = walk(
        found.output.ask,
        moved,
        found.sample.background,
        found.players,
        walks=walks,
        rng=generator(evidence.seed, "walks"),
        budget=Budget(budget_s),
    )
    fit = two_way(again.values[..., 0], again.background, len(found.sample.background))
    change, least = np.linalg.norm(fit.row - found.fit.row, axis=1), 1e-12 * float(lengths.max())
    relative = change / np.maximum(lengths, max(float(np.median(lengths)), least))
    unit = found.sample.units.unit
    unit = np.arange(len(lengths)) if unit is None else unit
    order = generator(evidence.seed, "shaken").permutation(int(unit.max()) + 1)
    fold, without = order[unit] % FOLDS, np.empty((FOLDS, len(lengths)))
    for k in range(FOLDS):
        kept = fold != k
        if not kept.any():
            without[k] = relative
            continue
        # a little less noise moves attributions by as much less
        noise = np.mean([_spread_of(numbers[kept]) / _spread_of(numbers) for numbers in wide])
        middle = max(float(np.median(lengths[kept])), least)
        without[k] = noise * change / np.maximum(lengths, middle)
    return Shaken(relative, fold, without)


def _spread_of(numbers: np.ndarray) -> float:
    return 0.0 if np.isnan(numbers).all() else float(np.nanstd(numbers))


def _moved(
    inputs: pd.DataFrame, spread: float, seed: int
) -> tuple[pd.DataFrame | None, list[np.ndarray]]:
    """Return the rows with noise on their numbers, each column of its own type, and the numbers."""
    moved, numbered = inputs.copy(), []
    for name in inputs.columns:
        column = inputs[name]
        if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            continue
        numbers = column.to_numpy(dtype=float, na_value=np.nan)
        wide = _spread_of(numbers)
        if wide == 0.0:
            continue
        noise = generator(seed, "shaken", str(name)).normal(0.0, spread * wide, len(numbers))
        new = numbers + noise
        if pd.api.types.is_integer_dtype(column):
            new = np.clip(np.round(new), np.nanmin(numbers), np.nanmax(numbers))
        known = column.notna().to_numpy()
        values = column.copy()
        values[known] = pd.Series(new[known], index=column.index[known]).astype(column.dtype)
        moved[name] = values
        numbered.append(numbers)
    return (moved if numbered else None), numbered
