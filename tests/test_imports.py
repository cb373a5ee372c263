"""What a run pays for that does not audit: nothing but the standard library and pytest."""

from __future__ import annotations

import pytest

HEAVY = (
    "numpy",
    "pandas",
    "scipy",
    "sklearn",
    "fairlearn",
    "shap",
    "jinja2",
    "pydantic",
    "ruamel",
    "pyarrow",
)
SPY = f"""
import sys

def pytest_unconfigure(config):
    loaded = sorted(name for name in sys.modules if name.partition(".")[0] in {HEAVY!r})
    print("plugin", config.pluginmanager.hasplugin("aipm"), "heavy", loaded)
"""


@pytest.mark.parametrize("args", [(), ("--help",), ("--markers",)])
def test_plain_pytest_with_the_plugin_installed_imports_the_standard_library_and_pytest_only(
    pytester: pytest.Pytester, args: tuple[str, ...]
) -> None:
    pytester.makeconftest(SPY)
    pytester.makepyfile("def test_one(): pass")
    # hypothesis brings a plugin of its own, which is not what this is about
    result = pytester.runpytest_subprocess("-p", "no:hypothesispytest", *args)
    assert result.ret == 0
    assert "plugin True heavy []" in result.stdout.str()


def test_a_project_that_asks_for_audits_pays_nothing_for_a_run_of_one_test(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeconftest(SPY)
    pytester.makeini("[pytest]\naipm_audit = true\n")
    place = pytester.makepyfile("def test_one(): pass")
    result = pytester.runpytest_subprocess("-p", "no:hypothesispytest", f"{place.name}::test_one")
    assert result.ret == 0
    assert "plugin True heavy []" in result.stdout.str()
    result.stdout.fnmatch_lines(["aipm: no policy ran, because this run names test files *"])
