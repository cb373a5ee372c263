"""Whole audits: which models keep rows, and what each check costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from privacy_models import models, rows_of
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import DBSCAN, KMeans
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import KNNImputer
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import (
    KNeighborsClassifier,
    LocalOutlierFactor,
    NearestCentroid,
    RadiusNeighborsClassifier,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, StandardScaler
from sklearn.semi_supervised import LabelPropagation
from sklearn.svm import SVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier

import pytest_aipm
from pytest_aipm.evidence.stored import stored_in

__all__ = ["costs", "kept"]

KEEPERS: dict[str, Callable[[], Any]] = {
    "support vectors": SVC,
    "one-class support vectors": OneClassSVM,
    "5 nearest neighbours": KNeighborsClassifier,
    "neighbours behind a scaler": lambda: make_pipeline(StandardScaler(), KNeighborsClassifier()),
    "neighbours within a radius": lambda: RadiusNeighborsClassifier(radius=9),
    "local outlier factors": lambda: LocalOutlierFactor(novelty=True),
    "a Gaussian process": GaussianProcessRegressor,
    "label propagation": LabelPropagation,
    "kernel ridge regression": KernelRidge,
    "an imputer by neighbours": lambda: make_pipeline(KNNImputer(), LogisticRegression()),
    "stacked neighbours": lambda: StackingClassifier([("k", KNeighborsClassifier())]),
    "calibrated support vectors": lambda: CalibratedClassifierCV(SVC()),
    "bagged neighbours": lambda: BaggingClassifier(KNeighborsClassifier(), random_state=0),
    "clusters by density": lambda: DBSCAN(eps=1.5),
    "landmarks of a kernel": lambda: make_pipeline(
        Nystroem(n_components=50, random_state=0), LogisticRegression()
    ),
    "a tree": DecisionTreeClassifier,
    "a forest of 100 trees": RandomForestClassifier,
    "boosting": HistGradientBoostingClassifier,
    "logistic regression": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    "means of clusters": lambda: KMeans(8, random_state=0),
    "centroids": NearestCentroid,
    "bins": lambda: make_pipeline(KBinsDiscretizer(), LogisticRegression()),
}
"""Models that keep rows, and, from the tree on, those that keep none."""


def kept(n: int) -> Iterator[tuple[str, float, str, float]]:
    """Yield each model, the share of training rows found in it, where, and CPU seconds."""
    x, y = make_classification(n, 6, random_state=0)
    rows = pd.DataFrame(x, columns=[f"f{i}" for i in range(6)])
    for name, make in KEEPERS.items():
        model = make().fit(rows, y)
        start = time.process_time()
        found = stored_in(model, rows)
        spent = time.process_time() - start
        where = max(found.places, key=found.places.__getitem__, default="")
        yield name, float(found.found.mean()), where and f"`{where}`", spent


CHECKS: dict[str, dict[str, Any]] = {
    "train_test_overlap": {},
    "exchangeability": {"limit": {"max_auc": 0.55}},
    "membership_inference": {},
    "membership_by_group": {"by": "group"},
    "stored_rows": {},
    "small_leaves": {},
    "attribute_inference": {"sensitive": "group"},
    "erasure": {"ids": ["none"]},
    "k_anonymity": {"quasi_identifiers": ["group", "band"], "sensitive": ["y"]},
    "pii": {},
    "forbidden_features": {"allow": ["group"]},
}
DEEP: dict[str, dict[str, Any]] = {"membership_refits": {}, "dp_audit": {"limit": {"max": 1.0}}}


def costs(n: int) -> Iterator[tuple[str, str, float]]:
    """Yield the verdict and the CPU seconds of each check, of all of them, and of the deep ones."""
    x, y = rows_of(2 * n, 0)
    rows = x.assign(
        y=y,
        group=np.where(np.arange(2 * n) % 3, 1, 0),
        band=np.digitize(x["f0"], [-2, 0, 2]),
        id=[f"r{i}" for i in range(2 * n)],
    )
    features = [*x.columns, "group"]
    train, test = rows[:n].reset_index(drop=True), rows[n:].reset_index(drop=True)
    model: Any = models(0)["forest of 50 full trees"]()
    model.fit(train[features], train["y"])

    def spent(asked: dict[str, dict[str, Any]], *, deep: bool) -> tuple[str, float]:
        start = time.process_time()
        record = pytest_aipm.audit(
            _policy(asked, features), model=model, data=test, train=train, deep=deep
        )
        said = {each.verdict.value for each in record.findings}
        return (said.pop() if len(asked) == 1 else ""), time.process_time() - start

    spent({"pii": {}}, deep=False)  # what is imported once is no check's
    for name, more in CHECKS.items():
        yield f"`{name}`", *spent({name: more}, deep=False)
    yield "all of these in one audit", *spent(CHECKS, deep=False)
    for name, more in DEEP.items():
        yield f"`{name}` (deep)", *spent({name: more}, deep=True)


def _policy(asked: dict[str, dict[str, Any]], features: list[str]) -> dict[str, Any]:
    return {
        "aipm": 1,
        "name": "cost",
        "context": {"purpose": "What the privacy checks cost", "owner": "owner@example.org"},
        "subject": {
            "task": "binary",
            "label": "y",
            "positive": 1,
            "features": features,
            "id": "id",
            "protected": {"group": "group"},
        },
        "checks": [
            {"check": f"privacy.{name}", "id": name, **more} for name, more in asked.items()
        ],
    }
