"""Exposure in rankings, compared between groups."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pytest_aipm.checks.base import CheckParams, Measurement
from pytest_aipm.checks.between import between
from pytest_aipm.checks.compare import without_groups
from pytest_aipm.checks.ranked import exposure, left_aside
from pytest_aipm.evidence.evidence import Evidence

__all__ = ["ExposureParams", "exposure_disparity"]


class ExposureParams(CheckParams):
    """How many places are seen."""

    positions: int | None = Field(default=None, ge=1)
    """Places of a query that anybody looks at; default all."""


def exposure_disparity(
    evidence: Evidence, params: ExposureParams, kind: Literal["difference", "ratio"]
) -> Measurement:
    """Compare the exposure of the groups of a scope.

    Parameters
    ----------
    evidence : Evidence
    params : ExposureParams
    kind : {"difference", "ratio"}
        Highest minus lowest, or lowest over highest.
    """
    formula_id = f"exposure_{kind}"
    nobody = without_groups(evidence, params, formula_id)
    if nobody is not None:
        return nobody
    measured, alone, queries = exposure(evidence, params, params.positions)
    found = between(evidence, params, measured, kind, formula_id=formula_id)
    return found.with_(notes=(*found.notes, *left_aside(alone, queries)))
