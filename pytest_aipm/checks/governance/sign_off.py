"""Number of roles that have not signed off the release that was approved last.

## Question
Did everybody who has to stand for this model do so?

## How it is measured
`roles` names who must sign. A run cannot know who will sign its own record: that is written when it
is over, and the report shows whether a sign-off is of this very record. What a run can know is the
release before it. A role counts as signed when `aipm sign-off` (or somebody by hand) noted a
sign-off of that role whose digest is the evidence of the record that was approved as the baseline,
not dated after today and, with `max_age_days`, no older than that. Roles are compared without
regard to case and blanks. It is a count, so the number itself decides.

## When it misleads
- A change of model, rows or policy since the approval is not signed off by anybody yet: see the
  report's own line, and `aipm verify`.
- A sign-off is a text in a file of the repository. Who may change that file decides what it is
  worth.

## What to do
Let the role that is named review the approved report folder and run `aipm sign-off FOLDER --by NAME
--role ROLE`; then commit the file.

## If left out
A release could go out that nobody of risk or of the product stands for.

## Sources
- SR 11-7, "Guidance on model risk management", 2011: independent review and approval; which roles
  must sign is a policy choice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pydantic import Field, field_validator

from pytest_aipm.checks.answers import few, short
from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.clock import today
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.records import Because, Formula, SignOff
from pytest_aipm.stats.single import census

NEEDS = Needs()
KIND = "census"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 0}
BASIS = "policy choice: every role signs"


class Params(CheckParams):
    """Who must have signed."""

    roles: tuple[str, ...] = Field(min_length=1)
    """Roles of which each must have signed off the approved release."""
    max_age_days: int | None = Field(default=None, ge=0)
    """How old a sign-off may be; without it, any age."""

    @field_validator("roles")
    @classmethod
    def _real(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        plain = [_plain(each) for each in value]
        if not all(plain):
            raise ValueError("holds an empty role; name it or remove it")
        if len(set(plain)) < len(plain):
            raise ValueError("names a role twice; name each once")
        return value


def value_range(params: Params) -> tuple[float, float]:
    """Return that at least none and at most all roles can be lacking."""
    return 0.0, float(len(params.roles))


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    approved, asked = evidence.stated.approved, len(params.roles)
    measured = Measurement(
        estimate=None,
        formula=Formula(
            id="roles_not_signed",
            numerator="roles without a sign-off of the approved release",
            denominator="",
            population=f"{asked} roles: {few(params.roles, 12)}",
        ),
        summary="",
        n=asked,
        part_names=("all rows",),
    )
    unknown = ""
    if approved is None:
        unknown = "no release of this policy was approved yet, so there is none to have signed"
    elif approved.evidence is None:
        unknown = (
            "the baseline was approved before the evidence of its record was written down; approve "
            "a run anew"
        )
    if unknown or approved is None:
        return measured.with_(summary=unknown, not_judged=(Because.NO_EVIDENCE, unknown))
    own = [each for each in evidence.stated.sign_offs if each.digest == approved.evidence]
    others = len(evidence.stated.sign_offs) - len(own)
    lacks = {role: why for role in params.roles if (why := _lack(role, own, params.max_age_days))}
    release = f"the release approved on {short(approved.when, 10)}"
    said = f"all {asked} roles signed off {release}"
    if asked == 1:
        said = f"{short(params.roles[0])} signed off {release}"
    if lacks:
        have = "has" if len(lacks) == 1 else "have"
        said = f"{len(lacks)} of {asked} roles {have} not signed off {release} ({few(list(lacks))})"
    notes = [f"{short(role)}: {why}" for role, why in list(lacks.items())[:50]]
    notes += [f"{short(e.role)}: signed by {short(e.who)} on {e.date}" for e in own[:50]]
    if others:
        notes.append(f"sign-offs of other records: {others:,}")
    return measured.with_(estimate=census(len(lacks), asked), summary=said, notes=tuple(notes))


def _plain(role: str) -> str:
    return " ".join(role.casefold().split())


def _lack(role: str, own: Sequence[SignOff], oldest: int | None) -> str:
    """Return why a role has not signed off, empty where it has."""
    dates = [dt.date.fromisoformat(each.date) for each in own if _plain(each.role) == _plain(role)]
    if not dates:
        return "no sign-off of the approved release"
    past = [date for date in dates if date <= today()]
    if not past:
        return f"signed on {min(dates)}, which is after today ({today()})"
    age = (today() - max(past)).days
    if oldest is not None and age > oldest:
        return f"signed {age:,} days ago; at most {oldest:,} are allowed"
    return ""
