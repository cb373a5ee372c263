"""Who has too small a share of the rows to be compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import pytest_aipm
from pytest_aipm.checks.shares import too_few
from pytest_aipm.stats.disparity import rate_ratio


def test_a_share_counts_rows_or_what_they_stand_for() -> None:
    sizes = np.array([900, 85, 15])
    assert too_few(0.02, sizes).left_out == (2,)
    assert too_few(None, sizes).left_out == ()
    assert too_few(0.02, sizes, np.array([900.0, 10.0, 90.0])).left_out == (1,)


@pytest.mark.parametrize(("few", "of"), [(7, 100), (2, 100), (14, 350), (1, 50)])
def test_a_group_of_exactly_the_share_is_compared(few: int, of: int) -> None:
    assert too_few(few / of, np.array([of - few, few])).left_out == ()


def test_nobody_is_left_out_of_nothing() -> None:
    found = too_few(0.5, np.array([], dtype=int))
    assert (found.left_out, found.kept(np.array([])).size) == ((), 0)


def test_a_group_left_out_changes_neither_value_nor_ends_nor_what_would_settle_it() -> None:
    x, n = [50, 40, 1], [100, 100, 3]
    with_few = rate_ratio(x, n, left_out=(2,))
    without = rate_ratio(x[:2], n[:2])
    assert with_few.value == without.value == 0.8
    assert (with_few.lower, with_few.upper) == (without.lower, without.upper)
    assert len(with_few.parts) == 3
    bounds = (0.7, None)
    assert with_few.rows_needed(bounds, seed=0) == without.rows_needed(bounds, seed=0)
    assert with_few.detectable(bounds, seed=0) == without.detectable(bounds, seed=0)
    many = with_few.at([size * 100 for size in n])
    assert many.value == pytest.approx(0.8)


@pytest.mark.parametrize(("weight", "judged"), [(1.0, False), (10.0, True)])
@pytest.mark.parametrize(
    "check",
    [
        {"check": "fairness.demographic_parity_ratio"},
        {"check": "fairness.score_gap", "measure": "above_median", "limit": {"min": 0.8}},
    ],
    ids=lambda check: check["check"],
)
def test_under_weights_the_share_is_one_of_weight(
    check: dict[str, object], weight: float, judged: bool, tmp_path: Path
) -> None:
    frame = pd.DataFrame(
        {
            "s": np.tile(np.linspace(0.05, 0.95, 10), 101),
            "sex": ["a"] * 500 + ["b"] * 500 + ["c"] * 10,
            "w": [1.0] * 1000 + [weight] * 10,
        }
    )
    policy = {
        "aipm": 1,
        "name": "shares",
        "context": {"purpose": "p", "owner": "o"},
        "subject": {
            "task": "binary",
            "scores": "s",
            "decision": {"threshold": 0.5},
            "positive": 1,
            "label": "y",
            "weights": "w",
            "protected": {"sex": "sex"},
        },
        "checks": [{"id": "node", "min_share": 0.02, **check}],
    }
    frame["y"] = np.arange(len(frame)) % 2
    (finding,) = pytest_aipm.audit(policy, data=frame, root=tmp_path).findings
    few = next(group for group in finding.groups if group.group == {"sex": "c"})
    assert few.judged is judged
    assert few.value == pytest.approx(0.5)
    assert ("not compared: 0.99% of the rows" in few.note) is not judged
