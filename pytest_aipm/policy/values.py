"""From composed YAML nodes to values, by the core schema of YAML 1.2 alone.

`NO` stays text, dates stay text, `012` is twelve, and no tag can build anything.
"""

from __future__ import annotations

import math
import re

from ruamel.yaml.nodes import Node, ScalarNode, SequenceNode

from pytest_aipm.policy.tree import Faults, Map, Place, Scalar, Seq, Tree

__all__ = ["Values", "plain_scalar"]

_CORE = "tag:yaml.org,2002:"
_KEPT = frozenset(
    _CORE + name
    for name in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge", "seq", "map")
)
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]{1,300}|0o[0-7]{1,300}|0x[0-9a-fA-F]{1,300}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_PLAIN = re.compile(
    r"[A-Za-z_./](?:[A-Za-z0-9_./@%+<>=()-]|:(?=[A-Za-z0-9_])| (?=[A-Za-z0-9_./@%+<>=()-]))*"
)
_OLD_BOOL = frozenset({"yes", "no", "on", "off", "y", "n"})
"""Texts here, but not to every reader of YAML."""


def plain_scalar(value: str | float | bool | None) -> str:
    """Return a value as YAML, to be read again as the same value: in quotes where it must be."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return repr(value)
    as_other = value in _NULL or value in _BOOL or value.lower() in _OLD_BOOL
    as_number = any(each.fullmatch(value) for each in (_INT, _FLOAT, _SPECIAL))
    if _PLAIN.fullmatch(value) and not as_other and not as_number:
        return value
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) <= 0xFFFF else f"\\U{ord(character):08x}"


class Values:
    """Turns composed nodes into trees, noting what the language does not allow."""

    def __init__(self, path: str, faults: Faults) -> None:
        self.path = path
        self.faults = faults

    def place(self, node: Node) -> Place:
        """Return where a node starts."""
        return Place(self.path, node.start_mark.line + 1, node.start_mark.column + 1)

    def tree(self, node: Node) -> Tree:
        """Return a node and all below it."""
        place = self.place(node)
        if str(node.tag) not in _KEPT:
            tag = str(node.tag).replace(_CORE, "!!")
            self.faults.add(place, f"the tag '{tag}' is not part of this language", "remove it")
        if isinstance(node, ScalarNode):
            return Scalar(self.scalar(node), place)
        if isinstance(node, SequenceNode):
            return Seq(tuple(self.tree(child) for child in node.value), place)
        return self.map(node)

    def scalar(self, node: ScalarNode) -> str | int | float | bool | None:
        """Return text, a number, true or false, or nothing."""
        text = self.text(node)
        if node.style not in (None, "") or str(node.tag) == _CORE + "str":
            return text
        if text in _NULL:
            return None
        if text in _BOOL:
            return _BOOL[text]
        if _INT.fullmatch(text):
            return int(text, 0 if text[:2] in ("0o", "0x") else 10)
        if _SPECIAL.fullmatch(text) or (_FLOAT.fullmatch(text) and math.isinf(float(text))):
            fix = "write a finite number, or put it in quotes"
            self.faults.add(self.place(node), f"{text[:40]} is not a finite number", fix)
            return text
        return float(text) if _FLOAT.fullmatch(text) else text

    def text(self, node: ScalarNode) -> str:
        """Return the text of a scalar; halves of characters break every encoder after us."""
        text: str = node.value
        if any("\ud800" <= character <= "\udfff" for character in text):
            self.faults.add(
                self.place(node), "half a character (a lone surrogate)", "write it whole"
            )
            return ""
        return text

    def map(self, node: Node) -> Map:
        """Return a mapping whose keys are text and different."""
        entries: dict[str, Tree] = {}
        keys: dict[str, Place] = {}
        for key_node, value_node in node.value:
            place, value = self.place(key_node), self.tree(value_node)
            key = self.text(key_node) if isinstance(key_node, ScalarNode) else None
            if key is None:
                self.faults.add(place, "a key must be text", "write `key: value`")
            elif str(key_node.tag) == _CORE + "merge":
                fix = "write the keys out, or use `extends`"
                self.faults.add(place, "merge keys ('<<') are not part of this language", fix)
            elif key in entries:
                what = f"the key '{key}' is there twice, first in line {keys[key].line}"
                self.faults.add(place, what, "keep one of them")
            else:
                is_empty = isinstance(value, Scalar) and value.value is None
                entries[key], keys[key] = Scalar(None, place) if is_empty else value, place
        return Map(entries, keys, self.place(node))
