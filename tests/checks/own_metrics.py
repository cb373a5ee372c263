"""Metrics of a project's own, named in policies as ``own_metrics:share_found``."""

from __future__ import annotations

import sys

import numpy as np
import pytest


def share_found(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    return float(y_pred[y_true == 1].mean())


def mean_of_positives(y_true: np.ndarray, y_score: np.ndarray) -> float:
    return float(y_score[y_true == 1].mean())


def broken(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    message = f"{len(y_pred)} rows are\n{y_true.dtype}"
    raise KeyError(message)


def a_pair(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[float, float]:
    return float(y_true.mean()), float(y_pred.mean())


def one_class_only(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    if len(np.unique(y_true)) < 2:
        message = "needs both classes"
        raise ValueError(message)
    return float(np.corrcoef(y_true, y_pred)[0, 1])


def leaves(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    sys.exit(len(y_true) + len(y_pred))


def skips(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    pytest.skip(f"{len(y_true)} and {len(y_pred)} rows")


NUMBER = 3
