"""How much rows without a known outcome can hide, and in which group they are.

## Question
If outcomes are known only of those who were accepted, what can nobody know?

## How it is measured
A row without a label has an unknown outcome; with `accepted: COLUMN` so has every row that was not
accepted, whatever its label says (fillers are counted and said). `accepted_when` names the column's
value of the accepted where it does not hold yes and no. The value is the share of rows with an
unknown outcome, in the worst group with `by`; it is also the width of what the share of positive
outcomes, and the error rate, can be. `max_difference` judges the gap of that share between groups.
`max_outcome`, `max_error`, `max_false_positive` and `max_false_negative` judge the worst case: the
highest rate that any outcome of the unknown rows would give (Manski's bound). Each end of a bound
is a share of rows, with Clopper-Pearson ends, corrected for the number of groups (Šidák). The notes
give the interval of Imbens and Manski, which holds the rate itself and not both ends of the bound.

Checks of error rates refuse rows without labels: audit them on rows with outcomes, and this on all.

## When it misleads
- Bounds assume nothing about the unknown rows. They are wide, and the truth is seldom at an end.
- A narrow bound says that little is hidden, not that the known rows are right.
- An outcome that was known may still be the product of how people were treated.
- Differences in who has an outcome can have good reasons; the check shows them, not why.

## What to do
Learn the outcome of some rejected rows: accept a random few, or buy outcomes. Else say in the
report for whom error rates are known, and that they are unknown for the others.

## If left out
Error rates of the accepted would be read as error rates of everybody.

## Sources
- Manski, "Anatomy of the selection problem", Journal of Human Resources 1989.
- Imbens, Manski, "Confidence intervals for partially identified parameters", Econometrica 2004.
- Lakkaraju, Kleinberg, Leskovec, Ludwig, Mullainathan, "The selective labels problem", KDD 2017.
"""

from __future__ import annotations

import numpy as np
from pydantic import model_validator

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.compare import (
    nothing_to_compare,
    reference_of,
    reference_words,
    unknown_breach,
)
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.selective import Selective, selective
from pytest_aipm.records import Because, Formula, GroupValue, Series
from pytest_aipm.stats.disparity import rate_difference
from pytest_aipm.stats.estimate import Estimate
from pytest_aipm.stats.floors import floor
from pytest_aipm.stats.manski import Bounds
from pytest_aipm.stats.parts import RatePart
from pytest_aipm.stats.single import from_part

NEEDS = Needs()
KIND = "sample"
SCOPES = "either"
RATES = ("outcome", "error", "false_positive", "false_negative")
UNITS = ("", "difference", *RATES)
RANGE = (0.0, 1.0)

_NAMES = {
    "outcome": "share of positive outcomes",
    "error": "error rate",
    "false_positive": "false positive rate",
    "false_negative": "false negative rate",
}


class Params(CheckParams):
    """Who has an outcome."""

    accepted: str | None = None
    """Column that says whose outcome is known; without one a missing label says it."""
    accepted_when: str | int | float | bool | None = None
    """Its value of the accepted, where it does not hold yes and no."""

    @model_validator(mode="after")
    def _said(self) -> Params:
        if self.accepted_when is not None and self.accepted is None:
            raise ValueError("`accepted_when` is a value of a column; name it as `accepted`")
        if self.unit == "difference" and not self.by:
            raise ValueError("a limit on 'difference' compares groups; add `by: ATTRIBUTE`")
        return self


def needs(params: Params) -> Needs:
    """Return what it needs: decisions where the limit is on an error rate."""
    return Needs(predictions=params.unit in RATES[1:])


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    found = selective(
        evidence,
        params.by,
        params.unknown,
        accepted=params.accepted,
        accepted_when=params.accepted_when,
        decisions=params.unit in RATES[1:],
    )
    names = found.rows.grouping.names
    sizes, unknown = found.sizes(), found.unknown()
    rate = params.unit if params.unit in RATES else "outcome"
    bounds = found.bounds(rate)
    n, known = int(sizes.sum()), int(sizes.sum() - unknown.sum())
    outside = found.rows.unknown if params.by else 0
    measured = Measurement(
        estimate=None,
        formula=_formula(params, n, evidence),
        summary="",
        n=n,
        part_names=names,
        notes=_notes(found, rate, bounds, params, known, n),
        breach=unknown_breach(params, outside, n) if params.by else None,
        unknown=outside,
        series=_series(names, rate, bounds, sizes),
    )
    if not n:
        why = f"there is no group: every row's {' or '.join(params.by)} is missing"
        return measured.with_(summary=why, not_judged=(Because.NO_EVIDENCE, why), part_names=())
    estimate = _estimate(evidence, params, found, bounds)
    nothing = None
    if params.unit == "difference":
        nothing = nothing_to_compare(names, sizes, params, "share of known outcomes")
    return measured.with_(
        estimate=None if nothing else estimate,
        not_judged=nothing,
        summary=nothing[1]
        if nothing
        else _summary(params, names, sizes, unknown, bounds, estimate),
        groups=_groups(found, params, estimate, bounds, sizes, unknown) if params.by else (),
    )


