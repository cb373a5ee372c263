"""Single rows: the sampler is unbiased and exact where it can be, and knows its own error."""

from __future__ import annotations

import importlib
import itertools

import numpy as np
import pandas as pd
import pytest
from games import people, tangled

from pytest_aipm.attribution import Budget, exact, local, players_of, walk
from pytest_aipm.attribution import coalitions as chosen_ones
from pytest_aipm.attribution.asking import BudgetSpent
from pytest_aipm.attribution.design import design
from pytest_aipm.attribution.exact import weigh
from pytest_aipm.attribution.hybrids import Pool
from pytest_aipm.attribution.local import Chosen


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("q", [3, 4, 5, 6, 7])
def test_over_all_orders_of_the_players_a_design_gives_the_shapley_values_of_any_game(q) -> None:
    game = rng(q).normal(size=2**q)  # every coalition its own value: all interactions there are
    known = weigh(game[None, :, None], q)[0, :, 0]
    plan, names, total = 0.0, 1 << np.arange(q), game[-1:] - game[:1]
    orders = list(itertools.permutations(range(q)))
    for order in orders:
        members = design(q).members[:, order]
        gaps = game[members @ names] - game[~members @ names]
        values = design(q).values(gaps[None], total)[0, list(order)]
        assert values.sum() == pytest.approx(total[0])
        plan = plan + values / len(orders)
    assert plan == pytest.approx(known, abs=1e-10)


@pytest.mark.parametrize("q", [3, 7, 12, 20, 33, 64])
def test_a_design_is_exact_where_two_players_interact_and_nearly_as_good_as_can_be(q) -> None:
    plan, source = design(q), rng(q)
    alone, together = source.normal(size=q), np.triu(source.normal(size=(q, q)), 1)

    def value(members: np.ndarray) -> np.ndarray:
        x = members.astype(float)
        return np.asarray(x @ alone + np.einsum("si,ij,sj->s", x, together, x))

    gaps = value(plan.members) - value(~plan.members)
    known = alone + (together.sum(axis=0) + together.sum(axis=1)) / 2
    found = plan.values(gaps[None], np.array([known.sum()]))[0]
    assert found == pytest.approx(known, abs=1e-9 * q)
    sizes = plan.members.sum(axis=1)
    assert (np.bincount(sizes, minlength=q)[1:q] == 2).all()
    # the least variance there can be of these sizes is that of directions at right angles
    best = (q - 1) ** 2 / (4 * sizes * (q - sizes)) / len(sizes) ** 2 * q * (q - 1) / (q - 1)
    assert np.sum(plan.weights**2) / np.sum(best) < (1.25 if q < 7 else 1.15)


def three_way(part: pd.DataFrame) -> np.ndarray:
    x = part.to_numpy()
    return np.asarray(5 * x[:, 0] + 3 * x[:, 1] * x[:, 2] * x[:, 3] + x[:, 4] * x[:, 5])


