"""ONNX: any exporter's file, run by onnxruntime on the processor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.sources.faults import describe, listed
from pytest_aipm.sources.native.onnx_graph import refuse_strangers, stored_classes
from pytest_aipm.sources.native.onnx_inputs import Inputs
from pytest_aipm.sources.native.threads import threads
from pytest_aipm.sources.native.voice import Asked, NativeModel, as_native, named_classes

__all__ = ["open_onnx"]

_FLOATS = ("tensor(float)", "tensor(double)", "tensor(float16)")
_LABELS = ("tensor(int64)", "tensor(int32)", "tensor(string)", "tensor(bool)")
_SUM = 1e-3
"""Probabilities of a row sum to 1 within the rounding of 32 or 16 bits."""


Run = Callable[[pd.DataFrame, str], Any]
"""Rows and the name of an output to what it holds."""


@dataclass(frozen=True)
class _Outputs:
    """Which outputs hold what; each None where there is none."""

    scores: Any
    maps: Any
    label: Any


def open_onnx(raw: bytes, asked: Asked, onnx: Any, onnxruntime: Any) -> NativeModel:
    """Open a model from its bytes.

    Raises
    ------
    ModelError
        When it is damaged, newer than onnxruntime, wants other files or libraries of operators, or
        its inputs or outputs can be read in more than one way.
    """
    try:
        graph = onnx.load_model_from_string(raw)
    except Exception as error:
        raise asked.damaged(f"it is no whole ONNX model ({describe(error)})") from error
    refuse_strangers(graph, onnx, asked)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads()
    options.inter_op_num_threads = 1
    onnxruntime.disable_telemetry_events()
    try:
        session = onnxruntime.InferenceSession(raw, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        what = f"{asked.ref!r} could not be opened by onnxruntime {onnxruntime.__version__}: "
        fix = "install a newer onnxruntime, or export the model again for this one"
        raise asked.error(what + _first(error), fix) from error
    inputs = Inputs.of(session, asked)
    outputs = _outputs(session, asked)
    model = NativeModel(names=inputs.names, width=inputs.width, spelled=inputs.spelled)

    def run(frame: pd.DataFrame, wanted: str) -> Any:
        return session.run([wanted], inputs.of_frame(frame))[0]

    if asked.task == "regression":
        return _regression(model, run, outputs, asked)
    return _classifier(model, run, outputs, stored_classes(graph, onnx), asked)


def _outputs(session: Any, asked: Asked) -> _Outputs:
    """Return the outputs by what they hold.

    Raises
    ------
    ModelError
        When they can be read in more than one way.
    """
    kinds: dict[str, list[Any]] = {"scores": [], "maps": [], "label": [], "other": []}
    for each in session.get_outputs():
        rank = len(each.shape or ())
        if each.type.startswith("seq(map("):
            kinds["maps"].append(each)
        elif each.type in _FLOATS and rank in (1, 2):
            kinds["scores"].append(each)
        elif each.type in _LABELS and rank in (1, 2):
            kinds["label"].append(each)
        else:
            kinds["other"].append(each)
    speaks = len(kinds["scores"]) + len(kinds["maps"])
    if kinds["other"] or speaks > 1 or len(kinds["label"]) > 1 or speaks + len(kinds["label"]) == 0:
        shown = [
            f"{each.name} {each.type} {list(each.shape or ())}" for each in session.get_outputs()
        ]
        what = (
            f"model {asked.ref} has outputs that can be read in more than one way: {listed(shown)}"
        )
        fix = "export it with one output of scores, (rows, classes) or (rows, 1), and at most one "
        raise asked.error(what, fix + "of labels (skl2onnx: zipmap False)")
    return _Outputs(*(kinds[key][0] if kinds[key] else None for key in ("scores", "maps", "label")))


def _regression(model: NativeModel, run: Run, outputs: _Outputs, asked: Asked) -> NativeModel:
    width = _width(outputs.scores)
    if outputs.scores is None or outputs.label is not None or width not in (None, 1):
        what = f"model {asked.ref} predicts classes, or several numbers a row"
        fix = "write task: binary, or audit a model that predicts one number"
        raise asked.error(what, fix)
    return as_native(
        asked,
        "value",
        lambda frame: np.asarray(run(frame, outputs.scores.name), dtype=np.float64),
        said=f"output {outputs.scores.name}",
        model=model,
    )


def _width(output: Any) -> int | None:
    """Return how many numbers a row an output has, None when only running it tells."""
    if output is None:
        return None
    last = output.shape[1] if len(output.shape) == 2 else 1
    return last if isinstance(last, int) else None


def _classifier(
    model: NativeModel, run: Run, outputs: _Outputs, stored: list[Any] | None, asked: Asked
) -> NativeModel:
    """Give a model the methods of a classifier: labels as it says them, scores as it gives them."""
    own, names = _classes(outputs, stored, asked)
    model.classes_ = names
    array, renamed = np.asarray(names), dict(zip(own, names, strict=True))
    if outputs.label is not None:
        label = outputs.label.name
        model.predict = lambda frame: _labels(run(frame, label), renamed, asked)
    if outputs.scores is None and outputs.maps is None:
        return model

    def scores(frame: pd.DataFrame) -> np.ndarray:
        if outputs.maps is not None:
            return _unzipped(run(frame, outputs.maps.name), own, asked)
        said = np.asarray(run(frame, outputs.scores.name), dtype=np.float64)
        said = said[:, None] if said.ndim == 1 else said
        if said.shape[1] not in (1, len(own)):
            what = f"model {asked.ref} gave {said.shape[1]} scores a row for {len(own)} classes"
            raise asked.error(what, "name each class once, in the order of the scores")
        return said

    model.predict_proba = lambda frame: _probable(scores(frame), asked)
    if len(own) == 2:
        model.decision_function = lambda frame: _margin(scores(frame))
    if outputs.label is None and _width(outputs.scores) != 1:
        model.predict = lambda frame: array[scores(frame).argmax(axis=1)]
    return model


def _classes(
    outputs: _Outputs, stored: list[Any] | None, asked: Asked
) -> tuple[list[Any], list[Any]]:
    """Return the classes in the order of the scores, as the model writes them and as we do.

    Raises
    ------
    ModelError
        When the file leaves open which class a score belongs to, and so does the policy.
    """
    width = _width(outputs.scores)
    speaks_text = outputs.label is not None and outputs.label.type == "tensor(string)"
    unknown = outputs.maps is not None or (width is None and outputs.scores is not None)
    if stored is None and (speaks_text or unknown):
        if not asked.classes:
            what = f"model {asked.ref} does not say which class each of its scores belongs to"
            fix = "write them in that order under subject.model: classes: [...]"
            raise asked.error(what, fix)
        stored = list(asked.classes)
    count = len(stored) if stored is not None else max(width or 2, 2)
    if width not in (None, 1, count):
        what = f"model {asked.ref} gives {width} scores a row, and {count} classes are named"
        raise asked.error(what, "name each class once, in the order of the scores")
    own = list(range(count)) if stored is None else stored
    return own, named_classes(asked, stored, count)


def _labels(said: Any, renamed: dict[Any, Any], asked: Asked) -> np.ndarray:
    """Return the labels that a model gave, by the names that the policy has for them."""
    flat = np.asarray(said).reshape(len(said), -1)
    if flat.shape[1] != 1:
        what = f"model {asked.ref} gave {flat.shape[1]} labels a row"
        raise asked.error(what, "audit a model of one label")
    values = flat[:, 0].tolist()
    strangers = sorted({each for each in values if each not in renamed}, key=str)
    if strangers:
        what = f"model {asked.ref} gave the label {strangers[0]!r}, which is none of its classes"
        fix = f"its classes are {listed(map(repr, renamed))}; name them under classes:"
        raise asked.error(what, fix)
    return np.asarray([renamed[each] for each in values])


def _unzipped(said: Any, own: list[Any], asked: Asked) -> np.ndarray:
    """Return a list of mappings from class to score as one row each."""
    if any(set(row) != set(own) for row in said):
        what = f"model {asked.ref} gave scores of other classes than {listed(map(repr, own))}"
        raise asked.error(what, "export it with zipmap False")
    return np.array([[row[each] for each in own] for row in said], dtype=np.float64)


def _probable(scores: np.ndarray, asked: Asked) -> np.ndarray:
    """Return probabilities, and refuse what is none: it would be compared with a threshold."""
    if scores.shape[1] == 1:
        scores = np.column_stack([1 - scores[:, 0], scores[:, 0]])
    sums = scores.sum(axis=1)
    outside = (scores < -_SUM) | (scores > 1 + _SUM)
    if outside.any() or (np.abs(sums - 1) > _SUM).any():
        what = f"the scores of model {asked.ref} are no probabilities that sum to 1 in each row"
        fix = "write under subject.model: output: decision_function, or label, or task: regression"
        raise asked.error(what, fix)
    return scores.clip(0.0, 1.0)


def _margin(scores: np.ndarray) -> np.ndarray:
    """Return one score that grows towards the second class."""
    if scores.shape[1] == 1:
        return scores[:, 0]
    opposed = np.array_equal(scores[:, 0], -scores[:, 1])
    return scores[:, 1] if opposed else scores[:, 1] - scores[:, 0]


def _first(error: BaseException) -> str:
    """Return what onnxruntime says, without its codes and the lines of its own source."""
    text = describe(error)
    return text.partition(" : ")[2].rpartition(" : ")[2] or text
