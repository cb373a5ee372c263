"""Timed calls: which rows, which clock, which garbage; and what a clock that is none gives."""

from __future__ import annotations

import gc
import itertools
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pytest_aipm.errors import MeasurementError, ModelError
from pytest_aipm.evidence import timed as module
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.hardware import _machine, hardware, in_words
from pytest_aipm.evidence.subject import Decision, Subject
from pytest_aipm.evidence.timed import timed
from pytest_aipm.sources.data import open_data
from pytest_aipm.sources.model import open_model
from pytest_aipm.sources.trust import Trust

HERE = Path(__file__).parent


class Noted:
    """A model that notes the rows of each call."""

    classes_ = np.array([0, 1])

    def __init__(self) -> None:
        self.seen: list[list[int]] = []

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        self.seen.append(frame["x"].tolist())
        return np.full((len(frame), 2), 0.5)


def evidence_of(model: object, rows: int = 50, seed: int = 0) -> Evidence:
    subject = Subject(
        task="binary",
        positive=1,
        favorable=1,
        decision=Decision(threshold=0.5, favorable_when="above"),
        features=("x",),
    )
    opened = open_model(model, root=HERE, trusted=Trust(), positive=1)
    frame = pd.DataFrame({"x": np.arange(rows)})
    return Evidence(subject, open_data(frame, root=HERE), model=opened, seed=seed)


def measure(evidence: Evidence, **told: object) -> module.Timed:
    shared = {"rows": 1, "calls": 30, "warm_up": 3, "threads": None, "budget_s": 30.0}
    return timed(evidence, **{**shared, **told})


class Ticks:
    """A clock that shows given numbers, then goes on by a thousand."""

    def __init__(self, *shown: int) -> None:
        self.shown = itertools.chain(shown, itertools.count(10_000_000, 1000))

    def __call__(self) -> int:
        return next(self.shown)


def test_rows_are_drawn_by_the_seed_and_every_call_has_as_many() -> None:
    first, again, other = Noted(), Noted(), Noted()
    measure(evidence_of(first), rows=4)
    measure(evidence_of(again), rows=4)
    measure(evidence_of(other, seed=1), rows=4)
    assert first.seen == again.seen != other.seen
    assert [len(each) for each in first.seen] == [1] + [4] * 33  # one answer is looked at first
    assert len({x for call in first.seen for x in call}) == 50


def test_more_rows_than_there_are_go_around() -> None:
    model = Noted()
    measure(evidence_of(model, rows=3), rows=7, calls=2, warm_up=0)
    assert [len(each) for each in model.seen] == [1, 7, 7]


def test_those_who_ask_alike_share_the_calls() -> None:
    model = Noted()
    evidence = evidence_of(model)
    assert measure(evidence) is measure(evidence)
    assert measure(evidence, calls=31) is not measure(evidence)
    assert len(model.seen) == 34 + 35


def test_the_clock_tells_each_call_in_seconds(monkeypatch) -> None:
    shown = [0, 5_000_000, 10, 20, 100, 1_000_100, 7, 2_000_007]
    monkeypatch.setattr(module, "TICKS", Ticks(*shown))
    found = measure(evidence_of(Noted()), calls=3, warm_up=1)
    assert found.seconds == pytest.approx([1e-8, 1e-3, 2e-3])
    assert (found.stepped, found.blind, found.spent) == (0, 0, False)


def test_a_call_in_which_the_clock_steps_back_does_not_count(monkeypatch) -> None:
    monkeypatch.setattr(module, "TICKS", Ticks(1000, 400))
    found = measure(evidence_of(Noted()), calls=200, warm_up=0)
    assert (len(found.seconds), found.stepped) == (199, 1)
    assert found.seconds.min() > 0


def test_a_clock_that_steps_back_again_and_again_is_no_clock(monkeypatch) -> None:
    monkeypatch.setattr(module, "TICKS", Ticks(*range(100, 0, -1)))
    with pytest.raises(MeasurementError, match="the clock went back in 30 of 30 calls"):
        measure(evidence_of(Noted()), warm_up=0)


def test_a_clock_that_stands_still_is_too_coarse(monkeypatch) -> None:
    monkeypatch.setattr(module, "TICKS", lambda: 42)
    with pytest.raises(MeasurementError, match=r"did not move in 30 of 30 calls.*more `rows`"):
        measure(evidence_of(Noted()))


