"""Numbers and names as people read them.

A number is printed with as many digits as its interval deserves, and never with so few that it
would seem to lie on the other side of its limit: 0.7996 against a limit of 0.80 stays 0.7996.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from pytest_aipm.records import Finding, Limit, RunVerdict, Verdict
from pytest_aipm.report.plain import plain_line

__all__ = [
    "DASH",
    "MARKS",
    "MINUS",
    "RUN_WORDS",
    "TIMES",
    "VERDICT_WORDS",
    "WITHHELD",
    "Figures",
    "count",
    "day",
    "figures",
    "group_name",
    "limit_text",
    "listed",
    "natural",
    "percent",
    "plural",
    "point_text",
    "scope_name",
    "short",
    "signed",
]

VERDICT_WORDS = {
    Verdict.PASS: "Pass",
    Verdict.FAIL: "Fail",
    Verdict.WARN: "Warn",
    Verdict.INCONCLUSIVE: "Inconclusive",
    Verdict.WAIVED: "Waived",
    Verdict.NOT_JUDGED: "Not judged",
    Verdict.ERROR: "Error",
}
RUN_WORDS = {RunVerdict.FAIL: "FAIL", RunVerdict.UNPROVEN: "UNPROVEN", RunVerdict.PASS: "PASS"}
MARKS = {
    Verdict.PASS: "●",
    Verdict.FAIL: "■",
    Verdict.WARN: "▲",
    Verdict.INCONCLUSIVE: "◆",
    Verdict.WAIVED: "◐",
    Verdict.NOT_JUDGED: "○",
    Verdict.ERROR: "✕",
}
MOST_DIGITS = 6
NOISE = 1e-12
"""Less than this is left over when equal numbers are subtracted."""
DASH = "\N{EN DASH}"
"""Stands for a number that is not there."""
WITHHELD = "withheld"
"""The word every note on a withheld number begins with."""
MINUS = "\N{MINUS SIGN}"
TINY, HUGE = 1e-7, 1e15
"""Numbers of charts and their tables that are written out lie between these."""
TIMES = " \N{MULTIPLICATION SIGN} "


def _significant(size: float, wanted: int) -> int:
    """Return the decimals that show `wanted` significant digits of `size` > 0."""
    return wanted - 1 - math.floor(math.log10(size))


@lru_cache(maxsize=8192)
def _number(value: float, decimals: int, bounds: tuple[float, ...]) -> str:
    """Return a number as text: charts, tables and sentences print the same ones."""
    if abs(value) < NOISE:
        return "0"
    while decimals < MOST_DIGITS and not _tells(value, round(value, decimals), bounds):
        decimals += 1
    text = _fixed(value, decimals)
    if not text.strip("-0.,"):
        text = f"{value:.2g}"
    return f"{MINUS}{text[1:]}" if text.startswith("-") else text


def _tells(value: float, shown: float, bounds: tuple[float, ...]) -> bool:
    """Return whether the rounded number still is not zero and on its side of the limits."""
    if shown == 0:
        return False
    for bound in bounds:
        if math.isclose(value, bound, rel_tol=NOISE):
            continue  # no digits tell the two apart
        if (shown > bound) != (value > bound) or (shown < bound) != (value < bound):
            return False
    return True


def _fixed(value: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text


@dataclass(frozen=True)
class Figures:
    """How the numbers of one finding are printed: one number of decimals for all of them.

    Attributes
    ----------
    decimals : int
        Decimals of every value and interval end.
    unit : str
        Unit that follows a number in a sentence; may be empty.
    bounds : tuple of float
        Limits that no rounding may cross.
    """

    decimals: int = 2
    unit: str = ""
    bounds: tuple[float, ...] = ()

    def __call__(self, value: float | None, *, signed: bool = False) -> str:
        """Return `value` as text, or a dash when there is none."""
        if value is None:
            return DASH
        text = _number(value, self.decimals, self.bounds)
        return f"+{text}" if signed and value > 0 and text != "0" else text

    def interval(self, ends: tuple[float | None, float | None] | None) -> str:
        """Return ``0.60 to 0.73``, or a dash."""
        if ends is None or ends == (None, None):
            return DASH
        low, high = ends
        if low is None:
            return f"up to {self(high)}"
        if high is None:
            return f"from {self(low)}"
        return f"{self(low)} to {self(high)}"


def _exact(value: float) -> str:
    """Return a limit as it was written: all its digits, at least two after a point."""
    text = f"{value:,.10f}".rstrip("0").rstrip(".")
    whole, point, fraction = text.partition(".")
    if point:
        return f"{whole}.{fraction:0<2}"
    return whole


def limit_text(limit: Limit | None, *, words: bool = False) -> str:
    """Return ``≥ 0.80`` or, in words, ``at least 0.80``; a dash when there is no limit."""
    if limit is None or (limit.min is None and limit.max is None):
        return DASH
    if limit.min is not None and limit.max is not None:
        joint = f"{_exact(limit.min)} to {_exact(limit.max)}"
        return f"between {joint.replace(' to ', ' and ')}" if words else joint
    if limit.min is not None:
        return f"at least {_exact(limit.min)}" if words else f"≥ {_exact(limit.min)}"
    assert limit.max is not None  # noqa: S101 - the two cases above leave only this one
    return f"at most {_exact(limit.max)}" if words else f"≤ {_exact(limit.max)}"


def _ends(limit: Limit | None) -> list[float]:
    return [] if limit is None else [x for x in (limit.min, limit.max) if x is not None]


def figures(finding: Finding) -> Figures:
    """Return how the numbers of `finding` are printed.

    Two significant digits of the interval's width decide, one more where the value would keep
    only one; without an interval, three of the value. Numbers below 10 show at least two decimals.
    """
    width = _width(finding)
    value = finding.value
    if width:
        decimals = _significant(width, 2)
        if value and abs(value) < 100:
            decimals = max(decimals, min(_significant(abs(value), 2), decimals + 1))
    elif value:
        decimals = (
            0 if float(value).is_integer() and abs(value) > 1 else _significant(abs(value), 3)
        )
    else:
        decimals = 2
    small = max((abs(x) for x in (value, *(finding.interval or ())) if x is not None), default=0.0)
    whole = value is not None and float(value).is_integer() and not width and value != 0
    least = 0 if small >= 10 or whole else 2
    decimals = min(max(decimals, least), MOST_DIGITS)
    unit = "AUC" if finding.unit == "auc" else finding.unit
    return Figures(decimals, unit, tuple(_ends(finding.limit)))


def _width(finding: Finding) -> float:
    low, high = finding.interval or (None, None)
    return 0.0 if low is None or high is None else high - low


def count(value: float | None) -> str:
    """Return a count with thousands separated: ``3,757``."""
    if value is None:
        return DASH
    return _fixed(value, 0) if float(value).is_integer() else f"{value:,.2f}".rstrip("0")


def point_text(value: float) -> str:
    """Return a coordinate with three significant digits: a curve is read, not computed with."""
    return signed(f"{value:,.0f}" if 100 <= abs(value) < HUGE else short(value, 3))


def short(value: float, digits: int) -> str:
    """Return so many significant digits without needless zeros, written out: ``30,000,000``.

    Powers of ten are for what has more than a line's digits before or after the point alone.
    """
    text = f"{value:,.{digits}g}"
    if "e" not in text or not TINY <= abs(value) < HUGE:
        return text
    if abs(value) >= 1:
        return f"{float(text.replace(',', '')):,.0f}"
    return f"{value:.{_significant(abs(value), digits)}f}".rstrip("0")


def signed(text: str) -> str:
    """Return a number with the sign that is as wide as a plus."""
    return text.replace("-", MINUS)


def plural(number: int, one: str, many: str = "") -> str:
    """Return ``1 check`` or ``3 checks``."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def percent(share: float) -> str:
    """Return ``41 %``; small or nearly full shares keep a decimal so that they are not 0 or 100."""
    hundred = 100 * share
    decimals = 0
    while decimals < 3 and round(hundred, decimals) in (0, 100) and hundred not in (0, 100):
        decimals += 1
    return f"{hundred:.{decimals}f} %"


