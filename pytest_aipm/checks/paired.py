"""Change against a champion's decisions on the same rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pytest_aipm.checks.base import Comparison
from pytest_aipm.checks.effective import Linear, counts_of, level_of
from pytest_aipm.checks.rates import Rate
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import GroupCounts
from pytest_aipm.stats.contrasts import Kind
from pytest_aipm.stats.estimate import Estimate
from pytest_aipm.stats.paired import group_changes, widened

__all__ = ["paired_disparity", "paired_worst"]


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


def _raw_counts(evidence: Evidence, counts: GroupCounts, rate: Rate) -> Sequence[np.ndarray]:
    """Return events and rows now, events and rows then, and events in both models, each (K,)."""
    agree = np.zeros_like(counts.table[:, :, :, 0])
    agree[:, :, 0], agree[:, :, 1] = counts.table[:, :, 0, 0], counts.table[:, :, 1, 1]
    both, _ = rate.counts(agree, evidence.subject)
    x_new, n_new = rate.counts(counts.table, evidence.subject)
    x_old, n_old = rate.counts(counts.table.swapaxes(2, 3), evidence.subject)
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
        found = counts_of(design, inside, hit, *raw, confidence)
        sides.append((found.x, found.n, Linear(design, inside, hit.astype(float))))
    (x_new, n_new, now), (x_old, n_old, then) = sides
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.sqrt(now.own * then.own)
        correlation = design.product(now.influence, then.influence) / scale
        spread = [x / n * (1 - x / n) / n for x, n in ((x_new, n_new), (x_old, n_old))]
        linked = correlation * np.sqrt(spread[0] * spread[1])
    return x_new, n_new, x_old, n_old, linked


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
    _, then = rate.cells(shape, evidence.subject, champion=True)
    gained, lost, before = (
        Linear(design, inside, each.astype(float)).mean for each in (now & ~then, then & ~now, then)
    )
    change = Linear(design, inside, now.astype(float) - then)
    size = change.sizes(
        gained + lost - (gained - lost) ** 2, n, level_of(confidence, int((n > 0).sum()))
    )
    return gained * size, lost * size, size, before