def test_single_rows_are_sampled_until_their_largest_are_known() -> None:
    frame = pd.DataFrame(rng(4).normal(size=(60, 12)), columns=[f"x{i}" for i in range(12)])
    rows, background = frame[:40].reset_index(drop=True), frame[40:48].reset_index(drop=True)
    # x0, the two and the three that interact are games apart: each has its known values
    known, _, _ = exact(
        three_way,
        rows,
        background,
        players_of(frame.columns, {"rest": [f"x{i}" for i in range(6, 12)]}),
    )
    truth = np.concatenate([known[:, :6, 0], np.zeros((40, 6))], axis=1)
    players = players_of(frame.columns)
    more = [local(three_way, rows, background, players, k=1, rng=rng(i)) for i in range(30)]
    values = np.array([each.values for each in more])
    assert values.sum(axis=2) == pytest.approx(more[0].output - np.full(30, more[0].base)[:, None])
    away = ((values - truth) ** 2).mean(axis=0)
    told = np.mean([each.error**2 for each in more], axis=0)
    assert away.sum() == pytest.approx(told.sum(), rel=0.15)
    # unbiased: thirty runs together are as near as chance allows
    pull = (values.mean(axis=0) - truth) / np.sqrt(np.maximum(told / 30, 1e-30))
    assert np.mean(pull[told > 1e-20] ** 2) == pytest.approx(1, abs=0.3)
    halves = np.array([each.halves for each in more]) - truth[:, None]
    apart = halves[:, :, 0].reshape(-1), halves[:, :, 1].reshape(-1)
    assert abs(np.corrcoef(*apart)[0, 1]) < 0.05
    sure = np.array([np.argmax(each.values, axis=1) for each in more])
    settled = np.array([each.settled for each in more])
    assert settled.mean() > 0.5
    assert (sure == np.argmax(truth, axis=1))[settled].mean() >= 0.95
    assert {int(w) for each in more for w in each.walks} <= {32, 64}
    assert {each.way for each in more} == {"coalitions"}
    assert all((each.walks == 2 * 8 * each.rounds).all() for each in more)
    assert all((each.walks[~each.settled] == 64).all() for each in more)


def test_what_is_nearly_a_tie_is_rarely_called_settled() -> None:
    # the first three columns are worth the same to everyone, whatever their values
    frame = pd.DataFrame(rng(8).normal(size=(416, 12)), columns=[f"x{i}" for i in range(12)])
    frame.iloc[:400, :3], frame.iloc[400:, :3] = 1.0, 0.0

    def tied(part: pd.DataFrame) -> np.ndarray:
        x = part.to_numpy()
        return np.asarray(4 * x[:, :3].sum(axis=1) + np.sign(x).prod(axis=1) * x[:, :3].sum(axis=1))

    found = local(tied, frame[:400], frame[400:], players_of(frame.columns), k=1, rng=rng(1))
    assert found.settled.mean() < 0.15  # the largest of three is above the next by selection


def test_equal_values_are_worth_nothing_and_few_that_differ_are_enumerated() -> None:
    frame = people()
    wide = pd.concat([frame, frame.add_suffix("_2")], axis=1)
    wide[[f"same{i}" for i in range(4)]] = 1
    rows, background = wide[:12].reset_index(drop=True), wide[100:106].reset_index(drop=True)
    asked = []

    def ask(part: pd.DataFrame) -> np.ndarray:
        assert part.dtypes.tolist() == rows.dtypes.tolist()
        asked.append(len(part))
        return np.asarray(tangled(part[list(frame.columns)])[:, 0])

    players = players_of(wide.columns)
    one = local(ask, rows, background, players, k=2, rng=rng())
    assert (one.values[:, -4:] == 0).all()
    assert (one.error[:, -4:] == 0).all()
    # who has no part in it is worth nothing but the error
    assert 0.5 < np.mean(one.values[:, 8:-4] ** 2) / np.mean(one.error[:, 8:-4] ** 2) < 2
    second = [f"{name}_2" for name in frame.columns]
    same = [f"same{i}" for i in range(4)]
    near = background.copy()
    near[list(frame.columns[3:])] = rows[list(frame.columns[3:])].iloc[:1].to_numpy()[0]
    near = near.astype(rows.dtypes.to_dict())
    asked.clear()
    found = local(ask, rows[:1], near, players_of(wide.columns, {"second": second}), k=2, rng=rng())
    # three columns and the group differ: 14 mixed rows for each background row, and the ends
    assert sum(asked) <= 6 * 14 + 7
    fewer = players_of(wide.columns, {"rest": [*second, *same]})
    truth, _, _ = exact(ask, rows[:1], near, fewer)
    assert found.values[:, : len(fewer)] == pytest.approx(truth[:, :, 0], abs=1e-9)
    assert found.error.max() < 1e-12


