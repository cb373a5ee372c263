"""The approved baseline: aggregates of an approved run, who approved it, and what changed since.

The file holds values, counts and intervals of findings, group counts and hashes; never a row. It
is sorted and indented, so that a review reads its diff.
"""

from __future__ import annotations

from pytest_aipm.baseline.comparison import comparable, compare
from pytest_aipm.baseline.file import (
    Baseline,
    PolicyBaseline,
    Retraining,
    read_baseline,
    write_baseline,
)
from pytest_aipm.baseline.retrains import LEAST, spreads

__all__ = [
    "LEAST",
    "Baseline",
    "PolicyBaseline",
    "Retraining",
    "comparable",
    "compare",
    "read_baseline",
    "spreads",
    "write_baseline",
]
