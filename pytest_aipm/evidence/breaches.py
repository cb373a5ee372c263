"""Where rows are not what is expected: which columns, in how many rows, and the first of them.

One pass over the named columns. No value leaves this module.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pytest_aipm.engine.local import Local
from pytest_aipm.evidence.columns import as_texts, date_form, kinds_in
from pytest_aipm.evidence.expected import ColumnRule, ExpectedRows
from pytest_aipm.evidence.passes import located
from pytest_aipm.evidence.sample import hash_rows
from pytest_aipm.evidence.wishes import Shared, Wish
from pytest_aipm.sources.data import DataSource

__all__ = ["Breach", "Seen", "breaches_of", "look_for"]

Mask = NDArray[np.bool_]
MIXED = "mixed"


@dataclass(frozen=True)
class Breach:
    """One rule that rows break.

    Attributes
    ----------
    column : str
        Empty for the whole table.
    what : str
        What is wrong, as "values are below 0".
    rows : int
        Rows that break it; 0 for what is wrong with the table.
    first : int or None
        Number of the first, from 1.
    """

    column: str
    what: str
    rows: int = 0
    first: int | None = None


@dataclass
class _Watch:
    """One rule of a column, and what was seen of it so far."""

    what: str
    test: Callable[[pd.Series[Any], Mask], Mask]
    """(column, missing) to where the rule is broken."""
    dates: bool = False
    """Whether the forms of dates are told with it."""
    rows: int = 0
    first: int | None = None

    def look(self, column: pd.Series[Any], missing: Mask) -> None:
        broken = self.test(column, missing)
        seen = int(np.count_nonzero(broken))
        if seen and self.first is None:
            self.first = int(column.index[int(np.argmax(broken))]) + 1
        self.rows += seen


@dataclass
class _Forms:
    """How the dates of a column are written."""

    seen: set[str] = field(default_factory=set)


def breaches_of(
    source: DataSource, expected: ExpectedRows, shared: Shared | None = None
) -> tuple[Breach, ...]:
    """Return every rule that the rows break, in the order of the rules.

    Parameters
    ----------
    source : DataSource
    expected : ExpectedRows
    shared : Shared, optional
        What makes the pass over the rows; one of its own, unless said otherwise.

    Raises
    ------
    DataError
        When the rows cannot be read.
    """
    with located(source.ref):
        return tuple(_breaches(source, expected, shared or Shared(Local())))


def look_for(source: DataSource, expected: ExpectedRows) -> Wish[Seen]:
    """Return the wish to see where rows break rules."""
    here = {name: rule for name, rule in expected.columns.items() if name in source.columns}
    keys = [
        key
        for key in (*((name,) for name, rule in here.items() if rule.unique), *expected.keys)
        if all(name in source.columns for name in key)
    ]
    look = _Look(here, tuple(dict.fromkeys(keys)))
    watched = look.watches()
    columns = [
        *(name for name in here if watched[name][0]),
        *(name for key in keys for name in key),
    ]
    key = ("breaches", expected.model_dump_json())
    return Wish(key, source, tuple(dict.fromkeys(columns)), look, Seen(), numbered=True)


def _breaches(source: DataSource, expected: ExpectedRows, shared: Shared) -> Iterator[Breach]:
    wish = look_for(source, expected)
    seen, look = shared.answer(wish), wish.partial
    assert isinstance(look, _Look)  # noqa: S101 - made above
    yield from _of_columns(source, expected)
    yield from _of_number(source.rows, expected)
    for name, (watches, _) in look.watches().items():
        for place, watch in enumerate(watches):
            rows, first = seen.broken.get((name, place), (0, None))
            if rows:
                more = _in_ways(seen.forms.get(name, frozenset())) if watch.dates else ""
                yield Breach(name, watch.what + more, rows, first)
    for key in look.keys:
        yield from _repeated(key, np.concatenate(seen.hashes[key]))


@dataclass(frozen=True)
class Seen:
    """What was seen of some rows: broken rules by column and place, forms of dates, hashes."""

    broken: dict[tuple[str, int], tuple[int, int | None]] = field(default_factory=dict)
    forms: dict[str, frozenset[str]] = field(default_factory=dict)
    hashes: dict[tuple[str, ...], tuple[np.ndarray, ...]] = field(default_factory=dict)

    def merge(self, other: Seen) -> Seen:
        """Return what was seen of both."""
        broken, forms, hashes = dict(self.broken), dict(self.forms), dict(self.hashes)
        for place, (rows, first) in other.broken.items():
            before, earlier = broken.get(place, (0, None))
            broken[place] = (before + rows, first if earlier is None else earlier)
        for name, seen in other.forms.items():
            forms[name] = forms.get(name, frozenset()) | seen
        for key, parts in other.hashes.items():
            hashes[key] = (*hashes.get(key, ()), *parts)
        return Seen(broken, forms, hashes)


@dataclass(frozen=True)
class _Look:
    """Looks at one batch."""

    rules: dict[str, ColumnRule]
    keys: tuple[tuple[str, ...], ...]

    def watches(self) -> dict[str, tuple[list[_Watch], _Forms]]:
        """Return new watches of every column, and what they hear of the forms of its dates."""
        made = {}
        for name, rule in self.rules.items():
            forms = _Forms()
            made[name] = list(_watches(rule, forms)), forms
        return made

    def __call__(self, batch: pd.DataFrame) -> Seen:
        watched = {name: each for name, each in self.watches().items() if each[0]}
        for name, (watches, _) in watched.items():
            missing = batch[name].isna().to_numpy()
            for watch in watches:
                watch.look(batch[name], missing)
        broken = {
            (name, place): (watch.rows, watch.first)
            for name, (watches, _) in watched.items()
            for place, watch in enumerate(watches)
            if watch.rows
        }
        forms = {name: frozenset(forms.seen) for name, (_, forms) in watched.items() if forms.seen}
        return Seen(broken, forms, {key: (_keyed(batch, key),) for key in self.keys})


def _keyed(batch: pd.DataFrame, key: tuple[str, ...]) -> np.ndarray:
    """Return a hash of each key; what is missing is nobody's."""
    hashed = hash_rows(batch, list(key))
    return hashed[batch[list(key)].notna().any(axis=1).to_numpy()]


