"""Measurements taken again from what a finding records: by the check itself, or by its statistic.

========================  ====================================================================
what a finding holds      how it is measured again
========================  ====================================================================
counts of a rate a group  the check is run on them: value, interval, groups, formula, sentence
a rate over all rows      value times denominator are the events; the check is run on them
share above the median    the counts of each group, by the function that the check calls
a share of rows tried     Clopper-Pearson ends of its events
rates of a log            score tests of the counts of its groups, or Clopper-Pearson ends
a count of the rows       both ends are the value
anything else             not at all: it rests on scores, resampled rows, a search or a function
========================  ====================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_aipm.checks.base import CheckParams, Measurement
from pytest_aipm.checks.between import between
from pytest_aipm.checks.compare import reference_of, unknown_breach
from pytest_aipm.checks.measured import Measured
from pytest_aipm.checks.metric_names import ALIASES, RATE_METRICS
from pytest_aipm.checks.rates import RATES, Rate
from pytest_aipm.checks.words import frequency
from pytest_aipm.records import Audit, Because, Finding, Formula
from pytest_aipm.stats.disparity import rate_difference
from pytest_aipm.stats.estimate import Estimate
from pytest_aipm.stats.parts import RatePart
from pytest_aipm.stats.single import census, rate
from pytest_aipm.verification.known import catalog
from pytest_aipm.verification.recounted import (
    Recounted,
    classes_of,
    is_designed,
    is_of_each_class,
    subject_of,
    table_of,
)

__all__ = ["BY_NAME", "Remeasured", "breach_of", "params_of", "remeasured"]

OF_GROUPS = {
    "demographic_parity": "selection_rate",
    "equal_opportunity": "true_positive_rate",
    "false_positive_rate": "false_positive_rate",
    "false_negative_rate": "false_negative_rate",
    "predictive_parity": "precision",
    "accuracy": "accuracy",
}
"""Which rate a disparity compares, by the name of its check without its ending."""

BY_NAME = ("performance.metric", "fairness.group_metric")
"""Checks of any metric, which their parameter names."""

SHARES = ("explain.protected_flip", "operations.error_rate")
CENSUS = (
    "data.duplicates",
    "data.outliers",
    "data.preprocessing_leakage",
    "data.schema",
    "explain.additivity",
    "explain.monotone",
    "explain.reason_codes",
    "framing.claims",
    "framing.documented",
    "governance.audit_age",
    "governance.context_complete",
    "governance.incidents",
    "governance.model_card",
    "governance.sign_off",
    "governance.waivers",
    "operations.model_size",
    "privacy.dp_claim",
    "privacy.forbidden_features",
    "privacy.k_anonymity",
    "privacy.pii",
    "privacy.small_leaves",
    "privacy.stored_rows",
    "privacy.train_test_overlap",
)

OVERSIGHT = "governance.oversight"
"""Its counts are of a log, not of the audited rows."""


@dataclass(frozen=True)
class Remeasured:
    """A measurement, and how much of the finding it speaks of.

    ``whole`` is whether groups, formula and sentence were made anew, too; ``counted`` whether the
    numbers of rows and people are those of the check, which effective counts do not tell.
    """

    measurement: Measurement
    whole: bool
    counted: bool = True


def remeasured(  # noqa: PLR0911 - one line a row of the table above
    finding: Finding, audit: Audit, *, seed: int
) -> Remeasured | str:
    """Measure a finding again from its own counts.

    Parameters
    ----------
    finding : Finding
    audit : Audit
        The policy's part of the record.
    seed : int
        Of the run.

    Returns
    -------
    Remeasured or str
        In words on what a finding rests that the record does not hold.

    Raises
    ------
    AipmError, ValueError
        When the counts contradict each other, or are none.
    """
    told = audit.subject
    if told is None or finding.asked is None:
        return "what the record does not say"
    if finding.check in CENSUS:
        return _alone(finding, census(_value(finding), _size(finding)))
    if finding.check in SHARES and finding.value is not None:
        return _alone(finding, _share(finding))
    if finding.check == OVERSIGHT:
        return _overseen(finding, audit, seed)
    params = finding.asked.params
    metric = str(params.get("metric", ""))
    rates = None if params.get("average") else _rates(finding.check, metric)
    above = finding.check == "fairness.score_gap" and params.get("measure") == "above_median"
    if rates is None and not above:
        return _rests_on(finding.check, metric)
    designed, asked = is_designed(told), params_of(finding, seed)
    if designed and (asked.reference == "largest" or _shares(asked)):
        return "the weight of each group"
    subject = subject_of(told, finding=finding)
    if rates is not None and is_of_each_class(finding):
        each = classes_of(finding, audit, rates, subject, told.data.rows)
        return Remeasured(catalog().load(finding.check).check(each, asked), whole=True)
    counted = (RATES["selection_rate"],) if rates is None else rates
    evidence = Recounted(subject, table_of(finding, audit, counted, subject, told.data.rows))
    if rates is None:
        measurement = _above_median(finding, evidence, asked)
    else:
        measurement = catalog().load(finding.check).check(evidence, asked)
    if designed:  # rows needed, and rows without a group, are rows of the data, not effective ones
        breach = breach_of(finding, audit, asked)
        measurement = measurement.with_(n=finding.n, breach=breach)
        return Remeasured(measurement, whole=True, counted=False)
    return Remeasured(measurement, whole=True)


def params_of(finding: Finding, seed: int) -> Any:
    """Return what a built-in check was told, as the record keeps it."""
    asked = finding.asked
    assert asked is not None  # noqa: S101
    return (
        catalog()
        .load(finding.check)
        .Params(
            **{
                **asked.params,
                "by": finding.scope,
                "confidence": finding.confidence,
                "min_group_size": asked.min_group_size,
                "unknown": asked.unknown,
                "max_unknown": asked.max_unknown,
                "unit": finding.unit,
                "seed": seed,
            }
        )
    )


def breach_of(finding: Finding, audit: Audit, params: CheckParams) -> Any:
    """Return the failure by count of rows without a group, as the record's counts have it."""
    rows = None if audit.subject is None else audit.subject.data.rows
    if not finding.scope or rows is None:
        return None
    return unknown_breach(params, max(0, rows - finding.n), finding.n)


