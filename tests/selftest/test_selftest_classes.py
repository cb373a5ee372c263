"""Harm to a model of several classes reaches its scores of each class, too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.subject import Attribute, Classes, Subject
from pytest_aipm.selftest.harms import Target, plant
from pytest_aipm.selftest.world import Base
from pytest_aipm.sources.data import open_data
from pytest_aipm.sources.model import open_model
from pytest_aipm.sources.trust import Trust


class Model:
    """Says the class that the row holds, nearly surely."""

    classes_ = np.array(["a", "b", "c"])
    feature_names_in_ = np.array(["x"], dtype=object)

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        return 0.8 * np.eye(3)[frame["x"].to_numpy()] + 0.2 / 3


def test_a_row_gets_all_that_was_said_of_another(tmp_path: Path) -> None:
    x = np.arange(300) % 3
    frame = pd.DataFrame({"x": x, "y": Model.classes_[x], "sex": np.resize(["f", "m"], 300)})
    favorable = Classes(("c",))
    evidence = Evidence(
        Subject(
            task="multiclass",
            label="y",
            positive=favorable,
            favorable=favorable,
            attributes=(Attribute("sex", "sex"),),
        ),
        open_data(frame, root=tmp_path),
        model=open_model(Model(), root=tmp_path, trusted=Trust(), task="multiclass"),
        need_label=True,
    )
    base = Base.of(evidence)
    names = [column for _, column in base.subject.class_scores]
    assert [name for name, _ in base.subject.class_scores] == ["a", "b", "c"]
    world = plant(base, Target("degrade", (("sex", "f"),)), 1.0, seed=0)
    told = world.frame[names].to_numpy().argmax(axis=1)
    assert (Model.classes_[told] == world.frame["aipm:predictions"]).all()
    women = world.frame["sex"] == "f"
    assert (told[women] != x[women]).any()
    assert (told[~women] == x[~women]).all()
