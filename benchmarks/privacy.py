"""False alarms, power and cost of the attacks on membership, beside the rules of peers.

Nothing is copied of what an audit calls: scores, bounds and verdicts are those of the package.
What peers decide by is in `privacy_rules`, models and attacks on them in `privacy_models`.

    python benchmarks/privacy.py [--write docs/privacy.md] [--quick] [--only SECTION ...]
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from harness import bound, percent, stream, table, versions
from privacy_models import ART, LIMITS, area, black_box, fit_on, models, power, references
from privacy_rules import RULES, peers
from privacy_whole import costs, kept
from scipy.special import softmax

from pytest_aipm.evidence.attack import Score, attacks_on, signals_on
from pytest_aipm.evidence.train import Fit
from pytest_aipm.stats.exposure import exposure

__all__ = ["SECTIONS", "Alarms", "fitted_null", "measured", "null", "page"]

SEEDS = {"5 nearest neighbours": 5}
"""Of a model; 20 of all others."""
NULL = ((100, 10_000), (250, 10_000), (1000, 10_000), (5000, 10_000))
HARD = ((20, 4000), (250, 4000), (1000, 2000))
KINDS: dict[str, dict[str, Any]] = {"continuous": {}, "6 values": {"levels": 6}}
HARDER: dict[str, dict[str, Any]] = {
    "9 of 10 alike": {"alike": 0.9},
    "4 times as many members": {"times": 4},
}
FITTED = (
    (250, 1000, "2 classes"),
    (1000, 1000, "2 classes"),
    (5000, 200, "2 classes"),
    (250, 1000, "5 classes"),
    (1000, 1000, "5 classes"),
    (250, 1000, "numbers"),
)
"""Rows a side, runs and kind of label of the null in which the residual is fitted."""
ALARMS = ["rows a side", "scores", "runs", "any signal", "fail at 1.0", "fail at AUC 0.60"]


@dataclass
class Alarms:
    """Replicates of a world in which nobody is given away, and what was said of them."""

    runs: int = 0
    signal: int = 0
    fail: int = 0
    fail_auc: int = 0

    def add(self, scores: tuple[Score, ...], seed: int) -> None:
        """Judge one replicate in both units."""
        whole = exposure(attacks_on(scores, "", seed))
        area = exposure(attacks_on(scores, "auc", seed))
        self.runs += 1
        self.signal += whole.lower > 0
        self.fail += whole.lower > LIMITS[""]
        self.fail_auc += area.lower > LIMITS["auc"]


def null(
    n: int, runs: int, *, levels: int | None = None, alike: float = 0.0, times: int = 1
) -> Alarms:
    """Return what is said of members and others that are drawn alike.

    Two scores that hang together, as loss and residual do.

    Parameters
    ----------
    n : int
        Others; members are `times` as many.
    runs : int
    levels : int, optional
        Values to which scores are rounded.
    alike : float
        Share of rows that have one and the same score.
    times : int
    """
    named = (*((f"alike{alike}",) if alike else ()), *((f"times{times}",) if times > 1 else ()))
    alarms, rng = Alarms(), stream("null", n, levels, *named)
    sizes = n * times, n
    for seed in range(runs):
        base = [rng.normal(size=size) for size in sizes]
        rest = [0.6 * each + 0.8 * rng.normal(size=len(each)) for each in base]
        sides = [np.stack(each) for each in zip(base, rest, strict=True)]
        if levels is not None:
            low, high = -(levels // 2), levels - levels // 2 - 1
            sides = [np.clip(np.round(each), low, high) for each in sides]
        if alike:
            sides = [np.where(rng.random(each.shape[1]) < alike, 0.0, each) for each in sides]
        members, others = sides
        scores = tuple(
            Score(name, members[i], others[i]) for i, name in enumerate(("loss", "rest"))
        )
        alarms.add(scores, seed)
    return alarms


def fitted_null(n: int, runs: int, kind: str, *, features: int = 5) -> Alarms:
    """Return the same where the residual is fitted: a fixed model, and fresh rows on both sides."""
    alarms, rng = Alarms(), stream("fitted", n, kind)
    for seed in range(runs):
        (members, own), (others, foreign) = (_unseen(n, kind, features, rng) for _ in range(2))
        loss = "absolute error" if kind == "numbers" else "log loss"
        fit = Fit(members, others, loss, 0, own, foreign)
        alarms.add(signals_on(fit, seed).scores, seed)
    return alarms


def _unseen(
    n: int, kind: str, features: int, rng: np.random.Generator
) -> tuple[np.ndarray, pd.DataFrame]:
    """Return losses of a fixed model on fresh rows, some of which are harder, and the rows."""
    x = rng.normal(size=(n, features))
    rows = pd.DataFrame(x, columns=[f"x{i}" for i in range(features)])
    if kind == "numbers":
        error = np.exp(0.5 * x[:, 1]) * rng.normal(size=n)
        return np.abs(error), rows.assign(truth=x[:, 0] + error)
    if kind == "2 classes":
        right = 1 / (1 + np.exp(-x[:, 0] - rng.normal(size=n)))
        return -np.log(right), rows.assign(truth=(x[:, 1] > 0).astype(float))
    classes = int(kind.partition(" ")[0])
    said = softmax(x[:, :classes] + rng.normal(size=(n, classes)), axis=1)
    truth = x[:, :classes].argmax(axis=1)
    return -np.log(said[np.arange(n), truth]), rows.assign(truth=truth.astype(float))


# the page


def _nulls(factor: float) -> str:
    return _null_table(factor, NULL, KINDS)


def _hard(factor: float) -> str:
    return _null_table(factor, HARD, HARDER)


def _null_table(
    factor: float, sizes: tuple[tuple[int, int], ...], kinds: dict[str, dict[str, Any]]
) -> str:
    rows = []
    for n, runs in sizes:
        for kind, how in kinds.items():
            found = null(n, max(20, int(runs * factor)), **how)
            rows.append(_null_row(n, kind, found, len(sizes) * len(kinds)))
    return table(ALARMS, rows)


def _fitted(factor: float) -> str:
    rows = []
    for n, runs, kind in FITTED:
        found = fitted_null(n, max(5, int(runs * factor)), kind)
        rows.append(_null_row(n, kind, found, len(FITTED)))
    return table(ALARMS, rows)


def _null_row(n: int, kind: str, found: Alarms, cells: int) -> list[object]:
    beyond = " (beyond its bound)" if found.signal > bound(found.runs, cells) else ""
    return [
        f"{n:,}",
        kind,
        f"{found.runs:,}",
        percent(found.signal / found.runs) + beyond,
        found.fail,
        found.fail_auc,
    ]


def _rules(factor: float) -> str:
    runs = max(20, int(2000 * factor))
    by_size = {n: dict(peers(n, runs)) for n in (250, 1000)}
    rows = [[name, *(percent(by_size[n][name]) for n in by_size)] for name in RULES]
    head = ["rule", "250 rows a side", "1,000 rows a side"]
    return f"{runs:,} runs of each.\n\n{table(head, rows)}"


def _power(factor: float) -> str:
    n = 5000 if factor == 1 else 1000
    rows = []
    for name in models(0):
        seeds = range(max(2, int(SEEDS.get(name, 20) * factor)))
        found = power(name, n, seeds)
        said, (low, high) = found["said"], found["lower"]  # type: ignore[misc]
        words = [
            f"{each.count('fail')} fail, {each.count('pass')} pass, {each.count('open')} open"
            for each in said.values()  # type: ignore[attr-defined]
        ]
        loss, residual = found["areas"]  # type: ignore[misc]
        other = np.mean([black_box(name, n, seed) for seed in seeds[:5]], axis=0)
        rows.append(
            [
                f"{name} ({len(seeds)} seeds)",
                f"{loss:.3f}",
                f"{residual:.3f}",
                f"{other[0]:.3f} ({other[1]:.1f} s)",
                f"{low:.2f} to {high:.2f}",
                *words,
                f"{found['seconds']:.1f} s",
            ]
        )
    head = [
        "model",
        "AUC, loss",
        "AUC, residual",
        f"AUC, black box of ART {ART}" if ART else "AUC, black box (forest)",
        "lower end of epsilon",
        "limit 1.0",
        "limit AUC 0.60",
        "CPU, both limits",
    ]
    whose = f"ART {ART} was run" if ART else "ART was not installed; its attack is written anew"
    return f"{n:,} rows a side; {whose}, on the first 5 seeds.\n\n{table(head, rows)}"


def _gap(factor: float) -> str:
    n, seeds = (5000, 3) if factor == 1 else (1000, 1)
    rows = []
    for name in list(models(0))[:1]:
        for seed in range(seeds):
            fit = fit_on(models(seed)[name](), n, seed)
            start = time.process_time()
            loss, residual = (area(each) for each in signals_on(fit, seed).scores)
            spent = time.process_time() - start
            best, seconds = references(name, n, seed, 16)
            closed = (residual - loss) / (best - loss)
            rows.append(
                [
                    f"{name}, seed {seed}",
                    f"{loss:.3f}",
                    f"{residual:.3f} ({spent:.1f} s)",
                    f"{best:.3f} ({seconds:.0f} s)",
                    percent(closed),
                ]
            )
    head = ["model", "AUC, loss", "AUC, residual", "AUC, RMIA with 16 refits", "gap closed"]
    return f"{n:,} rows a side.\n\n{table(head, rows)}"


def _inside(factor: float) -> str:
    del factor
    rows = [
        [name, percent(found), where, f"{spent:.2f} s"] for name, found, where, spent in kept(800)
    ]
    head = ["model", "training rows found", "in", "CPU"]
    return f"800 training rows of 6 columns.\n\n{table(head, rows)}"


def _cost(factor: float) -> str:
    n = 5000 if factor == 1 else 1000
    rows = [[name, verdict, f"{spent:.1f} s"] for name, verdict, spent in costs(n)]
    about = "A forest of 50 full trees; each check is an audit of its own, reading included."
    return f"{n:,} training and {n:,} evaluation rows. {about}\n\n" + table(
        ["check", "verdict", "CPU"], rows
    )


@dataclass(frozen=True)
class Section:
    """One part of the page."""

    head: str
    about: str
    body: Callable[[float], str]


SECTIONS = {
    "null": Section(
        "Alarms where nobody is given away",
        "Members and others are drawn alike, so that every alarm is false. The promise is no "
        "failure, and a\nsignal (a lower end above 0) in at most 5 % of runs. Two scores that hang "
        "together are drawn at\nrandom.",
        _nulls,
    ),
    "hard": Section(
        "The same where it is harder",
        "Few rows, scores of which nearly all are one and the same, sides of unlike size (the rows "
        "are those of\nthe others).",
        _hard,
    ),
    "fitted": Section(
        "The same with a fitted residual",
        "A fixed model and fresh rows on both sides; the difficulty of rows is learned anew in "
        "each run, as an\naudit does.",
        _fitted,
    ),
    "rules": Section(
        "Alarms of other rules in the same world",
        "Decision rules alone, written anew from the papers and the documentation of SACRO-ML, TF "
        "Privacy and\nPrivacy Meter: those packages were not run, and do more than these rules.",
        _rules,
    ),
    "power": Section("Power", "", _power),
    "gap": Section("What refits would add", "", _gap),
    "inside": Section("Rows inside models", "", _inside),
    "cost": Section("Cost", "", _cost),
}


def opening() -> str:
    """Return what stands before the sections."""
    made = versions("pytest-aipm", "numpy", "scipy", "scikit-learn", "pandas")
    return f"""## As measured

