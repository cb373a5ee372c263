"""The search for the worst slice, through the whole of evidence and check."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from measuring import evidence_of, measure
from scipy.stats import binom

import pytest_aipm
from pytest_aipm.baseline import write_baseline
from pytest_aipm.catalog import Catalog
from pytest_aipm.checks.base import Measurement
from pytest_aipm.errors import CheckError, DataError, PolicyError
from pytest_aipm.records import Because, Finding
from pytest_aipm.report.publish import publishable

LETTERS = np.array(list("abcdefgh"), dtype=object)


def people(seed: int, n: int, *, columns: int = 8, values: int = 3, harm: float = 0.0):
    """Rows whose every third decision is wrong; in c0 = a, c1 = b more of them by `harm`."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({f"c{j}": LETTERS[rng.integers(0, values, n)] for j in range(columns)})
    planted = (frame["c0"] == "a") & (frame["c1"] == "b")
    wrong = rng.random(n) < 0.3 + harm * planted
    y = rng.integers(0, 2, n)
    return frame.assign(y=y, pred=np.where(wrong, 1 - y, y))


def worst(frame: pd.DataFrame, **params) -> Measurement:
    columns = tuple(name for name in frame.columns if name not in ("y", "pred"))
    return measure("fairness.worst_slice", frame, by=(), **{"columns": columns, **params})


def named(measured: Measurement) -> dict[str, str]:
    return measured.groups[0].group


def test_a_model_without_a_harmed_slice_shows_harm_in_at_most_one_of_twenty_samples():
    runs = 120
    lower = [worst(people(seed, 1200, columns=4)).estimate.lower for seed in range(runs)]
    # even against a limit of nearly nothing
    assert sum(end > 0.0001 for end in lower) <= binom.ppf(0.999, runs, 0.05)
    assert not any(end > 0.1 for end in lower)


def test_a_harmed_tenth_of_five_thousand_rows_is_found_and_named():
    found = [worst(people(seed, 5000, harm=0.28)) for seed in range(30)]
    told = [named(each) == {"c0": "a", "c1": "b"} and each.estimate.lower > 0.1 for each in found]
    assert sum(told) >= 27
    assert np.mean([each.estimate.value for each in found]) == pytest.approx(0.25, abs=0.02)


def test_a_hundred_thousand_rows_of_eight_columns_take_less_than_a_second():
    frame = people(0, 100_000, harm=0.25)
    spent = []
    for _ in range(3):
        start = time.process_time()
        worst(frame)
        spent.append(time.process_time() - start)
    assert min(spent) < 1


def test_no_order_of_rows_or_columns_changes_what_is_found():
    frame = people(1, 2000, columns=4, harm=0.2)
    shuffled = frame.sample(frac=1, random_state=1).reset_index(drop=True)
    first, other = worst(frame), worst(shuffled)
    assert first.groups == other.groups
    assert first.series == other.series
    assert first.estimate.parts == other.estimate.parts
    turned = worst(frame, columns=("c3", "c2", "c1", "c0"))
    assert turned.estimate.parts == first.estimate.parts


def test_another_seed_splits_the_rows_otherwise():
    frame = people(1, 2000, columns=4, harm=0.2)
    asked = policy()
    settings = [pytest_aipm.audit(asked, data=frame, seed=seed).findings[0] for seed in (0, 0, 1)]
    assert settings[0] == settings[1]
    assert settings[0].value != settings[2].value


def test_the_table_holds_the_slices_measured_and_the_one_that_sets_the_upper_end():
    found = worst(people(2, 5000, columns=4, harm=0.28))
    *confirmed, half, widest, everyone = found.groups
    assert {group.part for group in (*confirmed, half)} == {"accuracy, confirming half"}
    assert {group.part for group in (widest, everyone)} == {"accuracy, on all rows: the upper end"}
    assert (half.group, half.judged, everyone.group, everyone.n) == ({}, False, {}, 5000)
    assert len(confirmed) <= 5
    (chart,) = found.series
    assert chart.x[0] == "c0 = a, c1 = b"
    assert len(chart.x) == len(confirmed)
    overall = found.estimate.confirmed
    assert (half.value, half.denominator) == (1 - overall.all_x / overall.all_n, overall.all_n)
    for i, group in enumerate(confirmed):
        # the table shows accuracy; the chart how much less of it
        assert group.denominator == chart.counts[i]
        assert 1 - overall.all_x / overall.all_n - group.value == pytest.approx(chart.y[i])
        assert chart.lo[i] <= chart.y[i] <= chart.hi[i]
        told = float(group.note.partition("divergence ")[2].partition(",")[0])
        assert told == pytest.approx(chart.y[i], abs=6e-4)
    assert found.estimate.lower == chart.lo[0] == max(chart.lo)
    assert found.n == 5000
    assert found.notes[0].startswith("searched ")


