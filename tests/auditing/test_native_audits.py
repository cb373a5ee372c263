"""An audit of a model's own file comes to the verdicts and numbers of the model in memory."""

from __future__ import annotations

import catboost
import lightgbm
import numpy as np
import pandas as pd
import pytest
import skl2onnx
import xgboost
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pytest_aipm
from pytest_aipm.errors import PolicyError

NUMBERS = ["income", "debt", "jobs"]
WORDS = ["region"]
HAS_CATEGORIES = tuple(map(int, xgboost.__version__.split(".")[:2])) >= (3, 1)
pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries, while they train


@pytest.fixture(scope="module")
def people():
    draw = np.random.default_rng(11)
    n = 1200
    frame = pd.DataFrame(
        {
            "sex": draw.choice(["f", "m"], n),
            "income": draw.normal(size=n),
            "debt": np.where(np.arange(n) % 9 == 0, np.nan, draw.normal(size=n)),
            "jobs": draw.integers(0, 3, n),
            "region": draw.choice(["north", "south"], n),
        }
    )
    odds = frame["income"] + (frame["sex"] == "m") + (frame["region"] == "north")
    frame["repaid"] = (odds + draw.normal(size=n) > 1).astype(int)
    frame["amount"] = odds + draw.normal(size=n)
    return frame


def policy(**subject):
    regression = subject.get("task") == "regression"
    checks = (
        [{"check": "performance.metric", "metric": "mae", "limit": {"max": 5}}]
        if regression
        else [
            {"check": "fairness.demographic_parity_difference", "limit": {"max": 0.05}},
            {"check": "fairness.equalized_odds_difference", "limit": {"max": 0.5}},
            {"check": "performance.metric", "metric": "roc_auc", "limit": {"min": 0.6}},
        ]
    )
    base = {"task": "binary", "label": "repaid", "positive": 1, "favorable": 1}
    if regression:
        base = {"label": "amount"}
    return {
        "aipm": 1,
        "name": "loans",
        "context": {"purpose": "a test", "owner": "tests@example.org"},
        "subject": {**base, "protected": {"sex": "sex"}, **subject},
        "checks": checks,
    }


def findings(record):
    """Return all that an audit found, without what the model is called."""
    return [
        (each.id, each.verdict, each.value, each.interval, each.n, each.reason)
        for each in record.findings
    ]


def train(kind, frame, y, *, regression):
    """Train one model of a library's scikit-learn interface."""
    if kind == "xgboost":
        owner = xgboost.XGBRegressor if regression else xgboost.XGBClassifier
        return owner(n_estimators=8, max_depth=3, n_jobs=1, enable_categorical=True).fit(frame, y)
    if kind == "lightgbm":
        owner = lightgbm.LGBMRegressor if regression else lightgbm.LGBMClassifier
        return owner(n_estimators=8, num_leaves=6, n_jobs=1, verbose=-1).fit(frame, y)
    owner = catboost.CatBoostRegressor if regression else catboost.CatBoostClassifier
    return owner(
        iterations=8,
        depth=3,
        verbose=False,
        allow_writing_files=False,
        thread_count=1,
        cat_features=[name for name in WORDS if name in frame],
    ).fit(frame, y)


def save(model, path):
    if path.suffix == ".txt":
        model.booster_.save_model(path)
    elif path.name == "cat.json":
        model.save_model(str(path), format="json")
    else:
        model.save_model(str(path))


FILES = [
    ("xgboost", "m.json"),
    ("xgboost", "m.ubj"),
    ("lightgbm", "m.txt"),
    ("catboost", "m.cbm"),
    ("catboost", "cat.json"),
]


