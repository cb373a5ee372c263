"""Sizes of the leaves of every tree inside a fitted object."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytest_aipm.errors import ModelError
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.walk import Walk

__all__ = ["Leaves", "leaves_in", "leaves_of"]

Leaves = list[np.ndarray]
"""Training rows of each leaf, one array a tree."""


def leaves_of(evidence: Evidence, seconds: float) -> tuple[Leaves, str]:
    """Return the leaves of the audited model's trees, and why not all were looked at.

    Raises
    ------
    ModelError
        Without a model.
    """
    if evidence.model is None:
        raise ModelError(
            evidence.subject.problem(
                "model", "there is no model to look into", "name a `model`; columns are not enough"
            )
        )
    return leaves_in(evidence.model.fitted, seconds=seconds)


def leaves_in(model: Any, *, seconds: float = 30.0) -> tuple[Leaves, str]:
    """Return the leaves of all trees inside any object, and why not all were looked at.

    A tree is what has the arrays ``children_left`` and ``n_node_samples``, or nodes with the
    fields ``is_leaf`` and ``count``.
    """
    walk = Walk(model, None, seconds)
    found: Leaves = []
    for part in walk:
        sizes = _sizes(part.value)
        if sizes is not None and len(sizes):
            found.append(sizes)
    return found, walk.stopped


def _sizes(value: Any) -> np.ndarray | None:
    kind = type(value)
    if issubclass(kind, np.ndarray):
        names = value.dtype.names or ()
        if "is_leaf" in names and "count" in names:
            return np.asarray(value["count"][value["is_leaf"].astype(bool)], dtype=float)
        return None
    if hasattr(kind, "children_left") and hasattr(kind, "n_node_samples"):
        leaf = np.asarray(value.children_left) < 0
        return np.asarray(value.n_node_samples, dtype=float)[leaf]
    return None
