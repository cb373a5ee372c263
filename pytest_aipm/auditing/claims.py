"""What became of the promises of a policy's context."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_aipm.judge import judge_claim, uncompared
from pytest_aipm.policy.model import Policy
from pytest_aipm.records import Claim, Finding

__all__ = ["claims_of"]


def claims_of(policy: Policy, own: Sequence[Finding]) -> tuple[Claim, ...]:
    """Return what became of each promise; what was planned and did not run is no proof.

    Parameters
    ----------
    policy : Policy
    own : sequence of Finding
        What its checks found.
    """
    there = {finding.id for finding in own}
    missing: dict[str, list[tuple[str, ...]]] = {}
    for node in policy.nodes():
        if node.finding_id not in there:
            missing.setdefault(node.check_id, []).append(node.scope)
    return tuple(
        judge_claim(
            each.text,
            each.checks,
            own,
            missing=missing,
            uncompared=[finding.id for finding in own if uncompared(finding)],
        )
        for each in policy.claims
    )
