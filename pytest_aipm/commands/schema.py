"""``aipm schema``: the JSON Schema of what people write, and of what is written for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_aipm.baseline.shape import baseline_schema
from pytest_aipm.catalog import Catalog
from pytest_aipm.commands.paths import here, relative
from pytest_aipm.commands.project import packs_of, root_of
from pytest_aipm.commands.say import say
from pytest_aipm.drafts import drafted
from pytest_aipm.errors import OptionError, Problem
from pytest_aipm.policy.library import Library
from pytest_aipm.policy.schema import (
    FILES,
    incidents_schema,
    modeline,
    policy_schema,
    schema_text,
    sign_offs_schema,
    waivers_schema,
)
from pytest_aipm.records import SCHEMA, Record

__all__ = ["KINDS", "schema", "write_schemas"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
KINDS = (*FILES, "audit")


def schema(what: str | None, *, write: str | None = None, root: str | None = None) -> int:
    """Print a JSON Schema, or write all those that editors need.

    Parameters
    ----------
    what : {"policy", "waivers", "sign-offs", "incidents", "baseline", "audit"} or None
    write : str, optional
        The folder to write to, instead of printing one.
    root : str, optional
        Whose packs a policy may extend; default the current folder.

    Raises
    ------
    OptionError
        When neither or both are asked for, or there is no such folder.
    """
    if (what is None) == (write is None):
        fix = f"name one of {', '.join(KINDS)}, or --write=FOLDER"
        raise OptionError(
            Problem("aipm schema prints one schema, or writes those of a folder", fix)
        )
    packs = packs_of(root_of(root))
    if what is not None:
        say(schema_text(_MADE[what](packs)).rstrip())
        return 0
    folder = here(str(write))
    if not folder.is_dir():
        raise OptionError(Problem(f"--write={write}: there is no such folder", "check the path"))
    for path in write_schemas(folder, packs):
        say(f"wrote {relative(path, here('.'))}")
    say(f"First line of a policy beside them: {modeline()}")
    say(f"First line of the waivers:          {modeline('waivers')}")
    return 0


def write_schemas(folder: Path, packs: Library) -> tuple[Path, ...]:
    """Write the schemas of what people write, and of baselines, each whole or not at all.

    Parameters
    ----------
    folder : Path
    packs : Library
        The packs that a policy may extend.

    Returns
    -------
    tuple of Path
    """
    written = []
    for kind, name in FILES.items():
        text = schema_text(_MADE[kind](packs))
        with drafted(folder / name) as draft:
            draft.write_text(text, encoding="utf-8", newline="\n")
        written.append(folder / name)
    return tuple(written)


def _audit() -> dict[str, Any]:
    described = Record.model_json_schema(by_alias=True, mode="serialization")
    described["properties"]["schema"]["const"] = SCHEMA
    return {"$schema": DIALECT, **described}


_MADE: dict[str, Callable[[Library], dict[str, Any]]] = {
    "policy": lambda packs: policy_schema(Catalog(), packs),
    "waivers": lambda _: waivers_schema(),
    "sign-offs": lambda _: sign_offs_schema(),
    "incidents": lambda _: incidents_schema(),
    "baseline": lambda _: baseline_schema(),
    "audit": lambda _: _audit(),
}
