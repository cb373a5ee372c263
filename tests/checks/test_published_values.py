"""Figures that others published about real people, recomputed here from the rows.

The rows are not part of this project. They are looked for in the folder that AIPM_REFERENCE_DATA
names, else beside the checkout; without them these tests are skipped.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from measuring import evidence_of, measure

import pytest_aipm
from pytest_aipm.catalog import Catalog
from pytest_aipm.checks.rates import RATES as DEFINED
from pytest_aipm.checks.slices import searched
from pytest_aipm.evidence.slices import slice_counts

BESIDE = Path(__file__).resolve().parents[2].parent / "shared" / "data"
DATA = Path(os.environ.get("AIPM_REFERENCE_DATA", BESIDE))
ORACLES = DATA / "published_values.json"

pytestmark = pytest.mark.skipif(not ORACLES.exists(), reason=f"no reference data in {DATA}")

RATES = {
    "tpr": "recall",
    "sens": "recall",
    "tnr": "specificity",
    "spec": "specificity",
    "fpr": "false_positive_rate",
    "fnr": "false_negative_rate",
    "precision": "precision",
    "ppv": "precision",
    "pprev": "selection_rate",
}
COUNTS = {"tp": "tpr", "fn": "fnr", "fp": "fpr", "tn": "tnr"}

Figures = dict[str, float]


def rates_by(frame: pd.DataFrame, by: str) -> dict[str, Figures]:
    """Every rate and count of every group; NaN where undefined. The label's rate is `prev`."""
    found: dict[str, Figures] = {}

    def add(name: str, metric: str, subject: dict | None = None) -> None:
        measured = measure("performance.metric", frame, by=(by,), metric=metric, subject=subject)
        for each in measured.groups:
            own = found.setdefault(each.group[by], {})
            own[name] = math.nan if each.value is None else each.value
            own[f"{name} events"] = each.numerator

    for name, metric in RATES.items():
        add(name, metric)
    # what the other class's precision is called
    add("npv", "precision", {"positive": 0, "favorable": 0})
    add("prev", "selection_rate", {"predictions": "y"})
    selected = sum(own["pprev events"] for own in found.values())
    for own in found.values():
        # a share of all who are selected, not of the group
        own["ppr"] = own["pprev events"] / selected
        own |= {count: own[f"{rate} events"] for count, rate in COUNTS.items()}
        own |= {"for": 1 - own["npv"], "fdr": 1 - own["precision"]}
        own |= {"lrplus": over(own["tpr"], own["fpr"]), "lrminus": over(own["fnr"], own["tnr"])}
    return found


