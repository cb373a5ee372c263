"""Games whose Shapley values are known or can be enumerated by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd


def people(n: int = 300, seed: int = 0) -> pd.DataFrame:
    """Columns of many types, missing values among them."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "amount": rng.normal(size=n),
            "region": rng.choice(["north", "south", None], n, p=[0.5, 0.4, 0.1]),
            "count": pd.array(rng.choice([1, 2, None], n), dtype="Int64"),
            "kind": pd.Categorical(rng.choice(["a", "b"], n), categories=["a", "b", "never"]),
            "member": rng.random(n) < 0.5,
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
            "ratio": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
        }
    )


def tangled(frame: pd.DataFrame) -> np.ndarray:
    """A function with interactions of three columns, two outputs."""
    north = (frame["region"] == "north").fillna(False).to_numpy(dtype=bool)
    count = frame["count"].fillna(0).to_numpy(dtype=float)
    days = (frame["since"] - pd.Timestamp("2020-01-01")).dt.days.to_numpy() / 900
    ratio = frame["ratio"].fillna(-1.0).to_numpy()
    first = frame["amount"].to_numpy() * north * count + days * ratio
    second = (frame["kind"].astype(str) == "a") * frame["member"].to_numpy() * days * count
    return np.column_stack([first, second])


def brute(ask, row: pd.DataFrame, background: pd.DataFrame) -> np.ndarray:
    """Shapley values of one row by the definition, one coalition after the other."""
    columns, p = list(row.columns), row.shape[1]

    def value(coalition: tuple[str, ...]) -> np.ndarray:
        mixed = background.copy()
        for name in coalition:
            same = row[name].iloc[[0] * len(background)].reset_index(drop=True)
            mixed[name] = same
        return ask(mixed).reshape(len(mixed), -1).mean(axis=0)

    found = []
    for player in columns:
        others = [name for name in columns if name != player]
        total = 0.0
        for size in range(p):
            weight = math.factorial(size) * math.factorial(p - 1 - size) / math.factorial(p)
            for coalition in itertools.combinations(others, size):
                total = total + weight * (value((*coalition, player)) - value(coalition))
        found.append(total)
    return np.array(found)
