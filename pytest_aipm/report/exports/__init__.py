"""Views of the record for other programs: one small file a format, each a pure function.

::

    Record ─► publishable ─┬► audit_sarif         audit.sarif
                           ├► statement_json      test-result.intoto.json
                           ├► predicate_json      test-result.predicate.json
                           ├► mlbom_json          mlbom.cdx.json
                           ├► model_card_md       model-card.md
                           └► code_quality_json   gl-code-quality.json
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pytest_aipm.errors import OptionError, Problem
from pytest_aipm.records import Record
from pytest_aipm.report.exports.attestation import (
    lacks_full_run,
    lacks_subject,
    predicate_json,
    statement_json,
)
from pytest_aipm.report.exports.code_quality import code_quality_json
from pytest_aipm.report.exports.mlbom import mlbom_json
from pytest_aipm.report.exports.model_card import model_card_md
from pytest_aipm.report.exports.sarif import audit_sarif

__all__ = ["EXPORTS", "Export", "chosen_exports", "files_of"]

ALL, NONE = "all", "none"


def _lacks_nothing(_: Record) -> str:
    return ""


@dataclass(frozen=True)
class Export:
    """One file.

    Attributes
    ----------
    file : str
        Its name in the report folder.
    view : callable
        Makes its text from a record.
    lacks : callable
        Says why it cannot be made from a record; empty when it can.
    """

    file: str
    view: Callable[[Record], str]
    lacks: Callable[[Record], str] = _lacks_nothing


EXPORTS: Mapping[str, tuple[Export, ...]] = {
    "sarif": (Export("audit.sarif", audit_sarif),),
    "test-result": (
        Export("test-result.intoto.json", statement_json, lacks_subject),
        Export("test-result.predicate.json", predicate_json, lacks_full_run),
    ),
    "mlbom": (Export("mlbom.cdx.json", mlbom_json),),
    "model-card": (Export("model-card.md", model_card_md),),
    "code-quality": (Export("gl-code-quality.json", code_quality_json),),
}
"""The exports by the name that `aipm_exports` gives them."""


def chosen_exports(words: Iterable[str] | None, path: str = "") -> tuple[str, ...]:
    """Return the names of exports in the order of `EXPORTS`.

    Parameters
    ----------
    words : iterable of str or None
        Names; ``all`` or ``none`` stand alone. None means all, nothing means none.
    path : str
        The file that says so, for messages.

    Raises
    ------
    OptionError
        A name is unknown.
    """
    named = [ALL] if words is None else [words] if isinstance(words, str) else list(words)
    if named == [ALL]:
        return tuple(EXPORTS)
    if named == [NONE]:
        return ()
    known = {export.file: name for name, files in EXPORTS.items() for export in files}
    known |= {name: name for name in EXPORTS}
    problems = [_unknown(word, known, path) for word in named if word not in EXPORTS]
    if problems:
        raise OptionError(problems)
    return tuple(name for name in EXPORTS if name in named)


def _unknown(word: str, known: Mapping[str, str], path: str) -> Problem:
    if word in (ALL, NONE):
        return Problem(f"aipm_exports: '{word}' stands beside other names", "use it alone", path)
    near = [word] if word in known else difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    fix = f"did you mean '{known[near[0]]}'?" if near else f"known: {', '.join(EXPORTS)}"
    return Problem(f"aipm_exports: there is no export '{word[:80]}'", fix, path)


def files_of(names: Iterable[str]) -> list[Export]:
    """Return the files of exports, in the order they are written."""
    return [export for name in names for export in EXPORTS[name]]
