"""Times are compared with the approved ones on like hardware alone, and it is said where not."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from pytest_aipm.baseline import read_baseline, write_baseline
from pytest_aipm.evidence import timed
from pytest_aipm.records import Because, RunVerdict, Verdict

POLICY = {
    "aipm": 1,
    "name": "fast",
    "context": {"purpose": "a test", "owner": "tests@example.org"},
    "subject": {"task": "binary", "label": "y", "positive": 1, "features": ["x"]},
}
LATENCY = {
    "check": "operations.latency",
    "id": "latency",
    "calls": 80,
    "warm_up": 0,
    "limit": {"max_p95_ms": 60_000},
}
FRAME = pd.DataFrame({"x": np.arange(50.0), "y": np.arange(50) % 2})


class Half:
    """Says one half of everything."""

    classes_ = np.array([0, 1])

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        return np.full((len(frame), 2), 0.5)

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        return np.zeros(len(frame), dtype=int)


@pytest.fixture
def clock(monkeypatch):
    """Return a function that lets every call take so many milliseconds, a little more each time."""

    def take(milliseconds: float) -> None:
        state = {"now": 0, "calls": 0}

        def ticks() -> int:
            state["calls"] += 1
            if state["calls"] % 2 == 0:
                state["now"] += int(milliseconds * 1e6) + (state["calls"] * 7919) % 1000
            return state["now"]

        monkeypatch.setattr(timed, "TICKS", ticks)

    return take


@pytest.fixture
def machine(monkeypatch):
    """Return a function that puts the audit on another machine."""

    def on(**told: str) -> None:
        known = {
            "cpu": "Example 1",
            "cores": "4 cores",
            "memory": "16 GB",
            "system": "Linux x86_64",
            "python": "CPython 3.11",
            "threads": "4",
        }
        monkeypatch.setattr(timed, "hardware", lambda _threads: {**known, **told})

    return on


@pytest.fixture
def audited(run, tmp_path):
    """Audit with one check; `approve` keeps the run as the baseline."""

    def audit(check, *, approve: bool = False):
        keys = {key: told for key, told in {**LATENCY, **check}.items() if told is not None}
        record = run({**POLICY, "checks": [keys]}, FRAME, model=Half())
        if approve:
            path = tmp_path / "aipm-baseline.json"
            write_baseline(record, path, by="Board", reason="v1", when="2026-01-01")
        return record

    return audit


REGRESSION = {"regression": {"max_change": 5, "max_total_change": 8}}


def test_on_like_hardware_a_slower_model_fails(audited, clock, machine) -> None:
    machine()
    clock(10)
    audited({}, approve=True)
    clock(30)
    (finding,) = audited(REGRESSION).findings
    assert (finding.verdict, finding.because) == (Verdict.FAIL, Because.REGRESSION)
    assert finding.baseline.delta == pytest.approx(20, abs=0.1)
    clock(12)
    record = audited(REGRESSION)
    assert record.verdict == RunVerdict.PASS
    assert record.findings[0].baseline.verdict == "same"


def test_on_other_hardware_nothing_is_compared_and_the_run_is_unproven(
    audited, clock, machine
) -> None:
    machine()
    clock(10)
    audited({}, approve=True)
    machine(cpu="Example 2", cores="8 cores", beside="3 other test processes")
    clock(30)
    record = audited(REGRESSION)
    (finding,) = record.findings
    assert finding.verdict == Verdict.PASS  # of its own limit
    assert finding.baseline is None
    assert "the approved run was measured on other hardware" in finding.reason
    assert "cores 8 cores instead of 4 cores, cpu Example 2 instead of Example 1" in finding.reason
    assert "beside 3 other test processes instead of none" in finding.reason
    assert record.verdict == RunVerdict.UNPROVEN


def test_without_a_limit_other_hardware_is_not_judged(audited, clock, machine) -> None:
    machine()
    clock(10)
    audited({}, approve=True)
    machine(memory="64 GB")
    record = audited({"limit": None, "regression": {"max_change": 5}})
    (finding,) = record.findings
    assert (finding.verdict, finding.because) == (Verdict.NOT_JUDGED, Because.NO_EVIDENCE)
    assert "memory 64 GB instead of 16 GB" in finding.reason
    assert record.verdict == RunVerdict.UNPROVEN


def test_a_breach_on_other_hardware_is_a_breach(audited, clock, machine) -> None:
    machine()
    clock(10)
    audited({}, approve=True)
    machine(cpu="Example 2")
    clock(30)
    (finding,) = audited({**REGRESSION, "limit": {"max_p95_ms": 20}}).findings
    assert (finding.verdict, finding.because) == (Verdict.FAIL, Because.LIMIT)


def test_few_calls_on_other_hardware_lose_no_evidence(audited, clock, machine) -> None:
    machine()
    clock(10)
    audited({"decide_on": "interval"}, approve=True)
    machine(cpu="Example 2")
    (finding,) = audited({"calls": 10}).findings
    assert finding.verdict == Verdict.INCONCLUSIVE


def test_few_calls_on_like_hardware_do(audited, clock, machine) -> None:
    machine()
    clock(10)
    audited({"decide_on": "interval"}, approve=True)
    (finding,) = audited({"calls": 10, "decide_on": "interval"}).findings
    assert (finding.verdict, finding.because) == (Verdict.FAIL, Because.EVIDENCE_LOST)


def test_the_baseline_keeps_the_machine_and_another_one_begins_a_new_anchor(
    audited, clock, machine, tmp_path
) -> None:
    machine()
    clock(10)
    audited({}, approve=True)
    stored = _stored(tmp_path)
    assert stored["conditions"]["cpu"] == "Example 1"
    assert read_baseline(tmp_path / "aipm-baseline.json", shown="b").policy("fast") is not None
    clock(12)
    audited({}, approve=True)
    assert _stored(tmp_path)["anchor"]["value"] == pytest.approx(10, abs=0.1)
    machine(cpu="Example 2")
    clock(30)
    audited({}, approve=True)
    assert _stored(tmp_path)["anchor"]["value"] == pytest.approx(30, abs=0.1)


def test_another_value_on_another_machine_has_not_moved(audited, clock, machine, tmp_path) -> None:
    machine()
    clock(10)
    audited({}, approve=True)
    approved = read_baseline(tmp_path / "aipm-baseline.json", shown="b").policy("fast")
    clock(30)
    assert len(approved.changes(audited({}).audits[0]).moved) == 1
    machine(cpu="Example 2")
    assert approved.changes(audited({}).audits[0]).moved == ()


def test_findings_without_conditions_are_written_as_before(run, policy, fair) -> None:
    (finding,) = run(policy, fair).findings
    assert "conditions" not in json.loads(finding.model_dump_json())


def _stored(tmp_path):
    content = json.loads((tmp_path / "aipm-baseline.json").read_text(encoding="utf-8"))
    return content["policies"]["fast"]["findings"]["fast::latency::overall"]
