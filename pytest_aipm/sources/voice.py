"""Which method speaks for a model, and how to read what it says."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pytest_aipm.errors import ModelError
from pytest_aipm.sources.faults import listed, problem
from pytest_aipm.sources.spec import Output, Where

__all__ = ["Task", "Voice", "Voices", "choose", "classes_of"]

Task = Literal["binary", "multiclass", "regression", "ranking"]

_METHODS: dict[Output, str] = {
    "probability": "predict_proba",
    "decision_function": "decision_function",
    "label": "predict",
}
_OUTPUTS = ("auto", *_METHODS)


@dataclass(frozen=True)
class Voice:
    """One method of a model.

    Attributes
    ----------
    name : str
        What messages call it.
    call : callable
        Frame to array.
    kind : {"probability", "decision_function", "label", "value", "either", "matrix", "margins"}
        How to read the array; ``either`` is scores when it holds floats, else labels. ``matrix``
        has a probability of each class, ``margins`` any number of each.
    column : int or None
        Which column of a two-dimensional answer is the positive class's.
    sign : {1, -1}
        -1 when the positive class is the one that low scores mean.
    """

    name: str
    call: Callable[[Any], Any]
    kind: str
    column: int | None = None
    sign: int = 1


@dataclass(frozen=True)
class Voices:
    """What gives the scores and what gives the labels; never neither."""

    scores: Voice | None
    labels: Voice | None


def choose(
    model: Any,
    ref: str,
    output: Output,
    *,
    task: Task,
    positive: Any,
    classes: tuple[Any, ...] | None,
    where: Where | None,
) -> Voices:
    """Decide once, when the model is opened, which of its methods is asked for what.

    Parameters
    ----------
    model : object
    ref : str
        What messages call the model.
    output : Output
    task : Task
    positive : object
        The class the score speaks of; not used for regression.
    classes : tuple or None
        The model's ``classes_``.
    where : Where or None

    Raises
    ------
    ModelError
        When it has none of the methods, not the one that `output` asks for, or does not know the
        positive class.
    """
    if output not in _OUTPUTS:
        what = f"output: {output} is unknown"
        raise ModelError(problem(what, f"choose one of {listed(_OUTPUTS)}", where=where))
    methods = _methods(model, ref, where)
    if task in ("regression", "ranking"):
        if task == "ranking" and "predict_proba" in methods:
            what = f"model {ref} predicts classes, and a ranking needs a number for each row"
            fix = "give `scores`, or write `task: binary` with `decision: {top_k, within}`"
            raise ModelError(problem(what, fix, where=where))
        return Voices(_regression(methods, ref, output, where, task), None)
    if task == "multiclass":
        return _multiclass(methods, ref, output, classes, where)
    if "" in methods:
        kind = "either" if output == "auto" else str(output)
        voice = Voice("the function", methods[""], kind)
        return Voices(None, voice) if kind == "label" else Voices(voice, None)
    labels = Voice("predict", methods["predict"], "label") if "predict" in methods else None
    if output == "auto":
        output = next(each for each, name in _METHODS.items() if name in methods)
    if _METHODS[output] not in methods:
        what = f"model {ref} has no {_METHODS[output]}, which output: {output} asks for"
        raise ModelError(problem(what, f"it has {listed(methods)}", where=where))
    if output == "label":
        return Voices(None, labels)
    place = _place(ref, _METHODS[output], positive, classes, where)
    call = methods[_METHODS[output]]
    if output == "probability":
        return Voices(Voice("predict_proba", call, output, column=place), labels)
    # A decision function grows towards the second class.
    return Voices(Voice("decision_function", call, output, sign=1 if place else -1), labels)


def classes_of(model: Any) -> tuple[Any, ...] | None:
    """Return a model's ``classes_`` as plain values, or None when it has no such list."""
    try:
        found = model.classes_
    except Exception:  # noqa: BLE001 - a property of someone else's class may raise anything
        return None
    try:
        return tuple(np.asarray(found).tolist()) if np.ndim(found) == 1 else None
    except ValueError:
        return None


def _methods(model: Any, ref: str, where: Where | None) -> dict[str, Callable[[Any], Any]]:
    """Return the methods a model has; a plain function is the method without a name."""
    if inspect.isclass(model):
        fix = "give an object of it, fitted"
        raise ModelError(problem(f"model {ref} is a class", fix, where=where))
    found = {}
    for name in _METHODS.values():
        try:
            method = getattr(model, name, None)
        except Exception:  # noqa: BLE001, S112 - as above: it has no such method then
            continue
        if callable(method):
            found[name] = method
    if found:
        return found
    if callable(model):
        return {"": model}
    what = f"model {ref} is of type {type(model).__name__}: it cannot predict"
    fix = f"give an object with {', '.join(_METHODS.values())}, or a function of a frame"
    raise ModelError(problem(what, fix, where=where))


def _multiclass(
    methods: dict[str, Callable[[Any], Any]],
    ref: str,
    output: Output,
    classes: tuple[Any, ...] | None,
    where: Where | None,
) -> Voices:
    """Return who says the class, and who gives a number for each class, in the model's order."""
    if "" in methods:
        if output not in ("auto", "label"):
            what = f"a function gives a class for each row; output: {output} asks for more"
            raise ModelError(problem(what, "leave it out", where=where))
        return Voices(None, Voice("the function", methods[""], "label"))
    labels = Voice("predict", methods["predict"], "label") if "predict" in methods else None
    if output == "auto":
        output = "probability" if "predict_proba" in methods else "label"
    if _METHODS[output] not in methods:
        what = f"model {ref} has no {_METHODS[output]}, which a multiclass audit asks for"
        raise ModelError(problem(what, f"it has {listed(methods)}", where=where))
    if output == "label":
        return Voices(None, labels)
    if classes is None:
        what = (
            f"model {ref} has {_METHODS[output]}, but no list classes_ that says which column is "
            "which"
        )
        raise ModelError(problem(what, "set classes_ on it, or use output: label", where=where))
    kind = "matrix" if output == "probability" else "margins"
    return Voices(Voice(_METHODS[output], methods[_METHODS[output]], kind), labels)


def _regression(
    methods: dict[str, Callable[[Any], Any]],
    ref: str,
    output: Output,
    where: Where | None,
    task: Task,
) -> Voice:
    if output != "auto":
        what = f"output: {output} has no meaning for a {task}"
        raise ModelError(problem(what, "leave it out", where=where))
    for name, said in (("predict", "predict"), ("", "the function")):
        if name in methods:
            return Voice(said, methods[name], "value")
    what = f"model {ref} has no predict"
    raise ModelError(problem(what, f"give a {task} model, or change the task", where=where))


def _place(
    ref: str, method: str, positive: Any, classes: tuple[Any, ...] | None, where: Where | None
) -> int:
    """Return which of the two classes is the positive one."""
    if classes is None:
        what = f"model {ref} has {method}, but no list classes_ that says which column is which"
        raise ModelError(problem(what, "set classes_ on it, or use output: label", where=where))
    if len(classes) != 2:
        what = f"model {ref} knows {len(classes)} classes ({listed(classes)}); the task is binary"
        raise ModelError(problem(what, "audit a model of two classes", where=where))
    if positive in classes:
        return classes.index(positive)
    what = f"model {ref} does not know the positive class {positive!r}"
    fix = f"its classes are {listed(map(repr, classes))}: write positive as one of them"
    raise ModelError(problem(what, fix, where=where))
