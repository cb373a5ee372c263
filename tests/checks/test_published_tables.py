"""Further published figures: tables of ratios, slices, small fixtures, interval bounds.

`test_published_values.py` holds the rates of the large sets; here is what is built from them, what
differs from its source and why, and the account of every published figure: recomputed, or the
reason why not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from measuring import from_counts, measure
from scipy.stats import norm
from sklearn.model_selection import train_test_split
from test_published_values import (
    DATA,
    ORACLES,
    SETS,
    Figures,
    agree,
    compas,
    figures_of,
    rates_by,
)

from pytest_aipm.stats.parts import rate_bounds
from pytest_aipm.stats.score import difference_z, ratio_bound

pytestmark = pytest.mark.skipif(not ORACLES.exists(), reason=f"no reference data in {DATA}")


def compas_scores() -> Figures:
    frame = compas()
    kept = frame[
        frame["days_b_screening_arrest"].between(-30, 30)
        & (frame["is_recid"] != -1)
        & (frame["c_charge_degree"] != "O")
    ]
    scores = measure("fairness.demographic_parity_difference", kept, by=("score_text",))
    return {f"pp_score_{each.group['score_text']}": each.n for each in scores.groups}


def aequitas_ratios() -> Figures:
    """Each group's figure over the largest group's, the largest itself included."""
    frame = pd.read_csv(DATA / "compas_aequitas/compas_for_aequitas.csv")
    frame = frame.assign(y=frame["label_value"], pred=frame["score"].astype(int))
    names = ("ppr", "pprev", "precision", "fdr", "for", "fpr", "fnr", "tpr", "tnr", "npv")
    figures: Figures = {}
    for by in ("race", "sex", "age_cat"):
        rates = rates_by(frame, by)
        largest = rates[frame[by].value_counts().idxmax()]
        for group, own in rates.items():
            figures |= {
                f"aq_ref_majority_{by}_{group}_{name}": own[name] / largest[name] for name in names
            }
    return figures


def adult_rows(name: str, skip: int) -> pd.DataFrame:
    rows = pd.read_csv(
        DATA / f"adult/adult.{name}.gz",
        header=None,
        skiprows=skip,
        skipinitialspace=True,
        na_values="?",
    )
    return rows.assign(sex=rows[9], pred=rows[14].str.rstrip(".").eq(">50K").astype(int))


def adult() -> Figures:
    train, test = adult_rows("data", 0), adult_rows("test", 1)
    everyone = pd.concat([test, train], ignore_index=True)
    gap = measure("fairness.demographic_parity_difference", everyone[["sex", "pred"]])
    complete = everyone.dropna()[["sex", "pred"]]
    part, _ = train_test_split(complete, train_size=0.7, random_state=1234567)
    ratio = measure("fairness.demographic_parity_ratio", part, reference="Male")
    figures = {"aif_adult_all": gap.n, "aif_adult_di_train": ratio.estimate.value}
    rows = train.dropna()
    no_gain = np.where(rows[10] == 0, "none", "some")
    slices = pd.DataFrame(
        {
            "sex": rows["sex"],
            "pred": rows["pred"],
            "status": rows[5],
            "role": rows[7],
            "work": np.where(rows[6] == "Exec-managerial", "exec", "other"),
            "hours": np.where(rows[12] == 50, "50", "other"),
            "gain": no_gain,
        }
    )
    for name, group in {
        "male": {"sex": "Male"},
        "marcs": {"status": "Married-civ-spouse"},
        "husband": {"role": "Husband"},
        "exec_cg0": {"work": "exec", "gain": "none"},
        "h50_cg0": {"hours": "50", "gain": "none"},
    }.items():
        measured = measure("fairness.demographic_parity_difference", slices, by=tuple(group))
        (figures[f"sf_{name}"],) = (each.n for each in measured.groups if each.group == group)
    return figures


def aif360_r() -> Figures:
    actual = pd.read_csv(DATA / "aif360_r/actual_data.csv")
    said = pd.read_csv(DATA / "aif360_r/predicted_data.csv")
    frame = pd.DataFrame({"sex": actual["sex"], "y": actual["income"], "pred": said["income"]})
    by_sex = rates_by(frame, "sex")
    few, many = by_sex["0"], by_sex["1"]  # the unprivileged group less, or over, the other
    return {
        "aifr_cm_avg_odds": (few["fpr"] - many["fpr"] + few["tpr"] - many["tpr"]) / 2,
        "aifr_cm_fdr_ratio": few["fdr"] / many["fdr"],
        "aifr_cm_for_diff": few["for"] - many["for"],
    }


def fairlearn_guide() -> Figures:
    """The 18 rows of fairlearn's user guide, as (tp, fn, fp, tn) of each group."""
    frame = from_counts({"a": (1, 1, 2, 0), "b": (3, 2, 0, 1), "c": (2, 3, 2, 1)})
    value = {
        name: measure(f"fairness.{name}", frame).estimate.value
        for name in (
            "demographic_parity_difference",
            "demographic_parity_ratio",
            "equalized_odds_difference",
            "equal_opportunity_ratio",
            "false_positive_rate_ratio",
        )
    }
    figures = {
        "fl_dpd": value["demographic_parity_difference"],
        "fl_dpr": value["demographic_parity_ratio"],
        "fl_eod": value["equalized_odds_difference"],
        "fl_eor": min(value["equal_opportunity_ratio"], value["false_positive_rate_ratio"]),
    }
    return figures | {f"fl_fpr_{name}": own["fpr"] for name, own in rates_by(frame, "sex").items()}


