"""Answers made of leaves are those of the model itself, bit by bit, or the model is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from threadpoolctl import threadpool_limits

from pytest_aipm import explanation
from pytest_aipm.attribution import Budget, Players, local, players_of
from pytest_aipm.attribution.hybrids import Pool
from pytest_aipm.attribution.leaves import Leaves, leaves_of

BACKGROUND = 12


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with threadpool_limits(limits=1):
        yield


def frame_of(columns: int = 12, n: int = 600, *, kind: str = "float") -> pd.DataFrame:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(n, columns))
    if kind == "int":
        values = np.round(3 * values).astype(np.int64)
    if kind == "gone":
        values[rng.random(values.shape) < 0.2] = np.nan
    if kind == "few":  # many a value lies on a threshold
        values = np.round(values, 1)
    frame = pd.DataFrame(values, columns=[f"x{i}" for i in range(columns)])
    return (
        frame.assign(x1=frame["x1"] > 0, x2=frame["x2"].astype("float32"))
        if kind == "mixed"
        else frame
    )


def target(frame: pd.DataFrame) -> np.ndarray:
    known = np.nan_to_num(np.asarray(frame, dtype=float), nan=0.5)
    return known[:, 0] * known[:, 1] + known[:, 2] + np.abs(known[:, 3]) * known[:, 4]


def classifier(frame: pd.DataFrame, **keys: Any) -> Any:
    model = HistGradientBoostingClassifier(max_iter=12, random_state=0, **keys)
    return model.fit(frame, target(frame) > 0.5)


def regressor(frame: pd.DataFrame, **keys: Any) -> Any:
    model = HistGradientBoostingRegressor(max_iter=12, random_state=0, **keys)
    return model.fit(frame, target(frame) if not keys else np.exp(target(frame) / 4))


def chance(model: Any, place: int = 1) -> Callable[[pd.DataFrame], np.ndarray]:
    return lambda frame: np.asarray(model.predict_proba(frame)[:, place])


def pool_of(frame: pd.DataFrame, players: Players | None = None) -> Pool:
    own = players or players_of(list(frame.columns))
    rows = frame[:20].reset_index(drop=True)
    return Pool(rows, frame[-BACKGROUND:].reset_index(drop=True), own)


def found(ask: Any, model: Any, pool: Pool) -> Leaves | None:
    return leaves_of(ask, model, pool, pool.ends(ask, Budget()), Budget())


CASES = {
    "second class": lambda: (f := frame_of(), m := classifier(f), chance(m)),
    "first class": lambda: (f := frame_of(), m := classifier(f), chance(m, 0)),
    "margin": lambda: (f := frame_of(), m := classifier(f), m.decision_function),
    "numbers": lambda: (f := frame_of(), m := regressor(f), m.predict),
    "log link": lambda: (f := frame_of(), m := regressor(f, loss="poisson"), m.predict),
    "missing": lambda: (f := frame_of(kind="gone"), m := classifier(f), chance(m)),
    "whole numbers": lambda: (f := frame_of(kind="int"), m := classifier(f), chance(m)),
    "on thresholds": lambda: (f := frame_of(kind="few"), m := classifier(f), chance(m)),
    "types": lambda: (f := frame_of(kind="mixed"), m := classifier(f), chance(m)),
    "deep": lambda: (
        f := frame_of(),
        m := classifier(f, max_leaf_nodes=None, min_samples_leaf=1),
        chance(m),
    ),
    "stumps": lambda: (f := frame_of(), m := classifier(f, max_leaf_nodes=2), chance(m)),
    "40 columns": lambda: (f := frame_of(40), m := classifier(f), chance(m)),
    "64 columns": lambda: (f := frame_of(64), m := classifier(f), chance(m)),
    "arrays": lambda: (
        f := frame_of(),
        m := classifier(f.to_numpy()),
        lambda frame: m.predict_proba(frame.to_numpy())[:, 1],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_every_answer_is_the_models_own_to_the_last_bit(name: str) -> None:
    frame, model, ask = CASES[name]()
    pool = pool_of(frame)
    leaves = found(ask, model, pool)
    assert leaves is not None
    rng = np.random.default_rng(7)
    for pairs, count in ((60, 50), (40, 1), (1, 40)):
        first = rng.integers(0, pool.n, pairs)
        second = pool.n + rng.integers(0, pool.m, pairs)
        member = rng.random((pairs, count, frame.shape[1])) < rng.random((pairs, count, 1))
        said = leaves.said(first, second, member, Budget()).reshape(-1)
        one, two = (np.repeat(each, count) for each in (first, second))
        own = pool.ask_between(ask, one, two, member.reshape(pairs * count, -1), Budget())
        assert np.array_equal(said, own[:, 0])


def test_columns_that_play_as_one_are_taken_together() -> None:
    frame = frame_of()
    model, players = classifier(frame), players_of(list(frame.columns), {"both": ["x0", "x5"]})
    pool = pool_of(frame, players)
    leaves = found(chance(model), model, pool)
    assert leaves is not None
    member = np.random.default_rng(1).random((30, 8, len(players))) < 0.5
    first, second = np.arange(30) % pool.n, pool.n + np.arange(30) % pool.m
    own = pool.ask_between(
        chance(model), np.repeat(first, 8), np.repeat(second, 8), member.reshape(240, -1), Budget()
    )
    assert np.array_equal(leaves.said(first, second, member, Budget()).reshape(240, 1), own)


def test_columns_in_another_order_are_found_by_their_names() -> None:
    frame = frame_of()
    model, turned = classifier(frame), frame[list(frame.columns)[::-1]]
    names = list(frame.columns)
    pool = pool_of(turned)
    assert found(lambda given: model.predict_proba(given[names])[:, 1], model, pool) is not None


class Subclass(HistGradientBoostingClassifier):
    """May do anything."""


def categories() -> tuple[pd.DataFrame, Any]:
    frame = frame_of()
    frame["x0"] = (frame["x0"] * 2).round().clip(-2, 2) + 2
    given = [True, *[False] * 11]
    return frame, classifier(frame, categorical_features=given)


def test_what_is_not_known_to_be_the_same_is_asked() -> None:
    frame = frame_of()
    model, pool = classifier(frame), pool_of(frame)
    other = classifier(frame, learning_rate=0.2)
    told, coded = categories()
    three = HistGradientBoostingClassifier(max_iter=5).fit(frame, np.arange(len(frame)) % 3)
    wide = frame_of(65)
    subclass = Subclass(max_iter=5).fit(frame, target(frame) > 0)
    old = GradientBoostingClassifier(n_estimators=5).fit(frame, target(frame) > 0)
    nullable = frame.astype("Float64")
    assert found(chance(model), model, pool) is not None
    assert found(chance(model), other, pool) is None, "another model is asked"
    assert found(lambda f: np.round(chance(model)(f), 3), model, pool) is None
    assert found(lambda f: chance(model)(f) * (1 + 1e-15), model, pool) is None
    assert found(chance(coded), coded, pool_of(told)) is None, "categories"
    assert found(chance(three), three, pool) is None, "several classes"
    assert found(three.predict_proba, three, pool) is None, "several outputs"
    assert found(chance(classifier(wide)), classifier(wide), pool_of(wide)) is None, "65 players"
    assert found(chance(subclass), subclass, pool) is None
    assert found(chance(old), old, pool) is None
    assert found(chance(model), None, pool) is None
    assert found(chance(model), model, pool_of(nullable)) is None


def test_what_is_wrong_on_some_mixed_rows_only_is_asked() -> None:
    frame = frame_of()
    model, pool = classifier(frame), pool_of(frame)
    real = {row.tobytes() for row in frame.to_numpy()}

    def scaffold(given: pd.DataFrame) -> np.ndarray:
        mixed = np.array([row.tobytes() not in real for row in given.to_numpy()])
        return np.where(mixed, 0.5, chance(model)(given))

    assert found(scaffold, model, pool) is None


def test_attributions_are_the_same_and_the_model_is_asked_about_far_fewer_rows() -> None:
    frame = frame_of()
    model, rows, background = classifier(frame), frame[:30], frame[-BACKGROUND:]
    asked: list[int] = []

    def ask(given: pd.DataFrame) -> np.ndarray:
        asked.append(len(given))
        return chance(model)(given)

    def values(known: Any) -> Any:
        asked.clear()
        return local(
            ask,
            rows.reset_index(drop=True),
            background.reset_index(drop=True),
            players_of(list(frame.columns)),
            k=3,
            rng=np.random.default_rng(0),
            model=known,
        )

    by_asking, often = values(None), sum(asked)
    by_leaves, seldom = values(model), sum(asked)
    assert np.array_equal(by_asking.values, by_leaves.values)
    assert np.array_equal(by_asking.error, by_leaves.error)
    assert seldom == 2 * (30 + BACKGROUND) + 256 < often / 10


def test_more_bits_than_are_kept_are_found_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = frame_of()
    model = classifier(frame)

    def values() -> np.ndarray:
        told = explanation(model, frame[:9], frame[-4:], walks=16)
        return np.asarray(told.values)

    kept = values()
    monkeypatch.setattr("pytest_aipm.attribution.leaves.KEPT", 0)
    monkeypatch.setattr("pytest_aipm.attribution.leaves.CELLS", 1)
    assert np.array_equal(values(), kept)
    monkeypatch.setattr("pytest_aipm.attribution.explanation.leaves_of", lambda *_: None)
    assert np.array_equal(values(), kept)
