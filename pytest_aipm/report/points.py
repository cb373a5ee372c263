"""The points of curves and bars as tables: what a picture shows, in numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from pytest_aipm.records import Series
from pytest_aipm.report.words import DASH, count, point_text

__all__ = ["PointTable", "point_tables"]

MOST_LABELS = 60
MOST_HEAD = 48
"""Characters of names that stand beside each other over one table."""
MOST_POINTS = 11
"""Points of a line in its table; the picture draws all, and `audit.json` holds them."""


@dataclass(frozen=True)
class PointTable:
    """Series of the same points beside each other.

    Attributes
    ----------
    name : str
        What is in the table.
    head : tuple of str
        Names of its columns.
    rows : tuple of (str, tuple of str)
        The point, and what each column has there.
    gone : int
        Points that are left out between those of a long line.
    """

    name: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    gone: int


def point_tables(series: Sequence[Series]) -> Iterator[PointTable]:
    """Yield the tables of a finding's series; those with the same points and no ends share one."""

    def key(pair: tuple[Series, Series]) -> tuple[object, ...]:
        one, few = pair
        alone = id(one) if few.lo or few.hi or few.counts else None
        return one.kind, one.x_label, one.y_label, one.x, one.mark, alone

    pairs = ((one, _thinned(one)) for one in series if _fits(one))
    for _, members in groupby(pairs, key=key):
        together = list(members)
        wide = sum(len(one.name) for one, _ in together) > MOST_HEAD
        for each in [[pair] for pair in together] if wide else [together]:
            yield _table(each)


def _table(together: Sequence[tuple[Series, Series]]) -> PointTable:
    """Return the table of series and what is shown of each."""
    whole, first = together[0]
    single = len(together) == 1
    columns = [column for _, few in together for column in _columns(few, alone=single)]
    rows = tuple(
        (_point(x), tuple(cells[i] if i < len(cells) else DASH for _, cells in columns))
        for i, x in enumerate(first.x)
    )
    name = whole.name if single else whole.y_label or "the lines"
    head = (whole.x_label or "Item", *(title for title, _ in columns))
    return PointTable(name, head, rows, len(whole.x) - len(first.x))


def _columns(one: Series, *, alone: bool) -> Iterator[tuple[str, list[str]]]:
    yield (one.y_label or "Value") if alone else one.name, [_point(y) for y in one.y]
    if one.lo:
        yield "From", [_point(y) for y in one.lo]
        yield "To", [_point(y) for y in one.hi]
    if one.counts:
        yield "People", [count(n) for n in one.counts]


def _point(value: float | str | None) -> str:
    if value is None:
        return DASH
    return value if isinstance(value, str) else point_text(value)


def _fits(series: Series) -> bool:
    few = len(series.x) <= MOST_LABELS
    return bool(series.x) and (few or not isinstance(series.x[0], str))


def _thinned(series: Series) -> Series:
    """Return every few points of a long line: both ends and the chosen one are among them."""
    last = len(series.x) - 1
    if last < MOST_POINTS or isinstance(series.x[0], str):
        return series
    kept = {round(i * last / (MOST_POINTS - 1)) for i in range(MOST_POINTS)}
    kept |= {i for i, x in enumerate(series.x) if x == series.mark}
    at = sorted(kept)
    points = {
        name: tuple(each[i] for i in at if i < len(each))
        for name, each in (("x", series.x), ("y", series.y), ("lo", series.lo), ("hi", series.hi))
    }
    # counts are of the people since the point before, which may be gone
    return series.model_copy(update=points | {"counts": ()})
