"""What a run says, in sentences a reader without statistics understands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from pytest_aipm.records import Audit, Finding, Record, RunVerdict, Verdict
from pytest_aipm.report.words import count, listed, plural

__all__ = [
    "LEGAL",
    "counts_sentence",
    "headline",
    "missing_sentence",
    "tally",
    "urgent_waivers",
    "voided_waivers",
]

LEGAL = "Statistical evidence, not a legal opinion."

_VERBS = {
    Verdict.FAIL: ("fails", "fail"),
    Verdict.ERROR: ("could not be measured", "could not be measured"),
    Verdict.INCONCLUSIVE: ("is inconclusive", "are inconclusive"),
    Verdict.WARN: ("warns", "warn"),
    Verdict.WAIVED: ("is waived", "are waived"),
    Verdict.NOT_JUDGED: ("is not judged", "are not judged"),
}


def tally(findings: Iterable[Finding]) -> dict[Verdict, int]:
    """Return how many findings there are of each verdict."""
    return dict(Counter(finding.verdict for finding in findings))


def counts_sentence(findings: Sequence[Finding]) -> str:
    """Return how many of how many fail, are undecided, waived, not judged, and pass."""
    found, total = tally(findings), len(findings)
    passed = found.pop(Verdict.PASS, 0)
    if not total:
        return "No check ran."
    if passed == total:
        return "The one check passes." if total == 1 else f"All {count(total)} checks pass."
    said = [f"{count(found[v])} {verbs[found[v] > 1]}" for v, verbs in _VERBS.items() if v in found]
    number, _, verb = said[0].partition(" ")
    said[0] = f"{number} of {plural(total, 'check')} {verb}"
    tail = f"; {count(passed)} {'passes' if passed == 1 else 'pass'}" if passed else ""
    return f"{listed(said)}{tail}."


def headline(findings: Sequence[Finding], verdict: RunVerdict) -> str:
    """Return the sentence beside the verdict word: the counts and what the word means here."""
    counts = counts_sentence(findings)
    if verdict is RunVerdict.UNPROVEN:
        return f"{counts} Nothing is shown to fail, but this is not a pass."
    forced = [f for f in findings if f.failing and f.verdict is Verdict.INCONCLUSIVE]
    if verdict is RunVerdict.FAIL and forced:
        verb = "fails" if len(forced) == 1 else "fail"
        strict = any(f.asked is not None and f.asked.on_inconclusive != "fail" for f in forced)
        who = "--aipm-strict" if strict else "the policy"
        return f"{counts} {count(len(forced))} inconclusive {verb} the build, as {who} asks."
    waived = sum(f.verdict is Verdict.WAIVED for f in findings)
    if verdict is RunVerdict.PASS and waived:
        return f"{counts} Without the waiver{'' if waived == 1 else 's'} this would be a FAIL."
    return counts


def voided_waivers(audit: Audit) -> str:
    """Return how many waivers were given for another model; empty for none."""
    voided = [waiver.id for waiver in audit.waivers if waiver.state == "voided"]
    if not voided:
        return ""
    return f"{plural(len(voided), 'waiver')} voided by the new model: {listed(voided)}"


def urgent_waivers(audit: Audit) -> list[str]:
    """Return what somebody must do something about: waivers that are void, over, or soon over."""
    over = [waiver.id for waiver in audit.waivers if waiver.state == "expired"]
    soon = [f"{w.id} {w.note}" for w in audit.waivers if w.state == "applied" and w.note]
    said = [
        voided_waivers(audit),
        f"{plural(len(over), 'waiver')} expired: {listed(over)}" if over else "",
        f"Waiver {listed(soon)}" if soon else "",
    ]
    return [line for line in said if line]


def missing_sentence(record: Record) -> str:
    """Return what a partial run lacks; empty for a full one."""
    if not record.partial:
        return ""
    number = len(record.missing)
    lacking = (
        f"{plural(number, 'planned check')} did not run" if number else "the run was cut short"
    )
    return f"PARTIAL: {lacking}. What is below is true, but it is not the whole audit."
