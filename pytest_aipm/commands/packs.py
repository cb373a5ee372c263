"""``aipm packs``: which packs there are, and what each one asks for."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

from pytest_aipm.catalog import Catalog
from pytest_aipm.clock import today
from pytest_aipm.commands.project import packs_of, root_of
from pytest_aipm.commands.say import complain, say
from pytest_aipm.errors import PolicyError, Problem
from pytest_aipm.policy.layers import Layer, read_layer
from pytest_aipm.policy.library import Library
from pytest_aipm.policy.pack import Pack
from pytest_aipm.policy.rules import Modules, build_check
from pytest_aipm.policy.tree import Faults, Map, Scalar, Seq, Tree
from pytest_aipm.policy.words import did_you_mean

__all__ = ["list_packs", "show_pack"]

OK, USAGE = 0, 4
WIDTH = 88
HEADS = ("Name", "Version", "Status", "As of", "Title")
NO_LAW = "A review aid, not legal advice."
BASIS = {"text": "the text", "convention": "convention"}


def list_packs(*, root: str | None = None) -> int:
    """Print every pack: name, version, status, when it was checked, title.

    Returns
    -------
    int
        0; 4 when a file among them is no pack, which is said.
    """
    folder = root_of(root)
    library = packs_of(folder)
    rows, faults = [HEADS], Faults()
    concerns: list[str] = []
    for name in library.names():
        try:
            pack = _pack(_read(name, library, folder))
        except PolicyError as fault:
            faults.extend(fault.problems)
            continue
        head = pack.head
        rows.append((name, head.version, head.status, head.as_of, _short(head.title)))
        concerns += pack.concerns(today())
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        say("  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip())
    say()
    for concern in concerns:
        say(f"warning: {concern}")
    say("`aipm packs show NAME` prints one; a policy takes it with `extends: pack:NAME`.")
    say(NO_LAW)
    if faults:
        complain("\n".join(map(str, faults.problems)))
    return USAGE if faults else OK


def show_pack(name: str, *, root: str | None = None) -> int:
    """Print a pack's head, its text and the clauses that its checks answer to.

    Raises
    ------
    PolicyError
        When there is no such pack, or something is wrong in it.
    """
    folder = root_of(root)
    library = packs_of(folder)
    layer = _read(name, library, folder)
    pack = _pack(layer)
    _sound(layer)
    say("\n".join(_head(pack, library.origin(name))))
    say(layer.source.text.rstrip())
    say()
    say("\n".join(_clauses(layer)))
    say(NO_LAW)
    return OK


def _read(name: str, library: Library, root: Path) -> Layer:
    path = library.path(name)
    if path is None:
        raise PolicyError(
            Problem(f"there is no pack '{name}'", did_you_mean(name, library.names()))
        )
    faults = Faults()
    layer = read_layer(path, root=root, faults=faults, packs=library, shown=f"pack:{name}")
    faults.raise_as(PolicyError)
    return layer


def _pack(layer: Layer) -> Pack:
    if layer.pack is None:
        what = "no pack: it says nothing of itself under 'pack'"
        fix = "add `pack: {title, version, status, as_of}`"
        raise PolicyError(Problem(what, fix, layer.source.path))
    return layer.pack


def _sound(layer: Layer) -> None:
    """Raise what is wrong with a pack's checks, as far as that is known without a subject."""
    faults, modules = Faults(), Modules(Catalog())
    for check_id, tree in layer.checks.items():
        build_check(check_id, tree, layer.top.submap("defaults"), {}, modules, faults)
    faults.raise_as(PolicyError)


def _head(pack: Pack, origin: str) -> Iterator[str]:
    head = pack.head
    age = "" if head.max_audit_age is None else f"{head.max_audit_age} days"
    yield f"{pack.name} {head.version}: {head.title}"
    yield ""
    for label, text in (
        ("status", head.status),
        ("jurisdiction", head.jurisdiction),
        ("authority", head.authority),
        ("citation", head.citation),
        ("effective", head.effective),
        ("superseded by", head.superseded_by),
        ("as of", head.as_of),
        ("review after", pack.review_after.isoformat()),
        ("valid until", head.valid_until),
        ("audit at most", age and f"{age} old"),
        ("from", origin),
        ("sha256", pack.sha256),
    ):
        if text:
            yield f"  {label + ':':<15}{text}"
    for note in head.notes:
        yield textwrap.fill(note, WIDTH, initial_indent="  - ", subsequent_indent="    ")
    yield from (f"warning: {concern}" for concern in pack.concerns(today()))
    yield ""


def _short(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


def _clauses(layer: Layer) -> Iterator[str]:
    """Yield what each check answers to: clause, what it asks, check, limit and its origin."""
    yield "Clauses"
    for check_id, tree in layer.checks.items():
        cited = tree.get("clause")
        named = cited.items if isinstance(cited, Seq) else (cited,) if cited else ()
        clauses = ", ".join(str(each.plain()) for each in named)
        yield f"  {clauses or 'no clause'}"
        asks = tree.text("asks")
        if asks:
            yield textwrap.fill(asks, WIDTH, initial_indent="    ", subsequent_indent="    ")
        yield f"    {check_id}: {tree.text('check')}{_limit(tree)}"
    yield ""


def _limit(tree: Map) -> str:
    limit = tree.get("limit")
    if not isinstance(limit, Map):
        return ""
    ends = ", ".join(f"{key}: {_number(value)}" for key, value in limit.entries.items())
    basis = BASIS.get(tree.text("basis") or "", "")
    return f", limit {{{ends}}}" + (f", a number from {basis}" if basis else "")


def _number(value: Tree) -> str:
    number = value.value if isinstance(value, Scalar) else None
    return f"{number:g}" if isinstance(number, int | float) else str(number)
