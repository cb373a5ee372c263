"""Every fault of the list through `pytest --aipm-audit`: exit 4 or 1, one line, never a pass."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_aipm.records import RunVerdict, Verdict

SCORED = {"predictions": None, "scores": "score", "decision": {"threshold": 0.5}}
MODEL = """\
import numpy as np

class Model:
    classes_ = np.array([0, 1])
    feature_names_in_ = np.array(["score"])

    def predict_proba(self, frame):
        {}

def load():
    return Model()
"""


def csv(suite: Any, name: str, **columns: Any) -> str:
    suite.rows(**columns).to_csv(suite.root / name, index=False)
    return name


def model(suite: Any, line: str) -> dict[str, Any]:
    return {"predictions": None, "model": {"factory": f"{suite.module(MODEL.format(line))}:load"}}


def pinned(suite: Any, name: str, raw: bytes, digest: str = "") -> dict[str, Any]:
    suite.write(name, raw)
    pin = digest or hashlib.sha256(raw).hexdigest()
    return {"predictions": None, "model": {"path": name, "sha256": pin}}


def faulty(suite: Any) -> dict[str, tuple[dict[str, Any], str]]:
    """Every fault of data and model: what the policy asks for, and what must be said of it."""
    gap = np.where(np.arange(200) == 7, np.nan, 1.0)
    suite.write("cut.parquet", b"PAR1" + b"\0" * 100)
    suite.write("latin.csv", "sex,y,pred\nfämale,1,1\n".encode("latin-1"))
    suite.write("empty.csv", b"")
    suite.write("twice.csv", "id,race\n" + "".join(f"{i % 199},a\n" for i in range(200)))
    suite.write("data.xlsx", b"PK")
    race = {"column": "race", "file": "twice.csv", "key": "id"}
    crowd = [f"person {i}" for i in range(10_000)]
    return {
        "missing-file": ({"data": "absent.csv"}, "there is no file 'absent.csv'"),
        "wrong-suffix": ({"data": "data.xlsx"}, "is of no format that can be read (.xlsx)"),
        "cut-parquet": ({"data": "cut.parquet"}, "cut.parquet: cannot be read as Parquet"),
        "not-utf8": ({"data": "latin.csv"}, "latin.csv:2: byte 12 is not UTF-8 text"),
        "empty-csv": ({"data": "empty.csv"}, "empty.csv: the file is empty"),
        "label-absent": ({"label": "yy"}, "there is no column 'yy'"),
        "label-gap": (
            {"data": csv(suite, "gap.csv", y=gap * (np.arange(200) % 2))},
            "label column 'y' has 1 missing value(s)",
        ),
        "score-gap": (
            {**SCORED, "data": csv(suite, "nan.csv", score=gap)},
            "scores column 'score' has 1 missing or infinite value(s)",
        ),
        "score-infinite": (
            {**SCORED, "data": csv(suite, "inf.csv", score=np.inf)},
            "scores column 'score' has 200 missing or infinite value(s)",
        ),
        "score-outside": (
            {**SCORED, "data": csv(suite, "out.csv", score=np.linspace(-1, 2, 200))},
            "scores lie outside [0, 1]",
        ),
        "favorable-never": ({"favorable": 7}, "`favorable: 7` never occurs in the data"),
        "join-twice": ({"protected": {"race": race}}, "values of 'id' occur more than once"),
        "too-few": (model(suite, "return np.zeros((3, 2))"), "returned 3 values for 200 rows"),
        "wrong-shape": (model(suite, "return np.zeros(len(frame))"), "returned the shape (200,)"),
        "raises": (model(suite, "raise RuntimeError('weights are gone')"), "weights are gone"),
        "exits": (model(suite, "raise SystemExit(0)"), "raised SystemExit: 0"),
        "skips": (model(suite, "import pytest; pytest.skip('later')"), "Skipped: later"),
        "needs-module": (model(suite, "import torch_of_tomorrow"), "install torch_of_tomorrow"),
        "wrong-hash": (
            pinned(suite, "a.pkl", pickle.dumps(1), "a" * 64),
            "but the policy pins aaaaaaaaaaaa...: it was not opened",
        ),
        "cut-pickle": (pinned(suite, "b.pkl", b"\x80\x04\x95"), "'b.pkl' could not be opened"),
        "crowd": (
            {"data": csv(suite, "crowd.csv", n=10_000, sex=crowd), "label": None},
            "has more than 200 values; those are no groups",
        ),
    }


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "two workers"])
def test_every_fault_of_data_and_model_is_an_error_of_its_own_node_and_of_no_other(
    suite: Any, workers: list[str]
) -> None:
    gap = suite.checks[:1]
    suite.checks = gap
    faults = faulty(suite)
    (suite.root / "policies/credit.aipm.yaml").unlink()
    for name, (subject, _) in faults.items():
        # a label is only read where it is asked for
        asks = "label" not in subject or subject["label"] is not None
        odds = {**gap[0], "check": "fairness.equalized_odds_difference"}
        suite.checks = [odds] if asks else gap
        suite.policy(name, **subject)
    suite.checks = gap
    suite.policy("sound")
    pytest_ = suite.run if workers else suite.here
    result = pytest_("--aipm-audit", "--junitxml=junit.xml", *workers)
    assert result.ret == 1
    result.assert_outcomes(errors=len(faults), passed=1)
    said = suite.said(result)

    record = suite.record()
    assert record.verdict is RunVerdict.FAIL
    by_id = {finding.id.partition("::")[0]: finding for finding in record.findings}
    for name, (_, words) in faults.items():
        finding = by_id[name]
        assert finding.verdict is Verdict.ERROR, name
        assert finding.value is None
        assert words in finding.reason, name
        assert "\n" not in finding.reason
        assert "please report it" not in finding.reason
        assert finding.reason in said, "whole, on one line"
    assert by_id["sound"].verdict is Verdict.PASS

    cases = ET.parse(suite.root / "junit.xml").getroot().findall(".//testcase")
    wrong = {case.attrib["classname"] for case in cases if case.find("error") is not None}
    assert len(wrong) == len(faults)
    assert not [case for case in cases if case.find("skipped") is not None]


def test_a_label_with_one_class_fails_where_it_is_needed_and_only_there(suite: Any) -> None:
    suite.data(y=1)
    result = suite.here("--aipm-audit")
    assert result.ret == 1
    result.assert_outcomes(errors=1, passed=1)
    assert "label 'y' holds one class only (1) in 200 rows" in suite.said(result)


def test_a_group_of_one_row_ends_neither_in_a_crash_nor_in_a_pass(suite: Any) -> None:
    suite.checks = [{**suite.checks[0], "limit": {"max": 0.1}}]
    suite.policy()
    suite.data(sex=["x", *("fm" * 100)[:199]])
    result = suite.here("--aipm-audit")
    assert result.ret == 0
    assert "UNPROVEN" in suite.said(result)
    assert suite.record().verdict is RunVerdict.UNPROVEN


def refused(suite: Any, *args: str, **run: Any) -> str:
    """Return the one line with which pytest ends before anything runs."""
    result = suite.here("--aipm-audit", *args, **run)
    assert result.ret == 4
    lines = [line for line in result.errlines if line]
    assert all(line.startswith("ERROR: ") for line in lines)
    assert not (suite.root / "aipm-report").exists(), "nothing is written"
    assert "passed" not in suite.said(result)
    return "\n".join(line.removeprefix("ERROR: ") for line in lines)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"aipm: [1\n", r"policies/credit\.aipm\.yaml:1:7: a '\[' that is not closed .+; close it"),
        (b"\xff\xfe", r"policies/credit\.aipm\.yaml:1: not UTF-8: .+; save the file as UTF-8"),
        (b"aipm: &a [*a]", r"policies/credit\.aipm\.yaml:1:7: an alias that holds itself; .+"),
        (b"", r"policies/credit\.aipm\.yaml: the file is empty; write its first key"),
    ],
)
def test_text_that_is_no_policy_ends_the_run_with_4(suite: Any, content: bytes, said: str) -> None:
    suite.write("policies/credit.aipm.yaml", content)
    assert re.fullmatch(said, refused(suite))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("aipm.lock", "{", "aipm.lock:1:2: is not JSON"),
        ("policies/waivers.yaml", "waivers: 3", "policies/waivers.yaml:1:1: 'waivers' must be a"),
        ("given.json", "{", "given.json:1:2: this is no readable baseline ("),
    ],
)
def test_files_beside_the_policy_end_the_run_with_4_when_they_are_junk(
    suite: Any, name: str, content: str, said: str
) -> None:
    suite.write(name, content)
    given = [f"--aipm-baseline={name}"] if name == "given.json" else []
    assert refused(suite, *given).startswith(said)


def test_an_untrusted_pickle_ends_the_run_with_4_and_never_runs(suite: Any, tmp_path: Path) -> None:
    payload = f"cos\nmkdir\n(S'{tmp_path / 'ran'}'\ntR.".encode()
    suite.write("model.pkl", payload)
    suite.policy(predictions=None, model="model.pkl")
    for workers in ([], ["-n", "2"]):
        said = refused(suite, *workers)
        assert said.startswith("policies/credit.aipm.yaml:10:10: 'model.pkl' can run code when it")
    assert not (tmp_path / "ran").exists()
    digest = hashlib.sha256(payload).hexdigest()
    result = suite.here("--aipm-audit", f"--aipm-trust=sha256:{digest}")
    assert result.ret == 1, "trusted, and still no model"
    assert (tmp_path / "ran").exists(), "the payload works"


@pytest.mark.parametrize("epoch", ["soon", "1e9", "-1", "9" * 30, "1.5"])
def test_a_date_that_is_none_ends_the_run_with_4(
    suite: Any, epoch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    said = refused(suite)
    assert said.startswith(
        f"SOURCE_DATE_EPOCH is '{epoch}', not a number of seconds since 1970; set"
    )


def test_a_date_that_is_none_is_refused_before_a_library_stumbles_over_it(
    suite: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    result = suite.run("--aipm-audit")
    assert result.ret == 4
    assert "ERROR: SOURCE_DATE_EPOCH is 'soon', not a number of seconds" in suite.said(result)


def test_a_path_with_spaces_and_letters_of_all_kinds_is_a_path(suite: Any) -> None:
    text = (suite.root / "policies/credit.aipm.yaml").read_text()
    suite.write("my policies/crédit №1.aipm.yaml", text)
    result = suite.here("--aipm-audit", "--aipm-policy=my policies", "--aipm-report=my report")
    assert result.ret == 0
    assert "my policies/crédit №1.aipm.yaml" in suite.said(result)
    assert suite.record("my report").verdict is RunVerdict.PASS
    suite.write("my policies/crédit №1.aipm.yaml", text.replace('"label"', '"lable"'))
    suite.write("my policies/crédit №1.aipm.yaml", text.replace("label:", "lable:"))
    result = suite.here("--aipm-audit", "--aipm-policy=my policies")
    assert result.ret == 4
    assert "ERROR: my policies/crédit №1.aipm.yaml:8:3: unknown key 'lable'" in suite.said(result)


def test_what_a_factory_prints_goes_where_tests_print(suite: Any) -> None:
    name = suite.module(
        "import os, sys\nimport pandas as pd\n\ndef load():\n"
        "    print('to stdout')\n    print('to stderr', file=sys.stderr)\n"
        "    os.write(1, b'past python')\n    frame = pd.read_csv('data.csv')\n"
        "    os.chdir('/')\n    return frame\n"
    )
    suite.policy(data={"factory": f"{name}:load"})
    result = suite.run("--aipm-audit", "--aipm-report=out")
    assert result.ret == 0
    said = suite.said(result)
    for words in ("to stdout", "to stderr", "past python"):
        assert words not in said
    assert suite.record("out").verdict is RunVerdict.PASS


@pytest.mark.parametrize(
    "line", ["import pytest; pytest.skip('no')", "import sys; sys.exit(0)", "raise GeneratorExit"]
)
def test_a_factory_that_leaves_is_red_also_beside_a_policy_that_passes(
    suite: Any, line: str
) -> None:
    suite.policy("sound")
    name = suite.module(f"def load():\n    {line}\n")
    suite.policy(data={"factory": f"{name}:load"})
    result = suite.here("--aipm-audit")
    assert result.ret == 1
    result.assert_outcomes(errors=2, passed=2)
    suite.said(result)
    assert suite.record().verdict is RunVerdict.FAIL


def test_a_fault_is_never_approved(suite: Any) -> None:
    suite.policy(data="absent.csv")
    result = suite.here("--aipm-audit", "--aipm-update-baseline")
    assert result.ret == 1
    assert "could not be measured cannot be approved; mend the error first" in suite.said(result)
    assert not (suite.root / "aipm-baseline.json").exists()


def test_a_fault_beside_an_approved_baseline_does_not_touch_it(suite: Any) -> None:
    assert suite.here("--aipm-audit", "--aipm-update-baseline").ret == 0
    path = suite.root / "aipm-baseline.json"
    before = path.read_bytes()
    assert json.loads(before)["aipm_baseline"] == 1
    suite.data(y=[np.nan] * 200)
    assert suite.here("--aipm-audit", "--aipm-update-baseline").ret == 1
    assert path.read_bytes() == before
