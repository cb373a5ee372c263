"""The spread of honest retrains, finding by finding, from audits of several fits of one recipe."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pytest_aipm.baseline.file import Retraining
from pytest_aipm.baseline.stored import group_key
from pytest_aipm.records import Audit, Finding, GroupValue
from pytest_aipm.stats.retraining import retrain_bound, widenings

__all__ = ["LEAST", "spreads"]

LEAST = 5
"""Fewer retrains say little: with 5 the bound is 1.3 times as wide as with very many, with 3
already 1.8 times."""

DIGITS = 4
"""Spreads are rounded up to so many decimals, so that a tolerance can be read."""


def spreads(audits: Sequence[Audit]) -> dict[str, Retraining]:
    """Return how much each finding changes between retrains.

    What is measured is what a comparison with the baseline reports: for disparities of rates the
    pair of groups whose gap widens most, for other groups the group that changes most, else the
    value itself.

    Parameters
    ----------
    audits : sequence of Audit
        Audits of one policy on the same rows, one a retrain, at least two.

    Returns
    -------
    mapping of finding id to Retraining
        A finding without a value in some audit is left out.
    """
    found = {}
    for finding in audits[0].findings:
        same = [next((f for f in each.findings if f.id == finding.id), None) for each in audits]
        known = [each for each in same if each is not None and each.value is not None]
        if len(known) < len(audits):
            continue
        spread = retrain_bound(_changes(known), finding.confidence or 0.95)
        if math.isfinite(spread):
            rounded = math.ceil(round(spread * 10**DIGITS, 6)) / 10**DIGITS
            found[finding.id] = Retraining(len(audits), rounded)
    return found


def _changes(findings: Sequence[Finding]) -> np.ndarray:
    """Return the changes between all pairs of retrains, shape (M, M).

    Both directions of each pair are in it, so whether up or down is worse makes no difference.
    """
    formula = findings[0].formula
    kind = "" if formula is None else formula.id
    groups = _common(findings)
    values = np.array([[finding.value for finding in findings]], dtype=float)
    if kind.endswith(("_difference", "_ratio")):
        counts = [[g for g in each if g.numerator is not None] for each in groups]
        if all(len(each) == len(groups[0]) >= 2 for each in counts):
            x = [[g.numerator or 0 for g in each] for each in counts]
            n = [[g.denominator or 0 for g in each] for each in counts]
            return widenings(x, n, ratio=kind.endswith("_ratio"))
    elif groups[0]:
        each_group = np.array([[g.value for g in each] for each in groups], dtype=float).T
        defined = np.isfinite(each_group).all(axis=1)
        values = each_group[defined] if defined.any() else values
    return np.asarray((values[:, :, None] - values[:, None, :]).max(axis=0))


def _common(findings: Sequence[Finding]) -> list[list[GroupValue]]:
    """Return the judged groups that every retrain has, in one order; parts are no groups."""
    named = [{group_key(g): g for g in each.groups if g.judged and not g.part} for each in findings]
    keys = [key for key in named[0] if all(key in each for each in named)]
    return [[each[key] for key in keys] for each in named]
