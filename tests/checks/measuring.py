"""Measures a check on a frame in memory, without a policy file."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.catalog import Catalog
from pytest_aipm.checks.base import Measurement, needs_of
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.subject import Attribute, Subject
from pytest_aipm.sources.data import open_data

HERE = Path(__file__).parent


def evidence_of(
    frame: pd.DataFrame, module: ModuleType, params: Any, *, by: tuple[str, ...], **subject: Any
) -> Evidence:
    needs = needs_of(module, params)
    shared = {"task": "binary", "label": "y", "positive": 1, "favorable": 1, "predictions": "pred"}
    whole = {**shared, **subject}
    if "label" not in subject and "y" not in frame.columns:
        whole["label"] = None  # a label that is named must be there
    if whole["task"] == "regression":
        whole["positive"] = whole["favorable"] = None
    return Evidence(
        Subject(attributes=tuple(Attribute(name, name) for name in by), **whole),
        open_data(frame, root=HERE),
        losses=needs.losses,
        keep_scores=needs.scores,
        keep_rows=needs.rows,
        need_label=needs.label,
        need_decision=needs.predictions,
        root=HERE,
    )


def measure(
    check: str,
    frame: pd.DataFrame,
    *,
    by: tuple[str, ...] = ("sex",),
    subject: dict[str, Any] | None = None,
    **params: Any,
) -> Measurement:
    module = Catalog().load(check)
    told = module.Params(by=by, **params)
    return module.check(evidence_of(frame, module, told, by=by, **(subject or {})), told)


def from_counts(counts: dict[str, tuple[int, int, int, int]]) -> pd.DataFrame:
    """Rows from {group: (tp, fn, fp, tn)}."""
    return pd.concat(
        [
            pd.DataFrame(
                {"sex": name, "y": np.repeat([1, 1, 0, 0], n), "pred": np.repeat([1, 0, 1, 0], n)}
            )
            for name, n in counts.items()
        ],
        ignore_index=True,
    )
