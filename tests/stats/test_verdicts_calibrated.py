"""A small sibling of `benchmarks/calibration.py`: the same functions, fixed seeds, fewer runs.

The whole grid with 20,000 runs a cell is in docs/calibration.md.
"""

from __future__ import annotations

import pytest
from calibration import DIFFERENCE, FAMILIES, Family, fair, false_fails, false_passes, power
from harness import bound

RUNS = 1_000
CELLS = [
    (family, shape, base)
    for family in FAMILIES
    for shape, base in (("60/18/13/6/3", 0.4), ("one group of 5", 0.1))
]


@pytest.mark.parametrize(
    ("family", "shape", "base"), CELLS, ids=[f"{f.name} {s}" for f, s, _ in CELLS]
)
def test_a_model_exactly_at_its_limit_fails_in_at_most_one_of_twenty_samples(
    family: Family, shape: str, base: float
) -> None:
    found, split, _ = false_fails(family, shape, 1_000, base, (40, RUNS))
    assert found.runs == RUNS
    assert found.breach <= bound(RUNS, len(CELLS)), split


def test_a_gate_that_looks_at_the_estimate_alone_fails_two_of_three_fair_models() -> None:
    _, point = fair("60/18/13/6/3", 1_000, RUNS)
    assert point > 0.6


def test_a_fair_model_is_almost_never_red() -> None:
    found, _ = fair("60/18/13/6/3", 1_000, RUNS)
    assert found.share("breach") <= 0.01


def test_a_group_treated_much_worse_is_found_more_often_than_by_bonferroni() -> None:
    found, bonferroni = power("60/18/13/6/3", 1_000, RUNS)
    assert found.share("breach") >= 0.62
    assert found.share("breach") > bonferroni + 0.08


@pytest.mark.parametrize("kind", ["difference", "ratio"])
@pytest.mark.parametrize("shape", ["90/10", "60/18/13/6/3"])
def test_proof_of_what_is_not_so_is_rare(kind: str, shape: str) -> None:
    found, pair = false_passes(kind, shape, 1_000, 0.4, (40, RUNS))
    assert found.holds <= bound(RUNS, 4), pair


def test_verdicts_of_a_cell_do_not_depend_on_the_run() -> None:
    one, two = (false_fails(DIFFERENCE, "90/10", 200, 0.4, (20, 200)) for _ in range(2))
    assert (one[0].breach, one[1]) == (two[0].breach, two[1])
