"""What a policy means: defaults, shorthand, scopes, parameters and the sentence it reads as."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pydantic
import pytest
from policy_samples import GOOD, MetricParams

from pytest_aipm.checks.base import Needs
from pytest_aipm.errors import PolicyError
from pytest_aipm.policy import DataRef, Decision, ModelRef, Policy, Regression
from pytest_aipm.policy.grammar import Weights
from pytest_aipm.records import Limit

Load = Callable[..., Policy]

CHECK = "{check: fairness.fake_gap, id: gap, limit: {max: 0.1}}"
METRIC = "check: performance.fake_metric, metric: accuracy"


def of_check(check: str, *, defaults: str = "") -> str:
    """Return the good policy with another check."""
    head = f"defaults: {defaults}\n" if defaults else ""
    return head + GOOD.replace(CHECK, check)


# --- checks -------------------------------------------------------------------------------------


def test_a_check_without_options_has_the_documented_defaults(load: Load) -> None:
    check = load().checks[0]
    assert (check.confidence, check.on_inconclusive, check.min_group_size) == (0.95, "warn", 1)
    assert (check.unknown, check.max_unknown, check.severity) == ("report", 0.05, "error")
    assert (check.decide_on, check.enabled, check.kind, check.unit) == (
        "interval",
        True,
        "sample",
        "",
    )
    assert (check.warn, check.regression, check.clauses) == (None, None, ())
    assert check.limit == Limit(max=0.1)
    assert (check.path, check.line) == ("credit.aipm.yaml", 13)


def test_every_option_arrives(load: Load) -> None:
    options = (
        "{check: privacy.fake_attack, limit: {max_auc: 0.6}, warn: {max_auc: 0.55}, "
        "regression: {max_change: 0.02, max_total_change: 0.04}, decide_on: proof, "
        "confidence: 0.9, on_inconclusive: fail, min_group_size: 30, severity: advice, "
        "unknown: fail, max_unknown: 0.1, clause: [a, b], enabled: false}"
    )
    check = load(of_check(options)).checks[0]
    assert (check.limit, check.warn, check.unit) == (Limit(max=0.6), Limit(max=0.55), "auc")
    assert check.regression == Regression(max_change=0.02, max_total_change=0.04)
    assert (check.decide_on, check.confidence, check.on_inconclusive) == ("proof", 0.9, "fail")
    assert (check.min_group_size, check.severity, check.unknown) == (30, "advice", "fail")
    assert (check.max_unknown, check.clauses) == (0.1, ("a", "b"))
    assert not check.enabled


def test_a_check_wins_over_defaults_and_they_over_the_checks_own(load: Load) -> None:
    text = of_check(
        f"{CHECK}\n  - {{check: fairness.fake_default, confidence: 0.8}}",
        defaults="{confidence: 0.9, decide_on: proof, by: sex, clause: law}",
    )
    first, second = load(text).checks
    assert (first.confidence, second.confidence) == (0.9, 0.8)
    assert (first.decide_on, second.decide_on) == ("proof", "proof")
    assert first.scopes == second.scopes == (("sex",),)
    assert first.clauses == ("law",)


def test_the_checks_own_limit_holds_where_none_is_written(load: Load) -> None:
    text = of_check(
        "{check: fairness.fake_default, id: a}\n"
        "  - {check: fairness.fake_default, id: b, limit: {max: 0.3}}\n"
        "  - {check: fairness.fake_default, id: c, regression: {max_change: 0.02}}"
    )
    assert [check.limit for check in load(text).checks] == [
        Limit(max=0.1),
        Limit(max=0.3),
        Limit(max=0.1),
    ]


def test_a_regression_alone_is_enough(load: Load) -> None:
    check = load(of_check("{check: fairness.fake_gap, regression: {max_change: 0.02}}")).checks[0]
    assert (check.limit, check.regression) == (None, Regression(max_change=0.02))


def test_a_gate_alone_is_enough_and_stands_beside_a_total(load: Load) -> None:
    check = load(of_check("{check: fairness.fake_gap, gate: no-worse}")).checks[0]
    assert (check.limit, check.regression) == (None, Regression(no_worse=True))
    total = "{check: fairness.fake_gap, gate: no-worse, regression: {max_total_change: 0.04}}"
    check = load(of_check(total)).checks[0]
    assert check.regression == Regression(no_worse=True, max_total_change=0.04)


def test_a_gate_may_be_a_default_and_a_check_may_set_its_own_tolerance(load: Load) -> None:
    text = GOOD.replace("checks:", "defaults: {gate: no-worse}\nchecks:")
    text += "  - {check: fairness.fake_gap, id: b, regression: {max_change: 0.01}}\n"
    first, own = load(text).checks
    assert first.regression == Regression(no_worse=True)
    assert own.regression == Regression(max_change=0.01)


@pytest.mark.parametrize(
    ("check", "defaults", "decided"),
    [
        (CHECK, "", "interval"),
        (f"{{{METRIC}, limit: {{min: 0.7}}}}", "", "point"),
        (f"{{{METRIC}, limit: {{min: 0.7}}, by: sex}}", "", "interval"),
        (f"{{{METRIC}, limit: {{min: 0.7}}}}", "{by: sex}", "interval"),
        (f"{{{METRIC}, limit: {{min: 0.7}}, decide_on: interval}}", "", "interval"),
        (f"{{{METRIC}, limit: {{min: 0.7}}}}", "{decide_on: proof}", "proof"),
        ("{check: data.fake_count, limit: {max: 0}}", "", "point"),
        ("{check: data.fake_count, limit: {max: 0}}", "{decide_on: proof}", "point"),
        ("{check: fairness.fake_gap, limit: {max: 0}, decide_on: point}", "", "point"),
    ],
)
def test_who_decides(load: Load, check: str, defaults: str, decided: str) -> None:
    assert load(of_check(check, defaults=defaults)).checks[0].decide_on == decided


@pytest.mark.parametrize(
    ("check", "scopes"),
    [
        (CHECK, (("sex",), ("race",))),
        (CHECK.replace("id: gap", "by: race"), (("race",),)),
        (
            CHECK.replace("id: gap", "by: [sex, race, [sex, race]]"),
            (("sex",), ("race",), ("sex", "race")),
        ),
        (CHECK.replace("id: gap", "by: [[race]]"), (("race",),)),
        (f"{{{METRIC}, limit: {{min: 0.7}}}}", ((),)),
        ("{check: data.fake_count, limit: {max: 0}}", ((),)),
    ],
)
def test_which_groups_a_check_looks_at(
    load: Load, check: str, scopes: tuple[tuple[str, ...], ...]
) -> None:
    policy = load(of_check(check))
    assert policy.checks[0].scopes == scopes
    assert tuple(node.scope for node in policy.nodes()) == scopes


def test_nodes_have_ids_that_waivers_and_pytest_share(load: Load) -> None:
    text = of_check(f"{CHECK.replace('id: gap', 'by: [sex, [sex, race]]')}")
    text = text.replace("checks:\n", "checks:\n  - {check: data.fake_count, limit: {max: 0}}\n")
    assert [node.finding_id for node in load(text).nodes()] == [
        "credit::data.fake_count::overall",
        "credit::fairness.fake_gap::sex",
        "credit::fairness.fake_gap::sex-x-race",
    ]
    assert [node.line for node in load(text).nodes()] == [13, 14, 14]
    assert [node.scope_id for node in load(text).nodes()] == ["overall", "sex", "sex-x-race"]


def test_a_check_is_told_its_scope_comparator_unit_and_seed(load: Load) -> None:
    text = of_check(CHECK.replace("id: gap", "by: [sex, race, [sex, race]], confidence: 0.9"))
    text = text.replace("groups: [A, B]", "groups: [A, B], reference: A")
    check = load(text).checks[0]
    told = [check.params_for(scope, seed=7) for scope in check.scopes]
    assert [each.by for each in told] == list(check.scopes)
    assert [each.reference for each in told] == [None, "A", None]
    assert {(each.seed, each.confidence, each.unit) for each in told} == {(7, 0.9, "")}


def test_the_checks_own_comparator_wins_over_the_attributes(load: Load) -> None:
    text = of_check(CHECK.replace("id: gap", "by: race, reference: largest"))
    check = load(text.replace("groups: [A, B]", "groups: [A, B], reference: A")).checks[0]
    assert check.params_for(("race",)).reference == "largest"


def test_own_parameters_are_read_strictly_and_frozen(load: Load) -> None:
    check = load(of_check(f"{{{METRIC}, linked: [a, b], limit: {{min: 0.7}}}}")).checks[0]
    told = check.params_for(())
    assert isinstance(told, MetricParams)
    assert (told.metric, told.top, told.linked) == ("accuracy", 3, ("a", "b"))
    with pytest.raises(pydantic.ValidationError):
        told.top = 4  # type: ignore[misc]


def test_a_policy_is_frozen(load: Load) -> None:
    policy = load()
    with pytest.raises(dataclasses.FrozenInstanceError):
        policy.name = "other"  # type: ignore[misc]
    with pytest.raises(pydantic.ValidationError):
        policy.subject.label = "other"


def test_needs_are_the_union_of_what_is_enabled(load: Load) -> None:
    text = of_check(
        f"{CHECK}\n  - {{{METRIC}, limit: {{min: 0.7}}}}\n"
        "  - {check: privacy.fake_attack, limit: {max: 1}, enabled: false}"
    )
    assert load(text).needs() == Needs(predictions=True, label=True, scores=True)


def test_a_disabled_check_asks_nothing_of_the_subject(load: Load) -> None:
    text = GOOD.replace("  protected: {sex: sex, race: {column: race, groups: [A, B]}}\n", "")
    text = text.replace(
        CHECK,
        "{check: fairness.fake_gap, id: a, limit: {max: 0.1}, enabled: false}\n"
        "  - {check: fairness.fake_gap, id: b, by: race, limit: {max: 0.1}, enabled: false}",
    )
    assert [node.finding_id for node in load(text).nodes()] == [
        "credit::a::overall",
        "credit::b::race",
    ]


def test_checks_are_found_by_id(load: Load) -> None:
    policy = load()
    assert policy.check("gap") is policy.checks[0]
    with pytest.raises(KeyError):
        policy.check("gpa")


def test_everything_can_be_located(load: Load) -> None:
    policy = load()
    assert policy.where("subject", "label").line == 9
    assert policy.where("subject", "protected", "race", "column").column == 40
    assert policy.where("checks", "gap", "limit", "max").line == 13
    assert policy.where("subject", "absent").line == 5
    assert policy.subject.protected["race"].line == 11


# --- the subject --------------------------------------------------------------------------------


def test_shorthand_is_written_out(load: Load) -> None:
    text = GOOD.replace("scores: score", "model: m.skops\n  features: age")
    text = text.replace("data: holdout.csv", "data: {path: h.csv, missing: NA}\n  train: t.csv")
    text = text.replace("sex: sex,", "sex: s, age: {bins: 40},")
    subject = load(text).subject
    assert subject.model == ModelRef(path="m.skops")
    assert (subject.data, subject.train) == (
        DataRef(path="h.csv", missing=("NA",)),
        DataRef(path="t.csv"),
    )
    assert subject.features == ("age",)
    assert {name: spec.column for name, spec in subject.protected.items()} == {
        "sex": "s",
        "age": "age",
        "race": "race",
    }
    assert subject.protected["age"].bins == (40.0,)


def test_columns_may_stand_under_model(load: Load) -> None:
    text = GOOD.replace("scores: score", "model: {scores: score, predictions: said}")
    subject = load(text.replace("  decision: {threshold: 0.5}\n", "")).subject
    assert (subject.model, subject.scores, subject.predictions) == (None, "score", "said")


def test_a_pin_may_carry_its_kind(load: Load) -> None:
    text = GOOD.replace("data: holdout.csv", f"data: {{path: a.csv, sha256: 'sha256:{'AB' * 32}'}}")
    assert load(text).subject.data.sha256 == "ab" * 32


@pytest.mark.parametrize(
    ("classes", "positive", "favorable"),
    [
        ("positive: 1", 1, 1),
        ("favorable: yes", "yes", "yes"),
        ("positive: true\n  favorable: false", True, False),
        ("positive: '1'\n  favorable: 0.5", "1", 0.5),
    ],
)
def test_positive_and_favorable_default_to_each_other(
    load: Load, classes: str, positive: object, favorable: object
) -> None:
    subject = load(GOOD.replace("positive: 1", classes)).subject
    assert (subject.positive, subject.favorable) == (positive, favorable)
    assert (type(subject.positive), type(subject.favorable)) == (type(positive), type(favorable))


@pytest.mark.parametrize(
    ("classes", "side"),
    [("positive: 1", "above"), ("positive: 1\n  favorable: 0", "below")],
)
def test_the_side_of_the_favorable_decision_follows_from_the_classes(
    load: Load, classes: str, side: str
) -> None:
    decision = load(GOOD.replace("positive: 1", classes)).subject.decision
    assert isinstance(decision, Decision)
    assert decision.favorable_when == side


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"{threshold: 0.5}": "{threshold: 0.35}", "positive: 1": "positive: 1\n  favorable: 0"},
            (
                "class 1 = defaulted is what the score predicts; the favorable decision is 0, "
                "taken when score < 0.35"
            ),
        ),
        (
            {},
            (
                "class 1 = defaulted is what the score predicts; the favorable decision is 1, "
                "taken when score >= 0.5"
            ),
        ),
        (
            {"{threshold: 0.5}": "{top_k: 0.1}", "  label: defaulted\n": ""},
            (
                "class 1 is what the score predicts; the favorable decision is 1, taken for the 10 "
                "% of rows with the highest scores"
            ),
        ),
        (
            {"{threshold: 0.5}": "{top_k: 0.125}", "positive: 1": "positive: 1\n  favorable: 0"},
            (
                "class 1 = defaulted is what the score predicts; the favorable decision is 0, "
                "taken for the 12.5 % of rows with the lowest scores"
            ),
        ),
        (
            {"scores: score\n  decision: {threshold: 0.5}": "predictions: said"},
            (
                "class 1 = defaulted is what is predicted; the favorable decision is 1, taken when "
                "column 'said' says 1"
            ),
        ),
        (
            {
                "scores: score\n  decision: {threshold: 0.5}": "model: m.skops",
                ": 1\n  prot": ": 'no'\n  prot",
            },
            (
                "class no = defaulted is what the score predicts; the favorable decision is no, "
                "taken when the model's own predict says no"
            ),
        ),
        (
            {
                "  decision: {threshold: 0.5}\n": "",
                CHECK: f"{{{METRIC}, limit: {{min: 0.7}}}}",
                "positive: 1": "positive: '1'",
            },
            (
                "class '1' = defaulted is what the score predicts; the favorable decision would be "
                "'1', but no rule takes it"
            ),
        ),
        (
            {
                "binary\n  scores: score\n  decision: {threshold: 0.5}": "regression\n  model: m.x",
                "  positive: 1\n": "",
                CHECK: f"{{{METRIC}, limit: {{min: 0.7}}}}",
            },
            (
                "defaulted is predicted as a number by the model's own predict; no decision is "
                "taken from it"
            ),
        ),
        (
            {
                "binary\n  scores: score": "regression\n  predictions: said",
                "{threshold: 0.5}": "{threshold: 150, favorable_when: below}",
                "  positive: 1\n": "",
            },
            (
                "defaulted is predicted as a number by column 'said'; the favorable decision is "
                "taken when the prediction < 150"
            ),
        ),
        (
            {
                "binary\n  scores: score": "regression\n  predictions: said",
                "{threshold: 0.5}": "{top_k: 0.2, favorable_when: above}",
                "  positive: 1\n": "",
            },
            (
                "defaulted is predicted as a number by column 'said'; the favorable decision is "
                "taken for the 20 % of rows with the highest predictions"
            ),
        ),
    ],
)
def test_a_policy_reads_as_one_sentence(load: Load, changes: dict[str, str], sentence: str) -> None:
    text = GOOD
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    assert load(text).reading() == sentence


def test_a_regression_bears_checks_of_numbers_and_of_decisions(load: Load) -> None:
    text = GOOD.replace("binary\n  scores: score\n", "regression\n  predictions: said\n")
    text = text.replace("  positive: 1\n", "")
    with pytest.raises(PolicyError, match="'favorable_when' is missing"):
        load(text)
    decided = text.replace("0.5}", "0.5, favorable_when: above}")
    assert load(decided).checks[0].id == "gap"
    with pytest.raises(PolicyError, match="is for binary, but the task is regression"):
        load(text.replace("  decision: {threshold: 0.5}\n", ""))


# --- what the caller brings ---------------------------------------------------------------------


def test_another_model_replaces_columns_and_drops_the_pin(load: Load) -> None:
    text = GOOD.replace(
        "data: holdout.csv", f"data: {{path: a.csv, sha256: {'a' * 64}, missing: x}}"
    )
    subject = load(text, given={"model": "biased.skops", "data": "pkg.module:rows"}).subject
    assert subject.model == ModelRef(path="biased.skops")
    assert (subject.scores, subject.predictions) == (None, None)
    assert subject.data == DataRef(factory="pkg.module:rows", missing=("x",))


def test_an_object_leaves_an_empty_reference(load: Load) -> None:
    text = GOOD.replace("  scores: score\n", "").replace("  data: holdout.csv\n", "")
    text = text.replace(CHECK, "{check: privacy.fake_attack, limit: {max: 1}}")
    subject = load(text, given={"model": None, "data": None, "train": None}).subject
    assert (subject.model, subject.data, subject.train) == (ModelRef(), DataRef(), DataRef())


def test_what_is_replaced_is_never_checked(load: Load) -> None:
    text = GOOD.replace("scores: score", "model: {path: s3://x, trust: a.B}")
    assert load(text, given={"model": "m.skops"}).subject.model == ModelRef(
        path="m.skops", trust=("a.B",)
    )


def test_a_file_called_like_a_factory_is_a_file(load: Load, write: Callable[..., object]) -> None:
    write("", "pkg:rows")
    subject = load(GOOD, given={"data": "pkg:rows"}).subject
    assert subject.data == DataRef(path="pkg:rows")


# --- weights and repeated people -----------------------------------------------------------------


def test_a_column_of_weights_alone_holds_sampling_weights(load: Load) -> None:
    plain, written = (
        load(GOOD.replace("  label:", f"  weights: {weights}\n  label:"))
        for weights in ("w", "{column: w, kind: sampling}")
    )
    assert plain.subject.weights == written.subject.weights == Weights(column="w", kind="sampling")
    assert plain.reading() == written.reading()
    assert plain.reading().endswith(
        "; column 'w' holds sampling weights: a row is one person, who stands for that many "
        "(`kind: frequency` would count them)"
    )


def test_frequencies_and_people_are_read_aloud(load: Load) -> None:
    policy = load(
        GOOD.replace(
            "  label:", "  weights: {column: w, kind: frequency}\n  cluster: person\n  label:"
        )
    )
    assert policy.subject.cluster == "person"
    assert policy.reading().endswith(
        "; column 'w' holds frequencies: a row counts as that many rows (`kind: sampling` would "
        "let one person stand for them); rows with the same 'person' are of one person"
    )
    assert "column" not in load().reading().partition("taken")[2]
