"""Models that cannot be asked, or answer wrongly: an ERROR in one line, and nothing of it stays."""

from __future__ import annotations

import asyncio
import hashlib
import os
import pickle
import random
import re
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression

from pytest_aipm.evidence import predictor
from pytest_aipm.records import RunVerdict
from pytest_aipm.sources.trust import trust_file

POLICY = "policies/credit.aipm.yaml"
ASKED = {"predictions": None, "features": ["score"], "decision": {"threshold": 0.5}}


class Fair:
    """A model that answers as it should."""

    classes_ = np.array([0, 1])

    def predict_proba(self, frame: pd.DataFrame) -> Any:
        score = frame["score"].to_numpy()
        return np.column_stack([1 - score, score])


def saying(answer: Any) -> Any:
    """Return a model that says this of every frame."""
    return type("Odd", (Fair,), {"predict_proba": lambda _, frame: answer(frame)})()


def raising(error: BaseException) -> Any:
    def fail(_: Any) -> Any:
        raise error

    return saying(fail)


@pytest.fixture
def asked(project: Any) -> Any:
    project.policy(**ASKED)
    return project


def test_a_model_that_answers_as_it_should_passes(asked: Any) -> None:
    assert asked.audit(model=Fair()).verdict is RunVerdict.PASS


# What it says


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            lambda _: np.full((3, 2), 0.5),
            "returned 3 values for 200 rows (rows 1 to 200); return o",
        ),
        (lambda f: np.full(len(f), 0.5), "returned the shape (200,) (rows 1 to 200); return 200 r"),
        (lambda f: np.zeros((len(f), 2, 1)), "returned the shape (200, 2, 1) (rows 1 to 200); re"),
        (lambda f: np.zeros((len(f), 1)), "returned the shape (200, 1) (rows 1 to 200); return 20"),
        (lambda _: None, "returned a single NoneType (rows 1 to 200); return one value a row"),
        (lambda f: (row for row in f), "returned a single generator (rows 1 to 200); return one"),
        (lambda _: [[1, 2], [3]], "returned no array (ValueError: "),
        (lambda f: [["low", "high"]] * len(f), "returned no numbers (ValueError: "),
        (lambda f: np.full((len(f), 2), np.nan), "returned NaN or infinity in 200 rows, first in"),
        (lambda f: np.full((len(f), 2), -np.inf), "returned NaN or infinity in 200 rows, first i"),
        (lambda f: np.full((len(f), 2), 1.5), "returned 200 scores outside [0, 1], first in row 1"),
        (lambda f: np.full((len(f), 2), 0.5j), "returned values of type complex128 (rows 1 to 200"),
        (lambda f: np.full((len(f), 2), np.datetime64(1, "s")), "returned values of type datetime"),
    ],
    ids=[
        "too few",
        "one column",
        "three dimensions",
        "a column too few",
        "nothing",
        "a generator",
        "ragged",
        "words",
        "NaN",
        "infinite",
        "outside 0 and 1",
        "complex",
        "dates",
    ],
)
def test_scores_of_a_wrong_shape_or_kind_are_refused(asked: Any, answer: Any, said: str) -> None:
    found = asked.fault(model=saying(answer))
    assert found.startswith(f"{POLICY}")
    assert f"model Odd: predict_proba {said}" in found


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda f: [1] * (len(f) - 1), "the function returned 199 values for 200 rows (rows 1 to"),
        (
            lambda f: np.where(f.score > 0.5, "yes", "no"),
            'predictions ("no", "yes") are written differently; write',
        ),
        (lambda f: np.arange(len(f)) % 3, "the prediction has 3 or more values (0, 1, 2); a bina"),
        (lambda f: [None] * len(f), "the function returned 200 missing labels, first in row 1 (ro"),
        (lambda f: [1, "1"] * (len(f) // 2), "never occurs|cannot be compared|written differently"),
        (lambda f: f.score.sort_values(), "the function returned the rows in another order (rows"),
    ],
    ids=["too few", "other words", "three classes", "missing", "mixed", "another order"],
)
def test_classes_of_a_wrong_length_or_kind_are_refused(
    project: Any, answer: Any, said: str
) -> None:
    project.policy(predictions=None, features=["score"])
    found = project.fault(model=lambda frame: answer(frame))  # noqa: PLW0108 - a name of its own
    assert re.search(said if "|" in said else re.escape(said), found)


