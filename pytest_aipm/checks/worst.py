"""The metric of every group, and of the worst one: floors and ceilings for each group."""

from __future__ import annotations

import numpy as np

from pytest_aipm.checks.base import CheckParams, Comparison, Measurement
from pytest_aipm.checks.disparity import unknown_breach
from pytest_aipm.checks.metrics import Measured
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.records import Because, Formula, GroupValue
from pytest_aipm.stats.estimate import Estimate
from pytest_aipm.stats.floors import floor
from pytest_aipm.stats.paired import group_changes
from pytest_aipm.stats.single import from_part

__all__ = ["groups_of", "measurement_of", "worst_group"]


def worst_group(evidence: Evidence, params: CheckParams, measured: Measured) -> Measurement:
    """Judge the worst group of a scope, or the one value of all rows when there are no groups."""
    harm = "down" if measured.better == "high" else "up"
    if params.by:
        estimate: Estimate = floor(
            measured.parts,
            confidence=params.confidence,
            worst="min" if harm == "down" else "max",
            min_size=params.min_group_size,
        )
    else:
        estimate = from_part(measured.parts[0], confidence=params.confidence)
    return measurement_of(evidence, params, measured, estimate, harm=harm)


def measurement_of(
    evidence: Evidence,
    params: CheckParams,
    measured: Measured,
    estimate: Estimate,
    *,
    harm: str,
    summary: str = "",
    formula_id: str = "",
) -> Measurement:
    """Put a metric and its estimate into a measurement."""
    names = measured.grouping.names
    known = int(measured.sizes.sum())
    return Measurement(
        estimate=estimate,
        formula=Formula(
            id=formula_id or measured.name.lower().replace(" ", "_"),
            numerator=measured.numerator_words,
            denominator=measured.denominator_words,
            positive="" if evidence.subject.positive is None else str(evidence.subject.positive),
            population=f"{known:,} rows"
            + (f"; {measured.unknown:,} unknown left out" if measured.unknown else ""),
        ),
        summary=summary or _summary(measured, estimate),
        n=known,
        groups=groups_of(measured, estimate, params) if params.by else (),
        part_names=names,
        not_judged=_undefined(measured, estimate),
        breach=unknown_breach(params, measured.unknown, known) if params.by else None,
        unknown=measured.unknown,
        champion=_champion(measured, params),
        harm="down" if harm == "down" else "up",
    )


def groups_of(
    measured: Measured, estimate: Estimate, params: CheckParams
) -> tuple[GroupValue, ...]:
    """Return one record a group."""
    records = []
    for i, group in enumerate(measured.grouping.groups):
        value, lower, upper = estimate.parts[i]
        x, n = (None, None) if measured.counts is None else measured.counts
        defined = bool(np.isfinite(value))
        size = measured.sizes[i] if n is None else n[i]
        small = size < params.min_group_size
        note = "" if defined else "undefined in this group"
        records.append(
            GroupValue(
                group=group,
                n=int(measured.sizes[i]),
                numerator=None if x is None else int(x[i]),
                denominator=None if n is None else int(n[i]),
                value=value,
                interval=(lower, upper) if defined else None,
                judged=defined and not small,
                note=f"not judged: fewer than {params.min_group_size} rows" if small else note,
            )
        )
    return tuple(records)


def _summary(measured: Measured, estimate: Estimate) -> str:
    names = measured.grouping.names
    if not np.isfinite(estimate.value):
        return f"{measured.name} is undefined"
    if measured.grouping.by and estimate.pair:
        where = names[estimate.pair[0]]
        return f"{measured.name} is worst for {where}: {number(estimate.value)}"
    return f"{measured.name} is {number(estimate.value)}"


def _undefined(measured: Measured, estimate: Estimate) -> tuple[Because, str] | None:
    if np.isfinite(estimate.value):
        return None
    where = " in any group" if measured.grouping.by else ""
    return Because.NO_EVIDENCE, f"{measured.name} is undefined{where}: these rows cannot show it"


def _champion(measured: Measured, params: CheckParams) -> Comparison | None:
    """Compare each group's rate with the champion's on the same rows (Tango, Šidák)."""
    if measured.champion is None or measured.counts is None:
        return None
    n, only_new, only_old = measured.champion
    x, _ = measured.counts
    falls = measured.better == "high"
    change = group_changes(
        only_new,
        only_old,
        n,
        confidence=params.confidence,
        harm="lower" if falls else "higher",
    )
    if not change.pair:
        return None
    worst = change.pair[0]
    # `group_changes` counts harm; the rate falls by as much where high is good
    delta = -change.delta if falls else change.delta
    return Comparison(
        value=float(x[worst] / n[worst] - delta),
        delta=delta,
        lower=-change.upper if falls else change.lower,
        upper=-change.lower if falls else change.upper,
        group=measured.grouping.names[worst] if params.by else "",
    )
