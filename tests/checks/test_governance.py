"""Who answers for it: sign-offs over two runs, cards of a model, logs beside other libraries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from measuring import evidence_of, measure
from scipy.stats import binomtest, quantile_test
from sklearn.linear_model import LogisticRegression
from statsmodels.stats.proportion import proportion_confint

import pytest_aipm
from pytest_aipm.baseline import write_baseline
from pytest_aipm.catalog import Catalog
from pytest_aipm.demo.oversight import decision_log
from pytest_aipm.errors import DataError, PolicyError
from pytest_aipm.evidence.model_card import plain_title, read_card
from pytest_aipm.records import Finding, Record, Verdict
from pytest_aipm.report import publishable

OVERSIGHT = "governance.oversight"
HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m" + "x" * 10_000


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Record]:
    def audit(
        *checks: dict[str, Any], context: Any = None, rows: Any = None, **keys: Any
    ) -> Record:
        frame = pd.DataFrame({"id": range(40), "sex": ["f", "m"] * 20, "y": [0, 1] * 20})
        frame["p"] = frame["y"]
        policy = {
            "aipm": 1,
            "name": "lending",
            "context": {"purpose": "Lend", "owner": "a@example.org", **(context or {})},
            "subject": {
                "task": "binary",
                "label": "y",
                "positive": 1,
                "id": "id",
                "protected": {"sex": "sex"},
                **keys.pop("subject", {"predictions": "p"}),
            },
            "checks": list(checks),
        }
        data = frame if rows is None else rows
        return pytest_aipm.audit(policy, data=data, root=tmp_path, **keys)

    return audit


Run = Callable[..., Record]


def found(record: Record, check: str) -> Finding:
    return next(each for each in record.findings if each.check == check)


# sign-offs


def test_a_release_that_was_signed_and_approved_is_signed_off_on_other_days(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = (
        {"check": "performance.metric", "metric": "accuracy", "limit": {"min": 0.5}},
        {"check": "governance.sign_off", "roles": ["model risk", "product"]},
        {"check": "governance.audit_age"},
        {"check": "governance.waivers"},
        {"check": "framing.claims", "limit": {"max": 0}},
    )
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795000000")
    first = run(*checks)
    assert found(first, "governance.sign_off").verdict == "not_judged"
    signed = tmp_path / "policies/sign_offs.yaml"
    signed.parent.mkdir()
    line = '- {{who: {0}, role: {1}, date: 2026-11-18, digest: "{2}"}}\n'
    signed.write_text("sign_offs:\n" + line.format("r", "model risk", first.evidence))
    write_baseline(first, tmp_path / "aipm-baseline.json", by="b", reason="r", when="2026-11-18")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1796000000")
    second = run(*checks)
    assert found(second, "governance.sign_off").value == 1
    assert "(product)" in found(second, "governance.sign_off").reason
    assert found(second, "governance.audit_age").value == 12
    with signed.open("a") as file:
        file.write(line.format("p", "Product", first.evidence))
    third = run(*checks)
    assert found(third, "governance.sign_off").verdict == "pass"
    # signing, approving and another day void no signature
    assert first.evidence == second.evidence == third.evidence
    assert [each.matches for each in third.sign_offs] == [True, True]


def test_another_finding_voids_what_was_signed(run: Run) -> None:
    right = {"check": "performance.metric", "metric": "accuracy", "limit": {"min": 0.5}}
    rows = pd.DataFrame({"id": range(40), "sex": ["f", "m"] * 20, "y": [0, 1] * 20, "p": 1})
    asked = {"subject": {"predictions": "p"}}
    before = run(right, rows=rows, **asked)
    after = run(right, rows=rows.assign(p=0), **asked)
    assert before.evidence != after.evidence


@pytest.mark.parametrize("roles", [["risk", " RISK "], ["risk", "  "], []])
def test_roles_are_named_once_and_say_something(run: Run, roles: list[str]) -> None:
    with pytest.raises(PolicyError, match="roles"):
        run({"check": "governance.sign_off", "roles": roles})


# promises


def test_a_promise_that_its_own_count_shows_is_refused(run: Run) -> None:
    claims = [{"text": "All is kept", "checks": ["promises"]}]
    said = "the claim names 'promises', which itself counts what became of the claims"
    with pytest.raises(PolicyError, match=said):
        run({"check": "framing.claims", "id": "promises"}, context={"claims": claims})


def test_a_waiver_makes_no_promise_true(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/waivers.yaml").write_text(
        "waivers:\n- {id: W, check: lending::right::overall, reason: r, owner: o, ticket: t, "
        "created: 2020-01-01, expires: 2999-01-01}\n"
    )
    record = run(
        {"check": "performance.metric", "id": "right", "metric": "accuracy", "limit": {"min": 0.9}},
        {"check": "framing.claims"},
        context={"claims": [{"text": "Right", "checks": ["right"]}]},
        rows=pd.DataFrame({"id": range(40), "sex": "f", "y": [0, 1] * 20, "p": 1}),
        subject={"predictions": "p"},
    )
    assert record.findings[0].verdict == "waived"
    assert found(record, "framing.claims").value == 1


# hostile words


def test_hostile_words_are_cut_and_escaped_everywhere(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    incident = {
        "id": "INC-1",
        "date": "2026-01-01",
        "title": HOSTILE,
        "what": HOSTILE,
        "when": "sex == 'f'",
        "expect": {"decision": "favorable"},
        "owner": HOSTILE,
        "ticket": HOSTILE,
    }
    (tmp_path / "policies/incidents.yaml").write_text(json.dumps({"incidents": [incident]}))
    (tmp_path / "CARD.md").write_text(f"# {HOSTILE}\n## Uses\n[{HOSTILE[:40]}]\n", encoding="utf-8")
    record = run(
        {"check": "performance.metric", "id": "right", "metric": "accuracy", "limit": {"min": 0.9}},
        {"check": "framing.claims"},
        {"check": "framing.documented", "fields": ["purpose", HOSTILE]},
        {"check": "governance.context_complete", "fields": ["owner", HOSTILE[:200]]},
        {"check": "governance.sign_off", "roles": [HOSTILE]},
        {"check": "governance.incidents"},
        {"check": "governance.model_card", "file": "CARD.md", "sections": ["Uses", HOSTILE]},
        context={"claims": [{"text": HOSTILE, "checks": ["right"]}]},
    )
    assert {each.verdict for each in record.findings} <= {"pass", "fail", "not_judged"}
    assert all(len(each.reason) < 1000 for each in record.findings)
    record.write(tmp_path / "report")
    for path in (tmp_path / "report").iterdir():
        if path.suffix in (".html", ".md"):
            text = path.read_text(encoding="utf-8")
            assert "<script>alert" not in text
            assert not {"\u202e", "\x1b"} & set(text)


def test_a_context_without_a_word_says_nothing(run: Run) -> None:
    record = run(
        {"check": "framing.documented"}, context={"users": "\u200b \u202e", "affected": {}}
    )
    assert found(record, "framing.documented").value == 4


# model cards


def test_a_card_names_the_model_by_its_hash_or_its_file(run: Run, tmp_path: Path) -> None:
    x = pd.DataFrame({"a": np.arange(40.0)})
    y = np.arange(40) >= 20
    joblib.dump(LogisticRegression().fit(x, y.astype(int)), tmp_path / "credit.joblib")
    sha = hashlib.sha256((tmp_path / "credit.joblib").read_bytes()).hexdigest()
    rows = x.assign(y=y.astype(int), sex="f", id=range(40))
    keys = {
        "rows": rows,
        "subject": {"model": {"path": "credit.joblib", "sha256": sha}, "features": ["a"]},
    }
    asked = {"check": "governance.model_card", "sections": ["Uses"]}
    card = tmp_path / "MODEL_CARD.md"
    lacks = []
    for text in (f"{sha[:12].upper()}", "of credit.joblib", "of another model"):
        card.write_text(f"# Uses\nBy clerks, {text}.\n")
        both = [{**asked, "id": by, "named_by": by} for by in ("any", "sha256")]
        lacks += [each.value for each in run(*both, **keys).findings]
    assert lacks == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\xff\xfe", "MODEL_CARD.md:1: not UTF-8; save the card as UTF-8"),
        (b"x" * 1_000_001, "the model card is larger than 1,000,000 bytes"),
        (b"---\n- a\n---\n", "the front matter of the card is no mapping"),
        (b"---\na: " + b"[" * 5000 + b"\n---\n", "or nested"),
        (
            b"---\na: !!python/object/apply:os.system [ls]\n---\n",
            "the front matter of the card is no",
        ),
    ],
)
def test_a_card_that_cannot_be_read_is_no_pass(tmp_path: Path, raw: bytes, said: str) -> None:
    (tmp_path / "MODEL_CARD.md").write_bytes(raw)
    with pytest.raises(DataError) as error:
        read_card("MODEL_CARD.md", tmp_path)
    assert said in str(error.value)


def test_a_folder_is_no_card(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the model card cannot be read"):
        read_card(".", tmp_path)
    assert read_card("none.md", tmp_path) is None
    assert plain_title("## 2.1 Intended_Use!") == "intended use"


# logs of decisions


def log_of(**columns: Any) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    return pd.DataFrame({"case_id": range(n), "decided_at": "2026-03-01", **columns})


def measured(tmp_path: Path, log: pd.DataFrame, people: pd.DataFrame, **keys: Any) -> Any:
    log.to_parquet(tmp_path / "log.parquet")
    keys = {"log": str(tmp_path / "log.parquet"), "by": (), **keys}
    return measure(OVERSIGHT, people, subject={"id": "id"}, **keys)


@pytest.fixture
def people() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "id": np.arange(600.0),
            "sex": rng.choice(["f", "m"], 600),
            "region": rng.choice(["n", "s", None], 600),
            "y": 1,
            "pred": 1,
        }
    )


def test_the_ends_of_a_rate_are_those_of_scipy_and_statsmodels(
    tmp_path: Path, people: pd.DataFrame
) -> None:
    flags = np.random.default_rng(1).random(400) < 0.07
    got = measured(tmp_path, log_of(appealed=flags), people, of="appeals").estimate
    x = int(flags.sum())
    exact = binomtest(x, 400).proportion_ci(0.90, "exact")
    assert (got.lower, got.upper) == pytest.approx((exact.low, exact.high), abs=1e-9)
    beta = proportion_confint(x, 400, alpha=0.10, method="beta")
    assert (got.lower, got.upper) == pytest.approx(beta, abs=1e-9)


@pytest.mark.parametrize(("unit", "share"), [("median_days", 0.5), ("p90_days", 0.9)])
def test_the_ends_of_a_quantile_are_those_of_scipy(
    tmp_path: Path, people: pd.DataFrame, unit: str, share: float
) -> None:
    hours = np.random.default_rng(2).gamma(0.8, 60, 300)
    seen = pd.Timestamp("2026-03-01") + pd.to_timedelta(np.round(3600 * hours), unit="s")
    log = log_of(reviewed_at=seen)
    got = measured(tmp_path, log, people, reviewed_at="reviewed_at", unit=unit).estimate
    days = np.round(3600 * hours) / 86_400
    at_least = quantile_test(days, p=share, alternative="greater").confidence_interval(0.95)
    at_most = quantile_test(days, p=share, alternative="less").confidence_interval(0.95)
    ends = (at_least.low, at_most.high)
    assert (got.lower, got.upper) == pytest.approx(ends, abs=1e-9)
    assert got.value == pytest.approx(np.quantile(days, share, method="inverted_cdf"), abs=1e-9)


def test_groups_are_joined_by_id_however_it_is_spelled(
    tmp_path: Path, people: pd.DataFrame
) -> None:
    rng = np.random.default_rng(3)
    flags = rng.random(600) < 0.2
    order = rng.permutation(600)
    log = log_of(appealed=flags).assign(who=[f" {each} " for each in order])
    got = measured(tmp_path, log, people, of="appeals", by=("sex", "region"), person="who")
    joined = log.assign(id=order).merge(people, on="id").dropna(subset=["region"])
    expected = joined.groupby(["sex", "region"])["appealed"].agg(["sum", "size"])
    counts = {tuple(g.group.values()): (g.numerator, g.denominator) for g in got.groups}
    assert counts == {key: (row["sum"], row["size"]) for key, row in expected.iterrows()}
    assert got.unknown == 600 - len(joined)


def test_one_id_of_two_groups_is_refused(tmp_path: Path, people: pd.DataFrame) -> None:
    twice = pd.concat([people, people.head(5).assign(sex=["f", "m", "f", "m", "f"])])
    twice.loc[twice["id"] == 0, "sex"] = ["f", "m"]
    log = log_of(appealed=[True] * 50)
    with pytest.raises(DataError, match="one id to people of two groups"):
        measured(tmp_path, log, twice.reset_index(drop=True), of="appeals", by=("sex",))


def test_no_value_of_a_log_is_ever_told(tmp_path: Path, people: pd.DataFrame) -> None:
    secret = "anna.smith@example.org"
    for wrong in (
        log_of(appealed=["yes", "no"]).assign(case_id=secret),
        log_of(appealed=[secret, "no"]),
        log_of(appealed=["yes", "no"]).assign(decided_at=secret),
    ):
        with pytest.raises(DataError) as error:
            measured(tmp_path, wrong, people, of="appeals")
        assert secret not in str(error.value)
        assert "row " in str(error.value)


def test_bare_numbers_are_no_times(tmp_path: Path, people: pd.DataFrame) -> None:
    log = log_of(appealed=["no", "no"]).assign(decided_at=[20260301, 20260302])
    with pytest.raises(DataError, match=r"row 1 \(and 1 more\): column 'decided_at' is no time"):
        measured(tmp_path, log, people, of="appeals")


def test_a_column_of_a_thousand_values_is_no_group(tmp_path: Path, people: pd.DataFrame) -> None:
    log = log_of(appealed=["no"] * 1000).assign(name=[f"n{i}" for i in range(1000)])
    with pytest.raises(DataError, match="those are no groups"):
        measured(tmp_path, log, people, of="appeals", group="name")


def test_few_cases_of_a_group_or_a_month_are_not_published(run: Run, tmp_path: Path) -> None:
    log = log_of(appealed=["yes", "no"] * 20)
    log["region"] = ["north"] * 37 + ["south"] * 3
    log["decided_at"] = ["2026-03-01"] * 37 + ["2026-04-01"] * 3
    log.to_csv(tmp_path / "log.csv", index=False)
    asked = {"check": OVERSIGHT, "log": "log.csv", "of": "appeals", "limit": {"max": 0.9}}
    record = run({**asked, "id": "groups", "group": "region"}, {**asked, "id": "all"})
    shown = publishable(record)
    groups, whole = shown.findings
    assert [group.numerator for group in record.findings[0].groups] == [19, 1]
    assert all(group.value is None for group in groups.groups if group.n < 5)
    assert whole.series[0].y[1] is None
    assert record.findings[1].series[0].y[1] is not None


def test_two_kinds_of_groups_and_a_time_by_group_are_refused(run: Run) -> None:
    asked = {"check": OVERSIGHT, "log": "log.csv", "limit": {"max": 0.9}}
    with pytest.raises(PolicyError, match="'group' and 'by' both name groups; keep one of them"):
        run({**asked, "group": "region", "by": "sex"})
    with pytest.raises(PolicyError, match="asked of all cases together; remove 'by' and 'group'"):
        run({**asked, "by": "sex", "reviewed_at": "r", "limit": {"max_median_days": 2}})
    with pytest.raises(PolicyError, match="add `reviewed_at: COLUMN`"):
        run({**asked, "limit": {"max_median_days": 2}})


def test_the_demo_has_a_log_of_its_own_rows() -> None:
    log = decision_log()
    again = decision_log()
    assert log.equals(again)
    assert log["case_id"].is_unique
    assert log["decided_at"].is_monotonic_increasing
    reviewed = log["reviewed_at"].notna()
    assert reviewed.mean() == pytest.approx(0.25, abs=0.02)
    assert (log.loc[reviewed, "reviewed_at"] >= log.loc[reviewed, "decided_at"]).all()
    assert not (log["overridden"].eq("yes") & ~reviewed).any()


# incidents


def test_a_file_of_incidents_that_is_wrong_stops_the_run_before_anything_is_opened(
    run: Run, tmp_path: Path
) -> None:
    asked = {"check": "governance.incidents", "file": "past.yaml"}
    with pytest.raises(PolicyError, match=r"past\.yaml: there is no such file"):
        run(asked)
    assert run({**asked, "enabled": False}).findings[0].verdict is Verdict.NOT_JUDGED
    (tmp_path / "past.yaml").write_text("incidents: [{id: 1}]\n")
    with pytest.raises(PolicyError, match=r"past\.yaml:1:18: 'id' must be text"):
        run(asked)


def test_an_incident_of_the_count_of_incidents_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "past.yaml").write_text(
        "incidents:\n- {id: I, date: 2026-01-01, title: t, what: w, expect: {check: past}, "
        "owner: o, ticket: t}\n"
    )
    asked = {"check": "governance.incidents", "id": "past", "file": "past.yaml"}
    right = {
        "check": "performance.metric",
        "id": "right",
        "metric": "accuracy",
        "limit": {"min": 0},
    }
    with pytest.raises(PolicyError, match="names the check 'past', which is not in this policy"):
        run(asked, right)


def test_all_incidents_that_cannot_be_re_run_are_named_at_once(run: Run, tmp_path: Path) -> None:
    line = "- {{id: {0}, date: 2026-01-01, title: t, what: w, {1}, owner: o, ticket: t}}\n"
    decided = "expect: {decision: favorable}"
    (tmp_path / "past.yaml").write_text(
        "incidents:\n"
        + line.format("A", f"ids: [990], {decided}")
        + line.format("B", "ids: [1], expect: {score: {min: 0.5}}")
        + line.format("C", f"rows: gone.csv, {decided}")
    )
    (finding,) = run({"check": "governance.incidents", "file": "past.yaml"}).findings
    assert finding.verdict == "error"
    assert finding.reason == (
        "past.yaml:2: incident A: 1 of its 1 rows are gone from the evaluation rows (nor could B, "
        "C be re-run); keep them there, or in a file of their own: `rows: PATH`"
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            "ids: [1], expect: {score: {min: 0.5}}",
            "incident A: a score is expected, and there are predicted classes alone",
        ),
        (
            "rows: gone.csv, expect: {decision: favorable}",
            "incident A: rows of a file need a model that can be asked",
        ),
    ],
)
def test_what_cannot_be_asked_is_said(run: Run, tmp_path: Path, asked: str, said: str) -> None:
    (tmp_path / "past.yaml").write_text(
        "incidents:\n- {id: A, date: 2026-01-01, title: t, what: w, owner: o, ticket: t, "
        f"{asked}}}\n"
    )
    (finding,) = run({"check": "governance.incidents", "file": "past.yaml"}).findings
    assert finding.verdict == "error"
    assert said in finding.reason


def test_how_few_people_fare_how_is_not_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "past.yaml").write_text(
        "incidents:\n- {id: A, date: 2026-01-01, title: t, what: w, ids: [1, 2, 3], "
        "expect: {decision: favorable}, owner: o, ticket: t}\n"
    )
    record = run({"check": "governance.incidents", "file": "past.yaml"})
    assert record.findings[0].notes == (
        "A (2026-01-01, o, t) recurs: not all of its rows are as they must be",
    )
    assert publishable(record).findings[0].series[0].y == (None,)


def test_rows_without_an_answer_are_left_out_of_a_condition() -> None:
    module = Catalog().load("governance.incidents")
    frame = pd.DataFrame({"y": [0, 1], "pred": [0, 1]})
    made = evidence_of(frame, module, module.Params(), by=())
    assert module.check(made, module.Params()).not_judged is not None
