"""Largest gap between groups in how well they can be given an explanation.

## Question
Does every group get explanations of the same worth, or do some get worse ones?

## How it is measured
In every group, what `measure` names:

- `stability`: the share of rows whose attributions change by at most `change` of their length when
  numbers move by `spread` standard deviations (as in explain.stability);
- `fidelity`: the share of rows that a tree of at most `depth` questions, learned from the model on
  other rows of all groups, decides as the model does (as in explain.surrogate_fidelity);
- `reasons`: how many reasons an adverse decision has on average, each at least `least` of all that
  pushes there, at most `k` (as in explain.reason_codes).

The value is the largest difference between two groups. Shares have Clopper-Pearson ends, means
Hall's; a difference is theirs by MOVER, pairs of groups by Bonferroni.

## When it misleads
- Groups that differ in what they do differ in how it is explained: a group near the threshold is
  harder to imitate, and rightly so.
- It compares explanations, not outcomes: a group can be refused more often and told why more
  clearly.
- A tree learns little about a small group, which is then told worse.

## What to do
Look at which group is told worse and where the model is roughest for it; add rows of that group, or
regularise the model. Where a tree is given to people as the explanation, grow it deeper or weigh
the group more.

## If left out
One group could be given explanations that hold, and another ones that are little more than chance.

## Sources
- Dai, Upadhyay, Aivodji, Bach, Lakkaraju, "Fairness via explanation quality", 2022 (gaps of
  fidelity and stability); Balagopalan and others, "The road to explainability is paved with bias",
  2022 (fidelity gaps).
- No authority sets a number.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from pytest_aipm.attribution.asking import BudgetSpent
from pytest_aipm.checks.attributed import (
    ExplainParams,
    NoAttributions,
    attributions,
    no_adverse_class,
    noise_notes,
    spent,
)
from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.between import between
from pytest_aipm.checks.classes import of_one
from pytest_aipm.checks.compare import without_groups
from pytest_aipm.checks.effective import design_note, level_of, rows_counted
from pytest_aipm.checks.measured import Measured
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.explaining import Sample
from pytest_aipm.evidence.reasons import Reasons, reasons
from pytest_aipm.evidence.shaken import shaken
from pytest_aipm.evidence.surrogate import Surrogate, surrogate
from pytest_aipm.records import Because, Formula
from pytest_aipm.stats.effective import mean_part
from pytest_aipm.stats.effects import Units
from pytest_aipm.stats.means import MeanPart
from pytest_aipm.stats.parts import RatePart

NEEDS = Needs(predictions=True, model=True)
KIND = "sample"
SCOPES = "groups"
UNITS = ("",)
WEIGHTED = True
TASKS = ("binary", "multiclass")

BACKGROUND = 16
"""Rows that adverse decisions are compared with, as in explain.reason_codes."""


class Params(ExplainParams):
    """What is compared, and the parameters of the check it is taken from."""

    measure: Literal["stability", "fidelity", "reasons"] = "stability"
    """What of the explanations is compared between groups."""
    spread: float = Field(default=0.05, gt=0, le=1)
    """Of `stability`: noise, in standard deviations of each column."""
    change: float = Field(default=0.5, gt=0)
    """Of `stability`: a larger relative change of a row's attributions is not stable."""
    depth: int = Field(default=3, ge=1, le=10)
    """Of `fidelity`: questions on the way to an answer, at most."""
    k: int = Field(default=4, ge=1, le=10)
    """Of `reasons`: most reasons of one decision."""
    least: float = Field(default=0.05, gt=0, lt=1)
    """Of `reasons`: share that a reason has of all that pushes towards the adverse decision."""

    def unfit(self, task: str, *, favorable: bool) -> tuple[str, str] | None:
        """Return why there are no adverse decisions whose reasons could be counted."""
        named = self.class_ is not None
        none = no_adverse_class(task, favorable=favorable, named=named)
        return (none if self.measure == "reasons" else None) or super().unfit(
            task, favorable=favorable
        )


