"""Keeps what exceptions and warnings of others said out of published views.

A model that cannot read a row may quote it: ``could not convert string to float: 'Ann Lee'``. The
type of the exception and this project's own words stay; the rest is in `audit.json`.
"""

from __future__ import annotations

import re

from pytest_aipm.records import Finding

__all__ = ["named_warnings", "without_foreign"]

TOLD = "its message is in audit.json"
_WARNING = re.compile(r"([A-Za-z_]\w*Warning): .*", re.DOTALL)


def named_warnings(warnings: tuple[str, ...]) -> tuple[str, ...]:
    """Return warnings that opening and asking a model gave cause to, those of others by name."""
    told = (_WARNING.fullmatch(each) for each in warnings)
    named = [
        f"{own[1]} ({TOLD})" if own else each for own, each in zip(told, warnings, strict=True)
    ]
    return tuple(dict.fromkeys(named))


def without_foreign(finding: Finding) -> Finding:
    """Return a finding whose reason and notes quote nobody else; done twice, it changes nothing."""
    if not finding.foreign:
        return finding
    words = sorted((" ".join(each.split()) for each in finding.foreign), key=len, reverse=True)
    reason, notes = _cut(finding.reason, words), [_cut(note, words) for note in finding.notes]
    return finding.model_copy(
        update={
            "reason": reason if reason == finding.reason else f"{reason}; {TOLD}",
            "notes": tuple(
                note if note == was or TOLD in note else f"{note} ({TOLD})"
                for note, was in zip(notes, finding.notes, strict=True)
            ),
            "foreign": (),
        }
    )


def _cut(text: str, words: list[str]) -> str:
    """Return a text on one line without others' words, the type of an exception kept."""
    plain = kept = " ".join(text.split())
    for each in words:
        name, _, said = each.partition(": ")
        plain = plain.replace(each, name)
        # where our sentence does not name the type; a number among our own words may go, too
        plain = re.sub(rf"(?<!\w){re.escape(said)}(?!\w)", "…", plain) if said else plain
    return text if plain == kept else plain
