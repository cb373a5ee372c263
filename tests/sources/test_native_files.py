"""Files that are no model, of another format, damaged, too new, or whose library is missing."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys

import native_samples as samples
import pytest
from sklearn.linear_model import LogisticRegression

from pytest_aipm.errors import AipmError, ModelError, TrustError
from pytest_aipm.sources.native import ubjson
from pytest_aipm.sources.native.formats import looks_like
from pytest_aipm.sources.native.threads import threads
from pytest_aipm.sources.trust import trust_file

ROWS = samples.rows()
NUMBERS = ROWS[samples.FEATURES]
NAMES = ("xgb.json", "xgb.ubj", "light.txt", "cat.cbm", "cat.json", "sk.onnx")
LIBRARIES = {
    "xgb.json": "xgboost",
    "xgb.ubj": "xgboost",
    "light.txt": "lightgbm",
    "cat.cbm": "catboost",
    "cat.json": "catboost",
    "sk.onnx": "onnx",
}
pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries, while they train


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return the bytes of one whole model of each format."""
    folder = tmp_path_factory.mktemp("models")
    booster = samples.in_xgboost(samples.categorical(ROWS), ROWS["repaid"], "binary:logistic")
    booster.save_model(folder / "xgb.json")
    booster.save_model(folder / "xgb.ubj")
    light = samples.in_lightgbm(samples.categorical(ROWS), ROWS["repaid"], "binary")
    light.save_model(folder / "light.txt")
    cat = samples.in_catboost(NUMBERS, ROWS["repaid"], "Logloss")
    cat.save_model(str(folder / "cat.cbm"))
    cat.save_model(str(folder / "cat.json"), format="json")
    filled = NUMBERS.fillna(0).to_numpy(dtype="float32")
    fitted = LogisticRegression().fit(filled, ROWS["repaid"])
    samples.in_onnx(fitted, filled[:1], folder / "sk.onnx", zipmap=False)
    return {name: (folder / name).read_bytes() for name in NAMES}


def refused(folder, name, raw, **how):
    """Return why a file is refused, in one line."""
    (folder / name).write_bytes(raw)
    with pytest.raises(ModelError) as caught:
        samples.opened(folder, name, positive=1, **how)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_the_content_tells_the_format(files, name):
    assert looks_like(files[name]).kind == LIBRARIES[name]


@pytest.mark.parametrize(
    ("name", "of", "said"),
    [
        (
            "m.cbm",
            "light.txt",
            "'m.cbm' holds a model of LightGBM, not of CatBoost; rename it to end in .txt, .lgb",
        ),
        (
            "m.txt",
            "xgb.json",
            "'m.txt' holds a model of XGBoost, not of LightGBM; rename it to end in .json, .ubj",
        ),
        (
            "m.json",
            "sk.onnx",
            "'m.json' holds a model of ONNX, not of XGBoost or CatBoost; rename it to end in .onnx",
        ),
        (
            "m.onnx",
            "cat.cbm",
            "'m.onnx' holds a model of CatBoost, not of ONNX; rename it to end in .cbm, .json",
        ),
    ],
)
def test_a_model_under_the_name_of_another_format_is_told_apart(tmp_path, files, name, of, said):
    assert refused(tmp_path, name, files[of]) == said


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("m.json", b"", "'m.json' is empty; save the model again"),
        (
            "m.json",
            b'{"a": 1}',
            (
                "'m.json' holds no model of XGBoost or CatBoost: damaged, cut short "
                "or of another format; save it again with XGBoost's save_model or "
                "CatBoost's save_model"
            ),
        ),
        (
            "m.txt",
            b"hello",
            (
                "'m.txt' holds no model of LightGBM: damaged, cut short or of another "
                "format; save it again with LightGBM's save_model"
            ),
        ),
        (
            "m.cbm",
            b"\x00" * 40,
            (
                "'m.cbm' holds no model of CatBoost: damaged, cut short or of "
                "another format; save it again with CatBoost's save_model"
            ),
        ),
        (
            "m.onnx",
            b"hello",
            (
                "'m.onnx' holds no model of ONNX: damaged, cut short or of another "
                "format; save it again with the exporter of its library"
            ),
        ),
        (
            "m.txt",
            b"booster[0]:\n0:[f0<1] yes=1",
            "'m.txt' holds a text dump of XGBoost, which cannot be loaded; save it with save_model",
        ),
        (
            "m.ubj",
            b"binf\x00\x00",
            (
                "'m.ubj' holds XGBoost's old binary format; save it again with "
                "save_model as .json or .ubj"
            ),
        ),
        (
            "m.json",
            b'{"name": "tree", "tree_info": []}',
            (
                "'m.json' holds a JSON dump of LightGBM, "
                "which cannot be loaded; save it with Booster.save_model as .txt"
            ),
        ),
        (
            "m.json",
            b'[{"nodeid": 0}]',
            (
                "'m.json' holds a JSON dump of XGBoost, which cannot be "
                "loaded; save it with save_model"
            ),
        ),
        (
            "m.json",
            b"[" * 100_000,
            (
                "'m.json' holds no model of XGBoost or CatBoost: damaged, cut "
                "short or of another format; save it again with XGBoost's save_model or CatBoost's "
                "save_model"
            ),
        ),
    ],
    ids=str,
)
def test_what_is_no_model_is_said_in_one_line(tmp_path, name, raw, said):
    assert refused(tmp_path, name, raw) == said


