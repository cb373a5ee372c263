"""Each export's own promises: where an alert stands, what is attested, what a model card holds."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from export_samples import (
    audit_named,
    read_bom,
    read_card,
    read_issues,
    read_predicate,
    read_sarif,
    read_statement,
)
from report_samples import by_sex, diabetes, finding, intersections, lending, odds, record_of, sha

from pytest_aipm.records import (
    Asked,
    Because,
    DataInfo,
    Finding,
    Formula,
    GroupValue,
    Limit,
    ModelInfo,
    Record,
    RunInfo,
    RunVerdict,
    Verdict,
)
from pytest_aipm.report import publishable
from pytest_aipm.report.exports import sarif
from pytest_aipm.report.exports.attestation import (
    lacks_full_run,
    lacks_subject,
    predicate_json,
    statement_json,
)
from pytest_aipm.report.exports.code_quality import code_quality_json
from pytest_aipm.report.exports.mlbom import mlbom_json
from pytest_aipm.report.exports.model_card import model_card_md
from pytest_aipm.report.exports.sarif import audit_sarif


def with_findings(*findings: Finding, verdict: RunVerdict = RunVerdict.FAIL, **more: Any) -> Record:
    update = {"findings": findings, "verdict": verdict, **more}
    return record_of(lending().model_copy(update=update))


def with_subject(**update: Any) -> Record:
    audit = lending()
    assert audit.subject is not None
    subject = audit.subject.model_copy(update=update)
    return record_of(audit.model_copy(update={"subject": subject}))


def results(record: Record) -> dict[str, Any]:
    log = read_sarif(audit_sarif(record))
    return {
        result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]: result
        for run in log["runs"]
        for result in run["results"]
    }


# SARIF


def named(places: list[Any]) -> str:
    return str(places[0]["logicalLocations"][0]["fullyQualifiedName"])


def notes(record: Record) -> dict[str, str]:
    """What the notifications of a log say, by finding."""
    log = read_sarif(audit_sarif(record))
    return {
        named(note["locations"]): note["message"]["text"]
        for run in log["runs"]
        for note in run["invocations"][0]["toolExecutionNotifications"]
    }


def test_alerts_are_what_fails_or_warns(lending: Record) -> None:
    assert {name: r["level"] for name, r in results(lending).items()} == {
        "credit-approval::selection-rate::sex-x-race": "error",
        "credit-approval::odds::race": "error",
        "credit-approval::flip-race::race": "error",
        "credit-approval::recall-by-sex::sex": "warning",
    }


def test_what_cannot_be_decided_is_told_without_an_alert(lending: Record) -> None:
    said = notes(lending)
    assert set(said) == {
        "credit-approval::approval-gap::region",
        "credit-approval::membership::overall",
    }
    text = said["credit-approval::membership::overall"]
    assert text.startswith("inconclusive: An attacker's AUC is 0.583; the interval crosses the")
    assert "About 9,410 rows at the same group mix would settle it." in text


def test_an_inconclusive_finding_that_fails_the_build_is_an_error() -> None:
    one = finding("x.y", "strict", (), "inconclusive", failing=True)
    advice = finding("x.y", "advice", (), "warn", severity="advice")
    quiet = finding("x.y", "quiet", (), "inconclusive", severity="advice")
    missing = finding("x.y", "none", (), "not_judged", because=Because.NO_EVIDENCE)
    record = with_findings(one, advice, quiet, missing)
    assert {name: r["level"] for name, r in results(record).items()} == {
        "credit-approval::strict::overall": "error",
        "credit-approval::advice::overall": "note",
    }
    assert list(notes(record)) == ["credit-approval::none::overall"]


def test_an_alert_says_what_was_found_and_what_changed(lending: Record) -> None:
    worse = results(lending)["credit-approval::selection-rate::sex-x-race"]["message"]["text"]
    assert worse.startswith("Selection rate 47 of 100 for female · Black")
    assert worse.endswith(
        "Worse than the approved baseline (0.75 then, change \N{MINUS SIGN}0.09)."
    )


def test_an_alert_stands_at_the_line_of_the_policy(lending: Record) -> None:
    place = results(lending)["credit-approval::odds::race"]["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "policies/credit-approval.aipm.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 21, "startColumn": 1},
    }


@pytest.mark.parametrize(
    ("path", "uri", "relative"),
    [
        ("policies/ä b.aipm.yaml", "policies/%C3%A4%20b.aipm.yaml", True),
        ("a:b#c?d%.aipm.yaml", "a%3Ab%23c%3Fd%25.aipm.yaml", True),
        ("/srv/p x.aipm.yaml", "file:///srv/p%20x.aipm.yaml", False),
        ("C:/srv/p.aipm.yaml", "file:///C:/srv/p.aipm.yaml", False),
        ("caf\udce9.aipm.yaml", "caf%E9.aipm.yaml", True),
        ("caf\ud83d.aipm.yaml", "caf%3F.aipm.yaml", True),
        ("tests/test_a.py::test_b[c::d]", "tests/test_a.py", True),
        ("", "policy", True),
    ],
)
def test_a_path_is_a_uri_of_the_project(path: str, uri: str, relative: bool) -> None:
    record = record_of(audit_named("p", path))
    for result in results(record).values():
        place = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert place["uri"] == uri
        assert ("uriBaseId" in place) is relative


def test_a_check_asked_for_in_another_file_stands_at_the_first_line() -> None:
    one = intersections().model_copy(update={"policy_line": None})
    (result,) = results(with_findings(one)).values()
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 1


def test_a_fingerprint_outlives_value_verdict_and_line_and_tells_scopes_apart() -> None:
    def marks(*findings: Finding) -> list[str]:
        found = results(with_findings(*findings)).values()
        return [r["partialFingerprints"]["aipm/v1"] for r in found]

    one = intersections()
    moved = one.model_copy(
        update={"value": 0.1, "interval": (0.0, 0.2), "policy_line": 99, "verdict": Verdict.ERROR}
    )
    assert marks(one) == marks(moved)
    assert len(set(marks(one, by_sex("fail")))) == 2, "two scopes of a check on one line"
    renamed = record_of(audit_named("other", "p.aipm.yaml", findings=(one,)))
    (other,) = results(renamed).values()
    assert other["partialFingerprints"]["aipm/v1"] not in marks(one)


def test_a_rule_holds_the_words_of_the_check(lending: Record) -> None:
    (run,) = read_sarif(audit_sarif(lending))["runs"]
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert sorted(rules) == sorted({f.check for f in lending.findings}), "passing ones too"
    rule = rules["fairness.demographic_parity_ratio"]
    assert rule["name"] == "FairnessDemographicParityRatio"
    assert rule["shortDescription"]["text"].startswith("Lowest selection rate of any group")
    assert rule["fullDescription"]["text"].startswith("Does one group get the good outcome")
    assert "When it misleads:\n- Rates may differ" in rule["help"]["text"]
    assert rule["properties"]["tags"] == ["fairness", "four-fifths rule"]


def test_tags_and_words_stay_within_githubs_limits() -> None:
    one = intersections()
    assert one.docs is not None
    long = one.docs.model_copy(update={"title": "t" * 9_000, "how": "h" * 90_000})
    many = one.model_copy(update={"docs": long, "clauses": tuple(f"clause {i}" for i in range(50))})
    read_sarif(audit_sarif(with_findings(many)))


@pytest.mark.parametrize(
    ("update", "old", "state"),
    [
        ({}, {}, "updated"),
        ({}, {"verdict": "same"}, "unchanged"),
        ({}, {"value": 0.85}, "new"),
        ({"because": Because.REGRESSION}, {}, "new"),
        ({"because": Because.EVIDENCE_LOST}, {}, "new"),
        ({"because": Because.UNKNOWN}, {}, None),
        ({}, {"value": None}, None),
        ({}, {"against": "champion"}, None),
        ({"verdict": Verdict.WARN, "failing": False}, {}, None),
        ({"limit": Limit(max=0.5)}, {"verdict": "better"}, "updated"),
    ],
)
def test_the_baseline_says_whether_a_failure_is_new(
    update: dict[str, Any], old: dict[str, Any], state: str | None
) -> None:
    one = intersections()
    assert one.baseline is not None
    one = one.model_copy(update={**update, "baseline": one.baseline.model_copy(update=old)})
    (result,) = results(with_findings(one)).values()
    assert result.get("baselineState") == state


def test_each_policy_is_a_category_of_its_own() -> None:
    log = read_sarif(audit_sarif(record_of(lending(), diabetes())))
    ids = [run["automationDetails"]["id"] for run in log["runs"]]
    assert ids == ["aipm/credit-approval/", "aipm/diabetes-progression/"]


def test_categories_of_unusual_names_stay_apart() -> None:
    names = ["tests", "more", "a" * 5_000, f"{'a' * 5_000}b", "a/b", "a-b", ""]
    audits = [audit_named(name, f"{i}.aipm.yaml") for i, name in enumerate(names)]
    audits.append(audit_named("t", "tests/test_x.py::test_it"))
    log = read_sarif(audit_sarif(record_of(*audits)))
    ids = [run["automationDetails"]["id"] for run in log["runs"]]
    assert {"aipm/tests/", "aipm/more/", "aipm/a-b/", "aipm-tests/"} < set(ids)
    assert len(set(ids)) == len(audits)
    assert max(map(len, ids)) < 130


def test_a_partial_log_says_so(lending: Record) -> None:
    partial = lending.model_copy(update={"partial": True, "missing": ("a::b::c",)})
    (run,) = read_sarif(audit_sarif(partial))["runs"]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert run["properties"]["partial"].startswith("PARTIAL: 1 planned check did not run")
    (run,) = read_sarif(audit_sarif(lending))["runs"]
    assert run["invocations"][0]["executionSuccessful"] is True
    assert "partial" not in run["properties"]


def test_more_policies_than_github_takes_share_the_last_categories() -> None:
    files = [audit_named(f"p{i:02}", f"p{i}.aipm.yaml") for i in range(30)]
    tests = [audit_named(f"t{i}", f"tests/test_x.py::test_{i}") for i in range(40)]
    log = read_sarif(audit_sarif(record_of(*files, *tests)))
    ids = [run["automationDetails"]["id"] for run in log["runs"]]
    assert ids[:18] == [f"aipm/p{i:02}/" for i in range(18)]
    assert ids[18:] == ["aipm-more/", "aipm-tests/"]
    counts = [len(run["results"]) for run in log["runs"]]
    assert counts[18:] == [12 * counts[0], 40 * counts[0]]
    assert len(read_sarif(audit_sarif(record_of(*files[:20])))["runs"]) == 20


def test_the_worst_results_are_kept_and_the_rest_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert sarif.MOST_RESULTS == 5_000, "GitHub keeps no more"
    monkeypatch.setattr(sarif, "MOST_RESULTS", 50)
    warned = tuple(finding("x.y", f"w{i}", (), "warn") for i in range(60))
    failed = tuple(finding("x.y", f"f{i}", (), "fail") for i in range(10))
    (run,) = read_sarif(audit_sarif(with_findings(*warned, *failed)))["runs"]
    assert [r["level"] for r in run["results"]] == ["error"] * 10 + ["warning"] * 40
    assert run["properties"]["leftOut"] == "20 results"


def test_a_message_neither_links_nor_holds_a_placeholder() -> None:
    one = finding("x.y", "a", (), "fail", reason="[click](https://example.org) {0} and {7*7}")
    (result,) = results(with_findings(one)).values()
    text = result["message"]["text"]
    assert "](" not in text
    assert not re.search(r"\{\d", text)
    assert text.replace("\u200b", "") == "[click](https://example.org) {0} and {7*7}."


# Attestation


def test_the_statement_binds_the_result_to_model_and_data(lending: Record) -> None:
    said = read_statement(statement_json(lending))
    assert said["subject"] == [
        {"name": "models/credit.skops", "digest": {"sha256": sha("model")}},
        {"name": "data/holdout.parquet", "digest": {"sha256": sha("data")}},
    ]
    assert said["predicate"] == json.loads(predicate_json(lending))


def test_tests_are_listed_by_what_became_of_them(lending: Record) -> None:
    said = read_predicate(predicate_json(lending))
    listed = {
        name.rpartition("credit-approval::")[2]: key
        for key in ("passedTests", "warnedTests", "failedTests")
        for name in said[key]
    }
    assert listed == {
        "selection-rate::sex-x-race": "failedTests",
        "odds::race": "failedTests",
        "flip-race::race": "failedTests",
        "selection-rate::sex": "warnedTests",  # waived
        "approval-gap::region": "warnedTests",  # inconclusive
        "membership::overall": "warnedTests",
        "recall-by-sex::sex": "warnedTests",  # warns
        "roc-auc::overall": "passedTests",
        "protected-flip::sex": "passedTests",
        "overlap::overall": "passedTests",
        "area-gap::sex-x-area": "passedTests",
    }, "a check that is switched off is in no list"


@pytest.mark.parametrize(
    ("verdict", "findings", "result"),
    [
        (RunVerdict.PASS, [("pass", {})], "PASSED"),
        (RunVerdict.PASS, [("pass", {}), ("waived", {})], "WARNED"),
        (RunVerdict.PASS, [("warn", {})], "WARNED"),
        (RunVerdict.PASS, [("inconclusive", {"severity": "advice"})], "WARNED"),
        (RunVerdict.UNPROVEN, [("inconclusive", {})], "WARNED"),
        (RunVerdict.UNPROVEN, [("not_judged", {"because": Because.NO_EVIDENCE})], "WARNED"),
        (RunVerdict.FAIL, [("inconclusive", {"failing": True})], "FAILED"),
        (RunVerdict.FAIL, [("error", {})], "FAILED"),
        (RunVerdict.FAIL, [("fail", {}), ("pass", {})], "FAILED"),
    ],
)
def test_the_result_is_that_of_the_run(
    verdict: RunVerdict, findings: list[tuple[str, dict[str, Any]]], result: str
) -> None:
    made = [finding("x.y", f"c{i}", (), v, **more) for i, (v, more) in enumerate(findings)]
    assert read_predicate(predicate_json(with_findings(*made, verdict=verdict)))["result"] == result


def test_a_partial_run_attests_nothing(lending: Record) -> None:
    partial = lending.model_copy(update={"partial": True})
    assert lacks_full_run(partial) == "the run is partial, and a part attests nothing"
    assert lacks_subject(partial) == lacks_full_run(partial)
    assert (lacks_full_run(lending), lacks_subject(lending)) == ("", "")


def test_without_a_hash_there_is_nothing_to_attest() -> None:
    bare = with_subject(
        model=ModelInfo(ref="given", kind="LogisticRegression"),
        data=DataInfo(ref="given", rows=10, joined={"groups.csv": None}),
    )
    assert "neither the model nor the data is a file with a hash" in lacks_subject(bare)
    assert lacks_full_run(bare) == ""
    read_predicate(predicate_json(bare))
    joined = with_subject(
        model=ModelInfo(ref="given", kind="x"),
        data=DataInfo(ref="given", joined={"groups.csv": "a" * 64}),
    )
    assert lacks_subject(joined) == ""
    (subject,) = read_statement(statement_json(joined))["subject"]
    assert subject == {"name": "groups.csv", "digest": {"sha256": "a" * 64}}


def test_policy_baseline_training_rows_and_commit_are_the_configuration() -> None:
    record = with_subject(train=DataInfo(ref="data/train.parquet", sha256="b" * 64))
    record = record.model_copy(update={"run": RunInfo(commit="c" * 40)})
    said = read_predicate(predicate_json(record))["configuration"]
    assert [each["name"] for each in said] == [
        "policies/credit-approval.aipm.yaml",
        "data/train.parquet",
        "aipm-baseline.json",
        "commit",
    ]
    assert said[-1]["digest"] == {"gitCommit": "c" * 40}
    assert "commit" not in [
        each["name"] for each in json.loads(predicate_json(with_subject()))["configuration"]
    ], "a shortened commit is no digest"


# CycloneDX


def card_of(record: Record) -> Any:
    bom = read_bom(mlbom_json(record))
    (model,) = [c for c in bom["components"] if c["type"] == "machine-learning-model"]
    return model["modelCard"]


def test_the_bill_names_model_and_data_by_their_hashes(lending: Record) -> None:
    bom = read_bom(mlbom_json(lending))
    model, data = bom["components"]
    assert (model["name"], model["hashes"][0]["content"]) == ("models/credit.skops", sha("model"))
    assert (data["type"], data["hashes"][0]["content"]) == ("data", sha("data"))
    assert data["data"][0]["description"] == "evaluation rows, 3,757 rows"
    assert bom["metadata"]["timestamp"] == "2026-11-23T03:40:00Z"
    verdict = {p["name"]: p["value"] for p in bom["metadata"]["properties"]}
    assert verdict["pytest-aipm:verdict"] == "FAIL"
    assert model["modelCard"]["modelParameters"]["task"] == "classification"


def test_metrics_hold_slices_and_intervals_as_text(lending: Record) -> None:
    metrics = card_of(lending)["quantitativeAnalysis"]["performanceMetrics"]
    assert {
        "type": "demographic_parity_ratio",
        "value": repr((187 / 398) / (857 / 1204)),
        "slice": "by sex x race",
        "confidenceInterval": {"lowerBound": "0.6011", "upperBound": "0.7302"},
    } in metrics
    slices = {m["slice"]: m["value"] for m in metrics if m["type"] == "selection_rate"}
    assert slices["sex=female, race=Black"] == repr(187 / 398)
    assert "slice" not in next(m for m in metrics if m["type"] == "roc_auc")


def test_harms_are_assessed_for_the_group_that_fares_worse() -> None:
    said = card_of(with_findings(intersections(), by_sex(), odds()))
    assessed = said["considerations"]["fairnessAssessments"]
    assert [each["groupAtRisk"] for each in assessed] == ["female · Black", "Black", "female"]
    assert "47 of 100 for female · Black" in assessed[0]["harms"]
    assert "mitigationStrategy" not in assessed[0]
    assert assessed[2]["mitigationStrategy"].startswith("waiver W-2026-03 until 2026-12-31 (risk@")


def test_what_is_not_measured_is_a_limitation_and_no_harm(lending: Record) -> None:
    said = card_of(lending)["considerations"]
    assert said["useCases"] == ["Pre-screen consumer loan applications"]
    limits = said["technicalLimitations"]
    assert "Not tested: Do small errors in the input change decisions?" in limits
    assert any(text.startswith("An attacker's AUC is 0.583") for text in limits)
    assert not any("no column race" in each["harms"] for each in said["fairnessAssessments"])


def test_the_serial_number_follows_from_the_digest(lending: Record, passing: Record) -> None:
    def serial(record: Record) -> Any:
        return read_bom(mlbom_json(record))["serialNumber"]

    assert serial(lending) == serial(publishable(lending))
    assert serial(lending) != serial(passing)
    assert serial(lending.model_copy(update={"digest": ""})) == serial(lending)


@pytest.mark.parametrize("started", ["", "soon", "2026-11-23", "2026-11-23T03:40:00"])
def test_a_time_without_a_zone_is_no_timestamp(lending: Record, started: str) -> None:
    run = lending.run.model_copy(update={"started": started})
    bom = read_bom(mlbom_json(lending.model_copy(update={"run": run})))
    assert "timestamp" not in bom["metadata"]


def test_policies_of_one_model_share_a_component() -> None:
    twice = record_of(lending(), audit_named("again", "again.aipm.yaml"), diabetes())
    kinds = [c["type"] for c in read_bom(mlbom_json(twice))["components"]]
    assert kinds == ["machine-learning-model"] * 2 + ["data"] * 2
    given = {"model": ModelInfo(ref="given", kind="x"), "data": DataInfo(ref="given")}
    audits = []
    for name in ("a", "b"):
        audit = audit_named(name, f"{name}.aipm.yaml")
        assert audit.subject is not None
        subject = audit.subject.model_copy(update=given)
        audits.append(audit.model_copy(update={"subject": subject}))
    names = [c["name"] for c in read_bom(mlbom_json(record_of(*audits)))["components"]]
    assert names == ["a", "b", "given"], "two objects without a hash may be two models"


# Hugging Face


def test_the_hub_reads_the_numbers_back(lending: Record) -> None:
    card = read_card(model_card_md(lending))
    found = {each.metric_name: each for each in card.data.eval_results}
    shown = [f for f in publishable(lending).findings if f.value is not None]
    assert {name: each.metric_value for name, each in found.items()} == {
        f.id: f.value for f in shown
    }
    auc = found["credit-approval::roc-auc::overall"]
    assert (auc.metric_type, auc.task_type) == ("roc_auc", "tabular-classification")
    assert (auc.dataset_name, auc.dataset_revision) == ("data/holdout.parquet", sha("data"))
    assert auc.metric_args == {"lower": 0.7123, "upper": 0.7438, "confidence": 0.95}
    assert card.data.model_name == "models/credit.skops"
    assert auc.verified is None, "only the Hub may set it"


@pytest.mark.parametrize("value", [0.0, 1e-05, 1.5e-300, 1e16, 2.5e22, -3.25, 43.0, 1 / 3])
def test_a_number_stays_that_number(value: float) -> None:
    one = finding("x.y", "a", (), "pass", value=value)
    card = read_card(model_card_md(with_findings(one)))
    (result,) = card.data.eval_results
    assert type(result.metric_value) is float
    assert result.metric_value == value
    (metric,) = card_of(with_findings(one))["quantitativeAnalysis"]["performanceMetrics"]
    assert float(metric["value"]) == value


@pytest.mark.parametrize("text", ["yes", "null", "1e5", "2026-11-23", "~", "0x1F", "12:30", "- a"])
def test_words_stay_words(text: str) -> None:
    audit = lending()
    assert audit.subject is not None
    model = audit.subject.model.model_copy(update={"ref": text})
    card = read_card(model_card_md(with_subject(model=model)))
    assert card.data.model_name == text


def test_a_metric_is_named_as_the_policy_asks_for_it() -> None:
    one = finding(
        "performance.metric", "m", (), "pass", value=1.0, asked=Asked(params={"metric": "f1"})
    )
    (result,) = read_card(model_card_md(with_findings(one))).data.eval_results
    assert result.metric_type == "f1"


def test_what_compares_groups_does_not_read_as_the_models_own() -> None:
    gap = finding(
        "fairness.group_metric",
        "gap",
        ("sex",),
        "pass",
        value=0.4,
        formula=Formula(id="mae_difference"),
        groups=(GroupValue(group={"sex": "f"}, n=90, value=45.6),),
    )
    worst = finding(
        "performance.metric", "w", ("sex",), "pass", value=45.6, formula=Formula(id="mae")
    )
    alone = finding("performance.metric", "a", (), "pass", value=45.5, formula=Formula(id="mae"))
    record = with_findings(gap, worst, alone)
    found = {
        each.metric_name: each.metric_type
        for each in read_card(model_card_md(record)).data.eval_results
    }
    assert found == {
        "credit-approval::gap::sex": "mae_difference",
        "credit-approval::w::sex": "mae_worst_group",
        "credit-approval::a::overall": "mae",
    }
    metrics = card_of(record)["quantitativeAnalysis"]["performanceMetrics"]
    assert {"type": "mae", "value": "45.6", "slice": "sex=f"} in metrics


def test_a_bill_names_some_of_very_many_groups_and_counts_the_others() -> None:
    groups = tuple(
        GroupValue(group={"zip": f"z{i:04}"}, n=10 + i, value=i / 2000) for i in range(1200)
    )
    gap = finding(
        "fairness.demographic_parity_difference", "gap", ("zip",), "pass", value=1199 / 2000,
        groups=groups,
    )  # fmt: skip
    bom = read_bom(mlbom_json(with_findings(gap)))
    (model,) = [c for c in bom["components"] if c["type"] == "machine-learning-model"]
    metrics = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    slices = [each["slice"] for each in metrics[1:]]
    # those that make the value, then the largest
    assert slices == ["zip=z0000", *(f"zip=z{i:04}" for i in range(701, 1200))]
    said = {each["name"]: each["value"] for each in model["properties"]}["pytest-aipm:groups"]
    assert said == "500 of a finding, those that decide and the largest; 700 more are in audit.json"


def test_a_card_without_numbers_has_no_index() -> None:
    card = read_card(model_card_md(with_findings(finding("x.y", "a", (), "error"))))
    assert card.data.eval_results is None


def test_the_card_tells_a_person_the_verdict_and_its_limits(lending: Record) -> None:
    text = read_card(model_card_md(lending)).text
    for said in (
        "# Model card: models/credit.skops",
        "**FAIL** as of 23 Nov 2026",
        "Purpose: Pre-screen consumer loan applications",
        "### What was tested",
        "| ■ Fail | odds by race | 0.146 | 0.099 to 0.177 | ≤ 0.10 |",
        "| race | Black | 800 |",
        "- Numbers of groups with fewer than 5 people are withheld.",
        "- Weaker than the approved run: rows: 5,000 then, 3,757 now",
        "- Does the same score mean the same risk in every group?",
        "| W-2026-03 | credit-approval::selection-rate::sex | applied |",
        "Statistical evidence, not a legal opinion.",
    ):
        assert said in text


def test_a_partial_run_says_so_in_the_card_and_the_bill(lending: Record) -> None:
    partial = lending.model_copy(update={"partial": True, "missing": ("a::b::c",)})
    assert "**PARTIAL: 1 planned check did not run" in model_card_md(partial)
    assert "PARTIAL: 1 planned check did not run" in mlbom_json(partial)


def test_endless_tables_are_cut_and_counted() -> None:
    many = tuple(finding("x.y", f"c{i}", (), "pass") for i in range(2_000))
    text = model_card_md(with_findings(*many))
    assert "1,502 more are in index.html." in text


# GitLab


def test_gitlab_shows_the_same_findings_as_the_alerts(rich: Record) -> None:
    issues = read_issues(code_quality_json(rich))
    found = {issue["description"].partition(": ")[0] for issue in issues}
    assert found == {*results(rich), *notes(rich)}
    assert [issue["severity"] for issue in issues] == [
        *("critical", "critical", "blocker", "info", "info", "info", "minor"),
    ]
    assert issues[0]["location"] == {
        "path": "policies/credit-approval.aipm.yaml",
        "lines": {"begin": 15},
    }


def test_gitlab_gets_an_empty_list_when_all_is_well(passing: Record) -> None:
    assert read_issues(code_quality_json(passing)) == []
