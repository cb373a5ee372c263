"""False fails, power and cost of the checks on rows that estimate: missing, balance, leakage.

Nothing is copied of what an audit calls: counts, readings, ends and verdicts are those of the
package.

    python benchmarks/data.py [--write docs/data.md] [--quick]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from harness import bound, percent, show, sizes_of, stream, table, versions
from scipy.stats import norm

from pytest_aipm.checks.data.leakage import Params as LeakageParams
from pytest_aipm.checks.data.leakage import check as leakage
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.subject import Subject
from pytest_aipm.judge import decide
from pytest_aipm.records import Limit
from pytest_aipm.sources.data import open_data
from pytest_aipm.stats.estimate import Estimate
from pytest_aipm.stats.floors import rate_floor
from pytest_aipm.stats.worst import worst_disparity

__all__ = ["balance", "costs", "frame", "leaks", "missing", "rows_of_leak"]

MODEL_FREE = ("schema", "missing", "duplicates", "label_balance", "outliers", "leakage")
Said = list[str]


def _said(found: Estimate, limit: Limit) -> str:
    return decide(found.value, found.lower, found.upper, limit, "interval")


def missing(shape: str, rows: int, *, rate: float, gap: float, columns: int, runs: int) -> Said:
    """Return verdicts on missing values: the first half of the groups lacks `gap` more.

    Each of the columns is missing at `rate`, and `gap` more often in every second group, so that a
    gap at the limit is there in each of them. A difference within the limit proves nothing beyond
    it, and is not measured.
    """
    limit, rng = Limit(max=0.05), stream("missing", shape, rows, rate, gap)
    sizes = sizes_of(shape, rows)
    rates = np.where(np.arange(sizes.size) % 2 == 0, rate, rate + gap)
    said = []
    for _ in range(runs):
        lacking = [rng.binomial(sizes.astype(int), rates).astype(float) for _ in range(columns)]
        most = max(float(np.ptp(x / sizes)) for x in lacking)
        if most <= 0.05 and gap >= 0.05:
            said.append("open")
            continue
        found = worst_disparity([(x, sizes) for x in lacking], "difference")
        said.append(_said(found, limit))
    return said


def balance(rows: int, shares: tuple[float, ...], *, runs: int) -> Said:
    """Return verdicts on the rarest of some classes, with a floor of 0.05."""
    limit, rng = Limit(min=0.05), stream("balance", rows, *shares)
    said = []
    for _ in range(runs):
        counts = rng.multinomial(rows, shares)
        found = rate_floor(counts, np.full(len(shares), rows), worst="min")
        said.append(_said(found, limit))
    return said


def rows_of_leak(rng: np.random.Generator, rows: int, auc: float, kind: str) -> pd.DataFrame:
    """Return rows in which one column tells the label as well as `auc`, and eleven tell nothing.

    ``kind`` is ``order`` (two normal distributions), ``categories`` (four, of which the label
    chooses), ``number`` (a number, told with `auc` as the rank correlation), or ``nothing`` (the
    first column tells nothing either).
    """
    y = (rng.random(rows) < 0.3).astype(int)
    made: dict[str, Any] = {f"x{i}": rng.normal(size=rows) for i in range(7)}
    made |= {"few": rng.integers(0, 6, rows).astype(str), "some": rng.integers(0, 40, rows)}
    made |= {
        "many": np.char.add("c", rng.integers(0, max(rows // 3, 2), rows).astype(str)),
        "own": np.char.add("p", np.arange(rows).astype(str)),
    }
    if kind == "order":
        made["told"] = rng.normal(size=rows) + y * np.sqrt(2) * norm.ppf(auc)
    elif kind == "categories":
        # a side that is right in a share of both classes has that share as its area
        side = np.where(rng.random(rows) < auc, y, 1 - y)
        names = np.array([["c", "d"], ["a", "b"]])
        made["told"] = names[side, rng.integers(0, 2, rows)]
    elif kind == "number":
        # Pearson's of two normals by Spearman's: r = 2 sin(pi rho / 6)
        r = 2 * np.sin(np.pi * auc / 6)
        made["told"] = rng.normal(size=rows)
        number = r * made["told"] + np.sqrt(1 - r**2) * rng.normal(size=rows)
        return pd.DataFrame(made | {"y": number})
    return pd.DataFrame(made | {"y": y})


def leaks(rows: int, auc: float, *, limit: float, kind: str, runs: int) -> Said:
    """Return verdicts on rows in which the worst column tells as well as `auc`."""
    rng, said = stream("leak", kind, rows, auc), []
    task = "regression" if kind == "number" else "binary"
    for seed in range(runs):
        source = open_data(rows_of_leak(rng, rows, auc, kind), root=Path())
        subject = Subject(task, label="y")  # type: ignore[arg-type]
        evidence = Evidence(subject, source, need_decision=False, seed=seed)
        found = leakage(evidence, LeakageParams()).estimate
        assert found is not None
        said.append(_said(found, Limit(max=limit)))
    return said


def frame(rows: int = 100_000) -> pd.DataFrame:
    """Return 50 columns: numbers, counts, categories, texts, dates, gaps, an id and a label."""
    rng = np.random.default_rng(0)
    made: dict[str, Any] = {"id": np.arange(rows), "label": rng.integers(0, 2, rows)}
    made |= {f"number{i}": rng.lognormal(size=rows) for i in range(16)}
    made |= {f"gaps{i}": rng.normal(size=rows) for i in range(4)}
    made |= {f"count{i}": rng.poisson(4 + i, rows) for i in range(8)}
    made |= {f"category{i}": rng.choice(list("abcdefgh"), rows) for i in range(14)}
    numbers = [rng.integers(0, rows, rows).astype(str) for _ in range(3)]
    made |= {f"text{i}": np.char.add("t", each) for i, each in enumerate(numbers)}
    made |= {"sex": rng.choice(["f", "m"], rows)}
    days = rng.integers(0, 1000, rows).astype("timedelta64[D]")
    made |= {f"day{i}": np.datetime64("2024-01-01") + days for i in range(2)}
    table_ = pd.DataFrame(made)
    for i in range(4):
        table_.loc[rng.random(rows) < 0.02 * (i + 1), f"gaps{i}"] = np.nan
    return table_


def costs(rows: int = 100_000) -> dict[str, float]:
    """Return the seconds of processor time of each model-free check, in the order of a run."""
    table_ = frame(rows)
    subject = Subject("binary", label="label", id="id")
    evidence = Evidence(subject, open_data(table_, root=Path()), need_decision=False)
    rules = {name: {"nullable": True} for name in table_.columns}
    rules |= {name: {"type": "number", "min": -50} for name in table_ if name.startswith("num")}
    rules |= {name: {"type": "category"} for name in table_ if name.startswith("cat")}
    rules["id"] = {"type": "int", "unique": True}
    spent = {}
    for name in MODEL_FREE:
        module = import_module(f"pytest_aipm.checks.data.{name}")
        params = module.Params(**({"columns": rules} if name == "schema" else {}))
        start = time.process_time()
        module.check(evidence, params)
        spent[name] = time.process_time() - start
    return spent


# the page


def _row(name: list[str], said: Said, *, null: bool) -> list[str]:
    runs = len(said)
    shown = [*name, f"{runs:,}", percent(said.count("breach") / runs)]
    return [*shown, percent(bound(runs, CELLS) / runs)] if null else shown


CELLS = 13
"""Cells of the page in which nothing is wrong, over which a chance of 1 % is shared."""


def _nulls(runs: int) -> Iterator[list[str]]:
    for shape, rows, rate in (
        ("50/50", 300, 0.05),
        ("50/50", 2000, 0.10),
        ("90/10", 1000, 0.02),
        ("60/18/13/6/3", 2000, 0.10),
    ):
        said = missing(shape, rows, rate=rate, gap=0.05, columns=3, runs=runs)
        what = f"{rows:,} rows, {shape}, {100 * rate:.0f} % and 5 points more"
        yield _row(["missing", what], said, null=True)
    for rows, shares, what in (
        (200, (0.95, 0.05), "two classes, 5 %"),
        (5000, (0.95, 0.05), "two classes, 5 %"),
        (1000, (0.80, 0.05, 0.05, 0.05, 0.05), "five classes, four of 5 %"),
    ):
        said = balance(rows, shares, runs=runs)
        yield _row(["label_balance", f"{rows:,} rows, {what}"], said, null=True)
    for rows, auc, limit, kind, what in (
        (100, 0.95, 0.95, "order", "an order with AUC 0.95"),
        (500, 0.95, 0.95, "order", "an order with AUC 0.95"),
        (500, 0.95, 0.95, "categories", "categories with AUC 0.95"),
        (300, 0.5, 0.55, "nothing", "nothing tells, limit 0.55"),
        (1000, 0.5, 0.52, "nothing", "nothing tells, limit 0.52"),
        (200, 0.95, 0.95, "number", "rank correlation 0.95"),
    ):
        said = leaks(rows, auc, limit=limit, kind=kind, runs=runs)
        yield _row(["leakage", f"{rows:,} rows, {what}"], said, null=True)


def _powers(runs: int) -> Iterator[list[str]]:
    said = missing("50/50", 2000, rate=0.05, gap=0.10, columns=3, runs=runs)
    yield _row(["missing", "2,000 rows, 50/50, a gap of 10 points"], said, null=False)
    said = missing("60/18/13/6/3", 5000, rate=0.05, gap=0.15, columns=3, runs=runs)
    yield _row(["missing", "5,000 rows, 60/18/13/6/3, a gap of 15 points"], said, null=False)
    said = balance(1500, (0.97, 0.03), runs=runs)
    yield _row(["label_balance", "1,500 rows, a class of 3 %"], said, null=False)
    for rows, auc, limit, kind, what in (
        (500, 0.99, 0.95, "order", "an order with AUC 0.99"),
        (2000, 0.99, 0.95, "categories", "categories with AUC 0.99"),
        (2000, 0.60, 0.52, "order", "AUC 0.60, limit 0.52"),
        (300, 0.98, 0.95, "number", "rank correlation 0.98"),
    ):
        said = leaks(rows, auc, limit=limit, kind=kind, runs=runs)
        yield _row(["leakage", f"{rows:,} rows, {what}"], said, null=False)


def page(runs: int) -> str:
    """Return the tables as Markdown."""
    start = time.monotonic()
    nulls, powers = list(_nulls(runs)), list(_powers(max(runs // 5, 10)))
    spent = costs()
    rows = [[f"`data.{name}`", f"{each:.2f} s"] for name, each in spent.items()]
    rows.append(["all together", f"{sum(spent.values()):.2f} s"])
    minutes = (time.monotonic() - start) / 60
    made = versions("pytest-aipm", "numpy", "scipy", "pandas", "pyarrow")
    return f"""## As measured

Made by `python benchmarks/data.py --write docs/data.md` with {made}.
Counts, readings, ends and verdicts are those of the package. All rows are synthetic. It took
{minutes:.0f} minutes on two cores that others shared.

### Fails where nothing is beyond the limit

The truth lies on the limit, where a fail is most likely. The promise is at most 5 %; a cell holds
it when it stays within the last column, the 1 % point of all {CELLS} cells together.

{table(["check", "rows", "runs", "fails", "allowed by chance"], nulls)}

### Fails where something is

{table(["check", "what is planted", "runs", "found"], powers)}

### Cost

Processor time of each check on 50 columns of 100,000 rows in memory, one after the other. The tally
of all columns is made once, by the first check that asks for it.

{table(["check", "time"], rows)}
"""


def main() -> None:
    """Print the page, or write it behind the first part of a document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the runs")
    asked = parser.parse_args()
    show(page(50 if asked.quick else 1000), asked.write)


if __name__ == "__main__":
    main()
