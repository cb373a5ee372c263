"""Row passes on a Spark cluster: the very same function of a batch, run where the rows are.

Files are read on the executors by the readers that read them here, with the numbers that their rows
have here, so that every finding is the same. Tables and queries of a Spark session come as Spark
gives them. Only partial results travel: a tally of counts, never rows.
"""

from __future__ import annotations

import os
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import accumulate
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa

from pytest_aipm.engine.local import Local, Mergeable
from pytest_aipm.errors import DataError, MeasurementError, Problem
from pytest_aipm.sources.data import BATCH, NONE, DataSource, Part
from pytest_aipm.sources.faults import first_line, problem
from pytest_aipm.sources.spec import Where
from pytest_aipm.sources.typed import EXACT, Trait, plain, to_frame

__all__ = ["Spark", "Table", "session_of", "table_of"]

TASKS = 4
"""Tasks for each core: one that is slow does not hold up the rest for long."""
ROWS = 40
"""Rows of a part of a table are numbered from its own number times 2 to this, where any will do."""

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
            what = "the engine spark needs Java 17 or newer, which was not found"
            fix = "install a Java runtime (openjdk-17-jre-headless), or set JAVA_HOME"
            raise MeasurementError(Problem(what, fix)) from None
        what = f"Spark does not start on {master!r} ({said})"
        raise MeasurementError(Problem(what, "correct `aipm_spark_master`")) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what pyspark says of pandas' version out of findings, which are those of any engine."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, message="PySpark")
        yield


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
        with _quiet():
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
    ) -> _Part:
        """Run one pass; see `local.Engine.run`.

        Raises
        ------
        MeasurementError
            What went wrong with the rows of a part, or the job itself.
        """
        names = list(dict.fromkeys(columns)) or list(source.columns[:1])
        if isinstance(source, Table):
            source.require(names)
            frame = source.select(names)
            starts = self._starts(source, frame, names) if numbered else None
            decode: Callable[..., Iterator[pd.DataFrame]] = source.decoder(names, starts)
        else:
            parts = source.parts(names, coded=coded)
            if parts is None:
                return Local().run(source, names, partial, empty, coded=coded)
            tasks = min(len(parts), TASKS * self.session.sparkContext.defaultParallelism)
            shares = [list(each) for each in _split(parts, tasks)]
            with _quiet():
                frame = self.session.range(0, tasks, 1, tasks)
            decode = _reading(self.session.sparkContext.broadcast(shares))
        # by value: executors need not have the user's own modules
        work = self.session.sparkContext.broadcast(_by_value(partial))
        try:
            ran = self._ran(frame, _task(decode, work, empty), source.ref)
        finally:
            work.destroy()
        result = empty
        for _, found in ran:
            part = pickle.loads(found)  # noqa: S301 - written by our own task
            if isinstance(part, MeasurementError):
                raise part
            result = result.merge(part)
        return result

    def _ran(
        self, frame: Any, task: Callable[..., Iterator[Any]], ref: str
    ) -> list[tuple[int, bytes]]:
        """Return the number of each part of the rows and what it gave, in their order."""
        try:
            with _quiet():
                rows = frame.mapInArrow(task, "part long, found binary").collect()
        except Exception as error:  # noqa: BLE001 - whatever ended the job, in one line
            what = f"the Spark job died ({_cause(error)})"
            raise DataError(Problem(what, "look at the log of its executors", ref)) from None
        return sorted((int(row["part"]), bytes(row["found"])) for row in rows)

    def _starts(self, source: Table, frame: Any, names: Sequence[str]) -> dict[int, int]:
        """Return the number of the first row of each part; counted once for the same columns.

        Of these very columns, since a query may be planned, and its rows cut, otherwise for others.
        """
        key = tuple(names)
        if key not in source.starts:
            counted = [(part, int(found)) for part, found in self._ran(frame, _counted, source.ref)]
            before = accumulate((n for _, n in counted), initial=0)
            source.starts[key] = dict(zip((part for part, _ in counted), before, strict=False))
        return source.starts[key]


def _split(parts: list[Part], tasks: int) -> Iterator[list[Part]]:
    for some in np.array_split(np.arange(len(parts)), tasks):
        yield [parts[i] for i in some]


def _by_value(partial: Callable[..., Any]) -> bytes:
    from pyspark import cloudpickle

    dumps: Callable[[Any], bytes] = cloudpickle.dumps
    return pickle.dumps((sys.path, dumps(partial)))


def _opened(work: bytes) -> Callable[[pd.DataFrame], Any]:
    """Return the function of a batch; the project's own modules are where they were found here."""
    paths, held = pickle.loads(work)  # noqa: S301 - broadcast by `run`
    sys.path += [path for path in paths if path not in sys.path]
    partial: Callable[[pd.DataFrame], Any] = pickle.loads(held)  # noqa: S301
    return partial


def _reading(shares: Any) -> Callable[[Iterator[Any]], Iterator[pd.DataFrame]]:
    def decode(batches: Iterator[Any]) -> Iterator[pd.DataFrame]:
        # all of the few numbers first: a process that leaves input unread is not used again
        for share in [each for batch in batches for each in batch.column(0).to_pylist()]:
            for part in shares.value[share]:
                yield from part.batches()

    return decode


def _task(
    decode: Callable[[Iterator[Any]], Iterator[pd.DataFrame]], work: Any, empty: Any
) -> Callable[[Iterator[Any]], Iterator[Any]]:
    def task(batches: Iterator[Any]) -> Iterator[Any]:
        partial = _opened(work.value)
        found: Any = empty
        try:
            for frame in decode(batches):
                found = found.merge(partial(frame))
        except MeasurementError as error:
            found = error
        yield _told(pickle.dumps(found))

    return task


