"""What several processes need is computed by one of them, and by nobody twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evidence_samples import Scored, evidence_of, subject_of

from pytest_aipm.errors import ModelError
from pytest_aipm.evidence.once import once

SLOW = """
import sys, time
from pathlib import Path
import numpy as np
from pytest_aipm.evidence.once import once

folder = Path(sys.argv[1])

def compute():
    with (folder / "computed.txt").open("a") as file:
        file.write("once\\n")
    time.sleep(float(sys.argv[2]))
    return {"scores": np.arange(5.0)}

print(once(folder, "model", compute)["scores"].tolist())
"""


def started(folder: Path, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SLOW, str(folder), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def wait_for(path: Path) -> None:
    end = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < end, f"{path.name} never came"
        time.sleep(0.01)


def test_of_several_processes_one_computes_and_the_others_wait_and_read(tmp_path: Path) -> None:
    processes = [started(tmp_path, 0.3) for _ in range(3)]
    answers = [process.communicate(timeout=120)[0].strip() for process in processes]
    assert answers == ["[0.0, 1.0, 2.0, 3.0, 4.0]"] * 3
    assert (tmp_path / "computed.txt").read_text() == "once\n"


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is of POSIX")
def test_a_process_that_dies_while_it_computes_holds_nobody_up(tmp_path: Path) -> None:
    first = started(tmp_path, 600)
    wait_for(tmp_path / "computed.txt")
    first.send_signal(signal.SIGKILL)
    first.communicate()
    second = started(tmp_path, 0)
    assert second.communicate(timeout=120)[0].strip() == "[0.0, 1.0, 2.0, 3.0, 4.0]"


def test_a_failure_leaves_no_arrays_and_the_next_process_may_try(tmp_path: Path) -> None:
    def fails() -> dict[str, np.ndarray]:
        message = "the model is ill"
        raise ModelError(message)

    with pytest.raises(ModelError, match="the model is ill"):
        once(tmp_path, "model", fails)
    assert not list(tmp_path.glob("*.npz"))
    found = once(tmp_path, "model", lambda: {"scores": np.ones(2)})
    assert found["scores"].tolist() == [1.0, 1.0]


def test_without_a_folder_nothing_is_written(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert once(None, "model", lambda: {"a": np.zeros(1)})["a"].tolist() == [0.0]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "values", [np.array([0.1, 0.2]), np.array([1, 0]), np.array(["no", "yes"]), np.array([True])]
)
def test_arrays_come_back_with_values_and_type(tmp_path: Path, values: np.ndarray) -> None:
    once(tmp_path, "model", lambda: {"it": values})
    again = once(tmp_path, "model", dict)["it"]
    assert again.dtype == values.dtype
    assert again.tolist() == values.tolist()


def test_a_model_is_asked_about_each_row_once_in_a_run(tmp_path: Path) -> None:
    frame = pd.DataFrame({"sex": "f", "s": np.linspace(0, 1, 50), "y": np.arange(50) % 2})
    model = Scored()
    subject = subject_of("sex", predictions=None)
    tables = []
    for _ in range(2):
        evidence = evidence_of(frame, subject, model=model, run_dir=tmp_path, keep_scores=True)
        tables += [evidence.counts(("sex",)).table, evidence.counts(()).table]
        assert evidence.scores(()).bags[0][1].n == 25
    # its scores and its classes, for every row
    assert model.asked == 2 * len(frame)
    assert all((table == tables[0]).all() for table in tables)


def test_classes_are_not_asked_for_where_a_threshold_decides(tmp_path: Path) -> None:
    from pytest_aipm.evidence.subject import Decision

    frame = pd.DataFrame({"sex": "f", "s": np.linspace(0, 1, 50), "y": np.arange(50) % 2})
    model = Scored()
    subject = subject_of("sex", predictions=None, decision=Decision(0.5, "above"))
    evidence = evidence_of(frame, subject, model=model, run_dir=tmp_path)
    assert evidence.counts(()).n == 50
    assert model.asked == len(frame)