def test_the_halves_share_no_row():
    frame = people(3, 3000, columns=3, harm=0.2)
    found = worst(frame, columns=("c0",))
    whole = found.estimate.everyone
    part = found.estimate.confirmed
    assert part.all_n < whole.all_n
    inside = {group.group["c0"]: group for group in found.groups[:-3]}
    for letter, group in inside.items():
        assert group.n < (frame["c0"] == letter).sum()


def test_rare_values_columns_left_out_and_small_denominators_are_counted():
    frame = people(4, 1000, columns=2)
    frame.loc[:9, "c0"] = "z"
    found = worst(frame.assign(one="x"))
    assert "not searched: one (one value only)" in found.notes
    assert "rows whose value is too rare to be searched: c0 10" in found.notes
    none = frame.assign(y=np.where(frame["c0"] == "a", 0, frame["y"]))
    found = worst(none, rate="false_negative_rate")
    assert found.estimate.upper == 1
    assert any("have no row in the rate's denominator" in note for note in found.notes)
    found = worst(none, rate="false_negative_rate", min_group_size=20)
    assert found.estimate.upper < 1
    assert any(note.startswith("not judged: ") for note in found.notes)


@pytest.mark.parametrize(
    ("unknown", "because"),
    [("report", Because.UNKNOWN), ("group", None), ("fail", Because.UNKNOWN)],
)
def test_people_of_unknown_attribute_follow_the_policy(unknown, because):
    frame = people(5, 1500, columns=2).rename(columns={"c0": "sex"})
    frame.loc[frame["sex"] == "c", "sex"] = None
    module = Catalog().load("fairness.worst_slice")
    told = module.Params(columns=("sex", "c1"), unknown=unknown)
    found = module.check(evidence_of(frame, module, told, by=("sex",)), told)
    assert (found.breach and found.breach[0]) == because
    assert found.unknown == (0 if unknown == "group" else frame["sex"].isna().sum())
    assert found.n == 1500


def policy(**asked) -> dict:
    protected = asked.pop("protected", {})
    return {
        "aipm": 1,
        "name": "search",
        "context": {"purpose": "a search", "owner": "tests@example.org"},
        "subject": {
            "task": "binary",
            "label": "y",
            "predictions": "pred",
            "positive": 1,
            "protected": protected,
        },
        "checks": [
            {"check": "fairness.worst_slice", "id": "worst", "limit": {"max": 0.1}, **asked}
        ],
    }


def audited(frame: pd.DataFrame, **asked) -> Finding:
    (finding,) = pytest_aipm.audit(policy(**asked), data=frame).findings
    return finding


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"columns": ["c9"]}, "column 'c9'"),
        ({"columns": ["c0", "y"]}, "is a label"),
        ({"columns": ["money"]}, "bins: {money: [...]}"),
        ({"columns": ["c0"], "bins": {"mony": [1.0]}}, "'mony', which is not searched"),
        ({"columns": ["text"]}, "more than 200 values"),
    ],
)
def test_a_column_that_does_not_serve_is_an_error_that_says_how_to_mend(asked, said):
    frame = people(6, 500, columns=2)
    frame = frame.assign(money=np.arange(500) * 0.5, text=[f"t{i}" for i in range(500)])
    finding = audited(frame, **asked)
    assert finding.verdict == "error"
    assert said in finding.reason


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"bins": {"money": [3, 1]}}, "ascend"),
        ({"bins": {"money": []}}, "ascend"),
        ({"max_depth": 0}, "max_depth"),
        ({"min_support": 0}, "min_support"),
        ({"rate": "recall"}, "rate"),
        ({"colums": ["c0"]}, "did you mean 'columns'"),
        ({"by": "c0"}, "takes no 'by'"),
        ({"limit": {"max": 10}}, "can never be broken"),
    ],
)
def test_a_policy_that_asks_for_what_cannot_be_is_refused(asked, said):
    with pytest.raises(PolicyError, match=said):
        audited(people(6, 50, columns=2), **asked)