def natural(shares: Iterable[float]) -> list[str] | None:
    """Return natural frequencies on one base, ``["47 of 100", "71 of 100"]``.

    The base grows from 100 to 10,000 until different shares read differently and nothing is
    rounded to none or all. None when a value is no share of people.

    Source: Gigerenzer and Hoffrage (1995), Psychological Review 102: natural frequencies are
    understood where percentages are not.
    """
    values = list(shares)
    if not values or any(not 0 <= x <= 1 for x in values):
        return None
    for base in (100, 1000, 10000):
        shown = [round(x * base) for x in values]
        kept = all((n in (0, base)) == (x in (0, 1)) for n, x in zip(shown, values, strict=True))
        if kept and len(set(shown)) == len(set(values)):
            break
    return [f"{n:,} of {base:,}" for n in shown]


def group_name(group: Mapping[str, str], order: Sequence[str] = ()) -> str:
    """Return the group's values joined by a dot; values without letters carry their attribute.

    `order` is the order of the attributes: a record read back from JSON has lost its own.
    """
    attributes = order if len(order) == len(group) and set(order) == set(group) else group
    parts = []
    for attribute in attributes:
        value = plain_line(group[attribute])
        named = not value.isascii() or any(c.isalpha() or c in "(<>" for c in value)
        parts.append(value if named else f"{plain_line(attribute)} {value or '(empty)'}")
    return " · ".join(parts) or "all rows"


def scope_name(scope: tuple[str, ...]) -> str:
    """Return ``by sex`` with all attributes that are crossed, or ``overall``."""
    return f"by {TIMES.join(scope)}" if scope else "overall"


def listed(words: Iterable[str]) -> str:
    """Join words as in a sentence: ``a, b and c``."""
    items = list(words)
    return (
        items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
    )


def day(text: str, *, clock: bool = False) -> str:
    """Return an ISO date or time as ``23 Nov 2026``; other text is returned as it is."""
    try:
        if len(text) == 10:
            return _day(date.fromisoformat(text))
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if not clock:
        return _day(moment.date())
    zone = " UTC" if moment.utcoffset() is not None and not moment.utcoffset() else ""
    return f"{_day(moment.date())}, {moment:%H:%M}{zone}"


def _day(value: date) -> str:
    # Not strftime("%b"): month names must not follow the machine's locale.
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return f"{value.day} {months[value.month - 1]} {value.year}"
