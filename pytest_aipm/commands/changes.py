"""What differs between two records."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pytest_aipm.records import Audit, Because, Finding, Record, Verdict

__all__ = ["Changes", "Key", "Pair", "audits", "by_key", "changes"]

Key = tuple[str, int]
"""A finding's id, and how many of the same id stand before it."""

_HELD = (Verdict.PASS, Verdict.WARN)
_COMPARED = {Because.REGRESSION, Because.EVIDENCE_LOST}


@dataclass(frozen=True)
class Pair:
    """One finding as it was and as it is; one of the two may not be there.

    ``rebased`` says that the two were compared with different baselines.
    """

    key: Key
    old: Finding | None
    new: Finding | None
    rebased: bool = False

    @property
    def id(self) -> str:
        """The finding's id."""
        return self.key[0]

    @property
    def other_rules(self) -> bool:
        """Whether the two were not decided by the same rules, against the same baseline."""
        if self.old is None or self.new is None:
            return False
        compared = {self.old.because, self.new.because} & _COMPARED
        return _rules(self.old) != _rules(self.new) or (self.rebased and bool(compared))


@dataclass(frozen=True)
class Changes:
    """The findings that differ, each in one list; only an added one that fails is in two.

    Attributes
    ----------
    fails : tuple of Pair
        Turn the build red now and did not before.
    fixed : tuple of Pair
        Turned the build red, and hold now by the same rules. A finding that is waived, undecided,
        not judged or held to another limit is not fixed.
    verdicts : tuple of Pair
        Every other change of verdict.
    moved : tuple of Pair
        Of the same verdict, but the new value lies outside the old interval, or one of the two
        has no value.
    added, removed : tuple of Pair
    """

    fails: tuple[Pair, ...]
    fixed: tuple[Pair, ...]
    verdicts: tuple[Pair, ...]
    moved: tuple[Pair, ...]
    added: tuple[Pair, ...]
    removed: tuple[Pair, ...]

    def __bool__(self) -> bool:
        """Return whether any finding differs."""
        return any(vars(self).values())


def changes(old: Record, new: Record) -> Changes:
    """Return what differs between two records, in the order of the new one.

    Findings are the same when their ids are: policy, check and scope.
    """
    then, now = by_key(old), by_key(new)
    before, after = _baselines(old), _baselines(new)
    both = [
        Pair(key, then[key], now[key], rebased=before[key[0]] != after[key[0]])
        for key in now
        if key in then
    ]
    added = tuple(Pair(key, None, now[key]) for key in now if key not in then)
    fails = [pair for pair in both if _red(pair.new) and not _red(pair.old)]
    fixed = [pair for pair in both if _red(pair.old) and _holds(pair.new) and not pair.other_rules]
    told = {pair.key for pair in (*fails, *fixed)}
    return Changes(
        fails=(*fails, *(pair for pair in added if _red(pair.new))),
        fixed=tuple(fixed),
        verdicts=tuple(pair for pair in both if _turned(pair) and pair.key not in told),
        moved=tuple(
            pair for pair in both if _moved(pair) and not _turned(pair) and pair.key not in told
        ),
        added=added,
        removed=tuple(Pair(key, then[key], None) for key in then if key not in now),
    )


def audits(record: Record) -> dict[str, Audit]:
    """Return the audits of a record by the name of their policy."""
    return {audit.policy.name: audit for audit in record.audits}


def by_key(record: Record) -> dict[Key, Finding]:
    """Return the findings by id; a test may check one thing twice, so the same ids are numbered."""
    seen: Counter[str] = Counter()
    found: dict[Key, Finding] = {}
    for finding in record.findings:
        found[finding.id, seen[finding.id]] = finding
        seen[finding.id] += 1
    return found


def _baselines(record: Record) -> dict[str, str | None]:
    """Return the hash of the baseline that each finding was compared with."""
    return {
        finding.id: None if audit.baseline is None else audit.baseline.sha256
        for audit in record.audits
        for finding in audit.findings
    }


def _rules(finding: Finding) -> tuple[object, ...]:
    return (
        finding.limit,
        finding.unit,
        finding.decide_on,
        finding.confidence,
        finding.severity,
    )


def _red(finding: Finding | None) -> bool:
    return finding is not None and finding.failing


def _holds(finding: Finding | None) -> bool:
    return finding is not None and finding.verdict in _HELD


def _turned(pair: Pair) -> bool:
    old, new = pair.old, pair.new
    return old is not None and new is not None and old.verdict != new.verdict


def _moved(pair: Pair) -> bool:
    old, new = pair.old, pair.new
    if old is None or new is None or (old.value is None and new.value is None):
        return False
    if old.value is None or new.value is None:
        return True
    low, high = old.interval or (old.value, old.value)
    return (low is not None and new.value < low) or (high is not None and new.value > high)
