"""What the judge's word and a waiver make of a finding, against what is written."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pytest_aipm.judge import Judgement, decide
from pytest_aipm.records import Finding, Record, Verdict, WaiverInfo

__all__ = ["outcome_faults"]

OPEN = "these rows cannot tell"
"""Behind it stands how many rows would tell, which the interval alone does not say."""


def outcome_faults(
    judgement: Judgement, finding: Finding, record: Record, *, words: bool
) -> Iterator[str]:
    """Yield where verdict, reason or waiver are not what the judge's word and the waiver make."""
    verdict, failing, reason = judgement.verdict, judgement.failing, judgement.reason
    waiver = finding.waiver
    if waiver is not None and waiver.state == "applied":
        yield from _covers(waiver, judgement, finding, record)
        verdict, failing = Verdict.WAIVED, False
    elif waiver is not None and waiver.note and failing:
        reason = f"{reason} ({waiver.note})"
    if (
        waiver is not None
        and waiver.state == "expired"
        and waiver.expires >= record.run.started[:10]
    ):
        yield f"waiver {waiver.id} had not expired on the day of the run"
    if finding.verdict is not verdict:
        yield f"its verdict reads {finding.verdict.value}, it follows {verdict.value}"
    if finding.because is not judgement.because:
        follows = "nothing" if judgement.because is None else judgement.because.value
        reads = "nothing" if finding.because is None else finding.because.value
        yield f"its cause reads {reads}, it follows {follows}"
    if finding.failing != failing:
        yield f"failing reads {str(finding.failing).lower()}, it follows {str(failing).lower()}"
    said = " ".join(reason.split())
    if words and said != finding.reason:
        yield "its reason is not the sentence that its counts give"
    elif said.partition(OPEN)[0] not in finding.reason:
        yield "its reason is not that of its interval and limit"


def _covers(
    waiver: WaiverInfo, judgement: Judgement, finding: Finding, record: Record
) -> Iterator[str]:
    """Yield why a waiver cannot have been applied."""
    if waiver.check != finding.id:
        yield f"waiver {waiver.id} is for {waiver.check}"
    if not judgement.failing:
        yield f"waiver {waiver.id} covers a finding that does not fail"
    if record.run.started and waiver.expires < record.run.started[:10]:
        yield f"waiver {waiver.id} had expired on the day of the run"
    if waiver.floor is not None and finding.value is not None and finding.interval is not None:
        lower, upper = finding.interval
        ends = (-math.inf if lower is None else lower, math.inf if upper is None else upper)
        if decide(finding.value, *ends, waiver.floor, finding.decide_on) == "breach":
            yield f"it lies beyond the floor of waiver {waiver.id}"
