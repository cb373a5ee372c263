"""``aipm validate``: everything that can be known before a run, without opening a model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pytest_aipm.auditing.plan import Plan, complete
from pytest_aipm.auditing.settings import Settings
from pytest_aipm.catalog import Catalog
from pytest_aipm.clock import today
from pytest_aipm.commands.columns import Opened, open_all
from pytest_aipm.commands.project import root_of, settings_of
from pytest_aipm.commands.resolved import aligned, resolved, settings_lines
from pytest_aipm.commands.say import complain, say
from pytest_aipm.errors import BaselineError, Problem, SignOffError, TrustError, WaiverError
from pytest_aipm.policy.library import Library
from pytest_aipm.policy.model import Policy
from pytest_aipm.policy.plan import resolve_policies
from pytest_aipm.policy.waivers import Waiver, is_active, notice
from pytest_aipm.sources.lock import LOCK
from pytest_aipm.sources.trust import Trust

__all__ = ["validate"]

OK, DATA, USAGE = 0, 1, 4


def validate(
    paths: Sequence[str],
    *,
    root: str | None = None,
    with_data: bool = True,
    as_resolved: bool = False,
) -> int:
    """Check policies, waivers, baseline, lock and data, and print how they are read.

    Parameters
    ----------
    paths : sequence of str
        Policy files and folders; none means those of the project.
    root : str, optional
        Default the current folder.
    with_data : bool
        Whether to open the data and look for every column that a policy names.
    as_resolved : bool
        Whether to print every value with its origin instead, as YAML.

    Returns
    -------
    int
        0; 1 when data or model files are at fault; 4 when a policy or a file beside it is.

    Raises
    ------
    PolicyError
        When a policy cannot be read; what stands on it is not looked at then.
    """
    settings = settings_of(root_of(root), paths)
    catalog = Catalog()
    packs = Library(settings.packs)
    policies = resolve_policies(list(settings.policies), settings.root, catalog, packs=packs)
    plan, faults = _plan(settings, policies, catalog)
    wrong: list[Problem] = []
    for policy in policies:
        opened = Opened()
        if with_data:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what libraries warn about is no fault of the data
                opened = open_all(plan, policy)
        wrong += opened.problems
        if as_resolved:
            say("\n".join(("---", *aligned(list(resolved(policy, catalog))))))
        else:
            say("\n".join(_read(policy, opened)))
    if as_resolved:
        say("\n".join(("---", *aligned(list(settings_lines(settings, paths))))))
    else:
        say("\n".join(_beside(plan, faults)))
    problems = tuple(dict.fromkeys([*faults, *wrong]))
    if problems:
        complain("\n".join(map(str, problems)))
        return USAGE if faults else DATA
    nodes = sum(len(policy.nodes()) for policy in policies)
    unopened = "" if with_data else "; the data were not opened"
    valid = f"valid: {_count(len(policies), 'policy', 'policies')}, {_count(nodes, 'node')}"
    say(f"{'# ' * as_resolved}{valid}{unopened}")
    return OK


def _plan(
    settings: Settings, policies: Sequence[Policy], catalog: Catalog
) -> tuple[Plan, list[Problem]]:
    """Return the plan and what is wrong beside the policies, all of it at once."""
    problems: list[Problem] = []
    compares = True
    while True:
        try:
            return complete(settings, policies, catalog, compares=compares), problems
        except WaiverError as fault:
            problems += fault.problems
            settings = replace(settings, waivers=None)
        except SignOffError as fault:
            problems += fault.problems
            settings = replace(settings, sign_offs=None)
        except BaselineError as fault:
            problems += fault.problems
            compares = False
        except TrustError as fault:
            problems += fault.problems
            return Plan(settings, tuple(policies), catalog, Trust()), problems


def _read(policy: Policy, opened: Opened) -> Iterator[str]:
    """Yield how a policy is read."""
    nodes = policy.nodes()
    unfit = sum(bool(check.inapplicable) for check in policy.checks)
    disabled = sum(not check.enabled for check in policy.checks) - unfit
    off = f", {_count(disabled, 'check')} disabled" if disabled else ""
    off += f", {_count(unfit, 'check')} not applicable" if unfit else ""
    yield f"{policy.path}: {policy.name}"
    yield f"  {policy.reading()}"
    yield f"  {_count(len(policy.checks), 'check')}, {_count(len(nodes), 'node')} planned{off}"
    if policy.extends:
        yield f"  extends {', '.join(policy.extends)}"
    for pack in policy.packs:
        head = pack.head
        yield f"  pack {pack.name} {head.version}: {head.title} ({head.status}, as of {head.as_of})"
        yield from (f"  warning: {concern}" for concern in pack.concerns(today()))
    for check in policy.checks:
        if check.inapplicable:
            yield f"  not applicable: {check.id}: {check.inapplicable}"
    for loosened in policy.loosened:
        why = f" ({loosened.reason}; {loosened.owner})" if loosened.reason else ""
        yield f"  other than its base: {loosened.check_id}: {loosened.what}{why}"
    yield from (f"  {line}" for line in opened.lines)


def _beside(plan: Plan, faults: Sequence[Problem]) -> Iterator[str]:
    """Yield what stands beside the policies; what is at fault is told apart from them."""
    settings = plan.settings
    if settings.waivers is not None:
        listed = ", ".join(map(_waiver, plan.waivers)) or "none"
        yield f"waivers: {settings.shown(settings.waivers)}: {listed}"
    if settings.sign_offs is not None:
        yield f"sign-offs: {settings.shown(settings.sign_offs)}: {len(plan.sign_offs)}"
    if plan.baseline is not None:
        yield f"baseline: {plan.baseline.path}"
        for policy in plan.policies:
            approved = plan.approved(policy)
            if approved is not None:
                said = approved.ref.approved
                yield f"  {policy.name}: approved by {said.by}, {said.when}: {said.reason}"
            else:
                yield f"  {policy.name}: nothing approved yet"
    elif not faults:
        yield f"baseline: none ({settings.shown(settings.baseline)})"
    if plan.trust.entries:
        yield f"{LOCK}: {', '.join(entry.path for entry in plan.trust.entries)}"


def _waiver(waiver: Waiver) -> str:
    if waiver.state == "ignored":
        return f"{waiver.id} (of another policy)"
    if waiver.created > today():
        return f"{waiver.id} from {waiver.created.isoformat()}"
    word = "until" if is_active(waiver, today()) else "EXPIRED on"
    return f"{waiver.id} {notice(waiver, today()) or f'{word} {waiver.expires.isoformat()}'}"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
