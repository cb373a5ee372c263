"""Small projects whose truth is known."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest

import pytest_aipm

CHECK = {"check": "fairness.demographic_parity_difference", "id": "gap", "limit": {"max": 0.10}}
POLICY = {
    "aipm": 1,
    "name": "credit",
    "context": {"purpose": "a test", "owner": "tests@example.org"},
    "subject": {
        "task": "binary",
        "predictions": "pred",
        "label": "y",
        "positive": 1,
        "protected": {"sex": "sex"},
    },
    "checks": [CHECK],
}


@pytest.fixture
def policy():
    """A policy as a mapping, to be changed at will."""
    return copy.deepcopy(POLICY)


@pytest.fixture
def rows():
    """Return a function from {group: (selected, rows)} to a frame."""
    return frame_of


def frame_of(groups, *, column="sex"):
    """Rows from {group: (selected, rows)}; labels alternate, so both classes occur."""
    parts = []
    for name, (selected, rows) in groups.items():
        pred = np.zeros(rows, dtype=int)
        pred[:selected] = 1
        parts.append(pd.DataFrame({column: name, "pred": pred, "y": np.arange(rows) % 2}))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def fair():
    """Selection rates 0.40 and 0.41 on 20,000 rows."""
    return frame_of({"f": (4000, 10_000), "m": (4100, 10_000)})


@pytest.fixture
def biased():
    """Selection rates 0.25 and 0.41 on 20,000 rows."""
    return frame_of({"f": (2500, 10_000), "m": (4100, 10_000)})


@pytest.fixture
def run(tmp_path):
    """Audit in an empty folder."""

    def audit(policy, data, **kwargs):
        return pytest_aipm.audit(policy, data=data, root=tmp_path, **kwargs)

    return audit
