"""Rows of the calibration page measured anew take the place of their own, and only that."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from calibration import Kept
from calibration_part import replaced

PAGE = """\
## False fails: how often

| family | groups | base rate 0.1 |
|---|---|---|
| ratio | 50/50 | 4.0 % |
| ratio to the largest | 50/50 | 4.1 % |

## False passes

| kind | groups | base rate 0.1 |
|---|---|---|
| ratio | 50/50 | 4.2 % |
"""


def test_a_row_is_replaced_under_its_own_heading_alone() -> None:
    page = replaced(PAGE, "## False fails", {("ratio", "50/50"): ["ratio", "50/50", "9.9 %"]})
    assert page == PAGE.replace("4.0 %", "9.9 %")


def test_a_row_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="no row"):
        replaced(PAGE, "## False passes", {("difference", "50/50"): ["difference", "50/50", "1 %"]})


def test_cells_are_measured_once_and_kept_for_a_later_call(tmp_path: Path) -> None:
    asked: list[int] = []

    def work(task: int) -> int:
        asked.append(task)
        return task * task

    keep = tmp_path / "cells.json"
    with ThreadPoolExecutor(1) as pool:
        assert Kept(pool, keep).map(work, [2, 3]) == [4, 9]  # type: ignore[arg-type]
        assert Kept(pool, keep).map(work, [3, 4, 2]) == [9, 16, 4]  # type: ignore[arg-type]
    assert asked == [2, 3, 4]
    assert json.loads(keep.read_text(encoding="utf-8")) == {"work2": 4, "work3": 9, "work4": 16}
