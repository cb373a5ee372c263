"""How much of what moves the output of a text model is on named words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pytest_aipm.attribution import Budget
from pytest_aipm.attribution.asking import asked
from pytest_aipm.attribution.words import attribute_words
from pytest_aipm.errors import CheckError, DataError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.explaining import Output, OutputName, output_of
from pytest_aipm.evidence.sample import generator
from pytest_aipm.evidence.weighing import beside, standing
from pytest_aipm.stats.effects import Magnitudes, Units

__all__ = ["Worded", "worded"]


@dataclass(frozen=True, eq=False)
class Worded:
    """Mean sizes of what words add, those that are named and all others.

    Attributes
    ----------
    sizes : Magnitudes
        Of two players: the named words, and the others.
    held : int
        Texts that hold a named word.
    n, total : int
        Texts looked at, and rows there are.
    output : Output
    units : Units
        Whom the texts stand for.
    """

    sizes: Magnitudes
    held: int
    n: int
    total: int
    output: Output
    units: Units


def worded(
    evidence: Evidence,
    words: Sequence[str],
    *,
    rows: int,
    walks: int,
    output: OutputName,
    budget_s: float | None,
) -> Worded:
    """Attribute the output to the words of each text, from the text without any word.

    Parameters
    ----------
    evidence : Evidence
        Of a model whose one input is a column of texts.
    words : sequence of str
        Whatever their case.
    rows, walks : int
        Most texts, and pairs of orders in which words join.
    output : OutputName
    budget_s : float or None

    Raises
    ------
    CheckError
        When the model is given more than a text.
    BudgetSpent
    """
    features = evidence.feature_columns()
    if len(features) != 1:
        what = f"words are looked at where a text is the only input; this model has {len(features)}"
        raise CheckError(Problem(what, "remove `words`; a text column is one player beside others"))
    (name,) = features
    wanted = list(dict.fromkeys([name, *beside(evidence.subject)]))
    frame, weight, whose = standing(evidence.subject, evidence.drawn(evidence.data, wanted, rows))
    texts = frame[name].fillna("").tolist()
    if not all(isinstance(text, str) for text in texts):
        what = f"column {name!r} holds no texts, so it has no words"
        raise DataError(Problem(what, "remove `words`"))
    chosen, kind = output_of(evidence, output), frame[name].dtype

    def ask(said: list[str]) -> np.ndarray:
        return asked(chosen.ask, pd.DataFrame({name: pd.Series(said, dtype=kind)}))

    budget, each = Budget(budget_s), max(1, walks // 2)
    halves = [
        attribute_words(
            ask, texts, walks=each, rng=generator(evidence.seed, "words", half), budget=budget
        )
        for half in ("one", "other")
    ]
    named = {word.casefold() for word in words}
    low, high = np.zeros((len(texts), 2)), np.zeros((len(texts), 2))
    held = 0
    for i, (one, other) in enumerate(zip(*halves, strict=True)):
        a, b = one.values[:, 0], other.values[:, 0]
        # of a very long text several words play as one
        mine = np.array([bool(named & set(player.split())) for player in one.words], dtype=bool)
        held += bool(mine.any())
        for place, own in enumerate((mine, ~mine)):
            high[i, place] = np.abs(a + b)[own].sum() / 2
            low[i, place] = ((np.sign(a) * b + np.sign(b) * a)[own]).sum() / 2
    units = Units.of(len(texts), weight, whose)
    mean = units.mean(high)
    by_row = units.moved(high - mean)
    # the text without words is the same for all, so no background adds to the error
    sizes = Magnitudes(
        np.clip(units.mean(low), 0.0, mean), mean, by_row, np.zeros_like(by_row), units.size
    )
    return Worded(sizes, held, len(texts), evidence.data.rows, chosen, units)
