"""ONNX files of every usual shape say what the model says that they were made of."""

from __future__ import annotations

import native_samples as samples
import numpy as np
import onnx
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from onnx import TensorProto, helper
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from pytest_aipm.errors import ModelError

ROWS = samples.rows()
ROWS["debt"] = ROWS["debt"].fillna(0)
NUMBERS = ROWS[samples.FEATURES]
ARRAY = NUMBERS.to_numpy(dtype=np.float32)
WORDS = ROWS["repaid"].map({0: "no", 1: "yes"})
pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries, while they export


def pipeline():
    """Return a pipeline over numbers and words."""
    columns = make_column_transformer(
        (StandardScaler(), samples.FEATURES), (OneHotEncoder(), samples.WORDS)
    )
    return make_pipeline(columns, LogisticRegression())


FEATURES = ROWS[samples.FEATURES + samples.WORDS]


class TestClassifiers:
    @pytest.mark.parametrize("zipmap", [True, False])
    @pytest.mark.parametrize(
        ("labels", "classes"),
        [(ROWS["repaid"], (0, 1)), (WORDS, ("no", "yes")), (ROWS["repaid"] + 5, (5, 6))],
        ids=["numbers", "words", "other numbers"],
    )
    @pytest.mark.parametrize("owner", [LogisticRegression, RandomForestClassifier])
    def test_one_table_of_numbers(self, tmp_path, owner, labels, classes, zipmap):
        more = {"n_estimators": 5, "random_state": 0} if owner is RandomForestClassifier else {}
        fitted = owner(**more).fit(ARRAY, labels)
        samples.in_onnx(fitted, ARRAY[:1], tmp_path / "m.onnx", zipmap=zipmap)
        model = samples.opened(tmp_path, "m.onnx", positive=classes[1])
        said = model.predict(NUMBERS)

        assert model.classes == classes
        assert model.features is None
        assert_allclose(said.scores, fitted.predict_proba(ARRAY)[:, 1], atol=1e-6)
        assert_array_equal(said.labels, fitted.predict(ARRAY))

    def test_one_input_a_column_by_name_in_any_order(self, tmp_path):
        fitted = pipeline().fit(FEATURES, WORDS)
        samples.in_onnx(fitted, FEATURES[:1], tmp_path / "m.onnx", zipmap=False)
        model = samples.opened(tmp_path, "m.onnx", positive="yes")
        said = model.predict(ROWS[ROWS.columns[::-1]])

        assert model.features == ("in_come", "debt", "kids", "region", "size")
        assert model.classes == ("no", "yes")
        assert model.kind.startswith("onnx, onnxruntime ")
        assert_allclose(said.scores, fitted.predict_proba(FEATURES)[:, 1], atol=1e-6)
        assert_array_equal(said.labels, fitted.predict(FEATURES))

    def test_several_classes_keep_their_order(self, tmp_path):
        from pytest_aipm.sources.artifact import open_artifact
        from pytest_aipm.sources.spec import ModelSpec
        from pytest_aipm.sources.trust import Trust

        grades = ROWS["grade"].map({0: "low", 1: "mid", 2: "top"})
        fitted = LogisticRegression().fit(ARRAY, grades)
        samples.in_onnx(fitted, ARRAY[:1], tmp_path / "m.onnx")
        spec = ModelSpec(path="m.onnx")
        model = open_artifact(spec, tmp_path, Trust(), [], None, task="multiclass").model

        assert model.classes_ == ["low", "mid", "top"]
        assert_allclose(model.predict_proba(NUMBERS), fitted.predict_proba(ARRAY), atol=1e-6)
        assert_array_equal(model.predict(NUMBERS), fitted.predict(ARRAY))

    def test_a_decision_function_is_asked_for(self, tmp_path):
        fitted = LinearSVC().fit(ARRAY, ROWS["repaid"])
        samples.in_onnx(fitted, ARRAY[:1], tmp_path / "m.onnx")
        with pytest.raises(
            ModelError, match=r"no probabilities that sum to 1 in each row; write und"
        ):
            samples.opened(tmp_path, "m.onnx", positive=1).predict(NUMBERS)
        model = samples.opened(tmp_path, "m.onnx", positive=1, output="decision_function")
        said = model.predict(NUMBERS)

        assert_allclose(said.scores, fitted.decision_function(ARRAY), atol=1e-5)
        assert_array_equal(said.labels, fitted.predict(ARRAY))

    def test_the_policy_may_name_numbered_classes(self, tmp_path):
        fitted = LogisticRegression().fit(ARRAY, ROWS["repaid"])
        samples.in_onnx(fitted, ARRAY[:1], tmp_path / "m.onnx", zipmap=False)
        with pytest.raises(ModelError, match=r"knows its classes only as 0, 1; the positive class"):
            samples.opened(tmp_path, "m.onnx", positive="yes")
        said = samples.opened(tmp_path, "m.onnx", positive="yes", classes=("no", "yes"))

        expected = np.where(fitted.predict(ARRAY) == 1, "yes", "no")
        assert_array_equal(said.predict(NUMBERS).labels, expected)


