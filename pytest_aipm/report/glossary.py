"""What the checks of a page mean: each explained once, and what two have in common only there."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_aipm.records import Docs, Finding, Verdict
from pytest_aipm.report.finding_view import anchor_of
from pytest_aipm.report.prose import Block, prose

__all__ = ["Entry", "glossary_of"]

WORTH = 150
"""Characters of a common end that are worth a link in their place."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`])")


@dataclass(frozen=True)
class Entry:
    """One check.

    Attributes
    ----------
    check, title, question : str
        Its name, and its own words.
    parts : tuple of (str, list of Block, str)
        Heading, text, and the check where the rest of the text stands; empty for none.
    """

    check: str
    title: str
    question: str
    parts: tuple[tuple[str, list[Block], str], ...]

    @property
    def anchor(self) -> str:
        """The id of its place on the page."""
        return anchor_of(self.check)


_OF_TASK = {"multiclass": "Of several classes", "ranking": "Of a ranking"}
"""How a paragraph begins that speaks of one task alone."""


def glossary_of(findings: Sequence[Finding], tasks: Collection[str] = ()) -> Iterator[Entry]:
    """Yield the checks by name, with what concerns the audited `tasks`.

    What to do is told where something is to be done.
    """
    foreign = tuple(begins for task, begins in _OF_TASK.items() if task not in tasks)
    docs: dict[str, Docs] = {}
    for finding in findings:
        if finding.docs is not None:
            docs.setdefault(finding.check, finding.docs)
    calm = {f.check for f in findings} - {f.check for f in findings if f.verdict != Verdict.PASS}
    told: dict[str, list[str]] = {}
    for check in sorted(docs):
        own = docs[check]
        asked = "\n\n".join(p for p in own.how.split("\n\n") if not p.startswith(foreign))
        how, also = _shortened(asked, told)
        told[check] = _SENTENCE.split(asked)
        parts = (
            ("How it is measured", how, also),
            ("What to do", "" if check in calm else own.todo, ""),
            ("Sources", own.sources, ""),
        )
        shown = tuple((name, prose(text), at) for name, text, at in parts if text.strip())
        yield Entry(check, own.title, own.question.strip() or own.title, shown)


def _shortened(text: str, told: Mapping[str, list[str]]) -> tuple[str, str]:
    """Return a text without the sentences with which another one ends, and whose they are."""
    sentences = _SENTENCE.split(text)
    for check, theirs in told.items():
        same = 0
        for one, other in zip(reversed(sentences[1:]), reversed(theirs), strict=False):
            if one.split() != other.split():
                break
            same += 1
        kept = sentences[: len(sentences) - same]
        if same and sum(map(len, sentences[len(kept) :])) >= WORTH:
            return " ".join(kept), check
    return text, ""
