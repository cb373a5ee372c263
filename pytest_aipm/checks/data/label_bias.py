"""Labels of the groups compared among rows whose other columns are alike.

## Question
Do people who look the same in everything else carry a worse label because of their group?

## How it is measured
The rate of the favorable label is compared with that of one reference group: `reference`, else the
attribute's own, else the largest. With `given: [income, debt]` rows with equal factors form a
stratum, numbers being cut by `bins: {income: [20000, 40000]}`; strata are pooled by Mantel-Haenszel
weights and the interval inverts a score test, as in `fairness.adjusted_disparity`. Without `given`
each row of a group is matched with the `neighbours` (3) most alike rows of the reference, by the
model's inputs without protected attributes or the `columns` named: numbers in standard deviations,
categories 1 apart, and rows as near as the last match count, too. The difference is corrected by a
regression for what distance is left; the interval is Student's with the variance of Abadie and
Imbens. At most `rows` (2,500) rows of a group are matched, chosen by the seed.

The value is the largest difference in either direction; `compare: ratio`, with `given` alone, the
lowest ratio. The end that proves a breach is corrected for the number of groups. Rows without a
label are left out and counted.

## When it misleads
- A factor that nobody wrote down, and that differs between groups, looks like bias. This check
  shows that labels differ among rows that look alike, never why.
- A factor that is itself the product of unfair treatment explains the bias away.
- Where labels exist only for those who were accepted, the same bar may have let different people
  in: ask `data.selective_labels` first.
- Far matches compare people who are not alike; the notes say how many matches are exact.

## What to do
Ask how the label came to be and who wrote it. Compare with an outcome that nobody judges, or have
a sample labelled anew by people who do not see the group.

## If left out
A model could learn, and be rewarded for, what people once decided about a group.

## Sources
- Mantel, Haenszel, 1959; Greenland, Robins, Biometrics 1985; Sato, Biometrics 1989.
- Abadie, Imbens, Econometrica 2006; Journal of Business and Economic Statistics 2011.
- Obermeyer, Powers, Vogeli, Mullainathan, "Dissecting racial bias in an algorithm", Science 2019.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from pytest_aipm.checks.adjust import against_reference
from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.compare import nothing_to_compare, reference_of, unknown_breach
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.grouped import Of
from pytest_aipm.evidence.labelled import Labelled, labelled, matched_parts, strata_by_label
from pytest_aipm.records import Because, Formula, GroupValue
from pytest_aipm.stats.adjusted import AgainstOne, against_one_group
from pytest_aipm.stats.mantel_haenszel import mantel_haenszel
from pytest_aipm.stats.matching import Matched
from pytest_aipm.stats.parts import Part

NEEDS = Needs()
KIND = "sample"
SCOPES = "groups"
UNITS = ("",)


class Params(CheckParams):
    """What makes rows alike, and which rows are looked at."""

    given: tuple[str, ...] = ()
    """Columns that may rightly make a difference; empty matches by the model's inputs."""
    bins: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    """Cut points of numbers among `given`: ``{age: [25, 45]}``."""
    columns: tuple[str, ...] = ()
    """Columns to match by, where there is no `given`; empty for the model's inputs."""
    neighbours: int = Field(default=3, ge=1, le=50)
    """How many of the most alike rows each one is compared with."""
    rows: int = Field(default=2_500, ge=50, le=100_000)
    """Rows of a group that are matched at most."""
    compare: Literal["difference", "ratio"] = "difference"
    """Largest difference from the reference, or lowest ratio to it."""
    of: Of = "data"
    """Whether the evaluation rows or the training rows are looked at."""

    @model_validator(mode="after")
    def _one_way(self) -> Params:
        if self.given and self.columns:
            raise ValueError("both `given` and `columns` say what makes rows alike; keep one")
        if self.compare == "ratio" and not self.given:
            raise ValueError("`compare: ratio` needs factors; add `given: [COLUMN]`")
        for name, cuts in self.bins.items():
            if name not in self.given:
                raise ValueError(f"`bins` names {name!r}, which is not among `given`")
            if not cuts or any(not one < other for one, other in itertools.pairwise(cuts)):
                raise ValueError(f"the `bins` of {name!r} must rise from one cut to the next")
        twice = next((name for name in self.given if self.given.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"`given` names {twice!r} twice")
        return self


def needs(params: Params) -> Needs:
    """Return what it needs: training rows where it is asked about those."""
    return Needs(train=params.of == "train")


def value_range(params: Params) -> tuple[float, float]:
    """Return the lowest and the highest value there can be."""
    return (0.0, math.inf) if params.compare == "ratio" else (0.0, 1.0)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    if not params.by:
        what = "there is no attribute whose groups could be compared"
        raise CheckError(Problem(what, "declare it under `protected` and name it under `by`"))
    found = labelled(evidence, params.by, params.unknown, params.given or params.columns, params.of)
    names, sizes = found.names, found.sizes
    formula = Formula(
        id=f"{params.compare}_of_label_rates_among_alike",
        numerator=f"rows labelled {evidence.subject.names['favorable']} (favorable)",
        denominator=f"rows alike in {_listed(found.columns)}",
        population=f"{int(sizes.sum()):,} labelled {found.what} with a known group",
    )
    breach = unknown_breach(params, found.unknown, found.n - found.unknown)
    nothing = nothing_to_compare(names, sizes, params, "label rate")
    if nothing is not None:
        return Measurement(
            estimate=None,
            formula=formula,
            summary=nothing[1],
            n=int(sizes.sum()),
            not_judged=nothing,
            breach=breach,
            unknown=found.unknown,
            notes=_unlabelled(found),
        )
    reference, named = _reference(evidence, params, found)
    parts, notes = _parts(evidence, params, found, reference)
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
        formula=formula.model_copy(update={"reference": names[reference]}),
        summary=_summary(estimate, params, found, reference),
        n=int(sizes.sum()),
        groups=_groups(found, estimate, params),
        part_names=names,
        notes=(*notes, *_unlabelled(found)),
        not_judged=None
        if estimate.pair
        else (Because.NO_EVIDENCE, f"no group can be compared with {names[reference]}"),
        breach=breach,
        unknown=found.unknown,
        harm="down" if params.compare == "ratio" else "up",
    )