def late(answer: Any) -> Any:
    """Return a model that says this of the last batch, and is right before."""
    calls: list[int] = []

    def predict_proba(frame: pd.DataFrame) -> Any:
        calls.append(len(frame))
        right = Fair().predict_proba(frame)
        return answer(right) if sum(calls) == 200 else right

    return saying(predict_proba)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda p: p[:-1], "returned 19 values for 20 rows (rows 181 to 200); return one value a"),
        (lambda p: p[:0], "returned 0 values for 20 rows (rows 181 to 200); return one value a"),
        (lambda p: np.vstack([p, p]), "returned 40 values for 20 rows (rows 181 to 200); return"),
        (lambda p: p[:, :1], "returned the shape (20, 1) (rows 181 to 200); return 20 rows with"),
        (lambda p: p * np.nan, "returned NaN or infinity in 20 rows, first in row 181 (rows 181"),
        (lambda p: p + np.inf, "returned NaN or infinity in 20 rows, first in row 181 (rows 181"),
        (lambda p: p + 1, "returned 20 scores outside [0, 1], first in row 181 (rows 181 to 200)"),
    ],
    ids=["fewer rows", "no rows", "more rows", "a column less", "NaN", "infinity", "outside"],
)
def test_what_goes_wrong_in_the_last_batch_alone_is_an_error_of_all(
    asked: Any, answer: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictor, "BATCH", 45)
    monkeypatch.setattr(predictor, "ASKED", 45)
    assert f"model Odd: predict_proba {said}" in asked.fault(model=late(answer))


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("scores", "classes", "the function returned classes now and scores before (rows 181 to"),
        ("classes", "scores", "the function returned scores now and classes before (rows 181 to"),
        ("classes", "texts", "classes of a kind that cannot be compared|written differently"),
        ("classes", "thirds", "the prediction has 3 or more values (0, 1, 2); a binary task has"),
        ("classes", "nothing", "returned 20 missing labels, first in row 181 (rows 181 to 200)"),
    ],
)
def test_a_function_that_answers_otherwise_in_the_last_batch_is_an_error(
    project: Any, first: str, last: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictor, "BATCH", 45)
    monkeypatch.setattr(predictor, "ASKED", 45)
    rule = {"decision": {"threshold": 0.5}} if "scores" in (first, last) else {}
    project.policy(predictions=None, features=["score"], **rule)
    calls: list[int] = []

    def answer(frame: pd.DataFrame) -> Any:
        calls.append(len(frame))
        yes = (frame["score"] >= 0.5).astype(int).to_numpy()
        return {
            "scores": frame["score"],
            "classes": yes,
            "texts": [str(each) for each in yes],
            "thirds": yes * 2,
            "nothing": [None] * len(yes),
        }[last if sum(calls) == 200 else first]

    found = project.fault(model=answer)
    assert re.search(said if "|" in said else re.escape(said), found), found


def test_a_regression_that_answers_1e200_is_refused(project: Any) -> None:
    project.checks = [
        {"check": "performance.metric", "metric": "mae", "id": "mae", "limit": {"max": 1}}
    ]
    project.policy(task="regression", positive=None, predictions=None, features=["score"])
    said = project.fault(model=lambda frame: frame.score * 1e200)
    assert "the function returned 2e+199 in row 1 (rows 1 to 200); numbers beyond 1e+50" in said


# How it ends


