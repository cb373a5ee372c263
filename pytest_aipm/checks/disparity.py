"""Disparities of a rate between groups: what the fairness checks of one shape share."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from pytest_aipm.checks.base import CheckParams, Comparison, Measurement
from pytest_aipm.checks.rates import RATES, Rate
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import GroupCounts, Grouping
from pytest_aipm.records import Because, Formula, GroupValue
from pytest_aipm.stats.disparity import rate_difference, rate_ratio
from pytest_aipm.stats.estimate import Estimate
from pytest_aipm.stats.paired import widened

__all__ = [
    "Reference",
    "group_values",
    "nothing_to_compare",
    "rate_disparity",
    "reference_index",
    "unknown_breach",
]

Kind = Literal["difference", "ratio"]
Reference = Literal["highest", "largest", "overall"] | int

_COMPARATORS = ("highest", "largest", "overall")


def rate_disparity(
    evidence: Evidence,
    params: CheckParams,
    rate_id: str,
    kind: Kind,
    *,
    at_least: float | None = None,
) -> Measurement:
    """Measure the difference or the ratio of a rate between the groups of a scope.

    Parameters
    ----------
    evidence : Evidence
    params : CheckParams
        Scope, confidence, comparator and how unknown groups are treated.
    rate_id : str
        Key of `RATES`.
    kind : {"difference", "ratio"}
        Highest minus lowest rate, or lowest rate over the comparator's.
    at_least : float, optional
        Only groups with at least this share of the rows may be the comparator.

    Returns
    -------
    Measurement
    """
    rate = RATES[rate_id]
    if rate.needs_label:
        evidence.require_both_classes()
    counts = evidence.counts(params.by, params.unknown)
    x, n = rate.counts(counts.table, evidence.subject)
    reference = reference_index(evidence, params, counts.grouping)
    if kind == "ratio":
        estimate: Estimate = rate_ratio(
            x,
            n,
            confidence=params.confidence,
            reference=reference,
            at_least=at_least,
            min_size=params.min_group_size,
        )
    else:
        estimate = rate_difference(
            x,
            n,
            confidence=params.confidence,
            reference=reference,
            min_size=params.min_group_size,
        )
    numerator, denominator = rate.words(evidence.subject)
    names = counts.grouping.names
    return Measurement(
        estimate=estimate,
        formula=Formula(
            id=f"{rate.id}_{kind}",
            numerator=numerator,
            denominator=denominator,
            positive=str(evidence.subject.positive),
            population=_population(counts),
            reference=_reference_words(reference, names),
        ),
        summary=_summary(rate, kind, estimate, names, x, n),
        n=counts.n,
        groups=group_values(counts, x, n, estimate, params.min_group_size),
        part_names=names,
        not_judged=nothing_to_compare(names, n, params, rate.name),
        breach=unknown_breach(params, counts.unknown, counts.n),
        unknown=counts.unknown,
        champion=_champion(evidence, counts, rate, kind, params, names),
        harm="down" if kind == "ratio" else "up",
    )


def reference_index(evidence: Evidence, params: CheckParams, groups: Grouping) -> Reference:
    """Return the comparator as the statistics want it.

    Raises
    ------
    CheckError
        When the named group does not occur.
    """
    wanted = params.reference
    if wanted is None and len(params.by) == 1:
        wanted = evidence.subject.attribute(params.by[0]).reference
    if wanted is None or wanted == "highest":
        return "highest"
    if wanted == "largest":
        return "largest"
    if wanted == "overall":
        return "overall"
    plain = [name.replace(" · ", ", ") for name in groups.names]
    for names in (list(groups.names), plain):
        if wanted in names:
            return names.index(wanted)
    near = difflib.get_close_matches(wanted, (*groups.names, *_COMPARATORS), n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"groups: {', '.join(groups.names[:8])}"
    raise CheckError(Problem(f"reference group {wanted!r} does not occur", hint))


def group_values(
    counts: GroupCounts,
    x: np.ndarray,
    n: np.ndarray,
    estimate: Estimate,
    min_size: int,
    *,
    part: str = "",
) -> tuple[GroupValue, ...]:
    """Return one record a group: counts, rate and interval."""
    values = []
    for i, group in enumerate(counts.grouping.groups):
        value, lower, upper = estimate.parts[i]
        values.append(
            GroupValue(
                group=group,
                part=part,
                n=int(counts.sizes[i]),
                numerator=int(x[i]),
                denominator=int(n[i]),
                value=value,
                interval=None if n[i] == 0 else (lower, upper),
                judged=bool(n[i] >= max(1, min_size)),
                note=_note(int(n[i]), min_size),
            )
        )
    return tuple(values)


def _note(n: int, min_size: int) -> str:
    if n == 0:
        return "undefined: no rows in the denominator"
    if n < min_size:
        return f"not judged: fewer than {min_size} rows in the denominator"
    return ""


def nothing_to_compare(
    names: Sequence[str], n: np.ndarray, params: CheckParams, what: str
) -> tuple[Because, str] | None:
    """Return why fewer than two groups can be compared, or None."""
    judged = int(np.count_nonzero(n >= max(1, params.min_group_size)))
    if judged >= 2:
        return None
    if len(names) < 2:
        only = f" ({names[0]})" if names else ""
        return Because.NO_EVIDENCE, f"there is only one group{only}: nothing to compare"
    size = f" with at least {params.min_group_size} rows" if params.min_group_size > 1 else ""
    return (
        Because.NO_EVIDENCE,
        f"fewer than two groups{size} have a defined {what}: nothing to compare",
    )


def unknown_breach(
    params: CheckParams, unknown: int, known: int
) -> tuple[Because, str] | None:
    """Return the failure by count of rows without a group, or None."""
    if params.unknown == "group" or not unknown:
        return None
    share = unknown / (unknown + known)
    where = " or ".join(params.by)
    if params.unknown == "fail":
        return Because.UNKNOWN, f"{unknown:,} rows have no {where}, and the policy allows none"
    if share > params.max_unknown:
        return (
            Because.UNKNOWN,
            f"{unknown:,} of {unknown + known:,} rows ({share:.1%}) have no {where}; at most "
            f"{params.max_unknown:.1%} may be unknown",
        )
    return None


def _population(counts: GroupCounts) -> str:
    text = f"{counts.n:,} rows with a known group"
    return text + (f"; {counts.unknown:,} unknown left out" if counts.unknown else "")


def _reference_words(reference: Reference, names: Sequence[str]) -> str:
    if isinstance(reference, int):
        return names[reference]
    return {"highest": "all pairs", "largest": "the largest group", "overall": "everyone else"}[
        reference
    ]


def _summary(
    rate: Rate,
    kind: Kind,
    estimate: Estimate,
    names: Sequence[str],
    x: np.ndarray,
    n: np.ndarray,
) -> str:
    if len(estimate.pair) < 2 or not np.isfinite(estimate.value):
        return f"{rate.name}: nothing to compare"
    high, low = estimate.pair[0], estimate.pair[1]
    rates = x[[high, low]] / n[[high, low]]
    what = (
        f"ratio {number(estimate.value)}"
        if kind == "ratio"
        else f"difference {number(estimate.value)}"
    )
    return (
        f"{rate.name} {frequency(float(rates[1]))} for {names[low]}, "
        f"{frequency(float(rates[0]))} for {names[high]}: {what}"
    )


def _champion(
    evidence: Evidence,
    counts: GroupCounts,
    rate: Rate,
    kind: Kind,
    params: CheckParams,
    names: Sequence[str],
) -> Comparison | None:
    """Compare with the champion's decisions on the same rows, pair by pair."""
    if counts.table.shape[3] < 2:
        return None
    x_new, n_new = rate.counts(counts.table, evidence.subject)
    earlier = counts.table.swapaxes(2, 3)
    x_old, n_old = rate.counts(earlier, evidence.subject)
    covariance = None
    if rate.fixed_denominator:
        covariance = _covariance(counts, rate, evidence, x_new, x_old, n_new)
    change = widened(
        x_new,
        n_new,
        x_old,
        n_old,
        kind=kind,
        confidence=params.confidence,
        covariance=covariance,
    )
    if not change.pair:
        return None
    # `widened` counts the growth of a gap; the ratio falls by as much as its gap grows
    ratio = kind == "ratio"
    return Comparison(
        value=_plain_value(x_old, n_old, kind),
        delta=-change.delta if ratio else change.delta,
        lower=-change.upper if ratio else change.lower,
        upper=-change.lower if ratio else change.upper,
        group=" and ".join(names[i] for i in change.pair),
        paired=covariance is not None,
    )


def _plain_value(x: np.ndarray, n: np.ndarray, kind: Kind) -> float:
    rates = x[n > 0] / n[n > 0]
    if kind == "difference":
        return float(rates.max() - rates.min())
    return float(rates.min() / rates.max()) if rates.max() > 0 else math.nan


def _covariance(
    counts: GroupCounts,
    rate: Rate,
    evidence: Evidence,
    x_new: np.ndarray,
    x_old: np.ndarray,
    n: np.ndarray,
) -> np.ndarray:
    """Return the covariance of new and old rate in each group, from the rows where both agree."""
    both = np.zeros_like(counts.table[:, :, :, 0])
    both[:, :, 0], both[:, :, 1] = counts.table[:, :, 0, 0], counts.table[:, :, 1, 1]
    agree, _ = rate.counts(both, evidence.subject)
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance: np.ndarray = (agree / n - (x_new / n) * (x_old / n)) / n
    return covariance
