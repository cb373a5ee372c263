"""What holds for every rate check, whatever the counts: the whole engine, on small random data."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from measuring import from_counts, measure

import pytest_aipm
from pytest_aipm.catalog import Catalog
from pytest_aipm.judge import Rules, judge
from pytest_aipm.records import Finding, Limit, Verdict
from pytest_aipm.stats.estimate import Numbers

Counts = dict[str, tuple[int, int, int, int]]

RATES = (
    "demographic_parity",
    "equal_opportunity",
    "false_positive_rate",
    "false_negative_rate",
    "predictive_parity",
    "accuracy",
)
DIFFERENCES = tuple(f"fairness.{name}_difference" for name in (*RATES, "equalized_odds"))
RATIOS = tuple(f"fairness.{name}_ratio" for name in (*RATES, "equalized_odds"))
FLOOR = "performance.metric"
NAMES = ("a", "b", "c", "d")


def test_every_rate_check_of_the_catalogue_is_held_to_the_invariants() -> None:
    named = {name for name in Catalog().names() if name.endswith(("_difference", "_ratio"))}
    named -= {"fairness.exposure_difference", "fairness.exposure_ratio"}  # of places, no rates
    assert named == {*DIFFERENCES, *RATIOS}


@st.composite
def counts(draw: st.DrawFn, *, least: int = 0, most: int = 25) -> Counts:
    """Two to four groups of any mix, empty cells included; both classes occur somewhere."""
    groups = draw(st.integers(2, 4))
    cell = st.integers(least, most)
    drawn = {name: (draw(cell), draw(cell), draw(cell), draw(cell)) for name in NAMES[:groups]}
    times = draw(st.sampled_from([1, 1, 12]))
    found = {name: tuple(times * x for x in each) for name, each in drawn.items() if any(each)}
    total = np.sum(list(found.values()), axis=0) if found else np.zeros(4)
    assume(len(found) >= 2 and min(total[0] + total[1], total[2] + total[3]) > 0)
    return found  # type: ignore[return-value]


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def audit(
    rows: pd.DataFrame, checks: list[dict[str, Any]], root: Path, seed: int = 0
) -> dict[str, Finding]:
    record = pytest_aipm.audit(
        {
            "aipm": 1,
            "name": "any",
            "context": {"purpose": "hold what always holds", "owner": "tests@example.org"},
            "subject": {
                "task": "binary",
                "predictions": "pred",
                "label": "y",
                "positive": 1,
                "protected": {"sex": "sex"},
            },
            "checks": checks,
        },
        data=rows,
        root=root,
        seed=seed,
    )
    return {finding.check_id: finding for finding in record.findings}


ALL = (*DIFFERENCES, *RATIOS, FLOOR)


def asked(name: str, limit: float, **keys: Any) -> dict[str, Any]:
    """A rate check: a difference held to at most `limit`, a ratio or a floor to at least."""
    bound = {"max" if name.endswith("_difference") else "min": limit}
    more = {"metric": "accuracy", "by": "sex"} if name == FLOOR else {}
    return {"check": name, "id": "node", "limit": bound, **more, **keys}


def promised(value: float, low: float, high: float, limit: Limit, decide_on: str) -> Verdict:
    """The verdict that value, ends and limit promise, said once more in other words."""
    floor = -np.inf if limit.min is None else limit.min
    ceiling = np.inf if limit.max is None else limit.max
    assert low <= value <= high
    if decide_on == "point":
        return Verdict.PASS if floor <= value <= ceiling else Verdict.FAIL
    if floor <= low and high <= ceiling:
        return Verdict.PASS
    if decide_on == "proof" or low > ceiling or high < floor:
        return Verdict.FAIL
    return Verdict.INCONCLUSIVE


@dataclass(frozen=True)
class WithoutPower(Numbers):
    """An estimate that is not asked how many rows would do: that takes simulations."""

    def detectable(self, _limit: Any, **_: Any) -> None: ...

    def rows_needed(self, _limit: Any, **_: Any) -> None: ...


WAYS = ("interval", "point", "proof")


@settings(max_examples=40)
@given(of=counts(), name=st.sampled_from(ALL))
def test_at_every_limit_the_verdict_agrees_with_the_interval_and_proof_is_never_laxer(
    of: Counts, name: str
) -> None:
    keys = {"metric": "accuracy"} if name == FLOOR else {}
    measured = measure(name, from_counts(of), **keys)
    assume(measured.not_judged is None)
    assert measured.estimate is not None
    plain = {each.name: getattr(measured.estimate, each.name) for each in fields(Numbers)}
    bare = measured.with_(estimate=WithoutPower(**plain))
    ends = (bare.estimate.value, bare.estimate.lower, bare.estimate.upper)
    for bound in {end + off for end in ends for off in (-0.03, -1e-9, 0.0, 1e-9, 0.03)}:
        for limit in (Limit(max=bound), Limit(min=bound), Limit(min=bound, max=bound + 0.1)):
            found = {
                how: judge(bare, Rules(limit=limit, decide_on=how)).verdict  # type: ignore[arg-type]
                for how in WAYS
            }
            assert found == {how: promised(*ends, limit, how) for how in WAYS}
            assert found["proof"] is not Verdict.PASS or found["interval"] is Verdict.PASS


@settings(max_examples=15)
@given(of=counts(), name=st.sampled_from(ALL), limit=st.sampled_from([0.02, 0.1, 0.35, 0.6]))
def test_the_record_prints_the_interval_that_decided_whatever_the_limit_and_how_it_is_read(
    root: Path, of: Counts, name: str, limit: float
) -> None:
    rows = from_counts(of)
    checks = [asked(name, limit, decide_on=how) | {"id": how} for how in WAYS]
    found = audit(rows, checks, root)
    measured = measure(name, rows, **({"metric": "accuracy"} if name == FLOOR else {}))
    for how, each in found.items():
        if measured.not_judged is not None:
            assert (each.verdict, each.because) == (Verdict.NOT_JUDGED, "no_evidence")
            continue
        assert measured.estimate is not None
        ends = (measured.estimate.value, measured.estimate.lower, measured.estimate.upper)
        printed = tuple(None if np.isinf(end) else end for end in ends[1:])
        assert (each.value, each.interval) == (ends[0], printed)
        assert each.limit is not None
        assert each.verdict is promised(*ends, each.limit, how), each.reason


@settings(max_examples=20)
@given(of=counts(), name=st.sampled_from(ALL), seed=st.integers(0, 9))
def test_neither_the_order_of_rows_nor_the_names_of_groups_change_a_number(
    root: Path, of: Counts, name: str, seed: int
) -> None:
    rows, checks = from_counts(of), [asked(name, 0.1)]
    shuffled = rows.sample(frac=1, random_state=seed, ignore_index=True)
    other = dict(zip(NAMES, ("zeta", "Y 1", "10", "~"), strict=True))  # sorted otherwise
    renamed = rows.assign(sex=rows["sex"].map(other))
    first, again, named = (audit(each, checks, root)["node"] for each in (rows, shuffled, renamed))
    assert again == first
    assert named.verdict is first.verdict
    assert named.value == pytest.approx(first.value, abs=1e-12)
    assert named.interval == pytest.approx(first.interval, abs=1e-9)

    def groups(of: Finding) -> set[Any]:
        return {(g.group["sex"], g.part, g.n, g.numerator, g.denominator) for g in of.groups}

    assert groups(named) == {(other[name], *numbers) for name, *numbers in groups(first)}


@settings(max_examples=20)
@given(of=counts(), cut=st.floats(0.1, 0.9), seed=st.integers(0, 9))
def test_counts_of_two_parts_add_up_to_the_counts_of_the_whole(
    of: Counts, cut: float, seed: int
) -> None:
    rows = from_counts(of).sample(frac=1, random_state=seed, ignore_index=True)
    at = max(1, int(len(rows) * cut))

    def table(part: pd.DataFrame) -> dict[str, np.ndarray]:
        measured = measure("fairness.demographic_parity_difference", part)
        return {
            each.group["sex"]: np.array([each.n, each.numerator, each.denominator])
            for each in measured.groups
        }

    assume(0 < at < len(rows))
    assume(rows["pred"][:at].nunique() == 2 == rows["pred"][at:].nunique())
    one, two, whole = table(rows[:at]), table(rows[at:].reset_index(drop=True)), table(rows)
    nothing = np.zeros(3)
    for name, numbers in whole.items():
        assert (one.get(name, nothing) + two.get(name, nothing) == numbers).all()


@settings(max_examples=40)
@given(
    of=counts(least=1),
    name=st.sampled_from([*DIFFERENCES, *RATIOS]),
)
def test_four_times_the_rows_at_the_same_rates_never_widen_an_interval(
    of: Counts, name: str
) -> None:
    few, many = (
        measure(name, from_counts({g: tuple(k * x for x in n) for g, n in of.items()})).estimate  # type: ignore[misc]
        for k in (1, 4)
    )
    assert few is not None
    assert many is not None
    assert many.value == pytest.approx(few.value, abs=1e-12)
    assert many.upper - many.lower <= few.upper - few.lower + 1e-9


@pytest.mark.parametrize("seed", [0, 2**31])
def test_no_seed_touches_the_randomness_of_others(root: Path, seed: int) -> None:
    rows = from_counts({"a": (12, 9, 8, 11), "b": (7, 14, 9, 10)})
    # power is simulated for what is inconclusive, f1 is resampled
    checks = [
        asked("fairness.demographic_parity_difference", 0.1),
        {"check": "fairness.group_metric", "metric": "f1", "id": "f1", "limit": {"max": 0.1}},
    ]
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    before = random.getstate(), np.random.get_state()  # noqa: NPY002
    for given_seed in (seed, seed + 1):
        findings = audit(rows, checks, root, given_seed)
        assert {each.verdict for each in findings.values()} >= {Verdict.INCONCLUSIVE}
    after = random.getstate(), np.random.get_state()  # noqa: NPY002
    assert before[0] == after[0]
    assert all(np.array_equal(x, y) for x, y in zip(before[1], after[1], strict=True))
