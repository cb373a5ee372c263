"""A policy as pytest nodes: file, check, scope. ``policies/credit.aipm.yaml::CHECK-ID::SCOPE``.

Three real levels instead of one name with brackets, so that a prefix selects, ``--lf`` reruns
just what failed, and reports group by policy and check. An item's ``setup`` measures and judges,
so a crash is an ERROR; its ``runtest`` only translates the verdict. What was found leaves the item
as one JSON string in ``user_properties``, which crosses to xdist's controller.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from pytest_aipm.auditing import Auditor, Plan
from pytest_aipm.auditing.beside import small_elsewhere
from pytest_aipm.engine.local import Engine, Local
from pytest_aipm.engine.spark import Spark, session_of
from pytest_aipm.evidence.kept import Kept
from pytest_aipm.invocation import hidden_on_purpose, only_looks
from pytest_aipm.policy.model import Node, Policy
from pytest_aipm.progress import Show, on_terminal, shown_by
from pytest_aipm.records import Finding, Verdict, WaiverInfo, canonical_json
from pytest_aipm.report.answer import Answer
from pytest_aipm.report.plain import clip, plain_line
from pytest_aipm.report.words import DASH, VERDICT_WORDS, limit_text
from pytest_aipm.violation import CheckViolation, publish, raise_for, sentence, unsaid

__all__ = [
    "PROPERTY",
    "CheckNode",
    "Policies",
    "PolicyFile",
    "ScopeItem",
    "family",
    "in_words",
    "parcel",
]

PROPERTY = "aipm"
"""The key in ``user_properties``; those for people begin with it."""
MOST_SAID = 1_000


class Policies:
    """Collects the policy files of a plan, in the controller and in workers alike.

    Parameters
    ----------
    config : pytest.Config
    plan : Plan
        What was validated when pytest was configured.
    run_dir : Path or None
        Folder that xdist's workers share, for what is computed once.
    """

    def __init__(self, config: pytest.Config, plan: Plan, run_dir: Path | None) -> None:
        self.config = config
        self.plan = plan
        self.run_dir = run_dir
        self.files: Mapping[Path, Policy] = {
            (plan.settings.root / policy.path).resolve(): policy for policy in plan.policies
        }
        self.auditors: dict[str, Auditor] = {}
        self.found: dict[str, Finding] = {}
        self._process = os.getpid()
        self._wanted = {p for file in self.files for p in (file, *file.parents)}
        self._opened: set[Path] = set()

    def auditor(self, policy: Policy) -> Auditor:
        """Return the one auditor of a policy in this process."""
        if policy.name not in self.auditors:
            self.auditors[policy.name] = Auditor(
                self.plan, policy, self.run_dir, kept=self._kept(), engine=self._engine
            )
        return self.auditors[policy.name]

    def keep(self, finding: Finding) -> Any:
        """Keep a finding, and return what a report tells the controller of it.

        All of it where that is another process, which the node id says nothing.
        """
        if hasattr(self.config, "workerinput") or os.getpid() != self._process:
            return finding.packed()
        self.found[finding.nodeid] = finding
        return finding.nodeid

    def told(self, parcel: Any) -> Finding:
        """Return the finding that a report tells of."""
        return self.found[parcel] if isinstance(parcel, str) else Finding.unpacked(parcel)

    def _kept(self) -> Kept | None:
        """Return the predictions of earlier runs; None where pytest can keep nothing."""
        cache = getattr(self.config, "cache", None)  # which `-p no:cacheprovider` takes away
        try:
            return None if cache is None else Kept(cache.mkdir("aipm"))
        except OSError:  # a project that may only be read, for one
            return None

    @cached_property
    def _engine(self) -> Engine:
        settings = self.plan.settings
        if settings.engine == "local":
            return Local()

        def session() -> Any:
            own = self.config.hook.pytest_aipm_spark_session()
            return session_of(settings.spark_master) if own is None else own

        return Spark(session)

    @pytest.hookimpl(wrapper=True)
    def pytest_ignore_collect(self, collection_path: Path) -> Iterator[None]:
        """Find policies in folders that pytest passes over, such as ``.aipm`` or ``build``.

        A policy that a folder argument covers is not named again (pytest 8.4 would lose tests),
        so it must not be passed over either. The rest of such a folder stays ignored, and so
        does what ``--ignore`` names.
        """
        ignored = yield
        path = collection_path
        within = path.parent in self._opened
        if not (ignored or within):
            return ignored
        real = path.resolve()
        if real not in self._wanted or hidden_on_purpose(self.config, path):
            return True  # type: ignore[return-value]
        self._opened.add(path)
        return False  # type: ignore[return-value]

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> PolicyFile | None:
        """Claim the files of the plan, and no other."""
        policy = self.files.get(file_path.resolve())
        if policy is None:
            return None
        # pytest leaves the id of a file outside its root empty
        node: PolicyFile = PolicyFile.from_parent(parent, path=file_path, nodeid=policy.path)
        node.policies, node.policy = self, policy
        return node


class PolicyFile(pytest.File):
    """A policy."""

    policies: Policies
    policy: Policy

    def collect(self) -> Iterable[CheckNode]:
        """Yield its checks, in the order of the file."""
        nodes = self.policies.plan.nodes(self.policy)
        for check_id, scopes in groupby(nodes, key=lambda node: node.check_id):
            check: CheckNode = CheckNode.from_parent(self, name=check_id)
            check.file, check.scopes = self, tuple(scopes)
            yield check


class CheckNode(pytest.Collector):
    """A check of a policy."""

    file: PolicyFile
    scopes: tuple[Node, ...]

    def collect(self) -> Iterable[ScopeItem]:
        """Yield its scopes: overall, an attribute, or an intersection of attributes."""
        name = self.file.policy.check(self.name).check
        for node in self.scopes:
            item: ScopeItem = ScopeItem.from_parent(self, name=node.scope_id)
            item.file, item.node = self.file, node
            item.add_marker("aipm")
            item.add_marker(f"aipm_{family(name)}")
            yield item


class ScopeItem(pytest.Item):
    """A check on one scope: what pytest runs, selects and reports."""

    file: PolicyFile
    node: Node
    finding: Finding
    public: Finding

    def setup(self) -> None:
        """Measure and judge; what could not be measured is an error in one line."""
        if only_looks(self.config):
            return
        auditor = self.file.policies.auditor(self.file.policy)
        if auditor.chosen is None:
            auditor.chosen = frozenset(self._beside())
        with shown_by(_terminal(self.config)):
            self.finding = auditor.finding(self.node)
        policy = self.file.policy
        self.public = publish(self.finding, min_cell=policy.publish.min_cell)
        grouped = self.finding.groups and self.finding.verdict is not Verdict.ERROR
        if grouped and small_elsewhere(auditor, policy, self.node):
            self.public = unsaid(self.public)
        found = {"finding": self.file.policies.keep(self.finding), "public": parcel(self.public)}
        self.user_properties += [(PROPERTY, canonical_json(found)), *in_words(self.public)]
        if self.finding.verdict is Verdict.ERROR:
            pytest.fail(sentence(self.public), pytrace=False)

    def _beside(self) -> Iterator[Node]:
        """Yield the nodes of the policy that were chosen to run, this one among them."""
        for each in self.session.items:
            if isinstance(each, ScopeItem) and each.file.policy is self.file.policy:
                yield each.node

    def runtest(self) -> None:
        """Translate the verdict.

        Raises
        ------
        CheckViolation
            The build fails.
        """
        finding = self.public
        raise_for(finding)
        if finding.verdict is Verdict.WAIVED:
            pytest.xfail(_waived(finding))
        if finding.verdict is Verdict.INCONCLUSIVE:
            pytest.skip(f"inconclusive: {sentence(finding)}")
        if finding.verdict is Verdict.NOT_JUDGED:
            pytest.skip(f"not judged: {sentence(finding)}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return a failure in words; only what nobody foresaw shows a traceback."""
        if isinstance(excinfo.value, CheckViolation):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the policy's line and a readable name."""
        name = f"{self.file.policy.name} / {self.node.check_id} / {self.node.scope_id}"
        return self.path, max((self.node.line or 1) - 1, 0), name


