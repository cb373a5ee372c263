"""Where rows stay where they are no check reads them: each finds the same from what comes back.

The engine here is Spark's without Spark: it reads parts of files that nobody else may read, hands
each batch to a copy of the function that was sent as bytes, and merges what comes back as bytes.
"""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from check_cases import Case, case_files, objects_of

import pytest_aipm
from pytest_aipm import api
from pytest_aipm.auditing import opening
from pytest_aipm.engine.local import Local
from pytest_aipm.evidence import best
from pytest_aipm.records import Finding
from pytest_aipm.sources.data import NONE, DataSource

FILES = case_files()
NUMBER = re.compile(r"\d+(?:\.\d+)?")
ROWS = {
    "data.preprocessing_leakage": "a mean is of every row",
    "framing.beats_baseline": "baselines are compared with the model row by row",
    "framing.business_value": "values may be columns",
    "fairness.exposure_difference": "the rows of a query are ranked against each other",
    "fairness.exposure_ratio": "the rows of a query are ranked against each other",
}
"""Checks that are refused, because they look at every row."""
TIMED = {f"operations.{each}" for each in ("latency", "load_time", "memory", "throughput")}
"""Checks that find something else each time."""
VALUES = {
    "sex": "fm",
    "region": "abc",
    "y": (0, 1),
    "score": (0.1, 0.2, 0.3, 0.4, 0.5),
    "weight": (0.5, 1.0, 2.0),
}
"""Columns of few values."""


class Apart:
    """Runs passes as Spark does, in small batches."""

    remote = True
    size = 37
    """Rows of a batch."""

    def __init__(self, session: Callable[[], list[int]]) -> None:
        self.back = session()
        """Bytes that came back, of each pass and part."""

    def run(
        self,
        source: DataSource,
        columns: Sequence[str],
        partial: Callable[[pd.DataFrame], Any],
        empty: Any,
        *,
        coded: frozenset[str] = NONE,
        numbered: bool = False,
        size: int | None = None,  # noqa: ARG002 - its own
    ) -> Any:
        parts = source.parts(list(columns) or source.columns[:1], coded=coded)
        if parts is None:
            return Local().run(source, columns, partial, empty, coded=coded)
        sent, result = cloudpickle.dumps(partial), empty
        for number, part in enumerate(parts):
            own, found = pickle.loads(sent), empty
            for batch in part.batches(self.size):
                # any numbers that tell rows apart, where they need not be those of the rows
                index = batch.index if numbered else batch.index + (number << 40)
                given = batch.set_axis(index)
                found = found.merge(own(given if columns else given[[]]))
            back = pickle.dumps(found)
            self.back.append(len(back))
            result = result.merge(pickle.loads(back))
        return result