def _counted(batches: Iterator[Any]) -> Iterator[Any]:
    yield _told(str(sum(batch.num_rows for batch in batches)).encode())


def _told(found: bytes) -> Any:
    schema = pa.schema([("part", pa.int64()), ("found", pa.binary())])
    held = [pa.array([_part_number()], pa.int64()), pa.array([found], pa.binary())]
    return pa.RecordBatch.from_arrays(held, schema=schema)


def _part_number() -> int:
    from pyspark import TaskContext

    context = TaskContext.get()
    return 0 if context is None else int(context.partitionId())


def _cause(error: BaseException) -> str:
    """Return the line of a Spark error that says what happened, of its hundreds."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if "Caused by:" in line or "Error:" in line]
    return (told[-1] if told else lines[0] if lines else type(error).__name__)[:300]


class Table(DataSource):
    """A table or a query of a Spark session.

    Parameters
    ----------
    spark : pyspark.sql.DataFrame
    ref : str
    """

    def __init__(self, spark: Any, ref: str, where: Where | None = None) -> None:
        self.spark, self.ref, self.kind, self.sha256, self.where = spark, ref, "spark", None, where
        self.columns = tuple(spark.columns)
        with _quiet():
            self._schema = spark.limit(0).toArrow().schema
        self._traits: dict[str, Trait] = {}
        self.starts: dict[tuple[str, ...], dict[int, int]] = {}

    @cached_property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.spark.count())

    def traits(self, names: Sequence[str]) -> dict[str, Trait]:
        """Return what these columns are, over all rows: one query for those where gaps count."""
        new = [name for name in names if name not in self._traits]
        kinds = {name: plain(self._schema.field(name).type) for name in new}
        for name, kind in kinds.items():
            if pa.types.is_nested(kind):
                what = f"column {name!r} holds {kind}"
                raise DataError(Problem(what, "flatten it into columns of their own", self.ref))
        asked = [
            name
            for name, kind in kinds.items()
            if pa.types.is_integer(kind) or pa.types.is_boolean(kind)
        ]
        told = self._told(asked, kinds) if asked else {}
        self._traits |= {name: told.get(name, Trait(kind, True)) for name, kind in kinds.items()}
        return {name: self._traits[name] for name in names}

    def _told(self, names: Sequence[str], kinds: dict[str, Any]) -> dict[str, Trait]:
        from pyspark.sql import functions as f

        wanted = []
        for i, name in enumerate(names):
            column = f.col(f"`{name.replace('`', '``')}`")
            wanted.append(f.count_if(column.isNull()).alias(f"gaps{i}"))
            if pa.types.is_integer(kinds[name]):
                wanted += [f.min(column).alias(f"low{i}"), f.max(column).alias(f"high{i}")]
        row = self.spark.agg(*wanted).collect()[0].asDict()
        found = {}
        for i, name in enumerate(names):
            ends = (row.get(f"low{i}") or 0, row.get(f"high{i}") or 0)
            wide = ends[0] < -EXACT or ends[1] > EXACT
            found[name] = Trait(kinds[name], bool(row[f"gaps{i}"]), wide)
        return found

    def select(self, names: Sequence[str]) -> Any:
        """Return some columns, as Spark holds them."""
        return self.spark.select(*[f"`{name.replace('`', '``')}`" for name in names])

    def decoder(
        self, names: Sequence[str], starts: Mapping[int, int] | None = None
    ) -> Callable[[Iterator[Any]], Iterator[pd.DataFrame]]:
        """Return what turns the record batches of one part into frames, in any process.

        Parameters
        ----------
        names : sequence of str
        starts : mapping of int to int, optional
            Number of the first row of each part; without, numbers only tell the rows apart.
        """
        traits = self.traits(names)

        def decode(batches: Iterator[Any]) -> Iterator[pd.DataFrame]:
            number = _part_number()
            start = number << ROWS if starts is None else starts[number]
            for batch in batches:
                table = pa.Table.from_batches([batch]).select(list(names))
                plain_ = [table.column(name).cast(traits[name].type) for name in names]
                yield to_frame(pa.table(plain_, names=list(names)), traits, start)
                start += batch.num_rows

        return decode

    def _batches(
        self,
        names: list[str],
        size: int,  # noqa: ARG002 - that of Spark's own batches
        coded: frozenset[str] = NONE,  # noqa: ARG002
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows through this process, a few batches at a time."""
        traits = self.traits(names)
        with _quiet():
            packed = self.select(names).mapInArrow(_packed, "held binary")
        start = 0
        for row in packed.toLocalIterator(prefetchPartitions=True):
            table = pa.ipc.open_stream(bytes(row["held"])).read_all()
            columns = [table.column(name).cast(traits[name].type) for name in names]
            yield to_frame(pa.table(columns, names=list(names)), traits, start)
            start += table.num_rows


def _packed(batches: Iterator[Any]) -> Iterator[Any]:
    for batch in batches:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        held = pa.array([sink.getvalue().to_pybytes()], pa.binary())
        yield pa.RecordBatch.from_arrays([held], names=["held"])


def table_of(session: Any, *, table: str | None, query: str | None, where: Where | None) -> Table:
    """Return a table, or what a query gives, as a source of rows.

    Raises
    ------
    DataError
        When Spark does not know it, or there is no row.
    """
    ref = table or "the query"
    try:
        frame = session.table(table) if table is not None else session.sql(query)
        source = Table(frame, ref, where)
        empty = not frame.take(1)
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever Spark says, in one line
        what = f"Spark cannot read {ref} ({first_line(error)})"
        raise DataError(problem(what, "correct its name, or the query", where=where)) from None
    if empty:
        raise DataError(problem(f"{ref} has no row", "name a table with rows", where=where))
    return source
