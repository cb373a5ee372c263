"""The pass over the rows that counts them, and what goes along with it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from pytest_aipm.engine.local import Mergeable, run_pass
from pytest_aipm.errors import DataError, MeasurementError, Problem
from pytest_aipm.evidence.asking import asking_of
from pytest_aipm.evidence.classes import refuse_misfits, refuse_strangers
from pytest_aipm.evidence.decide import refuse_beyond
from pytest_aipm.evidence.pairing import Joined, Pairing
from pytest_aipm.evidence.passes import Passes, located
from pytest_aipm.evidence.predictor import Predictor
from pytest_aipm.evidence.remembering import joined
from pytest_aipm.evidence.rowpass import OfRows, RowPass, Wanted, refuse_rows
from pytest_aipm.evidence.tally import Rows, Tally
from pytest_aipm.evidence.weighing import refuse_inputs, refuse_nobody
from pytest_aipm.evidence.wishes import Counts, Wish
from pytest_aipm.sources.data import DataSource
from pytest_aipm.sources.model import Model

__all__ = ["Counting"]

_Part = TypeVar("_Part", bound=Mergeable)


class Counting(Passes):
    """What counts the rows: once, with the model asked and all else that is wished of them."""

    champion: Model | None
    pairing: Pairing | None
    _wanted: Wanted
    _tally: Tally | MeasurementError | None
    _along: Tally | None

    @property
    def has_champion(self) -> bool:
        """Whether an earlier model's decisions on the same rows are known."""
        columns = (self.subject.champion_predictions, self.subject.champion_scores)
        return self.champion is not None or columns != (None, None)

    @cached_property
    def joined(self) -> Joined | None:
        """How these rows and the approved ones fit together; None without a pairing file.

        Raises
        ------
        DataError
            When an id or a label is missing.
        """
        pairing = self.pairing
        if pairing is None or not (self._wanted.decisions and self.subject.has_decisions):
            return None

        if not self.data.placed:
            return Joined(None, f"rows of {self.data.ref} have no place of their own")
        with located(self.data.ref):
            return joined(
                pairing,
                self.subject,
                functools.partial(self.over, self.data),
                run_dir=self._run_dir,
                name=f"{self._key}.pairing",
            )

    @property
    def tally(self) -> Tally:
        """The counts of the one pass over the rows; a fault is kept, so that it is found once.

        Raises
        ------
        DataError, ModelError
            When the rows cannot be read, predicted or understood.
        """
        if self._tally is None:
            try:
                with located(self.data.ref):
                    self._tally = self._run()
            except MeasurementError as error:
                self._tally = error
        if isinstance(self._tally, MeasurementError):
            raise self._tally
        return self._tally

    def _run(self) -> Tally:
        self._require_roles()
        if self.model is not None:
            refuse_inputs(self.subject, self.feature_columns())
        rows = self._row_pass()
        self._lead(self.data)
        try:
            tally = self._along or self.shared.answer(self._counting(rows))
        except DataError:
            written = getattr(self.data, "written", None)
            if written is not None:  # the same fault, told by the rows of the file
                run_pass(written.batches(rows.columns()), rows.partial, Tally())
            raise
        for who, text in tally.heard:  # by copies in other processes
            model = (self.model, self.champion)[who]
            if model is not None and text not in model.warnings:
                model.warnings.append(text)
        refuse_nobody(self.subject, tally)
        if tally.n == 0:
            raise DataError(Problem("there are no rows to audit"))
        if self.subject.task == "binary":
            classes = tally.classes if self.subject.decision is None else frozenset()
            refuse_strangers(self.subject, tally.labels, classes)
            refuse_beyond(self.subject, tally.lowest, tally.highest)
        if self.subject.task == "multiclass":
            refuse_misfits(self.subject, tally.labels, tally.classes)
        return tally

    def _row_pass(self) -> RowPass:
        approved = self.joined
        remembered = None if approved is None else approved.decisions
        return replace(self._pass(self._wanted), remembered=remembered)

    def _counting(self, rows: RowPass) -> Wish[Tally]:
        return Wish(
            ("tally", id(self)),
            self.data,
            tuple(rows.columns()),
            rows.partial,
            Tally(),
            numbered=rows.numbered,
            coded=rows.coded_columns(),
        )

    def _pass(self, wanted: Wanted) -> RowPass:
        """Return a pass over the rows, wherever they are."""
        predictor, champion = self._predictor, self._champion
        if self.engine.remote:
            wanted = refuse_rows(self.subject, wanted)
            predictor = predictor.streamed()
            champion = None if champion is None else champion.streamed()
        return RowPass(self.subject, wanted, predictor, champion)

    def over_rows(self, partial: Callable[[Rows], _Part], empty: _Part) -> _Part:
        """Return what a function of coded rows adds up to: of rows at hand, or where they are.

        Parameters
        ----------
        partial : callable
            Some rows to a result; must not keep state.
        empty : Mergeable
            The result of no rows.
        """
        if self.tally.rows:
            return functools.reduce(_merged, map(partial, self.tally.rows), empty)
        wanted = replace(self._wanted, losses=frozenset(), days=False, scores=True)
        rows = self._pass(wanted)
        rows = replace(rows, wanted=replace(rows.wanted, rows=True))
        each = OfRows(rows, partial, empty)
        return self.over(self.data, rows.columns(), each, empty, numbered=rows.numbered)

    # -- one pass for the model, the counts, and what else is wished of the rows ----------------

    def wishes(self) -> Iterator[Wish[Any]]:
        """Yield what the checks of the policy are going to ask of all rows, counts among them."""
        yield from super().wishes()
        asked = self.model is None or self.engine.remote or self._predictor.answered
        if self._counts_planned and asked and self._along is None:
            with suppress(MeasurementError):  # which the counts themselves will say
                yield self._counting(self._row_pass())

    @property
    def _counts_planned(self) -> bool:
        return self._tally is None and Counts.WANTED in self._plan

    def _lead(self, source: DataSource) -> None:
        """Have the model asked in the first pass over the rows, where it is going to be asked."""
        local = self.model is not None and not self.engine.remote
        if not (source is self.data and local and self._counts_planned):
            return
        with suppress(MeasurementError):  # which whoever needs the model will say
            wishes = [asking_of(source, self._row_pass()), *super().wishes()]
            read = {name: None for each in wishes if each.source is source for name in each.columns}
            source.learn([name for name in read if name in source.columns])
            if not source.held:
                self._predictor.said_of_all()

    def _asked_along(self) -> Mapping[str, np.ndarray] | None:
        """Ask the model in the pass that counts; None where this takes two."""
        decision, data = self.subject.decision, self.data
        later = decision is not None and decision.top_k is not None
        if later or not self._counts_planned or data.held:
            return None
        with suppress(MeasurementError):
            wish = asking_of(data, self._row_pass())
            if set(wish.columns) <= set(data.columns):
                found = self.shared.along(wish)
                if found is not None and len(found.said):
                    self._along = found.tally
                    return self._predictor.packed(found.said, found.missing)
        return None

    def _require_roles(self) -> None:
        """Refuse a column that is named and not there, whether a check reads it or not."""
        for role in ("label", "id", "date"):
            column = getattr(self.subject, role)
            if column is not None and (role != "date" or self._wanted.days):
                self.data.require([column], self.subject.where(role))

    @cached_property
    def _champion(self) -> Predictor | None:
        wanted = self._wanted
        asked = self.subject.has_decisions or wanted.view is not None
        decided = wanted.decisions and asked
        if not self.has_champion or not (decided or wanted.scores or wanted.losses):
            return None
        features: list[str] = []
        if self.champion is not None:
            own = self.champion.columns(self.data.columns)
            features = own or self.feature_columns()
        return Predictor(
            self.subject,
            self.data,
            model=self.champion,
            features=features,
            predictions=self.subject.champion_predictions,
            scores=self.subject.champion_scores,
            run_dir=self._run_dir,
            name=f"{self._key}.champion",
            kept=self._kept_before,
            over=self.over if self.engine.remote else None,
        )


def _merged(one: _Part, other: _Part) -> _Part:
    return one.merge(other)
