"""What cases in files cannot show: sentences, pairs of models, files on disk, refusals."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from measuring import from_counts, measure

import pytest_aipm
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.errors import PolicyError
from pytest_aipm.evidence import callables
from pytest_aipm.stats.paired import group_changes, widened


class TestWords:
    @pytest.mark.parametrize(
        ("rate", "said"),
        [
            (0.0, "0 of 100"),
            (0.41, "41 of 100"),
            (0.05, "5 of 100"),
            (0.031, "31 of 1,000"),
            (0.00007, "7 of 100,000"),
            (0.000004, "0 of 100,000"),
            (0.992, "992 of 1,000"),
            (0.9996, "9,996 of 10,000"),
            (1.0, "100 of 100"),
            (float("nan"), "no rows"),
        ],
    )
    def test_a_rate_is_people_out_of_people(self, rate: float, said: str) -> None:
        assert frequency(rate) == said

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            (0.0, "0"),
            (0.123456, "0.123"),
            (-0.0123456, "\N{MINUS SIGN}0.0123"),
            (0.00012345, "0.000123"),
            (1.5e-7, "1.50e-07"),
            (1.0, "1.00"),
            (45.678, "45.7"),
            (123.456, "123.5"),
            (12345.6, "12,346"),
            (float("inf"), "undefined"),
        ],
    )
    def test_a_number_has_three_digits_that_count(self, value: float, said: str) -> None:
        assert number(value) == said


def two_models() -> pd.DataFrame:
    """Rows with what a new and an old model say; the new one is worse for f."""
    rng = np.random.default_rng(9)
    n = 1200
    frame = pd.DataFrame({"sex": rng.choice(["f", "m", "x"], n), "y": rng.integers(0, 2, n)})
    frame["old"] = np.where(rng.uniform(size=n) < 0.8, frame["y"], 1 - frame["y"])
    spoiled = (frame["sex"] == "f") & (rng.uniform(size=n) < 0.3)
    return frame.assign(pred=np.where(spoiled, 0, frame["old"]))


EVENTS = {
    # what is counted, and among which labels
    "demographic_parity": ("decided 1", (0, 1)),
    "equal_opportunity": ("decided 1", (1,)),
    "false_positive_rate": ("decided 1", (0,)),
    "false_negative_rate": ("decided 0", (1,)),
    "accuracy": ("right", (0, 1)),
}


def happens(what: str, rows: pd.DataFrame, model: str) -> pd.Series:
    said = rows[model]
    return said == {"decided 1": 1, "decided 0": 0, "right": rows["y"]}[what]


class TestAChampionOnTheSameRows:
    @pytest.mark.parametrize("kind", ["difference", "ratio"])
    @pytest.mark.parametrize("rate", EVENTS)
    def test_a_disparity_is_compared_pair_by_pair_with_the_models_covariance(
        self, rate: str, kind: str
    ) -> None:
        frame = two_models()
        what, labels = EVENTS[rate]
        rows = frame[frame["y"].isin(labels)]
        new, old = (happens(what, rows, model) for model in ("pred", "old"))
        by = rows.groupby("sex")
        n = by.size().to_numpy()
        x_new, x_old = (each.groupby(rows["sex"]).sum().to_numpy() for each in (new, old))
        covariance = [
            np.cov(new[group], old[group], bias=True)[0, 1] / len(group)
            for group in by.groups.values()
        ]
        expected = widened(x_new, n, x_old, n, kind=kind, confidence=0.95, covariance=covariance)
        sign = -1 if kind == "ratio" else 1
        champion = measure(
            f"fairness.{rate}_{kind}", frame, subject={"champion_predictions": "old"}
        ).champion
        ends = sorted([sign * expected.lower, sign * expected.upper])
        assert champion.paired
        assert champion.delta == pytest.approx(sign * expected.delta)
        assert [champion.lower, champion.upper] == pytest.approx(ends)
        assert champion.group == " and ".join(["f", "m", "x"][i] for i in expected.pair)
        alone = measure(f"fairness.{rate}_{kind}", frame.assign(pred=frame["old"]))
        assert champion.value == pytest.approx(alone.estimate.value)

    def test_precision_has_other_rows_for_each_model_and_is_not_paired(self) -> None:
        champion = measure(
            "fairness.predictive_parity_difference",
            two_models(),
            subject={"champion_predictions": "old"},
        ).champion
        assert not champion.paired

    @pytest.mark.parametrize(
        ("metric", "falls"), [("recall", True), ("false_negative_rate", False)]
    )
    def test_a_groups_rate_is_compared_by_its_discordant_rows(self, metric, falls) -> None:
        frame = two_models()
        rows = frame[frame["y"] == 1]
        what = "decided 1" if falls else "decided 0"
        new, old = (happens(what, rows, model) for model in ("pred", "old"))
        gained, lost = (
            each.groupby(rows["sex"]).sum().to_numpy() for each in (new & ~old, old & ~new)
        )
        expected = group_changes(
            gained,
            lost,
            rows.groupby("sex").size().to_numpy(),
            confidence=0.95,
            harm="lower" if falls else "higher",
        )
        champion = measure(
            "performance.metric", frame, metric=metric, subject={"champion_predictions": "old"}
        ).champion
        sign = -1 if falls else 1
        assert champion.group == "f"
        assert champion.delta == pytest.approx(sign * expected.delta)
        ends = sorted([sign * expected.lower, sign * expected.upper])
        assert [champion.lower, champion.upper] == pytest.approx(ends)
        assert champion.value + champion.delta == pytest.approx(new[rows["sex"] == "f"].mean())

    def test_a_group_without_the_rate_does_not_stand_in_the_way(self) -> None:
        frame = two_models()
        frame = frame[(frame["sex"] != "x") | (frame["y"] == 0)]
        measured = measure(
            "fairness.equal_opportunity_difference",
            frame,
            subject={"champion_predictions": "old"},
        )
        assert measured.champion.group in ("m and f", "f and m")

    def test_the_same_model_has_not_changed(self) -> None:
        frame = two_models().assign(old=lambda f: f["pred"])
        for kind in ("difference", "ratio"):
            champion = measure(
                f"fairness.demographic_parity_{kind}",
                frame,
                subject={"champion_predictions": "old"},
            ).champion
            assert champion.delta == pytest.approx(0)
            assert champion.lower <= 0 <= champion.upper


class TestEstimatesAnswerForEvidenceLost:
    """The judge asks every estimate how it would look at the baseline's sizes."""

    @pytest.mark.parametrize(
        ("check", "params"),
        [
            ("fairness.demographic_parity_difference", {}),
            ("fairness.demographic_parity_ratio", {}),
            ("fairness.equalized_odds_difference", {}),
            ("fairness.group_metric", {"metric": "f1"}),
            ("fairness.group_metric", {"metric": "recall", "compare": "ratio"}),
            ("performance.metric", {"metric": "accuracy"}),
        ],
    )
    def test_its_parts_have_names_sizes_and_values(self, check: str, params: dict) -> None:
        measured = measure(check, two_models(), **params)
        estimate = measured.estimate
        assert len(measured.part_names) == len(estimate.sizes) == len(estimate.parts)
        assert len(set(measured.part_names)) == len(measured.part_names)
        more = estimate.at([100 * size for size in estimate.sizes])
        assert more.value == pytest.approx(estimate.value)
        assert more.upper - more.lower < 0.3 * (estimate.upper - estimate.lower)