def test_too_many_columns_to_combine_are_an_error():
    frame = people(7, 60, columns=8)
    many = {f"d{i}": frame["c0"] for i in range(60)}
    with pytest.raises(CheckError, match="name fewer `columns:`"):
        worst(frame.assign(**many))


def test_labels_of_one_class_are_an_error_and_equal_decisions_are_not():
    frame = people(8, 2000, columns=2)
    with pytest.raises(DataError, match="one class only"):
        worst(frame.assign(y=1))
    found = worst(frame.assign(pred=1), rate="selection_rate")
    assert found.estimate.value == 0
    assert found.estimate.upper < 0.1


def test_where_nothing_divides_the_rows_nothing_is_judged():
    frame = people(9, 300, columns=2)[["c0", "y", "pred"]].assign(c0="a")
    finding = audited(frame, columns=["c0"])
    assert (finding.verdict, finding.because) == ("not_judged", "no_evidence")
    assert "nothing to compare" in finding.reason
    half = frame.assign(c0=np.where(np.arange(300) < 60, "a", "b"), y=(np.arange(300) >= 60) * 1)
    finding = audited(half, columns=["c0"], rate="false_positive_rate")
    assert (finding.verdict, finding.because) == ("not_judged", "no_evidence")
    assert "denominator" in finding.reason


def test_bins_cut_numbers_and_the_harmed_band_is_named():
    rng = np.random.default_rng(10)
    age = rng.uniform(18, 80, 6000)
    y = rng.integers(0, 2, 6000)
    wrong = rng.random(6000) < np.where(age < 25, 0.5, 0.2)
    frame = pd.DataFrame({"age": age, "y": y, "pred": np.where(wrong, 1 - y, y)})
    finding = audited(frame, columns=["age"], bins={"age": [25, 60]})
    assert finding.verdict == "fail"
    assert finding.groups[0].group == {"age": "<25"}
    protected = {"band": {"column": "age", "bins": [25, 60], "labels": ["young", "mid", "old"]}}
    finding = audited(frame, columns=["band"], protected=protected)
    assert finding.groups[0].group == {"band": "young"}


def test_a_regression_with_a_rule_of_decision_is_searched_for_selection_rates():
    rng = np.random.default_rng(11)
    region = rng.choice(["north", "south"], 4000)
    frame = pd.DataFrame(
        {"region": region, "y": rng.random(4000), "s": rng.random(4000) - 0.3 * (region == "north")}
    )
    asked = policy(rate="selection_rate", columns=["region"])
    asked["subject"] = {
        "task": "regression",
        "label": "y",
        "predictions": "s",
        "decision": {"threshold": 0.4, "favorable_when": "above"},
    }
    (finding,) = pytest_aipm.audit(asked, data=frame).findings
    assert finding.verdict == "fail"
    assert finding.groups[0].group == {"region": "north"}


def test_published_views_withhold_the_numbers_of_a_small_slice():
    frame = people(12, 400, columns=2)
    asked = policy(columns=["c0", "c1"], rate="false_negative_rate")
    asked["publish"] = {"min_cell": 40}
    record = pytest_aipm.audit(asked, data=frame)
    (finding,) = publishable(record).findings
    small = [i for i, each in enumerate(record.findings[0].groups) if each.denominator < 40]
    assert small
    for i in small:
        assert finding.groups[i].value is None
        assert "withheld" in finding.groups[i].note
    assert (finding.value, finding.interval, finding.series) == (None, None, ())
    assert "c0 =" not in finding.reason


def test_fewer_rows_alone_do_not_turn_a_found_harm_green(tmp_path: Path):
    frame = people(13, 6000, columns=4, harm=0.28)
    record = pytest_aipm.audit(policy(), data=frame, root=tmp_path)
    assert record.findings[0].verdict == "fail"
    path = tmp_path / "baseline.json"
    write_baseline(record, path, by="me", reason="known", when="2026-01-01T00:00:00Z")
    thin = pytest_aipm.audit(policy(), data=frame.iloc[:300], root=tmp_path, baseline=path)
    assert (thin.findings[0].verdict, thin.findings[0].because) == ("fail", "evidence_lost")
    mended = people(14, 20_000, columns=4)
    again = pytest_aipm.audit(policy(), data=mended, root=tmp_path, baseline=path)
    assert again.findings[0].verdict == "pass"
