"""One model's predictions on the evaluation rows, from a model or from columns, computed once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.engine.local import run_pass
from pytest_aipm.errors import DataError, MeasurementError, ModelError, Problem
from pytest_aipm.evidence.best import Cut
from pytest_aipm.evidence.choosing import found_by, inside
from pytest_aipm.evidence.classes import MAX_CLASSES, distinct
from pytest_aipm.evidence.decide import (
    best_share,
    best_within,
    drawn_by_lot,
    favorable_mask,
    numeric,
    refuse_missing,
)
from pytest_aipm.evidence.kept import Kept, surroundings
from pytest_aipm.evidence.once import once
from pytest_aipm.evidence.sample import hash_rows, row_keys
from pytest_aipm.evidence.subject import Classes, Subject, group_name
from pytest_aipm.progress import Progress
from pytest_aipm.sources.data import BATCH, DataSource
from pytest_aipm.sources.model import Model, Prediction
from pytest_aipm.sources.native.formats import FORMATS
from pytest_aipm.sources.weights import weights_of

__all__ = ["Predictor"]

CELLS, ASKED = 20_000_000, 250_000
"""Values and rows that a model is given at a time: few calls, since many a model starts its threads
anew in each, and memory that does not grow with the rows."""


class Predictor:
    """Predictions and decisions, batch by batch.

    Parameters
    ----------
    subject : Subject
        Task, classes and decision rule.
    data : DataSource
        All rows; batches carry global row numbers as their index.
    model : Model or None
        Called once on all rows; None reads the columns instead.
    features : sequence of str
        Columns the model is given.
    predictions, scores : str or None
        Columns that hold predicted classes and scores.
    run_dir : Path or None
        Folder in which the processes of a run share a model's predictions.
    name : str
        File stem in `run_dir`.
    kept : Kept or None
        Predictions of earlier runs.
    over : callable, optional
        Makes passes over rows that stay where they are; see `Passes.over`.
    """

    def __init__(
        self,
        subject: Subject,
        data: DataSource,
        *,
        model: Model | None,
        features: Sequence[str],
        predictions: str | None,
        scores: str | None,
        run_dir: Path | None,
        name: str,
        kept: Kept | None = None,
        over: Callable[..., Any] | None = None,
    ) -> None:
        self.subject = subject
        self.data = data
        self.model = model
        self.features = list(features)
        self.predictions = predictions
        self.scores = scores
        self.warnings: tuple[str, ...] = ()
        self.streams = False
        self.along: Callable[[], Mapping[str, np.ndarray] | None] = _never
        """Asks the model in a pass that counts as well; None where it cannot."""
        self._said: Prediction | None = None
        self._fault: MeasurementError | None = None
        self.cut: Cut | None = None
        self._over = over
        self._run_dir = run_dir
        self._name = name
        self._kept = kept

    def streamed(self) -> Predictor:
        """Return the same predictions, asked batch by batch in any process; nothing is kept.

        What ``top_k`` lets in is found first, in passes of their own.
        """
        other = self._sent()
        if self._over is not None:
            other.cut = self._cut
        return other

    def _sent(self) -> Predictor:
        self.classes  # noqa: B018 - found in the rows, which the copy has not
        other = copy.copy(self)
        other.streams, other._kept, other._run_dir = True, None, None  # noqa: SLF001 - one class
        other.along, other._over = _never, None  # noqa: SLF001
        for name in ("data", "_cut"):
            other.__dict__.pop(name, None)
        return other

    @property
    def numbered(self) -> bool:
        """Whether who is in hangs on the numbers of rows: of some that share a score."""
        return self.cut is not None and len(self.cut.keys) > 1

    @property
    def columns(self) -> list[str]:
        """Columns that `prediction` reads from a batch."""
        if self.model is not None:
            return self.features if self.streams else []
        named = [column for column in (self.predictions, self.scores) if column is not None]
        return named + [column for _, column in self._class_scores]

    @property
    def _class_scores(self) -> tuple[tuple[str, str], ...]:
        """The columns of scores of a multiclass task; an earlier model has none of them."""
        mine = self.model is None and self.predictions == self.subject.predictions
        return self.subject.class_scores if mine else ()

    def about(self, subject: Subject, *, streams: bool = False) -> Predictor:
        """Return the same predictions, read with other classes against the rest."""
        if self.model is not None and not streams:
            self._arrays  # noqa: B018 - asked once, for all readings
        other = copy.copy(self)
        other.subject = subject
        for name in ("_best", "_cut"):
            other.__dict__.pop(name, None)
        return other

    @cached_property
    def classes(self) -> tuple[Any, ...] | None:
        """Classes of a multiclass task in the order of their scores; None without scores.

        Columns of scores go by the name of their class, which is looked up among the labels.
        """
        if self.model is not None:
            return self.model.classes
        if not self._class_scores:
            return None
        wanted = self.subject.favorable
        known = list(wanted.values) if isinstance(wanted, Classes) else []
        if self.subject.label is not None:
            over = self._over or _here
            label = self.subject.label
            known += sorted(
                over(self.data, [label], partial(_labels, label), _Labels()).found, key=str
            )
        value_of = {group_name(value): value for value in known}
        return tuple(value_of.get(name, name) for name, _ in self._class_scores)

    def prediction(self, batch: pd.DataFrame) -> Prediction:
        """Return scores and predicted classes of a batch; predicted values for regression."""
        if self.model is not None:
            if self._said is not None or self.streams:
                return self._of_chosen(self._said or self.ask(batch))
            stored, rows = self._stored, batch.index.to_numpy()
            scores = None if stored.scores is None else stored.scores[rows]
            labels = None if stored.labels is None else stored.labels[rows]
            by_class = None if stored.by_class is None else stored.by_class[rows]
            return self._of_chosen(Prediction(scores, labels, by_class))
        if self.subject.task == "multiclass":
            return self._of_chosen(self._from_columns(batch))
        if self.subject.task in ("regression", "ranking"):
            column = self.predictions or self.scores
            assert column is not None  # noqa: S101 - checked by the plan
            what = "predictions" if self.predictions else "scores"
            return Prediction(numeric(batch[column], what, column), None)
        score = None if self.scores is None else numeric(batch[self.scores], "scores", self.scores)
        if self.predictions is None:
            return Prediction(score, None)
        refuse_missing(batch[self.predictions], "predictions", self.predictions)
        return Prediction(score, batch[self.predictions].to_numpy())

    def _from_columns(self, batch: pd.DataFrame) -> Prediction:
        by_class = None
        if self._class_scores:
            columns = [numeric(batch[name], "scores", name) for _, name in self._class_scores]
            by_class = np.column_stack(columns)
        if self.predictions is not None:
            refuse_missing(batch[self.predictions], "predictions", self.predictions)
            return Prediction(None, batch[self.predictions].to_numpy(), by_class)
        assert by_class is not None  # noqa: S101 - checked by the plan
        known = np.empty(len(self.classes or ()), dtype=object)
        known[:] = self.classes
        return Prediction(None, known[by_class.argmax(axis=1)], by_class)

    def _of_chosen(self, said: Prediction) -> Prediction:
        """Add the score of the chosen classes: the sum of theirs, or that of the only one."""
        chosen = self.subject.positive
        if said.by_class is None or not isinstance(chosen, Classes):
            return said
        place = [i for i, value in enumerate(self.classes or ()) if value in chosen.values]
        margins = self.model is not None and self.model.score_kind == "margins"
        if not place or (margins and len(place) > 1):
            return said
        return Prediction(said.by_class[:, place].sum(axis=1), said.labels, said.by_class)

    def said_of_all(self) -> None:
        """Have the model asked about all rows, if it was not yet."""
        self._arrays  # noqa: B018 - asked once

    def everything(self) -> Prediction:
        """Return scores and predicted classes of all rows, in the order of the data."""
        if self.model is not None:
            return self._stored
        parts = [self.prediction(batch) for batch in self.data.batches(self.columns)]
        return Prediction(
            _joined([part.scores for part in parts]),
            _joined([part.labels for part in parts]),
            _joined([part.by_class for part in parts]),
        )

    def favorable(self, batch: pd.DataFrame, prediction: Prediction) -> np.ndarray:
        """Return where the decision on a batch is favorable, shape (n,)."""
        if self.cut is not None:
            return inside(self.cut, batch, self.scored(prediction.scores), self)
        if self._best is not None:
            chosen: np.ndarray = self._best[batch.index.to_numpy()]
            return chosen
        return favorable_mask(self.subject, prediction)

    def decide(self, frame: pd.DataFrame) -> np.ndarray:
        """Return where the model decides favorably on rows that need not be in the data.

        With ``top_k`` a row is in when its score reaches the cut of the evaluation rows.
        """
        decision = self.subject.decision
        if decision is not None and decision.within is not None:
            raise DataError(
                self.subject.problem(
                    "decision",
                    "a row by itself has no decision: `within` chooses among the rows of its query",
                    "audit what asks about single rows in a policy without `within`",
                )
            )
        prediction = self.ask(frame)
        if decision is None or decision.top_k is None or prediction.scores is None:
            return favorable_mask(self.subject, prediction)
        if self._over is not None:
            assert self._cut is not None  # noqa: S101 - there is a share
            edge = self._cut.score(highest=self.highest)
        else:
            scores, best = self._stored.scores, self._best
            assert scores is not None and best is not None  # noqa: S101, PT018 - as above
            edge = scores[best].min() if self.highest else scores[best].max()
        return np.asarray(prediction.scores >= edge if self.highest else prediction.scores <= edge)

    def ask(self, frame: pd.DataFrame) -> Prediction:
        """Ask the model; for its classes only where no rule turns scores into decisions."""
        assert self.model is not None  # noqa: S101 - checked by the plan
        return self.model.predict(frame[self.features], labels=self.subject.decision is None)

    def asked(self, frame: pd.DataFrame) -> Prediction:
        """Ask the model, and add the score of the chosen classes where there are several."""
        return self._of_chosen(self.ask(frame))

    @property
    def missing(self) -> dict[str, int]:
        """How many values each feature lacks, counted while the model was asked."""
        return self.lacking(self._arrays["missing"])

    def lacking(self, missing: np.ndarray) -> dict[str, int]:
        """Return counts of missing values by the name of the feature."""
        return dict(zip(self.features, missing.tolist(), strict=True))

    def gaps(self, batch: pd.DataFrame) -> np.ndarray | None:
        """Return how many values each feature lacks; None where batches do not hold them."""
        asked = self.model is not None and self.streams
        return batch[self.features].isna().to_numpy().sum(axis=0) if asked else None

    def heard(self) -> list[str]:
        """Return what libraries warned about in this process, where others cannot hear it."""
        return self.model.warnings if self.model is not None and self.streams else []

    @cached_property
    def _arrays(self) -> Mapping[str, np.ndarray]:
        if self._fault is None:
            try:
                return once(self._run_dir, self._name, self._kept_or_asked)
            except MeasurementError as error:
                self._fault = error  # a model that fails is not asked for every check anew
        raise self._fault

    def _kept_or_asked(self) -> Mapping[str, np.ndarray]:
        model, rows = self.model, self.data.sha256
        assert model is not None  # noqa: S101 - only a model is asked
        if self._kept is None or model.sha256 is None or rows is None:
            return self._predict()
        joined = getattr(self.data, "joined", ())
        key = {
            "model": (model.sha256, model.asked_by, self.subject.task),
            "rows": (rows, self.data.missing, joined, self.subject.others),
            "asked": (self.features, self.subject.decision is None),
            **surroundings(code=model.kind not in FORMATS),
        }
        found = dict(self._kept.get(key, self._asked_and_heard))
        heard = [str(text) for text in found.pop("heard")]
        model.warnings += [text for text in heard if text not in model.warnings]
        return found

    def _asked_and_heard(self) -> dict[str, np.ndarray]:
        """Return the predictions, and what libraries warned about: both belong to the answer."""
        assert self.model is not None  # noqa: S101 - only a model is asked
        arrays = self._predict()
        return {**arrays, "heard": np.array(self.model.warnings, dtype=str)}

    @property
    def _stored(self) -> Prediction:
        held = self._arrays
        return Prediction(held.get("scores"), held.get("labels"), held.get("by_class"))

    @property
    def asked_at_once(self) -> int:
        """Rows that the model is given at a time."""
        return max(BATCH, min(ASKED, CELLS // max(1, len(self.features))))

    @property
    def answered(self) -> bool:
        """Whether the model was asked about all rows already."""
        return "_arrays" in self.__dict__

    def having(self, said: Prediction) -> Predictor:
        """Return the same predictions of one batch, of which the model said this."""
        other = copy.copy(self)
        other._said = said  # noqa: SLF001 - one class
        return other

    def _predict(self) -> Mapping[str, np.ndarray]:
        found = self.along()
        return self._by_itself() if found is None else found

    def _by_itself(self) -> Mapping[str, np.ndarray]:
        parts, missing = [], np.zeros(len(self.features), dtype=np.int64)
        with Progress("rows given to the model", lambda: self.data.rows) as progress:
            for batch in self.data.batches(self.features, self.asked_at_once):
                missing += batch[self.features].isna().to_numpy().sum(axis=0)
                parts.append(self.ask(batch))
                progress.at(int(batch.index[-1]) + 1)
        return self.packed(parts, missing)

    def packed(self, parts: Sequence[Prediction], missing: np.ndarray) -> Mapping[str, np.ndarray]:
        """Return what the model said of all rows as arrays, and how many values they lack."""
        scores = [each.scores for each in parts if each.scores is not None]
        labels = [each.labels for each in parts if each.labels is not None]
        by_class = [each.by_class for each in parts if each.by_class is not None]
        arrays: dict[str, np.ndarray] = {"missing": missing}
        if by_class:
            arrays["by_class"] = np.concatenate(by_class)
        if scores:
            arrays["scores"] = np.concatenate(scores)
        if labels:
            arrays["labels"] = _plain(np.concatenate(labels))
        return arrays

    @cached_property
    def _best(self) -> np.ndarray | None:
        """Which rows ``top_k`` chooses, shape (rows,); None for every other rule."""
        decision = self.subject.decision
        if decision is None or decision.top_k is None:
            return None
        scores, highest = self.scored(self._all_scores()), self.highest
        if decision.within is not None:
            return self._best_within(decision.within, scores, decision.top_k, highest=highest)
        weights = self._all_weights()
        best = best_share(scores, decision.top_k, highest=highest, weights=weights)
        weighty = slice(None) if weights is None else weights > 0
        self._say_drawn(*drawn_by_lot(scores[weighty], best[weighty]))
        return best

    @property
    def highest(self) -> bool:
        """Whether high scores are best."""
        decision = self.subject.decision
        return decision is not None and decision.favorable_when == "above"

    def scored(self, scores: np.ndarray | None) -> np.ndarray:
        """Return scores that ``top_k`` can choose by.

        Raises
        ------
        DataError
            Where there are none.
        """
        if scores is None:
            raise DataError(
                self.subject.problem(
                    "decision",
                    "`decision: {top_k: ...}` needs scores, but there are only predicted classes",
                    "name a `scores:` column or a model with predict_proba",
                )
            )
        return scores

    def _say_drawn(self, tied: int, drawn: int) -> None:
        if tied:
            said = (
                f"`top_k`: {tied:,} rows share the score at the cut; the {drawn:,} of them that "
                "are in were drawn by lot, so counts of groups hang on it"
            )
            self.warnings = (*self.warnings, said)

    @cached_property
    def _cut(self) -> Cut | None:
        """What ``top_k`` lets in of rows that stay where they are; None for every other rule."""
        decision = self.subject.decision
        if decision is None or decision.top_k is None:
            return None
        assert self._over is not None  # noqa: S101 - only rows elsewhere are asked for it
        found = found_by(self._over, self.data, self._sent(), decision.top_k)
        self._say_drawn(found.tied, found.drawn)
        return found

    def _best_within(
        self, column: str, scores: np.ndarray, k: float, *, highest: bool
    ) -> np.ndarray:
        query, lot = self._queries(column)
        best = best_within(scores, query, lot, k, highest=highest)
        said = []
        sizes = np.bincount(query)
        if k >= 1 and (short := int((sizes <= k).sum())):
            said.append(
                f"`top_k`: {short:,} of {len(sizes):,} queries have no more than {k:,} rows, so "
                "all of theirs are in"
            )
        _, at = np.unique(scores, return_inverse=True)
        tie = query * (int(at.max()) + 1) + at
        shared = np.intersect1d(tie[best], tie[~best])
        tied = np.isin(tie, shared)
        if tied.any():
            said.append(
                f"`top_k`: {int(tied.sum()):,} rows share the score at the cut of their query; the "
                f"{int((tied & best).sum()):,} of them that are in were drawn by lot, so counts of "
                "groups hang on it"
            )
        self.warnings = (*self.warnings, *said)
        return best

    def _queries(self, column: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the number of each row's query, and its lot among equal scores.

        The lot comes from what the row holds, so that it does not hang on the order of rows. Rows
        that hold the same are told apart by how many there were before, which changes nothing
        that is counted: they are of one group.
        """
        named = (self.subject.label, self.subject.id, *self.columns, *self.features)
        held = [each for each in named if each is not None]
        held += [each.column for each in self.subject.attributes]
        held = list(dict.fromkeys([column, *held]))
        queries, hashes = [], []
        for batch in self.data.batches(held):
            refuse_missing(batch[column], "query", column)
            queries.append(hash_rows(batch, [column]))
            hashes.append(hash_rows(batch, held))
        _, query = np.unique(np.concatenate(queries), return_inverse=True)
        held_by = np.concatenate(hashes)
        order = np.argsort(held_by, kind="stable")
        alike = np.concatenate([[True], np.diff(held_by[order]) != 0])
        first = np.maximum.accumulate(np.where(alike, np.arange(len(order)), 0))
        before = np.empty(len(order), dtype=np.uint64)
        before[order] = (np.arange(len(order)) - first).astype(np.uint64)
        return query.reshape(-1), row_keys(held_by ^ row_keys(before, seed=1), seed=0)

    def _all_weights(self) -> np.ndarray | None:
        """Return the sampling weights of all rows, None where there are none."""
        if self.subject.weights is None:
            return None
        columns = [self.subject.weights]
        parts = [weights_of(batch[columns[0]], whole=False) for batch in self.data.batches(columns)]
        return np.concatenate(parts)

    def _all_scores(self) -> np.ndarray | None:
        """Return the scores of all rows: eight bytes a row, which a share of all rows needs."""
        if self.model is not None:
            return self._stored.scores
        if not self.columns:
            return None
        return self.everything().scores