class TestRegression:
    def test_it_says_the_same(self, tmp_path):
        fitted = LinearRegression().fit(ARRAY, ROWS["amount"])
        samples.in_onnx(fitted, ARRAY[:1], tmp_path / "m.onnx")
        model = samples.opened(tmp_path, "m.onnx", task="regression")

        assert_allclose(model.predict(NUMBERS).scores, fitted.predict(ARRAY), atol=1e-5)

    def test_a_classifier_is_none(self, tmp_path):
        fitted = LogisticRegression().fit(ARRAY, ROWS["repaid"])
        samples.in_onnx(fitted, ARRAY[:1], tmp_path / "m.onnx")
        with pytest.raises(ModelError, match=r"predicts classes, or several numbers a row"):
            samples.opened(tmp_path, "m.onnx", task="regression")


FLOAT, INT, TEXT = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING


def graph(folder, nodes, inputs, outputs, constants=(), domain="", name="m.onnx"):
    """Write a graph as an exporter of a network would; return the file's name."""

    def value(each):
        return helper.make_tensor_value_info(*each)

    made = helper.make_model(
        helper.make_graph(
            nodes, "g", list(map(value, inputs)), list(map(value, outputs)), list(constants)
        ),
        opset_imports=[
            helper.make_opsetid("", 17),
            *([helper.make_opsetid(domain, 1)] * bool(domain)),
        ],
        ir_version=8,
    )
    (folder / name).write_bytes(made.SerializeToString())
    return name


def network(folder, outputs=1, *, last="Sigmoid", rows="rows", kind=FLOAT):
    """Write a network of one layer over the three numbers; its weights are its place's number."""
    weights = np.arange(3 * outputs, dtype=np.float32).reshape(3, outputs) / 10
    return graph(
        folder,
        [helper.make_node("MatMul", ["x", "w"], ["z"]), helper.make_node(last, ["z"], ["y"])],
        [("x", kind, [rows, 3])],
        [("y", FLOAT, [rows, outputs])],
        [onnx.numpy_helper.from_array(weights, "w")],
    ), weights


