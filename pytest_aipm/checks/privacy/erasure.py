"""Whether anything shows that rows which must be gone were trained on.

## Question
People asked to be forgotten: has the model forgotten them?

## How it is measured
`rows` names a file of the rows that must be gone, or `ids` lists their ids (the subject's `id`; a
policy is printed in its report, so ids that name somebody belong into the file). They are looked
for among the training rows: by id, and where none is found by columns that are equal but for the
spelling of texts and fractions beyond six digits (a row that five or more training rows equal is no
one's); and inside the model, as in `privacy.stored_rows`. One that is found gives
everything away: the value is 1. Else the rows are attacked as in `privacy.membership_inference`,
against evaluation rows that were never trained on, and the value is the area under the ROC curve:
0.5 is a coin toss.

## When it misleads
- Within the limit means no evidence that they were trained on, never that they are erased: a linear
  model shows nothing of 300 rows that are still in it.
- Those who ask to be forgotten differ from others; where that is seen without the model, the attack
  says nothing.
- A few rows cannot be attacked: the interval is wide then.

## What to do
Remove the rows and fit the model anew; keep the list, and let this check watch the next model.

## If left out
A model could go on knowing people whose data had to be deleted, and nobody would have looked.

## Sources
- GDPR, article 17.
- Yeom, Giacomelli, Fredrikson, Jha, "Privacy risk in machine learning", 2018.
- No authority sets a limit; 0.60 is a policy choice.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.privacy._premise import premise
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.attack import attacks_on
from pytest_aipm.evidence.erased import Erased, erased_ids, erased_rows
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.records import Because, Formula
from pytest_aipm.stats.exposure import exposure
from pytest_aipm.stats.single import census

NEEDS = Needs(label=True, model=True, train=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("auc",)
RANGE = (0.0, 1.0)
TASKS = ("binary", "multiclass", "regression")
DEFAULT_LIMIT = {"max_auc": 0.60}
BASIS = "policy choice; no authority sets a number"


class Params(CheckParams):
    """Who must be gone."""

    rows: str | None = None
    """File of the rows that must be gone, with the columns of the training rows."""
    ids: tuple[str | int, ...] = ()
    """Ids that must be gone, in place of `rows`."""
    seconds: float = Field(default=30.0, gt=0)
    """Time the search of the model may take; what it did not reach is said."""

    @model_validator(mode="after")
    def _one(self) -> Params:
        if (self.rows is None) == (not self.ids):
            raise ValueError(
                "'rows' or 'ids' says who must be gone, and one of them alone; "
                "add `rows: PATH` or `ids: [...]`"
            )
        return self


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    if params.rows is None:
        gone = erased_ids(evidence, params.ids)
    else:
        gone = erased_rows(evidence, params.rows, params.seconds)
    measured = Measurement(
        estimate=None,
        formula=Formula(
            id="erasure_auc",
            numerator="pairs in which the erased row looks more like a training row",
            denominator="pairs of an erased row and a row never seen",
            population=f"{gone.rows:,} erased rows",
        ),
        summary="",
        n=gone.rows,
        part_names=("all rows",),
    )
    if gone.trained or gone.stored:
        return measured.with_(estimate=census(1.0, gone.rows), summary=_found(gone))
    if gone.signals is None or gone.unread:
        why = gone.unread or "whether the model remembers them needs their rows and labels"
        said = f"no evidence of {gone.rows:,} erased rows in the training rows, by {gone.by}; {why}"
        return measured.with_(summary=said, not_judged=(Because.NO_EVIDENCE, said))
    whole = exposure(attacks_on(gone.signals.scores, "auc", evidence.seed), params.confidence)
    estimate, apart = premise(whole, gone.blind, params.confidence, RANGE, who="erased")
    rows = len(gone.signals.fit.members) + len(gone.signals.fit.others)
    return measured.with_(
        estimate=estimate,
        summary=(
            f"none of {gone.rows:,} erased rows is found; an attacker who guesses by "
            f"{whole.strongest.name.rpartition(', ')[0]} tells one from a row never seen in "
            f"{round(100 * whole.value)} of 100 pairs: AUC {number(whole.value)}{apart}"
        ),
        n=rows,
        notes=("within the limit means no evidence that they were trained on, not erased",),
    )


def _found(gone: Erased) -> str:
    places = []
    if gone.trained:
        places.append(f"{gone.trained:,} among the training rows (by {gone.by})")
    if gone.stored:
        places.append(f"{gone.stored:,} inside the model")
    return f"of {gone.rows:,} rows that must be gone, {' and '.join(places)} are still there"