Made by `python benchmarks/privacy.py --write docs/privacy.md` with {made}. Scores, bounds and
verdicts are those of the package. All data are synthetic; those of models have 20 features, two
classes, and one label in ten is wrong.
"""


def measured(name: str, factor: float) -> str:
    """Return a section as Markdown."""
    section, start = SECTIONS[name], time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        body = section.body(factor)
    minutes = (time.process_time() - start) / 60
    about = f"{section.about}\n\n" if section.about else ""
    return f"### {section.head}\n\n{about}{body}\n\nIt took {minutes:.1f} CPU minutes.\n"


def page(old: str, names: Sequence[str], factor: float = 1.0) -> str:
    """Return the tables; a section that is not named stays as it is in `old`.

    Raises
    ------
    SystemExit
        When one that stays was made with other versions, or is not there.
    """
    parts = dict(each.split("\n", 1) for each in old.split("### ")[1:])
    stay = [name for name in SECTIONS if name not in names]
    if stay and not old.startswith(opening()):
        sys.exit("the tables there were made with other versions: run all sections, without --only")
    lacking = [name for name in stay if SECTIONS[name].head not in parts]
    if lacking:
        sys.exit(f"there are no figures yet of: {', '.join(lacking)}; add them to --only")
    texts = [
        measured(name, factor)
        if name in names
        else f"### {SECTIONS[name].head}\n{parts[SECTIONS[name].head]}".rstrip() + "\n"
        for name in SECTIONS
    ]
    return "\n".join([opening(), *texts])


def main() -> None:
    """Print the page, or write it behind the first part of a document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the runs")
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), help="keep the other tables")
    asked = parser.parse_args()
    factor = 0.05 if asked.quick else 1.0
    if asked.write is None:
        text = "\n".join(measured(name, factor) for name in asked.only or SECTIONS)
        print(f"{opening()}\n{text}")
        return
    old = asked.write.read_text(encoding="utf-8") if asked.write.exists() else ""
    before, mark, after = old.partition("## As measured")
    text = page(mark + after, asked.only or list(SECTIONS), factor)
    asked.write.write_text(before + text, encoding="utf-8")


if __name__ == "__main__":
    main()
