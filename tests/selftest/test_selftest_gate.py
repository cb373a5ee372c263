"""From which harm on a check is red, against what is known without the self-test."""

from __future__ import annotations

import copy
import hashlib
import pickle
from dataclasses import replace
from datetime import date
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from selftest_gates import RATIO, Gate

from pytest_aipm.auditing.auditor import Auditor
from pytest_aipm.baseline import write_baseline
from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.errors import MeasurementError
from pytest_aipm.policy.waivers import Waiver
from pytest_aipm.records import Formula, Limit
from pytest_aipm.selftest.harms import HARMS, Target, plant, resampled
from pytest_aipm.selftest.trials import _Gate, selftest
from pytest_aipm.stats.rate_disparity import rate_difference, rate_ratio
from pytest_aipm.stats.single import census

FAMILY = "fairness"
GAP = {
    "check": "fairness.demographic_parity_difference",
    "id": "gap",
    "by": "team",
    "limit": {"max": 0.10},
}
SELECTED, ROWS = np.array([1440, 720, 240]), np.array([2400, 1200, 400])


@pytest.fixture(scope="module")
def ratio(tmp_path_factory):
    """The four-fifths rule, tested once."""
    return Gate(tmp_path_factory.mktemp("ratio"), [RATIO]).test()


@pytest.fixture(scope="module")
def gap(tmp_path_factory):
    """A gap of at most 0.10, tested once, with power curves."""
    return Gate(tmp_path_factory.mktemp("gap"), [GAP]).test(seeds=3)


def only(report):
    (node,) = report.nodes
    return node


def trials(node, harm):
    """Trials of one harm by the group they were planted into."""
    return {trial.target: trial for trial in node.of(harm)}


def after_flip(group: int, share: float) -> np.ndarray:
    """Selected people when some of a group are refused, counted by hand."""
    left = SELECTED.copy()
    left[group] -= round(share * left[group])
    return left


def first_red(group: int, broken) -> tuple[float, float]:
    """The largest strength that is not red, and the smallest that is, by the statistics alone."""
    shares = HARMS["flip"].strengths
    red = [broken(after_flip(group, share)) for share in shares]
    place = red.index(True)
    assert all(red[place:])
    return ((0.0, *shares)[place], shares[place])


@pytest.mark.parametrize(("group", "name"), [(0, "A"), (1, "B"), (2, "C")])
def test_the_smallest_flip_is_where_the_statistics_turn(ratio, gap, name, group):
    for report, broken in (
        (ratio, lambda x: rate_ratio(x, ROWS).upper < 0.8),
        (gap, lambda x: rate_difference(x, ROWS).lower > 0.10),
    ):
        trial = trials(only(report), "flip")[name]
        assert (trial.before, trial.red) == first_red(group, broken)


def test_the_smallest_flip_lies_about_the_gap_that_the_finding_says_it_can_detect(gate):
    """A gap is red when its interval lies beyond the limit: near the gap of 8 in 10 samples."""
    few = gate(GAP)
    few.objects["data"] = few.objects["data"].iloc[::5]
    gap = few.finding().detectable.gap
    flips = trials(only(few.test()), "flip").values()

    assert few.finding().verdict == "inconclusive"
    assert any(trial.red is not None for trial in flips)
    for trial in flips:
        assert trial.red is None or 0.6 * trial.red > 0.10
        assert trial.before * 0.6 <= gap, "what 8 of 10 samples would show is shown here, too"


def test_leaked_rows_are_counted_to_the_row(gate, other_people):
    made = gate({"check": "privacy.train_test_overlap", "id": "overlap", "limit": {"max": 0.01}})
    made.objects["train"] = other_people
    (trial,) = only(made.test()).trials

    assert (trial.harm, trial.before, trial.red) == ("leak", 0.01, 0.02), "0.01 is not above 0.01"
    assert trial.value == pytest.approx(0.50)


def test_an_attacker_finds_half_of_what_is_known_by_heart(gate, other_people):
    """A known row beats nearly every other, the rest are a coin toss: AUC is (1 + s) / 2."""
    made = gate(
        {"check": "privacy.membership_inference", "id": "known", "limit": {"max_auc": 0.60}}
    )
    made.objects["train"] = other_people
    leak, *_ = only(made.test()).of("leak")

    assert leak.value == pytest.approx(0.75, abs=0.01)
    assert (leak.before, leak.red) == (0.20, 0.30)


