"""A model in a fresh process: what it needs, and what is said when it cannot be opened there."""

from __future__ import annotations

import pickle
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from pytest_aipm.errors import ModelError
from pytest_aipm.sources.faults import foreign_words
from pytest_aipm.sources.files import sha256_of
from pytest_aipm.sources.fresh import Handed, OutOfTime, started
from pytest_aipm.sources.model import Opening, open_model
from pytest_aipm.sources.spec import ModelSpec
from pytest_aipm.sources.trust import Trust

FRAME = pd.DataFrame({"x": np.linspace(0, 1, 40)})

MODULE = """\
import time
import numpy as np

class Model:
    classes_ = np.array([0, 1])
    def predict_proba(self, frame):
        print("aipm-start: not ours, and not JSON")
        BODY
        return np.full((len(frame), 2), 0.5)

def made():
    return Model()
"""


def factory(tmp_path: Path, body: str):
    (tmp_path / "fresh_made.py").write_text(MODULE.replace("BODY", body), encoding="utf-8")
    return Opening(ModelSpec(factory="fresh_made:made"), tmp_path, "binary", 1, "auto")


def opened_file(tmp_path: Path):
    fitted = LogisticRegression().fit(FRAME, FRAME["x"] > 0.5)
    joblib.dump(fitted, tmp_path / "model.joblib")
    spec = ModelSpec(path="model.joblib", sha256=sha256_of(tmp_path / "model.joblib"))
    return open_model(spec, root=tmp_path, trusted=Trust(), positive=True).opening


def test_a_pinned_file_is_opened_once_more_and_its_memory_is_known(tmp_path: Path) -> None:
    found = started(opened_file(tmp_path), FRAME, labels=True, timeout=120)
    assert found.answer_s > 0
    assert 0 < found.open_s < 100
    # scikit-learn is imported on the way; pandas was there before
    assert 10e6 < found.before < found.opened <= found.peak < 2e9
    assert found.opened - found.before > 1e6


def test_a_file_that_was_exchanged_is_not_opened(tmp_path: Path) -> None:
    opening = opened_file(tmp_path)
    joblib.dump(LogisticRegression(C=2), tmp_path / "model.joblib")
    with pytest.raises(ModelError, match=r"in a fresh process: .*sha256"):
        started(opening, FRAME, labels=True, timeout=120)


def test_a_factory_may_print_and_hold_much_for_a_moment(tmp_path: Path) -> None:
    found = started(
        factory(tmp_path, "held = np.ones(25_000_000) if len(frame) > 1 else 0"),
        FRAME,
        labels=False,
        timeout=120,
    )
    assert found.peak - found.opened > 150e6  # 200 MB that no look at the end would find


def test_a_model_that_raises_there_says_so_and_its_words_are_known_as_its_own(
    tmp_path: Path,
) -> None:
    opening = factory(tmp_path, "raise KeyError('Ada Lovelace')")
    with pytest.raises(ModelError, match=r"in a fresh process: .*KeyError") as caught:
        started(opening, FRAME, labels=False, timeout=120)
    assert any("Ada Lovelace" in each for each in foreign_words(caught.value))
    assert "Traceback" not in str(caught.value)


def test_a_process_that_dies_is_told(tmp_path: Path) -> None:
    opening = factory(tmp_path, "import os; os._exit(3)")
    with pytest.raises(ModelError, match="ended with code 3 before the model answered"):
        started(opening, FRAME, labels=False, timeout=120)


def test_a_process_that_goes_on_is_ended(tmp_path: Path) -> None:
    with pytest.raises(OutOfTime):
        started(factory(tmp_path, "time.sleep(600)"), FRAME, labels=False, timeout=6)


def test_an_object_is_handed_over_as_bytes() -> None:
    fitted = LogisticRegression().fit(FRAME, FRAME["x"] > 0.5)
    handed = Handed(pickle.dumps(fitted), "binary", True, "auto")
    assert started(handed, FRAME, labels=True, timeout=120).peak > 0
