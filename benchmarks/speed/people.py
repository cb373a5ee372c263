"""The invented rows that everybody counts. Needs numpy, pandas or pyarrow only where it says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = [
    "LEVELS",
    "METRICS",
    "SETS",
    "frame",
    "members",
    "save",
    "set_name",
    "write_parquet",
]

LEVELS: dict[str, tuple[str, ...]] = {
    "sex": ("female", "male"),
    "race": ("Alder", "Birch", "Cedar", "Dogwood", "Elm"),
    "age": ("18-24", "25-31", "32-38", "39-45", "46-52", "53-59", "60-66", "67 and over"),
}
SHARES = {"race": (0.60, 0.18, 0.13, 0.06, 0.03)}
SETS: tuple[tuple[str, ...], ...] = (
    ("sex",),
    ("race",),
    ("age",),
    ("sex", "race"),
    ("sex", "age"),
    ("race", "age"),
)
"""2 + 5 + 8 + 10 + 16 + 40 = 81 groups."""

METRICS = (
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "false_negative_rate",
    "precision",
    "accuracy",
)

ROW_GROUP = 1_000_000


def set_name(by: Sequence[str]) -> str:
    """Return what a set of attributes is called in results."""
    return "+".join(by)


def members(table: Any) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    """Yield each of the 81 groups of a frame: its set, its name, and who is in it."""
    for by in SETS:
        joint = table[by[0]] if len(by) == 1 else table[by[0]] + "|" + table[by[1]]
        for group in joint.unique():
            yield by, group, joint == group


def drawn(rows: int, seed: int) -> dict[str, np.ndarray]:
    """Return rows in codes: attributes, label, prediction, score.

    Everyone is treated alike, so no finding is decided early.
    """
    rng = np.random.default_rng([seed, rows])
    found: dict[str, np.ndarray] = {}
    for name, levels in LEVELS.items():
        edges = np.cumsum(SHARES.get(name, (1 / len(levels),) * len(levels)))[:-1]
        found[name] = np.searchsorted(edges, rng.random(rows, dtype=np.float32)).astype(np.int8)
    label = rng.random(rows, dtype=np.float32) < 0.3
    noise = rng.standard_normal(rows, dtype=np.float32) * np.float32(0.15)
    score = np.clip(np.float32(0.35) + np.float32(0.2) * label + noise, 0, 1)
    return {
        **found,
        "label": label.astype(np.int8),
        "predicted": (score >= 0.45).astype(np.int8),
        "score": score,
    }


def save(path: Path, rows: int, seed: int = 0) -> Path:
    """Write the rows in codes, for every version of numpy."""
    np.savez(path, **drawn(rows, seed))  # type: ignore[arg-type]
    return path


def frame(codes: str | Path | Mapping[str, np.ndarray], *, score: bool = False) -> Any:
    """Return a pandas frame with attributes as columns of text, as a user has them."""
    import pandas as pd  # noqa: PLC0415 - a contender's own version, in an environment of its own

    held = np.load(codes) if isinstance(codes, str | Path) else codes
    columns = {name: np.array(levels)[held[name]] for name, levels in LEVELS.items()}
    columns |= {name: held[name].astype(np.int64) for name in ("label", "predicted")}
    if score:
        columns["score"] = held["score"]
    return pd.DataFrame(columns)


def tables(rows: int, seed: int) -> Iterator[Any]:
    """Yield Arrow tables of a million rows and less, texts as dictionaries."""
    import pyarrow as pa  # noqa: PLC0415

    for start in range(0, rows, ROW_GROUP):
        codes = drawn(min(ROW_GROUP, rows - start), seed + start // ROW_GROUP)
        columns = {
            name: pa.DictionaryArray.from_arrays(codes[name], pa.array(levels))
            for name, levels in LEVELS.items()
        }
        columns |= {name: pa.array(codes[name]) for name in ("label", "predicted", "score")}
        yield pa.table(columns)


def write_parquet(path: Path, rows: int, seed: int = 0) -> Path:
    """Write a Parquet file, a million rows a row group; some 70 MB for ten million rows."""
    import pyarrow.parquet as pq  # noqa: PLC0415

    parts = tables(rows, seed)
    first = next(parts)
    with pq.ParquetWriter(path, first.schema) as file:
        file.write_table(first, row_group_size=ROW_GROUP)
        for part in parts:
            file.write_table(part, row_group_size=ROW_GROUP)
    return path
