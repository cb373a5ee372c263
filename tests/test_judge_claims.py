"""What became of a promise: the worst that the findings of its checks say."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_aipm.judge import judge_claim
from pytest_aipm.records import Because, Claim, Finding, Limit, Verdict


def finding(verdict: str, check_id: str = "gap", by: str = "sex", **more: Any) -> Finding:
    fields: dict[str, Any] = {
        "id": f"p::{check_id}::{by or 'overall'}",
        "nodeid": f"p.aipm.yaml::{check_id}::{by}",
        "check": f"fairness.{check_id}",
        "check_id": check_id,
        "scope": (by,) if by else (),
        "verdict": Verdict(verdict),
        "reason": "a reason",
        "value": 0.05,
        "interval": (0.02, 0.08),
        "limit": Limit(max=0.1),
        "failing": verdict in ("fail", "error"),
    }
    return Finding(**(fields | more))


BROKEN = {"value": 0.2, "interval": (0.15, 0.25)}
OPEN = {"value": 0.09, "interval": (0.02, 0.15)}


def judged(*findings: Finding, checks: tuple[str, ...] = ("gap",), **more: Any) -> Claim:
    return judge_claim("All alike", checks, findings, **({"missing": {}} | more))


@pytest.mark.parametrize(
    ("one", "state", "reason"),
    [
        (finding("pass"), "kept", "its check holds: gap by sex"),
        (finding("fail", because=Because.LIMIT), "broken", "gap by sex fails"),
        (finding("fail", because=Because.REGRESSION), "broken", "gap by sex fails"),
        (finding("fail", because=Because.EVIDENCE_LOST), "broken", "gap by sex fails"),
        (finding("error", because=Because.ERROR), "broken", "gap by sex could not be measured"),
        (
            finding("waived", because=Because.LIMIT, **BROKEN),
            "broken",
            "gap by sex breaks its limit and is waived",
        ),
        (
            finding("waived", because=Because.REGRESSION),
            "broken",
            "gap by sex breaks its limit and is waived",
        ),
        (
            finding("waived", because=Because.LIMIT, **OPEN),
            "unproven",
            "gap by sex is not shown to hold and is waived",
        ),
        (finding("waived"), "unproven", "gap by sex is not shown to hold and is waived"),
        (
            finding("warn", because=Because.LIMIT, severity="advice", **BROKEN),
            "broken",
            "gap by sex breaks its limit, which is advice",
        ),
        (finding("warn", because=Because.LIMIT), "kept", "its check holds: gap by sex"),
        (finding("inconclusive", **OPEN), "unproven", "gap by sex is inconclusive"),
        (
            finding("not_judged", because=Because.NO_EVIDENCE),
            "unproven",
            "gap by sex could not be judged",
        ),
        (finding("not_judged", because=Because.DISABLED), "untested", "gap by sex is disabled"),
        (
            finding("not_judged", because=Because.NOT_APPLICABLE),
            "untested",
            "gap by sex does not apply",
        ),
        (
            finding("pass", failing=True),
            "unproven",
            "gap by sex was not compared as it should",
        ),
        (
            finding("waived", because=Because.LIMIT, value=None, interval=None),
            "unproven",
            "gap by sex is not shown to hold and is waived",
        ),
    ],
)
def test_each_verdict_makes_a_promise_what_it_is(one: Finding, state: str, reason: str) -> None:
    claim = judged(one)
    assert (claim.state, claim.reason) == (state, reason)
    assert (claim.text, claim.checks) == ("All alike", ("gap",))


@pytest.mark.parametrize(
    ("verdicts", "state"),
    [
        (("pass", "inconclusive", "fail"), "broken"),
        (("pass", "inconclusive", "not_judged"), "unproven"),
        (("pass", "not_judged"), "untested"),
        (("pass", "warn"), "kept"),
    ],
)
def test_the_worst_of_all_findings_of_all_checks_counts(
    verdicts: tuple[str, ...], state: str
) -> None:
    names = ("gap", "odds", "rank")
    found = [
        finding(verdict, name, because=Because.DISABLED if verdict == "not_judged" else None)
        for verdict, name in zip(verdicts, names, strict=False)
    ]
    assert judged(*found, checks=names[: len(found)]).state == state


def test_findings_of_other_checks_do_not_count() -> None:
    assert judged(finding("pass"), finding("fail", "odds")).state == "kept"


def test_a_scope_that_does_not_apply_leaves_the_others_to_speak() -> None:
    lacking = finding("not_judged", by="race", because=Because.NOT_APPLICABLE)
    assert judged(finding("pass"), lacking).state == "kept"


def test_what_was_planned_and_did_not_run_is_not_tested() -> None:
    claim = judged(finding("pass"), missing={"gap": [("sex", "race")]})
    assert (claim.state, claim.reason) == ("untested", "gap by sex and race did not run")
    assert judged(missing={"gap": [()]}).reason == "gap overall did not run"
    assert judged().reason == "gap did not run"


def test_a_declared_comparison_that_was_not_made_is_no_proof() -> None:
    claim = judged(finding("pass"), uncompared=["p::gap::sex"])
    assert (claim.state, claim.reason) == ("unproven", "gap by sex was not compared as it should")


def test_a_long_list_of_reasons_is_counted() -> None:
    found = [finding("fail", by=f"a{i}") for i in range(5)]
    assert judged(*found).reason == "gap by a0 fails; gap by a1 fails; gap by a2 fails and 2 more"
    held = [finding("pass", by=f"a{i}") for i in range(5)]
    assert judged(*held).reason == "all 5 of its findings hold"
