"""Checks under weights and with several rows of one person."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from measuring import evidence_of, measure
from scipy.stats import binom
from sklearn.metrics import average_precision_score, f1_score

from pytest_aipm.catalog import Catalog
from pytest_aipm.checks.effective import Linear, level_of
from pytest_aipm.checks.paired import _paired_counts
from pytest_aipm.checks.rates import RATES
from pytest_aipm.errors import CheckError
from pytest_aipm.evidence.design import units_of
from pytest_aipm.evidence.subject import Decision
from pytest_aipm.stats.disparity import rate_difference
from pytest_aipm.stats.paired import group_changes
from pytest_aipm.stats.score import difference_z, quantile

SCORED = {"predictions": None, "scores": "s", "decision": Decision(0.5, "above")}
NUMBERS = {"task": "regression", "predictions": "s", "label": "v"}
DISPARITIES = [
    f"fairness.{name}_{kind}"
    for name in ("demographic_parity", "false_negative_rate", "predictive_parity")
    for kind in ("difference", "ratio")
]
METRICS = ["accuracy", "recall", "f1", "balanced_accuracy", "roc_auc", "log_loss", "brier"]
CASES = [
    *((check, {}, SCORED) for check in [*DISPARITIES, "fairness.equalized_odds_difference"]),
    *(("performance.metric", {"metric": each}, SCORED) for each in METRICS),
    *(("fairness.group_metric", {"metric": each}, SCORED) for each in ("precision", "roc_auc")),
    *(("fairness.group_metric", {"metric": each}, NUMBERS) for each in ("mae", "rmse")),
    *(
        ("fairness.score_gap", {"measure": each}, SCORED)
        for each in ("mean", "standardised", "above_median")
    ),
]
BOOTSTRAPPED = {"f1", "balanced_accuracy"}


def rows(seed: int = 0, n: int = 600, people: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    person = rng.integers(0, people, n)
    score = rng.random(n).round(2)
    return pd.DataFrame(
        {
            "sex": np.array(["f", "m", "x"])[person % 3],
            "s": score,
            "v": rng.normal(size=n),
            "y": (rng.random(n) < 0.3 + 0.4 * score).astype(int),
            "old": np.clip(score + rng.normal(0, 0.2, n), 0, 1),
            "w": rng.lognormal(0, 0.8, n),
            "same": 2.5,
            "row": np.arange(n),
            "id": person,
        }
    )


# Nothing changes where there is nothing to change


@pytest.mark.parametrize("design", [{"weights": "same"}, {"cluster": "row"}], ids=["same", "row"])
@pytest.mark.parametrize(("check", "params", "subject"), CASES, ids=lambda each: str(each)[:40])
def test_equal_weights_and_a_row_a_person_give_the_plain_answer(check, params, subject, design):
    frame = rows()
    plain = measure(check, frame, subject=subject, **params)
    told = measure(check, frame, subject={**subject, **design}, **params)
    assert told.estimate.value == pytest.approx(plain.estimate.value, rel=1e-9)
    ends = [(each.estimate.lower, each.estimate.upper) for each in (told, plain)]
    # totals are drawn from a normal distribution where rows are from a multinomial one
    close = {"abs": 0.01} if params.get("metric") in BOOTSTRAPPED else {"rel": 1e-7, "abs": 1e-9}
    assert ends[0] == pytest.approx(ends[1], **close)
    assert [each.n for each in told.groups] == [each.n for each in plain.groups]
    assert told.estimate.sizes == pytest.approx(plain.estimate.sizes, rel=1e-9)


@pytest.mark.parametrize("design", [{"weights": "same"}, {"cluster": "row"}], ids=["same", "row"])
@pytest.mark.parametrize(
    ("check", "params"),
    [
        ("fairness.demographic_parity_difference", {}),
        ("fairness.demographic_parity_ratio", {}),
        ("fairness.predictive_parity_difference", {}),
        ("performance.metric", {"metric": "accuracy"}),
        ("performance.metric", {"metric": "false_positive_rate"}),
    ],
)
def test_so_does_the_change_against_a_champion(check, params, design):
    subject = {**SCORED, "champion_scores": "old"}
    plain, told = (
        measure(check, rows(), subject={**subject, **more}, **params).champion
        for more in ({}, design)
    )
    for key in ("value", "delta", "lower", "upper"):
        assert getattr(told, key) == pytest.approx(getattr(plain, key), abs=1e-7)
    assert (told.group, told.paired) == (plain.group, plain.paired)


@pytest.mark.parametrize("design", [{"weights": "w"}, {"cluster": "id"}], ids=str)
def test_the_change_against_a_champion_has_the_covariance_of_both_rates(design):
    """Against sums over people by hand: the correlation that the two rates of a group have."""
    frame = rows(5, n=400, people=80).assign(old_chosen=lambda f: f["old"] >= 0.5)
    module = Catalog().load("fairness.accuracy_difference")
    told = module.Params(by=("sex",))
    subject = {**SCORED, "champion_scores": "old", **design}
    evidence = evidence_of(frame, module, told, by=("sex",), **subject)
    counts = evidence.counts(("sex",))
    x_new, n_new, x_old, n_old, linked = _paired_counts(evidence, counts, RATES["accuracy"], 0.95)
    weight = frame["w"] if "weights" in design else pd.Series(1.0, frame.index)
    unit = frame["id"] if "cluster" in design else frame["row"]
    for g, name in enumerate(counts.grouping.names):
        own = frame[frame["sex"] == name]
        right = {
            "new": ((own["s"] >= 0.5) == (own["y"] == 1)).astype(float),
            "old": (own["old_chosen"] == (own["y"] == 1)).astype(float),
        }
        w = weight[own.index]
        z = {key: w * (each - np.average(each, weights=w)) for key, each in right.items()}
        sums = pd.DataFrame(z).groupby(unit[own.index]).sum()
        correlation = (sums["new"] @ sums["old"]) / np.sqrt(
            (sums["new"] @ sums["new"]) * (sums["old"] @ sums["old"])
        )
        p_new, p_old = x_new[g] / n_new[g], x_old[g] / n_old[g]
        assert p_new == pytest.approx(np.average(right["new"], weights=w))
        assert p_old == pytest.approx(np.average(right["old"], weights=w))
        spread = np.sqrt(p_new * (1 - p_new) / n_new[g] * p_old * (1 - p_old) / n_old[g])
        assert linked[g] == pytest.approx(correlation * spread)


# Values


def test_values_are_the_weighted_ones():
    frame = rows(1)
    chosen, positive = frame["s"] >= 0.5, frame["y"] == 1
    found = measure(
        "fairness.equal_opportunity_difference", frame, subject={**SCORED, "weights": "w"}
    )
    for group in found.groups:
        own = (frame["sex"] == group.group["sex"]) & positive
        assert group.value == pytest.approx(np.average(chosen[own], weights=frame["w"][own]))
        assert group.counted == (int(chosen[own].sum()), int(own.sum()))
        assert group.numerator / group.denominator == pytest.approx(group.value)
        assert 1 <= group.denominator <= own.sum()
        assert group.people is None


def test_metrics_of_functions_get_the_weights():
    frame = rows(2)
    for metric, truth in (
        ("average_precision", lambda f: average_precision_score(f.y, f.s, sample_weight=f.w)),
        ("f1", lambda f: f1_score(f.y, f.s >= 0.5, sample_weight=f.w)),
    ):
        found = measure(
            "performance.metric", frame, metric=metric, subject={**SCORED, "weights": "w"}
        )
        for group in found.groups:
            own = frame[frame["sex"] == group.group["sex"]]
            assert group.value == pytest.approx(truth(own))


@pytest.mark.parametrize(
    ("metric", "design"),
    [("f1", {"weights": "w"}), ("f1", {"cluster": "id"}), ("average_precision", {"cluster": "id"})],
    ids=str,
)
def test_bootstrapped_ends_are_those_of_people_drawn_by_hand(metric, design):
    frame = rows(3, n=900, people=120)
    told = measure("performance.metric", frame, by=(), metric=metric, subject={**SCORED, **design})
    rng, drawn = np.random.default_rng(0), []
    truth = {
        "f1": lambda f: f1_score(f.y, f.s >= 0.5, sample_weight=f.weight),
        "average_precision": lambda f: average_precision_score(f.y, f.s, sample_weight=f.weight),
    }[metric]
    frame = frame.assign(weight=frame["w"] if "weights" in design else 1.0)
    unit = frame["id" if "cluster" in design else "row"].to_numpy()
    places = [np.flatnonzero(unit == each) for each in np.unique(unit)]
    for _ in range(200):
        pick = rng.integers(0, len(places), len(places))
        drawn.append(truth(frame.iloc[np.concatenate([places[i] for i in pick])]))
    spread = np.std(drawn)
    width = told.estimate.upper - told.estimate.lower
    assert width == pytest.approx(2 * 1.645 * spread, rel=0.2)


def test_repeated_people_are_counted_and_said():
    found = measure(
        "fairness.demographic_parity_difference", rows(), subject={**SCORED, "cluster": "id"}
    )
    frame = rows()
    for group in found.groups:
        own = frame[frame["sex"] == group.group["sex"]]
        assert (group.n, group.people) == (len(own), own["id"].nunique())
    worth = round(sum(group.denominator for group in found.groups))
    assert found.notes == (f"rows of one id taken together; effective rows {worth} of 600",)
    assert found.n == 600


@pytest.mark.parametrize(
    ("check", "params"),
    [
        ("performance.metric", {"metric": "roc_auc"}),
        ("performance.metric", {"metric": "f1"}),
        ("performance.metric", {"metric": "recall"}),
        ("performance.metric", {"metric": "brier"}),
        ("performance.metric", {"metric": "own_metrics:share_found"}),
        ("fairness.score_gap", {"measure": "mean"}),
        ("fairness.score_gap", {"measure": "above_median"}),
    ],
    ids=str,
)
def test_every_metric_says_of_how_many_people_its_rows_are(check, params):
    """A group of many rows and few people is withheld by this number."""
    frame = rows()
    found = measure(check, frame, subject={**SCORED, "cluster": "id"}, **params)
    for group in found.groups:
        own = frame[frame["sex"] == group.group["sex"]]
        own = own[own["y"] == 1] if params.get("metric") == "recall" else own
        assert group.people == own["id"].nunique()


def test_weights_are_said_with_what_they_are_worth():
    found = measure(
        "performance.metric", rows(), by=(), metric="accuracy", subject={**SCORED, "weights": "w"}
    )
    (note,) = found.notes
    worth = round(found.estimate.sizes[0])
    assert note == f"weighted by w; effective rows {worth} of 600"
    assert 200 < worth < 500


def test_the_largest_group_is_that_of_most_weight():
    frame = rows()
    frame.loc[frame["sex"] == "x", "w"] *= 20
    for check, params in (
        ("fairness.demographic_parity_ratio", {}),
        ("fairness.equalized_odds_difference", {}),
        ("fairness.group_metric", {"metric": "roc_auc"}),
    ):
        subject = {**SCORED, "weights": "w"}
        largest, named = (
            measure(check, frame, subject=subject, reference=each, **params)
            for each in ("largest", "x")
        )
        assert largest.estimate.value == named.estimate.value


def test_small_groups_are_small_by_effective_rows():
    frame = rows()
    frame.loc[frame["sex"] == "x", "w"] = 1.0
    frame.loc[frame[frame["sex"] == "x"].index[0], "w"] = 1000.0
    found = measure(
        "fairness.demographic_parity_difference",
        frame,
        subject={**SCORED, "weights": "w"},
        min_group_size=10,
    )
    third = found.groups[2]
    assert third.n > 100
    assert not third.judged
    assert third.note == "not judged: fewer than 10 effective rows in the denominator"


# What has no honest form


@pytest.mark.parametrize(
    ("check", "params", "said"),
    [
        (
            "fairness.score_gap",
            {"measure": "ks"},
            (
                "`measure: ks` has no honest form under `weights`; use `measure: mean` or "
                "`above_median`"
            ),
        ),
        (
            "fairness.demographic_parity_difference",
            {"reference": "overall"},
            (
                "`reference: overall` speaks of shares of all rows, which effective rows are not; "
                "name a group, `largest` or `highest` as `reference`"
            ),
        ),
        (
            "fairness.demographic_parity_ratio",
            {"at_least": 0.02},
            (
                "`at_least` speaks of shares of all rows, which effective rows are not; "
                "name a group, `largest` or `highest` as `reference`"
            ),
        ),
        (
            "performance.metric",
            {"metric": "own_metrics:share_found"},
            (
                "metric 'own_metrics:share_found' takes no `sample_weight`, so weights cannot be "
                "heeded; name a metric that does, or give the function such a parameter"
            ),
        ),
    ],
)
def test_what_cannot_be_weighted_is_refused_in_one_line(check, params, said):
    with pytest.raises(CheckError) as caught:
        measure(check, rows(), subject={**SCORED, "weights": "w"}, **params)
    assert str(caught.value) == said


def test_a_function_without_weights_is_resampled_by_people():
    plain, told = (
        measure(
            "performance.metric",
            rows(people=60),
            metric="own_metrics:share_found",
            subject={**SCORED, **design},
        )
        for design in ({}, {"cluster": "id"})
    )
    assert told.estimate.value == plain.estimate.value
    assert told.estimate.lower != plain.estimate.lower


# Samples of known truth, with fixed seeds: a limit that is just kept is seldom found broken

RUNS = 2000
MOST = binom.ppf(0.99, RUNS, 0.05) / RUNS
INSIDE, HIT = np.array([True, True]), np.array([0.0, 1.0])


def effective(run, group, y, k, weight=None, person=None):
    """Counts (R, K) of many samples at once, as the checks take them."""
    table = np.bincount((run * k + group) * 2 + y, minlength=2 * RUNS * k).reshape(-1, 2)
    rows = table.sum(axis=1)
    if weight is None and person is None:
        return table[:, 1].reshape(RUNS, k), rows.reshape(RUNS, k)
    design = units_of(run * k + group, y, (RUNS * k, 2), weight, person)
    linear = Linear(design, INSIDE, HIT)
    size = linear.sizes(np.maximum(linear.mean * (1 - linear.mean), 0), rows, level_of(0.95, k))
    return (np.clip(linear.mean, 0, 1) * size).reshape(RUNS, k), size.reshape(RUNS, k)


def found_broken(x, n, limit):
    """Share of samples whose lower end lies beyond the limit.

    No critical value is below that of one test, so only samples that exceed it are measured.
    """
    k = x.shape[1]
    beyond = np.zeros(len(x), dtype=bool)
    for i in range(k):
        for j in set(range(k)) - {i}:
            beyond |= difference_z(x[:, i], n[:, i], x[:, j], n[:, j], limit) > quantile(0.05)
    each = (rate_difference(x[i], n[i]).lower > limit for i in np.flatnonzero(beyond))
    return sum(each) / len(x)


@pytest.mark.parametrize("sizes", [(500, 500), (900, 100), (600, 280, 120)], ids=str)
@pytest.mark.parametrize("low", [0.05, 0.4])
def test_weights_do_not_break_a_limit_that_is_just_kept(sizes, low):
    rng, k = np.random.default_rng(20), len(sizes)
    group = np.tile(np.repeat(np.arange(k), sizes), RUNS)
    run = np.repeat(np.arange(RUNS), sum(sizes))
    rate = np.array([low + 0.1, *[low] * (k - 1)])
    y = (rng.random(len(group)) < rate[group]).astype(int)
    weight = rng.lognormal(0, 1, len(group))
    assert found_broken(*effective(run, group, y, k, weight), 0.10) <= MOST


def repeated_people(rng, people, rate, shares, how):
    """200 people with 1 to 10 rows each, most of whose decisions agree."""
    owner = np.repeat(np.arange(people * RUNS), rng.integers(1, 11, people * RUNS))
    k = len(rate)
    if how == "one group each":
        group = rng.choice(k, people * RUNS, p=shares)[owner]
    else:
        group = rng.choice(k, len(owner), p=shares)
    own = rng.random(people * RUNS)[owner]
    if how == "opposed":
        own = np.where(group % 2 == 1, 1 - own, own)
    luck = np.where(rng.random(len(owner)) < 0.77, own, rng.random(len(owner)))
    y = (luck < np.array(rate)[group]).astype(int)
    return owner // people, group, y, owner


@pytest.mark.parametrize("how", ["one group each", "both groups", "opposed"])
def test_repeated_people_do_not_break_a_limit_that_is_just_kept(how):
    rng = np.random.default_rng(21)
    run, group, y, owner = repeated_people(rng, 200, (0.5, 0.4), (0.5, 0.5), how)
    assert found_broken(*effective(run, group, y, 2, person=owner), 0.10) <= MOST
    plain = found_broken(*effective(run, group, y, 2), 0.10)
    # rows taken for people find it broken three times too often; in both groups they cancel out
    assert plain > 0.15 if how != "both groups" else plain > MOST


def test_a_model_that_is_no_worse_is_seldom_found_worse_by_repeated_people():
    """Two models that err equally often on the same people, whose rows agree."""
    rng = np.random.default_rng(22)
    owner = np.repeat(np.arange(100 * RUNS), rng.integers(1, 11, 100 * RUNS))
    run = owner // 100
    kind = rng.random(100 * RUNS)[owner]
    # one in ten people is right with the new model only, one in ten with the old one only
    change = np.where(kind < 0.1, 1, np.where(kind < 0.2, 2, 0))
    table = np.bincount(run * 3 + change, minlength=3 * RUNS).reshape(RUNS, 3)
    design = units_of(run, change, (RUNS, 3), None, owner)
    inside = np.ones(3, dtype=bool)
    gained, lost = (Linear(design, inside, np.eye(3)[i]).mean for i in (1, 2))
    moved = Linear(design, inside, np.array([0.0, 1.0, -1.0]))
    rows = table.sum(axis=1)
    size = moved.sizes(gained + lost - (gained - lost) ** 2, rows, 0.05)

    def worse(b, c, n):
        each = (group_changes([b[i]], [c[i]], [n[i]]).lower > 0 for i in range(400))
        return sum(each) / 400

    assert worse(gained * size, lost * size, size) <= binom.ppf(0.99, 400, 0.05) / 400
    assert worse(table[:, 1], table[:, 2], rows) > 0.15


def test_more_rows_of_the_same_people_tell_hardly_more():
    frame = rows(people=40)
    thrice = pd.concat([frame] * 3, ignore_index=True)
    once, more = (
        measure("fairness.demographic_parity_difference", each, subject={**SCORED, "cluster": "id"})
        for each in (frame, thrice)
    )
    assert more.estimate.value == pytest.approx(once.estimate.value)
    assert sum(more.estimate.sizes) < 1.1 * sum(once.estimate.sizes)
    assert math.isclose(more.estimate.upper, once.estimate.upper, rel_tol=0.05)
