"""How much the model leans on columns that stand in for a protected attribute.

## Question
Does the model use other columns in the attribute's place?

## How it is measured
For each input but the attribute's own, how well it tells a group from all others: the AUC of the
share of the group in classes of its values (tenths of a number), learned on one half of the rows
(at most 10,000) and tried on the other. The strength of a proxy is 2 AUC - 1. The value is

    sum over columns of (share of attribution) x (strength)

for the group where it is largest: 0 when no column tells the group, or the model attributes
nothing to those that do; 1 when all it uses gives the group away. It is high only when both are.
A player of several columns is as strong as the strongest of them. Its ends (t) come from how each
row and background row moves the shares, and from a jackknife of the AUCs over twenty parts of the
rows; a breach is corrected for the number of groups (Sidak).

## When it misleads
- Income may tell groups apart and rightly matter: reliance is a reason to look, not a verdict on
  the column.
- Columns are looked at one by one; what only two together tell is seen by equal_treatment.
- A strong proxy that the model ignores is named in the notes: the next training may use it.

## What to do
Look at the largest bars: remove such a column, coarsen it, or justify it in writing.

## If left out
A model without the attribute could still decide by it, through columns that stand in for it.

## Sources
- Datta, Fredrikson, Ko, Mardziel, Sen, "Proxy discrimination in data-driven systems", 2017
  (association and influence, both).
- DeLong, DeLong, Clarke-Pearson, Biometrics 1988. The 0.10 is a convention.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pytest_aipm.checks.attributed import (
    ExplainParams,
    NoAttributions,
    by_group,
)
from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.classes import of_one
from pytest_aipm.checks.compare import nothing_to_compare
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.explaining import Explained
from pytest_aipm.evidence.inspector import LEAST
from pytest_aipm.evidence.proxies import FOLDS, People, people_of, proxies
from pytest_aipm.records import Because, Formula, Series
from pytest_aipm.stats.effects import EffectPart, Units
from pytest_aipm.stats.floors import floor

NEEDS = Needs(predictions=True, model=True)
KIND = "sample"
SCOPES = "groups"
UNITS = ("",)
RANGE = (0.0, 1.0)
WEIGHTED = True
TASKS = ("binary", "multiclass", "regression")
DEFAULT_LIMIT = {"max": 0.10}
BASIS = "convention of the field, not law"

STRONG = 0.8
"""AUC from which a proxy is named although the model ignores it."""
IGNORED = 0.01
MOST_BARS = 12


class Params(ExplainParams):
    """No parameters of its own."""


@dataclass(frozen=True, eq=False)
class _Reliance:
    """How much is leaned on proxies of one group: strength and part of each player."""

    part: EffectPart
    auc: np.ndarray
    carried: np.ndarray


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    evidence = of_one(evidence, params)
    formula = Formula(
        id="proxy_reliance",
        numerator="attribution, times how well its column tells the group",
        denominator="all attribution",
        positive=evidence.subject.names["positive"],
        population=f"seeded sample of at most {params.rows:,} rows",
    )
    try:
        people = by_group(evidence, params, formula)
    except NoAttributions as over:
        return over.measurement
    found, group, names, shown = people.found, people.group, people.names, people.shown
    why = nothing_to_compare(names, people.sizes, params, "attribution")
    if float(found.sizes.middle.sum()) <= 0:
        why = Because.NO_EVIDENCE, "the model says the same of every row: it leans on nothing"
    elif why is None and not any(_enough(group, i, found.sample.units) for i in range(len(names))):
        why = Because.NO_EVIDENCE, f"no group has {LEAST} rows, and {LEAST} others, to compare"
    if why is not None:
        return shown.with_(summary=why[1], not_judged=why)
    own = {evidence.subject.attribute(name).column for name in params.by}
    many = people_of(evidence, evidence.counts(params.by, params.unknown).grouping)
    # of two groups, what tells the one tells the other: a second look would only be a second draw
    looked = range(1 if len(names) == 2 else len(names))
    relied = {
        i: _reliance(found, many, i, own, evidence.seed)
        for i in looked
        if _enough(many.group, i, many.units)
    }
    parts = [each.part for each in relied.values()]
    estimate = floor(parts, params.confidence, worst="max", min_size=params.min_group_size)
    worst = list(relied)[estimate.pair[0] if estimate.pair else 0]
    lead = int(np.argmax(relied[worst].carried))
    return shown.with_(
        estimate=estimate,
        summary=(
            f"the model's reliance on proxies of {names[worst]} is {number(estimate.value)}, most "
            f"of it on {found.players.names[lead]} (tells {names[worst]} with AUC "
            f"{number(float(relied[worst].auc[lead]))})"
        ),
        part_names=("all rows",),
        series=(_bars(found, relied[worst], names[worst]),),
        notes=(*shown.notes, *_ignored(found, relied, names)),
    )


def _enough(group: np.ndarray, i: int, units: Units) -> bool:
    """Whether there are enough people in a group, and enough others."""
    own = np.arange(len(group)) if units.unit is None else units.unit
    sides = group == i, (group >= 0) & (group != i)
    return min(len(np.unique(own[side])) for side in sides) >= LEAST


def _reliance(found: Explained, many: People, i: int, own: set[str], seed: int) -> _Reliance:
    """Return it for one group; how well columns tell it is learned from more rows than explained.

    The error is that of the shares, the strengths given, and that of the strengths (by a
    jackknife), the shares given.
    """
    known, players, sizes = many.group >= 0, found.players, found.sizes
    units = many.units.inside(known)
    tells = proxies(many.features[known], many.group[known] == i, seed, units)
    auc = np.full(len(players), 0.5)
    without = np.full((FOLDS, len(players)), 0.5)
    for j, columns in enumerate(players.columns):
        others = [name for name in columns if name not in own]
        if not others:
            continue
        best = max(others, key=lambda name: tells[name].auc)
        auc[j], without[:, j] = tells[best].auc, tells[best].without
    # not cut at 0: what chance makes of columns that tell nothing must cancel, not add up
    strength = 2 * auc - 1
    middle = float(strength @ sizes.middle / sizes.middle.sum())
    ends, errors = [], []
    for helps, hurts in ((sizes.low, sizes.high), (sizes.high, sizes.low)):
        size = np.where(strength > middle, helps, hurts)
        value = float(strength @ size / size.sum())
        slope = (strength - value) / size.sum()
        moved = (sizes.by_row @ slope, sizes.by_background @ slope)
        variance = sum(float(each.var(ddof=1)) / len(each) for each in moved)
        folds = 2 * without @ size / size.sum()
        ends.append(max(value, 0.0))
        errors.append(float(np.sqrt(variance + (FOLDS - 1) * folds.var())))
    freedom = float(min(FOLDS, len(sizes.by_background)) - 1)
    part = EffectPart(ends[0], ends[1], errors[0], errors[1], sizes.size, freedom, (0.0, 1.0))
    return _Reliance(part, auc, strength * sizes.middle / sizes.middle.sum())


def _bars(found: Explained, relied: _Reliance, name: str) -> Series:
    order = np.argsort(-relied.carried, kind="stable")[:MOST_BARS]
    return Series(
        name=f"reliance on proxies of {name}",
        kind="bars",
        x=tuple(found.players.names[i] for i in order),
        y=tuple(float(relied.carried[i]) for i in order),
        x_label="feature",
        y_label="share of attribution times strength as a proxy",
        counts=(found.n,) * len(order),
    )


def _ignored(
    found: Explained, relied: dict[int, _Reliance], names: tuple[str, ...]
) -> tuple[str, ...]:
    shares = found.sizes.middle / found.sizes.middle.sum()
    return tuple(
        f"{found.players.names[j]} tells {names[i]} with AUC {number(float(each.auc[j]))}, and the "
        "model hardly uses it: the next training may"
        for i, each in relied.items()
        for j in np.flatnonzero((each.auc >= STRONG) & (shares < IGNORED))
    )
