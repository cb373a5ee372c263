"""Number of things that the model card lacks.

## Question
Is there a model card for this very model, and does it say what its readers need?

## How it is measured
`file` names the card, Markdown with or without YAML at its head, as on Hugging Face. Counted are:
each of `sections` that is neither a heading nor a key at the head (`A | B` is met by either), or
that says nothing, or holds a placeholder ("TODO", "[More Information Needed]"); that no
place of the card names the model, by the first 12 digits of its sha256, by its file or factory, or
by one of `names`; and, with `max_age_days`, that its `date` or `last_updated` is missing or older.
Where there is no card, all of them count. It is a count, so the number itself decides.

The times of files are not compared: a fresh checkout gives all files the same one. A card that
names the sha256 of the model cannot be older than it.

## When it misleads
- A section can be there and be wrong: a person must read it.
- A file name stays the same when the model changes; `named_by: sha256` asks for the digits.

## What to do
Write the section that is named, or let `aipm_exports` write a card from the run and add to it what
only people know.

## If left out
The model could be handed on with a card of another one, or with none.

## Sources
- Mitchell et al., "Model cards for model reporting", 2019; the annotated template of Hugging Face.
- The list of sections is a convention.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Literal

from pydantic import Field, field_validator

from pytest_aipm.checks.answers import few, lack_of, short, waits
from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.clock import today
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.model_card import Card, plain_title, read_card
from pytest_aipm.records import Formula
from pytest_aipm.stats.single import census

NEEDS = Needs()
KIND = "census"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 0}
BASIS = "policy choice: the card lacks nothing"

DIGITS = 12
"""Of the sha256, enough to tell models apart."""


class Params(CheckParams):
    """Which card, and what it must hold."""

    file: str = Field(default="MODEL_CARD.md", min_length=1)
    """The card, a path from the root."""
    sections: tuple[str, ...] = Field(
        default=(
            "Model details | Model description",
            "Uses | Intended use",
            "Bias, risks, and limitations | Limitations | Caveats and recommendations",
            "Training details | Training data",
            "Evaluation | Evaluation data",
            "Model card contact | Contact",
            "License",
        ),
        min_length=1,
    )
    """Headings, or keys at the head, that the card must have; `A | B` asks for one of them."""
    names: tuple[str, ...] = ()
    """Other words by which the card may name the model, such as its version."""
    named_by: Literal["any", "sha256"] = "any"
    """Whether a file name, or a word of `names`, names the model well enough."""
    max_age_days: int | None = Field(default=None, ge=0)
    """How old the `date` (or `last_updated`) at the head of the card may be."""

    @field_validator("sections")
    @classmethod
    def _titles(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            if not all(map(plain_title, each.split("|"))):
                raise ValueError(f"'{each[:40]}' is no title; write letters or digits")
        return value


def value_range(params: Params) -> tuple[float, float]:
    """Return that all sections, the name and the age can be lacking."""
    return 0.0, len(params.sections) + 1.0 + (params.max_age_days is not None)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    card = read_card(params.file, evidence.root)
    named, how = _names(evidence, params)
    asked = len(params.sections) + bool(named) + (params.max_age_days is not None)
    if card is None:
        lacks = ["the card itself"] * asked
        said = f"there is no model card {short(params.file)}"
    else:
        lacks = [*_sections(card, params), *_name(card, named), *_age(card, params)]
        said = f"{short(params.file)} has all {asked} things that are asked of a model card"
        if lacks:
            said = f"{short(params.file)} lacks {len(lacks)} of {asked} things that are asked of it"
            said += f" ({few([each.partition(':')[0] for each in lacks])})"
    notes = [] if card is None else [short(each, 200) for each in lacks[:50]]
    if not named:
        notes.append("which model it names was not looked at: there is no model file, and no names")
    return Measurement(
        estimate=census(len(lacks), asked),
        formula=Formula(
            id="model_card_lacks",
            numerator="sections, name and date that the model card lacks",
            denominator="",
            population=f"{asked} things{how}",
        ),
        summary=said,
        n=asked,
        part_names=("all rows",),
        notes=tuple(notes),
    )


def _sections(card: Card, params: Params) -> Iterator[str]:
    front = {plain_title(key): value for key, value in card.front.items()}
    for wanted in params.sections:
        titles = [plain_title(each) for each in wanted.split("|")]
        first = short(wanted.partition("|")[0].strip(), 40)
        held = [card.sections[each] for each in titles if each in card.sections]
        held += [front[each] for each in titles if each in front]
        gaps = [_gap(each) for each in held]
        if not held:
            yield f"{first}: there is no such section"
        elif all(gaps):
            yield f"{first}: it is {gaps[0]}"


def _gap(value: object) -> str:
    """Return what a section lacks: it says something, and no line of it is a placeholder."""
    if not isinstance(value, str):
        return lack_of(value)
    lines = [line.strip() for line in value.split("\n") if line.strip()]
    # a line can hold its place behind a label: "- License: TODO"
    parts = (part for line in lines for part in (line, line.partition(":")[2].strip("* ")))
    gap = next((part for part in parts if waits(part)), None)
    return lack_of(" ".join(lines)) if gap is None else f"a placeholder ({short(gap, 40)!r})"


def _names(evidence: Evidence, params: Params) -> tuple[list[str], str]:
    """Return the words of which one must stand in the card."""
    model, words = evidence.model, []
    if model is not None and model.sha256:
        words.append(model.sha256[:DIGITS])
    if params.named_by == "any":
        words += params.names
        if model is not None and model.kind not in ("object", "callable"):
            words += [model.ref, PurePosixPath(model.ref).name]
    words = [each for each in dict.fromkeys(words) if each.strip()]
    return words, f"; the model goes by {few(words)}" if words else ""


def _name(card: Card, named: list[str]) -> Iterator[str]:
    text = card.text.casefold()
    if named and not any(each.casefold() in text for each in named):
        yield f"name of the model: none of {few(named)} stands in it"


def _age(card: Card, params: Params) -> Iterator[str]:
    if params.max_age_days is None:
        return
    front = {plain_title(key): value for key, value in card.front.items()}
    written = front.get("date", front.get("last updated"))
    if written is None:
        yield "date: there is no `date` and no `last_updated` at its head"
        return
    try:
        age = (today() - dt.date.fromisoformat(str(written)[:10])).days
    except ValueError:
        yield f"date: {short(str(written), 40)!r} is no date"
        return
    if age < 0:
        yield f"date: {str(written)[:10]} is after today ({today()})"
    elif age > params.max_age_days:
        yield f"date: it is {age:,} days old; at most {params.max_age_days:,} are allowed"
