"""Tables as `aipm init` sees them, made from frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pytest_aipm.sources.data import open_data
from pytest_aipm.starting.proposal import Proposal, Said, propose
from pytest_aipm.starting.table import Table, look


@pytest.fixture
def looked(tmp_path: Path) -> Callable[..., Table]:
    """Look at columns, given by name."""

    def look_at(**columns: Any) -> Table:
        return look(open_data(pd.DataFrame(columns), root=tmp_path))

    return look_at


@pytest.fixture
def people() -> dict[str, Any]:
    """Columns of 400 people: an id, two groups of sex, ages, and what the model said."""
    rng = np.random.default_rng(7)
    n = 400
    return {
        "person_id": np.arange(1000, 1000 + n),
        "sex": np.where(np.arange(n) % 2 == 0, "female", "male"),
        "age": rng.integers(18, 80, n),
        "amount": rng.normal(100, 10, n).round(2),
        "predicted": np.arange(n) // 2 % 2,
        "defaulted": np.arange(n) // 4 % 2,
    }


@pytest.fixture
def proposed(looked: Callable[..., Table]) -> Callable[..., Proposal]:
    """Propose a policy for columns; ``said`` is what a person said already."""

    def for_columns(said: Said | None = None, **columns: Any) -> Proposal:
        return propose(looked(**columns), said or Said(), "rows.csv")

    return for_columns
