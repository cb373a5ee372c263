"""Cases of checks, described as data: what the rows are, what is asked, what must come out.

A file ``<family>.<name>.yaml`` holds the cases of one check::

    subject: {...}                 # of every case; a case may add to it or, with null, take away
    impossible: {kind: why}        # kinds of verdict that the check cannot give
    cases:
      - name: what the case shows
        rows: [block, ...]         # and `train:` likewise; `erased:` is the file erased.csv
        model: "0.2 + 0.5 * (sex == 'f')"   # score of the positive class, or predicted number
        check: {limit: {max: 0.1}} # the check's keys
        expect: {verdict: fail, because: limit, value: 0.2, groups: {f: 0.2, m: 0.4}}

A block is ``n`` rows, or as many as its confusion counts ``tp, fn, fp, tn`` (columns ``y`` and
``pred``), or ``n`` rows of which the share ``selected`` has ``pred`` 1. Every other key is a
column: one value for all rows, or ``{normal: [mean, sd]}``, ``{uniform: [low, high]}`` (evenly
spaced quantiles in an order that differs by column), ``{drawn: [low, high]}`` (at random),
``{cycle: [...]}``, ``{from: start}`` or ``{every: [start, step]}``.

A model ``{KNeighborsClassifier: {n_neighbors: 1}}`` of scikit-learn learns from the training rows;
``deep: true`` lets checks refit it.
``beside:`` lists other checks of the same policy, whose findings are not looked at.
``context: {...}`` adds to the policy's context, ``files: {NAME: TEXT}`` to the project's files,
``tables: {NAME: blocks}`` to its csv files; ``approved: {...}`` is a baseline so approved,
``today: YYYY-MM-DD`` sets the clock.
``holds: {rows: true}`` lets the model keep its training rows, ``holds: {leaves: [1, 9]}`` a tree
with leaves of so many rows, ``holds: {scaler: both}`` a scaler that was fitted on the training and
the evaluation rows, ``train`` one that was fitted on the former alone, ``holds: {lock: true}`` what
cannot be pickled.
"""

from __future__ import annotations

import threading
import warnings
import zlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ruamel.yaml import YAML
from scipy.stats import norm
from sklearn.preprocessing import StandardScaler
from sklearn.utils import all_estimators

from pytest_aipm.baseline.stored import digest_of
from pytest_aipm.records import canonical_json

KINDS = ("pass", "fail", "inconclusive", "not_judged")
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    check: str
    name: str
    subject: dict[str, Any]
    rows: list[dict[str, Any]]
    asked: dict[str, Any]
    expect: dict[str, Any]
    train: list[dict[str, Any]] = field(default_factory=list)
    erased: list[dict[str, Any]] = field(default_factory=list)
    model: str | dict[str, dict[str, Any]] | None = None
    deep: bool = False
    holds: dict[str, Any] = field(default_factory=dict)
    beside: list[dict[str, Any]] = field(default_factory=list)
    context: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    approved: dict[str, str] | None = None
    today: str | None = None

    def policy(self) -> dict[str, Any]:
        subject = {key: value for key, value in self.subject.items() if value is not None}
        return {
            "aipm": 1,
            "name": "case",
            "context": {"purpose": self.name, "owner": "tests@example.org", **self.context},
            "subject": {"task": "binary", "protected": {"sex": "sex"}, **subject},
            "checks": [*self.beside, {"check": self.check, "id": "node", **self.asked}],
        }


@dataclass(frozen=True)
class CaseFile:
    check: str
    cases: tuple[Case, ...]
    impossible: dict[str, str]


class Formula:
    """A model that is one line of arithmetic over its columns."""

    classes_ = np.array([0, 1])

    def __init__(self, text: str, features: list[str], task: str) -> None:
        self.text = text
        self.feature_names_in_ = np.array(features, dtype=object)
        if task == "binary":
            self.predict_proba = self._proba

    def _value(self, frame: pd.DataFrame) -> np.ndarray:
        value = frame.eval(self.text, engine="python")
        return np.broadcast_to(np.asarray(value, dtype=float), (len(frame),))

    def _proba(self, frame: pd.DataFrame) -> np.ndarray:
        return np.column_stack([1 - self._value(frame), self._value(frame)])

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        if hasattr(self, "predict_proba"):
            return (self._value(frame) >= 0.5).astype(int)
        return self._value(frame)


def learned(model: dict[str, dict[str, Any]], features: list[str], rows: pd.DataFrame) -> Any:
    """Return an estimator of scikit-learn, by its name, fitted on rows."""
    ((name, told),) = model.items()
    (make,) = (each for label, each in all_estimators() if label == name)
    return make(**told).fit(rows[features], rows["y"])


