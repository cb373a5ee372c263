"""How often the explain family is wrong about a model that has not changed, and what it catches.

Each run draws other people and another seed. The model is the same in all of them: a function with
a protected column, a proxy and interactions, whose true values come from a very large sample. The
limit of each check is put where the truth lies, so a failure is a false one; 5 of 100 are allowed.

    python benchmarks/explain.py [--runs 2000] [--rows 400] [--only CHECK ...]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from harness import bound, percent, table, versions

from pytest_aipm.catalog import Catalog
from pytest_aipm.checks.base import Measurement
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.subject import Attribute, Decision, Subject
from pytest_aipm.judge import Rules, judge
from pytest_aipm.records import Limit, Verdict
from pytest_aipm.sources.data import open_data
from pytest_aipm.sources.model import open_model
from pytest_aipm.sources.trust import Trust

CATALOG = Catalog()
COLUMNS = ["sex", "income", "debt", "zip", "years", "age"]


def people(rows: int, seed: int) -> pd.DataFrame:
    """Return people of two sexes; zip goes along with sex, years with income."""
    rng = np.random.default_rng([seed, 1])
    sex = rng.choice(["f", "m"], rows)
    income = rng.gamma(2.0, 1.0, rows)
    frame = pd.DataFrame(
        {
            "sex": sex,
            "income": income,
            "debt": rng.exponential(1.0, rows),
            "zip": rng.integers(0, 4, rows) + 2 * (sex == "f"),
            "years": income + rng.normal(0, 1, rows),
            "age": rng.uniform(-1, 1, rows),
        }
    )
    return frame.assign(y=(rng.random(rows) < chance(frame)).astype(int))


def chance(frame: pd.DataFrame, sex: float = 0.35) -> np.ndarray:
    """Return a chance with interactions of up to three columns; age turns in the middle."""
    male = (frame["sex"] == "m").to_numpy(dtype=float)
    income, debt = frame["income"].to_numpy(), frame["debt"].to_numpy()
    score = 0.45 * (income - 2) - 0.4 * debt + sex * male - 0.12 * frame["zip"].to_numpy()
    score = score + 0.2 * male * debt + 0.1 * (income > 2) * debt * (frame["years"] > 2)
    score = score + 0.8 * frame["age"].to_numpy() ** 2
    return np.asarray(1 / (1 + np.exp(-score)))


def alike(frame: pd.DataFrame) -> np.ndarray:
    """Return a chance of columns that both sexes have alike."""
    score = 0.45 * (frame["income"] - 2) - 0.4 * frame["debt"] * (1 + frame["age"])
    return np.asarray(1 / (1 + np.exp(-score)))


class Model:
    """The function as a model; `sex` says how much it leans on that column."""

    classes_ = np.array([0, 1])
    feature_names_in_ = np.array(COLUMNS, dtype=object)

    def __init__(self, sex: float = 0.35) -> None:
        self.sex = sex

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the chances of both classes."""
        found = chance(frame, self.sex)
        return np.column_stack([1 - found, found])

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the likelier class."""
        return (chance(frame, self.sex) >= 0.5).astype(int)


def evidence(rows: int, seed: int, *, model: Model | None = None, champion: Any = None) -> Evidence:
    """Return the evidence of one run."""
    subject = Subject(
        task="binary",
        label="y",
        positive=1,
        favorable=1,
        decision=Decision(0.5, "above"),
        attributes=(Attribute("sex", "sex"),),
    )

    def opened(made: Any) -> Any:
        return open_model(made, root=Path(), trusted=Trust.read(Path(), ()), positive=1)

    return Evidence(
        subject,
        open_data(people(rows, seed), root=Path()),
        model=opened(model or Model()),
        champion=None if champion is None else opened(champion),
        need_label=True,
        seed=seed,
    )


def measured(found: Evidence, check: str, **keys: Any) -> Measurement:
    """Return what a check measures."""
    module = CATALOG.load(f"explain.{check}")
    return module.check(found, module.Params(seed=found.seed, **keys))


@dataclass(frozen=True)
class Case:
    """A check, what it is asked, and which side of the truth the limit is on."""

    check: str
    keys: dict[str, Any] = field(default_factory=dict)
    end: str = "max"
    truth: Callable[[], float] | None = None
    said: str = ""
    model: type[Model] | None = None
    every: int = 1
    """Facts about rows are looked at in each tenth run only: chance has no part in them."""


class Alike(Model):
    """A model that treats everybody by what both sexes have alike."""

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the chances of both classes."""
        found = alike(frame)
        return np.column_stack([1 - found, found])


