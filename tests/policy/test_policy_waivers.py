"""Waivers: exact, owned, dated, and never without an end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_samples import GOOD
from ruamel.yaml import YAML

from pytest_aipm.clock import today
from pytest_aipm.errors import OptionError, WaiverError
from pytest_aipm.policy import Policy, Waiver, is_active, load_waivers, notice
from pytest_aipm.records import Limit

Load = Callable[..., Policy]

CASES: list[dict[str, str]] = YAML(typ="safe", pure=True).load(
    Path(__file__).with_name("bad_waivers.yaml")
)

ONE = {
    "id": "W-1",
    "check": "credit::gap::race",
    "reason": "Too few rows of B until June",
    "owner": "cro@example.org",
    "ticket": "RISK-17",
    "created": "2026-01-10",
    "expires": "2026-06-30",
}


def entry(**changes: str | None) -> str:
    """Return one waiver of a file; None takes a key out."""
    merged = {**ONE, **changes}
    lines = [f"{key}: {value}" for key, value in merged.items() if value is not None]
    return "  - " + "\n    ".join(lines) + "\n"


@pytest.fixture
def read(
    load: Load, write: Callable[..., Path], tmp_path: Path
) -> Callable[..., tuple[Waiver, ...]]:
    def reader(*entries: str, text: str | None = None) -> tuple[Waiver, ...]:
        policy = load(GOOD)
        path = write("waivers:\n" + "".join(entries) if text is None else text, "waivers.yaml")
        return load_waivers(path, [policy], root=tmp_path)

    return reader


Read = Callable[..., tuple[Waiver, ...]]


def test_a_waiver_says_who_answers_for_what_until_when(read: Read) -> None:
    sha = "ab" * 32
    (waiver,) = read(entry(floor="{max: 0.15}", model_sha256=sha))
    assert waiver == Waiver(
        id="W-1",
        check="credit::gap::race",
        reason="Too few rows of B until June",
        owner="cro@example.org",
        ticket="RISK-17",
        created=dt.date(2026, 1, 10),
        expires=dt.date(2026, 6, 30),
        floor=Limit(max=0.15),
        model_sha256=sha,
        state="loaded",
        path="waivers.yaml",
        line=2,
    )


def test_an_empty_list_waives_nothing(read: Read) -> None:
    assert read(text="waivers: []\n") == ()


def test_waivers_of_policies_outside_the_run_are_kept_and_ignored(read: Read) -> None:
    (waiver,) = read(entry(check="other::x::overall", floor="{max_auc: 0.7}"))
    assert (waiver.state, waiver.floor) == ("ignored", Limit(max=0.7))


@pytest.mark.parametrize("case", CASES, ids=[case["says"] for case in CASES])
def test_each_fault_is_one_line(read: Read, case: dict[str, str]) -> None:
    with pytest.raises(WaiverError) as caught:
        read(entry(**{case["change"]: case["to"]}))
    assert str(caught.value) == f"waivers.yaml:{case['says']}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", " the file is empty; write its first key"),
        ("waivers:\n", "1:1: 'waivers' must be a list; write `waivers: []` when there are none"),
        ("waiver: []\n", "1:1: 'waivers' is missing; write `waivers: []` when there are none"),
        ("waivers: [a]\n", "1:11: a waiver must be a mapping, not 'a'; start it with `- id: `"),
        ("waivers:\n\t- a\n", "2:1: a tab cannot stand here; indent with spaces"),
    ],
)
def test_a_file_that_is_no_waivers_file_is_refused(read: Read, text: str, said: str) -> None:
    with pytest.raises(WaiverError) as caught:
        read(text=text)
    assert f"waivers.yaml:{said}" in str(caught.value).splitlines()


def test_an_id_is_given_once(read: Read) -> None:
    with pytest.raises(WaiverError, match="9:9: two waivers have the id 'W-1', first in line 2"):
        read(entry(), entry(check="credit::gap::sex"))


@pytest.mark.parametrize(
    ("created", "both"), [("2026-06-30", True), ("2026-07-01", False), ("2026-01-10", True)]
)
def test_a_renewal_may_follow_but_not_overlap(read: Read, created: str, *, both: bool) -> None:
    second = entry(id="W-2", created=created, expires="2026-12-31")
    if both:
        with pytest.raises(WaiverError, match="'W-1' and 'W-2' both waive 'credit::gap::race'"):
            read(entry(), second)
    else:
        assert len(read(entry(), second)) == 2


def test_all_faults_are_said_at_once(read: Read) -> None:
    with pytest.raises(WaiverError) as caught:
        read(entry(owner=None), entry(id="W-2", expires="soon"), entry(id="W-3", why="x"))
    assert [problem.line for problem in caught.value.problems] == [2, 14, 22]


# --- the last day -------------------------------------------------------------------------------


@given(day=st.dates(dt.date(2025, 6, 1), dt.date(2027, 12, 31)))
def test_a_waiver_holds_from_its_first_day_through_its_last(day: dt.date) -> None:
    waiver = Waiver(**{**ONE, "created": dt.date(2026, 1, 1), "expires": dt.date(2026, 6, 30)})  # type: ignore[arg-type]
    assert is_active(waiver, day) is (dt.date(2026, 1, 1) <= day <= dt.date(2026, 6, 30))


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (15, ""),
        (14, "ends in 14 days (2026-06-30)"),
        (2, "ends in 2 days (2026-06-30)"),
        (1, "ends tomorrow (2026-06-30)"),
        (0, "ends today (2026-06-30)"),
        (-1, ""),
    ],
)
def test_the_last_fourteen_days_are_announced(left: int, said: str) -> None:
    end = dt.date(2026, 6, 30)
    waiver = Waiver(**{**ONE, "created": dt.date(2026, 1, 1), "expires": end})  # type: ignore[arg-type]
    assert notice(waiver, end - dt.timedelta(days=left)) == said


@pytest.mark.parametrize(
    ("epoch", "day"),
    [
        ("0", dt.date(1970, 1, 1)),
        ("1782863999", dt.date(2026, 6, 30)),
        ("1782864000", dt.date(2026, 7, 1)),
    ],
)
def test_the_day_is_that_of_the_source_in_utc(
    monkeypatch: pytest.MonkeyPatch, epoch: str, day: dt.date
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    assert today() == day


@pytest.mark.parametrize("epoch", ["soon", "1e9", "9" * 30])
def test_a_source_date_that_is_none_is_said(monkeypatch: pytest.MonkeyPatch, epoch: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    with pytest.raises(OptionError, match="not a number of seconds"):
        today()


@pytest.mark.parametrize("epoch", [None, ""])
def test_without_a_source_date_it_is_today_in_utc(
    monkeypatch: pytest.MonkeyPatch, epoch: str | None
) -> None:
    if epoch is None:
        monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    else:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    before = dt.datetime.now(dt.UTC).date()
    assert before <= today() <= dt.datetime.now(dt.UTC).date()
