"""Attributions of the audited model on its evaluation rows, computed once for all checks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from pytest_aipm.attribution import Ask, Budget, Players, Walked, asked_twice, players_of, walk
from pytest_aipm.attribution.asking import BudgetSpent, asked
from pytest_aipm.errors import CheckError, DataError, ModelError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.predictor import Predictor
from pytest_aipm.evidence.sample import generator, hash_rows, row_keys
from pytest_aipm.evidence.subject import Subject
from pytest_aipm.evidence.weighing import beside, standing
from pytest_aipm.sources.model import Model, Prediction
from pytest_aipm.stats.effects import Magnitudes, Units, magnitudes
from pytest_aipm.stats.twoway import TwoWay, two_way

__all__ = [
    "Explained",
    "Output",
    "OutputName",
    "Sample",
    "explained",
    "inputs_of",
    "noise_of",
    "output_of",
    "sample_of",
]

OutputName = Literal["auto", "probability", "margin", "decision", "raw"]
TWICE = 200
"""Rows that are asked twice, to see whether the model repeats itself."""
CANDIDATES = 10
"""So many times the background rows are asked for a score, of which evenly spaced ones serve."""


@dataclass(frozen=True)
class Output:
    """What of the model is explained.

    Attributes
    ----------
    name : str
    said : str
        In words: "the probability of class 1".
    ask : callable
        Frame to numbers of shape (n,).
    adverse : int
        1 when more of it is worse for the person, -1 when it is better, 0 where nobody says.
    """

    name: str
    said: str
    ask: Ask
    adverse: int


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows to explain and the background they are compared with.

    Attributes
    ----------
    rows : DataFrame of n rows
        Features and further columns; its index holds global row numbers.
    background : DataFrame of m rows
        Features.
    features : tuple of str
    apart : bool
        Whether no row is in both.
    sha256 : str
        Of the background's values.
    total : int
        Rows there are.
    weight, person : array of shape (n,) or None
        Sampling weights, and a hash of whose row it is.
    """

    rows: pd.DataFrame
    background: pd.DataFrame
    features: tuple[str, ...]
    apart: bool
    sha256: str
    total: int
    weight: np.ndarray | None = None
    person: np.ndarray | None = None

    @property
    def inputs(self) -> pd.DataFrame:
        """The features of the rows, numbered from 0."""
        return self.rows[list(self.features)].reset_index(drop=True)

    @cached_property
    def units(self) -> Units:
        """Whom the rows stand for."""
        return Units.of(len(self.rows), self.weight, self.person)

    @property
    def design(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Weights and people, as counts of rows take them."""
        return self.weight, self.person


@dataclass(frozen=True, eq=False)
class Explained:
    """Attributions of a sample of rows.

    Attributes
    ----------
    sample : Sample
    players : Players
    output : Output
    walked : Walked
    noise : float
        By how much the output changes when the same rows are asked again; 0 for most models.
    subject : Subject
    """

    sample: Sample
    players: Players
    output: Output
    walked: Walked
    noise: float
    subject: Subject

    @cached_property
    def fit(self) -> TwoWay:
        """Attributions of rows, the background taken out."""
        return self._fit(slice(None))

    @cached_property
    def sizes(self) -> Magnitudes:
        """Mean absolute attributions, bracketed."""
        return magnitudes(
            self.fit, self._fit(slice(0, None, 2)), self._fit(slice(1, None, 2)), self.sample.units
        )

    def _fit(self, walks: slice) -> TwoWay:
        met = self.walked.background[:, walks]
        return two_way(self.walked.values[:, walks, :, 0], met, len(self.sample.background))

    @property
    def n(self) -> int:
        """Rows explained."""
        return len(self.sample.rows)

    def groups(self, evidence: Evidence, by: tuple[str, ...], unknown: Any) -> np.ndarray:
        """Return the number of each row's group in a scope, -1 when unknown."""
        grouping = evidence.counts(by, unknown).grouping
        return grouping.members(evidence.subject, self.sample.rows)


def inputs_of(evidence: Evidence, by: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return which attributes' columns the model is given, and which attributes it is not."""
    features = set(evidence.feature_columns())
    columns = {name: evidence.subject.attribute(name).column for name in by}
    given = [column for column in columns.values() if column in features]
    return given, [name for name, column in columns.items() if column not in features]


def noise_of(evidence: Evidence) -> float:
    """Return by how much the model's output changes when it is asked again; mostly 0."""

    def compute() -> float:
        features = evidence.feature_columns()
        frame = evidence.drawn(evidence.data, features, TWICE)
        return asked_twice(output_of(evidence, "auto").ask, frame.reset_index(drop=True))

    return evidence.once(("noise",), compute)


def output_of(evidence: Evidence, name: OutputName, model: Model | None = None) -> Output:
    """Return what of the audited model, or of another one, is explained.

    ``auto`` is its score, and its decision where it has none.

    Raises
    ------
    CheckError
        When the model does not have what is asked for.
    """
    kind = (model or evidence.model or _nothing()).score_kind
    if kind == "matrix":
        kind = "probability"
    if name == "auto":
        name = "decision" if kind in (None, "either") else "raw"
    if name == "decision":
        return _decision(evidence, model)
    if kind is None:
        what = f"the model gives classes only, so it has no {name}"
        raise CheckError(Problem(what, "use `output: decision`"))
    if name == "probability" and kind != "probability":
        what = f"the model gives no probability but {_KINDS.get(kind, kind)}"
        raise CheckError(Problem(what, "use `output: raw`"))
    score = _scores(evidence, model)
    label, positive = evidence.subject.label, evidence.subject.names["positive"]
    of = f"class {positive}" if label is None else f"{label} = {positive}"
    if name == "margin" and kind == "probability":
        return Output(name, f"the log-odds of {of}", _margin(score), _adverse(evidence))
    said = {
        "probability": f"the probability of {of}",
        "value": "the predicted value",
    }.get(kind, f"the score of {of}")
    return Output("probability" if kind == "probability" else name, said, score, _adverse(evidence))


_KINDS = {
    "decision_function": "a decision function",
    "margins": "a score of each class",
    "value": "a predicted value",
}


def _nothing() -> Model:
    raise CheckError(Problem("there is no model to explain", "add `model` to the subject"))


def _asking(evidence: Evidence, model: Model | None) -> Callable[[pd.DataFrame], Prediction]:
    if model is None:
        return evidence.asked
    other = Predictor(
        evidence.subject,
        evidence.data,
        model=model,
        features=list(model.features or evidence.feature_columns()),
        predictions=None,
        scores=None,
        run_dir=None,
        name="",
    )
    return other.asked


def _scores(evidence: Evidence, model: Model | None) -> Ask:
    ask = _asking(evidence, model)

    def score(frame: pd.DataFrame) -> np.ndarray:
        found = ask(frame).scores
        if found is None:
            raise ModelError(Problem("the model gave classes, no score", "use `output: decision`"))
        return found

    return score


def _margin(score: Ask) -> Ask:
    def margin(frame: pd.DataFrame) -> np.ndarray:
        chance = score(frame)
        if ((chance <= 0) | (chance >= 1)).any():
            what = "a probability of 0 or 1 has no finite log-odds"
            raise CheckError(Problem(what, "use `output: probability`"))
        return np.asarray(np.log(chance) - np.log1p(-chance))

    return margin


def _decision(evidence: Evidence, model: Model | None) -> Output:
    if not evidence.subject.has_decisions:
        what = "the subject has no decision rule, so there is no decision to explain"
        raise CheckError(Problem(what, "use `output: raw`, or add `decision`"))
    if model is not None:
        raise CheckError(Problem("two models are compared by their scores", "use `output: raw`"))
    favorable = evidence.subject.names["favorable"]
    said = f"the decision (1 for {favorable}, else 0)"
    return Output("decision", said, lambda frame: evidence.decide(frame).astype(float), -1)


def _adverse(evidence: Evidence) -> int:
    subject = evidence.subject
    if subject.decision is not None:
        return -1 if subject.decision.favorable_when == "above" else 1
    if subject.task == "multiclass":
        return -1 if subject.has_decisions else 0
    if subject.task != "binary":
        return 0
    return -1 if subject.favors_positive else 1


def sample_of(
    evidence: Evidence, *, rows: int, background: int, also: Sequence[str] = ()
) -> Sample:
    """Return the rows to explain and the background rows, chosen by the seed.

    Features are those of the audited model, and the columns under `also`.

    The background is drawn from rows that are not explained, where there are enough; evenly spaced
    in the order of the model's output, so that few rows stand for all. With weights a row is drawn
    into it in proportion to its weight.

    Raises
    ------
    DataError
        When there are fewer than two rows.
    """
    key = ("explain-sample", rows, background, tuple(also))
    return evidence.once(key, lambda: _sample(evidence, rows, background, also))


def _sample(evidence: Evidence, rows: int, background: int, also: Sequence[str]) -> Sample:
    features = list(dict.fromkeys([*evidence.feature_columns(), *also]))
    if not features:
        raise CheckError(Problem("the model is given no column", "name `subject.features`"))
    subject = evidence.subject
    wanted = [*features, *(each.column for each in subject.attributes), *beside(subject)]
    columns = list(dict.fromkeys(wanted))
    evidence.data.require(columns)
    drawn = evidence.drawn(evidence.data, columns, rows + CANDIDATES * background)
    drawn, stands, whose = standing(subject, drawn)
    if len(drawn) < 2:
        what = f"{len(drawn)} row cannot be compared with any other"
        raise DataError(Problem(what, "explanations need at least two rows"))
    ranked = np.argsort(row_keys(drawn.index.to_numpy(), evidence.seed), kind="stable")
    apart = len(drawn) - min(rows, len(drawn)) >= background
    own, others = np.sort(ranked[:rows]), np.sort(ranked[rows:] if apart else ranked)
    explained_rows = drawn.iloc[own]
    pool = drawn.iloc[others][features].reset_index(drop=True)
    few = max(2, min(background, len(pool), max(8, len(explained_rows) // 4)))
    chosen = _spread(evidence, pool, few, None if stands is None else stands[others])
    return Sample(
        rows=explained_rows,
        background=chosen,
        features=tuple(features),
        apart=apart,
        sha256=hashlib.sha256(hash_rows(chosen, features).tobytes()).hexdigest(),
        total=evidence.data.rows,
        weight=None if stands is None else stands[own],
        person=None if whose is None else whose[own],
    )


def _spread(
    evidence: Evidence, pool: pd.DataFrame, m: int, weight: np.ndarray | None
) -> pd.DataFrame:
    """Return `m` rows, evenly spaced in the order of the output, from a random start."""
    if len(pool) <= m and (weight is None or np.ptp(weight) == 0):
        return pool
    said = asked(output_of(evidence, "auto").ask, pool)[:, 0]
    rng = generator(evidence.seed, "background")
    order = np.lexsort((rng.random(len(pool)), said))
    if weight is None:
        places = ((np.arange(m) + rng.random()) * len(pool) / m).astype(int)
    else:
        reached = np.cumsum(weight[order])
        spaced = (np.arange(m) + rng.random()) * reached[-1] / m
        places = np.minimum(np.searchsorted(reached, spaced, side="right"), len(pool) - 1)
    return pool.iloc[np.sort(order[places])].reset_index(drop=True)


def explained(
    evidence: Evidence,
    *,
    rows: int,
    background: int,
    walks: int,
    output: OutputName,
    players: Mapping[str, Sequence[str]],
    budget_s: float | None,
    model: Model | None = None,
    also: Sequence[str] = (),
) -> Explained | BudgetSpent:
    """Return attributions of the audited model, or of another one on common random numbers.

    Returns
    -------
    Explained or BudgetSpent
        The latter when there was no time; nobody tries again within one audit.
    """
    grouped = tuple((name, tuple(own)) for name, own in players.items())
    key = ("explained", rows, background, walks, output, grouped, budget_s, id(model), *also)

    def compute() -> Explained | BudgetSpent:
        try:
            sample = sample_of(evidence, rows=rows, background=background, also=also)
            chosen = output_of(evidence, output, model)
            budget = Budget(budget_s)
            inputs, own = sample.inputs, players_of(sample.features, players)
            noise = asked_twice(chosen.ask, inputs[:TWICE])
            found = walk(
                chosen.ask,
                inputs,
                sample.background,
                own,
                walks=walks,
                rng=generator(evidence.seed, "walks"),
                budget=budget,
            )
        except BudgetSpent as spent:
            return spent
        return Explained(sample, own, chosen, found, noise, evidence.subject)

    return evidence.once(key, compute)
