"""Outcomes that are known only of some rows: those who were accepted, or those with a label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import CheckError, DataError, Problem
from pytest_aipm.evidence.classes import refuse_strangers
from pytest_aipm.evidence.decide import matches, positive_mask
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.grouped import DECIDED, CountedRows, counted_rows
from pytest_aipm.evidence.groups import Unknown
from pytest_aipm.evidence.passes import located
from pytest_aipm.evidence.subject import group_name
from pytest_aipm.stats.manski import Bounds

__all__ = ["Selective", "selective"]

_YES = {"1", "true", "yes", "y"}
_NO = {"0", "false", "no", "n"}


@dataclass(frozen=True)
class Selective:
    """Rows with their outcomes, as far as these are known.

    Attributes
    ----------
    rows : CountedRows
        Those m that differ.
    known : bool array of shape (m,)
        Where the outcome is known.
    event : bool array of shape (m,)
        Where it is known to be the positive class.
    decided : bool array of shape (m,) or None
        Where the model decides for the positive class.
    ignored : int
        Labels of rows that were not accepted, which are taken for fillers.
    empty : int
        Accepted rows without a label.
    """

    rows: CountedRows
    known: np.ndarray
    event: np.ndarray
    decided: np.ndarray | None
    ignored: int
    empty: int

    def sizes(self) -> np.ndarray:
        """Return the rows of each group."""
        return self.rows.by_group(np.ones(len(self.known), dtype=bool))

    def unknown(self) -> np.ndarray:
        """Return how many of them have no known outcome."""
        return self.rows.by_group(~self.known)

    def bounds(self, rate: str) -> list[Bounds]:
        """Return the bounds of a rate in each group.

        Parameters
        ----------
        rate : {"outcome", "error", "false_positive", "false_negative"}
            Share of positive outcomes; share decided wrongly; wrongly decided of the rows with a
            negative, and with a positive outcome.
        """
        unknown, event, other = ~self.known, self.event, self.known & ~self.event
        every = np.ones(len(self.known), dtype=bool)
        if rate == "outcome":
            ends = ((event, every), (event | unknown, every))
        else:
            assert self.decided is not None  # noqa: S101 - asked for before
            yes, no = self.decided, ~self.decided
            wrong = (event & no) | (other & yes)
            if rate == "error":
                ends = ((wrong, every), (wrong | unknown, every))
            elif rate == "false_positive":
                # at worst the unknown ones that are decided for would all have been negative, and
                # those decided against positive; at best the reverse
                ends = (
                    (other & yes, other | (unknown & no)),
                    ((other | unknown) & yes, other | (unknown & yes)),
                )
            else:
                ends = (
                    (event & no, event | (unknown & yes)),
                    ((event | unknown) & no, event | (unknown & no)),
                )
        low, high = ([self.rows.by_group(each) for each in end] for end in ends)
        return [
            Bounds((float(a), float(b)), (float(c), float(d)))
            for a, b, c, d in zip(*low, *high, strict=True)
        ]


def selective(
    evidence: Evidence,
    by: tuple[str, ...],
    unknown: Unknown,
    *,
    accepted: str | None,
    accepted_when: object,
    decisions: bool,
) -> Selective:
    """Return what is known of the outcomes; labels may be missing here, and mean an unknown one.

    Parameters
    ----------
    evidence : Evidence
    by : tuple of str
    unknown : {"report", "group", "fail"}
    accepted : str or None
        Column that says of whom outcomes are known; None where a missing label says it.
    accepted_when : object
        Its value of the accepted; None where it holds yes and no.
    decisions : bool
        Whether the model's decisions are wanted.

    Raises
    ------
    CheckError, DataError
        Without a label, for labels of more than two values, for a column that does not say who was
        accepted.
    """
    subject = evidence.subject
    label = subject.label
    if label is None:
        fix = "name the column of what really happened as `label`"
        raise DataError(subject.problem("label", "there is no label to look at", fix))
    extra = [] if accepted is None else [accepted]
    rows = counted_rows(evidence, by, unknown, [label, *extra], decisions=decisions)
    column = rows.frame[label]
    there = column.notna().to_numpy()
    with located(evidence.data.ref):
        taken = there
        if accepted is not None:
            taken = _accepted(rows, accepted, accepted_when)
        known = there & taken
        found = frozenset(pd.unique(column[known]).tolist())
        if len(found) > 1:
            refuse_strangers(subject, found, frozenset())
        else:
            _refuse_other_type(subject.positive, found, label)
        event = known & matches(column, subject.positive)
    decided = None
    if decisions:
        decided = positive_mask(subject, rows.frame[DECIDED].to_numpy(dtype=bool))
    return Selective(
        rows, known, event, decided, rows.many(there & ~taken), rows.many(taken & ~there)
    )


def _refuse_other_type(positive: object, found: frozenset[Any], label: str) -> None:
    """Refuse the positive class written as a text where it is a number, or the reverse."""
    if any(group_name(each) == group_name(positive) and each != positive for each in found):
        what = f"label {label!r} writes {group_name(positive)!r} in another type than the policy"
        raise DataError(Problem(what, "write `positive` as the data do"))


def _accepted(rows: CountedRows, name: str, when: object) -> np.ndarray:
    column = rows.frame[name]
    if column.isna().any():
        missing = rows.many(column.isna().to_numpy())
        what = f"column {name!r} of who was accepted is empty in {missing:,} rows"
        raise DataError(Problem(what, "write yes or no for every row"))
    written = column.map(group_name).to_numpy(dtype=object)
    values = sorted(set(written))
    if when is not None:
        wanted = group_name(when)
        if wanted not in values:
            shown = ", ".join(values[:8])
            what = f"column {name!r} never holds {wanted!r} (values: {shown})"
            raise CheckError(Problem(what, "name one of these as `accepted_when`"))
        return np.asarray(written == wanted)
    strange = [each for each in values if each.casefold() not in _YES | _NO]
    if strange:
        what = f"column {name!r} does not say yes or no: it holds {strange[0][:40]!r}"
        raise CheckError(Problem(what, "add `accepted_when: VALUE`, its value of the accepted"))
    return np.array([each.casefold() in _YES for each in written], dtype=bool)
