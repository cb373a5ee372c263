"""The file `audit.json`: one run over one or more policies."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from pytest_aipm.records.audit import Audit
from pytest_aipm.records.finding import Finding
from pytest_aipm.records.groups import GroupColumns
from pytest_aipm.records.plain import Frozen, canonical_json, canonical_sha256
from pytest_aipm.records.sign_off import SignOff, evidence_of
from pytest_aipm.records.verdicts import RunVerdict
from pytest_aipm.records.written import WrittenGroups, WrittenList

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "NOTICE",
    "SCHEMA",
    "Record",
    "RunInfo",
]

SCHEMA = "aipm-audit/1"


NOTICE = (
    "This file holds the counts that verdicts are derived from. It is the project's own file, "
    "not for publication; index.html, summary.md and the exports are the published views."
)


class RunInfo(Frozen):
    """How the run was made."""

    seed: int = 0
    commit: str | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    command: str = ""
    started: str = ""


class Record(Frozen):
    """The file `audit.json`: one run over one or more policies."""

    notice: str = Field(default=NOTICE, alias="_notice")
    schema_: str = Field(default=SCHEMA, alias="schema")
    verdict: RunVerdict
    partial: bool = False
    missing: tuple[str, ...] = ()
    """Planned node ids that have no finding."""
    summary: dict[str, int] = Field(default_factory=dict)
    audits: tuple[Audit, ...] = ()
    run: RunInfo = Field(default_factory=RunInfo)
    timing: dict[str, float] | None = None
    evidence: str = ""
    """What a sign-off names: a hash of what was asked and found, whenever it was run."""
    sign_offs: tuple[SignOff, ...] = ()
    digest: str = ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings of all policies, in the order of the plan."""
        return tuple(finding for audit in self.audits for finding in audit.findings)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a finding: id, check, scope, verdict, value, interval, limit, reason."""
        import pandas as pd  # noqa: PLC0415 - heavy, and only for those who ask

        rows = [
            {
                "id": finding.id,
                "check": finding.check,
                "scope": " x ".join(finding.scope) or "overall",
                "verdict": finding.verdict.value,
                "because": None if finding.because is None else finding.because.value,
                "value": finding.value,
                "lower": None if finding.interval is None else finding.interval[0],
                "upper": None if finding.interval is None else finding.interval[1],
                "min": None if finding.limit is None else finding.limit.min,
                "max": None if finding.limit is None else finding.limit.max,
                "n": finding.n,
                "reason": finding.reason,
            }
            for finding in self.findings
        ]
        return pd.DataFrame(rows)

    def write(self, folder: str | Path, exports: Iterable[str] | None = None) -> None:
        """Write `audit.json`, the HTML report and its companions into a folder.

        Parameters
        ----------
        folder : path
        exports : iterable of str, optional
            Which exports: ``sarif``, ``test-result``, ``mlbom``, ``model-card``,
            ``code-quality``; default all, none when empty.
        """
        # the one way up: a record knows how to ask for its own report
        from pytest_aipm.report import write_reports  # noqa: PLC0415

        write_reports(self, Path(folder), exports=exports)

    def raise_if_failed(self) -> None:
        """Raise CheckViolation for the first finding that turns the build red, if there is one.

        Raises
        ------
        CheckViolation
            An AssertionError with one readable message.
        CheckError
            When it could not be measured.
        """
        from pytest_aipm.report import publishable  # noqa: PLC0415 - as in `write`
        from pytest_aipm.violation import raise_for  # noqa: PLC0415

        for finding, shown in zip(self.findings, publishable(self).findings, strict=True):
            raise_for(finding, shown)

    def to_json(self) -> str:
        """Return the record as `audit.json` holds it."""
        return canonical_json(_plain(self), indent=1) + "\n"

    def with_digest(self) -> Record:
        """Return the record with its hashes: of the evidence, and of the whole.

        The digest is the sha256 of everything but timing, sign-offs and the digest itself.
        """
        evidence = evidence_of(self.audits, seed=self.run.seed)
        whole = self.model_copy(update={"evidence": evidence})
        plain = _plain(whole, "timing", "sign_offs", "digest")
        return whole.model_copy(update={"digest": canonical_sha256(plain)})

    def signed_off(self, sign_offs: Iterable[SignOff]) -> Record:
        """Return the record with sign-offs, each of which knows whether it is of this record."""
        own = {self.evidence, self.digest} - {""}
        told = tuple(each.model_copy(update={"matches": each.digest in own}) for each in sign_offs)
        return self.model_copy(update={"sign_offs": told})

    @classmethod
    def from_json(cls, text: str | bytes) -> Record:
        """Read a record back from `audit.json`."""
        return cls.model_validate_json(text)


def _plain(record: Record, *without: str) -> dict[str, Any]:
    """Return what `canonical_json` takes; what is long where groups are many writes itself."""
    long = {"__all__": {"findings": {"__all__": {"groups", "sizes", "part_names"}}}}
    plain = record.model_dump(
        mode="json", by_alias=True, exclude={"audits": long, **dict.fromkeys(without, True)}
    )
    for audit, told in zip(record.audits, plain["audits"], strict=True):
        for finding, said in zip(audit.findings, told["findings"], strict=True):
            said["groups"] = WrittenGroups(GroupColumns.of(finding.groups).columns)
            said["sizes"] = WrittenList(finding.sizes)
            said["part_names"] = WrittenList(finding.part_names)
    return plain
