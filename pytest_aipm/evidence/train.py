"""Training rows beside evaluation rows: which are shared, and how well the model fits each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, ModelError, Problem
from pytest_aipm.evidence.classes import (
    MAX_CLASSES,
    MOST,
    distinct,
    listed,
    refuse_misfits,
    refuse_strangers,
)
from pytest_aipm.evidence.decide import matches, numeric, refuse_missing
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.losses import LOSSES
from pytest_aipm.evidence.passes import located
from pytest_aipm.evidence.sample import among, hash_rows
from pytest_aipm.evidence.subject import Subject
from pytest_aipm.evidence.wishes import Sample, Wish
from pytest_aipm.sources.data import DataSource
from pytest_aipm.sources.model import Prediction

__all__ = [
    "Fit",
    "Overlap",
    "coarse",
    "compared",
    "fit_against",
    "fit_of",
    "fitting",
    "of_true_class",
    "overlap_of",
    "overlapping",
    "training_rows",
]

TRUTH = "aipm:truth"
MARGINS = ("margins", "decision_function")
"""Kinds of scores that are no probabilities."""
COARSE = 0.01
"""Share of rows from which equal rows are no accident: of evaluation rows that occur in training,
and of training rows that occur there more than once."""
MAX_ROWS = 100_000
"""Rows of either side that the model is asked about; the AUC's error is then under 0.002."""


@dataclass(frozen=True)
class Overlap:
    """Evaluation rows whose features occur in the training rows.

    Attributes
    ----------
    rows, shared, near, conflicting : int
        Evaluation rows; those that are also training rows; those that are but for the spelling of
        texts and the last digits of fractions; of both, those that occur there only with another
        label.
    columns : tuple of str
        The columns compared.
    """

    rows: int
    shared: int
    near: int
    conflicting: int
    columns: tuple[str, ...]

    def merge(self, other: Overlap) -> Overlap:
        """Return the counts of the rows of both."""
        return Overlap(
            self.rows + other.rows,
            self.shared + other.shared,
            self.near + other.near,
            self.conflicting + other.conflicting,
            self.columns,
        )


@dataclass(frozen=True)
class Fit:
    """Losses of the model on rows it was trained on and on rows it was not.

    Attributes
    ----------
    members, others : float arrays of shape (m,) and (k,)
        One loss a row; small means the model fits it well.
    loss : str
        What the loss is.
    dropped : int
        Evaluation rows left out because they are training rows.
    member_rows, other_rows : DataFrame of shape (m, p) and (k, p)
        The same rows: what the model is given, and the truth as the last column: a number, 1 or 0
        for the positive class and the other, or the class of a multiclass task.
    member_people, other_people : DataFrame of m and k rows
        Columns of the protected attributes, as far as the source has them.
    crowd : tuple of int
        Training rows, and further evaluation rows, left out because others equal them.
    """

    members: np.ndarray
    others: np.ndarray
    loss: str
    dropped: int
    member_rows: pd.DataFrame = field(repr=False, compare=False, default_factory=pd.DataFrame)
    other_rows: pd.DataFrame = field(repr=False, compare=False, default_factory=pd.DataFrame)
    member_people: pd.DataFrame = field(repr=False, compare=False, default_factory=pd.DataFrame)
    other_people: pd.DataFrame = field(repr=False, compare=False, default_factory=pd.DataFrame)
    crowd: tuple[int, int] = (0, 0)


def overlap_of(evidence: Evidence, digits: int | None = None) -> Overlap:
    """Count evaluation rows that are also training rows, by the hash of their features.

    Parameters
    ----------
    evidence : Evidence
    digits : int, optional
        Significant digits of fractions that must be equal in near copies; without, none are sought.

    Raises
    ------
    DataError
        Without training rows, or when they lack a feature column.
    """
    return evidence.shared.answer(overlapping(evidence, digits))


def overlapping(evidence: Evidence, digits: int | None = None) -> Wish[Overlap]:
    """Return the wish for what `overlap_of` counts; the training rows are hashed for it."""
    train = training_rows(evidence)
    columns = compared(evidence, train)
    label = evidence.subject.label
    labelled = label is not None and label in train.columns and label in evidence.data.columns
    keyed = [*columns, label] if labelled and label is not None else columns
    known, nearly, exact = evidence.once(
        ("training hashes", id(train), tuple(keyed), digits),
        lambda: _known(evidence, train, columns, keyed, digits),
    )

    def partial(batch: pd.DataFrame) -> Overlap:
        same, conflicting = among(hash_rows(batch, columns), known), 0
        rounded = coarse(batch, columns, digits)
        inside = same if digits is None else same | among(hash_rows(rounded, columns), nearly)
        if labelled:
            conflicting = int((inside & ~among(hash_rows(rounded, keyed), exact)).sum())
        near = int((inside & ~same).sum())
        return Overlap(len(batch), int(same.sum()), near, conflicting, tuple(columns))

    key = ("overlap", tuple(keyed), digits)
    return Wish(key, evidence.data, tuple(keyed), partial, Overlap(0, 0, 0, 0, tuple(columns)))


