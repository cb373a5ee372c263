"""Number of promises of the policy's context that its checks show to be broken.

## Question
Is what was promised kept?

## How it is measured
Each claim of `context.claims` names the checks that show it. The worst that any of their findings
says holds for the claim: broken when one breaks its limit or could not be measured, unproven when
one cannot tell, untested when one is disabled or does not apply, else kept. A waiver accepts a
finding and makes no promise true. `max` counts the broken ones; `max_unproven` and `max_untested`
count those, and `min_kept` asks for the share of promises that is kept. It is a count, so the
number itself decides.

## When it misleads
- A promise is as good as the checks that it names: one that shows something else keeps nothing.
- Broken and unproven are counted apart; a run may break no promise and prove none of them.

## What to do
Mend what the named check found, or take the promise back: in the policy, and where it was made.

## If left out
Promises to customers or an authority could stand in the policy while the model breaks them.

## Sources
- Which checks show a promise is the project's choice; that none may be broken is a policy choice.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_aipm.checks.answers import short
from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.records import Because, Claim, Formula, Series
from pytest_aipm.stats.single import census

NEEDS = Needs()
KIND = "census"
SCOPES = "overall"
UNITS = ("", "unproven", "untested", "kept")
WEIGHTED = True
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 0}
BASIS = "policy choice: no promise may be broken"

STATES = ("broken", "unproven", "untested", "kept")
_MOST = 3
"""Promises that a sentence names."""


class Params(CheckParams):
    """No parameters of its own."""


def value_range(params: Params) -> tuple[float, float]:
    """Return the lowest and the highest value of the limit's unit."""
    return (0.0, 1.0) if params.unit == "kept" else (0.0, float("inf"))


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    claims = evidence.stated.claims()
    state = params.unit or "broken"
    formula = Formula(
        id=f"claims_{state}",
        numerator=f"promises that are {state}",
        denominator="all promises" if state == "kept" else "",
        population=f"{len(claims):,} promise{'' if len(claims) == 1 else 's'} of the context",
    )
    if not claims:
        why = "the context makes no promise that a check could show (`context.claims` is empty)"
        return Measurement(
            estimate=None,
            formula=formula,
            summary=why,
            n=0,
            not_judged=(Because.NO_EVIDENCE, why),
        )
    count = sum(claim.state == state for claim in claims)
    return Measurement(
        estimate=census(count / len(claims) if state == "kept" else count, len(claims)),
        formula=formula,
        summary=_summary(claims, state),
        n=len(claims),
        part_names=("all rows",),
        series=(_series(claims),),
        notes=tuple(
            f"{claim.state}: {short(claim.text)} ({claim.reason})"
            for claim in sorted(claims, key=lambda claim: STATES.index(claim.state))[:50]
        ),
        harm="down" if state == "kept" else "up",
    )


def _summary(claims: Sequence[Claim], state: str) -> str:
    wanted = [each for each in claims if (each.state == state) == (state != "kept")]
    are = "is" if len(wanted) == 1 else "are"
    shown = [f"“{short(each.text)}”" for each in wanted[:_MOST]]
    more = f" and {len(wanted) - _MOST} more" if len(wanted) > _MOST else ""
    named = f" ({', '.join(shown)}{more})" if wanted else ""
    if state != "kept":
        return f"{len(wanted)} of {len(claims)} promises {are} {state}{named}"
    kept = len(claims) - len(wanted)
    said = f"{kept} of {len(claims)} promises {'is' if kept == 1 else 'are'} kept"
    return f"{said}: share {number(kept / len(claims))}" + (f"; not so{named}" if wanted else "")


def _series(claims: Sequence[Claim]) -> Series:
    """Return how many promises stand how."""
    return Series(
        name="promises by what became of them",
        kind="bars",
        x=STATES,
        y=tuple(float(sum(claim.state == state for claim in claims)) for state in STATES),
        x_label="what became of them",
        y_label="promises",
    )
