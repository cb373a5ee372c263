"""Share of rows that are there more than once, or that contradict an equal one.

## Question
Does somebody count twice, or do equal people have unequal answers?

## How it is measured
By what the limit speaks of. `max`: rows that equal an earlier row in every one of the `columns`
(default all but the `id`), over all rows. `max_keys`: rows whose `key` (default the `id`) an
earlier row has, over the rows with a key. `max_conflicts`: rows whose features equal those of
another row with another label, over the rows with a label. Rows are compared by a 64-bit hash of
their values; whole numbers and floats of equal value agree, and missing values equal each other,
but a missing key is nobody's. It is a count over the given rows, so the number itself decides.

## When it misleads
- With few and coarse columns distinct people share all values: equal rows are no copies then.
- Near copies (a typing error, another case) are not found; `privacy.train_test_overlap` finds some.
- Conflicting labels are an error of the labels, or show that the features leave something out.

## What to do
Find out at the source why rows repeat: a join that multiplies, a file that was loaded twice, events
taken for people. Keep one of each, and name a `cluster` where people have several rows by right.
Have conflicting labels looked at by somebody who knows.

## If left out
Copied rows would make every interval too narrow, and might lie in training and evaluation alike.

## Sources
- Barz, Denzler, "Do we train on test data? Purging CIFAR of near-duplicates", 2020, on what copies
  do to evaluation; the limit of 1 % is a convention.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import model_validator

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.data._told import in_rows, listed, rows_word, share
from pytest_aipm.errors import DataError
from pytest_aipm.evidence.columns import rows_of
from pytest_aipm.evidence.copies import Copies, copies_in, hashes_of
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.wishes import Wish
from pytest_aipm.records import Because, Formula
from pytest_aipm.sources.data import DataSource
from pytest_aipm.stats.single import census

NEEDS = Needs()
KIND = "census"
SCOPES = "overall"
UNITS = ("", "keys", "conflicts")
RANGE = (0.0, 1.0)
WEIGHTED = True
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 0.01}
BASIS = "convention of the field, not law"


class Params(CheckParams):
    """Which rows are compared, and in which columns."""

    columns: tuple[str, ...] = ()
    """Columns in which copies are equal; default all but the `id` (of conflicts: the features)."""
    key: tuple[str, ...] = ()
    """Columns that together name a row; default the `id` of the subject."""
    of: Literal["data", "train"] = "data"
    """Whether the evaluation rows or the training rows are looked at."""

    @model_validator(mode="after")
    def _asked(self) -> Params:
        if self.key and self.unit != "keys":
            raise ValueError("`key` is for a limit on keys: write `limit: {max_keys: 0}`")
        return self


def needs(params: Params) -> Needs:
    """Return what it needs: a label for conflicts, training rows where it is asked about those."""
    return Needs(train=params.of == "train", answer=params.unit == "conflicts")


def wishes(evidence: Evidence, params: Params) -> Iterator[Wish[Any]]:
    """Yield what it is going to ask of all rows."""
    source = rows_of(evidence, params.of)
    columns = _columns(evidence, source, params)
    yield hashes_of(source, columns, **_asked(evidence, params))


def _asked(evidence: Evidence, params: Params) -> dict[str, Any]:
    answer = evidence.subject.label if params.unit == "conflicts" else None
    return {"answer": answer, "key": params.unit == "keys"}


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    source = rows_of(evidence, params.of)
    columns = _columns(evidence, source, params)
    found = copies_in(evidence, source, columns, **_asked(evidence, params))
    counted = found.conflicting if params.unit == "conflicts" else found.again
    numerator = {
        "": "rows that equal an earlier one",
        "keys": "rows whose key an earlier row has",
        "conflicts": "rows whose features equal those of a row with another label",
    }[params.unit]
    denominator = {"": "rows", "keys": "rows with a key", "conflicts": "rows with a label"}
    measured = Measurement(
        estimate=census(counted / max(found.rows, 1), found.rows),
        formula=Formula(
            id=f"duplicates_{params.unit or 'rows'}",
            numerator=numerator,
            denominator=denominator[params.unit],
            population=f"{found.rows:,} {rows_word(params.of)}, {len(columns):,} columns",
            reference=f"equal in {listed(columns)}",
        ),
        summary=_summary(found, counted, params.unit, columns),
        n=found.rows,
        part_names=("all rows",),
        notes=_notes(evidence, found, params),
    )
    if found.rows:
        return measured
    why = f"no row has a value in {listed(columns)}" if params.unit == "keys" else "no row is left"
    return measured.with_(
        estimate=None, n=source.rows, summary=why, not_judged=(Because.NO_EVIDENCE, why)
    )


def _columns(evidence: Evidence, source: DataSource, params: Params) -> list[str]:
    """Return the columns that are compared.

    Raises
    ------
    DataError
        When none is left, or there is no key.
    """
    subject = evidence.subject
    if params.unit == "keys":
        key = list(params.key or filter(None, [subject.id]))
        if key:
            return key
        what, fix = "there is no key", "name `id: COLUMN` in the subject, or `key: [COLUMN]` here"
        raise DataError(subject.problem("id", what, fix))
    named = list(params.columns)
    if params.unit == "conflicts":
        named = named or [name for name in evidence.feature_columns() if name in source.columns]
        named = [name for name in named if name != subject.label]
    columns = named or [name for name in source.columns if name != subject.id]
    if columns:
        return columns
    what, fix = "there is no column to compare", "name some with `columns: [...]`"
    raise DataError(subject.problem("features", what, fix))


def _summary(found: Copies, counted: int, unit: str, columns: list[str]) -> str:
    part = share(counted / max(found.rows, 1))
    if unit == "keys":
        if not counted:
            return f"no key ({listed(columns)}) occurs twice in {found.rows:,} rows"
        return f"{part} of the rows have a key ({listed(columns)}) that an earlier row has"
    if unit == "conflicts":
        if not counted:
            return f"no two of {found.rows:,} rows have equal features and unequal labels"
        return f"{part} of the rows have the same features as a row with another label"
    if not counted:
        return f"no row equals another in {len(columns):,} columns of {found.rows:,} rows"
    return f"{part} of the rows are copies of an earlier one, equal in {len(columns):,} columns"


def _notes(evidence: Evidence, found: Copies, params: Params) -> tuple[str, ...]:
    said = []
    if found.again and params.unit != "conflicts":
        said.append(f"{in_rows(found.again)} repeat one of {found.apart:,} that differ")
    if found.again and params.unit != "conflicts" and found.most >= 5:
        said.append(f"the most frequent one is there {found.most:,} times")
    if found.missing:
        what = "a key" if params.unit == "keys" else "a label"
        said.append(f"{in_rows(found.missing)} without {what} are left out")
    if evidence.subject.designed:
        said.append("a count of rows: weights, and whose rows they are, do not enter")
    return tuple(said)
