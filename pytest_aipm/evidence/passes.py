"""Passes over rows, wherever they are, and the samples that many checks cut from one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from pytest_aipm.engine.local import Engine, Mergeable
from pytest_aipm.evidence.differing import Differing, differing
from pytest_aipm.evidence.kept import Kept
from pytest_aipm.evidence.predictor import Predictor
from pytest_aipm.evidence.rowpass import Wanted, refuse_rows
from pytest_aipm.evidence.sample import Drawn
from pytest_aipm.evidence.subject import Subject
from pytest_aipm.evidence.wishes import Counts, Sample, Shared, Wish, located
from pytest_aipm.sources.data import DataSource
from pytest_aipm.sources.model import Model, Prediction

__all__ = ["Passes", "located"]

_Part = TypeVar("_Part", bound=Mergeable)

USUAL_ROWS, USUAL_VALUES = 5000, 4_000_000
"""How much is drawn for the first check that wants a sample, so that it does for most others."""


def _sampling(source: DataSource, columns: Sequence[str], empty: Drawn) -> Wish[Drawn]:
    """Return the wish for a sample."""
    key = ("sample", frozenset(columns), empty.k, empty.seed)
    return Wish(key, source, tuple(columns), empty.of, empty, numbered=True)


@dataclass(frozen=True)
class _Decided:
    """A function of a batch and of the decisions on it, as one of the batch alone."""

    predictor: Predictor
    partial: Callable[[pd.DataFrame, np.ndarray], Any]

    def __call__(self, batch: pd.DataFrame) -> Any:
        favorable = self.predictor.favorable(batch, self.predictor.prediction(batch))
        return self.partial(batch, favorable)


@dataclass(frozen=True)
class _Said:
    """A function of a batch and of what the model says about it, as one of the batch alone."""

    predictor: Predictor
    partial: Callable[[pd.DataFrame, Prediction], Any]

    def __call__(self, batch: pd.DataFrame) -> Any:
        return self.partial(batch, self.predictor.prediction(batch))


class Passes:
    """What evidence reads the rows by; `Evidence` says what its parts are."""

    subject: Subject
    data: DataSource
    model: Model | None
    engine: Engine
    seed: int
    _run_dir: Path | None
    _key: str
    _kept_before: Kept | None
    shared: Shared
    planned: Callable[[], Iterable[Wish[Any] | Sample | Counts]]

    def feature_columns(self) -> list[str]:
        """Return the columns that the model is given."""
        if self.subject.features is not None:
            return list(self.subject.features)
        wanted = None if self.model is None else self.model.columns(self.data.columns)
        if wanted is not None:
            return wanted
        taken = self.subject.roles() | {each.column for each in self.subject.attributes}
        return [column for column in self.data.columns if column not in taken]

    @cached_property
    def _predictor(self) -> Predictor:
        made = Predictor(
            self.subject,
            self.data,
            model=self.model,
            features=self.feature_columns() if self.model is not None else (),
            predictions=self.subject.predictions,
            scores=self.subject.scores,
            run_dir=self._run_dir,
            name=f"{self._key}.predictions",
            kept=self._kept_before,
            over=self.over if self.engine.remote else None,
        )
        made.along = self._asked_along
        return made

    def _asked_along(self) -> Mapping[str, np.ndarray] | None:
        """Ask the model in a pass that does more; None where there is none."""
        return None

    @property
    def _asking(self) -> Predictor:
        """The predictor of a pass in which the model is asked, batch by batch, in any process.

        Raises
        ------
        DataError
            When a decision needs all rows.
        """
        refuse_rows(self.subject, Wanted())
        return self._predictor.streamed()

    def over(
        self,
        source: DataSource,
        columns: Sequence[str],
        partial: Callable[[pd.DataFrame], _Part],
        empty: _Part,
        *,
        numbered: bool = False,
    ) -> _Part:
        """Return what one pass over some columns of a source gives; see `Engine.run`.

        Raises
        ------
        DataError
            When a column is not there, or the rows cannot be read.
        """
        with located(source.ref):
            source.require(list(columns))
            return self.engine.run(source, columns, partial, empty, numbered=numbered)

    def drawn(self, source: DataSource, columns: Sequence[str], k: int) -> pd.DataFrame:
        """Return at most `k` rows of a source, chosen by the seed; see `sample.Drawn`.

        What one check draws is wide enough for most others, so that rows are read once for all.
        """

        def draw(names: list[str], empty: Drawn) -> Drawn:
            return self.shared.answer(_sampling(source, names, empty))

        return self._cut(("rows of", id(source)), source, columns, k, draw).frame

    def drawn_decided(
        self, columns: Sequence[str], k: int, name: str | None = None, *, against: bool = False
    ) -> Drawn:
        """Return at most `k` evaluation rows, with the decisions on them.

        Parameters
        ----------
        columns : sequence of str
        k : int
        name : str, optional
            A column that shall say whether the decision is favorable.
        against : bool
            Whether only rows that are decided against are drawn.
        """

        def draw(names: list[str], empty: Drawn) -> Drawn:
            own = [each for each in names if each != name]

            def partial(batch: pd.DataFrame, favorable: np.ndarray) -> Drawn:
                rows = batch[own] if name is None else batch[own].assign(**{name: favorable})
                return empty.of(rows.loc[~favorable] if against else rows)

            return self.over_decided(own, partial, empty, numbered=True)

        wanted = [*columns, *([] if name is None else [name])]
        return self._cut(("decided", name, against), self.data, wanted, k, draw)

    def _cut(
        self,
        key: tuple[object, ...],
        source: DataSource,
        columns: Sequence[str],
        k: int,
        draw: Callable[[list[str], Drawn], Drawn],
    ) -> Drawn:
        """Return a sample, cut from the widest one that was drawn of these rows so far."""
        names, held = list(dict.fromkeys(columns)), self._drawn.get(key)
        if held is None or not held.holds(names, k):
            before = Sample(source, (), 0)
            if held is not None:
                before = Sample(source, tuple(held.frame.columns), held.k)
            wide = self._wider(Sample(source, tuple(names), k), before)
            held = self._drawn[key] = draw(list(wide.columns), Drawn(wide.k, self.seed))
        return held.cut(names, k)

    def _wider(self, wanted: Sample, held: Sample) -> Sample:
        """Return what is drawn for a check, so that it does for others as well."""
        names = [*wanted.columns, *self._usual(wanted.source), *held.columns]
        wide = tuple(dict.fromkeys(names))
        usual = min(USUAL_ROWS, USUAL_VALUES // max(len(wide), 1))
        return Sample(wanted.source, wide, max(wanted.k, held.k, usual))

    def _usual(self, source: DataSource) -> list[str]:
        """Return the columns that samples of some rows mostly need."""
        subject = self.subject
        roles = [subject.label, subject.weights, subject.cluster]
        attributes = [each.column for each in subject.attributes]
        names = [*(self.feature_columns() if self.model is not None else ()), *attributes, *roles]
        return [name for name in names if name is not None and name in source.columns]

    @cached_property
    def _plan(self) -> list[Wish[Any] | Sample | Counts]:
        return list(self.planned())

    def wishes(self) -> Iterator[Wish[Any]]:
        """Yield what the checks of the policy are going to ask of all rows, in their order."""
        drawn: dict[int, Sample] = {}
        for each in self._plan:
            if isinstance(each, Wish):
                yield each
            elif isinstance(each, Sample):
                source, held = each.source, drawn.get(id(each.source))
                if held is not None and each.k <= held.k and set(each.columns) <= set(held.columns):
                    continue
                wide = self._wider(each, held or Sample(source, (), 0))
                drawn[id(source)] = wide
                yield _sampling(source, wide.columns, Drawn(wide.k, self.seed))

    @cached_property
    def _drawn(self) -> dict[tuple[object, ...], Drawn]:
        return {}

    def content(self, source: DataSource, columns: Sequence[str]) -> pd.DataFrame:
        """Return all rows of some columns, in any order."""
        found = self.differing(source, columns)
        return found.frame.loc[np.repeat(np.arange(len(found.counts)), found.counts)].reset_index(
            drop=True
        )

    def differing(self, source: DataSource, columns: Sequence[str]) -> Differing:
        """Return the rows that differ in some columns, and how many there are of each.

        Rows in memory are there already: each stands for itself.
        """
        names = list(dict.fromkeys(columns))
        if self.engine.remote or not source.held:
            return self.shared.answer(differing(source, names))
        frame = source.frame(names)
        return Differing(frame, np.ones(len(frame), dtype=np.int64))

    def over_decided(
        self,
        columns: Sequence[str],
        partial: Callable[[pd.DataFrame, np.ndarray], _Part],
        empty: _Part,
        *,
        numbered: bool = False,
    ) -> _Part:
        """Return what one pass over the evaluation rows gives, and where decisions are favorable.

        For what no count of cells can tell: factors to adjust for, neighbours. A model is asked
        once in all; where rows stay where they are, once in each pass.
        """
        predictor = self._asking if self.engine.remote else self._predictor
        names = list(dict.fromkeys([*columns, *predictor.columns]))
        each, numbered = _Decided(predictor, partial), numbered or predictor.numbered
        return self.over(self.data, names, each, empty, numbered=numbered)

    def over_said(
        self,
        columns: Sequence[str],
        partial: Callable[[pd.DataFrame, Prediction], _Part],
        empty: _Part,
    ) -> _Part:
        """Return what one pass over the evaluation rows gives, and what the model says of them."""
        predictor = self._asking if self.engine.remote else self._predictor
        names = list(dict.fromkeys([*columns, *predictor.columns]))
        each = _Said(predictor, partial)
        return self.over(self.data, names, each, empty, numbered=predictor.numbered)