def _rates(check: str, metric: str) -> tuple[Rate, ...] | None:
    """Return the rates that a check counts, None when it counts none."""
    if check in BY_NAME:
        name = RATE_METRICS.get(ALIASES.get(metric, metric))
        return None if name is None else (RATES[name],)
    family, _, name = check.partition(".")
    what, _, kind = name.rpartition("_")
    if family != "fairness" or kind not in ("difference", "ratio"):
        return None
    if what == "equalized_odds":
        return RATES["true_positive_rate"], RATES["false_positive_rate"]
    return (RATES[OF_GROUPS[what]],) if what in OF_GROUPS else None


def _rests_on(check: str, metric: str) -> str:
    named = {
        "explain.importance": "answers about mixed rows",
        "explain.recourse": "answers about changed rows",
        "fairness.adjusted_disparity": "strata",
        "fairness.calibration_gap": "scores",
        "fairness.exposure_difference": "places in rankings",
        "fairness.exposure_ratio": "places in rankings",
        "fairness.individual_consistency": "neighbours",
        "fairness.score_gap": "scores",
        "fairness.worst_slice": "a search over slices",
        "framing.tradeoff": "what other checks found",
        "privacy.attribute_inference": "guesses of single rows",
        "privacy.dp_audit": "guesses of one run",
        "privacy.erasure": "losses of single rows",
        "privacy.exchangeability": "scores of single rows",
        "privacy.membership_by_group": "losses of single rows",
        "privacy.membership_inference": "losses of single rows",
        "privacy.membership_refits": "losses of single rows",
    }
    if check in named:
        return named[check]
    if check.startswith("operations."):
        return "times and memory of single calls"
    if check.startswith("explain."):
        return "attributions of single rows"
    if check in BY_NAME:
        return "a function of the project" if ":" in metric else "scores or resampled rows"
    return "a check that is not built in"


def _value(finding: Finding) -> float:
    if finding.value is None:
        raise ValueError("it was judged without a value")
    return finding.value


def _size(finding: Finding) -> float:
    if len(finding.sizes) != 1:
        raise ValueError("a share has one denominator")
    return finding.sizes[0]


def _share(finding: Finding) -> Estimate:
    size, events = _size(finding), _value(finding) * _size(finding)
    whole = round(events)
    near = abs(events - whole) <= 1e-6 * max(1.0, size)
    return rate(whole if near else events, size, finding.confidence or 0.95)


def _alone(finding: Finding, estimate: Estimate) -> Remeasured:
    """Return an estimate with the finding's own words about it."""
    # whether explanations are stable, or cases have groups, the record says and nothing can count
    told = finding.because in (Because.UNTRUSTED, Because.UNKNOWN)
    breach = (finding.because, finding.reason) if told and finding.because else None
    return Remeasured(
        Measurement(
            estimate=estimate,
            formula=finding.formula or Formula(id=""),
            summary="",
            n=finding.n,
            groups=finding.groups,
            part_names=finding.part_names,
            breach=breach,
        ),
        whole=False,
    )


def _overseen(finding: Finding, audit: Audit, seed: int) -> Remeasured | str:
    """Return a rate of a log, or the difference of such rates, from the counts of its groups."""
    if finding.unit:
        return "review times of single cases"
    if not finding.groups:
        return _alone(finding, _share(finding))
    params, told = params_of(finding, seed), audit.subject
    if not finding.scope or told is None:
        return "a column of the log"
    subject = subject_of(told)
    counts = table_of(finding, audit, (RATES["selection_rate"],), subject, None)
    x, n = RATES["selection_rate"].counts(counts.table, subject)
    reference = reference_of(Recounted(subject, counts), params, counts.grouping)
    level, least = params.confidence, params.min_group_size
    found = rate_difference(x, n, confidence=level, reference=reference, min_size=least)
    return _alone(finding, found)


def _above_median(finding: Finding, evidence: Recounted, params: CheckParams) -> Measurement:
    """Compare the shares above the median as the check does; only scores tell where that lies."""
    formula = finding.formula or Formula(id="")
    counts = evidence.counts(finding.scope)
    x, n = RATES["selection_rate"].counts(counts.table, evidence.subject)
    measured = Measured(
        grouping=counts.grouping,
        parts=[RatePart(float(a), float(b)) for a, b in zip(x, n, strict=True)],
        sizes=counts.sizes,
        unknown=counts.unknown,
        better="high",
        name="scoring rate",
        numerator_words=formula.numerator,
        denominator_words=formula.denominator,
        counts=(x, n),
    )
    return between(
        evidence,
        params,
        measured,
        "ratio",
        formula_id="scoring_rate_ratio",
        show=frequency,
        **_shares(params),
    )


def _shares(params: CheckParams) -> dict[str, Any]:
    """Return the smallest share of the rows that a group needs, where the check asks for one."""
    asked = getattr(params, "min_share", None)
    return {} if asked is None else {"min_share": asked}
