"""The text of a first policy: it is read back, quotes what is foreign, says what rows can show."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

import pytest_aipm
from pytest_aipm.catalog import Catalog
from pytest_aipm.errors import OptionError
from pytest_aipm.sources.data import open_data
from pytest_aipm.starting.few import power_of, said
from pytest_aipm.starting.people import Attribute
from pytest_aipm.starting.policy_text import write_policy
from pytest_aipm.starting.proposal import Said, propose
from pytest_aipm.starting.remarks import leaks, remarks
from pytest_aipm.starting.shown import comment, scalar, share
from pytest_aipm.starting.table import look

N = 400


@pytest.fixture
def written(tmp_path):
    def write(said=None, **columns):
        pd.DataFrame(columns).to_csv(tmp_path / "rows.csv", index=False)
        source = open_data(_spec("rows.csv"), root=tmp_path)
        proposal = propose(look(source), said or Said(), "rows.csv")
        return write_policy(
            proposal, root=tmp_path, purpose="Try", owner="me@example.org", catalog=Catalog()
        )

    return write


def _spec(name):
    from pytest_aipm.sources.data import DataSpec

    return DataSpec(path=name)


def test_the_policy_carries_the_reading_that_validate_prints(written, people):
    done = written(**people)
    lines = " ".join(line.strip().lstrip("# ") for line in done.text.splitlines())
    assert done.policy.reading() in lines
    assert done.policy.reading().startswith(
        "class 1 = defaulted is what is predicted; the favorabl"
    )
    assert set(done.policy.subject.protected) == {"sex", "age"}
    assert done.text.count("CHECK") >= 3


def test_every_check_is_explained_and_regression_waits_for_a_baseline(written, people):
    text = written(**people).text
    _, checks = text.split("\nchecks:\n")
    for place in re.finditer(r"^  - check:", checks, flags=re.MULTILINE):
        before = checks[: place.start()].rstrip("\n").splitlines()[-1]
        assert before.startswith("  # "), before
    assert re.findall(r"^ *regression:", text, flags=re.MULTILINE) == []
    assert "# regression: {max_change: 0.02}" in text
    loosened = text.replace("# regression:", "regression:")
    assert YAML(typ="safe").load(loosened)["checks"][0]["regression"] == {"max_change": 0.02}


def test_every_check_named_is_one_that_there_is(written, people):
    for columns in (people, {**people, "defaulted": people["amount"], "predicted": people["age"]}):
        named = re.findall(r"check: (\w+\.\w+)", written(**columns).text)
        assert named
        assert set(named) <= set(Catalog().names())


def test_anonymity_is_a_check_where_there_is_one_and_a_comment_otherwise(written, people):
    text = written(**people).text
    there = "privacy.k_anonymity" in Catalog().names()
    assert ("check: privacy.k_anonymity" in text) == there
    assert ("can tell a person: sex, age" in text) == (not there)


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("sex: {a} # [b]", ["x\ny: 1", "# no comment"]),
        ("gender '\"\\", ["<script>alert(1)</script>", "\u202eevil"]),
        ("race " + "long " * 2000, ["no", "true"]),
        ("Age group\n- check: x", ["{{ 7 }}", "%YAML 1.1"]),
    ],
)
def test_hostile_names_stay_values_and_comments_stay_comments(written, people, name, groups):
    del people["sex"], people["age"]
    done = written(**people, **{name: np.array(groups)[np.arange(N) % 2]})
    (attribute,) = done.policy.subject.protected.values()
    assert attribute.column == name
    assert [check.check for check in done.policy.checks] == [
        "fairness.demographic_parity_ratio",
        "fairness.equalized_odds_difference",
        "fairness.accuracy_ratio",
        "performance.metric",
        "data.schema",
    ]
    for line in done.text.splitlines():
        assert line.lstrip().startswith("#") or "\u202e" not in line


@given(st.one_of(st.text(), st.booleans(), st.integers(), st.floats(allow_nan=False)))
def test_any_value_is_read_again_as_it_was_written(value):
    if isinstance(value, float) and abs(value) == float("inf"):
        return
    if isinstance(value, str) and any(0xD800 <= ord(each) <= 0xDFFF for each in value):
        return
    found = YAML(typ="safe", pure=True).load(f"key: {scalar(value)}\nlist: [{scalar(value)}]\n")
    assert found == {"key": value, "list": [value]}
    assert type(found["key"]) is type(value)


@given(st.text(min_size=1))
def test_a_comment_is_nothing_but_a_comment(text):
    for line in comment(text, 4).splitlines():
        assert line.startswith("    # ")


def test_shares_never_claim_nobody_or_everybody():
    assert [share(n, 1000) for n in (0, 1, 10, 994, 996, 1000)] == [
        "0 %",
        "<1 %",
        "1 %",
        ">99 %",
        ">99 %",
        "100 %",
    ]


def test_a_table_without_groups_and_without_a_label_has_nothing_to_check(written):
    with pytest.raises(OptionError, match="there is nothing to check"):
        written(predicted=np.arange(N) % 2, amount=np.arange(N) * 1.5)


def test_rows_without_a_group_are_compared_as_a_group_when_they_are_many(written, people):
    sex = pd.Series(people["sex"]).mask(np.arange(N) % 5 == 0)
    done = written(**{**people, "sex": sex})
    assert "defaults: {unknown: group}" in done.text
    assert "20 % of the rows have no sex" in done.text
    assert "defaults:" not in written(**people).text


def test_a_model_pins_its_rows_and_predictions_do_not(written, people, tmp_path):
    digest = open_data(_spec("rows.csv"), root=written(**people) and tmp_path).sha256
    assert digest not in written(**people).text
    del people["predicted"]
    text = written(Said(model="pkg.module:function"), **people).text
    assert 'model: {factory: "pkg.module:function"}' in text
    assert open_data(_spec("rows.csv"), root=tmp_path).sha256 in text


@pytest.mark.parametrize(
    "values", [np.array(["gold", "silver", "none"])[np.arange(N) % 3], np.arange(N) * 1.5]
)
def test_anonymity_is_asked_of_rows_of_every_task(written, people, values):
    del people["predicted"], people["defaulted"]
    done = written(level=values, predicted_level=values[::-1], **people)
    assert done.policy.subject.task in {"multiclass", "regression"}
    assert "privacy.k_anonymity" in {check.check for check in done.policy.checks}


@pytest.mark.parametrize(("largest", "asked"), [(1.0, True), (10.0, False)])
def test_what_scores_promise_is_asked_of_probabilities_alone(written, people, largest, asked):
    """A score from 1 to 10 promises nothing that could be kept: the check would be an error."""
    del people["predicted"]
    scores = np.linspace(0, largest, N)
    assert ("fairness.calibration_gap" in written(score=scores, **people).text) is asked


# what the rows can show


def test_what_the_rows_can_show_is_what_the_audit_says_of_groups_decided_alike(tmp_path):
    """The audit's own finding, on rows whose two groups are decided alike, names the same gap."""
    sizes, rate = (150, 90), 0.4
    rows = [(f"g{i}", int(k < rate * n)) for i, n in enumerate(sizes) for k in range(n)]
    pd.DataFrame(rows, columns=["team", "predicted"]).to_csv(tmp_path / "rows.csv", index=False)
    policy = {
        "aipm": 1,
        "name": "alike",
        "context": {"purpose": "Try", "owner": "me"},
        "subject": {
            "task": "binary",
            "data": "rows.csv",
            "predictions": "predicted",
            "positive": 1,
            "protected": {"team": "team"},
        },
        "checks": [{"check": "fairness.demographic_parity_ratio", "limit": {"min": 0.8}}],
    }
    (finding,) = pytest_aipm.audit(policy, root=tmp_path).findings
    power = power_of(Attribute("team", "team", "", ("g0", "g1"), sizes), rate)
    assert finding.detectable.gap == pytest.approx(power.gap, abs=1e-9)
    assert finding.detectable.group == power.group
    assert finding.rows_needed.total == pytest.approx(power.needed, rel=0.1)
    assert not power.enough
    (sentence,) = said([power])
    assert f"a gap of {100 * power.gap:.0f} points" in sentence
    assert sentence.endswith(f"to say so takes about {power.needed:,} rows")