def holistic() -> Figures:
    """Ten rows of holisticai's tests, as (tp, fn, fp, tn); its figures are a less, or over, b."""
    frame = from_counts({"a": (2, 0, 1, 1), "b": (2, 1, 0, 3)})
    rates = rates_by(frame, "sex")
    a, b = rates["a"], rates["b"]
    counts = (a["pprev events"], 4, b["pprev events"], 6)
    gaps = {
        name: measure(f"fairness.{check}_difference", frame).estimate.value
        for name, check in {
            "sp": "demographic_parity",
            "eod": "equal_opportunity",
            "fprd": "false_positive_rate",
        }.items()
    }
    over_b = measure("fairness.demographic_parity_ratio", frame, reference="b")
    four_fifths = measure("fairness.demographic_parity_ratio", frame)
    accuracy = measure("fairness.accuracy_difference", frame)
    assert accuracy.part_names[accuracy.estimate.pair[0]] == "b"  # so a less b is negative
    return {
        **{f"ha_{name}": gap for name, gap in gaps.items()},
        "ha_di": over_b.estimate.value,
        "ha_four_fifths": four_fifths.estimate.value,
        "ha_aod": (a["tpr"] - b["tpr"] + a["fpr"] - b["fpr"]) / 2,
        "ha_accd": -accuracy.estimate.value,
        "ha_zdiff": float(difference_z(*counts, 0.0)),
    }


def subgroup_auc() -> Figures:
    """Twelve scores of unintended-ml-bias-analysis, published to one decimal."""
    scores = {
        ("background", 0): (0.1, 0.2, 0.3),
        ("subgroup", 0): (0.21, 0.31, 0.55),
        ("background", 1): (0.5, 0.8, 0.9),
        ("subgroup", 1): (0.4, 0.6, 0.71),
    }
    frame = pd.DataFrame(
        [(group, y, s) for (group, y), each in scores.items() for s in each],
        columns=["sex", "y", "s"],
    )

    def auc(rows: pd.DataFrame) -> float:
        measured = measure(
            "performance.metric",
            rows,
            by=(),
            metric="roc_auc",
            subject={"predictions": None, "scores": "s"},
        )
        return float(measured.estimate.value)

    subgroup = frame["sex"] == "subgroup"
    return {
        "tx_sub": auc(frame[subgroup]),
        "tx_bpsn": auc(frame[subgroup ^ (frame["y"] == 1)]),
        "tx_bnsp": auc(frame[subgroup ^ (frame["y"] == 0)]),
    }


