"""What is wrong with a value, in the words of someone who writes policies.

pydantic finds the faults; this module finds their places and says them plainly.
"""

from __future__ import annotations

import difflib
import inspect
import json
import re
from collections.abc import Iterable
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pytest_aipm.policy.tree import Faults, Map, Place, Scalar, Seq, Tree

__all__ = [
    "closed",
    "did_you_mean",
    "entries_of",
    "kind_of",
    "no_nulls",
    "number_meant",
    "shape",
    "unknown_keys",
]

Shape = TypeVar("Shape", bound=BaseModel)

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "dataclass_type": "a mapping",
    "none_required": "left out",
}
_BOUND = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """Return how to mend a near miss, or the list of what is possible."""
    known = sorted(set(options))
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if not near:
        near = [each for each in known if each.lower() == word.lower()]
    if near:
        return f"did you mean '{near[0]}'?"
    return f"known: {', '.join(known)}" if known else "remove it"


def kind_of(tree: Tree) -> str:
    """Return what a value is, for "must be text, not ..."."""
    if not isinstance(tree, Scalar):
        return "a mapping" if isinstance(tree, Map) else "a list"
    value = tree.value
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value[:40]}'"
    return f"the number {value}"


def no_nulls(tree: Map, faults: Faults) -> None:
    """Note every key without a value: `label:` with nothing behind it is a slip, not a choice."""
    for key, value in tree.entries.items():
        if isinstance(value, Map):
            no_nulls(value, faults)
        elif isinstance(value, Scalar) and value.value is None:
            fix = "give it a value or remove the key"
            faults.add(tree.key_place(key), f"'{key}' is empty", fix)


def unknown_keys(tree: Map, allowed: Iterable[str], faults: Faults, *, where: str) -> Map:
    """Note every key that is not one of `allowed`, and return `tree` without them."""
    known = frozenset(allowed)
    for key in tree.entries:
        if key not in known:
            what = f"unknown key '{key}' in {where}"
            faults.add(tree.key_place(key), what, did_you_mean(key, known))
    return tree.only(known)


def entries_of(
    tree: Map, key: str, faults: Faults, *, where: str, what: str, start: str
) -> list[Map]:
    """Return the mappings that a file lists under its only key, and add what is none of them.

    Parameters
    ----------
    tree : Map
        The whole file.
    key : str
    faults : Faults
    where, what, start : str
        What the file is, what an entry is, and how an entry starts.
    """
    tree = unknown_keys(tree, (key,), faults, where=where)
    listed = tree.get(key)
    if not isinstance(listed, Seq):
        said = f"'{key}' is missing" if listed is None else f"'{key}' must be a list"
        faults.add(tree.key_place(key), said, f"write `{key}: []` when there are none")
        return []
    for entry in listed.items:
        if not isinstance(entry, Map):
            said = f"{what} must be a mapping, not {kind_of(entry)}"
            faults.add(entry.place, said, f"start it with `{start}`")
    return [entry for entry in listed.items if isinstance(entry, Map)]


def closed(
    tree: Map, model: type[BaseModel], faults: Faults, *, where: str, hidden: Iterable[str] = ()
) -> Map:
    """Note every key, here and below, that `model` does not have; return `tree` without them."""
    fields = {info.alias or name: info for name, info in model.model_fields.items()}
    tree = unknown_keys(tree, fields.keys() - set(hidden), faults, where=where)
    for key, value in tree.entries.items():
        inner = _model_in(fields[key].annotation)
        if inner is None or not isinstance(value, Map):
            continue
        if not _is_dict(fields[key].annotation):
            kept = closed(value, inner, faults, where=f"'{key}'", hidden=hidden)
            tree = tree.having(key, kept)
            continue
        for name, each in value.entries.items():
            if isinstance(each, Map):
                kept = closed(each, inner, faults, where=f"'{name}'", hidden=hidden)
                value = value.having(name, kept)  # noqa: PLW2901 - grows the copy that is kept
        tree = tree.having(key, value)
    return tree


def shape(model: type[Shape], tree: Map, faults: Faults) -> Shape | None:
    """Return `tree` as a `model`, or None after noting what is wrong.

    Unknown keys are the business of `closed`, empty ones of `no_nulls`.
    """
    try:
        # JSON's own types, strictly: true is no number, "0.8" is no number, a list is a tuple
        return model.model_validate_json(json.dumps(tree.plain()), strict=True)
    except ValidationError as error:
        said: dict[Place, list[ErrorDetails]] = {}
        for each in error.errors(include_url=False):
            if not _is_empty(tree, each):
                said.setdefault(tree.place_of(*each["loc"]), []).append(each)
        for place, errors in said.items():
            _say(place, errors, tree, faults)
    return None


