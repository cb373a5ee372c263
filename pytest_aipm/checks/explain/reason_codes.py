"""Share of adverse decisions that can be explained by reasons a person may be told.

## Question
Can everyone who is refused be told the main reasons, in plain words, and are they proper ones?

## How it is measured
For adverse decisions alone, each output is attributed to the model's own columns by Shapley
values: exactly where a short cut or enumeration leads to the same values, else in as many rounds
of chosen coalitions (walks, beyond 64 columns) as it takes to know the `k` largest from the next.
The reasons are the at most `k` columns that push most towards the adverse decision, each at least
`least` of all that pushes there. A decision is covered when it has a reason, none is a protected
attribute, and each has its sentence under `phrases`. The value is the share of the decisions
looked at that are covered; it is a fact about these decisions, so there is no interval.

The reasons must also be stable: two independent halves of the rounds must give the same ones for at
least `stability` of the decisions. What is drawn is chance, so the finding fails only where the
upper Clopper-Pearson end of that share is lower. Exact values are always stable.

## When it misleads
- Reasons are relative to the background, the people in general: compared with others a person may
  have been refused for something else.
- A reason that is true of the model may still be a poor one: monotone and direction ask for sense.
- More than four reasons are not likely to help anyone.

## What to do
Where a protected attribute is a reason, take it out of the model. Where a column has no sentence,
write one that a customer understands, or leave the column out.

## If left out
People could be refused and told nothing, or be told reasons that were not the model's.

## Sources
- Clopper, Pearson, Biometrika 1934.
- Regulation B, 12 CFR 1002.9 and its commentary (specific reasons, at most four); CFPB Circulars
  2022-03 and 2023-03 (reasons actually used, also of complex models).
- That every decision must be covered is a convention where no law asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

import numpy as np
from pydantic import Field

from pytest_aipm.attribution.asking import BudgetSpent
from pytest_aipm.attribution.local import PAIRS
from pytest_aipm.checks.attributed import (
    ExplainParams,
    no_adverse_class,
    noise_notes,
    refuse_unknown,
    spent,
)
from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.examples import change, first
from pytest_aipm.evidence.reasons import Reasons, reasons
from pytest_aipm.records import Because, Example, Formula, Series
from pytest_aipm.stats.parts import RatePart
from pytest_aipm.stats.single import census

NEEDS = Needs(predictions=True, model=True)
KIND = "census"
DECIDE_ON = "point"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
RANGE = (0.0, 1.0)
TASKS = ("binary", "multiclass", "regression")
DEFAULT_LIMIT = {"min": 1.0}
BASIS = "convention of the field, not law"

LONGEST = 200

OTHERS = "the values of others"


class Params(ExplainParams):
    """What people are told."""

    phrases: dict[str, str] = Field(min_length=1)
    """The sentence for each column or player: ``{income: "Income is low for this amount"}``."""
    k: int = Field(default=4, ge=1, le=4)
    """Most reasons of one decision."""
    least: float = Field(default=0.05, gt=0, lt=1)
    """A reason pushes at least this share of all that pushes towards the adverse decision."""
    stability: float = Field(default=0.9, ge=0, le=1)
    """Share of decisions whose reasons must be the same in both halves of what was drawn."""
    background: int = Field(default=16, ge=2, le=1000)
    """Rows that people are compared with."""

    def unfit(self, task: str, *, favorable: bool) -> tuple[str, str] | None:
        """Return why there are no adverse decisions to speak of."""
        none = no_adverse_class(task, favorable=favorable, named=self.class_ is not None)
        return none or super().unfit(task, favorable=favorable)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    formula = Formula(
        id="reason_codes",
        numerator=f"adverse decisions with 1 to {params.k} reasons, none protected, all in words",
        denominator="adverse decisions looked at",
        positive=evidence.subject.names["positive"],
        population=f"seeded sample of at most {params.rows:,} adverse decisions",
    )
    try:
        found = reasons(
            evidence,
            k=params.k,
            least=params.least,
            rows=params.rows,
            background=params.background,
            output=params.output,
            players=params.players,
            budget_s=params.budget_s,
        )
    except BudgetSpent as over:
        return spent(params, over)
    nothing = Measurement(estimate=None, formula=formula, summary="", n=0)
    if found is None:
        why = "the model decides against nobody, so there is no decision to explain"
        return nothing.with_(summary=why, not_judged=(Because.NO_EVIDENCE, why))
    refuse_unknown(params.phrases, "phrases", found.players.names)
    n = len(found.given)
    protected = _protected(evidence, found)
    spoken = np.array([name in params.phrases for name in found.players.names])
    value = _share(found, ~np.any(_faults(found, protected, spoken), axis=0))
    return nothing.with_(
        estimate=census(value, n),
        summary=_said(found, value, protected, spoken),
        n=n,
        part_names=("all rows",),
        series=(_table(found, params, protected),),
        examples=first(_examples(found, params, protected, spoken), evidence.stated.rows),
        notes=(*_notes(found, params), *noise_notes(evidence)),
        breach=_unstable(found, params),
        harm="down",
    )


def _protected(evidence: Evidence, found: Reasons) -> np.ndarray:
    columns = {each.column for each in evidence.subject.attributes}
    return np.array([bool(columns & set(own)) for own in found.players.columns])


def _faults(found: Reasons, protected: np.ndarray, spoken: np.ndarray) -> np.ndarray:
    """Return which decisions lack any reason, have a protected one, or one without words."""
    none = ~np.any(found.given, axis=1)
    improper = np.any(found.given[:, protected], axis=1)
    mute = np.any(found.given[:, ~spoken & ~protected], axis=1)
    return np.stack([none, improper, mute])


def _share(found: Reasons, which: np.ndarray) -> float:
    return float(found.units.mean(which))


def _said(
    found: Reasons,
    value: float,
    protected: np.ndarray,
    spoken: np.ndarray,
) -> str:
    none, improper, mute = _faults(found, protected, spoken)
    said = f"{frequency(value)} adverse decisions have reasons that a person may be told"
    if improper.any():
        often = np.any(found.given[:, protected], axis=0)
        names = [name for name, own in zip(found.players.names, protected, strict=True) if own]
        which = " and ".join(name for name, x in zip(names, often, strict=True) if x > 0)
        said += f"; in {frequency(_share(found, improper))} a main reason is {which}, which no one"
        said += " may be refused for"
    if mute.any():
        silent = found.given.any(axis=0) & ~spoken & ~protected
        names = [name for name, own in zip(found.players.names, silent, strict=True) if own]
        more = ", ..." if len(names) > 3 else ""
        said += f"; {frequency(_share(found, mute))} have a reason without a sentence "
        said += f"({', '.join(names[:3])}{more})"
    if none.any():
        said += f"; {frequency(_share(found, none))} have no reason at all"
    return said


def _examples(
    found: Reasons, params: Params, protected: np.ndarray, spoken: np.ndarray
) -> Iterator[Example]:
    """Yield decisions that are not covered, each kind in turn, those pushed hardest first.

    Of a person only the value behind the main reason that is at fault is told, and what it adds
    compared with the values of others.
    """
    none, improper, mute = _faults(found, protected, spoken)
    push = np.maximum(found.output.adverse * found.found.values, 0.0)
    faulty = (found.given & protected, found.given & ~spoken & ~protected)
    told = ("no one may be refused for it", "it has no sentence under `phrases`")
    kinds = [
        [
            _behind(found, int(row), int(np.argmax(pushed[row])), why)
            for row in np.argsort(-pushed.max(axis=1), kind="stable")
            if where[row]
        ]
        for where, pushed, why in zip(
            (improper, mute), (np.where(each, push, 0.0) for each in faulty), told, strict=True
        )
    ]
    nothing = f"no column adds {params.least:.0%} of what pushes towards the refusal"
    kinds.append([Example(effect=nothing)] * int(none.any()))
    for each in zip_longest(*kinds):
        yield from filter(None, each)


def _behind(found: Reasons, row: int, player: int, why: str) -> Example:
    """Return the value behind one reason of one decision."""
    own, adds = found.rows.iloc[row], number(abs(float(found.found.values[row, player])))
    return Example(
        changed=tuple(change(c, own[c], OTHERS) for c in found.players.columns[player]),
        effect=f"adds {adds} to what speaks against the person in {found.output.said}; {why}",
    )


def _unstable(found: Reasons, params: Params) -> tuple[Because, str] | None:
    stable, n = int(found.stable.sum()), len(found.stable)
    at_most = RatePart(float(stable), float(n)).bound(1 - params.confidence)[1]
    if at_most >= params.stability:
        return None
    why = (
        f"the reasons of only {frequency(stable / n)} adverse decisions are the same when the "
        f"attributions are drawn again; at least {params.stability:g} must be (`stability`)"
    )
    return Because.UNTRUSTED, why


def _notes(found: Reasons, params: Params) -> tuple[str, ...]:
    n = len(found.given)
    what = (
        f"{n:,} of {found.adverse:,} adverse decisions among {found.total:,} rows; explained: "
        f"{found.output.said}, against {len(found.sample.background)} background rows (sha256 "
        f"{found.sample.sha256[:12]}), chosen by the seed; {_how(found)}"
    )
    again = (
        f"the same reasons when drawn again: {frequency(float(found.stable.mean()))}; at least "
        f"{number(params.stability)} are asked for"
    )
    return what, again


def _how(found: Reasons) -> str:
    """Return how the attributions were found."""
    local, others = found.found, len(found.players) - 1
    exactly = {
        "columns": "exact, from what each column changes by itself in a model that adds them up",
        "trees": "exact, tree by tree",
        "enumeration": "exact, by enumeration of all coalitions",
    }
    if local.way in exactly:
        return exactly[local.way]
    least, most = int(local.rounds.min()), int(local.rounds.max())
    often = f"{most}" if least == most else f"{least} to {most}"
    if local.way == "walks":
        return f"sampled in {often} rounds of {PAIRS} pairs of walks from every background row"
    return (
        f"sampled in {often} rounds of {4 * others} mixed rows with every background row (two "
        "coalitions of each size and their complements; fewer where values are equal)"
    )


def _table(found: Reasons, params: Params, protected: np.ndarray) -> Series:
    """Return how often each reason is given, in the words that people are told."""
    often = found.units.mean(found.given)
    order = [int(i) for i in np.argsort(-often, kind="stable") if often[i] > 0]
    names = []
    for i in order:
        name = found.players.names[i]
        words = params.phrases.get(name, f"{name} (no sentence)")[:LONGEST]
        names.append(f"{name} (protected)" if protected[i] else words)
    return Series(
        name="reasons given",
        kind="bars",
        x=tuple(names),
        y=tuple(float(often[i]) for i in order),
        x_label="reason",
        y_label="share of adverse decisions",
        counts=tuple(int(found.given[:, i].sum()) for i in order),
    )
