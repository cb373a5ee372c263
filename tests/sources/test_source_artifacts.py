"""Model files: what opens, what does not, and what is said about it."""

import hashlib
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from pytest_aipm.errors import ModelError
from pytest_aipm.sources.model import ModelSpec, open_model
from pytest_aipm.sources.trust import Trust

WHERE = {"path": "p.aipm.yaml", "line": 6}
FRAME = pd.DataFrame({"income": [1.0, 2.0, 3.0, 4.0], "debt": [0.0, 1.0, 0.0, 1.0]})
Y = [0, 1, 0, 1]


def pinned(path: Path, **more) -> ModelSpec:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return ModelSpec(path=path.name, sha256=digest, **more)


def refused(spec, root):
    with pytest.raises(ModelError) as caught:
        open_model(spec, root=root, trusted=Trust(), positive=1, where=WHERE)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix("p.aipm.yaml:6: ")


@pytest.fixture
def fitted():
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(FRAME, Y)


@pytest.mark.parametrize("name", ["m.joblib", "m.pkl", "m.pickle", "zipped.joblib"])
def test_pickled_models_predict_as_before(tmp_path, fitted, name):
    path = tmp_path / name
    if name.startswith("zipped"):
        joblib.dump(fitted, path, compress=3)
    elif path.suffix == ".joblib":
        joblib.dump(fitted, path)
    else:
        path.write_bytes(pickle.dumps(fitted))
    model = open_model(pinned(path), root=tmp_path, trusted=Trust(), positive=1)

    assert model.features == ("income", "debt")
    assert model.warnings == []
    assert_array_equal(model.predict(FRAME).scores, fitted.predict_proba(FRAME)[:, 1])


def test_a_link_to_a_model_is_as_good_as_the_model(tmp_path, fitted):
    (tmp_path / "kept").mkdir()
    joblib.dump(fitted, tmp_path / "kept/m.joblib")
    (tmp_path / "m.joblib").symlink_to("kept/m.joblib")
    model = open_model(pinned(tmp_path / "m.joblib"), root=tmp_path, trusted=Trust(), positive=1)

    assert model.ref == "m.joblib"


def test_classes_of_the_project_are_found_when_a_pickle_needs_them(tmp_path):
    (tmp_path / "our_rules.py").write_text(
        "class Rule:\n    def predict(self, frame):\n        return [1] * len(frame)\n"
    )
    subprocess.run(
        [
            sys.executable,
            "-c",
            "import pickle, our_rules; pickle.dump(our_rules.Rule(), open('m.pkl', 'wb'))",
        ],
        cwd=tmp_path,
        check=True,
    )
    model = open_model(pinned(tmp_path / "m.pkl"), root=tmp_path, trusted=Trust())

    assert model.predict(FRAME).labels.tolist() == [1, 1, 1, 1]


def test_another_scikit_learn_is_a_warning_of_the_model_and_never_raised(tmp_path):
    raw = pickle.dumps(DecisionTreeClassifier().fit(FRAME, Y))
    version = sklearn.__version__.encode()
    older = raw.replace(version, b"0" + version[1:])
    assert older != raw
    (tmp_path / "m.pkl").write_bytes(older)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = open_model(pinned(tmp_path / "m.pkl"), root=tmp_path, trusted=Trust(), positive=1)

    (heard,) = model.warnings
    assert heard.startswith("InconsistentVersionWarning: Trying to unpickle estimator Decision")
    assert model.predict(FRAME).labels.tolist() == Y


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (
            b"cno_such_library.models\nNet\n.",
            "'m.pkl' needs module 'no_such_library'; install no_such_library",
        ),
        (
            b"csklearn.ensemble.forest\nForest\n.",
            (
                "'m.pkl' needs module 'sklearn.ensemble.forest', which the installed "
                "sklearn does not "
                "have; install the version of sklearn that saved the model, or save it again"
            ),
        ),
        (
            b"c__main__\nOurRule\n.",
            "define the class in a module of the project, import it from there, and save again",
        ),
        (
            b"csklearn.linear_model\nGoneRegression\n.",
            "open it with the library versions that saved it, or save it again with these",
        ),
        (b"not a pickle", "the file may be damaged or of another format: save the model again"),
        (
            pickle.dumps(LogisticRegression())[:100],
            "the file may be damaged or of another format: save the model again",
        ),
        (b"", "'m.pkl' is empty; save the model again"),
    ],
)
def test_a_pickle_that_does_not_open_says_why_and_what_helps(tmp_path, raw, message):
    (tmp_path / "m.pkl").write_bytes(raw)
    text = refused(pinned(tmp_path / "m.pkl"), tmp_path)

    assert text.startswith("'m.pkl' ")
    assert text.endswith(message)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("m.pkll", "there is no file 'm.pkll'; did you mean 'm.pkl'?"),
        (
            "m.h5",
            (
                "'m.h5' is of no model format that can be opened (.h5); known suffixes are .skops, "
                ".onnx, .json, .ubj, .txt, .lgb, .cbm, .joblib, .pkl, .pickle; anything else comes "
                "through factory:, or audit its predictions"
            ),
        ),
        (
            "m.skop",
            "'m.skop' is of no model format that can be opened (.skop); did you mean '.skops'?",
        ),
        ("folder.pkl", "'folder.pkl' is a folder, not a model file; name the file inside it"),
    ],
)
def test_what_is_no_model_file_is_refused(tmp_path, name, message):
    for each in ("m.pkl", "m.h5", "m.skop"):
        (tmp_path / each).write_bytes(b"x")
    (tmp_path / "folder.pkl").mkdir()

    assert refused(ModelSpec(path=name), tmp_path) == message


