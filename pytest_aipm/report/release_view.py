"""What the templates are given of earlier releases: pictures and the same numbers as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from pytest_aipm.records import Audit, Finding, PastFinding, Release, Verdict
from pytest_aipm.report.answer import Answer
from pytest_aipm.report.plain import clip, plain_line
from pytest_aipm.report.releases import MOST_RELEASES, releases
from pytest_aipm.report.words import (
    DASH,
    MARKS,
    VERDICT_WORDS,
    WITHHELD,
    Figures,
    day,
    limit_text,
    plural,
)

__all__ = ["FindingReleases", "drawn_releases", "release_names", "release_rows"]

NOW = "this run"
WIDEST = 24
MOST_DRAWN = 100
"""Findings of a policy beyond which blocks draw no releases: the table of releases shows all."""
SPARK_WIDE, SPARK_HIGH = 120, 22


@dataclass(frozen=True)
class FindingReleases:
    """One finding over the earlier releases and this run.

    `pasts` has one entry a release of the audit, None where the finding was not there.
    """

    finding: Finding
    names: tuple[str, ...]
    pasts: tuple[PastFinding | None, ...]

    @cached_property
    def _points(self) -> list[tuple[str, PastFinding]]:
        """Releases that had this finding, with this run at the end."""
        one = self.finding
        now = PastFinding(
            id=one.id,
            verdict=one.verdict,
            value=one.value,
            interval=one.interval,
            limit=one.limit,
            unit=one.unit,
        )
        told = zip(self.names, (*self.pasts, now), strict=True)
        return [(name, past) for name, past in told if past is not None]

    @property
    def shown(self) -> Figures:
        """How its numbers are printed."""
        return Answer(self.finding).shown

    @property
    def svg(self) -> Markup:
        """The last releases with interval and limit."""
        points = []
        for name, past in self._points:
            low, high = past.interval or (None, None)
            same = past.unit == self.finding.unit and past.value is not None
            value = past.value if same else None
            points.append(
                (name, value, low if same else None, high if same else None, past.verdict)
            )
        title = f"{self.finding.check_id} {Answer(self.finding).where} over the last releases"
        desc = f"{plural(len(points), 'release')}, the oldest first; the limit is today's."
        drawn = releases(points, self.finding.limit, self.shown, title=title, desc=desc)
        return Markup(drawn)  # noqa: S704 - the chart escapes the texts it is given

    @property
    def caption(self) -> str:
        """How to read the picture, and what it does not show."""
        gone = sum(past.value is None for _, past in self._points)
        text = "Releases from left to right, this run last; bars are intervals."
        if self.finding.limit is not None:
            text += " Line: today's limit, shaded: allowed."
        if any(past.limit != self.finding.limit for _, past in self._points):
            text += " The limit was another one in some of them."
        return f"{text} {plural(gone, 'release')} without a value to draw." if gone else text

    @property
    def spark(self) -> Markup:
        """The values as a line, without an axis: for an eye that compares rows."""
        values = [past.value for _, past in self._points if past.unit == self.finding.unit]
        limit = self.finding.limit
        ends = [] if limit is None else [x for x in (limit.min, limit.max) if x is not None]
        known = [value for value in values if value is not None]
        least, most = min([*known, *ends], default=0.0), max([*known, *ends], default=0.0)
        span = (most - least) or 1.0

        def at(place: float, value: float) -> str:
            across = 3 + place * (SPARK_WIDE - 6) / max(len(values) - 1, 1)
            return f"{across:.0f},{SPARK_HIGH - 3 - (value - least) / span * (SPARK_HIGH - 6):.0f}"

        lines = [
            f'<polyline points="{at(0, x)} {at(max(len(values) - 1, 1), x)}" stroke-dasharray="2"/>'
            for x in ends
        ]
        drawn = [at(i, value) for i, value in enumerate(values) if value is not None]
        lines.append(f'<polyline points="{" ".join(drawn)}" stroke-width="2"/>')
        dots = [f'<circle cx="{p.replace(",", chr(34) + " cy=" + chr(34))}" r="2"/>' for p in drawn]
        size = f'width="{SPARK_WIDE}" height="{SPARK_HIGH}"'
        ground = f'<svg {size} fill="none" stroke="currentColor" aria-hidden="true">'
        return Markup(f"{ground}{''.join([*lines, *dots[-1:]])}</svg>")  # noqa: S704 - numbers only

    @property
    def strip(self) -> str:
        """A mark for the verdict of each release: its shape says which."""
        return " ".join(MARKS[past.verdict] for _, past in self._points)

    @property
    def verdicts(self) -> str:
        """The same in words."""
        return ", ".join(VERDICT_WORDS[past.verdict].lower() for _, past in self._points)

    @property
    def cells(self) -> list[str]:
        """Verdict, value, interval and another limit of each release, this run last."""
        told = dict(self._points)
        return [self._cell(told[name]) if name in told else DASH for name in self.names]

    def _cell(self, past: PastFinding) -> str:
        word = VERDICT_WORDS[past.verdict].lower()
        shown = self.shown
        said = [f"{MARKS[past.verdict]} {word}"]
        if past.value is not None:
            interval = shown.interval(past.interval)
            said.append(f"{shown(past.value)}" + (f" ({interval})" if interval != DASH else ""))
        elif past.verdict not in (Verdict.ERROR, Verdict.NOT_JUDGED):
            said.append(WITHHELD)
        if past.limit != self.finding.limit:
            said.append(f"limit {limit_text(past.limit)}")
        return ", ".join(said)


def _named(audit: Audit) -> tuple[tuple[str, ...], tuple[Release, ...]]:
    """Return the releases drawn with names that tell them apart, this run last."""
    drawn = audit.releases[-(MOST_RELEASES - 1) :]
    names: list[str] = []
    for release in drawn:
        name = clip(plain_line(release.label), WIDEST) or "unnamed"
        twice = sum(each == name or each.startswith(f"{name} (") for each in names)
        names.append(f"{name} ({twice + 1})" if twice else name)
    return (*names, NOW), drawn


def drawn_releases(finding: Finding, audit: Audit) -> FindingReleases | None:
    """Return what a finding's block draws; nothing where a policy has very many findings."""
    return None if len(audit.findings) > MOST_DRAWN else _over_time(finding, audit)


def _over_time(finding: Finding, audit: Audit) -> FindingReleases | None:
    """Return a finding over the releases; None when no earlier one had it."""
    names, drawn = _named(audit)
    by_id = [{past.id: past for past in release.audit.findings} for release in drawn]
    pasts = tuple(found.get(finding.id) for found in by_id)
    return FindingReleases(finding, names, pasts) if any(pasts) else None


def release_rows(findings: Sequence[Finding], audit: Audit) -> list[FindingReleases]:
    """Return the findings that earlier releases had, in the order they are given."""
    found = (_over_time(finding, audit) for finding in findings)
    return [one for one in found if one is not None]


def release_names(audit: Audit) -> list[tuple[str, str]]:
    """Return name and day of each release, this run last."""
    names, drawn = _named(audit)
    days = [day(release.when[:10]) if release.when else "" for release in drawn]
    return list(zip(names, [*days, ""], strict=True))
