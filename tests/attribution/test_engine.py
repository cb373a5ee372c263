"""Exact values against the definition, walks against exact values, and what is never touched."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest
from games import brute, people, tangled
from threadpoolctl import threadpool_info, threadpool_limits

from pytest_aipm.attribution import Budget, asked_twice, exact, players_of, walk
from pytest_aipm.attribution.asking import SMALL, BudgetSpent, asked
from pytest_aipm.errors import CheckError, ModelError
from pytest_aipm.stats.twoway import two_way


@pytest.fixture(scope="module")
def game():
    frame = people()
    return frame[:2].reset_index(drop=True), frame[100:104].reset_index(drop=True)


def test_enumeration_is_the_definition_for_every_type_of_column_and_both_outputs(game) -> None:
    rows, background = game
    values, output, base = exact(tangled, rows, background, players_of(rows.columns))
    one = rows[1:].reset_index(drop=True)
    assert np.abs(values[1] - brute(tangled, one, background)).max() < 1e-9
    assert values.sum(axis=1) == pytest.approx(output - base.mean(axis=0), abs=1e-12)


def test_a_group_of_columns_plays_as_one(game) -> None:
    rows, background = game
    players = players_of(rows.columns, {"who": ["amount", "region", "member"]})
    assert players.names == ("who", "count", "kind", "since", "ratio")
    values, _, _ = exact(tangled, rows, background, players)

    def joined(frame: pd.DataFrame) -> np.ndarray:
        return tangled(
            frame["who"].iloc[0].iloc[:0] if frame.empty else _apart(frame, rows.columns)
        )

    def packed(frame: pd.DataFrame) -> pd.DataFrame:
        own = frame.drop(columns=["amount", "region", "member"])
        own.insert(0, "who", [frame.iloc[[i]] for i in range(len(frame))])
        return own

    one = packed(rows[:1])
    assert values[0] == pytest.approx(brute(joined, one, packed(background)), abs=1e-9)


def _apart(frame: pd.DataFrame, columns) -> pd.DataFrame:
    who = pd.concat(list(frame["who"]), ignore_index=True)[["amount", "region", "member"]]
    rest = frame.drop(columns="who").reset_index(drop=True)
    return pd.concat([who, rest], axis=1)[list(columns)]


def test_every_walk_adds_up_and_their_mean_is_the_exact_value(game) -> None:
    rows, background = game
    players = players_of(rows.columns)
    known, _, _ = exact(tangled, rows, background, players)
    found = walk(tangled, rows, background, players, walks=3000, rng=np.random.default_rng(1))
    ends = found.output[:, None] - found.base[found.background]
    assert found.values.sum(axis=2) == pytest.approx(ends, abs=1e-12)
    error = found.values.std(axis=1) / np.sqrt(3000)
    assert (np.abs(found.mean - known) <= 4.5 * error + 1e-9).all()


def test_without_interactions_four_walks_are_exact_once_the_background_is_taken_out() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.normal(size=(300, 5)), columns=list("abcde"))

    def additive(part: pd.DataFrame) -> np.ndarray:
        return np.asarray(part["a"] ** 2 + np.sin(part["b"]) - 3 * part["c"])

    rows, background = frame[:250].reset_index(drop=True), frame[250:].reset_index(drop=True)
    found = walk(additive, rows, background, players_of("abcde"), walks=4, rng=rng)
    fit = two_way(found.values[..., 0], found.background, 50)
    terms = np.column_stack(
        [frame["a"] ** 2, np.sin(frame["b"]), -3 * frame["c"], *[[0.0] * 300] * 2]
    )
    assert fit.row == pytest.approx(terms[:250] - terms[250:].mean(axis=0), abs=1e-8)


def test_types_reach_the_function_as_they_were_and_nothing_else_changes(game, capfd) -> None:
    rows, background = game
    kept, seen = rows.copy(deep=True), []

    def ask(frame: pd.DataFrame) -> np.ndarray:
        seen.append(frame.dtypes.tolist())
        frame.loc[:, "amount"] = 0.0  # a model that scribbles on what it is given
        np.random.random()  # noqa: NPY002
        return np.ones(len(frame))

    random.seed(3)
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    players = players_of(rows.columns)
    walk(lambda frame: tangled(frame)[:, 0], rows, background, players, walks=2, rng=_rng())
    after = random.getstate(), np.random.get_state()  # noqa: NPY002
    assert states[0] == after[0]
    assert all(np.array_equal(a, b) for a, b in zip(states[1], after[1], strict=True))
    walk(ask, rows, background, players, walks=2, rng=_rng())
    assert all(each == rows.dtypes.tolist() for each in seen)
    pd.testing.assert_frame_equal(rows, kept)
    assert capfd.readouterr() == ("", "")


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_the_same_seed_gives_the_same_numbers_and_two_functions_meet_the_same_walks(game) -> None:
    rows, background = game
    players = players_of(rows.columns)
    one, two = (walk(tangled, rows, background, players, walks=3, rng=_rng()) for _ in range(2))
    assert (one.values == two.values).all()
    double = walk(lambda frame: 2 * tangled(frame), rows, background, players, walks=3, rng=_rng())
    assert double.values == pytest.approx(2 * one.values, abs=1e-12)
    assert (double.background == one.background).all()


def test_equal_values_are_not_asked_about_again() -> None:
    frame = pd.DataFrame({"a": np.arange(20.0), "b": 1, "c": "same", "d": np.arange(20.0) % 2})
    asked = []

    def ask(part: pd.DataFrame) -> np.ndarray:
        asked.append(len(part))
        return np.asarray(part["a"] * (1 + part["d"]))

    found = walk(ask, frame[:10], frame[10:], players_of("abcd"), walks=2, rng=_rng())
    assert (found.values[:, :, 1:3] == 0).all()
    # at most two columns differ: one mixed row for each of both ways of 20 walks, and the ends
    assert sum(asked) <= 20 + 2 * 20


def test_a_single_column_needs_no_mixed_row() -> None:
    frame = pd.DataFrame({"a": np.arange(6.0)})
    ask = lambda part: part["a"].to_numpy() ** 2  # noqa: E731
    values, _, _ = exact(ask, frame[:3], frame[3:], players_of("a"))
    found = walk(ask, frame[:3], frame[3:], players_of("a"), walks=3, rng=_rng())
    expected = np.arange(3.0) ** 2 - np.mean(np.arange(3.0, 6.0) ** 2)
    assert values[:, 0, 0] == pytest.approx(expected)
    assert found.values.shape == (3, 3, 1, 1)


def test_an_output_that_is_not_finite_is_an_error_with_its_count(game) -> None:
    rows, background = game
    with pytest.raises(ModelError, match="not finite for 6 of 6 rows"):
        walk(
            lambda frame: np.full(len(frame), np.nan),
            rows,
            background,
            players_of(rows.columns),
            walks=1,
            rng=_rng(),
        )


def test_an_output_of_another_length_is_an_error(game) -> None:
    rows, background = game
    with pytest.raises(ModelError, match="for 6 rows"):
        exact(lambda _: np.ones(3), rows, background, players_of(rows.columns))


def test_two_thousand_columns_end_at_the_budget_and_never_hang() -> None:
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(12, 2000)))
    wide.columns = [f"x{i}" for i in range(2000)]
    now = iter(np.arange(0.0, 1e6, 6.0))
    budget = Budget(10.0, clock=lambda: float(next(now)))
    players, slow = players_of(wide.columns), lambda part: part["x0"].to_numpy()
    with pytest.raises(BudgetSpent) as spent:
        walk(slow, wide[:6], wide[6:], players, walks=2, rng=_rng(), budget=budget)
    assert 0 <= spent.value.done < spent.value.total


def test_what_cannot_be_done_in_time_is_given_up_early() -> None:
    now = iter([0.0, 2.0])
    with pytest.raises(BudgetSpent):
        Budget(10.0, clock=lambda: next(now)).check(1, 100)
    now = iter([0.0, 0.5])
    Budget(10.0, clock=lambda: next(now)).check(1, 100)
    Budget(None).check(1, 100)


def test_a_slow_start_is_not_held_against_steps_that_are_fast() -> None:
    # nine of ten seconds went to something else; the steps take a tenth of a second each
    now = iter([0.0, 9.0, 9.1, 9.2, 9.3, 10.1])
    budget = Budget(10.0, clock=lambda: next(now))
    for done in range(4):
        budget.check(done, 20)
    with pytest.raises(BudgetSpent, match="3 of 20 rows"):
        budget.call()


def test_a_function_that_takes_very_long_is_asked_in_small_calls(monkeypatch) -> None:
    from pytest_aipm.attribution import hybrids

    frame = pd.DataFrame(_rng().normal(size=(60, 5)), columns=list("abcde"))
    now, sizes = [0.0], []
    monkeypatch.setattr(hybrids.time, "monotonic", lambda: now[0])

    def slow(part: pd.DataFrame) -> np.ndarray:
        sizes.append(len(part))
        now[0] += 0.05 * len(part)
        return part["a"].to_numpy()

    budget = Budget(20.0, clock=lambda: now[0])
    with pytest.raises(BudgetSpent):
        walk(slow, frame[:40], frame[40:], players_of(frame), walks=4, rng=_rng(), budget=budget)
    assert sizes[0] == 60
    assert max(sizes[1:]) <= 100_000 // 1000
    assert now[0] < 20 + 10, "one call, at most, goes beyond the budget"


def test_whether_a_model_repeats_itself_is_measured() -> None:
    frame = pd.DataFrame({"a": np.arange(90.0)})
    rng = np.random.default_rng(0)
    assert asked_twice(lambda part: part["a"].to_numpy(), frame) == 0.0
    assert 0 < asked_twice(lambda part: rng.random(len(part)), frame) <= 1
    fixed = lambda part: np.random.default_rng(5).random(len(part))  # noqa: E731
    assert asked_twice(fixed, frame) > 0
    assert asked_twice(lambda part: part["a"].rank().to_numpy(), frame) > 0


def test_small_calls_run_on_one_thread_and_large_ones_on_all_there_are() -> None:
    frame = pd.DataFrame({"a": np.arange(float(SMALL))})
    seen: list[int] = []

    def ask(part: pd.DataFrame) -> np.ndarray:
        seen.append(max(each["num_threads"] for each in threadpool_info()))
        return part["a"].to_numpy()

    # the matrix library of numpy is loaded, so there is something to hold back
    with threadpool_limits(limits=2):
        asked(ask, frame[:10])
        asked(ask, frame)
        assert max(each["num_threads"] for each in threadpool_info()) == 2
    assert seen == [1, 2]


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ({"g": []}, "names no column"),
        ({"g": ["a", "z"]}, "'z' of 'g' is not an input"),
        ({"g": ["a"], "h": ["a", "b"]}, "'a' is in two groups"),
        ({"b": ["a"]}, "called like a column it lacks"),
    ],
)
def test_groups_that_are_none_are_refused(groups, said) -> None:
    with pytest.raises(CheckError, match=said):
        players_of("abc", groups)
