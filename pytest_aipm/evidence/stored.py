"""Training rows that a fitted object keeps, found by their hash."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import ModelError
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.passes import located
from pytest_aipm.evidence.sample import among, hash_rows
from pytest_aipm.evidence.tables import EXTRA, tables_in
from pytest_aipm.evidence.train import compared, training_rows
from pytest_aipm.evidence.walk import Part, Walk

__all__ = ["CROWD", "Stored", "stored_in", "stored_rows_of"]

MAX_ROWS = 100_000
CROWD = 5
"""A row that so many training rows equal is no one's."""


@dataclass(frozen=True)
class Stored:
    """Which training rows a model keeps.

    Attributes
    ----------
    rows, of : int
        Training rows that were looked for, and all there are.
    found : bool array of shape (rows,)
        Rows found that fewer than `CROWD` rows equal.
    crowd : int
        Rows found that as many or more equal.
    places : dict of str to int
        Where they are, and how many there.
    columns : int
        Columns of a row.
    cut : tuple of str
        Arrays too large to be read whole.
    stopped : str
        Why not every part was looked at; empty when it was.
    lost, closed : int
        Steps through which the rows could not be followed, and parts that raise when looked into.
    opaque : tuple of str
        Types of parts whose content is compiled and out of sight.
    """

    rows: int
    of: int
    found: np.ndarray
    crowd: int
    places: dict[str, int]
    columns: int
    cut: tuple[str, ...]
    stopped: str
    lost: int
    closed: int
    opaque: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every part of the model was read."""
        return not (self.stopped or self.lost or self.closed or self.cut or self.opaque)


def stored_rows_of(evidence: Evidence, seconds: float) -> Stored:
    """Look for the training rows inside the audited model.

    Raises
    ------
    DataError, ModelError
        Without training rows or a model.
    """
    train = training_rows(evidence)
    if evidence.model is None:
        raise ModelError(
            evidence.subject.problem(
                "model", "there is no model to look into", "name a `model`; columns are not enough"
            )
        )
    columns = compared(evidence, train)
    with located(train.ref):
        frame = evidence.drawn(train, columns, MAX_ROWS)
    return stored_in(evidence.model.fitted, frame, seconds=seconds, of=train.rows)


def stored_in(
    model: Any, rows: pd.DataFrame, *, seconds: float = 30.0, of: int | None = None
) -> Stored:
    """Look for rows inside any object.

    Parameters
    ----------
    model : object
    rows : DataFrame
        As the model was fitted on them.
    seconds : float
        Time the search may take.
    of : int, optional
        All training rows, where `rows` are a sample.
    """
    rows = rows.reset_index(drop=True)
    search = _Search(rows)
    walk = Walk(model, rows, seconds)
    for part in walk:
        search.look(part)
    return Stored(
        rows=len(rows),
        of=len(rows) if of is None else of,
        found=search.found & ~search.crowded,
        crowd=int((search.found & search.crowded).sum()),
        places=dict(search.places),
        columns=rows.shape[1],
        cut=tuple(search.cut),
        stopped=walk.stopped,
        lost=walk.lost,
        closed=walk.closed,
        opaque=tuple(sorted(walk.opaque)),
    )


class _Seen:
    """The training rows as one part of the model sees them, hashed in the types it may keep."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self.rows = rows
        self.width = rows.shape[1]
        self._hashes: dict[str, np.ndarray] = {}
        numbers = rows.select_dtypes("number").to_numpy(dtype=float, na_value=np.nan)
        plain = numbers.shape[1] == self.width and self.width > 0
        # a row of zeros, or of ones, is in many an array without being anybody's
        self.flat = (
            (numbers == numbers[:, :1]).all(axis=1) if plain else np.zeros(len(rows), dtype=bool)
        )

    def hashes(self, kind: str) -> np.ndarray:
        if kind not in self._hashes:
            frame = self.rows
            if kind:
                numbers = frame.select_dtypes("number").columns
                frame = frame.astype(dict.fromkeys(numbers, kind))
            self._hashes[kind] = hash_rows(frame, list(frame.columns))
        return self._hashes[kind]


@dataclass
class _Search:
    """What was found so far."""

    rows: pd.DataFrame
    found: np.ndarray = field(init=False)
    crowded: np.ndarray = field(init=False)
    places: Counter[str] = field(default_factory=Counter)
    cut: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.found = np.zeros(len(self.rows), dtype=bool)
        self._seen: dict[int, _Seen] = {}
        self._root = self._of(self.rows)
        same = np.unique(self._root.hashes(""), return_inverse=True, return_counts=True)
        self.crowded = same[2][same[1]] >= CROWD

    def _of(self, rows: pd.DataFrame) -> _Seen:
        # kept with its table, so that no other table takes its number
        return self._seen.setdefault(id(rows), _Seen(rows))

    def look(self, part: Part) -> None:
        """Match what one part holds."""
        views = [self._root]
        if part.rows is not None and part.rows is not self.rows:
            views.append(self._of(part.rows))
        try:
            tables = tables_in(part.value, {view.width for view in views}, self._root.rows.columns)
            for table, whole in tables:
                for view in views:
                    self._match(table, view, part.name)
                if not whole and part.name not in self.cut:
                    self.cut.append(part.name)
        except Exception:  # noqa: BLE001 - arrays of someone else's making may refuse anything
            if part.name not in self.cut:
                self.cut.append(part.name)

    def _match(self, table: pd.DataFrame, view: _Seen, name: str) -> None:
        extra = table.shape[1] - view.width
        if view.width < 2 or not 0 <= extra <= EXTRA:
            return
        for first in range(extra + 1):
            part = table.iloc[:, first : first + view.width]
            known = np.unique(hash_rows(_numbered(part), [str(i) for i in range(view.width)]))
            kind = _short_float(part)
            inside = among(view.hashes(kind), known) & ~view.flat
            if inside.any():
                self.found |= inside
                self.places[name] += int((inside & ~self.crowded).sum())
                return


def _numbered(table: pd.DataFrame) -> pd.DataFrame:
    plain = table.set_axis([str(i) for i in range(table.shape[1])], axis=1)
    return plain.infer_objects()


def _short_float(table: pd.DataFrame) -> str:
    """Return the short type of all its numbers, in which the rows must be rounded alike."""
    kinds = {str(kind) for kind in table.dtypes if kind.kind == "f"}
    return kinds.pop() if len(kinds) == 1 and kinds < {"float32", "float16"} else ""
