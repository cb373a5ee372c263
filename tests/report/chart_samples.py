"""A record with every kind of series, and hostile names in each."""

from __future__ import annotations

import math

from report_samples import ARABIC, EMOJI, LONG, SCRIPT, finding, lending, record_of

from pytest_aipm.records import Finding, Limit, Record, Series

NAMES = (SCRIPT, ARABIC, LONG, EMOJI)


def reliability() -> tuple[Series, ...]:
    at = tuple(i / 11 + 0.04 for i in range(10))
    return tuple(
        Series(
            name=name,
            kind="reliability",
            x=at,
            y=tuple(min(1.0, max(0.0, x + shift)) for x in at),
            lo=tuple(max(0.0, x + shift - 0.06) for x in at),
            hi=tuple(min(1.0, x + shift + 0.06) for x in at),
            counts=(120, 90, 80, 70, 60, 50, 40, 30, 20, 10),
            x_label="mean score of a bin",
            y_label="share of positives in it",
        )
        for name, shift in zip(NAMES, (0.0, 0.05, -0.04, 0.09), strict=True)
    )


def attack() -> tuple[Series, ...]:
    at = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
    return (
        Series(
            name="share of training rows found",
            kind="roc",
            x=at,
            y=tuple(min(1.0, x**0.85 * 1.1) for x in at),
            x_label="share of others wrongly named, at most",
            y_label="share of training rows found",
            mark=0.01,
        ),
    )


def thresholds() -> tuple[Series, ...]:
    at = tuple(i / 40 for i in range(41))
    return tuple(
        Series(
            name=name,
            kind="curve",
            x=at,
            y=tuple(1 / (1 + math.exp((x - middle) * 14)) for x in at),
            x_label="threshold",
            y_label="selection rate",
            counts=(50,) * len(at),
            mark=0.35,
        )
        for name, middle in zip(NAMES, (0.4, 0.33, 0.37, 0.3), strict=True)
    )


def steps() -> tuple[Series, ...]:
    return (
        Series(
            name="where the gap comes from",
            kind="waterfall",
            x=("income", *NAMES, "gap"),
            y=(0.05, 0.03, -0.02, 0.025, 0.005, 0.09),
            lo=(0.04, 0.02, -0.03, 0.01, 0.0, 0.07),
            hi=(0.06, 0.04, -0.01, 0.04, 0.01, 0.11),
            x_label="feature",
            y_label="part of the gap",
        ),
        Series(
            name="share of the attribution",
            kind="bars",
            x=("postcode", *NAMES),
            y=(0.42, 0.31, 0.2, -0.07, 1e-7),
            lo=(0.38, 0.28, 0.17, -0.1, 0.0),
            hi=(0.46, 0.34, 0.23, -0.04, 2e-7),
            x_label="feature",
            y_label="share",
            counts=(1200, 1200, 1200, 33, 1_234_567),
        ),
    )


def strips() -> tuple[Series, ...]:
    ages = tuple(18.0 + 5 * i for i in range(14))
    numbers = tuple(
        Series(
            name=name,
            kind="strip",
            x=ages,
            y=tuple(math.exp(-(((i - middle) / 3) ** 2)) for i in range(14)),
            counts=(400,) * 14,
            x_label="age",
            y_label="density",
        )
        for name, middle in ((LONG, 5), (SCRIPT, 7))
    )
    labels = tuple(
        Series(name=name, kind="strip", x=NAMES, y=y, counts=(90, 50, 20, 30), x_label="job")
        for name, y in (("training", (0.6, 0.2, 0.15, 0.05)), (LONG, (0.5, 0.2, 0.2, 0.1)))
    )
    return numbers + labels


def charted() -> tuple[Finding, ...]:
    """One finding for each kind of series."""
    kinds = {
        "reliability": reliability(),
        "attack": attack(),
        "thresholds": thresholds(),
        "steps": steps(),
        "strips": strips(),
    }
    return tuple(
        finding(
            "performance.metric",
            name,
            (),
            "pass",
            reason="It is well.",
            value=1_234_567.0,
            interval=(1_200_000.0, 1_260_000.0),
            limit=Limit(max=1_500_000.0),
            series=series,
        )
        for name, series in kinds.items()
    )


def charts_record() -> Record:
    """One policy whose findings have every kind of series."""
    return record_of(
        lending().model_copy(update={"findings": charted(), "waivers": (), "groups": ()})
    )
