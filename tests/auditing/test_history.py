"""The history file: one line for each release, never half of one, and the same page again."""

from __future__ import annotations

import copy
import json
import multiprocessing
import os
import time
from pathlib import Path

import pytest

import pytest_aipm
from pytest_aipm.auditing import history
from pytest_aipm.records import Record
from pytest_aipm.report import index_html

NAME = "history.jsonl"


@pytest.fixture(autouse=True)
def _pinned(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")


@pytest.fixture
def released(run, policy, rows, tmp_path):
    """Audit as one release: `commit`, selected women of 10,000; append it; return the record."""

    def release(commit, women, *, label="", **more):
        data = rows({"f": (women, 10_000), "m": (4100, 10_000)})
        record = run(policy, data, **more)
        run_info = record.run.model_copy(update={"commit": commit})
        record = record.model_copy(update={"run": run_info})
        record = history.with_releases(
            record, history.read_history(tmp_path / NAME, shown=NAME)
        ).with_digest()
        history.append(tmp_path / NAME, record, label=label or commit, shown=NAME)
        return record

    return release


def lines(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / NAME).read_text().splitlines()]


def test_a_line_holds_what_was_decided_on_what(released, tmp_path):
    record = released("a" * 40, 4000, label="v1.0")
    (line,) = lines(tmp_path)
    assert line["schema"] == "aipm-history/1"
    assert (line["label"], line["commit"], line["digest"]) == ("v1.0", "a" * 40, record.digest)
    assert line["started"] == "2023-11-14T22:13:20+00:00"
    assert line["version"] == pytest_aipm.__version__
    (policy,) = line["policies"]
    assert (policy["name"], policy["verdict"], policy["rows"]) == ("credit", "pass", 20_000)
    assert policy["data"] == record.audits[0].subject.data.sha256
    (finding,) = policy["findings"]
    assert finding["id"] == "credit::gap::sex"
    assert finding["value"] == record.findings[0].value
    assert finding["interval"] == list(record.findings[0].interval)
    assert finding["limit"] == {"min": None, "max": 0.1}


def test_the_record_holds_the_runs_before_it_and_so_does_the_same_run_again(released, tmp_path):
    released("1" * 40, 4000)
    first = released("2" * 40, 3900)
    released("3" * 40, 3800)
    assert [r.label for r in first.audits[0].releases] == ["1" * 40]
    before = (tmp_path / NAME).read_bytes()
    again = released("2" * 40, 3900)
    assert (tmp_path / NAME).read_bytes() == before
    assert again.to_json() == first.to_json()
    assert index_html(again) == index_html(first)


def test_another_outcome_of_the_same_commit_is_a_line_of_its_own(released, tmp_path):
    released("1" * 40, 4000)
    released("1" * 40, 3500)
    assert len(lines(tmp_path)) == 2


def test_a_thousand_runs_of_one_commit_are_looked_through_quickly(released, tmp_path):
    released("1" * 40, 4000)
    (line,) = lines(tmp_path)
    many = []
    for number in range(1000):
        line["policies"][0]["findings"][0]["value"] = number / 1e6
        many.append(json.dumps(line))
    (tmp_path / NAME).write_text("\n".join(many) + "\n")
    start = time.process_time()
    released("1" * 40, 4000)
    assert len(lines(tmp_path)) == 1001
    assert time.process_time() - start < 10


def test_a_tag_given_later_names_the_line_where_it_stands(released, tmp_path):
    released("1" * 40, 4000)
    released("2" * 40, 3900)
    released("1" * 40, 4000, label="v1.0")
    assert [line["label"] for line in lines(tmp_path)] == ["v1.0", "2" * 40]


def test_only_the_last_twelve_releases_of_the_same_policy_are_kept(released, policy):
    for number in range(15):
        released(f"{number:040}", 4000 - number)
    policy["name"] = "other"
    assert released("f" * 40, 3000).audits[0].releases == ()
    policy["name"] = "credit"
    kept = released("e" * 40, 3000).audits[0].releases
    assert [int(r.label) for r in kept] == list(range(3, 15))


def test_a_record_without_history_is_as_it_was(run, policy, fair, tmp_path):
    record = run(policy, fair)
    assert record.audits[0].releases == ()
    assert not (tmp_path / NAME).exists()
    assert record == run(policy, fair, history=NAME)
    assert not (tmp_path / NAME).exists()  # Python reads it and never writes


BROKEN = {
    b'{"schema": "aipm-history/2", "x": 1}\n': "the schema of this line is not 'aipm-history/1'",
    b"<<<<<<< HEAD\n": "this is the mark of a merge",
    b'["no object"]\n': "this is no line of a history",
    b'{"schema": "aipm-history/1"}\n': "this is no line of a history (see digest)",
    b"\xff\xfe\n": "this is no line of a history",
    b"[" * 100_000 + b"\n": "this is no line of a history",
}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda b: b[:20].decode("ascii", "replace"))
def test_a_broken_line_is_said_and_the_others_are_used(released, tmp_path, broken):
    released("1" * 40, 4000)
    path = tmp_path / NAME
    path.write_bytes(broken + path.read_bytes())
    record = released("2" * 40, 3900)
    (said,) = record.audits[0].warnings
    assert said.startswith(f"{NAME}:1: {BROKEN[broken]}")
    assert [r.label for r in record.audits[0].releases] == ["1" * 40]
    assert path.read_bytes().startswith(broken)
    assert path.read_bytes().count(b"\n") == 3


