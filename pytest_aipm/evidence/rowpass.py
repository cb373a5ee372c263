"""The pass over the rows: which columns it reads, and what one batch adds to the tally."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.classes import MAX_CLASSES, MOST, distinct
from pytest_aipm.evidence.decide import (
    decidable,
    matches,
    numeric,
    positive_mask,
    refuse_missing,
)
from pytest_aipm.evidence.period import Days
from pytest_aipm.evidence.predictor import Predictor
from pytest_aipm.evidence.subject import Subject
from pytest_aipm.evidence.tally import Coded, Rows, Tally, rows_of, tally_rows
from pytest_aipm.evidence.views import View, seen
from pytest_aipm.evidence.weighing import people, weights
from pytest_aipm.sources.data import AFAR
from pytest_aipm.sources.model import Prediction

__all__ = ["OfCoded", "OfRows", "RowPass", "Wanted", "refuse_rows"]


@dataclass(frozen=True)
class Wanted:
    """What the planned checks need of the rows.

    Attributes
    ----------
    label, decisions : bool
        Labels, and who gets which decision.
    scores, rows : bool
        Scores of each group, and whole rows.
    losses : frozenset of str
        Row losses to sum.
    days : bool
        From when to when the rows are.
    view : View or None
        What is asked of a multiclass row instead of whether it is of the chosen classes.
    pairs : bool
        Whether rows are kept where a champion's scores of them are there, too.
    """

    label: bool = False
    decisions: bool = True
    scores: bool = False
    rows: bool = False
    losses: frozenset[str] = frozenset()
    days: bool = False
    view: View | None = None
    pairs: bool = True


def refuse_rows(subject: Subject, wanted: Wanted) -> Wanted:
    """Return what can be counted where rows stay where they are: all but single rows.

    Raises
    ------
    DataError
        When counts and scores do not do for the whole policy.
    """
    if subject.within is not None:
        what = "`within` compares the rows of each query with each other"
        raise DataError(
            Problem(f"{what}, and with the engine spark rows stay where they are", AFAR[1])
        )
    return replace(wanted, rows=False, pairs=False)


@dataclass(frozen=True)
class RowPass:
    """One pass: a pure function of a batch.

    Attributes
    ----------
    subject : Subject
    wanted : Wanted
    predictor : Predictor
        Of the audited model.
    champion : Predictor or None
        Of the earlier model, where decisions or scores are wanted.
    remembered : int array of shape (rows,) or None
        The approved decision on every row instead: 0, 1, or 2 where there is none.
    """

    subject: Subject
    wanted: Wanted
    predictor: Predictor
    champion: Predictor | None
    remembered: np.ndarray | None = None

    def columns(self) -> list[str]:
        """Return the columns to read, each once."""
        names = [each.column for each in self.subject.attributes]
        if self.subject.label is not None and self.wanted.label:
            names.append(self.subject.label)
        names += self.predictor.columns
        if self.champion is not None:
            names += self.champion.columns
        names += [each for each in (self.subject.weights, self.subject.cluster) if each is not None]
        names += [] if self._date is None else [self._date]
        return list(dict.fromkeys(names))

    def coded_columns(self) -> frozenset[str]:
        """Return the columns whose values are only told apart, to be counted by."""
        read = [*self.predictor.columns, self.subject.label, self.subject.weights, self._date]
        read += [] if self.champion is None else self.champion.columns
        attributes = {each.column for each in self.subject.attributes if not each.bins}
        return frozenset(attributes - {*read, self.subject.cluster})

    @property
    def numbered(self) -> bool:
        """Whether it needs the numbers that rows have in the whole source."""
        asked = [each for each in (self.predictor, self.champion) if each is not None]
        return self.remembered is not None or any(each.numbered for each in asked)

    @property
    def _date(self) -> str | None:
        return self.subject.date if self.wanted.days else None

    def partial(self, batch: pd.DataFrame) -> Tally:
        """Return the tally of one batch; raises as `coded` does."""
        coded = self.coded(batch)
        tally = tally_rows(
            coded,
            losses=self.wanted.losses,
            keep_scores=self.wanted.scores,
            # areas are paired row by row; without a champion their scores are only counted
            keep_rows=self.wanted.rows
            or (self.wanted.scores and self.wanted.pairs and coded.champion_score is not None),
        )
        days = None if self._date is None else Days.of(batch[self._date])
        asked = [self.predictor] if self.champion is None else [self.predictor, self.champion]
        heard = [(who, text) for who, each in enumerate(asked) for text in each.heard()]
        missing = self.predictor.gaps(batch)
        return replace(tally, days=days, missing=missing, heard=tuple(heard))

    def coded(self, batch: pd.DataFrame) -> Coded:
        """Return one batch in codes.

        Raises
        ------
        DataError, ModelError
            When the rows cannot be predicted or understood.
        """
        label, labels = self._label(batch)
        prediction = self.predictor.prediction(batch)
        predicted = champion = champion_score = None
        classes = self._classes(prediction)
        if self._decides(prediction):
            predicted = self._positive(self.predictor, batch, prediction)
        if self.champion is not None:
            earlier = self.champion.prediction(batch)
            if self.wanted.decisions and self.subject.has_decisions:
                champion = self._positive(self.champion, batch, earlier)
                classes |= self._classes(earlier)
            if self.wanted.scores or self.wanted.losses:
                champion_score = earlier.scores
        elif self.remembered is not None:
            champion = self.remembered[batch.index.to_numpy()]
        score, named = prediction.scores, self._named(batch, prediction)
        if self.wanted.view is not None:
            label, predicted, score = self._viewed(batch, prediction)
            champion = champion_score = None
            if self.champion is not None and predicted is not None and earlier.labels is not None:
                _, champion, _ = self._viewed(batch, earlier)
        return Coded(
            n=len(batch),
            attributes=[each.encode(batch[each.column]) for each in self.subject.attributes],
            label=label,
            predicted=predicted,
            score=score,
            champion=champion,
            champions=2 if self.remembered is None else 3,
            champion_score=champion_score,
            binary=self.subject.task in ("binary", "multiclass"),
            labels=labels,
            classes=classes,
            weight=weights(self.subject, batch),
            person=people(self.subject, batch),
            **named,
        )

    def _named(self, batch: pd.DataFrame, prediction: Prediction) -> dict[str, np.ndarray | None]:
        """Return the classes of a multiclass row as they are written, for its table and metrics."""
        if self.subject.task != "multiclass" or self.wanted.view is not None:
            return {}
        label = prediction.labels  # shares of predictions ask for no label
        if self.wanted.label and self.subject.label is not None:
            label = batch[self.subject.label].to_numpy()
        return {
            "label_class": label,
            "predicted_class": prediction.labels,
            "by_class": prediction.by_class if self.wanted.rows else None,
        }

    def _viewed(
        self, batch: pd.DataFrame, prediction: Prediction
    ) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
        assert self.wanted.view is not None  # noqa: S101 - the caller asked
        assert self.subject.label is not None  # noqa: S101 - a view compares with the label
        return seen(
            self.wanted.view, batch[self.subject.label], prediction, self.predictor.classes or ()
        )

    def _decides(self, prediction: Prediction) -> bool:
        """Return whether decisions are wanted; a metric of rows takes them where there are any."""
        if not self.subject.has_decisions:
            return False
        return self.wanted.decisions or (self.wanted.rows and decidable(self.subject, prediction))

    def _positive(
        self, predictor: Predictor, batch: pd.DataFrame, prediction: Prediction
    ) -> np.ndarray:
        return positive_mask(self.subject, predictor.favorable(batch, prediction))

    def _label(self, batch: pd.DataFrame) -> tuple[np.ndarray | None, frozenset[object]]:
        name = self.subject.label
        if name is None or not self.wanted.label:
            return None, frozenset()
        column = batch[name]
        if self.subject.task in ("regression", "ranking"):
            return numeric(column, "label", name), frozenset()
        refuse_missing(column, "label", name)
        found = distinct(column, self._most)
        if self.subject.positive is None:
            return None, found
        return matches(column, self.subject.positive).view(np.int8), found

    @property
    def _most(self) -> int:
        return MAX_CLASSES + 1 if self.subject.task == "multiclass" else MOST

    def _classes(self, prediction: Prediction) -> frozenset[object]:
        labels = prediction.labels
        return frozenset() if labels is None else distinct(pd.Series(labels), self._most)


@dataclass(frozen=True)
class OfRows:
    """A function of coded rows, as one of a batch."""

    rows: RowPass
    partial: Callable[[Rows], Any]
    empty: Any

    def __call__(self, batch: pd.DataFrame) -> Any:
        """Return what the function makes of one batch; raises as `RowPass.coded` does."""
        coded = self.rows.coded(batch).weighing()
        return self.partial(rows_of(coded)) if coded.n else self.empty


@dataclass(frozen=True)
class OfCoded:
    """A function of a batch and of its coded rows, as one of the batch alone."""

    rows: RowPass
    partial: Callable[[pd.DataFrame, Coded], Any]

    def __call__(self, batch: pd.DataFrame) -> Any:
        """Return what the function makes of one batch; raises as `RowPass.coded` does."""
        return self.partial(batch, self.rows.coded(batch))
