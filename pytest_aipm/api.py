"""The Python API: the same engine as `pytest --aipm-audit`, without pytest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from pytest_aipm.auditing import Auditor, Plan, Settings, assemble, load_plan
from pytest_aipm.auditing.plan import complete
from pytest_aipm.auditing.settings import BASELINE, REPORT, SIGN_OFFS
from pytest_aipm.catalog import Catalog
from pytest_aipm.clock import now
from pytest_aipm.engine.spark import Spark
from pytest_aipm.errors import OptionError, Problem
from pytest_aipm.policy.library import Library
from pytest_aipm.policy.load import policy_from
from pytest_aipm.records import Audit, Finding, Record

__all__ = ["audit", "check"]

WAIVERS = "policies/waivers.yaml"


def audit(
    policy: str | Path | Mapping[str, Any],
    *,
    model: Any = None,
    data: Any = None,
    train: Any = None,
    root: str | Path | None = None,
    baseline: str | Path | None = None,
    history: str | Path | None = None,
    seed: int = 0,
    deep: bool = False,
    trust: tuple[str, ...] = (),
    extra_checks: Mapping[str, ModuleType] | None = None,
    packs: str | Path | None = None,
    spark: Any = None,
) -> Record:
    """Audit a model against a policy.

    Parameters
    ----------
    policy : path or mapping
        A policy file, under `root` or else as seen from the current folder; or what one would hold.
    model : object or str, optional
        Used instead of what the policy names: a fitted model, a callable, a path or a factory.
    data, train : DataFrame or str, optional
        Used instead of the policy's.
    root : path, optional
        Folder that paths in the policy are relative to; default the current folder.
    baseline : path, optional
        The approved baseline; default ``aipm-baseline.json`` under `root` when it exists.
    history : path, optional
        File of earlier releases that the report draws; it is read and never written to.
    seed : int
        Seed of all resampling; the global random state is never touched.
    deep : bool
        Whether checks that refit the model run, too.
    trust : tuple of str
        ``sha256:HEX`` of artifacts that may be opened although they can run code.
    extra_checks : mapping of full name to module, optional
        Checks of one's own, beside those of entry points.
    packs : path, optional
        Folder under `root` with packs of one's own, beside those of entry points.
    spark : pyspark.sql.SparkSession, optional
        Passes over the rows run there.

    Returns
    -------
    Record
        ``record.verdict``, ``record.findings``, ``record.to_frame()``, ``record.write(folder)``,
        ``record.raise_if_failed()``.

    Raises
    ------
    UsageFault
        When policy, baseline or trust are at fault. What could not be measured is a finding with
        the verdict ``error``, not an exception.
    """
    if not isinstance(policy, str | os.PathLike | Mapping):
        what = f"policy is of type {type(policy).__name__}"
        raise OptionError(Problem(what, "name a file, or give what one would hold as a mapping"))
    if type(seed) is not int or seed < 0:
        raise OptionError(Problem(f"seed={seed!r}", "a seed is a whole number, 0 or more"))
    # Not resolve(): the folder keeps the name that the user gave it.
    folder = Path(os.path.abspath(root or "."))  # noqa: PTH100
    objects = {
        name: value
        for name, value in (("model", model), ("data", data), ("train", train))
        if value is not None
    }
    given = {name: value if isinstance(value, str) else None for name, value in objects.items()}
    held = {name: value for name, value in objects.items() if not isinstance(value, str)}
    settings = Settings(
        root=folder,
        policies=(),
        report=folder / REPORT,
        baseline=folder / (baseline or BASELINE),
        baseline_given=baseline is not None,
        seed=seed,
        deep=deep,
        trust=trust,
        history=None if history is None else folder / history,
        waivers=_there(folder / WAIVERS),
        sign_offs=_there(folder / SIGN_OFFS),
        packs=None if packs is None else folder / packs,
    )
    plan = _plan(policy, settings, given, extra_checks or {})
    engine = None if spark is None else Spark(lambda: spark)
    auditor = Auditor(plan, plan.policies[0], objects=held, engine=engine)
    findings = {
        plan.nodeid(plan.policies[0], node): auditor.finding(node)
        for node in plan.nodes(plan.policies[0])
    }
    return assemble(
        plan,
        findings,
        headers={plan.policies[0].name: auditor.header()},
        command="pytest_aipm.audit",
        started=now().isoformat(timespec="seconds"),
    )


def _there(path: Path) -> Path | None:
    return path if path.is_file() else None


def _plan(
    policy: str | Path | Mapping[str, Any],
    settings: Settings,
    given: Mapping[str, str | None],
    extra_checks: Mapping[str, ModuleType],
) -> Plan:
    if isinstance(policy, Mapping):
        catalog = Catalog(extra=extra_checks)
        read = policy_from(
            policy,
            path="policy",
            root=settings.root,
            catalog=catalog,
            given=given,
            packs=Library(settings.packs),
        )
        return complete(settings, [read], catalog)
    path = settings.root / policy
    if not path.exists() and Path(policy).exists():
        path = Path(policy).absolute()
    chosen = Settings(**{**vars(settings), "policies": (path,)})
    plan = load_plan(chosen, extra_checks=extra_checks, given=given)
    if len(plan.policies) != 1:
        raise OptionError(
            Problem(
                f"{policy} holds {len(plan.policies)} policies; the API audits one",
                "name one file",
            )
        )
    return plan


def check(
    name: str,
    *,
    nodeid: str,
    seed: int,
    root: Path,
    data: Any,
    model: Any = None,
    train: Any = None,
    label: str | None = None,
    positive: Any = None,
    favorable: Any = None,
    by: Any = None,
    limit: Any = None,
    warn: Any = None,
    decision: Any = None,
    task: str = "binary",
    predictions: str | None = None,
    scores: str | None = None,
    protected: Mapping[str, Any] | None = None,
    features: list[str] | None = None,
    weights: Any = None,
    cluster: str | None = None,
    trust: tuple[str, ...] = (),
    extra_checks: Mapping[str, ModuleType] | None = None,
    **params: Any,
) -> tuple[Audit, Finding]:
    """Run one check of the catalogue, as the fixture ``aipm`` does.

    Parameters
    ----------
    name : str
        Full name of the check.
    nodeid : str
        The test that asks, for messages and the record.
    seed : int
    root : Path
    data, model, train : objects or references
    label, positive, favorable, decision, task, predictions, scores, protected, features, \
