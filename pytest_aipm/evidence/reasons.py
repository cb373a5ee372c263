"""The reasons behind adverse decisions: the columns that pushed them there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pytest_aipm.attribution import Budget, Local, Players, local, players_of
from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.explaining import Output, OutputName, Sample, output_of, sample_of
from pytest_aipm.evidence.sample import generator
from pytest_aipm.evidence.weighing import beside, standing
from pytest_aipm.stats.effects import Units

__all__ = ["Reasons", "reasons"]


@dataclass(frozen=True, eq=False)
class Reasons:
    """The reasons of each adverse decision looked at.

    Attributes
    ----------
    rows : DataFrame of n rows
        Features and protected columns of the people decided against.
    given : bool array of shape (n, p)
        Which players are reasons: among the k that push most, and enough to be told.
    stable : bool array of shape (n,)
        Whether two independent halves of what was drawn give the same reasons.
    found : Local
    players : Players
    output : Output
    sample : Sample
        Where the background is from.
    adverse, total : int
        Adverse decisions and rows there are.
    units : Units
        Whom the decisions stand for.
    """

    rows: pd.DataFrame
    given: np.ndarray
    stable: np.ndarray
    found: Local
    players: Players
    output: Output
    sample: Sample
    adverse: int
    total: int
    units: Units


def reasons(
    evidence: Evidence,
    *,
    k: int,
    least: float,
    rows: int,
    background: int,
    output: OutputName,
    players: Mapping[str, Sequence[str]],
    budget_s: float | None,
) -> Reasons | None:
    """Return why the model decides against people; None where it decides against nobody.

    Parameters
    ----------
    evidence : Evidence
    k : int
        Most reasons of one decision.
    least : float
        A reason pushes at least this share of all that pushes towards the adverse decision.
    rows, background : int
        Most adverse decisions to look at, and rows they are compared with.
    output : OutputName
    players : mapping of name to columns
    budget_s : float or None

    Raises
    ------
    CheckError
        When nobody says what is adverse.
    BudgetSpent
    """
    chosen = output_of(evidence, output)
    if chosen.adverse == 0:
        what = "nobody says which predictions are adverse"
        raise CheckError(Problem(what, "add `decision: {threshold: ...}` to the subject"))
    features = evidence.feature_columns()
    attributes = [each.column for each in evidence.subject.attributes]
    columns = list(dict.fromkeys([*features, *attributes, *beside(evidence.subject)]))
    drawn = evidence.drawn_decided(columns, rows, against=True)
    against = drawn.seen
    if not against:
        return None
    refused, weight, whose = standing(evidence.subject, drawn.frame)
    refused = refused.reset_index(drop=True)
    if not len(refused):
        return None
    sample = sample_of(evidence, rows=1000, background=background)
    own = players_of(sample.features, players)
    found = local(
        chosen.ask,
        refused[list(sample.features)],
        sample.background,
        own,
        k=min(k, len(own)),
        sign=chosen.adverse,
        rng=generator(evidence.seed, "reasons"),
        budget=Budget(budget_s),
        model=None if evidence.model is None else evidence.model.fitted,
    )
    given = _given(chosen.adverse * found.values, k, least)
    halves = [_given(chosen.adverse * found.halves[:, i], k, least) for i in (0, 1)]
    stable = (halves[0] == halves[1]).all(axis=1)
    units = Units.of(len(refused), weight, whose)
    total = evidence.data.rows
    return Reasons(refused, given, stable, found, own, chosen, sample, against, total, units)


def _given(push: np.ndarray, k: int, least: float) -> np.ndarray:
    """Return which players are reasons, shape (n, p)."""
    towards = np.maximum(push, 0.0)
    total = towards.sum(axis=1, keepdims=True)
    rank = np.argsort(np.argsort(-push, axis=1, kind="stable"), axis=1, kind="stable")
    floor = np.maximum(least * total, 1e-12 * np.abs(push).max(initial=0.0))
    given: np.ndarray = (rank < k) & (towards > floor)
    return given
