"""Selection rates of the groups compared among people who are alike in declared factors.

## Question
Does a group get the good outcome less often than another whose legitimate factors are the same?

## How it is measured
Each group is compared with one reference group: `reference`, else the attribute's own, else the
largest. `factors` are columns that may rightly make a difference; numbers are cut by
`bins: {column: [cuts]}`. With `method: mantel_haenszel` (default) rows with equal factors form a
stratum, rates are compared within strata, and strata are pooled by Mantel-Haenszel weights; the
interval inverts a score test with the variance of Greenland and Robins (ratio) or of Sato and
Klingenberg (difference), with a continuity correction of half a row. A stratum that lacks the
group or the reference tells nothing: it is counted and said.

With `method: logistic` the favorable decision is regressed on group and factors, without penalty.
With b the group's coefficient and c the probability at the intercept, the ratio is
exp(b) / (1 - c + c exp(b)): that of one reference person, who has the most frequent level of each
category and 0 of each number that has no bins. The interval is by the delta method, on the log
scale for ratios.

`compare: ratio` (default) is the lowest ratio of any group to the reference and, unless a
`reference` is named, of the reference to any group; `difference` is the largest difference in
either direction. The end that proves a breach is corrected for the number
of comparisons (Bonferroni), the other is not.

## When it misleads
- A factor that is itself the product of unfair treatment explains the disparity away. Which
  factors are legitimate is a judgement to be written down, not a result.
- One pooled number is fair to a disparity that is about equal in all strata; where strata disagree
  in direction, they cancel.
- Coarse bins leave differences within a stratum; fine ones leave few strata with both groups.
- The lowest ratio to a *named* reference never shows that the reference itself fares worst: name
  none, or use `compare: difference`, which looks both ways.
- Groups are compared with the reference, not with each other.
- The logistic ratio depends on who the reference person is; the pooled one does not.

## What to do
Compare the adjusted value with the plain selection rates in the table. If the disparity goes
away, look at the factor that makes it go; if it stays, look at the strata where it is largest.

## If left out
Nobody knows whether a gap between groups remains among people whose legitimate factors are the
same.

## Sources
- Mantel, Haenszel, 1959; Greenland, Robins, Biometrics 1985 (variance of ratio and difference).
- Sato, Biometrics 1989; Klingenberg, Statistics in Medicine 2014 (interval of the difference).
- Larson et al., "How we analyzed the COMPAS recidivism algorithm", 2016 (logistic risk ratio).
"""

from __future__ import annotations

import itertools
import math
from typing import Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from pytest_aipm.checks.adjust import LogisticModel, against_reference
from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.compare import (
    nothing_to_compare,
    population,
    reference_of,
    unknown_breach,
    without_groups,
)
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import GroupCounts
from pytest_aipm.evidence.strata import Strata, strata_of
from pytest_aipm.records import Because, Formula, GroupValue
from pytest_aipm.stats.adjusted import AgainstOne, against_one_group
from pytest_aipm.stats.mantel_haenszel import mantel_haenszel

NEEDS = Needs(predictions=True)
KIND = "sample"
SCOPES = "groups"
UNITS = ("",)


