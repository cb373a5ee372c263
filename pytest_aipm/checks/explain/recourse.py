"""Share of adverse decisions that the person could turn by changing what they can change.

## Question
Is there something a person who was refused can do about it, in every group?

## How it is measured
For adverse decisions alone, the columns under `mutable` are set to real values of the data
(`steps` quantiles, of at most 200,000 rows), in the direction in which a person can move them,
alone and up to `changes` of them together, and the model decides again. The value is the share of
the adverse decisions looked at for which some change turns it; with `by` that of the worst group.
Its ends are Clopper-Pearson, a breach is corrected for the number of groups (Sidak).

The notes tell the median cost of the cheapest change by group: the share of all people that is
passed on the way, added up over the columns that change.

## When it misleads
- Values between the quantiles are not tried, so a change that is there can be missed, and the
  cheapest one may be cheaper.
- That a value can be reached by somebody does not mean that this person can reach it in time.
- Other columns stay as they are, also those that would change along.

## What to do
Look for columns that nobody can change and that decide alone; give them less room, or offer
another way to a decision.

## If left out
People could be refused for good, whatever they do, and one group more than others.

## Sources
- Ustun, Spangher, Liu, "Actionable recourse in linear classification", 2019.
- Clopper, Pearson, Biometrika 1934.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from pytest_aipm.attribution.asking import BudgetSpent
from pytest_aipm.checks.attributed import no_adverse_class, noise_notes, out_of_time
from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.compare import unknown_breach, without_groups
from pytest_aipm.checks.effective import design_note, rows_counted
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.recourses import Recourses, recourses
from pytest_aipm.records import Because, Formula, GroupValue
from pytest_aipm.stats.effective import weighted_median
from pytest_aipm.stats.floors import floor
from pytest_aipm.stats.parts import RatePart
from pytest_aipm.stats.single import from_part

NEEDS = Needs(predictions=True, model=True)
KIND = "sample"
SCOPES = "either"
UNITS = ("",)
WEIGHTED = True
TASKS = ("binary", "multiclass")
RANGE = (0.0, 1.0)


class Params(CheckParams):
    """What people can change, and how far is looked."""

    mutable: dict[str, Literal["up", "down", "any"]] = Field(min_length=1, max_length=8)
    """Columns a person can change, and which way: ``{income: up, debt: down}``."""
    changes: int = Field(default=2, ge=1, le=3)
    """Most columns changed at once."""
    steps: int = Field(default=10, ge=2, le=50)
    """Values tried of each column."""
    rows: int = Field(default=500, ge=1)
    """Most adverse decisions to look at, chosen by the seed."""
    budget_s: float | None = Field(default=120.0, gt=0)
    """Seconds it may take; beyond it the finding is inconclusive."""

    def unfit(self, task: str, *, favorable: bool) -> tuple[str, str] | None:
        """Return why there are no adverse decisions to speak of."""
        none = no_adverse_class(task, favorable=favorable, named=False)
        return none or super().unfit(task, favorable=favorable)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    formula = Formula(
        id="recourse",
        numerator=f"adverse decisions that a change of {' or '.join(params.mutable)} turns",
        denominator="adverse decisions looked at",
        positive=evidence.subject.names["positive"],
        population=f"seeded sample of at most {params.rows:,} adverse decisions",
    )
    nobody = without_groups(evidence, params, formula.id)
    if nobody is not None:
        return nobody
    try:
        found = recourses(
            evidence,
            params.mutable,
            rows=params.rows,
            steps=params.steps,
            changes=params.changes,
            budget_s=params.budget_s,
        )
    except BudgetSpent:
        return out_of_time(params.budget_s, formula)
    if found is None:
        why = "the model decides against nobody, so there is no decision to turn"
        return Measurement(
            estimate=None,
            formula=formula,
            summary=why,
            n=0,
            not_judged=(Because.NO_EVIDENCE, why),
        )
    return _grouped(evidence, params, found, formula)


def _grouped(evidence: Evidence, params: Params, found: Recourses, formula: Formula) -> Measurement:
    turned = np.isfinite(found.cost)
    counts = evidence.counts(params.by, params.unknown)
    grouping = counts.grouping
    group = np.zeros(len(turned), dtype=int)
    if params.by:
        group = grouping.members(evidence.subject, found.rows)
    kept = [i for i in range(len(grouping.names)) if (group == i).any()]
    known, (weight, person) = group >= 0, found.design
    counted = rows_counted(
        group[known],
        turned[known],
        len(grouping.names),
        (
            None if weight is None else weight[known],
            None if person is None else person[known],
        ),
        params.confidence,
    )
    parts = [RatePart(float(counted.x[i]), float(counted.n[i])) for i in kept]
    names = [grouping.names[i] for i in kept]
    if params.by and parts:
        estimate = floor(parts, params.confidence, min_size=params.min_group_size)
    elif parts:
        estimate = from_part(parts[0], params.confidence)
    else:
        why = "no adverse decision has a known group"
        return Measurement(
            estimate=None,
            formula=formula,
            summary=why,
            n=0,
            not_judged=(Because.NO_EVIDENCE, why),
        )
    where = f" of {names[estimate.pair[0]]}" if params.by and estimate.pair else ""
    ends = [part.bound(1 - params.confidence) for part in parts]
    return Measurement(
        estimate=estimate,
        formula=formula,
        summary=(
            f"{frequency(estimate.value)} adverse decisions{where} could be turned by a change of "
            f"{' or '.join(params.mutable)}"
        ),
        n=int((group >= 0).sum()),
        groups=tuple(
            GroupValue(
                group=grouping.groups[i],
                n=int(counted.rows[i]),
                value=part.value,
                interval=end,
                judged=part.n >= params.min_group_size,
                note="" if part.n >= params.min_group_size else "too few decisions",
            )
            for i, part, end in zip(kept, parts, ends, strict=True)
        )
        if params.by
        else (),
        part_names=tuple(names[i] for i in kept) if params.by else ("all rows",),
        notes=(
            *_notes(found, group, kept, list(grouping.names), params),
            *design_note(evidence.subject, counted.rows, counted.n),
            *noise_notes(evidence),
        ),
        breach=unknown_breach(params, counts.unknown, counts.n) if params.by else None,
        unknown=counts.unknown,
        harm="down",
    )


def _notes(
    found: Recourses, group: np.ndarray, kept: list[int], names: list[str], params: Params
) -> tuple[str, ...]:
    n = len(found.cost)
    looked = (
        f"{n:,} of {found.adverse:,} adverse decisions among {found.total:,} rows, chosen by the "
        f"seed; up to {params.changes} columns changed at once, {params.steps} values of each"
    )
    costs = []
    for i in kept:
        there = (group == i) & np.isfinite(found.cost)
        own = found.cost[there]
        if len(own) >= 5:
            who = f" of {names[i]}" if params.by else ""
            costs.append(
                f"half of the cheapest changes{who} pass at most {number(_median(found, there))} "
                "of all people"
            )
    return (looked, *costs)


def _median(found: Recourses, there: np.ndarray) -> float:
    weight = found.design[0]
    stands = np.ones(len(there)) if weight is None else weight
    return weighted_median(found.cost[there], stands[there])
