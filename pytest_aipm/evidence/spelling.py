"""Ids as they may be written in two places: 7.0, `` 7`` and 7 are one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

__all__ = ["spelled"]


def spelled(column: pd.Series[Any]) -> np.ndarray:
    """Return values as texts, whole numbers without fraction; empty where they are missing.

    Parameters
    ----------
    column : Series of shape (n,)

    Returns
    -------
    object array of shape (n,)
    """
    texts = column.astype(object).where(column.notna(), "").map(str).str.strip()
    plain = texts.str.replace(r"^(-?\d+)\.0+$", r"\1", regex=True)
    return np.asarray(plain, dtype=object)
