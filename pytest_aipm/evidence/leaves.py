"""Sizes of the leaves of every tree inside a fitted object."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytest_aipm.errors import ModelError
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.walk import Walk
from pytest_aipm.sources.guard import third_party

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
    fields ``is_leaf`` and ``count``; boosters of LightGBM and CatBoost are asked for theirs
    (CatBoost's counts are sums of weights).
    """
    walk = Walk(model, None, seconds)
    found: Leaves = []
    unread = ""
    for part in walk:
        try:
            trees = _trees(part.value)
        except Exception:  # noqa: BLE001 - whatever someone else's code raises
            trees = None
        if trees is None:
            unread = (
                f"a {type(part.value).__name__[:80]} does not say how many rows its leaves hold"
            )
            continue
        found += [each for each in trees if len(each)]
    if walk.stopped:
        return found, f"the search ended {walk.stopped}"
    if walk.opaque and not unread:
        named = ", ".join(name[:80] for name in sorted(walk.opaque)[:3])
        unread = f"compiled parts cannot be looked into ({named})"
    if walk.closed and not unread:
        unread = f"{walk.closed:,} of its parts raise when looked into"
    return found, unread


def _trees(value: Any) -> Leaves | None:
    """Return the leaves of each tree that a value itself holds; None where nobody counted them."""
    kind = type(value)
    if issubclass(kind, np.ndarray):
        names = value.dtype.names or ()
        if "is_leaf" in names and "count" in names:
            return [np.asarray(value["count"][value["is_leaf"].astype(bool)], dtype=float)]
        return []
    if hasattr(kind, "children_left") and hasattr(kind, "n_node_samples"):
        leaf = np.asarray(value.children_left) < 0
        return [np.asarray(value.n_node_samples, dtype=float)[leaf]]
    return _of_boosters(value)


def _of_boosters(value: Any) -> Leaves | None:
    """Return what boosters of other libraries tell of their leaves; nothing of other objects."""
    kind = type(value)
    package = str(kind.__module__).partition(".")[0]
    if package == "xgboost" and kind.__name__ == "Booster":
        return None  # what it calls cover is a sum of second derivatives
    if package not in ("lightgbm", "catboost"):
        return []
    with third_party([]):
        if package == "lightgbm" and hasattr(kind, "dump_model"):
            return [_nested(tree["tree_structure"]) for tree in value.dump_model()["tree_info"]]
        if package == "catboost" and hasattr(kind, "get_leaf_weights"):
            ends = np.cumsum(value.get_tree_leaf_counts())[:-1]
            trees = np.split(np.asarray(value.get_leaf_weights(), dtype=float), ends)
            return [tree[tree > 0] for tree in trees]
    return []


def _nested(root: Any) -> np.ndarray:
    """Return the counts of the leaves of nested mappings; a tree without a split holds none."""
    stack, found = [root], []
    while stack:
        node = stack.pop()
        if "leaf_count" in node:
            found.append(float(node["leaf_count"]))
        stack += [node[side] for side in ("left_child", "right_child") if side in node]
    return np.array(found)