class TestNetworks:
    def test_one_number_in_0_to_1_is_the_second_class_and_needs_a_threshold(self, tmp_path):
        name, weights = network(tmp_path)
        model = samples.opened(tmp_path, name, positive=1)
        said = model.predict(NUMBERS)

        assert_allclose(said.scores, 1 / (1 + np.exp(-(ARRAY @ weights)[:, 0])), atol=1e-6)
        assert said.labels is None
        assert model.classes == (0, 1)

    def test_several_numbers_are_classes_in_their_order(self, tmp_path):
        name, weights = network(tmp_path, 2, last="Softmax")
        said = samples.opened(tmp_path, name, positive="yes", classes=("no", "yes")).predict(
            NUMBERS
        )
        margins = ARRAY @ weights

        assert_allclose(said.scores, 1 / (1 + np.exp(margins[:, 0] - margins[:, 1])), atol=1e-6)
        assert_array_equal(said.labels, np.where(margins[:, 1] > margins[:, 0], "yes", "no"))

    def test_numbers_before_softmax_are_no_probabilities(self, tmp_path):
        name, weights = network(tmp_path, 2, last="Identity")
        with pytest.raises(ModelError, match=r"are no probabilities that sum to 1"):
            samples.opened(tmp_path, name, positive=1).predict(NUMBERS)
        model = samples.opened(tmp_path, name, positive=1, output="decision_function")
        margins = ARRAY @ weights

        assert_allclose(model.predict(NUMBERS).scores, margins[:, 1] - margins[:, 0], atol=1e-6)

    def test_independent_labels_are_no_classes(self, tmp_path):
        name, _ = network(tmp_path, 2, last="Sigmoid")
        with pytest.raises(ModelError, match=r"are no probabilities that sum to 1"):
            samples.opened(tmp_path, name, positive=1).predict(NUMBERS)

    def test_more_scores_than_classes_are_refused(self, tmp_path):
        name, _ = network(tmp_path, 3, last="Softmax")
        with pytest.raises(ModelError, match=r"has 3 classes, the policy names 2"):
            samples.opened(tmp_path, name, positive="a", classes=("a", "b"))

    def test_a_fixed_number_of_rows_is_refused(self, tmp_path):
        name, _ = network(tmp_path, rows=1)
        with pytest.raises(
            ModelError, match=r"takes 1 rows at a time, no more and no fewer; export"
        ):
            samples.opened(tmp_path, name, positive=1)

    def test_another_width_is_refused(self, tmp_path):
        name, _ = network(tmp_path)
        with pytest.raises(
            ModelError, match=r"was fitted on 3 columns without names; it would get 2"
        ):
            samples.opened(tmp_path, name, positive=1).predict(NUMBERS[["debt", "kids"]])


class TestRefused:
    def test_two_outputs_of_scores(self, tmp_path):
        nodes = [helper.make_node("Identity", ["x"], [each]) for each in ("a", "b")]
        name = graph(
            tmp_path,
            nodes,
            [("x", FLOAT, ["n", 3])],
            [("a", FLOAT, ["n", 3]), ("b", FLOAT, ["n", 3])],
        )
        with pytest.raises(
            ModelError, match=r"outputs that can be read in more than one way: a ten"
        ):
            samples.opened(tmp_path, name, positive=1)

    @pytest.mark.parametrize(
        "inputs",
        [
            [("a", FLOAT, ["n", 2]), ("b", FLOAT, ["n", 3])],
            [("x", FLOAT, ["n", 3, 8, 8])],
            [("x", TensorProto.UINT64, ["n", 3])],
        ],
        ids=["two tables", "pictures", "unusual numbers"],
    )
    def test_inputs_of_unclear_shape(self, tmp_path, inputs):
        nodes = [
            helper.make_node("Shape", [inputs[0][0]], ["s"]),
            helper.make_node("Cast", ["s"], ["y"], to=FLOAT),
        ]
        name = graph(tmp_path, nodes, inputs, [("y", FLOAT, ["k"])])
        with pytest.raises(ModelError, match=r"inputs that can be read in more than one way: "):
            samples.opened(tmp_path, name, positive=1)

    def test_weights_in_other_files(self, tmp_path):
        name, _ = network(tmp_path)
        model = onnx.load(tmp_path / name)
        onnx.save_model(
            model,
            str(tmp_path / "far.onnx"),
            save_as_external_data=True,
            size_threshold=0,
            location="weights.bin",
        )
        with pytest.raises(ModelError, match=r"keeps its weights in other files, which its sha256"):
            samples.opened(tmp_path, "far.onnx", positive=1)

    def test_weights_in_other_files_below_the_surface(self, tmp_path):
        secret = helper.make_tensor("s", FLOAT, [1], [1.0])
        secret.ClearField("float_data")
        secret.data_location = TensorProto.EXTERNAL
        entry = secret.external_data.add()
        entry.key, entry.value = "location", "/etc/passwd"
        nodes = [
            helper.make_node("Constant", [], ["c"], value=secret),
            helper.make_node("Add", ["x", "c"], ["y"]),
        ]
        name = graph(tmp_path, nodes, [("x", FLOAT, ["n", 1])], [("y", FLOAT, ["n", 1])])
        with pytest.raises(ModelError, match=r"keeps its weights in other files"):
            samples.opened(tmp_path, name, positive=1)

    def test_operators_of_other_libraries(self, tmp_path):
        nodes = [helper.make_node("Evil", ["x"], ["y"], domain="com.example")]
        name = graph(
            tmp_path,
            nodes,
            [("x", FLOAT, ["n", 3])],
            [("y", FLOAT, ["n", 1])],
            domain="com.example",
        )
        with pytest.raises(
            ModelError, match=r"operators of a library of its own: com.example.Evil"
        ):
            samples.opened(tmp_path, name, positive=1)

    def test_labels_that_are_no_class(self, tmp_path):
        nodes = [helper.make_node("Cast", ["kids"], ["y"], to=INT)]
        name = graph(tmp_path, nodes, [("kids", FLOAT, ["n", 1])], [("y", INT, ["n", 1])])
        model = samples.opened(tmp_path, name, positive=1)
        with pytest.raises(ModelError, match=r"gave the label 2, which is none of its classes"):
            model.predict(ROWS)
        assert model.predict(ROWS[ROWS["kids"] < 2]).labels.tolist() == (
            ROWS["kids"][ROWS["kids"] < 2].tolist()
        )

    def test_words_that_nobody_names(self, tmp_path):
        nodes = [helper.make_node("Identity", ["region"], ["y"])]
        name = graph(tmp_path, nodes, [("region", TEXT, ["n", 1])], [("y", TEXT, ["n", 1])])
        with pytest.raises(
            ModelError, match=r"does not say which class each of its scores belongs"
        ):
            samples.opened(tmp_path, name, positive="north")


