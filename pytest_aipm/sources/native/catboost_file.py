"""CatBoost: what `save_model` writes, as ``.cbm`` or as JSON."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.sources.faults import describe
from pytest_aipm.sources.native.columns import number
from pytest_aipm.sources.native.threads import threads
from pytest_aipm.sources.native.voice import Answer, Asked, NativeModel, as_native
from pytest_aipm.sources.output import rows_of

__all__ = ["open_catboost"]

_CLASSES = ("Logloss", "CrossEntropy", "MultiClass", "MultiClassOneVsAll", "Focal")
_RANKS = (
    "YetiRank",
    "PairLogit",
    "QueryRMSE",
    "QuerySoftMax",
    "QueryCrossEntropy",
    "StochasticRank",
    "LambdaMart",
    "StochasticFilter",
    "GroupQuantile",
)
_SPOKEN = {"Poisson": "Exponent", "Tweedie": "Exponent"}
"""What CatBoostRegressor says for a loss; one that was loaded has forgotten for which it was."""
_MARK = b"CBM1"
"""Then four bytes that say how long the model is, and the model."""
_DEEPEST = 16
"""CatBoost grows no deeper trees."""
_LABELS = ("MultiLogloss", "MultiCrossEntropy")


def open_catboost(raw: bytes, asked: Asked, catboost: Any) -> NativeModel:
    """Open a model from its bytes.

    Raises
    ------
    ModelError
        When it is damaged, or predicts what the task cannot use.
    """
    try:
        loss = _loss(_loaded(raw, catboost.CatBoost()))
        answer = _answer(loss)
        owner = (
            catboost.CatBoostClassifier if answer == "probability" else catboost.CatBoostRegressor
        )
        loaded = _loaded(raw, owner())
        names = list(map(str, loaded.feature_names_))
        kinds = {
            "categories": list(loaded.get_cat_feature_indices()),
            "text": list(loaded.get_text_feature_indices()),
        }
        embedded = list(loaded.get_embedding_feature_indices())
    except (catboost.CatBoostError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise asked.damaged(describe(error)) from error
    if loss in _LABELS:
        what = f"model {asked.ref} predicts several labels a row (loss {loss})"
        raise asked.error(what, "audit a model of one label")
    if embedded:
        what = f"model {asked.ref} takes vectors as features, which no column of a table holds"
        raise asked.error(what, "load it in a factory, or audit its predictions")
    stored = np.asarray(loaded.classes_).tolist() if answer == "probability" else []
    nameless = names == [str(i) for i in range(len(names))]
    model = NativeModel(names=None if nameless else names, width=len(names))

    def table(frame: pd.DataFrame) -> Any:
        columns = {}
        for i, name in enumerate(names):
            column = frame.iloc[:, i]
            words = next((what for what, where in kinds.items() if i in where), "")
            columns[name] = _words(column, words, asked) if words else number(column, asked)
        return catboost.Pool(
            pd.DataFrame(columns), cat_features=kinds["categories"], text_features=kinds["text"]
        )

    spoken = "Probability" if answer == "probability" else _SPOKEN.get(loss, "RawFormulaVal")

    def ask(frame: pd.DataFrame) -> np.ndarray:
        said = loaded.predict(table(frame), prediction_type=spoken, thread_count=threads())
        return np.asarray(said, dtype=np.float64)

    labels = None
    if answer == "probability" and max(len(stored), 2) == 2:
        cut = loaded.get_probability_threshold()

        def labels(frame: pd.DataFrame) -> np.ndarray:
            return np.asarray(ask(frame)[:, 1] > cut, dtype=int)

    return as_native(
        asked,
        answer,
        ask,
        said=f"loss {loss}" if loss else "a loss of its own",
        model=model,
        stored=stored or None,
        count=len(stored) or 2,
        labels=labels,
    )


def _loaded(raw: bytes, model: Any) -> Any:
    """Return the model; a file of JSON is written anew, because only a path is read as one."""
    if raw.startswith(_MARK):
        if len(raw) < len(_MARK) + 4 + int.from_bytes(raw[len(_MARK) :][:4], "little"):
            raise ValueError("it is cut short")
        return model.load_model(blob=raw)
    _refuse_broken(json.loads(raw))
    with tempfile.TemporaryDirectory(prefix="aipm-") as folder:
        path = Path(folder) / "model.json"
        path.write_bytes(raw)
        return model.load_model(str(path), format="json")


def _refuse_broken(content: Mapping[str, Any]) -> None:
    """Raise ValueError or KeyError unless features are numbered and trees as wide as they say.

    CatBoost checks its binary files itself, and trusts those of JSON.
    """
    kinds = ("float", "categorical", "text", "embedding")
    features = {kind: content["features_info"].get(f"{kind}_features", []) for kind in kinds}
    places = [int(each["flat_feature_index"]) for kind in kinds for each in features[kind]]
    if len(set(places)) != len(places) or min(places, default=0) < 0:
        raise ValueError("its features are not numbered")
    for kind in kinds:
        if any(not 0 <= int(each["feature_index"]) <= max(places) for each in features[kind]):
            raise ValueError("its features are not numbered")
    for i, tree in enumerate(content.get("oblivious_trees", ())):
        splits = tree["splits"] or ()
        used = [
            int(each["float_feature_index"])
            for each in splits
            if "border" in each and each["split_type"] == "FloatFeature"
        ]
        leaves = len(tree["leaf_values"])
        if len(splits) > _DEEPEST or not leaves or leaves % 2 ** len(splits):
            raise ValueError(f"tree {i} is none")
        if any(not 0 <= each < len(features["float"]) for each in used):
            raise ValueError(f"tree {i} is none")


def _loss(model: Any) -> str:
    """Return the name of the loss a model was trained for; nothing for one of its user's own."""
    stored = model.get_metadata()
    if "params" not in stored.keys():  # noqa: SIM118 - it is no mapping
        return ""
    loss = json.loads(stored["params"])["loss_function"]
    name = str(loss["type"] if isinstance(loss, dict) else loss)
    return "" if name.startswith(("Python", "UserPer")) else name.partition(":")[0]


def _answer(loss: str) -> Answer:
    if loss in _CLASSES or loss in _LABELS:
        return "probability"
    return "score" if not loss or loss.startswith(_RANKS) else "value"


def _words(column: pd.Series[Any], kind: str, asked: Asked) -> pd.Series[Any]:
    """Return a column of categories or texts as CatBoost takes them: words and whole numbers.

    A whole number and its digits are the same category to CatBoost, 1.0 is another one: what lies
    as 1.0 in the data only because the column is one of decimals becomes 1.
    """
    values = column.astype(object)
    if values.isna().any():
        place = values.index[int(np.argmax(values.isna().to_numpy()))]
        what = (
            f"column {column.name!r} of model {asked.ref} holds {kind}, and a value is missing "
            f"(row {place + 1} of {rows_of(column.to_frame())})"
        )
        raise asked.error(what, "CatBoost takes no missing one: fill them as it was fitted on them")
    return values.map(_word)


def _word(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return int(value) if float(value).is_integer() else str(value)
    return value
