"""Number of columns that hold personal data such as e-mail addresses or account numbers.

## Question
Do the rows hold what points straight at a person?

## How it is measured
Values are tested for their form and, where there is one, their checksum: e-mail and IP and MAC
addresses, international phone numbers, IBAN (mod 97), payment cards (issuer, length, Luhn),
coordinates, and national numbers of the United States, Spain, Italy, France, Poland, Sweden,
Finland, Germany, the Netherlands, Brazil, the United Kingdom, Canada and India. A cell proves
nothing, since random digits pass a checksum now and then; a column counts when, with 95 %
confidence, more than half of its distinct values pass. A column whose name says what it holds
(`phone`) counts when more pass than chance explains, and names such as `first_name`, `street`,
`dob` count with values that can be that. Of e-mail addresses and IBAN one is enough. Free text is
searched for the same; cards in it must outnumber Luhn's chance of 10 %. At most 20,000 rows are
read. No value is ever shown: only column, kind, and in how many rows. `allow` names columns that
may hold it.

## When it misleads
- Names and addresses of people in free text: not checked. That needs a model of the language.
- Phone numbers without a country and coordinates count only where the column's name says so:
  part numbers and measurements look the same.
- Hashed or shortened values pass, though they may still point at one person.

## What to do
Leave the column out of the rows that a model is trained and audited on, or replace it by a key that
is kept elsewhere. For free text use a tool for the purpose, such as Presidio, before training.

## If left out
Addresses or account numbers could lie in training data, and nobody would have looked.

## Sources
- ISO/IEC 7812-1 (Luhn), ISO 13616 and ISO/IEC 7064 (IBAN), and the published rule of each
  country's number.
- That one is too many is a policy choice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.errors import DataError
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.personal import MAX_ROWS, Found, Scan, scan
from pytest_aipm.evidence.wishes import Sample
from pytest_aipm.records import Because, Formula
from pytest_aipm.stats.single import census

NEEDS = Needs()
KIND = "census"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 0}
BASIS = "policy choice: one such column is too many"


class Params(CheckParams):
    """Which rows, and what may be there."""

    of: Literal["data", "train"] = "data"
    """Whether the evaluation rows or the training rows are looked at."""
    allow: tuple[str, ...] = ()
    """Columns that may hold personal data, and are not looked at."""


def needs(params: Params) -> Needs:
    """Return what it needs: training rows where it is asked about those."""
    return Needs(train=params.of == "train")


def wishes(evidence: Evidence, params: Params) -> Iterator[Sample]:
    """Yield the rows that it is going to draw."""
    source = evidence.train if params.of == "train" else evidence.data
    if source is not None:
        read = tuple(name for name in source.columns if name not in params.allow)
        yield Sample(source, read, MAX_ROWS)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    source = evidence.train if params.of == "train" else evidence.data
    if source is None:
        raise DataError(
            evidence.subject.problem(
                "train", "there are no training rows", "add `train: PATH` to the subject"
            )
        )
    source.require(list(params.allow))
    read = [name for name in source.columns if name not in params.allow]
    seen = scan(evidence.drawn(source, read, MAX_ROWS), source.rows)
    hit = list(dict.fromkeys(each.column for each in seen.found))
    what = "training rows" if params.of == "train" else "evaluation rows"
    measured = Measurement(
        estimate=census(len(hit), len(read)),
        formula=Formula(
            id="personal_columns",
            numerator="columns with validated personal data",
            denominator="",
            population=f"{seen.rows:,} {what}, {len(read):,} columns",
        ),
        summary=_summary(hit, len(read)),
        n=seen.rows,
        part_names=("all rows",),
        notes=_notes(seen, params),
    )
    if hit or not seen.unread:
        return measured
    said = (
        f"no personal data was found, but most of {_few(seen.unread)} was not read: it is too long"
    )
    return measured.with_(estimate=None, summary=said, not_judged=(Because.NO_EVIDENCE, said))


def _summary(hit: list[str], columns: int) -> str:
    if not hit:
        return f"no evidence of personal data in {columns:,} columns, by form and checksum"
    return f"{len(hit)} of {columns:,} columns hold personal data ({_few(tuple(hit))})"


def _notes(seen: Scan, params: Params) -> tuple[str, ...]:
    said = [_told(each) for each in seen.found[:50]]
    if len(seen.found) > 50:
        said.append(f"and {len(seen.found) - 50} more")
    texts = f" (free text: {_few(seen.texts)})" if seen.texts else ""
    said.append(f"names and addresses of people in free text: not checked{texts}")
    if seen.rows < seen.of:
        said.append(f"looked at {seen.rows:,} of {seen.of:,} rows, chosen by the seed")
    if seen.cut:
        said.append(f"not every character was read of {_few(seen.cut)}: their texts are too long")
    if params.allow:
        said.append(f"allowed by the policy, and not looked at: {_few(params.allow)}")
    return tuple(said)


def _told(found: Found) -> str:
    if not found.rows:
        return f"{_short(found.column)}: {found.kind}, {found.place}; its values are not validated"
    many = f"{found.rows:,} of {found.of:,} rows"
    return f"{_short(found.column)}: {found.kind} in {many}, {found.place}"


def _few(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(map(_short, names[:5])) + more


def _short(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:59]}…"
