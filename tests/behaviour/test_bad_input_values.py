"""Values that cannot be audited, or only in part: what is measured is true, the rest is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from pytest_aipm.records import RunVerdict, Verdict

GAP = "fairness.demographic_parity_difference"
SCORED = {"predictions": None, "scores": "score", "decision": {"threshold": 0.5}}


def check(name: str, metric: str = "", **more: Any) -> dict[str, Any]:
    named = {"metric": metric, "id": metric} if metric else {}
    return {"check": name, **named, "limit": {"max": 0.99}, **more}


def found(record: Any) -> dict[str, Any]:
    return {finding.check_id: finding for finding in record.findings}


# Labels and predictions


@pytest.mark.parametrize("column", ["y", "pred"])
@pytest.mark.parametrize("gap", [None, np.nan], ids=["None", "NaN"])
def test_a_row_without_label_or_prediction_is_refused_with_its_number(
    project: Any, column: str, gap: Any
) -> None:
    rows = project.rows().astype({column: object})
    rows.loc[[7, 9], column] = gap
    role = {"y": "label", "pred": "predictions"}[column]
    assert project.fault(data=rows).startswith(
        f"frame: {role} column '{column}' has 2 missing value(s), the first in data row 8; "
    )


def test_an_empty_field_of_a_csv_is_such_a_gap(project: Any) -> None:
    project.data(y=[*([""] * 3), *([0, 1] * 98), 1])
    assert project.fault().startswith("data.csv: label column 'y' has 3 missing value(s), ")


@pytest.mark.parametrize("label", [0, 1])
def test_a_label_with_one_class_leaves_error_rates_and_auc_without_a_number(
    project: Any, label: int
) -> None:
    names = ("equal_opportunity", "equalized_odds", "false_positive_rate", "predictive_parity")
    project.checks = [check(f"fairness.{name}_difference") for name in names]
    project.checks += [
        check("performance.metric", metric, limit={"min": 0.1})
        for metric in ("accuracy", "f1", "recall", "matthews_corrcoef", "roc_auc")
    ]
    project.policy(scores="score")
    said = project.fault(data=project.rows(y=label))
    assert f"label 'y' holds one class only ({label}) in 200 rows; error rates" in said


def test_a_label_with_one_class_takes_nothing_from_checks_that_need_no_label(project: Any) -> None:
    record = project.audit(data=project.rows(y=1))
    assert [each.verdict for each in record.findings] == [Verdict.PASS, Verdict.ERROR]
    assert record.verdict is RunVerdict.FAIL


@pytest.mark.parametrize("key", ["positive", "favorable"])
@pytest.mark.parametrize(
    ("value", "mend"),
    [(7, "name one of the values"), ("approved", "name one of the values"), ("1", "")],
)
def test_a_class_that_never_occurs_is_refused_with_the_values_that_do(
    project: Any, key: str, value: Any, mend: str
) -> None:
    project.policy(**{"positive": 1, key: value})
    shown = value if isinstance(value, int) else f'"{value}"'
    said = project.fault()
    assert f"`{key}: {shown}` never occurs in the data (values: 0, 1)" in said
    assert said.endswith(mend or f"write `{key}: 1`")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"y": np.arange(200) % 3}, "the label has 3 or more values (0, 1, 2); a binary task has"),
        (
            {"y": [f"what person {i} wrote" for i in range(200)]},
            "the label has 12 or more values (different texts); a binary task has two; merge",
        ),
        ({"pred": np.linspace(0, 1, 200)}, "the prediction has 12 or more values (0, 0.005"),
        (
            {"y": np.where(np.arange(200) // 2 % 2, "yes", "no")},
            'label ("no", "yes") and predictions (0, 1) are written differently; write the same',
        ),
        (
            {"y": (np.arange(200) // 2 % 2).astype(str)},
            'label ("0", "1") and predictions (0, 1) are written differently; write the same',
        ),
    ],
    ids=[
        "three classes",
        "free text",
        "scores as predictions",
        "words and numbers",
        "texts and numbers",
    ],
)
def test_labels_and_predictions_that_do_not_fit_each_other_are_refused(
    project: Any, columns: dict[str, Any], said: str
) -> None:
    assert said in project.fault(data=project.rows(**columns))


@pytest.mark.parametrize("kind", [bool, float, object, "Int64"])
def test_one_and_zero_may_be_written_as_true_and_false_or_as_floats(
    project: Any, kind: Any
) -> None:
    rows = project.rows().astype({"y": kind})
    assert project.audit(data=rows).verdict is RunVerdict.PASS
    rows = rows.astype({"pred": kind})
    assert project.audit(data=rows).verdict is RunVerdict.PASS


# Scores


EVERY_SCORE_CHECK = [
    check(GAP, id="gap"),
    check("performance.metric", "accuracy"),
    check("performance.metric", "roc_auc"),
    check("performance.metric", "brier"),
    check("performance.metric", "log_loss", limit={"max": 50}),
    check("performance.metric", "average_precision"),
    check("fairness.score_gap", id="score-gap"),
    check("fairness.group_metric", "roc_auc", id="auc-gap"),
]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_no_number_stops_every_check_with_its_row(project: Any, bad: float) -> None:
    project.checks = EVERY_SCORE_CHECK
    project.policy(**SCORED)
    rows = project.rows()
    rows.loc[4, "score"] = bad
    said = project.fault(data=rows)
    assert (
        "scores column 'score' has 1 missing or infinite value(s), the first in data row 5;" in said
    )


@pytest.mark.parametrize("text", ["inf", "NaN", "-Infinity"])
def test_such_a_score_in_a_csv_is_no_other(project: Any, text: str) -> None:
    project.policy(**SCORED)
    project.data(score=["0.5"] * 199 + [text])
    assert "1 missing or infinite value(s), the first in data row 200" in project.fault()


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ("high", "scores column 'score' is not numeric; it holds 'high'; name a numeric column"),
        ("0,5", "scores column 'score' is not numeric; it holds '0,5'; name a numeric column"),
        (
            "a long text that someone wrote about a person",
            "scores column 'score' is not numeric; it holds text; name a numeric column",
        ),
        (pd.Timestamp("2026-01-01"), "scores column 'score' is not numeric; it holds no numbers"),
        (1e200, "scores column 'score' has 200 astronomic value(s), the first in data row 1; a "),
    ],
    ids=["word", "decimal comma", "personal text", "date", "1e200"],
)
def test_scores_that_cannot_be_counted_with_are_refused(
    project: Any, scores: Any, said: str
) -> None:
    project.checks = EVERY_SCORE_CHECK
    project.policy(**SCORED)
    assert said in project.fault(data=project.rows(score=scores))


def test_scores_outside_0_and_1_do_not_fit_a_threshold_that_is_a_probability(project: Any) -> None:
    project.checks = EVERY_SCORE_CHECK
    project.policy(**SCORED)
    rows = project.rows()
    said = project.fault(data=rows.assign(score=rows.score * 10 - 3))
    assert "scores lie outside [0, 1] (from -1 to 5), but the decision threshold 0.5 is a " in said


@pytest.mark.parametrize("rule", [{"threshold": 2.0}, {"top_k": 0.5}, None])
def test_scores_outside_0_and_1_have_no_log_loss_and_no_brier_score_but_a_ranking(
    project: Any, rule: Any
) -> None:
    project.checks = EVERY_SCORE_CHECK[1:] if rule else EVERY_SCORE_CHECK[2:]
    project.policy(predictions=None, scores="score", decision=rule)
    rows = project.rows()
    record = project.audit(data=rows.assign(score=rows.score * 10 - 3))
    by_id = found(record)
    for name, words in (("log_loss", "log loss"), ("brier", "brier")):
        assert (by_id[name].verdict, by_id[name].value) == (Verdict.ERROR, None)
        assert (
            f"scores lie outside [0, 1], so {words} is undefined; give prob" in by_id[name].reason
        )
    assert by_id["roc_auc"].value == pytest.approx(0.8512)
    assert record.verdict is RunVerdict.FAIL


@pytest.mark.parametrize("threshold", [50, -1])
def test_a_threshold_that_no_score_reaches_favors_everyone_alike_and_proves_nothing(
    project: Any, threshold: float
) -> None:
    project.policy(predictions=None, scores="score", decision={"threshold": threshold})
    said = project.fault()
    assert f"the decision threshold {threshold} " in said


def test_scores_without_a_rule_decide_nothing(project: Any) -> None:
    project.policy(predictions=None, scores="score")
    assert any("decision" in line for line in project.refusal())


# Groups


def test_ten_thousand_levels_are_no_groups(project: Any) -> None:
    rows = project.rows(20_000)
    record = project.audit(data=rows.assign(sex=[f"person {i // 2}" for i in range(20_000)]))
    gap = record.findings[0]
    assert (record.verdict, gap.verdict) == (RunVerdict.FAIL, Verdict.ERROR)
    assert "attribute 'sex' (column 'sex') has more than 200 values; those are no gr" in gap.reason
    assert "person 1" not in record.to_json()


def test_a_group_of_one_row_is_counted_and_judged_for_what_it_is(project: Any) -> None:
    rows = project.rows().astype({"sex": object})
    rows.loc[2, "sex"] = "x"
    project.checks = [check(GAP, id="gap", limit={"max": 0.2})]
    project.policy()
    (gap,) = project.audit(data=rows).findings
    assert {each.group["sex"]: each.n for each in gap.groups} == {"f": 99, "m": 100, "x": 1}
    assert gap.verdict is Verdict.INCONCLUSIVE
    assert gap.interval is not None
    assert gap.interval[0] == pytest.approx(0, abs=0.2)
    assert gap.interval[1] > 0.4


def test_one_row_and_one_group_have_nothing_to_compare(project: Any) -> None:
    record = project.audit(data=project.rows()[:1])
    assert record.verdict is RunVerdict.FAIL
    record = project.audit(data=project.rows(sex="f"))
    gap = record.findings[0]
    assert (gap.verdict, gap.because) == (Verdict.NOT_JUDGED, "no_evidence")
    assert gap.reason == "there is only one group (f): nothing to compare"
    assert record.verdict is RunVerdict.UNPROVEN


GROUPED = [
    check(GAP, id="gap"),
    check("fairness.equalized_odds_difference", id="odds"),
    check("fairness.demographic_parity_ratio", id="ratio", limit={"min": 0.1}),
    check("performance.metric", "accuracy", by="sex", limit={"min": 0.1}),
    check("performance.metric", "roc_auc", by="sex", limit={"min": 0.1}),
    check("fairness.score_gap", id="score-gap"),
    check("fairness.score_gap", id="score-ks", measure="ks"),
    check("fairness.score_gap", id="score-median", measure="above_median", limit={"min": 0.1}),
    check("fairness.score_gap", id="score-deviations", measure="standardised"),
    check("fairness.group_metric", "roc_auc", id="auc-gap"),
    check("fairness.group_metric", "accuracy", id="accuracy-gap"),
    check("fairness.group_metric", "brier", id="worst-brier", compare="worst_group"),
]


@pytest.mark.parametrize("gap", [None, np.nan, pd.NaT], ids=str)
def test_a_column_without_any_group_fails_by_the_count_of_unknown_rows(
    project: Any, gap: Any
) -> None:
    project.checks = GROUPED
    project.policy(scores="score")
    record = project.audit(data=project.rows(sex=pd.Series([gap] * 200, dtype=object)))
    assert {each.check_id: (each.verdict, each.because) for each in record.findings} == {
        each["id"]: (Verdict.FAIL, "unknown") for each in GROUPED
    }
    assert record.verdict is RunVerdict.FAIL


@pytest.mark.parametrize("unknown", ["report", "group"])
def test_where_all_may_be_unknown_nothing_is_judged(project: Any, unknown: str) -> None:
    project.checks = [{**each, "max_unknown": 1.0, "unknown": unknown} for each in GROUPED]
    project.policy(scores="score")
    record = project.audit(data=project.rows(sex=np.nan))
    assert record.verdict is not RunVerdict.PASS
    for each in record.findings:
        assert each.verdict is not Verdict.ERROR, each.reason
        if unknown == "report":
            assert (each.verdict, each.because) == (Verdict.NOT_JUDGED, "no_evidence")


@pytest.mark.parametrize(
    ("sex", "said"),
    [
        ([["f"], ["m"]], "attribute 'sex'"),
        ([{"a": 1}, {"a": 2}], "attribute 'sex'"),
    ],
    ids=["lists", "mappings"],
)
def test_values_that_no_group_can_have_are_refused(project: Any, sex: Any, said: str) -> None:
    record = project.audit(data=project.rows(sex=pd.Series(sex * 100, dtype=object)))
    gap = record.findings[0]
    assert (record.verdict, gap.verdict) == (RunVerdict.FAIL, Verdict.ERROR)
    assert said in gap.reason
    assert "please report it" not in gap.reason


def test_a_declared_group_that_is_absent_is_an_error(project: Any) -> None:
    project.policy(protected={"sex": {"column": "sex", "groups": ["f", "m", "x"]}})
    gap = project.audit().findings[0]
    assert gap.verdict is Verdict.ERROR
    assert "declared group 'x' of attribute 'sex' does not occur (found: f, m); corr" in gap.reason


def test_bins_need_numbers(project: Any) -> None:
    project.policy(protected={"sex": {"column": "sex", "bins": [30]}})
    assert "has bins, but column 'sex' is not numeric; remove the bins or na" in project.fault()


# Tables in memory


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda rows: pd.concat([rows, rows[["y"]]], axis=1),
            "frame: the column name 'y' occurs 2",
        ),
        (lambda rows: pd.concat({"a": rows}, axis=1), "frame: the columns have names of several l"),
        (lambda rows: rows[:0], "frame: there is no row; give a table with rows"),
        (lambda rows: rows.y, "the data: of type Series, which is no table; give a pandas"),
        (lambda _: {"y": [1], "pred": [1, 2]}, "the data: the table cannot be built"),
        (lambda _: 42, "the data: of type int, which is no table; give a pandas DataFrame"),
    ],
    ids=["a name twice", "names of two levels", "no rows", "one column", "ragged", "a number"],
)
def test_what_is_no_table_is_refused(project: Any, change: Any, said: str) -> None:
    assert project.fault(data=change(project.rows())).startswith(said)


@pytest.mark.parametrize(
    "index", [[0] * 200, [*range(5, 1400, 7)][:200], [f"r{i}" for i in range(200)]]
)
def test_the_index_of_a_frame_is_nobodys_affair(project: Any, index: list[Any]) -> None:
    rows = project.rows()
    record = project.audit(data=rows.set_index(pd.Index(index)))
    assert [each.value for each in record.findings] == [0.0, 0.76]


# Regression


NUMBERS = [
    check("performance.metric", metric, limit={"max": 10})
    for metric in ("mae", "mse", "rmse", "mape")
]
NUMBERS += [
    check("performance.metric", "r2", limit={"min": -10}),
    check("fairness.group_metric", "mae", id="error-gap"),
    check("fairness.score_gap", id="score-gap"),
]
REGRESSION = {"task": "regression", "positive": None}


def test_constant_predictions_and_labels_have_errors_like_any_other(project: Any) -> None:
    project.checks = NUMBERS
    project.policy(**REGRESSION)
    values = np.linspace(1, 2, 200)
    by_id = found(project.audit(data=project.rows(y=values, pred=1.5)))
    assert by_id["mae"].value == pytest.approx(0.25, abs=0.01)
    assert by_id["r2"].value == pytest.approx(0, abs=1e-9)
    assert by_id["score-gap"].value == 0
    by_id = found(project.audit(data=project.rows(y=1.5, pred=values)))
    assert by_id["mae"].value == pytest.approx(0.25, abs=0.01)
    assert not any(each.verdict is Verdict.ERROR for each in by_id.values())


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"pred": np.inf}, "predictions column 'pred' has 200 missing or infinite value(s), the "),
        ({"y": np.nan}, "label column 'y' has 200 missing or infinite value(s), the first in da"),
        ({"pred": 1e200}, "predictions column 'pred' has 200 astronomic value(s), the first in"),
        ({"y": "many"}, "label column 'y' is not numeric; it holds 'many'; name a numeric column"),
        ({"y": pd.Timestamp("2026-01-01")}, "label column 'y' is not numeric; it holds no numb"),
    ],
    ids=["infinite", "NaN", "1e200", "word", "date"],
)
def test_numbers_that_are_none_are_refused(
    project: Any, columns: dict[str, Any], said: str
) -> None:
    project.checks = NUMBERS
    project.policy(**REGRESSION)
    assert said in project.fault(data=project.rows(**columns))
