"""Every check of the catalogue, on rows whose answer is known."""

from __future__ import annotations

from datetime import datetime
from itertools import accumulate
from math import inf
from pathlib import Path

import numpy as np
import pytest
from check_cases import KINDS, Case, case_files, objects_of

import pytest_aipm
from pytest_aipm.catalog import Catalog
from pytest_aipm.evidence import timed
from pytest_aipm.records import Finding, Record
from pytest_aipm.verification.rejudged import rejudged
from pytest_aipm.verification.totals import total_faults

FILES = case_files()
CASES = [case for file in FILES.values() for case in file.cases]


@pytest.fixture(autouse=True)
def _evenly_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each call take about a millisecond: where calls slow down all the time, few count."""
    took = np.random.default_rng(0).integers(500_000, 1_500_000, 10_000).tolist()
    clock = accumulate(took)
    monkeypatch.setattr(timed, "TICKS", lambda: next(clock))


@pytest.mark.parametrize("name", Catalog().names())
def test_every_check_has_a_case_of_every_kind_or_says_why_there_is_none(name: str) -> None:
    assert name in FILES, f"write tests/checks/{name}.yaml"
    shown = {case.expect["verdict"] for case in FILES[name].cases}
    impossible = FILES[name].impossible
    assert shown | set(impossible) >= set(KINDS)
    assert not shown & set(impossible)
    assert all(len(why) > 20 for why in impossible.values())


def test_no_cases_are_left_of_a_check_that_is_gone() -> None:
    assert set(FILES) <= set(Catalog().names())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.check}: {case.name}")
def test_a_case_comes_out_as_it_must(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if case.today:
        noon = datetime.fromisoformat(f"{case.today}T12:00:00+00:00")
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(noon.timestamp())))
    finding = measured(case, tmp_path)
    expect = dict(case.expect)
    assert finding.verdict == expect.pop("verdict"), finding.reason
    if "because" in expect:
        assert finding.because == expect.pop("because"), finding.reason
    if "value" in expect:
        assert finding.value == pytest.approx(expect.pop("value"), abs=expect.pop("within", 1e-9))
    if "interval" in expect:
        assert finding.interval == pytest.approx(expect.pop("interval"), abs=5e-4)
    if "groups" in expect:
        shown = {_name(group): group.value for group in finding.groups}
        assert shown == pytest.approx(expect.pop("groups"))
    for key in ("reason", "notes"):
        for text in _list(expect.pop(key, [])):
            assert text in str(getattr(finding, key))
    assert not expect, f"unknown expectations {sorted(expect)}"
    assert_whole(finding)


def measured(case: Case, root: Path) -> Finding:
    objects = objects_of(case, root)
    record = pytest_aipm.audit(case.policy(), root=root, deep=case.deep, **objects)
    (finding,) = (each for each in record.findings if each.check_id == "node")
    assert_follows(finding, record)
    return finding


def assert_follows(finding: Finding, record: Record) -> None:
    """What verification derives again from the record alone is what was measured and judged."""
    again = rejudged(finding, record.audits[0], record, None)
    assert again.faults == ()
    counted = again.basis == "counts"
    assert counted == bool(finding.groups and finding.groups[0].numerator is not None) or (
        not finding.scope or finding.value is None
    )
    assert list(total_faults(record)) == []


def assert_whole(finding: Finding) -> None:
    """What holds for every finding, whatever it says."""
    assert finding.reason
    if finding.value is not None:
        assert finding.interval is not None
        low, high = finding.interval  # an end that these calls cannot tell is written as null
        lower, upper = (-inf if low is None else low), (inf if high is None else high)
        assert lower <= finding.value <= upper
        assert len(finding.sizes) in (0, len(finding.part_names)), "a baseline refuses it"
    if finding.verdict in ("pass", "fail", "inconclusive"):
        assert finding.formula is not None
        assert finding.formula.numerator
        assert finding.n > 0 or finding.because == "no_evidence", "a budget may end before a row"
    for group in finding.groups:
        if group.numerator is not None and group.value is not None:
            assert group.value == pytest.approx(group.numerator / group.denominator)
        if group.value is None:
            assert group.note
            assert not group.judged


def _name(group) -> str:
    name = " · ".join(group.group.values())
    return f"{name} ({group.part})" if group.part else name


def _list(value: object) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
