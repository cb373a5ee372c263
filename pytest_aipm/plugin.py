"""The pytest plugin: hooks only.

This module is imported in every pytest run of every project in the environment, so it imports the
standard library and pytest; the audit itself (`session`) is imported when a run asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_aipm.fixture import Aipm

__all__ = ["aipm"]

MARKERS = (
    "aipm: a check that a policy file asks for",
    "aipm_fairness: a policy check of the family fairness",
    "aipm_explain: a policy check of the family explain",
    "aipm_privacy: a policy check of the family privacy",
    "aipm_performance: a policy check of the family performance",
)
LOOKS = ("help", "version", "showfixtures", "show_fixtures_per_test", "markers", "cacheshow")
"""Options with which pytest informs and runs nothing; a broken policy must not be in their way."""

NOTE = pytest.StashKey[str]()


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Let others register checks."""
    from pytest_aipm import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and their ini twins."""
    group = parser.getgroup("aipm", "audit of machine-learning models (pytest-aipm)")
    add = group.addoption
    add("--aipm-audit", action="store_true", help="collect and run the policies")
    add(
        "--aipm-policy",
        action="append",
        default=[],
        metavar="PATH",
        help="a policy file or folder, repeatable (default: policies/ under rootdir)",
    )
    add("--aipm-model", metavar="REF", help="audit this model instead; needs exactly one policy")
    add("--aipm-data", metavar="REF", help="audit on this data instead; needs exactly one policy")
    add("--aipm-report", metavar="DIR", help="where the evidence goes (default: aipm-report/)")
    add(
        "--aipm-baseline",
        metavar="PATH",
        help="the approved baseline (default: aipm-baseline.json)",
    )
    add(
        "--aipm-update-baseline",
        action="store_true",
        help="approve this run: write the baseline from it (full runs in one process)",
    )
    add(
        "--aipm-waivers",
        metavar="PATH",
        help="the waivers file (default: policies/waivers.yaml when it exists)",
    )
    add("--aipm-no-waivers", action="store_true", help="decide as if no waiver existed")
    add(
        "--aipm-strict",
        action="store_true",
        help="inconclusive fails, and so does a report that cannot be written",
    )
    add("--aipm-deep", action="store_true", help="also run the checks that refit the model")
    add(
        "--aipm-trust",
        action="append",
        default=[],
        metavar="sha256:HEX",
        help="allow one artifact whose format can run code, for this run, repeatable",
    )
    add(
        "--aipm-engine",
        metavar="NAME",
        help="where passes over the rows run: local (default) or spark",
    )
    add("--aipm-seed", metavar="N", help="seed of all resampling (default: 0)")

    ini = parser.addini
    ini("aipm_audit", "a bare pytest collects and runs the policies too", "bool", default=False)
    ini("aipm_policies", "policy files or folders (default: policies/)", "args", default=[])
    ini("aipm_report", "where the evidence goes (default: aipm-report/)", "string", default="")
    ini(
        "aipm_baseline", "the approved baseline (default: aipm-baseline.json)", "string", default=""
    )
    ini("aipm_waivers", "the waivers file (default: policies/waivers.yaml)", "string", default="")
    ini("aipm_exports", "which exports are written (default: all)", "args", default=["all"])
    ini("aipm_history", "file of releases that full runs are added to", "string", default="")
    ini(
        "aipm_sign_offs",
        "the sign-offs file (default: policies/sign_offs.yaml)",
        "string",
        default="",
    )
    ini("aipm_packs", "folder of the project's own packs", "string", default="")
    ini("aipm_strict", "as --aipm-strict", "bool", default=False)
    ini("aipm_deep", "also run the checks that refit the model", "bool", default=False)
    ini("aipm_engine", "as --aipm-engine", "string", default="local")
    ini("aipm_spark_master", "Spark's master (default: local[*])", "string", default="local[*]")
    ini("aipm_seed", "seed of all resampling (default: 0)", "int", default=0)
    ini(
        "aipm_github",
        "annotations and step summary on GitHub: auto (default), on or off",
        "string",
        default="auto",
    )
    ini("aipm_allow_ci_update", "let CI update the baseline", "bool", default=False)
    ini("aipm_first_baseline", "run without a baseline, to create the first", "bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Read and validate the policies, in the controller and in xdist's workers alike.

    Raises
    ------
    pytest.UsageError
        One line a problem; pytest ends with exit code 4.
    """
    for line in MARKERS:
        config.addinivalue_line("markers", line)
    if any(config.getoption(name, None) for name in LOOKS):
        return
    from pytest_aipm import invocation

    strays = invocation.strays(config)
    if strays:
        with invocation.readable_epoch():
            from pytest_aipm import session

        session.refuse(config, strays, config.invocation_params.dir)
    asked = invocation.asked(config)
    if asked.note:
        config.stash[NOTE] = asked.note
    if asked.audit:
        with invocation.readable_epoch():
            from pytest_aipm import session

        session.start(config)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say why no policy ran although the project asks for it."""
    if NOTE in config.stash:
        terminalreporter.write_line(config.stash[NOTE])


@pytest.fixture
def aipm(request: pytest.FixtureRequest) -> Aipm:
    """Audit a model inside an ordinary test: ``aipm.check(...)``, ``aipm.audit(...)``."""
    from pytest_aipm.fixture import Aipm

    return Aipm(request.node)
