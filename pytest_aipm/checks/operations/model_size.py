"""Size of the model: of its file, or of what it is when it is written down.

## Question
Does it fit where it is to run, and does it load in the time there is?

## How it is measured
The bytes of the model file, in megabytes (a million bytes). A model that comes from a factory or
is handed over has no file: there it is the bytes that pickling it takes, and the notes say so. It
is a count, so the number itself decides.

## When it misleads
- In memory a model takes more than its file, often several times as much: see operations.memory.
- A model that fetches weights or tables elsewhere is larger than its file.

## What to do
Compress the file, prune trees, drop what was kept from training, or use a smaller model.

## If left out
The model could outgrow the device, the function or the download it is made for.

## Sources
- What fits is the policy's own choice; there is no convention.
"""

from __future__ import annotations

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.starts import Size, size_of
from pytest_aipm.records import Because, Formula
from pytest_aipm.stats.single import census

NEEDS = Needs(model=True)
KIND = "census"
SCOPES = "overall"
UNITS = ("mb",)
WEIGHTED = True
RANGE = (0.0, float("inf"))
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")

MEGABYTE = 10**6


class Params(CheckParams):
    """No parameters of its own."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    del params
    found = size_of(evidence)
    formula = Formula(id="model_size", numerator="megabytes", population=found.of)
    if found.bytes is None:
        said = f"its size is not known: {found.of}"
        return Measurement(
            estimate=None,
            formula=formula,
            summary=said,
            n=0,
            not_judged=(Because.NO_EVIDENCE, said),
        )
    return Measurement(
        estimate=census(found.bytes / MEGABYTE, 1),
        formula=formula,
        summary=f"{found.of} takes {_words(found)}",
        n=1,
        part_names=("all rows",),
        notes=(f"{found.bytes:,} bytes",),
    )


def _words(found: Size) -> str:
    assert found.bytes is not None  # noqa: S101
    return f"{number(found.bytes / MEGABYTE)} megabytes"
