"""What happens once a run, never in xdist's workers: gather, record, report, exit code.

Findings come from the reports of the nodes, because a controller has no items.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_aipm import auditing, report
from pytest_aipm.auditing.settings import now
from pytest_aipm.baseline import write_baseline
from pytest_aipm.errors import UsageFault
from pytest_aipm.invocation import only_looks
from pytest_aipm.nodes import PROPERTY, Policies
from pytest_aipm.records import Audit, Finding, Record, Verdict, canonical_json
from pytest_aipm.violation import sentence

__all__ = ["Controller"]

CATEGORIES: dict[tuple[str, str], tuple[str, str, tuple[str, dict[str, bool]]]] = {
    ("passed", "warn"): ("warned", "w", ("WARN", {"yellow": True})),
    ("skipped", "inconclusive"): ("inconclusive", "i", ("INCONCLUSIVE", {"yellow": True})),
}
"""Outcome and verdict that pytest would show as passed or skipped, and what they are called."""


@dataclass(frozen=True)
class Place:
    """Where a failure is and what it says, as pytest's summaries and annotations ask for it."""

    path: str
    lineno: int
    message: str

    def __str__(self) -> str:
        """Return the one line of ``--tb=line``."""
        return f"{self.path}:{self.lineno}: {self.message}"


@dataclass(frozen=True)
class Words:
    """A failure in words, located at the policy's line instead of in this package."""

    text: str
    reprcrash: Place

    def toterminal(self, writer: Any) -> None:
        """Write the failure."""
        writer.line(self.text)

    def __str__(self) -> str:
        """Return the failure, as JUnit's file holds it."""
        return self.text


