"""Whether one finding may be printed whole before the others of its policy are known.

The text of a failing test is written when the record is not there yet. A margin that looks
harmless may be what gives a small cell of another scope away; the report withholds it then.
"""

from __future__ import annotations

from pytest_aipm.auditing.auditor import Auditor
from pytest_aipm.errors import MeasurementError
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.policy.model import Node, Policy
from pytest_aipm.policy.scopes import Scope

__all__ = ["small_elsewhere"]


def small_elsewhere(auditor: Auditor, policy: Policy, node: Node) -> bool:
    """Return whether another scope of the policy has a group of fewer than ``min_cell`` people.

    A group counts by its rows, by those of one label and by those of one decision: rates are out
    of each of them.

    Parameters
    ----------
    auditor : Auditor
        Its evidence is open: the finding of `node` was measured.
    policy : Policy
    node : Node
        The check and scope whose finding is to be printed.
    """
    others = policy.scopes - {node.scope, ()}
    if not node.scope or not others:
        return False
    try:
        evidence = auditor.evidence
        if not evidence.tally.counts:
            return False
        return any(_few(evidence, each, policy.publish.min_cell) for each in others)
    except MeasurementError:  # nobody knows how large the groups are
        return True


def _few(evidence: Evidence, by: Scope, min_cell: int) -> bool:
    """Return whether any group of a scope is a small one; every finding asks this of each scope."""

    def few() -> bool:
        table = evidence.counts(by).table  # shape (K, labels, 2, champions)
        sums = (table.sum(axis=(1, 2, 3)), table.sum(axis=(2, 3)), table.sum(axis=(1, 3)))
        return any(bool(((one > 0) & (one < min_cell)).any()) for one in sums)

    return evidence.once(("few", by, min_cell), few)