@pytest.mark.parametrize(
    ("check", "params", "harm"),
    [
        ("fairness.demographic_parity_difference", {}, "up"),
        ("fairness.demographic_parity_ratio", {}, "down"),
        ("fairness.equalized_odds_difference", {}, "up"),
        ("fairness.group_metric", {"metric": "f1"}, "up"),
        ("fairness.group_metric", {"metric": "f1", "compare": "ratio"}, "down"),
        ("fairness.group_metric", {"metric": "f1", "compare": "worst_group"}, "down"),
        ("fairness.score_gap", {}, "up"),
        ("fairness.score_gap", {"measure": "above_median"}, "down"),
        ("fairness.score_gap", {"measure": "ks"}, "up"),
        ("performance.metric", {"metric": "accuracy"}, "down"),
        ("performance.metric", {"metric": "false_negative_rate"}, "up"),
        ("performance.metric", {"metric": "log_loss"}, "up"),
        ("performance.metric", {"metric": "neg_log_loss"}, "down"),
        ("performance.metric", {"metric": "zero_one_loss"}, "up"),
        ("performance.metric", {"metric": "average_precision"}, "down"),
    ],
)
def test_a_measurement_knows_which_direction_is_worse(check, params, harm, monkeypatch) -> None:
    monkeypatch.setattr(callables, "DRAWS", (20, 20))
    frame = two_models().assign(s=lambda f: 0.2 + 0.6 * f["pred"])
    assert measure(check, frame, subject={"scores": "s"}, **params).harm == harm


