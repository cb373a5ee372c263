"""Groups compared with one of them, like with like; the logistic regression for that, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import expit

from pytest_aipm.checks.words import frequency, number
from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.strata import Strata
from pytest_aipm.records import GroupValue
from pytest_aipm.stats.adjusted import AgainstOne
from pytest_aipm.stats.contrasts import Kind
from pytest_aipm.stats.logistic import Collinear, Fit, LogisticPart, Separated, fit_logistic
from pytest_aipm.stats.parts import Part

__all__ = ["LogisticModel", "against_reference"]


def against_reference(
    groups: Sequence[dict[str, str]],
    sizes: np.ndarray,
    plain: Sequence[str],
    estimate: AgainstOne,
    *,
    undefined: str,
    least: int,
) -> tuple[GroupValue, ...]:
    """Return each group with its contrast to the reference, and why one has none.

    Parameters
    ----------
    groups : sequence of dict
        Attributes and values of each group.
    sizes : int array of shape (k,)
        Their rows.
    plain : sequence of str
        What is said of each before anything is adjusted.
    estimate : AgainstOne
    undefined : str
        Why a group has no contrast: ``nobody in the reference is alike``.
    least : int
        Smaller groups are not judged.
    """
    records = []
    for i, group in enumerate(groups):
        value, lower, upper = estimate.parts[i]
        own, defined = i == estimate.reference, math.isfinite(value)
        judged = defined and not own and estimate.sizes[i] >= least
        note = plain[i]
        if own:
            note += "; the reference"
        elif not defined:
            note += f"; undefined: {undefined}"
        elif not judged:
            note += f"; not judged: fewer than {least} rows"
        records.append(
            GroupValue(
                group=group,
                n=int(sizes[i]),
                value=value,
                interval=(lower, upper) if defined and not own else None,
                judged=judged,
                note=note,
            )
        )
    return tuple(records)


@dataclass(frozen=True)
class LogisticModel:
    """A favorable decision explained by group and factors, each category by dummies.

    Attributes
    ----------
    strata : Strata
        With numbers kept as they are.
    names : tuple of str
        The groups.
    reference : int
        The group without a dummy.
    min_size : int
        Smaller groups are left out of the fit.
    """

    strata: Strata
    names: tuple[str, ...]
    reference: int
    min_size: int

    def contrasts(self, kind: Kind) -> list[Part]:
        """Return each group's contrast with the reference; undefined for groups left out.

        Raises
        ------
        CheckError
            When the fit has no single solution, or a number is never near 0.
        """
        sizes = self.strata.rows.sum(axis=0)
        undefined = LogisticPart(0.0, float("nan"), (0.0, 0.0), 0.0, kind)
        parts: list[Part] = [replace(undefined, n=float(n)) for n in sizes]
        for column, group in enumerate(self._fitted, start=1):
            parts[group] = self.fit.contrast(column, kind, float(sizes[group]))
        return parts

    def person(self) -> str:
        """Return whose ratio it is: the levels without a dummy, and numbers at 0."""
        levels = [
            f"{name} = {self._level(i)}" if self.strata.levels[i] else f"{name} = 0"
            for i, name in enumerate(self.strata.factors)
        ]
        chance = float(expit(self.fit.coefficients[0]))
        return (
            f"the reference person has {', '.join(levels)}: the fit selects {frequency(chance)} of "
            f"them in {self.names[self.reference]}"
        )

    @property
    def _fitted(self) -> list[int]:
        """The groups with a dummy."""
        sizes = self.strata.rows.sum(axis=0)
        return [i for i, n in enumerate(sizes) if n >= self.min_size and i != self.reference]

    @cached_property
    def _patterns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Stratum, group, favorable decisions and rows of each pattern that occurs."""
        there = np.zeros(self.strata.rows.shape, dtype=bool)
        kept = [self.reference, *self._fitted]
        there[:, kept] = self.strata.rows[:, kept] > 0
        stratum, group = np.nonzero(there)
        return stratum, group, self.strata.favorable[there], self.strata.rows[there]

    def _level(self, factor: int) -> str:
        """Return the most frequent level of a factor, the first of several."""
        stratum, _, _, rows = self._patterns
        codes = self.strata.cells[stratum, factor].astype(int)
        return self.strata.levels[factor][int(np.argmax(np.bincount(codes, weights=rows)))]

    @cached_property
    def _columns(self) -> dict[str, np.ndarray]:
        """Columns of the design after the intercept, by what they stand for."""
        stratum, group, _, _ = self._patterns
        columns = {f"group {self.names[i]}": group == i for i in self._fitted}
        for i, name in enumerate(self.strata.factors):
            cells = self.strata.cells[stratum, i]
            if not self.strata.levels[i]:
                self._require_zero(name, cells)
                columns[name] = cells
                continue
            base = self._level(i)
            for code, level in enumerate(self.strata.levels[i]):
                if level != base and (cells == code).any():
                    columns[f"{name} = {level}"] = cells == code
        return columns

    def _require_zero(self, name: str, cells: np.ndarray) -> None:
        low, high = float(cells.min()), float(cells.max())
        if low <= 0 <= high:
            return
        raise CheckError(
            Problem(
                f"factor {name!r} runs from {number(low)} to {number(high)}, and the logistic "
                "ratio is that of a person at 0, whom nobody resembles",
                f"give cut points under `bins: {{{name}: [...]}}`",
            )
        )

    @cached_property
    def fit(self) -> Fit:
        """The fit by maximum likelihood."""
        columns = self._columns
        _, _, favorable, rows = self._patterns
        design = np.column_stack([np.ones(len(rows)), *columns.values()])
        try:
            return fit_logistic(design, favorable, rows)
        except Collinear as error:
            name = ["the intercept", *columns][error.column]
            raise CheckError(
                Problem(
                    f"the logistic regression has no single solution: {name} follows from the "
                    "columns before it",
                    "remove that factor, or merge its levels",
                )
            ) from None
        except Separated:
            raise CheckError(
                Problem(
                    f"the logistic regression has no solution: {self._separating()}",
                    "merge levels, leave the factor out, leave small groups out by "
                    "`min_group_size`, or use `method: mantel_haenszel`",
                )
            ) from None

    def _separating(self) -> str:
        _, _, favorable, rows = self._patterns
        if favorable.sum() in (0, rows.sum()):
            return "all decisions are the same"
        for name, column in self._columns.items():
            inside = column == 1
            if not np.isin(column, (0, 1)).all() or not inside.any():
                continue
            chosen, n = int(favorable[inside].sum()), int(rows[inside].sum())
            if chosen in (0, n):
                return f"all {n:,} rows with {name} are decided alike"
        return "some combination of the factors tells every decision"
