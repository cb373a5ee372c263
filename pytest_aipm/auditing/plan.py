"""The plan of a run: policies, waivers, baseline and trust, checked before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType

from pytest_aipm.auditing.pairing import Pairable, pairables
from pytest_aipm.auditing.settings import Settings
from pytest_aipm.baseline import Baseline, PolicyBaseline, read_baseline
from pytest_aipm.catalog import Catalog
from pytest_aipm.errors import (
    BaselineError,
    PolicyError,
    Problem,
    TrustError,
)
from pytest_aipm.evidence.stated import Incident
from pytest_aipm.policy.incidents import incidents_of
from pytest_aipm.policy.library import Library
from pytest_aipm.policy.model import CheckSpec, Node, Policy
from pytest_aipm.policy.plan import resolve_policies
from pytest_aipm.policy.sign_offs import load_sign_offs
from pytest_aipm.policy.waivers import Waiver, load_waivers
from pytest_aipm.records import SignOff
from pytest_aipm.sources.files import suffix_of
from pytest_aipm.sources.native.formats import NATIVE
from pytest_aipm.sources.spec import ModelSpec
from pytest_aipm.sources.trust import Trust, check_trust

__all__ = ["Plan", "champion_spec", "complete", "load_plan", "model_spec"]


@dataclass(frozen=True)
class Plan:
    """What will be run. Made by `load_plan`, or by hand for a policy made in Python."""

    settings: Settings
    policies: tuple[Policy, ...]
    catalog: Catalog
    trust: Trust
    waivers: tuple[Waiver, ...] = ()
    baseline: Baseline | None = None
    pairables: Mapping[str, Pairable] = field(default_factory=dict)
    """By the name of the policy, for those that ask for pairing."""
    sign_offs: tuple[SignOff, ...] = ()
    incidents: Mapping[str, Mapping[str, tuple[Incident, ...]]] = field(default_factory=dict)
    """By the name of the policy, then by the file, for those that re-run some."""

    def nodes(self, policy: Policy) -> tuple[Node, ...]:
        """Return a policy's nodes in the order they run."""
        return policy.nodes()

    def nodeid(self, policy: Policy, node: Node) -> str:
        """Return a node's id as pytest writes it."""
        return f"{policy.path}::{node.check_id}::{node.scope_id}"

    def nodeids(self) -> list[str]:
        """Return the ids of all nodes of all policies."""
        return [self.nodeid(policy, node) for policy in self.policies for node in policy.nodes()]

    def approved(self, policy: Policy) -> PolicyBaseline | None:
        """Return what was approved for a policy."""
        return None if self.baseline is None else self.baseline.policy(policy.name)


def load_plan(
    settings: Settings,
    *,
    extra_checks: Mapping[str, ModuleType] | None = None,
    given: Mapping[str, str | None] | None = None,
) -> Plan:
    """Read and validate everything that a run depends on, but no model and no data.

    A pure function of `settings` and the files, so that every process of a run comes to the same
    plan.

    Parameters
    ----------
    settings : Settings
    extra_checks : mapping of full name to module, optional
        Checks that a hook registered.
    given : mapping, optional
        What a caller in Python brings instead of what the policy names; None for an object.

    Raises
    ------
    UsageFault
        With all problems, one line each.
    """
    catalog = Catalog(extra=extra_checks or {})
    brought = {
        **{
            name: ref
            for name, ref in (("model", settings.model), ("data", settings.data))
            if ref is not None
        },
        **(given or {}),
    }
    policies = tuple(
        resolve_policies(
            list(settings.policies),
            root=settings.root,
            catalog=catalog,
            given=brought or None,
            packs=Library(settings.packs),
        )
    )
    if not policies:
        raise PolicyError(
            Problem(
                "there is no policy (*.aipm.yaml) to run",
                "write one, or name it with --aipm-policy=PATH",
                path=", ".join(settings.shown(path) for path in settings.policies),
            )
        )
    return complete(settings, policies, catalog)