def policy(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "case.aipm.yaml"
    head = "aipm: 1\nname: case\ncontext: {purpose: a test, owner: tests@example.org}\n"
    path.write_text(head + text, encoding="utf-8")
    return path


JOINED = """subject:
  task: binary
  predictions: pred
  label: y
  positive: 1
  data: rows.csv
  protected:
    race: {column: race, file: apart.csv, key: id}
  id: id
checks:
  - {check: fairness.demographic_parity_difference, by: race, limit: {max: 0.10}}
"""


class TestProtectedColumnsKeptApart:
    def files(self, folder: Path, *, twice: bool = False, kinds: str = "") -> None:
        n = 1000
        ids = [f"p{i}" for i in range(n)]
        rows = pd.DataFrame({"id": ids, "pred": np.arange(n) % 2, "y": np.arange(n) % 3 % 2})
        rows.to_csv(folder / "rows.csv", index=False)
        apart = pd.DataFrame({"id": ids, "race": np.where(np.arange(n) % 4 == 1, "A", "B")})
        apart = apart.sample(frac=1, random_state=2).iloc[: n - 20]
        if twice:
            apart = pd.concat([apart, apart.iloc[:1]])
        if kinds:
            apart["id"] = range(len(apart))
        apart.to_csv(folder / "apart.csv", index=False)

    def finding(self, folder: Path):
        (found,) = pytest_aipm.audit(policy(folder, JOINED), root=folder).findings
        return found

    def test_are_joined_by_key_and_who_is_not_there_is_unknown(self, tmp_path: Path) -> None:
        self.files(tmp_path)
        found = self.finding(tmp_path)
        assert found.verdict == "fail"
        shown = {each.group["race"]: each for each in found.groups}
        assert shown["A"].value == 1.0
        assert shown["A"].n + shown["B"].n == 980
        assert "20 unknown left out" in found.formula.population

    def test_a_key_that_is_there_twice_is_an_error_in_one_line(self, tmp_path: Path) -> None:
        self.files(tmp_path, twice=True)
        found = self.finding(tmp_path)
        assert found.verdict == "error"
        assert found.reason.startswith("apart.csv: 1 values of 'id' occur more than once")
        assert "\n" not in found.reason
        assert "p1" not in found.reason.replace("apart", "")

    def test_keys_of_another_kind_are_an_error_in_one_line(self, tmp_path: Path) -> None:
        self.files(tmp_path, kinds="numbers")
        found = self.finding(tmp_path)
        assert found.verdict == "error"
        assert "holds texts in the data and numbers in apart.csv" in found.reason


class TestNobodyHasAGroup:
    CHECKS = (
        ("fairness.demographic_parity_difference", {}),
        ("fairness.equal_opportunity_ratio", {}),
        ("fairness.equalized_odds_difference", {}),
        ("fairness.group_metric", {"metric": "f1"}),
        ("fairness.group_metric", {"metric": "jaccard", "compare": "worst_group"}),
        ("fairness.score_gap", {"measure": "mean"}),
        ("fairness.score_gap", {"measure": "standardised"}),
        ("fairness.score_gap", {"measure": "above_median"}),
        ("fairness.score_gap", {"measure": "ks"}),
        ("performance.metric", {"metric": "accuracy"}),
    )

    @pytest.mark.parametrize(("check", "params"), CHECKS)
    def test_is_said_and_fails_by_count(self, check: str, params: dict) -> None:
        frame = two_models().assign(sex=None, s=0.5)
        measured = measure(check, frame, subject={"scores": "s"}, **params)
        assert measured.estimate is None
        assert measured.not_judged[1] == "there is no group: every row's sex is missing"
        assert measured.breach[0] == "unknown"
        assert measured.unknown == len(frame)

    def test_or_is_not_judged_where_the_policy_allows_it(self) -> None:
        frame = two_models().assign(sex=None)
        measured = measure("fairness.accuracy_ratio", frame, max_unknown=1.0)
        assert measured.breach is None
        assert measured.not_judged[0] == "no_evidence"


class TestErrorsSayWhere:
    TEXT = """subject:
  task: binary
  predictions: pred
  label: y
  positive: 1
  data: rows.csv
  protected: {age: {column: age, bins: [40]}}
checks:
  - {check: fairness.equal_opportunity_difference, by: age, limit: {max: 0.10}}
"""

    @pytest.mark.parametrize(
        ("rows", "said"),
        [
            ("age,y,pred\n30,1,1\n50,,0\n", "rows.csv: label column 'y' has 1 missing value(s)"),
            (
                "age,y,pred\n30,1,1\n50,1,0\n",
                "case.aipm.yaml: label 'y' holds one class only (1)",
            ),
            ("age,y,pred\n30,2,1\n50,0,0\n", "case.aipm.yaml: label (0, 2) and predictions"),
            ("age,y,pred\nold,1,1\nnew,0,0\n", "rows.csv: attribute 'age' has bins, but column"),
            ("age,why,pred\n30,1,1\n50,1,0\n", "case.aipm.yaml: there is no column 'y'"),
        ],
    )
    def test_by_file_and_with_how_to_mend_it(self, tmp_path: Path, rows: str, said: str) -> None:
        (tmp_path / "rows.csv").write_text(rows)
        (found,) = pytest_aipm.audit(policy(tmp_path, self.TEXT), root=tmp_path).findings
        assert found.verdict == "error"
        assert re.sub(r"(?<=yaml)[:\d]+:", ":", found.reason).startswith(said)
        assert "; " in found.reason
        assert "\n" not in found.reason

    def test_a_metric_that_does_not_exist_is_found_before_anything_runs(self, tmp_path) -> None:
        text = self.TEXT + "  - {check: performance.metric, metric: accurracy, limit: {min: 0.1}}\n"
        with pytest.raises(PolicyError, match=r"case.aipm.yaml:13:\d+: .*unknown metric 'accurr"):
            pytest_aipm.audit(policy(tmp_path, text), root=tmp_path)


def test_a_metric_of_the_projects_own_is_found_from_the_root_folder(tmp_path: Path) -> None:
    (tmp_path / "ours_for_this_test.py").write_text(
        "def share(y_true, y_pred):\n    return float(y_pred.mean())\n"
    )
    rows = from_counts({"f": (10, 10, 0, 20), "m": (10, 0, 10, 20)})
    rows.to_csv(tmp_path / "rows.csv", index=False)
    text = TestErrorsSayWhere.TEXT.replace("{age: {column: age, bins: [40]}}", "{sex: sex}")
    text = text.replace(
        "equal_opportunity_difference, by: age", "demographic_parity_ratio, by: sex"
    )
    text = text.replace("max: 0.10", "min: 0.10")
    text += (
        "  - {check: performance.metric, id: own, metric: 'ours_for_this_test:share',"
        " limit: {min: 0.1}}\n"
    )
    own = pytest_aipm.audit(policy(tmp_path, text), root=tmp_path).findings[1]
    assert own.verdict == "pass", own.reason
    assert own.value == pytest.approx(30 / 80)


def test_people_without_a_group_count_against_a_flip_check_too() -> None:
    from check_cases import Formula
    from measuring import HERE

    from pytest_aipm.catalog import Catalog
    from pytest_aipm.evidence.evidence import Evidence
    from pytest_aipm.evidence.subject import Attribute, Subject
    from pytest_aipm.sources.data import open_data
    from pytest_aipm.sources.model import open_model
    from pytest_aipm.sources.trust import Trust

    sex = np.array(["f", "m", None, None], dtype=object)
    frame = pd.DataFrame({"sex": np.tile(sex, 50), "a": np.linspace(0, 1, 200)})
    model = open_model(
        Formula("a + 0.0 * (sex == 'f')", ["sex", "a"], "binary"),
        root=HERE,
        trusted=Trust.read(HERE, ()),
        positive=1,
    )
    subject = Subject("binary", None, 1, 1, attributes=(Attribute("sex", "sex"),))
    module = Catalog().load("explain.protected_flip")
    measured = module.check(
        Evidence(subject, open_data(frame, root=HERE), model=model), module.Params(by=("sex",))
    )
    assert measured.breach[0] == "unknown"
    assert measured.unknown == 100


def test_the_curve_of_the_attack_is_the_best_that_scikit_learns_roc_allows() -> None:
    from sklearn.metrics import roc_curve

    from pytest_aipm.checks.privacy.membership_inference import _roc
    from pytest_aipm.evidence.train import Fit

    rng = np.random.default_rng(10)
    # two digits, so that losses tie
    members, others = (np.round(rng.exponential(scale, n), 2) for scale, n in ((1, 90), (2, 70)))
    series = _roc(Fit(members, others, "log loss", 0))
    label = np.repeat([1, 0], [len(members), len(others)])
    loss = np.concatenate([members, others])
    fpr, tpr, _ = roc_curve(label, -loss, drop_intermediate=False)
    for allowed, found in zip(series.x, series.y, strict=True):
        assert found == pytest.approx(tpr[fpr <= allowed + 1e-9].max())
