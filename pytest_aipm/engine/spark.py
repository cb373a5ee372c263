"""Row passes on a Spark cluster: the very same function of a batch, run where the rows are.

Files are read on the executors by the readers that read them here, with the numbers that their rows
have here, so that every finding is the same. Tables and queries of a Spark session come as Spark
gives them. Only partial results travel: a tally of counts, never rows.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from pytest_aipm.engine.executors import (
    FAULT,
    Ran,
    by_value,
    counted,
    quiet,
    reading,
    task_of,
    told,
)
from pytest_aipm.engine.local import Local, Mergeable
from pytest_aipm.engine.table import Table
from pytest_aipm.errors import DataError, MeasurementError, Problem
from pytest_aipm.sources.data import BATCH, NONE, DataSource, Part
from pytest_aipm.sources.faults import first_line

__all__ = ["Spark", "session_of"]

TASKS = 4
"""Tasks for each core: one that is slow does not hold up the rest for long."""
LEAST = 20_000
"""Rows that are worth a task of their own."""
_Part = TypeVar("_Part", bound=Mergeable)


def session_of(master: str) -> Any:
    """Return a Spark session of our own: the one that is there, or a new one on `master`.

    Raises
    ------
    MeasurementError
        When pyspark or Java is missing, or Spark does not start.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        what = "the engine spark needs pyspark, which is not installed"
        raise MeasurementError(Problem(what, "pip install 'pytest-aipm[spark]'")) from None
    # executors must run the Python that has this package
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        return (
            SparkSession.builder.appName("pytest-aipm")
            .master(master)
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.sql.execution.arrow.maxRecordsPerBatch", BATCH)
            .config("spark.log.level", "ERROR")
            .getOrCreate()
        )
    except Exception as error:  # noqa: BLE001 - whatever Java or Spark say, in one line
        said = first_line(error)
        if "Java" in said or "JAVA" in said:
            home = os.environ.get("JAVA_HOME")
            looked = f" under JAVA_HOME={home}" if home else ""
            what = f"the engine spark needs Java 17 or newer, which was not found{looked}"
            fix = "install a Java runtime (openjdk-17-jre-headless), or set JAVA_HOME"
            raise MeasurementError(Problem(what, fix)) from None
        what = f"Spark does not start on {master!r} ({said})"
        raise MeasurementError(Problem(what, "correct `aipm_spark_master`")) from None


class Spark:
    """Runs passes on a Spark session, made when the first one is wanted.

    Parameters
    ----------
    session : callable
        Returns a SparkSession.
    """

    remote = True

    def __init__(self, session: Callable[[], Any]) -> None:
        self._made = session

    @cached_property
    def session(self) -> Any:
        """The session."""
        with quiet():
            return self._made()

    def run(
        self,
        source: DataSource,
        columns: Sequence[str],
        partial: Callable[[pd.DataFrame], _Part],
        empty: _Part,
        *,
        coded: frozenset[str] = NONE,
        numbered: bool = False,
        size: int | None = None,  # noqa: ARG002 - batches are cut on the executors
    ) -> _Part:
        """Run one pass; see `local.Engine.run`.

        Raises
        ------
        MeasurementError
            What went wrong with the rows of a part, or the job itself.
        """
        names = list(dict.fromkeys(columns))
        if not names:  # a frame without columns still says how many rows there are
            names, partial = list(source.columns[:1]), _bare(partial)
        if isinstance(source, Table):
            source.require(names)
            ran = self._of_table(source, names, by_value(partial), empty, numbered=numbered)
        else:
            parts = source.parts(names, coded=coded)
            if parts is None:
                return Local().run(source, names, partial, empty, coded=coded)
            most = max(1, source.rows // LEAST)
            ran = self._of_parts(parts, by_value(partial), empty, source.ref, most)
        result = empty
        for each in ran:
            part = pickle.loads(each.found)  # noqa: S301 - written by our own task
            if isinstance(part, MeasurementError):
                raise part
            result = result.merge(part)
        return result

    def _of_parts(
        self, parts: list[Part], work: bytes, empty: Any, ref: str, most: int
    ) -> list[Ran]:
        tasks = min(len(parts), most, TASKS * self.session.sparkContext.defaultParallelism)
        shares = self.session.sparkContext.broadcast([list(each) for each in _split(parts, tasks)])
        try:
            with quiet():
                frame = self.session.range(0, tasks, 1, tasks)
            return self._ran(frame, reading(shares), work, empty, ref)
        finally:
            shares.destroy()

    def _of_table(
        self, source: Table, names: list[str], work: bytes, empty: Any, *, numbered: bool
    ) -> list[Ran]:
        """Run over a table; where rows need their numbers, parts must be cut as they were counted.

        They are counted without a column, which costs next to nothing. A query may be planned, and
        its rows cut, otherwise for other columns: then they are counted again, of these very ones.
        """
        frame = source.select(names)
        if not numbered:
            return self._ran(frame, source.decoder(names), work, empty, source.ref)
        for again in (False, True):
            sizes = counted(frame, source.ref) if again else source.sizes
            starts = dict(zip(sizes, accumulate(sizes.values(), initial=0), strict=False))
            ran = self._ran(frame, source.decoder(names, starts), work, empty, source.ref)
            read = {each.part: each.rows for each in ran}
            if read == sizes or FAULT in read.values():
                return ran
        what = f"the rows of {source.ref} come in other parts each time they are read"
        raise DataError(Problem(what, "write them to a table, and audit that", source.ref))

    def _ran(
        self, frame: Any, decode: Callable[..., Any], work: bytes, empty: Any, ref: str
    ) -> list[Ran]:
        """Return what each part of the rows gave, in their order."""
        # by value: executors need not have the user's own modules
        sent = self.session.sparkContext.broadcast(work)
        try:
            return told(frame, task_of(decode, sent, empty), ref)
        finally:
            sent.destroy()


def _bare(partial: Callable[[pd.DataFrame], _Part]) -> Callable[[pd.DataFrame], _Part]:
    return lambda batch: partial(batch[[]])


def _split(parts: list[Part], tasks: int) -> Iterator[list[Part]]:
    for some in np.array_split(np.arange(len(parts)), tasks):
        yield [parts[i] for i in some]
