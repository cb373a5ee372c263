"""How far the scores or predicted values of the groups lie apart.

## Question
Does the model score one group lower than another, whatever the threshold?

## How it is measured
`measure: mean` (default) is the highest group's mean score minus the lowest's, in units of the
score. `standardised` divides that by the pooled standard deviation within the groups (taken as
fixed). `above_median` is the scoring-rate ratio of NYC Local Law 144: the share of a group's rows
whose score lies above the median of all rows, lowest over highest; `min_share: 0.02` shows groups
with a smaller share of the rows and leaves them out of that ratio. `ks` is the largest vertical
distance between the distributions of two groups, in [0, 1]: at some score, so much more of one
group than of the other lies below it. Means have Hall-transformed t intervals combined by MOVER,
the ratio has score intervals, the distance has bands that hold for every distribution and are
therefore wide.

Where a threshold decides, each group's selection rate is drawn against it, the chosen one marked.

## When it misleads
- Scores may differ because what they predict differs; compare with calibration in each group.
- A gap in means says little about the decision: two groups can differ in mean and agree above
  the threshold.
- Fewer than 30 rows in a group cannot prove a gap in means.

## What to do
Look at the features of the lowest group, then at the same gap among rows with the same label.

## If left out
One group could be scored lower throughout, and lose out as soon as the threshold moves.

## Sources
- Cohen, "Statistical power analysis for the behavioral sciences", 1988 (standardised difference).
- 6 RCNY 5-301 (scoring rate above the sample median; categories below 2 % of the data).
- Massart, "The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality", 1990.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.between import between
from pytest_aipm.checks.classes import OneClassParams, of_one
from pytest_aipm.checks.compare import (
    nothing_to_compare,
    part_reference,
    reference_words,
    without_groups,
)
from pytest_aipm.checks.effective import counts_of, refuse_design
from pytest_aipm.checks.measured import Measured
from pytest_aipm.checks.summed import Scope, scores_in, weighted_scores
from pytest_aipm.checks.thresholds import selection_by_threshold
from pytest_aipm.checks.weighted import mean_parts
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.checks.worst import measurement_of
from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import Grouping, GroupMoments
from pytest_aipm.evidence.rowsums import Sums, SumsOf
from pytest_aipm.evidence.scores import ScoreBag, merge_bags
from pytest_aipm.stats.distance import ks_distance
from pytest_aipm.stats.effective import weighted_median
from pytest_aipm.stats.parts import MeanPart, RatePart

NEEDS = Needs(scores=True, losses=frozenset({"score"}))
KIND = "sample"
SCOPES = "groups"
UNITS = ("",)
WEIGHTED = True
TASKS = ("binary", "multiclass", "regression")


class Params(OneClassParams):
    """Which groups, and in which unit."""

    measure: Literal["mean", "standardised", "above_median", "ks"] = "mean"
    """Difference of means, in standard deviations, scoring-rate ratio, or largest distance."""
    min_share: float | None = Field(default=None, gt=0, lt=1)
    """Groups with a smaller share of the rows are shown, not compared; for `above_median`."""

    @model_validator(mode="after")
    def _shares_are_for_rates(self) -> Params:
        if self.min_share is not None and self.measure != "above_median":
            raise ValueError("'min_share' needs `measure: above_median`; change one")
        return self


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    evidence = of_one(evidence, params)
    nobody = without_groups(evidence, params, f"score_gap_{params.measure}")
    if nobody is not None:
        return nobody
    found = _measured(evidence, params)
    return found.with_(series=selection_by_threshold(evidence, params))


def _measured(evidence: Evidence, params: Params) -> Measurement:
    if params.measure == "ks":
        return _distance(evidence, params)
    if params.measure == "above_median":
        return between(
            evidence,
            params,
            _above_median(evidence, params),
            "ratio",
            formula_id="scoring_rate_ratio",
            show=frequency,
            min_share=params.min_share,
        )
    plain = params.measure == "mean"
    formula_id = "mean_score_difference" if plain else "standardised_mean_difference"
    return between(evidence, params, _means(evidence, params), "difference", formula_id=formula_id)


def _means(evidence: Evidence, params: Params) -> Measured:
    if evidence.subject.designed:
        return _weighted_means(evidence, params)
    moments = evidence.moments("score", params.by, params.unknown)
    scale = 1.0 if params.measure == "mean" else _pooled_deviation(moments)
    return Measured(
        grouping=moments.grouping,
        parts=[
            MeanPart(n, one / scale, two / scale**2, three / scale**3)
            for n, one, two, three in moments.table.tolist()
        ],
        sizes=moments.table[:, 0].astype(int),
        unknown=moments.unknown,
        better="low",
        name="mean score" + ("" if params.measure == "mean" else " in standard deviations"),
        numerator_words="sum of scores",
        denominator_words="rows",
    )


def _weighted_means(evidence: Evidence, params: Params) -> Measured:
    plain = MeanPart(0.0, 0.0, 0.0, 0.0)
    found, parts = mean_parts(evidence, "score", params, plain)
    stands = found.stands
    if params.measure != "mean":
        n = np.array([part.n for part in parts])
        sums = np.array([[part.n, part.sum1, part.sum2, part.sum3] for part in parts])
        # each group enters by what it stands for, not by its effective rows
        share = stands * found.sizes.sum() / stands.sum()
        moments = GroupMoments(found.grouping, sums * (share / n)[:, None], 0)
        scale = _pooled_deviation(moments)
        parts = [MeanPart(p.n, p.sum1 / scale, p.sum2 / scale**2, p.sum3 / scale**3) for p in parts]
    return Measured(
        grouping=found.grouping,
        parts=parts,
        sizes=found.sizes,
        unknown=found.unknown,
        better="low",
        name="mean score" + ("" if params.measure == "mean" else " in standard deviations"),
        numerator_words="weighted sum of scores",
        denominator_words="weights",
        weight=stands,
        people=found.people,
    )


def _pooled_deviation(moments: GroupMoments) -> float:
    n, first, second = moments.table[:, 0], moments.table[:, 1], moments.table[:, 2]
    within = float(np.sum(second - first**2 / n) / max(1.0, float(np.sum(n - 1))))
    if within <= 1e-12 * float(second.sum() / n.sum()):
        raise DataError(
            Problem(
                "all scores within the groups are equal, so a standardised difference is undefined",
                "use `measure: mean`",
            )
        )
    return float(np.sqrt(within))


def _bags(evidence: Evidence, params: Params) -> tuple[Grouping, list[ScoreBag], int]:
    scores = evidence.scores(params.by, params.unknown)
    return scores.grouping, [merge_bags(pair) for pair in scores.bags], scores.unknown


def _above_median(evidence: Evidence, params: Params) -> Measured:
    if evidence.subject.designed:
        return _weighted_above_median(evidence, params)
    groups, bags, unknown = _bags(evidence, params)
    middle = merge_bags(bags).median()
    x = np.array([int(bag.counts[bag.values > middle].sum()) for bag in bags])
    n = np.array([bag.n for bag in bags])
    return Measured(
        grouping=groups,
        parts=[RatePart(float(a), float(b)) for a, b in zip(x, n, strict=True)],
        sizes=n,
        unknown=unknown,
        better="high",
        name="scoring rate",
        numerator_words=f"rows that score above the median {number(middle)}",
        denominator_words="all rows",
        counts=(x, n),
    )


def _weighted_above_median(evidence: Evidence, params: Params) -> Measured:
    evidence.require_scores()
    grouping = evidence.grouping(params.by, params.unknown)
    whole = merge_bags(weighted_scores(evidence, grouping))
    middle = weighted_median(whole.values, whole.counts[:, 1])
    of = SumsOf(scores_in, lambda rows: scores_in(rows) > middle)
    scope = Scope.of(evidence, grouping, evidence.over_rows(of, Sums()))
    table, design = scope.counts()
    events, rows = table[:, 1], table.sum(axis=1)
    inside, hit = np.array([True, True]), np.array([False, True])
    found = counts_of(design, inside, hit, events, rows, params.confidence)
    return Measured(
        grouping=grouping,
        parts=[RatePart(float(a), float(b)) for a, b in zip(found.x, found.n, strict=True)],
        sizes=scope.sizes,
        unknown=scope.unknown,
        better="high",
        name="scoring rate",
        numerator_words=f"weight of rows that score above the weighted median {number(middle)}",
        denominator_words="weight of all rows",
        counts=(found.x, found.n),
        found=found,
        weight=found.weight,
    )


def _distance(evidence: Evidence, params: Params) -> Measurement:
    refuse_design(evidence, "`measure: ks`", "use `measure: mean` or `above_median`")
    groups, bags, unknown = _bags(evidence, params)
    reference = part_reference(evidence, params, groups)
    estimate = ks_distance(
        [(bag.values, bag.counts) for bag in bags],
        params.confidence,
        reference=reference,
        min_size=params.min_group_size,
    )
    measured = Measured(
        grouping=groups,
        parts=(),
        sizes=np.array([bag.n for bag in bags]),
        unknown=unknown,
        better="low",
        name="score distribution",
        numerator_words="largest difference between the shares of two groups below one score",
        denominator_words="rows of each group",
    )
    names = groups.names
    summary = "score distributions: nothing to compare"
    if estimate.pair:
        one, other = (names[i] for i in estimate.pair)
        summary = (
            f"the score distributions of {one} and {other} lie up to {number(estimate.value)} apart"
        )
    return measurement_of(
        evidence,
        params,
        measured,
        estimate,
        summary=summary,
        formula_id="kolmogorov_smirnov_distance",
        reference=reference_words(reference, names),
    ).with_(not_judged=nothing_to_compare(names, measured.sizes, params, measured.name))
