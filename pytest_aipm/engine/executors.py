"""What Spark runs on its executors, and what comes back of it: one row for each of their parts."""

from __future__ import annotations

import pickle
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

from pytest_aipm.errors import DataError, MeasurementError, Problem
from pytest_aipm.sources.faults import first_line

__all__ = [
    "FAULT",
    "Ran",
    "by_value",
    "counted",
    "part_number",
    "quiet",
    "reading",
    "task_of",
    "told",
]

FAULT = -1
"""Rows of a part that could not be read to its end."""


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what pyspark says of pandas' version out of findings, which are those of any engine."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, message="PySpark")
        yield


class Ran(NamedTuple):
    """What a task gave: number of its part, rows it read, the pickled result."""

    part: int
    rows: int
    found: bytes


def told(frame: Any, task: Callable[[Iterator[Any]], Iterator[Any]], ref: str) -> list[Ran]:
    """Return what a task gave of each part of the rows, in their order."""
    try:
        with quiet():
            rows = frame.mapInArrow(task, "part long, rows long, found binary").collect()
    except Exception as error:  # noqa: BLE001 - whatever ended the job, in one line
        what = f"the Spark job died ({_cause(error)})"
        raise DataError(Problem(what, "look at the log of its executors", ref)) from None
    return sorted(Ran(row["part"], row["rows"], bytes(row["found"])) for row in rows)


def counted(frame: Any, ref: str) -> dict[int, int]:
    """Return the number of rows of each part."""

    def task(batches: Iterator[Any]) -> Iterator[Any]:
        yield _telling(sum(batch.num_rows for batch in batches), b"")

    return {each.part: each.rows for each in told(frame, task, ref)}


def by_value(partial: Callable[..., Any]) -> bytes:
    """Return a function of a batch as bytes, with the models that it asks.

    Raises
    ------
    DataError
        When one of them cannot be sent.
    """
    from pyspark import cloudpickle

    dumps: Callable[[Any], bytes] = cloudpickle.dumps
    try:
        return pickle.dumps((sys.path, dumps(partial)))
    except Exception as error:  # noqa: BLE001 - models of any library, and what they hold
        what = f"the model cannot be sent to the executors ({first_line(error)})"
        raise DataError(
            Problem(what, "give it a `__reduce__`, or audit it without Spark")
        ) from None


def _opened(work: bytes) -> Callable[[pd.DataFrame], Any]:
    """Return the function of a batch; the project's own modules are where they were found here."""
    paths, held = pickle.loads(work)  # noqa: S301 - broadcast by `run`
    sys.path += [path for path in paths if path not in sys.path]
    partial: Callable[[pd.DataFrame], Any] = pickle.loads(held)  # noqa: S301
    return partial


def reading(shares: Any) -> Callable[[Iterator[Any]], Iterator[pd.DataFrame]]:
    """Return what turns the numbers of shares into the rows of their parts."""

    def decode(batches: Iterator[Any]) -> Iterator[pd.DataFrame]:
        # all of the few numbers first: a process that leaves input unread is not used again
        for share in [each for batch in batches for each in batch.column(0).to_pylist()]:
            for part in shares.value[share]:
                yield from part.batches()

    return decode


def task_of(
    decode: Callable[[Iterator[Any]], Iterator[pd.DataFrame]], work: Any, empty: Any
) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Return one pass over a part of the rows, which `decode` gives, from `empty` on."""

    def task(batches: Iterator[Any]) -> Iterator[Any]:
        partial = _opened(work.value)
        found, rows = empty, 0
        try:
            for frame in decode(batches):
                found = found.merge(partial(frame))
                rows += len(frame)
        except MeasurementError as error:
            found, rows = error, FAULT
        yield _telling(rows, pickle.dumps(found))

    return task


def _telling(rows: int, found: bytes) -> Any:
    held = {"part": [part_number()], "rows": [rows], "found": [found]}
    schema = pa.schema([("part", pa.int64()), ("rows", pa.int64()), ("found", pa.binary())])
    return pa.RecordBatch.from_pydict(held, schema=schema)


def part_number() -> int:
    """Return the number of the part that this process works on."""
    from pyspark import TaskContext

    context = TaskContext.get()
    return 0 if context is None else int(context.partitionId())


def _cause(error: BaseException) -> str:
    """Return the line of a Spark error that says what happened, of its hundreds."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if "Caused by:" in line or "Error:" in line]
    return (told[-1] if told else lines[0] if lines else type(error).__name__)[:300]