def test_a_file_that_may_not_be_read_is_said_to_be_so(tmp_path, forbidden):
    (tmp_path / "m.skops").write_bytes(b"x")
    forbidden("m.skops")

    assert refused(ModelSpec(path="m.skops"), tmp_path) == (
        "'m.skops' cannot be read (Permission denied); make it readable"
    )


def test_trusted_types_belong_to_skops_files_alone(tmp_path, fitted):
    joblib.dump(fitted, tmp_path / "m.joblib")

    assert refused(pinned(tmp_path / "m.joblib", trust=("a.B",)), tmp_path) == (
        "'m.joblib' is no skops file: trust: lists the types of a skops file; "
        "remove trust, or save as .skops"
    )


def test_without_the_extra_a_skops_file_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "skops", None)
    monkeypatch.setitem(sys.modules, "skops.io", None)
    (tmp_path / "m.skops").write_bytes(b"PK")

    assert refused(ModelSpec(path="m.skops"), tmp_path) == (
        'a skops model needs the package skops; pip install "pytest-aipm[skops]"'
    )


class TestSkops:
    @pytest.fixture
    def sio(self):
        return pytest.importorskip("skops.io")

    def test_a_model_of_known_types_opens_without_any_trust(self, sio, tmp_path, fitted):
        sio.dump(fitted, tmp_path / "m.skops")
        model = open_model(ModelSpec(path="m.skops"), root=tmp_path, trusted=Trust(), positive=1)

        assert (model.kind, model.trusted_by) == ("skops", "skops's own list")
        assert model.sha256 == hashlib.sha256((tmp_path / "m.skops").read_bytes()).hexdigest()
        assert_array_equal(model.predict(FRAME).scores, fitted.predict_proba(FRAME)[:, 1])

    def test_types_are_trusted_by_the_policy_and_never_by_the_file(self, sio, tmp_path):
        fitted = make_pipeline(FunctionTransformer(np.sqrt), LogisticRegression()).fit(FRAME, Y)
        fitted.steps[0][1].func = Path  # any type that skops does not know
        sio.dump(fitted, tmp_path / "m.skops")
        asked = "pathlib" if sys.version_info < (3, 13) else "pathlib._local"
        text = refused(ModelSpec(path="m.skops"), tmp_path)

        assert text.startswith(f"'m.skops' holds types that are not trusted: {asked}")
        assert f"if you trust them, write in the policy: trust: [{asked}" in text
        types = tuple(text.rpartition("[")[2].rstrip("]").split(", "))
        model = open_model(
            ModelSpec(path="m.skops", trust=types), root=tmp_path, trusted=Trust(), positive=1
        )
        assert model.trusted_by == f"skops's own list, and in the policy {', '.join(types)}"

    def test_a_pin_is_checked_before_the_file_is_opened(self, sio, tmp_path, fitted):
        sio.dump(fitted, tmp_path / "m.skops")
        digest = hashlib.sha256((tmp_path / "m.skops").read_bytes()).hexdigest()

        assert refused(ModelSpec(path="m.skops", sha256="0" * 64), tmp_path) == (
            f"'m.skops' has sha256 {digest[:12]}..., pinned is 000000000000...; "
            f"restore the pinned file, or pin this one: sha256: {digest}"
        )
        model = open_model(pinned(tmp_path / "m.skops"), root=tmp_path, trusted=Trust(), positive=1)
        assert model.sha256 == digest

    @pytest.mark.parametrize("damage", ["truncated", "text", "another zip"])
    def test_a_damaged_file_is_refused_in_one_line(self, sio, tmp_path, fitted, damage):
        import zipfile

        path = tmp_path / "m.skops"
        sio.dump(fitted, path)
        if damage == "truncated":
            path.write_bytes(path.read_bytes()[:-200])
        elif damage == "text":
            path.write_text("model")
        else:
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("readme.txt", "no model")

        assert refused(ModelSpec(path="m.skops"), tmp_path).startswith("'m.skops' ")

    @pytest.mark.usefixtures("sio")
    def test_a_pickle_in_disguise_is_never_opened(self, tmp_path):
        trace = tmp_path / "opened.txt"

        class Bomb:
            def __reduce__(self):
                return open, (str(trace), "w")

        (tmp_path / "m.skops").write_bytes(pickle.dumps(Bomb()))
        text = refused(ModelSpec(path="m.skops"), tmp_path)

        assert text.startswith("'m.skops' is no skops file")
        assert not trace.exists()
