"""What differs between the waivers of two records."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_aipm.commands.changes import audits
from pytest_aipm.records import Record, WaiverInfo
from pytest_aipm.report.words import limit_text

__all__ = ["waived"]


def waived(old: Record, new: Record) -> list[str]:
    """Return one line for each waiver that is new, gone, in another state or on other terms."""
    then, now = _waivers(old), _waivers(new)
    lines = [f"new: {_whole(one)}" for key, one in now.items() if key not in then]
    lines += [line for key, one in now.items() if key in then for line in _differs(then[key], one)]
    return lines + [f"gone: {_whole(one)}" for key, one in then.items() if key not in now]


def _waivers(record: Record) -> dict[tuple[str, str], WaiverInfo]:
    """Return the waivers by finding and id."""
    return {(w.check, w.id): w for audit in audits(record).values() for w in audit.waivers}


def _whole(waiver: WaiverInfo) -> str:
    ticket = f", {waiver.ticket}" if waiver.ticket else ""
    until = f"until {waiver.expires}, {_state(waiver)}"
    return f"{waiver.id} for {waiver.check}, by {waiver.owner}{ticket}, {until}: {waiver.reason}"


def _differs(old: WaiverInfo, new: WaiverInfo) -> Iterator[str]:
    facts = (
        ("", _state(old), _state(new)),
        ("until ", old.expires, new.expires),
        ("floor ", _floor(old), _floor(new)),
        ("for model ", _model(old), _model(new)),
        ("owner ", old.owner, new.owner),
        ("reason ", old.reason, new.reason),
    )
    said = [f"{word}{then} -> {now}" for word, then, now in facts if then != now]
    if said:
        yield f"{new.id} for {new.check}: {', '.join(said)}"


def _state(waiver: WaiverInfo) -> str:
    return waiver.state.replace("_", " ")


def _floor(waiver: WaiverInfo) -> str:
    return "none" if waiver.floor is None else limit_text(waiver.floor, words=True)


def _model(waiver: WaiverInfo) -> str:
    return "any" if waiver.model_sha256 is None else waiver.model_sha256[:12]
