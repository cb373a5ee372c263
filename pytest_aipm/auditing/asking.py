"""What a policy asks of one finding, in the terms of the judge, the record and the baseline."""

from __future__ import annotations

from pytest_aipm.auditing.settings import Settings
from pytest_aipm.baseline import Retraining
from pytest_aipm.checks.base import CheckParams
from pytest_aipm.judge import Rules
from pytest_aipm.policy.model import CheckSpec
from pytest_aipm.policy.scopes import Scope
from pytest_aipm.records import NO_WORSE, Asked

__all__ = ["asked_of", "rules_of", "tolerance_of"]


def rules_of(spec: CheckSpec, settings: Settings) -> Rules:
    """Return the rules that the judge applies."""
    return Rules(
        limit=spec.limit,
        warn=spec.warn,
        decide_on=spec.decide_on,
        confidence=spec.confidence,
        on_inconclusive=spec.on_inconclusive,
        severity=spec.severity,
        strict=settings.strict,
        seed=settings.seed,
    )


_SHARED = CheckParams.model_fields.keys() - {"reference"}
"""Parameters of every check, which the record holds elsewhere."""


def asked_of(spec: CheckSpec, scope: Scope) -> Asked:
    """Return what is asked beside limits, as record and baseline keep it."""
    regression = spec.regression
    params = spec.params[scope].model_dump(
        mode="json", exclude=set(_SHARED), exclude_none=True, by_alias=True
    )
    return Asked(
        max_change=None if regression is None else regression.max_change,
        max_total_change=None if regression is None else regression.max_total_change,
        no_worse=regression is not None and regression.no_worse,
        on_inconclusive=spec.on_inconclusive,
        min_group_size=spec.min_group_size,
        unknown=spec.unknown,
        max_unknown=spec.max_unknown,
        params=params,
    )


def tolerance_of(spec: CheckSpec, retraining: Retraining | None) -> tuple[float | None, str]:
    """Return the largest change for the worse, and in words where it comes from.

    Parameters
    ----------
    spec : CheckSpec
    retraining : Retraining or None
        What retrains of the approved recipe changed, where the baseline holds it.

    Returns
    -------
    allowed : float or None
        None when no change is forbidden.
    words : str
        Empty unless ``gate: no-worse`` chose it.
    """
    regression = spec.regression
    if regression is None:
        return None, ""
    if not regression.no_worse:
        return regression.max_change, ""
    if retraining is None:
        return NO_WORSE, "no-worse: no retrains were measured"
    return retraining.spread, f"no-worse: the spread of {retraining.n} retrains"
