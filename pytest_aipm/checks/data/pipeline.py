"""Whether the pipeline gives the rows it should: served alike, as many, and the same again.

## Question
Does the model meet the same features when it runs as when it was built?

## How it is measured
`serving` names a file, or a function of the project, with what was served for the same ids. Rows
are joined by `key` (default: the subject's `id`). The value is the share of the joined rows in
which a column differs, of the column that differs most; a column that is not served differs in all.
Numbers are alike when they differ by at most `tolerance` (one millionth) of the larger, texts when
they read the same; missing is alike to missing alone. `max_cells` judges the share of all cells
that differ, `max_unmatched` the share of rows whose id is not among the served ones.

Without `serving`: `min_rows` and `max_rows` judge the number of rows; `min_volume` and `max_volume`
that number divided by the median of the last `runs` (5) runs of the policy in the `history` file;
`max_rerun` reads the source twice more and counts columns that differ between both reads, their
order included. All are counts over the given rows, so the number itself decides.

## When it misleads
- Only ids in both are compared: what is never served for some people is in `max_unmatched`.
- A difference may be right, where serving is later and the world has moved on: compare rows of the
  same moment.
- A function that keeps its result gives the same rows twice and still others tomorrow.
- The usual number of rows says nothing about which rows they are.

## What to do
Look at the columns that differ first, and compute both from one piece of code. Where a rerun
differs, fix the seed, the order, or the day that a query reads.

## If left out
A model that was right in every test could be fed other numbers in use, and nobody would see it.

## Sources
- Sculley et al., "Hidden technical debt in machine learning systems", NIPS 2015.
- Breck, Polyzotis, Roy, Whang, Zinkevich, "Data validation for machine learning", MLSys 2019.
"""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field, model_validator

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.evidence.earlier import earlier_rows
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.grouped import Of, source_of
from pytest_aipm.evidence.serving import Skew, reread, skew
from pytest_aipm.records import Because, Formula, Series
from pytest_aipm.stats.single import census

NEEDS = Needs()
KIND = "census"
SCOPES = "overall"
SERVED = ("", "cells", "unmatched")
UNITS = (*SERVED, "rows", "volume", "rerun")
WEIGHTED = True
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 0}
BASIS = "policy choice: what is served should be what the model was built on"

_SHOWN = 12


class Params(CheckParams):
    """What is compared, and how near is alike."""

    serving: str | None = None
    """A file, or `package.module:function`, of the features that were served."""
    key: str | None = None
    """Column of ids in both; default the subject's `id`."""
    columns: tuple[str, ...] = ()
    """Columns to compare; empty for the model's inputs."""
    tolerance: float = Field(default=1e-6, ge=0, lt=1)
    """Share of the larger number by which two may differ."""
    history: str = "aipm-history.jsonl"
    """The history file, for the volume of earlier runs."""
    runs: int = Field(default=5, ge=1)
    """How many earlier runs the volume is compared with."""
    of: Of = "data"
    """Whether the evaluation rows or the training rows are looked at."""

    @model_validator(mode="after")
    def _complete(self) -> Params:
        if self.unit in SERVED and self.serving is None:
            raise ValueError(
                "compares with what is served, and nothing is named; add `serving: PATH`, or limit "
                "rows, volume or rerun"
            )
        if self.unit == "volume" and self.of == "train":
            raise ValueError("the history keeps how many evaluation rows there were; drop `of`")
        return self


def needs(params: Params) -> Needs:
    """Return what it needs: training rows where it is asked about those."""
    return Needs(train=params.of == "train")


def value_range(params: Params) -> tuple[float, float]:
    """Return the lowest and the highest value of the limit's unit."""
    return (0.0, 1.0) if params.unit in SERVED else (0.0, math.inf)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    n = source_of(evidence, params.of).rows
    measured = Measurement(
        estimate=None,
        formula=Formula(
            id=f"pipeline_{params.unit or 'skew'}",
            numerator=_NUMERATOR[params.unit],
            denominator=_DENOMINATOR.get(params.unit, ""),
            population=f"{n:,} {'training' if params.of == 'train' else 'evaluation'} rows",
        ),
        summary="",
        n=n,
        part_names=("all rows",),
        harm="down" if params.unit in ("rows", "volume") else "up",
    )
    if params.unit in SERVED:
        return _served(evidence, params, measured)
    if params.unit == "rerun":
        return _rerun(evidence, params, measured)
    if params.unit == "volume":
        return _volume(evidence, params, measured)
    return measured.with_(estimate=census(n, n), summary=f"there are {n:,} rows")