def test_decisions_that_lean_on_the_attribute_are_those_near_the_cut(gate):
    """Scores are spread evenly, so a lean of s moves a share s of all people over the cut."""
    made = gate({"check": "explain.protected_flip", "by": "team", "limit": {"max": 0.01}})
    node = only(made.test())

    assert {trial.harm for trial in node.trials} == {"proxy", "drop", "thin"}
    for trial in node.of("proxy"):
        assert trial.value == pytest.approx(0.50, abs=0.01)
        assert (trial.before, trial.red) == (0.01, 0.02)


def test_shuffled_predictions_know_nothing(gate):
    made = gate(
        {"check": "performance.metric", "id": "auc", "metric": "roc_auc", "limit": {"min": 0.9}}
    )
    degrade, *_ = only(made.test()).of("degrade")

    assert degrade.target == "all rows"
    assert degrade.value == pytest.approx(0.5, abs=0.04)
    assert degrade.red == 0.20, "AUC falls from 1 by about half the share"


def test_a_limit_that_nothing_breaks_is_blind(gate):
    report = gate({**GAP, "limit": {"max": 0.95}}).test()
    node = only(report)

    assert node.blind
    assert not report.holds
    assert {trial.verdict for trial in node.trials if trial.conduct} == {"pass"}


def test_noticing_a_missing_group_saves_no_check_from_being_blind(gate):
    groups = {"team": {"column": "team", "groups": ["A", "B", "C"]}}
    node = only(gate({**GAP, "limit": {"max": 0.95}}, protected=groups).test(quick=True))

    assert {trial.red for trial in node.of("drop")} == {1.0}
    assert node.blind


def test_blind_advice_does_not_count(gate):
    report = gate({**GAP, "limit": {"max": 0.95}, "severity": "advice"}).test()

    assert only(report).blind
    assert report.holds


def test_advice_is_red_where_it_would_fail_if_it_could(gate, gap):
    advice = gate({**GAP, "severity": "advice"}).test()

    assert only(advice).trials == only(gap).trials
    assert only(advice).severity == "advice"


def test_without_training_rows_nothing_is_leaked(ratio):
    assert {trial.harm for trial in only(ratio).trials} == {"flip", "proxy", "drop", "thin"}


def test_what_is_not_judged_or_disabled_is_not_tried(gate):
    flip = {"check": "explain.protected_flip", "by": "team", "limit": {"max": 0.01}}
    report = gate(flip, {**GAP, "enabled": False}, features=["x"]).test()

    assert [node.state for node in report.nodes] == ["not_judged", "not_judged"]
    assert not any(node.trials or node.blind for node in report.nodes)
    assert report.holds


def test_what_is_red_already_is_not_tried(gate):
    made = gate()
    rows = made.objects["data"]
    made.objects["data"] = rows[(rows["team"] != "B") | (rows["x"] > 0.4)]
    node = only(made.test())

    assert (node.state, node.trials, node.blind) == ("red", (), False)


@pytest.mark.parametrize(
    ("decision", "champion"),
    [
        ({"threshold": 0.4}, {"scores": "older"}),
        ({"top_k": 0.3}, {"scores": "older"}),
        (None, {"predictions": "told"}),
    ],
)
def test_the_table_of_predictions_gives_what_the_audit_gives(gate, namer, decision, champion):
    ratio = {**RATIO, "regression": {"max_change": 0.02}}
    odds = {**GAP, "check": "fairness.equalized_odds_difference", "id": "odds"}
    scores = {**GAP, "check": "fairness.score_gap", "id": "scores"}
    checks = [ratio, odds, scores] if decision else [ratio, odds]
    made = gate(*checks, decision=decision, champion=champion)
    rows = made.objects["data"]
    older = (np.where(rows["team"] == "B", 0.9, 1.0) - rows["x"]).clip(lower=0)
    made.objects["data"] = rows.assign(older=older, told=(older > 0.4).astype(int))
    made.objects["model"] = made.objects["model"] if decision else namer
    plan = made.plan()
    policy = plan.policies[0]
    world = made.base().world
    real = Auditor(plan, policy, objects=made.objects)

    for evidence in (world.told, world.asked):
        assert evidence.feature_columns() == real.evidence.feature_columns() == ["x", "team"]
        again = Auditor(plan, policy, evidence=evidence)
        for node in policy.nodes():
            assert again.finding(node) == real.finding(node)
    assert real.finding(policy.nodes()[0]).baseline.against == "champion"


