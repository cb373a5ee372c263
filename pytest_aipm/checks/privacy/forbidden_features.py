"""Number of protected or personal columns that the model is given as input.

## Question
Is the model given what it must not know about a person?

## How it is measured
The model's input columns are compared with the protected attributes of the policy, with the
`columns` that the policy forbids, and with columns whose name promises personal data (`email`,
`first_name`, `ssn`, `dob`, ...), as `privacy.pii` reads names. `allow` takes a column out. It is a
count, so the number itself decides. Being given a column is enough: whether the model makes use of
it, `explain.protected_flip` measures.

## When it misleads
- Other columns can stand in for a protected one; this check does not look for them.
- A model may be handed a column and leave it unread.
- A name tells what its author thought of: `f17` may hold anything.

## What to do
Fit the model without the column, and list the others under `features`. Where the law allows or
even wants its use (age in insurance), say so with `allow`.

## If left out
A model could rest on sex, race or an e-mail address, and the policy would not say that it may.

## Sources
- GDPR, article 5(1)(c), data minimisation, and article 9, special categories.
- That no such column may be used is a policy choice.
"""

from __future__ import annotations

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.identifiers import personal_name
from pytest_aipm.records import Because, Formula
from pytest_aipm.stats.single import census

NEEDS = Needs(model=True)
KIND = "census"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 0}
BASIS = "policy choice: no such column may be an input"


class Params(CheckParams):
    """What is forbidden beside protected and personal columns, and what is not."""

    columns: tuple[str, ...] = ()
    """Further columns that no model may be given."""
    protected: bool = True
    """Whether the protected attributes of the policy are forbidden."""
    allow: tuple[str, ...] = ()
    """Columns that may be used all the same."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    features = evidence.feature_columns()
    formula = Formula(
        id="forbidden_features",
        numerator="input columns that are protected, personal by name, or forbidden by the policy",
        denominator="",
        population=f"{len(features):,} input columns",
    )
    rows = evidence.data.rows
    if not features:
        why = "no input column of the model is known"
        return Measurement(
            estimate=None,
            formula=formula,
            summary=why,
            n=rows,
            not_judged=(Because.NO_EVIDENCE, why),
        )
    reasons = {name: why for name in features if (why := _why(name, evidence, params))}
    listed = ", ".join(name[:60] for name in list(reasons)[:5])
    more = f" and {len(reasons) - 5} more" if len(reasons) > 5 else ""
    said = f"{len(reasons)} of {len(features):,} input columns must not be used ({listed}{more})"
    return Measurement(
        estimate=census(len(reasons), len(features)),
        formula=formula,
        summary=said
        if reasons
        else f"none of {len(features):,} input columns is protected, personal by name or forbidden",
        n=rows,
        part_names=("all rows",),
        notes=tuple(f"{name[:60]}: {why}" for name, why in list(reasons.items())[:50]),
    )


def _why(name: str, evidence: Evidence, params: Params) -> str:
    """Return why a column must not be an input; empty where it may."""
    if name in params.allow:
        return ""
    if name in params.columns:
        return "forbidden by the policy"
    if params.protected:
        named = next((each for each in evidence.subject.attributes if each.column == name), None)
        if named is not None:
            return f"holds the protected attribute {named.name[:60]}"
    kind = personal_name(name)
    return f"by its name personal: {kind}" if kind else ""
