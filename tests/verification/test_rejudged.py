"""Verdicts that rest on more than counts and a limit: baselines, waivers, weights, the unknown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pytest_aipm
from pytest_aipm.baseline import write_baseline
from pytest_aipm.records import Because, Finding, Limit, Record, Verdict
from pytest_aipm.verification import Asked, State
from pytest_aipm.verification.verify import record_lines

GAP = {"check": "fairness.demographic_parity_difference", "id": "gap", "limit": {"max": 0.20}}


def policy(*checks: dict[str, Any], **subject: Any) -> dict[str, Any]:
    return {
        "aipm": 1,
        "name": "credit",
        "context": {"purpose": "a test", "owner": "tests@example.org"},
        "subject": {
            "task": "binary",
            "predictions": "pred",
            "label": "y",
            "positive": 1,
            "protected": {"sex": "sex"},
            **subject,
        },
        "checks": list(checks),
    }


def rows(f: int, m: int, n: int = 1000, **columns: Any) -> pd.DataFrame:
    """So many of n selected in each group."""
    chosen = np.concatenate([np.arange(n) < f, np.arange(n) < m]).astype(int)
    frame = pd.DataFrame({"sex": np.repeat(["f", "m"], n), "pred": chosen})
    return frame.assign(y=np.arange(2 * n) % 2, **columns)


def broken(record: Record, root: Path) -> list[str]:
    asked = Asked(folder=root, shown="r", root=root)
    return [line.said for line in record_lines(record, asked) if line.state is State.BROKEN]


def untold(record: Record, root: Path) -> list[str]:
    asked = Asked(folder=root, shown="r", root=root)
    return [line.said for line in record_lines(record, asked) if line.state is State.UNTOLD]


def changed(record: Record, **fields: Any) -> Record:
    audit = record.audits[0]
    finding = Finding.model_validate({**dict(audit.findings[0]), **fields})
    audits = (audit.model_copy(update={"findings": (finding, *audit.findings[1:])}),)
    return record.model_copy(update={"audits": audits}).with_digest()


@pytest.fixture
def approved(tmp_path: Path) -> dict[str, Any]:
    """A policy with a regression, and what was approved for it."""
    gap = {**GAP, "regression": {"max_change": 0.02, "max_total_change": 0.5}}
    asked = policy(gap)
    (tmp_path / "aipm-baseline.json").unlink(missing_ok=True)
    first = pytest_aipm.audit(policy(GAP), data=rows(400, 430), root=tmp_path)
    path = tmp_path / "aipm-baseline.json"
    write_baseline(first, path, by="a", reason="b", when="2026-01-01")
    return asked


@pytest.mark.parametrize(
    ("now", "verdict", "because"),
    [
        (rows(400, 430), Verdict.PASS, None),
        (rows(250, 430), Verdict.FAIL, Because.REGRESSION),
        (rows(12, 13, n=30), Verdict.FAIL, Because.EVIDENCE_LOST),
        (rows(430, 400), Verdict.PASS, None),
    ],
)
def test_changes_and_lost_evidence_are_derived_where_the_baseline_is_at_hand(
    approved: dict[str, Any], tmp_path: Path, now: pd.DataFrame, verdict: Verdict, because: Any
) -> None:
    record = pytest_aipm.audit(approved, data=now, root=tmp_path)
    (finding,) = record.findings
    assert (finding.verdict, finding.because) == (verdict, because)
    assert broken(record, tmp_path) == []
    then = finding.baseline
    assert then is not None
    for fields in ({"delta": 0.123}, {"verdict": "better", "interval": (-0.2, -0.1)}):
        told = changed(record, baseline=then.model_copy(update=fields))
        assert broken(told, tmp_path), fields


def test_without_its_baseline_a_change_is_taken_as_written(
    approved: dict[str, Any], tmp_path: Path
) -> None:
    record = pytest_aipm.audit(approved, data=rows(250, 430), root=tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert broken(record, elsewhere) == []
    said = "the changes since the baseline of 1 findings are taken as written"
    assert any(line.startswith(said) for line in untold(record, elsewhere))
    then = record.findings[0].baseline
    assert then is not None
    turned = changed(record, baseline=then.model_copy(update={"verdict": "same"}))
    assert "the change reads same, its interval says worse" in " ".join(broken(turned, elsewhere))
    laxer = changed(record, baseline=then.model_copy(update={"limit": 0.5}))
    assert "the policy allows 0.02" in " ".join(broken(laxer, elsewhere))


def test_evidence_that_was_not_lost_is_not_called_so(
    approved: dict[str, Any], tmp_path: Path
) -> None:
    record = pytest_aipm.audit(approved, data=rows(400, 430), root=tmp_path)
    turned = changed(record, verdict="fail", because="evidence_lost", failing=True)
    said = " ".join(broken(turned, tmp_path))
    assert "show no evidence lost" in said


WAIVER = """\
waivers:
  - {id: W-1, check: "credit::gap::sex", reason: r, owner: o@example.org, ticket: T-1,
     created: 2026-01-01, expires: %s%s}
