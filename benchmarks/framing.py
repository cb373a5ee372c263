"""How often the framing checks fail a model that meets its limit, and what they catch.

One pool of rows is drawn from one world; model, baselines and amounts are asked about all of it, by
the package. Runs are parts of it that share no row, and the limit stands where the whole pool lies,
so that every failure is a false one: 5 of 100 are allowed, and as many false passes.

    python benchmarks/framing.py [--write docs/framing.md] [--runs 2000] [--only WORD ...]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from harness import bound, percent, show, table, versions
from scipy.special import expit

from pytest_aipm.catalog import Catalog
from pytest_aipm.checks.base import needs_of
from pytest_aipm.checks.framing import beats_baseline, business_value
from pytest_aipm.checks.framing._metrics import METRICS, compared
from pytest_aipm.checks.framing._thresholds import swept
from pytest_aipm.checks.framing._worth import Worth
from pytest_aipm.evidence.baselines import Said
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.subject import Decision, Subject
from pytest_aipm.judge import decide
from pytest_aipm.records import Limit
from pytest_aipm.sources.data import open_data
from pytest_aipm.stats.estimate import Estimate
from pytest_aipm.stats.floors import floor
from pytest_aipm.stats.parts import MeanPart
from pytest_aipm.stats.single import from_part

CATALOG = Catalog()
SIZES = (300, 1500)
TRAIN = 3000
VALUES = {"true_positive": 3, "false_positive": -8, "false_negative": -20, "true_negative": 6}
AMOUNTS = {
    "true_positive": 0,
    "false_positive": "-0.05 * amount",
    "false_negative": "-0.6 * amount",
    "true_negative": "0.25 * amount",
}
RARE = {"true_positive": 0, "false_positive": -1, "false_negative": 0, "true_negative": "jackpot"}


def people(rows: int, seed: int, tail: float = 0.4) -> pd.DataFrame:
    """Return rows with an outcome, a number to predict, amounts, and what a model says of them."""
    rng = np.random.default_rng([seed, 8])
    a, b = rng.standard_normal((2, rows))
    region = rng.choice(["north", "south", "west"], rows, p=[0.5, 0.3, 0.2])
    group = rng.choice(["f", "m"], rows, p=[0.4, 0.6])
    odds = -0.4 + 1.2 * a + 0.9 * b + 0.6 * a * b + 0.3 * (region == "west")
    return pd.DataFrame(
        {
            "a": a,
            "b": b,
            "region": region,
            "group": group,
            "y": (rng.random(rows) < expit(odds)).astype(int),
            "s": expit(-0.4 + 1.0 * a + 0.9 * b + 0.3 * a * b),
            "amount": rng.lognormal(5.0, 0.8, rows),
            "jackpot": np.where(rng.random(rows) < 0.02, 60.0, 0.0),
            "price": 10 + 2 * a + b + rng.lognormal(0.0, tail, rows),
            "said": 11.1 + 1.9 * a + 0.7 * b,
        }
    )


def evidence(frame: pd.DataFrame, check: str, params: Any) -> Evidence:
    """Return the evidence of the pool."""
    needs = needs_of(CATALOG.load(f"framing.{check}"), params)
    features = ("a", "b", "region")
    if getattr(params, "metric", None) in ("mae", "mse", "rmse", "r2"):
        subject = Subject(task="regression", label="price", predictions="said", features=features)
    else:
        subject = Subject(
            task="binary",
            label="y",
            positive=1,
            favorable=1,
            scores="s",
            decision=Decision(0.5, "above"),
            features=features,
        )
    return Evidence(
        subject,
        open_data(frame, root=Path()),
        train=open_data(people(TRAIN, 77_777), root=Path()) if needs.train else None,
        keep_rows=True,
        keep_scores=needs.scores,
        need_label=True,
    )


Measure = Callable[[np.ndarray], Estimate]
"""From places in the pool to what a check measures there."""


def of_baselines(frame: pd.DataFrame, keys: dict[str, Any]) -> Measure:
    """Return how `beats_baseline` measures rows of the pool; its models are asked once."""
    params = beats_baseline.Params(**keys)
    found = evidence(frame, "beats_baseline", params)
    name = params.metric or "accuracy"
    label, model = beats_baseline._model(found, METRICS[name])  # noqa: SLF001
    others = [
        beats_baseline._baseline(found, each, params, name, label, model)  # noqa: SLF001
        for each in params.baselines
    ]

    def measure(rows: np.ndarray) -> Estimate:
        asked = [part_of(each, rows) for each in (model, *others)]
        parts = [compared(name, label[rows], asked[0], each, 0) for each in asked[1:]]
        return beats_baseline._estimate(parts, params)  # noqa: SLF001

    return measure


def part_of(said: Said, rows: np.ndarray) -> Said:
    """Return what was said of some rows."""
    positive = None if said.positive is None else said.positive[rows]
    return Said(said.name, positive, None if said.score is None else said.score[rows])


def of_two_rules(frame: pd.DataFrame, _: dict[str, Any]) -> Measure:
    """Return how a model is compared with two rules that are equally good."""
    label = frame["y"].to_numpy(dtype=float)
    total = (frame["a"] + frame["b"]).to_numpy()
    model, *rules = (
        Said("", np.asarray(each), None)
        for each in (total > 0.4, frame["a"].to_numpy() > 0.3, frame["b"].to_numpy() > 0.3)
    )

    def measure(rows: np.ndarray) -> Estimate:
        own = part_of(model, rows)
        parts = [compared("accuracy", label[rows], own, part_of(rule, rows), 0) for rule in rules]
        return floor(parts, worst="min")

    return measure


def of_values(frame: pd.DataFrame, keys: dict[str, Any]) -> Measure:
    """Return how `business_value` measures rows of the pool, by group where it is asked to."""
    by = keys.get("by", ())
    params = business_value.Params(values=keys["values"])
    rows = evidence(frame, "business_value", params).rows(())
    assert rows.label is not None
    assert rows.predicted is not None
    found = evidence(frame, "business_value", params)
    place = np.arange(len(frame))
    worth = Worth.of(found, params.values, rows.label > 0, rows.predicted > 0, place)
    own, limits = 1000 * worth.own, business_value.value_range(params)
    group = frame["group"].to_numpy() if by else np.zeros(len(frame))
    names = np.unique(group)

    def measure(rows: np.ndarray) -> Estimate:
        parts = [
            MeanPart.from_values(own[rows[group[rows] == each]], limits=limits) for each in names
        ]
        return floor(parts, worst="min") if by else from_part(parts[0])

    return measure


def heavy(rows: int, seed: int) -> pd.DataFrame:
    """Return rows of a world in which a few numbers are far off."""
    return people(rows, seed, tail=0.8)


def even(rows: int, seed: int) -> pd.DataFrame:
    """Return rows of a world in which two columns weigh alike."""
    rng = np.random.default_rng([seed, 9])
    a, b = rng.standard_normal((2, rows))
    return pd.DataFrame({"a": a, "b": b, "y": (rng.random(rows) < expit(a + b - 0.4)).astype(int)})


@dataclass(frozen=True)
class Case:
    """A check and what it is asked; `said` is for the table, `gap` a distance to be seen."""

    said: str
    gap: float
    keys: dict[str, Any] = field(default_factory=dict)
    of: Callable[[pd.DataFrame, dict[str, Any]], Measure] = of_baselines
    draw: Callable[[int, int], pd.DataFrame] = people

    @property
    def check(self) -> str:
        """The check's name."""
        return "business_value" if self.of is of_values else "beats_baseline"


