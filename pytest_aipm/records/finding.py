"""One check on one scope: what was asked, what was measured and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue

from pytest_aipm.records.groups import GroupColumns, Groups
from pytest_aipm.records.plain import Frozen, Interval, Number, Sparse
from pytest_aipm.records.verdicts import Because, Verdict

__all__ = [
    "BY_UNIT",
    "NO_WORSE",
    "Asked",
    "BaselineComparison",
    "Change",
    "Detectable",
    "Docs",
    "Example",
    "Finding",
    "Formula",
    "Limit",
    "RowsNeeded",
    "Series",
    "WaiverInfo",
]

BY_UNIT = "by unit"
"""Name of the series that tells a finding's value in every unit that its check offers."""

NO_WORSE = 0.02
"""Change for the worse that ``gate: no-worse`` allows where no retrains were measured.

A tolerance of 0 turns honest retrains red; see `benchmarks/retrains.py` for how often.
"""


class Limit(Frozen):
    """A lower limit, an upper limit, or both; at least one."""

    min: Number = None
    max: Number = None


class Detectable(Sparse):
    """The smallest gap these rows would have caught at 80 % power, and for which group.

    ``beyond`` is true where the gap is how far a value lies beyond the limit: of a floor, say.
    """

    SPARSE: ClassVar[frozenset[str]] = frozenset({"beyond"})

    gap: Number
    group: str | None = None
    beyond: bool | None = None


class RowsNeeded(Frozen):
    """How many rows in all, at the same group mix, would settle it, and the pair that binds."""

    total: int
    pair: tuple[str, ...] = ()


class Formula(Frozen):
    """What was computed, in words a reader can check."""

    id: str
    numerator: str = ""
    denominator: str = ""
    positive: str = ""
    population: str = ""
    reference: str = ""


class Series(Sparse):
    """Points a chart draws: a curve, bins, shares, steps or strips.

    ``kind`` is one of the kinds below; series of one kind and the same axis labels that follow
    each other share a chart. ``x`` holds numbers or labels, ``counts`` the people behind each
    point, by which small cells are withheld.

    ``curve``
        A line through the points; an axis whose label says "log" is logarithmic.
    ``reliability``
        A curve against the diagonal, with a strip of ``counts`` below it.
    ``roc``
        A curve on two logarithmic axes against the diagonal of a guess.
    ``bars``
        One bar a label, such as shares of an attribution.
    ``waterfall``
        Each ``y`` is a step from where the one before ended; the last is the total, from zero.
    ``strip``
        Distributions beside each other: over numbers, or over labels (then as pairs of bars).

    ``mark`` is the ``x`` of a curve that was chosen: a threshold or an operating point.
    """

    SPARSE: ClassVar[frozenset[str]] = frozenset({"mark"})

    name: str
    kind: str
    x: tuple[float | str, ...] = ()
    y: tuple[Number, ...] = ()
    lo: tuple[Number, ...] = ()
    hi: tuple[Number, ...] = ()
    x_label: str = ""
    y_label: str = ""
    counts: tuple[int, ...] = ()
    mark: Number = None


class Change(Frozen):
    """A value of a row that was replaced by another one, both as a reader writes them."""

    column: str
    before: str
    after: str


class Example(Frozen):
    """A row that counts against a finding: what was changed in it, and what that did.

    Nothing else of the row is kept, not even its number.
    """

    changed: tuple[Change, ...] = ()
    effect: str


class BaselineComparison(Frozen):
    """The finding beside the approved one. ``delta`` is new minus old."""

    value: Number = None
    delta: Number = None
    interval: Interval = None
    verdict: Literal["better", "same", "worse", "inconclusive"]
    paired: bool = False
    limit: Number = None
    against: Literal["baseline", "anchor", "champion"] = "baseline"
    group: str = ""
    note: str = ""
    tolerance: str = ""
    """Where ``limit`` comes from, when ``gate: no-worse`` chose it."""


class WaiverInfo(Frozen):
    """A waiver as it stood in this run."""

    id: str
    check: str
    reason: str
    owner: str
    ticket: str = ""
    created: str = ""
    expires: str
    floor: Limit | None = None
    model_sha256: str | None = None
    state: Literal["applied", "expired", "unused", "not_needed", "voided", "exceeded", "ignored"]
    note: str = ""


class Docs(Frozen):
    """A check's own words, from its docstring."""

    title: str
    question: str = ""
    how: str = ""
    misleads: str = ""
    todo: str = ""
    sources: str = ""


class Asked(Frozen):
    """What the policy asked beside limits, so that a laxer gate is noticed later."""

    max_change: Number = None
    max_total_change: Number = None
    no_worse: bool = False
    on_inconclusive: Literal["warn", "fail"] = "warn"
    min_group_size: int = 1
    unknown: Literal["report", "group", "fail"] = "report"
    max_unknown: Number = None
    params: dict[str, JsonValue] = Field(default_factory=dict)
    """Keys of the check itself, such as ``metric``, and the comparator."""


class Finding(Sparse):
    """One check on one scope: what was measured and what it means."""

    SPARSE: ClassVar[frozenset[str]] = frozenset({"conditions", "examples"})

    id: str
    nodeid: str
    check: str
    check_id: str
    scope: tuple[str, ...] = ()
    verdict: Verdict
    because: Because | None = None
    reason: str
    severity: Literal["error", "advice"] = "error"
    kind: Literal["sample", "census"] = "sample"
    value: Number = None
    interval: Interval = None
    confidence: Number = None
    method: str = ""
    unit: str = ""
    limit: Limit | None = None
    warn: Limit | None = None
    decide_on: Literal["interval", "point", "proof"] = "interval"
    asked: Asked | None = None
    detectable: Detectable | None = None
    rows_needed: RowsNeeded | None = None
    formula: Formula | None = None
    n: int = 0
    groups: Groups = ()
    sizes: tuple[float, ...] = ()
    """Denominators of the estimate's parts, for "evidence lost"."""
    part_names: tuple[str, ...] = ()
    series: tuple[Series, ...] = ()
    notes: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    """Rows that count against it, as many as the policy allows to show; mostly none."""
    conditions: dict[str, str] = Field(default_factory=dict)
    """Under what it was measured, where that decides what it may be compared with: the machine."""
    baseline: BaselineComparison | None = None
    waiver: WaiverInfo | None = None
    clauses: tuple[str, ...] = ()
    policy_line: int | None = None
    docs: Docs | None = None
    failing: bool = False
    """Whether this finding alone turns the build red."""
    foreign: tuple[str, ...] = ()
    """What exceptions and warnings of others said, as reason and notes quote it (``Type: words``).

    A model may quote a row in its exception, so these words stay in this file.
    """

    def packed(self) -> dict[str, Any]:
        """Return it in plain JSON types for another process; its groups, very many, as columns."""
        plain = self.model_dump(mode="json", exclude={"groups"})
        return {**plain, "groups": GroupColumns.of(self.groups).columns}

    @classmethod
    def unpacked(cls, packed: Mapping[str, Any]) -> Finding:
        """Return the finding that `packed` has taken apart."""
        return cls.model_validate({**packed, "groups": GroupColumns.read(packed["groups"])})
