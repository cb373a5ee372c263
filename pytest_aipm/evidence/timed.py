"""How long a model takes to answer: its own method on real rows, call by call."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from pytest_aipm.errors import MeasurementError, ModelError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.hardware import hardware
from pytest_aipm.evidence.sample import generator
from pytest_aipm.sources.faults import describe
from pytest_aipm.sources.guard import third_party
from pytest_aipm.stats.serial import neighbours

__all__ = ["MOST_ROWS", "Timed", "timed"]

TICKS: Callable[[], int] = time.perf_counter_ns
"""The clock, in nanoseconds."""
MOST_ROWS = 2000
"""Different rows that calls go around; a call of more rows draws as many as it takes."""
FAULTY = 0.01
"""Where the clock steps back in more calls than this, nothing it says is believed."""


@dataclass(frozen=True, eq=False)
class Timed:
    """Calls and how long each took.

    Attributes
    ----------
    seconds : float array of shape (calls,)
        Never negative.
    rows : int
        Of each call.
    name : str
        The method that was called.
    warm_up : int
        Calls before the first that counts.
    stepped : int
        Calls in which the clock went back; they are not among `seconds`.
    blind : int
        Calls in which the clock did not move.
    spent : bool
        Whether the budget was over before all calls were made.
    alike : float
        Rank correlation of each call with the one before.
    conditions : dict of str to str
        The machine.
    """

    seconds: np.ndarray
    rows: int
    name: str
    warm_up: int
    stepped: int
    blind: int
    spent: bool
    alike: float
    conditions: dict[str, str]


def timed(
    evidence: Evidence,
    *,
    rows: int,
    calls: int,
    warm_up: int,
    threads: int | None,
    budget_s: float,
) -> Timed:
    """Time calls on rows of the evaluation data, drawn by the seed; once for all who ask alike.

    What is timed is the model's own method, on a frame that is ready: neither the checks around
    `Model.predict` nor the copying of the frame. The garbage collector runs as in a service, but
    walks none of the objects that the audit itself holds.

    Parameters
    ----------
    evidence : Evidence
        With a model.
    rows, calls : int
        Rows of a call, and calls.
    warm_up : int
        Calls before those that count.
    threads : int or None
        What numerical libraries are held to; None leaves them alone.
    budget_s : float
        Beyond it no further call is made.

    Raises
    ------
    ModelError
        When the model raises, or has no answer for the first rows.
    MeasurementError
        When the clock cannot be used.
    """
    key = ("timed", rows, calls, warm_up, threads, budget_s)
    return evidence.once(
        key,
        lambda: _timed(evidence, rows, calls, warm_up=warm_up, threads=threads, budget_s=budget_s),
    )


def _timed(
    evidence: Evidence,
    rows: int,
    calls: int,
    *,
    warm_up: int,
    threads: int | None,
    budget_s: float,
) -> Timed:
    model, features = evidence.model, evidence.feature_columns()
    assert model is not None  # noqa: S101 - checked by the plan
    frame = evidence.drawn(evidence.data, features, max(rows, MOST_ROWS))
    if not len(frame):
        raise MeasurementError(Problem("there are no rows to ask the model about"))
    order = generator(evidence.seed, "timed").permutation(len(frame))
    evidence.asked(frame.iloc[order[:1]])  # an answer that is none is found here, and told why
    bare = model.bare(labels=evidence.subject.decision is None)
    took: list[int] = []
    stepped, spent = 0, False
    held = nullcontext() if threads is None else threadpool_limits(limits=threads)
    with third_party(model.warnings), held, _own_garbage():
        deadline = time.monotonic() + budget_s
        for number, given in enumerate(_requests(bare.given(frame), order, rows, warm_up + calls)):
            if time.monotonic() > deadline:
                spent = True
                break
            try:
                start = TICKS()
                bare.call(given)
                stop = TICKS()
            except (Exception, SystemExit) as error:
                what = f"{bare.name} raised {describe(error)} on a call of {rows:,} rows"
                fix = "let it answer every row; operations.error_rate counts those it does not"
                raise ModelError(Problem(what, fix)) from error
            if number < warm_up:
                continue
            if stop < start:
                stepped += 1
            else:
                took.append(stop - start)
        conditions = hardware(threads)
    return Timed(
        seconds=np.array(took, dtype=np.float64) / 1e9,
        rows=rows,
        name=bare.name,
        warm_up=warm_up,
        stepped=stepped,
        blind=_blind(took, stepped),
        spent=spent,
        alike=neighbours(took),
        conditions=conditions,
    )


def _requests(
    given: pd.DataFrame, order: np.ndarray, rows: int, calls: int
) -> Iterator[pd.DataFrame]:
    """Yield the frame of each call: the next rows of the drawn order, round and round."""
    for call in range(calls):
        places = order[np.arange(call * rows, (call + 1) * rows) % len(order)]
        yield given.iloc[places].reset_index(drop=True)


@contextmanager
def _own_garbage() -> Iterator[None]:
    """Leave what is there now out of the garbage collector's rounds, as in a fresh service."""
    gc.collect()
    ours = gc.get_freeze_count() == 0  # what someone else has frozen stays so
    if ours:
        gc.freeze()
    try:
        yield
    finally:
        if ours:
            gc.unfreeze()


def _blind(took: list[int], stepped: int) -> int:
    """Return in how many calls the clock did not move, unless it is of no use at all."""
    calls = len(took) + stepped
    if stepped > FAULTY * calls:
        what = f"the clock went back in {stepped:,} of {calls:,} calls, so no time is known"
        fix = "measure on a machine with a steady clock (of a virtual machine, ask its host)"
        raise MeasurementError(Problem(what, fix))
    blind = sum(each == 0 for each in took)
    if took and blind > FAULTY * len(took):
        what = f"the clock did not move in {blind:,} of {len(took):,} calls: it is too coarse"
        raise MeasurementError(Problem(what, "ask about more `rows` a call"))
    return blind