RULE = {"rule": "a > 0.3"}


def cases() -> list[Case]:
    """Return every case of the tables."""
    return [
        Case("accuracy, a rule", 0.05, {**RULE, "metric": "accuracy"}),
        Case("balanced_accuracy, a rule", 0.05, {**RULE, "metric": "balanced_accuracy"}),
        Case("f1, a rule", 0.05, {**RULE, "metric": "f1"}),
        Case("matthews_corrcoef, a rule", 0.1, {**RULE, "metric": "matthews_corrcoef"}),
        Case("precision, a rule", 0.07, {**RULE, "metric": "precision"}),
        Case("recall, a rule", 0.07, {**RULE, "metric": "recall"}),
        Case("accuracy, the closer of two rules", 0.05, of=of_two_rules, draw=even),
        Case("accuracy, logistic regression", 0.03, {"against": "linear"}),
        Case("roc_auc, a number", 0.03, {"rule": "a + b / 2", "metric": "roc_auc"}),
        Case("log_loss, logistic regression", 0.04, {"against": "linear", "metric": "log_loss"}),
        Case("brier, a rule", 0.05, {**RULE, "metric": "brier"}),
        Case("mae, a formula", 0.08, {"rule": "11 + 2 * a", "metric": "mae"}),
        Case("rmse, a formula", 0.15, {"rule": "11 + 2 * a", "metric": "rmse"}),
        Case("rmse, a heavy tail", 0.2, {"rule": "11 + 2 * a", "metric": "rmse"}, draw=heavy),
        Case("mae, a heavy tail", 0.12, {"rule": "11 + 2 * a", "metric": "mae"}, draw=heavy),
        Case("r2, ridge regression", 0.03, {"against": "linear", "metric": "r2"}),
        Case("four numbers", 1100.0, {"values": VALUES}, of_values),
        Case("amounts, log-normal", 8000.0, {"values": AMOUNTS}, of_values),
        Case("2 % of cases carry the gain", 700.0, {"values": RARE}, of_values),
        Case("four numbers, worst group", 1800.0, {"values": VALUES, "by": ("group",)}, of_values),
    ]