def wilson() -> Figures:
    """anonymeter writes a Wilson interval as its middle and half its width."""
    figures = {}
    for x in (850, 0, 1000):
        lower, upper = map(float, rate_bounds(x, 1000, 0.025, "wilson"))
        figures |= {f"am_rate_{x}": (lower + upper) / 2, f"am_err_{x}": (upper - lower) / 2}
    return figures


def cookie_cats() -> Figures:
    frame = pd.read_csv(DATA / "cookie_cats/cookie_cats.csv.gz")
    frame["idle"] = frame["sum_gamerounds"] == 0
    figures: Figures = {}
    for column, name in (("idle", "cc_p0"), ("retention_7", "cc_p7")):
        measured = measure(
            "fairness.demographic_parity_difference",
            frame,
            by=("test_version",),
            subject={"predictions": column, "positive": True, "favorable": True},
        )
        counts = [(each.numerator, each.denominator) for each in measured.groups]
        # at a margin of 0 the score test is the pooled z test
        figures[name] = float(2 * norm.sf(abs(difference_z(*counts[0], *counts[1], 0.0))))
        if column == "idle":
            figures |= {
                f"cc_zero{each.group['test_version'][-2:]}": each.numerator
                for each in measured.groups
            }
    return figures


TABLES: dict[str, tuple[Callable[[], Figures], int]] = {
    # how many published figures each reproduces
    "compas": (compas_scores, 3),
    "compas_aequitas": (aequitas_ratios, 110),
    "adult": (adult, 7),
    "aif360_r": (aif360_r, 3),
    "fairlearn_guide": (fairlearn_guide, 7),
    "holistic": (holistic, 8),
    "subgroup_auc": (subgroup_auc, 3),
    "wilson": (wilson, 6),
    "cookie_cats": (cookie_cats, 4),
}


@cache
def table(name: str) -> Figures:
    return TABLES[name][0]()


