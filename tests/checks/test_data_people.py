"""Data checks about people: what cases cannot show, and bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from measuring import measure
from statsmodels.stats.contingency_tables import StratifiedTable

import pytest_aipm
from pytest_aipm.errors import AipmError
from pytest_aipm.evidence.period import Days, days_of
from pytest_aipm.records import Finding
from pytest_aipm.report import publishable

EVIL = "<script>alert(1)</script>\u202e" + "x" * 10_000


def policy(check: dict[str, Any], **subject: Any) -> dict[str, Any]:
    shared = {"task": "binary", "label": "y", "positive": 1, "predictions": "pred"}
    return {
        "aipm": 1,
        "name": "case",
        "context": {"purpose": "Try", "owner": "tests@example.org"},
        "subject": {**shared, "protected": {"sex": "sex"}, **subject},
        "checks": [check],
    }


def rows(n: int = 400, **columns: Any) -> pd.DataFrame:
    shared = {"sex": np.resize(["f", "m"], n), "y": np.resize([0, 1, 1], n), "pred": 1}
    return pd.DataFrame({**shared, **columns})


def found(check: dict[str, Any], frame: pd.DataFrame | None, root: Path, **subject: Any) -> Finding:
    objects = {} if frame is None else {"data": frame}
    record = pytest_aipm.audit(policy(check, **subject), root=root, **objects)
    return record.findings[0]


# -- representation ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("population", "said"),
    [
        ({"sex": {"f": 0.6, "m": 0.5}}, "of 'sex': the shares add up to 1.1, not 1"),
        ({"sex": {"f": 0.6, "m": 0.39}}, "add up to 0.99, not 1"),
        ({"sex": {"f": 1.2, "m": -0.2}}, "the share of 'm' is -0.2; write a number above 0"),
        ({"sex": {}}, "no group is named"),
        ({}, "states no shares"),
    ],
)
def test_a_population_that_is_none_is_refused_before_anything_runs(
    population: Any, said: str, tmp_path: Path
) -> None:
    check = {"check": "data.representation", "by": "sex", "population": population}
    with pytest.raises(AipmError, match=said):
        found(check, rows(), tmp_path)


def test_a_population_that_misses_one_by_rounding_is_not(tmp_path: Path) -> None:
    shares = {"sex": {"f": 0.499, "m": 0.499}}
    check = {"check": "data.representation", "by": "sex", "population": shares}
    assert found(check, rows(), tmp_path).value == 1.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sex,share\nf,0.5\nm,half\n", "does not hold numbers"),
        ("sex,share\nf,-0.5\nm,1.5\n", "holds -0.5"),
        ("sex,count\nf,0\nm,0\n", "holds zeros only"),
        ("sex,share\nf,0.5\n,0.5\n", "lacks a group or its number"),
        ("sex,share,count\nf,0.5,1\nm,0.5,1\n", "both `share` and `count`"),
    ],
)
def test_a_file_that_is_no_population_says_what_is_wrong(
    text: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "census.csv").write_text(text, encoding="utf-8")
    check = {"check": "data.representation", "by": "sex", "population": "census.csv"}
    finding = found(check, rows(), tmp_path)
    assert finding.verdict == "error"
    assert "census.csv" in finding.reason
    assert said in finding.reason


def test_joint_shares_of_a_mapping_are_asked_for_as_a_file(tmp_path: Path) -> None:
    check = {
        "check": "data.representation",
        "by": [["sex", "race"]],
        "population": {"sex": {"f": 0.5, "m": 0.5}},
    }
    subject = {"protected": {"sex": "sex", "race": "race"}}
    finding = found(check, rows(race="A"), tmp_path, **subject)
    assert "name a file with the columns sex, race" in finding.reason


def test_weights_and_people_widen_the_interval(tmp_path: Path) -> None:
    check = {
        "check": "data.representation",
        "by": "sex",
        "population": {"sex": {"f": 0.5, "m": 0.5}},
    }
    plain = found(check, rows(), tmp_path)
    twice = found(check, rows(who=np.repeat(np.arange(100), 4)), tmp_path, cluster="who")
    assert twice.value == plain.value
    assert twice.interval[0] < plain.interval[0]


# -- label bias ----------------------------------------------------------------------------------


def test_the_pooled_ratio_of_labels_is_that_of_statsmodels() -> None:
    rng = np.random.default_rng(0)
    frame = rows(900, given=rng.choice(list("abc"), 900), y=rng.integers(0, 2, 900))
    got = measure("data.label_bias", frame, given=("given",), compare="ratio", reference="m")
    tables = [
        [[((part.sex == s) & (part.y == v)).sum() for v in (1, 0)] for s in ("f", "m")]
        for _, part in frame.groupby("given")
    ]
    theirs = StratifiedTable([np.array(each, dtype=float) for each in tables])
    assert got.groups[0].value == pytest.approx(theirs.riskratio_pooled, rel=1e-9)


def test_a_matched_gap_does_not_depend_on_the_order_of_the_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    frame = rows(600, income=rng.normal(size=600), region=rng.choice(list("ab"), 600))
    check = {"check": "data.label_bias", "by": "sex", "limit": {"max": 0.1}}
    first = found(check, frame, tmp_path)
    again = found(check, frame.sample(frac=1, random_state=0), tmp_path)
    assert first.value == pytest.approx(again.value, abs=1e-12)
    assert first.interval == pytest.approx(again.interval, abs=1e-12)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"given": ["a"], "columns": ["a"]}, "keep one"),
        ({"compare": "ratio"}, "needs factors"),
        ({"given": ["a"], "bins": {"b": [1]}}, "not among `given`"),
        ({"given": ["a"], "bins": {"a": [2, 1]}}, "must rise"),
        ({"given": ["a", "a"]}, "twice"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(
    keys: dict[str, Any], said: str, tmp_path: Path
) -> None:
    check = {"check": "data.label_bias", "by": "sex", "limit": {"max": 0.1}, **keys}
    with pytest.raises(AipmError, match=said):
        found(check, rows(a=1), tmp_path)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"given": ["sex"]}, "'sex' is a protected attribute"),
        ({"given": ["y"]}, "'y' is the label"),
        ({"given": ["nobody"]}, "there is no column 'nobody'"),
        ({"given": ["many"]}, "has more than 200 values"),
        ({"columns": ["name"]}, "has more than 200 categories"),
        ({}, "no column by which people could be alike"),
    ],
)
def test_columns_that_cannot_make_people_alike_are_named(
    keys: dict[str, Any], said: str, tmp_path: Path
) -> None:
    check = {"check": "data.label_bias", "by": "sex", "limit": {"max": 0.1}, **keys}
    frame = rows(many=np.arange(400) / 7, name=[f"n{i}" for i in range(400)])
    frame = frame if keys else rows()
    finding = found(check, frame, tmp_path)
    assert finding.verdict == "error"
    assert said in finding.reason


# -- provenance ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["text", "object", "days", "times", "zones"])
def test_days_are_read_alike_whatever_holds_them(kind: str) -> None:
    texts = pd.Series(["2026-01-31", None, "2026-02-28"])
    column = {
        "text": texts,
        "object": texts.astype(object),
        "days": pd.to_datetime(texts),
        "times": texts + "T23:59:59",
        "zones": pd.to_datetime(texts).dt.tz_localize("Asia/Tokyo"),
    }[kind]
    days = days_of(column)
    assert [str(each) for each in days] == ["2026-01-31", "NaT", "2026-02-28"]
    told = Days.of(column)
    assert (told.first, told.last) == ("2026-01-31", "2026-02-28")


def test_dates_of_other_forms_are_no_days() -> None:
    days = days_of(pd.Series(["31.01.2026", "01/31/2026", "2026-02-30", "20260131", 7, ""]))
    assert np.isnat(days).all()


def test_the_age_is_told_by_the_one_clock(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")  # 2027-01-15
    check = {"check": "data.provenance", "limit": {"max_age": 15}}
    finding = found(check, rows(on="2026-12-31"), tmp_path, date="on")
    assert finding.value == 15
    assert finding.verdict == "pass"


@pytest.mark.parametrize("said", [7, "text", ["a"], {"collected": "2025"}, {"source": ["x"]}])
def test_a_declaration_of_any_shape_is_counted_and_never_breaks(said: Any, tmp_path: Path) -> None:
    whole = policy({"check": "data.provenance"})
    whole["context"]["data"] = said
    finding = pytest_aipm.audit(whole, data=rows(), root=tmp_path).findings[0]
    assert finding.verdict == "fail"
    assert finding.value >= 1


def test_retention_ends_with_its_day(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")
    whole = policy({"check": "data.provenance", "require": ["source"]})
    verdicts = []
    for day in ("2027-01-15", "2027-01-14"):
        whole["context"]["data"] = {"source": "desk", "retention_until": day}
        verdicts.append(pytest_aipm.audit(whole, data=rows(), root=tmp_path).findings[0].verdict)
    assert verdicts == ["pass", "fail"]


# -- pipeline ------------------------------------------------------------------------------------


def _line(rows: int, name: str = "case") -> str:
    audit = {"name": name, "policy": "0" * 64, "verdict": "pass", "rows": rows}
    return json.dumps(
        {"schema": "aipm-history/1", "digest": "d", "label": "r", "policies": [audit]}
    )


def test_the_volume_is_compared_with_the_median_of_the_last_runs(tmp_path: Path) -> None:
    lines = [_line(9), _line(100), _line(200), _line(800), _line(5, "other"), "{half a line"]
    (tmp_path / "runs.jsonl").write_text("\n".join(lines), encoding="utf-8")
    check = {
        "check": "data.pipeline",
        "history": "runs.jsonl",
        "runs": 3,
        "limit": {"min_volume": 0.5, "max_volume": 1.5},
    }
    finding = found(check, rows(400), tmp_path)
    assert (finding.verdict, finding.value) == ("fail", 2.0)
    assert "1 lines of the history could not be read" in finding.notes


def test_a_history_of_other_policies_is_no_evidence(tmp_path: Path) -> None:
    (tmp_path / "runs.jsonl").write_text(_line(5, "other"), encoding="utf-8")
    check = {"check": "data.pipeline", "history": "runs.jsonl", "limit": {"min_volume": 0.5}}
    assert found(check, rows(), tmp_path).verdict == "not_judged"


FACTORY = """\
import itertools, pandas as pd
turn = itertools.count()
def rows():
    frame = pd.DataFrame({"sex": ["f", "m"] * 50, "y": [0, 1] * 50, "pred": 1})
    return CHANGE