class Controller:
    """Gathers findings and ends the run.

    Parameters
    ----------
    config : pytest.Config
    policies : Policies
        The nodes of this process.
    """

    def __init__(self, config: pytest.Config, policies: Policies) -> None:
        self.config = config
        self.policies = policies
        self.plan = policies.plan
        self.started = now().isoformat(timespec="seconds")
        self.findings: dict[str, Finding] = {}
        self.extra: dict[str, tuple[Audit, ...]] = {}
        self.record: Record | None = None
        self.notes: list[str] = []
        self._clock = time.monotonic()
        self._run_dir: Path | None = None
        self._verdicts: dict[str, str] = {}

    # Gathering

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give each worker the folder where predictions are computed once."""
        if self._run_dir is None:
            self._run_dir = Path(tempfile.mkdtemp(prefix="aipm-"))
        node.workerinput["aipm_run_dir"] = str(self._run_dir)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the finding out of a report and leave what may be published."""
        kept: list[tuple[str, object]] = []
        for key, value in report.user_properties:
            if key == PROPERTY and isinstance(value, str):
                value = self._take(report, json.loads(value))  # noqa: PLW2901
            kept.append((key, value))
        report.user_properties = kept

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: Any) -> Any:
        """Show inconclusive and warned nodes under names of their own."""
        if getattr(report, "when", "") != "call":  # also collect reports, which have no phase
            return None
        return CATEGORIES.get((report.outcome, self._verdicts.get(report.nodeid, "")))

    def _take(self, report: pytest.TestReport, found: Any) -> str:
        """Keep a parcel of a policy node, or of the fixture in an ordinary test."""
        if isinstance(found, list):
            self.extra[report.nodeid] = tuple(Audit.model_validate(one["audit"]) for one in found)
            return canonical_json([one["public"] for one in found])
        finding = Finding.model_validate(found["finding"])
        self.findings[finding.nodeid] = finding
        self._verdicts[report.nodeid] = finding.verdict.value
        _locate(report, finding)
        return canonical_json(found["public"])

    # Ending

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the evidence and set the exit code."""
        if only_looks(self.config):
            return
        status = int(session.exitstatus)
        if status == pytest.ExitCode.USAGE_ERROR:
            report.mark_stale(self.plan.settings.report)
            return
        if self.findings or self.extra:
            self._write(status)
        red = self._swallowed() | self._nothing_judged() | self._update_refused(status)
        if status == pytest.ExitCode.OK and red:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
        """Print the audit's section below all others."""
        result = yield
        writer = self.config.get_terminal_writer()
        lines = list(self.notes)
        if self.record is not None:
            page = os.path.relpath(
                self.plan.settings.report / "index.html", self.config.invocation_params.dir
            )
            lines += report.terminal_lines(
                self.record, width=writer.fullwidth, color=writer.hasmarkup, report_path=page
            )
        if lines:
            terminalreporter.section("aipm audit")
            for line in lines:
                terminalreporter.write_line(line)
        return result

    def pytest_unconfigure(self) -> None:
        """Remove the workers' folder: it holds predictions."""
        if self._run_dir is not None:
            shutil.rmtree(self._run_dir, ignore_errors=True)

    def _write(self, status: int) -> None:
        interrupted = status in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)
        clock = None
        if not os.environ.get("SOURCE_DATE_EPOCH"):
            clock = {"run_s": round(time.monotonic() - self._clock, 3)}
        self.record = auditing.assemble(
            self.plan,
            self.findings,
            headers=self._headers(),
            interrupted=interrupted,
            planned=self.plan.nodeids(),
            command=self._command(),
            started=self.started,
            timing=clock,
            extra=[self.extra[nodeid] for nodeid in sorted(self.extra)],
        )
        report.write_reports(self.record, self.plan.settings.report)

    def _swallowed(self) -> bool:
        """Whether a finding fails although no test did: one that a test caught, for example."""
        findings = self.record.findings if self.record is not None else ()
        return any(f.failing or f.verdict is Verdict.ERROR for f in findings)

    def _nothing_judged(self) -> bool:
        """Whether an audit was asked for by name and judged nothing: that is no pass."""
        if not self.config.getoption("aipm_audit"):
            return False
        findings = self.record.findings if self.record is not None else ()
        if any(f.verdict is not Verdict.NOT_JUDGED for f in findings):
            return False
        what = "every check is not judged" if findings else "no check ran"
        self.notes.append(f"{what}: with --aipm-audit that is not a success")
        return True

    def _update_refused(self, status: int) -> bool:
        """Write the baseline where the run asks for it; return whether that was refused."""
        if not self.plan.settings.update_baseline:
            return False
        path = self.plan.settings.baseline
        green_or_red = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        if self.record is None or self.record.partial or status not in green_or_red:
            self.notes.append("--aipm-update-baseline: not written, because the run is partial")
            return True
        who, today = _who(self.plan.settings.root), self.started[:10]
        try:
            write_baseline(self.record, path, by=who, reason="updated locally", when=today)
        except UsageFault as fault:
            self.notes += [f"--aipm-update-baseline: {line}" for line in str(fault).splitlines()]
            return True
        self.notes.append(f"baseline written: {self.plan.settings.shown(path)}")
        return False

    def _headers(self) -> dict[str, Audit]:
        """Return what is known of each policy's subject, from this process or from workers."""
        headers = {name: one.header() for name, one in self.policies.auditors.items()}
        for policy in self.plan.policies:
            place = self._run_dir and self._run_dir / f"{policy.name}.audit.json"
            if place and place.is_file():
                headers[policy.name] = Audit.model_validate_json(place.read_bytes())
        return headers

    def _command(self) -> str:
        """Return the command that repeats this audit: what decides, not how it was displayed."""
        settings, option = self.plan.settings, self.config.getoption
        words = ["pytest", "--aipm-audit"]
        if option("aipm_policy") or self.config.getini("aipm_policies"):
            words += [f"--aipm-policy={settings.shown(path)}" for path in settings.policies]
        words += [f"--aipm-model={settings.model}"] * (settings.model is not None)
        words += [f"--aipm-data={settings.data}"] * (settings.data is not None)
        words += [f"--aipm-baseline={settings.shown(settings.baseline)}"] * settings.baseline_given
        if settings.waivers is not None and option("aipm_waivers"):
            words.append(f"--aipm-waivers={settings.shown(settings.waivers)}")
        words += ["--aipm-no-waivers"] * (not settings.use_waivers)
        words += ["--aipm-strict"] * settings.strict
        words += [f"--aipm-trust={digest}" for digest in settings.trust]
        words += [f"--aipm-seed={settings.seed}"] * (settings.seed != 0)
        for flag, name in (("-k", "keyword"), ("-m", "markexpr")):
            words += [flag, option(name)] * bool(option(name, ""))
        return shlex.join(words)


def _locate(report: pytest.TestReport, finding: Finding) -> None:
    """Point a failure or a skip at the policy's line; items raise from inside this package."""
    path, line, _ = report.location
    lineno = (line or 0) + 1
    said: Any = report.longrepr
    if report.when == "setup" and report.failed and finding.verdict is Verdict.ERROR:
        said = sentence(finding)
    if report.failed and isinstance(said, str):
        first = said.partition("\n")[0]
        # An error that names its own line is shown there, and its place is not said twice.
        own = re.match(rf"{re.escape(path)}:(\d+)(?::\d+)?: ", first)
        if own:
            lineno, first = int(own[1]), first[own.end() :]
        said = Words(said, Place(path, lineno, first))
    elif report.skipped and isinstance(said, tuple):
        said = (path, lineno, said[2])
    report.longrepr = said


def _who(root: Path) -> str:
    """Return who approves: git's user name, else the login."""
    git = shutil.which("git")
    if git:
        asked = subprocess.run(  # noqa: S603 - fixed words, found on the path
            [git, "config", "user.name"],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.stdout.strip():
            return asked.stdout.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
