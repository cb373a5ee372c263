"""Short ways of writing a subject, written out; and what the caller puts in its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pytest_aipm.policy.grammar import ref_of
from pytest_aipm.policy.tree import Faults, Map, Scalar, Seq, tree_of

__all__ = [
    "COLUMNS",
    "LISTED",
    "LISTED_OF_ATTRIBUTES",
    "WRAPPED",
    "Given",
    "replaced",
    "written_out",
]

Given = Mapping[str, str | None]
"""What the caller brings instead of what the policy names: ``model``, ``data`` or ``train``, each
a reference, or None for an object that is handed over."""

WRAPPED = {"model": "path", "data": "path", "train": "path", "champion": "ref", "weights": "column"}
"""Keys of the subject that a plain text may stand behind, each with the inner key it stands for."""

LISTED = {"model": ("trust",), "data": ("missing",), "train": ("missing",)}
LISTED_OF_ATTRIBUTES = ("bins", "groups", "optional")
"""Inner keys whose list of one item may be written without the list; so may `features`."""

COLUMNS = ("predictions", "scores")
"""Keys that may stand in the subject, or in its `model`."""


def replaced(tree: Map, given: Given, root: Path) -> Map:
    """Put what the caller brings in the place of what is written.

    A pinned hash speaks of the file the policy names, so it goes with it.
    """
    for key, ref in given.items():
        kept = tree.submap(key).without("path", "factory", "table", "query", "sha256", *COLUMNS)
        if key == "model":
            tree = tree.without(*COLUMNS)
        source = ref_of(ref, root) if ref is not None else {}
        if "path" not in source:
            kept = kept.without("classes")  # names those of a file
        for name, value in source.items():
            kept = kept.having(name, tree_of(value, tree.place.path))
        tree = tree.having(key, kept)
    return tree


def written_out(tree: Map, faults: Faults) -> Map:
    """Write shorthand out: a plain path, a plain column, one item instead of a list."""
    tree = _hoisted(tree, faults)
    tree = _unlisted(_attributes_listed(tree, faults), faults)
    plain = isinstance(tree.get("weights"), Scalar)
    for key, inner in WRAPPED.items():
        tree = _wrapped(tree, key, inner)
    if plain and isinstance(weights := tree.get("weights"), Map):
        kind = Scalar("sampling", weights.place)
        tree = tree.having("weights", weights.having("kind", kind))
    tree = _favorable(_listed(tree, "features"))
    for key, items in LISTED.items():
        value = tree.get(key)
        if isinstance(value, Map):
            for item in items:
                value = _listed(value, item)
            tree = tree.having(key, value)
    protected = tree.get("protected")
    if not isinstance(protected, Map):
        return tree
    for name in protected.entries:
        protected = _wrapped(protected, name, "column")
        value = protected.entries[name]
        if isinstance(value, Map):
            for key in LISTED_OF_ATTRIBUTES:
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
    for key in COLUMNS:
        if key in model.entries:
            if key in tree.entries:
                what = f"'{key}' is there twice, in 'subject' and in 'model'"
                faults.add(model.key_place(key), what, "keep one of them")
            tree = tree.having(key, model.entries[key], model.key_place(key))
    rest = model.without(*COLUMNS)
    if rest.entries or not model.entries:
        return tree.having("model", rest)
    return tree.without("model")


def _unlisted(tree: Map, faults: Faults) -> Map:
    """Note each list where one text, or a mapping, is meant."""
    for key, inner in WRAPPED.items():
        value = tree.get(key)
        if not isinstance(value, Seq):
            continue
        one = {"column": "a column", "ref": "a reference"}.get(inner, "a path")
        what = f"'{key}' must be {one} or a mapping, not a list"
        fix = "name one file, or a folder" if inner == "path" else "name one"
        faults.add(value.place, what, fix)
        tree = tree.having(key, value.items[0]) if value.items else tree.without(key)
    return tree


def _attributes_listed(tree: Map, faults: Faults) -> Map:
    """Note attributes that are listed, which is how other tools have them."""
    value = tree.get("protected")
    if isinstance(value, Map) or value is None:
        return tree
    items = value.items if isinstance(value, Seq) else (value,)
    names = [each.value for each in items if isinstance(each, Scalar)]
    if not names or len(names) < len(items) or not all(isinstance(each, str) for each in names):
        return tree
    said = "a list" if isinstance(value, Seq) else f"'{names[0]}'"
    pairs = ", ".join(f"{name}: {name}" for name in names[:5])
    more = ", ..." if len(names) > 5 else ""
    what = f"'protected' must be a mapping of names to columns, not {said}"
    faults.add(value.place, what, f"write `{{{pairs}{more}}}`")
    return tree.without("protected")


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
