"""``--aipm-engine``: where passes over the rows run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--aipm-engine=dask",), "there is no such engine; write local or spark"),
        (("--aipm-engine=spark", "-n", "2"), "Spark spreads the work itself; leave out -n"),
    ],
)
def test_what_cannot_be_is_a_usage_error(project: Any, words: tuple[str, ...], said: str) -> None:
    project.good()
    result = project.run("--aipm-audit", *words)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*{said}*"])


def test_a_run_on_spark_finds_the_same(project: Any) -> None:
    pytest.importorskip(
        "pyspark", reason="pyspark is half a gigabyte; the job `spark` of ci.yml installs it"
    )
    if shutil.which("java") is None and "CI" not in os.environ:
        pytest.skip("no Java: Spark needs version 17 or newer")
    project.mixed()
    project.run("--aipm-audit", "--aipm-report=here")
    (project.path / "conftest.py").write_text(
        "from pathlib import Path\n"
        "import pytest\n"
        "@pytest.hookimpl(optionalhook=True)\n"
        "def pytest_aipm_spark_session():\n"
        "    from pytest_aipm.engine.spark import session_of\n"
        "    Path('asked').write_text(Path('asked').read_text() + 'x' "
        "if Path('asked').exists() else 'x')\n"
        "    return session_of('local[1]')\n"
    )
    result = project.run("--aipm-audit", "--aipm-engine=spark", "--aipm-report=there")

    assert result.ret == 1
    assert Path(project.path / "asked").read_text() == "x", "once a run"
    here, there = (project.record(name)["audits"] for name in ("here", "there"))
    for one, other in zip(here, there, strict=True):
        for mine, theirs in zip(one["findings"], other["findings"], strict=True):
            assert {k: v for k, v in theirs.items() if v != mine[k]} == {}
    assert "--aipm-engine=spark" in project.record("there")["run"]["command"]