class Params(CheckParams):
    """Which factors, and how they are held equal."""

    factors: tuple[str, ...] = Field(min_length=1)
    """Columns that may rightly make a difference."""
    bins: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    """Cut points of factors that are numbers: ``{age: [25, 45]}``."""
    method: Literal["mantel_haenszel", "logistic"] = "mantel_haenszel"
    """Pooling of strata, or a logistic regression."""
    compare: Literal["ratio", "difference"] = "ratio"
    """Lowest ratio to the reference, or largest difference from it."""

    @field_validator("factors")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        twice = next((name for name in value if value.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"names {twice!r} twice")
        return value

    @model_validator(mode="after")
    def _cut(self) -> Params:
        for name, cuts in self.bins.items():
            if name not in self.factors:
                raise ValueError(f"`bins` names {name!r}, which is not among the `factors`")
            if not cuts or any(not one < other for one, other in itertools.pairwise(cuts)):
                raise ValueError(f"the `bins` of {name!r} must rise from one cut to the next")
        return self


def value_range(params: Params) -> tuple[float, float]:
    """Return the lowest and the highest value there can be."""
    return (0.0, math.inf) if params.compare == "ratio" else (0.0, 1.0)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    formula_id = f"{params.compare}_of_adjusted_selection_rates"
    nobody = without_groups(evidence, params, formula_id)
    if nobody is not None:
        return nobody
    counts = evidence.counts(params.by, params.unknown)
    names = counts.grouping.names
    reference, named = _reference(evidence, params, counts)
    logistic = params.method == "logistic"
    strata = strata_of(evidence, counts.grouping, params.factors, params.bins, numbers=logistic)
    nothing = nothing_to_compare(names, counts.sizes, params, "adjusted selection rate")
    if nothing is not None:
        return Measurement(
            estimate=None,
            formula=Formula(id=formula_id),
            summary=nothing[1],
            n=counts.n,
            not_judged=nothing,
            breach=unknown_breach(params, counts.unknown, counts.n),
            unknown=counts.unknown,
        )
    if logistic:
        model = LogisticModel(strata, names, reference, params.min_group_size)
        parts, notes = model.contrasts(params.compare), (model.person(),)
    else:
        parts = [
            mantel_haenszel(strata.favorable, strata.rows, group, reference, params.compare)
            for group in range(len(names))
        ]
        notes = (_informative(strata, reference),)
    estimate = against_one_group(
        parts,
        reference,
        params.compare,
        params.confidence,
        min_size=params.min_group_size,
        both=not named,
    )
    return Measurement(
        estimate=estimate,
        formula=Formula(
            id=formula_id,
            numerator=f"rows decided {evidence.subject.names['favorable']} (favorable)",
            denominator=f"rows with the same {_listed(params.factors)}",
            positive=evidence.subject.names["positive"],
            population=population(counts.n, counts.unknown),
            reference=names[reference],
        ),
        summary=_summary(estimate, params, names, reference),
        n=counts.n,
        groups=_groups(counts, strata, estimate, params),
        part_names=names,
        notes=(*notes, *_missing(strata)),
        not_judged=_undefined(estimate, names[reference]),
        breach=unknown_breach(params, counts.unknown, counts.n),
        unknown=counts.unknown,
        harm="down" if params.compare == "ratio" else "up",
    )


def _reference(evidence: Evidence, params: Params, counts: GroupCounts) -> tuple[int, bool]:
    """Return the one group that the others are compared with, and whether somebody named it.

    The largest group unless one is named.
    """
    found = reference_of(evidence, params, counts.grouping)
    if isinstance(found, int):
        return found, True
    if params.reference in ("highest", "overall"):
        raise CheckError(
            Problem(
                f"`reference: {params.reference}` is no group, and adjusted rates are compared "
                "with one group",
                "use largest or a group's name",
            )
        )
    return int(np.argmax(counts.sizes)), params.reference is not None


def _listed(factors: tuple[str, ...]) -> str:
    return " and ".join(filter(None, (", ".join(factors[:-1]), factors[-1])))


def _summary(estimate: AgainstOne, params: Params, names: tuple[str, ...], reference: int) -> str:
    alike = f"with {_listed(params.factors)} alike"
    if not estimate.pair:
        return f"{alike}, no group can be compared with {names[reference]}"
    (worst,) = estimate.pair
    what, against = f"{alike}, the selection rate of {names[worst]}", f"that of {names[reference]}"
    if params.compare == "ratio":
        if estimate.turned(worst):
            what = f"{alike}, the selection rate of {names[reference]}"
            against = f"that of {names[worst]}"
        return f"{what} is {number(estimate.value)} of {against}"
    where = "above" if estimate.parts[worst][0] > 0 else "below"
    return f"{what} lies {number(estimate.value)} {where} {against}"


def _undefined(estimate: AgainstOne, reference: str) -> tuple[Because, str] | None:
    if estimate.pair:
        return None
    why = f"no group can be compared with {reference}: no stratum holds both"
    if estimate.kind == "ratio":
        why += f", or {reference} gets no favorable decision there"
    return Because.NO_EVIDENCE, why


def _informative(strata: Strata, reference: int) -> str:
    """Return how many strata tell something: those with the reference and another group."""
    there = strata.rows > 0
    tells = there[:, reference] & (there.sum(axis=1) > 1)
    total, silent = len(tells), int((~tells).sum())
    if not silent:
        return f"strata: {total:,}, each with the reference and another group"
    rows = int(strata.rows[~tells].sum())
    return (
        f"strata: {total:,}; {silent:,} of them ({rows:,} of {int(strata.rows.sum()):,} rows) lack "
        "the reference or every other group and tell nothing"
    )


def _missing(strata: Strata) -> list[str]:
    return [
        f"{missing:,} rows have no {name}: compared among themselves"
        for i, name in enumerate(strata.factors)
        if (missing := strata.missing(i))
    ]


def _groups(
    counts: GroupCounts, strata: Strata, estimate: AgainstOne, params: Params
) -> tuple[GroupValue, ...]:
    plain = strata.favorable.sum(axis=0) / np.maximum(strata.rows.sum(axis=0), 1)
    return against_reference(
        counts.grouping.groups,
        counts.sizes,
        [f"{frequency(float(rate))} selected before adjusting" for rate in plain],
        estimate,
        undefined="shares no stratum with the reference",
        least=params.min_group_size,
    )