def _estimate(
    evidence: Evidence, params: Params, found: Selective, bounds: list[Bounds]
) -> Estimate:
    sizes, unknown = found.sizes().astype(float), found.unknown().astype(float)
    if params.unit == "difference":
        return rate_difference(
            unknown,
            sizes,
            confidence=params.confidence,
            reference=reference_of(evidence, params, found.rows.grouping),
            min_size=params.min_group_size,
        )
    if params.unit:
        # without a row that could be one, the rate is unknown: at worst it is anything
        parts = [RatePart(*(each.high if each.high[1] > 0 else (1.0, 1.0))) for each in bounds]
    else:
        parts = [RatePart(float(x), float(m)) for x, m in zip(unknown, sizes, strict=True)]
    if not params.by:
        return from_part(parts[0], params.confidence)
    return floor(parts, params.confidence, worst="max", min_size=params.min_group_size)


def _formula(params: Params, n: int, evidence: Evidence) -> Formula:
    positive = evidence.subject.names["positive"]
    if params.unit in RATES:
        numerator = f"highest {_NAMES[params.unit]} that the unknown outcomes allow"
    else:
        numerator = "rows whose outcome is unknown"
    return Formula(
        id=f"selective_{params.unit or 'unknown'}",
        numerator=numerator,
        denominator="" if params.unit in RATES else "rows",
        positive=positive,
        population=f"{n:,} rows",
        reference=reference_words("highest", ()) if params.unit == "difference" else "",
    )


def _summary(
    params: Params,
    names: tuple[str, ...],
    sizes: np.ndarray,
    unknown: np.ndarray,
    bounds: list[Bounds],
    estimate: Estimate,
) -> str:
    shares = unknown / np.maximum(sizes, 1)
    if params.unit == "difference":
        high, low = estimate.pair[0], estimate.pair[-1]
        return (
            f"the outcome is unknown of {frequency(float(shares[high]))} {names[high]} and of "
            f"{frequency(float(shares[low]))} {names[low]}: difference {number(estimate.value)}"
        )
    place = estimate.pair[0] if estimate.pair else 0
    whom = f" of {names[place]}" if params.by else ""
    held = f"between {number(bounds[place].lower)} and {number(bounds[place].upper)}"
    if params.unit:
        return (
            f"the {_NAMES[params.unit]}{whom} is anything {held}: the outcome of "
            f"{frequency(float(shares[place]))} rows is unknown"
        )
    if not unknown.sum():
        return "the outcome of every row is known"
    return (
        f"the outcome of {frequency(float(shares[place]))} rows{whom} is unknown, so the share of "
        f"positive outcomes is anything {held}"
    )


def _notes(
    found: Selective, rate: str, bounds: list[Bounds], params: Params, known: int, n: int
) -> tuple[str, ...]:
    alpha = 1 - params.confidence
    said = [f"outcomes are known of {known:,} of {n:,} rows"]
    if not known:
        said.append("no outcome is known at all: these rows show nothing about outcomes")
    if not params.by and bounds:
        lower, upper = bounds[0].interval(alpha)
        said.append(
            f"with {1 - 2 * alpha:.0%} confidence the {_NAMES[rate]} lies between {number(lower)} "
            f"and {number(upper)} (Imbens-Manski)"
        )
    if found.ignored:
        said.append(
            f"{found.ignored:,} rows that were not accepted have a label; it is taken for a filler"
        )
    if found.empty and params.accepted is not None:
        said.append(f"{found.empty:,} accepted rows have no label: their outcome is unknown, too")
    return tuple(said)


def _groups(
    found: Selective,
    params: Params,
    estimate: Estimate,
    bounds: list[Bounds],
    sizes: np.ndarray,
    unknown: np.ndarray,
) -> tuple[GroupValue, ...]:
    records = []
    rate = _NAMES[params.unit if params.unit in RATES else "outcome"]
    for i, group in enumerate(found.rows.grouping.groups):
        lower, upper = bounds[i].interval(1 - params.confidence)
        judged = bool(sizes[i] >= params.min_group_size)
        note = (
            f"outcome unknown of {frequency(float(unknown[i] / max(sizes[i], 1)))}; {rate} between "
            f"{number(bounds[i].lower)} and {number(bounds[i].upper)}, Imbens-Manski "
            f"{number(lower)} to {number(upper)}"
        )
        if not judged:
            note += f"; not judged: fewer than {params.min_group_size} rows"
        value, low, high = estimate.parts[i]
        records.append(
            GroupValue(
                group=group,
                n=int(sizes[i]),
                value=value,
                interval=(low, high),
                judged=judged,
                note=note,
            )
        )
    return tuple(records)


def _series(
    names: tuple[str, ...], rate: str, bounds: list[Bounds], sizes: np.ndarray
) -> tuple[Series, ...]:
    return (
        Series(
            name=f"{_NAMES[rate]}: the highest that the unknown outcomes allow, down to the lowest",
            kind="bars",
            x=names,
            y=tuple(each.upper for each in bounds),
            lo=tuple(each.lower for each in bounds),
            hi=tuple(each.upper for each in bounds),
            x_label="group",
            y_label=_NAMES[rate],
            counts=tuple(int(each) for each in sizes),
        ),
    )