def _known(
    evidence: Evidence, train: DataSource, columns: list[str], keyed: list[str], digits: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return hashes of training rows: as they are, made coarse, and these with the label."""
    asked = [(columns, None), (columns, digits), (keyed, digits)]
    different = list(dict.fromkeys((tuple(names), rounded) for names, rounded in asked))

    def partial(batch: pd.DataFrame) -> _Hashes:
        rounded = {None: batch, digits: coarse(batch, columns, digits)}
        found = [hash_rows(rounded[how], list(names)) for names, how in different]
        return _Hashes(tuple(map(np.unique, found)))

    parts = evidence.over(train, keyed, partial, _Hashes()).parts
    told = {
        each: np.unique(np.concatenate(parts[place :: len(different)]))
        for place, each in enumerate(different)
    }
    known, nearly, exact = (told[tuple(names), rounded] for names, rounded in asked)
    return known, nearly, exact


def coarse(rows: pd.DataFrame, columns: list[str], digits: int | None) -> pd.DataFrame:
    """Return rows in which near copies are equal: fractions rounded, texts trimmed, case folded."""
    if digits is None:
        return rows
    return rows.assign(**{name: _rounded(rows[name], digits) for name in columns})


def _rounded(column: pd.Series[Any], digits: int) -> pd.Series[Any]:
    if column.dtype.kind in "bcmM":  # true and false, complex numbers, dates and spans of time
        return column
    if pd.api.types.is_bool_dtype(column) or isinstance(column.dtype, pd.DatetimeTZDtype):
        return column
    if not pd.api.types.is_numeric_dtype(column):
        folded = column.astype(object).map(
            lambda value: " ".join(value.split()).casefold() if isinstance(value, str) else value
        )
        return folded.astype(object)
    numbers = column.astype("Float64").to_numpy(dtype=float, na_value=np.nan, copy=True)
    some = np.isfinite(numbers) & (numbers != np.floor(numbers))
    # whole numbers may be counts, codes or days, of which every digit matters
    place = digits - 1 - np.floor(np.log10(np.abs(numbers[some]))).astype(int)
    tens = np.power(10.0, np.clip(place, -300, 300))
    numbers[some] = np.round(numbers[some] * tens) / tens
    return pd.Series(numbers, index=column.index)


def fit_of(evidence: Evidence) -> Fit:
    """Return the model's losses on training rows and on evaluation rows it never saw.

    Evaluation rows that are also training rows are left out first: they would hide what the
    others show.

    Raises
    ------
    DataError, ModelError
        Without training rows, label or model, or when they do not fit each other.
    """
    train = training_rows(evidence)
    return fit_against(evidence, train, trained=train)


def fit_against(evidence: Evidence, source: DataSource, *, trained: DataSource) -> Fit:
    """Return the model's losses on the rows of a source and on evaluation rows never trained on.

    Where columns are so coarse that people share all values, leaving out evaluation rows that
    occur among the others keeps rare ones alone, and rare ones are fitted worse. Then both sides
    are cut alike: to rows that no other row of either side equals.

    Raises
    ------
    DataError, ModelError
        Without label or model, or when they do not fit each other.
    """
    columns = compared(evidence, source)
    members, others = _asked(evidence, source), _asked(evidence, evidence.data)
    _same_classes(evidence.subject, members, others, source.ref)
    loss, name = _loss(evidence, members, others)
    inside = _counted(evidence, source, columns)
    outside = _counted(evidence, evidence.data, columns)
    own, foreign = hash_rows(members.frame, columns), hash_rows(others.frame, columns)
    seen = among(foreign, inside.hashes)
    if trained is not source:
        seen |= among(foreign, _counted(evidence, trained, columns).hashes)
    stay, crowd = np.ones(len(own), dtype=bool), np.zeros(len(seen), dtype=bool)
    if seen.mean() > COARSE < inside.crowded:
        stay = ~(among(own, inside.twice) | among(own, outside.hashes))
        crowd = among(foreign, outside.twice) & ~seen
    kept = ~(seen | crowd)
    people = [each.column for each in evidence.subject.attributes]
    return Fit(
        members=LOSSES[loss](members.truth, members.said)[stay],
        others=LOSSES[loss](others.truth, others.said)[kept],
        loss=name,
        dropped=int(seen.sum()),
        member_rows=_with_truth(members).loc[stay],
        other_rows=_with_truth(others).loc[kept],
        member_people=members.frame.filter(people).loc[stay],
        other_people=others.frame.filter(people).loc[kept],
        crowd=(int((~stay).sum()), int(crowd.sum())),
    )


@dataclass(frozen=True)
class _Counted:
    """Distinct hashes of a source's rows, those that occur more than once, both ascending."""

    hashes: np.ndarray
    twice: np.ndarray
    crowded: float
    """Share of the rows that another row of the source equals."""


def fitting(evidence: Evidence) -> Iterator[Wish[Any] | Sample]:
    """Yield what `fit_of` is going to ask of all rows, of training and of evaluation."""
    train = training_rows(evidence)
    columns = compared(evidence, train)
    for source in (train, evidence.data):
        yield _every_hash(source, columns)
        yield Sample(source, _wanted(evidence, source), MAX_ROWS)


def _every_hash(source: DataSource, columns: list[str]) -> Wish[_Hashes]:
    def partial(batch: pd.DataFrame) -> _Hashes:
        return _Hashes((hash_rows(batch, columns),))

    return Wish(("hashes", tuple(columns)), source, tuple(columns), partial, _Hashes())


def _counted(evidence: Evidence, source: DataSource, columns: list[str]) -> _Counted:
    parts = evidence.shared.answer(_every_hash(source, columns)).parts
    hashes, counts = np.unique(np.concatenate(parts), return_counts=True)
    crowded = float(counts[counts > 1].sum() / max(1, counts.sum()))
    return _Counted(hashes, hashes[counts > 1], crowded)


def _with_truth(side: _Asked) -> pd.DataFrame:
    """Return the columns that the model is given, and what is true, numbered as in the source."""
    return side.frame[list(side.given)].assign(**{TRUTH: side.label})


def training_rows(evidence: Evidence) -> DataSource:
    """Return the training rows; DataError without them."""
    if evidence.train is None:
        raise DataError(
            evidence.subject.problem(
                "train", "this check needs the training rows", "add `train: PATH` to the subject"
            )
        )
    return evidence.train


def compared(evidence: Evidence, train: DataSource) -> list[str]:
    """Return the feature columns that both sides have.

    Raises
    ------
    DataError
        When the training rows lack one or write it otherwise, or there is none.
    """
    return evidence.once(("compared", id(train)), lambda: _compared(evidence, train))


def _compared(evidence: Evidence, train: DataSource) -> list[str]:
    columns = [name for name in evidence.feature_columns() if name in evidence.data.columns]
    missing = [name for name in columns if name not in train.columns]
    if missing:
        raise DataError(
            Problem(
                f"training rows lack the feature column {missing[0]!r}",
                "give both files the same feature columns",
                path=train.ref,
            )
        )
    if not columns:
        raise DataError(
            evidence.subject.problem(
                "features",
                "there are no feature columns to compare with the training rows",
                "name them under `features:`",
            )
        )
    ours, theirs = _kinds(evidence.data, columns), _kinds(train, columns)
    for name in columns:
        if ours[name] and theirs[name] and ours[name] != theirs[name]:
            # no row would equal another, and all would look as if nobody had seen them
            what = (
                f"feature column {name!r} holds {theirs[name]} in the training rows and "
                f"{ours[name]} in the data"
            )
            raise DataError(Problem(what, "write it the same way in both", path=train.ref))
    return columns


def _kinds(source: DataSource, columns: list[str]) -> dict[str, str]:
    """Return what each column holds, nothing for one without values."""
    batch = source.head(columns)
    return {name: _kind(batch[name].dropna()) for name in columns}


def _kind(column: pd.Series[Any]) -> str:
    if column.empty:
        return ""
    if pd.api.types.infer_dtype(column) == "boolean":
        return "true and false"
    return "numbers" if pd.api.types.is_numeric_dtype(column) else "texts"


@dataclass(frozen=True)
class _Hashes:
    """Hashes of rows, a part for each batch."""

    parts: tuple[np.ndarray, ...] = ()

    def merge(self, other: _Hashes) -> _Hashes:
        return _Hashes(self.parts + other.parts)


@dataclass(frozen=True)
class _Asked:
    """Sampled rows of one source, the truth about them, and what the model says.

    ``said`` holds scores where the model gives any (`scored`), else 1 for the positive class. Of
    a multiclass task it speaks of each row's true class, and ``truth`` is 1 for all.
    """

    frame: pd.DataFrame
    given: tuple[str, ...]
    label: np.ndarray
    truth: np.ndarray
    said: np.ndarray
    scored: bool
    classes: frozenset[Any]
    named: frozenset[Any] = frozenset()
    """Classes that the model of a multiclass task knows, or says."""


def _same_classes(subject: Subject, members: _Asked, others: _Asked, train: str) -> None:
    """Refuse labels that are written differently: a loss would then be of the wrong class."""
    if subject.task == "regression":
        return
    if subject.task == "multiclass":
        named = members.named | others.named
        refuse_misfits(subject, others.classes, named)
        with located(train):
            refuse_misfits(subject, members.classes, named)
        return
    refuse_strangers(subject, others.classes, frozenset())
    if len(members.classes | others.classes) > 2:
        what = (
            f"label {subject.label!r} is written differently in the training rows "
            f"({listed(members.classes)}) and in the data ({listed(others.classes)})"
        )
        raise DataError(Problem(what, "write the same two classes in both", path=train))


def _asked(evidence: Evidence, source: DataSource) -> _Asked:
    subject, model = evidence.subject, evidence.model
    label = subject.label
    if model is None or label is None:
        raise ModelError(
            subject.problem(
                "model",
                "membership inference needs a model that can be called and the label",
                "name a model and a label; a predictions file is not enough",
            )
        )
    features = evidence.feature_columns()
    given, wanted = tuple(features), _wanted(evidence, source)
    several = subject.task == "multiclass"
    with located(source.ref):
        frame = evidence.drawn(source, wanted, MAX_ROWS)
        truth = _truth(subject, frame[label])
        classes = distinct(frame[label], MAX_CLASSES + 1 if several else MOST)
        prediction = model.predict(frame[features], labels=False)
    if several:
        said, scored = of_true_class(prediction, truth, model.classes, model.score_kind)
        named = frozenset(model.classes or pd.unique(pd.Series(prediction.labels)).tolist())
        ones = np.ones(len(frame))
        return _Asked(frame, given, truth, ones, said, scored, classes, named)
    if prediction.scores is not None:
        return _Asked(frame, given, truth, truth, prediction.scores, scored=True, classes=classes)
    assert prediction.labels is not None  # noqa: S101 - a prediction has one of the two
    said = matches(prediction.labels, subject.positive).astype(float)
    return _Asked(frame, given, truth, truth, said, scored=False, classes=classes)


def _wanted(evidence: Evidence, source: DataSource) -> tuple[str, ...]:
    """Return the columns of the rows that the model is asked about."""
    subject = evidence.subject
    people = [each.column for each in subject.attributes if each.column in source.columns]
    label = [] if subject.label is None else [subject.label]
    return tuple(dict.fromkeys([*evidence.feature_columns(), *label, *people]))


def of_true_class(
    prediction: Prediction,
    truth: np.ndarray,
    classes: tuple[Any, ...] | None,
    kind: str | None,
) -> tuple[np.ndarray, bool]:
    """Return what a multiclass model says of each row's true class, and whether as a score.

    The probability of the class, 0 for one that the model does not know; its lead over the best
    other class where scores are margins; without scores 1 where the class is right, else 0.

    Parameters
    ----------
    prediction : Prediction
    truth : array of shape (n,)
        True classes.
    classes : tuple or None
        Of the scores, in their order.
    kind : str or None
        Of the model's scores.

    Returns
    -------
    said : float array of shape (n,)
    scored : bool
    """
    if prediction.by_class is None:
        right = pd.Series(prediction.labels).astype(object) == pd.Series(truth).astype(object)
        return right.to_numpy(dtype=float), False
    place = {value: i for i, value in enumerate(classes or ())}
    codes, found = pd.factorize(pd.Series(truth))
    column = np.array([place.get(value, -1) for value in found.tolist()], dtype=int)[codes]
    known, rows = column >= 0, np.arange(len(column))
    own = prediction.by_class[rows, column]
    if kind not in MARGINS:
        return np.where(known, own, 0.0), True
    rest = prediction.by_class.copy()
    own = np.where(known, own, rest.min(axis=1))
    rest[rows[known], column[known]] = -np.inf
    return own - rest.max(axis=1), True


def _truth(subject: Subject, column: pd.Series[Any]) -> np.ndarray:
    """Return the true numbers, the true classes of several, or 1 for the positive class, else 0."""
    if subject.task == "regression":
        return numeric(column, "label", str(column.name))
    refuse_missing(column, "label", str(column.name))
    if subject.task == "multiclass":
        return column.to_numpy()
    return matches(column, subject.positive).astype(float)


def _loss(evidence: Evidence, *sides: _Asked) -> tuple[str, str]:
    """Return the one loss that fits both sides, and what it is called."""
    if evidence.subject.task == "regression":
        return "absolute_error", "absolute error"
    if not all(side.scored for side in sides):
        return "absolute_error", "error (0 or 1: the model gives no scores)"
    kind = None if evidence.model is None else evidence.model.score_kind
    # a margin that happens to lie between 0 and 1 is no probability
    if kind not in MARGINS and all(0 <= side.said.min() <= side.said.max() <= 1 for side in sides):
        return "log_loss", "log loss"
    return "margin", "margin"