_NUMERATOR = {
    "": "joined rows in which the column that differs most differs",
    "cells": "cells of joined rows that differ",
    "unmatched": "rows whose id is not among the served ones",
    "rows": "rows",
    "volume": "rows",
    "rerun": "columns that differ between two reads",
}
_DENOMINATOR = {
    "": "joined rows",
    "cells": "cells of joined rows",
    "unmatched": "rows",
    "volume": "median of the rows of earlier runs",
}


def _served(evidence: Evidence, params: Params, measured: Measurement) -> Measurement:
    assert params.serving is not None  # noqa: S101 - the parameters want it
    found = skew(
        evidence,
        of=params.of,
        serving=params.serving,
        key=params.key,
        columns=params.columns,
        tolerance=params.tolerance,
    )
    worst = int(np.argmax(found.differing))
    column, share = found.columns[worst][:60], float(found.shares[worst])
    cells = float(found.shares.mean())
    unmatched = 1 - found.matched / found.rows
    value, summary = {
        "": (
            share,
            f"column {column} differs in {frequency(share)} rows between training and serving"
            if share
            else f"all {len(found.columns)} columns are served as these rows hold them",
        ),
        "cells": (cells, f"{frequency(cells)} cells differ between training and serving"),
        "unmatched": (unmatched, f"{frequency(unmatched)} rows have no served row of their id"),
    }[params.unit]
    return measured.with_(
        estimate=census(value, measured.n),
        summary=summary,
        notes=_notes(found),
        series=_series(found),
    )


def _notes(found: Skew) -> tuple[str, ...]:
    said = [f"{found.matched:,} of {found.rows:,} rows joined; {found.extra:,} served ids are new"]
    for names, what in (
        (found.absent, "not served at all"),
        (found.retyped, "hold numbers on one side and texts on the other, compared as they read"),
    ):
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            said.append(f"{', '.join(name[:60] for name in names[:_SHOWN])}{more}: {what}")
    return tuple(said)


def _series(found: Skew) -> tuple[Series, ...]:
    """Return the columns that differ, most of all first."""
    order = [i for i in np.argsort(-found.differing, kind="stable")[:_SHOWN] if found.differing[i]]
    if not order:
        return ()
    return (
        Series(
            name="share of rows that differ",
            kind="bars",
            x=tuple(found.columns[i] for i in order),
            y=tuple(float(found.shares[i]) for i in order),
            x_label="column",
            y_label="share of joined rows",
            counts=(found.matched,) * len(order),
        ),
    )


def _volume(evidence: Evidence, params: Params, measured: Measurement) -> Measurement:
    rows, broken = earlier_rows(evidence.root, params.history, evidence.stated.policy)
    last = rows[-params.runs :]
    said = [f"{broken:,} lines of the history could not be read"] if broken else []
    if not last:
        why = f"{params.history} tells of no earlier run of this policy"
        return measured.with_(summary=why, not_judged=(Because.NO_EVIDENCE, why), notes=tuple(said))
    usual = float(np.median(last))
    value = measured.n / max(usual, 1.0)
    return measured.with_(
        estimate=census(value, measured.n),
        summary=(
            f"there are {measured.n:,} rows, {number(value)} times the median of the last "
            f"{len(last)} run{'s' if len(last) > 1 else ''} ({usual:,.0f})"
        ),
        notes=tuple(said),
    )


def _rerun(evidence: Evidence, params: Params, measured: Measurement) -> Measurement:
    found = reread(evidence, params.of)
    if found is None:
        why = "the rows were handed over in memory, so they cannot be read again"
        return measured.with_(summary=why, not_judged=(Because.NOT_APPLICABLE, why))
    count = len(found.differing)
    summary = f"two reads give the same {found.rows[0]:,} rows"
    if found.rows[0] != found.rows[1]:
        summary = f"two reads give {found.rows[0]:,} and {found.rows[1]:,} rows"
    elif found.reordered:
        summary = "two reads give the same rows in another order"
    elif count:
        summary = f"{count} of {len(found.columns)} columns differ between two reads"
    told = ", ".join(name[:60] for name in found.differing[:_SHOWN])
    return measured.with_(
        estimate=census(count, measured.n),
        summary=summary,
        notes=(f"columns that differ: {told}",) if count else (),
    )
