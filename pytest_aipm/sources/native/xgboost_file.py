"""XGBoost: what `save_model` writes, as JSON or as UBJSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.sources.native import ubjson
from pytest_aipm.sources.native.columns import Categories, is_text, matrix
from pytest_aipm.sources.native.threads import threads
from pytest_aipm.sources.native.voice import Answer, Asked, NativeModel, as_native

__all__ = ["open_xgboost"]

_ANSWERS: dict[str, Answer] = {
    "binary:logistic": "probability",
    "binary:logitraw": "margin",
    "binary:hinge": "label",
    "multi:softprob": "probability",
    "multi:softmax": "probability",
}
_NO_PARENT = 2**31 - 1
_MOST_CATEGORIES = 1 << 24
"""Codes of categories are kept as 32-bit floats, which know whole numbers up to here."""
_VALUES = ("reg:", "count:", "survival:")


def open_xgboost(raw: bytes, asked: Asked, xgboost: Any) -> NativeModel:
    """Open a model from its bytes.

    Raises
    ------
    ModelError
        When it is damaged, of a newer XGBoost, or predicts what the task cannot use.
    """
    try:
        content = json.loads(raw) if not raw.startswith(b"{L") else ubjson.read(raw)
        learner = content["learner"]
        version = tuple(int(part) for part in content["version"])
        objective = str(learner["objective"]["name"])
        shape = learner["learner_model_param"]
        width, classes = int(shape["num_feature"]), int(shape["num_class"])
        targets = int(shape.get("num_target", 1))
        types = [str(each) for each in learner.get("feature_types", ())]
        _refuse_broken_trees(learner["gradient_booster"], width)
        categories = _categories(learner["gradient_booster"], types, asked)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise asked.damaged(f"it is no whole XGBoost model ({_why(error)})") from None
    installed = tuple(int(part) for part in xgboost.__version__.split(".")[:2])
    if version[:2] > installed:
        what = f"{asked.ref!r} was saved by XGBoost {_dotted(version)}"
        fix = f"install that version; {xgboost.__version__} reads older files, not newer ones"
        raise asked.error(what, fix)
    booster = xgboost.Booster({"nthread": threads(), "verbosity": 0})
    # As JSON, whatever it came as: that reader of XGBoost's survives what the other does not.
    booster.load_model(bytearray(json.dumps(content, default=np.ndarray.tolist).encode()))
    booster.set_param({"nthread": threads(), "verbosity": 0})
    names = booster.feature_names
    model = NativeModel(names=names, width=width)
    rounds = _rounds(booster, asked)
    said = f"objective {objective}"
    answer = _ANSWERS.get(objective)
    if answer is None:
        answer = "value" if objective.startswith(_VALUES) else "score"
    if answer == "value" and targets > 1:
        what = f"model {asked.ref} predicts {targets} numbers a row"
        raise asked.error(what, "audit a model of one output")

    def ask(frame: pd.DataFrame) -> np.ndarray:
        _refuse_text(frame, types, categories, asked)
        data = xgboost.DMatrix(
            matrix(frame, asked, categories, unseen_is_missing=False),
            feature_names=names,
            feature_types=types or None,
            enable_categorical="c" in types,
            nthread=threads(),
        )
        softmax = objective == "multi:softmax"  # asked for margins, or it returns the class alone
        said = booster.predict(data, iteration_range=rounds, output_margin=softmax)
        said = np.asarray(said, dtype=np.float64)
        if softmax:
            said = np.exp(said - said.max(axis=1, keepdims=True))
            return np.asarray(said / said.sum(axis=1, keepdims=True))
        if answer == "label":
            return said.astype(int)
        if answer == "probability" and said.ndim == 1:
            return np.column_stack([1 - said, said])
        return said

    count = max(classes, 2)
    return as_native(asked, answer, ask, said=said, model=model, count=count)


def _rounds(booster: Any, asked: Asked) -> tuple[int, int]:
    """Return which rounds of boosting answer: those up to the best where training stopped early.

    So does XGBClassifier; a plain Booster would take them all unless told.
    """
    best = booster.attr("best_iteration")
    if best is None or not str(best).isdecimal():
        return 0, 0
    used, made = int(best) + 1, booster.num_boosted_rounds()
    if used < made:
        asked.heard.append(
            f"model {asked.ref} stopped early: the first {used} of its {made} rounds are used, "
            "as XGBoost's scikit-learn interface does"
        )
    return 0, used


def _refuse_broken_trees(booster: Mapping[str, Any], features: int) -> None:
    """Raise ValueError unless every tree is a tree; XGBoost trusts the file and may run astray.

    Nodes have one parent at most and the root none, so that no way down from the root comes back.
    """
    inner = booster.get("gbtree", booster)
    for i, tree in enumerate(inner["model"].get("trees", ())):
        nodes = int(tree["tree_param"]["num_nodes"])
        left, right, split, parents = (
            np.asarray(tree[key], dtype=np.int64)
            for key in ("left_children", "right_children", "split_indices", "parents")
        )
        inside = left >= 0
        children = np.concatenate([left[inside], right[inside]])
        if (
            any(len(each) != nodes for each in (left, right, split, parents))
            or len(tree["split_conditions"]) != nodes
            or nodes < 1
            or (np.minimum(left, right) < -1).any()
            or ((parents < -1) | (parents >= nodes) & (parents != _NO_PARENT)).any()
            or (inside != (right >= 0)).any()
            or (children >= nodes).any()
            or (children == 0).any()
            or len(np.unique(children)) != len(children)
            or ((split[inside] < 0) | (split[inside] >= features)).any()
        ):
            raise ValueError(f"tree {i} is none")
        marked, start, size, values = (
            np.asarray(tree.get(f"categories{key}", ()), dtype=np.int64)
            for key in ("_nodes", "_segments", "_sizes", "")
        )
        if (
            not len(marked) == len(start) == len(size)
            or ((marked < 0) | (marked >= nodes) | (start < 0) | (size < 0)).any()
            or (start + size > len(values)).any()
            or ((values < 0) | (values > _MOST_CATEGORIES)).any()
        ):
            raise ValueError(f"tree {i} has broken categories")


def _categories(booster: Mapping[str, Any], types: list[str], asked: Asked) -> Categories:
    """Return the categories that XGBoost 3.1 and newer keep in the file, by column."""
    inner = booster.get("gbtree", booster)
    found: dict[int, list[Any]] = {}
    for i, stored in enumerate(inner["model"].get("cats", {}).get("enc", ())):
        values = np.asarray(stored["values"], dtype=np.int64)
        if not len(values) or types[i] != "c":
            continue
        if "offsets" not in stored:
            found[i] = values.tolist()
            continue
        if (values < 0).any():
            # Lengths are counted in letters and bytes are kept, so names run into each other.
            what = f"{asked.ref!r} holds names of categories that XGBoost does not keep whole"
            fix = "use categories of ASCII letters or numbers, or load the model in a factory"
            raise asked.error(what, fix)
        ends = np.asarray(stored["offsets"]).tolist()
        text = bytes(values.tolist())
        found[i] = [text[start:end].decode("ascii") for start, end in pairwise(ends)]
    return found


def _refuse_text(
    frame: pd.DataFrame, types: list[str], categories: Categories, asked: Asked
) -> None:
    """Refuse names of categories that the file does not hold: their numbers would be a guess."""
    for i, kind in enumerate(types):
        if kind == "c" and i not in categories and is_text(frame.iloc[:, i]):
            what = (
                f"column {str(frame.columns[i])!r} is categorical, but {asked.ref!r} does not hold "
                "the names of its categories, as XGBoost before 3.1 does not keep them"
            )
            fix = "save the model with XGBoost 3.1 or newer, or give the codes it was fitted on"
            raise asked.error(what, fix)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _why(error: BaseException) -> str:
    return (
        f"no {error}" if isinstance(error, KeyError) else str(error)[:100] or type(error).__name__
    )
