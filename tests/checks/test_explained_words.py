"""The share of named words in what moves a text model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from explained_models import Scored, audited
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from pytest_aipm.errors import PolicyError
from pytest_aipm.records import Because, Verdict

WEIGHTS = {"she": -0.10, "paid": 0.30, "late": -0.20, "again": 0.0}


def frame(n: int = 80, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    words = [*WEIGHTS, "the", "bill"]
    texts = [" ".join(rng.permutation(words)[: rng.integers(2, 6)]) for _ in range(n)]
    return pd.DataFrame({"text": texts, "sex": "f", "y": rng.integers(0, 2, n)})


def additive(given: pd.DataFrame) -> np.ndarray:
    """A word counts once, so each word's attribution is its weight."""
    return np.array(
        [0.5 + sum(WEIGHTS.get(word, 0.0) for word in set(text.split())) for text in given["text"]]
    )


MODEL = Scored(additive, ["text"])


def told(model, data, words, **keys):
    check = {"check": "explain.attribution_share", "id": "w", "words": words, **keys}
    (found,) = audited(model, data, [check], features=["text"]).findings
    return found


def test_it_is_the_share_of_the_words_own_weights() -> None:
    data = frame()
    held = {word: data["text"].str.split().map(lambda own, w=word: w in own) for word in WEIGHTS}
    # those that reach a chance below 0 or above 1 are cut; none does
    assert additive(data).min() >= 0.0
    size = {word: abs(weight) * held[word].mean() for word, weight in WEIGHTS.items()}
    found = told(MODEL, data, ["SHE"])
    assert found.value == pytest.approx(size["she"] / sum(size.values()), abs=1e-9)
    assert found.verdict is Verdict.FAIL
    assert found.interval[0] < found.value < found.interval[1]
    assert "the words SHE carry" in found.reason
    assert f"{int(held['she'].sum())} texts hold a named word" in str(found.notes)
    assert told(MODEL, data, ["again"]).verdict is Verdict.PASS


def test_a_pipeline_of_texts_is_asked_as_it_is() -> None:
    data = frame(120, 1)
    data["y"] = data["text"].str.contains("she").astype(int)
    count = make_column_transformer((CountVectorizer(), "text"))
    model = make_pipeline(count, LogisticRegression(C=100)).fit(data[["text"]], data["y"])
    found = told(model, data, ["she"])
    assert found.verdict is Verdict.FAIL
    assert found.value > 0.8


def test_the_interval_covers_the_share_of_all_texts() -> None:
    many = frame(20_000, 99)["text"].str.split()
    size = {w: abs(x) * many.map(lambda own, w=w: w in own).mean() for w, x in WEIGHTS.items()}
    true = size["she"] / sum(size.values())
    missed = [0, 0]
    for seed in range(20):
        low, high = told(MODEL, frame(60, seed), ["she"]).interval
        missed[0] += low > true
        missed[1] += high < true
    # 4 of 20 is the 99th percentile of a true 5 %
    assert max(missed) <= 4


@pytest.mark.parametrize(
    ("words", "verdict", "said"),
    [
        (["nobody"], Verdict.NOT_JUDGED, "no text holds any of the words nobody"),
        (["she"], Verdict.NOT_JUDGED, "says the same of every text"),
    ],
)
def test_what_cannot_be_measured_is_no_pass(words, verdict, said) -> None:
    model = Scored(lambda given: np.full(len(given), 0.5), ["text"])
    found = told(MODEL if "nobody" in words else model, frame(), words)
    assert (found.verdict, found.because) == (verdict, Because.NO_EVIDENCE)
    assert said in found.reason


def test_words_beside_other_columns_are_refused() -> None:
    data = frame().assign(income=0.5)
    model = Scored(additive, ["text", "income"])
    check = {"check": "explain.attribution_share", "words": ["she"]}
    (found,) = audited(model, data, [check], features=["text", "income"]).findings
    assert found.verdict is Verdict.ERROR
    assert "words are looked at where a text is the only input; this model has 2" in found.reason
    with pytest.raises(PolicyError, match="asks for `words` and for columns"):
        told(MODEL, data, ["she"], of=["text"])


def test_numbers_have_no_words_and_no_time_is_no_pass() -> None:
    model = Scored(lambda given: 0.1 * given["text"], ["text"])
    found = told(model, frame().assign(text=1.5), ["she"])
    assert found.verdict is Verdict.ERROR
    assert "holds no texts" in found.reason
    found = told(MODEL, frame(), ["she"], budget_s=1e-9)
    assert found.verdict is Verdict.INCONCLUSIVE
