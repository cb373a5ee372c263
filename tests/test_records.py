"""The record is plain JSON: frozen, sorted, finite, and the same bytes for the same values."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pytest_aipm.records import (
    Audit,
    Finding,
    GroupValue,
    PolicyInfo,
    Record,
    RunVerdict,
    Verdict,
    canonical_json,
)

FINDING = Finding(
    id="p::c::overall", nodeid="p.aipm.yaml::c::overall", check="a.b", check_id="c",
    verdict=Verdict.PASS, reason="fine",
)  # fmt: skip


def record(**finding):
    policy = PolicyInfo(name="p", path="p.aipm.yaml", sha256="0", text="")
    audit = Audit(
        policy=policy,
        verdict=RunVerdict.PASS,
        findings=(FINDING.model_copy(update=finding),),
    )
    return Record(verdict=RunVerdict.PASS, audits=(audit,))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_numbers_that_are_not_finite_become_null(value):
    group = GroupValue(group={"sex": "f"}, n=1, value=value, interval=(value, 1.0))
    assert (group.value, group.interval) == (None, (None, 1.0))


def test_numpy_scalars_become_plain_numbers():
    group = GroupValue(
        group={"sex": "f"}, n=np.int64(3), numerator=np.int64(2), value=np.float64(1)
    )
    assert json.loads(group.model_dump_json())["numerator"] == 2


def test_the_first_key_says_that_the_file_is_not_for_publication():
    first = next(iter(json.loads(record().to_json())))
    assert first == "_notice"


def test_a_record_survives_its_file():
    made = record(value=0.1 + 0.2, interval=(0.1, 0.5)).with_digest()
    assert Record.from_json(made.to_json()) == made
    assert Record.from_json(made.to_json()).to_json() == made.to_json()


def test_the_digest_covers_everything_but_timing():
    made = record().with_digest()
    assert made.model_copy(update={"timing": {"run_s": 1.0}}).with_digest().digest == made.digest
    assert record(reason="other").with_digest().digest != made.digest


def test_records_are_frozen_and_closed():
    with pytest.raises(ValidationError):
        FINDING.reason = "changed"
    with pytest.raises(ValidationError):
        Finding(**{**FINDING.model_dump(), "surprise": 1})


@given(st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False)))
def test_canonical_json_does_not_depend_on_the_order_of_keys(value):
    turned = dict(reversed(list(value.items())))
    assert canonical_json(value) == canonical_json(turned)
    assert json.loads(canonical_json(value)) == value
