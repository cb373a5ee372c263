"""Plants harm into a policy's rows and model, and asks the real checks and the real judge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_aipm.auditing.auditor import Auditor
from pytest_aipm.auditing.plan import Plan
from pytest_aipm.errors import MeasurementError, Problem
from pytest_aipm.policy.model import CheckSpec, Node, Policy
from pytest_aipm.records import Because, Finding, Verdict
from pytest_aipm.selftest.concern import GROUPS, every_group, targets_of
from pytest_aipm.selftest.harms import HARMS, Target, plant, resampled, thinned
from pytest_aipm.selftest.results import Curve, Hidden, Report, Row, State, Trial
from pytest_aipm.selftest.world import Base, World

__all__ = ["selftest"]

Tick = Callable[[str], None]
Trials = dict[Target, Trial]


def selftest(
    plan: Plan,
    policy: Policy,
    *,
    seed: int = 0,
    quick: bool = False,
    seeds: int = 0,
    objects: Mapping[str, Any] | None = None,
    tick: Tick = lambda _: None,
) -> Report:
    """Plant harm at growing strength, and find from which strength on each check is red.

    Nothing is written, and neither the user's model nor the data are changed. Waivers, baseline
    and limits are those of the plan, so what is tested is the gate as it stands.

    Parameters
    ----------
    plan : Plan
    policy : Policy
        One of the plan's.
    seed : int
        Chooses the rows that are harmed; the audit's own seed is that of the plan.
    quick : bool
        Fewer strengths, and only the largest and the smallest group of each scope.
    seeds : int
        Seeds of the power curves; none are drawn with 0.
    objects : mapping, optional
        ``model``, ``data``, ``train`` handed over by a caller in Python.
    tick : callable
        Told what is being done.

    Returns
    -------
    Report

    Raises
    ------
    MeasurementError
        When nothing at all can be measured without harm; each reason once.
    """
    severities = {check.id: check.severity for check in policy.checks}
    tick("the audit without harm")
    policy = _able_to_fail(policy)
    opened = Auditor(plan, policy, objects=objects)
    nodes = policy.nodes()
    without = {node: opened.finding(node) for node in nodes}
    _refuse_broken(without.values())
    gate = _Gate(_for_this_model(plan, opened), policy, Base.of(opened.evidence), quick, seed, tick)
    found = gate.try_all([node for node in nodes if _state(without[node]) == "tried"])
    approved = plan.approved(policy)
    return Report(
        policy=policy.name,
        path=policy.path,
        rows=len(gate.base.frame),
        seed=seed,
        baseline="" if approved is None else approved.ref.ref,
        nodes=tuple(
            Row(
                id=finding.id,
                severity=severities[finding.check_id],
                verdict=finding.verdict.value,
                reason=finding.reason,
                state=_state(finding),
                limit={} if finding.limit is None else finding.limit.model_dump(),
                trials=tuple(found.get(node, {}).values()),
                hidden=gate.hidden(node, found.get(node, {})),
                curves=gate.curves(node, found.get(node, {}), seeds),
            )
            for node, finding in without.items()
        ),
    )


def _able_to_fail(policy: Policy) -> Policy:
    """Return the policy with advice that fails, so that a broken limit is told from a warning."""
    checks = tuple(replace(check, severity="error") for check in policy.checks)
    return replace(policy, checks=checks)


def _for_this_model(plan: Plan, opened: Auditor) -> Plan:
    """Return the plan with waivers that hold whatever model is asked: harmed ones have no file."""
    model = opened.evidence.model
    if model is None or model.sha256 is None:
        return plan
    waivers = tuple(
        replace(each, model_sha256=None) if each.model_sha256 == model.sha256 else each
        for each in plan.waivers
    )
    return replace(plan, waivers=waivers)


def _refuse_broken(without: Iterable[Finding]) -> None:
    """Raise when no node can be measured: then there is no gate to test."""
    asked = [finding for finding in without if finding.because != Because.DISABLED]
    if asked and all(finding.verdict == Verdict.ERROR for finding in asked):
        raise MeasurementError(Problem(each) for each in dict.fromkeys(f.reason for f in asked))


def _state(finding: Finding) -> State:
    if finding.verdict == Verdict.ERROR:
        return "error"
    if finding.failing:
        return "red"
    beside = finding.because in (Because.NOT_APPLICABLE, Because.DISABLED)
    return "not_judged" if finding.verdict == Verdict.NOT_JUDGED and beside else "tried"


def _waiver(finding: Finding) -> str:
    waiver = finding.waiver
    return waiver.id if waiver is not None and waiver.state == "applied" else ""


@dataclass(frozen=True)
class _Gate:
    """The gate under test: plan and policy as they are, asked about harmed rows and models."""

    plan: Plan
    policy: Policy
    base: Base
    quick: bool
    seed: int
    tick: Tick

    def try_all(self, nodes: Sequence[Node]) -> dict[Node, Trials]:
        """Return the trials of each node; where none of all rows is red, also those of groups."""
        most = 2 if self.quick else GROUPS
        found = self._scan(
            {n: targets_of(self.base, self._spec(n), n.scope, most=most) for n in nodes}
        )
        unmoved = [n for n in nodes if not n.scope and not any(map(_seen, found[n].values()))]
        more = self._scan({n: every_group(self.base, self._spec(n), most=most) for n in unmoved})
        return {node: {**found[node], **more.get(node, {})} for node in nodes}

    def hidden(self, node: Node, trials: Trials) -> Hidden | None:
        """Return the mildest thinning that turns the plainest harm green again, if one does."""
        target, trial = _plainest(trials)
        if target is None or trial is None or self._spec(node).kind == "census":
            return None
        self.tick(f"{node.finding_id}: harm in fewer rows")
        world = plant(self.base, target, trial.largest, self.seed)
        for share in self._strengths("thin"):
            finding = self._finding(node, thinned(world, share, self.seed))
            if not finding.failing:
                return Hidden(trial.harm, trial.target, trial.largest, share, finding.verdict.value)
        return None

    def curves(self, node: Node, trials: Trials, seeds: int) -> tuple[Curve, ...]:
        """Return how often each harm is seen, in the group where it is seen first.

        Each seed harms other rows, and draws another sample of as many rows from them.
        """
        found = []
        for harm in HARMS.values() if seeds else ():
            own = {t: trial for t, trial in trials.items() if t.harm == harm.name and harm.conduct}
            target, trial = _plainest(own)
            if target is None or trial is None:
                continue
            self.tick(f"{node.finding_id}: power against {harm.name}")
            strengths = (0.0, *self._strengths(harm.name))
            red = tuple(self._count_red(node, target, share, seeds) for share in strengths)
            found.append(Curve(harm.name, trial.target, strengths, red, seeds))
        return tuple(found)

    def _count_red(self, node: Node, target: Target, share: float, seeds: int) -> int:
        drawn = range(self.seed, self.seed + seeds)
        worlds = (resampled(plant(self.base, target, share, seed), seed) for seed in drawn)
        return sum(self._finding(node, world).failing for world in worlds)

    def _scan(self, targets: Mapping[Node, Sequence[Target]]) -> dict[Node, Trials]:
        """Plant each harm once for all nodes it concerns, the largest first, until none is red.

        Once a strength is not red, smaller ones are not tried: what counts is from where on the
        check *stays* red.
        """
        planned = dict.fromkeys(target for own in targets.values() for target in own)
        tried: dict[tuple[Node, Target], Trial] = {}
        for target in planned:
            asked = [node for node, own in targets.items() if target in own]
            tried |= {(node, target): trial for node, trial in self._try(target, asked).items()}
        return {
            node: {target: tried[node, target] for target in own} for node, own in targets.items()
        }

    def _try(self, target: Target, nodes: Sequence[Node]) -> dict[Node, Trial]:
        trials: dict[Node, Trial] = {}
        active = list(nodes)
        for share in reversed(self._strengths(target.harm)):
            self.tick(f"{target.harm} {100 * share:g} %: {target.name}")
            world = plant(self.base, target, share, self.seed) if active else None
            for node in list(active):
                assert world is not None  # noqa: S101
                finding = self._finding(node, world)
                trial = trials.get(node) or _first(target, share, finding)
                if finding.failing:
                    trials[node] = replace(trial, red=share)
                else:
                    trials[node] = replace(trial, before=share)
                    active.remove(node)
        return trials

    def _finding(self, node: Node, world: World) -> Finding:
        needs = self._spec(node).needs
        evidence = world.asked if needs.model or needs.train else world.told
        return Auditor(self.plan, self.policy, evidence=evidence).finding(node)

    def _spec(self, node: Node) -> CheckSpec:
        return self.policy.check(node.check_id)

    def _strengths(self, harm: str) -> tuple[float, ...]:
        return HARMS[harm].quick if self.quick else HARMS[harm].strengths


def _first(target: Target, share: float, finding: Finding) -> Trial:
    """Return a trial after its largest strength."""
    detectable = finding.detectable
    return Trial(
        harm=target.harm,
        target=target.name,
        group=dict(target.group),
        red=None,
        before=0.0,
        largest=share,
        value=finding.value,
        verdict=finding.verdict.value,
        reason=finding.reason,
        gap=None if detectable is None else detectable.gap,
        waiver=_waiver(finding),
    )


def _seen(trial: Trial) -> bool:
    return trial.conduct and trial.red is not None


def _plainest(trials: Trials) -> tuple[Target, Trial] | tuple[None, None]:
    """Return the harm to model or decisions that is seen at the smallest strength."""
    seen = [(target, trial) for target, trial in trials.items() if _seen(trial)]
    return min(seen, key=lambda each: each[1].red or 0.0, default=(None, None))