def audited(case: Case, root: Path, **given: Any) -> Finding:
    objects = objects_of(case, root)
    made = case.policy()
    for name in ("data", "train"):
        if name in objects:
            frame = objects.pop(name)
            frame.to_parquet(root / f"{name}.parquet", row_group_size=max(1, len(frame) // 3))
            made["subject"][name] = f"{name}.parquet"
    record = pytest_aipm.audit(made, root=root, deep=case.deep, **objects, **given)
    (finding,) = (each for each in record.findings if each.check_id == "node")
    return finding


def first_difference(one: Any, two: Any, at: str = "") -> str:
    """Return where two findings differ by more than rounding."""
    if isinstance(one, float) and isinstance(two, float):
        same = math.isclose(one, two, rel_tol=1e-9, abs_tol=1e-9) or str(one) == str(two)
        return "" if same else f"{at}: {one!r} and {two!r}"
    if isinstance(one, dict) and isinstance(two, dict) and one.keys() == two.keys():
        pairs = [(one[key], two[key], f"{at}.{key}") for key in one]
    elif isinstance(one, list | tuple) and isinstance(two, list | tuple) and len(one) == len(two):
        pairs = [(a, b, f"{at}[{i}]") for i, (a, b) in enumerate(zip(one, two, strict=True))]
    elif isinstance(one, str) and isinstance(two, str) and one != two:
        # 0.09999999999999998 is told as 0.1000, and 0.1 as 0.100
        told = [[float(each) for each in NUMBER.findall(text)] for text in (one, two)]
        alike = NUMBER.sub("", one) == NUMBER.sub("", two) and told[0] == told[1]
        return "" if alike else f"{at}: {one!r} and {two!r}"
    else:
        return "" if one == two else f"{at}: {one!r} and {two!r}"
    return next((said for pair in pairs if (said := first_difference(*pair))), "")


def first_failing(name: str) -> Case:
    """Return the first case of a check that fails; where none does, its first one."""
    cases = FILES[name].cases
    return next((case for case in cases if case.expect["verdict"] == "fail"), cases[0])


@pytest.mark.parametrize("name", FILES)
def test_no_check_reads_the_rows(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = first_failing(name)
    if case.today:
        noon = datetime.fromisoformat(f"{case.today}T12:00:00+00:00")
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(noon.timestamp())))
    here = None if case.check in {*ROWS, *TIMED} else audited(case, tmp_path)
    monkeypatch.setattr(api, "Spark", Apart)
    monkeypatch.setattr(opening, "Spark", Apart)
    there = audited(case, tmp_path, spark=[])
    if case.check in ROWS:
        assert there.verdict == "error"
        assert "rows stay where they are" in there.reason
    elif here is None:
        assert there.verdict == case.expect["verdict"]
    else:
        differs = first_difference(here.model_dump(), there.model_dump(), case.check)
        assert differs == "", there.reason


COUNTED: list[dict[str, Any]] = [
    {"check": "fairness.demographic_parity_difference", "by": "sex", "limit": {"max": 0.9}},
    {"check": "fairness.worst_slice", "columns": ["sex", "region"], "limit": {"max": 0.9}},
    {"check": "data.label_bias", "by": "sex", "given": ["region"], "limit": {"max": 0.9}},
    {"check": "data.selective_labels", "by": "sex", "limit": {"max_error": 0.9}},
    {"check": "data.label_balance", "by": "sex", "limit": {"max": 0.9}},
    {"check": "data.provenance", "limit": {"max": 9}},
    {"check": "performance.metric", "metric": "roc_auc", "by": "sex", "limit": {"min": 0.1}},
]


@pytest.mark.parametrize("weights", [None, "weight"])
def test_what_comes_back_is_small(
    weights: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "Spark", Apart)
    monkeypatch.setattr(opening, "Spark", Apart)
    monkeypatch.setattr(Apart, "size", 4_000)
    monkeypatch.setattr(best, "MOST", 64)  # ranks of rows that are equal in all but their number
    checks = COUNTED if weights is None else [COUNTED[0], COUNTED[-1]]
    n, rng = 40_000, np.random.default_rng(0)
    rows = {name: rng.choice([*values], n) for name, values in VALUES.items()}
    pd.DataFrame(rows).to_parquet(tmp_path / "rows.parquet", row_group_size=n // 2)
    subject = {"task": "binary", "data": "rows.parquet", "label": "y", "positive": 1}
    subject |= {"scores": "score", "decision": {"top_k": 0.2}, "protected": {"sex": "sex"}}
    subject |= {} if weights is None else {"weights": {"column": weights, "kind": "sampling"}}
    context = {"purpose": "Choose", "owner": "team@example.org"}
    made = {"aipm": 1, "name": "large", "context": context, "subject": subject, "checks": checks}
    back: list[int] = []
    record = pytest_aipm.audit(made, root=tmp_path, spark=back)
    assert not any(each.verdict == "error" for each in record.findings)
    assert max(back) < n // 2 * 8 / 10, "a tenth of one number for each row of a part"
