"""Lowest selection rate of any group divided by the highest.

## Question
How close is the least favored group to the most favored one?

## How it is measured
The selection rate of a group is the share of its rows that get the favorable decision.
The value is the lowest rate over the comparator's, at least 0; 1 is equality. Pairs are tested
with the ratio form of the Farrington-Manning score test; the upper end is corrected for all
pairs, the lower end is the smallest bound of a single pair. `reference` names another comparator;
ratios above 1 are then possible.
`at_least: 0.02` lets only groups with that share of the rows be the comparator. `min_share: 0.02`
leaves smaller groups out of the ratio altogether; their count and rate are still shown.

Of several classes (`task: multiclass`) it is that of the `class` the check names, else of the
favorable classes together, else of each class against the rest: then the worst decides, corrected
for how many there are.

## When it misleads
- Groups may differ in what the decision rightly depends on; equal rates then need unequal
  treatment. Read it together with the error rates.
- The label plays no part: a model that selects at random within each group passes.
- With small rates the ratio of two groups swings widely; the difference may be the calmer view.

## What to do
Look at the decision threshold in the group named, then at the features that carry the gap.

## If left out
The least favored group could get the favorable decision at a fraction of the rate of the most
favored one.

## Sources
- fairlearn, `demographic_parity_ratio`.
- Dwork, Hardt, Pitassi, Reingold, Zemel, "Fairness through awareness", 2012.
- Uniform Guidelines on Employee Selection Procedures, 29 CFR 1607.4(D): the four-fifths rule.
- 6 RCNY 5-301(d): categories below 2 % of the data may be left out of impact ratios.
"""

from __future__ import annotations

from pydantic import Field

from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.classes import ClassParams
from pytest_aipm.checks.disparity import rate_disparity
from pytest_aipm.evidence.evidence import Evidence

NEEDS = Needs(predictions=True)
KIND = "sample"
SCOPES = "groups"
UNITS = ("",)
WEIGHTED = True
TASKS = ("binary", "multiclass")
DEFAULT_LIMIT = {"min": 0.80}
BASIS = "four-fifths rule, 29 CFR 1607.4(D)"


class Params(ClassParams):
    """Which groups, compared with whom."""

    at_least: float | None = Field(default=None, gt=0, lt=1)
    """Smallest share of the rows that makes a group fit to be the comparator."""
    min_share: float | None = Field(default=None, gt=0, lt=1)
    """Groups with a smaller share of the rows are counted and shown, not compared."""

    def unfit(self, task: str, *, favorable: bool) -> tuple[str, str] | None:
        """Return why shares do not go with the worst of all classes."""
        each = task == "multiclass" and not favorable and self.class_ is None
        for key in ("at_least", "min_share"):
            if each and getattr(self, key) is not None:
                what = f"'{key}' speaks of one selection rate, and there is one for each class"
                return what, "add `class: NAME`, or list `favorable` classes in the subject"
        return super().unfit(task, favorable=favorable)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    return rate_disparity(
        evidence,
        params,
        "selection_rate",
        "ratio",
        at_least=params.at_least,
        min_share=params.min_share,
    )
