"""Rows paired with the approved ones by a keyed hash of their id, and every way that can fail."""

from __future__ import annotations

import copy
import subprocess

import numpy as np
import pandas as pd
import pytest

from pytest_aipm.auditing import Auditor, Settings, assemble
from pytest_aipm.auditing.pairing import sealed
from pytest_aipm.auditing.plan import complete
from pytest_aipm.baseline import write_baseline
from pytest_aipm.catalog import Catalog
from pytest_aipm.errors import BaselineError, DataError, PolicyError
from pytest_aipm.policy.load import policy_from
from pytest_aipm.records import Because, RunVerdict, Verdict

KEY = "0123456789abcdef0123456789abcdef"
FILE = "private/rows.pairing"


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("AIPM_TEST_KEY", KEY)


@pytest.fixture
def paired(policy):
    """The policy with a pairing file and a tolerance."""
    subject = policy["subject"]
    subject["id"], subject["pairing"] = "id", {"file": FILE, "key_env": "AIPM_TEST_KEY"}
    policy["checks"][0] |= {"limit": {"max": 0.5}, "regression": {"max_change": 0.02}}
    return policy


@pytest.fixture
def data():
    """2,000 rows in five groups; 0.30 of the 200 rows of e are selected, 0.40 of all others."""
    sizes = {"a": 900, "b": 400, "c": 300, "d": 200, "e": 200}
    parts = [pd.DataFrame({"sex": name, "place": range(n)}) for name, n in sizes.items()]
    rows = pd.concat(parts, ignore_index=True)
    rows["pred"] = (rows["place"] % 10 < np.where(rows["sex"] == "e", 3, 4)).astype(int)
    rows["y"] = (rows["place"] // 10 % 2).astype(int)
    rows["id"] = [f"P-{i}" for i in range(len(rows))]
    return rows.drop(columns="place")


@pytest.fixture
def harmed(data):
    """The same rows under a model that takes it from 20 more of the 200 rows of e."""
    new = data.copy()
    new.loc[new.index[(new.sex == "e") & (new.pred == 1)][:20], "pred"] = 0
    return new


@pytest.fixture
def approve(tmp_path):
    """Approve a run with its rows, as ``--aipm-update-baseline`` does."""

    def write(policy, data):
        path = tmp_path / "aipm-baseline.json"
        settings = Settings(
            root=tmp_path, policies=(), report=tmp_path, baseline=path, update_baseline=True
        )
        catalog = Catalog()
        read = policy_from(
            policy, path="policy", root=tmp_path, catalog=catalog, given={"data": None}
        )
        plan = complete(settings, [read], catalog)
        auditor = Auditor(plan, read, objects={"data": data})
        findings = {plan.nodeid(read, node): auditor.finding(node) for node in read.nodes()}
        record = assemble(plan, findings, headers={read.name: auditor.header()})
        files = sealed(plan.pairables, record, lambda _: auditor.evidence)
        tags = {name: {"tag": one.tag, "rows": one.rows} for name, one in files.items()}
        write_baseline(record, path, by="b", reason="r", when="w", pairing=tags)
        for one in files.values():
            one.write()
        return record

    return write


def only(record):
    (finding,) = record.findings
    return finding


def said(record):
    assert record.audits[0].pairing is not None
    return record.audits[0].pairing


def test_a_change_in_a_small_group_is_proven_on_the_same_rows_and_only_there(
    run, paired, data, harmed, approve, monkeypatch
):
    approve(paired, data)
    finding = only(run(paired, harmed))
    assert (finding.verdict, finding.because) == (Verdict.FAIL, Because.REGRESSION)
    assert finding.baseline.paired
    assert finding.baseline.against == "baseline"
    assert "worse than the approved baseline on the same rows: between" in finding.reason
    assert finding.baseline.note == "all 2,000 approved rows are paired"
    monkeypatch.delenv("AIPM_TEST_KEY")
    record = run(paired, harmed)
    assert only(record).baseline.verdict == "inconclusive"
    assert not only(record).baseline.paired


def test_it_gives_what_a_champions_column_gives(run, paired, data, harmed, approve, tmp_path):
    approve(paired, data)
    mine = only(run(paired, harmed.sample(frac=1, random_state=1))).baseline
    (tmp_path / "aipm-baseline.json").unlink()
    champion = copy.deepcopy(paired)
    del champion["subject"]["pairing"]
    champion["subject"]["champion"] = {"predictions": "old"}
    theirs = only(run(champion, harmed.assign(old=data.pred))).baseline
    assert (mine.value, mine.delta, mine.interval) == (theirs.value, theirs.delta, theirs.interval)
    assert mine.group == theirs.group == "a and e"


def test_the_same_decisions_are_the_same_in_any_order_and_with_ids_of_another_type(
    run, paired, data, approve
):
    data["id"] = range(len(data))
    approve(paired, data)
    shuffled = data.sample(frac=1, random_state=3).assign(id=lambda each: each.id.astype(str))
    record = run(paired, shuffled)
    assert said(record).paired
    assert only(record).baseline.verdict == "same"
    assert only(record).baseline.delta == 0


def test_a_floor_of_each_group_and_labels_are_paired_too(run, paired, data, approve):
    paired["checks"] = [
        {
            "check": "performance.metric",
            "id": "hits",
            "metric": "recall",
            "by": "sex",
            "limit": {"min": 0.05},
            "regression": {"max_change": 0.02},
        }
    ]
    approve(paired, data)
    worse = data.copy()
    chosen = worse.index[(worse.sex == "e") & (worse.pred == 1) & (worse.y == 1)][:25]
    worse.loc[chosen, "pred"] = 0
    finding = only(run(paired, worse))
    assert (finding.because, finding.baseline.paired) == (Because.REGRESSION, True)
    assert finding.baseline.group == "e"


def test_nothing_of_a_row_is_in_baseline_or_record_and_no_key_anywhere(
    run, paired, data, approve, tmp_path
):
    approve(paired, data)
    record = run(paired, data)
    record.write(tmp_path / "report")
    raw = (tmp_path / FILE).read_bytes()
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0
    header, _, body = raw.partition(b"\n")
    assert len(body) == 10 * len(data)
    assert b"sex" not in header
    assert not any(name.encode() in raw for name in data["id"][1000:])
    texts = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(texts) > 5
    assert not any(KEY.encode() in path.read_bytes() for path in texts)
    committed = (tmp_path / "aipm-baseline.json").read_text()
    assert "P-1" not in committed
    assert len(committed) < 10_000


# -- what takes the pairing away, and is said --------------------------------------------------


def two_samples(record, why):
    assert not said(record).paired
    assert why in said(record).said
    line = f"not paired with the approved rows, two samples instead: {said(record).said}"
    assert line in record.audits[0].warnings
    finding = only(record)
    assert not finding.baseline.paired
    assert finding.baseline.note == said(record).said
    assert f"no longer compared on the same rows: {said(record).said}" in (
        record.audits[0].baseline.weakened
    )


def test_without_its_key_or_its_file_two_samples_are_compared(
    run, paired, data, approve, tmp_path, monkeypatch
):
    approve(paired, data)
    with monkeypatch.context() as patch:
        patch.delenv("AIPM_TEST_KEY")
        two_samples(run(paired, data), "AIPM_TEST_KEY is not set")
    (tmp_path / FILE).unlink()
    two_samples(run(paired, data), f"there is no pairing file {FILE} yet")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda rows: rows.assign(id=[f"Q-{i}" for i in range(2000)]), "none of the 2,000"),
        (lambda rows: rows.iloc[:1500], "only 1,500 of the 2,000 approved rows are among these"),
        (lambda rows: pd.concat([rows, rows.iloc[:3]]), "6 rows share their id with another row"),
        (lambda rows: rows.assign(y=(1 - rows.y).where(rows.index < 7, rows.y)), "label of 7"),
        (lambda rows: rows.assign(sex=rows.sex.replace("e", "f")), "label or a group of 200"),
        (
            lambda rows: rows.assign(sex=rows.sex.mask(rows.index == 5)),
            "label or a group of 1 approved rows is another one now",
        ),
    ],
    ids=["other rows", "fewer", "twice", "labels", "groups", "one unknown"],
)
def test_rows_that_are_not_the_approved_ones_are_two_samples(
    run, paired, data, approve, change, why
):
    approve(paired, data)
    two_samples(run(paired, change(data)), why)


