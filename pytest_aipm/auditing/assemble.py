"""From findings to the record."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata
from itertools import chain

from pytest_aipm import __version__
from pytest_aipm.auditing.claims import claims_of
from pytest_aipm.auditing.git import git
from pytest_aipm.auditing.header import header_of
from pytest_aipm.auditing.history import read_history, with_releases
from pytest_aipm.auditing.plan import Plan
from pytest_aipm.auditing.waiving import states
from pytest_aipm.judge import audit_verdict, run_verdict, summary_of
from pytest_aipm.policy.model import Policy
from pytest_aipm.records import Audit, Finding, Record, RunInfo

__all__ = ["assemble", "versions"]

LIBRARIES = ("fairlearn", "numpy", "pandas", "pyarrow", "pytest", "scikit-learn", "scipy")


def assemble(
    plan: Plan,
    findings: Mapping[str, Finding],
    *,
    headers: Mapping[str, Audit],
    interrupted: bool = False,
    planned: Sequence[str] | None = None,
    command: str = "",
    started: str = "",
    timing: dict[str, float] | None = None,
    extra: Sequence[tuple[Audit, ...]] = (),
) -> Record:
    """Make the record of a run.

    Parameters
    ----------
    plan : Plan
    findings : mapping of node id to Finding
    headers : mapping of policy name to Audit
        As `Auditor.header` gave them; a missing one is made from the plan.
    interrupted : bool
        Whether the run ended early.
    planned : sequence of str, optional
        All node ids; default those of the plan.
    command, started : str
        For the record.
    timing : dict or None
        Seconds; null for reproducible files.
    extra : sequence of tuple of Audit
        Audits made inside ordinary tests, complete with findings.

    Returns
    -------
    Record
        With its digest.
    """
    planned = plan.nodeids() if planned is None else list(planned)
    missing = tuple(nodeid for nodeid in planned if nodeid not in findings)
    partial = interrupted or bool(missing)
    audits = [
        audit
        for policy in plan.policies
        if (audit := _audit(plan, policy, findings, headers.get(policy.name))) is not None
    ]
    audits = [
        audit.model_copy(update={"verdict": audit_verdict(audit, partial=partial)})
        for audit in (*audits, *chain.from_iterable(extra))
    ]
    record = Record(
        verdict=run_verdict(audits, partial=partial),
        partial=partial,
        missing=missing,
        summary=summary_of(audits),
        audits=tuple(audits),
        run=RunInfo(
            seed=plan.settings.seed,
            commit=git(plan.settings.root, "rev-parse", "HEAD") or None,
            versions=versions(),
            command=command,
            started=started,
        ),
        timing=timing,
    )
    path = plan.settings.history
    if path is not None:
        record = with_releases(record, read_history(path, shown=plan.settings.shown(path)))
    return record.with_digest().signed_off(plan.sign_offs)


def _audit(
    plan: Plan, policy: Policy, findings: Mapping[str, Finding], header: Audit | None
) -> Audit | None:
    """Return one policy's audit, None when none of its nodes ran."""
    own = tuple(
        findings[nodeid]
        for node in policy.nodes()
        if (nodeid := plan.nodeid(policy, node)) in findings
    )
    if not own:
        return None
    audit = header or header_of(plan, policy, None)
    audit = audit.model_copy(update={"findings": own, "waivers": states(plan, policy.name, own)})
    approved = plan.approved(policy)
    if approved is not None and len(own) == len(policy.nodes()):
        weakened = approved.weakened(audit, seed=plan.settings.seed)
        changes = approved.changes(audit)
        ref = approved.ref.model_copy(update={"weakened": weakened, "changes": changes})
        audit = audit.model_copy(update={"baseline": ref})
    return audit.model_copy(update={"claims": claims_of(policy, own)})


def versions() -> dict[str, str]:
    """Return the versions of Python, this package and the libraries behind the numbers."""
    found = {"python": platform.python_version(), "pytest-aipm": __version__}
    return found | {name: version for name in LIBRARIES if (version := _version(name))}


@cache
def _version(name: str) -> str:
    """Return the version of an installed library, empty where it is not: read from a file, once."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
