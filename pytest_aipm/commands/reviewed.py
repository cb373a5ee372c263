"""What nobody should put their name to without saying so: partial, empty and red runs."""

from __future__ import annotations

from pytest_aipm.errors import AipmError, Problem
from pytest_aipm.records import Record, RunVerdict

__all__ = ["refuse_unfit"]


def refuse_unfit(
    record: Record,
    shown: str,
    *,
    error: type[AipmError],
    whole: str,
    judged: str,
    red_is_accepted: bool,
) -> None:
    """Refuse a run that is partial, judged nothing, or failed where that is not accepted.

    Parameters
    ----------
    record : Record
    shown : str
        Its folder as messages print it.
    error : type of AipmError
    whole, judged : str
        How to mend a partial run, and one without a finding.
    red_is_accepted : bool

    Raises
    ------
    AipmError
        As `error`.
    """
    if record.partial:
        what = f"the run is partial: {len(record.missing)} planned checks have no finding"
        raise error(Problem(what, whole, shown))
    if not record.findings:
        raise error(Problem("the run judged nothing", judged, shown))
    if record.verdict is RunVerdict.FAIL and not red_is_accepted:
        failed = [finding.id for finding in record.findings if finding.failing]
        what = f"the run failed ({', '.join(failed[:3])}{', ...' if len(failed) > 3 else ''})"
        fix = "mend it, or say that it is known: --red-is-accepted"
        raise error(Problem(what, fix, shown))
