"""The schema that editors read agrees with the loader: whatever one accepts fits the other."""

from __future__ import annotations

import copy
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from policy_samples import FAKES, GOOD, fake
from pydantic import ConfigDict
from ruamel.yaml.error import MarkedYAMLError

from pytest_aipm.catalog import Catalog
from pytest_aipm.checks.base import CheckParams
from pytest_aipm.errors import PolicyError, SignOffError, WaiverError
from pytest_aipm.policy import Policy, load_sign_offs, load_waivers, policy_from
from pytest_aipm.policy.library import Library
from pytest_aipm.policy.schema import (
    FILES,
    MODELINE,
    modeline,
    policy_schema,
    sign_offs_schema,
    waivers_schema,
)
from pytest_aipm.policy.text import composer
from pytest_aipm.policy.tree import Faults
from pytest_aipm.policy.values import Values

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "checks"))

from check_cases import case_files  # noqa: E402

GRAMMAR = re.compile(
    r"unknown key|unknown check|must be (text|a |true|one of|at |above|below|1,)|'check' is missing"
    r"|is empty(?!:)|is a URL|is no factory|is no date|is not a sha256|must not be empty"
    r"|is not the name of an environment|cannot be '|is not a task|there is no pack"
)
"""What a schema can know of one file: keys, types, words to choose from, the form of a text."""

CATALOG = Catalog(extra=FAKES)
SCHEMA = policy_schema(CATALOG)
FITS = jsonschema.Draft7Validator(SCHEMA)


def yaml_of(text: str) -> Any:
    """Return what the loader reads: a date is a text."""
    return Values("", Faults()).tree(composer().compose(text)).plain()


SAMPLE = yaml_of(GOOD)


def accepted(value: dict[str, Any], root: Path = ROOT) -> bool:
    try:
        policy_from(value, path="the policy", root=root, catalog=CATALOG)
    except PolicyError:
        return False
    return True


