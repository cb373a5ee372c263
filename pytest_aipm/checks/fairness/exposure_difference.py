"""Highest exposure of any group in rankings minus the lowest.

## Question
In rankings, are the rows of one group seen much less than those of another?

## How it is measured
The exposure of a row is 1 / log2(1 + rank) within its query (`decision: {within}`), the highest
score first; rows that tie share the mean of their places, so the order of the data changes nothing.
It is taken relative to the mean exposure of its query: 1 is a fair share, whatever the number of
rows. A group's exposure is the mean over its rows, in queries with rows of two groups. The
value is the highest group's minus the lowest's. `positions: 10` says that nobody looks further than
ten places.

Rows of one query depend on each other, so a query is one source of evidence: variances are those of
whole queries, the covariance of groups that share them included, and pairs of groups are combined
from their own intervals (MOVER).

## When it misleads
- Groups that differ in relevance rightly differ in exposure: look at NDCG by group beside it.
- The discount is a model of attention. If yours is steeper, say `positions`.
- It says nothing about queries in which a group does not appear at all.

## What to do
Look at the queries where the group stands lowest, and at the features that place it there. Compare
the scores of rows that are equally relevant.

## If left out
The rows of one group could stand at the bottom of most rankings, where nobody looks.

## Sources
- Singh, Joachims, "Fairness of exposure in rankings", 2018.
- Järvelin, Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002: the discount.
- Zou, Donner, "Construction of confidence limits about effect measures", 2008 (MOVER).
"""

from __future__ import annotations

from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.exposure import ExposureParams, exposure_disparity
from pytest_aipm.evidence.evidence import Evidence

NEEDS = Needs(scores=True, rows=True)
KIND = "sample"
SCOPES = "groups"
UNITS = ("",)
WEIGHTED = True
TASKS = ("ranking",)
DEFAULT_LIMIT = {"max": 0.10}
BASIS = "convention of the field, not law"


class Params(ExposureParams):
    """How many places are seen."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    return exposure_disparity(evidence, params, "difference")