def test_an_approval_without_rows_leaves_no_pairing(run, paired, data, approve, tmp_path):
    approve(paired, data)
    record = run(paired, data)
    path = tmp_path / "aipm-baseline.json"
    write_baseline(record, path, by="b", reason="r", when="w")
    record = run(paired, data)
    assert said(record).said == "the baseline was approved without a pairing file"
    assert not only(record).baseline.paired


def test_a_file_of_another_approval_is_not_used(run, paired, data, harmed, approve, tmp_path):
    approve(paired, data)
    old = (tmp_path / FILE).read_bytes()
    approve(paired, harmed)
    (tmp_path / FILE).write_bytes(old)
    two_samples(run(paired, harmed), "the pairing file is of another approval than the baseline")


def test_another_positive_class_is_not_paired(run, paired, data, approve):
    approve(paired, data)
    paired["subject"]["positive"] = 0
    two_samples(run(paired, data), "the approved decisions speak of the positive class 1")


def test_most_of_the_rows_are_paired_and_it_is_said_how_many(run, paired, data, harmed, approve):
    approve(paired, data)
    fresh = data.iloc[:50].assign(id=[f"new-{i}" for i in range(50)])
    some = pd.concat([harmed.iloc[3:], fresh], ignore_index=True)
    record = run(paired, some)
    words = "1,997 of the 2,000 approved rows are paired; 50 new rows are not in the comparison"
    assert said(record) == type(said(record))(paired=True, said=words)
    finding = only(record)
    assert (finding.because, finding.baseline.paired) == (Because.REGRESSION, True)
    assert finding.n == 2047
    assert finding.baseline.note == words


# -- what would mislead is refused -------------------------------------------------------------


