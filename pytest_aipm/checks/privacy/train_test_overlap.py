"""Share of evaluation rows that are also training rows.

## Question
Was the model judged on rows it had already seen?

## How it is measured
Every evaluation row's feature values are compared with those of all training rows (by a 64-bit
hash; whole numbers and floats of equal value agree). Near copies count, too, and are told apart:
rows that are equal once fractions are rounded to `digits` significant digits (6) and the case and
blanks of texts are left aside; `near: false` leaves them out. The value is the share found there.
It is a count over the given rows, so the number itself decides. Rows that occur in training only
with another label are counted apart.

## When it misleads
- With few and coarse features distinct people share all values: then overlap is no leak.
- Other near copies (another whole number, a typing error) are not found, nor those whose fractions
  lie on two sides of a rounding step.
- Fractions that differ only in late digits (seconds since 1970, coordinates) need more `digits`.

## What to do
Split by person, not by row, and remove the shared rows from the evaluation data; they make the
model look better than it is and hide what it remembers.

## If left out
Every other figure could be flattered by rows that the model already knew.

## Sources
- Lee et al., "Deduplicating training data makes language models better", 2022, on what shared
  rows do to evaluation; the 1 % limit is a convention.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.train import Overlap, overlap_of, overlapping
from pytest_aipm.evidence.wishes import Wish
from pytest_aipm.records import Formula
from pytest_aipm.stats.single import census

NEEDS = Needs(train=True)
KIND = "census"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
RANGE = (0.0, 1.0)
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 0.01}
BASIS = "convention of the field, not law"


class Params(CheckParams):
    """What a near copy is."""

    near: bool = True
    """Whether near copies count."""
    digits: int = Field(default=6, ge=1, le=15)
    """Significant digits of fractions that must be equal in near copies."""


def wishes(evidence: Evidence, params: Params) -> Iterator[Wish[Any]]:
    """Yield what it is going to ask of all rows."""
    yield overlapping(evidence, params.digits if params.near else None)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    found = overlap_of(evidence, params.digits if params.near else None)
    both = found.shared + found.near
    notes: tuple[str, ...] = ()
    if found.near:
        told = (
            f"{found.shared:,} are equal in every value, {found.near:,} but for the spelling of "
            f"texts and fractions beyond {params.digits} digits"
        )
        notes = (told,)
    if found.conflicting:
        told = f"{found.conflicting:,} of the shared rows carry another label in the training data"
        notes = (*notes, told)
    if evidence.subject.designed:
        notes = (*notes, "a count of rows: weights, and whose rows they are, do not enter")
    return Measurement(
        estimate=census(both / found.rows, found.rows),
        formula=Formula(
            id="train_test_overlap",
            numerator="evaluation rows whose features occur in the training rows",
            denominator="evaluation rows",
            population=f"{found.rows:,} rows, {len(found.columns)} feature columns",
        ),
        summary=_summary(both, found),
        n=found.rows,
        part_names=("all rows",),
        notes=notes,
    )


def _summary(both: int, found: Overlap) -> str:
    are, plural = ("is also a", "") if both == 1 else ("are also", "s")
    nearly = ", or nearly so" if found.near else ""
    said = f"{both:,} of {found.rows:,} evaluation rows {are} training row{plural}{nearly}"
    return f"{said}: share {number(both / found.rows)}"
