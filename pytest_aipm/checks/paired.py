"""Change against a champion's decisions or scores on the same rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pytest_aipm.checks.base import CheckParams, Comparison
from pytest_aipm.checks.effective import Linear, counts_of, level_of
from pytest_aipm.checks.rates import Rate
from pytest_aipm.checks.summed import (
    Scope,
    champion_scores_in,
    placements_of,
    positives_in,
    scores_in,
)
from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import GroupCounts, Grouping
from pytest_aipm.evidence.rowsums import Sums, SumsOf
from pytest_aipm.evidence.tally import Rows
from pytest_aipm.stats.contrasts import Kind
from pytest_aipm.stats.estimate import Estimate
from pytest_aipm.stats.means import MeanPart
from pytest_aipm.stats.paired import Change, group_changes, widened
from pytest_aipm.stats.paired_scores import most_harmful

__all__ = ["paired_areas", "paired_disparity", "paired_means", "paired_worst"]


def paired_disparity(
    evidence: Evidence,
    counts: GroupCounts,
    rate: Rate,
    kind: Kind,
    compare: Callable[[np.ndarray, np.ndarray], Estimate],
    confidence: float,
) -> Comparison | None:
    """Compare a disparity with the champion's, pair of groups by pair.

    Parameters
    ----------
    evidence : Evidence
    counts : GroupCounts
        Without a champion's decisions there is nothing to compare, and None is returned.
    rate : Rate
        Paired where its denominator does not depend on decisions, else two samples.
    kind : {"difference", "ratio"}
    compare : callable
        Counts of events and rows to the estimate of this disparity.
    confidence : float
    """
    if counts.table.shape[3] < 2:
        return None
    x_new, n_new, x_old, n_old, linked = _paired_counts(evidence, counts, rate, confidence)
    paired = rate.fixed_denominator
    change = widened(
        x_new,
        n_new,
        x_old,
        n_old,
        kind=kind,
        confidence=confidence,
        covariance=np.nan_to_num(linked) if paired else None,
    )
    if not change.pair:
        return None
    # `widened` counts the growth of a gap; the ratio falls by as much as its gap grows
    ratio = kind == "ratio"
    names = counts.grouping.names
    return Comparison(
        value=compare(x_old, n_old).value,
        delta=-change.delta if ratio else change.delta,
        lower=-change.upper if ratio else change.lower,
        upper=-change.lower if ratio else change.upper,
        group=" and ".join(names[i] for i in change.pair),
        paired=paired,
    )


def paired_worst(
    evidence: Evidence, counts: GroupCounts, rate: Rate, confidence: float
) -> Comparison | None:
    """Compare each group's rate with the champion's; the most harmful change speaks."""
    if counts.table.shape[3] < 2 or not rate.fixed_denominator:
        return None
    gained, lost, n, before = _changed_counts(evidence, counts, rate, confidence)
    falls = rate.better != "low"
    change = group_changes(
        gained,
        lost,
        n,
        confidence=confidence,
        harm="lower" if falls else "higher",
    )
    if not change.pair:
        return None
    worst = change.pair[0]
    # `group_changes` counts harm; the rate falls by as much where high is good
    return Comparison(
        value=float(before[worst]),
        delta=-change.delta if falls else change.delta,
        lower=-change.upper if falls else change.lower,
        upper=-change.lower if falls else change.upper,
        group=counts.grouping.names[worst] if counts.grouping.by else "",
    )


def paired_areas(evidence: Evidence, params: CheckParams) -> Comparison | None:
    """Compare each group's area under the curve with the champion's on the same rows.

    None without the champion's scores.
    """
    if not evidence.paired_scores:
        return None
    grouping = evidence.grouping(params.by, params.unknown)
    new = placements_of(evidence, grouping)
    old = placements_of(evidence, grouping, champion=True)

    def value(rows: Rows) -> np.ndarray:
        positive, group = positives_in(rows), grouping.numbers(rows)
        now = new.off(scores_in(rows), positive, group)
        then = old.off(champion_scores_in(rows), positive, group)
        return np.asarray(now - then)

    sums = evidence.over_rows(SumsOf(value, positives_in), Sums())
    found = Scope.of(evidence, grouping, sums, np.zeros(len(grouping.keys)))
    change = np.subtract(new.areas, old.areas)
    parts = [found.area_change(i, float(each)) for i, each in enumerate(change)]
    harm = most_harmful(parts, harm="lower", confidence=params.confidence)
    return _worst_part(harm, old.areas, grouping, falls=True)


def paired_means(
    evidence: Evidence, loss: str, params: CheckParams, highest: float
) -> Comparison | None:
    """Compare each group's mean loss with the champion's on the same rows.

    None without the champion's scores.

    Raises
    ------
    DataError
        When the champion's scores lie where the loss is undefined.
    """
    if not evidence.paired_scores:
        return None
    now = evidence.moments(loss, params.by, params.unknown)
    changed = evidence.moments(f"change:{loss}", params.by, params.unknown)
    if not np.isfinite(changed.table).all():
        what = f"the champion's scores lie where {loss.replace('_', ' ')} is undefined"
        raise DataError(Problem(what, "give probabilities in the champion's column, too"))
    parts = [
        MeanPart(n, one, two, three, limits=(-highest, highest))
        for n, one, two, three in changed.table.tolist()
    ]
    before = (now.table[:, 1] - changed.table[:, 1]) / now.table[:, 0]
    found = most_harmful(parts, harm="higher", confidence=params.confidence)
    return _worst_part(found, before.tolist(), now.grouping, falls=False)


def _worst_part(
    found: Change, before: Sequence[float], grouping: Grouping, *, falls: bool
) -> Comparison | None:
    if not found.pair:
        return None
    worst = found.pair[0]
    return Comparison(
        value=before[worst],
        delta=-found.delta if falls else found.delta,
        lower=-found.upper if falls else found.lower,
        upper=-found.lower if falls else found.upper,
        group=grouping.names[worst] if grouping.by else "",
    )


def _raw_counts(evidence: Evidence, counts: GroupCounts, rate: Rate) -> Sequence[np.ndarray]:
    """Return events and rows now, events and rows then, and events in both models, each (K,).

    Rows that the champion never decided on are left out of both.
    """
    table = counts.table[..., :2]
    agree = np.zeros_like(table[:, :, :, 0])
    agree[:, :, 0], agree[:, :, 1] = table[:, :, 0, 0], table[:, :, 1, 1]
    both, _ = rate.counts(agree, evidence.subject)
    x_new, n_new = rate.counts(table, evidence.subject)
    x_old, n_old = rate.counts(table.swapaxes(2, 3), evidence.subject)
    return x_new, n_new, x_old, n_old, both


def _paired_counts(
    evidence: Evidence, counts: GroupCounts, rate: Rate, confidence: float
) -> Sequence[np.ndarray]:
    """Return events and rows now and then, and the covariance of both rates, each (K,)."""
    x_new, n_new, x_old, n_old, both = _raw_counts(evidence, counts, rate)
    design, shape = counts.design, counts.table.shape[1:]
    if design is None:
        with np.errstate(invalid="ignore", divide="ignore"):
            linked = (both / n_new - (x_new / n_new) * (x_old / n_new)) / n_new
        return x_new, n_new, x_old, n_old, linked
    sides = []
    for raw, champion in (((x_new, n_new), False), ((x_old, n_old), True)):
        inside, hit = rate.cells(shape, evidence.subject, champion=champion)
        inside = inside & _decided(shape)
        found = counts_of(design, inside, hit, *raw, confidence)
        sides.append((found.x, found.n, Linear(design, inside, hit.astype(float))))
    (x_new, n_new, now), (x_old, n_old, then) = sides
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.sqrt(now.own * then.own)
        correlation = design.product(now.influence, then.influence) / scale
        spread = [x / n * (1 - x / n) / n for x, n in ((x_new, n_new), (x_old, n_old))]
        linked = correlation * np.sqrt(spread[0] * spread[1])
    return x_new, n_new, x_old, n_old, linked


def _decided(shape: tuple[int, ...]) -> np.ndarray:
    """Return which cells of a table hold rows that the champion decided on, too."""
    return np.arange(shape[-1]) < 2


def _changed_counts(
    evidence: Evidence, counts: GroupCounts, rate: Rate, confidence: float
) -> Sequence[np.ndarray]:
    """Return rows that became events, rows that ceased to be, all rows, and the rate before."""
    x_new, n, x_old, _, both = _raw_counts(evidence, counts, rate)
    design, shape = counts.design, counts.table.shape[1:]
    if design is None:
        with np.errstate(invalid="ignore", divide="ignore"):
            return x_new - both, x_old - both, n, x_old / n
    inside, now = rate.cells(shape, evidence.subject)
    inside = inside & _decided(shape)
    _, then = rate.cells(shape, evidence.subject, champion=True)
    gained, lost, before = (
        Linear(design, inside, each.astype(float)).mean for each in (now & ~then, then & ~now, then)
    )
    change = Linear(design, inside, now.astype(float) - then)
    size = change.sizes(
        gained + lost - (gained - lost) ** 2, n, level_of(confidence, int((n > 0).sum()))
    )
    return gained * size, lost * size, size, before