@pytest.mark.parametrize("regression", [False, True], ids=["binary", "regression"])
@pytest.mark.parametrize(("kind", "name"), FILES)
def test_boosted_trees(tmp_path, people, kind, name, regression):
    y = people["amount" if regression else "repaid"]
    subject = {"task": "regression"} if regression else {}
    trained = train(kind, people[NUMBERS], y, regression=regression)
    save(trained, tmp_path / name)
    turned = people[people.columns[::-1]]
    memory = pytest_aipm.audit(
        policy(**subject, features=NUMBERS), model=trained, data=people, root=tmp_path
    )
    record = pytest_aipm.audit(policy(**subject, model=name), data=turned, root=tmp_path)

    assert all(each.verdict not in ("error", "not_judged") for each in record.findings)
    if kind == "catboost" and name == "cat.json":  # rounded in its last digit by the format
        assert [each[:2] for each in findings(record)] == [each[:2] for each in findings(memory)]
        assert [f.value for f in record.findings] == pytest.approx(
            [f.value for f in memory.findings], abs=1e-9
        )
    else:
        assert findings(record) == findings(memory)
    model = record.audits[0].subject.model
    assert model.kind.startswith(f"{kind} ")
    assert model.trusted_by == "data only: opening it runs no code"
    assert len(model.sha256) == 64


@pytest.mark.parametrize(("kind", "name"), FILES)
def test_categories_and_missing_values(tmp_path, people, kind, name):
    if kind == "xgboost" and not HAS_CATEGORIES:
        pytest.skip("XGBoost keeps the names of categories in its files from 3.1 on")
    words = people[NUMBERS + WORDS]
    if kind != "catboost":
        words = words.astype({"region": "category"})
    trained = train(kind, words, people["repaid"], regression=False)
    save(trained, tmp_path / name)
    people[people.columns[::-1]].to_csv(tmp_path / "rows.csv", index=False)
    said = people.assign(score=trained.predict_proba(words)[:, 1], predicted=trained.predict(words))
    known = pytest_aipm.audit(
        policy(scores="score", predictions="predicted"), data=said, root=tmp_path
    )
    record = pytest_aipm.audit(policy(model=name, data="rows.csv"), root=tmp_path)

    assert [each.verdict for each in record.findings] == [each.verdict for each in known.findings]
    assert [each.value for each in record.findings] == pytest.approx(
        [each.value for each in known.findings], abs=1e-9
    )


@pytest.mark.parametrize("regression", [False, True], ids=["binary", "regression"])
def test_onnx(tmp_path, people, regression):
    filled = people.assign(debt=people["debt"].fillna(0))
    y = people["amount" if regression else "repaid"]
    features = filled[NUMBERS].astype(np.float32)
    scaled = make_column_transformer((StandardScaler(), NUMBERS))
    last = LinearRegression() if regression else LogisticRegression()
    fitted = make_pipeline(scaled, last).fit(features, y)
    (tmp_path / "m.onnx").write_bytes(skl2onnx.to_onnx(fitted, features[:1]).SerializeToString())
    subject = {"task": "regression"} if regression else {}
    said = fitted.predict(features)
    columns = {"predictions": "said"} if regression else {"scores": "score", "predictions": "said"}
    scores = said if regression else fitted.predict_proba(features)[:, 1]
    known = pytest_aipm.audit(
        policy(**subject, **columns), data=filled.assign(said=said, score=scores), root=tmp_path
    )
    record = pytest_aipm.audit(
        policy(**subject, model="m.onnx"), data=filled[filled.columns[::-1]], root=tmp_path
    )

    assert record.audits[0].subject.model.kind.startswith("onnx, onnxruntime ")
    assert [each.verdict for each in record.findings] == [each.verdict for each in known.findings]
    assert [each.value for each in record.findings] == pytest.approx(
        [each.value for each in known.findings], abs=1e-5
    )


