"""Every kind of model and column is explained by the same code, and left as it was."""

from __future__ import annotations

import pickle
import random

import numpy as np
import pandas as pd
import pytest
from model_zoo import ZOO, label, linear, plain_array
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

import pytest_aipm
from pytest_aipm.attribution import asked_twice, exact, local, players_of, walk
from pytest_aipm.attribution.words import MOST, attribute_words


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
@pytest.mark.parametrize("build", ZOO, ids=lambda build: build.__name__)
def test_a_model_is_explained(build, capfd) -> None:
    model, frame, ask = build()
    rows, background = frame[:40].reset_index(drop=True), frame[40:52].reset_index(drop=True)
    players, kept = players_of(frame.columns), frame.copy(deep=True)
    before = _state(model)
    capfd.readouterr()
    random.seed(1)
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    seen: list[pd.Series] = []

    def watched(given: pd.DataFrame) -> np.ndarray:
        seen.append(given.dtypes)
        return ask(given)

    found, again = (
        walk(watched, rows, background, players, walks=24, rng=np.random.default_rng(0))
        for _ in range(2)
    )
    assert asked_twice(ask, rows) == 0.0
    after = random.getstate(), np.random.get_state()  # noqa: NPY002
    assert states[0] == after[0]
    assert all(np.array_equal(a, b) for a, b in zip(states[1], after[1], strict=True))
    assert capfd.readouterr() == ("", "")
    assert _state(model) == before
    pd.testing.assert_frame_equal(frame, kept)
    assert all(types.equals(frame.dtypes) for types in seen)
    assert (found.values == again.values).all()
    ends = found.output[:, None] - found.base[found.background]
    scale = np.abs(found.output).max()
    assert found.values.sum(axis=2) == pytest.approx(ends, abs=1e-9 * scale)
    assert np.abs(found.values).max() > 0
    if found.output.shape[1] > 1:  # the chances of all classes add up to 1
        assert found.values.sum(axis=3) == pytest.approx(0.0, abs=1e-6)
    few = rows[:3].reset_index(drop=True)
    known, _, _ = exact(ask, few, background, players)
    error = found.values.std(axis=1)[:3] / np.sqrt(24)
    assert (np.abs(found.mean[:3] - known) <= 5 * error + 0.05 * scale).mean() > 0.98


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("build", ZOO, ids=lambda build: build.__name__)
def test_its_single_rows_are_explained_in_python_and_for_reasons(build, capfd) -> None:
    model, frame, ask = build()
    rows, background = frame[:3].reset_index(drop=True), frame[40:46].reset_index(drop=True)
    known, output, base = exact(ask, rows, background, players_of(frame.columns))
    # a model that learnt from an array is asked by a function of a frame
    asked = ask if build is plain_array else model
    found = pytest_aipm.explanation(asked, rows, background)
    values = found.values.reshape(known.shape)
    assert values == pytest.approx(known, abs=1e-9)
    assert found.feature_names == list(frame.columns)
    scale, rng = np.abs(output).max(), np.random.default_rng(0)
    for k in range(output.shape[1]):
        one = local(
            lambda given, k=k: np.asarray(ask(given)).reshape(len(given), -1)[:, k],
            rows,
            background,
            players_of(frame.columns),
            k=2,
            rng=rng,
            model=model,
        )
        assert one.base == pytest.approx(base[:, k].mean(), abs=1e-9 * scale)
        away = np.abs(one.values - known[:, :, k])
        # of few rounds the error is known roughly
        spare = {"coalitions": 0.02, "trees": 1e-5}.get(one.way, 1e-9)
        assert (away <= 5 * one.error + spare * scale).all()
    assert capfd.readouterr() == ("", "")


def _state(model) -> bytes | None:
    if isinstance(model, KNeighborsClassifier):
        return None  # its tree counts how often it was asked
    try:
        return pickle.dumps(model)
    except (AttributeError, pickle.PicklingError):
        return None  # a function


TEXTS = [
    "the loan was paid on time, paid in full",
    "late again: late, late and never paid",
    "no words match here at all",
    "",
    "PAID late",
] * 4


def test_the_words_of_a_text_are_its_players(capfd) -> None:
    y = np.array(["paid" in text.casefold() for text in TEXTS])
    model = make_pipeline(TfidfVectorizer(), linear()).fit(TEXTS, y)
    ask = lambda texts: model.predict_proba(texts)[:, 1]  # noqa: E731
    found = attribute_words(ask, TEXTS, walks=20, rng=np.random.default_rng(0))
    assert [len(each.words) for each in found[:5]] == [8, 5, 6, 0, 2]
    for text, each in zip(TEXTS, found, strict=True):
        total = each.values.sum(axis=0)
        assert total == pytest.approx(each.output - each.base, abs=1e-12)
        assert each.output == pytest.approx(ask([text]))
    loan = dict(zip(found[0].words, found[0].values[:, 0], strict=True))
    assert max(loan, key=loan.get) == "paid"
    assert capfd.readouterr() == ("", "")


