"""The file of expected columns that ``aipm init`` writes beside a policy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from pytest_aipm.evidence.breaches import breaches_of
from pytest_aipm.evidence.expected import read_expected
from pytest_aipm.sources.data import open_data
from pytest_aipm.starting.expected import _bound, expected_text, schema_name


def rules(text: str) -> dict[str, dict[str, object]]:
    return YAML(typ="safe", pure=True).load(text)["columns"]


def test_every_rule_is_read_off_the_rows_and_holds_for_them(proposed, people, tmp_path):
    n = len(people["sex"])
    columns = {
        **people,
        "day": np.resize(np.array(["2026-01-31", "2026-02-01"]), n),
        "written": np.resize(np.array(["31.01.2026", "01.02.2026"]), n),
        "flag": np.arange(n) % 2 == 0,
        "none": [None] * n,
        "below": -np.arange(n) / 7,
        "rare": ["a"] * (n - 1) + ["b"],
        "<b>: {x}\n# y": ["plain", "text"] * (n // 2),
    }
    proposal = proposed(**columns)
    text = expected_text(proposal)
    found = rules(text)
    assert schema_name(proposal) == "policies/rows.schema.yaml"
    assert found["sex"] == {
        "type": "category",
        "values": ["female", "male"],
        "nullable": False,
    }
    assert found["defaulted"] == {"type": "int", "values": [0, 1], "nullable": False}
    assert found["age"] == {"type": "int", "min": 0, "max": 200, "nullable": False}
    assert found["below"]["max"] == 0
    assert found["below"]["min"] == -200
    assert found["day"]["type"] == "date"
    assert found["written"]["type"] == "text"
    assert found["flag"]["type"] == "bool"
    assert found["none"] == {}
    assert found["rare"] == {"type": "text", "nullable": False}, "a rare value is not quoted"
    assert found["person_id"]["unique"] is True
    assert "<b>: {x}\n# y" in found
    path = tmp_path / "rows.schema.yaml"
    path.write_text(text, encoding="utf-8")
    source = open_data(pd.DataFrame(columns), root=Path())
    assert breaches_of(source, read_expected(path, "rows.schema.yaml")) == ()


@pytest.mark.parametrize(
    ("value", "low", "bound"),
    [
        (90, False, "200"),
        (0, False, "0"),
        (-3, False, "0"),
        (3, True, "0"),
        (-3, True, "-10"),
        (0.4, False, "1"),
        (0.02, False, "0.05"),
        (1e9, False, "2000000000"),
        (250_000, False, "500000"),
        (float("inf"), False, "1.0e+300"),
    ],
)
def test_numbers_may_reach_twice_as_far_rounded_up(value, low, bound):
    assert _bound(value, low=low) == bound
