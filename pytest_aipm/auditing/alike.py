"""All processes of a run audit the same rows and the same model, or the run says so."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from pytest_aipm.errors import DataError, ModelError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.once import once

__all__ = ["refuse_unlike"]

OTHER = "is not the same here as in another process of this run"


def refuse_unlike(evidence: Evidence, folder: Path | None, name: str) -> None:
    """Refuse rows, or a model, that another process has opened otherwise.

    A factory without a seed gives each process rows of its own, and a file may be written to
    between two openings: the predictions of the one would be read beside the rows of the other,
    and a record hold findings of both.

    Parameters
    ----------
    evidence : Evidence
    folder : Path or None
        What the processes of the run share.
    name : str
        Of the audit.

    Raises
    ------
    DataError, ModelError
    """
    data, model = evidence.data, evidence.model
    mine = [
        json.dumps([data.sha256, getattr(data, "joined", ())]),
        json.dumps(None if model is None else model.sha256),
    ]
    first = once(folder, f"{name}.opened", lambda: {"opened": np.array(mine)})["opened"].tolist()
    if first[0] != mine[0]:
        fix = "let a factory give the same rows each time, write to no file meanwhile, or leave out"
        raise DataError(Problem(f"{data.ref} {OTHER}", f"{fix} -n"))
    if model is not None and first[1] != mine[1]:
        raise ModelError(Problem(f"{model.ref} {OTHER}", "write to no file meanwhile"))
