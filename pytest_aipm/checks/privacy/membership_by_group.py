"""How well an attacker tells training rows from others, in the group that is exposed most.

## Question
Does the model give away the members of one group more than others?

## How it is measured
As in `privacy.membership_inference`, evaluation rows that are also training rows are left out and
the attack compares how much better a row is fitted than rows like it (the loss alone where
evaluation rows are too few to learn that from). The area under the ROC curve is taken in each group
by itself, training rows of the group against others of the group, so that a group that is harder to
predict does not look exposed. The value is the largest implied epsilon, the logit of the area
(`max_auc`: the area). Its lower end is corrected for the number of groups (the first step of Holm's
procedure; which groups show more than guessing is told by all its steps), its upper end must hold
in every group, so a small group can keep it open: `min_group_size` leaves such a group unjudged.

## When it misleads
- The average of a group says little of its most exposed member.
- Groups of a few dozen rows have wide intervals: not shown is not safe from it.
- The same shifts mislead as in `privacy.membership_inference`.

## What to do
Look at how many rows of the group were trained on, and how noisy their labels are: few and noisy
rows are learned by heart. Collect more of them, or regularise.

## If left out
The average could hide that a minority's members are the ones who are given away.

## Sources
- Kulynych, Yaghini, Cherubin, Veale, Troncoso, "Disparate vulnerability to membership inference
  attacks", 2022.
- Holm, "A simple sequentially rejective multiple test procedure", 1979.
- No authority sets a limit; 1.0 (0.405 is an area of 0.60) is a policy choice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.compare import population, unknown_breach
from pytest_aipm.checks.privacy._premise import left_out, premise, value_range
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.attack import blind_of, signals_of
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.memberships import GroupAreas, areas_by
from pytest_aipm.evidence.train import fitting
from pytest_aipm.evidence.wishes import Sample, Wish
from pytest_aipm.records import Because, Formula, GroupValue
from pytest_aipm.stats.attacks import Area
from pytest_aipm.stats.exposure import Exposure, exposure, holm

NEEDS = Needs(label=True, model=True, train=True)
KIND = "sample"
SCOPES = "groups"
UNITS = ("", "auc")
TASKS = ("binary", "multiclass", "regression")
DEFAULT_LIMIT = {"max": 1.0}
BASIS = "policy choice; no authority sets a number"


class Params(CheckParams):
    """No parameters of its own."""


def wishes(evidence: Evidence, params: Params) -> Iterator[Wish[Any] | Sample]:
    """Yield what it is going to ask of all rows."""
    del params
    yield from fitting(evidence)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    found = areas_by(evidence, params.by, unknown_too=params.unknown == "group")
    formula = Formula(
        id=f"membership_by_group_{params.unit or 'epsilon'}",
        numerator="pairs of one group in which the training row looks more like one",
        denominator="pairs of a training row and another row of the group",
        population=population(found.known, found.unknown),
        reference="the most exposed group",
    )
    if not found.groups:
        why = f"there is no group: every row's {' or '.join(params.by)} is missing"
        return Measurement(
            estimate=None,
            formula=formula,
            summary=why,
            n=found.known,
            not_judged=(Because.NO_EVIDENCE, why),
            breach=unknown_breach(params, found.unknown, found.known),
            unknown=found.unknown,
        )
    names = tuple(" · ".join(group.values()) for group in found.groups)
    scale: Literal["auc", "epsilon"] = "auc" if params.unit == "auc" else "epsilon"
    attacks = [Area(part, name, scale) for part, name in zip(found.parts, names, strict=True)]
    whole = exposure(attacks, params.confidence, apart=True, min_size=params.min_group_size)
    estimate, apart = premise(whole, blind_of(evidence), params.confidence, value_range(params))
    undefined = None
    if not math.isfinite(whole.value):
        undefined = (
            Because.NO_EVIDENCE,
            "no group has rows enough among both the training and the evaluation rows",
        )
    return Measurement(
        estimate=estimate,
        formula=formula,
        summary=_summary(whole, names, params) + apart,
        n=found.known,
        groups=_groups(found, whole, params),
        part_names=names,
        notes=_notes(found, attacks, names, params, left_out(signals_of(evidence).fit)),
        not_judged=undefined,
        breach=unknown_breach(params, found.unknown, found.known),
        unknown=found.unknown,
    )


def _summary(found: Exposure, names: tuple[str, ...], params: Params) -> str:
    if not found.pair:
        return "the attack is undefined in every group"
    unit = "AUC" if params.unit == "auc" else "implied epsilon"
    return f"most is given away of {names[found.pair[0]]}: {unit} {number(found.value)}"


def _groups(found: GroupAreas, whole: Exposure, params: Params) -> tuple[GroupValue, ...]:
    records = []
    for group, part, (value, lower, upper) in zip(
        found.groups, found.parts, whole.parts, strict=True
    ):
        known, judged = math.isfinite(value), part.m + part.k >= params.min_group_size
        note = f"{part.m:,.0f} training rows, {part.k:,.0f} others"
        if not known:
            note = f"undefined in this group: {note}"
        elif not judged:
            note = f"not judged: fewer than {params.min_group_size} rows; {note}"
        records.append(
            GroupValue(
                group=group,
                n=int(part.m + part.k),
                value=value if known else None,
                interval=(lower, upper) if known else None,
                judged=known and judged,
                note=note,
            )
        )
    return tuple(records)


def _notes(
    found: GroupAreas,
    attacks: list[Area],
    names: tuple[str, ...],
    params: Params,
    said: tuple[str, ...],
) -> tuple[str, ...]:
    guess = 0.5 if params.unit == "auc" else 0.0
    shown = holm(attacks, guess, params.confidence)
    beyond = [name for name, each in zip(names, shown, strict=True) if each]
    listed = ", ".join(beyond[:10]) + (f" and {len(beyond) - 10} more" if len(beyond) > 10 else "")
    return (
        *said,
        f"guessed by {found.score}",
        f"more than guessing is shown, by Holm's procedure, of: {listed}"
        if beyond
        else "no evidence of more than guessing in any group, by Holm's procedure",
    )
