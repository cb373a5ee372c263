"""A policy file and the files it extends, laid over each other.

Later files win over earlier ones, the file itself over all. Checks are matched by id; inside a
check, and in `context`, `subject` and `defaults`, single keys are laid over each other; everything
else is replaced. ``key:`` with nothing behind it takes the key out again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_aipm.errors import PolicyError
from pytest_aipm.policy.ids import is_id
from pytest_aipm.policy.library import SUFFIX, Library, pack_name
from pytest_aipm.policy.outline import PolicyOutline
from pytest_aipm.policy.pack import Pack, pack_head, pack_of
from pytest_aipm.policy.text import Source, read_source, relative
from pytest_aipm.policy.tree import Faults, Map, Place, Scalar, Seq, Tree
from pytest_aipm.policy.words import did_you_mean, kind_of, unknown_keys

__all__ = ["URL", "Layer", "layer_of", "outline", "read_layer", "unmatched"]

MAX_DEPTH = 8
TOP = tuple(PolicyOutline.model_fields)
_MERGED = frozenset({"context", "subject", "defaults", "publish"})
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True)
class Layer:
    """One file on top of its bases.

    Attributes
    ----------
    source : Source
        The file itself.
    bases : tuple of (Layer, Place)
        What it extends, and where it says so.
    own : dict of str to Map
        Its own checks by id.
    top : Map
        Everything but the checks, merged.
    checks : dict of str to Map
        All checks by id, merged, in the order they first appear.
    """

    source: Source
    bases: tuple[tuple[Layer, Place], ...]
    own: Mapping[str, Map]
    top: Map
    checks: Mapping[str, Map]
    depth: int = 1
    whole: bool = True
    """Whether every file that is extended, here or below, could be read."""
    pack: Pack | None = None
    """What the file says of itself, where it is a pack."""

    def walk(self, seen: set[str] | None = None) -> Iterator[Layer]:
        """Yield every file once, bases before what extends them."""
        seen = set() if seen is None else seen
        for base, _ in self.bases:
            if base.source.path not in seen:
                seen.add(base.source.path)
                yield from base.walk(seen)
        yield self

    def named(self) -> Iterator[tuple[Layer, Place]]:
        """Yield every file that is extended, with where it is named."""
        for layer in self.walk():
            yield from layer.bases


def read_layer(
    path: Path, *, root: Path, faults: Faults, packs: Library | None = None, shown: str = ""
) -> Layer:
    """Read a file and everything it extends.

    Parameters
    ----------
    path, root : Path
    faults : Faults
    packs : Library, optional
        Where ``pack:NAME`` is found; default what is built in or installed.
    shown : str, optional
        What messages call the file; default its path from `root`.

    Raises
    ------
    PolicyError
        When a file cannot be parsed; faults inside files that parse are collected.
    """
    return _Reader(root, faults, packs).read(path, (), shown)


def layer_of(tree: Map, *, root: Path, faults: Faults, packs: Library | None = None) -> Layer:
    """Return a tree that came from no file, on top of what it extends."""
    source = Source(tree.place.path, "", "", tree)
    return _Reader(root, faults, packs).stack(source, root, ())


class _Reader:
    """Reads each file once, however often it is extended."""

    def __init__(self, root: Path, faults: Faults, packs: Library | None) -> None:
        self.root = root
        self.faults = faults
        self.packs = packs or Library()
        self.known: dict[Path, Layer] = {}

    def read(self, path: Path, above: tuple[Path, ...], shown: str = "") -> Layer:
        key = Path(os.path.realpath(path))
        if key not in self.known:
            source = read_source(path, root=self.root, faults=self.faults, shown=shown)
            self.known[key] = self.stack(source, path.parent, (*above, key))
        return self.known[key]

    def stack(self, source: Source, folder: Path, above: tuple[Path, ...]) -> Layer:
        outline(source.tree, self.faults)
        named = tuple(_extended(source.tree, self.faults))
        read = [self.base(scalar, folder, above, source.path) for scalar in named]
        bases = tuple(
            (base, scalar.place) for base, scalar in zip(read, named, strict=True) if base
        )
        own = _own_checks(source.tree, self.faults)
        top, checks = Map(place=source.tree.place), dict[str, Map]()
        for base, _ in bases:
            top = _lay(base.top.without("name", "pack", "extends", "aipm"), top)
            checks = _lay_checks(base.checks, checks)
        merged = _lay(source.tree.without("checks"), top)
        depth = 1 + max((base.depth for base, _ in bases), default=0)
        asked = _count(source.tree.get("extends"))
        whole = len(bases) == asked and all(base.whole for base, _ in bases)
        laid, pack = _lay_checks(own, checks), pack_of(source)
        return Layer(source, bases, own, merged, laid, depth, whole, pack)

    def base(
        self, named: Scalar, folder: Path, above: tuple[Path, ...], upper: str
    ) -> Layer | None:
        """Return a file that is extended, or None after noting why not."""
        found = self.found(named, folder, upper)
        if found is None:
            return None
        path, shown = found
        if Path(os.path.realpath(path)) in above:
            what = f"'{named.value}' extends itself, directly or in a circle"
            self.faults.add(named.place, what, "remove it here")
            return None
        if len(above) <= MAX_DEPTH:
            try:
                base = self.read(path, above, shown)
            except PolicyError as error:
                self.faults.extend(error.problems)
                return None
            if base.depth + len(above) <= MAX_DEPTH + 1:
                return base if shown == "" else self.headed(base, named)
        what = f"more than {MAX_DEPTH} files stand below each other"
        self.faults.add(named.place, what, "flatten them")
        return None

    def found(self, named: Scalar, folder: Path, upper: str) -> tuple[Path, str] | None:
        """Return where a base is, and what messages call it when that is no path."""
        text = str(named.value)
        pack = pack_name(text)
        if pack is not None:
            place = self.packs.path(pack)
            if place is None:
                fix = did_you_mean(pack, self.packs.names())
                self.faults.add(named.place, f"there is no pack '{pack}'", fix)
            return None if place is None else (place, text)
        if pack_name(upper) is not None:
            what = f"a pack extends other packs alone, not '{text}'"
            self.faults.add(named.place, what, "write `pack:NAME`")
            return None
        path = folder / text
        if not os.path.isfile(path):  # noqa: PTH113 - never raises, Path.is_file may
            what = f"'{text}' is not there (looked for {relative(path, self.root)})"
            self.faults.add(named.place, what, self.meant(text, path, upper))
            return None
        return path, ""

    def meant(self, text: str, path: Path, upper: str) -> str:
        """Return what was probably meant by a base that is not there: a pack, or a neighbour."""
        if text in self.packs.names():
            return f"did you mean 'pack:{text}'?"
        there = {each.name for each in path.parent.glob(f"*{SUFFIX}")} - {Path(upper).name}
        near = did_you_mean(path.name, there)
        if near.startswith("did you mean"):
            return near
        return "`extends` is relative to the file that names it"

    def headed(self, base: Layer, named: Scalar) -> Layer | None:
        """Return a pack, or None after noting that its file says nothing of itself."""
        if "pack" in base.source.tree.entries:
            return base
        what = f"'{named.value}' is no pack: it says nothing of itself under 'pack'"
        self.faults.add(named.place, what, "add `pack: {title, version, status, as_of}` to it")
        return None


def _count(extends: Tree | None) -> int:
    return len(extends.items) if isinstance(extends, Seq) else int(extends is not None)


def _extended(tree: Map, faults: Faults) -> Iterator[Scalar]:
    value = tree.get("extends")
    for item in value.items if isinstance(value, Seq) else (value,):
        if item is None:
            continue
        if not isinstance(item, Scalar) or not isinstance(item.value, str) or not item.value:
            faults.add(item.place, f"'extends' must name files, not {kind_of(item)}", "correct it")
        elif URL.match(item.value):
            what = f"'{item.value}' is a URL; a policy extends local files alone"
            faults.add(item.place, what, "keep a reviewed copy beside it")
        else:
            yield item


def outline(tree: Map, faults: Faults) -> None:
    """Note what is wrong with a file's own outline, whoever extends it."""
    unknown_keys(tree, TOP, faults, where="a policy")
    version = tree.get("aipm")
    if version is None:
        faults.add(tree.place, "'aipm' is missing", "start the file with `aipm: 1`")
    elif not isinstance(version, Scalar) or type(version.value) is not int or version.value != 1:
        what = f"'aipm' must be 1, not {kind_of(version)}"
        faults.add(version.place, what, "this version reads `aipm: 1`")
    name = tree.get("name")
    if name is not None:
        _check_id(name, "name", faults)
    for key in _MERGED & tree.entries.keys():
        value = tree.entries[key]
        if not isinstance(value, Map):
            what = f"'{key}' must be a mapping, not {kind_of(value)}"
            faults.add(tree.key_place(key), what, "indent its keys below it")
    pack_head(tree, faults)
    checks = tree.get("checks")
    if checks is not None and not isinstance(checks, Seq):
        what = f"'checks' must be a list, not {kind_of(checks)}"
        faults.add(tree.key_place("checks"), what, "start each check with '- check: '")


