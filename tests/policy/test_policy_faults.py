"""What is wrong with a policy is said in one line: where, what, how to mend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from policy_samples import GOOD, Level
from ruamel.yaml import YAML

from pytest_aipm.catalog import Catalog
from pytest_aipm.errors import PolicyError
from pytest_aipm.policy import Policy, load_policy, policy_from

CASES: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(
    Path(__file__).with_name("bad_policies.yaml")
)


@pytest.mark.parametrize("case", CASES, ids=[case["says"][0] for case in CASES])
def test_each_fault_is_said_to_the_letter(
    case: Mapping[str, Any], faults: Callable[..., list[str]]
) -> None:
    assert case["replace"] in GOOD
    said = faults(GOOD.replace(case["replace"], case["by"], 1))
    assert said == [f"credit.aipm.yaml:{line}" for line in case["says"]]


def test_no_message_speaks_the_words_of_the_libraries() -> None:
    words = ("pydantic", "https://errors", "input_value", "Input should", "type=", "ruamel")
    said = "\n".join(line for case in CASES for line in case["says"])
    assert [word for word in words if word in said] == []


def test_all_faults_are_said_at_once(faults: Callable[..., list[str]]) -> None:
    text = GOOD.replace("name: credit", "name: a b").replace("label:", "lable:")
    text = text.replace("threshold: 0.5", "threshold: high").replace("max: 0.1", "mx: 0.1")
    assert [line.split(":")[1] for line in faults(text)] == ["2", "7", "9", "13"]


def test_duplicate_keys_are_all_refused_with_the_first_line(
    faults: Callable[..., list[str]],
) -> None:
    text = GOOD.replace("label: defaulted", "label: defaulted\n  label: other") + "name: again\n"
    assert faults(text) == [
        "credit.aipm.yaml:10:3: the key 'label' is there twice, first in line 9; keep one of them",
        "credit.aipm.yaml:15:1: the key 'name' is there twice, first in line 2; keep one of them",
    ]


def test_a_policy_from_python_says_the_same_without_lines(catalog: Catalog, tmp_path: Path) -> None:
    policy = {"aipm": 1, "name": "x", "subject": {"task": "binary"}, "cheks": []}
    with pytest.raises(PolicyError) as caught:
        policy_from(policy, path="the policy", root=tmp_path, catalog=catalog)
    assert "the policy: unknown key 'cheks' in a policy; did you mean 'checks'?" in str(
        caught.value
    )


def test_a_policy_from_python_reads_as_its_file(
    catalog: Catalog, tmp_path: Path, load: Callable[..., Policy]
) -> None:
    plain = YAML(typ="safe", pure=True).load(GOOD)
    made = policy_from(plain, path="the policy", root=tmp_path, catalog=catalog)
    read = load()
    assert (made.name, made.subject.label, made.nodes()[0].finding_id) == (
        read.name,
        read.subject.label,
        read.nodes()[0].finding_id,
    )
    assert made.checks[0].line is None


def test_what_no_yaml_could_hold_is_refused(catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="the policy: set is no value of a policy"):
        policy_from({"aipm": {1}}, path="the policy", root=tmp_path, catalog=catalog)


def test_numpy_numbers_are_numbers(catalog: Catalog, tmp_path: Path) -> None:
    import numpy as np

    plain = YAML(typ="safe", pure=True).load(GOOD)
    plain["checks"][0]["limit"]["max"] = np.float64(0.2)
    policy = policy_from(plain, path="the policy", root=tmp_path, catalog=catalog)
    assert policy.checks[0].limit is not None
    assert policy.checks[0].limit.max == 0.2


def test_a_base_is_no_policy(faults: Callable[..., list[str]]) -> None:
    assert faults("aipm: 1\nchecks: []\n", "base.aipm.yaml") == [
        (
            "base.aipm.yaml: a base for `extends`, because it has no 'subject'; name a policy that "
            "extends it, or add a subject"
        )
    ]


def test_scope_ids_that_would_collide_are_refused(faults: Callable[..., list[str]]) -> None:
    text = GOOD.replace("{sex: sex,", "{sex: sex, sex-x-race: both,")
    text = text.replace("id: gap,", "id: gap, by: [[sex, race], sex-x-race],")
    assert faults(text) == [
        (
            "credit.aipm.yaml:13:59: two scopes would share the id 'sex-x-race'; rename the "
            "attribute that holds '-x-'"
        )
    ]


def test_a_missing_file_is_said_without_a_line(catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(tmp_path / "no.aipm.yaml", root=tmp_path, catalog=catalog)
    assert str(caught.value) == "no.aipm.yaml: there is no such file; check the path"


def test_a_check_that_cannot_be_imported_is_said_at_its_line(
    tmp_path: Path, write: Callable[..., Path]
) -> None:
    class Broken:
        def names(self) -> tuple[str, ...]:
            return ("fairness.fake_gap",)

        def load(self, name: str) -> Any:
            from pytest_aipm.errors import Problem

            raise PolicyError(Problem(f"the check '{name}' cannot be imported: boom", "mend it"))

        def suggest(self, _: str) -> None:
            return None

    with pytest.raises(PolicyError) as caught:
        load_policy(write(GOOD), root=tmp_path, catalog=Broken())
    assert str(caught.value) == (
        "credit.aipm.yaml:13:13: the check 'fairness.fake_gap' cannot be imported: boom; mend it"
    )


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("level: hgih", "'level' must be one of low, high, not 'hgih'; did you mean 'high'?"),
        ("code: ab", "'code' must match the pattern ^[A-Z]+$, not 'ab'; correct it"),
        ("code: ''", "'code' must not be empty; give it a value or remove the key"),
        ("step: 7", "'step' must be a multiple of 5; correct it"),
        ("main: {nmae: x}", "unknown key 'nmae' in 'main'; did you mean 'name'?"),
        ("main: {nmae: x}", "'name' is missing; add it"),
        ("level: high, main: {name: 3}", "'name' must be text, not the number 3; put it in quotes"),
        ("columns: [{name: a}, b]", "item 2 of 'columns' must be a mapping, not 'b'; correct it"),
        ("columns: [{name: a, weight: w}]", "'weight' must be a number, not 'w'; correct it"),
        ("either: 3", "'either' must be text or a list, not the number 3; correct it"),
        ("pairs: {a: {name: x, wieght: 2}}", "unknown key 'wieght' in 'a'; did you mean 'weight'?"),
        ("main: {name: x}", "'main' needs `level: high`; change one"),
    ],
)
def test_a_checks_own_keys_are_refused_in_the_same_words(
    faults: Callable[..., list[str]], keys: str, said: str
) -> None:
    text = GOOD.replace("fairness.fake_gap, id: gap", f"fairness.fake_rich, {keys}")
    lines = faults(text)
    assert said in [line.split(": ", 1)[1] for line in lines]
    assert all(line.startswith("credit.aipm.yaml:13:") for line in lines)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (float("nan"), "nan is not a finite number"),
        ("\ud800", "holds half a character"),
        (object(), "object is no value of a policy"),
    ],
)
def test_odd_values_from_python_are_refused(
    catalog: Catalog, tmp_path: Path, value: object, said: str
) -> None:
    with pytest.raises(PolicyError, match=said):
        policy_from({"aipm": value}, path="the policy", root=tmp_path, catalog=catalog)


def test_paths_arrays_and_enumerations_from_python_are_what_they_say(
    catalog: Catalog, tmp_path: Path
) -> None:
    import numpy as np

    plain = YAML(typ="safe", pure=True).load(GOOD)
    plain["subject"]["data"] = Path("holdout.csv")
    plain["subject"]["protected"]["race"]["groups"] = np.array(["A", "B"])
    plain["subject"]["positive"] = np.int64(1)
    plain["checks"][0].update(check="fairness.fake_rich", level=Level.HIGH)
    policy = policy_from(plain, path="the policy", root=tmp_path, catalog=catalog)
    assert policy.subject.data.path == "holdout.csv"
    assert policy.subject.protected["race"].groups == ("A", "B")
    assert (policy.subject.positive, type(policy.subject.positive)) == (1, int)
    assert policy.checks[0].params_for(("sex",)).level == Level.HIGH  # type: ignore[attr-defined]


def test_a_subject_that_is_no_mapping_is_said_once(faults: Callable[..., list[str]]) -> None:
    text = GOOD[: GOOD.index("subject:")] + "subject: m.skops\n" + GOOD[GOOD.index("checks:") :]
    assert faults(text) == [
        "credit.aipm.yaml:4:1: 'subject' must be a mapping, not 'm.skops'; indent its keys below it"
    ]
