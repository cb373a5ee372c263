"""Members and others of every group of a scope."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.attack import Score, signals_of
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.subject import UNKNOWN
from pytest_aipm.stats.parts import AucPart

__all__ = ["GroupAreas", "areas_by"]


@dataclass(frozen=True)
class GroupAreas:
    """The attack in every group.

    Attributes
    ----------
    groups : tuple of dict of str to str
        The group's value of each attribute.
    parts : tuple of AucPart
        Undefined where a group has rows on one side only.
    unknown, known : int
        Rows without a group, and with one.
    score : str
        What the attacker guesses by.
    """

    groups: tuple[dict[str, str], ...]
    parts: tuple[AucPart, ...]
    unknown: int
    known: int
    score: str


def areas_by(evidence: Evidence, by: tuple[str, ...], *, unknown_too: bool) -> GroupAreas:
    """Attack with the score that takes the difficulty of rows off, in each group by itself.

    Raises
    ------
    DataError
        When the training rows lack an attribute's column.
    """
    signals = signals_of(evidence)
    score = signals.scores[-1]
    fit = signals.fit
    assert evidence.train is not None  # noqa: S101 - there would be no signals
    sides = [
        _named(evidence, fit.member_people, by, evidence.train.ref),
        _named(evidence, fit.other_people, by, evidence.data.ref),
    ]
    names = pd.MultiIndex.from_frame(pd.concat(sides, ignore_index=True))
    codes, found = pd.factorize(names, sort=True)
    m = len(fit.members)
    groups, parts, unknown = [], [], 0
    for i, name in enumerate(found):
        inside = codes == i
        if UNKNOWN in name and not unknown_too:
            unknown += int(inside.sum())
            continue
        groups.append(dict(zip(by, map(str, name), strict=True)))
        parts.append(_area(score, inside[:m], inside[m:]))
    return GroupAreas(tuple(groups), tuple(parts), unknown, len(codes) - unknown, score.name)


def _area(score: Score, members: np.ndarray, others: np.ndarray) -> AucPart:
    m, k = float(members.sum()), float(others.sum())
    if not m or not k:
        return AucPart(float("nan"), 0.0, m, k)
    return AucPart.from_scores(score.members[members], score.others[others])


def _named(evidence: Evidence, people: pd.DataFrame, by: tuple[str, ...], ref: str) -> pd.DataFrame:
    columns = {}
    for name in by:
        attribute = evidence.subject.attribute(name)
        if attribute.column not in people.columns:
            raise DataError(
                Problem(
                    f"there is no column {attribute.column!r} for the attribute {name!r}",
                    "groups are needed among training and evaluation rows alike: add the column",
                    path=ref,
                )
            )
        codes, names = attribute.encode(people[attribute.column])
        levels = np.array([UNKNOWN if each is None else each for each in names], dtype=object)
        columns[name] = levels[codes]
        attribute.refuse_crowd([each for each in names if each is not None], ref)
    return pd.DataFrame(columns)