def _never() -> None:
    """Return nothing: there is no pass to ask the model in."""


@dataclass(frozen=True)
class _Labels:
    """Distinct labels."""

    found: frozenset[Any] = frozenset()

    def merge(self, other: _Labels) -> _Labels:
        """Return those of both."""
        return _Labels(self.found | other.found)


def _labels(name: str, batch: pd.DataFrame) -> _Labels:
    return _Labels(frozenset(distinct(batch[name].dropna(), MAX_CLASSES)))


def _here(
    source: DataSource, columns: list[str], one: Callable[[pd.DataFrame], _Labels], empty: _Labels
) -> _Labels:
    return run_pass(source.batches(columns), one, empty)


def _joined(parts: Sequence[np.ndarray | None]) -> np.ndarray | None:
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if known else None


def _plain(labels: np.ndarray) -> np.ndarray:
    """Return labels as an array that can be stored without objects, each with its own type.

    Raises
    ------
    ModelError
        When texts and other values are mixed.
    """
    if labels.dtype != object:
        return labels
    kind = pd.api.types.infer_dtype(labels, skipna=False)
    if kind == "string":
        return labels.astype(str)
    if kind in {"integer", "boolean", "floating", "mixed-integer-float"}:
        return np.asarray(labels.tolist())
    raise ModelError(
        Problem(
            f"the model predicts classes of a kind that cannot be compared ({kind})",
            "return all classes as texts, or all as numbers",
        )
    )
