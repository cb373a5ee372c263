"""Where the best share of the rows ends, found where they are: in passes that ask for scores."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pytest_aipm.evidence.best import Cut, Ranks, Span, cut_of, score_keys
from pytest_aipm.evidence.sample import row_keys
from pytest_aipm.sources.weights import weights_of

if TYPE_CHECKING:
    from pytest_aipm.evidence.predictor import Predictor

__all__ = ["found_by", "inside"]


def inside(cut: Cut, batch: pd.DataFrame, scores: np.ndarray, predictor: Predictor) -> np.ndarray:
    """Return which rows of a batch a cut lets in."""
    numbers = batch.index.to_numpy()
    keys = score_keys(scores, highest=predictor.highest)
    return cut.chosen(keys, lambda places: row_keys(numbers[places], seed=0))


def found_by(over: Callable[..., Any], data: Any, asked: Predictor, share: float) -> Cut:
    """Return the cut of a share of all rows.

    Parameters
    ----------
    over : callable
        Makes a pass, as `Passes.over`.
    data : DataSource
    asked : Predictor
        That can be sent to where the rows are.
    share : float
        Below 1 of the rows, or their weight; else how many.
    """
    weights = asked.subject.weights
    weighed = [] if weights is None else [weights]

    def run(span: Span) -> Ranks:
        names = [*asked.columns, *weighed]
        each = _Ranking(asked, span, weighted=weights is not None and share < 1)
        ranks: Ranks = over(
            data, list(dict.fromkeys(names)), each, Ranks(), numbered=bool(span.before)
        )
        return ranks

    return cut_of(run, share, weighted=weights is not None)


@dataclass(frozen=True)
class _Ranking:
    """Counts the rows of a batch that lie in a span by their next key."""

    predictor: Predictor
    span: Span
    weighted: bool

    def __call__(self, batch: pd.DataFrame) -> Ranks:
        predictor, before = self.predictor, self.span.before
        scores = predictor.scored(predictor.prediction(batch).scores)
        keys, weight = score_keys(scores, highest=predictor.highest), None
        lightest, heaviest = math.inf, -math.inf
        places = np.arange(len(batch))
        if self.weighted:
            weight = weights_of(batch[predictor.subject.weights], whole=False)
            lightest, heaviest = weight.min(initial=math.inf), weight.max(initial=-math.inf)
            places = np.flatnonzero(weight > 0)
            keys = keys[places]
        for key in before:
            places = places[keys == np.uint64(key)]
            keys = row_keys(batch.index.to_numpy()[places], seed=0)
        kept = self.span.holds(keys)
        places, keys = places[kept], keys[kept]
        found = Ranks.of(keys, None if weight is None else weight[places])
        if not self.weighted:
            return found
        return replace(found, lightest=float(lightest), heaviest=float(heaviest))
