"""The folder of the evidence: whole and of one run, or as it was before."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_aipm.records import Record
from pytest_aipm.report import FILES, files, write_reports


@pytest.fixture
def records(project: Any) -> tuple[Record, Record]:
    """Two records that differ in every file but the stylesheet."""
    good = project.audit()
    return good, project.audit(data=project.rows(pred=0))


def held(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def consistent(folder: Path) -> str:
    """Return the digest of the one record that all files of a folder come from."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name
    wanted = sorted(set(FILES) - set(manifest.get("left_out", ())))
    assert sorted(path.name for path in folder.iterdir()) == wanted, "nothing is left over"
    assert Record.from_json((folder / "audit.json").read_bytes()).digest == manifest["digest"]
    return str(manifest["digest"])


def failing(call: Callable[..., Any], *, after: int, onwards: bool) -> Callable[..., Any]:
    """Return a function of the system that fails at one call, or from there on."""
    calls = iter(range(1_000_000))

    def attempt(*args: Any, **kwargs: Any) -> Any:
        number = next(calls)
        if number == after or (onwards and number > after):
            raise OSError(28, "No space left on device")
        return call(*args, **kwargs)

    return attempt


@pytest.mark.parametrize("onwards", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("after", range(len(FILES)))
def test_a_disk_that_fails_at_any_file_leaves_the_older_report_whole(
    records: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int, onwards: bool
) -> None:
    older, newer = records
    folder = tmp_path / "aipm-report"
    write_reports(older, folder)
    before = held(folder)
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", failing(os.replace, after=after, onwards=onwards))
        with pytest.raises(OSError, match="No space"):
            write_reports(newer, folder)
    assert held(folder) == before
    assert consistent(folder) == older.digest
    write_reports(newer, folder)
    assert consistent(folder) == newer.digest


@pytest.mark.parametrize("after", range(len(FILES)))
def test_a_disk_that_fails_at_the_first_report_leaves_nothing(
    records: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    monkeypatch.setattr("os.replace", failing(os.replace, after=after, onwards=True))
    with pytest.raises(OSError, match="No space"):
        write_reports(records[0], tmp_path / "aipm-report")
    assert held(tmp_path / "aipm-report") == {}


def test_an_interruption_leaves_the_older_report_whole(
    records: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = records
    write_reports(older, tmp_path / "out")
    before = held(tmp_path / "out")
    calls = []

    def interrupted(old: Any, new: Any, replace: Any = os.replace) -> None:
        calls.append(new)
        if len(calls) == 3:
            raise KeyboardInterrupt
        replace(old, new)

    monkeypatch.setattr("os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_reports(newer, tmp_path / "out")
    assert held(tmp_path / "out") == before


@pytest.mark.parametrize("name", FILES)
def test_a_folder_where_a_file_belongs_is_in_the_way_of_all_of_them(
    records: Any, tmp_path: Path, name: str
) -> None:
    older, newer = records
    folder = tmp_path / "out"
    write_reports(older, folder)
    (folder / name).unlink()
    (folder / name).mkdir()
    before = held(folder)
    with pytest.raises(OSError, match="irectory"):
        write_reports(newer, folder)
    assert held(folder) == before


def test_other_files_of_the_folder_are_left_alone(records: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "older.json.old").write_text("mine too")
    write_reports(records[0], tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "older.json.old").read_text() == "mine too"


def rewrite(text: str, folder: Path, times: int) -> None:
    record = Record.from_json(text)
    for _ in range(times):
        write_reports(record, folder)


@pytest.mark.skipif(os.name == "nt", reason="folders cannot be locked there")
def test_runs_that_write_one_folder_at_a_time_never_mix_their_files(
    records: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    monkeypatch.setattr(files, "page_and_style", lambda record: (record.digest * 50, "p{}"))
    threads = [
        threading.Thread(target=rewrite, args=(record.to_json(), folder, 40)) for record in records
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert consistent(folder) in {record.digest for record in records}


@pytest.mark.skipif(os.name == "nt", reason="folders cannot be locked there")
def test_processes_that_write_one_folder_never_mix_their_files(
    records: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    spawn = multiprocessing.get_context("fork")
    runs = [spawn.Process(target=rewrite, args=(record.to_json(), folder, 5)) for record in records]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0, 0]
    assert consistent(folder) in {record.digest for record in records}


# Through pytest


def blocked(suite: Any, how: str) -> Path:
    folder: Path = suite.root / "aipm-report"
    if how == "a file":
        folder.write_text("mine")
    elif how == "a dangling link":
        folder.symlink_to(suite.root / "absent" / "folder")
    elif how == "a folder in the way":
        (folder / "manifest.json").mkdir(parents=True)
    return folder


def renamed(held: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{Path(n).stem}.stale{Path(n).suffix}": data for n, data in held.items()}


@pytest.mark.parametrize("how", ["a file", "a dangling link", "a folder in the way"])
def test_a_report_that_cannot_be_written_is_said_and_the_verdict_stays(
    suite: Any, how: str
) -> None:
    folder = blocked(suite, how)
    result = suite.here("--aipm-audit")
    assert result.ret == 0
    said = suite.said(result)
    assert said.count("aipm-report: the report of this run is NOT written (") == 1
    assert "an earlier run" not in said
    assert "report: aipm-report" not in said
    if how == "a file":
        assert folder.read_text() == "mine"
    elif folder.is_dir():
        assert held(folder) == {}


def refused(self: Path, *_: Any) -> Any:
    """What a folder without the right to write says, also to the superuser whom nothing stops."""
    raise PermissionError(13, "Permission denied", str(self))


def test_an_older_report_is_not_taken_for_that_of_a_run_that_could_not_write(
    suite: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert suite.here("--aipm-audit").ret == 0
    folder = suite.root / "aipm-report"
    before = held(folder)
    monkeypatch.setattr(Path, "write_bytes", refused)
    result = suite.here("--aipm-audit")
    assert result.ret == 0
    said = suite.said(result)
    assert "!  aipm-report: the report of this run is NOT written (Permission denied); " in said
    assert "; the report of an earlier run is kept there as *.stale.*" in said
    assert held(folder) == renamed(before)


@pytest.mark.parametrize("after", [0, 3])
def test_a_read_only_folder_keeps_the_older_report_and_the_line_says_so(
    suite: Any, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    assert suite.here("--aipm-audit").ret == 0
    folder = suite.root / "aipm-report"
    before = held(folder)
    monkeypatch.setattr(Path, "write_bytes", refused)
    # the renaming fails at the first file, or midway: then those before it go back
    monkeypatch.setattr("os.replace", failing(os.replace, after=after, onwards=False))
    result = suite.here("--aipm-audit")
    assert result.ret == 0
    said = suite.said(result)
    assert "aipm-report: the report of this run is NOT written (Permission denied); " in said
    assert "THE FOLDER STILL HOLDS THE REPORT OF AN EARLIER RUN" in said
    assert held(folder) == before


def test_a_run_that_is_refused_leaves_no_report_that_looks_new(suite: Any) -> None:
    assert suite.here("--aipm-audit").ret == 0
    before = held(suite.root / "aipm-report")
    suite.write("policies/credit.aipm.yaml", "aipm: 1\n")
    assert suite.here("--aipm-audit").ret == 4
    stale = held(suite.root / "aipm-report")
    assert sorted(stale) == sorted(f"{Path(n).stem}.stale{Path(n).suffix}" for n in FILES)
    assert sorted(stale.values()) == sorted(before.values())


def test_a_run_that_only_errs_says_so_in_every_file(suite: Any) -> None:
    shutil.rmtree(suite.root / "aipm-report", ignore_errors=True)
    suite.policy(data="absent.csv")
    assert suite.here("--aipm-audit").ret == 1
    assert consistent(suite.root / "aipm-report") == suite.record().digest
    for name in (
        "index.html",
        "summary.md",
        "audit.sarif",
        "model-card.md",
        "gl-code-quality.json",
    ):
        text = (suite.root / "aipm-report" / name).read_text()
        assert "absent.csv" in text
        assert "PASS" not in text


FULL = """\
import resource, sys

# Python would put half a module into the package's own cache, and trip over it ever after
sys.dont_write_bytecode = True
# no file may grow beyond this: what a full disk does, done by the system itself
resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
"""
LIMITS = {"PASS": 0.9, "UNPROVEN": 0.05, "FAIL": 0.05}


@pytest.mark.skipif(os.name == "nt", reason="files cannot be limited there")
@pytest.mark.parametrize("word", LIMITS)
def test_on_a_full_disk_the_last_line_and_the_exit_code_still_tell_the_verdict(
    suite: Any, word: str
) -> None:
    suite.audit().write(suite.root / "aipm-report")
    before = held(suite.root / "aipm-report")
    gap = {**suite.checks[0], "limit": {"max": LIMITS[word]}}
    suite.checks = [gap, *suite.checks[1:]]
    suite.policy()
    if word == "FAIL":
        suite.data(pred=[int(row % 2 == 0) for row in range(200)])
    suite.write("conftest.py", FULL)
    result = suite.run("--aipm-audit", "-p", "no:cacheprovider")
    said = suite.said(result)
    section = said[said.index("aipm audit") :].splitlines()
    lines = [line for line in section if line.strip()]
    assert "the report of this run is NOT written (File too large)" in lines[1]
    last = next(line for line in reversed(lines) if line[:4] in ("PASS", "UNPR", "FAIL"))
    assert last.split()[0] == word
    assert "report:" not in last
    assert result.ret == (1 if word == "FAIL" else 0)
    assert held(suite.root / "aipm-report") == renamed(before)


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="no folder that nobody may write to")
def test_a_folder_that_nobody_may_write_to_is_said_and_the_run_still_tells_its_verdict(
    suite: Any,
) -> None:
    result = suite.run("--aipm-audit", "--aipm-report=/sys/kernel", "-p", "no:cacheprovider")
    said = suite.said(result)
    assert result.ret == 0
    assert said.count("/sys/kernel: the report of this run is NOT written (") == 1
    assert "\nPASS" in said


@pytest.mark.skipif(os.name == "nt", reason="files cannot be limited there")
@pytest.mark.parametrize("command", ["render", "sign-off"])
def test_a_command_on_a_full_disk_leaves_the_report_as_it_was(suite: Any, command: str) -> None:
    suite.audit().write(suite.root / "aipm-report")
    before = held(suite.root / "aipm-report")
    words = {"render": [], "sign-off": ["--by=a", "--role=b"]}[command]
    call = f"raise SystemExit(main({[command, 'aipm-report', *words]!r}))"
    code = f"{FULL}\nfrom pytest_aipm.cli import main\n{call}"
    result = suite.pytester.runpython_c(code)
    assert result.ret == 4
    assert "File too large" in result.stderr.str()
    assert "Traceback" not in result.stderr.str()
    assert held(suite.root / "aipm-report") == before