def test_columns_of_predictions_are_harmed_like_a_model(gate, ratio):
    rows = gate().objects["data"]
    columns = gate(scores="score")
    columns.objects = {"data": rows.assign(score=1 - rows["x"])}

    assert only(columns.test()).trials == only(ratio).trials


def test_the_same_seed_gives_the_same_report(gate, gap):
    assert gate(GAP).test(seeds=3) == gap


def test_nothing_of_the_users_is_changed_and_nothing_is_written(gate, other_people, tmp_path):
    made = gate(
        GAP,
        {"check": "privacy.membership_inference", "id": "known"},
        {"check": "privacy.train_test_overlap", "id": "overlap"},
        {"check": "explain.protected_flip", "id": "flip", "by": "team"},
    )
    made.objects["train"] = other_people
    before = copy.deepcopy(made.objects)
    state = pickle.dumps(np.random.get_state())  # noqa: NPY002

    made.test(quick=True)

    for name in ("data", "train"):
        pd.testing.assert_frame_equal(made.objects[name], before[name])
    assert vars(made.objects["model"]) == vars(before["model"])
    assert pickle.dumps(np.random.get_state()) == state  # noqa: NPY002
    assert not list(tmp_path.iterdir())


def test_a_power_curve_goes_from_no_seed_to_all(gap):
    node = only(gap)

    assert {curve.harm for curve in node.curves} == {"flip", "proxy"}
    for curve in node.curves:
        assert curve.strengths == (0.0, *HARMS[curve.harm].strengths)
        assert (curve.red[0], curve.red[-1], curve.seeds) == (0, 3, 3)


def test_power_is_the_share_of_samples_in_which_the_check_is_red(gate):
    """Against samples of the counts alone: group and decision of 4,000 people, drawn anew."""
    made = gate(GAP)
    plan = made.plan()
    policy = plan.policies[0]
    tested = _Gate(plan, policy, made.base(), quick=False, seed=0, tick=lambda _: None)
    rng = np.random.default_rng(1)
    for share in (0.20, 0.22):
        selected = after_flip(1, share)
        cells = np.concatenate([selected, ROWS - selected]) / 4000
        samples = rng.multinomial(4000, cells, size=100).reshape(-1, 2, 3)
        expected = np.mean([rate_difference(x, x + rest).lower > 0.10 for x, rest in samples])

        red = tested._count_red(policy.nodes()[0], Target("flip", (("team", "B"),)), share, 40)

        assert red / 40 == pytest.approx(expected, abs=0.19), "two standard errors of both"


def test_the_gap_that_a_finding_says_it_can_detect_is_red_in_8_of_10_samples(gate):
    few = gate(GAP)
    few.objects["data"] = few.objects["data"].iloc[::5]
    detectable = few.finding().detectable
    plan, base = few.plan(), few.base()
    (node,) = plan.policies[0].nodes()
    target = Target("flip", (("team", detectable.group),))
    worlds = (
        resampled(plant(base, target, detectable.gap / 0.6, seed), seed) for seed in range(100)
    )

    red = sum(
        Auditor(plan, plan.policies[0], evidence=world.told).finding(node).failing
        for world in worlds
    )

    # 80 of 100 samples, two standard deviations of 4 on either side
    assert red == pytest.approx(80, abs=8)


def test_a_quick_test_takes_the_largest_and_the_smallest_group(gate):
    node = only(gate().test(quick=True))

    assert set(trials(node, "flip")) == {"A", "C"}
    assert {trial.red for trial in node.of("flip")} <= {*HARMS["flip"].quick, None}


# -- a check that is red, green and red again --------------------------------------------------