def test_two_words_get_their_exact_values() -> None:
    chance = {"": 0.1, "PAID ": 0.5, " late": 0.2, "PAID late": 0.4, " ": 0.1}
    ask = lambda texts: np.array([chance[text] for text in texts])  # noqa: E731
    (found,) = attribute_words(ask, ["PAID late"], walks=3, rng=np.random.default_rng(0))
    assert found.words == ("paid", "late")
    # the mean of what each adds to the empty text and to the other word
    assert found.values[:, 0] == pytest.approx([0.3, 0.0])


def test_a_very_long_text_has_a_bounded_number_of_players() -> None:
    text = " ".join(f"w{i}" for i in range(2000))
    ask = lambda texts: np.array([float(len(each.split())) for each in texts])  # noqa: E731
    (found,) = attribute_words(ask, [text], walks=1, rng=np.random.default_rng(0))
    assert len(found.words) == MOST
    assert found.values.sum() == pytest.approx(2000)


class TestExplanation:
    def test_users_get_an_object_of_shap(self) -> None:
        _, frame, _ = ZOO[0]()
        model = ZOO[0]()[0]
        found = pytest_aipm.explanation(model, frame[:30], frame[30:60], seed=3)
        assert type(found).__module__.startswith("shap")
        assert found.feature_names == list(frame.columns)
        assert found.values.shape == (30, 10)
        said = model.predict_proba(frame[:30])[:, 1]
        assert found.values.sum(axis=1) + found.base_values == pytest.approx(said, abs=1e-8)
        again = pytest_aipm.explanation(model, frame[:30], frame[30:60], seed=3)
        assert (found.values == again.values).all()

    def test_several_classes_each_have_values(self) -> None:
        model, frame, _ = ZOO[4]()
        found = pytest_aipm.explanation(model, frame[:10], frame[30:40])
        assert found.values.shape == (10, 5, 3)
        said = model.predict_proba(frame[:10])
        assert found.values.sum(axis=1) + found.base_values == pytest.approx(said, abs=1e-9)

    def test_where_every_background_row_can_be_met_coalitions_say_more_than_walks(self) -> None:
        frame = pd.DataFrame(np.random.default_rng(4).normal(size=(48, 14)))
        frame.columns = [f"x{i}" for i in range(14)]
        rows, background, asked = frame[:40], frame[40:], []

        def rough(part: pd.DataFrame) -> np.ndarray:
            x = part.to_numpy()
            asked.append(len(x))
            said = np.floor(x[:, :8].sum(axis=1)) + 0.3 * np.sign(x[:, 4:].prod(axis=1))
            return np.column_stack([said, -2 * said, x[:, 0]])

        def found(walks: int, seed: int) -> np.ndarray:
            asked.clear()
            own = pytest_aipm.explanation(rough, rows, background, walks=walks, seed=seed)
            ends = rough(rows)
            assert own.values.sum(axis=1) + own.base_values == pytest.approx(ends, abs=1e-9)
            assert own.values[..., 1] == pytest.approx(-2 * own.values[..., 0], abs=1e-9)
            return own.values[..., 0]

        truth = np.mean([found(256, seed) for seed in range(50, 54)], axis=0)
        chosen = [((found(16, seed) - truth) ** 2).mean() for seed in range(8)]
        assert sum(asked) <= 40 * 16 * 26 + 40 + 48 + 8
        walks = [((found(15, seed) - truth) ** 2).mean() for seed in range(8)]
        assert np.mean(chosen) < 0.75 * np.mean(walks)

    def test_columns_may_be_attributed_to_as_one(self) -> None:
        model, frame, _ = ZOO[5]()
        groups = {"money": ["amount", "debt", "income"]}
        found = pytest_aipm.explanation(model, frame[:5], frame[5:9], players=groups)
        assert found.feature_names == ["age", "money", "years"]

    @pytest.mark.parametrize(
        ("model", "background", "keys", "said"),
        [
            (object(), slice(3, 6), {}, "object has none of predict_proba"),
            (lambda frame: frame["age"], slice(0, 0), {}, "must have rows"),
            (lambda frame: frame["age"], slice(3, 6), {"walks": 1}, "no error"),
            (lambda frame: frame["age"], slice(3, 6), {"players": {"x": ["y"]}}, "is not an input"),
            (lambda frame: frame["age"], slice(3, 6), {"budget_s": 1e-9}, "longer than budget_s"),
        ],
    )
    def test_what_cannot_be_explained_is_said(self, model, background, keys, said) -> None:
        frame = ZOO[5]()[1]
        with pytest.raises(pytest_aipm.AipmError, match=said):
            pytest_aipm.explanation(model, frame[:3], frame[background], **keys)


def test_labels_of_the_zoo_have_both_classes() -> None:
    assert 0.2 < label(ZOO[0]()[1]).mean() < 0.8
