"""One way to ask any model: a frame in, checked scores and labels out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import ModelError
from pytest_aipm.sources.artifact import Artifact, open_artifact
from pytest_aipm.sources.factory import call_factory
from pytest_aipm.sources.faults import describe, did_you_mean, listed, problem
from pytest_aipm.sources.guard import third_party
from pytest_aipm.sources.native.voice import NativeModel
from pytest_aipm.sources.output import checked_labels, checked_matrix, checked_scores, rows_of
from pytest_aipm.sources.spec import ModelSpec, Output, Where
from pytest_aipm.sources.trust import Trust
from pytest_aipm.sources.voice import Task, Voice, choose, classes_of

__all__ = ["Bare", "Model", "ModelSpec", "Opening", "Prediction", "Task", "open_model"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model says about some rows.

    Attributes
    ----------
    scores : ndarray of shape (n,), float64, or None
        Binary: of the positive class, larger is more positive. Regression: the predicted value.
    labels : ndarray of shape (n,) or None
        Classes, as the model writes them.
    by_class : ndarray of shape (n, classes) or None
        Multiclass: a score of each class, in the order in which the model or the policy names them.
    """

    scores: np.ndarray[Any, np.dtype[np.float64]] | None
    labels: np.ndarray[Any, Any] | None
    by_class: np.ndarray[Any, np.dtype[np.float64]] | None = None


@dataclass(frozen=True)
class Bare:
    """A model's own method, to be timed.

    Attributes
    ----------
    name : str
        What messages call it.
    given : callable
        Rows to what the method takes.
    call : callable
    """

    name: str
    given: Callable[[pd.DataFrame], pd.DataFrame]
    call: Callable[[pd.DataFrame], Any]


@dataclass(frozen=True)
class Opening:
    """What it takes to open the same model once more, in another process, too."""

    spec: ModelSpec
    root: Path
    task: Task
    positive: Any
    output: Output

    def again(self) -> Model:
        """Open it; a file must hold the same bytes as before.

        Raises
        ------
        ModelError
            When it cannot be opened any more.
        """
        return open_model(
            self.spec,
            root=self.root,
            trusted=Trust(),
            task=self.task,
            positive=self.positive,
            output=self.output,
        )


