"""From when a report is, and until when it holds: until something it stands on runs out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from pytest_aipm.records import PackInfo, Record
from pytest_aipm.report.words import day, plural

__all__ = ["as_of", "valid_until"]


def as_of(record: Record) -> str:
    """Return when the run was made."""
    return day(record.run.started, clock=True) if record.run.started else "not recorded"


def valid_until(record: Record) -> str:
    """Return the day a waiver, a pack or the audit's own age runs out, and which it is."""
    ends = sorted(_ends(record))
    if not ends:
        return "until the model, the data or the policy changes"
    first, why = ends[0]
    return f"until {day(first)}, when {why}"


def _ends(record: Record) -> Iterator[tuple[str, str]]:
    """Yield days in ISO form, which sort as they follow each other."""
    for audit in record.audits:
        for waiver in audit.waivers:
            if waiver.state == "applied":
                yield waiver.expires, f"waiver {waiver.id} runs out"
        for pack in audit.packs:
            yield from _of_pack(pack, record.run.started)


def _of_pack(pack: PackInfo, started: str) -> Iterator[tuple[str, str]]:
    if pack.valid_until:
        yield pack.valid_until, f"pack {pack.name} runs out"
    if pack.review_after:
        yield pack.review_after, f"pack {pack.name} is due for review"
    if pack.max_audit_age is not None and started:
        made = datetime.fromisoformat(started).date()
        age = plural(pack.max_audit_age, "day")
        try:
            end = made + timedelta(days=pack.max_audit_age)
        except OverflowError:
            return  # beyond the last day of the calendar
        yield end.isoformat(), f"the audit is {age} old (pack {pack.name})"