def over(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else math.nan


def compas(name: str = "compas/compas-scores-two-years.csv.gz") -> pd.DataFrame:
    frame = pd.read_csv(DATA / name)
    return frame.assign(y=frame["two_year_recid"], pred=(frame["score_text"] != "Low").astype(int))


def propublica() -> Figures:
    frame = compas()
    by_race = rates_by(frame, "race")
    whole = rates_by(frame.assign(everyone="all"), "everyone")["all"]
    black, white = by_race["African-American"], by_race["Caucasian"]
    shown = {"all": whole, "black": black, "white": white}
    figures = {f"pp_{who}_{name}": own[name] for who, own in shown.items() for name in own}
    pair = frame[frame["race"].isin(["African-American", "Caucasian"])]
    fpr = measure("fairness.false_positive_rate_ratio", pair, by=("race",))
    fnr = measure("fairness.false_negative_rate_ratio", pair, by=("race",))
    # theirs are the larger over the smaller
    figures["pp_fpr_ratio"] = 1 / fpr.estimate.value
    figures["pp_fnr_ratio"] = 1 / fnr.estimate.value
    kept = frame[
        frame["days_b_screening_arrest"].between(-30, 30)
        & (frame["is_recid"] != -1)
        & (frame["c_charge_degree"] != "O")
        & (frame["score_text"] != "N/A")
    ]
    races = measure("fairness.demographic_parity_difference", kept, by=("race",))
    both = measure("fairness.demographic_parity_difference", kept, by=("sex", "race"))
    figures |= {f"pp_n_{each.group['race']}": each.n for each in races.groups}
    figures |= {f"pp_x_{each.group['sex']}_{each.group['race']}": each.n for each in both.groups}
    figures["pp_filter_n"] = races.n
    recidivism = measure(
        "performance.metric", kept, by=(), metric="selection_rate", subject={"predictions": "y"}
    )
    figures["pp_base"] = 100 * recidivism.estimate.value
    return figures | propublica_adjusted(kept)


def propublica_adjusted(kept: pd.DataFrame) -> Figures:
    """The ratio of their logistic regression, and two of its coefficients by way of odds."""
    factors = ("age_cat", "priors_count", "c_charge_degree", "two_year_recid")
    figures: Figures = {}
    for by, other, name, reference in (
        ("race", "sex", "African-American", "Caucasian"),
        ("sex", "race", "Female", "Male"),
    ):
        found = {
            compare: next(
                each.value
                for each in measure(
                    "fairness.adjusted_disparity",
                    kept,
                    by=(by,),
                    reference=reference,
                    factors=(*factors, other),
                    method="logistic",
                    compare=compare,
                ).groups
                if each.group[by] == name
            )
            for compare in ("ratio", "difference")
        }
        # both p / c and p - c are known, hence both probabilities and the odds ratio
        c = found["difference"] / (found["ratio"] - 1)
        p = found["ratio"] * c
        key = {"race": "pp_glm_black", "sex": "pp_glm_female"}[by]
        figures[key] = math.log(p / (1 - p)) - math.log(c / (1 - c))
        if by == "race":
            figures["pp_adj_rr"] = found["ratio"]
    return figures


def aequitas_compas() -> Figures:
    frame = pd.read_csv(DATA / "compas_aequitas/compas_for_aequitas.csv")
    frame = frame.assign(y=frame["label_value"], pred=frame["score"].astype(int))
    figures: Figures = {}
    for by in ("race", "sex", "age_cat"):
        for group, own in rates_by(frame, by).items():
            figures |= {f"aq_absolute_{by}_{group}_{name}": value for name, value in own.items()}
        largest = frame[by].value_counts().idxmax()
        for group in frame[by].unique():
            pair = frame[frame[by].isin([largest, group])]
            prefix = f"aq_ref_majority_{by}_{group}"
            if group != largest:
                figures |= {f"{prefix}_{name}": v for name, v in ratios(pair, by, largest).items()}
    return figures


def ratios(pair: pd.DataFrame, by: str, reference: str) -> Figures:
    """Rates of one group over those of the reference."""
    checks: dict[str, tuple[str, dict]] = {
        "pprev": ("demographic_parity_ratio", {}),
        "tpr": ("equal_opportunity_ratio", {}),
        "fpr": ("false_positive_rate_ratio", {}),
        "fnr": ("false_negative_rate_ratio", {}),
        "precision": ("predictive_parity_ratio", {}),
        "npv": ("predictive_parity_ratio", {"positive": 0, "favorable": 0}),
    }
    found = {
        name: measure(f"fairness.{check}", pair, by=(by,), subject=subject, reference=reference)
        for name, (check, subject) in checks.items()
    }
    found["tnr"] = measure(
        "fairness.group_metric",
        pair,
        by=(by,),
        metric="specificity",
        compare="ratio",
        reference=reference,
    )
    return {name: each.estimate.value for name, each in found.items()}


def aequitas_vectors() -> Figures:
    figures: Figures = {}
    for number in (1, 2, 10):
        frame = pd.read_csv(DATA / f"aequitas_vectors/test_{number}.csv")
        frame = frame.rename(columns={"label_value": "y", "score": "pred"})
        for by in frame.columns.drop(["y", "pred"]):
            for group, own in rates_by(frame, by).items():
                figures |= {f"aqfix_{number}_{by}_{group}_{name}": v for name, v in own.items()}
    return figures


def aif360_r() -> Figures:
    rows = pd.read_csv(DATA / "aif360_r/data.csv.gz")
    rows = rows.assign(pred=rows["income"], y=rows["income"], sex=rows["sex"].astype(int))
    good = {"positive": 1, "favorable": 0}
    gap = measure("fairness.demographic_parity_difference", rows, subject=good)
    ratio = measure("fairness.demographic_parity_ratio", rows, subject=good, reference="1")
    whole = measure(
        "performance.metric",
        rows,
        by=(),
        metric="selection_rate",
        subject={"predictions": "y", **good},
    )
    n = {each.group["sex"]: each.numerator for each in gap.groups}
    figures = {
        "aifr_npos": n["0"] + n["1"],
        "aifr_nneg": gap.n - n["0"] - n["1"],
        "aifr_npos_priv": n["1"],
        "aifr_npos_unpriv": n["0"],
        "aifr_base_rate": whole.estimate.value,
        "aifr_spd": gap.estimate.value,
        "aifr_di": ratio.estimate.value,
    }
    actual = pd.read_csv(DATA / "aif360_r/actual_data.csv")
    said = pd.read_csv(DATA / "aif360_r/predicted_data.csv")
    frame = pd.DataFrame({"sex": actual["sex"], "y": actual["income"], "pred": said["income"]})
    frame["everyone"] = "all"
    whole = rates_by(frame, "everyone")["all"]
    accuracy = measure("performance.metric", frame, metric="accuracy")
    by_sex = {each.group["sex"]: each.value for each in accuracy.groups}
    figures |= {f"aifr_cm_{name}": whole[name] for name in ("fdr", "fnr", "for", "fpr", "npv")}
    return figures | {
        "aifr_cm_selection_rate": whole["pprev"],
        "aifr_cm_accuracy": (whole["tp"] + whole["tn"]) / len(frame),
        "aifr_cm_acc_priv": by_sex["1"],
        "aifr_cm_acc_unpriv": by_sex["0"],
        "aifr_cm_err_diff": measure("fairness.accuracy_difference", frame).estimate.value,
        # signed there: the unprivileged group's rate less the other's
        "aifr_cm_eo_diff": -measure("fairness.equal_opportunity_difference", frame).estimate.value,
        "aifr_cm_di": measure(
            "fairness.demographic_parity_ratio", frame, reference="1"
        ).estimate.value,
    }


def divexplorer() -> Figures:
    frame = pd.read_csv(DATA / "compas_divexplorer/compas_discretized.csv")
    frame = frame.assign(y=frame["class"], pred=frame["predicted"])
    found = {
        name: measure("performance.metric", frame, by=(), metric=metric).estimate.value
        for name, metric in {
            "fpr": "false_positive_rate",
            "fnr": "false_negative_rate",
            "acc": "accuracy",
        }.items()
    }
    figures = {f"dv_{name}": value for name, value in found.items()}
    return figures | divexplorer_slices(frame)


def divexplorer_slices(frame: pd.DataFrame) -> Figures:
    """What the search behind `fairness.worst_slice` finds, on all rows at once."""
    params = Catalog().load("fairness.worst_slice").Params(rate="false_positive_rate")
    evidence = evidence_of(frame, Catalog().load("fairness.worst_slice"), params, by=())
    columns = ["age", "charge", "race", "sex", "#prior", "stay"]
    search = searched(
        slice_counts(evidence, columns, {}, keep_unknown=False),
        DEFINED["false_positive_rate"],
        evidence.subject,
        max_depth=len(columns),
        min_support=0.1,
        min_size=1,
    )
    rates, traits = search.everyone, [search.traits(i) for i in range(len(search.found.items))]
    order = np.argsort(-rates.divergence).tolist()
    figures: Figures = {"dv_n_patterns": len(traits) + 1}  # theirs counts all rows as one
    told = {each["id"]: each["description"] for each in json.loads(ORACLES.read_text("utf-8"))}
    for rank in range(1, 6):
        pattern = told[f"dv_top{rank}_sup"].removeprefix("support of ").split(", ")
        place = traits.index(dict(item.split("=", 1) for item in pattern))
        figures |= {
            f"dv_top{rank}_sup": search.support(place),
            f"dv_top{rank}_dfpr": rates.divergence[place],
            f"dv_top{rank}_t": rates.t[place],
            f"dv_rank{rank}": order.index(place) + 1,
        }
    return figures


def german() -> Figures:
    frame = pd.read_csv(DATA / "german/german.csv")
    frame = frame.assign(pred=frame["credit"], young=np.where(frame["age"] < 25, "yes", "no"))
    train = frame.iloc[np.random.RandomState(0).permutation(1000)[:700]]
    figures = {}
    for name, rows in (("aif_german_md", train), ("aif_german_md_full", frame)):
        gap = measure("fairness.demographic_parity_difference", rows, by=("young",))
        high, low = gap.estimate.pair
        names = gap.part_names
        assert (names[high], names[low]) == ("no", "yes")
        figures[name] = -gap.estimate.value
    return figures


def titanic() -> Figures:
    frame = pd.read_csv(DATA / "titanic/titanic3.csv")
    frame = frame.dropna(subset=["age", "sex", "pclass", "fare"])
    frame = frame.assign(
        pred=frame["survived"], first=np.where(frame["pclass"] == 1, "first", "other")
    )
    ratio = measure("fairness.demographic_parity_ratio", frame, by=("first",), reference="first")
    fares = measure(
        "fairness.score_gap",
        frame.assign(pclass=frame["pclass"].astype(str)),
        by=("pclass",),
        subject={"predictions": None, "scores": "fare"},
    )
    figures = {f"aif_titanic_fare{each.group['pclass']}": each.value for each in fares.groups}
    return figures | {"aif_titanic_di": ratio.estimate.value, "aif_titanic_n": ratio.n}


def adult() -> Figures:
    parts = [
        pd.read_csv(
            DATA / f"adult/adult.{name}.gz",
            header=None,
            skiprows=skip,
            skipinitialspace=True,
            na_values="?",
        )
        for name, skip in (("data", 0), ("test", 1))
    ]
    frame = pd.concat(parts, ignore_index=True)
    complete = frame.dropna()
    complete = complete.assign(
        sex=complete[9], pred=complete[14].str.rstrip(".").eq(">50K").astype(int)
    )[["sex", "pred"]]
    ratio = measure("fairness.demographic_parity_ratio", complete, reference="Male")
    share = measure("performance.metric", complete, by=(), metric="selection_rate")
    return {
        "aif_adult_di_all": ratio.estimate.value,
        "aif_adult_n": ratio.n,
        "aif_adult_mean": share.estimate.value,
    }


def cookie_cats() -> Figures:
    frame = pd.read_csv(DATA / "cookie_cats/cookie_cats.csv.gz")
    figures: Figures = {}
    for column, name in (("retention_1", "r1"), ("retention_7", "r7")):
        measured = measure(
            "fairness.demographic_parity_difference",
            frame,
            by=("version",) if "version" in frame else ("test_version",),
            subject={"predictions": column, "positive": True, "favorable": True},
        )
        for each in measured.groups:
            arm = next(iter(each.group.values())).removeprefix("gate_")
            figures |= {f"cc_{name}_{arm}": each.value, f"cc_n{arm}": each.n}
        figures["cc_n"] = measured.n
    return figures


def local_law_144() -> Figures:
    groups = {
        "Hispanic or Latino": (18, 28),
        "White": (15, 40),
        "Black or African American": (16, 32),
        "Native Hawaiian or Pacific Islander": (5, 8),
        "Asian": (10, 24),
    }
    figures: Figures = {}
    for counts in (groups, {"Male": (50, 92), "Female": (34, 76)}):
        frame = pd.concat(
            [
                pd.DataFrame({"group": name, "s": [1.0] * x + [0.0] * (n - x)})
                for name, (x, n) in counts.items()
            ]
        )
        measured = measure(
            "fairness.score_gap",
            frame,
            by=("group",),
            subject={"predictions": None, "scores": "s"},
            measure="above_median",
        )
        rates = {each.group["group"]: each.value for each in measured.groups}
        assert measured.estimate.value == min(rates.values()) / max(rates.values())
        for name, rate in rates.items():
            figures |= {
                f"ll_rule_rate_{name}": rate,
                f"ll_rule_ir_{name}": rate / max(rates.values()),
            }
    return figures


def boston() -> Figures:
    frame = pd.read_csv(DATA / "hmda_boston/HMDA.csv")
    measured = measure(
        "fairness.demographic_parity_difference",
        frame,
        by=("afam",),
        subject={"predictions": "deny", "positive": "yes", "favorable": "yes"},
    )
    names = {"yes": "hm_black_deny", "no": "hm_white_deny"}
    return {names[each.group["afam"]]: each.value for each in measured.groups}


SETS: dict[str, tuple[Callable[[], Figures], int]] = {
    # how many published figures each reproduces
    "compas": (propublica, 58),
    "compas_aequitas": (aequitas_compas, 177),
    "aequitas_vectors": (aequitas_vectors, 92),
    "aif360_r": (aif360_r, 19),
    "compas_divexplorer": (divexplorer, 24),
    "german": (german, 2),
    "titanic": (titanic, 5),
    "adult": (adult, 3),
    "cookie_cats": (cookie_cats, 7),
    "ll144_rule_example": (local_law_144, 13),
    "hmda_boston": (boston, 2),
}


@cache
def figures_of(dataset: str) -> Figures:
    """What this file measures of one set of data, measured once."""
    return SETS[dataset][0]()


@pytest.mark.parametrize("dataset", SETS)
def test_published_figures_are_reproduced_each_within_its_own_tolerance(dataset: str) -> None:
    measured, count = figures_of(dataset), SETS[dataset][1]
    oracles = [
        each
        for each in json.loads(ORACLES.read_text(encoding="utf-8"))
        if each["dataset"] == dataset and each["status"] == "reproduces" and each["id"] in measured
    ]
    wrong = [
        (each["id"], each["value"], measured[each["id"]])
        for each in oracles
        if not agree(measured[each["id"]], each["value"], each["tolerance"])
    ]
    assert not wrong
    assert len(oracles) == count


def agree(ours: float, theirs: float | str, tolerance: float) -> bool:
    if math.isnan(float(theirs)):
        return math.isnan(ours)
    return abs(ours - theirs) <= max(tolerance, 1e-12)


@pytest.mark.parametrize(
    ("factors", "value"),
    [
        (("sex", "age_cat", "priors_count", "c_charge_degree", "two_year_recid"), 1.23),
        (("sex", "age_cat", "c_charge_degree", "two_year_recid"), 1.44),
    ],
)
def test_pooled_within_strata_the_published_ratio_is_another(
    factors: tuple[str, ...], value: float
) -> None:
    """Not the published 1.4528: that is the ratio of one reference person."""
    frame = compas()
    kept = frame[
        frame["days_b_screening_arrest"].between(-30, 30)
        & (frame["is_recid"] != -1)
        & (frame["c_charge_degree"] != "O")
        & frame["race"].isin(["African-American", "Caucasian"])
    ]
    found = measure(
        "fairness.adjusted_disparity", kept, by=("race",), reference="Caucasian", factors=factors
    )
    assert found.estimate.value == pytest.approx(value, abs=0.005)


def test_an_audit_of_compas_reports_the_published_error_rates_with_their_counts(
    tmp_path: Path,
) -> None:
    shared = {"by": "race", "limit": {"max": 0.10}, "min_group_size": 30}
    record = pytest_aipm.audit(
        {
            "aipm": 1,
            "name": "compas",
            "context": {"purpose": "a published case", "owner": "tests@example.org"},
            "subject": {
                "task": "binary",
                "predictions": "pred",
                "label": "two_year_recid",
                "positive": 1,
                "favorable": 0,
                "protected": {"race": "race"},
            },
            "checks": [
                {"check": "fairness.false_positive_rate_difference", "id": "fpr", **shared},
                {"check": "fairness.false_negative_rate_difference", "id": "fnr", **shared},
                {"check": "fairness.demographic_parity_ratio", "id": "selected", "by": "race"},
            ],
        },
        data=compas(),
        root=tmp_path,
    )
    fpr, fnr, selected = record.findings
    shown = {
        name: {each.group["race"]: each for each in finding.groups}
        for name, finding in (("fpr", fpr), ("fnr", fnr), ("selected", selected))
    }
    largest = sorted(shown["fpr"], key=lambda race: -shown["fpr"][race].n)[:2]
    assert largest == ["African-American", "Caucasian"]
    found = {
        name: [
            (each.numerator, each.denominator, f"{each.value:.2%}")
            for each in (shown[name][race] for race in largest)
        ]
        for name in ("fpr", "fnr")
    }
    assert found["fpr"] == [(805, 1795, "44.85%"), (349, 1488, "23.45%")]
    assert found["fnr"] == [(532, 1901, "27.99%"), (461, 966, "47.72%")]
    assert fpr.verdict == fnr.verdict == "fail"
    # the favorable decision is 0: who is scored low is selected
    black = shown["selected"]["African-American"]
    assert (black.numerator, black.denominator) == (1522, 3696)
