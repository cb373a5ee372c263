"""Calibration of what is no rate: areas under the ROC curve, means, resampled metrics.

Called by `calibration.py`; see there. All runs lie exactly at the limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from harness import Array, Tally, bound, percent, stream, table
from scipy.stats import norm

from pytest_aipm.catalog import Catalog
from pytest_aipm.checks.base import Measurement
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.subject import Attribute, Subject
from pytest_aipm.judge import decide
from pytest_aipm.records import Limit
from pytest_aipm.sources.data import open_data
from pytest_aipm.stats.disparity import part_difference
from pytest_aipm.stats.estimate import Estimate
from pytest_aipm.stats.floors import floor
from pytest_aipm.stats.parts import AucPart, MeanPart

__all__ = ["score_tables"]

TAU = 0.10
AREAS = (
    ((0.95, 0.85), "0.95 and 0.85"),
    ((0.80, 0.70), "0.80 and 0.70"),
    ((0.6, 0.5), "0.60 and 0.50"),
)
PAIRS = (
    ((2_000, 2_000), (5, 5)),
    ((2_000, 2_000), (10, 20)),
    ((2_000, 2_000), (30, 30)),
    ((2_000, 2_000), (100, 100)),
    ((100, 400), (100, 400)),
)
MEANS = ((600, 30), (600, 100), (100, 100), (30, 30))
LAWS: dict[str, Callable[[np.random.Generator, float, int], Array]] = {
    "half-normal": lambda rng, mean, n: np.abs(rng.normal(0, mean / np.sqrt(2 / np.pi), n)),
    "exponential": lambda rng, mean, n: rng.exponential(mean, n),
    "log-normal (0.5)": lambda rng, mean, n: mean * np.exp(rng.normal(-0.125, 0.5, n)),
    "uniform": lambda rng, mean, n: rng.uniform(0, 2 * mean, n),
}


def _tally(found: Iterator[Estimate], limit: Limit, runs: int) -> Tally:
    said = (decide(each.value, each.lower, each.upper, limit, "interval") for each in found)
    return Tally().add(said, runs)


def _auc_part(rng: np.random.Generator, area: float, rows: tuple[int, int]) -> AucPart:
    shift = np.sqrt(2) * norm.ppf(area)
    return AucPart.from_scores(rng.normal(shift, 1, rows[0]), rng.normal(0, 1, rows[1]))


def areas(
    high: float, low: float, sizes: tuple[tuple[int, int], ...], runs: int, *, small_low: bool
) -> Tally:
    """Return verdicts on a difference of two areas that is exactly TAU."""
    rng = stream("auc", high, sizes, small_low)
    order = (high, low) if small_low else (low, high)
    found = (
        part_difference(
            [_auc_part(rng, area, rows) for area, rows in zip(order, sizes, strict=True)]
        )
        for _ in range(runs)
    )
    return _tally(found, Limit(max=TAU), runs)


def means(law: str, sizes: tuple[int, int], runs: int, *, small_low: bool) -> Tally:
    """Return verdicts on two means of which one is exactly 0.2 larger."""
    rng, draw = stream("mean", law, sizes, small_low), LAWS[law]
    order = (1.2, 1.0) if small_low else (1.0, 1.2)
    found = (
        part_difference(
            [MeanPart.from_values(draw(rng, mean, n)) for mean, n in zip(order, sizes, strict=True)]
        )
        for _ in range(runs)
    )
    # the largest number below the limit and not beyond: 1.2 - 1.0 is not 0.2 in binary
    return _tally(found, Limit(max=0.2 + 1e-12), runs)


def ceilings(law: str, sizes: tuple[int, int], runs: int) -> Tally:
    """Return verdicts on a ceiling that the means of both groups exactly meet."""
    rng, draw = stream("ceiling", law, sizes), LAWS[law]
    found = (
        floor([MeanPart.from_values(draw(rng, 1.0, n)) for n in sizes], worst="max")
        for _ in range(runs)
    )
    return _tally(found, Limit(max=1.0), runs)


def resampled(metric: str, sizes: tuple[int, int], runs: int) -> Tally:
    """Return verdicts on a floor of a bootstrapped metric that both groups exactly meet."""
    rng, check = stream("resampled", metric, sizes), Catalog().load("performance.metric")
    # 30 % positives, recall 0.7, false positive rate 0.2
    cells = np.array([0.30 * 0.7, 0.30 * 0.3, 0.70 * 0.2, 0.70 * 0.8])
    tp, fn, fp, _ = cells
    true = {"f1": 2 * tp / (2 * tp + fp + fn), "balanced_accuracy": 0.75}[metric]
    params = check.Params(by=("group",), metric=metric)

    def measure() -> Iterator[Estimate]:
        for _ in range(runs):
            yield _measured(check, params, [rng.multinomial(n, cells) for n in sizes]).estimate

    return _tally(measure(), Limit(min=float(true)), runs)


def _measured(check: object, params: object, counts: list[Array]) -> Measurement:
    rows = [
        pd.DataFrame(
            {
                "group": f"g{place}",
                "label": np.repeat([1, 1, 0, 0], n),
                "predicted": np.repeat([1, 0, 1, 0], n),
            }
        )
        for place, n in enumerate(counts)
    ]
    subject = Subject(
        task="binary",
        label="label",
        positive=1,
        favorable=1,
        predictions="predicted",
        attributes=(Attribute("group", "group"),),
    )
    data = open_data(pd.concat(rows, ignore_index=True), root=Path.cwd())
    return check.check(Evidence(subject, data, need_label=True), params)  # type: ignore[attr-defined]


def score_tables(*, quick: bool) -> list[str]:
    """Return the part of the page on areas, means and resampled metrics."""
    runs = 500 if quick else 4_000
    slow = 200 if quick else 2_000
    cells = 2 * len(AREAS) * len(PAIRS) + 3 * len(LAWS) * len(MEANS)
    area_rows = [
        [
            f"{sum(sizes[0]):,} and {sum(sizes[1]):,} rows",
            *(
                percent(
                    max(
                        areas(*pair, sizes, runs, small_low=low).share("breach")
                        for low in (True, False)
                    )
                )
                for pair, _ in AREAS
            ),
        ]
        for sizes in PAIRS
    ]
    mean_rows = [
        [
            law,
            *(
                percent(
                    max(
                        means(law, sizes, runs, small_low=low).share("breach")
                        for low in (True, False)
                    )
                )
                + " / "
                + percent(ceilings(law, sizes, runs).share("breach"))
                for sizes in MEANS
            ),
        ]
        for law in LAWS
    ]
    metric_rows = [
        [
            metric,
            *(percent(resampled(metric, sizes, slow).share("breach")) for sizes in MEANS[:3]),
        ]
        for metric in ("f1", "balanced_accuracy")
    ]
    return [
        "## Areas under the ROC curve, means, resampled metrics",
        (
            f"False fails exactly at the limit, {runs:,} runs; the bound over all of these cells "
            f"is {percent(bound(runs, cells) / runs)}. Groups of fewer than 30 rows cannot fail a "
            "mean or a resampled metric."
        ),
        "### Difference of two areas, limit 0.10, binormal scores",
        table(["groups", *(words for _, words in AREAS)], area_rows),
        "### Means: difference of two groups / a ceiling that both meet",
        table(["errors", *(f"{a} and {b} rows" for a, b in MEANS)], mean_rows),
        f"### Floor of a resampled metric that both groups meet, {slow:,} runs",
        table(["metric", *(f"{a} and {b} rows" for a, b in MEANS[:3])], metric_rows),
    ]
