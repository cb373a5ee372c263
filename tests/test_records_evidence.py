"""What a sign-off names: the same for the same model, rows and policy, whenever they are run."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_aipm.records import (
    Audit,
    DataInfo,
    Finding,
    GroupValue,
    Limit,
    ModelInfo,
    PolicyInfo,
    Record,
    RunInfo,
    RunVerdict,
    SignOff,
    Subject,
    Verdict,
    WaiverInfo,
)

GROUP = GroupValue(group={"sex": "f"}, n=30, numerator=10, denominator=30, value=1 / 3)
FINDING = Finding(
    id="p::c::sex", nodeid="p.aipm.yaml::c::sex", check="a.b", check_id="c", scope=("sex",),
    verdict=Verdict.FAIL, reason="too far", value=0.3, interval=(0.2, 0.4), limit=Limit(max=0.1),
    groups=(GROUP,), failing=True,
)  # fmt: skip
WAIVER = WaiverInfo(
    id="W-1", check="p::c::sex", reason="r", owner="o", expires="2027-01-01", state="applied"
)


def record(
    *, run: dict[str, Any] | None = None, path: str = "p.aipm.yaml", **finding: Any
) -> Record:
    policy = PolicyInfo(name="p", path=path, sha256="0" * 64, text="text")
    subject = Subject(
        task="binary",
        decision="d",
        reading="r",
        model=ModelInfo(ref="m.skops", kind="skops", sha256="1" * 64),
        data=DataInfo(ref="d.csv", rows=60, sha256="2" * 64),
    )
    audit = Audit(
        policy=policy,
        verdict=RunVerdict.FAIL,
        subject=subject,
        findings=(FINDING.model_copy(update=finding),),
    )
    return Record(
        verdict=RunVerdict.FAIL, audits=(audit,), run=RunInfo(**(run or {}))
    ).with_digest()


@pytest.mark.parametrize(
    "other",
    [
        record(run={"started": "2027-01-01", "commit": "abc", "command": "pytest -q"}),
        record(run={"versions": {"numpy": "9.9"}}),
        record(verdict=Verdict.WAIVED, failing=False, waiver=WAIVER),
        record(reason="in other words", notes=("a note",), detectable=None),
        record(value=0.3 + 1e-13, interval=(0.2, 0.4 - 1e-13)),
    ],
)
def test_another_day_commit_or_waiver_leaves_the_evidence_as_it_is(other: Record) -> None:
    assert other.evidence == record().evidence
    assert other.digest != record().digest


@pytest.mark.parametrize(
    "changes",
    [
        {"value": 0.3001},
        {"interval": (0.2, 0.41)},
        {"limit": Limit(max=0.2)},
        {"warn": Limit(max=0.05)},
        {"verdict": Verdict.PASS, "failing": False},
        {"severity": "advice"},
        {"decide_on": "proof"},
        {"groups": (GROUP.model_copy(update={"numerator": 11}),)},
        {"groups": ()},
        {"run": {"seed": 1}},
    ],
)
def test_anything_that_was_asked_or_found_changes_it(changes: dict[str, Any]) -> None:
    assert record(**changes).evidence != record().evidence


def test_audits_inside_ordinary_tests_carry_limits_of_their_own() -> None:
    made = record()
    within = record(path="tests/test_x.py::test_y", value=0.9)
    both = made.model_copy(update={"audits": (*made.audits, *within.audits)}).with_digest()
    assert both.evidence == made.evidence


def test_sign_offs_stand_outside_the_digest() -> None:
    made = record()
    own, whole, other = (
        SignOff(who=who, role="r", date="2026-01-01", digest=digest)
        for who, digest in (("a", made.evidence), ("b", made.digest), ("c", "3" * 64))
    )
    signed = made.signed_off((own, whole, other))
    assert [each.matches for each in signed.sign_offs] == [True, True, False]
    assert signed.with_digest().digest == made.digest
    assert Record.from_json(signed.to_json()) == signed


def test_the_digest_covers_the_evidence() -> None:
    made = record()
    turned = made.model_copy(update={"evidence": "0" * 64})
    assert turned.with_digest() == made