def test_a_torn_last_line_is_said_and_left_where_it_is(released, tmp_path):
    released("1" * 40, 4000)
    path = tmp_path / NAME
    whole = path.read_bytes()
    torn = whole + whole[:100]
    path.write_bytes(torn)
    record = released("2" * 40, 3900)
    assert record.audits[0].warnings[0].startswith(f"{NAME}:2: the last line is torn")
    assert path.read_bytes().startswith(torn + b"\n{")
    assert path.read_bytes().count(b"\n") == 3


def test_a_last_line_without_its_end_is_whole(released, tmp_path):
    released("1" * 40, 4000)
    path = tmp_path / NAME
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    record = released("2" * 40, 3900)
    assert record.audits[0].warnings == ()
    assert [line["label"][0] for line in lines(tmp_path)] == ["1", "2"]


def test_many_broken_lines_do_not_fill_the_page(released, tmp_path):
    (tmp_path / NAME).write_bytes(b"?\n" * 50)
    said = released("1" * 40, 4000).audits[0].warnings
    assert len(said) == 4
    assert said[-1] == f"{NAME}: 47 more lines cannot be read either"


def test_a_history_that_cannot_be_read_is_said(run, policy, fair, tmp_path):
    (tmp_path / NAME).mkdir()
    said = run(policy, fair, history=NAME).audits[0].warnings
    assert "the history cannot be read (Is a directory)" in said[0]


def test_a_full_disk_leaves_the_file_as_it_was(released, tmp_path, monkeypatch):
    released("1" * 40, 4000)
    before = (tmp_path / NAME).read_bytes()
    write = os.write

    def full(handle, text):
        if text.startswith(b'{"commit"'):
            return write(handle, text[:50])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        released("2" * 40, 3900)
    assert (tmp_path / NAME).read_bytes() == before
    (tmp_path / NAME).unlink()
    with pytest.raises(OSError, match="No space"):
        released("2" * 40, 3900)
    assert not (tmp_path / NAME).exists()


def append_many(path: str, text: str, names: list[str]) -> None:
    record = Record.from_json(text)
    for name in names:
        run = record.run.model_copy(update={"commit": name})
        one = record.model_copy(update={"run": run})
        history.append(Path(path), one, label=name, shown=NAME)
        history.append(Path(path), one, label=f"{name}-tagged", shown=NAME)


def test_two_processes_do_not_tear_or_lose_a_line(run, policy, fair, tmp_path):
    text = run(policy, fair).to_json()
    names = [[f"{who}{number}" for number in range(20)] for who in "abc"]
    context = multiprocessing.get_context("fork")
    workers = [
        context.Process(target=append_many, args=(str(tmp_path / NAME), text, own)) for own in names
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    told = [line["label"] for line in lines(tmp_path)]
    assert sorted(told) == sorted(f"{name}-tagged" for own in names for name in own)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_link_stays_a_link(released, tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / NAME).symlink_to(tmp_path / "kept" / "releases.jsonl")
    released("1" * 40, 4000)
    released("1" * 40, 4000, label="v1")
    assert (tmp_path / NAME).is_symlink()
    assert lines(tmp_path)[0]["label"] == "v1"


def test_small_cells_are_in_no_line(policy, tmp_path, run, rows):
    data = rows({"f": (4000, 10_000), "m": (4100, 10_000), "x": (2, 3)})
    record = run(copy.deepcopy(policy), data)
    history.append(tmp_path / NAME, record, label="v1", shown=NAME)
    (finding,) = lines(tmp_path)[0]["policies"][0]["findings"]
    assert record.findings[0].value is not None
    assert (finding["value"], finding["interval"]) == (None, None)
    assert finding["verdict"] == record.findings[0].verdict


def test_a_withheld_value_is_withheld_in_earlier_releases_too(run, policy, rows, tmp_path):
    """A policy that published everything once must not do so for ever."""
    policy["publish"] = {"min_cell": 1}
    open_ = run(policy, rows({"f": (4000, 9000), "m": (4100, 10_000), "x": (2, 3)}))
    history.append(tmp_path / NAME, open_, label="v1", shown=NAME)
    del policy["publish"]
    now = run(policy, rows({"f": (4000, 10_000), "m": (4100, 10_000), "x": (2, 3)}), history=NAME)
    past = now.audits[0].releases[0].audit.findings[0]
    assert past.value == open_.findings[0].value
    shown = pytest_aipm.report.publishable(now)
    past = shown.audits[0].releases[0].audit.findings[0]
    assert (past.value, past.interval) == (None, None)
    assert pytest_aipm.report.publishable(shown) == shown


def test_one_model_on_three_rows_more_tells_nothing_new(run, policy, rows, tmp_path):
    """Two rates of nearly the same people are the rate of those by whom they differ."""
    first = run(policy, rows({"f": (4000, 10_000), "m": (4100, 10_000)}))
    near = run(policy, rows({"f": (4002, 10_003), "m": (4100, 10_000)}))
    far = run(policy, rows({"f": (4002, 10_006), "m": (4100, 10_000)}))
    same = first.audits[0].subject.model.sha256
    assert same == near.audits[0].subject.model.sha256
    for record, value in ((first, first.findings[0].value), (near, None)):
        history.append(tmp_path / NAME, record, label=record.digest, shown=NAME)
        assert lines(tmp_path)[-1]["policies"][0]["findings"][0]["value"] == value
    history.append(tmp_path / NAME, far, label="far", shown=NAME)
    # six rows from the first, three from the second, which tells nothing
    assert lines(tmp_path)[-1]["policies"][0]["findings"][0]["value"] == far.findings[0].value