def test_many_players_are_walked_and_agree(monkeypatch) -> None:
    frame = pd.DataFrame(rng(3).normal(size=(30, 12)), columns=[f"x{i}" for i in range(12)])
    players = players_of(frame.columns)
    rows, background = frame[:20].reset_index(drop=True), frame[20:].reset_index(drop=True)
    one = local(three_way, rows, background, players, k=1, rng=rng())
    module = importlib.import_module("pytest_aipm.attribution.local")
    monkeypatch.setattr(module, "MOST_REGRESSED", 5)
    two = local(three_way, rows, background, players, k=1, rng=rng())
    assert (one.way, two.way) == ("coalitions", "walks")
    assert np.abs(one.values - two.values).max() > 0
    told = np.mean(one.error**2 + two.error**2)
    assert 0.5 < np.mean((one.values - two.values) ** 2) / told < 2
    wide = pd.DataFrame(rng(0).normal(size=(10, 70)), columns=[f"x{i}" for i in range(70)])
    monkeypatch.undo()
    found = local(three_way, wide[:4], wide[4:], players_of(wide.columns), k=1, rng=rng())
    assert found.values.sum(axis=1) == pytest.approx(found.output - found.base, abs=1e-9)


def test_coalitions_stop_at_the_budget(monkeypatch) -> None:
    monkeypatch.setattr(chosen_ones, "BLOCK", 1000)
    frame = pd.DataFrame(rng(0).normal(size=(60, 12)), columns=[f"x{i}" for i in range(12)])
    now = iter(np.arange(0.0, 1e6, 6.0))
    budget = Budget(10.0, clock=lambda: float(next(now)))
    with pytest.raises(BudgetSpent):
        local(three_way, frame[:40], frame[40:], players_of(frame), k=1, rng=rng(), budget=budget)


def test_coalitions_beat_walks_at_the_same_number_of_mixed_rows() -> None:
    frame = pd.DataFrame(rng(4).normal(size=(36, 14)), columns=[f"x{i}" for i in range(14)])
    asked = []

    def rough(part: pd.DataFrame) -> np.ndarray:
        x = part.to_numpy()
        asked.append(len(x))
        return np.asarray(np.floor(x[:, :8].sum(axis=1)) + 0.3 * np.sign(x[:, 4:].prod(axis=1)))

    rows, background = frame[:20].reset_index(drop=True), frame[20:].reset_index(drop=True)
    players = players_of(frame.columns)
    pool = Pool(rows, background, players)
    ends = pool.ends(rough, Budget())[:, 0]
    asked.clear()
    many = Chosen(rough, pool, ends, most=8, rng=rng())
    own = many.rounds(np.arange(20), 8, Budget())
    assert sum(asked) == 20 * 16 * 8 * 4 * 13
    ours = own.var(axis=1, ddof=1).mean()
    walks = walk(rough, rows, background, players, walks=16 * 16, rng=rng())
    met = np.argsort(walks.background, axis=1, kind="stable")
    pairs = np.take_along_axis(walks.values[..., 0], met[:, :, None], axis=1)
    # dealt out evenly, so sorted they lie together: two pairs of walks cost one round
    groups = [
        pairs[i][np.sort(walks.background[i]) == b].var(axis=0, ddof=1).mean() / 2
        for i in range(20)
        for b in range(16)
        if np.sum(walks.background[i] == b) > 4
    ]
    assert ours < 0.7 * np.mean(groups)


def test_small_games_are_enumerated() -> None:
    frame = pd.DataFrame(rng(0).normal(size=(30, 4)), columns=list("abcd"))
    ask = lambda part: part["a"].to_numpy() * part["b"].to_numpy()  # noqa: E731
    found = local(ask, frame[:10], frame[10:], players_of("abcd"), k=2, rng=rng())
    assert found.settled.all()
    assert (found.walks.max(), found.way) == (0, "enumeration")
    assert (found.error == 0).all()
    assert found.values == pytest.approx(found.halves[:, 0])
