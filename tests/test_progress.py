"""Long work says how far it is: on a terminal, and nowhere else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from terminals import terminal
from warm_python import asking

from pytest_aipm.progress import Progress, on_terminal, shown_by


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def lines() -> list[str]:
    return []


def test_two_seconds_of_work_say_nothing(lines: list[str]) -> None:
    clock = Clock()
    with shown_by(lines.append), Progress("rows read", 10, clock) as progress:
        for step in range(10):
            clock.now += 0.19
            progress.at(step)
    assert lines == []


def test_then_count_rate_and_time_left_are_said_four_times_a_second(lines: list[str]) -> None:
    clock = Clock()
    with shown_by(lines.append), Progress("rows read", lambda: 10_000, clock) as progress:
        for step in range(41):
            clock.now = step / 10
            progress.at(step * 200)
    assert lines[0] == "aipm: 4,000 of 10,000 rows read, 2,000 a second, 3 s left"
    assert len(lines) == 8, "at 2.0, 2.3, ... 3.8 s, and its end"
    assert lines[-1] == "", "the line goes away"


@pytest.mark.parametrize(
    ("done", "total", "said"),
    [(0, 16, "0 of 16 refits"), (1, 50, "1 of 50 refits, 2 min left"), (1, 9000, "6 h left")],
)
def test_slow_steps_have_no_rate_and_long_waits_no_seconds(
    lines: list[str], done: int, total: int, said: str
) -> None:
    clock = Clock()
    with shown_by(lines.append), Progress("refits", total, clock, quiet=0) as progress:
        clock.now = 2.5
        progress.at(done)
    assert lines[0].endswith(said)


def test_a_failure_takes_the_line_away_too(lines: list[str]) -> None:
    def interrupted() -> None:
        clock = Clock()
        with Progress("rows read", 10, clock) as progress:
            clock.now = 3
            progress.at(5)
            raise KeyboardInterrupt

    with shown_by(lines.append), pytest.raises(KeyboardInterrupt):
        interrupted()
    assert lines[1:] == [""]


def test_what_is_no_terminal_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    on_terminal("aipm: 1 of 2")
    assert capsys.readouterr() == ("", "")


POLICY = """\
aipm: 1
name: small
context: {purpose: Choose, owner: team@example.org}
subject: {task: binary, data: rows.csv, label: y, predictions: p, positive: 1}
checks: [{check: performance.metric, metric: accuracy, limit: {min: 0.5}}]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in which no work is too short to be shown."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/small.aipm.yaml").write_text(POLICY)
    (tmp_path / "rows.csv").write_text("y,p\n" + "0,0\n1,1\n" * 50)
    (tmp_path / "conftest.py").write_text("from pytest_aipm import progress\nprogress.QUIET = 0\n")
    return tmp_path


def _run(project: Path, warm: str, *words: str, stderr: int) -> subprocess.CompletedProcess[bytes]:
    command = [*asking(warm, "pytest"), "--aipm-audit", *words]
    return subprocess.run(
        command, cwd=project, stdout=subprocess.PIPE, stderr=stderr, check=False, timeout=120
    )


@pytest.mark.parametrize("words", [(), ("-s",), ("-p", "no:capture")], ids=" ".join)
def test_a_run_shows_it_on_a_terminal_past_the_capture(
    project: Path, words: tuple[str, ...], warm: str
) -> None:
    with terminal() as (theirs, shown):
        run = _run(project, warm, *words, stderr=theirs)
    assert run.returncode == 0
    assert b"aipm: 100 of 100 rows read" in shown
    assert shown.startswith(b"\r\n\r\x1b[K")
    assert shown.endswith(b"\r\x1b[K")
    assert b"rows read" not in run.stdout


@pytest.mark.parametrize("words", [(), ("-n", "1")], ids=" ".join)
def test_nothing_is_shown_in_a_log(project: Path, words: tuple[str, ...], warm: str) -> None:
    run = _run(project, warm, *words, stderr=subprocess.STDOUT)
    assert run.returncode == 0
    assert b"rows read" not in run.stdout


def test_refits_state_their_cost_before_the_first(lines: list[str]) -> None:
    from pytest_aipm.evidence.refit import progress

    with shown_by(lines.append):
        steps = progress(range(16), 5_000)
        assert next(steps) == 0
        assert lines == ["aipm: 0 of 16 refits on 5,000 rows each"]
        steps.close()
    assert lines[-1] == ""