def complete(
    settings: Settings, policies: Iterable[Policy], catalog: Catalog, *, compares: bool = True
) -> Plan:
    """Add waivers, baseline and trust to policies that were read already.

    Parameters
    ----------
    settings : Settings
    policies : iterable of Policy
    catalog : Catalog
    compares : bool
        Whether there is a baseline to look for.
    """
    policies = tuple(policies)
    faults: list[Problem] = []
    waivers: tuple[Waiver, ...] = ()
    if settings.waivers is not None:
        waivers = load_waivers(settings.waivers, policies, root=settings.root)
    sign_offs: tuple[SignOff, ...] = ()
    if settings.sign_offs is not None:
        sign_offs = load_sign_offs(settings.sign_offs, root=settings.root)
    incidents = {each.name: incidents_of(each, root=settings.root) for each in policies}
    baseline = _baseline(settings, policies) if compares else None
    pairs = pairables(settings, policies, baseline) if compares else {}
    trust = Trust.read(settings.root, settings.trust)
    for policy in policies:
        for spec in (model_spec(policy), champion_spec(policy, settings)):
            if spec is None:
                continue
            where = policy.where("subject", "model")
            try:
                check_trust(
                    spec,
                    settings.root,
                    trust,
                    {"path": where.path, "line": where.line, "column": where.column},
                )
            except TrustError as error:
                faults.extend(error.problems)
    if faults:
        raise TrustError(faults)
    return Plan(settings, policies, catalog, trust, waivers, baseline, pairs, sign_offs, incidents)


def model_spec(policy: Policy) -> ModelSpec | None:
    """Return where a policy's model comes from, None when it has none or is handed over."""
    ref = policy.subject.model
    if ref is None or (ref.path is None and ref.factory is None):
        return None
    return ModelSpec(
        path=ref.path,
        factory=ref.factory,
        sha256=ref.sha256,
        trust=tuple(ref.trust),
        output=ref.output or "auto",
        classes=tuple(ref.classes),
    )


def champion_spec(policy: Policy, settings: Settings) -> ModelSpec | None:
    """Return where the earlier model comes from."""
    champion = policy.subject.champion
    if champion is None or champion.ref is None:
        return None
    spec = ModelSpec.parse(champion.ref, settings.root)
    named = policy.subject.model.classes if policy.subject.model is not None else ()
    numbered = spec.path is not None and suffix_of(Path(spec.path)) in NATIVE
    return replace(spec, classes=tuple(named)) if numbered else spec


def _baseline(settings: Settings, policies: tuple[Policy, ...]) -> Baseline | None:
    """Read the baseline where there is one, and refuse to compare without it."""
    shown = settings.shown(settings.baseline)
    wanting = [policy for policy in policies if _compares(policy)]
    may_lack = settings.update_baseline or settings.first_baseline
    if not settings.baseline.exists():
        if may_lack or (not wanting and not settings.baseline_given):
            return None
        raise BaselineError(_missing(wanting, shown))
    baseline = read_baseline(settings.baseline, shown=shown)
    absent = [policy for policy in wanting if baseline.policy(policy.name) is None]
    if absent and not may_lack:
        raise BaselineError(_missing(absent, shown))
    return baseline


def _compares(policy: Policy) -> bool:
    return any(_wants_baseline(policy, check) for check in policy.checks)


def _wants_baseline(policy: Policy, check: CheckSpec) -> bool:
    """Return whether a check compares with a file; a champion on the same rows needs none."""
    if not check.enabled or check.regression is None:
        return False
    return policy.subject.champion is None or check.regression.max_total_change is not None


def _missing(wanting: list[Policy], shown: str) -> Problem:
    if not wanting:
        return Problem(
            "there is no baseline here",
            "correct --aipm-baseline, or create it with --aipm-update-baseline",
            path=shown,
        )
    policy = wanting[0]
    check = next(each for each in policy.checks if _wants_baseline(policy, each))
    no_worse = check.regression is not None and check.regression.no_worse
    asked = "gate: no-worse" if no_worse else "regression"
    return Problem(
        f"check {check.id!r} declares `{asked}`, but {shown} holds no approved baseline of "
        f"policy {policy.name!r}",
        "create it: pytest --aipm-audit --aipm-update-baseline",
        path=check.path or policy.path,
        line=check.line,
    )
