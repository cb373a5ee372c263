"""What a log of decisions looks like to a reader: its span, its months, its waits."""

from __future__ import annotations

import numpy as np

from pytest_aipm.evidence.decision_log import DecisionLog
from pytest_aipm.records import Series

__all__ = ["months", "notes_of", "waits"]

_BANDS = (
    (0, 1, "within a day"),
    (1, 3, "1 to 3 days"),
    (3, 7, "3 to 7 days"),
    (7, 30, "7 to 30 days"),
    (30, np.inf, "30 days or more"),
)


def notes_of(log: DecisionLog) -> tuple[str, ...]:
    """Return from when to when the decisions are, and of how many people."""
    first, last = (str(each)[:10] for each in (log.decided_at.min(), log.decided_at.max()))
    said = [f"{log.n:,} decisions from {first} to {last} ({log.ref})"]
    people = len(set(log.person.tolist()))
    if people < log.n:
        said.append(f"they are of {people:,} people; each decision is taken as one draw")
    return tuple(said)


def months(log: DecisionLog, counted: np.ndarray, name: str) -> Series:
    """Return the rate of the last 24 months."""
    assert log.event is not None  # noqa: S101
    month = log.decided_at[counted].astype("datetime64[M]")
    known, place = np.unique(month, return_inverse=True)
    n = np.bincount(place, minlength=len(known))[-24:]
    x = np.bincount(place, weights=log.event[counted], minlength=len(known))[-24:]
    return Series(
        name=f"{name} by month",
        kind="bars",
        x=tuple(str(each) for each in known[-24:]),
        y=tuple((x / n).tolist()),
        x_label="month of the decision",
        y_label=name,
        counts=tuple(int(each) for each in n),
    )


def waits(days: np.ndarray) -> Series:
    """Return what share of reviews came how soon."""
    counts = [int(((days >= low) & (days < high)).sum()) for low, high, _ in _BANDS]
    return Series(
        name="reviews by how soon they came",
        kind="bars",
        x=tuple(label for _, _, label in _BANDS),
        y=tuple(count / len(days) for count in counts),
        x_label="time to the review",
        y_label="share of reviews",
        counts=tuple(counts),
    )