class Model:
    """A model that was opened, and the only way the audit calls it.

    Attributes
    ----------
    ref : str
        Path relative to the root folder, factory, or the name of an object's type.
    kind : str
        As `artifact.Artifact.kind`.
    sha256 : str or None
        Of the bytes that were opened; None for factories and objects.
    trusted_by : str
        Why it was allowed to be opened.
    features : tuple of str or None
        ``feature_names_in_`` of the model or of its pipeline's first step.
    classes : tuple or None
        ``classes_`` as plain values.
    score_kind : str or None
        ``probability`` (in [0, 1]), ``decision_function`` (any number), ``value`` (regression),
        ``either`` (a function, known by what it returns), or None: labels only.
    warnings : list of str
        What libraries warned about while it was opened and asked, each once.
    fitted : object
        What was opened, for those who look into it; it is never asked but through `predict` and
        `bare`.
    output : Output
        Which of its methods was asked for.
    opening : Opening or None
        How to open it once more; None for an object that was handed over.
    """

    def __init__(
        self,
        opened: Artifact,
        heard: list[str],
        *,
        output: Output,
        task: Task,
        positive: Any,
        where: Where | None,
    ) -> None:
        self.ref, self.kind, self.sha256 = opened.ref, opened.kind, opened.sha256
        self.trusted_by, self.warnings = opened.trusted_by, heard
        self.opening: Opening | None = None
        self.output = output
        self._where = where
        self._scores: bool | None = None
        model = self.fitted = opened.model
        with third_party(heard):
            self.classes = classes_of(model)
            self.features = _features(model)
            self._width = _width(model)
            self._spelled = model.spelled if isinstance(model, NativeModel) else str
            self._voices = choose(
                model,
                opened.ref,
                output,
                task=task,
                positive=positive,
                classes=self.classes,
                where=where,
            )

    @property
    def score_kind(self) -> str | None:
        """How its scores are to be read."""
        return self._voices.scores.kind if self._voices.scores else None

    @property
    def asked_by(self) -> tuple[tuple[object, ...], ...]:
        """The methods that are called, and how their answers are read."""
        both = (self._voices.scores, self._voices.labels)
        return tuple((v.name, v.kind, v.column, v.sign) for v in both if v is not None)

    def predict(self, frame: pd.DataFrame, *, labels: bool = True) -> Prediction:
        """Ask the model about some rows.

        The model gets a copy of the columns it was fitted on, or all of them when it does not say
        which; the caller's frame and the global random states are not changed.

        Parameters
        ----------
        frame : DataFrame of shape (n, p)
            The index, when it holds numbers, is taken for row numbers in messages.
        labels : bool
            Whether to ask a model that gives scores for its labels too, which costs a second pass.

        Returns
        -------
        Prediction

        Raises
        ------
        ModelError
            When columns are missing, the model raises, or what it returns has another length or
            shape, missing labels, or scores that are not finite.
        """
        scoring, labelling = self._voices.scores, self._voices.labels
        if not len(frame):
            nothing = np.empty(0)
            return Prediction(
                nothing if scoring else None,
                nothing.astype(object) if labelling else None,
                np.empty((0, len(self.classes or ()))) if self._matrix else None,
            )
        prediction = Prediction(None, None)
        if scoring is not None:
            prediction = self._scored(scoring, self._ask(scoring, frame), frame)
        if labelling is not None and (labels or scoring is None):
            said = self._said(labelling)
            answer = self._ask(labelling, frame)
            found = checked_labels(answer, frame, said=said, where=self._where)
            prediction = replace(prediction, labels=found)
        elif self._matrix and prediction.by_class is not None:
            known = np.fromiter(self.classes or (), dtype=object)
            prediction = replace(prediction, labels=known[prediction.by_class.argmax(axis=1)])
        return prediction

    def bare(self, *, labels: bool = True) -> Bare:
        """Return the one call that answers a request, without what `predict` checks around it.

        Parameters
        ----------
        labels : bool
            Whether its own class is the answer, where it says one; else its score.
        """
        scoring, labelling = self._voices.scores, self._voices.labels
        voice = labelling if labelling is not None and (labels or scoring is None) else scoring
        assert voice is not None  # noqa: S101 - a model has one of them
        return Bare(self._said(voice), self._given, voice.call)

    def columns(self, known: Sequence[str]) -> list[str] | None:
        """Return the columns it was fitted on as the data call them, None when it does not tell.

        Some libraries write ``in_come`` for ``in come``. A name that is not among `known`, or could
        be several of them, stays as the model has it.
        """
        if self.features is None:
            return None
        found = []
        for name in self.features:
            alike = [each for each in known if self._spelled(each) == name]
            found.append(alike[0] if name not in known and len(alike) == 1 else name)
        return found

    @property
    def _matrix(self) -> bool:
        return self._voices.scores is not None and self._voices.scores.kind in ("matrix", "margins")

    def _scored(self, voice: Voice, answer: Any, frame: pd.DataFrame) -> Prediction:
        said = self._said(voice)
        if self._matrix:
            found = checked_matrix(
                answer,
                frame,
                said=said,
                classes=len(self.classes or ()),
                probability=voice.kind == "matrix",
                where=self._where,
            )
            return Prediction(None, None, found)
        if voice.kind == "either" and not self._answers_scores(answer, said, frame):
            return Prediction(None, checked_labels(answer, frame, said=said, where=self._where))
        scores = checked_scores(
            answer,
            frame,
            said=said,
            column=voice.column,
            probability=voice.kind == "probability",
            where=self._where,
        )
        return Prediction(scores if voice.sign > 0 else -scores, None)

    def _answers_scores(self, answer: Any, said: str, frame: pd.DataFrame) -> bool:
        """Return whether a function answers with scores, which it does for all rows or for none."""
        scores = bool(np.asarray(answer).dtype.kind == "f")
        if self._scores is not None and self._scores != scores:
            words = ("scores", "classes") if scores else ("classes", "scores")
            what = "{} returned {} now and {} before".format(said, *words)
            fix = "return numbers with a fraction for all rows, or classes for all"
            raise self._error(f"{what} ({rows_of(frame)})", fix)
        self._scores = scores
        return scores

    def _given(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the features as the model expects them, rows numbered from 0 as it saw them."""
        if self.features is None:
            if self._width is not None and self._width != frame.shape[1]:
                what = (
                    f"model {self.ref} was fitted on {self._width} columns without names; "
                    f"it would get {frame.shape[1]}: {listed(frame.columns)}"
                )
                fix = "list its columns, in order, under subject.features"
                raise self._error(what, fix)
            return _own(frame)
        known = list(frame.columns)
        wanted = self.columns(known) or []
        missing = [name for name in wanted if name not in known]
        if missing:
            what = f"model {self.ref} needs columns the data lack: {listed(map(repr, missing))}"
            guesses = [guess for name in missing if (guess := did_you_mean(name, map(str, known)))]
            extra = [name for name in known if name not in wanted]
            others = f"the data have {listed(extra)}" if extra else "the data have no others"
            raise self._error(what, guesses[0] if guesses else others)
        return _own(frame[wanted])

    def _ask(self, voice: Voice, frame: pd.DataFrame) -> Any:
        given = self._given(frame)
        try:
            with third_party(self.warnings):
                return voice.call(given)
        except ModelError:
            raise  # ours: it says already what is wrong
        except (Exception, SystemExit) as error:
            fix = "ask it about these rows outside the audit"
            if isinstance(error, ModuleNotFoundError) and error.name:
                fix = f"install {error.name.partition('.')[0]}"
            what = f"{self._said(voice)} raised {describe(error)} ({rows_of(frame)})"
            raise self._error(what, fix) from error

    def _said(self, voice: Voice) -> str:
        return f"model {self.ref}: {voice.name}"

    def _error(self, what: str, fix: str) -> ModelError:
        return ModelError(problem(what, fix, where=self._where))


def open_model(
    spec: ModelSpec | Any,
    *,
    root: Path,
    trusted: Trust,
    positive: Any = None,
    task: Task = "binary",
    output: Output | None = None,
    where: Where | None = None,
) -> Model:
    """Open a model by its path or factory, or take an object or function as one.

    Parameters
    ----------
    spec : ModelSpec, object or callable
    root : Path
        Root folder: paths are relative to it, factories are found in it.
    trusted : Trust
        Who has vouched for which bytes.
    positive : object
        The class the scores speak of; needed for ``predict_proba`` and ``decision_function``.
    task : Task
    output : Output, optional
        Replaces that of `spec`; objects have none of their own.
    where : Where, optional
        Place in the policy that names the model, for messages.

    Returns
    -------
    Model

    Raises
    ------
    ModelError
        When it cannot be opened, cannot predict, or does not know the positive class.
    TrustError
        When the file can run code and nobody vouches for it.
    """
    heard: list[str] = []
    if not isinstance(spec, ModelSpec):
        opened = Artifact(spec, _name(spec), "object", None, "given by the caller")
        spec = ModelSpec()
    elif (spec.path is None) == (spec.factory is None):
        what, fix = "the model needs one source", "give one of path and factory"
        raise ModelError(problem(what, fix, where=where))
    elif spec.factory is not None:
        _refuse_unused(spec, where)
        made = call_factory(spec.factory, root, heard, where=where, error=ModelError)
        opened = Artifact(made, spec.factory, "factory", None, "factory named in the policy")
    else:
        opened = open_artifact(spec, root, trusted, heard, where, task=task, positive=positive)
    chosen = output or spec.output
    model = Model(opened, heard, output=chosen, task=task, positive=positive, where=where)
    if opened.kind != "object":
        # the bytes that were vouched for now are vouched for again, and no others
        again = spec if opened.sha256 is None else replace(spec, sha256=opened.sha256)
        model.opening = Opening(again, root.resolve(), task, positive, chosen)
    return model


def _refuse_unused(spec: ModelSpec, where: Where | None) -> None:
    """Refuse keys that only a file gives a meaning to, rather than ignore them."""
    for key, given in (("sha256", spec.sha256), ("trust", spec.trust), ("classes", spec.classes)):
        if given:
            what = f"{key}: has no meaning for the factory {spec.factory!r}, which is no file"
            raise ModelError(problem(what, f"remove {key}, or name a file", where=where))


def _own(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows, numbered from 0, that share no memory with anybody's.

    What pandas copies once it is written to is not enough: a model may make the array of a frame
    writeable, and then writes past pandas.
    """
    rows = frame.copy()
    rows.index = pd.RangeIndex(len(rows))
    return rows


def _name(model: Any) -> str:
    if isinstance(model, type) or not hasattr(model, "predict"):
        return str(getattr(model, "__name__", type(model).__name__))
    return type(model).__name__


def _features(model: Any) -> tuple[str, ...] | None:
    """Return the names of the columns a model was fitted on, where it tells."""
    owners = [model]
    steps = _safely(model, "steps")
    if isinstance(steps, list) and steps and isinstance(steps[0], tuple):
        owners.append(steps[0][-1])
    for owner in owners:
        for where in ("feature_names_in_", "feature_names_"):  # the latter is CatBoost's
            names = _safely(owner, where)
            if not isinstance(names, list | tuple | np.ndarray) or not len(names):
                continue
            numbered = [str(i) for i in range(len(names))] == list(names)
            if not numbered and all(isinstance(name, str) for name in names):
                return tuple(map(str, names))
    return None


def _width(model: Any) -> int | None:
    width = _safely(model, "n_features_in_")
    return width if isinstance(width, int) and width > 0 else None  # 0: a copy of CatBoost's


def _safely(owner: Any, name: str) -> Any:
    """Return an attribute, or None: a property of someone else's class may raise anything."""
    try:
        return getattr(owner, name, None)
    except Exception:  # noqa: BLE001
        return None
