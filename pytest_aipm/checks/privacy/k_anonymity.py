"""Risk that a row is found again by its quasi-identifiers.

## Question
Could somebody who knows a few harmless facts about a person find that person's row?

## How it is measured
Rows with the same values of the `quasi_identifiers` are one class, and nobody in it can be told
from the others by them. The value is the highest risk, 1/k, with k the rows of the smallest class.
The limit may speak of something else, by its name: `k` itself, `unique` (share of rows alone in
their class), `marketer` (classes / rows, the mean risk), `journalist` (one over the smallest class
of the `population` that a row falls into); and with `sensitive` columns, in the worst class of any
of them: `l` (distinct values), `entropy_l` (exp of the entropy), `recursive_l` (largest l with
recursive (c, l)-diversity, `c: 3`), `t` (earth mover's distance to all rows, by rank for numbers),
`delta` (largest |ln q/p| of a value that occurs), `beta` (largest (q - p)/p). Everything is counted
over the given rows, so the number itself decides. No class is ever named, only how many rows are in
classes of which size.

## When it misleads
- It speaks of the given rows. Whether a row that is unique here is unique in the population it
  cannot tell without a `population`.
- Columns that were not declared are taken for harmless; an attacker may know them.
- A class of many rows with one sensitive value gives that value away: look at `l` and `t`, too.
- Rows are counted, not people: somebody with several rows hides among their own.

## What to do
Coarsen the columns (age bands, the first digits of a postal code), leave one out, or drop the rows
of the smallest classes. For what is released keep the risk at 0.09 or lower, that is k of 12.

## If left out
A table that was meant to be anonymous could name people to anyone who knows them a little.

## Sources
- Sweeney, "k-anonymity: a model for protecting privacy", 2002.
- Machanavajjhala, Kifer, Gehrke, Venkitasubramaniam, "l-diversity", 2007.
- Li, Li, Venkatasubramanian, "t-closeness", 2007; Brickell, Shmatikov, "The cost of privacy", 2008
  (delta); Cao, Karras, "Publishing microdata with a robust privacy guarantee", 2012 (beta).
- European Medicines Agency, policy 0070, and Health Canada: 0.09 for what is published.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.anonymity import Alike, alike
from pytest_aipm.evidence.differing import differing
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.wishes import Wish
from pytest_aipm.records import Formula, Series
from pytest_aipm.stats.single import census

NEEDS = Needs()
KIND = "census"
SCOPES = "overall"
SENSITIVE = ("l", "entropy_l", "recursive_l", "t", "delta", "beta")
UNITS = ("", "k", "unique", "marketer", "journalist", *SENSITIVE)
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 0.09}
BASIS = "European Medicines Agency and Health Canada, for data that is released"

_RANGES = {
    "k": (1.0, math.inf),
    "l": (1.0, math.inf),
    "entropy_l": (1.0, math.inf),
    "recursive_l": (0.0, math.inf),
    "delta": (0.0, math.inf),
    "beta": (0.0, math.inf),
}

_WORDS = {
    "": ("1", "rows of the smallest class"),
    "k": ("rows of the smallest class", ""),
    "unique": ("rows alone in their class", "rows"),
    "marketer": ("classes", "rows"),
    "journalist": ("1", "rows of the population in the smallest class that a row falls into"),
    "l": ("distinct sensitive values, the fewest of any class", ""),
    "entropy_l": ("exp of the entropy of sensitive values, the lowest of any class", ""),
    "recursive_l": ("largest l with recursive (c, l)-diversity of every class", ""),
    "t": ("earth mover's distance of a class to all rows, the largest", ""),
    "delta": ("|ln(share in a class / share in all rows)|, the largest", ""),
    "beta": ("share in a class - share in all rows, the largest", "share in all rows"),
}
"""What each unit counts, and what it is divided by."""

_BANDS = ((1, 1, "1"), (2, 2, "2"), (3, 4, "3 to 4"), (5, 9, "5 to 9"), (10, 19, "10 to 19"))


class Params(CheckParams):
    """Which columns, of which rows."""

    quasi_identifiers: tuple[str, ...] = Field(min_length=1)
    """Columns by which somebody may be found: ``[age, postcode]``."""
    sensitive: tuple[str, ...] = ()
    """Columns that nobody else should learn, for the units that look into the classes."""
    of: Literal["data", "train"] = "data"
    """Whether the evaluation rows or the training rows are looked at."""
    c: float = Field(default=3.0, gt=1)
    """Of recursive diversity: how many times as frequent the most frequent value may be."""
    population: str | None = None
    """A file of everyone the rows may be from, with the same quasi-identifiers."""

    @field_validator("quasi_identifiers", "sensitive")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        twice = next((name for name in value if value.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"names {twice!r} twice; name each column once")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Params:
        both = next((name for name in self.sensitive if name in self.quasi_identifiers), None)
        if both is not None:
            raise ValueError(
                f"{both!r} is both a quasi-identifier and sensitive; keep it in one of them"
            )
        if self.unit in SENSITIVE and not self.sensitive:
            raise ValueError(
                f"a limit on '{self.unit}' looks at sensitive values, and none are named; "
                "add `sensitive: [COLUMN]`"
            )
        if self.unit == "journalist" and self.population is None:
            raise ValueError(
                "a limit on 'journalist' compares with a population, and none is named; "
                "add `population: PATH`"
            )
        return self


def needs(params: Params) -> Needs:
    """Return what it needs: training rows where it is asked about those."""
    return Needs(train=params.of == "train")


def wishes(evidence: Evidence, params: Params) -> Iterator[Wish[Any]]:
    """Yield what it is going to ask of all rows."""
    source = evidence.train if params.of == "train" else evidence.data
    if source is not None:
        yield differing(source, [*params.quasi_identifiers, *params.sensitive])


def value_range(params: Params) -> tuple[float, float]:
    """Return the lowest and the highest value of the limit's unit."""
    return _RANGES.get(params.unit, (0.0, 1.0))


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    found = alike(
        evidence,
        params.quasi_identifiers,
        params.sensitive,
        train=params.of == "train",
        c=params.c,
        population=params.population,
    )
    value, where = _value(found, params.unit)
    numerator, denominator = _WORDS[params.unit]
    rows, classes = found.rows, len(found.risks.sizes)
    what = "training rows" if params.of == "train" else "evaluation rows"
    return Measurement(
        estimate=census(value, rows),
        formula=Formula(
            id=f"k_anonymity_{params.unit or 'risk'}",
            numerator=numerator,
            denominator=denominator,
            population=f"{rows:,} {what} in {classes:,} classes",
            reference=f"alike in {', '.join(params.quasi_identifiers)}",
        ),
        summary=_summary(found, params, value, where),
        n=rows,
        part_names=("all rows",),
        series=(_series(found.risks.sizes),),
        notes=_notes(found),
        harm="down" if params.unit in ("k", "l", "entropy_l", "recursive_l") else "up",
    )


