"""What only the rows behind an adjusted disparity can show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from check_cases import expand
from measuring import evidence_of, measure
from scipy.special import expit

import pytest_aipm
from pytest_aipm.catalog import Catalog
from pytest_aipm.errors import CheckError, DataError, PolicyError
from pytest_aipm.evidence.strata import strata_of

CHECK = "fairness.adjusted_disparity"
ALIKE = [
    {"sex": "f", "grade": "low", "n": 800, "selected": 0.2},
    {"sex": "f", "grade": "high", "n": 200, "selected": 0.6},
    {"sex": "m", "grade": "low", "n": 200, "selected": 0.2},
    {"sex": "m", "grade": "high", "n": 800, "selected": 0.6},
]
"""Like is treated alike within a grade, and the grades are mixed unequally."""
UNLIKE = [
    {"sex": "f", "grade": "low", "n": 200, "selected": 0.10},
    {"sex": "f", "grade": "high", "n": 800, "selected": 0.45},
    {"sex": "m", "grade": "low", "n": 800, "selected": 0.30},
    {"sex": "m", "grade": "high", "n": 200, "selected": 0.70},
]
"""Equal rates of 0.38 in all, and a third less for f within each grade."""


def policy(**asked: object) -> dict:
    return {
        "aipm": 1,
        "name": "case",
        "context": {"purpose": "a case", "owner": "tests@example.org"},
        "subject": {
            "task": "binary",
            "predictions": "pred",
            "positive": 1,
            "favorable": 1,
            "protected": {"sex": "sex"},
        },
        "checks": [
            {"check": CHECK, "limit": {"min": 0.8}, **asked},
            {"check": "fairness.demographic_parity_ratio", "limit": {"min": 0.8}},
        ],
    }


@pytest.mark.parametrize("method", ["mantel_haenszel", "logistic"])
@pytest.mark.parametrize(
    ("rows", "adjusted", "plain"), [(ALIKE, "pass", "fail"), (UNLIKE, "fail", "pass")]
)
def test_adjusted_and_plain_rates_answer_different_questions(
    rows: list, adjusted: str, plain: str, method: str, tmp_path: Path
) -> None:
    asked = policy(factors=["grade"], reference="m", method=method)
    record = pytest_aipm.audit(asked, data=expand(rows), root=tmp_path)
    assert [each.verdict for each in record.findings] == [adjusted, plain]


def people(seed: int = 0, n: int = 3000) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "race": rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1]),
            "grade": rng.choice(["low", "mid", "high"], n),
            "debts": rng.poisson(1.5, n),
            "y": 0,
        }
    )
    eta = (
        0.3 - 0.5 * (frame["race"] == "b") - 0.2 * frame["debts"] + 0.4 * (frame["grade"] != "low")
    )
    return frame.assign(pred=rng.binomial(1, expit(eta)))


def test_the_logistic_ratios_are_those_of_statsmodels_on_the_same_rows() -> None:
    frame = people()
    ours = measure(CHECK, frame, by=("race",), factors=("grade", "debts"), method="logistic")
    most = frame["grade"].value_counts().idxmax()
    x = pd.get_dummies(frame[["race", "grade"]], dtype=float)
    x = x.drop(columns=["race_a", f"grade_{most}"]).assign(debts=frame["debts"], one=1.0)
    fit = sm.Logit(frame["pred"], x).fit(disp=0)
    c = expit(fit.params["one"])
    expected = {
        race: np.exp(b := fit.params[f"race_{race}"]) / (1 - c + c * np.exp(b)) for race in "bc"
    }
    shown = {each.group["race"]: each.value for each in ours.groups}
    assert shown == pytest.approx({"a": 1.0, **expected}, rel=1e-6)
    assert ours.estimate.value == pytest.approx(min(expected.values()), rel=1e-6)
    assert f"grade = {most}, debts = 0" in ours.notes[0]


@pytest.mark.parametrize("method", ["mantel_haenszel", "logistic"])
def test_the_order_of_rows_and_the_names_of_levels_change_nothing(method: str) -> None:
    frame = people(1)
    renamed = frame.sample(frac=1, random_state=3).reset_index(drop=True)
    renamed["grade"] = renamed["grade"].map({"low": "3", "mid": "1", "high": "2"})
    one, two = (
        measure(CHECK, each, by=("race",), factors=("grade", "debts"), method=method)
        for each in (frame, renamed)
    )
    assert np.array(two.estimate.parts) == pytest.approx(np.array(one.estimate.parts))
    assert (two.estimate.lower, two.estimate.upper) == pytest.approx(
        (one.estimate.lower, one.estimate.upper)
    )


def test_strata_of_parts_of_the_rows_add_up_to_those_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame = people(2, 500)
    frame.loc[::50, "grade"] = None
    module = Catalog().load(CHECK)
    params = module.Params(by=("race",), factors=("grade",))

    def counted(size: int | None):
        evidence = evidence_of(frame, module, params, by=("race",))
        whole = evidence.data.batches
        if size:
            monkeypatch.setattr(
                evidence.data, "batches", lambda names, size=size, **how: whole(names, size, **how)
            )
        return strata_of(evidence, evidence.counts(("race",)).grouping, ("grade",), {})

    one, two = counted(None), counted(7)
    assert one.levels == two.levels == (("high", "low", "mid", "(unknown)"),)
    assert one.cells.tolist() == two.cells.tolist()
    assert one.rows.tolist() == two.rows.tolist()
    assert one.favorable.tolist() == two.favorable.tolist()
    assert one.missing(0) == 10
    expected = frame.fillna("(unknown)").groupby(["grade", "race"])["pred"].agg(["size", "sum"])
    for i, level in enumerate(("high", "low", "mid", "(unknown)")):
        own = expected.loc[level].reindex(["a", "b", "c"]).fillna(0)
        assert one.rows[i].tolist() == own["size"].tolist()
        assert one.favorable[i].tolist() == own["sum"].tolist()


def test_rows_without_a_factor_are_compared_among_themselves_and_said() -> None:
    frame = people(2)
    frame.loc[:99, "grade"] = None
    found = measure(CHECK, frame, by=("race",), factors=("grade",))
    assert "100 rows have no grade: compared among themselves" in found.notes


def test_bins_are_closed_on_the_left_and_one_stratum_each() -> None:
    frame = people(3)
    found = measure(CHECK, frame, by=("race",), factors=("debts",), bins={"debts": (1, 3)})
    cut = pd.cut(frame["debts"], [-1, 0, 2, 99], labels=["none", "some", "many"])
    same = measure(CHECK, frame.assign(cut=cut.astype(str)), by=("race",), factors=("cut",))
    assert np.array(found.estimate.parts) == pytest.approx(np.array(same.estimate.parts))


def test_small_groups_are_left_out_of_the_logistic_fit_when_the_policy_says_so() -> None:
    frame = people(4)
    tiny = pd.DataFrame({"race": "d", "grade": "low", "debts": 0, "y": 0, "pred": [1] * 5})
    both = pd.concat([frame, tiny], ignore_index=True)
    asked = {"by": ("race",), "factors": ("grade",), "method": "logistic"}
    with pytest.raises(CheckError, match="all 5 rows with group d are decided alike"):
        measure(CHECK, both, **asked)
    found = measure(CHECK, both, **asked, min_group_size=30)
    assert found.estimate.value == measure(CHECK, frame, **asked).estimate.value
    assert [each.judged for each in found.groups] == [False, True, True, False]


def test_a_factor_of_numbers_that_are_missing_is_refused_by_the_regression() -> None:
    frame = people(5).astype({"debts": float})
    frame.loc[0, "debts"] = np.nan
    with pytest.raises(DataError, match="factor column 'debts'"):
        measure(CHECK, frame, by=("race",), factors=("debts",), method="logistic")


def test_bins_of_texts_are_refused() -> None:
    with pytest.raises(DataError, match="factor 'grade' is not numeric, but has bins"):
        measure(CHECK, people(), by=("race",), factors=("grade",), bins={"grade": (1,)})


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "factors"),
        ({"factors": []}, "factors"),
        ({"factors": ["grade", "grade"]}, "names 'grade' twice"),
        ({"factors": ["grade"], "bins": {"age": [1]}}, "not among the `factors`"),
        ({"factors": ["age"], "bins": {"age": [3, 2]}}, "must rise"),
        ({"factors": ["age"], "method": "logit"}, "method"),
        ({"factors": ["grade"], "compare": "difference", "limit": {"max": 10}}, "limit"),
    ],
)
def test_a_policy_that_asks_wrongly_is_refused_with_its_reason(
    asked: dict, said: str, tmp_path: Path
) -> None:
    with pytest.raises(PolicyError, match=said):
        pytest_aipm.audit(policy(**asked), data=expand(ALIKE), root=tmp_path)


def test_an_intersection_and_unknown_groups_are_compared_as_elsewhere() -> None:
    frame = people(6).assign(sex=lambda rows: np.where(rows.index % 2, "f", "m"))
    frame.loc[:29, "race"] = None
    found = measure(CHECK, frame, by=("sex", "race"), factors=("grade",))
    assert len(found.part_names) == 6
    assert found.unknown == 30
    assert found.n == 2970
    apart = measure(CHECK, frame, by=("race",), factors=("grade",), unknown="group")
    assert apart.part_names == ("a", "b", "c", "(unknown)")
