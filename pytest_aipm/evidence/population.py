"""The shares that groups have in a population, as a policy or a file states them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from pytest_aipm.errors import CheckError, DataError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.subject import group_name
from pytest_aipm.sources.data import DataSource, DataSpec, open_data
from pytest_aipm.sources.faults import did_you_mean, listed

__all__ = ["ROUNDING", "expected_shares", "share_faults"]

ROUNDING = 0.01
"""Shares that are rounded may miss 1 by less than this; they are then divided by their sum."""

Key = tuple[str, ...]


def share_faults(shares: Mapping[str, float]) -> str:
    """Return what is wrong with the stated shares of one attribute, or nothing."""
    for name, share in shares.items():
        if not (math.isfinite(share) and share > 0):
            return f"the share of {name!r} is {share:g}; write a number above 0, or leave it out"
    total = math.fsum(shares.values())
    if abs(total - 1) >= ROUNDING:
        return (
            f"the shares add up to {total:.4g}, not 1 (rounding may miss it by less than "
            f"{ROUNDING:g})"
        )
    return ""


def expected_shares(
    evidence: Evidence, by: Key, population: str | Mapping[str, Mapping[str, float]]
) -> dict[Key, float]:
    """Return the share of each group of a scope in the population; they add up to 1.

    Parameters
    ----------
    evidence : Evidence
    by : tuple of str
    population : str or mapping
        A file with one column for each attribute and one of ``share`` or ``count``, or the shares
        of the groups of each attribute.

    Raises
    ------
    CheckError
        When the policy states no shares of this scope.
    DataError
        When the file cannot be read as such, or its shares do not add up to 1.
    """
    if isinstance(population, str):
        return _from_file(evidence, by, population)
    if len(by) > 1:
        fix = f"name a file with the columns {', '.join(by)} and `share` or `count`"
        what = f"`population` states shares of single attributes, not of {' and '.join(by)} jointly"
        raise CheckError(Problem(what, fix))
    if by[0] not in population:
        what = f"`population` states no shares of {by[0]!r} (it has {listed(population)})"
        raise CheckError(Problem(what, f"add them, or name `by: {next(iter(population))}`"))
    return _whole({(name,): float(share) for name, share in population[by[0]].items()})


def _whole(shares: dict[Key, float]) -> dict[Key, float]:
    total = math.fsum(shares.values())
    return {key: share / total for key, share in shares.items()}


def _from_file(evidence: Evidence, by: Key, path: str) -> dict[Key, float]:
    source = open_data(DataSpec(path=path), root=evidence.root)
    columns = [_column(evidence, name, source) for name in by]
    amount = [name for name in ("share", "count") if name in source.columns]
    if len(amount) != 1:
        has = "both `share` and `count`" if amount else "neither `share` nor `count`"
        what = f"the population has {has} (columns: {listed(source.columns)})"
        raise _fault(source, what, "keep one column of them, with a number for each group")
    frame = source.frame([*columns, *amount])
    if frame.isna().any(axis=None):
        raise _fault(source, "a row of the population lacks a group or its number", "fill it in")
    numbers = _numbers(frame[amount[0]], amount[0], source)
    keys = [tuple(map(group_name, row)) for row in frame[columns].itertuples(index=False)]
    shares: dict[Key, float] = {}
    for key, number in zip(keys, numbers, strict=True):
        shares[key] = shares.get(key, 0.0) + number
    if amount == ["count"]:
        shares = _whole(shares)
    fault = share_faults({" · ".join(key): share for key, share in shares.items()})
    if fault:
        raise _fault(source, fault, "state the whole population, or write counts as `count`")
    return _whole(shares)


def _column(evidence: Evidence, name: str, source: DataSource) -> str:
    for column in (name, evidence.subject.attribute(name).column):
        if column in source.columns:
            return column
    what = f"the population has no column {name!r} (columns: {listed(source.columns)})"
    fix = did_you_mean(name, source.columns) or f"add a column {name!r} with the names of groups"
    raise _fault(source, what, fix)


def _numbers(column: pd.Series[Any], name: str, source: DataSource) -> list[float]:
    try:
        numbers = pd.to_numeric(column).to_numpy(dtype=float)
    except (TypeError, ValueError):
        what = f"column {name!r} of the population does not hold numbers"
        raise _fault(source, what, "write numbers such as 0.51 or 5100") from None
    wrong = next((each for each in numbers.tolist() if not (math.isfinite(each) and each >= 0)), 0)
    if wrong:
        raise _fault(
            source, f"column {name!r} of the population holds {wrong:g}", "write 0 or more"
        )
    if not numbers.sum():
        raise _fault(source, f"column {name!r} of the population holds zeros only", "fill it in")
    return [float(each) for each in numbers]


def _fault(source: DataSource, what: str, fix: str) -> DataError:
    return DataError(Problem(what, fix, path=source.ref))
