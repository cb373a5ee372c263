"""What only rows can show of calibration: against brute force, and what the report draws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from measuring import measure
from scipy.stats import binom
from sklearn.metrics import mean_pinball_loss

import pytest_aipm
from pytest_aipm.errors import PolicyError
from pytest_aipm.stats.disparity import part_difference
from pytest_aipm.stats.parts import MeanPart

SCORED = {"predictions": None, "scores": "s"}


def scored(seed: int = 0, n: int = 1200, shift: float = 0.1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"sex": rng.choice(["f", "m", "x"], n, p=[0.3, 0.5, 0.2])})
    chance = rng.beta(3, 3, n)
    frame["y"] = rng.binomial(1, chance)
    frame["s"] = np.clip(chance + np.where(frame["sex"] == "x", shift, 0), 0, 1)
    return frame


def test_the_value_is_the_widest_distance_of_mean_label_less_mean_score() -> None:
    frame = scored()
    found = measure("fairness.calibration_gap", frame, subject=SCORED)
    mean = (frame["y"] - frame["s"]).groupby(frame["sex"]).mean()
    assert {each.group["sex"]: each.value for each in found.groups} == pytest.approx(mean.to_dict())
    assert found.estimate.value == pytest.approx(mean.max() - mean.min())
    parts = [
        MeanPart.from_values((frame["y"] - frame["s"])[frame["sex"] == sex], limits=(-1, 1))
        for sex in "fmx"
    ]
    expected = part_difference(parts, 0.95)
    ends = (found.estimate.lower, found.estimate.upper)
    assert ends == pytest.approx((expected.lower, expected.upper))


def test_lines_of_the_groups_are_drawn_beside_the_diagonal() -> None:
    found = measure("fairness.calibration_gap", scored(), subject=SCORED)
    names = [each.name for each in found.series]
    assert names == ["f", "m", "x"]
    for each in found.series:
        assert each.kind == "reliability"
        assert len(each.x) == len(each.y) == len(each.counts) == 10
        assert all(low <= y <= high for low, y, high in zip(each.lo, each.y, each.hi, strict=True))
    assert sum(sum(each.counts) for each in found.series) == 1200


def test_the_report_draws_them(tmp_path: Path) -> None:
    asked = {
        "aipm": 1,
        "name": "scored",
        "context": {"purpose": "a case", "owner": "tests@example.org"},
        "subject": {
            "task": "binary",
            "scores": "s",
            "label": "y",
            "positive": 1,
            "protected": {"sex": "sex"},
        },
        "checks": [{"check": "fairness.calibration_gap", "limit": {"max": 0.05}}],
    }
    record = pytest_aipm.audit(asked, data=scored(), root=tmp_path)
    record.write(tmp_path / "report")
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "Share of positives in it against mean score of a bin. Dotted" in page
    assert "<desc>f; m; x</desc>" in page


def test_many_groups_show_the_deciding_ones_and_the_largest() -> None:
    rng = np.random.default_rng(1)
    frame = scored(1, 4000).assign(sex=rng.choice(list("abcdefgh"), 4000))
    frame.loc[frame["sex"] == "h", "s"] *= 0.5
    found = measure("fairness.calibration_gap", frame, subject=SCORED)
    names = [each.name for each in found.series]
    assert len(names) == 6
    assert {found.part_names[i] for i in found.estimate.pair} <= set(names)


def test_a_gap_at_its_limit_fails_at_most_one_time_in_twenty() -> None:
    """Three groups of 60, 200 and 740 rows, the smallest promised 0.05 too much."""
    runs, sizes = 2000, (60, 200, 740)
    rng = np.random.default_rng(5)
    parts = []
    for size, shift in zip(sizes, (0.05, 0.0, 0.0), strict=True):
        chance = rng.beta(2, 5, (runs, size)) * 0.9
        gap = rng.binomial(1, chance) - (chance + shift)
        parts.append([MeanPart.from_values(row, limits=(-1, 1)) for row in gap])
    found = [part_difference(each, 0.95) for each in zip(*parts, strict=True)]
    assert np.mean([each.lower > 0.05 for each in found]) <= binom.ppf(0.99, runs, 0.05) / runs


def test_the_pinball_loss_is_that_of_scikit_learn_in_every_group() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"sex": np.resize(["f", "m"], 500), "y": rng.normal(10, 3, 500)})
    frame["pred"] = 11 + rng.normal(0, 2, 500)
    asked = {"metric": "pinball", "quantile": 0.9, "subject": {"task": "regression"}}
    found = measure("performance.metric", frame, **asked)
    for each in found.groups:
        own = frame[frame["sex"] == each.group["sex"]]
        loss = mean_pinball_loss(own["y"], own["pred"], alpha=0.9)
        assert each.value == pytest.approx(loss)
        rows = np.where(own["y"] > own["pred"], 0.9, 0.1) * (own["y"] - own["pred"]).abs()
        expected = MeanPart.from_values(rows, limits=(0, np.inf)).bound(0.05)
        assert each.interval == pytest.approx(expected)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"metric": "pinball"}, "needs the `quantile`"),
        ({"metric": "mae", "quantile": 0.9}, "belongs to the metric pinball"),
        ({"metric": "pinball", "quantile": 1}, "quantile"),
    ],
)
def test_a_quantile_stands_where_it_belongs(asked: dict, said: str, tmp_path: Path) -> None:
    policy = {
        "aipm": 1,
        "name": "numbers",
        "context": {"purpose": "a case", "owner": "tests@example.org"},
        "subject": {"task": "regression", "predictions": "pred", "label": "y"},
        "checks": [{"check": "performance.metric", "limit": {"max": 1}, **asked}],
    }
    with pytest.raises(PolicyError, match=said):
        pytest_aipm.audit(policy, data=pd.DataFrame({"y": [1.0], "pred": [1.0]}), root=tmp_path)


def test_the_debiased_error_by_group_is_a_ceiling_for_each() -> None:
    frame = scored(3, 6000, shift=0.2)
    found = measure("performance.metric", frame, metric="ece", subject=SCORED)
    values = {each.group["sex"]: each.value for each in found.groups}
    assert max(values, key=values.get) == "x"
    assert values["x"] > 0.1 > max(values["f"], values["m"])
    assert found.estimate.value == values["x"]
