"""Policies, waivers, locks and baselines that are no such thing: refused before anything runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pytest_aipm
from pytest_aipm.baseline import read_baseline, write_baseline

POLICY = "policies/credit.aipm.yaml"

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)


# Text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ": the file is empty; write its first key"),
        (b"# nothing yet\n", ": the file is empty; write its first key"),
        (b"\x00\x01\x02", ":1:1: the character U+0000 cannot stand in YAML; remove it"),
        (b"\xff\xfea\x00", ":1: not UTF-8: byte 0xff at offset 0; save the file as UTF-8"),
        ("name: é".encode("latin-1"), ":1: not UTF-8: byte 0xe9 at offset 6; save the file as U"),
        (b"- a\n- b\n", ":1:1: the file is not a mapping; start it with `key: value` lines"),
        (b"%YAML 1.1\n---\naipm: 1\n", ":1:1: '%YAML 1.1' is not YAML 1.2; remove this line"),
        (b"aipm: 1\n---\naipm: 1\n", ":2:1: a second document starts here; keep one document a"),
        (b"aipm: &a [*a]\n", ":1:7: an alias that holds itself; write the value out"),
        (b"a: " + b"[" * 70, ":1:64: nested deeper than 60 levels; flatten it"),
        (b"a: " + b"x" * 300_000, ": larger than 250,000 bytes; split it with `extends`"),
    ],
    ids=[
        "empty",
        "a comment",
        "zero bytes",
        "UTF-16",
        "Latin-1",
        "a list",
        "YAML 1.1",
        "two documents",
        "a snake",
        "brackets",
        "too large",
    ],
)
def test_text_that_is_no_policy_is_refused_where_it_stands(
    project: Any, content: bytes, said: str
) -> None:
    project.write(POLICY, content)
    (line,) = project.refusal()
    assert line.startswith(f"{POLICY}{said}")


def test_a_bomb_of_aliases_is_refused_at_once(project: Any) -> None:
    path = project.root / POLICY
    path.write_text(path.read_text() + BOMB)
    start = time.process_time()
    (line,) = project.refusal()
    assert line == f"{POLICY}: its aliases expand to more than 10,000 values; write the values out"
    assert time.process_time() - start < 5


def test_a_tag_runs_nothing(project: Any, tmp_path: Path) -> None:
    path = project.root / POLICY
    call = f"!!python/object/apply:os.mkdir ['{tmp_path}/ran']"
    path.write_text(path.read_text() + f"publish: {call}\n")
    assert any(
        "'!!python/object/apply:os.mkdir' is not part of" in line for line in project.refusal()
    )
    assert not (tmp_path / "ran").exists()


# Words


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ({"protected": {"sex": "y"}}, "10:22: the attribute 'sex' and 'label' are the same colum"),
        ({"protected": {"s": {"column": "pred"}}}, "10:31: the attribute 's' and 'predictions' a"),
        ({"predictions": "y"}, "6:16: 'predictions' and 'label' are the same column; a label can"),
        ({"features": ["score", "y"]}, "11:23: 'features' lists the label 'y'; a model must not"),
        ({"positive": None}, "neither 'positive' nor 'favorable' is given; name the class"),
        ({"label": None}, "'performance.metric' needs a label; add 'label' to the subject"),
        ({"task": "clustering"}, "5:9: 'clustering' is not a task of this version: binary, mul"),
        ({"data": "https://example.org/x.csv"}, "7:9: "),
        ({"weights": "y"}, "'weights' and 'label' are the same column; name the column that says"),
        ({"cluster": "pred"}, "'cluster' and 'predictions' are the same column; name the column"),
        ({"weighting": "w"}, "unknown key 'weighting' in 'subject'"),
        ({"decision": {"threshold": 0.5}}, "the column of 'predictions' holds decisions already;"),
    ],
)
def test_a_subject_that_contradicts_itself_is_refused(
    project: Any, subject: dict[str, Any], said: str
) -> None:
    project.policy(**subject)
    lines = project.refusal()
    assert all(line.startswith(f"{POLICY}:") for line in lines)
    assert any(said in line for line in lines), lines


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ({"limit": {"max": ".nan"}}, "'max' must be a number"),
        ({"limit": {"max": True}}, "'max' must be a number, not true; correct it"),
        ({"limit": {"max": "10 %"}}, "'max' must be a number, not '10 %'; write 0.1"),
        ({"limit": {"min": 0.5, "max": 0.2}}, "lower end 0.5 of 'limit' is not below the upper"),
        ({"limit": {}}, "'limit' is empty; give it min or max"),
        ({"limit": None, "regression": {}}, "'regression' is empty; write for example"),
        ({"confidence": 1}, "'confidence' must be below 1, not 1; correct it"),
        ({"min_group_size": 0}, "'min_group_size' must be"),
        ({"max_unknown": 2}, "'max_unknown' must be"),
        ({"by": "age"}, "'age'"),
        ({"check": "fairness.demographic_parity"}, "unknown check 'fairness.demographic_parity'"),
        ({"id": "a/b"}, "a/b"),
        ({"thresold": 1}, "unknown key 'thresold'"),
        ({"enabled": "no"}, "'enabled' must be true or false"),
    ],
    ids=str,
)
def test_a_check_that_asks_for_nonsense_is_refused(
    project: Any, check: dict[str, Any], said: str
) -> None:
    project.checks = [{**project.checks[0], **check}]
    project.policy()
    lines = project.refusal()
    assert all(line.startswith(f"{POLICY}:") for line in lines)
    assert any(said in line for line in lines), lines


def test_no_checks_and_no_policy_prove_nothing(project: Any) -> None:
    path = project.root / POLICY
    head = path.read_text().partition("checks:")[0]
    for empty in ("", "checks:\n", "checks: []\n"):
        path.write_text(head + empty)
        assert any("'checks'" in line for line in project.refusal()), empty
    (project.root / POLICY).unlink()
    (line,) = project.refusal()
    assert line == "policies: no policy in this folder; add a file '*.aipm.yaml'"


def test_two_policies_of_one_name_are_refused(project: Any) -> None:
    text = (project.root / POLICY).read_text()
    project.write("policies/other.aipm.yaml", text)
    assert any("'credit'" in line for line in project.refusal())


# Waivers


WAIVER = {
    "id": "W-1",
    "check": "credit::gap::sex",
    "reason": "a reason",
    "owner": "risk@example.org",
    "ticket": "T-1",
    "created": "2026-01-01",
    "expires": "2099-01-01",
}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", ": the file is empty; write its first key"),
        ("waivers: soon\n", ":1:1: 'waivers' must be a list; write `waivers: []` when there are"),
        ("waivers: [soon]\n", ":1:11: a waiver must be a mapping, not 'soon'; start it with `- "),
        (b"\xff", ":1: not UTF-8: byte 0xff at offset 0; save the file as UTF-8"),
        ({"check": "credit::gpa::sex"}, f":1:37: {POLICY} has no finding 'credit::gpa::sex'; did"),
        ({"check": "credit::*::sex"}, ": 'credit::*::sex' is no finding id; name one finding a "),
        ({"expires": "soon"}, ": 'soon' is no date; write YYYY-MM-DD"),
        ({"expires": "2025-12-31"}, ": 'expires' 2025-12-31 is before 'created' 2026-01-01; cor"),
        ({"owner": ""}, "'owner'"),
        ({"floor": {"max": 0.1}}, ": the floor max 0.1 is not beyond the limit max 0.9; it woul"),
        ({"floor": {"max": 1}}, ": no value is beyond the floor max 1: it would waive without e"),
        ({"floor": {"max": 10}}, ": no value is beyond the floor max 10: it would waive without "),
    ],
    ids=str,
)
def test_waivers_that_cover_nothing_anyone_can_check_are_refused(
    project: Any, content: Any, said: str
) -> None:
    if isinstance(content, dict):
        content = json.dumps({"waivers": [{**WAIVER, **content}]})
    project.write("policies/waivers.yaml", content)
    lines = project.refusal()
    assert all(line.startswith("policies/waivers.yaml:") for line in lines)
    assert any(said in line for line in lines), lines


def test_a_waiver_never_covers_what_could_not_be_measured(project: Any) -> None:
    project.write("policies/waivers.yaml", json.dumps({"waivers": [WAIVER]}))
    project.policy(data="absent.csv")
    record = project.audit()
    assert [each.verdict for each in record.findings] == ["error", "error"]
    assert record.findings[0].waiver.state == "unused"
    assert record.verdict == "fail"


@pytest.mark.parametrize("epoch", ["soon", "1e9", "9" * 30])
def test_a_date_that_is_none_does_not_decide_which_waivers_hold(
    project: Any, epoch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    with pytest.raises(pytest_aipm.UsageFault, match="not a number of seconds"):
        project.audit()


# The lock


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{soon", "aipm.lock:1:2: is not JSON (Expecting property name enclosed in double quotes"),
        ("[]", 'aipm.lock: holds no "aipm_lock": 1; restore it from version control'),
        (b"\xff\xfe", "aipm.lock: is not UTF-8 text; restore it"),
        ("[" * 100_000, "aipm.lock: is nested without end; restore it from version control"),
        ('{"aipm_lock": 1, "artifacts": [{}]}', "aipm.lock: an entry needs exactly the keys"),
        ('{"aipm_lock": 2, "artifacts": []}', 'aipm.lock: holds no "aipm_lock": 1; restore it'),
    ],
    ids=["no JSON", "a list", "no text", "nested", "an empty entry", "another version"],
)
def test_a_lock_that_is_none_vouches_for_nothing(project: Any, content: Any, said: str) -> None:
    project.write("aipm.lock", content)
    (line,) = project.refusal()
    assert line.startswith(said)


# The baseline


@pytest.fixture
def approved(project: Any) -> Any:
    """A project whose policy compares with the baseline beside it."""
    record = project.audit()
    path = project.root / "aipm-baseline.json"
    write_baseline(record, path, by="someone", reason="a test", when="2026-01-01")
    project.checks = [{**project.checks[0], "regression": {"max_change": 0.02}}]
    project.policy()
    assert project.audit().verdict == "pass"
    return project


def test_without_a_baseline_a_regression_is_refused_with_the_command_that_makes_one(
    approved: Any,
) -> None:
    (approved.root / "aipm-baseline.json").unlink()
    (line,) = approved.refusal()
    assert line.startswith(
        f"{POLICY}:12: check 'gap' declares `regression`, but aipm-baseline.json"
    )
    assert line.endswith("; create it: pytest --aipm-audit --aipm-update-baseline")


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b"", ":1:1"),
        (b"{soon", ":1:2"),
        (b"\xff\xfe\x00", ""),
        (b"[" * 100_000, ""),
        (b"[]", ""),
        (b"null", ""),
        (b'{"aipm_baseline": 1}', ""),
        (b'{"aipm_baseline": 1, "policies": []}', ""),
    ],
    ids=[
        "empty",
        "no JSON",
        "no text",
        "nested",
        "a list",
        "null",
        "no policies",
        "a list of them",
    ],
)
def test_a_file_that_is_no_baseline_is_refused(approved: Any, content: bytes, where: str) -> None:
    approved.write("aipm-baseline.json", content)
    (line,) = approved.refusal()
    assert line.startswith(f"aipm-baseline.json{where}: this is no readable baseline")
    assert line.endswith("; restore it from version control or approve a run anew")


def gap(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = content["policies"]["credit"]["findings"]["credit::gap::sex"]
    return found


@pytest.mark.parametrize(
    ("spoil", "place"),
    [
        (lambda c: gap(c).update(value="0.1"), "value"),
        (lambda c: gap(c).update(interval=[0.1]), "interval"),
        (lambda c: gap(c).update(state="fine"), "state"),
        (lambda c: gap(c).update(sizes=["a", "b"]), "sizes > 0"),
        (lambda c: gap(c).update(sizes=[1]), "credit::gap::sex"),
        (lambda c: gap(c).pop("part_names"), "part_names"),
        (lambda c: gap(c)["groups"][0].update(n="many"), "n"),
        (lambda c: gap(c).update(anchor={"value": 0.1}), "anchor > state"),
        (lambda c: c["policies"]["credit"].update(facts=[]), "facts"),
        (lambda c: c["policies"]["credit"]["facts"].update(rows="all"), "rows"),
        (lambda c: c["policies"]["credit"].pop("approved"), "approved"),
    ],
)
def test_a_baseline_that_someone_edited_by_hand_is_refused_with_the_place(
    approved: Any, spoil: Callable[[Any], Any], place: str
) -> None:
    path = approved.root / "aipm-baseline.json"
    content = json.loads(path.read_text())
    spoil(content)
    path.write_text(json.dumps(content))
    (line,) = approved.refusal()
    assert line.startswith("aipm-baseline.json: this is no readable baseline (see policies > cred")
    assert f"{place}); restore it from version control or approve a run anew" in line


def test_a_baseline_of_another_format_is_refused(approved: Any) -> None:
    approved.write("aipm-baseline.json", '{"aipm_baseline": 7, "policies": {}}')
    (line,) = approved.refusal()
    assert (
        line == "aipm-baseline.json: baseline format 7 is not 1; approve it anew with this version"
    )


def test_a_baseline_that_cannot_be_written_leaves_the_older_one_and_nothing_else(
    approved: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = approved.root / "aipm-baseline.json"
    before = path.read_bytes()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space"):
        write_baseline(approved.audit(), path, by="x", reason="y", when="2026-01-02")
    assert path.read_bytes() == before
    assert [each.name for each in approved.root.iterdir() if "baseline" in each.name] == [path.name]
    assert read_baseline(path, shown="it").policy("credit") is not None
