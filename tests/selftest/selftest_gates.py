"""Gates whose power is known: 4,000 people of three groups, and a model that reads one number.

Whoever has x below 0.6 is selected, in every group alike, and x below 0.5 is what the label means,
so the model is wrong about a sixth of those it selects.
"""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pandas as pd

from pytest_aipm.auditing.auditor import Auditor
from pytest_aipm.auditing.plan import complete
from pytest_aipm.auditing.settings import Settings
from pytest_aipm.catalog import Catalog
from pytest_aipm.policy.load import policy_from
from pytest_aipm.selftest import selftest
from pytest_aipm.selftest.world import Base

__all__ = ["RATIO", "Gate", "Namer", "people"]

SIZES = {"A": 2400, "B": 1200, "C": 400}
RATIO = {
    "check": "fairness.demographic_parity_ratio",
    "id": "ratio",
    "by": "team",
    "limit": {"min": 0.8},
}
SUBJECT = {
    "task": "binary",
    "label": "y",
    "positive": 1,
    "favorable": 1,
    "decision": {"threshold": 0.4},
    "protected": {"team": "team"},
}


class Reader:
    """A model of one number: the smaller x, the higher the score."""

    classes_ = np.array([0, 1])
    feature_names_in_ = np.array(["x", "team"], dtype=object)

    def predict_proba(self, frame):
        score = 1 - frame["x"].to_numpy()
        return np.column_stack([1 - score, score])


class Namer:
    """The same model, which gives classes alone."""

    classes_ = np.array([0, 1])
    feature_names_in_ = np.array(["x", "team"], dtype=object)

    def predict(self, frame):
        return (frame["x"] < 0.6).to_numpy().astype(int)


def people(first: float = 0.0) -> pd.DataFrame:
    """Rows whose x is spread evenly in each group; another `first` makes other people."""
    parts = []
    for team, size in SIZES.items():
        x = (np.arange(size) + 0.5 + first) / size
        parts.append(pd.DataFrame({"x": x, "team": team, "y": (x < 0.5).astype(int)}))
    return pd.concat(parts, ignore_index=True)


class Gate:
    """A policy on these people."""

    def __init__(self, root: Path, checks: list[dict], **subject: object) -> None:
        content = {
            "aipm": 1,
            "name": "gate",
            "context": {"purpose": "a test", "owner": "tests@example.org"},
            "subject": {k: v for k, v in {**SUBJECT, **subject}.items() if v is not None},
            "checks": copy.deepcopy(checks),
        }
        self.objects = {"data": people(), "model": Reader()}
        self.settings = {
            "root": root,
            "policies": (),
            "report": root / "report",
            "baseline": root / "aipm-baseline.json",
        }
        self.content, self.extra, self.waivers = content, {}, ()

    def plan(self):
        catalog = Catalog(extra=self.extra)
        settings = Settings(**self.settings)
        given = dict.fromkeys(self.objects)
        policy = policy_from(
            self.content, path="policy", root=settings.root, catalog=catalog, given=given
        )
        return complete(settings, [policy], catalog)

    def test(self, **options):
        plan = self.plan()
        return selftest(plan, plan.policies[0], objects=self.objects, **options)

    def base(self) -> Base:
        plan = self.plan()
        return Base.of(Auditor(plan, plan.policies[0], objects=self.objects).evidence)

    def finding(self, **objects):
        plan = self.plan()
        (node,) = plan.policies[0].nodes()
        return Auditor(plan, plan.policies[0], objects={**self.objects, **objects}).finding(node)