weights, cluster
        As in a policy's ``subject``; a protected attribute named in `by` needs no declaration
        when its column has the same name.
    by, limit, warn, **params
        As in a policy's ``checks``.
    trust : tuple of str
        ``sha256:HEX`` of artifacts that may be opened although they can run code.
    extra_checks : mapping of full name to module, optional
        Checks that a hook registered.

    Returns
    -------
    audit, finding
        The head of the audit and the judged finding.
    """
    attributes = [by] if isinstance(by, str) else list(by or [])
    objects = {
        key: value
        for key, value in (("model", model), ("data", data), ("train", train))
        if value is not None
    }
    given = {key: value if isinstance(value, str) else None for key, value in objects.items()}
    subject = {
        "task": task,
        "label": label,
        "positive": positive,
        "favorable": favorable,
        "decision": decision,
        "predictions": predictions,
        "scores": scores,
        "features": features,
        "weights": weights,
        "cluster": cluster,
        "protected": {**{each: each for each in attributes}, **(protected or {})} or None,
    }
    asked = {
        "check": name,
        "id": name.rpartition(".")[2],
        "by": [attributes] if attributes else None,
        "limit": limit,
        "warn": warn,
        **params,
    }
    content = {
        "aipm": 1,
        "name": _policy_name(nodeid),
        "context": {"purpose": f"checked inside the test {nodeid}", "owner": "the test suite"},
        "subject": {key: value for key, value in subject.items() if value is not None},
        "checks": [{key: value for key, value in asked.items() if value is not None}],
    }
    settings = Settings(
        root=root,
        policies=(),
        report=root / REPORT,
        baseline=root / BASELINE,
        seed=seed,
        trust=trust,
    )
    catalog = Catalog(extra=extra_checks or {})
    policy = policy_from(content, path=nodeid, root=root, catalog=catalog, given=given)
    plan = complete(settings, [policy], catalog, compares=False)
    held = {key: value for key, value in objects.items() if not isinstance(value, str)}
    auditor = Auditor(plan, policy, objects=held)
    (node,) = policy.nodes()
    finding = auditor.finding(node)
    return auditor.header(), finding


def _policy_name(nodeid: str) -> str:
    """Return a test's node id as a policy name may be written."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "-" for c in nodeid)
