"""A table or a query of a Spark session as a source of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import pandas as pd
import pyarrow as pa

from pytest_aipm.engine.executors import counted, part_number, quiet
from pytest_aipm.errors import DataError, Problem
from pytest_aipm.sources.data import NONE, DataSource
from pytest_aipm.sources.faults import first_line, problem
from pytest_aipm.sources.spec import Where
from pytest_aipm.sources.typed import EXACT, Trait, plain, to_frame

__all__ = ["Table", "table_of"]

ROWS = 40
"""Rows of a part of a table are numbered from its own number times 2 to this, where any will do."""


class Table(DataSource):
    """A table or a query of a Spark session.

    Parameters
    ----------
    spark : pyspark.sql.DataFrame
    ref : str
    """

    placed = False
    afar = True

    def __init__(self, spark: Any, ref: str, where: Where | None = None) -> None:
        self.spark, self.ref, self.kind, self.sha256, self.where = spark, ref, "spark", None, where
        self.columns = tuple(spark.columns)
        with quiet():
            self._schema = spark.limit(0).toArrow().schema
        self._traits: dict[str, Trait] = {}

    @cached_property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.spark.count())

    @cached_property
    def sizes(self) -> dict[int, int]:
        """Number of rows of each part."""
        from pyspark.sql import functions as f

        return counted(self.spark.select(f.lit(1)), self.ref)

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
            number = part_number()
            start = (starts or {}).get(number, number << ROWS)
            for batch in batches:
                table = pa.Table.from_batches([batch]).select(list(names))
                plain_ = [table.column(name).cast(traits[name].type) for name in names]
                yield to_frame(pa.table(plain_, names=list(names)), traits, start)
                start += batch.num_rows

        return decode

    def _batches(
        self,
        names: list[str],
        size: int,
        coded: frozenset[str] = NONE,  # noqa: ARG002
    ) -> Iterator[pd.DataFrame]:
        """Yield the first rows: all that this process is ever given."""
        traits = self.traits(names)
        with quiet():
            table = self.select(names).limit(size).toArrow()
        columns = [table.column(name).cast(traits[name].type) for name in names]
        yield to_frame(pa.table(columns, names=list(names)), traits, 0)


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
