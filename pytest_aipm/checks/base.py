"""What every check is made of: its needs, its parameters, and the measurement it returns.

A check module holds a docstring (title and the sections ``Question``, ``How it is measured``,
``When it misleads``, ``What to do``, ``Sources``), the constants below, a class ``Params`` and a
pure function ``check(evidence, params) -> Measurement``.

========================  =================================================================
constant                  meaning
========================  =================================================================
``NEEDS``                 which evidence it asks for (`Needs`)
``KIND``                  ``sample`` (an estimate, judged by its interval) or ``census``; where it
                          depends on the parameters, a function ``kind(params)`` beside it
``SCOPES``                ``groups``, ``overall`` or ``either``
``UNITS``                 limit units: ``("",)`` for ``min``/``max``, ``"auc"`` for ``max_auc``
``DECIDE_ON``             optional default of ``decide_on``
``DEFAULT_LIMIT``         optional default limit, for example ``{"max": 0.01}``
``RANGE``                 optional lowest and highest value there can be, so that a limit nobody
                          can break is refused; or a function ``value_range(params)``
``TASKS``                 tasks it applies to
``DEEP``                  True when it refits the model: it runs under ``--aipm-deep`` alone
``beside``                optional ``beside(params, others)``: what is wrong with ids of other
                          checks that it names, as (key, what, fix); ``others`` has their units
``wishes``                optional ``wishes(evidence, params)``: what it is going to ask of all
                          rows (`evidence.wishes`), so that one pass answers all checks
``WEIGHTED``              True when it heeds weights and people with several rows; a check that does
                          not say so is refused where a policy has them
========================  =================================================================
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pytest_aipm.records import Because, Example, Formula, GroupValue, Series
from pytest_aipm.stats.estimate import Estimate

__all__ = [
    "CheckParams",
    "Comparison",
    "Measurement",
    "Needs",
    "Unknown",
    "kind_for",
    "needs_of",
    "range_of",
]

Unknown = Literal["report", "group", "fail"]


@dataclass(frozen=True)
class Needs:
    """Which evidence a check asks for; the plan collects the union in one pass.

    Attributes
    ----------
    predictions : bool
        Decisions (binary) or predicted values (regression).
    label : bool
        The label column, with a value in every row.
    answer : bool
        A label column, whatever its values are; the check reads them itself.
    scores : bool
        Scores of the positive class, kept as distinct values with counts; predicted numbers of a
        regression.
    rows : bool
        Row-level labels, predictions and scores, as far as the subject has them, for metrics that
        only a callable can compute.
    model : bool
        A model that can be called on new rows.
    train : bool
        Training rows.
    train_too : bool
        Training rows where the subject names them; it does without.
    losses : frozenset of str
        Row losses whose moments are summed per group (`evidence.losses`).
    """

    predictions: bool = False
    label: bool = False
    answer: bool = False
    scores: bool = False
    rows: bool = False
    model: bool = False
    train: bool = False
    train_too: bool = False
    losses: frozenset[str] = frozenset()

    def __or__(self, other: Needs) -> Needs:
        """Return the union of both."""
        return Needs(
            predictions=self.predictions or other.predictions,
            label=self.label or other.label,
            answer=self.answer or other.answer,
            scores=self.scores or other.scores,
            rows=self.rows or other.rows,
            model=self.model or other.model,
            train=self.train or other.train,
            train_too=self.train_too or other.train_too,
            losses=self.losses | other.losses,
        )


def needs_of(module: ModuleType, params: CheckParams) -> Needs:
    """Return what a check needs for these parameters.

    A module whose needs depend on its parameters defines ``needs(params) -> Needs``; the others
    state the constant ``NEEDS``.
    """
    ask = getattr(module, "needs", None)
    needs = module.NEEDS if ask is None else ask(params)
    assert isinstance(needs, Needs)  # noqa: S101
    return needs


def kind_for(module: ModuleType, params: CheckParams) -> Literal["census", "sample"]:
    """Return whether a check counts the given rows or estimates, for these parameters.

    A module for which that depends on its parameters defines ``kind(params)``; the others state the
    constant ``KIND``.
    """
    ask = getattr(module, "kind", None)
    kind: Literal["census", "sample"] = module.KIND if ask is None else ask(params)
    return kind


def range_of(module: ModuleType, params: CheckParams) -> tuple[float, float]:
    """Return the lowest and the highest value a check can give; infinite where it does not say."""
    ask = getattr(module, "value_range", None)
    low, high = getattr(module, "RANGE", (-math.inf, math.inf)) if ask is None else ask(params)
    return float(low), float(high)


class CheckParams(BaseModel):
    """What every check is told; a check's own ``Params`` adds its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    by: tuple[str, ...] = ()
    """Attributes of this node's scope; empty means overall."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """Level of each one-sided end of the interval."""
    min_group_size: int = Field(default=1, ge=1)
    """Smaller groups (by the metric's denominator) are counted but not judged."""
    unknown: Unknown = "report"
    """What a missing group value means: counted apart, a group of its own, or a failure."""
    max_unknown: float = Field(default=0.05, ge=0, le=1)
    """Largest share of unknown rows before the node fails by count."""
    reference: str | None = None
    """Compared with whom: highest, largest, overall or a group's name."""
    seed: int = 0
    """Seed of all resampling."""
    unit: str = ""
    """Unit of the limit, for checks that offer several."""

    def unfit(self, task: str, *, favorable: bool) -> tuple[str, str] | None:
        """Return what these parameters ask that a task cannot answer, and what to write instead.

        Parameters
        ----------
        task : str
            Of the subject.
        favorable : bool
            Whether the subject names favorable classes.
        """
        del task, favorable
        return None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A change against an earlier model on the same rows, computed by the check itself."""

    value: float
    delta: float
    lower: float
    upper: float
    group: str = ""
    paired: bool = True


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What a check found, before anyone judges it.

    Attributes
    ----------
    estimate : Estimate or None
        Value, both ends and how they would look at other sizes; None when nothing could be
        estimated, `not_judged` then says why.
    summary : str
        What was seen, as a sentence without verdict: "the selection rate of Black is 0.61 of
        the highest (White)".
    n : int
        Rows the estimate rests on.
    groups : tuple of GroupValue
        One entry a group (and part).
    part_names : tuple of str
        Names of the estimate's parts, in its order.
    not_judged : tuple of (Because, str) or None
        Why there is nothing to judge.
    undecided : str
        Why it is inconclusive where nothing could be estimated, or the interval does not tell.
    breach : tuple of (Because, str) or None
        A failure by count, whatever the interval says (unknown groups).
    champion : Comparison or None
        The change against the champion's decisions on the same rows.
    harm : {"up", "down"}
        The direction of the value that is worse.
    examples : tuple of Example
        Rows that count against it, the worst first; the policy says whether and how many are kept.
    conditions : mapping of str to str
        What must be the same for this value and an approved one to be compared: the machine.
    """

    estimate: Estimate | None
    formula: Formula
    summary: str
    n: int
    method: str = ""
    groups: Sequence[GroupValue] = ()
    part_names: tuple[str, ...] = ()
    series: tuple[Series, ...] = ()
    examples: tuple[Example, ...] = ()
    notes: tuple[str, ...] = ()
    not_judged: tuple[Because, str] | None = None
    breach: tuple[Because, str] | None = None
    undecided: str = ""
    unknown: int = 0
    champion: Comparison | None = None
    harm: Literal["up", "down"] = "up"
    conditions: Mapping[str, str] = field(default_factory=dict)

    def with_(self, **changes: Any) -> Measurement:
        """Return a copy with some fields replaced."""
        return replace(self, **changes)
