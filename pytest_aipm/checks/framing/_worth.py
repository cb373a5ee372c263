"""What each decision is worth, by outcome: numbers or expressions of the policy, row by row."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, field_validator

from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.written import answers
from pytest_aipm.expressions import Expression, ExpressionError, parse

__all__ = ["CELLS", "Cells", "Worth"]

CELLS = ("true_positive", "false_positive", "false_negative", "true_negative")

LARGEST = 1e50
"""Sums of cubes of more than this are infinite."""

Value = float | str


class Cells(BaseModel):
    """What one decision is worth, by what was decided and what came true."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    true_positive: Value
    """Decided as the positive class, and it is."""
    false_positive: Value
    """Decided as the positive class, and it is not."""
    false_negative: Value
    """Decided as the other class, but it is positive."""
    true_negative: Value
    """Decided as the other class, and it is not positive."""

    @field_validator(*CELLS)
    @classmethod
    def _worth_something(cls, value: Value) -> Value:
        if isinstance(value, str):
            try:
                condition = parse(value).is_condition
            except ExpressionError as error:
                raise ValueError(str(error)) from None
            if condition:
                raise ValueError("gives true or false; write a number or arithmetic over columns")
        elif not math.isfinite(value) or abs(value) > LARGEST:
            raise ValueError("is no amount; write a finite number")
        return value

    @property
    def numbers(self) -> tuple[float, ...] | None:
        """The four values where all are numbers, else None."""
        found = [getattr(self, cell) for cell in CELLS]
        return None if any(isinstance(each, str) for each in found) else tuple(found)

    @property
    def expressions(self) -> dict[str, Expression]:
        """Expressions over columns, by cell."""
        found = {cell: getattr(self, cell) for cell in CELLS}
        return {cell: parse(each) for cell, each in found.items() if isinstance(each, str)}


@dataclass(frozen=True, eq=False)
class Worth:
    """What each of n decisions is worth.

    Attributes
    ----------
    positive : bool array of shape (n,)
        Which rows are of the positive class.
    decided : bool array of shape (n,)
        Which are decided as such.
    cells : mapping of cell to float array of shape (n,)
        What the row would be worth there; NaN where that is not known.
    """

    positive: np.ndarray
    decided: np.ndarray
    cells: dict[str, np.ndarray]

    @classmethod
    def of(
        cls,
        evidence: Evidence,
        cells: Cells,
        positive: np.ndarray,
        decided: np.ndarray,
        place: np.ndarray,
    ) -> Worth:
        """Return it for rows at some places among all rows.

        Raises
        ------
        CheckError
            When an expression does not fit the columns, or has no value for a row of its cell.
        """
        written = cells.expressions
        found: dict[str, np.ndarray] = {}
        for cell in CELLS:
            if cell not in written:
                found[cell] = np.full(len(positive), float(getattr(cells, cell)))
                continue
            answer = answers(evidence, written[cell], f"values.{cell}")
            if answer.kind not in ("number", "nothing"):
                problem = written[cell].fault("it holds no numbers", "name a column of amounts")
                raise CheckError(Problem(f"'values.{cell}', {problem.what}", problem.fix))
            found[cell] = answer.numbers()[place]
        made = cls(positive, decided, found)
        made._refuse_unknown(written)
        return made

    def inside(self, cell: str) -> np.ndarray:
        """Return which rows are in a cell."""
        right, said = cell.split("_")
        decided = self.decided if said == "positive" else ~self.decided
        label = (said == "positive") == (right == "true")
        found: np.ndarray = decided & (self.positive if label else ~self.positive)
        return found

    def _refuse_unknown(self, written: dict[str, Expression]) -> None:
        for cell, expression in written.items():
            inside = self.inside(cell)
            values = self.cells[cell][inside]
            odd = int((~np.isfinite(values) | (np.abs(values) > LARGEST)).sum())
            if odd:
                what = (
                    f"'values.{cell}' ({expression.text.strip()[:40]}) has no finite number for "
                    f"{odd:,} of {int(inside.sum()):,} rows it is asked for"
                )
                fix = "fill the columns, leave such rows out, or write a number instead"
                raise CheckError(Problem(what, fix))

    @property
    def own(self) -> np.ndarray:
        """What each decision as it was taken is worth, shape (n,)."""
        found = np.empty(len(self.positive))
        for cell, values in self.cells.items():
            inside = self.inside(cell)
            found[inside] = values[inside]
        return found

    @property
    def either(self) -> tuple[np.ndarray, np.ndarray] | None:
        """What each row is worth decided as positive, and as not; None where some are unknown."""
        yes = np.where(self.positive, self.cells["true_positive"], self.cells["false_positive"])
        no = np.where(self.positive, self.cells["false_negative"], self.cells["true_negative"])
        known = np.isfinite(yes).all() and np.isfinite(no).all()
        return (yes, no) if known else None
