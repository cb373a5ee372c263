"""How often people override, appeal or complain, in all or by group; how soon they look.

## Question
Do people oversee the model's decisions, and do all groups find the same way to be heard?

## How it is measured
`log` names a table of decisions, one row a case, in the order of time. The value is the share of
decisions that were overridden (of those that somebody reviewed, where a column says so), appealed
or complained about (of all), as `of` says, with Clopper-Pearson ends. By groups it is the highest
rate minus the lowest, as in `fairness.demographic_parity_difference`: score tests of all pairs, the
lower end corrected for how many there are. Groups are the protected attributes of the audited rows,
joined by id, or a column of the log (`group`). `max_median_days` and `max_p90_days` ask for the
time from a decision to its review: the quantile lies between two order statistics, whatever the
distribution is. Rows that contradict each other are an error; they are named by number.

## When it misleads
- A low rate of overrides can mean a good model, or reviewers who look at nothing: set a `min`, too.
- Who does not know of a way to appeal does not appeal: low rates of a group may be its silence.
- Decisions that wait for their review have no time yet, and only those that were reviewed count.
- Several cases of one person, or one reviewer's habits, hang together; the ends take each case as
  one draw.

## What to do
Read cases of the group that is overridden most and least; look at who reviews them, and how long
people wait. Tell people of the group that never appeals how it is done.

## If left out
Nobody would know whether people can contradict the model, and whether some never do.

## Sources
- Regulation (EU) 2024/1689, article 14 (human oversight) and 86; GDPR, article 22(3).
- Clopper, Pearson, 1934; Farrington, Manning, 1990; Thompson, 1936, on order statistics.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.compare import (
    nothing_to_compare,
    population,
    reference_of,
    reference_words,
    unknown_breach,
)
from pytest_aipm.checks.disparity import compared
from pytest_aipm.checks.governance._log import months, notes_of, waits
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.evidence.decision_log import (
    DecisionLog,
    Layout,
    groups_of_column,
    groups_of_people,
    read_log,
)
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import Grouping
from pytest_aipm.records import Because, Formula, GroupValue
from pytest_aipm.stats.disparity import rate_difference
from pytest_aipm.stats.estimate import Estimate
from pytest_aipm.stats.quantiles import quantile_of
from pytest_aipm.stats.single import rate

NEEDS = Needs()
KIND = "sample"
SCOPES = "either"
UNITS = ("", "median_days", "p90_days")
TASKS = ("binary", "multiclass", "regression", "ranking")

_QUANTILES = {"median_days": 0.5, "p90_days": 0.9}
_EVENTS = {
    "overrides": ("override rate", "decisions that a person overrode"),
    "appeals": ("appeal rate", "decisions that were appealed"),
    "complaints": ("complaint rate", "decisions that somebody complained about"),
}


class Params(CheckParams):
    """Which log, what is counted, and which column holds what."""

    log: str = Field(min_length=1)
    """The decisions: a file (csv, parquet, feather, jsonl), or `package.module:function`."""
    of: Literal["overrides", "appeals", "complaints"] = "overrides"
    """What is counted, where the limit speaks of a rate."""
    group: str | None = None
    """A column of the log with groups, in place of `by`."""
    case: str = "case_id"
    """Column that tells the cases apart."""
    person: str | None = None
    """Column with the ids of the audited rows; without it, that of the cases."""
    decided_at: str = "decided_at"
    """Column with the time of the decision."""
    reviewed_at: str | None = None
    """Column with the time of the review, empty where there was none."""
    reviewer: str | None = None
    """Column that says who reviewed, empty where nobody did."""
    overridden: str = "overridden"
    """Column of yes and no: whether a person decided otherwise."""
    appealed: str = "appealed"
    """Column of yes and no: whether the decision was appealed."""
    complaint: str = "complaint"
    """Column of yes and no: whether somebody complained."""
    empty: Literal["refuse", "no"] = "refuse"
    """What an empty cell of such a column means."""
    in_order: bool = True
    """Whether rows must follow each other in time."""

    @model_validator(mode="after")
    def _one_kind(self) -> Params:
        if self.group is not None and self.by:
            raise ValueError("'group' and 'by' both name groups; keep one of them")
        if self.unit and (self.group is not None or self.by):
            raise ValueError(
                "the time to a review is asked of all cases together; remove 'by' and 'group'"
            )
        if self.unit and self.reviewed_at is None:
            raise ValueError("the time to a review needs its column; add `reviewed_at: COLUMN`")
        return self

    def layout(self) -> Layout:
        """Return which column holds what."""
        column = {
            "overrides": self.overridden,
            "appeals": self.appealed,
            "complaints": self.complaint,
        }[self.of]
        reviewed = bool(self.unit) or self.of == "overrides"
        return Layout(
            case=self.case,
            person=self.person or self.case,
            decided_at=self.decided_at,
            reviewed_at=self.reviewed_at if reviewed else None,
            reviewer=self.reviewer if reviewed else None,
            event=None if self.unit else column,
            after_review=self.of == "overrides",
            group=self.group,
            in_order=self.in_order,
            empty_is_no=self.empty == "no",
        )


def value_range(params: Params) -> tuple[float, float]:
    """Return the lowest and the highest value of the limit's unit."""
    if params.unit:
        return 0.0, float("inf")
    return (-1.0, 1.0) if params.by or params.group else (0.0, 1.0)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    log = read_log(evidence, params.log, params.layout())
    if params.unit:
        return _time(log, params)
    assert log.event is not None  # noqa: S101 - the layout names it
    counted = np.ones(log.n, dtype=bool)
    if params.of == "overrides" and log.reviewed is not None:
        counted = log.reviewed
    if params.by or params.group:
        return _by_group(evidence, params, log, counted)
    return _rate(log, params, counted)


