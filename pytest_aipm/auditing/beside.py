"""Whether one finding may be printed whole before the others of its policy are known.

The text of a failing test is written when the record is not there yet. A margin that looks
harmless may be what gives a small cell of another scope away; the report withholds it then.
"""

from __future__ import annotations

import numpy as np

from pytest_aipm.auditing.auditor import Auditor
from pytest_aipm.errors import MeasurementError
from pytest_aipm.policy.model import Node, Policy

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
    scopes = {
        one.scope for one in auditor.plan.nodes(policy) if one.scope and one.scope != node.scope
    }
    if not node.scope or not scopes:
        return False
    try:
        evidence = auditor.evidence
        if not evidence.tally.counts:
            return False
        return any(_few(evidence.counts(each).table, policy.publish.min_cell) for each in scopes)
    except MeasurementError:  # nobody knows how large the groups are
        return True


def _few(table: np.ndarray, min_cell: int) -> bool:
    """Return whether any group of counts, shape (K, labels, 2, champions), is a small one."""
    sums = (table.sum(axis=(1, 2, 3)), table.sum(axis=(2, 3)), table.sum(axis=(1, 3)))
    return any(bool(((one > 0) & (one < min_cell)).any()) for one in sums)
