"""From the bytes of a file to a tree with positions: YAML 1.2, and nothing more than it needs.

ruamel.yaml scans, parses and composes; `values` makes the values. Aliases are counted before anyone
walks them: nine lines can stand for a billion values.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode
from ruamel.yaml.reader import ReaderError

from pytest_aipm.errors import PolicyError, Problem, UsageFault
from pytest_aipm.policy.tree import Faults, Map
from pytest_aipm.policy.values import Values

__all__ = ["Source", "composed", "composer", "read_source", "relative"]

MAX_BYTES = 250_000
"""Composing takes some seconds for a megabyte; a policy of 250 kB would fill a book."""

MAX_NODES = 10_000
MAX_DEPTH = 60

_OPEN = {
    "while scanning a quoted scalar": ("a quote", "a closing quote"),
    "while parsing a flow mapping": ("a '{'", "a ',' or a '}'"),
    "while parsing a flow sequence": ("a '['", "a ',' or a ']'"),
}
"""Faults that are often found far below where they begin: what was opened, what is missing."""

_SYNTAX = (
    ("character '\\t'", "a tab cannot stand here", "indent with spaces"),
    (
        "mapping values are not allowed",
        "a key cannot stand here",
        "indent it like its neighbours, put text with ': ' in quotes, put a space behind each ':'",
    ),
    ("expected <block end>", "the indentation does not fit", "indent it like its neighbours"),
    ("could not find expected ':'", "a key without ':'", "write `key: value`"),
    (
        "expected a single document",
        "a second document starts here",
        "keep one document a file and remove the line '---'",
    ),
    ("undefined alias", "an alias without an anchor", "write the value out"),
    ("incompatible YAML", "not YAML 1.2", "remove the %YAML line"),
)


@dataclass(frozen=True)
class Source:
    """A file as it was read: its bytes' hash, its text and its tree."""

    path: str
    sha256: str
    text: str
    tree: Map


def relative(path: Path, root: Path) -> str:
    """Return `path` as messages and records write it: relative to `root`, with slashes."""
    try:
        return Path(os.path.relpath(path, root)).as_posix()
    except ValueError:  # another drive
        return path.as_posix()


def composer() -> YAML:
    """Return a YAML 1.2 reader that warns of nothing.

    Not the round-trip one: it keeps comments, and some places of comments it cannot handle.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False
    return yaml


@lru_cache(maxsize=8)
def composed(text: str) -> Node | None:
    """Return a text composed, once for whoever asks what file it is and for who then reads it.

    Nobody changes the nodes. What cannot be composed raises anew each time.
    """
    node: Node | None = composer().compose(text)
    return node


def read_source(
    path: Path,
    *,
    root: Path,
    faults: Faults,
    error: type[UsageFault] = PolicyError,
    shown: str = "",
) -> Source:
    """Read a file into a tree.

    Parameters
    ----------
    path : Path
        File to read.
    root : Path
        Folder that messages are relative to.
    faults : Faults
        Collects what is wrong although the text parses: duplicate keys, tags, odd numbers.
    error : type
        Raised when the text does not parse.
    shown : str, optional
        What messages and records call the file; default its path from `root`.

    Returns
    -------
    Source

    Raises
    ------
    UsageFault
        One line: the file is missing, too large, not UTF-8, not YAML 1.2, or expands too far.
    """
    shown = shown or relative(path, root)
    raw = _bytes(path, shown, error)
    text = _decode(raw, shown, error)
    _refuse_old_yaml(text, shown, error)
    _refuse_brackets(text, shown, error)
    node = _compose(text, shown, error)
    if node is None:
        raise error(Problem("the file is empty", "write its first key", shown))
    _refuse_bomb(node, shown, error)
    tree = Values(shown, faults).tree(node)
    if not isinstance(tree, Map):
        raise error(
            Problem("the file is not a mapping", "start it with `key: value` lines", shown, 1, 1)
        )
    return Source(shown, hashlib.sha256(raw).hexdigest(), text, tree)


def _bytes(path: Path, shown: str, error: type[UsageFault]) -> bytes:
    try:
        if not path.is_file():
            what = "is a folder, not a file" if path.is_dir() else "there is no such file"
            raise error(Problem(what, "check the path", shown))
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as fault:
        raise error(Problem(f"cannot be read: {fault.strerror}", "check it", shown)) from None
    if len(raw) > MAX_BYTES:
        raise error(Problem(f"larger than {MAX_BYTES:,} bytes", "split it with `extends`", shown))
    return raw


def _decode(raw: bytes, shown: str, error: type[UsageFault]) -> str:
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as fault:
        # utf-8-sig counts from behind the mark
        start = fault.start + (3 if raw.startswith(b"\xef\xbb\xbf") else 0)
        line = raw.count(b"\n", 0, start) + 1
        what = f"not UTF-8: byte 0x{raw[start]:02x} at offset {start}"
        raise error(Problem(what, "save the file as UTF-8", shown, line)) from None


def _refuse_old_yaml(text: str, shown: str, error: type[UsageFault]) -> None:
    """Refuse another YAML version: under 1.1 the group NO would be read as false."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith("%YAML") and line.split()[1:2] != ["1.2"]:
            what = f"'{line.strip()}' is not YAML 1.2"
            raise error(Problem(what, "remove this line", shown, number, 1))
        if line.strip() and not line.startswith(("#", "%")):
            return