def _reference(evidence: Evidence, params: Params, found: Labelled) -> tuple[int, bool]:
    """Return the one group that the others are compared with, and whether somebody named it."""
    chosen = reference_of(evidence, params, found.rows.grouping)
    if isinstance(chosen, int):
        return chosen, True
    if params.reference in ("highest", "overall"):
        what = f"`reference: {params.reference}` is no group, and labels are compared with one"
        raise CheckError(Problem(what, "use largest or a group's name"))
    return int(np.argmax(found.sizes)), params.reference is not None


def _parts(
    evidence: Evidence, params: Params, found: Labelled, reference: int
) -> tuple[Sequence[Part], tuple[str, ...]]:
    """Return each group's contrast with the reference, and what is to be said of it."""
    if not params.given:
        matched = matched_parts(
            evidence, found, reference, params.neighbours, most=params.rows, seed=evidence.seed
        )
        return matched, tuple(
            _alike(name, part)
            for i, (name, part) in enumerate(zip(found.names, matched, strict=True))
            if i != reference and math.isfinite(part.value)
        )
    strata = strata_by_label(evidence, found, params.given, params.bins)
    there = strata.rows > 0
    tells = there[:, reference] & (there.sum(axis=1) > 1)
    silent = int(strata.rows[~tells].sum())
    note = f"strata: {len(tells):,}; {silent:,} rows lie in strata that cannot be compared"
    return [
        mantel_haenszel(strata.favorable, strata.rows, group, reference, params.compare)
        for group in range(len(found.names))
    ], (note,)


def _alike(name: str, part: Matched) -> str:
    return (
        f"{name[:60]}: {frequency(part.exact)} have a match that is alike in everything; the "
        f"median distance to matches is {number(part.distance)} standard deviations"
    )


def _listed(names: tuple[str, ...]) -> str:
    shown = [name[:60] for name in names[:8]]
    more = [f"{len(names) - 8} more columns"] if len(names) > 8 else []
    return " and ".join(filter(None, (", ".join([*shown, *more][:-1]), [*shown, *more][-1])))


def _summary(estimate: AgainstOne, params: Params, found: Labelled, reference: int) -> str:
    alike = f"among rows alike in {_listed(found.columns)}"
    against = found.names[reference]
    if not estimate.pair:
        return f"{alike}, no group can be compared with {against}"
    (worst,) = estimate.pair
    own = found.names[worst]
    if params.compare == "ratio":
        if estimate.turned(worst):
            own, against = against, own
        said = f"the rate of favorable labels of {own} is {number(estimate.value)} of that of"
        return f"{alike}, {said} {against}"
    where = "above" if estimate.parts[worst][0] > 0 else "below"
    return (
        f"{alike}, {own} has the favorable label {number(100 * estimate.value)} points of 100 "
        f"{where} {against}"
    )


def _groups(found: Labelled, estimate: AgainstOne, params: Params) -> tuple[GroupValue, ...]:
    plain = [
        f"{frequency(rate)} labelled favorably before comparing like with like"
        if size
        else "no labelled row"
        for rate, size in zip(found.rates, found.sizes, strict=True)
    ]
    return against_reference(
        found.rows.grouping.groups,
        found.sizes,
        plain,
        estimate,
        undefined="nobody in the reference is alike",
        least=params.min_group_size,
    )


def _unlabelled(found: Labelled) -> tuple[str, ...]:
    if not found.unlabelled:
        return ()
    lost = f"{found.unlabelled:,} of {found.n:,} rows have no label and are left out"
    return (f"{lost}; data.selective_labels asks who they are",)
