"""Who stands for a reviewed run, and what exactly they stood for.

The digest of a record covers when, from which commit and with which command it was made, so the run
that follows the commit of a sign-off has another one. A sign-off therefore names the record's
``evidence``: a hash over the policy, the hashes of model and data, the decision, and what every
finding asks and found. The same model on the same rows under the same policy gives it again, on
another day and from another commit; any other value, count, limit or verdict does not.

Left out are the run's time, commit, command and versions; waivers, which have owners and ends of
their own (a waived finding enters as the fail that it is, so that no day changes it); the approved
baseline and the changes since it, because approving this very run would change them; sentences,
charts and words of the checks; and what the checks of `MOVING` found, which each day and each
sign-off changes, or which only repeats what other findings say. Numbers enter with ten significant
digits: another build of the libraries moves the last ones.

Sign-offs stand outside the record's own digest, as ``timing`` does: what was signed off may not
change by being signed off. `manifest.json` covers them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_aipm.records.audit import Audit
from pytest_aipm.records.finding import Finding
from pytest_aipm.records.groups import GroupColumns
from pytest_aipm.records.plain import Frozen, canonical_sha256
from pytest_aipm.records.verdicts import Verdict
from pytest_aipm.records.written import WrittenGroups, WrittenList

__all__ = ["SignOff", "evidence_of"]

DIGITS = 10

MOVING = frozenset(
    {"framing.claims", "governance.audit_age", "governance.sign_off", "governance.waivers"}
)
"""Checks of which the question enters, and not the answer: they count days, or sign-offs
themselves, or what other findings say."""
ANSWER = frozenset({"value", "interval", "n"})

OF_FINDING = (
    "id",
    "check",
    "scope",
    "severity",
    "kind",
    "value",
    "interval",
    "confidence",
    "unit",
    "limit",
    "warn",
    "decide_on",
    "asked",
    "n",
)
OF_GROUP = ("group", "part", "n", "numerator", "denominator", "value", "interval", "judged")
_KEPT = (str, int, type(None))


class SignOff(Frozen):
    """One person's word for a run, as it stood when the report was written.

    ``digest`` is the ``evidence`` of the record that was reviewed, or its whole digest;
    ``matches`` says whether it is this record's.
    """

    who: str
    role: str
    date: str
    digest: str
    comment: str = ""
    matches: bool = False


def evidence_of(audits: Iterable[Audit], *, seed: int) -> str:
    """Return the sha256 of what a sign-off is about; see the module's docstring.

    Parameters
    ----------
    audits : iterable of Audit
        Those made inside ordinary tests are left out: they carry their own limits.
    seed : int
        Of all resampling.
    """
    told = [_audit(audit) for audit in audits if "::" not in audit.policy.path]
    return canonical_sha256({"seed": seed, "audits": _rounded(told)})


def _audit(audit: Audit) -> dict[str, Any]:
    subject = audit.subject
    return {
        "policy": audit.policy.model_dump(mode="json", include={"name", "sha256", "min_cell"}),
        "context": audit.context,
        "subject": None
        if subject is None
        else subject.model_dump(mode="json", exclude={"model": {"trusted_by"}}),
        "groups": [group.model_dump(mode="json") for group in audit.groups],
        "findings": [_finding(finding) for finding in audit.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    if finding.check in MOVING:
        return finding.model_dump(mode="json", include=set(OF_FINDING) - ANSWER)
    waived = finding.verdict is Verdict.WAIVED
    because = None if finding.because is None else finding.because.value
    return {
        **finding.model_dump(mode="json", include=set(OF_FINDING)),
        "sizes": WrittenList(finding.sizes, _rounded),
        "part_names": WrittenList(finding.part_names),
        "groups": WrittenGroups(GroupColumns.of(finding.groups).columns, OF_GROUP, _rounded),
        "verdict": "fail" if waived else finding.verdict.value,
        "because": because,
        "failing": finding.failing or waived,
    }


def _rounded(value: Any) -> Any:
    """Return the value with ten significant digits in every number that is not whole."""
    if isinstance(value, float):
        short = value.is_integer() and abs(value) < 10**DIGITS  # as sizes of groups are
        return value if short else float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):  # most values are texts and counts, which stay as they are
        return {
            key: each if isinstance(each, _KEPT) else _rounded(each) for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value