def value_range(params: Params) -> tuple[float, float]:
    """Return the lowest and the highest value of the limit."""
    return (0.0, float(params.k)) if params.measure == "reasons" else (0.0, 1.0)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    evidence = of_one(evidence, params)
    formula = Formula(id=f"explanation_parity_{params.measure}")
    nobody = without_groups(evidence, params, formula.id)
    if nobody is not None:
        return nobody
    measure = {"stability": _stable, "fidelity": _imitated, "reasons": _told}[params.measure]
    try:
        found = measure(evidence, params)
    except NoAttributions as over:
        return over.measurement.with_(formula=formula)
    except BudgetSpent as over:
        return spent(params, over).with_(formula=formula)
    if isinstance(found, str):
        return Measurement(
            estimate=None,
            formula=formula,
            summary=found,
            n=0,
            not_judged=(Because.NO_EVIDENCE, found),
        )
    source, values, note = found
    measured = _measured(evidence, params, source, values)
    show = number if params.measure == "reasons" else frequency
    made = between(evidence, params, measured, "difference", formula_id=formula.id, show=show)
    sizes = [each.n for each in measured.parts]
    told = design_note(evidence.subject, measured.sizes, sizes)
    return made.with_(notes=(*made.notes, note, *told, *noise_notes(evidence)))


Source = Sample | Surrogate | Reasons
Found = tuple[Source, np.ndarray, str] | str
"""What holds the rows, the number of each, and how they came about; or why there are none."""


def _stable(evidence: Evidence, params: Params) -> Found:
    found = attributions(evidence, params)
    moved = shaken(
        evidence, found, spread=params.spread, walks=params.walks, budget_s=params.budget_s
    )
    if moved is None:
        return "the model is given no number that could be moved, or says the same of every row"
    note = (
        f"stable: at most {number(params.change)} of the length of a row's attributions, when its "
        f"numbers move by {params.spread:g} standard deviations; {found.n:,} of "
        f"{found.sample.total:,} rows"
    )
    return found.sample, moved.relative <= params.change, note


def _imitated(evidence: Evidence, params: Params) -> Found:
    found = surrogate(evidence, depth=params.depth, rows=2 * params.rows, budget_s=params.budget_s)
    if found is None:
        return "all rows are decided alike, so there is nothing to imitate"
    note = (
        f"a tree of {found.leaves} leaves, tried on {found.tried:,} rows it did not learn from; it "
        f"asks about {', '.join(found.used[:8]) or 'nothing'}"
    )
    return found, found.alike, note


def _told(evidence: Evidence, params: Params) -> Found:
    found = reasons(
        evidence,
        k=params.k,
        least=params.least,
        rows=params.rows,
        background=min(params.background, BACKGROUND),
        output=params.output,
        players=params.players,
        budget_s=params.budget_s,
    )
    if found is None:
        return "the model decides against nobody, so there is no decision to explain"
    note = f"{len(found.given):,} of {found.adverse:,} adverse decisions among {found.total:,} rows"
    return found, found.given.sum(axis=1), note


def _measured(evidence: Evidence, params: Params, source: Source, values: np.ndarray) -> Measured:
    """Return the measure in every group of the scope that is there in all rows."""
    grouping = evidence.counts(params.by, params.unknown).grouping
    group = grouping.members(evidence.subject, source.rows)
    known, groups = group >= 0, len(grouping.names)
    unknown = int((~known).sum())
    if isinstance(source, Reasons):
        most = MeanPart(0.0, 0.0, 0.0, 0.0, limits=(0.0, float(params.k)))
        own = [group == i for i in range(groups)]
        sizes = np.array([int(each.sum()) for each in own])
        alpha = level_of(params.confidence, groups)
        means = []
        for each in own:
            people = source.units.inside(each) if each.any() else Units.of(0, None, None)
            counted = values[each].astype(float)
            means.append(mean_part(counted, people.weight, people.unit, alpha, most))
        weight = np.bincount(group[known], source.units.weight[known], groups)
        name, words = "mean number of reasons", ("reasons given", "adverse decisions")
        designed = weight if evidence.subject.designed else None
        return Measured(grouping, means, sizes, unknown, "high", name, *words, weight=designed)
    design = [None if each is None else each[known] for each in source.design]
    found = rows_counted(
        group[known], values[known], groups, (design[0], design[1]), params.confidence
    )
    rates = [RatePart(float(x), float(n)) for x, n in zip(found.x, found.n, strict=True)]
    name, words = {
        "stability": ("share of stable explanations", ("rows that keep theirs", "rows explained")),
        "fidelity": ("fidelity of a small tree", ("rows decided alike", "rows not learned from")),
    }[params.measure]
    return Measured(
        grouping,
        rates,
        found.rows,
        unknown,
        "high",
        name,
        *words,
        weight=found.weight,
        people=found.people,
    )
