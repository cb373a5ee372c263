"""Disparities between groups: rates, equalized odds, and any number that has bounds."""

from __future__ import annotations

from pytest_aipm.stats.equalized_odds import (
    EqualizedOdds,
    equalized_odds_difference,
    equalized_odds_ratio,
)
from pytest_aipm.stats.part_disparity import PartDisparity, part_difference, part_ratio
from pytest_aipm.stats.rate_disparity import (
    RateDisparity,
    Reference,
    rate_difference,
    rate_ratio,
)

__all__ = [
    "EqualizedOdds",
    "PartDisparity",
    "RateDisparity",
    "Reference",
    "equalized_odds_difference",
    "equalized_odds_ratio",
    "part_difference",
    "part_ratio",
    "rate_difference",
    "rate_ratio",
]
