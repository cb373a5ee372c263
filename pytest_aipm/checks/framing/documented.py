"""Number of questions about the need for a model that the policy does not answer.

## Question
Was it written down why there is a model, what else was weighed, and whom it touches?

## How it is measured
`fields` names keys of the policy's `context` (`data.source` looks inside `data`). A key counts when
it is missing, says nothing, or holds a place for an answer: "TODO", "tbd", "not said yet" as
`aipm init` writes it, a text in angle brackets. A list or a mapping answers when it holds something
and none of its texts is such a placeholder. It is a count, so the number itself decides.

These fields argue that the model should exist. Who can be called to account for it, and until when,
is the question of `governance.context_complete`.

## When it misleads
- That something stands there does not make it true, or well thought out: a person must read it.
- A decision written down elsewhere counts only when the context points there.

## What to do
Answer the field that is named in the policy's `context`, in a sentence that a stranger understands;
"none was considered" is an answer, and an honest one.

## If left out
A model could be released of which nobody wrote down why it is needed, or whom it touches.

## Sources
- Mitchell et al., "Model cards for model reporting", 2019: intended use and users.
- NIST AI RMF 1.0, MAP 1.1 (purpose, users, affected people) and MAP 2.1; Zinkevich, "Rules of
  machine learning", rule 1 (a rule may do).
- The list of fields is a convention.
"""

from __future__ import annotations

from pydantic import Field, field_validator

from pytest_aipm.checks.answers import answer_of, few, lack_of, short
from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.records import Formula
from pytest_aipm.stats.single import census

NEEDS = Needs()
KIND = "census"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 0}
BASIS = "policy choice: each question is answered"


class Params(CheckParams):
    """Which questions must be answered."""

    fields: tuple[str, ...] = Field(
        default=("purpose", "owner", "why_model", "alternatives", "users", "affected"), min_length=1
    )
    """Keys of the context that must say something: what it is for, who answers for it, why a rule
    does not do, what else was weighed, who uses it, and who is affected by it."""

    @field_validator("fields")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("names a field twice; name each once")
        return value


def value_range(params: Params) -> tuple[float, float]:
    """Return that at least none and at most all fields can lack an answer."""
    return 0.0, float(len(params.fields))


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    context = evidence.stated.context
    found = {name: lack for name in params.fields if (lack := lack_of(answer_of(context, name)))}
    asked = len(params.fields)
    said = f"all {asked} questions about the need for the model are answered"
    if found:
        said = f"{len(found)} of {asked} questions about the need for the model have no answer"
        said += f" ({few(list(found))})"
    return Measurement(
        estimate=census(len(found), asked),
        formula=Formula(
            id="undocumented",
            numerator="fields of the context without an answer",
            denominator="",
            population=f"{asked} fields: {few(params.fields, 12)}",
        ),
        summary=said,
        n=asked,
        part_names=("all rows",),
        notes=tuple(f"context.{short(name)} is {lack}" for name, lack in list(found.items())[:50]),
    )
