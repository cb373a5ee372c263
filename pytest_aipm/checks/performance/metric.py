"""A performance metric, overall or as a floor that every group must meet.

## Question
Is the model good enough, and good enough for every group?

## How it is measured
`metric` names what is measured: accuracy, balanced_accuracy, precision, recall, specificity, f1,
roc_auc, log_loss and brier for classes; mae, mse, rmse, mape for numbers; any metric of
scikit-learn by its scorer's name; or `pkg.module:callable` taking labels and predictions (or a
parameter named `y_score`). Rates have Clopper-Pearson ends, ROC AUC the logit interval with the
DeLong variance and a floor, means a Hall-transformed t interval, everything else a bootstrap.

Without `by` the holdout is taken as fixed and the point estimate decides, so that a written floor
is a floor; the interval is printed. With `by` the value is that of the worst group: a breach is
corrected for the number of groups (Sidak), compliance needs every group.

## When it misleads
- One number over everyone hides the group it fails: add `by`.
- Accuracy is high for free where one outcome is rare; prefer roc_auc or balanced_accuracy there.
- Means and bootstrapped metrics of fewer than 30 rows cannot prove a breach.

## What to do
Compare with a simple baseline first. If only one group is under the floor, look for missing
features and few training rows there.

## Sources
- scikit-learn, metrics and scoring.
- DeLong, DeLong, Clarke-Pearson, Biometrics 1988; Clopper, Pearson, Biometrika 1934; Hall, 1992.
"""

from __future__ import annotations

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.metrics import measure, needs_of_metric
from pytest_aipm.checks.worst import worst_group
from pytest_aipm.evidence.evidence import Evidence

NEEDS = Needs(label=True)
KIND = "sample"
SCOPES = "either"
UNITS = ("",)
TASKS = ("binary", "regression")


class Params(CheckParams):
    """Which metric."""

    metric: str
    """Name of the metric, or ``pkg.module:callable``."""


def needs(params: Params) -> Needs:
    """Return the evidence that the metric needs."""
    return needs_of_metric(params.metric)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    measured = measure(evidence, params.metric, params.by, params.unknown, params.seed)
    return worst_group(evidence, params, measured)