def _in_ways(forms: frozenset[str]) -> str:
    if len(forms) < 2:
        return f" (they are written as {min(forms)})" if forms else ""
    return f" (dates are written in {len(forms)} ways: {', '.join(sorted(forms))})"


def _of_columns(source: DataSource, expected: ExpectedRows) -> Iterator[Breach]:
    keyed = dict.fromkeys(name for key in expected.keys for name in key)
    for name, rule in expected.columns.items():
        if rule.required and name not in source.columns:
            yield Breach(name, "the column is not there")
    for name in keyed:
        if name not in source.columns and name not in expected.columns:
            yield Breach(name, "the column of a key is not there")
    for name in source.columns if expected.extra == "refuse" else ():
        if name not in expected.columns and name not in keyed:
            yield Breach(name, "the column is not expected")


def _of_number(rows: int, expected: ExpectedRows) -> Iterator[Breach]:
    least, most = expected.rows.min, expected.rows.max
    if least is not None and rows < least:
        yield Breach("", f"there are {rows:,} rows, fewer than {least:,}")
    if most is not None and rows > most:
        yield Breach("", f"there are {rows:,} rows, more than {most:,}")


def _repeated(key: tuple[str, ...], hashes: np.ndarray) -> Iterator[Breach]:
    _, place, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    again = counts[place] > 1
    if again.any():
        name = key[0] if len(key) == 1 else " + ".join(key)
        yield Breach(name, "values occur more than once", int(again.sum()))


def _watches(rule: ColumnRule, forms: _Forms) -> Iterator[_Watch]:
    if not rule.nullable:
        yield _Watch("values are missing", lambda _, missing: missing)
    if rule.type is not None:
        yield _TYPES[rule.type](rule, forms)
    days = rule.type == "date" or isinstance(rule.min, str) or isinstance(rule.max, str)
    ends = ((rule.min, "below", "before"), (rule.max, "above", "after"))
    for end, word, when in ends:
        if end is not None and days:
            yield _Watch(f"dates are {when} {end}", _outside_days(str(end), when, rule.format))
        elif end is not None:
            yield _Watch(f"values are {word} {float(end):g}", _outside(float(end), word))
    if rule.values is not None:
        yield _Watch("values are none of those allowed", _among(rule.values))
    if rule.pattern is not None:
        yield _Watch("texts do not match the pattern", _matching(rule.pattern))


# types


def _typed(kinds: set[str], what: str) -> Callable[[ColumnRule, _Forms], _Watch]:
    """Return a watch for values of other kinds; texts that read as numbers are texts."""

    def test(column: pd.Series[Any], missing: Mask) -> Mask:
        plain = _kind_of(column)
        wrong = np.full(len(column), plain not in kinds)
        if plain == "number" and "integer" in kinds and "number" not in kinds:
            numbers = column.to_numpy(dtype=float, na_value=np.nan)
            wrong = ~(np.isfinite(numbers) & (numbers == np.floor(numbers)))
        elif plain == MIXED:
            wrong = np.array([each not in kinds for each in kinds_in(column)])
        broken: Mask = ~missing & wrong
        return broken

    def made(rule: ColumnRule, forms: _Forms) -> _Watch:
        del rule, forms
        return _Watch(f"values are no {what}", test)

    return made


def _kind_of(column: pd.Series[Any]) -> str:
    """Return the one kind of a column's values, ``mixed`` where only each value tells."""
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return _kind_of(pd.Series(kind.categories))
    plain = {"b": "boolean", "i": "integer", "u": "integer", "f": "number", "M": "date"}
    if kind.kind in plain:
        return plain[kind.kind]
    text = kind.kind != "O" or isinstance(kind, pd.StringDtype)
    return "text" if text or pd.api.types.infer_dtype(column, skipna=True) == "string" else MIXED