def test_enough_rows_are_called_enough_and_nothing_is_said_of_rates_of_nothing():
    sizes = (20_000, 20_000)
    power = power_of(Attribute("a", "a", "", ("x", "y"), sizes), 0.5)
    assert power.enough
    assert said([power])[0].endswith("where there is none, the rows are enough to say so")
    assert power_of(Attribute("a", "a", "", ("x", "y"), sizes), 0.0) is None
    assert power_of(Attribute("a", "a", "", ("x",), (5,)), 0.5) is None


def test_few_rows_come_with_honest_ways_out(written, people):
    few = {name: values[:60] for name, values in people.items()}
    text = written(**few).text
    assert "Honest ways to show more" in text
    for way in ("cross_val_predict", "pooled groups", "severity: advice", "more rows"):
        assert way in text
    assert re.search(r"takes\s+(# +)?about [\d,]+ rows", text.replace("\n#", ""))
    rows = {name: np.tile(values, 50) for name, values in people.items() if name != "age"}
    assert "Honest ways" not in written(**rows).text


# what is odd


def test_predictions_that_are_the_label_are_called_so(proposed, people):
    said = list(remarks(proposed(**{**people, "predicted": people["defaulted"]})))
    assert any("equals 'defaulted' in every row" in each for each in said)
    assert not any("equals" in each for each in remarks(proposed(**people)))


def test_a_column_that_tells_the_label_alone_is_pointed_at(proposed, people):
    rng = np.random.default_rng(0)
    second_grade = people["defaulted"] * 5 + rng.normal(0, 1, N)
    left_boat = np.where(people["defaulted"] == 1, "7", None)
    found = proposed(**people, G2=second_grade, boat=left_boat, noise=rng.normal(size=N))
    assert leaks(found) == ["G2", "boat"]


def test_few_rows_and_one_decision_for_all_are_said(proposed, people):
    three = {name: values[:3] for name, values in people.items()}
    said = list(remarks(proposed(**{**three, "predicted": [0, 0, 0], "defaulted": [0, 1, 0]})))
    assert any("3 rows show hardly anything" in each for each in said)
    assert any("says 0 in every row" in each for each in said)


def test_a_large_table_is_looked_at_evenly(monkeypatch, looked):
    monkeypatch.setattr("pytest_aipm.starting.table.CELLS", 2000)
    monkeypatch.setattr("pytest_aipm.starting.table.LEAST", 10)
    table = looked(y=np.repeat([0, 1], 5000))
    assert (table.rows, table.seen) == (10_000, 2000)
    assert table["y"].counts == ((0, 1000), (1, 1000))


def test_a_table_is_never_changed_by_looking(people, tmp_path: Path):
    frame = pd.DataFrame(people)
    before = frame.copy()
    look(open_data(frame, root=tmp_path))
    pd.testing.assert_frame_equal(frame, before)
