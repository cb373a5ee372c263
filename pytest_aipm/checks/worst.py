"""The metric of every group, and of the worst one: floors and ceilings for each group."""

from __future__ import annotations

import math
from typing import Any

from pytest_aipm.checks.base import CheckParams, Measurement
from pytest_aipm.checks.compare import population, unknown_breach
from pytest_aipm.checks.effective import Counted, design_note
from pytest_aipm.checks.metrics import Measured
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.records import Because, Formula, GroupValue
from pytest_aipm.stats.estimate import Estimate
from pytest_aipm.stats.floors import floor
from pytest_aipm.stats.parts import SMALL
from pytest_aipm.stats.single import from_part

__all__ = ["measurement_of", "worst_group"]


def worst_group(evidence: Evidence, params: CheckParams, measured: Measured) -> Measurement:
    """Judge the worst group of a scope, or the one value of all rows when there are no groups."""
    high = measured.better == "high"
    if params.by:
        estimate: Estimate = floor(
            measured.parts,
            confidence=params.confidence,
            worst="min" if high else "max",
            min_size=params.min_group_size,
        )
    else:
        estimate = from_part(measured.parts[0], confidence=params.confidence)
    return measurement_of(
        evidence,
        params,
        measured,
        estimate,
        summary=_summary(measured, estimate),
        formula_id=measured.name.lower().replace(" ", "_"),
    ).with_(
        not_judged=_undefined(measured, estimate),
        champion=measured.champion,
        harm="down" if high else "up",
    )


def measurement_of(
    evidence: Evidence,
    params: CheckParams,
    measured: Measured,
    estimate: Estimate,
    *,
    summary: str,
    formula_id: str,
    reference: str = "",
) -> Measurement:
    """Put a metric and its estimate into a measurement."""
    known = int(measured.sizes.sum())
    return Measurement(
        estimate=estimate,
        formula=Formula(
            id=formula_id,
            numerator=measured.numerator_words,
            denominator=measured.denominator_words,
            positive=evidence.subject.names["positive"]
            if measured.positive is None
            else measured.positive,
            population=population(known, measured.unknown, grouped=bool(params.by)),
            reference=reference,
        ),
        summary=summary,
        n=known,
        groups=_groups(measured, estimate, params) if params.by else (),
        part_names=measured.grouping.names,
        series=measured.series,
        breach=unknown_breach(params, measured.unknown, known) if params.by else None,
        notes=_worth(evidence, measured, estimate),
        unknown=measured.unknown,
    )


def _groups(measured: Measured, estimate: Estimate, params: CheckParams) -> tuple[GroupValue, ...]:
    """Return one record a group."""
    records = []
    for i, group in enumerate(measured.grouping.groups):
        value, lower, upper = estimate.parts[i]
        counts, defined = measured.counts, math.isfinite(value)
        designed = measured.weight is not None
        size = float(estimate.sizes[i] if designed else measured.sizes[i])
        shown: dict[str, Any] = {}
        if measured.people is not None:
            shown = {"people": int(measured.people[i])}
        if counts is not None:
            size = float(counts[1][i])
            shown = (measured.found or Counted(*counts, *counts)).shown(i)
        records.append(
            GroupValue(
                group=group,
                n=int(measured.sizes[i]),
                **shown,
                value=value,
                interval=(lower, upper) if defined else None,
                judged=defined and size >= params.min_group_size,
                note=_note(measured, i, size, params) if defined else "undefined in this group",
            )
        )
    return tuple(records)


def _note(measured: Measured, i: int, size: float, params: CheckParams) -> str:
    rows = "rows" if measured.weight is None else "effective rows"
    if size < params.min_group_size:
        return f"not judged: fewer than {params.min_group_size} {rows}"
    if measured.parts and not measured.parts[i].proves:
        return f"fewer than {SMALL} {rows}: cannot prove a breach"
    return ""


def _worth(evidence: Evidence, measured: Measured, estimate: Estimate) -> tuple[str, ...]:
    rows = measured.sizes if measured.found is None else measured.found.rows
    return design_note(evidence.subject, rows, estimate.sizes)


def _summary(measured: Measured, estimate: Estimate) -> str:
    if not math.isfinite(estimate.value):
        return f"{measured.title} is undefined"
    if measured.grouping.by and estimate.pair:
        where = measured.grouping.names[estimate.pair[0]]
        rate = "" if measured.counts is None else f", {frequency(estimate.value)}"
        return f"{measured.title} is worst for {where}{rate}: {number(estimate.value)}"
    return f"{measured.title} is {number(estimate.value)}"


def _undefined(measured: Measured, estimate: Estimate) -> tuple[Because, str] | None:
    if math.isfinite(estimate.value):
        return None
    where = " in any group" if measured.grouping.by else ""
    return Because.NO_EVIDENCE, f"{measured.title} is undefined{where}: these rows cannot show it"
