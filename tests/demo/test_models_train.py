"""Training the demo's models is fast and gives the same models in every process."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

MAKE = """
import json, time
from pytest_aipm.demo import diabetes, lending
began = time.process_time()
models = [lending.fair_model(), lending.biased_model(), lending.overfitted_model()]
seconds = time.process_time() - began
rows = lending.evaluation().head(200)[list(models[0].feature_names_in_)]
scores = [model.predict_proba(rows)[:, 1].tolist() for model in models]
patients = diabetes.evaluation()[list(diabetes.model().feature_names_in_)]
scores.append(diabetes.model().predict(patients).tolist())
print(json.dumps({"seconds": seconds, "scores": scores}))
"""


@pytest.fixture(scope="module")
def made() -> list[dict[str, Any]]:
    runs = [
        subprocess.run(
            [sys.executable, "-c", MAKE], capture_output=True, text=True, check=True, timeout=120
        )
        for _ in range(2)
    ]
    return [json.loads(run.stdout) for run in runs]


def test_the_three_lending_models_train_in_under_three_seconds(made: list[dict[str, Any]]) -> None:
    assert min(run["seconds"] for run in made) < 3


def test_two_processes_get_the_same_scores_to_the_last_bit(made: list[dict[str, Any]]) -> None:
    assert made[0]["scores"] == made[1]["scores"]