def _say(place: Place, errors: list[ErrorDetails], tree: Map, faults: Faults) -> None:
    """Note the errors of one place; the branches of a union are one error."""
    for each in (e for e in errors if e["type"] == "missing"):
        faults.add(place, f"'{each['loc'][-1]}' is missing", "add it")
    rest = [e for e in errors if e["type"] != "missing"]
    wanted = list(dict.fromkeys(_EXPECTED[e["type"]] for e in rest if e["type"] in _EXPECTED))
    if wanted:
        value = _value_at(tree, rest[0]["loc"])
        what = f"{_name(rest[0], tree)} must be {_either(wanted)}, not {kind_of(value)}"
        faults.add(place, what, _typed(wanted, value))
        return
    for each in rest:
        what, fix = _sentence(each)
        # neither a text that begins with the value nor one of the whole needs a key before it
        alone = what.startswith("'") or not each["loc"]
        faults.add(place, what if alone else f"{_name(each, tree)} {what}", fix)


def _typed(wanted: list[str], value: Tree) -> str:
    """Return how to mend a value of another type."""
    if wanted == ["text"] and _quotable(value):
        return "put it in quotes"
    if wanted in (["a number"], ["a whole number"]):
        return number_meant(value)
    if wanted == ["true or false"] and isinstance(value, Scalar):
        meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}
        word = meant.get(str(value.value).lower())
        return f"write `{word}`" if word else "correct it"
    return "correct it"


def number_meant(value: Tree) -> str:
    """Return how to mend a value that is no number: in quotes, in per cent, or another thing."""
    text = value.value.strip() if isinstance(value, Scalar) and isinstance(value.value, str) else ""
    per_cent = re.fullmatch(r"([-+]?\d+(?:\.\d+)?)\s*%", text)
    if per_cent is not None:
        return f"write {float(per_cent[1]) / 100:g}"
    if re.fullmatch(r"[-+]?\d+,\d+", text):
        return f"write {text.replace(',', '.')}"
    if re.fullmatch(r"[-+]?(\d+(\.\d*)?|\.\d+)", text):
        return f"write {text} without quotes"
    return "correct it"


def _either(words: list[str]) -> str:
    """Return "a, b or c"; a whole number is a number."""
    if "a number" in words:
        words = [word for word in words if word != "a whole number"]
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _sentence(error: ErrorDetails) -> tuple[str, str]:
    """Return what is wrong and how to mend it, to follow the name of the key."""
    kind, context = error["type"], error.get("ctx", {})
    value = error["input"]
    if kind in _BOUND:
        key, word = _BOUND[kind]
        return f"must be {word} {context[key]:g}, not {value}", "correct it"
    if kind in ("literal_error", "enum"):
        options = re.findall(r"'([^']*)'", str(context["expected"]))
        shown = f"'{value}'" if isinstance(value, str) else json.dumps(value)
        near = did_you_mean(str(value), options)
        fix = near if near.startswith("did you") else "choose one of them"
        return f"must be one of {', '.join(options)}, not {shown}", fix
    if kind == "value_error":
        what, _, fix = str(context["error"]).partition("; ")
        return what, fix or "correct it"
    if kind == "string_pattern_mismatch":
        return f"must match the pattern {context['pattern']}, not '{value}'", "correct it"
    if kind in ("string_too_short", "too_short"):
        return "must not be empty", "give it a value or remove the key"
    said = error["msg"].replace("Input should be", "must be").replace("Value error, ", "")
    return said[:1].lower() + said[1:], "correct it"


def _name(error: ErrorDetails, tree: Map) -> str:
    """Return the key the error speaks of: "'bins'", or "item 2 of 'bins'"."""
    keys: list[str | int] = []
    for part in error["loc"]:
        if not _has(tree, (*keys, part)):
            break
        keys.append(part)
    if not keys:
        return f"'{error['loc'][-1]}'"
    if isinstance(keys[-1], int):
        named = [key for key in keys if isinstance(key, str)]
        return f"item {keys[-1] + 1} of '{named[-1] if named else '?'}'"
    return f"'{keys[-1]}'"


def _has(tree: Tree, loc: Iterable[str | int]) -> bool:
    plain = tree.plain()
    for part in loc:
        try:
            plain = plain[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _value_at(tree: Map, loc: Iterable[str | int]) -> Tree:
    value: Tree = tree
    for part in loc:
        if isinstance(value, Map) and part in value.entries:
            value = value.entries[str(part)]
        elif not isinstance(value, Scalar | Map) and isinstance(part, int):
            value = value.items[part]
    return value


def _is_empty(tree: Map, error: ErrorDetails) -> bool:
    """Return whether `no_nulls` has said it: a key without a value."""
    if error["type"] == "missing" or not error["loc"] or isinstance(error["loc"][-1], int):
        return False
    value = _value_at(tree, error["loc"])
    return isinstance(value, Scalar) and value.value is None


def _quotable(tree: Tree) -> bool:
    return isinstance(tree, Scalar) and tree.value is not None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(argument) for argument in get_args(annotation))
    return next((model for model in found if model is not None), None)


def _is_dict(annotation: Any) -> bool:
    return get_origin(annotation) is dict or any(map(_is_dict, get_args(annotation)))
