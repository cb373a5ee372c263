"""A model may quote a row in its exception: no published view repeats it."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from report_samples import finding

import pytest_aipm
from pytest_aipm.report import publishable
from pytest_aipm.report.foreign import without_foreign

POLICY = {
    "aipm": 1,
    "name": "credit",
    "context": {"purpose": "a test", "owner": "tests@example.org"},
    "subject": {"task": "binary", "label": "y", "positive": 1, "protected": {"sex": "sex"}},
    "checks": [{"check": "performance.metric", "metric": "accuracy", "limit": {"min": 0.1}}],
}
SECRET = "Ann Lee, 41, HIV positive"


def raising(error: BaseException) -> Any:
    def predict(_: pd.DataFrame) -> None:
        raise error

    return predict


LONG = f"{SECRET} " + "x" * 300


@pytest.mark.parametrize(
    ("model", "kept"),
    [
        (raising(ValueError(SECRET)), "raised ValueError (rows 1 to 20)"),
        (raising(KeyError(SECRET)), "raised KeyError (rows 1 to 20)"),
        (raising(ValueError(f"  {SECRET}\t\nand more")), "raised ValueError (rows 1 to 20)"),
        (raising(ValueError(LONG)), "raised ValueError (rows 1 to 20)"),
        (raising(SystemExit(SECRET)), "raised SystemExit (rows 1 to 20)"),
    ],
)
def test_what_a_model_says_of_a_row_stays_in_the_record(
    tmp_path: Path, model: Any, kept: str
) -> None:
    data = pd.DataFrame({"y": [0, 1] * 10, "x": range(20), "sex": ["f", "m"] * 10})
    record = pytest_aipm.audit(POLICY, model=model, data=data, root=tmp_path)
    record.write(tmp_path / "out")
    for path in (tmp_path / "out").iterdir():
        text = re.sub(r"\s+", " ", path.read_text(encoding="utf-8"))
        assert ("Ann Lee" in text) is (path.name == "audit.json"), path.name
    shown = publishable(record).findings[0]
    assert kept in shown.reason
    assert shown.reason.endswith("; its message is in audit.json")
    assert record.findings[0].foreign
    assert publishable(publishable(record)) == publishable(record)
    assert not any("Ann Lee" in line for line in pytest_aipm.report.terminal_lines(record))


def test_warnings_of_libraries_are_named_and_not_quoted() -> None:
    said = f"UserWarning: odd row {SECRET}"
    one = finding("performance.metric", "m", (), "pass", notes=("ours", said), foreign=(said,))
    assert without_foreign(one).notes == ("ours", "UserWarning (its message is in audit.json)")
    assert without_foreign(one).reason == one.reason


def test_what_a_model_warns_of_while_it_is_asked_is_named_alone(tmp_path: Path) -> None:
    def predict(frame: pd.DataFrame) -> list[int]:
        warnings.warn(f"odd row: {SECRET}", RuntimeWarning, stacklevel=1)
        return [0, 1] * (len(frame) // 2)

    data = pd.DataFrame({"y": [0, 1] * 10, "x": range(20), "sex": ["f", "m"] * 10})
    record = pytest_aipm.audit(POLICY, model=predict, data=data, root=tmp_path)
    assert record.audits[0].warnings == (f"RuntimeWarning: odd row: {SECRET}",)
    shown = publishable(record)
    assert shown.audits[0].warnings == ("RuntimeWarning (its message is in audit.json)",)
    assert publishable(shown) is shown


def test_words_without_their_type_are_cut_out_too() -> None:
    reason = f"data.csv: cannot be read ({SECRET}); write the file again"
    one = finding("x.y", "m", (), "error", reason=reason, foreign=(f"ParseError: {SECRET}",))
    shown = "data.csv: cannot be read (…); write the file again; its message is in audit.json"
    assert without_foreign(one).reason == shown
