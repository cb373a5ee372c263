"""Every report is a view of one record and reads nothing else.

::

    Record ─► publishable ─► index_html    index.html, audit.css
       │                  ├► summary_md    summary.md
       │                  ├► exports       audit.sarif, model-card.md, ...
       │                  ├► terminal_lines
       │                  ├► github_annotations, append_step_summary
       │                  └► history_line  a line of the history file
       └► audit.json, manifest.json        write_reports
"""

from __future__ import annotations

from pytest_aipm.report.exports import EXPORTS, chosen_exports
from pytest_aipm.report.files import FILES, Written, mark_stale, write_reports
from pytest_aipm.report.github import append_step_summary, github_annotations
from pytest_aipm.report.html import index_html, stylesheet
from pytest_aipm.report.markdown import summary_md
from pytest_aipm.report.past import history_line
from pytest_aipm.report.publish import publishable
from pytest_aipm.report.terminal import terminal_lines

__all__ = [
    "EXPORTS",
    "FILES",
    "Written",
    "append_step_summary",
    "chosen_exports",
    "github_annotations",
    "history_line",
    "index_html",
    "mark_stale",
    "publishable",
    "stylesheet",
    "summary_md",
    "terminal_lines",
    "write_reports",
]
