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
    NotTested,
    PairingInfo,
    PolicyInfo,
    Subject,
)
from pytest_aipm.records.finding import (
    NO_WORSE,
    Asked,
    BaselineComparison,
    Detectable,
    Docs,
    Finding,
    Formula,
    GroupValue,
    Limit,
    RowsNeeded,
    Series,
    WaiverInfo,
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
from pytest_aipm.records.verdicts import (
    Because,
    RunVerdict,
    Verdict,
)

__all__ = [
    "NOTICE",
    "NO_WORSE",
    "SCHEMA",
    "Approval",
    "Asked",
    "AttributeInfo",
    "Audit",
    "AuditGroup",
    "BaselineComparison",
    "BaselineRef",
    "Because",
    "ClauseInfo",
    "Count",
    "DataInfo",
    "Detectable",
    "Docs",
    "Finding",
    "Formula",
    "Frozen",
    "GroupValue",
    "Interval",
    "Limit",
    "Loosening",
    "ModelInfo",
    "NotTested",
    "Number",
    "PackInfo",
    "PairingInfo",
    "PolicyInfo",
    "Record",
    "RowsNeeded",
    "RunInfo",
    "RunVerdict",
    "Series",
    "Subject",
    "Verdict",
    "WaiverInfo",
    "canonical_json",
]