def test_nested_without_end_is_refused(tmp_path):
    raw = b'{"learner": ' + b"[" * 100_000
    assert "holds no model of XGBoost" in refused(tmp_path, "m.json", raw)
    deep = b"{L" + (7).to_bytes(8, "big") + b"learner" + b"[" * 100_000
    assert "is nested without end" in refused(tmp_path, "m.ubj", deep)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_was_cut_short_is_never_opened(tmp_path, files, name):
    draw = random.Random(3)
    raw = files[name]
    # Behind these places lie fields of the outermost message that ONNX can do without.
    most = len(raw) - (40 if name == "sk.onnx" else 3)
    for place in [1, most, *(draw.randrange(2, most) for _ in range(25))]:
        said = refused(tmp_path, name, raw[:place])
        assert "cut short" in said or "damaged" in said or "again" in said


CHANGED = """
import sys
from pathlib import Path
import pandas as pd
from pytest_aipm.errors import AipmError
from pytest_aipm.sources.model import ModelSpec, open_model
from pytest_aipm.sources.trust import Trust

rows, told = pd.read_parquet("rows.parquet"), 0
for path in sorted(Path().glob("bad-*")):
    try:
        spec = ModelSpec(path=path.name)
        open_model(spec, root=Path(), trusted=Trust(), positive=1).predict(rows)
    except AipmError as error:
        assert "\\n" not in str(error), error
        told += 1
    print(path.name, flush=True)
print("told", told)
"""