class Wordless(Exception):  # noqa: N818
    """An error that cannot even be printed."""

    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("weights\nare gone"), "raised RuntimeError: weights (rows 1 to 200); ask it"),
        (SystemExit(0), "raised SystemExit: 0 (rows 1 to 200); ask it about these rows outside"),
        (MemoryError(), "raised MemoryError (rows 1 to 200); ask it about these rows outside the"),
        (
            ModuleNotFoundError("No module", name="torch.nn"),
            "raised ModuleNotFoundError: No module (rows 1 to 200); install torch",
        ),
        (Wordless(), "raised Wordless (rows 1 to 200); ask it about these rows outside the audit"),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, BaseException) else "",
)
def test_a_model_that_raises_is_quoted_in_one_line(asked: Any, error: Any, said: str) -> None:
    assert f"model Odd: predict_proba {said}" in asked.fault(model=raising(error))


@pytest.mark.parametrize(
    "error",
    [
        GeneratorExit(),
        asyncio.CancelledError(),
        pytest.skip.Exception("no data today"),
        pytest.fail.Exception("stop"),
        pytest.xfail.Exception("later"),
        pytest.exit.Exception("bye", returncode=0),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_model_that_would_end_its_test_or_the_run_is_an_error_too(
    asked: Any, error: BaseException
) -> None:
    said = asked.fault(model=raising(error)) if isinstance(error, Exception) else None
    if said is None:
        record = asked.audit(model=raising(error))
        assert {each.verdict for each in record.findings} == {"error"}
        assert record.verdict is RunVerdict.FAIL
        said = record.findings[0].reason
        assert "it does not skip, fail or exit" in said
    assert type(error).__name__ in said


def test_only_the_user_interrupts(asked: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        asked.audit(model=raising(KeyboardInterrupt()))


def test_recursion_without_end_is_quoted_too(asked: Any) -> None:
    def again(frame: Any) -> Any:
        return again(frame)

    assert "predict_proba raised RecursionError: maximum recursion" in asked.fault(
        model=saying(again)
    )


# What it leaves behind


def test_nothing_that_a_model_does_to_its_surroundings_stays(
    asked: Any, capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    rows = asked.rows()
    before = (rows.copy(), random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002

    def rude(frame: pd.DataFrame) -> Any:
        print("this is my output")  # noqa: T201
        print("and this my complaint", file=sys.stderr)  # noqa: T201
        os.chdir(elsewhere)
        random.seed(3)
        np.random.seed(3)  # noqa: NPY002
        answer = Fair().predict_proba(frame)
        frame["score"] = -1.0
        frame.drop(frame.index[:50], inplace=True)  # noqa: PD002
        return answer

    model = saying(rude)
    record = asked.audit(model=model, data=rows)
    assert [each.value for each in record.findings] == [0.0, 0.76]
    assert rows.equals(before[0])
    assert random.getstate() == before[1]
    assert np.random.get_state()[1].tolist() == before[2]  # noqa: NPY002
    assert Path.cwd() == tmp_path
    assert "my output" in capsys.readouterr().out


def test_a_model_that_cannot_be_copied_is_asked_itself(asked: Any) -> None:
    def refuse(_: Any) -> Any:
        raise TypeError("holds a handle")

    model = type("Handle", (Fair,), {"__copy__": refuse, "__reduce_ex__": refuse})()
    assert asked.audit(model=model).verdict is RunVerdict.PASS


def test_a_hundred_thousand_rows_are_no_fault(asked: Any) -> None:
    seen = []

    def counted(frame: pd.DataFrame) -> Any:
        seen.append(len(frame))
        return Fair().predict_proba(frame)

    record = asked.audit(model=saying(counted), data=asked.rows(100_000))
    assert record.verdict is RunVerdict.PASS
    assert sum(seen) == 100_000, "every row once"


# What it is


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (object(), "model object is of type object: it cannot predict; give an object with "),
        (Fair, "model Fair is a class; give an object of it, fitted"),
        (type("New", (Fair,), {"classes_": None})(), "but no list classes_ that says which col"),
        (type("New", (Fair,), {"classes_": [0, 1, 2]})(), "knows 3 classes (0, 1, 2); the task"),
        (type("New", (Fair,), {"classes_": ["no", "yes"]})(), "does not know the positive class 1"),
        (LogisticRegression(), "predict_proba raised NotFittedError: |no list classes_"),
    ],
    ids=["object", "class", "without classes", "three classes", "other classes", "not fitted"],
)
def test_what_is_no_model_for_the_task_is_refused(asked: Any, model: Any, said: str) -> None:
    found = asked.fault(model=model)
    assert re.search(said if "|" in said else re.escape(said), found)


@pytest.mark.parametrize(
    ("features", "said"),
    [
        (["income"], "there is no column 'income' in "),
        (["score", "age"], "there is no column 'age'"),
    ],
)
def test_inputs_that_the_data_lack_are_named(project: Any, features: Any, said: str) -> None:
    project.policy(predictions=None, features=features)
    assert said in project.fault(model=Fair())


# Files that can run code


class Payload:
    """Leaves a file behind when it is opened."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.place),)


def digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


@pytest.fixture
def clf(project: Any) -> Any:
    rows = project.rows()
    return LogisticRegression().fit(rows[["score"]], rows.y)


def saved(project: Any, name: str, raw: bytes, **pin: Any) -> None:
    project.write(name, raw)
    project.policy(predictions=None, model={"path": name, **pin})


@pytest.mark.parametrize("name", ["model.pkl", "model.pickle", "model.joblib"])
def test_a_file_that_nobody_vouches_for_is_refused_before_anything_runs(
    project: Any, name: str, tmp_path: Path
) -> None:
    raw = pickle.dumps(Payload(tmp_path / "ran"))
    saved(project, name, raw)
    (said,) = project.refusal()
    assert said.startswith(f"{POLICY}:10:10: '{name}' can run code when it is opened, and nobody")
    assert f"aipm trust {name} (writes aipm.lock), or pin it in the policy" in said
    assert digest(raw) in said
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("by", ["policy", "lock"])
def test_a_file_with_another_hash_is_an_error_and_is_not_opened(
    project: Any, by: str, clf: Any, tmp_path: Path
) -> None:
    pin = {"sha256": "a" * 64} if by == "policy" else {}
    saved(project, "model.pkl", pickle.dumps(clf), **pin)
    if by == "lock":
        trust_file("model.pkl", project.root)
    project.write("model.pkl", pickle.dumps(Payload(tmp_path / "ran")))
    said = project.fault()
    pinned = {"policy": "the policy pins aaaaaaaaaaaa...", "lock": "aipm.lock pins "}[by]
    assert said.startswith(f"{POLICY}:10:10: 'model.pkl' has sha256 ")
    assert pinned in said
    assert ": it was not opened; restore the pinned file, or " in said
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kind", ["pkl", "joblib"])
def test_a_model_that_another_scikit_learn_saved_is_an_error(
    project: Any, clf: Any, kind: str
) -> None:
    path = project.root / f"model.{kind}"
    joblib.dump(clf, path) if kind == "joblib" else path.write_bytes(pickle.dumps(clf))
    now = sklearn.__version__.encode()
    old = b"0" + now[1:]
    raw = path.read_bytes()
    assert now in raw, "the version stands in the file"
    raw = raw.replace(now, old)
    saved(project, path.name, raw, sha256=digest(raw))
    assert project.fault() == (
        f"{POLICY}:10:10: {path.name} was saved by another scikit-learn ({old.decode()}; "
        f"{now.decode()} is installed), so its predictions may be wrong; install the version it "
        "was saved with, or save it again"
    )


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"cforests_of_tomorrow\nTree\n.", "'model.pkl' needs module 'forests_of_tomorrow'; ins"),
        (b"csklearn.tomorrow\nTree\n.", "needs module 'sklearn.tomorrow', which the installed"),
        (b"csklearn.tree\nOak\n.", "'model.pkl' could not be opened: AttributeError: "),
        (b"\x80\x04\x95", "'model.pkl' could not be opened: "),
        (b"", "'model.pkl' is empty; save the model again"),
        (pickle.dumps({"weights": [1, 2]}), "model model.pkl is of type dict: it cannot predict;"),
    ],
    ids=["no module", "no such part of it", "no class", "cut short", "empty", "no model"],
)
def test_a_vouched_for_file_that_does_not_open_says_why(
    project: Any, raw: bytes, said: str
) -> None:
    saved(project, "model.pkl", raw, sha256=digest(raw))
    found = project.fault()
    assert found.startswith(f"{POLICY}:10:10: ")
    assert said in found


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("model.pt", "'model.pt' is of no model format that can be opened (.pt); known "),
        ("model.onnx", "'model.onnx' holds no model of ONNX: damaged, cut short or of another "),
        ("model.skops", "'model.skops' is no skops file: damaged, cut short or of another format"),
        ("absent.skops", "there is no file 'absent.skops'; "),
    ],
)
def test_what_is_no_model_file_is_refused_at_its_line(project: Any, name: str, said: str) -> None:
    for broken in ("model.pt", "model.onnx", "model.skops"):
        project.write(broken, b"x")
    project.policy(predictions=None, model=name)
    assert project.fault().startswith(f"{POLICY}:10:10: {said}")


# Factories


FACTORY = "import pandas as pd\n\ndef load():\n    {}\n    return pd.read_csv({!r})\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import sys; sys.exit(0)", "raised SystemExit: 0 (faulty_N.py:4); make it run by itself"),
        ("raise OSError('no bucket')", "raised OSError: no bucket (faulty_N.py:4); make it run"),
        ("import torch_of_tomorrow", "raised ModuleNotFoundError: No module named 'torch_of_tomo"),
        ("return None", ":load: of type NoneType, which is no table; give a pandas DataFrame"),
        ("return load()", "raised RecursionError: maximum recursion depth exceeded"),
    ],
)
def test_a_factory_that_fails_is_named_with_the_line_of_the_project(
    project: Any, line: str, said: str
) -> None:
    name = project.module(FACTORY.format(line, "data.csv"))
    project.policy(data={"factory": f"{name}:load"})
    assert said.replace("faulty_N", name) in project.fault()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def load(:\n", "importing it raised SyntaxError: "),
        ("import sys\nsys.exit(0)\n", "importing it raised SystemExit: 0 ("),
        ("def laod(): ...\n", "has no 'load'; did you mean 'laod'?"),
        ("load = 3\n", "is of type int, not a function; name a function without arguments"),
        ("def load(path): ...\n", "raised TypeError: load() missing 1 required positional"),
    ],
)
def test_a_module_that_is_no_factory_is_refused(project: Any, code: str, said: str) -> None:
    name = project.module(code)
    project.policy(data={"factory": f"{name}:load"})
    found = project.fault()
    assert found.startswith(f"{POLICY}:7:9: factory '{name}:load'")
    assert said in found


@pytest.mark.parametrize("call", ["pytest.skip('no')", "pytest.fail('no')", "pytest.xfail('no')"])
def test_a_factory_that_skips_is_no_skipped_check(project: Any, call: str) -> None:
    name = project.module(FACTORY.format(f"import pytest; {call}", "data.csv"))
    project.policy(data={"factory": f"{name}:load"})
    record = project.audit()
    assert {each.verdict for each in record.findings} == {"error"}
    assert record.verdict is RunVerdict.FAIL


def test_a_factory_that_moves_away_does_not_take_the_audit_along(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    name = project.module(
        FACTORY.format("import os; os.chdir('/')", str(project.root / "data.csv"))
    )
    project.policy(data={"factory": f"{name}:load"})
    assert project.audit().verdict is RunVerdict.PASS
    assert Path.cwd() == project.root


@pytest.mark.parametrize("end", ["sys.exit(0)", "pytest.skip('no')", "raise OSError('no')", "'x'"])
def test_a_metric_of_the_project_that_fails_is_an_error_too(project: Any, end: str) -> None:
    name = project.module(
        f"import sys, pytest\n\ndef metric(y_true, y_pred):\n    return {end}\n"
        if not end.startswith("raise")
        else f"def metric(y_true, y_pred):\n    {end}\n"
    )
    project.checks = [
        {
            "check": "performance.metric",
            "metric": f"{name}:metric",
            "id": "own",
            "limit": {"min": 0},
        }
    ]
    project.policy()
    assert "metric" in project.fault()
