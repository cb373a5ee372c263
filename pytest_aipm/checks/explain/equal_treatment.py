"""How well the protected attribute can be told from the attributions of the model.

## Question
Does the model reach its answers in another way for one group than for another?

## How it is measured
Each row's output is attributed to the model's own columns by Shapley values. An inspector, a
logistic regression on attributions and their squares, learns on one half of the rows to tell a
group from all others by their attributions, and is tried on the other half, and the reverse. The
value is the largest mean AUC over both halves, of any group, and at least 0.5, which is guessing.
Its ends come from the variance of DeLong with a floor for small samples, and what the two halves
share: each tries what the other seemed to show by chance. A breach is corrected for the number of
groups (Sidak).

## When it misleads
- Groups that rightly differ in a feature that the model uses are told apart, too: this asks for
  equal treatment, not for equal treatment of equals.
- Few rows teach the inspector little, so the AUC is a lower bound of what could be told.
- It sees what parity of outcomes hides: two proxies whose effects cancel.

## What to do
Look at the strips: the attributions that differ most between groups show what is used differently.

## If left out
A model could treat groups in different ways whose effects happen to cancel today.

## Sources
- Mougan, State, Ferrara, Ruggieri, Staab, "Beyond demographic parity: redefining equal treatment",
  2023 (explanation space, inspector).
- Lopez-Paz, Oquab, "Revisiting classifier two-sample tests", 2017. The 0.55 is a convention.
"""

from __future__ import annotations

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
from pytest_aipm.evidence.inspector import inspected
from pytest_aipm.records import Because, Formula, Series
from pytest_aipm.stats.floors import floor

NEEDS = Needs(predictions=True, model=True)
KIND = "sample"
SCOPES = "groups"
UNITS = ("",)
RANGE = (0.5, 1.0)
WEIGHTED = True
TASKS = ("binary", "multiclass", "regression")
DEFAULT_LIMIT = {"max": 0.55}
BASIS = "convention of the field, not law"

QUANTILES = 21


class Params(ExplainParams):
    """No parameters of its own."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    evidence = of_one(evidence, params)
    formula = Formula(
        id="equal_treatment",
        numerator="pairs in which the inspector ranks the row of the group higher",
        denominator="pairs of a row of the group and another row",
        positive=evidence.subject.names["positive"],
        population=f"seeded sample of at most {params.rows:,} rows",
    )
    try:
        people = by_group(evidence, params, formula)
    except NoAttributions as over:
        return over.measurement
    found, group, names, shown = people.found, people.group, people.names, people.shown
    few = nothing_to_compare(names, people.sizes, params, "attribution")
    if few is not None:
        return shown.with_(summary=few[1], not_judged=few)
    known = group >= 0
    units = found.sample.units.inside(known)
    parts = inspected(
        found.fit.row[known],
        group[known],
        len(names),
        evidence.seed,
        units=units if evidence.subject.designed else None,
        alpha=1 - params.confidence,
    )
    told = {i: part for i, part in enumerate(parts) if part is not None}
    if not told:
        why = "no group has four rows, and four others, to learn and to try the inspector on"
        return shown.with_(summary=why, not_judged=(Because.NO_EVIDENCE, why))
    estimate = floor(
        list(told.values()), params.confidence, worst="max", min_size=params.min_group_size
    )
    worst = names[list(told)[estimate.pair[0]]] if estimate.pair else "any group"
    return shown.with_(
        estimate=estimate,
        summary=(
            f"by how the model reaches its answers, {worst} can be told from the others: "
            f"AUC {number(estimate.value)}"
        ),
        part_names=tuple(names[i] for i in told),
        series=_strips(found, group, names),
    )


def _strips(found: Explained, group: np.ndarray, names: tuple[str, ...]) -> tuple[Series, ...]:
    """Return the distribution, by group, of the attributions that differ most between groups."""
    row = found.fit.row
    present = [i for i in range(len(names)) if (group == i).sum() >= 2]
    if len(present) < 2:
        return ()
    means = np.array([row[group == i].mean(axis=0) for i in present])
    spread = row.std(axis=0)
    apart = np.ptp(means, axis=0) / np.where(spread > 0, spread, np.inf)
    player = int(np.argmax(apart))
    edges = np.unique(np.quantile(row[:, player], np.linspace(0, 1, QUANTILES)))
    if len(edges) < 3:
        return ()
    edges = np.linspace(edges[0], edges[-1], 13)
    middle = (edges[:-1] + edges[1:]) / 2
    strips = []
    for i in present[:6]:
        counted = np.histogram(row[group == i, player], edges)[0]
        strips.append(
            Series(
                name=names[i],
                kind="strip",
                x=tuple(middle.tolist()),
                y=tuple((counted / max(counted.sum(), 1)).tolist()),
                x_label=f"attribution to {found.players.names[player]}",
                y_label="share of the group",
                counts=tuple(int(n) for n in counted),
            )
        )
    return tuple(strips)