def wavering() -> ModuleType:
    """A check of all rows that goes red at 9 to 11 refused of 100, and again beyond 40."""

    class Params(CheckParams):
        """None."""

    def check(evidence, _):
        table = evidence.counts(()).table
        lost = 1 - table[0, :, 1].sum() / 2400
        value = float(0.09 < lost < 0.11 or lost > 0.40)
        return Measurement(
            estimate=census(value, 4000),
            formula=Formula(id="wavering"),
            summary="",
            n=4000,
            part_names=("all rows",),
        )

    module = ModuleType("wavering", "Wavers.\n\n## Question\nDoes it?")
    for name, value in {
        "NEEDS": Needs(predictions=True),
        "KIND": "census",
        "SCOPES": "overall",
        "UNITS": ("",),
        "Params": Params,
        "check": check,
    }.items():
        setattr(module, name, value)
    return module


def test_what_counts_is_from_where_on_a_check_stays_red(gate):
    made = gate({"check": "fairness.wavering", "id": "wavering", "limit": {"max": 0.5}})
    made.extra = {"fairness.wavering": wavering()}
    (flip,) = only(made.test()).of("flip")

    assert (flip.before, flip.red) == (0.30, 0.50), "red at 0.10, green at 0.20"


# -- the gate as it stands: waivers, baseline, strictness --------------------------------------


def waived(plan, **floor):
    day = {"created": date(2024, 1, 1), "expires": date(2999, 1, 1)}
    fields = {
        "id": "W-1",
        "check": "gate::gap::team",
        "reason": "why",
        "owner": "who",
        "ticket": "",
        **day,
    }
    return replace(plan, waivers=(Waiver(**fields, **floor),))


def test_a_waiver_without_a_floor_makes_a_check_blind(gate):
    made = gate(GAP)
    plan = waived(made.plan())
    report = selftest(plan, plan.policies[0], objects=made.objects, quick=True)

    assert only(report).blind
    assert not report.holds
    assert {trial.verdict for trial in only(report).of("flip")} == {"waived"}


@pytest.mark.parametrize("pinned", [False, True])
def test_beyond_the_floor_of_a_waiver_a_check_is_red(gate, gap, tmp_path, pinned):
    made = gate(GAP)
    floor = {"floor": Limit(max=0.25)}
    if pinned:  # to the bytes of a model file
        path = tmp_path / "model.pkl"
        path.write_bytes(pickle.dumps(made.objects.pop("model")))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        made.content["subject"]["model"] = {"path": "model.pkl", "sha256": digest}
        floor["model_sha256"] = digest
    plan = waived(made.plan(), **floor)
    node = only(selftest(plan, plan.policies[0], objects=made.objects))

    # 0.6 of A are selected; to lose more than 0.25 beyond doubt takes a flip of 0.5
    assert trials(node, "flip")["A"].red == 0.50
    assert trials(only(gap), "flip")["A"].red == 0.30


def test_lost_evidence_is_red_against_the_baseline_alone(gate, tmp_path):
    from pytest_aipm.auditing.assemble import assemble

    made = gate({**GAP, "limit": {"max": 0.35}})
    without = only(made.test())
    plan = made.plan()
    (node,) = plan.policies[0].nodes()
    auditor = Auditor(plan, plan.policies[0], objects=made.objects)
    found = {plan.nodeid(plan.policies[0], node): auditor.finding(node)}
    record = assemble(plan, found, headers={"gate": auditor.header()})
    path = tmp_path / "aipm-baseline.json"
    write_baseline(record, path, by="me", reason="first", when="2024-01-01")
    approved = only(made.test())

    assert without.verdict == approved.verdict == "pass"
    assert [trial.red for trial in (*without.of("drop"), *without.of("thin"))] == [None] * 4
    assert approved.of("thin")[0].red is not None
    assert without.hidden is not None, "harm in few rows is undecided, and nobody notices"
    assert approved.hidden is None, "red does not turn green by fewer rows"
    assert not without.blind, "fewer rows are no harm to anybody"