"""


@pytest.mark.parametrize(
    ("expires", "more", "state"),
    [
        ("2026-12-31", "", "applied"),
        ("2026-12-31", ", floor: {max: 0.6}", "applied"),
        ("2026-12-31", ", floor: {max: 0.25}", "exceeded"),
        ("2026-09-20", "", "expired"),
    ],
)
def test_waived_findings_follow_from_their_waivers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expires: str, more: str, state: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/waivers.yaml").write_text(WAIVER % (expires, more))
    record = pytest_aipm.audit(policy(GAP), data=rows(100, 500), root=tmp_path)
    (finding,) = record.findings
    assert finding.waiver is not None
    assert finding.waiver.state == state
    assert broken(record, tmp_path) == []
    for fields in ({"expires": "2020-01-01"}, {"check": "credit::other::sex"}):
        waiver = finding.waiver.model_copy(update=fields)
        assert broken(changed(record, waiver=waiver), tmp_path), fields
    turned = Verdict.FAIL if state == "applied" else Verdict.WAIVED
    assert broken(changed(record, verdict=turned), tmp_path)


def test_a_waiver_cannot_cover_what_lies_beyond_its_floor_or_does_not_fail(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/waivers.yaml").write_text(WAIVER % ("2099-01-01", ""))
    record = pytest_aipm.audit(policy(GAP), data=rows(100, 500), root=tmp_path)
    waiver = record.findings[0].waiver
    assert waiver is not None
    floor = changed(record, waiver=waiver.model_copy(update={"floor": Limit(max=0.25)}))
    assert "it lies beyond the floor of waiver W-1" in " ".join(broken(floor, tmp_path))


@pytest.mark.parametrize("subject", [{"weights": "w"}, {"cluster": "who"}])
def test_effective_counts_give_the_verdict_again(tmp_path: Path, subject: dict[str, str]) -> None:
    frame = rows(300, 500, w=np.tile([1.0, 2.0], 1000), who=np.arange(2000) // 2)
    ratio = {"check": "fairness.demographic_parity_ratio", "id": "ratio", "limit": {"min": 0.5}}
    recall = {"check": "performance.metric", "id": "recall", "metric": "recall", "by": "sex"}
    checks = (GAP, ratio, {**recall, "limit": {"min": 0.1}})
    record = pytest_aipm.audit(policy(*checks, **subject), data=frame, root=tmp_path)
    assert broken(record, tmp_path) == []
    first = record.findings[0].groups[0]
    more = first.model_copy(update={"numerator": (first.numerator or 0) + 20})
    groups = (more, *record.findings[0].groups[1:])
    assert broken(changed(record, groups=groups), tmp_path)


@pytest.mark.parametrize("unknown", ["report", "group", "fail"])
def test_rows_without_a_group_are_counted_again(tmp_path: Path, unknown: str) -> None:
    frame = rows(300, 420)
    frame.loc[::12, "sex"] = None
    asked = policy({**GAP, "unknown": unknown, "max_unknown": 0.05})
    record = pytest_aipm.audit(asked, data=frame, root=tmp_path)
    assert broken(record, tmp_path) == []
    if unknown != "group":
        assert record.findings[0].because is Because.UNKNOWN
        turned = changed(record, verdict="pass", because=None, failing=False)
        assert broken(turned, tmp_path)


@pytest.mark.parametrize("subject", [{"weights": "w"}, {"cluster": "who"}])
def test_weighted_rows_without_a_group_are_counted_as_rows(
    tmp_path: Path, subject: dict[str, str]
) -> None:
    frame = rows(300, 420, w=np.tile([1.0, 2.0], 1000), who=np.arange(2000) // 2)
    frame.loc[::12, "sex"] = None
    record = pytest_aipm.audit(policy(GAP, **subject), data=frame, root=tmp_path)
    assert record.findings[0].because is Because.UNKNOWN
    assert broken(record, tmp_path) == []
    assert broken(changed(record, verdict="pass", because=None, failing=False), tmp_path)


def _breaks(*_: Any, **__: Any) -> Any:
    return {}["sex"]


def _breaks_later(*_: Any, **__: Any) -> Iterator[Any]:
    yield _breaks()


@pytest.mark.parametrize(
    ("name", "breaks"),
    [("total_faults", _breaks_later), ("policy_lines", _breaks_later), ("rejudged", _breaks)],
)
def test_a_record_that_breaks_what_looks_at_it_does_not_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, breaks: Any
) -> None:
    record = pytest_aipm.audit(policy(GAP), data=rows(300, 350), root=tmp_path)
    assert broken(record, tmp_path) == []
    monkeypatch.setattr(f"pytest_aipm.verification.verify.{name}", breaks)
    assert broken(record, tmp_path) == ["no run writes such a record (KeyError: 'sex')"]