def _value(found: Alike, unit: str) -> tuple[float, str]:
    """Return the value in the unit of the limit, and the sensitive column that makes it."""
    if unit in SENSITIVE:
        name = {
            "l": "distinct",
            "entropy_l": "entropy",
            "recursive_l": "recursive",
            "t": "closeness",
            "delta": "disclosure",
            "beta": "likeness",
        }[unit]
        values = {column: float(getattr(each, name)) for column, each in found.diversity.items()}
        worst = (min if unit.endswith("l") else max)(values, key=lambda each: values[each])
        return values[worst], worst
    if unit == "journalist":
        assert found.journalist is not None  # noqa: S101 - the parameters want a population
        return found.journalist, ""
    risks = found.risks
    return {
        "": risks.highest,
        "k": float(risks.k),
        "unique": risks.unique,
        "marketer": risks.marketer,
    }[unit], ""


def _summary(found: Alike, params: Params, value: float, where: str) -> str:
    columns = ", ".join(params.quasi_identifiers)
    k = found.risks.k
    least = f"the smallest class of rows alike in {columns} has {k:,} row{'' if k == 1 else 's'}"
    if params.unit in ("", "k"):
        return f"{least}: {'risk' if not params.unit else 'k'} {number(value)}"
    of = f" of {where}" if where else ""
    return f"{params.unit}{of} is {number(value)}; {least}"


def _notes(found: Alike) -> tuple[str, ...]:
    risks = found.risks
    said = [
        (
            f"k {risks.k:,}; highest risk {number(risks.highest)}, mean (marketer) risk "
            f"{number(risks.marketer)}; {number(100 * risks.unique)} % of the rows are alone in "
            "their class"
        )
    ]
    if found.journalist is not None:
        said.append(f"highest journalist risk in the population {number(found.journalist)}")
    said += [
        f"{name[:60]}: distinct l {each.distinct:,}, entropy l {number(each.entropy)}, recursive "
        f"l {each.recursive:,}, t {number(each.closeness)}, delta {number(each.disclosure)}, "
        f"beta {number(each.likeness)}"
        for name, each in found.diversity.items()
    ]
    said += [
        f"{name[:60]}: {lost:,} rows without a value do not count as diverse"
        for name, lost in found.unknown.items()
    ]
    if found.missing:
        said.append(f"{found.missing:,} rows miss a quasi-identifier: missing counts as a value")
    said += [
        f"{name[:60]} holds fractions, most of them different: sort it into bins first"
        for name in found.fractions
    ]
    return (*said, "how unique a row is among everyone is not known from these rows")


def _series(sizes: np.ndarray) -> Series:
    """Return what share of the rows is in classes of which size."""
    rows = [int(sizes[(sizes >= low) & (sizes <= high)].sum()) for low, high, _ in _BANDS]
    rows.append(int(sizes[sizes >= 20].sum()))
    whole = int(sizes.sum())
    return Series(
        name="rows by the size of their class",
        kind="bars",
        x=(*(label for _, _, label in _BANDS), "20 or more"),
        y=tuple(each / whole for each in rows),
        x_label="rows of the class",
        y_label="share of all rows",
        counts=tuple(rows),
    )