"""


@pytest.mark.parametrize(
    ("change", "value", "said"),
    [
        ("frame", 0, "two reads give the same 100 rows"),
        ("frame.assign(y=next(turn) % 2)", 1, "1 of 3 columns differ between two reads"),
        ("frame[::-1] if next(turn) % 2 else frame", 2, "the same rows in another order"),
        ("frame.head(100 - next(turn))", 3, "rows"),
    ],
)
def test_a_source_that_gives_something_else_each_time_is_seen(
    change: str, value: int, said: str, tmp_path: Path
) -> None:
    name = f"steady_{abs(hash(change)) % 10**9}"
    (tmp_path / f"{name}.py").write_text(FACTORY.replace("CHANGE", change), encoding="utf-8")
    check = {"check": "data.pipeline", "limit": {"max_rerun": 0}}
    finding = found(check, None, tmp_path, data={"factory": f"{name}:rows"})
    assert finding.value == value
    assert said in finding.reason


@pytest.mark.parametrize(
    ("ours", "theirs", "differ"),
    [
        ([1.0, 2.0, np.nan, np.inf], [1.0 + 1e-9, 2.1, np.nan, np.inf], 1),
        ([1.0, np.nan, np.inf, 4.0], [np.nan, 2.0, -np.inf, 4.0], 3),
        (["a", "b", None, "d"], ["a", "B", None, ""], 2),
        ([1, 2, 3, 4], ["1", "2", "x", "4"], 1),
        ([True, False, True, True], [True, True, True, True], 1),
    ],
)
def test_cells_are_alike_as_numbers_or_as_they_read(
    ours: list[Any], theirs: list[Any], differ: int, tmp_path: Path
) -> None:
    frame = pd.DataFrame({"id": range(4), "y": [0, 1, 0, 1], "pred": 1, "sex": "f", "a": ours})
    served = pd.DataFrame({"id": [str(i) for i in range(4)], "a": theirs})
    served.to_parquet(tmp_path / "served.parquet")
    check = {"check": "data.pipeline", "serving": "served.parquet", "columns": ["a"]}
    assert found(check, frame, tmp_path, id="id").value == differ / 4


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, "add `serving: PATH`"),
        ({"limit": {"max_volume": 2}, "of": "train"}, "drop `of`"),
    ],
)
def test_a_pipeline_check_that_lacks_what_it_compares_is_refused(
    keys: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(AipmError, match=said):
        found({"check": "data.pipeline", **keys}, rows(), tmp_path)


# -- selective labels ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        ([1, 0, None, 1], "is empty in 100 rows"),
        (["taken", "left", "taken", "left"], "holds 'left'"),
    ],
)
def test_who_was_accepted_must_be_said_of_everybody(
    taken: list[Any], said: str, tmp_path: Path
) -> None:
    frame = rows(taken=np.resize(np.array(taken, dtype=object), 400))
    check = {"check": "data.selective_labels", "accepted": "taken", "limit": {"max": 0.5}}
    finding = found(check, frame, tmp_path)
    assert finding.verdict == "error"
    assert said in finding.reason


def test_labels_of_another_type_than_the_policy_writes_are_refused(tmp_path: Path) -> None:
    frame = rows(y=np.resize(np.array(["1", None], dtype=object), 400))
    check = {"check": "data.selective_labels", "limit": {"max": 0.5}}
    finding = found(check, frame, tmp_path)
    assert finding.verdict == "error"
    assert "another type" in finding.reason


# -- what everybody may see ----------------------------------------------------------------------

SHOWN = [
    {"check": "data.representation", "by": "sex", "population": {"sex": {"f": 0.5, "m": 0.5}}},
    {"check": "data.sufficiency", "by": "sex"},
    {"check": "data.selective_labels", "by": "sex", "limit": {"max": 0.1}},
    {"check": "data.label_bias", "by": "sex", "given": ["income"], "limit": {"max": 0.1}},
]


@pytest.mark.parametrize("check", SHOWN, ids=lambda each: each["check"])
def test_the_number_of_a_group_of_three_is_withheld(check: dict[str, Any], tmp_path: Path) -> None:
    frame = rows(203, income=np.resize([1, 2], 203))
    frame["sex"] = np.repeat(["m", "f"], [200, 3])
    frame.loc[200, "y"] = np.nan
    record = pytest_aipm.audit(policy(check), data=frame, root=tmp_path)
    (own,) = record.findings
    assert any(0 < group.n < 5 for group in own.groups)
    (shown,) = publishable(record).findings
    for group in shown.groups:
        if group.n is None or group.n < 5:
            assert group.value is None
            assert group.interval is None
    for series in shown.series:
        for y, count in zip(series.y, series.counts, strict=True):
            assert y is None or count == 0 or count >= 5


@pytest.mark.parametrize("check", SHOWN[1:3], ids=lambda each: each["check"])
def test_hostile_names_reach_no_page_as_they_are(check: dict[str, Any], tmp_path: Path) -> None:
    frame = rows(sex=np.resize([EVIL, "m"], 400))
    pytest_aipm.audit(policy(check), data=frame, root=tmp_path).write(tmp_path / "report")
    for name in ("index.html", "summary.md"):
        text = (tmp_path / "report" / name).read_text(encoding="utf-8")
        assert "<script>alert" not in text
        assert "\u202e" not in text


@pytest.mark.parametrize(
    "check",
    [
        {"check": "data.label_bias", "by": "sex", "limit": {"max": 0.1}},
        {"check": "data.selective_labels", "limit": {"max": 0.9}},
    ],
    ids=lambda check: check["check"],
)
def test_rows_alone_must_say_which_label_counts(check) -> None:
    rows = pd.DataFrame({"y": [0, 1] * 20, "x": range(40), "sex": ["F", "M"] * 20})
    subject = {"task": "binary", "label": "y", "protected": {"sex": "sex"}}
    written = {
        "aipm": 1,
        "name": "rows",
        "context": {"purpose": "Look at rows", "owner": "tests@example.org"},
        "subject": subject,
        "checks": [check],
    }
    (finding,) = pytest_aipm.audit(written, data=rows).findings
    assert finding.verdict == "error"
    assert "nobody says which value of the label counts (0, 1); add `positive:" in finding.reason
    (finding,) = pytest_aipm.audit(
        {**written, "subject": {**subject, "positive": 1}}, data=rows
    ).findings
    assert finding.verdict != "error"