def test_changed_bytes_end_in_a_sentence_and_not_in_a_crash(tmp_path, files):
    draw = random.Random(5)
    names = [name for name in NAMES if name != "cat.cbm"]  # CatBoost checks those itself, nearly
    for name in names:
        for i in range(40):
            raw = bytearray(files[name])
            for _ in range(draw.choice([1, 4])):
                raw[draw.randrange(len(raw))] = draw.randrange(256)
            (tmp_path / f"bad-{i}-{name}").write_bytes(raw)
    ROWS.to_parquet(tmp_path / "rows.parquet")
    ran = subprocess.run(
        [sys.executable, "-c", CHANGED],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout[-100:] + ran.stderr[-800:]
    assert int(ran.stdout.rpartition("told ")[2]) > 100


class TestTrees:
    """A tree that leads back into itself would keep XGBoost busy for ever."""

    def broken(self, tmp_path, files, change):
        (tmp_path / "m.json").write_bytes(files["xgb.json"])

        def change_tree(content):
            change(content["learner"]["gradient_booster"]["model"]["trees"][0])

        samples.rewritten(tmp_path / "m.json", change_tree)
        return refused(tmp_path, "m.json", (tmp_path / "m.json").read_bytes())

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("left_children", 0),
            ("left_children", 999),
            ("right_children", -7),
            ("split_indices", 99),
            ("parents", 5000),
            ("left_children", 2),
        ],
    )
    def test_children_are_nodes_and_have_one_parent(self, tmp_path, files, key, value):
        def change(tree):
            tree[key][0] = value

        assert "tree 0 is none" in self.broken(tmp_path, files, change)

    def test_all_of_its_lists_are_there(self, tmp_path, files):
        def change(tree):
            tree["split_conditions"].pop()

        assert "tree 0 is none" in self.broken(tmp_path, files, change)

    def test_its_categories_are_inside_their_list(self, tmp_path, files):
        def change(tree):
            tree["categories_nodes"] = [0]
            tree["categories_segments"] = [0]
            tree["categories_sizes"] = [10**9]

        assert "tree 0 has broken categories" in self.broken(tmp_path, files, change)

    @pytest.mark.parametrize(
        "change",
        [
            lambda content: content["features_info"]["float_features"][0].pop("flat_feature_index"),
            lambda content: content["oblivious_trees"][0]["leaf_values"].pop(),
            lambda content: content["oblivious_trees"][0]["splits"][0].update(
                float_feature_index=9
            ),
        ],
        ids=["no place", "a leaf too few", "a strange feature"],
    )
    def test_catboost_s_of_json_too(self, tmp_path, files, change):
        (tmp_path / "m.json").write_bytes(files["cat.json"])
        samples.rewritten(tmp_path / "m.json", change)
        said = refused(tmp_path, "m.json", (tmp_path / "m.json").read_bytes())

        assert said.startswith("'m.json' could not be opened: ")
        assert said.endswith("; the file may be damaged: save the model again")

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b"left_child=", b"left_child=9"),
            (b"num_cat=", b"num_cat=7"),
            (b"\nTree=0", b"\nTree=1"),
            (b"split_gain=", b"split_gain "),
            (b"leaf_value=", b"leaf_v="),
        ],
    )
    def test_lightgbm_s_are_looked_at_as_closely(self, tmp_path, files, old, new):
        raw = files["light.txt"].replace(old, new, 1)
        assert raw != files["light.txt"]
        assert "is no whole LightGBM model" in refused(tmp_path, "m.txt", raw)


