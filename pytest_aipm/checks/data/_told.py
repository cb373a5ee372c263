"""Words and pictures that the checks on data share."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_aipm.evidence.columns import tell
from pytest_aipm.records import Series

__all__ = ["FEW", "column_bars", "in_rows", "listed", "rows_word", "share"]

FEW = 5
"""Fewer rows are not counted out in words."""
MOST_BARS = 20


def rows_word(of: str) -> str:
    """Return what the rows are called."""
    return "training rows" if of == "train" else "evaluation rows"


def in_rows(rows: int) -> str:
    """Return in how many rows something is; few of them are not counted out."""
    return f"{rows:,} rows" if rows >= FEW else f"fewer than {FEW} rows"


def share(value: float) -> str:
    """Return a share in percent, as a sentence says it."""
    percent = 100 * value
    if value in (0, 1):
        return f"{percent:.0f} %"
    if 0 < percent < 0.1:
        return "less than 0.1 %"
    return f"{percent:.1f} %" if percent < 99.95 else "more than 99.9 %"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return names of columns, the first of them."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(tell, names[:most])) + more


def column_bars(
    name: str, values: dict[str, float], counts: dict[str, int], y_label: str
) -> tuple[Series, ...]:
    """Return the highest values as bars, one a column; nothing where all are 0."""
    ranked = sorted((each for each in values if values[each] > 0), key=lambda each: -values[each])
    first = ranked[:MOST_BARS]
    if not first:
        return ()
    return (
        Series(
            name=name,
            kind="bars",
            x=tuple(tell(each) for each in first),
            y=tuple(values[each] for each in first),
            x_label="column",
            y_label=y_label,
            counts=tuple(counts[each] for each in first),
        ),
    )
