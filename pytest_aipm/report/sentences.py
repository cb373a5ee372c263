"""What a run and a finding say, in sentences a reader without statistics understands."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, permutations

from pytest_aipm.records import Because, Finding, GroupValue, Record, RunVerdict, Verdict
from pytest_aipm.report.words import (
    DASH,
    count,
    figures,
    group_name,
    judged_values,
    limit_text,
    listed,
    natural,
    plural,
    scope_name,
)

__all__ = [
    "LEGAL",
    "change",
    "comparison",
    "counts_sentence",
    "deciding",
    "effect",
    "headline",
    "missing_sentence",
    "quantity",
    "settle",
    "tally",
]

LEGAL = "Statistical evidence, not a legal opinion."

_SINGULAR = {
    Verdict.FAIL: "fails",
    Verdict.ERROR: "could not be measured",
    Verdict.INCONCLUSIVE: "is inconclusive",
    Verdict.WARN: "warns",
    Verdict.WAIVED: "is waived",
    Verdict.NOT_JUDGED: "is not judged",
    Verdict.PASS: "passes",
}
_PLURAL = {
    Verdict.FAIL: "fail",
    Verdict.ERROR: "could not be measured",
    Verdict.INCONCLUSIVE: "are inconclusive",
    Verdict.WARN: "warn",
    Verdict.WAIVED: "are waived",
    Verdict.NOT_JUDGED: "are not judged",
    Verdict.PASS: "pass",
}
_AGAINST = {
    "baseline": "the approved baseline",
    "anchor": "the first approved baseline",
    "champion": "the champion model",
}
TOLERANCE = 1e-9
MOST_PAIRED = 60


def comparison(finding: Finding) -> str:
    """Return how the finding's value is made from its groups: ratio, difference or level.

    The check's name says it where it can; otherwise the numbers do.
    """
    name = finding.check.rpartition(".")[2]
    if name.endswith("_ratio"):
        return "ratio"
    if name.endswith(("_difference", "_gap")):
        return "difference"
    values = [g.value for g in judged_values(finding) if g.value is not None]
    if finding.value is None or len(values) < 2:
        return "level"
    if min(abs(x - finding.value) for x in values) <= TOLERANCE:
        return "level"
    low, high = min(values), max(values)
    if abs(high - low - finding.value) <= TOLERANCE:
        return "difference"
    return "ratio" if high and abs(low / high - finding.value) <= TOLERANCE else "level"


def _parts(finding: Finding) -> dict[str, list[GroupValue]]:
    parts: dict[str, list[GroupValue]] = {}
    for group in judged_values(finding):
        parts.setdefault(group.part, []).append(group)
    return parts


def deciding(finding: Finding) -> tuple[GroupValue, ...]:
    """Return the groups that make the value: (lowest, highest) of a gap, one of a floor.

    Found by the numbers: lowest and highest first, then any pair, for comparators such as the
    largest group. Of several rates (equalized odds) the one whose gap is the value decides. Empty
    when no groups of the record make the value, as when a comparator is everyone else.
    """
    if not finding.scope or finding.value is None:
        return ()
    kind = comparison(finding)
    for groups in _parts(finding).values():
        ordered = sorted(groups, key=lambda g: (g.value or 0.0, sorted(g.group.items())))
        if kind == "level":
            candidates: Iterable[tuple[GroupValue, ...]] = ((g,) for g in ordered)
        else:
            ends = ((ordered[0], ordered[-1]),) if len(ordered) > 1 else ()
            candidates = chain(ends, permutations(ordered[:MOST_PAIRED], 2))
        for chosen in candidates:
            if _makes(chosen, kind, finding.value):
                return chosen
    return ()


def _makes(groups: tuple[GroupValue, ...], kind: str, value: float) -> bool:
    values = [group.value or 0.0 for group in groups]
    if kind == "level":
        made = values[0]
    elif kind == "difference":
        made = values[1] - values[0]
    else:
        made = values[0] / values[1] if values[1] else math.nan
    return math.isclose(made, value, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def quantity(finding: Finding) -> str:
    """Return the name of what is measured, as a noun: ``selection rate``."""
    chosen = deciding(finding)
    name = chosen[0].part if chosen and chosen[0].part else ""
    if not name and finding.formula is not None:
        name = finding.formula.id
    name = (name or finding.check).rpartition(".")[2]
    return name.removesuffix("_ratio").removesuffix("_difference").replace("_", " ")


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _bounds(finding: Finding) -> str:
    shown = figures(finding)
    interval = shown.interval(finding.interval)
    return f" ({interval})" if interval != DASH else ""


def _amount(finding: Finding) -> str:
    shown = figures(finding)
    unit = f" {shown.unit}" if shown.unit and shown.unit != "AUC" else ""
    return f"{shown(finding.value)}{unit}{_bounds(finding)}"


def _asked(finding: Finding) -> str:
    limit = limit_text(finding.limit, words=True)
    return "" if limit == DASH else f"; the policy asks for {limit}"


def effect(finding: Finding) -> str:
    """Return what was found: who gets what, the value, its interval and the limit.

    Without a value it is the finding's own reason.
    """
    where = scope_name(finding.scope)
    if finding.value is None:
        return finding.reason
    groups = deciding(finding)
    start = f"{_upper(quantity(finding))} {where}"
    if len(groups) == 2:
        low, high = (_level(finding, g, groups) for g in groups)
        kind = "a ratio" if comparison(finding) == "ratio" else "a gap"
        return (
            f"{start}: {low} for {group_name(groups[0].group)}, "
            f"{high} for {group_name(groups[1].group)}, "
            f"{kind} of {_amount(finding)}{_asked(finding)}."
        )
    if len(groups) == 1:
        at = group_name(groups[0].group)
        return f"{start}: {_amount(finding)} for {at}, the group that decides{_asked(finding)}."
    return f"{start}: {_amount(finding)}{_asked(finding)}."


def _level(finding: Finding, group: GroupValue, pair: Sequence[GroupValue]) -> str:
    if all(g.numerator is not None and g.denominator for g in pair):
        shown = natural(g.value for g in pair if g.value is not None)
        if shown is not None and len(shown) == len(pair):
            return shown[list(pair).index(group)]
    return figures(finding)(group.value)


def change(finding: Finding) -> str:
    """Return how the finding moved since what it is compared with; empty without a baseline."""
    old = finding.baseline
    if old is None:
        return ""
    shown, against = figures(finding), _AGAINST[old.against]
    then = f" ({shown(old.value)} then)" if old.value is not None else ""
    if old.verdict == "worse":
        return f"Worse than {against}{then}."
    if old.verdict == "better":
        return f"Better than {against}{then}."
    if old.verdict == "same":
        return f"No worse than {against}{then}."
    return f"A change since {against}{then} is not shown."


def settle(finding: Finding) -> str:
    """Return what these rows could have caught and how many would settle it; may be empty."""
    shown, said = figures(finding), []
    if finding.detectable is not None and finding.detectable.gap is not None:
        group = f" for {finding.detectable.group}" if finding.detectable.group else ""
        said.append(
            f"The smallest gap these rows would have caught is {shown(finding.detectable.gap)}"
            f"{group} (at 80 % power)."
        )
    if finding.rows_needed is not None:
        pair = f"; {listed(finding.rows_needed.pair)} bind" if finding.rows_needed.pair else ""
        said.append(
            f"About {count(finding.rows_needed.total)} rows at the same group mix "
            f"would settle it{pair}."
        )
    return " ".join(said)


def tally(findings: Iterable[Finding]) -> dict[Verdict, int]:
    """Return how many findings there are of each verdict."""
    return dict(Counter(finding.verdict for finding in findings))


def counts_sentence(findings: Sequence[Finding]) -> str:
    """Return how many of how many fail, are undecided, waived, not judged, and pass."""
    found, total = tally(findings), len(findings)
    passed = found.pop(Verdict.PASS, 0)
    if passed == total:
        return "The one check passes." if total == 1 else f"All {count(total)} checks pass."
    order = [verdict for verdict in _PLURAL if found.get(verdict)]
    said = [
        f"{count(found[verdict])} {(_SINGULAR if found[verdict] == 1 else _PLURAL)[verdict]}"
        for verdict in order
    ]
    first = order[0]
    number, verb = found[first], _SINGULAR[first] if found[first] == 1 else _PLURAL[first]
    said[0] = f"{count(number)} of {plural(total, 'check')} {verb}"
    tail = f"; {count(passed)} {'passes' if passed == 1 else 'pass'}" if passed else ""
    return f"{listed(said)}{tail}."


def headline(findings: Sequence[Finding], verdict: RunVerdict) -> str:
    """Return the sentence beside the verdict word: the counts and what the word means here."""
    counts = counts_sentence(findings)
    if verdict is RunVerdict.UNPROVEN:
        return f"{counts} Nothing is shown to fail, but this is not a pass."
    forced = sum(f.failing and f.verdict is Verdict.INCONCLUSIVE for f in findings)
    if verdict is RunVerdict.FAIL and forced:
        verb = "fails" if forced == 1 else "fail"
        return f"{counts} {count(forced)} inconclusive {verb} the build, as the policy asks."
    return counts


def missing_sentence(record: Record) -> str:
    """Return what a partial run lacks; empty for a full one."""
    if not record.partial:
        return ""
    number = len(record.missing)
    lacking = (
        f"{plural(number, 'planned check')} did not run" if number else "the run was cut short"
    )
    return f"PARTIAL: {lacking}. What is below is true, but it is not the whole audit."


def because(finding: Finding) -> str:
    """Return the short reason of a verdict: ``limit``, ``regression``, ``no evidence``."""
    return "" if finding.because is None else Because(finding.because).value.replace("_", " ")