def _dated(rule: ColumnRule, forms: _Forms) -> _Watch:
    def test(column: pd.Series[Any], missing: Mask) -> Mask:
        days = _days(column, rule.format)
        broken: Mask = ~missing & np.isnat(days)
        if broken.any():
            texts = column[~missing].astype(str).unique()[:2000]
            forms.seen |= {form for text in texts if (form := date_form(text))}
        return broken

    how = f" as {rule.format}" if rule.format else " as YYYY-MM-DD"
    return _Watch(f"values are no dates{how}", test, dates=True)


def _days(column: pd.Series[Any], form: str | None) -> np.ndarray:
    """Return days, NaT where a value is none in this form."""
    if _kind_of(column) == "date":
        day = column.dt.tz_localize(None) if getattr(column.dt, "tz", None) else column
        return day.to_numpy().astype("datetime64[us]")
    codes, values = pd.factorize(column.astype(object))
    days = np.array([_day(value, form) for value in values] + ["NaT"], dtype="datetime64[us]")
    return days[codes]


_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?")


def _day(value: Any, form: str | None) -> Any:
    read: dt.datetime | None = None
    try:
        if hasattr(value, "year"):
            read = pd.Timestamp(value).to_pydatetime(warn=False)
        elif isinstance(value, str) and len(value) <= 60 and form is not None:
            read = dt.datetime.strptime(value.strip(), form)  # noqa: DTZ007 - days, without a zone
        elif isinstance(value, str) and _ISO.fullmatch(value.strip()):
            read = pd.Timestamp(value.strip()).to_pydatetime(warn=False)
    except (ValueError, OverflowError):
        read = None
    return np.datetime64("NaT") if read is None else np.datetime64(read.replace(tzinfo=None), "us")


_TYPES: dict[str, Callable[[ColumnRule, _Forms], _Watch]] = {
    "int": _typed({"integer"}, "whole numbers"),
    "number": _typed({"integer", "number"}, "numbers"),
    "text": _typed({"text"}, "texts"),
    "bool": _typed({"boolean"}, "true or false"),
    "category": _typed({"text", "boolean", "integer"}, "categories"),
    "date": _dated,
}


# ranges, values, patterns


def _numbers(column: pd.Series[Any], missing: Mask) -> np.ndarray:
    """Return numbers, NaN where a value is missing or none; a wrong type is told elsewhere."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=float, na_value=np.nan)
    del missing
    if _kind_of(column) in ("text", "date"):
        return np.full(len(column), np.nan)
    return pd.to_numeric(column.astype(object), errors="coerce").to_numpy(dtype=float)


def _outside(end: float, word: str) -> Callable[[pd.Series[Any], Mask], Mask]:
    def test(column: pd.Series[Any], missing: Mask) -> Mask:
        numbers = _numbers(column, missing)
        return numbers < end if word == "below" else numbers > end

    return test


def _outside_days(end: str, word: str, form: str | None) -> Callable[[pd.Series[Any], Mask], Mask]:
    border = np.datetime64(dt.datetime.fromisoformat(end).replace(tzinfo=None), "us")
    whole_day = len(end) <= len("2026-01-31")
    if word == "after" and whole_day:  # the last day itself is inside, whatever the hour
        border += np.timedelta64(1, "D") - np.timedelta64(1, "us")

    def test(column: pd.Series[Any], missing: Mask) -> Mask:
        del missing
        days = _days(column, form)
        return days < border if word == "before" else days > border

    return test


def _among(values: tuple[Any, ...]) -> Callable[[pd.Series[Any], Mask], Mask]:
    known = {(isinstance(each, bool), each) for each in values}

    def allowed(value: Any) -> bool:
        value = value.item() if isinstance(value, np.generic) else value
        return (isinstance(value, bool), value) in known

    return lambda column, missing: ~missing & ~_each(column, allowed)


def _matching(pattern: str) -> Callable[[pd.Series[Any], Mask], Mask]:
    whole = re.compile(pattern)

    def matches(value: Any) -> bool:
        return whole.fullmatch(value if isinstance(value, str) else _written(value)) is not None

    return lambda column, missing: ~missing & ~_each(column, matches)


def _written(value: Any) -> str:
    number = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value)) if number else str(value)


def _each(column: pd.Series[Any], test: Callable[[Any], bool]) -> Mask:
    """Return where values pass a test, asked once for each that differs."""
    kind = _kind_of(column)
    if kind == MIXED:
        return np.array([test(each) for each in column], dtype=bool)
    if kind == "text":
        made = as_texts(column).dictionary_encode()
        values = made.dictionary.to_pylist()
        codes = made.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
    else:
        codes, found = pd.factorize(column)
        values = list(found)
        codes = np.where(codes < 0, len(values), codes)
    passed = np.array([*map(test, values), False], dtype=bool)[codes]
    return np.asarray(passed, dtype=bool)
