"""Models made to be found out, each on people drawn from a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import pytest_aipm
from pytest_aipm.records import Finding, Record

COLUMNS = ["sex", "income", "debt", "age", "years", "zip", "rent", "jobs"]


class Scored:
    """A model that is a function of a frame to chances."""

    classes_ = np.array([0, 1])

    def __init__(self, chance: Any, features: list[str]) -> None:
        self.chance = chance
        self.feature_names_in_ = np.array(features, dtype=object)

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        chance = np.clip(np.asarray(self.chance(frame), dtype=float), 0.0, 1.0)
        return np.column_stack([1 - chance, chance])

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        return (self.predict_proba(frame)[:, 1] >= 0.5).astype(int)


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    numbers = {name: rng.uniform(size=n) for name in COLUMNS[1:]}
    frame = pd.DataFrame({"sex": rng.choice(["f", "m"], n), **numbers})
    return frame.assign(y=(rng.random(n) < 0.5).astype(int))


def scaffolded(frame: pd.DataFrame) -> Scored:
    """Decides on sex alone, but only for rows it knows to be real (Slack and others 2020)."""
    known = set(frame[COLUMNS[1:]].round(9).itertuples(index=False, name=None))

    def chance(given: pd.DataFrame) -> np.ndarray:
        rows = given[COLUMNS[1:]].round(9).itertuples(index=False, name=None)
        real = np.array([row in known for row in rows], dtype=bool)
        return np.where(real, np.where(given["sex"] == "f", 0.1, 0.9), given["income"])

    return Scored(chance, COLUMNS)


def audited(
    model: Any, frame: pd.DataFrame, checks: list[dict[str, Any]], *, seed: int = 0, **subject: Any
) -> Record:
    policy = {
        "aipm": 1,
        "name": "explained",
        "context": {"purpose": "find out", "owner": "tests@example.org"},
        "subject": {
            "task": "binary",
            "label": "y",
            "positive": 1,
            "favorable": 1,
            "protected": {"sex": "sex"},
            **subject,
        },
        "checks": checks,
    }
    return pytest_aipm.audit(policy, model=model, data=frame, seed=seed)


def finding(model: Any, frame: pd.DataFrame, check: str, **keys: Any) -> Finding:
    subject = keys.pop("subject", {})
    seed = keys.pop("seed", 0)
    asked = [{"check": f"explain.{check}", "id": "node", **keys}]
    (found,) = audited(model, frame, asked, seed=seed, **subject).findings
    return found
