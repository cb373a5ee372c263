"""How findings speak: natural frequencies and numbers with sensible digits."""

from __future__ import annotations

import math

__all__ = ["frequency", "number"]

NOISE = 1e-12
"""Less than this is left over when equal numbers are subtracted."""


def frequency(rate: float) -> str:
    """Return a rate as ``41 of 100``; rates near 0 or 1 as ``3 of 1,000`` or ``997 of 1,000``."""
    if not math.isfinite(rate):
        return "no rows"
    base = 100
    while (0 < rate * base < 5 or 0 < (1 - rate) * base < 1) and base < 100_000:
        base *= 10
    return f"{round(rate * base):,} of {base:,}"


def number(value: float) -> str:
    """Return a number with three significant digits, or more where it needs none."""
    text = _digits(value)
    return f"\N{MINUS SIGN}{text[1:]}" if text.startswith("-") else text


def _digits(value: float) -> str:
    if not math.isfinite(value):
        return "undefined"
    if abs(value) < NOISE:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) < 1e-4:
        return f"{value:.2e}"
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if abs(value) < 100 else 1
    return f"{value:.{min(digits, 6)}f}"
