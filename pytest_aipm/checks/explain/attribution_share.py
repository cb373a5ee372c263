"""Share of the model's attributions that falls on protected or other named columns.

## Question
How much of what moves the model's output is a protected attribute, directly?

## How it is measured
Each row's output is attributed to the model's own columns by Shapley values: how much a column
adds, on average over the orders in which columns can join, when a background row turns into this
row. The value is the sum of mean |attribution| on the named columns (`of`, default the attributes
of `by`, or all protected ones) divided by the sum over all columns.

Noise has a size, too, so mean |attribution| lies above the truth; the mean with the sign taken
from an independent half of the walks lies below it. The value is the middle; its interval reaches
from the lower estimate to the upper, each with t ends over rows and background rows.

With `words` the players are the words of a text, the model's only input, from the text without any
word; the value is the share of the named ones in all words.

## When it misleads
- A low share proves nothing by itself: a model that recognises mixed rows can hide what it decides
  on. Share, flips and outcome gap stand side by side in the notes, and a model whose attributions
  credit an attribute with less than half of what replacing it does fails here.
- A share of zero is not the absence of proxies: see proxy_reliance and equal_treatment.
- A share says nothing of direction, nor of fairness.

## What to do
Remove the attribute from the features, or justify its use in writing; then look at proxies.

## If left out
The model could lean on a protected attribute for much of what it says.

## Sources
- Lundberg, Lee, "A unified approach to interpreting model predictions", 2017.
- Slack, Hilgard, Jia, Singh, Lakkaraju, "Fooling LIME and SHAP", 2020 (why a share is not enough).
- The 5 % limit is a convention.
"""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from pytest_aipm.attribution.asking import BudgetSpent
from pytest_aipm.checks.attributed import (
    ExplainParams,
    NoAttributions,
    attributions,
    explain_notes,
    named_players,
    noise_notes,
    not_an_input,
    share_bars,
    spent,
)
from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.classes import of_one
from pytest_aipm.checks.effective import design_note
from pytest_aipm.checks.together import together
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.explaining import inputs_of
from pytest_aipm.evidence.worded import worded
from pytest_aipm.records import Because, Formula
from pytest_aipm.stats.effects import share
from pytest_aipm.stats.single import from_part

NEEDS = Needs(predictions=True, model=True)
KIND = "sample"
SCOPES = "either"
UNITS = ("",)
WEIGHTED = True
RANGE = (0.0, 1.0)
TASKS = ("binary", "multiclass", "regression")
DEFAULT_LIMIT = {"max": 0.05}
BASIS = "convention of the field, not law"


class Params(ExplainParams):
    """Whose share."""

    of: tuple[str, ...] = ()
    """Columns or players; default the attributes of `by`, else every protected attribute."""
    words: tuple[str, ...] = ()
    """Words of a model whose only input is a text, instead of columns: ``[she, her, he, his]``."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.words and (self.of or self.by):
            raise ValueError("asks for `words` and for columns; use one check for each")
        return self


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    evidence = of_one(evidence, params)
    if params.words:
        return _of_words(evidence, params)
    by = params.by or tuple(each.name for each in evidence.subject.attributes)
    whose = " and ".join(params.of or by)
    formula = Formula(
        id="attribution_share",
        numerator=f"mean |attribution| on {whose}",
        denominator="mean |attribution| on all inputs",
        positive=evidence.subject.names["positive"],
        population=f"seeded sample of at most {params.rows:,} rows",
    )
    absent = (
        None if params.of else not_an_input(evidence, params.model_copy(update={"by": by}), formula)
    )
    if absent is not None:
        return absent
    try:
        found = attributions(evidence, params)
    except NoAttributions as over:
        return over.measurement.with_(formula=formula)
    columns = params.of or inputs_of(evidence, by)[0]
    wanted = named_players(found, columns)
    nothing = Measurement(
        estimate=None, formula=formula, summary="", n=found.n, notes=explain_notes(found)
    )
    if not wanted or float(found.sizes.high.sum()) <= 0:
        why = "the model says the same of every row, so there is nothing to attribute"
        if not wanted:
            why = "there is no column to look at: name some under `of`, or a protected attribute"
        return nothing.with_(summary=why, not_judged=(Because.NO_EVIDENCE, why))
    try:
        shown = together(evidence, params, found) if params.by else None
    except NoAttributions as over:
        return over.measurement.with_(formula=formula)
    part = share(found.sizes, wanted)
    bars = share_bars(found, params.confidence)
    return nothing.with_(
        estimate=from_part(part, params.confidence),
        summary=f"{whose} carries {number(part.value)} of all attribution "
        f"(lower estimate {number(part.low)}, upper {number(part.high)})",
        part_names=("all rows",),
        series=() if bars is None else (bars,),
        notes=(*explain_notes(found), *(() if shown is None else (shown.note,))),
        breach=None if shown is None else shown.breach,
    )


def _of_words(evidence: Evidence, params: Params) -> Measurement:
    """Return the share of named words in what all words of the texts add."""
    shown = ", ".join(params.words[:8]) + (", ..." if len(params.words) > 8 else "")
    formula = Formula(
        id="attribution_share_of_words",
        numerator=f"mean |attribution| on the words {shown}",
        denominator="mean |attribution| on all words",
        positive=evidence.subject.names["positive"],
        population=f"seeded sample of at most {params.rows:,} texts",
    )
    try:
        found = worded(
            evidence,
            params.words,
            rows=params.rows,
            walks=params.walks,
            output=params.output,
            budget_s=params.budget_s,
        )
    except BudgetSpent as over:
        return spent(params, over).with_(formula=formula)
    what = (
        f"explained: {found.output.said}, for {found.n:,} of {found.total:,} texts, against the "
        f"text without any word, {params.walks} pairs of orders a text, chosen by the seed; "
        f"{found.held:,} texts hold a named word"
    )
    notes = (
        what,
        *design_note(evidence.subject, [found.n], [found.units.size]),
        *noise_notes(evidence),
    )
    nothing = Measurement(estimate=None, formula=formula, summary="", n=found.n, notes=notes)
    if not found.held or float(found.sizes.high.sum()) <= 0:
        why = f"no text holds any of the words {shown}"
        if found.held:
            why = "the model says the same of every text, so there is nothing to attribute"
        return nothing.with_(summary=why, not_judged=(Because.NO_EVIDENCE, why))
    part = share(found.sizes, [0])
    return nothing.with_(
        estimate=from_part(part, params.confidence),
        summary=f"the words {shown} carry {number(part.value)} of all attribution to words "
        f"(lower estimate {number(part.low)}, upper {number(part.high)})",
        part_names=("all texts",),
    )
