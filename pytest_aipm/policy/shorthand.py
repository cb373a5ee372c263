"""Short ways of writing a subject, written out; and what the caller puts in its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pytest_aipm.policy.grammar import ref_of
from pytest_aipm.policy.tree import Faults, Map, Scalar, Seq, tree_of

__all__ = ["Given", "replaced", "written_out"]

Given = Mapping[str, str | None]
"""What the caller brings instead of what the policy names: ``model``, ``data`` or ``train``, each
a reference, or None for an object that is handed over."""


def replaced(tree: Map, given: Given, root: Path) -> Map:
    """Put what the caller brings in the place of what is written.

    A pinned hash speaks of the file the policy names, so it goes with it.
    """
    for key, ref in given.items():
        kept = tree.submap(key).without("path", "factory", "sha256", "predictions", "scores")
        if key == "model":
            tree = tree.without("predictions", "scores")
        for name, value in ref_of(ref, root).items() if ref is not None else ():
            kept = kept.having(name, tree_of(value, tree.place.path))
        tree = tree.having(key, kept)
    return tree


def written_out(tree: Map, faults: Faults) -> Map:
    """Write shorthand out: a plain path, a plain column, one item instead of a list."""
    tree = _hoisted(tree, faults)
    for key, inner in (("model", "path"), ("data", "path"), ("train", "path"), ("champion", "ref")):
        tree = _wrapped(tree, key, inner)
    if isinstance(tree.get("weights"), Scalar):
        tree = _wrapped(tree, "weights", "column")
        if isinstance(weights := tree.get("weights"), Map):
            kind = Scalar("sampling", weights.place)
            tree = tree.having("weights", weights.having("kind", kind))
    tree = _favorable(_listed(tree, "features"))
    for key, item in (("model", "trust"), ("data", "missing"), ("train", "missing")):
        value = tree.get(key)
        if isinstance(value, Map):
            tree = tree.having(key, _listed(value, item))
    protected = tree.get("protected")
    if not isinstance(protected, Map):
        return tree
    for name in protected.entries:
        protected = _wrapped(protected, name, "column")
        value = protected.entries[name]
        if isinstance(value, Map):
            for key in ("bins", "groups", "optional"):
                value = _listed(value, key)
            protected = protected.having(name, value)
    return tree.having("protected", protected)


def _favorable(tree: Map) -> Map:
    """Write the one favorable class of a multiclass task as a list of them."""
    return _listed(tree, "favorable") if tree.text("task") == "multiclass" else tree


def _hoisted(tree: Map, faults: Faults) -> Map:
    """Move ``model: {predictions: column}`` to where it is usually written."""
    model = tree.get("model")
    if not isinstance(model, Map):
        return tree
    for key in ("predictions", "scores"):
        if key in model.entries:
            if key in tree.entries:
                what = f"'{key}' is there twice, in 'subject' and in 'model'"
                faults.add(model.key_place(key), what, "keep one of them")
            tree = tree.having(key, model.entries[key], model.key_place(key))
    rest = model.without("predictions", "scores")
    if rest.entries or not model.entries:
        return tree.having("model", rest)
    return tree.without("model")


def _wrapped(tree: Map, key: str, inner: str) -> Map:
    value = tree.get(key)
    if not isinstance(value, Scalar) or value.value is None:
        return tree
    return tree.having(key, Map({inner: value}, {inner: value.place}, value.place))


def _listed(tree: Map, key: str) -> Map:
    value = tree.get(key)
    if not isinstance(value, Scalar) or value.value is None:
        return tree
    return tree.having(key, Seq((value,), value.place))
