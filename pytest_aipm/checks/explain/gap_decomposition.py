"""Part of the gap between groups' mean scores that named features carry.

## Question
Which feature makes the model score one group higher than another, and by how much?

## How it is measured
Each row's output is attributed to the model's own columns by Shapley values. The mean of a
feature's attributions in one group minus that in another is the part of the gap between the
groups' mean outputs that the feature carries; the parts of all features add up to the gap. The
value is the largest difference between two groups of the part that the columns `of` carry
together (default: the protected attributes of `by`), in units of the output.

Means of attributions are linear in them, so a few walks a row are unbiased. Each group's mean has
t ends over its rows and over what the background rows add to this group beside the others; pairs
of groups are combined by MOVER and Bonferroni.

## When it misleads
- A feature may carry a gap because groups differ in it rightly; which ones may not is the policy's
  to say.
- Where features interact, their parts depend on the background, whose hash is in the notes.
- A model that recognises mixed rows can shift its parts to other features: see attribution_share,
  and the numbers side by side in the notes.

## What to do
Look at the steps of the largest gap. Remove or mend the feature that carries what it may not, and
look at the outcome gap again: another feature may take over.

## If left out
A gap in outcomes would be known without the feature that makes it.

## Sources
- Lundberg, "Explaining quantitative measures of fairness", 2020 (decomposition by attributions).
- Zou, Donner, Statistics in Medicine 2008 (MOVER).
"""

from __future__ import annotations

import math

import numpy as np

from pytest_aipm.checks.attributed import (
    ExplainParams,
    NoAttributions,
    attributions,
    explain_notes,
    named_players,
    not_an_input,
)
from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.classes import of_one
from pytest_aipm.checks.compare import (
    nothing_to_compare,
    part_reference,
    reference_words,
    unknown_breach,
    without_groups,
)
from pytest_aipm.checks.together import together
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.explaining import Explained, inputs_of
from pytest_aipm.records import Formula, GroupValue, Series
from pytest_aipm.stats.effects import EffectPart, group_mean
from pytest_aipm.stats.part_disparity import part_difference

NEEDS = Needs(predictions=True, model=True)
KIND = "sample"
SCOPES = "groups"
UNITS = ("",)
WEIGHTED = True
TASKS = ("binary", "multiclass", "regression")

MOST_STEPS = 12
"""Features drawn by themselves; the rest are one step."""


class Params(ExplainParams):
    """What carries the part."""

    of: tuple[str, ...] = ()
    """Columns or players, summed; default the attributes of `by`."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    evidence = of_one(evidence, params)
    whose = " and ".join(params.of or params.by)
    formula = Formula(
        id="gap_decomposition",
        numerator=f"attributions to {whose}",
        denominator="rows of each group",
        positive=evidence.subject.names["positive"],
        population=f"seeded sample of at most {params.rows:,} rows",
    )
    nobody = without_groups(evidence, params, formula.id)
    absent = None if params.of else not_an_input(evidence, params, formula)
    if nobody is not None or absent is not None:
        return nobody or absent  # type: ignore[return-value] # one of them is there
    try:
        found = attributions(evidence, params)
    except NoAttributions as over:
        return over.measurement.with_(formula=formula)
    counts = evidence.counts(params.by, params.unknown)
    try:
        shown = together(evidence, params, found)
    except NoAttributions as over:
        return over.measurement.with_(formula=formula)
    wanted = named_players(found, params.of or inputs_of(evidence, params.by)[0])
    group, names = found.groups(evidence, params.by, params.unknown), counts.grouping.names
    inside = [group == i for i in range(len(names))]
    parts = [group_mean(found.fit, own, wanted, found.sample.units) for own in inside]
    reference = part_reference(evidence, params, counts.grouping)
    estimate = part_difference(
        parts, params.confidence, reference=reference, min_size=params.min_group_size
    )
    sizes = np.array([part.n if math.isfinite(part.value) else 0 for part in parts])
    pair = estimate.pair if len(estimate.pair) == 2 else ()
    summary = f"{whose} carries no gap that can be compared"
    series: tuple[Series, ...] = ()
    if pair:
        high, low = pair
        units, said = found.sample.units, found.walked.output[:, 0]
        means = [float(units.inside(own).mean(said[own])) for own in (inside[high], inside[low])]
        whole = means[0] - means[1]
        summary = (
            f"where the whole gap is {number(whole)}, {whose} alone raises {found.output.said} by "
            f"{number(estimate.value)} on average for {names[high]} against {names[low]}"
        )
        series = (_steps(found, inside[high], inside[low], names[high], names[low], params),)
    return Measurement(
        estimate=estimate,
        formula=formula.model_copy(update={"reference": reference_words(reference, names)}),
        summary=summary,
        n=int(sum(own.sum() for own in inside)),
        groups=_groups(counts.grouping.groups, parts, [int(own.sum()) for own in inside], params),
        part_names=names,
        series=series,
        notes=(*explain_notes(found), shown.note),
        not_judged=nothing_to_compare(names, sizes, params, "mean attribution"),
        breach=shown.breach or unknown_breach(params, counts.unknown, counts.n),
        unknown=counts.unknown,
    )


def _groups(
    groups: tuple[dict[str, str], ...],
    parts: list[EffectPart],
    sizes: list[int],
    params: Params,
) -> tuple[GroupValue, ...]:
    told = []
    for group, part, rows in zip(groups, parts, sizes, strict=True):
        known = math.isfinite(part.value)
        ends = part.bound(1 - params.confidence) if known else None
        judged = known and part.n >= params.min_group_size
        note = "" if judged else "too few rows" if known else "no row in the sample"
        value = part.value if known else None
        told.append(
            GroupValue(group=group, n=rows, value=value, interval=ends, judged=judged, note=note)
        )
    return tuple(told)


def _steps(
    found: Explained,
    high: np.ndarray,
    low: np.ndarray,
    high_name: str,
    low_name: str,
    params: Params,
) -> Series:
    """Return the gap as steps, the largest first; what is left over is one step."""
    fit, units = found.fit, found.sample.units
    means = [units.inside(own).mean(fit.row[own]) for own in (high, low)]
    gaps = means[0] - means[1]
    order = [int(i) for i in np.argsort(-np.abs(gaps), kind="stable")]
    drawn, rest = order[:MOST_STEPS], order[MOST_STEPS:]
    sets = [[i] for i in drawn] + ([rest] if rest else [])
    names = [found.players.names[i] for i in drawn] + (["all others"] if rest else [])
    sets, names = [*sets, order], [*names, "gap in all"]
    values, ends = [], []
    for own in sets:
        pair = [group_mean(fit, inside, own, units) for inside in (high, low)]
        found_gap = part_difference(pair, params.confidence, reference=1)
        value = pair[0].value - pair[1].value
        reach = found_gap.upper - found_gap.value
        values.append(value)
        ends.append((value - reach, value + reach))
    people = int(high.sum() + low.sum())
    return Series(
        name=f"{high_name} above {low_name}",
        kind="waterfall",
        x=tuple(names),
        y=tuple(values),
        lo=tuple(a for a, _ in ends),
        hi=tuple(b for _, b in ends),
        x_label="feature",
        y_label=f"part of the gap in {found.output.said}",
        counts=(min(int(high.sum()), int(low.sum()), people),) * len(names),
    )
