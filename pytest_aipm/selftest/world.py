"""A policy's rows and predictions, held in memory so that harm can be planted into copies of them.

The model is asked once; what it says becomes two more columns of the rows. A harm is then a
change of one table, and the checks count it on the path that a predictions file takes. Checks that
ask the model themselves get the model, or one that was harmed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from pytest_aipm.errors import MeasurementError
from pytest_aipm.evidence.decide import decidable
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.predictor import Predictor
from pytest_aipm.evidence.subject import Subject, group_name
from pytest_aipm.sources.data import NONE, DataSource
from pytest_aipm.sources.model import Model, Prediction

__all__ = ["LABELS", "SCORES", "Base", "Rows", "World"]

LABELS, SCORES = "aipm:predictions", "aipm:scores"
_CHAMPION = ("aipm:champion predictions", "aipm:champion scores")


class Rows(DataSource):
    """Rows in memory in place of another source; nothing is copied or hashed before it is read."""

    def __init__(self, frame: pd.DataFrame, source: DataSource) -> None:
        self.ref, self.kind, self.sha256 = source.ref, source.kind, None
        self.where, self.warnings = source.where, source.warnings
        self.columns = tuple(frame.columns)
        self._frame = frame.reset_index(drop=True)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self._frame)

    def _batches(
        self,
        names: list[str],
        size: int,
        coded: frozenset[str] = NONE,  # noqa: ARG002 - what is in memory costs nothing more
    ) -> Iterator[pd.DataFrame]:
        for start in range(0, len(self._frame), size):
            yield self._frame.iloc[start : start + size][names].copy()


@dataclass(frozen=True, eq=False)
class Base:
    """The policy's own rows and model, without harm.

    Attributes
    ----------
    evidence : Evidence
        As the audit opens it.
    frame : DataFrame
        All its columns and the model's predictions, rows numbered from 0; never changed.
    subject : Subject
        That reads the predictions as columns.
    said : Prediction or None
        What the model says of every row; None when it says nothing or cannot be asked.
    """

    evidence: Evidence
    frame: pd.DataFrame
    subject: Subject
    said: Prediction | None

    @classmethod
    def of(cls, evidence: Evidence) -> Base:
        """Read all rows and ask the model about them, once.

        Raises
        ------
        DataError
            When the rows cannot be read.
        """
        frame = evidence.data.frame().reset_index(drop=True)
        try:
            said, earlier = evidence.said(), evidence.champion_said()
        except MeasurementError:
            # every node that needs predictions says so itself; the others are tested without
            return cls(evidence, frame, evidence.subject, None)
        if said.scores is None and said.labels is None:
            return cls(evidence, frame, evidence.subject, None)
        labels, scores = _columns(frame, said, (LABELS, SCORES))
        champion = _columns(frame, earlier, _CHAMPION)
        by_class = _class_columns(frame, said, evidence.classes)
        features = tuple(evidence.feature_columns())
        subject = replace(
            evidence.subject,
            features=evidence.subject.features if evidence.model is None else features,
            predictions=labels,
            scores=None if evidence.subject.task == "multiclass" else scores,
            class_scores=by_class,
            champion_predictions=champion[0],
            champion_scores=champion[1],
        )
        return cls(evidence, frame, subject, said)

    @cached_property
    def favorable(self) -> np.ndarray | None:
        """Which rows get the favorable decision, shape (n,); None where nobody is decided on."""
        if self.said is None or not self.subject.has_decisions:
            return None
        if not decidable(self.subject, self.said):
            return None
        reader = Predictor(
            self.subject,
            Rows(self.frame, self.evidence.data),
            model=None,
            features=(),
            predictions=self.subject.predictions,
            scores=self.subject.scores,
            run_dir=None,
            name="",
        )
        try:
            return reader.favorable(self.frame, self.said)
        except MeasurementError:
            return None  # a rule that does not fit the scores; checks that decide say so

    @property
    def world(self) -> World:
        """The rows as they are."""
        return World(self, self.frame, self.evidence.model)


@dataclass(frozen=True, eq=False)
class World:
    """Rows and model as they would be with some harm."""

    base: Base
    frame: pd.DataFrame
    model: Model | None

    @cached_property
    def told(self) -> Evidence:
        """What checks see that only count what was predicted."""
        rows = Rows(self.frame, self.base.evidence.data)
        return self.base.evidence.about(self.base.subject, rows, model=None, champion=None)

    @cached_property
    def asked(self) -> Evidence:
        """What checks see that ask the model themselves, or compare with the training rows."""
        own = self.base.evidence
        rows = Rows(self.frame, own.data)
        return own.about(own.subject, rows, model=self.model, champion=own.champion)


def _class_columns(
    frame: pd.DataFrame, said: Prediction, classes: tuple[object, ...] | None
) -> tuple[tuple[str, str], ...]:
    """Add the scores of each class to a frame, and return the classes and their columns."""
    if said.by_class is None or classes is None:
        return ()
    named = [(group_name(value), f"{SCORES} {i}") for i, value in enumerate(classes)]
    for i, (_, column) in enumerate(named):
        frame[column] = said.by_class[:, i]
    return tuple(named)


def _columns(
    frame: pd.DataFrame, said: Prediction | None, names: tuple[str, str]
) -> tuple[str | None, str | None]:
    """Add predictions to a frame, and return what their columns are called."""
    if said is None:
        return None, None
    placed: list[str | None] = []
    for name, values in zip(names, (said.labels, said.scores), strict=True):
        if values is not None:
            frame[name] = values
        placed.append(None if values is None else name)
    return placed[0], placed[1]
