"""Incidents: a closed grammar, and one thing that must hold of rows that are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from pytest_aipm.errors import PolicyError
from pytest_aipm.evidence.stated import Incident
from pytest_aipm.policy.incidents import load_incidents
from pytest_aipm.policy.schema import incidents_schema
from pytest_aipm.policy.text import composer
from pytest_aipm.policy.tree import Faults
from pytest_aipm.policy.values import Values

CASES: list[dict[str, str]] = YAML(typ="safe", pure=True).load(
    Path(__file__).with_name("bad_incidents.yaml")
)

ONE = {
    "id": "INC-7",
    "date": "2026-03-04",
    "title": "Pensioners were refused",
    "what": "A missing employer was taken for unemployment",
    "when": "age >= 65 and income > 20000",
    "expect": "{decision: favorable, share: 0.95}",
    "owner": "lending@example.org",
    "ticket": "RISK-31",
}
FITS = jsonschema.Draft7Validator(incidents_schema())

Read = Callable[..., tuple[Incident, ...]]


def entry(**changes: str | None) -> str:
    merged = {**ONE, **changes}
    lines = [f"{key}: {value}" for key, value in merged.items() if value is not None]
    return "  - " + "\n    ".join(lines) + "\n"


@pytest.fixture
def read(write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795689600")  # 2026-11-26

    def reader(*entries: str, text: str | None = None) -> tuple[Incident, ...]:
        whole = "incidents:\n" + "".join(entries) if text is None else text
        path = write(whole, "incidents.yaml")
        return load_incidents(path, "credit", ["gap", "odds"], root=tmp_path)

    return reader


def value_of(text: str) -> Any:
    return Values("", Faults()).tree(composer().compose(text)).plain()


def test_an_incident_says_what_must_hold_of_which_rows(read: Read) -> None:
    (found,) = read(entry())
    assert (found.id, found.decision, found.share, found.line) == ("INC-7", "favorable", 0.95, 2)
    assert found.when is not None
    assert found.when.names == ("age", "income")
    assert FITS.is_valid(value_of("incidents:\n" + entry()))


def test_a_check_of_the_policy_may_stand_for_rows(read: Read) -> None:
    text = entry(when=None, expect="{check: gap, verdict: pass}")
    (found,) = read(text)
    assert (found.check, found.when, found.ids, found.rows) == ("gap", None, (), None)
    assert FITS.is_valid(value_of("incidents:\n" + text))


def test_a_check_that_is_not_there_is_refused_by_the_policy_that_re_runs_it(read: Read) -> None:
    text = entry(when=None, expect="{check: gaps}")
    with pytest.raises(PolicyError) as error:
        read(text)
    assert str(error.value) == (
        "incidents.yaml:6:21: the incident names the check 'gaps', which is not in this policy; "
        "did you mean 'gap'?"
    )
    assert read(text.replace("owner:", "policy: other\n    owner:")) == ()


def test_each_incident_has_an_id_of_its_own(read: Read) -> None:
    with pytest.raises(PolicyError, match=r"incidents\.yaml:10:9: two incidents have the id 'INC"):
        read(entry(), entry())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["says"][:60])
def test_what_is_wrong_is_said_at_its_place(read: Read, case: dict[str, str]) -> None:
    with pytest.raises(PolicyError) as error:
        read(entry(**{case["change"]: case["to"]}))
    assert f"incidents.yaml:{case['says']}" in str(error.value).split("\n")


GRAMMAR = ("is missing", "unknown key", "must", "letters other", "is no date; write", "both name")
MARKED = [case for case in CASES if any(word in case["says"] for word in GRAMMAR)]


@pytest.mark.parametrize("case", MARKED, ids=lambda case: case["says"][:60])
def test_an_editor_marks_it_too(case: dict[str, str]) -> None:
    text = "incidents:\n" + entry(**{case["change"]: case["to"]})
    assert not FITS.is_valid(value_of(text))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "incidents.yaml: the file is empty; write its first key"),
        (
            "incidents:\n",
            "incidents.yaml:1:1: 'incidents' must be a list; write `incidents: []` when there are",
        ),
        (
            "incident: []\n",
            "incidents.yaml:1:1: unknown key 'incident' in the incidents file; did you mean",
        ),
        (
            "incidents: [a]\n",
            "incidents.yaml:1:13: an incident must be a mapping, not 'a'; start it with `- id: `",
        ),
    ],
)
def test_a_file_that_is_none_is_refused(read: Read, text: str, says: str) -> None:
    with pytest.raises(PolicyError) as error:
        read(text=text)
    assert any(line.startswith(says) for line in str(error.value).split("\n"))


def test_ten_thousand_letters_and_signs_of_another_direction_are_read(read: Read) -> None:
    title = "<script>" + "x" * 10_000 + "\\u202e"
    (found,) = read(entry(title=f'"{title}"'))
    assert found.title.endswith("\u202e")
