"""Epsilon of a claimed guarantee of differential privacy, with all that belongs to it.

## Question
Is the promised differential privacy a promise at all?

## How it is measured
The policy states the claim: `epsilon`, `delta`, who is protected (`protects: person` or `row`),
and what counted it (`accountant`, such as the library and its version). The value is epsilon. A
`delta` of one over the number of training rows or more is an error: it would allow to publish a row
whole now and then. Nothing is measured on the model; `privacy.dp_audit` does that.

## When it misleads
- A claim is words: whoever fitted the model may have counted wrongly, or tuned on the same data.
- A guarantee for a row protects nobody who has many.

## What to do
Train with a smaller epsilon, or state the claim for what it is. Up to 1 is strict, up to 10 usual.

## If left out
A guarantee could be quoted that guarantees nothing.

## Sources
- TensorFlow Privacy, "Measure privacy": epsilon below 10 and delta below 1 / n; conventions.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.words import number
from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.train import training_rows
from pytest_aipm.records import Formula
from pytest_aipm.stats.single import census

NEEDS = Needs(train=True)
KIND = "census"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 10}
BASIS = "convention of the field, not law"


class Params(CheckParams):
    """The claim."""

    epsilon: float = Field(gt=0)
    """How much two neighbouring worlds may differ."""
    delta: float = Field(default=0.0, ge=0, lt=1)
    """Chance that they differ more."""
    protects: Literal["person", "row"]
    """Whose presence is hidden: everything of a person, or a single row."""
    accountant: str = Field(min_length=1)
    """What counted it: library, version, method."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    rows = training_rows(evidence).rows
    if params.delta >= 1 / rows:
        raise CheckError(
            Problem(
                f"a delta of {params.delta:g} is not below 1 / {rows:,} training rows, so the "
                "claim would allow to publish a row whole",
                "claim a smaller delta, or none",
            )
        )
    epsilon = params.epsilon
    return Measurement(
        estimate=census(epsilon, rows),
        formula=Formula(
            id="claimed_epsilon", numerator="epsilon as it is claimed", population=f"{rows:,} rows"
        ),
        summary=(
            f"the training claims an epsilon of {number(epsilon)} with a delta of "
            f"{params.delta:g}, for each {params.protects}"
        ),
        n=rows,
        part_names=("all rows",),
        notes=(f"counted by {params.accountant[:200]}; not measured here",),
    )
