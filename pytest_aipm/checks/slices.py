"""Slices of the rows: how each came out, and how a finding tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from pytest_aipm.checks.rates import Rate
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.slices import SliceCounts
from pytest_aipm.evidence.subject import Subject
from pytest_aipm.records import GroupValue, Series
from pytest_aipm.stats.conjunctions import Conjunctions, Items, column_sets, conjunctions
from pytest_aipm.stats.parts import rate_bounds
from pytest_aipm.stats.slice_rates import Rates
from pytest_aipm.stats.slices import WorstSlice

__all__ = ["Search", "described", "left_out", "searched", "shown_slices"]

MOST_SETS = 20_000
"""Sets of columns beyond which a search takes minutes."""
CONFIRMED = "confirming half"
WIDEST = "on all rows: the upper end"


@dataclass(frozen=True)
class Search:
    """Every slice with enough rows.

    Attributes
    ----------
    counts : SliceCounts
    found : Conjunctions
        The slices; outcomes are those of `counts`.
    finding, confirming, everyone : Rates
        Harmful events on the half that finds, on the one that confirms, and on all rows.
    large : bool array of shape (S,)
        Slices that are judged: no smaller than `min_group_size`.
    usable : bool array of shape (S,)
        Those of them that the confirming half can measure.
    rare : dict of str to int
        Rows of each column whose value has too few rows to be searched.
    """

    counts: SliceCounts
    found: Conjunctions
    finding: Rates
    confirming: Rates
    everyone: Rates
    large: np.ndarray
    usable: np.ndarray
    rare: dict[str, int]

    @property
    def rows(self) -> int:
        """All rows."""
        return self.counts.n

    def traits(self, place: int) -> dict[str, str]:
        """Return a slice as records name groups: its columns and their values."""
        return {
            self.counts.columns[column]: self.counts.values[column][code - 1]
            for column, code in self.found.items[place]
        }

    def name(self, place: int) -> str:
        """Return a slice as a reader names it: ``sex = f, region = north``."""
        return ", ".join(
            f"{column} {value}" if value.startswith(("<", ">")) else f"{column} = {value}"
            for column, value in self.traits(place).items()
        )

    def support(self, place: int) -> float:
        """Return a slice's share of all rows."""
        return float(self.found.counts[place].sum()) / self.rows


def searched(
    counts: SliceCounts,
    rate: Rate,
    subject: Subject,
    *,
    max_depth: int,
    min_support: float,
    min_size: int,
) -> Search:
    """Return every slice of the rows with enough support.

    Raises
    ------
    CheckError
        When there are too many columns to combine.
    """
    sets = column_sets(len(counts.columns), max_depth)
    if sets > MOST_SETS:
        what = (
            f"{len(counts.columns)} columns make {sets:,} combinations of up to {max_depth}; at "
            f"most {MOST_SETS:,} are searched"
        )
        raise CheckError(Problem(what, "name fewer `columns:`, or lower `max_depth`"))
    found = conjunctions(
        counts.codes,
        counts.outcome,
        counts.weight,
        outcomes=8,
        max_depth=max_depth,
        min_count=int(np.ceil(min_support * counts.n - 1e-9)),
    )
    table, whole = found.counts.reshape(-1, 2, 2, 2), found.total.reshape(1, 2, 2, 2)
    finding, confirming = (_rates(table[:, half], whole[:, half], rate, subject) for half in (0, 1))
    everyone = _rates(table.sum(axis=1), whole.sum(axis=1), rate, subject)
    # a slice without any row of the denominator is left out on purpose only
    large = everyone.n >= (min_size if min_size > 1 else 0)
    return Search(
        counts=counts,
        found=found,
        finding=finding,
        confirming=confirming,
        everyone=everyone,
        large=large,
        usable=large & confirming.defined,
        rare=_rare(counts, found),
    )


def _rare(counts: SliceCounts, found: Conjunctions) -> dict[str, int]:
    known = counts.weight @ (counts.codes > 0)
    singles = [(items[0][0], rows) for items, rows in _sizes(found) if len(items) == 1]
    covered = np.bincount(
        [column for column, _ in singles],
        [rows for _, rows in singles],
        minlength=len(counts.columns),
    )
    left = zip(counts.columns, (known - covered).astype(int), strict=True)
    return {name: int(rows) for name, rows in left if rows}


def _sizes(found: Conjunctions) -> list[tuple[Items, int]]:
    return list(zip(found.items, found.counts.sum(axis=1).tolist(), strict=True))


def _rates(table: np.ndarray, whole: np.ndarray, rate: Rate, subject: Subject) -> Rates:
    """Return the harmful events of tables of shape (S, labels, 2)."""
    (x, n), (all_x, all_n) = (rate.counts(each, subject) for each in (table, whole))
    if rate.better != "low":
        x, all_x = n - x, all_n - all_x
    return Rates(x.astype(float), n.astype(float), float(all_x[0]), float(all_n[0]))


