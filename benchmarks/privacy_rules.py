"""What peers decide by, each rule in a few lines from its paper or documentation.

None of their packages is run for these, and each of them does more than the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from harness import stream
from scipy.stats import ks_2samp, mannwhitneyu

from pytest_aipm.evidence.attack import Score, attacks_on
from pytest_aipm.stats.exposure import exposure
from pytest_aipm.stats.parts import AucPart, rate_bounds

__all__ = ["RULES", "peers"]

FAIL = 1.0
"""Our own limit."""


def auc_point(members: np.ndarray, others: np.ndarray) -> bool:
    """Alarm at an area above 0.52."""
    return AucPart.from_scores(members, others).value > 0.52


def sacro_auc(members: np.ndarray, others: np.ndarray) -> bool:
    """Alarm as SACRO-ML: the area's p-value below 0.05."""
    return float(mannwhitneyu(members, others, alternative="greater").pvalue) < 0.05


def sacro_ks(members: np.ndarray, others: np.ndarray) -> bool:
    """Alarm as SACRO-ML: Kolmogorov and Smirnov's p-value below 0.05."""
    return float(ks_2samp(members, others).pvalue) < 0.05


def tpr_point(members: np.ndarray, others: np.ndarray) -> bool:
    """Alarm at twice as many members as others beyond the 1 % point of the others."""
    cut = np.quantile(others, 0.99)
    return float((members > cut).mean()) > 0.02


def tf_epsilon(members: np.ndarray, others: np.ndarray) -> bool:
    """Alarm as TF Privacy: the lower bound of epsilon at the best of all thresholds is above 0."""
    cuts = np.sort(np.concatenate([members, others]))
    m, k = len(members), len(others)
    x = m - np.searchsorted(np.sort(members), cuts)
    y = k - np.searchsorted(np.sort(others), cuts)
    low, high = rate_bounds(x, m, 0.025)[0], rate_bounds(y, k, 0.025)[1]
    none_low, none_high = rate_bounds(k - y, k, 0.025)[0], rate_bounds(m - x, m, 0.025)[1]
    return bool((low > high).any() or (none_low > none_high).any())


def meter_epsilon(members: np.ndarray, others: np.ndarray) -> bool:
    """Alarm as Privacy Meter: the best number of guesses shows an epsilon above 0 (grid of 40)."""
    score = np.concatenate([members, others])
    is_member = np.repeat([1, 0], [len(members), len(others)])[np.argsort(-score, kind="stable")]
    right_top = np.concatenate([[0], np.cumsum(is_member)])
    right_low = np.concatenate([[0], np.cumsum(1 - is_member[::-1])])
    tried = np.unique(np.linspace(0, len(score) // 2, 40).astype(int))
    one, two = np.meshgrid(tried, tried)
    r, v = one + two, right_top[one] + right_low[two]
    some = r > 0
    return bool((rate_bounds(v[some], r[some], 0.05)[0] > 0.5).any())


def ours(members: np.ndarray, others: np.ndarray) -> bool:
    """Alarm where the lower end of the implied epsilon is above 0."""
    return exposure(attacks_on((Score("loss", members, others),), "", 0)).lower > 0


def ours_fail(members: np.ndarray, others: np.ndarray) -> bool:
    """Alarm where the lower end is above the limit."""
    return exposure(attacks_on((Score("loss", members, others),), "", 0)).lower > FAIL


RULES: dict[str, Callable[[np.ndarray, np.ndarray], bool]] = {
    "AUC > 0.52, point": auc_point,
    "SACRO-ML, AUC p < 0.05": sacro_auc,
    "SACRO-ML, KS p < 0.05": sacro_ks,
    "TPR at 1 % FPR > 2 %, point": tpr_point,
    "TF Privacy, epsilon bound at the best threshold > 0": tf_epsilon,
    "Privacy Meter, epsilon at the best number of guesses > 0": meter_epsilon,
    "pytest-aipm, any signal (loss alone)": ours,
    "pytest-aipm, fail (loss alone)": ours_fail,
}


def peers(n: int, runs: int) -> Iterator[tuple[str, float]]:
    """Yield how often each rule alarms where members and others are drawn alike."""
    rng = stream("peers", n)
    samples = rng.normal(size=(runs, 2, n))
    for name, rule in RULES.items():
        yield name, sum(rule(*each) for each in samples) / runs
