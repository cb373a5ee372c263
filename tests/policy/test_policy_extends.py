"""Bases: who wins, what merges, and who answers for asking less."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from policy_samples import GOOD

import pytest_aipm
from pytest_aipm.policy import Policy
from pytest_aipm.records import Limit, Loosening

Load = Callable[..., Policy]
Faults = Callable[..., list[str]]
Write = Callable[..., Path]

BASE = """\
aipm: 1
defaults: {confidence: 0.95}
context: {law: four fifths}
checks:
  - check: fairness.fake_gap
    id: gap
    by: [sex, race]
    limit: {min: -0.1, max: 0.1}
    warn: {max: 0.05}
    regression: {max_change: 0.02, max_total_change: 0.04}
    on_inconclusive: fail
    unknown: group
"""
HEAD = GOOD[: GOOD.index("checks:")].replace("aipm: 1", "aipm: 1\nextends: base.aipm.yaml", 1)
OVERRIDE = ", override: {reason: pilot, owner: cro@example.org}"


def child(entry: str, *, override: bool = False) -> str:
    """Return a policy on top of the base that changes one check."""
    return f"{HEAD}checks:\n  - {{id: gap, {entry}{OVERRIDE if override else ''}}}\n"


# --- merging ------------------------------------------------------------------------------------


def test_a_child_inherits_checks_context_and_defaults(load: Load, write: Write) -> None:
    write(BASE, "base.aipm.yaml")
    policy = load(HEAD)
    check = policy.checks[0]
    assert (check.id, check.limit, check.path) == (
        "gap",
        Limit(min=-0.1, max=0.1),
        "base.aipm.yaml",
    )
    assert check.line == 5
    assert policy.context == {
        "law": "four fifths",
        "purpose": "Pre-screen loans",
        "owner": "risk@example.org",
    }
    assert (policy.extends, policy.loosened) == (("base.aipm.yaml",), ())


def test_mappings_merge_one_level_and_lists_are_replaced(load: Load, write: Write) -> None:
    write(BASE, "base.aipm.yaml")
    check = load(child("limit: {max: 0.08}, by: [race, sex, [sex, race]]")).checks[0]
    assert check.limit == Limit(min=-0.1, max=0.08)
    assert check.scopes == (("race",), ("sex",), ("sex", "race"))
    assert (check.path, check.line) == ("credit.aipm.yaml", 14)


def test_later_files_win_and_the_file_itself_over_all(load: Load, write: Write) -> None:
    write(BASE, "base.aipm.yaml")
    write(
        "aipm: 1\ncontext: {law: EU, purpose: x}\nchecks:\n  - {id: gap, confidence: 0.97}\n",
        "b.yaml",
    )
    policy = load(HEAD.replace("extends: base.aipm.yaml", "extends: [base.aipm.yaml, b.yaml]"))
    assert policy.context["law"] == "EU"
    assert policy.context["purpose"] == "Pre-screen loans"
    assert policy.checks[0].confidence == 0.97
    assert policy.extends == ("base.aipm.yaml", "b.yaml")


def test_checks_keep_the_order_in_which_they_first_appear(load: Load, write: Write) -> None:
    write(BASE, "base.aipm.yaml")
    more = "checks:\n  - {check: fairness.fake_default, id: own}\n  - {id: gap, confidence: 0.97}\n"
    assert [check.id for check in load(HEAD + more).checks] == ["gap", "own"]


def test_a_subject_merges_one_level(load: Load, write: Write) -> None:
    write(GOOD, "credit-prod.aipm.yaml")
    policy = load(
        "aipm: 1\nname: staging\nextends: credit-prod.aipm.yaml\nsubject: {data: staging.csv}\n"
    )
    assert policy.subject.data.path == "staging.csv"
    assert policy.subject.label == "defaulted"
    assert policy.name == "staging"


def test_a_name_is_not_inherited(faults: Faults, write: Write) -> None:
    write(GOOD, "other.aipm.yaml")
    assert faults("aipm: 1\nextends: other.aipm.yaml\nsubject: {data: s.csv}\n") == [
        "credit.aipm.yaml:1:1: 'name' is missing; add `name: ...`; it begins every node id"
    ]


def test_an_empty_key_takes_the_bases_away(load: Load, write: Write) -> None:
    write(BASE, "base.aipm.yaml")
    check = load(child("warn: , limit: {min: }", override=True)).checks[0]
    assert (check.warn, check.limit) == (None, Limit(max=0.1))


def test_an_empty_key_without_a_base_is_a_slip(faults: Faults, write: Write) -> None:
    write(BASE, "base.aipm.yaml")
    assert faults(child("clause: ")) == [
        "credit.aipm.yaml:14:15: 'clause' is empty; give it a value or remove the key"
    ]


def test_a_diamond_is_read_once_and_merged(load: Load, write: Write) -> None:
    write(BASE, "base.aipm.yaml")
    for side, context in (("left", "{l: 1}"), ("right", "{r: 2}")):
        write(f"aipm: 1\nextends: base.aipm.yaml\ncontext: {context}\n", f"{side}.yaml")
    policy = load(HEAD.replace("base.aipm.yaml", "[left.yaml, right.yaml]"))
    assert policy.extends == ("base.aipm.yaml", "left.yaml", "right.yaml")
    assert (policy.context["l"], policy.context["r"]) == (1, 2)


def test_extends_is_relative_to_the_file_that_names_it(load: Load, write: Write) -> None:
    write(BASE, "org/deep/base.aipm.yaml")
    write("aipm: 1\nextends: deep/base.aipm.yaml\n", "org/mid.aipm.yaml")
    policy = load(
        HEAD.replace("base.aipm.yaml", "../org/mid.aipm.yaml"), "policies/credit.aipm.yaml"
    )
    assert policy.extends == ("org/deep/base.aipm.yaml", "org/mid.aipm.yaml")


# --- faults -------------------------------------------------------------------------------------


def test_a_fault_inside_a_base_names_the_base(faults: Faults, write: Write) -> None:
    write(BASE.replace("max: 0.05", "mx: 0.05"), "base.aipm.yaml")
    assert faults(HEAD) == ["base.aipm.yaml:9:12: unknown key 'mx' in 'warn'; did you mean 'max'?"]


def test_a_base_that_does_not_parse_is_said_once(faults: Faults, write: Write) -> None:
    write("aipm: [\n", "base.aipm.yaml")
    said = faults(HEAD + "cheks: []\n")
    assert [line.split(":")[0] for line in said].count("base.aipm.yaml") == 1
    assert "credit.aipm.yaml:13:1: unknown key 'cheks' in a policy; did you mean 'checks'?" in said


def test_a_missing_base_is_said_where_it_is_named(faults: Faults) -> None:
    assert faults(HEAD)[0] == (
        "credit.aipm.yaml:2:10: 'base.aipm.yaml' is not there (looked for base.aipm.yaml); "
        "`extends` is relative to the file that names it"
    )


def test_a_circle_is_refused(faults: Faults, write: Write) -> None:
    write("aipm: 1\nextends: credit.aipm.yaml\n", "base.aipm.yaml")
    assert faults(HEAD + "checks: [{check: data.fake_count, limit: {max: 0}}]\n") == [
        (
            "base.aipm.yaml:2:10: 'credit.aipm.yaml' extends itself, directly or in a circle; "
            "remove it here"
        )
    ]


@pytest.mark.parametrize(("files", "allowed"), [(8, True), (9, False)])
def test_at_most_eight_files_stand_below_each_other(
    load: Load, faults: Faults, write: Write, files: int, *, allowed: bool
) -> None:
    write(BASE, f"b{files}.yaml")
    for i in range(1, files):
        write(f"aipm: 1\nextends: b{i + 1}.yaml\n", f"b{i}.yaml")
    text = HEAD.replace("base.aipm.yaml", "b1.yaml")
    if allowed:
        assert len(load(text).extends) == files
    else:
        assert faults(text)[0] == (
            "b8.yaml:2:10: more than 8 files stand below each other; flatten them"
        )


def test_a_chain_is_too_long_whichever_end_is_read_first(faults: Faults, write: Write) -> None:
    write(BASE, "b9.yaml")
    for i in range(1, 9):
        write(f"aipm: 1\nextends: b{i + 1}.yaml\n", f"b{i}.yaml")
    text = HEAD.replace("base.aipm.yaml", "[b5.yaml, b1.yaml]")
    assert any("more than 8 files stand below each other" in line for line in faults(text))


def test_extending_everything_many_times_stays_quick(load: Load, write: Write) -> None:
    write(BASE, "b8.yaml")
    for i in range(1, 8):
        write(f"aipm: 1\nextends: [{', '.join([f'b{i + 1}.yaml'] * 12)}]\n", f"b{i}.yaml")
    assert len(load(HEAD.replace("base.aipm.yaml", "b1.yaml")).extends) == 8


@pytest.mark.parametrize(
    ("extends", "said"),
    [
        ("3", "'extends' must name files, not the number 3; correct it"),
        ("[a.yaml, {b: c}]", "'extends' must name files, not a mapping; correct it"),
        (".", "'.' is not there (looked for .); `extends` is relative to the file that names it"),
        ("/dev/zero", "`extends` is relative to the file that names it"),
    ],
)
def test_extends_names_local_files_alone(faults: Faults, extends: str, said: str) -> None:
    assert any(said in line for line in faults(HEAD.replace("base.aipm.yaml", extends)))


def test_a_check_id_that_no_base_has_is_said_with_a_guess(faults: Faults, write: Write) -> None:
    write(BASE, "base.aipm.yaml")
    assert faults(f"{HEAD}checks:\n  - {{id: gpa, enabled: false}}\n") == [
        "credit.aipm.yaml:14:5: 'check' is missing, and no base has 'gpa'; did you mean 'gap'?"
    ]


# --- loosening ----------------------------------------------------------------------------------

LOOSER = [
    ("limit: {max: 0.2}", "limit max from 0.1 to 0.2"),
    ("limit: {min: -0.2}", "limit min from -0.1 to -0.2"),
    ("limit: {max: }", "limit max 0.1 removed"),
    ("warn: {max: 0.06}", "warn max from 0.05 to 0.06"),
    ("warn: ", "warn removed"),
    ("regression: {max_change: 0.03}", "max_change from 0.02 to 0.03"),
    ("regression: {max_total_change: 0.05}", "max_total_change from 0.04 to 0.05"),
    ("regression: {max_total_change: }", "max_total_change removed"),
    ("regression: ", "regression removed"),
    ("confidence: 0.9", "confidence from 0.95 to 0.9"),
    ("min_group_size: 30", "min_group_size from 1 to 30"),
    ("max_unknown: 0.5", "max_unknown from 0.05 to 0.5"),
    ("unknown: report", "unknown from group to report"),
    ("on_inconclusive: warn", "on_inconclusive from fail to warn"),
    ("severity: advice", "severity from error to advice"),
    ("by: sex", "by without race"),
    ("by: [[sex, race]]", "by without sex, race"),
    ("enabled: false", "disabled"),
    ("check: fairness.fake_default", "check from fairness.fake_gap to fairness.fake_default"),
]


@pytest.mark.parametrize(("entry", "what"), LOOSER, ids=[what for _, what in LOOSER])
def test_asking_for_less_needs_someones_word(
    faults: Faults, load: Load, write: Write, entry: str, what: str
) -> None:
    write(BASE, "base.aipm.yaml")
    said = faults(child(entry))
    assert said == [
        (
            f"credit.aipm.yaml:14:15: 'gap' asks for less than base.aipm.yaml: {what}; add "
            "`override: {reason, owner}` to the check 'gap' here"
        )
    ]
    loosened = load(child(entry, override=True)).loosened
    assert loosened == (
        Loosening(check_id="gap", what=what, reason="pilot", owner="cro@example.org", line=14),
    )


@pytest.mark.parametrize(
    "entry",
    [
        "limit: {max: 0.05}, warn: {max: 0.04}",
        "limit: {min: -0.05}",
        "regression: {max_change: 0.01, max_total_change: 0.03}",
        "confidence: 0.99",
        "max_unknown: 0",
        "unknown: fail",
        "by: [sex, race, [race, sex]]",
        "by: [race, sex]",
        "decide_on: proof",
        "clause: law",
        "limit: {max: 0.1}",
        "enabled: true",
    ],
)
def test_asking_for_more_or_the_same_needs_nobodys(load: Load, write: Write, entry: str) -> None:
    write(BASE, "base.aipm.yaml")
    assert load(child(entry)).loosened == ()


@pytest.mark.parametrize(
    ("base", "own", "what", "loosens"),
    [
        ("decide_on: proof", "decide_on: interval", "decide_on from proof to interval", True),
        ("decide_on: proof", "decide_on: point", "decide_on from proof to point", True),
        ("decide_on: interval", "decide_on: point", "decide_on from interval to point", True),
        # what is inconclusive fails in this base, and so does all that the point fails
        ("decide_on: point", "decide_on: interval", "decide_on from point to interval", False),
        ("reference: highest", "reference: largest", "reference from highest to largest", False),
    ],
)
def test_another_rule_is_listed_but_only_a_laxer_one_needs_a_word(
    load: Load, faults: Faults, write: Write, base: str, own: str, what: str, *, loosens: bool
) -> None:
    write(BASE.replace("unknown: group", base), "base.aipm.yaml")
    if loosens:
        assert what in faults(child(own))[0]
    else:
        (listed,) = load(child(own)).loosened
        assert (listed.what, listed.reason, listed.owner) == (what, "", "")


def test_the_interval_instead_of_the_point_leaves_open_what_failed(
    load: Load, faults: Faults, write: Write
) -> None:
    write(BASE.replace("on_inconclusive: fail", "decide_on: point"), "base.aipm.yaml")
    assert faults(child("decide_on: interval")) == [
        (
            "credit.aipm.yaml:14:15: 'gap' asks for less than base.aipm.yaml: decide_on from point "
            "to interval; add `override: {reason, owner}` to the check 'gap' here"
        )
    ]
    (listed,) = load(child("decide_on: interval, on_inconclusive: fail")).loosened
    assert (listed.what, listed.reason) == ("decide_on from point to interval", "")


@pytest.mark.parametrize(
    ("selected", "verdicts"),
    [
        (0.45, {"point": "fail", "interval": "inconclusive", "proof": "fail"}),
        (0.55, {"point": "pass", "interval": "inconclusive", "proof": "fail"}),
        (0.90, {"point": "pass", "interval": "pass", "proof": "pass"}),
        (0.10, {"point": "fail", "interval": "fail", "proof": "fail"}),
    ],
)
def test_why_neither_point_nor_interval_asks_for_all_that_the_other_does(
    tmp_path: Path, selected: float, verdicts: dict[str, str]
) -> None:
    """The rule that is named laxer leaves green what the other one does not."""
    rows = pd.DataFrame({"pred": [int(i < 40 * selected) for i in range(40)], "sex": "f"})
    plain = {
        "aipm": 1,
        "name": "rule",
        "context": {"purpose": "Compare rules", "owner": "tests@example.org"},
        "subject": {"task": "binary", "predictions": "pred", "positive": 1},
    }
    for rule, verdict in verdicts.items():
        check = {
            "check": "performance.metric",
            "metric": "selection_rate",
            "limit": {"min": 0.5},
            "decide_on": rule,
        }
        record = pytest_aipm.audit({**plain, "checks": [check]}, root=tmp_path, data=rows)
        assert record.findings[0].verdict == verdict, rule


def test_other_parameters_are_another_question_and_listed(load: Load, write: Write) -> None:
    base = "{check: performance.fake_metric, metric: accuracy, limit: {min: 0.7}}"
    write(f"aipm: 1\nchecks:\n  - {base}\n", "base.aipm.yaml")
    more = "checks:\n  - {id: performance.fake_metric, metric: roc_auc}\n"
    (listed,) = load(HEAD + more).loosened
    assert (listed.what, listed.line) == ("metric from accuracy to roc_auc", 14)


def test_another_unit_is_looser_until_someone_answers(faults: Faults, write: Write) -> None:
    base = "{check: privacy.fake_attack, id: gap, limit: {max: 1}}"
    write(f"aipm: 1\nchecks:\n  - {base}\n", "base.aipm.yaml")
    head = HEAD.replace("  scores: score\n", "  model: m.skops\n  train: t.csv\n")
    said = faults(f"{head}checks:\n  - {{id: gap, limit: {{max: , max_auc: 0.6}}}}\n")
    assert len(said) == 1
    assert "limit in auc instead of its own unit" in said[0]


def test_the_checks_own_default_limit_cannot_be_widened_in_silence(
    faults: Faults, write: Write
) -> None:
    write("aipm: 1\nchecks:\n  - {check: fairness.fake_default, id: gap}\n", "base.aipm.yaml")
    assert "limit max from 0.1 to 0.5" in faults(child("limit: {max: 0.5}"))[0]


def test_looser_defaults_are_answered_for_in_defaults(
    faults: Faults, load: Load, write: Write
) -> None:
    write(BASE, "base.aipm.yaml")
    text = HEAD + "defaults: {confidence: 0.8}\n"
    assert faults(text) == [
        (
            "credit.aipm.yaml:13:12: 'gap' asks for less than base.aipm.yaml: confidence from 0.95 "
            "to 0.8; add `override: {reason, owner}` to 'defaults'"
        )
    ]
    answered = load(text.replace("0.8}", f"0.8{OVERRIDE}}}"))
    assert [each.owner for each in answered.loosened] == ["cro@example.org"]


def test_dropping_an_attribute_the_base_declares_is_looser(faults: Faults, write: Write) -> None:
    write(GOOD, "prod.aipm.yaml")
    said = faults("aipm: 1\nname: x\nextends: prod.aipm.yaml\nsubject: {protected: {sex: sex}}\n")
    assert said == [
        (
            "credit.aipm.yaml:3:10: 'gap' asks for less than prod.aipm.yaml: by without race; add "
            "`override: {reason, owner}` to the check 'gap' here"
        )
    ]


def test_a_lax_base_after_a_strict_one_is_looser(faults: Faults, load: Load, write: Write) -> None:
    write(BASE, "base.aipm.yaml")
    write("aipm: 1\nchecks:\n  - {id: gap, limit: {max: 0.3}}\n", "lax.yaml")
    text = HEAD.replace("base.aipm.yaml", "[base.aipm.yaml, lax.yaml]")
    assert faults(text) == [
        (
            "credit.aipm.yaml:2:11: 'gap' asks for less than base.aipm.yaml: limit max from 0.1 to "
            "0.3; add `override: {reason, owner}` to the check 'gap' here"
        )
    ]
    answered = load(text + f"checks:\n  - {{id: gap{OVERRIDE}}}\n")
    assert [each.what for each in answered.loosened] == ["limit max from 0.1 to 0.3"]


def test_each_file_answers_for_itself(faults: Faults, load: Load, write: Write) -> None:
    write(BASE, "base.aipm.yaml")
    middle = "aipm: 1\nextends: base.aipm.yaml\nchecks:\n  - {id: gap, limit: {max: 0.2}%s}\n"
    write(middle % "", "mid.yaml")
    text = child("limit: {max: 0.3}", override=True).replace("base.aipm.yaml", "mid.yaml")
    assert faults(text) == [
        (
            "mid.yaml:4:15: 'gap' asks for less than base.aipm.yaml: limit max from 0.1 to 0.2; "
            "add `override: {reason, owner}` to the check 'gap' here"
        )
    ]
    write(middle % OVERRIDE.replace("pilot", "merger"), "mid.yaml")
    assert [(each.what, each.reason) for each in load(text).loosened] == [
        ("limit max from 0.1 to 0.2 (in mid.yaml)", "merger"),
        ("limit max from 0.2 to 0.3", "pilot"),
    ]


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ("gate: ", "regression removed"),
        ("gate: , regression: {max_total_change: 0.1}", "gate: no-worse removed"),
        ("gate: , regression: {max_change: 0.03}", "gate: no-worse replaced by max_change 0.03"),
    ],
)
def test_a_gate_is_not_taken_away_without_a_word(
    faults: Faults, load: Load, write: Write, entry: str, what: str
) -> None:
    old = "regression: {max_change: 0.02, max_total_change: 0.04}"
    write(BASE.replace(old, "gate: no-worse"), "base.aipm.yaml")
    assert [f"less than base.aipm.yaml: {what};" in line for line in faults(child(entry))] == [True]
    assert [each.what for each in load(child(entry, override=True)).loosened] == [what]
    assert load(child("gate: , regression: {max_change: 0.01}")).loosened == ()


def test_a_number_is_not_replaced_by_a_gate_without_a_word(faults: Faults, write: Write) -> None:
    write(BASE, "base.aipm.yaml")
    (said,) = faults(child("regression: {max_change: }, gate: no-worse"))
    assert "asks for less than base.aipm.yaml: max_change 0.02 replaced by gate: no-worse" in said


def test_what_a_base_disabled_cannot_be_loosened(load: Load, write: Write) -> None:
    write(BASE + "    enabled: false\n", "base.aipm.yaml")
    assert load(child("limit: {max: 0.9}, warn: {max: 0.8}, enabled: true")).loosened == ()


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("{reason: r}", "'owner' is missing; add it"),
        ("{reason: ' ', owner: o}", "'reason' must not be empty"),
        ("{reason: r, owner: o, when: now}", "unknown key 'when' in 'override'"),
        ("because", "'override' must be a mapping, not 'because'"),
        ("", "'override' must be a mapping, not empty"),
    ],
)
def test_an_override_has_a_reason_and_an_owner(
    faults: Faults, write: Write, override: str, said: str
) -> None:
    write(BASE, "base.aipm.yaml")
    lines = faults(child(f"limit: {{max: 0.2}}, override: {override}"))
    assert len(lines) == 1
    assert said in lines[0]