def _far(check: str, model: type[Model] = Model, **keys: Any) -> Callable[[], float]:
    """Return a function that measures a check on very many rows, several times."""

    def truth() -> float:
        found = [
            measured(
                evidence(20_000, 9_000_000 + i, model=model()),
                check,
                **{**keys, "rows": 10_000, "background": 1000, "walks": 8},
            ).estimate
            for i in range(6)
        ]
        return float(np.mean([each.value for each in found if each is not None]))

    return truth


def _importance() -> float:
    frame = people(400_000, 9_000_001)
    y = frame["y"].to_numpy()
    before = np.mean((chance(frame) >= 0.5) == y)
    dealt = frame.assign(income=np.random.default_rng(5).permutation(frame["income"].to_numpy()))
    return float(before - np.mean((chance(dealt) >= 0.5) == y))


def _shares(sex: float = 0.35) -> dict[str, float]:
    """Return the true shares of attribution."""
    found = measured(
        evidence(20_000, 9_100_000, model=Model(sex)),
        "parsimony",
        rows=10_000,
        background=1000,
        walks=8,
        share=0.999999,
    )
    (bars,) = found.series
    return dict(zip(map(str, bars.x), map(float, bars.y), strict=True))  # type: ignore[arg-type]


def _approved() -> dict[str, float]:
    """Return shares of which the largest change is 0.05, as it is allowed."""
    true = _shares()
    approved = dict(true)
    approved["income"] -= 0.05
    approved["debt"] += 0.02
    approved["years"] += 0.03
    total = sum(approved.values())
    return {name: value / total for name, value in approved.items()}


def cases() -> list[Case]:
    """Return every check with its limit at the truth."""
    return [
        Case("protected_flip", {"by": ("sex",)}, truth=_flips, said="share of flips"),
        Case(
            "attribution_share",
            {"by": ("sex",)},
            truth=_far("attribution_share", by=("sex",)),
            said="share of sex",
        ),
        Case(
            "gap_decomposition",
            {"by": ("sex",)},
            truth=_far("gap_decomposition", by=("sex",)),
            said="part of sex",
        ),
        Case(
            "gap_decomposition",
            {"by": ("sex",), "of": ("zip",)},
            truth=_far("gap_decomposition", by=("sex",), of=("zip",)),
            said="part of zip",
        ),
        Case(
            "proxy_reliance",
            {"by": ("sex",)},
            truth=_far("proxy_reliance", by=("sex",)),
            said="reliance on proxies of sex",
        ),
        Case(
            "equal_treatment",
            {"by": ("sex",)},
            truth=lambda: 0.55,
            said="a model that treats all alike; the default limit",
            model=Alike,
        ),
        Case(
            "direction", {"helps": ("age",)}, end="min", truth=lambda: 0.0, said="age, which turns"
        ),
        Case("importance", {"of": ("income",)}, truth=_importance, said="accuracy without income"),
        Case(
            "attribution_drift",
            {"approved": _approved()},
            truth=lambda: 0.05,
            said="income moved by 0.05",
        ),
        Case("parsimony", {}, truth=_far("parsimony"), said="features for 80 %"),
        Case(
            "monotone", {"helps": ("income",), "harms": ("zip",)}, truth=_none, said="no reversal"
        ),
        Case("additivity", {}, truth=_none, said="a model that repeats itself", every=10),
        Case(
            "reason_codes",
            {"phrases": dict.fromkeys(COLUMNS[1:], "A reason"), "players": {}, "k": 4},
            end="min",
            truth=_none,
            said="reasons are stable",
            every=10,
        ),
    ]


