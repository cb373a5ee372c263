"""What the explain family finds out: hidden use, proxies that cancel, drift, noise, no time."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from explained_models import COLUMNS, Scored, audited, finding, people, scaffolded

from pytest_aipm.evidence.shaken import FOLDS, Shaken
from pytest_aipm.records import Because, Verdict
from pytest_aipm.report.publish import publishable
from pytest_aipm.stats.effective import jackknifed_size


def plain(frame: pd.DataFrame) -> np.ndarray:
    return 0.3 + 0.2 * frame["income"] + 0.2 * frame["debt"] + 0.0 * (frame["sex"] == "f")


class TestAScaffold:
    frame = people(400, 1)
    model = scaffolded(frame)

    def test_it_hides_sex_from_the_share_and_is_flagged_in_words(self) -> None:
        found = finding(self.model, self.frame, "attribution_share", by="sex", limit={"max": 0.9})
        assert found.value < 0.4
        assert (found.verdict, found.because) == (Verdict.FAIL, Because.UNTRUSTED)
        assert "the attributions hide sex: 100 of 100 decisions change" in found.reason
        assert "share of attribution" in str(found.notes)

    def test_the_gap_check_flags_it_too(self) -> None:
        found = finding(self.model, self.frame, "gap_decomposition", by="sex", limit={"max": 0.99})
        assert (found.verdict, found.because) == (Verdict.FAIL, Because.UNTRUSTED)

    @pytest.mark.parametrize("seed", range(4))
    def test_an_honest_model_on_sex_is_never_flagged_as_one_that_hides(self, seed) -> None:
        frame = people(400, seed)
        rules = {
            "alone": lambda given: np.where(given["sex"] == "f", 0.2, 0.8),
            "beside": lambda given: (
                0.2 + 0.25 * (given["sex"] == "m") + 0.1 * given[COLUMNS[1:]].sum(axis=1) / 2
            ),
            "tangled": lambda given: np.where(
                (given["sex"] == "m") & (given["income"] > 0.4) | (given["debt"] < 0.1), 0.9, 0.2
            ),
            "tree": lambda given: np.where(
                given["income"] > 0.7,
                0.9,
                np.where(given["sex"] == "m", 0.3 + 0.5 * (given["debt"] < 0.6), 0.2),
            ),
        }
        for name, rule in rules.items():
            model = Scored(rule, COLUMNS)
            found = finding(model, frame, "attribution_share", by="sex", limit={"max": 0.999})
            assert found.because is not Because.UNTRUSTED, (name, found.reason)


def test_two_proxies_with_equal_selection_rates_are_told_by_equal_treatment_alone() -> None:
    rng = np.random.default_rng(0)
    frame = people(1500, 2)
    female = (frame["sex"] == "f").to_numpy()
    frame["zip"] = female * 0.5 + rng.uniform(0, 0.5, 1500)
    frame["rent"] = female * 0.5 + rng.uniform(0, 0.5, 1500)
    model = Scored(
        lambda given: 0.2 + 0.6 * given["income"] + 0.3 * (given["zip"] - given["rent"]),
        COLUMNS[1:],
    )
    checks = [
        {"check": "explain.equal_treatment", "by": "sex", "limit": {"max": 0.55}},
        {"check": "fairness.demographic_parity_difference", "by": "sex", "limit": {"max": 0.10}},
        {"check": "explain.attribution_share", "by": "sex", "limit": {"max": 0.05}},
    ]
    found = {each.check: each for each in audited(model, frame, checks).findings}
    told, parity, share = found.values()
    assert told.verdict is Verdict.FAIL
    assert told.value > 0.9
    assert parity.verdict is not Verdict.FAIL
    assert abs(parity.value) < 0.10
    assert share.verdict is Verdict.NOT_JUDGED
    assert "see explain.proxy_reliance" in share.reason


class TestDrift:
    def test_against_a_champion_the_same_rows_and_walks_are_compared(self, tmp_path) -> None:
        frame = people(600, 3)
        (tmp_path / "old.py").write_text(
            "import sys\nsys.path.insert(0, {!r})\n".format(str(__file__).rsplit("/", 1)[0])
            + "from explained_models import COLUMNS, Scored\n"
            "def model():\n"
            "    return Scored(lambda f: 0.3 + 0.2 * f['income'] + 0.2 * f['debt'], COLUMNS)\n"
        )
        import pytest_aipm

        policy = {
            "aipm": 1,
            "name": "drift",
            "context": {"purpose": "compare", "owner": "tests@example.org"},
            "subject": {
                "task": "binary",
                "label": "y",
                "positive": 1,
                "protected": {"sex": "sex"},
                "champion": "old:model",
            },
            "checks": [{"check": "explain.attribution_drift", "limit": {"max": 0.05}}],
        }
        same = Scored(plain, COLUMNS)
        moved = Scored(lambda given: plain(given) + 0.1 * given["age"], COLUMNS)
        verdicts = {}
        for name, model in (("same", same), ("moved", moved)):
            record = pytest_aipm.audit(policy, model=model, data=frame, root=tmp_path)
            (verdicts[name],) = record.findings
        assert verdicts["same"].verdict is Verdict.PASS
        assert verdicts["same"].value == pytest.approx(0.0, abs=1e-9)
        assert verdicts["moved"].verdict is Verdict.FAIL
        # age takes a fifth: 0.1 of 0.5
        assert verdicts["moved"].value == pytest.approx(0.2, abs=0.02)
        assert "age moved from 0 to" in verdicts["moved"].reason


def test_a_model_that_draws_lots_is_said_with_its_noise() -> None:
    frame = people(300, 4)
    rng = np.random.default_rng(0)
    model = Scored(lambda given: plain(given) + 0.1 * rng.random(len(given)), COLUMNS)
    found = finding(model, frame, "attribution_share", by="sex", limit={"max": 0.5})
    assert "the model is not deterministic: asked again" in str(found.notes)
    assert finding(model, frame, "additivity").verdict is Verdict.FAIL


class TestABudget:
    frame = people(200, 5)
    model = Scored(plain, COLUMNS)

    @pytest.mark.parametrize(
        ("check", "keys"),
        [
            ("attribution_share", {"by": "sex"}),
            ("gap_decomposition", {"by": "sex", "limit": {"max": 0.1}}),
            ("equal_treatment", {"by": "sex"}),
            ("proxy_reliance", {"by": "sex"}),
            ("monotone", {"helps": ["income"]}),
            ("direction", {"helps": ["income"]}),
            ("parsimony", {"limit": {"max": 3}}),
            ("additivity", {}),
            ("importance", {"of": ["income"], "limit": {"max": 0.1}}),
            ("attribution_drift", {"approved": {"income": 0.5, "debt": 0.5}}),
            ("reason_codes", {"phrases": {"income": "Low income"}}),
            ("protected_flip", {"by": "sex"}),
            ("surrogate_fidelity", {"limit": {"min": 0.5}}),
        ],
    )
    def test_that_is_spent_is_inconclusive_and_never_a_pass(self, check, keys) -> None:
        record = audited(
            self.model, self.frame, [{"check": f"explain.{check}", "budget_s": 1e-9, **keys}]
        )
        (found,) = record.findings
        assert (found.verdict, found.because) == (Verdict.INCONCLUSIVE, Because.NO_EVIDENCE)
        assert "budget_s" in found.reason
        assert record.verdict == "unproven"
        json.loads(publishable(record).to_json())

    def test_can_be_told_to_fail(self) -> None:
        keys = {"check": "explain.parsimony", "limit": {"max": 3}, "on_inconclusive": "fail"}
        record = audited(self.model, self.frame, [{**keys, "budget_s": 1e-9}])
        assert record.verdict == "fail"


def test_many_columns_are_answered_with_how_to_mend_it() -> None:
    rng = np.random.default_rng(0)
    wide = pd.DataFrame(rng.normal(size=(60, 700)), columns=[f"x{i}" for i in range(700)])
    wide = wide.assign(sex=rng.choice(["f", "m"], 60), y=rng.integers(0, 2, 60))
    features = [f"x{i}" for i in range(700)]
    model = Scored(lambda given: 0.5 + 0.1 * given["x0"].to_numpy(), features)
    checks = [{"check": "explain.parsimony", "limit": {"max": 3}, "budget_s": 0.5}]
    (found,) = audited(model, wide, checks).findings
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "group columns under `players`" in found.reason
    groups = {"rest": features[1:]}
    checks = [{"check": "explain.parsimony", "limit": {"max": 1}, "players": groups}]
    (found,) = audited(model, wide, checks).findings
    assert (found.verdict, found.value) == (Verdict.PASS, 1.0)


def test_a_policy_of_predictions_is_refused_at_the_line(tmp_path) -> None:
    import pytest_aipm

    (tmp_path / "p.aipm.yaml").write_text(
        "aipm: 1\nname: p\ncontext: {purpose: x, owner: o@example.org}\n"
        "subject: {task: binary, predictions: y, positive: 1, data: d.csv, protected: {sex: sex}}\n"
        "checks:\n  - {check: explain.attribution_share, by: sex}\n"
    )
    (tmp_path / "d.csv").write_text("y,sex\n1,f\n0,m\n")
    with pytest.raises(pytest_aipm.UsageFault, match=r":6:.*needs a model it can call"):
        pytest_aipm.audit(tmp_path / "p.aipm.yaml", root=tmp_path)


def test_hostile_names_of_columns_are_kept_in_their_place(tmp_path) -> None:
    evil = "<script>alert(1)</script>\u202e"
    frame = people(200, 6).rename(columns={"income": evil})
    columns = [evil if name == "income" else name for name in COLUMNS]
    model = Scored(lambda given: 0.2 + 0.6 * given[evil], columns)
    checks = [
        {"check": "explain.attribution_share", "by": "sex"},
        {"check": "explain.gap_decomposition", "by": "sex", "limit": {"max": 0.1}},
        {"check": "explain.reason_codes", "phrases": {evil: "<b>low</b> " + "x" * 10_000}},
    ]
    record = audited(model, frame, checks)
    record.write(tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "<b>low</b>" not in page
    assert "\u202e" not in page
    assert "x" * 1000 not in page


def test_small_groups_are_withheld_where_attributions_are_published() -> None:
    frame = people(300, 7)
    frame.loc[:2, "sex"] = "x"
    model = Scored(lambda given: 0.2 + 0.3 * (given["sex"] == "m") + 0.3 * given["income"], COLUMNS)
    checks = [{"check": "explain.gap_decomposition", "by": "sex", "limit": {"max": 0.1}}]
    record = audited(model, frame, checks)
    shown = publishable(record).findings[0]
    small = next(group for group in shown.groups if group.group == {"sex": "x"})
    assert small.n == 3
    assert small.value is None
    assert shown.series == ()


def test_importance_is_what_dealing_the_column_by_hand_gives() -> None:
    frame = people(3000, 8)
    frame["y"] = (frame["income"] > 0.5).astype(int)
    model = Scored(lambda given: given["income"], COLUMNS)
    keys = {"of": ["income"], "limit": {"min": 0.1}, "rows": 3000}
    rng = np.random.default_rng(1)
    right = frame["y"].to_numpy()
    dealt = [
        np.mean((rng.permutation(frame["income"].to_numpy()) >= 0.5) == right) for _ in range(200)
    ]
    found = finding(model, frame, "importance", metric="accuracy", **keys)
    assert found.value == pytest.approx(1 - np.mean(dealt), abs=0.02)
    brier = finding(model, frame, "importance", metric="brier", **keys)
    x = frame["income"].to_numpy()
    by_hand = np.mean([np.mean((rng.permutation(x) - right) ** 2) for _ in range(200)])
    assert brier.value == pytest.approx(by_hand - np.mean((x - right) ** 2), abs=0.01)


def test_the_interval_of_stability_knows_that_rows_give_their_own_scale() -> None:
    """A rate above a multiple of its own median, against the spread over samples."""
    rng, told, plain, shares = np.random.default_rng(0), [], [], []
    for _ in range(300):
        # heavy from below: where the median lies says how many are far above it
        size = rng.lognormal(0, 0.5, 200)
        noise = rng.lognormal(0, 0.4, 200)
        fold = rng.permutation(200) % FOLDS
        medians = np.array([np.median(size[fold != k]) for k in range(FOLDS)])
        one = Shaken(noise / np.median(size), fold, noise[None] / medians[:, None])
        share = float((one.relative > 1.3).mean())
        rows = jackknifed_size(share, 200.0, one.shares(1.3, np.ones(200)), 0.05)
        shares.append(share)
        told.append(np.sqrt(share * (1 - share) / rows))
        plain.append(np.sqrt(share * (1 - share) / 200))
    assert np.mean(plain) < 0.95 * np.std(shares)
    assert 0.95 * np.std(shares) < np.mean(told) < 1.35 * np.std(shares)