class TestTypes:
    @pytest.fixture
    def model(self, tmp_path):
        nodes = [
            helper.make_node("Cast", ["kids"], ["k"], to=FLOAT),
            helper.make_node("Add", ["k", "debt"], ["s"]),
            helper.make_node("Sigmoid", ["s"], ["y"]),
        ]
        name = graph(
            tmp_path,
            nodes,
            [("kids", INT, ["n", 1]), ("debt", FLOAT, ["n", 1])],
            [("y", FLOAT, ["n", 1])],
        )
        return samples.opened(tmp_path, name, positive=1)

    def test_whole_numbers_may_lie_in_a_column_of_decimals(self, model):
        same = model.predict(ROWS.assign(kids=ROWS["kids"].astype(float))).scores

        assert_array_equal(same, model.predict(ROWS).scores)

    @pytest.mark.parametrize("kids", [0.5, None, 1e30])
    def test_what_a_whole_number_cannot_hold_is_refused(self, model, kids):
        with pytest.raises(
            ModelError, match=r"whole numbers .tensor.int64.. in column 'kids' .rows"
        ):
            model.predict(ROWS.assign(kids=kids))

    def test_a_missing_text_is_refused(self, tmp_path):
        fitted = pipeline().fit(FEATURES, WORDS)
        samples.in_onnx(fitted, FEATURES[:1], tmp_path / "m.onnx", zipmap=False)
        model = samples.opened(tmp_path, "m.onnx", positive="yes")
        with pytest.raises(
            ModelError, match=r"takes a text in column 'region' .* some are missing"
        ):
            model.predict(ROWS.assign(region=ROWS["region"].where(ROWS.index > 3)))

    def test_a_missing_number_is_the_model_s_own_affair(self, model):
        with pytest.raises(ModelError, match=r"returned NaN or infinity in 1 row, first in row 3"):
            model.predict(ROWS.assign(debt=ROWS["debt"].where(ROWS.index != 2)))