class TestVersions:
    def test_a_newer_xgboost_is_named(self, tmp_path, files):
        (tmp_path / "m.json").write_bytes(files["xgb.json"])
        samples.rewritten(tmp_path / "m.json", lambda content: content.update(version=[99, 1, 0]))
        said = refused(tmp_path, "m.json", (tmp_path / "m.json").read_bytes())

        assert said.startswith("'m.json' was saved by XGBoost 99.1.0; install that version; ")

    def test_a_newer_onnx_is_named(self, tmp_path, files):
        import onnx

        model = onnx.load_model_from_string(files["sk.onnx"])
        model.opset_import[0].version = 999
        model.ir_version = 99
        said = refused(tmp_path, "m.onnx", model.SerializeToString())

        assert said.startswith("'m.onnx' could not be opened by onnxruntime ")
        assert said.endswith("install a newer onnxruntime, or export the model again for this one")

    def test_a_lightgbm_of_another_program_has_no_categories(self, tmp_path):
        trained = samples.in_lightgbm(NUMBERS, ROWS["repaid"], "binary")
        text = trained.model_to_string().partition("\npandas_categorical")[0]
        (tmp_path / "m.lgb").write_bytes(text.replace("\n", "\r\n").encode())
        said = samples.opened(tmp_path, "m.lgb", positive=1).predict(ROWS).scores

        assert said.tolist() == trained.predict(NUMBERS).tolist()


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_library_is_a_sentence_with_the_extra(tmp_path, files, name, monkeypatch):
    kind = LIBRARIES[name]
    for package in ("onnx", "onnxruntime") if kind == "onnx" else (kind,):
        monkeypatch.setitem(sys.modules, package, None)
    title = {"xgboost": "XGBoost", "lightgbm": "LightGBM", "catboost": "CatBoost", "onnx": "ONNX"}
    package = "onnx" if kind == "onnx" else kind

    assert refused(tmp_path, name, files[name]) == (
        f'a model of {title[kind]} needs the package {package}; pip install "pytest-aipm[{kind}]"'
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_pin_is_checked_before_a_file_is_opened(tmp_path, files, name, monkeypatch):
    monkeypatch.setitem(sys.modules, LIBRARIES[name], None)
    digest = hashlib.sha256(files[name]).hexdigest()

    assert refused(tmp_path, name, files[name], sha256="0" * 64) == (
        f"'{name}' has sha256 {digest[:12]}..., pinned is 000000000000...; restore the pinned "
        f"file, or pin this one: sha256: {digest}"
    )
    monkeypatch.undo()
    assert samples.opened(tmp_path, name, positive=1, sha256=digest).sha256 == digest


def test_types_are_trusted_in_skops_files_alone(tmp_path, files):
    assert "trust: lists the types of a skops file" in refused(
        tmp_path, "xgb.json", files["xgb.json"], trust=("a.B",)
    )


@pytest.mark.parametrize("name", NAMES)
def test_nobody_needs_to_vouch_for_data(tmp_path, files, name):
    (tmp_path / name).write_bytes(files[name])
    with pytest.raises(TrustError) as caught:
        trust_file(name, tmp_path)

    assert str(caught.value).startswith(f"{name}: a model of ")
    assert "needs no trust: it holds data only, and opening it runs no code" in str(caught.value)
    assert not (tmp_path / "aipm.lock").exists()


@pytest.mark.parametrize(
    ("limit", "workers", "least", "most"),
    [
        ("1", "1", 1, 1),
        ("", "1", 1, 1024),
        ("4", "4", 1, 1),
        ("none", "64", 1, 16),
        ("2", "x", 1, 2),
    ],
)
def test_processes_share_the_threads_of_the_machine(monkeypatch, limit, workers, least, most):
    monkeypatch.setenv("OMP_NUM_THREADS", limit)
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", workers)

    assert least <= threads() <= most


class TestUbjson:
    def test_it_says_what_the_json_of_the_same_model_says(self, files):
        plain = json.loads(json.dumps(ubjson.read(files["xgb.ubj"]), default=lambda a: a.tolist()))
        other = json.loads(files["xgb.json"])

        def close(a, b):
            if isinstance(a, dict):
                return a.keys() == b.keys() and all(close(a[key], b[key]) for key in a)
            if isinstance(a, list):
                return len(a) == len(b) and all(map(close, a, b))
            return (
                a == pytest.approx(b, rel=1e-6, abs=1e-6, nan_ok=True)
                if isinstance(a, float)
                else a == b
            )

        assert close(plain, other)

    @pytest.mark.parametrize(
        ("raw", "why"),
        [
            (b"", "cut short"),
            (b"{U\x01aT", "cut short"),
            (b"{U\x01aSU\xffx}", "cut short"),
            (b"{}x", "goes on behind"),
            (b"?", "unknown mark"),
            (b"[$?#U\x01", "array of the kind"),
            (b"[$d]", "without a length"),
            (b"[#l\x7f\xff\xff\xff", "cut short"),
            (b"[#i\xff", "cut short"),
            (b"{Sab", "length of the kind"),
        ],
    )
    def test_what_is_none_is_refused(self, raw, why):
        with pytest.raises(ValueError, match=why):
            ubjson.read(raw)

    def test_every_kind_of_value_is_read(self):
        raw = (
            b"[i\xffU\xffI\x01\x00l\x00\x00\x00\x05L" + (9).to_bytes(8, "big") + b"TFZSU\x02hi[]{}]"
        )
        assert ubjson.read(raw) == [-1, 255, 256, 5, 9, True, False, None, "hi", [], {}]
        assert ubjson.read(b"[$U#U\x03\x01\x02\x03").tolist() == [1, 2, 3]


def test_errors_name_the_line_of_the_policy(tmp_path, files):
    from pytest_aipm.sources.model import ModelSpec, open_model
    from pytest_aipm.sources.trust import Trust

    (tmp_path / "m.json").write_bytes(files["xgb.json"][:-9])
    where = {"path": "p.aipm.yaml", "line": 6}
    with pytest.raises(AipmError, match=r"^p.aipm.yaml:6: 'm.json' "):
        open_model(ModelSpec(path="m.json"), root=tmp_path, trusted=Trust(), where=where)