def holding(
    model: Formula, holds: dict[str, Any], training: pd.DataFrame, data: pd.DataFrame
) -> Formula:
    """Return the model with what it keeps of its training."""
    if "scaler" in holds:
        seen = {"train": training, "both": pd.concat([training, data])}[holds["scaler"]]
        model.scaler_ = StandardScaler().fit(seen[list(model.feature_names_in_)])
    if holds.get("rows"):
        model.kept_ = training[list(model.feature_names_in_)].to_numpy()
    if holds.get("lock"):
        model.lock_ = threading.Lock()
    if "leaves" in holds:
        nodes = [(False, sum(holds["leaves"])), *((True, n) for n in holds["leaves"])]
        model.nodes_ = np.array(nodes, dtype=[("is_leaf", bool), ("count", int)])
    return model


def approved_file(approval: dict[str, str]) -> str:
    """Return a baseline of the policy of the cases that holds this approval, and no finding."""
    section = {"approved": approval, "facts": {}, "findings": {}}
    stored = {"aipm_baseline": 1, "policies": {"case": {**section, "digest": digest_of(section)}}}
    return canonical_json(stored, indent=1)


@cache
def case_files() -> dict[str, CaseFile]:
    return {path.stem: _read(path) for path in sorted(FOLDER.glob("*.*.yaml"))}


def _read(path: Path) -> CaseFile:
    content = YAML(typ="safe", pure=True).load(path)
    shared = content.get("subject", {})
    cases = tuple(
        Case(
            check=path.stem,
            name=each["name"],
            subject={**shared, **each.get("subject", {})},
            rows=each["rows"],
            asked=each.get("check", {}),
            expect=each["expect"],
            train=each.get("train", []),
            erased=each.get("erased", []),
            model=each.get("model"),
            deep=each.get("deep", False),
            holds=each.get("holds", {}),
            beside=each.get("beside", []),
            context=each.get("context", {}),
            files={**content.get("files", {}), **each.get("files", {})},
            tables=each.get("tables", {}),
            approved=each.get("approved"),
            today=each.get("today", content.get("today")),
        )
        for each in content["cases"]
    )
    return CaseFile(path.stem, cases, content.get("impossible", {}))


def objects_of(case: Case, root: Path) -> dict[str, Any]:
    """Write the files of a case, and return its rows and its model."""
    frame = expand(case.rows)
    objects: dict[str, Any] = {"data": frame}
    if case.train:
        objects["train"] = expand(case.train)
    if case.erased:
        expand(case.erased).to_csv(root / "erased.csv", index=False)
    for name, blocks in case.tables.items():
        expand(blocks).to_csv(root / name, index=False)
    files = dict(case.files)
    if case.approved is not None:
        files["aipm-baseline.json"] = approved_file(case.approved)
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    if case.model is not None:
        features = case.subject.get("features") or [
            name for name in frame.columns if name not in ("y", "pred")
        ]
        training = objects.get("train", frame)
        if isinstance(case.model, dict):
            objects["model"] = learned(case.model, features, training)
        else:
            model = Formula(case.model, features, case.subject.get("task", "binary"))
            objects["model"] = holding(model, case.holds, training, frame)
    return objects


def expand(blocks: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the rows that blocks describe, in their order."""
    parts = [_block(i, dict(each)) for i, each in enumerate(blocks)]
    with warnings.catch_warnings():  # pandas 2.2 speaks of what becomes of empty columns in 3
        warnings.simplefilter("ignore", FutureWarning)
        return pd.concat(parts, ignore_index=True)


def _block(number: int, block: dict[str, Any]) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    if "tp" in block:
        tp, fn, fp, tn = (block.pop(key) for key in ("tp", "fn", "fp", "tn"))
        n = tp + fn + fp + tn
        columns["y"] = np.repeat([1, 1, 0, 0], [tp, fn, fp, tn])
        columns["pred"] = np.repeat([1, 0, 1, 0], [tp, fn, fp, tn])
    else:
        n = block.pop("n")
    if "selected" in block:
        columns["pred"] = (np.arange(n) < round(n * block.pop("selected"))).astype(int)
        columns["y"] = np.arange(n) % 2
    for name, value in block.items():
        columns[name] = _column(number, name, value, n)
    return pd.DataFrame(columns, index=range(n))


def _column(number: int, name: str, value: Any, n: int) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, what),) = value.items()
    if kind == "cycle":
        return np.resize(np.array(what), n)
    if kind == "every":
        start, step = what
        return start + step * np.arange(n)
    if kind == "from":
        return np.arange(what, what + n)
    order = np.random.default_rng(zlib.crc32(f"{number} {name}".encode())).permutation(n)
    share = ((np.arange(n) + 0.5) / n)[order]
    if kind == "normal":
        return norm.ppf(share, *what)
    low, high = what
    if kind == "drawn":
        share = np.random.default_rng(zlib.crc32(f"{number} {name} {n}".encode())).random(n)
    return low + (high - low) * share
