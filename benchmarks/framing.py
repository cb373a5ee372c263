"""How often the framing checks fail a model that meets its limit, and what they catch.

Each run draws other rows of one world. The limit is put where the truth lies, as two million rows
show it, so that every failure is a false one; 5 of 100 are allowed, and as many false passes.

    python benchmarks/framing.py [--write docs/framing.md] [--runs 2000] [--only WORD ...]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from harness import bound, percent, table, versions
from scipy.special import expit

from pytest_aipm.catalog import Catalog
from pytest_aipm.checks.base import Measurement, needs_of
from pytest_aipm.checks.framing._metrics import compared
from pytest_aipm.evidence.baselines import Said
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.subject import Attribute, Decision, Subject
from pytest_aipm.judge import Rules, judge
from pytest_aipm.records import Formula, Limit, Verdict
from pytest_aipm.sources.data import open_data
from pytest_aipm.stats.floors import floor

CATALOG = Catalog()
MANY = 2_000_000
TRAIN = 3000
VALUES = {"true_positive": 3, "false_positive": -8, "false_negative": -20, "true_negative": 6}
AMOUNTS = {
    "true_positive": 0,
    "false_positive": "-0.05 * amount",
    "false_negative": "-0.6 * amount",
    "true_negative": "0.25 * amount",
}
RARE = {"true_positive": 0, "false_positive": -1, "false_negative": 0, "true_negative": "jackpot"}


def people(rows: int, seed: int) -> pd.DataFrame:
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
            "price": 10 + 2 * a + b + rng.lognormal(0.0, 0.8, rows),
            "said": 11.4 + 1.9 * a + 0.7 * b,
        }
    )


def evidence(frame: pd.DataFrame, check: str, params: Any) -> Evidence:
    """Return the evidence of one run."""
    needs = needs_of(CATALOG.load(f"framing.{check}"), params)
    numbers = getattr(params, "metric", None) in ("mae", "mse", "rmse", "r2")
    attributes = (Attribute("group", "group"),)
    features = ("a", "b", "region")
    subject = (
        Subject(
            task="regression",
            label="price",
            predictions="said",
            attributes=attributes,
            features=features,
        )
        if numbers
        else Subject(
            task="binary",
            label="y",
            positive=1,
            favorable=1,
            scores="s",
            decision=Decision(0.5, "above"),
            attributes=attributes,
            features=features,
        )
    )
    return Evidence(
        subject,
        open_data(frame, root=Path()),
        train=open_data(people(TRAIN, 77_777), root=Path()) if needs.train else None,
        keep_scores=needs.scores,
        keep_rows=True,
        need_label=True,
    )


def measured(frame: pd.DataFrame, check: str, keys: dict[str, Any]) -> Measurement:
    """Return what a check measures."""
    module = CATALOG.load(f"framing.{check}")
    params = module.Params(**keys)
    found: Measurement = module.check(evidence(frame, check, params), params)
    return found


def of_two_rules(frame: pd.DataFrame) -> Measurement:
    """Return the accuracy of a model against two rules that are equally good."""
    label = frame["y"].to_numpy(dtype=float)

    def said(positive: Any) -> Said:
        return Said("", np.asarray(positive, dtype=bool), None)

    model = said(frame["a"] + frame["b"] > 0.4)
    # in a world where both columns weigh alike
    rules = [said(frame[name] > 0.3) for name in ("a", "b")]
    parts = [compared("accuracy", label, model, rule, 0) for rule in rules]
    return Measurement(
        estimate=floor(parts, worst="min"), formula=Formula(id="two"), summary="", n=len(frame)
    )


def even(rows: int, seed: int) -> pd.DataFrame:
    """Return rows of a world in which two columns weigh alike."""
    rng = np.random.default_rng([seed, 9])
    a, b = rng.standard_normal((2, rows))
    return pd.DataFrame({"a": a, "b": b, "y": (rng.random(rows) < expit(a + b - 0.4)).astype(int)})


@dataclass(frozen=True)
class Case:
    """A check and what it is asked; `said` is for the table."""

    said: str
    check: str = "beats_baseline"
    keys: dict[str, Any] = field(default_factory=dict)
    measure: Callable[[pd.DataFrame], Measurement] | None = None
    draw: Callable[[int, int], pd.DataFrame] = people

    def run(self, rows: int, seed: int) -> Measurement:
        """Return what is measured on other rows."""
        frame = self.draw(rows, seed)
        return (
            measured(frame, self.check, self.keys) if self.measure is None else self.measure(frame)
        )

    def truth(self) -> float:
        """Return what very many rows say."""
        found = [self.run(MANY // 4, 9_000_000 + i).estimate for i in range(4)]
        return float(np.mean([each.value for each in found if each is not None]))


RULE = {"rule": "a > 0.3"}


def cases() -> list[Case]:
    """Return every case of the tables."""
    decided = ("accuracy", "balanced_accuracy", "f1", "matthews_corrcoef", "precision", "recall")
    return [
        *(Case(f"{name}, a rule", keys={**RULE, "metric": name}) for name in decided),
        Case("accuracy, the closer of two rules", measure=of_two_rules, draw=even),
        Case("accuracy, logistic regression", keys={"against": "linear"}),
        Case("roc_auc, a rule", keys={"rule": "a + b / 2", "metric": "roc_auc"}),
        Case("log_loss, logistic regression", keys={"against": "linear", "metric": "log_loss"}),
        Case("brier, a rule", keys={**RULE, "metric": "brier"}),
        Case("mae, a formula", keys={"rule": "11 + 2 * a", "metric": "mae"}),
        Case("rmse, a formula", keys={"rule": "11 + 2 * a", "metric": "rmse"}),
        Case("r2, ridge regression", keys={"against": "linear", "metric": "r2"}),
        Case("four numbers", "business_value", {"values": VALUES}),
        Case("amounts, log-normal", "business_value", {"values": AMOUNTS}),
        Case("2 % of cases carry the gain", "business_value", {"values": RARE}),
        Case("four numbers, worst group", "business_value", {"values": VALUES, "by": ("group",)}),
    ]


@dataclass
class Tally:
    """Verdicts of the runs of one cell."""

    runs: int = 0
    fails: int = 0
    passes: int = 0


def verdicts(case: Case, limit: float, runs: int, rows: int, *, start: int = 0) -> Tally:
    """Judge a case on many samples by a lower limit."""
    told, found = Rules(limit=Limit(min=limit), decide_on="interval"), Tally()
    for seed in range(start, start + runs):
        said = judge(case.run(rows, seed), told).verdict
        found.runs += 1
        found.fails += said is Verdict.FAIL
        found.passes += said is Verdict.PASS
    return found


@dataclass(frozen=True)
class Fault:
    """A planted fault, or a merit: how far the truth lies from the limit, and at how many rows."""

    case: Case
    gap: float
    rows: int


def faults() -> list[Fault]:
    """Return how far beyond the limit the truth is put to see whether it is caught."""
    by_name = {case.said: case for case in cases()}
    return [
        Fault(by_name["accuracy, a rule"], 0.05, 1500),
        Fault(by_name["accuracy, the closer of two rules"], 0.05, 1500),
        Fault(by_name["accuracy, logistic regression"], 0.03, 1000),
        Fault(by_name["f1, a rule"], 0.07, 1500),
        Fault(by_name["roc_auc, a rule"], 0.03, 1500),
        Fault(by_name["mae, a formula"], 0.06, 1500),
        Fault(by_name["four numbers"], 1100.0, 1500),
        Fault(by_name["amounts, log-normal"], 8000.0, 1500),
        Fault(by_name["four numbers, worst group"], 1800.0, 1500),
    ]


def optimism(runs: int, rows: int) -> tuple[float, float, float]:
    """Return what the best threshold seems worth, is told to be worth, and is worth, per 1,000."""
    from pytest_aipm.checks.framing import _thresholds  # noqa: PLC0415 - only here

    far = people(400_000, 9_500_000)

    def sweep(frame: pd.DataFrame, seed: int) -> Any:
        label = frame["y"].to_numpy() > 0
        worth = tuple(
            np.where(label, VALUES[f"{yes}"], VALUES[f"{no}"]).astype(float)
            for yes, no in (
                ("true_positive", "false_positive"),
                ("false_negative", "true_negative"),
            )
        )
        found = _thresholds.swept(
            frame["s"].to_numpy(),
            (worth[0], worth[1]),
            np.zeros(len(frame), dtype=int),
            groups=1,
            weight=np.ones(len(frame)),
            person=None,
            high_is_positive=True,
            chosen=None,
            seed=seed,
        )
        return found, worth

    _, worth_far = sweep(far, 0)
    score = far["s"].to_numpy()
    seen, told, true = [], [], []
    for seed in range(runs):
        found, _ = sweep(people(rows, 500_000 + seed), seed)
        best = found.best
        seen.append(best.value)
        told.append(best.honest)
        decided = score >= best.threshold
        true.append(float(np.where(decided, worth_far[0], worth_far[1]).mean()))
    return tuple(1000 * float(np.mean(each)) for each in (seen, told, true))  # type: ignore[return-value]


def page(runs: int, only: tuple[str, ...]) -> str:
    """Return the measured part of the page."""
    begun = time.monotonic()
    sizes = (300, 1500)
    asked = [each for each in cases() if not only or any(word in each.said for word in only)]
    truths = {each.said: each.truth() for each in asked}
    lines = []
    most = bound(runs, 2 * len(asked) * len(sizes))
    for case in asked:
        for rows in sizes:
            found = verdicts(case, truths[case.said], runs, rows)
            kept = "yes" if max(found.fails, found.passes) <= most else "NO"
            told = (percent(found.fails / runs), percent(found.passes / runs))
            what = (case.check, case.said, f"{truths[case.said]:.4g}", f"{rows:,}")
            lines.append((*what, *told, kept))
            print(*lines[-1], file=sys.stderr, flush=True)
    power = []
    for each in faults():
        if each.case.said not in truths:
            continue
        truth, n = truths[each.case.said], max(runs // 4, 20)
        worse = verdicts(each.case, truth + each.gap, n, each.rows, start=700_000)
        better = verdicts(each.case, truth - each.gap, n, each.rows, start=800_000)
        told = (percent(worse.fails / n), percent(better.passes / n))
        power.append((each.case.check, each.case.said, f"{each.gap:g}", f"{each.rows:,}", *told))
        print(*power[-1], file=sys.stderr, flush=True)
    draws = max(runs // 10, 20)
    chosen = [(f"{n:,}", *(f"{each:,.0f}" for each in optimism(draws, n))) for n in (300, 3000)]
    made = versions("pytest-aipm", "numpy", "scipy", "scikit-learn", "pandas")
    null = ("check", "what", "truth = limit", "rows", "false fails", "false passes", "within")
    head = ("check", "what", "distance", "rows", "failed when worse", "passed when better")
    says = ("rows", "seems worth", "told to be worth", "is worth on other rows")
    return f"""## As measured

Made by `python benchmarks/framing.py --write docs/framing.md` with {made}, in
{(time.monotonic() - begun) / 60:.0f} minutes. Every run draws other rows; {runs:,} runs a line.

### Where the truth lies on the limit

Every failure is then a false one, and every pass, too. At a true 5 % at most {most:,} of {runs:,}
runs would be either ({percent(most / runs)}, the 1 % point over all lines).

{table(null, lines)}

### Where it lies at a distance

The limit stands above or below the truth by so much; {max(runs // 4, 20):,} runs a line.

{table(head, power)}

### What the best threshold is worth

Per 1,000 decisions, the mean of {draws:,} samples: the threshold that is best on a sample, what it
seems to bring there, what the finding says that it brings elsewhere, and what it does bring.

{table(says, chosen)}
"""


def main() -> None:
    """Print the page, or write it behind the first part of a document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--only", nargs="*", default=())
    asked = parser.parse_args()
    text = page(asked.runs, tuple(asked.only))
    if asked.write is None:
        print(text)
        return
    old = asked.write.read_text(encoding="utf-8") if asked.write.exists() else ""
    asked.write.write_text(old.partition("## As measured")[0] + text, encoding="utf-8")


if __name__ == "__main__":
    main()
