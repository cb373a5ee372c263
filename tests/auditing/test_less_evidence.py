"""Less evidence never turns a settled red into green, and a damaged baseline never decides."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import pytest_aipm
from pytest_aipm.baseline import read_baseline, write_baseline
from pytest_aipm.errors import BaselineError
from pytest_aipm.records import Because, RunVerdict, Verdict

CHECKS = {
    "difference": {"check": "fairness.demographic_parity_difference", "limit": {"max": 0.10}},
    "ratio": {"check": "fairness.demographic_parity_ratio", "limit": {"min": 0.80}},
    "odds": {"check": "fairness.equalized_odds_difference", "limit": {"max": 0.10}},
    "floor": {
        "check": "performance.metric",
        "metric": "selection_rate",
        "by": "sex",
        "limit": {"min": 0.30},
    },
    "point": {
        "check": "fairness.demographic_parity_difference",
        "limit": {"max": 0.10},
        "decide_on": "point",
    },
}


def policy_of(kind):
    return {
        "aipm": 1,
        "name": "credit",
        "context": {"purpose": "a test", "owner": "tests@example.org"},
        "subject": {
            "task": "binary",
            "predictions": "pred",
            "label": "y",
            "positive": 1,
            "protected": {"sex": "sex"},
        },
        "checks": [{**CHECKS[kind], "id": "it", "max_unknown": 1.0}],
    }


def rows_of(groups):
    """Rows of groups given as (rate, rows); decisions and labels evenly spread."""
    parts = [
        pd.DataFrame({"sex": name, "pred": (np.arange(n) % 100 < 100 * rate), "y": np.arange(n)})
        for name, (rate, n) in zip("abcd", groups, strict=False)
    ]
    rows = pd.concat(parts, ignore_index=True)
    return rows.assign(pred=rows.pred.astype(int), y=rows.y // 100 % 2)


def settled(finding):
    """Whether the limit lies further from the value than twice the interval is long."""
    (lower, upper), limit = finding.interval, finding.limit
    edge = limit.max if limit.max is not None else limit.min
    return abs(finding.value - edge) > 2 * (upper - lower) and finding.verdict == Verdict.FAIL


GROUPS = st.lists(
    st.tuples(st.sampled_from([0.05, 0.1, 0.4, 0.5, 0.9]), st.sampled_from([400, 1000, 3000])),
    min_size=2,
    max_size=4,
)


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(sorted(CHECKS)),
    groups=GROUPS,
    keep=st.sampled_from([0.01, 0.05, 0.3, 0.49, 0.51, 0.7, 0.95]),
    how=st.sampled_from(["delete", "null", "delete group", "null group", "both"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_deleting_rows_or_nulling_groups_never_turns_a_settled_fail_green(
    kind, groups, keep, how, seed
):
    data, policy = rows_of(groups), policy_of(kind)
    rng = np.random.default_rng(seed)
    with TemporaryDirectory() as folder:
        root = Path(folder)
        red = pytest_aipm.audit(policy, data=data, root=root)
        assume(settled(red.findings[0]))
        write_baseline(red, root / "aipm-baseline.json", by="b", reason="r", when="w")
        gone = rng.random(len(data)) >= keep
        if "group" in how:
            gone = (data.sex == rng.choice(data.sex.unique())).to_numpy()
        if how in ("null", "null group", "both"):
            data["sex"] = data.sex.mask(gone)
        if how in ("delete", "delete group"):
            data = data[~gone]
        if how == "both":
            data = data[rng.random(len(data)) < keep]
        assume(len(data))
        record = pytest_aipm.audit(policy, data=data, root=root)
    assert record.verdict == RunVerdict.FAIL, record.findings[0].reason


def test_a_group_that_exists_only_in_the_baseline_is_named(run, policy, approve, rows):
    approve(run(policy, rows({"f": (400, 1000), "m": (400, 1000), "x": (50, 1000)})))
    record = run(policy, rows({"f": (4000, 10_000), "m": (4000, 10_000)}))
    (finding,) = record.findings
    assert (finding.verdict, finding.because) == (Verdict.FAIL, Because.EVIDENCE_LOST)
    assert "no longer judged: x" in finding.reason
    assert "groups of sex no longer present: x" in record.audits[0].baseline.weakened


def test_a_baseline_from_other_data_is_two_samples_and_its_groups_are_named(
    run, policy, approve, rows, fair
):
    approve(run(policy, rows({"young": (2000, 5000), "old": (2000, 5000)})))
    policy["checks"][0]["regression"] = {"max_change": 0.02}
    record = run(policy, fair)
    (finding,) = record.findings
    assert not finding.baseline.paired
    assert finding.baseline.note.startswith("two samples")
    weakened = record.audits[0].baseline.weakened
    assert "groups of sex no longer present: old, young" in weakened
    assert "other groups of sex: f, m" in weakened
    unfair = run(policy, rows({"f": (2500, 10_000), "m": (4100, 10_000)}))
    assert unfair.verdict == RunVerdict.FAIL


@pytest.fixture
def approve(tmp_path):
    def write(record):
        write_baseline(record, tmp_path / "aipm-baseline.json", by="b", reason="r", when="w")

    return write


@cache
def approved_text() -> str:
    """A baseline as a run wrote it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "b.json"
        record = pytest_aipm.audit(
            policy_of("difference"), data=rows_of([(0.4, 500), (0.3, 500)]), root=path.parent
        )
        write_baseline(record, path, by="b", reason="r", when="w")
        return path.read_text(encoding="utf-8")


def read(text: str):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "b.json"
        path.write_text(text, encoding="utf-8")
        return read_baseline(path, shown="b.json")


@settings(max_examples=80, deadline=None)
@given(share=st.floats(0, 0.999))
def test_a_baseline_that_was_cut_off_is_one_line(share):
    text = approved_text()
    with pytest.raises(BaselineError) as caught:
        read(text[: int(share * (len(text) - 2))])
    assert str(caught.value).startswith("b.json:")
    assert "\n" not in str(caught.value)


@settings(max_examples=150, deadline=None)
@given(share=st.floats(0, 0.999), new=st.sampled_from('0123456789.,:"{}[]eax \n'))
def test_a_baseline_that_was_edited_is_refused_or_says_the_same(share, new):
    text = approved_text()
    place = int(share * len(text))
    edited = text[:place] + new + text[place + 1 :]
    try:
        found = read(edited)
    except BaselineError as refused:
        assert "\n" not in str(refused)  # noqa: PT017 - either end is right
        return
    before = json.loads(text)["policies"]
    # the policy may be called something else now, or the digest; what was approved is the same
    told = ("approved", "facts", "findings")
    (after,) = found.content["policies"].values()
    assert [after[key] for key in told] == [before["credit"][key] for key in told]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"numerator": 200', '"numerator": 150'),
        ('"state": "open"', '"state": "holds"'),
        ('"rows": 1000', '"rows": 10'),
        ('"max": 0.1', '"max": 0.4'),
        ('"retraining": null', '"retraining": {"n": 9, "spread": 0.9}'),
        ('"by": "b"', '"by": "c"'),
        ('"when": "w"', '"when": 1e999'),
        ('"when": "w"', '"when": NaN'),
    ],
)
def test_a_slip_of_hand_is_refused_with_how_to_mend_it(old, new):
    text = approved_text()
    assert old in text
    with pytest.raises(BaselineError) as caught:
        read(text.replace(old, new, 1))
    assert "restore it from version control or approve a run anew" in str(caught.value)
