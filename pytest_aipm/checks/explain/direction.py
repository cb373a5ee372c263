"""Whether a feature's attributions go the way that was declared as its values rise.

## Question
Does a feature that should help people help those who have more of it?

## How it is measured
Each row's output is attributed to the model's own columns by Shapley values. For each column under
`helps` (or `harms`) the rank correlation of its values with its attributions, counted positive when
rising values go along with an output that is more (or less) favorable. The value is the lowest of
them: 1 when each always goes the declared way, -1 when one always goes the other.

Noise of attributions has ranks, too, and would pull the correlation to 0. So each named column is
attributed anew, by five times the `walks` but at least 20 pairs of them a row, at four questions a
pair; differences of rounding alone are ties. Two estimates then bracket the correlation, and the
value is their middle: it as it is, and it over the root of the attributions' reliability (which two
halves of the background rows tell), less the bias that a jackknife over twenty parts of the
background rows finds. Ends (t) come from how each row moves the ranks (influence values) and how
each part does (the jackknife); a breach is corrected for the number of columns (Sidak).

For a regression without a decision "favorable" is the larger number.

## When it misleads
- It is an average: a feature can go the declared way on the whole and turn for some. The check
  monotone looks at every row.
- Fewer than four background rows tell nothing of the noise: the finding is then inconclusive.
- A column that the model ignores has no direction: it is left out and named in the notes.

## What to do
Look at how the column was coded and joined first: a wrong direction is often a wrong sign.

## If left out
A feature could work against its declared meaning, and all averages would look fine.

## Sources
- Spearman, American Journal of Psychology 1904 (the correlation, and its correction for
  attenuation); Quenouille, Biometrika 1956 (the jackknife's correction of bias); Croux, Dehon,
  Statistical Methods and Applications 2010 (influence); Lundberg, Lee, "A unified approach to
  interpreting model predictions", 2017.
- The limit 0 says no more than that the declared direction is the right one.
"""

from __future__ import annotations

from pytest_aipm.attribution import Budget
from pytest_aipm.attribution.asking import BudgetSpent
from pytest_aipm.checks.attributed import (
    NoAttributions,
    SignedParams,
    attributions,
    explain_notes,
    named_players,
    spent,
)
from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.classes import of_one
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.directions import agreement, walks_of
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.records import Because, Formula, Series
from pytest_aipm.stats.effects import EffectPart
from pytest_aipm.stats.floors import floor

NEEDS = Needs(predictions=True, model=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("",)
RANGE = (-1.0, 1.0)
WEIGHTED = True
TASKS = ("binary", "multiclass", "regression")
DEFAULT_LIMIT = {"min": 0.0}
BASIS = "as the policy declares"


class Params(SignedParams):
    """Which columns should help or harm."""

    helps: tuple[str, ...] = ()
    """Columns whose rise should speak for a person."""
    harms: tuple[str, ...] = ()
    """Columns whose rise should speak against a person."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    evidence = of_one(evidence, params)
    columns = params.signs
    formula = Formula(
        id="direction",
        numerator="rank correlation of a column's values with its attributions, as declared",
        denominator="rows explained",
        positive=evidence.subject.names["positive"],
        population=f"seeded sample of at most {params.rows:,} rows",
    )
    try:
        found = attributions(evidence, params)
    except NoAttributions as over:
        return over.measurement.with_(formula=formula)
    parts: dict[str, EffectPart] = {}
    ignored, budget = [], Budget(params.budget_s)
    good = -found.output.adverse or 1
    for name, sign in columns.items():
        (player,) = named_players(found, [name], "helps` or `harms")
        try:
            part = agreement(
                evidence, found, name, player, good * sign, walks=params.walks, budget=budget
            )
        except BudgetSpent as over:
            return spent(params, over).with_(formula=formula)
        if part is None:
            ignored.append(name)
        else:
            parts[name] = part
    pairs = walks_of(params.walks, len(found.sample.background))
    notes = (*explain_notes(found), f"the columns named here by {pairs:,} pairs of their own a row")
    if ignored:
        notes = (*notes, f"the model, or the data, leaves {' and '.join(ignored)} constant")
    nothing = Measurement(estimate=None, formula=formula, summary="", n=found.n, notes=notes)
    if not parts:
        why = f"the model does not use {' or '.join(columns)}, so there is no direction to judge"
        return nothing.with_(summary=why, not_judged=(Because.NO_EVIDENCE, why))
    estimate = floor(list(parts.values()), params.confidence, worst="min")
    worst = list(parts)[estimate.pair[0]] if estimate.pair else next(iter(parts))
    meant = "speak for" if columns[worst] > 0 else "speak against"
    return nothing.with_(
        estimate=estimate,
        summary=(
            f"rising {worst} should {meant} a person; its attributions agree with a rank "
            f"correlation of {number(estimate.value)}"
        ),
        part_names=tuple(parts) if len(parts) > 1 else ("all rows",),
        series=(_bars(parts, found.n, params.confidence),),
        harm="down",
    )


def _bars(parts: dict[str, EffectPart], n: int, confidence: float) -> Series:
    ends = [part.bound(1 - confidence) for part in parts.values()]
    return Series(
        name="agreement with the declared direction",
        kind="bars",
        x=tuple(parts),
        y=tuple(part.value for part in parts.values()),
        lo=tuple(low for low, _ in ends),
        hi=tuple(high for _, high in ends),
        x_label="column",
        y_label="rank correlation",
        counts=(n,) * len(parts),
    )