class TestNamesOfClasses:
    @pytest.fixture
    def project(self, tmp_path, people):
        trained = train("xgboost", people[NUMBERS], people["repaid"], regression=False)
        save(trained, tmp_path / "m.json")
        rows = people.assign(repaid=people["repaid"].map({0: "defaulted", 1: "paid"}))
        return tmp_path, rows, people

    def words(self, **more):
        return policy(positive="paid", favorable="paid", **more)

    def test_they_stand_in_the_policy(self, project):
        root, rows, people = project
        named = {"path": "m.json", "classes": ["defaulted", "paid"]}
        record = pytest_aipm.audit(self.words(model=named), data=rows, root=root)
        numbers = pytest_aipm.audit(policy(model="m.json"), data=people, root=root)

        assert [each.value for each in record.findings] == [each.value for each in numbers.findings]

    def test_without_them_the_audit_says_what_to_write(self, project):
        root, rows, _ = project
        record = pytest_aipm.audit(self.words(model="m.json"), data=rows, root=root)

        assert {each.verdict for each in record.findings} == {"error"}
        assert "model m.json knows its classes only as 0, 1; the positive class is 'paid'" in (
            record.findings[0].reason
        )

    def test_an_earlier_model_has_the_same_names(self, project):
        root, rows, people = project
        save(train("lightgbm", people[NUMBERS], people["repaid"], regression=False), root / "o.txt")
        asked = self.words(model={"path": "m.json", "classes": ["defaulted", "paid"]})
        asked["subject"]["champion"] = "o.txt"
        asked["checks"][0]["regression"] = {"max_change": 0.5}
        record = pytest_aipm.audit(asked, data=rows, root=root)

        assert "error" not in {each.verdict for each in record.findings}
        assert record.findings[0].baseline.paired

    @pytest.mark.parametrize(
        ("subject", "what"),
        [
            ({"model": {"path": "m.json", "classes": ["a", "b"]}}, "'positive: paid' is none of"),
            ({"model": {"path": "m.json", "classes": ["paid"]}}, "names one class; name all"),
            ({"model": {"path": "m.json", "classes": ["paid", "paid"]}}, "names 'paid' twice"),
            (
                {"model": {"factory": "a:b", "classes": ["paid", "no"]}},
                "'classes' names those of a file, not of a factory",
            ),
        ],
    )
    def test_names_that_do_not_fit_are_the_policy_s_fault(self, project, subject, what):
        root, rows, _ = project
        with pytest.raises(PolicyError, match=what):
            pytest_aipm.audit(self.words(**subject), data=rows, root=root)

    def test_a_regression_has_none(self, project):
        root, rows, _ = project
        asked = policy(task="regression", model={"path": "m.json", "classes": ["a", "b"]})
        with pytest.raises(PolicyError, match="'classes' names classes, but a regression predicts"):
            pytest_aipm.audit(asked, data=rows, root=root)

    def test_an_object_in_its_place_has_its_own(self, project):
        root, rows, people = project
        fitted = LogisticRegression().fit(people[["income"]], rows["repaid"])
        asked = self.words(model={"path": "m.json", "classes": ["defaulted", "paid"]})
        record = pytest_aipm.audit(asked, model=fitted, data=rows, root=root)

        assert record.audits[0].subject.model.kind == "object"
        assert "error" not in {each.verdict for each in record.findings}


@pytest.mark.parametrize(
    ("name", "raw", "what"),
    [
        ("m.json", b'{"learner": ', "holds no model of XGBoost or CatBoost: damaged, cut short"),
        ("m.txt", b"", "'m.txt' is empty"),
        ("m.onnx", b"tree\nversion=v4\n", "holds a model of LightGBM, not of ONNX"),
    ],
)
def test_a_file_that_does_not_open_is_an_error_and_never_a_pass(tmp_path, people, name, raw, what):
    (tmp_path / name).write_bytes(raw)
    record = pytest_aipm.audit(policy(model=name), data=people, root=tmp_path)

    assert record.verdict == "fail"
    assert {each.verdict for each in record.findings} == {"error"}
    assert what in record.findings[0].reason


def test_a_column_that_is_missing_is_named(tmp_path, people):
    save(train("xgboost", people[NUMBERS], people["repaid"], regression=False), tmp_path / "m.ubj")
    lacking = people.rename(columns={"income": "incom"})
    record = pytest_aipm.audit(policy(model="m.ubj"), data=lacking, root=tmp_path)

    assert {each.verdict for each in record.findings} == {"error"}
    assert (
        "there is no column 'income' in frame; did you mean 'incom'?" in record.findings[0].reason
    )
