"""Attributions say how far they are: by the one line of progress, and nowhere else."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from model_zoo import TEXTS, forest, numeric
from sklearn.linear_model import LinearRegression
from terminals import terminal

import pytest_aipm
from pytest_aipm import progress
from pytest_aipm.attribution import (
    Budget,
    Players,
    coalitions,
    exact,
    local,
    players_of,
    walk,
    walks,
    words,
)
from pytest_aipm.progress import shown_by

WIDE = [f"x{i}" for i in range(14)]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every step is told of, and there are many."""
    monkeypatch.setattr(progress, "QUIET", 0)
    monkeypatch.setattr(progress, "EVERY", 0)
    for module in (coalitions, walks):
        monkeypatch.setattr(module, "BLOCK", 500)
    return []


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def tangled(frame: pd.DataFrame) -> np.ndarray:
    x = frame.to_numpy()
    return np.asarray(x[:, 0] * x[:, 1] * x[:, 2] + np.sign(x).prod(axis=1))


def frames() -> tuple[pd.DataFrame, pd.DataFrame, Players]:
    frame = pd.DataFrame(rng().normal(size=(48, 14)), columns=WIDE)
    return frame[:40], frame[40:].reset_index(drop=True), players_of(WIDE)


def counted(lines: list[str], total: int) -> list[int]:
    """Return how many were done in each line; the last one takes the line away."""
    assert lines[-1] == ""
    said = [re.fullmatch(rf"aipm: (\d+) of {total} rows explained.*", line) for line in lines[:-1]]
    assert all(said), lines
    done = [int(each.group(1)) for each in said if each]
    assert done == sorted(done)
    assert done[0] == 0
    return done


def margins() -> tuple[Callable[[pd.DataFrame], np.ndarray], object, pd.DataFrame]:
    model = LinearRegression().fit(numeric(), numeric()["age"])
    return model.predict, model, numeric()


def chances() -> tuple[Callable[[pd.DataFrame], np.ndarray], object, pd.DataFrame]:
    model = forest().fit(numeric(), numeric()["age"] > 0)
    return lambda frame: model.predict_proba(frame)[:, 1], model, numeric()


def test_walks_tell_rows(lines: list[str]) -> None:
    rows, background, players = frames()
    with shown_by(lines.append):
        walk(tangled, rows, background, players, walks=4, rng=rng())
    assert counted(lines, 40)[-1] >= 30


def test_single_rows_are_counted_over_all_looks(lines: list[str]) -> None:
    rows, background, players = frames()
    with shown_by(lines.append):
        found = local(tangled, rows, background, players, k=2, rng=rng())
    assert 0 < found.settled.mean() < 1
    done = counted(lines, 40)
    first = [each for each in done if each < 20]
    assert len(first) > 5, "after the first look half of the rounds are done"
    assert done[-1] >= 38


def test_exact_values_tell_rows(lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["pytest_aipm.attribution.exact"]
    monkeypatch.setattr(module, "BLOCK", 300)
    with shown_by(lines.append):
        exact(margins()[0], numeric()[:40], numeric()[40:44], players_of(numeric()))
    assert counted(lines, 40)[-1] >= 35


@pytest.mark.parametrize("known", [margins, chances])
def test_short_cuts_tell_rows(lines: list[str], known, monkeypatch) -> None:
    module = sys.modules["pytest_aipm.attribution.shortcuts"]
    monkeypatch.setattr(module, "PAIRS", 50)
    ask, model, frame = known()
    with shown_by(lines.append):
        found = local(ask, frame[:40], frame[40:50], players_of(frame), k=2, rng=rng(), model=model)
    assert found.walks.max() == 0
    assert counted(lines, 40)[-1] >= 32


@pytest.mark.parametrize("walks", [4, 16])
def test_what_is_asked_for_in_python_tells_rows(lines: list[str], walks: int) -> None:
    rows, background, _ = frames()
    with shown_by(lines.append):
        pytest_aipm.explanation(tangled, rows, background, walks=walks)
    assert counted(lines, 40)[-1] >= 30


def test_words_tell_texts(lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "CHUNK", 5)
    with shown_by(lines.append):
        words.attribute_words(
            lambda texts: np.array([float(len(each)) for each in texts]), TEXTS, walks=2, rng=rng()
        )
    assert len(lines) == 3
    assert lines[1].startswith("aipm: 5 of 6 texts given to the model")


def test_two_seconds_say_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    rows, background, players = frames()
    lines: list[str] = []
    with shown_by(lines.append):
        walk(tangled, rows, background, players, walks=2, rng=rng())
    assert lines == []
    walk(tangled, rows, background, players, walks=2, rng=rng())
    assert capfd.readouterr() == ("", "")


def test_work_within_work_has_one_line(lines: list[str]) -> None:
    budget = Budget()
    with shown_by(lines.append), budget.telling("rows explained", 10):
        with budget.telling("others", 99):
            budget.part(5, 10)
            budget.check(2, 5)
        assert lines == ["aipm: 7 of 10 rows explained, 0 s left"] or "7 of 10" in lines[0]
    assert lines[-1] == ""
    assert len(lines) == 2


SCRIPT = """
import sys
import numpy as np, pandas as pd
from pytest_aipm import progress
progress.QUIET = 0
import pytest_aipm
frame = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 12)), columns=list("abcdefghijkl"))
found = pytest_aipm.explanation(lambda rows: rows["a"] * rows["b"], frame[:30], frame[30:])
print(found.values.shape)
"""


def test_a_terminal_shows_the_line_and_a_log_does_not() -> None:
    command = [sys.executable, "-c", SCRIPT]
    with terminal() as (theirs, shown):
        run = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=theirs, check=True, timeout=120
        )
    assert run.stdout == b"(30, 12)\n"
    assert b"\r\x1b[Kaipm: 0 of 30 rows explained" in shown
    assert shown.endswith(b"\r\x1b[K")
    logged = subprocess.run(command, capture_output=True, check=True, timeout=120)
    assert (logged.stdout, logged.stderr) == (b"(30, 12)\n", b"")