def _check_id(value: Tree, key: str, faults: Faults) -> str | None:
    text = value.value if isinstance(value, Scalar) else None
    if not isinstance(text, str):
        fix = "put it in quotes" if text is not None else "correct it"
        faults.add(value.place, f"'{key}' must be text, not {kind_of(value)}", fix)
        return None
    if not is_id(text):
        what = f"'{key}' is part of node ids and cannot be '{text[:60]}'"
        faults.add(value.place, what, "use letters, digits, '_', '.' and '-'")
        return None
    return text


def _own_checks(tree: Map, faults: Faults) -> dict[str, Map]:
    """Return a file's own checks by id; the first of two wins, the second is noted."""
    checks = tree.get("checks")
    found: dict[str, Map] = {}
    for entry in checks.items if isinstance(checks, Seq) else ():
        if not isinstance(entry, Map):
            what = f"a check must be a mapping, not {kind_of(entry)}"
            faults.add(entry.place, what, "write `- check: family.name`")
            continue
        key = "id" if "id" in entry.entries else "check"
        if key not in entry.entries:
            faults.add(entry.place, "'check' is missing", "say which check this is")
            continue
        check_id = _check_id(entry.entries[key], key, faults)
        if check_id in found:
            first = found[check_id].place.line
            what = f"two checks have the id '{check_id}'" + (
                f", first in line {first}" * bool(first)
            )
            faults.add(entry.place_of(key), what, "give each its own `id`")
            found[f"{check_id}#{len(found)}"] = entry  # no id can hold '#'; its faults are said too
        elif check_id is not None:
            found[check_id] = entry
    return found


def _lay(top: Map, base: Map) -> Map:
    return top.without("checks").over(base.without("checks"), deep=_MERGED)


def _lay_checks(top: Mapping[str, Map], base: Mapping[str, Map]) -> dict[str, Map]:
    """Lay checks over each other by id; `override` speaks for its own file alone."""
    merged = dict(base)
    for check_id, entry in top.items():
        below = merged.get(check_id)
        own = entry.without("override")
        if below is not None and "limit" in own.entries and "basis" not in own.entries:
            below = below.without("basis")  # another number has another origin
        merged[check_id] = own if below is None else own.over(below, deep=frozenset(own.entries))
    return merged


def unmatched(layer: Layer, faults: Faults) -> None:
    """Note a check that names neither what it measures nor a check of a base."""
    for check_id, entry in layer.checks.items():
        if "check" not in entry.entries:
            others = [each for each in layer.checks if each != check_id]
            fix = did_you_mean(check_id, others) if layer.bases and others else "add it"
            faults.add(entry.place, f"'check' is missing, and no base has '{check_id}'", fix)
