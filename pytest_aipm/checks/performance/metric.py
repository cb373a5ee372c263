"""A performance metric, overall or as a floor that every group must meet.

## Question
Is the model good enough, and good enough for every group?

## How it is measured
`metric` names what is measured: accuracy, balanced_accuracy, precision, recall, specificity, f1,
matthews_corrcoef, roc_auc, log_loss, brier and ece for classes; mae, mse, rmse, mape and pinball
(with its `quantile`) for numbers; any metric of scikit-learn by its scorer's name; or
`pkg.module:callable`, found from the root folder, which takes labels and predictions (or scores,
when its second parameter is called `y_score`); labels and predicted classes are 1 for the positive
class, else 0. Rates have Clopper-Pearson ends, ROC AUC the logit interval with the DeLong variance
and a floor, means a Hall-transformed t interval, everything else a bootstrap. What divides 0 by 0
is undefined, not 0.

Of several classes (`task: multiclass`): accuracy, top_k_accuracy (with `k`), log_loss, brier (the
sum over classes, 0 to 2) and matthews_corrcoef speak of all classes, recall, precision, f1 and
roc_auc with `average: macro` of the mean over them, and any metric of two classes with `class` of
that class against the rest. A mean of recalls or precisions combines the bounds of each class
(MOVER), a mean of areas sums the influence of each row. Functions get classes as they are written.

Of a ranking: ndcg, or ndcg@K for the first K places, the mean over queries; by group it is that of
the group's own rows among themselves.

ece is debiased: the mean distance of the share of positives from the mean score over ten bins of
about equally many rows, less what chance alone makes of it. Its interval needs no bootstrap and
holds the raw error, too.

Without `by` the holdout is taken as fixed and the point estimate decides, so that a written floor
is a floor; the interval is printed. With `by` the value is that of the worst group: a breach is
corrected for the number of groups (Sidak), compliance needs every group.

## When it misleads
- One number over everyone hides the group it fails: add `by`.
- Accuracy is high for free where one outcome is rare; prefer roc_auc or balanced_accuracy there.
- The debiased ece shows only what is clear: a shift of 0.05 reads 0.02 at 600 rows (raw: 0.06,
  and 0.04 for a calibrated model). Read its interval.
- Means and bootstrapped metrics of fewer than 30 rows cannot prove a breach.
- A mean over classes counts a rare class as much as a common one; a group without rows of a class
  has none.

## What to do
Compare with a simple baseline first. If only one group is under the floor, look for missing
features and few training rows there.

## If left out
The model could be too weak for its purpose, for everyone or for one group.

## Sources
- scikit-learn, metrics and scoring.
- DeLong, DeLong, Clarke-Pearson, Biometrics 1988; Clopper, Pearson, Biometrika 1934; Hall, 1992.
"""

from __future__ import annotations

from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.compare import without_groups
from pytest_aipm.checks.metric_names import MetricParams, needs_of_metric, range_of_metric
from pytest_aipm.checks.metrics import measure
from pytest_aipm.checks.worst import worst_group
from pytest_aipm.evidence.evidence import Evidence

NEEDS = Needs(label=True)
KIND = "sample"
SCOPES = "either"
UNITS = ("",)
WEIGHTED = True
TASKS = ("binary", "multiclass", "regression", "ranking")


class Params(MetricParams):
    """Which metric."""


def needs(params: Params) -> Needs:
    """Return the evidence that the metric needs."""
    return needs_of_metric(params.metric, macro=params.average is not None)


def value_range(params: Params) -> tuple[float, float]:
    """Return the lowest and the highest value there can be."""
    return range_of_metric(params.metric, all_classes=params.class_ is None)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    nobody = without_groups(evidence, params, params.metric)
    if nobody is not None:
        return nobody
    return worst_group(evidence, params, measure(evidence, params.metric, params))
