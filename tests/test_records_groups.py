"""Columns of groups: written byte for byte as one record after the other, and read as records."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_aipm.records import (
    Audit,
    Finding,
    GroupColumns,
    GroupValue,
    PolicyInfo,
    Record,
    RunVerdict,
    Verdict,
    WrittenGroups,
    canonical_json,
)
from pytest_aipm.records.sign_off import OF_GROUP, _audit

TEXTS = st.text(max_size=8) | st.sampled_from(("100 % of", "%s", 'a "b"\\', "é · 人", "\x00\u202e"))
FLOATS = st.floats(-1e300, 1e300) | st.sampled_from((0.0, -0.0, 1.0, 1 / 3))
COUNTS = st.none() | st.integers(0, 10**18) | FLOATS
GROUPS = st.lists(
    st.builds(
        GroupValue,
        group=st.dictionaries(TEXTS, TEXTS, max_size=3),
        part=TEXTS,
        n=st.integers(0, 10**12),
        numerator=COUNTS,
        denominator=COUNTS,
        counted=st.none() | st.tuples(st.integers(0, 99), st.integers(0, 99)),
        people=st.none() | st.integers(0, 99),
        value=st.none() | FLOATS,
        interval=st.none() | st.tuples(st.none() | FLOATS, st.none() | FLOATS),
        judged=st.booleans(),
        note=TEXTS,
    ),
    max_size=6,
)


def record(groups: Any, **more: Any) -> Record:
    finding = Finding(
        id="p::c::sex", nodeid="p.aipm.yaml::c::sex", check="a.b", check_id="c", scope=("sex",),
        verdict=Verdict.PASS, reason="fine", groups=groups, **more,
    )  # fmt: skip
    policy = PolicyInfo(name="p", path="p.aipm.yaml", sha256="0", text="")
    audit = Audit(policy=policy, verdict=RunVerdict.PASS, findings=(finding, finding))
    return Record(verdict=RunVerdict.PASS, audits=(audit,))


def one_by_one(made: Record, **given: Any) -> str:
    """Write a record as the standard library does, record by record."""
    plain = made.model_dump(mode="json", by_alias=True)
    return json.dumps(plain, sort_keys=True, ensure_ascii=False, allow_nan=False, **given)


@settings(max_examples=60)
@given(GROUPS)
def test_a_file_holds_the_same_bytes_as_record_by_record(groups: list[GroupValue]) -> None:
    made = record(groups)
    assert made.to_json() == one_by_one(made, indent=1) + "\n"
    columns = record(GroupColumns.of(groups))
    assert columns.to_json() == made.to_json()
    assert columns.with_digest() == made.with_digest()


@settings(max_examples=60)
@given(st.lists(FLOATS), st.lists(TEXTS))
def test_sizes_and_names_are_written_as_one_by_one(sizes: list[float], names: list[str]) -> None:
    made = record((), sizes=sizes, part_names=names)
    assert made.to_json() == one_by_one(made, indent=1) + "\n"


@settings(max_examples=60)
@given(GROUPS)
def test_columns_on_one_line_are_records_on_one_line(groups: list[GroupValue]) -> None:
    plain = [each.model_dump(mode="json") for each in groups]
    assert canonical_json(WrittenGroups(GroupColumns.of(groups).columns)) == canonical_json(plain)


@settings(max_examples=60)
@given(GROUPS)
def test_evidence_holds_the_same_numbers_as_record_by_record(groups: list[GroupValue]) -> None:
    def rounded(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: rounded(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [rounded(each) for each in value]
        return float(f"{value:.10g}") if isinstance(value, float) else value

    told = [{name: getattr(each, name) for name in OF_GROUP} for each in groups]
    (audit,) = record(GroupColumns.of(groups)).audits
    written = _audit(audit)["findings"][0]["groups"]
    assert canonical_json(written) == canonical_json(rounded(told))


@pytest.mark.parametrize("half", ["\ud800", "a\udfffb"])
def test_half_a_character_is_written_by_its_number_in_groups_too(half: str) -> None:
    made = record((GroupValue(group={"sex": half}, n=1, part=half, note=half),))
    columns = record(GroupColumns.of(made.findings[0].groups))
    number = half.encode("utf-8", "backslashreplace").decode().replace("\\", "\\\\")
    expected = one_by_one(made, indent=1).replace(half, number)
    assert columns.to_json() == made.to_json() == expected + "\n"


@pytest.mark.parametrize("number", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["value", "numerator"])
def test_what_is_no_number_is_never_written(name: str, number: float) -> None:
    group = GroupValue(group={"sex": "f"}, n=1).model_copy(update={name: number})
    with pytest.raises(ValueError, match="not JSON compliant"):
        record((group,)).to_json()


def test_columns_read_as_the_records_they_hold() -> None:
    groups = tuple(
        GroupValue(group={"sex": sex}, n=n, numerator=1, denominator=n, value=1 / n)
        for sex, n in (("f", 3), ("m", 7))
    )
    columns = GroupColumns(
        group=[{"sex": "f"}, {"sex": "m"}], n=[3, 7],
        numerator=[1, 1], denominator=[3, 7], value=[1 / 3, 1 / 7],
    )  # fmt: skip
    assert (len(columns), columns[1], columns[:1]) == (2, groups[1], groups[:1])
    assert (columns, list(columns)) == (groups, list(groups))
    assert columns[0] is next(iter(columns))
    assert record(columns) == record(groups)
    assert record(columns).model_dump() == record(groups).model_dump()
    assert Record.from_json(record(columns).to_json()) == record(columns)
    assert columns != GroupColumns.of(groups[:1])
    assert repr(columns) == repr(groups)


def test_no_groups_are_an_empty_list() -> None:
    assert record(GroupColumns.of(())).to_json() == one_by_one(record(()), indent=1) + "\n"


@settings(max_examples=60)
@given(GROUPS)
def test_a_finding_crosses_to_another_process_as_it_is(groups: list[GroupValue]) -> None:
    (sent, _) = record(groups).findings
    got = Finding.unpacked(json.loads(canonical_json(sent.packed())))
    assert got == sent
    assert record(got.groups).to_json() == record(groups).to_json()
