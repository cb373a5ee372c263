"""The sign-offs file in a run of pytest: read like the waivers, shown, and deciding nothing."""

from __future__ import annotations

from typing import Any

SIGNED = """\
sign_offs:
  - who: risk@example.org
    role: model risk
    date: 2026-11-25
    digest: "{digest}"
"""


def test_a_sign_off_is_found_beside_the_policies_and_outlives_its_own_commit(suite: Any) -> None:
    assert suite.here("--aipm-audit").ret == 0
    first = suite.record()
    assert first.sign_offs == ()
    suite.write("policies/sign_offs.yaml", SIGNED.format(digest=first.evidence))
    assert suite.here("--aipm-audit", "--aipm-strict").ret == 0
    again = suite.record()
    assert again.digest != first.digest
    assert [each.matches for each in again.sign_offs] == [True]
    page = (suite.root / "aipm-report/index.html").read_text()
    assert "signed off by risk@example.org (model risk) on 25 Nov 2026" in page


def test_a_broken_sign_offs_file_is_refused_before_anything_runs(suite: Any) -> None:
    suite.write("pytest.ini", "[pytest]\naipm_sign_offs = signed.yaml\n")
    result = suite.here("--aipm-audit")
    assert result.ret == 4
    assert "signed.yaml: there is no such file; check the path" in suite.said(result)
    suite.write("signed.yaml", SIGNED.format(digest="abc"))
    result = suite.here("--aipm-audit")
    assert result.ret == 4
    assert "signed.yaml:5:13: 'digest' is not a sha256 of 64 hex digits" in suite.said(result)