def _refuse_brackets(text: str, shown: str, error: type[UsageFault]) -> None:
    """Refuse a line of brackets, for which the scanner needs quadratic time: 9 s for 2,000."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count("[") + line.count("{") <= MAX_DEPTH:
            continue
        steps = itertools.accumulate((c in "[{") - (c in "]}") for c in line)
        column = next((at for at, depth in enumerate(steps, start=1) if depth > MAX_DEPTH), None)
        if column is not None:
            what = f"nested deeper than {MAX_DEPTH} levels"
            raise error(Problem(what, "flatten it", shown, number, column))


def _compose(text: str, shown: str, error: type[UsageFault]) -> Node | None:
    try:
        return composed(text)
    except ReaderError as fault:
        before = text[: fault.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        what = f"the character U+{ord(text[fault.position]):04X} cannot stand in YAML"
        raise error(Problem(what, "remove it", shown, line, column)) from None
    except RecursionError:
        raise error(Problem("nested too deep", "flatten it", shown)) from None
    except Exception as fault:  # noqa: BLE001 - "\UFFFFFFFF" ends in an OverflowError, for one
        raise error(_syntax(fault, shown)) from None


def _syntax(fault: Exception, shown: str) -> Problem:
    line = column = None
    said = str(fault)
    if isinstance(fault, MarkedYAMLError):
        mark = fault.problem_mark or fault.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        said = f"{fault.context or ''} {fault.problem or ''}".strip()
        start = fault.context_mark
        if mark and start and fault.context in _OPEN:
            opened, missing = _OPEN[fault.context]
            if start.line == mark.line:
                return Problem(f"{missing} is missing here", "add it", shown, line, column)
            what = f"{opened} that is not closed on its line or below"
            return Problem(what, "close it", shown, start.line + 1, start.column + 1)
    elif isinstance(fault, OverflowError | ValueError):
        said = "an escape stands for no character"  # Python words it otherwise in each version
    for sign, what, fix in _SYNTAX:
        if sign in said or sign.encode().decode("unicode_escape") in said:
            return Problem(what, fix, shown, line, column)
    return Problem(f"not valid YAML: {said}", "correct it", shown, line, column)


def _children(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, SequenceNode) else []


def _refuse_bomb(root: Node, shown: str, error: type[UsageFault]) -> None:
    """Refuse aliases that stand for more than `MAX_NODES` values, or for themselves.

    Every node is visited once, whatever it expands to.
    """
    size: dict[int, int] = {}
    depth: dict[int, int] = {}
    entered: set[int] = set()
    stack = [root]
    while stack:
        node = stack[-1]
        key, children = id(node), _children(node)
        if key not in entered:
            entered.add(key)
            for child in children:
                if id(child) in size:
                    continue
                if id(child) in entered:
                    raise error(_at(child, "an alias that holds itself", shown))
                stack.append(child)
            continue
        stack.pop()
        if key not in size:
            size[key] = 1 + sum(size[id(child)] for child in children)
            depth[key] = 1 + max((depth[id(child)] for child in children), default=0)
    if depth[id(root)] > MAX_DEPTH:
        raise error(Problem(f"nested deeper than {MAX_DEPTH} levels", "flatten it", shown))
    if size[id(root)] > max(MAX_NODES, len(size)):
        what = f"its aliases expand to more than {MAX_NODES:,} values"
        raise error(Problem(what, "write the values out", shown))


def _at(node: Node, what: str, shown: str) -> Problem:
    mark = node.start_mark
    return Problem(what, "write the value out", shown, mark.line + 1, mark.column + 1)
