"""The cut that a share of all rows ends at, found in passes, against rows that are sorted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pytest_aipm.evidence import best
from pytest_aipm.evidence.best import Cut, Ranks, Span, cut_of, score_keys, scores_of
from pytest_aipm.evidence.decide import best_share, drawn_by_lot
from pytest_aipm.evidence.sample import row_keys


def test_keys_order_scores_and_give_them_back() -> None:
    scores = np.array([-np.inf, -2.5, -1e-300, -0.0, 0.0, 5e-324, 0.1, 1.0, 1e300])
    for highest in (False, True):
        keys = score_keys(scores, highest=highest)
        ordered = keys[::-1] if highest else keys
        assert (np.diff(ordered.astype(object)) >= 0).all()
        assert (scores_of(keys, highest=highest) == scores).all()
    assert len(np.unique(score_keys(scores, highest=True))) == len(scores) - 1, "-0.0 is 0.0"


def found(
    scores: np.ndarray, share: float, weight: np.ndarray | None, parts: int
) -> tuple[np.ndarray, Cut, int]:
    """Choose as a cluster does: from counts of parts of the rows alone."""
    keys, passes = score_keys(scores, highest=True), []
    lots = row_keys(np.arange(len(scores)), seed=0)

    def run(span: Span) -> Ranks:
        passes.append(span)
        ranks = Ranks()
        for part in np.array_split(np.arange(len(scores)), parts):
            own = None if weight is None else weight[part]
            place = np.array(part)
            ends: dict[str, Any] = {}
            if own is not None and share < 1:
                ends = {"lightest": own.min(), "heaviest": own.max()}
                place = part[own > 0]
            levels = [keys, lots]
            alike = [
                level[place] == np.uint64(key)
                for level, key in zip(levels, span.before, strict=False)
            ]
            place = place[np.logical_and.reduce([np.ones(len(place), dtype=bool), *alike])]
            level = levels[len(span.before)]
            place = place[span.holds(level[place])]
            told = Ranks.of(level[place], None if weight is None else weight[place])
            ranks = ranks.merge(replace(told, **ends))
        assert len(ranks.keys) <= best.MOST
        return ranks

    cut = cut_of(run, share, weighted=weight is not None)
    chosen = cut.chosen(keys, lambda at: lots[at])
    return chosen, cut, len(passes)


@pytest.mark.parametrize("values", ["apart", "ties", "same"])
@pytest.mark.parametrize("weights", ["none", "some", "equal", "zeros"])
@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.999, 1, 37, 5_000])
def test_a_cut_lets_in_whom_a_sort_lets_in(
    values: str, weights: str, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(best, "MOST", 64)  # so that 1,000 keys take several passes
    rng = np.random.default_rng([len(values), len(weights), int(share * 1000)])
    n = 1_000
    scores = rng.normal(size=n)
    if values != "apart":
        scores = np.round(scores, 1) if values != "same" else np.zeros(n)
    weight = None
    if weights != "none":
        kept = {"some": rng.gamma(1, size=n), "equal": np.full(n, 0.3)}
        weight = kept.get(weights, rng.integers(0, 3, n).astype(float))
    chosen, cut, _ = found(scores, share, weight, parts=7)
    wanted = best_share(scores, share, highest=True, weights=weight)
    counts = np.ones(n, dtype=bool)
    if weight is not None and share < 1 and weight.min() < weight.max():
        counts = weight > 0  # nobody is counted by other rows
    assert (chosen[counts] == wanted[counts]).all()
    if share < 1 and weight is None:
        assert chosen.sum() == max(1, round(share * n))
    assert (cut.tied, cut.drawn) == drawn_by_lot(scores[counts], wanted[counts])
    assert cut.score(highest=True) == scores[wanted & counts].min()


def test_few_passes_find_the_cut_among_very_many_scores() -> None:
    scores = np.random.default_rng(0).beta(2, 5, 400_000)
    chosen, cut, passes = found(scores, 0.2, None, parts=5)
    assert chosen.sum() == 80_000
    assert scores[chosen].min() > scores[~chosen].max()
    assert len(cut.keys) == 1
    assert passes == 2