def test_strict_projects_are_red_when_rows_cannot_tell(gate):
    made = gate(GAP)
    made.objects["data"] = made.objects["data"].iloc[::5]
    lax = only(made.test())
    made.settings["strict"] = True
    strict = only(made.test())

    assert (lax.verdict, lax.state) == ("inconclusive", "tried")
    assert (strict.verdict, strict.state) == ("inconclusive", "red")


def test_a_missing_group_is_noticed_where_groups_are_declared(gate, gap):
    declared = gate(GAP, protected={"team": {"column": "team", "groups": ["A", "B", "C"]}})

    assert {trial.red for trial in only(declared.test()).of("drop")} == {1.0}
    assert {trial.red for trial in only(gap).of("drop")} == {None}


# -- what cannot be measured -------------------------------------------------------------------


class Broken:
    classes_ = np.array([0, 1])
    feature_names_in_ = np.array(["x", "team"], dtype=object)

    def predict_proba(self, _):
        raise RuntimeError("no weights")


def test_a_model_that_crashes_is_said_once(gate):
    made = gate(GAP, {**GAP, "id": "again"})
    made.objects["model"] = Broken()
    with pytest.raises(MeasurementError) as caught:
        made.test()

    assert len(caught.value.problems) == 1
    assert "no weights" in str(caught.value)


def test_what_a_broken_model_leaves_measurable_is_tested(gate, other_people):
    made = gate(GAP, {"check": "privacy.train_test_overlap", "id": "overlap"})
    made.objects |= {"model": Broken(), "train": other_people}
    report = made.test()
    gap, overlap = report.nodes

    assert (gap.state, gap.trials) == ("error", ())
    assert "no weights" in gap.reason
    assert overlap.trials[0].red == 0.02
    assert not report.holds, "nobody can vouch for a check that was never measured"


def test_where_nobody_is_refused_nothing_can_be_flipped(gate):
    made = gate(decision={"threshold": 0.0})
    node = only(made.test())

    assert not node.of("flip")
    assert node.of("proxy")


def test_scores_that_the_rule_does_not_fit_are_shifted_where_nobody_decides(gate):
    made = gate({**GAP, "check": "fairness.score_gap"}, scores="score")
    made.objects = {"data": made.objects["data"].assign(score=made.objects["data"]["x"] * 50)}
    node = only(made.test(quick=True))

    assert node.state == "tried"
    assert {trial.harm for trial in node.trials if trial.conduct} == {"proxy"}


def test_numbers_without_a_decision_are_shifted_and_shuffled(gate):
    error = {"check": "fairness.group_metric", "id": "error", "metric": "mae", "by": "team"}
    made = gate({**error, "limit": {"max": 0.1}}, task="regression", decision=None, positive=None)
    made.content["subject"].pop("favorable")
    rows = made.objects["data"]
    made.objects = {"data": rows.assign(y=rows["x"], said=rows["x"])}
    made.content["subject"]["predictions"] = "said"
    node = only(made.test())

    assert {trial.harm for trial in node.trials if trial.conduct} == {"proxy", "degrade"}
    assert not node.blind


def test_many_groups_are_tried_at_both_ends(gate):
    made = gate()
    sizes = {f"g{i}": 40 + 10 * i for i in range(9)}
    x = np.concatenate([(np.arange(size) + 0.5) / size for size in sizes.values()])
    names = np.repeat(list(sizes), list(sizes.values()))
    made.objects["data"] = pd.DataFrame({"x": x, "team": names, "y": (x < 0.5).astype(int)})
    tried = set(trials(only(made.test()), "flip"))

    assert tried == {"g0", "g1", "g2", "g3", "g5", "g6", "g7", "g8"}


def test_people_of_no_known_group_are_no_group(gate):
    made = gate({**RATIO, "max_unknown": 0.5})
    made.objects["data"].loc[::5, "team"] = None

    assert set(trials(only(made.test(quick=True)), "flip")) == {"A", "C"}


def test_harm_to_one_group_is_tried_on_a_check_of_all_rows_that_nothing_else_moves(gate):
    auc = {"check": "performance.metric", "id": "auc", "metric": "roc_auc", "limit": {"min": 0.3}}
    node = only(gate(auc).test(quick=True))

    assert node.blind
    assert {trial.target for trial in node.of("flip")} == {"all rows", "A", "C"}