def _none() -> float:
    return 0.0


def _flips() -> float:
    frame = people(400_000, 9_000_002)
    other = frame.assign(sex=np.where(frame["sex"] == "m", "f", "m"))
    return float(np.mean((chance(frame) >= 0.5) != (chance(other) >= 0.5)))


def false_fails(
    asked: list[tuple[Case, float]], runs: int, rows: int, *, start: int = 0
) -> list[int]:
    """Return how many runs of each case fail although the truth lies on the limit."""
    failed = [0] * len(asked)
    for run in range(start, start + runs):
        shared: dict[type[Model] | None, Evidence] = {}
        for place, (case, limit) in enumerate(asked):
            if run % case.every:
                continue
            if case.model not in shared:
                made = None if case.model is None else case.model()
                shared[case.model] = evidence(rows, run, model=made)
            found = measured(shared[case.model], case.check, **case.keys)
            failed[place] += judge(found, _rules(case, limit)).verdict is Verdict.FAIL
    return failed


def _rules(case: Case, limit: float) -> Rules:
    kind = CATALOG.load(f"explain.{case.check}").KIND
    bounds = Limit(max=limit) if case.end == "max" else Limit(min=limit)
    return Rules(limit=bounds, decide_on="point" if kind == "census" else "interval")


def drift_caught(runs: int, rows: int, *, start: int = 0) -> tuple[int, float, float]:
    """Return how often a share of sex that went from 8 to 18 % is caught, and both shares."""
    low, high = _leaning(0.08), _leaning(0.18)
    rules, caught = Rules(limit=Limit(max=0.05)), 0
    for run in range(start, start + runs):
        both = evidence(rows, run, model=Model(high), champion=Model(low))
        found = measured(both, "attribution_drift")
        caught += judge(found, rules).verdict is Verdict.FAIL
    return caught, _shares(low)["sex"], _shares(high)["sex"]


def _leaning(share: float) -> float:
    """Return how much the model must lean on sex for it to have a share of the attribution."""
    low, high = -0.25, 2.0
    for _ in range(18):
        middle = (low + high) / 2
        found = measured(
            evidence(2000, 9_200_000, model=Model(middle)), "attribution_share", by=("sex",)
        )
        value = found.estimate.value if found.estimate is not None else 0.0
        low, high = (middle, high) if value < share else (low, middle)
    return (low + high) / 2


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--only", nargs="*", default=())
    told = parser.parse_args()
    asked = [
        (case, case.truth())
        for case in cases()
        if case.truth is not None and (not told.only or case.check in told.only)
    ]
    found, block = [0] * len(asked), 50
    for start in range(0, told.runs, block):
        some = false_fails(asked, min(block, told.runs - start), told.rows, start=start)
        found = [a + b for a, b in zip(found, some, strict=True)]
        print(start + block, found, file=sys.stderr, flush=True)
    lines = []
    for (case, limit), failed in zip(asked, found, strict=True):
        runs = -(-told.runs // case.every)
        share, most = percent(failed / runs), bound(runs, 1)
        kept = "yes" if failed <= most else "NO"
        said = (f"explain.{case.check}", case.said, f"{limit:.4f}", f"{runs:,}", share, most, kept)
        lines.append(said)
    head = ("check", "what is true", "limit", "runs", "false fails", "at most", "within")
    print(table(head, lines))
    if not told.only or "drift" in told.only:
        runs = max(told.runs // 10, 20)
        caught, before, after = drift_caught(runs, 1000)
        print(
            f"\nShare of sex moved from {before:.3f} to {after:.3f}: caught in {caught} of {runs} "
            "runs of 1,000 rows."
        )
    print(f"\n{versions('numpy', 'pandas', 'scipy', 'scikit-learn')}")


if __name__ == "__main__":
    main()
