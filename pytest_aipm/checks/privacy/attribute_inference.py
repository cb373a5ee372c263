"""How much better a sensitive column is guessed for training rows than for others.

## Question
Does the model tell more about the people it was trained on than about anyone else?

## How it is measured
An attacker knows all of a row but one `sensitive` column, and may ask the model. Every value is put
in, and the guess is the value under which the row's true label is most likely, weighed by how
frequent the value is. The value is the share guessed rightly among training rows, less that among
evaluation rows that are not training rows (Yeom's advantage); at most 10,000 rows of each, chosen
by the seed. Rows that miss the column are left out, and counted in the notes. The interval of the
difference is Newcombe's.

## When it misleads
- What can be guessed of everyone equally (sex from height) is no advantage, and may still hurt.
- It is one attack; no advantage means no evidence of one.
- A shift between training and evaluation rows looks like an advantage, or hides it; where it is
  seen, the verdict is inconclusive.

## What to do
Leave the column out of the features if it is not needed. Else regularise: the advantage comes from
what the model remembers of single rows.

## If left out
Somebody who knows a little of a person could learn a secret of them from the model.

## Sources
- Yeom, Giacomelli, Fredrikson, Jha, "Privacy risk in machine learning", 2018.
- Newcombe, "Interval estimation for the difference between independent proportions", 1998.
- 0.05 is a convention.
"""

from __future__ import annotations

from pydantic import Field

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.privacy._premise import left_out, premise
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.evidence.attack import blind_of, signals_of
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.guessing import Guesses, guesses_of
from pytest_aipm.records import Because, Formula
from pytest_aipm.stats.attacks import Newcombe
from pytest_aipm.stats.exposure import exposure

NEEDS = Needs(label=True, model=True, train=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("",)
RANGE = (-1.0, 1.0)
TASKS = ("binary", "multiclass", "regression")
DEFAULT_LIMIT = {"max": 0.05}
BASIS = "convention of the field, not law"


class Params(CheckParams):
    """Which column is guessed."""

    sensitive: str = Field(min_length=1)
    """The column that nobody else should learn."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    column = params.sensitive
    formula = Formula(
        id="attribute_advantage",
        numerator=f"share of training rows whose {column[:60]} is guessed, less that of others",
        denominator="",
    )
    nothing = Measurement(estimate=None, formula=formula, summary="", n=0)
    if column not in evidence.feature_columns():
        evidence.data.require([column])
        why = f"{column[:60]} is not an input of the model, so the model cannot be asked about it"
        return nothing.with_(summary=why, not_judged=(Because.NOT_APPLICABLE, why))
    fit = signals_of(evidence).fit
    found = guesses_of(evidence, fit, column)
    if isinstance(found, str):
        return nothing.with_(summary=found, not_judged=(Because.NO_EVIDENCE, found))
    attack = Newcombe(*found.members, *found.others, name="guessing")
    estimate, apart = premise(
        exposure([attack], params.confidence), blind_of(evidence), params.confidence, RANGE
    )
    rows = found.members[1] + found.others[1]
    return nothing.with_(
        estimate=estimate,
        formula=formula.model_copy(
            update={"population": f"{found.members[1]:,} training rows, {found.others[1]:,} others"}
        ),
        summary=_summary(column, found, attack) + apart,
        n=rows,
        part_names=("all rows",),
        notes=(*left_out(fit), *_notes(column, found)),
    )


def _notes(column: str, found: Guesses) -> tuple[str, ...]:
    said = (f"one of {found.levels} values is guessed",)
    if not sum(found.unknown):
        return said
    members, others = found.unknown
    lacking = f"{members:,} training rows and {others:,} others without a value of {column[:60]}"
    return (*said, f"{lacking} were not guessed")


def _summary(column: str, found: Guesses, attack: Newcombe) -> str:
    shares = [right / rows for right, rows in (found.members, found.others)]
    return (
        f"{column[:60]} is guessed for {frequency(shares[0])} training rows and "
        f"{frequency(shares[1])} others: advantage {number(attack.value)}"
    )
