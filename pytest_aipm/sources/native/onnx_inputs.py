"""What an ONNX model is fed with: one table of numbers, or one input a column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.sources.faults import listed
from pytest_aipm.sources.native.columns import number
from pytest_aipm.sources.native.voice import Asked
from pytest_aipm.sources.output import rows_of

__all__ = ["Inputs"]

_TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(int16)": np.int16,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.str_,
}


@dataclass(frozen=True)
class Inputs:
    """The inputs of a model.

    Attributes
    ----------
    parts : tuple of (name, type, rank)
    single : bool
        Whether one input takes all columns.
    width : int or None
        How many columns, None when the file does not say.
    names : list of str or None
        Names of the columns, None for a table.
    """

    parts: tuple[tuple[str, str, int], ...]
    single: bool
    width: int | None
    names: list[str] | None
    asked: Asked

    @classmethod
    def of(cls, session: Any, asked: Asked) -> Inputs:
        """Read the inputs of a session.

        Raises
        ------
        ModelError
            When they can be read in more than one way.
        """
        inputs = session.get_inputs()
        shapes = [list(each.shape or ()) for each in inputs]
        parts = tuple(
            (each.name, each.type, len(shape)) for each, shape in zip(inputs, shapes, strict=True)
        )
        clear = all(kind in _TYPES and rank in (1, 2) for _, kind, rank in parts) and parts
        fixed = [shape[0] for shape in shapes if shape and isinstance(shape[0], int)]
        if clear and fixed:
            what = f"model {asked.ref} takes {fixed[0]} rows at a time, no more and no fewer"
            raise asked.error(what, "export it with a first axis that is free (a batch axis)")
        widths = [shape[1] if len(shape) == 2 else 1 for shape in shapes]
        if clear and len(parts) == 1 and parts[0][2] == 2 and widths != [1]:
            width = widths[0] if isinstance(widths[0], int) else None
            return cls(parts, True, width, None, asked)
        if clear and all(width == 1 for width in widths):
            single = len(parts) == 1 and parts[0][0] in ("X", "input", "float_input", "inputs")
            names = None if single else [name for name, _, _ in parts]
            return cls(parts, single and parts[0][2] == 2, len(parts), names, asked)
        shown = [
            f"{name} {kind} {shape}" for (name, kind, _), shape in zip(parts, shapes, strict=True)
        ]
        what = (
            f"model {asked.ref} has inputs that can be read in more than one way: {listed(shown)}"
        )
        fix = "export it with one input (rows, columns), or one input (rows, 1) for each column"
        raise asked.error(what, fix)

    def spelled(self, name: str) -> str:
        """Return a name of the data as skl2onnx writes it: letters, digits and underscores."""
        plain = re.sub(r"[^\w+]", "_", name)
        return f"_{plain}" if plain[:1].isdigit() else plain

    def of_frame(self, frame: pd.DataFrame) -> dict[str, np.ndarray]:
        """Return what the session is fed with for some rows."""
        columns = [frame.iloc[:, i] for i in range(frame.shape[1])]
        if self.single:
            name, kind, _ = self.parts[0]
            table = [self._typed(column, kind) for column in columns]
            return {name: np.column_stack(table)}
        return {
            name: self._typed(column, kind).reshape((-1, 1) if rank == 2 else (-1,))
            for (name, kind, rank), column in zip(self.parts, columns, strict=True)
        }

    def _typed(self, column: pd.Series[Any], kind: str) -> np.ndarray:
        """Return a column as the type of its input.

        Raises
        ------
        ModelError
            When a value is missing or has a fraction where the type knows neither.
        """
        wanted, place = _TYPES[kind], f"column {column.name!r} ({rows_of(column.to_frame())})"
        if wanted is np.str_:
            if column.isna().any():
                what = f"model {self.asked.ref} takes a text in {place}, and some are missing"
                raise self.asked.error(what, "fill them as the model was fitted on them")
            return column.astype(object).map(_text).to_numpy(dtype=object)
        numbers = number(column, self.asked)
        if np.issubdtype(wanted, np.floating):
            return numbers.astype(wanted)
        limits = (0, 1) if wanted is np.bool_ else (np.iinfo(wanted).min, np.iinfo(wanted).max)
        with np.errstate(invalid="ignore"):
            unfit = ~((numbers % 1 == 0) & (numbers >= limits[0]) & (numbers <= limits[1]))
        if unfit.any():
            what = f"model {self.asked.ref} takes whole numbers ({kind}) in {place}; "
            what += f"{int(unfit.sum())} values are missing, too large, or have a fraction"
            raise self.asked.error(what, "fill them as the model was fitted on them")
        return numbers.astype(wanted)


def _text(value: Any) -> str:
    """Return a value as text; a whole number that lies in a column of decimals without its .0."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
