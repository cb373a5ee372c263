"""Small sibling of the benchmark of decision logs: fixed seeds, the same code."""

from __future__ import annotations

import pytest
from test_benchmarks_paired import load


@pytest.fixture(scope="module")
def governance():
    return load("governance")


def test_a_true_value_at_the_limit_seldom_fails(governance) -> None:
    failed = [governance.failures(cell, 40) for cell in governance.NULLS if cell.decisions <= 1000]
    # 6 of 40 is the 99th percentile of a true 5 %
    assert len(failed) == 7
    assert max(failed) <= 6


def test_a_planted_fault_is_caught(governance) -> None:
    caught = [governance.failures(cell, 10) for cell in governance.FAULTS]
    assert min(caught) >= 8