@cache
def oracles() -> dict[str, dict[str, Any]]:
    return {each["id"]: each for each in json.loads(ORACLES.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("name", TABLES)
def test_published_tables_are_reproduced_element_by_element(name: str) -> None:
    measured, count = table(name), TABLES[name][1]
    wrong = [
        (each, theirs["value"], measured[each])
        for each, theirs in oracles().items()
        if each in measured and not agree(measured[each], theirs["value"], theirs["tolerance"])
    ]
    assert not wrong
    assert len(measured.keys() & oracles().keys()) == len(measured) == count


# -- what differs, for a reason that can be tested ---------------------------------------------

TRUNCATED = {
    # printed with so many decimals, cut off instead of rounded
    "ll_rule_rate_Hispanic or Latino": ("ll144_rule_example", "ll_rule_rate_Hispanic or Latino", 3),
    "cc_r1_30_alt": ("cookie_cats", "cc_r1_30", 4),
    "cc_r1_40_alt": ("cookie_cats", "cc_r1_40", 4),
}
WRONG_CELLS = {  # a share that their own code does not return either: it gives 0.5
    f"aqfix_2_{column}_{level}_ppr": 0.5
    for column in ("class", "not_class")
    for level in ("High", "Low")
}


@pytest.mark.parametrize("name", TRUNCATED)
def test_a_figure_that_was_cut_off_is_not_ours_but_ours_cut_off(name: str) -> None:
    dataset, own, decimals = TRUNCATED[name]
    theirs, ours = oracles()[name], figures_of(dataset)[own]
    assert theirs["status"] == "DIFFERS"
    assert not agree(ours, theirs["value"], theirs["tolerance"])
    assert math.floor(ours * 10**decimals) / 10**decimals == theirs["value"]


@pytest.mark.parametrize("name", WRONG_CELLS)
def test_a_wrong_cell_of_a_table_is_not_reproduced(name: str) -> None:
    theirs, ours = oracles()[name], figures_of("aequitas_vectors")[name]
    assert theirs["status"] == "DIFFERS"
    assert not agree(ours, theirs["value"], theirs["tolerance"])
    assert ours == WRONG_CELLS[name] == theirs["recomputed"]


def test_the_standardised_gap_is_cohens_and_not_a_mixture_of_two_variances() -> None:
    frame = from_counts({"a": (2, 0, 1, 1), "b": (2, 1, 0, 3)})
    measured = measure(
        "fairness.score_gap",
        frame.assign(s=frame["pred"].astype(float)),
        subject={"predictions": None, "scores": "s"},
        measure="standardised",
    )
    # Cohen 1988: 5/12 over the pooled sd, whose variances are 0.25 and 4/15
    textbook = (5 / 12) / math.sqrt((3 * 0.25 + 5 * (4 / 15)) / 8)
    assert measured.estimate.value == pytest.approx(textbook, abs=1e-12)
    theirs = oracles()["ha_cohen_d"]
    assert not agree(measured.estimate.value, theirs["value"], theirs["tolerance"])
    variances = (3 * 0.1875 + 5 * (2 / 9)) / 8  # population variances, weighted by n - 1
    assert agree((5 / 12) / math.sqrt(variances), theirs["value"], theirs["tolerance"])


@pytest.mark.parametrize("kind", ["katz", "adjlog", "invsinh"])
def test_three_published_bounds_of_a_ratio_lie_beside_ours(kind: str) -> None:
    """Katz, adjusted log and inverse sinh approximate; ours inverts the score test (Koopman).

    With 473 of 984 against 755 of 1,705 they lie 5e-4 to 8e-4 above ours, a hundredth of the
    distance to the estimate.
    """
    ours = float(ratio_bound(473, 984, 755, 1705, 0.05, -1))
    assert ours == pytest.approx(oracles()[f"tfp_{kind}_0"]["value"], abs=8e-4)
    estimate = (473 / 984) / (755 / 1705)
    assert estimate - ours == pytest.approx(0.0744, abs=1e-4)


# -- the account -------------------------------------------------------------------------------

REASONS = {
    # how the id begins: why this file and its neighbour do not recompute it
    "dv_": "slices, beside the check of slices",
    "pp_adj_": "the adjusted disparity, beside its check",
    "pp_glm_": "its coefficients, likewise",
    "tq_": "hangs on a fit that did not converge, so on the version of a library",
    "nr_": "the rows are not to be had",
    "tx_unita_": "the scored sentences are not to be had",
    "pc_": "anonymity of a table, beside its statistics",
    "sm_": "an attack at one threshold; ours are measured over all of them",
    "am_resid": "a ratio of two risks, which no check measures",
    "cc_srm": "the mix of two arms, which no check measures",
    "cc_max": "the largest value of a column",
    "hm_": "the mean of a column",
    "wg_n": "a number of sentences",
    "ha_zratio": "a Wald statistic of a logarithm; ours is a score test",
}


def test_every_published_figure_is_recomputed_or_has_a_reason() -> None:
    measured = {each for name in SETS for each in figures_of(name)}
    measured |= {each for name in TABLES for each in table(name)}
    measured |= {f"tfp_{kind}_0" for kind in ("katz", "adjlog", "invsinh")}
    measured |= {*TRUNCATED, "ha_cohen_d"}
    left = [each for each in oracles() if each not in measured]
    because = {
        each: [why for begin, why in REASONS.items() if each.startswith(begin)] for each in left
    }
    assert [each for each, why in because.items() if len(why) != 1] == []
    differing = {name for name, each in oracles().items() if each["status"] == "DIFFERS"}
    assert {each for each in differing if not each.startswith("tq_")} == {*TRUNCATED, *WRONG_CELLS}
    # what is left over is a minority, and no set of data is left out as a whole
    assert len(oracles()) - len(left) >= 484