def _words(params: Params, log: DecisionLog) -> tuple[str, str, str]:
    """Return the rate's name, what is counted, and of what."""
    name, events = _EVENTS[params.of]
    reviewed = params.of == "overrides" and log.reviewed is not None
    return name, events, "decisions that a person reviewed" if reviewed else "decisions"


def _rate(log: DecisionLog, params: Params, counted: np.ndarray) -> Measurement:
    assert log.event is not None  # noqa: S101
    x, n = int((log.event & counted).sum()), int(counted.sum())
    name, events, decisions = _words(params, log)
    measured = Measurement(
        estimate=None,
        formula=Formula(
            id=name.replace(" ", "_"),
            numerator=events,
            denominator=decisions,
            population=f"{log.n:,} decisions of the log",
        ),
        summary="",
        n=n,
        part_names=("all rows",),
        notes=notes_of(log),
    )
    if n == 0:
        why = f"nobody reviewed any of {log.n:,} decisions, so none could be overridden"
        return measured.with_(summary=why, not_judged=(Because.NO_EVIDENCE, why))
    return measured.with_(
        estimate=rate(x, n, params.confidence),
        summary=f"{name}: {frequency(x / n)} {decisions} ({x:,} of {n:,})",
        series=(months(log, counted, name),),
    )


def _by_group(
    evidence: Evidence, params: Params, log: DecisionLog, counted: np.ndarray
) -> Measurement:
    assert log.event is not None  # noqa: S101
    notes = notes_of(log)
    if params.group is not None:
        grouping, group = groups_of_column(log, params.group, params.unknown)
    else:
        grouping, group, strangers = groups_of_people(evidence, log, params.by, params.unknown)
        if strangers:
            said = f"of {strangers:,} decisions the person is none of the audited rows"
            notes = (*notes, f"{said}; they have no group")
    inside = counted & (group >= 0)
    k, unknown = len(grouping.keys), int((counted & (group < 0)).sum())
    n = np.bincount(group[inside], minlength=k).astype(float)
    x = np.bincount(group[inside & log.event], minlength=k).astype(float)
    name, events, decisions = _words(params, log)
    names = grouping.names
    reference = reference_of(evidence, params, grouping) if k else "highest"
    breach_by = params if params.by else params.model_copy(update={"by": (params.group,)})
    formula = Formula(
        id=f"{name.replace(' ', '_')}_difference",
        numerator=events,
        denominator=decisions,
        population=population(int(n.sum()), unknown),
        reference=reference_words(reference, names),
    )
    breach = unknown_breach(breach_by, unknown, int(n.sum()))
    if not k or not n.sum():
        why = f"none of {int(counted.sum()):,} {decisions} has a group"
        return Measurement(
            estimate=None,
            formula=formula,
            summary=why,
            n=0,
            not_judged=(Because.NO_EVIDENCE, why),
            breach=breach,
            unknown=unknown,
        )
    estimate = rate_difference(
        x,
        n,
        confidence=params.confidence,
        reference=reference,
        min_size=params.min_group_size,
    )
    return Measurement(
        estimate=estimate,
        formula=formula,
        summary=compared(name, "difference", estimate, names, frequency),
        n=int(n.sum()),
        groups=_groups(grouping, x, n, estimate, params.min_group_size),
        part_names=names,
        notes=notes,
        not_judged=nothing_to_compare(names, n, params, name),
        breach=breach,
        unknown=unknown,
    )


def _groups(
    grouping: Grouping, x: np.ndarray, n: np.ndarray, estimate: Estimate, least: int
) -> tuple[GroupValue, ...]:
    found = []
    for group, events, rows, (value, low, high) in zip(
        grouping.groups, x, n, estimate.parts, strict=True
    ):
        note = "" if rows >= least else f"not judged: fewer than {least} decisions"
        found.append(
            GroupValue(
                group=group,
                n=int(rows),
                numerator=int(events),
                denominator=int(rows),
                value=value,
                interval=None if not rows else (low, high),
                judged=bool(rows >= least),
                note="undefined: no decision of this group" if not rows else note,
            )
        )
    return tuple(found)


def _time(log: DecisionLog, params: Params) -> Measurement:
    assert log.days is not None  # noqa: S101 - the parameters want its column
    days = log.days[np.isfinite(log.days)]
    share = _QUANTILES[params.unit]
    what = "median" if share == 0.5 else "90 % quantile"
    waiting = log.n - len(days)
    notes = (f"{waiting:,} of {log.n:,} decisions have no review, and no time",) if waiting else ()
    measured = Measurement(
        estimate=None,
        formula=Formula(
            id=f"time_to_review_{params.unit}",
            numerator=f"{what} of the days from a decision to its review",
            denominator="",
            population=f"{len(days):,} decisions that were reviewed",
        ),
        summary="",
        n=len(days),
        part_names=("all rows",),
        notes=(*notes_of(log), *notes),
    )
    if not len(days):
        why = f"none of {log.n:,} decisions was reviewed"
        return measured.with_(summary=why, not_judged=(Because.NO_EVIDENCE, why))
    estimate = quantile_of(days, share, params.confidence)
    of_them = "half" if share == 0.5 else "9 in 10"
    unit = "day" if estimate.value == 1 else "days"
    return measured.with_(
        estimate=estimate,
        summary=f"{of_them} of {len(days):,} reviews came within {number(estimate.value)} {unit}",
        series=(waits(days),),
    )
