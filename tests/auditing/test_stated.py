"""Checks may ask what the policy says, and what its other checks found."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

import pytest_aipm
from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.records import Formula
from pytest_aipm.stats.single import census

POLICY = """\
aipm: 1
name: small
context:
  purpose: Choose
  owner: team@example.org
  claims: [{text: Right often, checks: [right]}]
subject: {task: binary, data: rows.csv, label: y, predictions: p, positive: 1}
checks:
  - {check: performance.metric, id: right, metric: accuracy, limit: {min: 0.5}}
  - {check: own.asks, id: asks, of: OF, limit: {max: 1}}
"""


class Params(CheckParams):
    """Which check is asked."""

    of: str
    """Its id."""


def _check(evidence: Evidence, params: Params) -> Measurement:
    found = evidence.stated.findings(params.of)
    claims = evidence.stated.claims() if params.of == "right" else ()
    said = ", ".join([str(found[0].value), *(claim.state for claim in claims)])
    said += f", {evidence.stated.context['owner']}, {evidence.stated.checks}"
    return Measurement(
        estimate=census(0, 1),
        formula=Formula(id="asks", numerator="", denominator="", population=""),
        summary=said,
        n=1,
        part_names=("all rows",),
    )


@pytest.fixture
def asks(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("own.asks", "Asks another check.\n\n## Question\nWhat did it find?\n")
    module.__dict__.update(
        NEEDS=Needs(), KIND="census", SCOPES="overall", UNITS=("",), Params=Params, check=_check
    )
    monkeypatch.setitem(sys.modules, "own.asks", module)
    return module


def _audit(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, asks: ModuleType, of: str) -> Any:
    from pytest_aipm.catalog import Catalog

    read = Catalog.__init__

    def with_own(self: Catalog, extra: Any = None) -> None:
        read(self, extra={**(extra or {}), "own.asks": asks})

    monkeypatch.setattr(Catalog, "__init__", with_own)
    pd.DataFrame({"y": [0, 1] * 50, "p": [0, 1] * 40 + [1, 0] * 10}).to_csv(
        tmp_path / "rows.csv", index=False
    )
    (tmp_path / "small.aipm.yaml").write_text(POLICY.replace("OF", of))
    record = pytest_aipm.audit(tmp_path / "small.aipm.yaml", root=tmp_path)
    return next(each for each in record.findings if each.check_id == "asks")


def test_a_check_reads_the_context_and_what_another_found(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, asks: ModuleType
) -> None:
    found = _audit(tmp_path, monkeypatch, asks, "right")
    assert "0.8, kept, team@example.org, ('right', 'asks')" in found.reason


@pytest.mark.parametrize(
    ("of", "said"),
    [
        ("asks", "check 'asks' is asked for what follows from itself"),
        ("wrong", "there is no check 'wrong' in this policy; name one of right, asks"),
    ],
)
def test_a_circle_and_a_stranger_are_errors(
    of: str, said: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, asks: ModuleType
) -> None:
    found = _audit(tmp_path, monkeypatch, asks, of)
    assert found.verdict == "error"
    assert said in found.reason
