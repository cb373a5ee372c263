"""``aipm schema``: what editors and other programs read of our files."""

from __future__ import annotations

import json

import jsonschema
import pytest
from cli_project import GREEN

from pytest_aipm.commands.schema import KINDS
from pytest_aipm.policy.schema import FILES, modeline
from pytest_aipm.policy.text import composer
from pytest_aipm.policy.tree import Faults
from pytest_aipm.policy.values import Values

PACK = """\
aipm: 1
pack: {title: Ours, version: "1", status: guidance, as_of: 2026-11-01}
checks: []
"""


def test_the_schema_describes_what_is_written(aipm, red, green):
    said = aipm("schema", "audit")
    schema = json.loads(said.out)
    jsonschema.Draft202012Validator.check_schema(schema)
    for record in (red, green):
        jsonschema.validate(json.loads(record.to_json()), schema)
    assert schema["properties"]["schema"]["const"] == "aipm-audit/1"


@pytest.mark.parametrize(
    "change", [{"schema": "aipm-audit/2"}, {"verdict": "green"}, {"more": 1}, {"digest": None}]
)
def test_the_schema_refuses_what_is_none(aipm, green, change):
    schema = json.loads(aipm("schema", "audit").out)
    broken = {**json.loads(green.to_json()), **change}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema)


def test_the_command_knows_the_kinds_that_there_are(aipm):
    said = aipm("schema", "--help")
    assert "{" + ",".join(KINDS) + "}" in said.out


@pytest.mark.parametrize("kind", FILES)
def test_each_kind_that_people_edit_is_of_draft_7(aipm, kind):
    said = aipm("schema", kind)
    schema = json.loads(said.out)
    assert (said.code, said.err) == (0, "")
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert schema["title"] == f"pytest-aipm {kind}"
    jsonschema.Draft7Validator.check_schema(schema)


def test_a_baseline_fits_its_schema_and_another_format_does_not(aipm, project, green):
    folder = project.report(green)
    done = aipm("approve", folder, "--by", "me", "--reason", "the first one")
    assert done.code == 0, done.err
    fits = jsonschema.Draft7Validator(json.loads(aipm("schema", "baseline").out))
    baseline = json.loads((project.path / "aipm-baseline.json").read_text())
    assert list(fits.iter_errors(baseline)) == []
    assert not fits.is_valid({**baseline, "aipm_baseline": 2})
    (policy,) = baseline["policies"].values()
    next(iter(policy["findings"].values()))["value"] = "high"
    assert not fits.is_valid(baseline)


def test_a_folder_of_schemas_is_found_from_the_first_line_of_a_policy(aipm, project):
    path = project.policy("good", GREEN)
    path.write_text(f"{modeline()}\n{path.read_text()}")
    said = aipm("schema", "--write", "policies")
    assert said.code == 0, said.err
    assert [line for line in said.out.splitlines() if line.startswith("wrote")] == [
        f"wrote policies/{name}" for name in FILES.values()
    ]
    assert modeline() in said.out

    first, _, rest = path.read_text().partition("\n")
    named = path.parent / first.partition("$schema=")[2]
    fits = jsonschema.Draft7Validator(json.loads(named.read_text()))
    tree = Values("", Faults()).tree(composer().compose(rest)).plain()
    assert fits.is_valid(tree)
    tree["subject"]["lable"] = tree["subject"].pop("label")
    assert [error.message for error in fits.iter_errors(tree)] == [
        "Additional properties are not allowed ('lable' was unexpected)"
    ]
    assert aipm("validate", "--no-data").code == 0
    assert not list(path.parent.glob(".*.tmp"))


def test_written_again_the_bytes_are_the_same(aipm, project):
    def written():
        assert aipm("schema", "--write", ".").code == 0
        return {name: (project.path / name).read_bytes() for name in FILES.values()}

    assert written() == written()


def test_the_packs_of_a_project_may_be_extended(aipm, project):
    project.file("pytest.ini", "[pytest]\naipm_packs = packs\n")
    project.file("packs/ours.aipm.yaml", PACK)
    fits = jsonschema.Draft7Validator(json.loads(aipm("schema", "policy").out))
    assert fits.is_valid({"aipm": 1, "extends": "pack:ours"})
    assert fits.is_valid({"aipm": 1, "extends": ["base.aipm.yaml", "pack:four-fifths"]})
    assert not fits.is_valid({"aipm": 1, "extends": "pack:theirs"})
    assert not fits.is_valid({"aipm": 1, "extends": "https://example.org/base.aipm.yaml"})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "aipm schema prints one schema, or writes those of a folder; name one of policy, "),
        (("policy", "--write", "."), "aipm schema prints one schema, or writes those of a folder"),
        (("--write", "no"), "--write=no: there is no such folder; check the path"),
        (("polciy",), "invalid choice: 'polciy'"),
    ],
)
def test_what_cannot_be_done_is_one_line(aipm, words, said):
    done = aipm("schema", *words)
    assert done.code == 4
    assert said in done.err
    assert "Traceback" not in done.err
