"""Evidence about frames in memory, cut into batches at will, and a model to ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.subject import Attribute, Subject
from pytest_aipm.sources.data import DataSource, FrameData, open_data
from pytest_aipm.sources.model import open_model
from pytest_aipm.sources.trust import Trust


class Split(FrameData):
    """The same rows, cut into batches at given places."""

    def __init__(self, frame: pd.DataFrame, cuts: list[int]) -> None:
        whole = open_data(frame, root=Path())
        self.__dict__.update(whole.__dict__)
        self._cuts = sorted({0, len(frame), *(cut for cut in cuts if cut < len(frame))})

    def batches(self, columns=None, size=0, *, coded=frozenset()):  # noqa: ARG002
        names = list(dict.fromkeys(self.columns if columns is None else columns))
        self.require(names)
        for start, stop in zip(self._cuts, self._cuts[1:], strict=False):
            yield self._frame.iloc[start:stop][names].copy()


SUBJECT = {"task": "binary", "label": "y", "positive": 1, "favorable": 1, "predictions": "pred"}


def subject_of(*attributes: str | Attribute, **changes: Any) -> Subject:
    named = tuple(
        each if isinstance(each, Attribute) else Attribute(each, each) for each in attributes
    )
    return Subject(attributes=named, path="policy.yaml", **{**SUBJECT, **changes})


def evidence_of(
    data: pd.DataFrame | DataSource, subject: Subject, *, model: Any = None, **needs: Any
) -> Evidence:
    source = data if isinstance(data, DataSource) else open_data(data, root=Path())
    opened = {
        name: open_model(
            each,
            root=Path(),
            trusted=Trust.read(Path(), ()),
            task=subject.task,
            positive=subject.positive,
        )
        for name, each in (("model", model), ("champion", needs.pop("champion", None)))
        if each is not None
    }
    return Evidence(subject, source, **{"need_label": subject.label is not None, **needs}, **opened)


class Scored:
    """A model whose score is one of its columns."""

    classes_ = np.array([0, 1])

    def __init__(self, column: str = "s", classes: tuple[Any, Any] = (0, 1)) -> None:
        self.column = column
        self.classes_ = np.array(classes)
        self.feature_names_in_ = np.array([column], dtype=object)
        self.asked = 0

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        self.asked += len(frame)
        score = frame[self.column].to_numpy(dtype=float)
        return np.column_stack([1 - score, score])

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        self.asked += len(frame)
        return self.classes_[(frame[self.column].to_numpy() >= 0.5).astype(int)]