def _terminal(config: pytest.Config) -> Show:
    """Return what writes a line of progress past pytest's capture; workers have no terminal."""
    capture = config.pluginmanager.getplugin("capturemanager")
    begun = False

    def show(line: str) -> None:
        nonlocal begun
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            if not begun and sys.stderr.isatty():
                sys.stderr.write("\n")  # the letters of the outcomes so far stay where they are
            begun = True
            on_terminal(line)

    return _silent if hasattr(config, "workerinput") else show


def _silent(line: str) -> None:
    """Show nothing."""


def parcel(public: Finding) -> dict[str, Any]:
    """Return what reports such as JUnit's keep of a finding: the verdict and its numbers."""
    keep = {"verdict", "because", "value", "interval", "confidence", "limit"}
    return public.model_dump(mode="json", include=keep)


def in_words(public: Finding) -> list[tuple[str, str]]:
    """Return a finding as properties that a person reads: a JUnit file has no outcome "warned"."""
    answer = Answer(public)
    words = {
        "verdict": VERDICT_WORDS[public.verdict].lower(),
        "says": clip(sentence(public), MOST_SAID),
        "value": answer.value,
        "interval": answer.interval,
        "limit": limit_text(public.limit),
        "warn": limit_text(public.warn),
        "waiver": "" if public.waiver is None else plain_line(_waiver(public.waiver)),
    }
    return [(f"{PROPERTY}_{name}", said) for name, said in words.items() if said not in ("", DASH)]


def family(check: str) -> str:
    """Return the family of a check, as a marker's name holds it."""
    return re.sub(r"\W", "_", check.partition(".")[0])


def _waived(finding: Finding) -> str:
    if finding.waiver is None:
        return sentence(finding)
    return f"waived by {_waiver(finding.waiver)}: {sentence(finding)}"


def _waiver(waiver: WaiverInfo) -> str:
    return f"{waiver.id} until {waiver.expires} ({waiver.owner})"
