"""What happens once a run, never in xdist's workers: gather, record, report, exit code.

Findings come from the reports of the nodes, because a controller has no items.
"""

from __future__ import annotations

import getpass
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pytest_aipm import auditing, clock, github, report
from pytest_aipm.auditing import history
from pytest_aipm.auditing.pairing import sealed
from pytest_aipm.baseline import write_baseline
from pytest_aipm.errors import AipmError
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.invocation import only_looks
from pytest_aipm.located import locate
from pytest_aipm.nodes import PROPERTY, Policies
from pytest_aipm.records import Audit, Finding, Record, Verdict, canonical_json
from pytest_aipm.report.plain import plain_line

__all__ = ["Controller"]

CATEGORIES: dict[tuple[str, str], tuple[str, str, tuple[str, dict[str, bool]]]] = {
    ("passed", "warn"): ("warned", "w", ("WARN", {"yellow": True})),
    ("skipped", "inconclusive"): ("inconclusive", "i", ("INCONCLUSIVE", {"yellow": True})),
}
"""Outcome and verdict that pytest would show as passed or skipped, and what they are called."""


class _Parcel(NamedTuple):
    """What a test brings, opened: its text, the finding of a policy node, what may be published."""

    text: str
    finding: Finding | None
    public: str


class Controller:
    """Gathers findings and ends the run.

    Parameters
    ----------
    config : pytest.Config
    policies : Policies
        The nodes of this process.
    command : str
        The command that repeats the audit, for the record.
    """

    def __init__(self, config: pytest.Config, policies: Policies, *, command: str) -> None:
        self.config = config
        self.policies = policies
        self.plan = policies.plan
        self.command = command
        self.started = clock.now().isoformat(timespec="seconds")
        self.findings: dict[str, Finding] = {}
        self.extra: dict[str, tuple[Audit, ...]] = {}
        self._parcels: dict[str, _Parcel] = {}
        self.record: Record | None = None
        self.page: Path | None = None
        self.lost = ""
        self.notes: list[str] = []
        self._clock = time.monotonic()
        self._run_dir: Path | None = None
        self._died: list[str] = []

    # Gathering

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give each worker the folder where predictions are computed once."""
        if self._run_dir is None:
            self._run_dir = Path(tempfile.mkdtemp(prefix="aipm-"))
        node.workerinput["aipm_run_dir"] = str(self._run_dir)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Remember a worker that ended without a word: killed, or out of memory."""
        if error and error != "keyboard-interrupt":
            self._died.append(str(node.gateway.id))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the finding out of a report and leave what may be published."""
        kept: list[tuple[str, object]] = []
        for key, value in report.user_properties:
            if key == PROPERTY and isinstance(value, str):
                value = self._take(report, value)  # noqa: PLW2901
            kept.append((key, value))
        report.user_properties = kept

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: Any) -> Any:
        """Show inconclusive and warned nodes under names of their own."""
        if getattr(report, "when", "") != "call":  # also collect reports, which have no phase
            return None
        return CATEGORIES.get((report.outcome, getattr(report, "aipm_verdict", "")))

    def _take(self, report: pytest.TestReport, text: str) -> str:
        """Keep a parcel of a policy node, or of the fixture in an ordinary test.

        All three phases of a test bring the same one; it is opened once.
        """
        parcel = self._parcels.get(report.nodeid)
        if parcel is None or parcel.text != text:
            parcel = self._parcels[report.nodeid] = self._opened(report.nodeid, text)
        if parcel.finding is not None:
            vars(report)["aipm_verdict"] = parcel.finding.verdict.value
            locate(report, parcel.finding)
        if report.when == "teardown":
            del self._parcels[report.nodeid]
        return parcel.public

    def _opened(self, nodeid: str, text: str) -> _Parcel:
        found = json.loads(text)
        if isinstance(found, list):
            self.extra[nodeid] = tuple(Audit.model_validate(one["audit"]) for one in found)
            return _Parcel(text, None, canonical_json([one["public"] for one in found]))
        finding = self.policies.told(found["finding"])
        self.findings[finding.nodeid] = finding
        return _Parcel(text, finding, canonical_json(found["public"]))

    # Ending

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the evidence and set the exit code."""
        if only_looks(self.config):
            return
        status = int(session.exitstatus)
        if status == pytest.ExitCode.USAGE_ERROR:
            try:
                report.mark_stale(self.plan.settings.report)
            except OSError as fault:
                self.notes.append(f"the older report cannot be marked stale ({fault.strerror})")
            return
        if self.findings or self.extra:
            self.record = self._assemble(status)
            self.notes += filter(None, [github.summarise(self.config, self.record)])
        red = [
            self._nothing_judged(),
            self._swallowed(status),
            self._unwritten() and self.plan.settings.strict,
            self._update_refused(status),
        ]
        self._add_to_history(status)
        if status == pytest.ExitCode.OK and any(red):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
        """Print the audit's section below all others."""
        result = yield
        writer = self.config.get_terminal_writer()
        commands: list[str] = []
        lines = list(self.notes)
        if self.lost:
            lines.append(writer.markup(f"!  {self.lost}", bold=True, red=True))
        if self.record is not None:
            commands = github.annotation_lines(self.config, self.record, lost=self.lost)
            page = self.page and _from_here(self.page, self.config.invocation_params.dir)
            lines += report.terminal_lines(
                self.record, width=writer.fullwidth, color=writer.hasmarkup, report_path=page or ""
            )
        if lines:
            terminalreporter.section("aipm audit")
            for line in (*commands, *lines):  # the verdict is the last thing said
                terminalreporter.write_line(line)
        return result

    def pytest_unconfigure(self) -> None:
        """Remove the workers' folder: it holds predictions."""
        if self._run_dir is not None:
            shutil.rmtree(self._run_dir, ignore_errors=True)

    def _assemble(self, status: int) -> Record:
        interrupted = status in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)
        timing = None
        if not clock.pinned():
            timing = {"run_s": round(time.monotonic() - self._clock, 3)}
        return auditing.assemble(
            self.plan,
            self.findings,
            headers=self._headers(),
            interrupted=interrupted,
            planned=self.plan.nodeids(),
            command=self.command,
            started=self.started,
            timing=timing,
            extra=[self.extra[nodeid] for nodeid in sorted(self.extra)],
        )

    # What turns a run red that pytest calls green

    def _unwritten(self) -> bool:
        """Write the evidence; return whether that was impossible, which `lost` then tells."""
        if self.record is None:
            return False
        folder = self.plan.settings.report
        if self._died and self.record.partial:
            self.notes.append(
                f"{' and '.join(self._died)} died, killed or out of memory: what was measured "
                "there is missing"
            )
            if any((folder / name).is_file() for name in report.FILES):
                self.lost = plain_line(
                    f"{self._shown(folder)}: the report of this run is NOT written, because a "
                    "worker died; THE FOLDER STILL HOLDS THE REPORT OF AN EARLIER RUN; run again"
                )
                return True
        try:
            written = report.write_reports(self.record, folder, exports=self.plan.settings.exports)
        except OSError as fault:
            self.lost = self._said_lost(folder, fault)
            return True
        self.page = folder / "index.html"
        if self.plan.settings.exports is not None:  # named one by one, so somebody waits for it
            self.notes += [f"{name}: not written: {why}" for name, why in written.left_out.items()]
        return False

    def _said_lost(self, folder: Path, fault: OSError) -> str:
        """Take an older report out of the way, and return what became of both in one line."""
        older = ""
        try:
            if report.mark_stale(folder):
                older = "; the report of an earlier run is kept there as *.stale.*"
        except OSError:
            older = "; THE FOLDER STILL HOLDS THE REPORT OF AN EARLIER RUN, not of this one"
        strict = "; under strict that fails the run" if self.plan.settings.strict else ""
        return plain_line(
            f"{self._shown(folder)}: the report of this run is NOT written "
            f"({fault.strerror or fault}); make room, allow writing there, or name another folder "
            f"with --aipm-report=DIR, and run again{older}{strict}"
        )

    def _shown(self, folder: Path) -> Path:
        root = self.plan.settings.root
        return folder.relative_to(root) if folder.is_relative_to(root) else folder

    def _add_to_history(self, status: int) -> None:
        """Add a full run, whose evidence is written, to the history; a failure is a note."""
        path, record = self.plan.settings.history, self.record
        if path is None or record is None or self.page is None or record.partial:
            return
        if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return
        shown = self.plan.settings.shown(path)
        try:
            label = history.label_of(self.plan.settings.root, record)
            if history.append(path, record, label=label, shown=shown):
                self.notes.append(f"{label} is in the history: {shown}")
        except OSError as fault:
            self.notes.append(f"{shown}: the history cannot be written ({fault.strerror})")

    def _swallowed(self, status: int) -> bool:
        """Whether a finding fails although no test did: one that a test caught, for example."""
        findings = self.record.findings if self.record is not None else ()
        red = [f.nodeid for f in findings if f.failing or f.verdict is Verdict.ERROR]
        if red and status == pytest.ExitCode.OK:
            self.notes.append(f"{red[0]} did not fail, but what it checked does: the run fails")
        return bool(red)

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
            files = sealed(self.plan.pairables, self.record, self._evidence)
            write_baseline(
                self.record,
                path,
                by=who,
                reason="updated locally",
                when=today,
                pairing={name: {"tag": one.tag, "rows": one.rows} for name, one in files.items()},
            )
            for one in files.values():
                one.write()
        except (AipmError, OSError) as fault:
            self.notes += [f"--aipm-update-baseline: {line}" for line in str(fault).splitlines()]
            return True
        self.notes.append(f"baseline written: {self.plan.settings.shown(path)}")
        for name, one in files.items():
            shown = self.plan.settings.shown(one.path)
            self.notes.append(f"pairing file of {name} written: {shown}, {one.rows:,} rows")
        return False

    def _evidence(self, name: str) -> Evidence:
        """Return the open rows of a policy; an update runs in one process."""
        return self.policies.auditors[name].evidence

    def _headers(self) -> dict[str, Audit]:
        """Return what is known of each policy's subject, from this process or from workers."""
        headers = {name: one.header() for name, one in self.policies.auditors.items()}
        for policy in self.plan.policies:
            place = self._run_dir and self._run_dir / f"{policy.name}.audit.json"
            if place and place.is_file():
                headers[policy.name] = Audit.model_validate_json(place.read_bytes())
        return headers


def _from_here(path: Path, here: Path) -> str:
    """Return a path as one would type it here; whole where it is on another drive."""
    try:
        return os.path.relpath(path, here)
    except ValueError:
        return str(path)


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