@pytest.mark.parametrize(
    "schema",
    [SCHEMA, policy_schema(Catalog()), waivers_schema(), sign_offs_schema()],
    ids=["fakes", "policy", "waivers", "sign-offs"],
)
def test_it_is_a_schema_of_draft_7_in_which_every_key_is_explained(schema: dict[str, Any]) -> None:
    jsonschema.Draft7Validator.check_schema(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    unsaid = {name for name, each in properties(schema, schema) if not said(each)}
    limits = {name for name in unsaid if re.fullmatch(r"(min|max)(_[a-z0-9]+)*", name)}
    assert unsaid <= limits | set(FAKE_KEYS)


FAKE_KEYS = {
    key
    for module in FAKES.values()
    for key in (*module.Params.model_fields, "name", "weight")
    if key not in CheckParams.model_fields
}
"""The invented checks explain nothing."""


def properties(node: Any, whole: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every key that a file may hold, with references followed once."""
    if isinstance(node, list):
        for each in node:
            yield from properties(each, whole)
    if not isinstance(node, dict):
        return
    for name, value in node.items():
        if name == "properties":
            for key, each in value.items():
                if not set(each) <= {"const", "$ref", "minProperties", "required", "properties"} | {
                    "minItems",
                    "items",
                    "allOf",
                }:
                    yield key, each
                yield from properties(each, whole)
        elif name not in ("default", "enum", "required"):
            yield from properties(value, whole)


def said(schema: dict[str, Any]) -> bool:
    branches = schema.get("anyOf", [])
    return bool(schema.get("description")) or any(each.get("description") for each in branches)


def test_each_check_brings_its_question_and_its_own_parameters() -> None:
    schema = policy_schema(Catalog())
    check = schema["definitions"]["check.fairness.score_gap"]["properties"]
    assert "Does the model score one group lower" in check["check"]["description"]
    assert check["measure"]["default"] == "mean"
    assert check["measure"]["enum"][:4] == ["mean", "standardised", "above_median", "ks"]
    assert check["measure"]["description"].startswith("Difference of means")
    assert (check["min_share"]["exclusiveMinimum"], check["min_share"]["exclusiveMaximum"]) == (
        0,
        1,
    )
    entry = schema["properties"]["checks"]["items"]["properties"]["check"]
    assert entry["enum"] == list(Catalog().names())
    assert len(entry["enumDescriptions"]) == len(entry["enum"])
    limits = schema["definitions"]["check.privacy.membership_inference"]["properties"]["limit"]
    assert set(limits["properties"]) == {"min", "max", "min_auc", "max_auc"}


# what the loader accepts


def repository() -> Iterator[tuple[str, Any]]:
    """Every policy, pack and base that this repository shows or measures."""
    packs = Library()
    for path in [*sorted((ROOT / "policies").glob("*.aipm.yaml")), *map(packs.path, packs.names())]:
        assert path is not None
        yield path.name, yaml_of(path.read_text(encoding="utf-8"))
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = page.read_text(encoding="utf-8")
        for block in re.findall(r"^```yaml\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE):
            if block.startswith(("aipm:", "# yaml-language-server")):
                yield page.name, yaml_of(block)
    for name, file in case_files().items():
        for case in file.cases:
            yield f"{name}: {case.name}", case.policy()


REPOSITORY = list(repository())


def test_every_policy_of_this_repository_fits() -> None:
    assert len(REPOSITORY) > 150
    fits = jsonschema.Draft7Validator(policy_schema(Catalog()))
    wrong = {
        name: [error.message for error in fits.iter_errors(value)]
        for name, value in REPOSITORY
        if not fits.is_valid(value)
    }
    assert wrong == {}


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(-2, 2),
    st.sampled_from(["", " ", "sex", "overall", "binary", "above", "2026-01-31", "a:b", "s3://x"]),
    st.sampled_from([[], ["sex"], [["sex", "race"]], [1, 2], {}, {"min": 0.1}, {"max": 1}]),
    st.sampled_from([{"path": "a.csv"}, {"column": "c"}, {"reason": "r", "owner": "o"}]),
)
KEYS = sorted(
    {key for key, _ in properties(SCHEMA, SCHEMA)} | {"threshold", "nonsense", "sex", "line"}
)
RICH: list[dict[str, Any]] = [
    SAMPLE,
    {
        **SAMPLE,
        "defaults": {"confidence": 0.9, "by": "sex", "unknown": "report"},
        "publish": {"min_cell": 3},
        "checks": [
            {"check": "fairness.fake_rich", "level": "high", "main": {"name": "x"}, "by": "sex"},
            {"check": "performance.fake_metric", "metric": "accuracy", "limit": {"min": 0.1}},
            {"check": "data.fake_count", "limit": {"max": 3}, "regression": {"max_change": 0.1}},
        ],
    },
    {**SAMPLE, "extends": ["pack:four-fifths"]},
    {
        **SAMPLE,
        "extends": "pack:release-gate",
        "checks": [{"id": "odds", "by": "sex", "warn": {"max": 0.05}, "severity": None}],
    },
    {
        **SAMPLE,
        "subject": {
            "task": "regression",
            "predictions": "p",
            "data": {"factory": "a.b:c"},
            "label": "y",
            "weights": {"column": "w", "kind": "frequency"},
            "protected": {"age": {"bins": [1, 2], "labels": ["a", "b", "c"]}},
            "decision": {"threshold": 1, "favorable_when": "above"},
        },
        "checks": [{"check": "data.fake_count", "limit": {"max": 3}}],
    },
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else ()
    for key, each in enumerate(value) if isinstance(value, list) else items:
        yield from places(each, (*path, key))


@st.composite
def changed(draw: Callable[[Any], Any]) -> dict[str, Any]:
    """A good policy in which one or two things are set, taken out or renamed."""
    policy = copy.deepcopy(draw(st.sampled_from(RICH)))
    for _ in range(draw(st.integers(1, 2))):
        *above, last = draw(st.sampled_from([each for each in places(policy) if each]))
        inner: Any = policy
        for key in above:
            inner = inner[key]
        how = draw(st.sampled_from(["set", "set", "drop", "add"]))
        if how == "set":
            inner[last] = copy.deepcopy(draw(ODD))
        elif how == "drop":
            del inner[last]
        elif isinstance(inner, dict):
            inner[draw(st.sampled_from(KEYS))] = copy.deepcopy(draw(ODD))
    return policy


@settings(
    max_examples=int(os.environ.get("AIPM_EXAMPLES", "200")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(changed())
def test_what_the_loader_accepts_fits_however_it_was_changed(policy: dict[str, Any]) -> None:
    if accepted(policy):
        assert [error.message for error in FITS.iter_errors(policy)] == []


def test_the_good_policies_that_are_changed_are_good() -> None:
    # under release-gate, `severity` takes nothing out, which the loader alone can know
    assert [accepted(policy) for policy in RICH] == [True, True, True, False, True]
    assert all(FITS.is_valid(policy) for policy in RICH)


# what the loader refuses


@pytest.mark.parametrize("word", ["nonsense", "line", "no_worse", "seed"])
@pytest.mark.parametrize("number", range(len(RICH)))
def test_an_unknown_key_is_refused_in_every_closed_mapping(number: int, word: str) -> None:
    open_places = {("context",), ("subject", "protected")}
    for path in places(RICH[number]):
        policy: Any = copy.deepcopy(RICH[number])
        inner = policy
        for key in path:
            inner = inner[key]
        if isinstance(inner, dict) and path not in open_places:
            inner[word] = 1
            assert not accepted(policy), path
            assert not FITS.is_valid(policy), path


CASES = yaml_of((HERE / "bad_policies.yaml").read_text(encoding="utf-8"))


def test_what_is_refused_for_its_grammar_does_not_fit() -> None:
    asked = [each for each in CASES if any(map(GRAMMAR.search, each["says"]))]
    assert len(asked) > 70
    fits = []
    for case in asked:
        try:
            value = yaml_of(GOOD.replace(case["replace"], case["by"], 1))
        except MarkedYAMLError:  # no tree, no schema
            continue
        if FITS.is_valid(value):
            fits.append(case["says"])
    assert fits == []


@pytest.mark.parametrize(
    ("name", "key", "schema", "load", "error"),
    [
        ("bad_waivers.yaml", "waivers", waivers_schema(), load_waivers, WaiverError),
        ("bad_sign_offs.yaml", "sign_offs", sign_offs_schema(), load_sign_offs, SignOffError),
    ],
)
def test_waivers_and_sign_offs_fit_as_they_are_read(
    name: str, key: str, schema: dict[str, Any], load: Any, error: Any, tmp_path: Path
) -> None:
    good = {
        "waivers": {
            "id": "W-1",
            "check": "credit::gap::race",
            "reason": "r",
            "owner": "o",
            "ticket": "T-1",
            "created": "2026-01-10",
            "expires": "2026-06-30",
        },
        "sign_offs": {"who": "w", "role": "r", "date": "2026-11-25", "digest": "a" * 64},
    }[key]
    fits = jsonschema.Draft7Validator(
        schema, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER
    )
    assert fits.is_valid({key: [good]})
    assert fits.is_valid({key: []})
    assert not fits.is_valid({})
    assert not fits.is_valid({key: None})
    refused = 0
    for case in yaml_of((HERE / name).read_text(encoding="utf-8")):
        entry = dict(good)
        if case["to"] is None:
            entry.pop(case["change"], None)
        else:
            entry |= yaml_of(f"{case['change']}: {case['to']}")
        of_another_file = "unknown key 'max_auc' in 'floor'" in case["says"]
        if (GRAMMAR.search(case["says"]) or "is missing" in case["says"]) and not of_another_file:
            assert not fits.is_valid({key: [entry]}), case
            refused += 1
        elif not fits.is_valid({key: [entry]}):
            text = f"{key}:\n- {{{', '.join(f'{k}: {v!r}' for k, v in entry.items())}}}\n"
            path = tmp_path / "file.yaml"
            path.write_text(text)
            arguments = ((),) if key == "waivers" else ()
            with pytest.raises(error):
                load(path, *arguments, root=tmp_path)
    assert refused > 5


# odd checks and odd places


def test_a_check_whose_parameters_json_cannot_say_is_open_there() -> None:
    class Own:
        """Nothing that JSON knows."""

    class Params(CheckParams):
        """Parameters of a type of its own."""

        model_config = ConfigDict(arbitrary_types_allowed=True)
        own: Own | None = None

    schema = policy_schema(Catalog(extra={"data.fake_own": fake("own", Params=Params)}))
    check = {"check": "data.fake_own", "own": 3, "limit": {"max": 1}}
    fits = jsonschema.Draft7Validator(
        schema, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER
    )
    assert fits.is_valid({**SAMPLE, "checks": [check]})
    assert not fits.is_valid({**SAMPLE, "checks": [{**check, "onw": 3}]})


def test_a_check_that_cannot_be_imported_is_left_out_and_the_others_stay() -> None:
    class Broken(Catalog):
        def load(self, name: str) -> Any:
            if name == "fairness.fake_gap":
                raise PolicyError("it cannot be imported")
            return super().load(name)

    schema = policy_schema(Broken(extra=FAKES))
    names = schema["properties"]["checks"]["items"]["properties"]["check"]["enum"]
    assert "fairness.fake_gap" not in names
    assert "fairness.fake_rich" in names


def test_a_check_that_replaces_another_may_take_out_what_that_one_was_asked() -> None:
    swap = {"id": "odds", "check": "performance.fake_metric", "metric": "accuracy", "level": None}
    policy = {**SAMPLE, "extends": "base.aipm.yaml", "checks": [swap]}
    assert FITS.is_valid(policy)
    assert not FITS.is_valid({**policy, "checks": [{**swap, "level": "low"}]})
    assert not FITS.is_valid({**policy, "extends": []})


def test_a_limit_that_no_value_can_break_does_not_fit() -> None:
    fits = jsonschema.Draft7Validator(policy_schema(Catalog()))
    check: dict[str, Any] = {"check": "fairness.demographic_parity_difference"}
    policy = {**SAMPLE, "checks": [{**check, "limit": {"max": 0.1}}]}
    assert fits.is_valid(policy)
    assert not fits.is_valid({**policy, "checks": [{**check, "limit": {"max": 10}}]})


def test_the_modeline_names_a_schema_and_disturbs_nobody(load: Callable[..., Policy]) -> None:
    assert MODELINE == "# yaml-language-server: $schema=aipm-policy.schema.json"
    assert modeline("waivers", folder="../schemas/") == (
        "# yaml-language-server: $schema=../schemas/aipm-waivers.schema.json"
    )
    policy = load(f"{MODELINE}\n{GOOD}")
    assert policy.name == "credit"
    assert policy.checks[0].line == 14


def test_the_policies_of_this_repository_name_their_schemas() -> None:
    for path in (ROOT / "policies").glob("*.yaml"):
        if path.name == "sign_offs.yaml":  # which `aipm sign-off` writes; nobody edits it
            continue
        kind = "waivers" if path.name == "waivers.yaml" else "policy"
        assert path.read_text(encoding="utf-8").startswith(modeline(kind) + "\n")
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "policies/*.schema.json" in ignored
    assert all(name.endswith(".schema.json") for name in FILES.values())
