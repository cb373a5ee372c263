"""Checks on rows: equal to other libraries, clear about bad input, silent about people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, median_abs_deviation
from statsmodels.stats.stattools import robust_skewness

import pytest_aipm
from pytest_aipm.catalog import Catalog
from pytest_aipm.evidence.columns import Columns
from pytest_aipm.evidence.fences import beyond, quartile_skewness
from pytest_aipm.evidence.sample import hash_rows
from pytest_aipm.policy.load import policy_from
from pytest_aipm.records import Finding

RULES = {"columns": {"x": {"type": "number"}}}


def found(check: str, frame: pd.DataFrame, told: dict[str, Any] | None = None, **subject: Any):
    policy = {
        "aipm": 1,
        "name": "rows",
        "context": {"purpose": "Look at rows", "owner": "tests@example.org"},
        "subject": {"task": "binary", **subject},
        "checks": [{"check": check, "id": "node", **(told or {})}],
    }
    record = pytest_aipm.audit(policy, data=frame)
    (finding,) = record.findings
    assert isinstance(finding, Finding)
    return finding


@pytest.fixture
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 400
    frame = pd.DataFrame(
        {
            "x": rng.lognormal(size=n),
            "few": rng.integers(0, 3, n),
            "word": rng.choice(["a", "b", None], n),
            "y": rng.integers(0, 2, n),
            "sex": rng.choice(["f", "m"], n),
        }
    )
    frame.loc[rng.random(n) < 0.2, "x"] = np.nan
    return frame


def test_missing_values_are_those_of_pandas(rows):
    assert found("data.missing", rows).value == rows.isna().mean().max()
    cells = found("data.missing", rows, {"measure": "cells"}).value
    assert cells == pytest.approx(rows.isna().to_numpy().mean(), abs=1e-9)
    gaps = found("data.missing", rows, {"measure": "rows"}).value
    assert gaps == pytest.approx(rows.isna().any(axis=1).mean(), abs=1e-9)
    by = found("data.missing", rows, {"by": "sex"}, protected={"sex": "sex"})
    each = rows.drop(columns="sex").isna().groupby(rows["sex"]).mean()
    assert by.value == pytest.approx((each.max() - each.min()).max(), abs=1e-9)


def test_copies_and_conflicts_are_those_of_pandas(rows):
    frame = rows[["few", "word", "y"]]
    found_ = found("data.duplicates", frame, label="y")
    assert found_.value == pytest.approx(frame.duplicated().mean(), abs=1e-9)
    same = frame.groupby(["few", "word"], dropna=False)["y"].transform("nunique") > 1
    conflicts = found("data.duplicates", frame, {"limit": {"max_conflicts": 0.1}}, label="y")
    assert conflicts.value == pytest.approx(same.mean(), abs=1e-9)


def test_the_ends_of_a_balance_are_those_of_scipy(rows):
    rare = rows.assign(y=(np.arange(400) < 12).astype(int))
    finding = found("data.label_balance", rare, label="y")
    level = 1 - 2 * (1 - np.sqrt(0.95))
    exact = binomtest(12, 400).proportion_ci(confidence_level=level, method="exact")
    assert finding.interval[1] == pytest.approx(exact.high, abs=1e-9)
    plain = binomtest(12, 400).proportion_ci(confidence_level=0.90, method="exact")
    assert finding.interval[0] == pytest.approx(plain.low, abs=1e-9)


def test_fences_are_those_of_numpy_and_scipy_and_skewness_that_of_statsmodels(rows):
    known = rows["x"].dropna().to_numpy()
    first, second = (Columns.of(part[["x"]]) for part in (rows.iloc[:100], rows.iloc[100:]))
    cells = first.merge(second).found["x"]
    first, third = np.percentile(known, [25, 75])
    tukey = beyond(cells, "tukey", 1.5)
    fences = (first - 1.5 * (third - first), third + 1.5 * (third - first))
    assert (tukey.low, tukey.high) == pytest.approx(fences, abs=1e-9)
    assert tukey.below + tukey.above == int(((known < fences[0]) | (known > fences[1])).sum())
    mad = beyond(cells, "mad", 3.5)
    reach = 3.5 * median_abs_deviation(known, scale="normal")
    assert mad.high - np.median(known) == pytest.approx(reach, abs=1e-9)
    assert quartile_skewness(cells.numbers) == pytest.approx(robust_skewness(known)[1], abs=1e-9)
    double = beyond(cells, "double_mad", 3.5)
    right = known[known >= np.median(known)]
    assert double.high - np.median(known) == pytest.approx(
        3.5 * 1.482602218505602 * np.median(np.abs(right - np.median(known))), abs=1e-9
    )


def test_rows_are_hashed_as_pandas_hashes_them():
    frame = pd.DataFrame({"a": ["x", "y", "x"], "b": [1.0, 2.5, 1.0], "c": ["", "é", "\u202e"]})
    plain = frame.set_axis(range(3), axis=1)
    expected = pd.util.hash_pandas_object(plain, index=False).to_numpy()
    np.testing.assert_array_equal(hash_rows(frame, ["a", "b", "c"]), expected)


BAD = {
    "all missing": pd.DataFrame({"x": [None] * 30, "y": [np.nan] * 30}),
    "mixed types": pd.DataFrame({"x": [1, "a", 2.5, None, True] * 6, "y": [0, 1] * 15}),
    "dates in three ways": pd.DataFrame(
        {"x": ["2026-01-31", "31.01.2026", "01/31/2026"] * 10, "y": [0, 1, 1] * 10}
    ),
    "empty names": pd.DataFrame({"": [1] * 30, " ": [2] * 30, "x": [3] * 30, "y": [0, 1] * 15}),
    "one row": pd.DataFrame({"x": [1.5], "y": [1]}),
    "long cells": pd.DataFrame({"x": ["a" * 10_000, "b" * 10_000] * 15, "y": [0, 1] * 15}),
    "infinite": pd.DataFrame({"x": [np.inf, -np.inf, 1.0] * 10, "y": [0, 1, 1] * 10}),
    "lists": pd.DataFrame({"x": [[1], [2]] * 15, "y": [0, 1] * 15}),
    "half characters": pd.DataFrame(
        {"x": pd.Series(["\ud800", "a"] * 15, dtype=object), "y": [0, 1] * 15}
    ),
}
ASKED = {
    "data.schema": RULES,
    "data.missing": {},
    "data.duplicates": {},
    "data.label_balance": {},
    "data.outliers": {},
    "data.leakage": {},
}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("check", ASKED)
def test_bad_rows_are_measured_or_said_to_be_bad(check, what):
    finding = found(check, BAD[what], ASKED[check], label="y")
    assert finding.verdict in ("pass", "fail", "warn", "inconclusive", "not_judged"), finding.reason
    assert finding.reason
    assert "\n" not in finding.reason
    assert len(finding.reason) < 600
    assert "Traceback" not in finding.reason


def test_two_columns_of_one_name_are_refused_with_the_name():
    frame = pd.DataFrame([[1, 2, 0]] * 5, columns=["x", "x", "y"])
    finding = found("data.missing", frame)
    assert finding.verdict == "error"
    assert "'x' occurs 2 times" in finding.reason


@pytest.mark.parametrize(
    ("check", "told", "subject", "said"),
    [
        ("data.label_balance", {}, {}, "'data.label_balance' needs a label; add 'label'"),
        ("data.leakage", {}, {}, "'data.leakage' needs a label; add 'label'"),
        ("data.missing", {"of": "train"}, {}, "'data.missing' needs training rows; add 'train'"),
        ("data.schema", {}, {}, "nothing is expected; write `columns:"),
        ("data.missing", {"by": "sex", "measure": "cells"}, {"protected": {"sex": "sex"}}, "cells"),
        ("data.duplicates", {"key": ["x"]}, {}, "`key` is for a limit on keys"),
    ],
)
def test_what_a_policy_cannot_ask_is_refused_before_anything_is_read(
    rows, check, told, subject, said
):
    with pytest.raises(pytest_aipm.AipmError) as caught:
        found(check, rows, told, **subject)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("check", "told", "said"),
    [
        ("data.missing", {"columns": ["x", "wrod"]}, "did you mean 'word'?"),
        ("data.outliers", {"columns": ["xx"]}, "did you mean 'x'?"),
        ("data.duplicates", {"limit": {"max_keys": 0}}, "there is no key"),
        ("data.schema", {"pinned": "nowhere.yaml"}, "no such file of expected columns"),
    ],
)
def test_what_the_rows_do_not_have_is_an_error_with_its_remedy(rows, check, told, said):
    finding = found(check, rows, told)
    assert finding.verdict == "error"
    assert said in finding.reason


def test_no_value_of_anybody_is_in_what_is_found(rows: pd.DataFrame) -> None:
    secret = rows.assign(word="Zebedee Quux 4711", x=98765.4321)
    secret.loc[0, "word"] = "Zebedee Quux 4712"
    rules = {"columns": {"word": {"values": ["a"]}, "x": {"max": 10}}}
    for check, told in {**ASKED, "data.schema": rules}.items():
        told_ = found(check, secret, told, label="y").model_dump_json()
        assert "Zebedee" not in told_
        assert "98765" not in told_


def test_hostile_names_of_columns_are_escaped_in_every_view(tmp_path: Path) -> None:
    name = "<script>alert(1)</script>\u202e\x1b[31m" + "x" * 10_000
    frame = pd.DataFrame({name: [None, 1.0] * 150, "y": [0, 1] * 150})
    policy = {
        "aipm": 1,
        "name": "rows",
        "context": {"purpose": "Look at rows", "owner": "tests@example.org"},
        "subject": {"task": "binary", "label": "y"},
        "checks": [{"check": "data.missing"}, {"check": "data.leakage"}],
    }
    record = pytest_aipm.audit(policy, data=frame)
    record.write(tmp_path)
    assert all(finding.verdict == "fail" for finding in record.findings)
    for path in tmp_path.rglob("*"):
        if path.suffix in (".html", ".md"):
            text = path.read_text(encoding="utf-8")
            assert "<script>alert" not in text
            assert "\u202e" not in text
            assert "\x1b" not in text


def test_a_policy_of_rows_alone_is_one_and_says_so() -> None:
    policy = policy_from(
        {
            "aipm": 1,
            "name": "rows",
            "context": {"purpose": "Look at rows", "owner": "tests@example.org"},
            "subject": {"task": "binary", "data": "rows.csv", "label": "y"},
            "checks": [{"check": "data.missing"}],
        },
        path="rows.aipm.yaml",
        root=Path(),
        catalog=Catalog(),
    )
    assert policy.reading().startswith("the rows alone are audited, of which 'y' is the answer")
