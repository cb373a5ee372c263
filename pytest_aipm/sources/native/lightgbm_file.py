"""LightGBM: the text that `Booster.save_model` writes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.sources.native.columns import Categories, is_text, matrix
from pytest_aipm.sources.native.threads import threads
from pytest_aipm.sources.native.voice import Answer, Asked, NativeModel, as_native

__all__ = ["open_lightgbm"]

_ANSWERS: dict[str, Answer] = {
    "binary": "probability",
    "multiclass": "probability",
    "multiclassova": "probability",
    "lambdarank": "score",
    "rank_xendcg": "score",
    "": "score",  # an objective of one's own: a raw score
}
_END = "end of trees"
_ENDED = "end of parameters"
_TREE_LINE = re.compile(r"[a-z_]+=[-+.0-9einfa ]*")
_PARAMETER = re.compile(r"(\[\w+: [^\x00-\x1f]*\])?")
_NAMELESS = re.compile(r"Column_\d+")


def open_lightgbm(raw: bytes, asked: Asked, lightgbm: Any) -> NativeModel:
    """Open a model from its bytes.

    Raises
    ------
    ModelError
        When it is damaged, or predicts what the task cannot use.
    """
    try:
        text = raw.decode().replace("\r\n", "\n")
        head = _head(text)
        names = head["feature_names"].split(" ")
        width, per_round = int(head["max_feature_idx"]) + 1, int(head["num_tree_per_iteration"])
        _refuse_broken_trees(text, head)
        categories = _pandas_categorical(text)
        marked = re.search(r"^\[categorical_feature: ([\d,]*)\]$", text, re.MULTILINE)
        declared = [int(each) for each in marked[1].split(",") if each] if marked else []
    except (ValueError, KeyError, IndexError, RecursionError) as error:
        why = f"no {error}" if isinstance(error, KeyError) else str(error)[:100]
        raise asked.damaged(f"it is no whole LightGBM model ({why})") from None
    objective = head.get("objective", "").partition(" ")[0]
    answer = _ANSWERS.get(objective, "value")
    said = f"objective {objective}" if objective else "an objective of its own"
    booster = lightgbm.Booster(model_str=text)
    nameless = all(map(_NAMELESS.fullmatch, names))
    model = NativeModel(
        names=None if nameless else names,
        width=width,
        spelled=lambda name: re.sub(r"\s", "_", name),  # as LightGBM writes it
    )
    places = _Places(categories, declared, asked)

    def ask(frame: pd.DataFrame) -> np.ndarray:
        data = matrix(frame, asked, places.of(frame), unseen_is_missing=True)
        said = np.asarray(booster.predict(data, num_threads=threads()), dtype=np.float64)
        if answer == "probability" and said.ndim == 1:
            return np.column_stack([1 - said, said])
        return said

    count = max(int(head["num_class"]), 2)
    if answer == "score" and per_round > 1:
        what = f"model {asked.ref} gives {per_round} raw scores a row ({said})"
        raise asked.error(what, "load it in a factory that turns them into probabilities")
    return as_native(asked, answer, ask, said=said, model=model, count=count)


class _Places:
    """Which columns the categories belong to: the file lists them in order, without names."""

    def __init__(self, categories: list[list[Any]], declared: list[int], asked: Asked) -> None:
        self._categories, self._declared, self._asked = categories, declared, asked

    def of(self, frame: pd.DataFrame) -> Categories:
        """Return the categories by the place of their column.

        The columns that were declared as categorical, else those that hold text.
        """
        texts = [i for i in range(frame.shape[1]) if is_text(frame.iloc[:, i])]
        count = len(self._categories)
        for found in (self._declared, texts):
            if len(found) == count and set(texts) <= set(found):
                return dict(zip(found, self._categories, strict=True))
        what = (
            f"model {self._asked.ref} holds the categories of {count} columns without their "
            f"names, and the data have {len(texts)} columns of text"
        )
        fix = "give it the columns as it was fitted on them, or load it in a factory that does"
        raise self._asked.error(what, fix)


def _head(text: str) -> dict[str, str]:
    """Return the lines before the first tree as keys and values."""
    return dict(map(_pair, text.partition("\n\n")[0].split("\n")))


def _pair(line: str) -> tuple[str, str]:
    key, _, value = line.partition("=")
    return key, value


def _refuse_broken_trees(text: str, head: Mapping[str, str]) -> None:
    """Raise ValueError unless all trees are there and whole.

    LightGBM trusts the file: one that was cut short or changed takes the process down.
    """
    width = int(head["max_feature_idx"]) + 1
    if any(len(head[key].split(" ")) != width for key in ("feature_names", "feature_infos")):
        raise ValueError("features and their names differ in number")
    sizes = [int(each) for each in head["tree_sizes"].split()]
    before, mark, behind = text.partition(f"\n{_END}\n")
    # Python's interface writes categories behind the parameters; R's and the program's do not.
    if not mark or not ("pandas_categorical:" in behind or behind.rstrip().endswith(_ENDED)):
        raise ValueError("it is cut short")
    trees = before.partition("\n\n")[2]
    if len(trees.encode()) + 1 not in range(sum(sizes), sum(sizes) + 3):
        raise ValueError("its trees are not as long as it says")
    place, data = 0, trees.encode()
    for i, size in enumerate(sizes):
        first, *lines = data[place : place + size].decode().strip("\n").split("\n")
        place += size
        if first != f"Tree={i}" or not all(map(_TREE_LINE.fullmatch, lines)):
            raise ValueError(f"tree {i} is none")
        _refuse_broken_tree(dict(map(_pair, lines)), width, i)
    parameters = behind.partition("\nparameters:")[2].partition(f"\n{_ENDED}")[0]
    if not all(map(_PARAMETER.fullmatch, parameters.strip("\n").split("\n"))):
        raise ValueError("its parameters are none")


def _refuse_broken_tree(tree: Mapping[str, str], features: int, i: int) -> None:
    """Raise ValueError unless each leaf and each node but the root has one parent."""
    leaves, linear = int(tree["num_leaves"]), tree.get("is_linear", "0")
    if leaves < 1 or linear not in ("0", "1"):
        raise ValueError(f"tree {i} is none")
    if len(_numbers(tree["leaf_value"])) != leaves:
        raise ValueError(f"tree {i} lacks leaves")
    if leaves == 1:
        return
    left, right, split, threshold, decision = (
        _numbers(tree[key])
        for key in ("left_child", "right_child", "split_feature", "threshold", "decision_type")
    )
    children = np.concatenate([left, right])
    wanted = np.concatenate([np.arange(1, leaves - 1), -np.arange(1, leaves + 1)])
    if (
        any(len(each) != leaves - 1 for each in (left, right, split, threshold, decision))
        or not np.array_equal(np.sort(children), np.sort(wanted))
        or ((split < 0) | (split >= features)).any()
    ):
        raise ValueError(f"tree {i} is none")
    categorical = int(tree["num_cat"])
    bounds = _numbers(tree["cat_boundaries"]) if categorical else np.zeros(1)
    bits = _numbers(tree["cat_threshold"]) if categorical else np.zeros(0)
    places = threshold[(decision.astype(int) & 1) == 1]
    if (
        len(bounds) != categorical + 1
        or bounds[0] != 0
        or (np.diff(bounds) < 0).any()
        or bounds[-1] != len(bits)
        or ((places < 0) | (places >= max(categorical, 1)) | (places % 1 != 0)).any()
        or (len(places) > 0 and not categorical)
    ):
        raise ValueError(f"tree {i} has broken categories")


def _numbers(text: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array(text.split(), dtype=np.float64)


def _pandas_categorical(text: str) -> list[list[Any]]:
    """Return the categories of the columns that were of pandas' type for them, in order."""
    _, mark, words = text.rpartition("\npandas_categorical:")
    stored = json.loads(words) if mark else None
    if stored is None:
        return []
    if not isinstance(stored, list) or not all(isinstance(each, list) for each in stored):
        raise ValueError("its categories are none")
    return stored