# -- words -------------------------------------------------------------------------------------


def _shown(rate: Rate, x: float, n: float) -> float:
    """Return the rate as it is known, from its harmful events."""
    harm = x / n
    return harm if rate.better == "low" else 1 - harm


def described(search: Search, found: Sequence[int], estimate: WorstSlice, rate: Rate) -> str:
    """Return what was seen as a sentence."""
    rates, at = search.confirming, found[estimate.worst]
    own = frequency(_shown(rate, rates.x[at], rates.n[at]))
    whole = frequency(_shown(rate, rates.all_x, rates.all_n))
    off = f"worse off by {number(estimate.value)}"
    if estimate.value < 0:
        off = f"better off by {number(-estimate.value)}, a harm of {number(estimate.value)}"
    where = " and ".join(_trait(*each) for each in search.traits(at).items())
    return f"{rate.name} where {where}: {own}, against {whole} of all rows: {off}"


def _trait(column: str, value: str) -> str:
    """Return a trait in words; groups between cut points are named by their ends."""
    if value.startswith(">="):
        return f"{column} is {value[2:].strip()} or more"
    if value.startswith("<"):
        return f"{column} is below {value[1:].strip()}"
    return f"{column} is {value}"


def left_out(counts: SliceCounts) -> tuple[str, ...]:
    """Return a note of the columns that were not searched, if there are any."""
    if not counts.left_out:
        return ()
    named = "; ".join(f"{name} ({why})" for name, why in counts.left_out.items())
    return (f"not searched: {named}",)


def shown_slices(
    search: Search,
    found: Sequence[int],
    estimate: WorstSlice,
    rate: Rate,
    confidence: float,
    notes: tuple[str, ...],
) -> dict[str, Any]:
    """Return the table, the chart and the notes of the slices, the one with most harm first."""
    order = sorted(range(len(found)), key=lambda i: (-estimate.ends[i][1], i))
    order.sort(key=lambda i: i != estimate.worst)
    group = partial(_group, search, rate=rate, confidence=confidence)
    groups = [group(search.confirming, found[i]) for i in order]
    groups.append(group(search.confirming, None))
    judged = np.flatnonzero(search.large)
    if estimate.widest >= 0:
        widest = int(judged[estimate.widest])
        groups += [group(search.everyone, widest), group(search.everyone, None)]
    undefined = int((~search.everyone.defined[judged]).sum())
    few = len(search.large) - len(judged)
    columns = ", ".join(search.counts.columns)
    told = [f"searched {len(judged):,} slices of {columns}; {len(found)} went on to be confirmed"]
    if undefined:
        told.append(f"{undefined:,} slices have no row in the rate's denominator, or all of them")
    if few:
        told.append(f"not judged: {few:,} slices with too few rows in the denominator")
    if search.rare:
        rare = ", ".join(f"{name} {rows:,}" for name, rows in search.rare.items())
        told.append(f"rows whose value is too rare to be searched: {rare}")
    chart = Series(
        name="harmful divergence of the slices found, with bounds that hold together",
        kind="bars",
        x=tuple(search.name(found[i]) for i in order),
        y=tuple(estimate.ends[i][0] for i in order),
        lo=tuple(estimate.ends[i][1] for i in order),
        hi=tuple(estimate.ends[i][2] for i in order),
        x_label="slice",
        y_label=f"{rate.name}, difference from all rows",
        counts=tuple(int(search.confirming.n[found[i]]) for i in order),
    )
    return {"groups": tuple(groups), "series": (chart,), "notes": (*told, *notes)}


def _group(
    search: Search, rates: Rates, place: int | None, *, rate: Rate, confidence: float
) -> GroupValue:
    """Return the record of one slice, or of all rows: its rate with Clopper-Pearson bounds.

    A slice's note adds its support and t.
    """
    halved = rates is search.confirming
    table, harm, n, note = (
        search.found.total,
        rates.all_x,
        rates.all_n,
        "what slices are set against",
    )
    if place is not None:
        table, harm, n = search.found.counts[place], float(rates.x[place]), float(rates.n[place])
        note = (
            f"{search.support(place):.1%} of all rows; divergence "
            f"{number(float(rates.divergence[place]))}, t {number(float(rates.t[place]))}"
        )
    x = harm if rate.better == "low" else n - harm
    lower, upper = rate_bounds(x, n, 1 - confidence)
    return GroupValue(
        group={} if place is None else search.traits(place),
        part=f"{rate.name}, {CONFIRMED if halved else WIDEST}",
        n=int(table.reshape(2, 4)[1 if halved else slice(None)].sum()),
        numerator=int(x),
        denominator=int(n),
        value=float(x / n),
        interval=(float(lower), float(upper)),
        judged=place is not None,
        note=note,
    )
