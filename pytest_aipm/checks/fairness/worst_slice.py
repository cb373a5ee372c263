"""How much worse off the most harmed subgroup is, of all that few traits describe.

## Question
Is there a group of people, however described, for whom the model does clearly worse?

## How it is measured
A slice is a conjunction of up to `max_depth` values of `columns`, such as sex = f and region =
north, that at least the share `min_support` of the rows satisfies. Its divergence is its `rate`
minus that of all rows, in the harmful direction: errors up; accuracy, precision and selection
rate down. The rows are split in two by a hash of what they hold (of their `id` where the subject
names one). One half finds: of the slices whose last item adds harm that no shorter slice shows,
the `candidates` with the most harm shown are chosen. The other half, which had no part in the
choice, measures them: the value is the divergence of the slice whose lower bound is highest, the
bounds being skewness-corrected score bounds of the slice against the rest, Bonferroni over the
candidates. So the lower end is a bound of the worst divergence there is, and a breach is shown
for the slice that is named.

No sample of candidates can show that no slice is worse, so the upper end does not rest on them:
it is the largest upper bound over every slice of the search, on all rows. The limit holds only if
each of them, tested by itself, is shown to lie within it. That needs no correction: to pass
wrongly, the test of the very slice that is worse must err, which it does in at most 5 % of
samples. It speaks of the slices that `columns`, `max_depth` and `min_support` describe, and of no
other; the slice that sets the end is named. Few rows and many slices are therefore inconclusive,
not a pass.

A missing value of a protected attribute follows `unknown`; that of another column is a value of
its own. A slice without a row in the rate's denominator blocks "holds" unless `min_group_size`
leaves such slices out.

## When it misleads
- A slice describes; it does not explain. Its columns may stand for something that is not there.
- Harm in a group that no listed column tells apart, or that is smaller than `min_support`, is
  not looked for.
- Selection rates differ between slices of legitimate features by design: search error rates over
  features, selection rates over protected attributes.
- Slices overlap: two of them may be the same people described twice.

## What to do
Read the chart from the top: look at rows of the first slice, at how many such people the
training data hold, and whether a shorter slice below it tells the same story. Then repeat with
the slice declared as a protected attribute, so that it is watched without a search.

## If left out
A group that nobody thought of, such as older women of one region, could fare much worse than all
others.

## Sources
- Pastor, de Alfaro, Baralis, "Looking for trouble: analyzing classifier behavior via pattern
  divergence", SIGMOD 2021 (support, divergence, t, redundancy).
- Gart, Nam, "Approximate interval estimation of the difference in binomial parameters: correction
  for skewness", Biometrics 1990.
- Cox, "A note on data-splitting for the evaluation of significance levels", Biometrika 1975.
- Berger, "Multiparameter hypothesis testing and acceptance sampling", Technometrics 1982 (every
  part is tested by itself to show that all comply).
"""

from __future__ import annotations

from itertools import pairwise
from math import inf
from typing import Literal

from pydantic import Field, field_validator

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.compare import population, unknown_breach
from pytest_aipm.checks.rates import RATES
from pytest_aipm.checks.slices import Search, described, left_out, searched, shown_slices
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.slices import slice_counts
from pytest_aipm.records import Because, Formula
from pytest_aipm.stats.slice_rates import chosen
from pytest_aipm.stats.slices import worst_slice

NEEDS = Needs(predictions=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("",)
RANGE = (-1.0, 1.0)

RateName = Literal[
    "accuracy",
    "false_negative_rate",
    "false_positive_rate",
    "precision",
    "selection_rate",
    "true_negative_rate",
    "true_positive_rate",
]


class Params(CheckParams):
    """What is searched, and for which harm."""

    rate: RateName = "accuracy"
    """Of which a slice may have the worst; the harmful direction is the rate's own."""
    columns: tuple[str, ...] = ()
    """Protected attributes and columns of the data; default: all protected attributes, and the
    features that hold groups."""
    bins: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    """Left-closed cut points of numeric columns: ``{income: [20000, 50000]}``."""
    max_depth: int = Field(default=3, ge=1, le=8)
    """Most values that one slice combines."""
    min_support: float = Field(default=0.05, gt=0, le=0.5)
    """Smallest share of the rows that a slice must have."""
    candidates: int = Field(default=5, ge=1, le=50)
    """Most slices that go from the half that finds to the half that confirms."""

    @field_validator("bins")
    @classmethod
    def _ascending(cls, bins: dict[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
        for name, cuts in bins.items():
            ends = (-inf, *cuts, inf)
            if not cuts or not all(low < high for low, high in pairwise(ends)):
                raise ValueError(f"'{name}' needs finite cut points that ascend")
        return bins


def needs(params: Params) -> Needs:
    """Return decisions and, for every rate but the selection rate, labels."""
    return Needs(predictions=True, label=RATES[params.rate].needs_label)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    rate = RATES[params.rate]
    if rate.needs_label:
        evidence.require_both_classes()
    counts = slice_counts(
        evidence, params.columns, params.bins, keep_unknown=params.unknown == "group"
    )
    search = searched(
        counts,
        rate,
        evidence.subject,
        max_depth=params.max_depth,
        min_support=params.min_support,
        min_size=params.min_group_size,
    )
    numerator, denominator = rate.words(evidence.subject)
    held = tuple(each.name for each in evidence.subject.attributes if each.name in counts.columns)
    nothing = Measurement(
        estimate=None,
        formula=Formula(
            id="worst_slice",
            numerator=numerator,
            denominator=denominator,
            positive=evidence.subject.names["positive"],
            population=population(counts.n, 0, grouped=False) + "; half of them confirm",
            reference="all rows",
        ),
        summary="no slice can be compared",
        n=counts.n,
        notes=left_out(counts),
        breach=unknown_breach(
            params.model_copy(update={"by": held}), counts.unknown, counts.n - counts.unknown
        ),
        unknown=counts.unknown,
    )
    found = chosen(
        search.finding,
        search.found.shorter,
        search.usable,
        alpha=1 - params.confidence,
        most=params.candidates,
    )
    if not found:
        return nothing.with_(not_judged=(Because.NO_EVIDENCE, _why(search, params)))
    everyone = search.everyone.only(search.large)
    estimate = worst_slice(
        search.confirming.only(found),
        everyone,
        confidence=params.confidence,
        most=params.candidates,
        blocked=bool((~everyone.defined).any()) and params.min_group_size <= 1,
    )
    return nothing.with_(
        estimate=estimate,
        summary=described(search, found, estimate, rate),
        part_names=("all rows",),
        **shown_slices(search, found, estimate, rate, params.confidence, nothing.notes),
    )


def _why(search: Search, params: Params) -> str:
    if not search.found.items:
        return (
            f"no slice has {params.min_support:.1%} of the {search.rows:,} rows and leaves some "
            "outside: nothing to compare"
        )
    return (
        f"none of the {len(search.found.items):,} slices has rows in the rate's denominator, "
        "inside and outside, in both halves: nothing to compare"
    )