def test_another_key_is_refused(run, paired, data, approve, monkeypatch):
    approve(paired, data)
    monkeypatch.setenv("AIPM_TEST_KEY", KEY[::-1])
    with pytest.raises(BaselineError) as caught:
        run(paired, data)
    assert str(caught.value).startswith(
        f"{FILE}: the pairing file was written with another key; set the key it was written with"
    )
    assert KEY not in str(caught.value)


def test_a_key_that_can_be_guessed_is_refused(run, paired, data, monkeypatch, approve):
    approve(paired, data)
    monkeypatch.setenv("AIPM_TEST_KEY", "hunter2")
    with pytest.raises(BaselineError, match="shorter than 16 characters") as caught:
        run(paired, data)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda raw: raw[:-1], "is cut off or was changed"),
        (lambda raw: raw[: len(raw) // 2], "is cut off or was changed"),
        (lambda raw: raw[:-3] + bytes([raw[-3] ^ 0x80]) + raw[-2:], "is cut off or was changed"),
        (lambda raw: raw + b"\0", "is cut off or was changed"),
        (lambda raw: raw.replace(b'"rows":2000', b'"rows":1000'), "is cut off or was changed"),
        (lambda raw: raw.replace(b'"rows":2000', b'"rows":1e999'), "is cut off or was changed"),
        (lambda raw: raw.replace(b'pairing":1', b'pairing":2'), "pairing format 2 is not 1"),
        (lambda _: b"", "this is no pairing file"),
        (lambda _: b"id,pred\n1,0\n", "this is no pairing file"),
        (lambda _: b"[" * 100_000, "this is no pairing file"),
    ],
)
def test_a_damaged_file_is_refused(run, paired, data, approve, tmp_path, damage, why):
    approve(paired, data)
    path = tmp_path / FILE
    raw = path.read_bytes()
    assert damage(raw) != raw
    path.write_bytes(damage(raw))
    with pytest.raises(BaselineError, match=why) as caught:
        run(paired, data)
    assert str(caught.value).startswith(f"{FILE}: ")
    assert "\n" not in str(caught.value)
    approve(paired, data)  # an update writes it anew
    assert said(run(paired, data)).paired


def test_a_file_of_another_policy_is_refused(paired, data, approve):
    approve(paired, data)
    approve_other = {**paired, "name": "other"}
    with pytest.raises(BaselineError, match="is of policy 'credit'; name a file for each policy"):
        approve(approve_other, data)


def test_an_update_without_a_key_or_with_ids_that_repeat_is_refused(
    paired, data, approve, monkeypatch, tmp_path
):
    with pytest.raises(DataError, match="4 rows share their id"):
        approve(paired, pd.concat([data, data.iloc[:2]], ignore_index=True))
    monkeypatch.delenv("AIPM_TEST_KEY")
    with pytest.raises(BaselineError, match="AIPM_TEST_KEY is not set; set it, or remove"):
        approve(paired, data)
    assert not (tmp_path / "aipm-baseline.json").exists()
    assert not (tmp_path / FILE).exists()


def test_a_missing_id_is_an_error_of_the_node(run, paired, data, approve):
    approve(paired, data)
    data.loc[17, "id"] = None
    record = run(paired, data)
    assert record.verdict == RunVerdict.FAIL
    assert "id column 'id' has 1 missing value(s), the first in data row 18" in only(record).reason


def test_a_file_that_could_be_committed_is_refused(run, paired, data, approve, tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    with pytest.raises(BaselineError, match="lies in the git work tree and is not ignored"):
        approve(paired, data)
    (tmp_path / ".gitignore").write_text("private/\n")
    approve(paired, data)
    assert said(run(paired, data)).paired
    subprocess.run(["git", "-C", str(tmp_path), "add", "-f", FILE], check=True)
    with pytest.raises(BaselineError, match=r"is not ignored; add it to \.gitignore"):
        run(paired, data)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"id": None}, "'pairing' finds rows again by their id, but there is no 'id'"),
        ({"champion": {"predictions": "pred"}}, "'pairing' and 'champion' exclude each other"),
        ({"pairing": {"file": FILE}}, "'key_env' is missing"),
        (
            {"pairing": {"file": FILE, "key_env": "not a name"}},
            "'key_env' is not the name of an environment variable",
        ),
        ({"pairing": {"file": FILE, "key": KEY, "key_env": "A"}}, "unknown key 'key'"),
        ({"predictions": None, "scores": "s"}, "'pairing' compares decisions, but there are none"),
    ],
    ids=str,
)
def test_a_policy_says_what_pairing_needs(run, paired, data, change, why):
    for name, value in change.items():
        if value is None:
            del paired["subject"][name]
        else:
            paired["subject"][name] = value
    with pytest.raises(PolicyError, match=why):
        run(paired, data)


def test_a_key_written_into_the_policy_is_not_repeated(run, paired, data):
    paired["subject"]["pairing"]["key_env"] = f"{KEY}!"
    with pytest.raises(PolicyError) as caught:
        run(paired, data)
    assert KEY not in str(caught.value)
