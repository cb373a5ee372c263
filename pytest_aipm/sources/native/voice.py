"""What a model of any of the libraries looks like to the audit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from pytest_aipm.errors import ModelError
from pytest_aipm.sources.faults import listed, problem
from pytest_aipm.sources.spec import Where

__all__ = ["Answer", "Asked", "Method", "NativeModel", "as_native", "named_classes"]

Answer = Literal["probability", "margin", "label", "value", "score"]
"""What a model returns: probabilities of classes (n, k); one number that grows towards the second
class; the number of a class; a predicted number; or a number that only orders rows."""

Method = Callable[[pd.DataFrame], np.ndarray]

_CLASSIFY = ("binary", "multiclass")


@dataclass(frozen=True)
class Asked:
    """What the caller wants of a file, and what messages call it.

    Attributes
    ----------
    ref : str
        What messages call the file.
    task : str
    classes : tuple
        Names of the classes in the order of their numbers, from the policy; may be empty.
    positive : object
        The class that the policy asks for; None for most tasks.
    heard : list of str
        Collects what a reader should know.
    where : Where or None
    """

    ref: str
    task: str
    classes: tuple[Any, ...]
    positive: Any
    heard: list[str]
    where: Where | None

    def error(self, what: str, fix: str = "") -> ModelError:
        """Return what is wrong with the file, at its place in the policy."""
        return ModelError(problem(what, fix, where=self.where))

    def damaged(self, why: str) -> ModelError:
        """Return that the file is not what its library writes."""
        fix = "the file may be damaged: save the model again"
        return self.error(f"{self.ref!r} could not be opened: {why}", fix)


class NativeModel:
    """A model with the attributes and methods of scikit-learn's that it has a meaning for.

    Others are missing, so that nobody asks for them.

    Attributes
    ----------
    feature_names_in_ : list of str
        As the file writes them; missing when it has none.
    n_features_in_ : int
        Missing when the file does not say.
    classes_ : list
        Missing for what is no classifier.
    spelled : callable
        How the file writes a name of the data.
    """

    feature_names_in_: list[str]
    n_features_in_: int
    classes_: list[Any]
    predict: Method
    predict_proba: Method
    decision_function: Method

    def __init__(
        self, *, names: list[str] | None, width: int | None, spelled: Callable[[str], str] = str
    ) -> None:
        if names:
            self.feature_names_in_ = names
        if width is not None:
            self.n_features_in_ = width
        self.spelled = spelled


def as_native(
    asked: Asked,
    answer: Answer,
    ask: Method,
    *,
    said: str,
    model: NativeModel,
    stored: list[Any] | None = None,
    count: int = 2,
    labels: Method | None = None,
) -> NativeModel:
    """Give a model the methods that its answers have a meaning for.

    Parameters
    ----------
    asked : Asked
    answer : Answer
    ask : callable
        Frame of the features to what `answer` says.
    said : str
        What the file calls its answer: ``objective binary:logistic``.
    model : NativeModel
        It is changed.
    stored : list, optional
        Names of the classes that the file holds.
    count : int
        How many classes there are.
    labels : callable, optional
        Frame to numbers of classes; default for probabilities: the most probable class, the first
        of equal ones.

    Raises
    ------
    ModelError
        When a class is asked of a model that predicts numbers, or a number of one that predicts
        classes; when the policy's names of the classes do not fit.
    """
    if answer in ("value", "score"):
        _numbers(asked, answer, ask, said, model)
        return model
    if asked.task == "regression":
        what = f"model {asked.ref} predicts classes ({said}), but the task is regression"
        raise asked.error(what, "write task: binary, or audit a model that predicts numbers")
    names = named_classes(asked, stored, count)
    model.classes_ = names
    array = np.asarray(names)
    if answer == "margin":
        model.decision_function = ask
    elif answer == "probability":
        model.predict_proba = ask
        labels = labels or (lambda frame: ask(frame).argmax(axis=1))
    else:
        labels = labels or ask
    if labels is not None:
        numbers = labels
        model.predict = lambda frame: array[numbers(frame)]
    return model


def _numbers(
    asked: Asked,
    answer: Answer,
    ask: Method,
    said: str,
    model: NativeModel,
) -> None:
    what = "a number" if answer == "value" else "a score that only orders rows"
    if asked.task in _CLASSIFY:
        if not asked.classes:
            fix = (
                "write task: regression, or say what a low and a high number mean under "
                "subject.model: classes: [LOW, HIGH], and decide with decision: {threshold: ...}"
                if answer == "value"
                else "say what a low and a high score mean under subject.model: classes: "
                "[LOW, HIGH], and decide with decision: {threshold: ...} or {top_k: ...}"
            )
            raise asked.error(f"model {asked.ref} predicts {what} ({said}), no class", fix)
        model.classes_ = named_classes(asked, None, 2)
        model.decision_function = ask
        return
    if asked.classes:
        what = f"classes: has no meaning for model {asked.ref}, which predicts {what} ({said})"
        raise asked.error(what, "remove it")
    if answer == "score" and asked.task == "regression":
        what = f"model {asked.ref} predicts {what} ({said}), but the task is regression"
        raise asked.error(what, "audit a model that predicts a value")
    model.predict = ask


def named_classes(asked: Asked, stored: list[Any] | None, count: int) -> list[Any]:
    """Return the names of the classes: the policy's where the file holds only numbers 0, 1, ...

    Raises
    ------
    ModelError
        When they are too many, too few, or others than the file's own.
    """
    numbers = list(range(count))
    own = numbers if stored is None else stored
    given = list(asked.classes)
    numbered = [str(each) for each in own] == [str(each) for each in numbers]
    if not given or given == own:
        if numbered and asked.positive is not None and asked.positive not in own:
            what = (
                f"model {asked.ref} knows its classes only as {listed(own)}; "
                f"the positive class is {asked.positive!r}"
            )
            fix = "name them in that order under subject.model: classes: [NAME OF 0, NAME OF 1]"
            raise asked.error(what, fix)
        return own
    if not numbered:
        what = (
            f"model {asked.ref} names its classes itself: {listed(map(repr, own))}; "
            f"the policy says classes: {listed(map(repr, given))}"
        )
        raise asked.error(what, "remove classes from the policy, and write the others as the model")
    if len(given) != len(own):
        what = f"model {asked.ref} has {len(own)} classes, the policy names {len(given)}"
        raise asked.error(what, "name each class once, in the order of the numbers 0, 1, ...")
    return given
