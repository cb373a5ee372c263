"""Share of training rows that are found word for word inside the model.

## Question
Whoever gets the model: do they get the people it was trained on along with it?

## How it is measured
Every part of the fitted object is looked at, whatever its class: attributes, lists, mappings,
steps of pipelines, members of ensembles, closures. Tables in it are compared with the training rows
by a hash of their values: as the model is given them, and as each part saw them, behind the steps
before it. A row that five or more training rows equal is no one's and does not count. The value is
the share of training rows found. It is a count over the given rows (at most 100,000, chosen by the
seed), so the number itself decides. `seconds` bounds the search.

## When it misleads
- Rows stored otherwise (rounded, as columns without their names, inside bytes) are not found.
- Compiled parts of other libraries that do not say how they are pickled are not looked into, and
  nothing found is no pass then; the boosters of XGBoost, LightGBM and CatBoost hold trees alone.
- A row of one column cannot be told from other numbers.
- A part that was fitted on other rows than the training rows holds those, and they are not found.

## What to do
Nearest neighbours, support vectors and Gaussian processes keep rows by design: use another kind of
model, fit it on synthetic or aggregated rows, or treat the model file as personal data. Remove rows
that were kept for convenience.

## If left out
A model file could be handed on with the records of everybody in its training data inside.

## Sources
- Ritchie et al., "Machine learning models in trusted research environments", 2023, and the rules of
  SACRO-ML: support vectors and nearest neighbours are not released.
- That one row is too many is a policy choice.
"""

from __future__ import annotations

from pydantic import Field

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.stored import CROWD, Stored, stored_rows_of
from pytest_aipm.records import Because, Formula
from pytest_aipm.stats.single import census

NEEDS = Needs(model=True, train=True)
KIND = "census"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
RANGE = (0.0, 1.0)
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 0}
BASIS = "policy choice: one stored row is too many"


class Params(CheckParams):
    """How long to look."""

    seconds: float = Field(default=30.0, gt=0)
    """Time the search may take; what it did not reach is said."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    stored = stored_rows_of(evidence, params.seconds)
    found = int(stored.found.sum())
    measured = Measurement(
        estimate=census(found / stored.rows, stored.rows),
        formula=Formula(
            id="stored_rows",
            numerator="training rows found inside the model",
            denominator="training rows",
            population=f"{stored.rows:,} rows of {stored.columns:,} columns",
        ),
        summary=_summary(found, stored),
        n=stored.rows,
        part_names=("all rows",),
        notes=_notes(stored),
    )
    why = _unread(stored)
    if found or not why:
        return measured
    said = f"no training row was found inside the model, but {why}"
    return measured.with_(estimate=None, summary=said, not_judged=(Because.NO_EVIDENCE, said))


def _unread(stored: Stored) -> str:
    """Return what was not looked at, so that nothing found says nothing; empty for all read."""
    if stored.columns < 2:
        return "a row of one column cannot be told from other numbers"
    if stored.stopped:
        return f"the search ended {stored.stopped}; give it more `seconds`"
    if stored.cut:
        return f"not all of it could be read ({', '.join(name[:80] for name in stored.cut[:3])})"
    if stored.lost:
        return f"the rows could not be followed through {stored.lost:,} of its steps"
    if stored.opaque:
        named = ", ".join(name[:80] for name in stored.opaque[:3])
        return f"compiled parts of it cannot be looked into ({named})"
    return f"{stored.closed:,} of its parts raise when looked into" if stored.closed else ""


def _summary(found: int, stored: Stored) -> str:
    if not found:
        return f"no evidence of training rows inside the model, of {stored.rows:,} looked for"
    share = number(found / stored.rows)
    verb = "is" if found == 1 else "are"
    return f"{found:,} of {stored.rows:,} training rows {verb} inside the model: share {share}"


def _notes(stored: Stored) -> tuple[str, ...]:
    most = sorted(stored.places.items(), key=lambda each: -each[1])
    said = [f"in {name[:80]}" for name, count in most[:5] if count]
    if stored.crowd:
        said.append(
            f"{stored.crowd:,} more are found that {CROWD} or more training rows equal: they are "
            "no one's, and do not count"
        )
    if stored.rows < stored.of:
        said.append(f"looked for {stored.rows:,} of {stored.of:,} training rows")
    if not stored.whole and said and (why := _unread(stored)):
        said.append(f"there may be more: {why}")
    return tuple(said)
