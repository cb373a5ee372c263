"""Measures and judges the nodes of one policy."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_aipm.auditing.alike import refuse_unlike
from pytest_aipm.auditing.asking import asked_of, rules_of, tolerance_of
from pytest_aipm.auditing.claims import claims_of
from pytest_aipm.auditing.header import header_of, pairing_of
from pytest_aipm.auditing.opening import open_evidence
from pytest_aipm.auditing.plan import Plan
from pytest_aipm.auditing.waiving import states, waive
from pytest_aipm.baseline import PolicyBaseline, comparable, compare
from pytest_aipm.checks.base import CheckParams, Measurement, needs_of
from pytest_aipm.engine.local import Engine
from pytest_aipm.errors import AipmError, CheckError, MeasurementError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.kept import Kept
from pytest_aipm.evidence.stated import Stated
from pytest_aipm.evidence.wishes import Counts, Sample, Wish
from pytest_aipm.judge import Entry, Judgement, at_baseline_sizes, judge
from pytest_aipm.policy.model import CheckSpec, Node, Policy
from pytest_aipm.records import (
    Audit,
    BaselineComparison,
    Because,
    Claim,
    Finding,
    Verdict,
    canonical_json,
)
from pytest_aipm.sources.faults import describe, foreign_words

__all__ = ["Auditor"]

MAX_WARNINGS = 5
"""More warnings of libraries than this are noise in a finding."""

NOT_COMPARED = (
    "the declared comparison was not made, because there is nothing to compare with yet: approve "
    "a run"
)
UNCOMPARED = (
    "no limit, and this check is not in the approved baseline yet: approve a run to compare with"
)


class Auditor:
    """One policy in one process. Data and model are opened when the first node is measured.

    Parameters
    ----------
    plan : Plan
    policy : Policy
        One of the plan's.
    run_dir : Path or None
        Folder shared by the processes of a run; None keeps everything here.
    objects : mapping, optional
        ``model``, ``data``, ``train`` handed over by a caller in Python.
    evidence : Evidence, optional
        Opened already; nothing is opened then.
    kept : Kept, optional
        Predictions of earlier runs.
    engine : Engine, optional
        Where passes over the rows run.
    """

    def __init__(
        self,
        plan: Plan,
        policy: Policy,
        run_dir: Path | None = None,
        objects: Mapping[str, Any] | None = None,
        evidence: Evidence | None = None,
        kept: Kept | None = None,
        engine: Engine | None = None,
    ) -> None:
        self.plan = plan
        self.policy = policy
        self._run_dir = run_dir
        self._objects = objects or {}
        self._evidence = evidence
        self._kept = kept
        self._engine = engine
        self._fault: MeasurementError | None = None
        self._found: dict[Node, Finding] = {}
        self._asked: list[Node] = []
        self.chosen: frozenset[Node] | None = None
        """The nodes that are going to be measured in this process; None for all."""
        if evidence is not None:
            evidence.stated = self._stated()
            evidence.planned = self._planned

    def finding(self, node: Node) -> Finding:
        """Measure and judge a node, once.

        Parameters
        ----------
        node : Node
            One of the policy's.

        Returns
        -------
        Finding
            A failure to measure is a finding with the verdict ``error``, never an exception; the
            user's own interruption alone goes through.
        """
        if node not in self._found:
            self._asked.append(node)
            try:
                self._found[node] = self._measured(node)
            finally:
                self._asked.pop()
        return self._found[node]

    def _measured(self, node: Node) -> Finding:
        spec = self.policy.check(node.check_id)
        if not spec.enabled:
            return self._finding(
                node,
                spec,
                Judgement(
                    verdict=Verdict.NOT_JUDGED,
                    because=Because.NOT_APPLICABLE if spec.inapplicable else Because.DISABLED,
                    reason=spec.inapplicable or "disabled by the policy",
                ),
                None,
            )
        if self._too_deep(spec):
            why = "it refits the model, and runs under --aipm-deep (or aipm_deep = true) alone"
            return self._finding(
                node,
                spec,
                Judgement(verdict=Verdict.NOT_JUDGED, because=Because.NOT_APPLICABLE, reason=why),
                None,
            )
        try:
            with warnings.catch_warnings(record=True) as heard:
                # third-party warnings are recorded, never raised, also under -W error
                warnings.simplefilter("always")
                measurement = self._measure(node, spec)
                finding = self._judged(node, spec, measurement)
            said = _said(heard)
            notes = (*finding.notes, *said)
            finding = finding.model_copy(update={"notes": notes, "foreign": tuple(said)})
        except AipmError as error:
            reason = _located(error, self.policy, spec)
            finding = self._error(node, spec, reason, foreign_words(error))
        except KeyboardInterrupt:
            raise
        # Not only what is meant as an error: code that skips its test or exits must not hide here.
        except BaseException as error:  # noqa: BLE001 - whatever breaks must not read as a pass
            reason = str(_broken(error, self.policy, spec))
            finding = self._error(node, spec, reason, foreign_words(error))
        self._share_header()
        return finding

    def header(self) -> Audit:
        """Return the audit without findings, as far as it is known by now."""
        return header_of(self.plan, self.policy, self._evidence)

    # -- measuring -----------------------------------------------------------------------------

    def _too_deep(self, spec: CheckSpec) -> bool:
        """Return whether a check refits the model, and nobody asked for that."""
        module = self.plan.catalog.load(spec.check)
        return bool(getattr(module, "DEEP", False)) and not self.plan.settings.deep

    def _measure(self, node: Node, spec: CheckSpec) -> Measurement:
        module = self.plan.catalog.load(spec.check)
        if self.evidence.subject.designed and not getattr(module, "WEIGHTED", False):
            raise CheckError(
                Problem(
                    f"{spec.check} heeds neither `weights` nor `cluster`, and would take every row "
                    "for one person",
                    "audit it in a policy without them",
                )
            )
        params = spec.params_for(node.scope, seed=self.plan.settings.seed)
        measurement = module.check(self.evidence, params)
        assert isinstance(measurement, Measurement), "a check returns a Measurement"  # noqa: S101
        return measurement

    def _planned(self) -> Iterator[Wish[Any] | Sample | Counts]:
        """Yield what the checks to come will ask of all rows, so that these are read once."""
        for node in self.policy.nodes():
            spec = self.policy.check(node.check_id)
            if not spec.enabled or self._too_deep(spec) or node in self._found:
                continue
            if self.chosen is not None and node not in self.chosen:
                continue
            module = self.plan.catalog.load(spec.check)
            params = spec.params_for(node.scope, seed=self.plan.settings.seed)
            needs = needs_of(module, params)
            if needs.predictions or needs.scores or needs.rows or needs.losses:
                yield Counts.WANTED
            if needs.model:
                yield Sample(self.evidence.data, (), 0)
            with contextlib.suppress(Exception):  # which the check raises itself, when measured
                yield from getattr(module, "wishes", _none)(self.evidence, params)

    @property
    def evidence(self) -> Evidence:
        """The open data and model; opened once, and a fault is kept for every node."""
        if self._fault is not None:
            raise self._fault
        if self._evidence is None:
            try:
                opened = open_evidence(
                    self.plan,
                    self.policy,
                    run_dir=self._run_dir,
                    objects=self._objects,
                    kept=self._kept,
                    engine=self._engine,
                )
                refuse_unlike(opened, self._run_dir, self.policy.name)
                self._evidence = opened
                self._evidence.stated = self._stated()
                self._evidence.planned = self._planned
            except MeasurementError as error:
                self._fault = error
                raise
        return self._evidence

    # -- what other checks may ask for ---------------------------------------------------------

    def _stated(self) -> Stated:
        """Return what policy and files say, and a way to what the other checks found."""
        policy, approved = self.policy, self._approved
        return Stated(
            policy=policy.name,
            path=policy.path,
            context=policy.context,
            checks=tuple(check.id for check in policy.checks),
            waivers=states(self.plan, policy.name, ()),
            sign_offs=self.plan.sign_offs,
            approved=None if approved is None else approved.ref.approved,
            incidents=self.plan.incidents.get(policy.name, {}),
            min_cell=policy.publish.min_cell,
            rows=policy.publish.rows,
            findings=self._findings_of,
            claims=self._claims,
        )

    def _findings_of(self, check_id: str) -> tuple[Finding, ...]:
        nodes = [node for node in self.policy.nodes() if node.check_id == check_id]
        if not nodes:
            what = f"there is no check {check_id!r} in this policy"
            ids = ", ".join(check.id for check in self.policy.checks)
            raise CheckError(Problem(what, f"name one of {ids}"))
        if any(node.check_id == check_id for node in self._asked):
            what = f"check {check_id!r} is asked for what follows from itself"
            raise CheckError(Problem(what, "name checks that stand on their own"))
        return tuple(self.finding(node) for node in nodes)

    def _claims(self) -> tuple[Claim, ...]:
        ids = {check for claim in self.policy.claims for check in claim.checks}
        found = [finding for check_id in sorted(ids) for finding in self._findings_of(check_id)]
        return claims_of(self.policy, found)

    # -- judging -------------------------------------------------------------------------------

    def _judged(self, node: Node, spec: CheckSpec, measurement: Measurement) -> Finding:
        rules = rules_of(spec, self.plan.settings)
        entry = None if self._approved is None else self._approved.entry(node.finding_id)
        entry, unlike = comparable(entry, measurement.formula.id, measurement.conditions)
        change, total = self._changes(node, spec, measurement, entry)
        then = total_then = None
        may_hide = self._may_hide(change)
        if entry is not None and (may_hide or total is not None):
            scaled = at_baseline_sizes(measurement, entry)
            if scaled is not None:
                then, total_then = self._changes(node, spec, scaled, entry)
        if _nothing_to_judge(spec, change, total) and measurement.not_judged is None:
            why = f"no limit, and {unlike_words(unlike)}" if unlike else UNCOMPARED
            measurement = measurement.with_(not_judged=(Because.NO_EVIDENCE, why))
        judgement = judge(
            measurement,
            rules,
            entry=entry,
            comparison=change,
            total=total,
            comparison_then=then if may_hide else None,
            total_then=total_then,
        )
        if spec.regression is not None and change is None and judgement.state == "holds":
            why = unlike_words(unlike) if unlike else NOT_COMPARED
            judgement = replace(judgement, reason=f"{judgement.reason}; {why}")
        return self._finding(node, spec, judgement, measurement)

    def _may_hide(self, change: BaselineComparison | None) -> bool:
        """Return whether fewer rows could hide a change; not where all approved ones are paired."""
        if change is None or change.against != "baseline":
            return False
        joined = None if self._evidence is None else self._evidence.joined
        return not (change.paired and joined is not None and joined.complete)

    @cached_property
    def _approved(self) -> PolicyBaseline | None:
        return self.plan.approved(self.policy)

    def _changes(
        self, node: Node, spec: CheckSpec, measurement: Measurement, entry: Entry | None
    ) -> tuple[BaselineComparison | None, BaselineComparison | None]:
        """Return the change against baseline or champion, and against the anchor."""
        regression = spec.regression
        approved = self._approved
        retraining = None if approved is None else approved.retraining(node.finding_id)
        allowed, tolerance = tolerance_of(spec, retraining)
        paired = measurement.champion is not None
        against = "champion" if paired and self.policy.subject.champion else "baseline"
        point = spec.decide_on == "point"
        change = compare(
            measurement,
            entry,
            allowed=allowed,
            confidence=spec.confidence,
            point=point,
            against=against,
        )
        if change is not None and tolerance:
            change = change.model_copy(update={"tolerance": tolerance})
        pairing = pairing_of(self.plan, self.policy, self._evidence)
        if change is not None and pairing is not None and change.paired == pairing.paired:
            change = change.model_copy(update={"note": pairing.said})
        if regression is None or regression.max_total_change is None or entry is None:
            return change, None
        assert approved is not None  # noqa: S101 - the entry is of it
        total = compare(
            measurement,
            approved.anchor(node.finding_id),
            allowed=regression.max_total_change,
            confidence=spec.confidence,
            point=point,
            against="anchor",
        )
        return change, total

    def _finding(
        self,
        node: Node,
        spec: CheckSpec,
        judgement: Judgement,
        measurement: Measurement | None,
    ) -> Finding:
        estimate = None if measurement is None else measurement.estimate
        own = spec.path in ("", self.policy.path)
        known = estimate is not None and math.isfinite(estimate.value)
        finding = Finding(
            id=node.finding_id,
            nodeid=self.plan.nodeid(self.policy, node),
            check=spec.check,
            check_id=spec.id,
            scope=node.scope,
            verdict=judgement.verdict,
            because=judgement.because,
            reason=" ".join(judgement.reason.split()),
            severity=spec.severity,
            kind=spec.kind,
            value=estimate.value if estimate is not None else None,
            interval=(estimate.lower, estimate.upper) if estimate is not None and known else None,
            confidence=spec.confidence,
            method="" if estimate is None else estimate.method,
            unit=spec.unit,
            limit=spec.limit,
            warn=spec.warn,
            decide_on=spec.decide_on,
            asked=asked_of(spec, node.scope),
            detectable=judgement.detectable,
            rows_needed=judgement.rows_needed,
            formula=None if measurement is None else measurement.formula,
            n=0 if measurement is None else measurement.n,
            groups=() if measurement is None else measurement.groups,
            sizes=() if estimate is None else estimate.sizes,
            part_names=() if measurement is None else measurement.part_names,
            series=() if measurement is None else measurement.series,
            examples=()
            if measurement is None
            else measurement.examples[: self.policy.publish.rows],
            conditions={} if measurement is None else dict(measurement.conditions),
            notes=(
                *(() if measurement is None else measurement.notes),
                *(() if own else (f"asked for by {spec.path}:{spec.line}",)),
            ),
            baseline=judgement.comparison,
            clauses=spec.clauses,
            policy_line=spec.line if own else None,
            docs=self.plan.catalog.docs(spec.check),
            failing=judgement.failing,
        )
        return waive(finding, self.plan, model_sha256=self._model_sha256())

    def _model_sha256(self) -> str | None:
        evidence = self._evidence
        return None if evidence is None or evidence.model is None else evidence.model.sha256

    def _error(self, node: Node, spec: CheckSpec, reason: str, foreign: tuple[str, ...]) -> Finding:
        judgement = Judgement(
            verdict=Verdict.ERROR, because=Because.ERROR, reason=reason, failing=True
        )
        finding = self._finding(node, spec, judgement, None)
        return finding.model_copy(update={"foreign": foreign})

    # -- sharing -------------------------------------------------------------------------------

    def _share_header(self) -> None:
        """Leave the header in the run folder, where the controller finds it."""
        if self._run_dir is None:
            return
        target = self._run_dir / f"{self.policy.name}.audit.json"
        text = canonical_json(self.header().model_dump(mode="json", by_alias=True))
        with contextlib.suppress(OSError):  # findings do not travel this way; nothing is decided
            if target.exists() and len(target.read_text(encoding="utf-8")) >= len(text):
                return
            draft = target.with_suffix(f".{id(self)}.tmp")
            draft.write_text(text, encoding="utf-8")
            draft.replace(target)


def _none(evidence: Evidence, params: CheckParams) -> Iterator[Wish[Any]]:
    """Yield nothing: what most checks ask of all rows beside counts."""
    del evidence, params
    yield from ()


def unlike_words(unlike: str) -> str:
    """Return that two runs on different machines are not compared, and how these differ."""
    return (
        "the declared comparison was not made, because the approved run was measured on other "
        f"hardware: {unlike}; measure where it was approved, or approve a run from here"
    )


def _said(heard: Sequence[warnings.WarningMessage]) -> list[str]:
    """Return what libraries warned about while a node was measured, each once."""
    lines = (f"{each.category.__name__}: {each.message}".splitlines()[0] for each in heard)
    return list(dict.fromkeys(lines))[:MAX_WARNINGS]


def _nothing_to_judge(
    spec: CheckSpec, change: BaselineComparison | None, total: BaselineComparison | None
) -> bool:
    return spec.limit is None and change is None and total is None


def _located(error: AipmError, policy: Policy, spec: CheckSpec) -> str:
    """Return an error's first problem, with the policy's line where it has no place of its own."""
    problem = error.problems[0]
    if not problem.path:
        problem = Problem(problem.what, problem.fix, path=spec.path or policy.path, line=spec.line)
    return str(problem)


def _broken(error: BaseException, policy: Policy, spec: CheckSpec) -> Problem:
    """Return what stopped a check that raised no error of ours."""
    what = f"check {spec.check} broke ({describe(error)})"
    fix = "this is a fault of the check; please report it"
    if not isinstance(error, Exception):
        what = f"check {spec.check} was ended by {describe(error)}"
        fix = "code that a policy names returns or raises; it does not skip, fail or exit"
    return Problem(what, fix, path=spec.path or policy.path, line=spec.line)
