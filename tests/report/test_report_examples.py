"""Rows that count against a finding: what was changed in them stands on the page, if allowed."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from report_samples import HOSTILE, cell, finding, lending, record_of

from pytest_aipm.evidence.examples import LONGEST, change
from pytest_aipm.records import Audit, Change, Example, Finding, Limit, Record
from pytest_aipm.report import index_html, publishable
from pytest_aipm.violation import publish

SHOWN = "rows that count"


def flipped(*examples: Example, **more: object) -> Finding:
    fields: dict[str, object] = {"value": 0.1, "interval": (0.08, 0.12), "limit": Limit(max=0.01)}
    fields |= {"examples": examples, **more}
    return finding("explain.protected_flip", "flip", ("sex",), "fail", **fields)


def turn(before: str, after: str, effect: str = "the decision turns") -> Example:
    return Example(changed=(Change(column="sex", before=before, after=after),), effect=effect)


def allowing(rows: int | None, *findings: Finding) -> Record:
    audit: Audit = lending()
    policy = audit.policy.model_copy(update={"rows": rows})
    return record_of(
        audit.model_copy(
            update={"policy": policy, "findings": findings, "groups": (), "releases": ()}
        )
    )


@pytest.mark.parametrize(("rows", "shown"), [(None, 0), (1, 1), (2, 2), (5, 3)])
def test_as_many_rows_show_as_the_policy_allows(rows: int | None, shown: int) -> None:
    examples = [turn("f", "m", f"effect {i}") for i in range(3)]
    record = allowing(rows, flipped(*examples))
    page = index_html(record)
    assert [f"Effect {i}" in page for i in range(3)] == [i < shown for i in range(3)]
    assert (SHOWN in page) is (shown > 0)
    assert publishable(publishable(record)) == publishable(record)


@pytest.mark.parametrize("text", [*HOSTILE, "<b>x</b>", "x" * 10_000, "a\x1b[31m", " ", "ä|*_`"])
def test_hostile_values_are_escaped_and_cut(text: str) -> None:
    told = change(text, text, text)
    assert max(map(len, (told.column, told.before, told.after))) <= LONGEST
    page = index_html(allowing(1, flipped(Example(changed=(told,), effect="turned"))))
    table = re.search(rf"<table><caption>[^<]*{SHOWN}.*?</table>", page, re.DOTALL)
    assert table is not None
    assert "<script" not in table[0]
    assert "<b>" not in table[0]
    assert not re.search("[\x1b\u202e]", table[0])


def test_a_small_group_anywhere_takes_the_rows_of_every_finding() -> None:
    small = (cell({"sex": "f"}, 1, 3), cell({"sex": "m"}, 50, 100), cell({"sex": "x"}, 40, 90))
    gap = finding("fairness.demographic_parity_difference", "gap", ("sex",), "fail", groups=small)
    page = index_html(allowing(3, flipped(turn("f", "m")), gap))
    assert SHOWN not in page
    assert "rows, since a group has fewer than 5 people" in page
    whole = index_html(allowing(3, flipped(turn("f", "m")), gap.model_copy(update={"groups": ()})))
    assert SHOWN in whole


def test_a_finding_of_a_few_rows_shows_none_of_them() -> None:
    assert SHOWN not in index_html(allowing(3, flipped(turn("f", "m"), n=4)))


def test_a_log_shows_no_row_whatever_is_allowed() -> None:
    assert publish(flipped(turn("f", "m")), min_cell=5).examples == ()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (np.float64(31582.94), "31582.94"),
        (np.int64(3), "3"),
        (1e7, "10000000"),
        (np.bool_(True), "true"),
        (np.nan, "(missing)"),
        (None, "(missing)"),
        (pd.NA, "(missing)"),
        (pd.NaT, "(missing)"),
        (pd.Timestamp("2026-01-02"), "2026-01-02"),
        (pd.Timestamp("2026-01-02 03:04"), "2026-01-02 03:04:00"),
        ("", "(empty)"),
        ([1, 2], "[1, 2]"),
        ("y" * 61, "y" * 59 + "…"),
    ],
)
def test_values_are_written_as_policies_write_them(value: object, written: str) -> None:
    assert change("c", value, value).before == written
