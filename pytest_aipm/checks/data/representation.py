"""Shares of the groups among the rows against those of a reference population.

## Question
Are all groups of the people this is for among the rows, in about the shares they really have?

## How it is measured
`population` states the share of each group, `{sex: {F: 0.51, M: 0.49}}`, or names a file with a
column for each attribute and one of `share` or `count`; a file may hold several attributes at once,
and then answers for intersections, too. The value is the lowest ratio of any group's share among
the rows to its share in the population: 0.80 says that a group has a fifth fewer rows than it
should. `max_difference` judges the largest shortfall, share expected less share found, instead.
Each share has Clopper-Pearson ends; the end that proves a breach is corrected for the number of
groups (Bonferroni), so that all hold at once. The population's shares are taken as known. They must
add up to 1; if rounding misses that by less than 0.01 they are divided by their sum. Weights and
people with several rows are heeded. A group of the population without rows has a ratio of 0. Rows
of groups that the population does not name are left out, said, and a failure where they are more
than `max_unknown` of all.

## When it misleads
- The right shares are those of the people the model will meet, not always those of a census.
- Shares may fit while one group has too few rows to learn or to judge anything:
  `data.sufficiency` asks that.
- A group in its right share overall may be missing where it counts, among the approved, say.
- Rows that were picked to balance the groups miss the population on purpose.

## What to do
Look at how rows were collected and who could not get in. Collect more of the group that lacks rows,
or weight the rows and say so under `weights`.

## If left out
A group could hardly be among the rows, and every other number would then speak of the others.

## Sources
- Goodman, "On simultaneous confidence intervals for multinomial proportions", Technometrics 1965.
- Clopper, Pearson, Biometrika 1934.
- No authority sets a number; 0.80 is a convention taken from the four-fifths rule.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

import numpy as np
from pydantic import field_validator

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.compare import unknown_breach
from pytest_aipm.checks.effective import Counted, design_note, rows_counted
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence import weighing
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.grouped import CountedRows, Of, counted_rows, counting_of
from pytest_aipm.evidence.population import expected_shares, share_faults
from pytest_aipm.evidence.wishes import Wish
from pytest_aipm.records import Because, Formula, GroupValue, Series
from pytest_aipm.stats.floors import Floor
from pytest_aipm.stats.representation import Against, goodness_of_fit, represented

NEEDS = Needs()
KIND = "sample"
SCOPES = "groups"
UNITS = ("", "difference")
RANGE = (0.0, 1.0)
WEIGHTED = True
DEFAULT_LIMIT = {"min": 0.80}
BASIS = "convention, taken from the four-fifths rule"
TASKS = ("binary", "multiclass", "regression", "ranking")

_MANY = 8


class Params(CheckParams):
    """Who should be there, and which rows are looked at."""

    population: str | dict[str, dict[str, float]]
    """Shares of the groups, ``{sex: {F: 0.51, M: 0.49}}``, or a file of them."""
    of: Of = "data"
    """Whether the evaluation rows or the training rows are looked at."""

    @field_validator("population")
    @classmethod
    def _sums(cls, value: str | dict[str, dict[str, float]]) -> str | dict[str, dict[str, float]]:
        if isinstance(value, str):
            return value
        if not value:
            raise ValueError("states no shares; write {ATTRIBUTE: {GROUP: SHARE, ...}}")
        for name, shares in value.items():
            fault = share_faults(shares) if shares else "no group is named"
            if fault:
                raise ValueError(f"of {name!r}: {fault}")
        return value


def needs(params: Params) -> Needs:
    """Return what it needs: training rows where it is asked about those."""
    return Needs(train=params.of == "train")


def wishes(evidence: Evidence, params: Params) -> Iterator[Wish[Any]]:
    """Yield what it is going to ask of all rows."""
    yield from counting_of(evidence, params.by, weighing.beside(evidence.subject), of=params.of)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    if not params.by:
        what = "there is no attribute whose groups could be counted"
        raise CheckError(Problem(what, "declare it under `protected` and name it under `by`"))
    expected = expected_shares(evidence, params.by, params.population)
    columns = weighing.beside(evidence.subject)
    rows = counted_rows(evidence, params.by, params.unknown, columns, of=params.of)
    keys, strangers = tuple(expected), [k for k in rows.grouping.keys if k not in expected]
    place = {key: i for i, key in enumerate(keys)}
    numbers = np.array([*(place.get(key, -2) for key in rows.grouping.keys), -1])
    group = numbers[rows.group]
    counted = _shares(evidence, group, len(keys), rows, params.confidence)
    known = rows.many(group >= 0)
    names = tuple(" · ".join(key) for key in keys)
    kind: Against = "difference" if params.unit == "difference" else "ratio"
    shares = list(expected.values())
    formula = Formula(
        id=f"representation_{kind}",
        numerator="share of the group among the rows",
        denominator="share of the group in the population" if kind == "ratio" else "",
        population=f"{known:,} {rows.what} of groups that the population names",
    )
    outside = _outside(rows, group, strangers, names, params)
    if not known:
        why = f"no row has a {' and '.join(params.by)} that the population names"
        return Measurement(
            estimate=None,
            formula=formula,
            summary=why,
            n=rows.n,
            not_judged=(Because.NO_EVIDENCE, why),
            breach=outside[1],
            notes=outside[0],
            unknown=rows.n,
        )
    estimate = represented(
        [each.x[0] for each in counted],
        [each.n[0] for each in counted],
        shares,
        kind,
        params.confidence,
    )
    found = np.array([each.x[0] / each.n[0] for each in counted])
    size = float(np.mean([each.n[0] for each in counted]))
    fit = goodness_of_fit((found * size).tolist(), shares) if len(keys) > 1 else 1.0
    there = group >= 0
    sizes = np.bincount(group[there], weights=rows.counts[there], minlength=len(keys))
    return Measurement(
        estimate=estimate,
        formula=formula,
        summary=_summary(estimate, names, found, shares, kind),
        n=known,
        groups=tuple(
            GroupValue(
                group=dict(zip(params.by, key, strict=True)),
                n=int(sizes[i]),
                value=estimate.parts[i][0],
                interval=estimate.parts[i][1:],
                note=f"{frequency(found[i])} rows, {frequency(shares[i])} people expected",
            )
            for i, key in enumerate(keys)
        ),
        part_names=names,
        series=_series(names, found, shares, sizes.astype(np.int64)),
        notes=(
            f"chi-squared test that all shares are those of the population: p {_p(fit)}",
            *design_note(evidence.subject, [known], [size]),
            *outside[0],
        ),
        breach=outside[1],
        unknown=rows.many(group < 0),
        harm="down" if kind == "ratio" else "up",
    )


def _shares(
    evidence: Evidence, group: np.ndarray, groups: int, rows: CountedRows, confidence: float
) -> list[Counted]:
    """Return the counts of each group among all rows of groups that are named."""
    there = group >= 0
    own, many = group[there], rows.counts[there]
    if not len(own):
        return []
    design = tuple(
        None if each is None else np.repeat(each[there], many)
        for each in (of(evidence.subject, rows.frame) for of in (weighing.weights, weighing.people))
    )
    if all(each is None for each in design):
        n = np.array([many.sum()])
        events = np.bincount(own, weights=many, minlength=groups).astype(np.int64)
        return [Counted(events[i : i + 1], n, events[i : i + 1], n) for i in range(groups)]
    own = np.repeat(own, many)
    nobody = np.zeros(len(own), dtype=np.int64)
    return [
        rows_counted(nobody, own == i, 1, (design[0], design[1]), 1 - (1 - confidence) / groups)
        for i in range(groups)
    ]


def _summary(
    estimate: Floor, names: tuple[str, ...], found: np.ndarray, shares: list[float], kind: str
) -> str:
    (worst,) = estimate.pair
    said = (
        f"{names[worst]} makes up {frequency(float(found[worst]))} rows and "
        f"{frequency(shares[worst])} people of the population"
    )
    what = "ratio" if kind == "ratio" else "shortfall"
    return f"{said}: {what} {number(estimate.value)}"


def _p(value: float) -> str:
    return "< 0.0001" if value < 1e-4 else f"= {number(value)}"


def _outside(
    rows: CountedRows,
    group: np.ndarray,
    strangers: list[tuple[str, ...]],
    names: tuple[str, ...],
    params: Params,
) -> tuple[tuple[str, ...], tuple[Because, str] | None]:
    """Return what is said of rows whose group the population does not name, and their breach."""
    unknown, known = rows.unknown, rows.many(group >= 0)
    breach = unknown_breach(params, unknown, rows.n - unknown)
    absent = [name for i, name in enumerate(names) if not (group == i).any()]
    said = []
    if absent:
        said.append(f"groups of the population without rows: {_few(absent)}")
    if not strangers:
        return tuple(said), breach
    told = [" · ".join(key) for key in strangers]
    count = rows.many(group == -2)
    share = count / rows.n
    near = difflib.get_close_matches(told[0], names, n=1, cutoff=0.5) or [
        name for name in names if name.casefold() == told[0].casefold()
    ]
    hint = f" (is {told[0]} what the population calls {near[0]}?)" if near else ""
    what = f"{count:,} rows are of groups that the population does not name: {_few(told)}{hint}"
    said.append(what)
    if breach is None and (share > params.max_unknown or params.unknown == "fail" or not known):
        allowed = 0.0 if params.unknown == "fail" else params.max_unknown
        breach = Because.UNKNOWN, f"{what}; at most {allowed:.1%} of the rows may be"
    return tuple(said), breach


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
    return ", ".join(name[:60] for name in names[:_MANY]) + more


def _series(
    names: tuple[str, ...], found: np.ndarray, shares: list[float], sizes: np.ndarray
) -> tuple[Series, ...]:
    counts = tuple(int(each) for each in sizes)
    return tuple(
        Series(
            name=name,
            kind="strip",
            x=names,
            y=tuple(float(each) for each in values),
            x_label="group",
            y_label="share",
            counts=counts,
        )
        for name, values in (("among the rows", found), ("in the population", shares))
    )
