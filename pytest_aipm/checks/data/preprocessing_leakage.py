"""Number of the model's fitted steps that have seen the evaluation rows.

## Question
Was the preparation of the data fitted on the very rows that judge the model?

## How it is measured
Every part of the fitted model is looked at, whatever holds it: pipelines, column transformers,
ensembles. Where a part keeps a statistic of the rows it was fitted on (means and variances of a
scaler, the smallest and largest values, medians, the values of an imputer, the categories of an
encoder, the centre of a projection), that statistic is computed anew, from the rows as that part
sees them: of the training rows, of the evaluation rows, and of both together. A part that agrees
with both together or with the evaluation rows, and not with the training rows alone, has seen what
it must not know. The value is the number of such parts. It is a count, so the number itself
decides. Where no part keeps a statistic that tells, or they are of neither, nothing is judged.

## When it misleads
- Selection of features, and choices that were made by looking at the evaluation rows, leave no
  statistic behind.
- A part that was fitted on a sample or with weights agrees with nothing, and tells nothing.
- Smallest and largest values and categories are often the same with and without the evaluation
  rows: they tell only where they differ.

## What to do
Split first, fit everything on the training rows alone: put the preparation into one pipeline with
the model, and fit that. Then measure everything anew.

## If left out
The figures could be those of a model that had a look at the answers' rows beforehand.

## Sources
- Kapoor, Narayanan, "Leakage and the reproducibility crisis in machine-learning-based science",
  Patterns 2023 (preprocessing on training and test set, L1.2).
- Hastie, Tibshirani, Friedman, "The elements of statistical learning", 2nd ed. 2009, 7.10.2.
- That one such part is too many is a policy choice.
"""

from __future__ import annotations

from collections import Counter

from pydantic import Field

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.prefits import Prefits, prefits_of
from pytest_aipm.records import Because, Formula
from pytest_aipm.stats.single import census

NEEDS = Needs(model=True, train=True)
KIND = "census"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 0}
BASIS = "policy choice: one such step is too many"


class Params(CheckParams):
    """How long to look."""

    seconds: float = Field(default=30.0, gt=0)
    """Time the search may take; what it did not reach is said."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    found = prefits_of(evidence, params.seconds)
    seen = [each for each in found.parts if each.of in ("both", "evaluation")]
    clean = [each for each in found.parts if each.of == "training"]
    rows = found.training + found.evaluation
    measured = Measurement(
        estimate=census(len(seen), rows),
        formula=Formula(
            id="preprocessing_leakage",
            numerator="fitted parts whose statistics are not those of the training rows alone",
            denominator="",
            population=f"{found.training:,} training rows, {found.evaluation:,} evaluation rows, "
            f"{len(found.parts):,} parts with a statistic that is known",
        ),
        summary=_summary(found, len(seen), len(clean)),
        n=rows,
        part_names=("all rows",),
        notes=_notes(found),
    )
    why = "" if seen else _unknown(found, len(clean))
    if not why:
        return measured
    return measured.with_(estimate=None, summary=why, not_judged=(Because.NO_EVIDENCE, why))


def _unknown(found: Prefits, clean: int) -> str:
    """Return why nothing found says nothing; empty where it says that all is well."""
    if found.unread:
        return f"no step is seen to know the evaluation rows, but {found.unread}"
    if not found.parts:
        return "no part of the model keeps a statistic that says on which rows it was fitted"
    if not clean:
        return "the statistics in the model do not tell on which of these rows it was fitted"
    return ""


def _summary(found: Prefits, seen: int, clean: int) -> str:
    if seen:
        verb = "has" if seen == 1 else "have"
        of = len(found.parts)
        return f"{seen:,} of {of:,} fitted steps with a statistic {verb} seen the evaluation rows"
    verb = "agrees" if clean == 1 else "agree"
    steps = "step" if clean == 1 else "steps"
    return f"{clean:,} fitted {steps} {verb} with the training rows alone, and none with others"


_WORDS = {
    "both": "agrees with training and evaluation rows together, not with training rows alone",
    "evaluation": "agrees with the evaluation rows, not with the training rows",
    "others": "agrees with neither: it was fitted on other rows, on some of them, or with weights",
    "either": "is the same with and without the evaluation rows, and tells nothing",
}


def _notes(found: Prefits) -> tuple[str, ...]:
    counted = Counter((each.name, each.statistic, each.of) for each in found.parts)
    said = [
        f"{name[:60]}{'' if n == 1 else f' ({n:,} of them)'}: {statistic} {_WORDS[of]}"
        for (name, statistic, of), n in counted.items()
        if of in _WORDS
    ]
    return (*said[:10], *([f"and {len(said) - 10:,} more"] if len(said) > 10 else []))
