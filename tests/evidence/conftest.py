"""A small frame with every kind of value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def people() -> pd.DataFrame:
    """Two attributes with gaps, labels, predictions, scores; 200 rows."""
    rng = np.random.default_rng(1)
    n = 200
    return pd.DataFrame(
        {
            "sex": rng.choice(["f", "m", None], n, p=[0.5, 0.4, 0.1]),
            "race": rng.choice(["A", "B", "C", None], n, p=[0.5, 0.3, 0.15, 0.05]),
            "y": rng.integers(0, 2, n),
            "pred": rng.integers(0, 2, n),
            "s": np.round(rng.uniform(0, 1, n), 2),
        }
    )
