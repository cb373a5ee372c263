"""The recipes of docs/models.md, run with the real libraries in a process of their own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "models.md"
FEATURES = ["income", "debt", "jobs"]
POLICY = """
aipm: 1
name: nets
context: {purpose: a test, owner: tests@example.org}
subject:
  task: binary
  model: {factory: "NET:load"}
  data: rows.csv
  label: repaid
  positive: 1
  favorable: 1
  protected: {sex: sex}
checks:
  - {check: fairness.demographic_parity_difference, limit: {max: 1.0}}
  - {check: performance.metric, metric: roc_auc, limit: {min: 0.0}}
"""
BUILD = {
    "torch": """
import torch
import torch_net

torch.manual_seed(3)
network = torch_net.build()
with torch.no_grad():
    network[3].bias.zero_()
    network[3].weight.mul_(4)
torch.save(network.state_dict(), "torch_net.pt")
layers = [(w.detach().numpy().T, b.detach().numpy()) for w, b in
          ((network[0].weight, network[0].bias), (network[3].weight, network[3].bias))]
""",
    "keras": """
import keras

keras.utils.set_random_seed(3)
network = keras.Sequential([
    keras.layers.Input((3,)), keras.layers.Dense(8, activation="relu"),
    keras.layers.Dropout(0.5), keras.layers.Dense(1, activation="sigmoid"),
])
network.save("keras_net.keras")
layers = [tuple(map(np.asarray, layer.get_weights())) for layer in network.layers if layer.weights]
""",
}
RUN = """
import json, sys
from pathlib import Path
import numpy as np
import pandas as pd

sys.path.insert(0, ".")
{build}
import pytest_aipm
from pytest_aipm.sources.model import ModelSpec, open_model
from pytest_aipm.sources.trust import Trust

rows = pd.read_csv("rows.csv")
spec = ModelSpec(factory="{net}:load")
model = open_model(spec, root=Path("."), trusted=Trust(), positive=1)
said = [model.predict(rows[rows.columns[::-1]]) for _ in range(2)]
record = pytest_aipm.audit("nets.aipm.yaml", root=".")
print("said", json.dumps({{
    "layers": [[part.tolist() for part in layer] for layer in layers],
    "scores": [each.scores.tolist() for each in said],
    "labels": said[0].labels.tolist(),
    "classes": model.classes,
    "features": model.features,
    "verdicts": [each.verdict for each in record.findings],
    "auc": record.findings[-1].value,
}}))
"""


def recipe(title: str) -> str:
    """Return the block of Python under a heading of the page."""
    part = PAGE.read_text(encoding="utf-8").partition(f"\n## {title}\n")[2]
    return re.search(r"```python\n(.*?)```", part, re.DOTALL)[1]


def rows() -> pd.DataFrame:
    """Return more rows than one batch of the recipes takes."""
    draw = np.random.default_rng(5)
    frame = pd.DataFrame(draw.normal(size=(5000, 3)), columns=FEATURES).astype(np.float32)
    frame["sex"] = draw.choice(["f", "m"], 5000)
    frame["repaid"] = draw.integers(0, 2, 5000)
    return frame


def asked(folder: Path, library: str, title: str) -> dict:
    """Run the recipe and an audit in a project of its own; return what was said."""
    net = f"{library}_net"
    (folder / f"{net}.py").write_text(recipe(title), encoding="utf-8")
    (folder / "nets.aipm.yaml").write_text(POLICY.replace("NET", net), encoding="utf-8")
    rows().to_csv(folder / "rows.csv", index=False)
    ran = subprocess.run(
        [sys.executable, "-c", RUN.format(build=BUILD[library], net=net)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return json.loads(ran.stdout.rpartition("said ")[2])


def forward(said: dict, frame: pd.DataFrame) -> np.ndarray:
    """Return what the last layer gives, computed by hand without dropout."""
    (first, shift), (last, bias) = ([np.asarray(part) for part in each] for each in said["layers"])
    return np.maximum(frame[FEATURES].to_numpy(dtype=float) @ first + shift, 0) @ last + bias


def hold(said: dict, expected: np.ndarray) -> None:
    from sklearn.metrics import roc_auc_score

    frame = rows()
    assert said["scores"][0] == said["scores"][1], "dropout is off: the same rows, the same scores"
    np.testing.assert_allclose(said["scores"][0], expected, atol=1e-6)
    unsure = np.abs(expected - 0.5) < 1e-6
    same = np.asarray(said["labels"]) == (expected > 0.5)
    assert (same | unsure).all()
    assert 0 < np.mean(said["labels"]) < 1, "both classes occur, so their order is seen"
    assert (said["classes"], said["features"]) == ([0, 1], FEATURES)
    assert set(said["verdicts"]) == {"pass"}
    assert said["auc"] == pytest.approx(roc_auc_score(frame["repaid"], expected), abs=1e-3)


@pytest.mark.skipif(
    find_spec("torch") is None,
    reason="PyTorch is not installed: by default it brings gigabytes for graphics cards along; the "
    "job `torch` of .github/workflows/ci.yml installs it for processors and runs this test",
)
def test_a_pytorch_network_through_the_recipe(tmp_path):
    said = asked(tmp_path, "torch", "PyTorch")
    margins = forward(said, rows())

    hold(said, 1 / (1 + np.exp(margins[:, 0] - margins[:, 1])))


def test_a_keras_network_through_the_recipe(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    said = asked(tmp_path, "keras", "Keras")

    hold(said, 1 / (1 + np.exp(-forward(said, rows())[:, 0])))
