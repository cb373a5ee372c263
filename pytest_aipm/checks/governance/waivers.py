"""Number of waivers of this policy that are in force.

## Question
How much of what would fail is accepted for now, since when, and until when?

## How it is measured
A waiver is in force from its first to its last day, in UTC; one that was given for another model is
void and does not count. `max` counts those in force, `max_age` asks for the days since the oldest
of them began, `min_left` for the days until the first of them ends (0 on its last day). Renewing a
waiver under a new id starts its age anew, which the file's history shows. It is a count, so the
number itself decides.

## When it misleads
- One waiver of a grave finding can weigh more than five of small ones.
- None in force also means that nothing is accepted silently: it does not say that nothing fails.

## What to do
Mend what the oldest waiver covers, or let the owner decide anew, with a reason and an end.

## If left out
Waivers could pile up until the policy asks for nothing.

## Sources
- The register of exceptions of ISO/IEC 27001 practice; how many are too many is a policy choice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pytest_aipm.checks.answers import few, short
from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.clock import today
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.records import Because, Formula, Series, WaiverInfo
from pytest_aipm.stats.single import census

NEEDS = Needs()
KIND = "census"
SCOPES = "overall"
UNITS = ("", "age", "left")
WEIGHTED = True
RANGE = (0.0, float("inf"))
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 3}
BASIS = "policy choice; no authority sets a number"

_WORDS = {
    "": "waivers in force",
    "age": "days since the oldest waiver in force began",
    "left": "days until the first waiver in force ends",
}


class Params(CheckParams):
    """No parameters of its own."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    model = None if evidence.model is None else evidence.model.sha256
    listed = evidence.stated.waivers
    now = today()
    dated = [each for each in listed if _day(each.created) <= now <= _day(each.expires)]
    void = [each for each in dated if each.model_sha256 not in (None, model)]
    active = [each for each in dated if each not in void]
    measured = Measurement(
        estimate=None,
        formula=Formula(
            id=f"waivers_{params.unit or 'count'}",
            numerator=_WORDS[params.unit],
            denominator="",
            population=f"{len(listed):,} waivers of this policy on {now}",
        ),
        summary="",
        n=len(listed),
        part_names=("all rows",),
        notes=_notes(listed, active, void, now),
        harm="down" if params.unit == "left" else "up",
    )
    if params.unit == "":
        are = f"{len(active):,} waiver{' is' if len(active) == 1 else 's are'} in force"
        named = f" ({few([each.id for each in active])})" if active else ""
        return measured.with_(
            estimate=census(len(active), len(listed)),
            summary=are + named,
            n=max(1, len(listed)),
            series=(_series(active, now),) if active else (),
        )
    if not active:
        why = "no waiver is in force, so none has an age or an end"
        return measured.with_(summary=why, not_judged=(Because.NOT_APPLICABLE, why))
    if params.unit == "age":
        first = min(active, key=lambda each: each.created)
        days = (now - _day(first.created)).days
        said = f"the oldest waiver in force, {short(first.id)}, began {_days(days)} ago"
    else:
        first = min(active, key=lambda each: each.expires)
        days = (_day(first.expires) - now).days
        said = f"the first waiver to end, {short(first.id)}, has {_days(days)} left"
    return measured.with_(estimate=census(days, len(active)), summary=said, n=len(active))


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def _days(count: int) -> str:
    return f"{count:,} day{'' if count == 1 else 's'}"


def _notes(
    listed: Sequence[WaiverInfo],
    active: Sequence[WaiverInfo],
    void: Sequence[WaiverInfo],
    now: dt.date,
) -> tuple[str, ...]:
    said = [_told(each, now) for each in active[:50]]
    said += [f"{short(each.id)} was given for another model and is void" for each in void[:20]]
    ended = [each.id for each in listed if _day(each.expires) < now]
    if ended:
        said.append(f"ended, and still in the file: {few(ended)}")
    return tuple(said)


def _told(waiver: WaiverInfo, now: dt.date) -> str:
    old, left = now - _day(waiver.created), _day(waiver.expires) - now
    return (
        f"{short(waiver.id)} waives {short(waiver.check, 120)}: {_days(old.days)} old, "
        f"{_days(left.days)} left, {short(waiver.owner)} answers for it"
    )


def _series(active: Sequence[WaiverInfo], now: dt.date) -> Series:
    """Return how old each waiver is."""
    shown = sorted(active, key=lambda each: each.created)[:20]
    return Series(
        name="waivers in force by age",
        kind="bars",
        x=tuple(short(each.id, 40) for each in shown),
        y=tuple(float((now - _day(each.created)).days) for each in shown),
        x_label="waiver",
        y_label="days since it began",
    )
