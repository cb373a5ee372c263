"""What every comparison of groups needs: the comparator, who can be compared, who is unknown."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Literal

import numpy as np

from pytest_aipm.checks.base import CheckParams, Measurement
from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import Grouping
from pytest_aipm.records import Because, Formula

__all__ = [
    "PartReference",
    "Reference",
    "nothing_to_compare",
    "part_reference",
    "population",
    "reference_of",
    "reference_words",
    "unknown_breach",
    "without_groups",
]

Keyword = Literal["highest", "largest", "overall"]
Reference = Keyword | int
PartReference = Literal["highest", "largest"] | int

KEYWORDS: dict[Keyword, str] = {
    "highest": "all pairs",
    "largest": "the largest group",
    "overall": "everyone together",
}
"""Comparators that are no group, and what they are called."""


def reference_of(evidence: Evidence, params: CheckParams, groups: Grouping) -> Reference:
    """Return the comparator as the statistics want it: a keyword or a group's number.

    Raises
    ------
    CheckError
        When the named group does not occur.
    """
    wanted = params.reference
    if wanted is None and len(params.by) == 1:
        wanted = evidence.subject.attribute(params.by[0]).reference
    if wanted is None:
        return "highest"
    for keyword in KEYWORDS:
        if wanted == keyword:
            return keyword
    plain = [name.replace(" · ", ", ") for name in groups.names]
    for names in (list(groups.names), plain):
        if wanted in names:
            return names.index(wanted)
    near = difflib.get_close_matches(wanted, (*groups.names, *KEYWORDS), n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"groups: {', '.join(groups.names[:8])}"
    raise CheckError(Problem(f"reference group {wanted!r} does not occur", hint))


def part_reference(evidence: Evidence, params: CheckParams, groups: Grouping) -> PartReference:
    """Return the comparator of numbers that are no rates; they have no overall value.

    Raises
    ------
    CheckError
        For ``overall``, and when the named group does not occur.
    """
    reference = reference_of(evidence, params, groups)
    if reference == "overall":
        raise CheckError(
            Problem(
                "`reference: overall` compares rates only",
                "use highest, largest or a group's name",
            )
        )
    return reference


def reference_words(reference: Reference, names: Sequence[str]) -> str:
    """Return the comparator as a reader names it."""
    return names[reference] if isinstance(reference, int) else KEYWORDS[reference]


def nothing_to_compare(
    names: Sequence[str], sizes: np.ndarray, params: CheckParams, what: str
) -> tuple[Because, str] | None:
    """Return why fewer than two groups can be compared, or None.

    Parameters
    ----------
    names : sequence of str
        The groups.
    sizes : array of shape (K,)
        Rows in the denominator; 0 where the metric is undefined.
    params : CheckParams
    what : str
        The metric's name.
    """
    if int(np.count_nonzero(sizes >= params.min_group_size)) >= 2:
        return None
    if len(names) < 2:
        only = f" ({names[0]})" if names else ""
        return Because.NO_EVIDENCE, f"there is only one group{only}: nothing to compare"
    size = f" with at least {params.min_group_size} rows" if params.min_group_size > 1 else ""
    return (
        Because.NO_EVIDENCE,
        f"fewer than two groups{size} have a defined {what}: nothing to compare",
    )


def unknown_breach(params: CheckParams, unknown: int, known: int) -> tuple[Because, str] | None:
    """Return the failure by count of rows without a group, or None."""
    if params.unknown == "group" or not unknown:
        return None
    share = unknown / (unknown + known)
    where = " or ".join(params.by)
    if params.unknown == "fail":
        rows = "1 row has" if unknown == 1 else f"{unknown:,} rows have"
        return Because.UNKNOWN, f"{rows} no {where}, and the policy allows none"
    if share > params.max_unknown:
        why = (
            f"{unknown:,} of {unknown + known:,} rows ({share:.1%}) have no {where}; at most "
            f"{params.max_unknown:.1%} may be unknown"
        )
        return Because.UNKNOWN, why
    return None


def without_groups(evidence: Evidence, params: CheckParams, formula_id: str) -> Measurement | None:
    """Return what there is to say when no row has a group, or None."""
    if not params.by:
        return None
    counts = evidence.counts(params.by, params.unknown)
    if counts.grouping.keys:
        return None
    why = f"there is no group: every row's {' or '.join(params.by)} is missing"
    return Measurement(
        estimate=None,
        formula=Formula(id=formula_id),
        summary=why,
        n=0,
        not_judged=(Because.NO_EVIDENCE, why),
        breach=unknown_breach(params, counts.unknown, 0),
        unknown=counts.unknown,
    )


def population(known: int, unknown: int, *, grouped: bool = True) -> str:
    """Return which rows a number speaks of."""
    text = f"{known:,} rows with a known group" if grouped else f"{known:,} rows"
    return text + (f"; {unknown:,} unknown left out" if unknown else "")
