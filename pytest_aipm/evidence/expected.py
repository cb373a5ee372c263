"""What rows are expected to be like, as a policy says it or a file beside it."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from pytest_aipm.errors import DataError, Problem

__all__ = ["ColumnRule", "ExpectedRows", "ExpectedType", "RowCount", "read_expected"]

ExpectedType = Literal["int", "number", "text", "bool", "date", "category"]
_CLOSED = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ColumnRule(BaseModel):
    """What one column must hold."""

    model_config = _CLOSED

    type: ExpectedType | None = None
    """``int`` (whole numbers), ``number``, ``text``, ``bool``, ``date``, or ``category`` (few
    values, which ``values`` may name)."""
    min: float | str | None = None
    """Smallest number, or first day as YYYY-MM-DD."""
    max: float | str | None = None
    """Largest number, or last day."""
    values: tuple[bool | int | float | str, ...] | None = None
    """The only values there may be."""
    pattern: str | None = None
    """A regular expression that the whole text must match."""
    format: str | None = None
    """How dates are written, as ``%d.%m.%Y``; default YYYY-MM-DD, with or without a time."""
    nullable: bool = True
    """Whether a value may be missing."""
    unique: bool = False
    """Whether no value may occur twice."""
    required: bool = True
    """Whether the column must be there."""

    @model_validator(mode="after")
    def _makes_sense(self) -> ColumnRule:
        if self.values is not None and not self.values:
            raise ValueError("`values` is empty: name those that are allowed")
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"`pattern` is no regular expression ({error})") from None
        ends = [each for each in (self.min, self.max) if each is not None]
        if self.type in ("text", "bool", "category") and ends:
            raise ValueError(f"`min` and `max` bound numbers and dates, not {self.type}")
        days = self.type == "date" or any(isinstance(each, str) for each in ends)
        if days:
            for each in ends:
                _day(each)
            if self.type not in (None, "date"):
                raise ValueError(f"`min` and `max` of {self.type} must be numbers")
        if self.format is not None and self.type != "date":
            raise ValueError("`format` says how dates are written: add `type: date`")
        if len(ends) == 2 and (_day(ends[0]) if days else ends[0]) > (  # type: ignore[operator]
            _day(ends[1]) if days else ends[1]
        ):
            raise ValueError("`min` is above `max`: swap or correct them")
        return self


def _day(text: float | str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(str(text)).replace(tzinfo=None)
    except ValueError:
        raise ValueError(f"`{text}` is no date: write it as 2026-01-31") from None


class RowCount(BaseModel):
    """How many rows there must be."""

    model_config = _CLOSED

    min: int | None = Field(default=None, ge=0)
    """Fewest rows."""
    max: int | None = Field(default=None, ge=0)
    """Most rows."""


class ExpectedRows(BaseModel):
    """What a table is expected to be like."""

    model_config = _CLOSED

    columns: dict[str, ColumnRule] = Field(default_factory=dict)
    """What each column must hold: ``{income: {type: number, min: 0}}``."""
    keys: tuple[tuple[str, ...], ...] = ()
    """Columns whose values together must not occur twice: ``[[person, day]]``."""
    extra: Literal["allow", "refuse"] | None = None
    """Whether columns that are not named may be there; default ``allow``."""
    rows: RowCount = RowCount()
    """How many rows there must be: ``{min: 1000}``."""

    def over(self, base: ExpectedRows) -> ExpectedRows:
        """Return both; where both speak, this one holds."""
        rows = {**base.rows.model_dump(), **self.rows.model_dump(exclude_none=True)}
        return ExpectedRows(
            columns={**base.columns, **self.columns},
            keys=tuple(dict.fromkeys((*base.keys, *self.keys))),
            extra=self.extra or base.extra,
            rows=RowCount(**rows),
        )


def read_expected(path: Path, ref: str) -> ExpectedRows:
    """Return what a file of expected columns says.

    Raises
    ------
    DataError
        When it is not there, no YAML, or says what it cannot say; with the line where one is known.
    """
    if not path.is_file():
        fix = "correct `pinned`, or let `aipm init` write it"
        raise DataError(Problem("there is no such file of expected columns", fix, ref))
    try:
        tree = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8-sig"))
    except MarkedYAMLError as error:
        line = None if error.problem_mark is None else error.problem_mark.line + 1
        what = f"is no YAML ({str(error.problem or 'it cannot be read')[:120]})"
        raise DataError(Problem(what, "correct it", ref, line)) from None
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        what = f"cannot be read ({type(error).__name__})"
        raise DataError(Problem(what, "write it as UTF-8 text", ref)) from None
    if not isinstance(tree, dict):
        raise DataError(Problem("holds no mapping", "write `columns: {NAME: {type: ...}}`", ref))
    try:
        # JSON's own types, strictly, as in a policy; a day that YAML reads is its text again
        return ExpectedRows.model_validate_json(json.dumps(tree, default=str), strict=True)
    except ValidationError as error:
        told = [
            Problem(
                f"{'.'.join(map(str, each['loc'])) or 'the file'}: "
                f"{each['msg'].removeprefix('Value error, ')}",
                "correct it",
                ref,
            )
            for each in error.errors()
        ]
        raise DataError(told) from None
