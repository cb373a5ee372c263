"""The groups of people in any rows, whatever else the policy asks of them.

Rows are counted by cell, the values of some attributes together. Which groups there are, and which
cells belong to each, is known when all rows were seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import Grouping, Unknown, grouping
from pytest_aipm.evidence.subject import Attribute, Subject
from pytest_aipm.evidence.tally import Cell, Coded, cells_of

__all__ = ["attributes_of", "cells_in", "groups_of", "people_of"]


def people_of(subject: Subject) -> Subject:
    """Return a subject of which nothing but the attributes is known."""
    return Subject(
        task="binary", attributes=subject.attributes, path=subject.path, places=subject.places
    )


def attributes_of(evidence: Evidence, by: tuple[str, ...]) -> tuple[Attribute, ...]:
    """Return the attributes of a scope, whose values make up a cell in this order."""
    return tuple(evidence.subject.attribute(name) for name in by)


def cells_in(
    attributes: tuple[Attribute, ...], batch: pd.DataFrame
) -> tuple[np.ndarray, list[Cell]]:
    """Return the number of each row's cell, shape (n,), and the cells that occur.

    Raises
    ------
    DataError
        When an attribute has bins and its column no numbers, or values are no single values.
    """
    if not len(batch):
        return np.zeros(0, dtype=np.int64), []
    coded = [each.encode(batch[each.column]) for each in attributes]
    return cells_of(Coded(len(batch), coded, None, None, None, None, binary=True))


def groups_of(
    evidence: Evidence, by: tuple[str, ...], cells: Iterable[Cell], unknown: Unknown
) -> Grouping | None:
    """Return the groups of a scope that the cells of all rows make up; None for all as one.

    Raises
    ------
    DataError
        When an attribute has too many values for groups, or a declared group is absent.
    """
    if not by:
        return None
    alone = replace(people_of(evidence.subject), attributes=attributes_of(evidence, by))
    return grouping(alone, by, cells, unknown)
