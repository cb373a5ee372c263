"""What an Arrow file says of its record batches before them: rows, and gaps of each column.

Each batch is preceded by a flatbuffer, a table of offsets, as the Arrow columnar format describes
it (Message.fbs). Arrow has held it to its form when it gives it out; its numbers are read here
without a byte of the columns.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

__all__ = ["Head", "heads"]

_MAGIC = b"ARROW1"
_HEADER, _LENGTH, _NODES = 2, 0, 1
"""Places of fields: the header of a Message; length and nodes of a RecordBatch."""


class Head(NamedTuple):
    """One record batch: its rows, and how many of them each column, or part of one, lacks."""

    rows: int
    missing: tuple[int, ...]


def heads(path: Path) -> Iterator[Head]:
    """Yield what is said of each record batch of a file or a stream, in order.

    Raises
    ------
    ArrowInvalid
        When the file is damaged, or cut short.
    """
    with pa.memory_map(str(path)) as source:
        source.seek(8 if source.read(len(_MAGIC)) == _MAGIC else 0)
        for message in pa.ipc.MessageReader.open_stream(source):
            if message.type == "record batch":
                yield _head(message.metadata.to_pybytes())


def _head(said: bytes) -> Head:
    try:
        batch = _pointed(said, _field(said, _pointed(said, 0), _HEADER))
        place, nodes = _field(said, batch, _LENGTH), _pointed(said, _field(said, batch, _NODES))
        rows = _number(said, "<q", place) if place else 0  # a number that is 0 is left out
        many = _number(said, "<I", nodes)
        pairs = [struct.unpack_from("<qq", said, nodes + 4 + 16 * i) for i in range(many)]
    except struct.error as error:
        raise pa.ArrowInvalid(f"the head of a record batch cannot be read: {error}") from None
    return Head(rows, tuple(missing for _, missing in pairs))


def _field(said: bytes, table: int, number: int) -> int:
    """Return where a field of a table lies; 0 for one that is left out."""
    places = table - _number(said, "<i", table)
    if 4 + 2 * number >= _number(said, "<H", places):
        return 0
    offset = _number(said, "<H", places + 4 + 2 * number)
    return table + offset if offset else 0


def _pointed(said: bytes, place: int) -> int:
    """Return where an offset leads."""
    return place + _number(said, "<I", place)


def _number(said: bytes, form: str, place: int) -> int:
    return int(struct.unpack_from(form, said, place)[0])
