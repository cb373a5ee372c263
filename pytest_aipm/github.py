"""Whether a run speaks to GitHub, and where: the ini key ``aipm_github`` and the environment.

Only the controller asks, so that a run with workers speaks once.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_aipm import report
from pytest_aipm.errors import OptionError
from pytest_aipm.invocation import ini
from pytest_aipm.records import Record

__all__ = ["annotation_lines", "refuse_mode", "summarise"]

KEY = "aipm_github"
MODES = ("auto", "on", "off")
OTHER_ANNOTATOR = "pytest_github_actions_annotate_failures"
"""A plugin that marks failed tests: what fails would be marked twice.

What could not be measured is an error in a test's setup, which it does not mark (0.4.2).
"""


def refuse_mode(config: pytest.Config) -> None:
    """Refuse a value that is none of `MODES`.

    Raises
    ------
    OptionError
    """
    mode = _mode(config)
    if mode not in MODES:
        raise OptionError(f"{KEY}: {mode[:40]!r} is none of {', '.join(MODES)}")


def annotation_lines(config: pytest.Config, record: Record, *, lost: str = "") -> list[str]:
    """Return the annotations of a run, each to be printed at column 0; none where it is silent.

    `lost` is why the report is not written; it comes first and takes the place of a finding.
    """
    if not _speaks(config):
        return []
    doubled = _mode(config) == "auto" and config.pluginmanager.hasplugin(OTHER_ANNOTATOR)
    prefix = _prefix(config.rootpath)
    return report.github_annotations(record, prefix=prefix, fails=not doubled, lost=lost)


def summarise(config: pytest.Config, record: Record) -> str:
    """Append to the step's summary where there is one; return why that was impossible."""
    place = os.environ.get("GITHUB_STEP_SUMMARY", "")
    return report.append_step_summary(record, Path(place)) if place and _speaks(config) else ""


def _mode(config: pytest.Config) -> str:
    return str(ini(config, KEY)).strip().lower()


def _speaks(config: pytest.Config) -> bool:
    """Return whether the run speaks to GitHub: asked to, or running there."""
    mode = _mode(config)
    return mode == "on" or (mode == "auto" and os.environ.get("GITHUB_ACTIONS") == "true")


def _prefix(root: Path) -> str:
    """Return rootdir as the repository knows it, empty when it is the top or not known."""
    workspace = os.environ.get("GITHUB_WORKSPACE", "")
    if not workspace:
        return ""
    try:
        inside = root.resolve().relative_to(Path(workspace).resolve()).as_posix()
    except (OSError, ValueError):
        return ""
    return "" if inside == "." else inside
