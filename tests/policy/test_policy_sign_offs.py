"""Sign-offs: who, as what, when and for which record; a closed grammar."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pytest_aipm.errors import SignOffError
from pytest_aipm.policy import load_sign_offs
from pytest_aipm.records import SignOff

CASES: list[dict[str, str]] = YAML(typ="safe", pure=True).load(
    Path(__file__).with_name("bad_sign_offs.yaml")
)

ONE = {
    "who": "risk@example.org",
    "role": "model risk",
    "date": "2026-11-25",
    "digest": f'"{"ab" * 32}"',
    "comment": "for the branch alone",
}


def entry(**changes: str | None) -> str:
    merged = {**ONE, **changes}
    lines = [f"{key}: {value}" for key, value in merged.items() if value is not None]
    return "  - " + "\n    ".join(lines) + "\n"


Read = Callable[..., tuple[SignOff, ...]]


@pytest.fixture
def read(write: Callable[..., Path], tmp_path: Path) -> Read:
    def reader(*entries: str, text: str | None = None) -> tuple[SignOff, ...]:
        whole = "sign_offs:\n" + "".join(entries) if text is None else text
        return load_sign_offs(write(whole, "sign_offs.yaml"), root=tmp_path)

    return reader


def test_a_sign_off_says_who_stands_for_which_record(read: Read) -> None:
    (found,) = read(entry(digest="sha256:" + "AB" * 32))
    assert found == SignOff(
        who="risk@example.org",
        role="model risk",
        date="2026-11-25",
        digest="ab" * 32,
        comment="for the branch alone",
        matches=False,
    )


def test_a_comment_may_be_left_out(read: Read) -> None:
    (found,) = read(entry(comment=None))
    assert found.comment == ""


@pytest.mark.parametrize("case", CASES, ids=[case["says"] for case in CASES])
def test_each_fault_is_one_line(read: Read, case: dict[str, str]) -> None:
    with pytest.raises(SignOffError) as caught:
        read(entry(**{case["change"]: case["to"]}))
    assert str(caught.value) == f"sign_offs.yaml:{case['says']}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", " the file is empty; write its first key"),
        ("sign_offs:\n", "1:1: 'sign_offs' must be a list; write `sign_offs: []` when there are"),
        ("signoffs: []\n", "1:1: 'sign_offs' is missing; write `sign_offs: []` when there are non"),
        ("signoffs: []\n", "1:1: unknown key 'signoffs' in the sign-offs file; did you mean 'sign"),
        ("sign_offs: [a]\n", "1:13: a sign-off must be a mapping, not 'a'; start it with `- who:"),
        ("sign_offs:\n\t- a\n", "2:1: a tab cannot stand here; indent with spaces"),
    ],
)
def test_a_file_that_is_no_sign_offs_file_is_refused(read: Read, text: str, said: str) -> None:
    with pytest.raises(SignOffError) as caught:
        read(text=text)
    assert f"sign_offs.yaml:{said}" in str(caught.value)


def test_all_faults_are_told_at_once(read: Read) -> None:
    with pytest.raises(SignOffError) as caught:
        read(entry(role=None), entry(date="today"))
    assert len(caught.value.problems) == 2


def test_one_person_signs_a_record_off_once(read: Read) -> None:
    with pytest.raises(SignOffError) as caught:
        read(entry(), entry(role="owner"))
    assert str(caught.value) == (
        "sign_offs.yaml:7:10: 'risk@example.org' signs the same record off twice, first in line 2; "
        "keep one"
    )
    assert len(read(entry(), entry(digest=f'"{"cd" * 32}"'), entry(who="other@example.org"))) == 3
