"""A broken policy as a test failure, in words: the sentence, the groups and the policy's line."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_aipm.errors import CheckError
from pytest_aipm.records import Finding, Verdict
from pytest_aipm.report.answer import Answer
from pytest_aipm.report.figure import foremost
from pytest_aipm.report.plain import clip, columns_of, inert, plain_line
from pytest_aipm.report.publish import published_alone
from pytest_aipm.report.words import (
    DASH,
    VERDICT_WORDS,
    WITHHELD,
    count,
    figures,
    group_name,
    limit_text,
)

__all__ = ["CheckViolation", "publish", "raise_for", "sentence", "text", "unsaid"]

WIDEST = 40
MOST_LINES = 60
"""Groups in a log; the report has more of them."""


class CheckViolation(AssertionError):  # noqa: N818 - a violated policy is no error of ours
    """A finding that fails the build.

    Parameters
    ----------
    finding : Finding
        What failed; kept as an attribute.
    shown : Finding, optional
        What its message may tell: a test's log is published, so small cells are withheld there.
    """

    def __init__(self, finding: Finding, shown: Finding | None = None) -> None:
        self.finding = finding
        super().__init__(text(shown or finding))


CheckViolation.__module__ = "pytest_aipm"  # the name it is imported by, and shown under


def publish(finding: Finding, *, min_cell: int) -> Finding:
    """Return a finding as logs and JUnit files may show it: without the numbers of small cells."""
    return published_alone(finding, min_cell=min_cell)


def unsaid(finding: Finding) -> Finding:
    """Return a published finding without its numbers, which a report may show.

    Not only its table tells counts: two rates and their gap with all its digits are counts, too,
    and a rate of none or all is that of every group within.
    """
    asked = limit_text(finding.limit, words=True)
    asked = "" if asked == DASH else f"; the policy asks for {asked}"
    word = VERDICT_WORDS[finding.verdict].lower()
    reason = f"{word}{asked}; its numbers stand in the report, beside a group of few people"
    groups = (
        group.model_copy(
            update={
                "numerator": None,
                "denominator": None,
                "counted": None,
                "value": None,
                "interval": None,
                "note": WITHHELD,
            }
        )
        for group in finding.groups
    )
    gone = {"value": None, "interval": None, "reason": reason, "groups": tuple(groups)}
    note = f"{WITHHELD}: numbers, since another scope has a small group"
    return finding.model_copy(update={**gone, "notes": (note,)})


def raise_for(finding: Finding, shown: Finding | None = None) -> None:
    """Raise what a finding that turns the build red means for the test it belongs to.

    Parameters
    ----------
    finding : Finding
    shown : Finding, optional
        The published finding, which the message is made of; default `finding` itself.

    Raises
    ------
    CheckError
        It could not be measured.
    CheckViolation
        It fails, or is inconclusive where that fails.
    """
    __tracebackhide__ = True
    if finding.verdict is Verdict.ERROR:
        raise CheckError(sentence(shown or finding))
    if finding.failing or finding.verdict is Verdict.FAIL:
        raise CheckViolation(finding, shown)


def sentence(finding: Finding) -> str:
    """Return the reason on one line, without control characters from the data."""
    return inert(plain_line(finding.reason))


def text(finding: Finding) -> str:
    """Return the sentence, one line a group, and where the policy asks for it."""
    blocks = [sentence(finding)]
    if any(group.note.startswith(WITHHELD) for group in finding.groups):
        # one finding alone cannot know which of its cells another one's table gives away
        blocks.append(
            "  some groups are too small to print; the report shows all that may be shown"
        )
    elif finding.groups:
        blocks.append("\n".join(_table(finding)))
    if finding.policy_line is not None:
        blocks.append(f"{finding.nodeid.partition('::')[0]}:{finding.policy_line}")
    return inert("\n\n".join(blocks))


def _table(finding: Finding) -> list[str]:
    shown = figures(finding)
    groups = foremost(list(finding.groups), Answer(finding), MOST_LINES)
    head = (" x ".join(finding.scope) or "group", "rate", "rows", "counted", "value", "interval")
    rows = [
        (
            plain_line(group_name(group.group)),
            group.part,
            count(group.n),
            " of ".join(map(count, group.counts)) if None not in group.counts else "",
            shown(group.value) if group.value is not None else "-",
            shown.interval(group.interval) if group.interval else "",
            plain_line(group.note or ("" if group.judged else "not judged")),
        )
        for group in groups
    ]
    left = len(finding.groups) - len(groups)
    more = [f"  {count(left)} more groups are in the report"] if left else []
    return [*_aligned([(*head, ""), *rows]), *more]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines with columns of one width; columns without a value are left out."""
    columns = [c for c in zip(*rows, strict=True) if any(c[1:])]
    widths = [min(max(map(columns_of, column)), WIDEST) for column in columns]
    last = len(columns) - 1
    lines = []
    for cells in zip(*columns, strict=True):
        padded = [
            cell if i == last else _pad(clip(cell, wide), wide)
            for i, (cell, wide) in enumerate(zip(cells, widths, strict=True))
        ]
        lines.append("  " + "  ".join(padded).rstrip())
    return lines


def _pad(cell: str, wide: int) -> str:
    return cell + " " * (wide - columns_of(cell))