def test_a_call_that_takes_no_time_counts_as_none(monkeypatch) -> None:
    monkeypatch.setattr(module, "TICKS", Ticks(5, 5))
    found = measure(evidence_of(Noted()), calls=200, warm_up=0)
    assert (found.blind, found.seconds.min()) == (1, 0.0)


def test_a_model_that_sleeps_ends_with_the_budget() -> None:
    class Sleeper(Noted):
        def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
            time.sleep(0.02)
            return super().predict_proba(frame)

    start = time.monotonic()
    found = measure(evidence_of(Sleeper()), calls=100_000, warm_up=0, budget_s=0.2)
    assert time.monotonic() - start < 60, "all calls would sleep for half an hour"
    assert found.spent
    assert 0 < len(found.seconds) < 20
    assert found.seconds.min() >= 0.02


def test_a_model_that_raises_on_some_row_is_an_error_in_one_line() -> None:
    class Choosy(Noted):
        def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
            if (frame["x"] == 17).any():
                raise KeyError("no 17")
            return super().predict_proba(frame)

    with pytest.raises(ModelError, match=r"predict_proba raised KeyError.*operations.error_rate"):
        measure(evidence_of(Choosy()), calls=60)


def test_garbage_of_the_audit_is_left_alone_and_given_back() -> None:
    frozen: list[int] = []

    class Looking(Noted):
        def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
            frozen.append(gc.get_freeze_count())
            assert gc.isenabled()
            return super().predict_proba(frame)

    measure(evidence_of(Looking()), calls=3, warm_up=0)
    assert frozen[0] == 0
    assert min(frozen[1:]) > 1000
    assert gc.get_freeze_count() == 0


def test_what_someone_else_has_frozen_stays_frozen() -> None:
    gc.freeze()
    try:
        measure(evidence_of(Noted()), calls=3)
        assert gc.get_freeze_count() > 1000
    finally:
        gc.unfreeze()


def test_random_states_and_warnings_of_the_caller_are_left_alone() -> None:
    class Drawing(Noted):
        def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
            np.random.rand()  # noqa: NPY002 - the global state is the subject
            return super().predict_proba(frame)

    np.random.seed(5)  # noqa: NPY002
    expected = np.random.RandomState(5).rand()
    measure(evidence_of(Drawing()))
    assert np.random.rand() == expected  # noqa: NPY002


def test_alike_calls_are_noticed(monkeypatch) -> None:
    slow = [10_000 if 100 <= call < 200 else 1_000 for call in range(400)]
    noise = np.random.default_rng(0).integers(0, 500, 400)
    shown = [x for took, more in zip(slow, noise, strict=True) for x in (0, int(took + more))]
    monkeypatch.setattr(module, "TICKS", Ticks(*shown))
    assert measure(evidence_of(Noted()), calls=400, warm_up=0).alike > 0.4
    even = [x for more in noise for x in (0, 1000 + int(more))]
    monkeypatch.setattr(module, "TICKS", Ticks(*even))
    assert abs(measure(evidence_of(Noted()), calls=400, warm_up=0).alike) < 0.15


class TestHardware:
    def test_it_names_the_machine_and_nobody_it_belongs_to(self, monkeypatch) -> None:
        import platform
        import socket

        monkeypatch.delenv("PYTEST_XDIST_WORKER_COUNT", raising=False)
        for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
            monkeypatch.setenv(name, "zebedee")
        for place, name in ((platform, "node"), (socket, "gethostname")):
            monkeypatch.setattr(place, name, lambda: "zebedees-laptop")
        _machine.cache_clear()
        found = hardware(1)
        assert set(found) == {"cpu", "cores", "memory", "system", "python", "threads"}
        assert all(found.values())
        assert found["threads"] == "1"
        said = in_words(found)
        assert "zebedee" not in said

    def test_processes_beside_are_part_of_it(self, monkeypatch) -> None:
        monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "4")
        assert hardware()["beside"] == "3 other test processes"
        assert "beside 3 other" in in_words(hardware())

    def test_threads_are_held_to_a_number(self) -> None:
        assert measure(evidence_of(Noted()), threads=1).conditions["threads"] == "1"