@dataclass
class Tally:
    """Verdicts of the runs of one cell: where the truth is the limit, and at a distance."""

    fails: int = 0
    passes: int = 0
    caught: int = 0
    proved: int = 0


def verdicts(case: Case, runs: int, sizes: Sequence[int]) -> tuple[float, list[Tally]]:
    """Return the truth, and the verdicts on `runs` parts of the pool of each size."""
    pool = case.draw(runs * sum(sizes), 8)
    measure = case.of(pool, case.keys)
    truth, begin, found = measure(np.arange(len(pool))).value, 0, []
    for size in sizes:
        tally = Tally()
        for _ in range(runs):
            said = measure(np.arange(begin, begin + size))
            begin += size
            # above the truth the model breaks the limit, below it the model keeps it
            at, above, below = (
                decide(said.value, said.lower, said.upper, Limit(min=limit), "interval")
                for limit in (truth, truth + case.gap, truth - case.gap)
            )
            tally.fails += at == "breach"
            tally.passes += at == "holds"
            tally.caught += above == "breach"
            tally.proved += below == "holds"
        found.append(tally)
    return truth, found


def optimism(runs: int, rows: int) -> tuple[float, float, float]:
    """Return what the best threshold seems worth, is told to be worth, and is worth, per 1,000."""
    pool = people(runs * rows, 9)
    score, label = pool["s"].to_numpy(), pool["y"].to_numpy() > 0
    yes = np.where(label, float(VALUES["true_positive"]), float(VALUES["false_positive"]))
    no = np.where(label, float(VALUES["false_negative"]), float(VALUES["true_negative"]))
    found = []
    for run in range(runs):
        own = slice(run * rows, (run + 1) * rows)
        best = swept(
            score[own],
            (yes[own], no[own]),
            np.zeros(rows, dtype=np.int64),
            groups=1,
            weight=np.ones(rows),
            person=None,
            high_is_positive=True,
            chosen=None,
            seed=run,
        ).best
        true = float(np.where(score >= best.threshold, yes, no).mean())
        found.append((best.value, best.honest, true))
    seen, told, true = 1000 * np.mean(found, axis=0)
    return float(seen), float(told), float(true)


def page(runs: int, only: Sequence[str]) -> str:
    """Return the measured part of the page."""
    begun = time.monotonic()
    asked = [each for each in cases() if not only or any(word in each.said for word in only)]
    most = bound(runs, 2 * len(asked) * len(SIZES))
    null, power = [], []
    for case in asked:
        truth, found = verdicts(case, runs, SIZES)
        for size, tally in zip(SIZES, found, strict=True):
            kept = "yes" if max(tally.fails, tally.passes) <= most else "NO"
            told = (percent(tally.fails / runs), percent(tally.passes / runs))
            null.append((case.check, case.said, f"{truth:.4g}", f"{size:,}", *told, kept))
            print(*null[-1], file=sys.stderr, flush=True)
        told = (percent(found[-1].caught / runs), percent(found[-1].proved / runs))
        power.append((case.check, case.said, f"{case.gap:g}", *told))
        print(*power[-1], file=sys.stderr, flush=True)
    draws = max(runs // 10, 20)
    chosen = [(f"{n:,}", *(f"{each:,.0f}" for each in optimism(draws, n))) for n in (300, 3000)]
    made = versions("pytest-aipm", "numpy", "scipy", "scikit-learn", "pandas")
    heads = (
        ("check", "what", "truth = limit", "rows", "false fails", "false passes", "within"),
        ("check", "what", "distance", "failed when worse", "passed when better"),
        ("rows", "seems worth", "told to be worth", "is worth on all rows"),
    )
    return f"""## As measured

Made by `python benchmarks/framing.py --write docs/framing.md` with {made}, in
{(time.monotonic() - begun) / 60:.0f} minutes. Every run has rows of its own; {runs:,} runs a line.

### Where the truth lies on the limit

Every failure is then a false one, and every pass, too. At a true 5 % at most {most:,} of {runs:,}
runs would be either ({percent(most / runs)}, the 1 % point over all lines).

{table(heads[0], null)}

### Where it lies at a distance

The limit stands above or below the truth by so much; {SIZES[-1]:,} rows.

{table(heads[1], power)}

### What the best threshold is worth

Per 1,000 decisions, the mean of {draws:,} samples: what the threshold that is best on a sample
seems to bring there, what the finding says that it brings elsewhere, and what it does bring.

{table(heads[2], chosen)}
"""


def main() -> None:
    """Print the page, or write it behind the first part of a document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--only", nargs="*", default=())
    asked = parser.parse_args()
    show(page(asked.runs, tuple(asked.only)), asked.write)


if __name__ == "__main__":
    main()
