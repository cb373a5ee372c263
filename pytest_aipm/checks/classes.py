"""Rates of a multiclass task: of some classes taken together, of one, or of each against the rest.

====================  ==========================================================================
what is asked         which rows count as the class
====================  ==========================================================================
``class: gold``       gold against all others; ``class: [gold, silver]`` takes both together
favorable classes     those against all others, where the subject names them
neither               each class against the rest in turn; the worst one is the finding's value
====================  ==========================================================================

Accuracy needs no class: a row is right when the predicted class is the label.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import ConfigDict, Field

from pytest_aipm.checks.base import CheckParams, Measurement
from pytest_aipm.checks.compare import (
    nothing_to_compare,
    population,
    reference_of,
    reference_words,
    unknown_breach,
    without_groups,
)
from pytest_aipm.checks.effective import refuse_design
from pytest_aipm.checks.rates import Rate
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.evidence.confusion import PerClass
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.subject import Classes, class_name
from pytest_aipm.records import Because, Formula, GroupValue
from pytest_aipm.stats.contrasts import Kind
from pytest_aipm.stats.worst import WorstOf, worst_disparity

__all__ = [
    "ClassParams",
    "OneClassParams",
    "chosen",
    "each_class",
    "named",
    "of_one",
    "reduced",
]

Value = bool | int | float | str


class ClassParams(CheckParams):
    """Which class of several."""

    model_config = ConfigDict(populate_by_name=True)

    class_: Value | tuple[Value, ...] | None = Field(default=None, alias="class")
    """A class of a multiclass task, against all others; a list takes several together."""

    def unfit(self, task: str, *, favorable: bool) -> tuple[str, str] | None:
        """Return why a class is no answer to a task of two classes."""
        del favorable
        if self.class_ is not None and task != "multiclass":
            fix = "remove it" if task != "binary" else "remove it: `positive` names the class"
            return f"'class' chooses among several classes, but the task is {task}", fix
        if self.class_ == ():
            return "'class' lists no class", "name one, or remove it"
        return None


class OneClassParams(ClassParams):
    """Which class of several, where one has to be chosen."""

    def unfit(self, task: str, *, favorable: bool) -> tuple[str, str] | None:
        """Return why there is no one class to speak of."""
        other = super().unfit(task, favorable=favorable)
        if other is not None or task != "multiclass" or favorable or self.class_ is not None:
            return other
        what = "a score speaks of one class, and there are several"
        return what, "add `class: NAME`, or list `favorable` classes in the subject"


def of_one(evidence: Evidence, params: ClassParams) -> Evidence:
    """Return the rows as the chosen class sees them; those of another task as they are."""
    classes = chosen(params)
    several = evidence.subject.task == "multiclass" and classes is not None
    return evidence.speaking_of(classes) if several and classes is not None else evidence


def chosen(params: ClassParams) -> Classes | None:
    """Return the classes that a check names, None where it names none."""
    named = params.class_
    if named is None:
        return None
    return Classes(named if isinstance(named, tuple) else (named,))


def reduced(evidence: Evidence, params: CheckParams, *, accuracy: bool) -> Evidence | None:
    """Return the rows as a rate of two classes sees them; None to look at each class in turn.

    Parameters
    ----------
    evidence : Evidence
    params : CheckParams
    accuracy : bool
        Whether the rate asks only if the predicted class is the label.
    """
    if evidence.subject.task != "multiclass":
        return evidence
    classes = chosen(params) if isinstance(params, ClassParams) else None
    if classes is not None:
        return evidence.speaking_of(classes)
    if accuracy:
        return evidence.viewed("right")
    return None if evidence.subject.favorable is None else evidence


def named(rate: Rate, evidence: Evidence, params: CheckParams) -> str:
    """Return the name of a rate, and of which class it is where the check names one."""
    of_class = isinstance(params, ClassParams) and params.class_ is not None
    return f"{rate.name} of {evidence.subject.names['positive']}" if of_class else rate.name


@dataclass(frozen=True)
class _Side:
    """A rate of one class."""

    rate: Rate
    code: int
    name: str
    x: np.ndarray
    n: np.ndarray


def each_class(
    evidence: Evidence, params: CheckParams, rates: Sequence[Rate], kind: Kind, formula_id: str
) -> Measurement:
    """Measure a disparity of each class against the rest, and judge the worst of them.

    Parameters
    ----------
    evidence : Evidence
        Of a multiclass task.
    params : CheckParams
    rates : sequence of Rate
        One rate, or both of equalized odds.
    kind : {"difference", "ratio"}
    formula_id : str

    Raises
    ------
    CheckError
        With weights or repeated people: name a class then.
    """
    nobody = without_groups(evidence, params, formula_id)
    if nobody is not None:
        return nobody
    refuse_design(evidence, "the worst of all classes", "name one class as `class`")
    if any(rate.needs_label for rate in rates):
        evidence.require_both_classes()
    counts = evidence.class_tables(params.by, params.unknown)
    names, known = counts.grouping.names, int(counts.sizes.sum())
    sides = _sides(counts, rates)
    reference = reference_of(evidence, params, counts.grouping)
    estimate = worst_disparity(
        [(side.x, side.n) for side in sides],
        kind,
        confidence=params.confidence,
        reference=reference,
        min_size=params.min_group_size,
    )
    worst = sides[estimate.order[0]]
    numerator, denominator = _words(worst.rate, worst.name)
    what = "class" if len(rates) == 1 else "rate of a class"
    return Measurement(
        estimate=estimate,
        formula=Formula(
            id=f"{formula_id}_of_each_class",
            numerator=numerator,
            denominator=denominator,
            positive=f"{worst.name}, the worst of {len(counts.classes)} classes",
            population=population(known, counts.unknown),
            reference=reference_words(reference, names),
        ),
        summary=_summary(estimate, sides, kind, names),
        n=known,
        groups=_groups(counts, estimate, sides, params),
        part_names=tuple(f"{group} ({_part(side)})" for side in sides for group in names),
        notes=_notes(estimate, sides, params, what),
        not_judged=_nothing(estimate, sides, names, params),
        breach=unknown_breach(params, counts.unknown, known),
        unknown=counts.unknown,
        harm="down" if kind == "ratio" else "up",
    )


def _sides(counts: PerClass, rates: Sequence[Rate]) -> list[_Side]:
    """Return each rate of each class that it can speak of: one that is labelled, or predicted."""
    found = []
    for code, value in enumerate(counts.classes):
        table = counts.against_rest(code)
        for rate in rates:
            x, n = rate.pick(table, True)
            found.append(_Side(rate, code, class_name(value), x, n))
    return found


def _part(side: _Side) -> str:
    return f"{side.rate.name} of {side.name}"


def _words(rate: Rate, name: str) -> tuple[str, str]:
    told = {"positive": name, "favorable": name}
    return (
        rate.numerator.replace(" (favorable)", "").format(**told),
        rate.denominator.format(**told),
    )


def _summary(estimate: WorstOf, sides: Sequence[_Side], kind: Kind, names: Sequence[str]) -> str:
    worst, side = estimate.worst, sides[estimate.order[0]]
    if not worst.pair or not math.isfinite(estimate.value):
        return f"{side.rate.name}: nothing to compare in any class"
    low = worst.pair[-1]
    against = "against everyone together"
    if len(worst.pair) > 1:
        against = f"{frequency(worst.parts[worst.pair[0]][0])} for {names[worst.pair[0]]}"
    return (
        f"{_part(side)}, the worst of {len({one.code for one in sides})} classes, "
        f"{frequency(worst.parts[low][0])} for {names[low]}, {against}: {kind} "
        f"{number(estimate.value)}"
    )


def _groups(
    counts: PerClass, estimate: WorstOf, sides: Sequence[_Side], params: CheckParams
) -> tuple[GroupValue, ...]:
    """Return one record a group and class, the worst class first."""
    values = []
    for place in estimate.order:
        side, of = sides[place], estimate.sides[place]
        for i, group in enumerate(counts.grouping.groups):
            value, lower, upper = of.parts[i]
            rows = int(side.n[i])
            note = "undefined: no rows in the denominator" if rows == 0 else ""
            if 0 < rows < params.min_group_size:
                note = f"not judged: fewer than {params.min_group_size} rows in the denominator"
            values.append(
                GroupValue(
                    group=group,
                    part=_part(side),
                    n=int(counts.sizes[i]),
                    numerator=int(side.x[i]),
                    denominator=rows,
                    value=value,
                    interval=None if rows == 0 else (lower, upper),
                    judged=rows >= params.min_group_size,
                    note=note,
                )
            )
    return tuple(values)


def _notes(
    estimate: WorstOf, sides: Sequence[_Side], params: CheckParams, what: str
) -> tuple[str, ...]:
    undefined = [sides[place] for place in estimate.order if not _finite(estimate, place)]
    said = [f"each {what} against the rest; corrected for {len(sides)} of them"]
    if undefined:
        shown = ", ".join(dict.fromkeys(side.name for side in undefined[:5]))
        more = f" and {len(undefined) - 5} more" if len(undefined) > 5 else ""
        effect = "left out" if params.min_group_size > 1 else "so compliance is not proven"
        said.append(f"fewer than two groups have a defined rate of {shown}{more}: {effect}")
    return tuple(said)


def _finite(estimate: WorstOf, place: int) -> bool:
    return math.isfinite(estimate.sides[place].value)


def _nothing(
    estimate: WorstOf, sides: Sequence[_Side], names: Sequence[str], params: CheckParams
) -> tuple[Because, str] | None:
    nothing = [nothing_to_compare(names, side.n, params, side.rate.name) for side in sides]
    if all(nothing):
        return nothing[0]
    if math.isfinite(estimate.value):
        return None
    return Because.NO_EVIDENCE, "no class has a rate that can be compared"
