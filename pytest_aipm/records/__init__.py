"""The record of an audit: `audit.json`, and the only thing that reports may read.

Everything here is frozen and made of plain JSON types. Numbers that are not finite become null;
the finding's ``note`` or ``reason`` then says why.
"""

from pytest_aipm.records.audit import (
    Approval,
    AttributeInfo,
    Audit,
    AuditGroup,
    BaselineRef,
    DataInfo,
    Loosening,
    ModelInfo,
    PairingInfo,
    PolicyInfo,
    Subject,
)
from pytest_aipm.records.context import (
    BaselineChanges,
    Claim,
    Missing,
    NotTested,
    Period,
    Turned,
    Undeclared,
)
from pytest_aipm.records.finding import (
    BY_UNIT,
    NO_WORSE,
    Asked,
    BaselineComparison,
    Change,
    Detectable,
    Docs,
    Example,
    Finding,
    Formula,
    Limit,
    RowsNeeded,
    Series,
    WaiverInfo,
)
from pytest_aipm.records.groups import GroupColumns, GroupNames, GroupValue
from pytest_aipm.records.history import (
    HISTORY,
    HistoryLine,
    PastAudit,
    PastFinding,
    Release,
)
from pytest_aipm.records.packs import ClauseInfo, PackInfo
from pytest_aipm.records.plain import (
    Count,
    Frozen,
    Interval,
    Number,
    canonical_json,
)
from pytest_aipm.records.record import (
    NOTICE,
    SCHEMA,
    Record,
    RunInfo,
)
from pytest_aipm.records.sign_off import SignOff, evidence_of
from pytest_aipm.records.verdicts import (
    Because,
    RunVerdict,
    Verdict,
)
from pytest_aipm.records.written import WrittenGroups

__all__ = [
    "BY_UNIT",
    "HISTORY",
    "NOTICE",
    "NO_WORSE",
    "SCHEMA",
    "Approval",
    "Asked",
    "AttributeInfo",
    "Audit",
    "AuditGroup",
    "BaselineChanges",
    "BaselineComparison",
    "BaselineRef",
    "Because",
    "Change",
    "Claim",
    "ClauseInfo",
    "Count",
    "DataInfo",
    "Detectable",
    "Docs",
    "Example",
    "Finding",
    "Formula",
    "Frozen",
    "GroupColumns",
    "GroupNames",
    "GroupValue",
    "HistoryLine",
    "Interval",
    "Limit",
    "Loosening",
    "Missing",
    "ModelInfo",
    "NotTested",
    "Number",
    "PackInfo",
    "PairingInfo",
    "PastAudit",
    "PastFinding",
    "Period",
    "PolicyInfo",
    "Record",
    "Release",
    "RowsNeeded",
    "RunInfo",
    "RunVerdict",
    "Series",
    "SignOff",
    "Subject",
    "Turned",
    "Undeclared",
    "Verdict",
    "WaiverInfo",
    "WrittenGroups",
    "canonical_json",
    "evidence_of",
]
