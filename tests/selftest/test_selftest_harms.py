"""What is planted: it only grows, it is what it says it is, and nobody else's rows are touched."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_aipm.selftest.harms import HARMS, Target, plant
from pytest_aipm.selftest.models import members

TEAM_B = (("team", "B"),)


@pytest.fixture
def base(gate, other_people):
    """A base with training rows."""
    made = gate({"check": "privacy.membership_inference", "id": "known"})
    made.objects["train"] = other_people
    return made.base()


def told(world):
    """What is said about each row, by the number it has in the base."""
    return world.frame["aipm:scores"].to_numpy()


@pytest.mark.parametrize("harm", ["flip", "degrade", "proxy"])
@pytest.mark.parametrize("group", [TEAM_B, ()])
def test_a_smaller_harm_is_part_of_a_larger_one(base, harm, group):
    target = Target(harm, group)
    before = told(base.world)
    changed = np.zeros(len(before), bool)
    for share in HARMS[harm].strengths:
        now = told(plant(base, target, share, 3)) != before
        assert (now | ~changed).all(), "what was changed stays changed"
        assert not now[~members(base.subject, group, base.frame)].any()
        assert harm == "proxy" or now.sum() > changed.sum()
        changed = now


@pytest.mark.parametrize("target", [Target("drop", TEAM_B), Target("thin")], ids=str)
def test_rows_that_are_missing_stay_missing(base, target):
    left = set(base.frame.index)
    for share in HARMS[target.harm].strengths:
        kept = set(plant(base, target, share, 3).frame.index)
        assert kept < left
        left = kept


def test_so_many_favorable_decisions_of_a_group_become_unfavorable(base):
    inside = members(base.subject, TEAM_B, base.frame)
    for share in HARMS["flip"].strengths:
        granted = told(plant(base, Target("flip", TEAM_B), share, 0)) >= 0.4
        lost = base.favorable & ~granted
        assert lost.sum() == round(share * 720), "B has 1,200 rows, and 0.6 of them are selected"
        assert not lost[~inside].any()
        assert not (granted & ~base.favorable).any()


def test_a_model_that_leans_scores_a_group_like_people_who_stand_lower(base):
    inside = members(base.subject, TEAM_B, base.frame)
    scores = told(plant(base, Target("proxy", TEAM_B), 0.20, 0))
    shift = told(base.world)[inside] - scores[inside]

    # scores are spread evenly over [0, 1], so a fifth of the rows is a fifth of the scale
    lowest = scores[inside].min()
    assert shift[scores[inside] > lowest] == pytest.approx(0.20, abs=0.001)


def test_the_model_that_leans_says_the_same_as_the_rows_do(base):
    world = plant(base, Target("proxy", TEAM_B), 0.20, 0)
    features = base.evidence.feature_columns()

    asked = world.model.predict(base.frame[features], labels=False).scores

    assert np.array_equal(asked, told(world))


def test_a_model_without_scores_refuses_some_members(gate, namer):
    made = gate(decision=None)
    made.objects["model"] = namer
    base = made.base()
    world = plant(base, Target("proxy", TEAM_B), 0.20, 0)
    features = base.evidence.feature_columns()

    labels = world.frame["aipm:predictions"].to_numpy()
    lost = base.favorable & (labels == 0)

    assert lost.sum() / 720 == pytest.approx(0.20, abs=0.05)
    assert not lost[~members(base.subject, TEAM_B, base.frame)].any()
    assert np.array_equal(world.model.predict(base.frame[features]).labels, labels)


def test_leaked_rows_are_training_rows_with_their_label(base, other_people):
    world = plant(base, Target("leak", place="rows"), 0.10, 0)
    columns = ["x", "team", "y"]
    known = set(map(tuple, other_people[columns].to_numpy().tolist()))

    leaked = [tuple(row) in known for row in world.frame[columns].to_numpy().tolist()]

    assert sum(leaked) == 400


def test_what_is_known_by_heart_is_said_with_the_best_score(base, other_people):
    world = plant(base, Target("leak", place="model"), 0.30, 0)
    features = base.evidence.feature_columns()

    scores = world.model.predict(other_people[features], labels=False).scores
    own = base.evidence.model.predict(other_people[features], labels=False).scores
    best = np.where(other_people["y"] == 1, base.said.scores.max(), base.said.scores.min())
    known = scores != own

    assert known.sum() == pytest.approx(1200, abs=3), "a few are at the ends anyway"
    assert np.array_equal(scores[known], best[known])
    unseen = world.model.predict(base.frame[features], labels=False).scores
    assert np.array_equal(unseen, base.said.scores)


@pytest.mark.parametrize("harm", HARMS)
def test_the_same_seed_harms_the_same_rows_and_the_base_stays_as_it_is(base, harm):
    target = Target(harm, place="rows" if harm == "leak" else "group")
    before = base.frame.copy(deep=True)

    first, again, other = (plant(base, target, 0.10, seed).frame for seed in (1, 1, 2))

    assert first.equals(again)
    assert harm == "proxy" or not first.equals(other)
    assert base.frame.equals(before)
    assert not first.equals(before)
