"""How much attributions move when the numbers of a row move a little."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pytest_aipm.attribution import Budget, walk
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.explaining import Explained
from pytest_aipm.evidence.sample import generator
from pytest_aipm.stats.twoway import two_way

__all__ = ["shaken"]


def shaken(
    evidence: Evidence, found: Explained, *, spread: float, walks: int, budget_s: float | None
) -> np.ndarray | None:
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
    array of shape (n,) or None
        Length of the difference over the row's own length, or that of the median row where it is
        shorter; None where there is nothing to move or nothing attributed.

    Raises
    ------
    BudgetSpent
    """
    inputs = found.sample.inputs
    moved = _moved(inputs, spread, evidence.seed)
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
    own = np.maximum(lengths, max(float(np.median(lengths)), 1e-12 * float(lengths.max())))
    relative: np.ndarray = np.linalg.norm(fit.row - found.fit.row, axis=1) / own
    return relative


def _moved(inputs: pd.DataFrame, spread: float, seed: int) -> pd.DataFrame | None:
    """Return the rows with noise on their numbers, each column of its own type."""
    moved, any_moved = inputs.copy(), False
    for name in inputs.columns:
        column = inputs[name]
        if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            continue
        numbers = column.to_numpy(dtype=float, na_value=np.nan)
        wide = float(np.nanstd(numbers)) if not np.isnan(numbers).all() else 0.0
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
        any_moved = True
    return moved if any_moved else None
