"""The columns of a table as a file of expected columns, for `data.schema` to hold rows against.

Rules are wider than what was seen, so that honest new rows keep them: numbers may reach twice as
far, rounded up, and values are listed only where each occurs often. No rule quotes a rare value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from pytest_aipm.starting.proposal import Proposal
from pytest_aipm.starting.shown import comment, scalar
from pytest_aipm.starting.table import Column

__all__ = ["expected_text", "schema_name"]

MOST = 12
"""Values of a column that are listed."""
OFTEN = 5
"""Rows that each of them must have."""
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?")


def schema_name(proposal: Proposal) -> str:
    """Return the file that is written beside the policy."""
    return f"policies/{proposal.name}.schema.yaml"


def expected_text(proposal: Proposal) -> str:
    """Return the file: one line a column, each rule with what it was read off."""
    return "\n".join(_lines(proposal)) + "\n"


def _lines(proposal: Proposal) -> Iterator[str]:
    table = proposal.table
    yield comment(
        "What the columns must hold, for the check data.schema. `aipm init` read this off "
        f"{table.ref} ({table.rows:,} rows). It says how these rows are, not how they should be: "
        "CHECK each rule, and change it in the pull request that changes the rows."
    )
    yield comment(
        "Numbers may reach twice as far as was seen, rounded up. Other rules that a column can "
        "have: values, pattern, unique, format (of dates), required. See aipm explain data.schema"
    )
    yield "columns:"
    codes = frozenset(proposal.missing if proposal.source != "model" else ())
    for column in table.columns:
        rules, why = _rules(column, codes, whole=table.seen == table.rows, proposal=proposal)
        text = ", ".join(f"{key}: {value}" for key, value in rules)
        yield f"  {scalar(column.name)}: {{{text}}}" + (f" # {why}" if why else "")
    yield "extra: allow # refuse: a column that is not listed above fails, too"


def _rules(
    column: Column, codes: frozenset[str], *, whole: bool, proposal: Proposal
) -> tuple[list[tuple[str, str]], str]:
    """Return the rules of one column, and a word on them."""
    rules, why = _typed(column, codes)
    coded = any(value in codes for value, _ in column.counts if isinstance(value, str))
    if whole and not column.missing and not coded and column.kind != "empty":
        rules.append(("nullable", "false"))
    if column.name == proposal.id and whole and column.unique:
        rules.append(("unique", "true"))
    return rules, why


def _typed(column: Column, codes: frozenset[str]) -> tuple[list[tuple[str, str]], str]:
    if column.kind == "number":
        return _number(column), ""
    if column.kind == "date":
        return _date(column)
    if column.kind == "text":
        return _text(column, codes)
    return ([], "no value was seen") if column.kind == "empty" else ([("type", "bool")], "")


def _number(column: Column) -> list[tuple[str, str]]:
    kind = ("type", "int" if column.whole else "number")
    if column.whole and column.distinct == len(column.classes) == 2:
        return [kind, ("values", f"[{', '.join(map(scalar, column.classes))}]")]
    return [kind, ("min", _bound(column.low, low=True)), ("max", _bound(column.high, low=False))]


def _date(column: Column) -> tuple[list[tuple[str, str]], str]:
    texts = [each for each in column.values.dropna() if isinstance(each, str)]
    if all(_ISO.fullmatch(each.strip()) for each in texts):
        return [("type", "date")], ""
    return [("type", "text")], "dates; with `type: date, format: '%d.%m.%Y'` they are read"


def _text(column: Column, codes: frozenset[str]) -> tuple[list[tuple[str, str]], str]:
    if not all(isinstance(value, str) for value, _ in column.counts):
        return [], "values of several kinds"
    listed = {value: n for value, n in column.counts if value not in codes}
    if column.distinct <= MOST and listed and min(listed.values()) >= OFTEN:
        values = ", ".join(map(scalar, sorted(listed)))
        return [("type", "category"), ("values", f"[{values}]")], ""
    return [("type", "text")], ""


def _bound(value: float, *, low: bool) -> str:
    """Return twice as far from zero, rounded up to 1, 2 or 5 with zeros; 0 where that is within."""
    if not math.isfinite(value):
        return "-1.0e+300" if low else "1.0e+300"
    if (value >= 0) == low or value == 0:
        return "0"
    far = 2 * abs(value)
    tens = 10.0 ** math.floor(math.log10(far))
    step = next(each for each in (1, 2, 5, 10) if far <= each * tens * (1 + 1e-12))
    return scalar(_plain(math.copysign(step * tens, value)))


def _plain(value: float) -> int | float:
    rounded = float(f"{value:.6g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded
