"""Whether the model is good, fast and cheap enough at once: one rule over several checks.

## Question
Is it accurate enough, and fast enough, and cheap enough, all at the same time?

## How it is measured
`rule` is an expression over the ids of other checks of the same policy, such as ``accuracy >= 0.80
and latency.p95_ms <= 50 and cost <= 2``. An id stands for what that check found for all rows, in
the unit of its limit; ``id.unit`` for another unit that it measures. A check by group stands for
its worst group: the highest value where its limit is a maximum, the lowest where it is a minimum.
An id that is no plain word stands in backticks: ```selection-rate` >= 0.8``.

The value is 1 where the rule holds and 0 where it is broken. Under `decide_on: interval` the rule
holds when it does so wherever each number lies between its two ends, it is broken when it is so
wherever they lie, and else these rows cannot tell. Under `point` the values alone decide. A count
has no interval, and enters as it is. What a check could not judge is unknown, and unknown is never
a pass; what broke it is an error here, too. The chart shows what other thresholds would give:
`metric` against the share of rows with the favorable decision, the chosen one marked.

## When it misleads
- Each number keeps its own confidence: a rule of three conditions, each just kept, is found broken
  in up to three times as many samples as one condition would be.
- Whether a rule over the right numbers is the right rule, nobody can measure.
- The chart holds speed and cost fixed: they rarely hang on the threshold.

## What to do
See which condition breaks, and what giving way elsewhere would buy: a smaller model, another
threshold, larger batches, or a rule instead of a model.

## If left out
The most accurate model could be chosen although it is too slow or too expensive to be of use.

## Sources
- Kleene, "Introduction to Metamathematics", 1952 (what follows from the unknown); Moore, "Interval
  Analysis", 1966.
- The rule is the policy's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import field_validator

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.framing._asked import Asked, asked
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.frontier import frontier
from pytest_aipm.expressions import ExpressionError, parse
from pytest_aipm.expressions.spans import Condition, between, conditions
from pytest_aipm.records import Formula, Series
from pytest_aipm.stats.estimate import Limit, Numbers

NEEDS = Needs()
KIND = "sample"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"min": 1}
BASIS = "the rule is the policy's own: it holds, or it does not"


class Params(CheckParams):
    """The rule, and what the chart shows."""

    rule: str
    """Conditions on ids of other checks: ``accuracy >= 0.80 and latency.p95_ms <= 50``."""
    metric: Literal["accuracy", "balanced_accuracy", "precision", "recall", "f1"] = "accuracy"
    """What the chart draws over thresholds."""

    @field_validator("rule")
    @classmethod
    def _readable(cls, rule: str) -> str:
        try:
            read = parse(rule)
        except ExpressionError as error:
            raise ValueError(f"'rule', {error}") from None
        if not read.names:
            raise ValueError("'rule' names no check; write accuracy >= 0.8, say")
        if read.is_condition is not True:
            raise ValueError(
                "'rule' is a number and no condition; compare it: accuracy >= 0.8, say"
            )
        return rule


@dataclass(frozen=True, kw_only=True)
class Ruled(Numbers):
    """Whether a rule holds: 1 or 0, and 0 to 1 where nobody can tell."""

    def at(self, sizes: Sequence[float], values: Sequence[float] | None = None) -> Ruled:
        """Return the same: what other sizes would do to it is not known here."""
        del sizes, values
        return self

    def detectable(self, limit: Limit, *, seed: int = 0) -> tuple[float, int] | None:
        """Return None: a rule has no gap."""
        del limit, seed
        return None

    def rows_needed(self, limit: Limit, *, seed: int = 0) -> tuple[float, tuple[int, ...]] | None:
        """Return None: each of its checks needs its own."""
        del limit, seed
        return None


def beside(params: Params, others: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with the names of a rule.

    Parameters
    ----------
    params : Params
    others : mapping of id to tuple of str
        The other checks of the policy, with the units that each offers.

    Yields
    ------
    key, what, fix : str
    """
    known = [
        *others,
        *(f"{each}.{unit}" for each, units in others.items() for unit in units if unit),
    ]
    try:
        parse(params.rule).require(known, what="other check")
    except ExpressionError as error:
        for problem in error.problems:
            yield "rule", f"'rule', {problem.what}", problem.fix


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    rule = parse(params.rule)
    found = {name: asked(evidence.stated, name) for name in rule.names}
    values = {name: each.span for name, each in found.items()}
    points = {name: None if math.isnan(s.value) else s.value for name, s in values.items()}
    at_value, surely = rule.evaluate(points).item(), between(rule, values)
    parts = conditions(rule, values)
    told = _told(found)
    measured = Measurement(
        estimate=None,
        formula=Formula(
            id="tradeoff",
            numerator=f"1 where the rule holds, else 0: {' '.join(rule.text.split())}",
            population=f"findings of {', '.join(sorted({each.check for each in found.values()}))}",
        ),
        summary=f"{told}: {'by the values ' if surely is None else ''}{_words(parts)}",
        n=min((each.n for each in found.values() if each.n), default=0),
        part_names=("all rows",),
        series=_series(evidence, params),
        notes=(*(f"{each.text}: {_state(each)}" for each in parts), *_notes(parts)),
        harm="down",
        undecided=_open(parts, found),
    )
    if at_value is None and surely is None:
        return measured.with_(undecided=f"{told}: {measured.undecided}")
    return measured.with_(estimate=_estimate(at_value, surely))


def _estimate(at_value: bool | None, surely: bool | None) -> Ruled:
    """Return the answer; where a missing value plays no part, the ends tell it."""
    value = float(bool(surely) if at_value is None else at_value)
    lower, upper = (0.0, 1.0) if surely is None else (float(surely),) * 2
    return Ruled(
        value=value,
        lower=min(lower, value),
        upper=max(upper, value),
        pair=(0,),
        method="ends of each check",
        aggregate="one",
        sizes=(1.0,),
        parts=((value, lower, upper),),
    )


def _told(found: Mapping[str, Asked]) -> str:
    """Return each name with its number: ``accuracy 0.84, latency.p95_ms 31``."""
    said = []
    for name, each in found.items():
        value = "unknown" if math.isnan(each.span.value) else number(each.span.value)
        said.append(f"{name[:60]} {value}")
    return ", ".join(said)


def _words(parts: Sequence[Condition]) -> str:
    broken = [each.text for each in parts if each.at_value is False]
    if not broken:
        return "all that the rule asks is so"
    return f"not so: {'; '.join(broken)}"


def _open(parts: Sequence[Condition], found: Mapping[str, Asked]) -> str:
    """Return why the rule cannot be told."""
    lacking = [each.why_not for each in found.values() if each.why_not]
    if lacking:
        return f"the rule cannot be told, because {'; '.join(lacking)}"
    open_ = [each.text for each in parts if each.surely is None]
    return f"the intervals do not tell whether {' and '.join(open_)}"


def _state(part: Condition) -> str:
    words = {True: "holds", False: "is broken", None: "is not known"}
    if part.surely is None and part.at_value is not None:
        return f"{words[part.at_value]} by the value, and the interval does not tell"
    return words[part.surely]


def _notes(parts: Sequence[Condition]) -> tuple[str, ...]:
    if len(parts) < 2:
        return ()
    said = (
        f"each of the {len(parts)} conditions keeps its own confidence: the chance that one of "
        "them is found broken by bad luck adds up"
    )
    return (said,)


def _series(evidence: Evidence, params: Params) -> tuple[Series, ...]:
    """Return the metric over thresholds, against the share of favorable decisions."""
    found = frontier(evidence, params.metric)
    if found is None or not len(found.selected):
        return ()
    return (
        Series(
            name="other thresholds",
            kind="curve",
            x=tuple(found.selected.tolist()),
            y=tuple(found.metric.tolist()),
            x_label="share of rows with the favorable decision",
            y_label=params.metric.replace("_", " "),
            counts=tuple(found.between.tolist()),
            mark=found.chosen,
        ),
    )
