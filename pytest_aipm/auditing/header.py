"""The head of an audit: which policy, which model, which rows, which groups."""

from __future__ import annotations

from typing import Any

from pytest_aipm.auditing.opening import subject_of
from pytest_aipm.auditing.plan import Plan
from pytest_aipm.clock import today
from pytest_aipm.errors import MeasurementError
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.names import protected_looking
from pytest_aipm.evidence.subject import Classes
from pytest_aipm.policy.fit import decides_too
from pytest_aipm.policy.model import DataRef, Policy, Weights
from pytest_aipm.policy.reading import top
from pytest_aipm.records import (
    AttributeInfo,
    Audit,
    AuditGroup,
    ClauseInfo,
    DataInfo,
    Missing,
    ModelInfo,
    NotTested,
    PairingInfo,
    Period,
    PolicyInfo,
    RunVerdict,
    Subject,
    Undeclared,
)
from pytest_aipm.sources.data import DataSource

__all__ = ["header_of", "pairing_of"]

AGREES = (
    "the champion decides every row as the audited model does, so no change of decisions can show: "
    "see that it is the earlier model"
)


def header_of(plan: Plan, policy: Policy, evidence: Evidence | None) -> Audit:
    """Return an audit without findings; what is not known yet is left out.

    Parameters
    ----------
    plan : Plan
    policy : Policy
    evidence : Evidence or None
        None before, or when, data and model could not be opened.
    """
    approved = plan.approved(policy)
    return Audit(
        policy=PolicyInfo(
            name=policy.name,
            path=policy.path,
            sha256=policy.sha256,
            text=policy.text,
            extends=policy.extends,
            loosened=policy.loosened,
            min_cell=policy.publish.min_cell,
            rows=policy.publish.rows or None,
        ),
        context=policy.context,
        verdict=RunVerdict.UNPROVEN,
        subject=_subject(policy, evidence),
        baseline=None if approved is None else approved.ref,
        pairing=pairing_of(plan, policy, evidence),
        groups=_groups(evidence),
        missing=_missing(evidence),
        not_tested=_not_tested(plan, policy),
        undeclared=_undeclared(policy, evidence),
        warnings=_warnings(plan, policy, evidence),
        packs=tuple(pack.info(today()) for pack in policy.packs),
        clauses=tuple(
            ClauseInfo(check_id=check.id, clauses=check.clauses, asks=check.asks, basis=check.basis)
            for check in policy.checks
            if check.clauses
        ),
    )


def pairing_of(plan: Plan, policy: Policy, evidence: Evidence | None) -> PairingInfo | None:
    """Return whether and how rows are paired; None where nobody asks or rows are not read yet."""
    pairable = plan.pairables.get(policy.name)
    if pairable is None:
        return None
    if pairable.pairing is None:
        return PairingInfo(paired=False, said=pairable.why)
    if evidence is None or not evidence.counted or evidence.joined is None:
        return None
    joined = evidence.joined
    return PairingInfo(paired=joined.decisions is not None, said=joined.said)


def _subject(policy: Policy, evidence: Evidence | None) -> Subject:
    spec = policy.subject
    counted = evidence is not None and evidence.counted
    return Subject(
        task=spec.task,
        label=spec.label,
        positive=_text(spec.favorable if spec.task == "multiclass" else spec.positive),
        favorable=_text(spec.favorable),
        decision=_decision(policy),
        reading=policy.reading(),
        weights=None if spec.weights is None else _weights(spec.weights),
        cluster=subject_of(policy).cluster,
        model=_model(policy, evidence),
        data=_data(
            spec.data,
            None if evidence is None else evidence.data,
            rows=evidence.n if evidence is not None and counted else None,
            period=_period(evidence) if evidence is not None and counted else None,
        ),
        train=None
        if spec.train is None
        else _data(spec.train, None if evidence is None else evidence.train),
        features=()
        if evidence is None or evidence.model is None
        else tuple(evidence.feature_columns()),
        attributes=tuple(
            AttributeInfo(
                name=name,
                column=each.column or name,
                bins=each.bins,
                labels=each.labels,
                groups=each.groups,
            )
            for name, each in spec.protected.items()
        ),
    )


def _weights(weights: Weights) -> str:
    named = {"sampling": "sampling weights", "frequency": "frequencies"}
    return f"{named[weights.kind]} in column {weights.column}"


def _text(value: object) -> str | None:
    if isinstance(value, tuple):
        return str(Classes(value))
    return None if value is None else str(value)


def _decision(policy: Policy) -> str:  # noqa: PLR0911 - a sentence for each kind of rule
    rule = subject_of(policy).decision
    if rule is not None and rule.top_k is not None:
        which = "highest" if rule.favorable_when == "above" else "lowest"
        if rule.within is None and rule.top_k < 1:
            return f"favorable for the {rule.top_k:.4g} of rows with the {which} score"
        among = f" of each {rule.within}" if rule.within else ""
        return f"favorable for the {top(rule.top_k)} with the {which} score{among}"
    if rule is not None and rule.threshold is None:
        return "predicted order; no decision"
    if rule is not None:
        sign = ">=" if rule.favorable_when == "above" else "<"
        return f"favorable when score {sign} {rule.threshold:g}"
    spec = policy.subject
    if spec.task == "regression":
        return "predicted value; no decision"
    if spec.predictions is not None:
        return f"column {spec.predictions}"
    if isinstance(spec.scores, dict):
        return "the class with the highest score"
    return "the model's own predict"


def _model(policy: Policy, evidence: Evidence | None) -> ModelInfo:
    model = None if evidence is None else evidence.model
    if model is not None:
        return ModelInfo(
            ref=model.ref, kind=model.kind, sha256=model.sha256, trusted_by=model.trusted_by
        )
    spec = policy.subject
    if spec.model is not None:
        return ModelInfo(ref=spec.model.path or spec.model.factory or "given", kind="not opened")
    scores = spec.scores.values() if isinstance(spec.scores, dict) else (spec.scores,)
    columns = ", ".join(each for each in (spec.predictions, *scores) if each)
    return ModelInfo(ref=columns, kind="predictions in the data")


def _data(
    ref: DataRef,
    source: DataSource | None,
    *,
    rows: int | None = None,
    period: Period | None = None,
) -> DataInfo:
    """Return which rows there are; those without weight stand for nobody and do not count."""
    if source is None:
        return DataInfo(ref=ref.path or ref.factory or "given")
    return DataInfo(
        ref=source.ref,
        rows=rows,
        sha256=source.sha256,
        joined=dict(getattr(source, "joined", ())),
        period=period,
        salt=source.salt or None,
    )


def _period(evidence: Evidence) -> Period | None:
    column, days = evidence.subject.date, evidence.days
    if column is None or days is None:
        return None
    return Period(column=column, **vars(days))


def _missing(evidence: Evidence | None) -> Missing | None:
    """Return how many values the features lack, once the model was asked about all rows."""
    if evidence is None or not evidence.counted or evidence.missing is None:
        return None
    lacking = {column: n for column, n in evidence.missing.items() if n}
    return Missing(rows=evidence.data.rows, features=len(evidence.missing), columns=lacking)


def _groups(evidence: Evidence | None) -> tuple[AuditGroup, ...]:
    if evidence is None or not evidence.counted:
        return ()
    found: list[AuditGroup] = []
    for attribute in evidence.subject.attributes:
        try:
            counts = evidence.counts((attribute.name,), "group")
        except Exception:  # noqa: BLE001, S112 - the check that asks for it says what is wrong
            continue
        labelled = counts.table.shape[1] == 2
        people = counts.people
        for i, group in enumerate(counts.grouping.groups):
            found.append(
                AuditGroup(
                    group=group,
                    n=int(counts.sizes[i]),
                    positives=int(counts.table[i, 1].sum()) if labelled else None,
                    people=None if people is None else int(people[i]),
                )
            )
        there = {group[attribute.name] for group in counts.grouping.groups}
        found += [
            AuditGroup(group={attribute.name: name}, n=0)
            for name in (*attribute.names(), *attribute.optional)
            if name not in there
        ]
    return tuple(found)


def _warnings(plan: Plan, policy: Policy, evidence: Evidence | None) -> tuple[str, ...]:
    said = [concern for pack in policy.packs for concern in pack.concerns(today())]
    if evidence is None:
        return tuple(said)
    opened = (evidence, evidence.data, evidence.train, evidence.model, evidence.champion)
    said += [text for each in opened if each for text in each.warnings]
    pairing = pairing_of(plan, policy, evidence)
    if pairing is not None and not pairing.paired:
        said.append(f"not paired with the approved rows, two samples instead: {pairing.said}")
    if evidence.counted and evidence.champion_agrees:
        said.append(AGREES)
    return tuple(dict.fromkeys(said))


def _not_tested(plan: Plan, policy: Policy) -> tuple[NotTested, ...]:
    """Return the checks that the policy could ask for and does not."""
    used = {check.check for check in policy.checks if check.enabled}
    task, decides = policy.subject.task, decides_too(policy.subject)
    return tuple(
        NotTested(
            check=name,
            question=_question(plan, name),
            leaves_open=" ".join(plan.catalog.left_out(name).split()),
            sibling=next((each for each in _siblings(name) if each in used), ""),
        )
        for name in plan.catalog.names()
        if name not in used and plan.catalog.applies(name, task, decides=decides)
    )


def _siblings(name: str) -> tuple[str, ...]:
    """Return the check that compares the same rates in the other way."""
    stem, _, way = name.rpartition("_")
    other = {"difference": "ratio", "ratio": "difference"}.get(way)
    return () if other is None else (f"{stem}_{other}",)


def _question(plan: Plan, name: str) -> str:
    docs: Any = plan.catalog.docs(name)
    return " ".join(str(docs.question or docs.title).split())


def _undeclared(policy: Policy, evidence: Evidence | None) -> tuple[Undeclared, ...]:
    """Return columns that look like a protected attribute and are none; labels and ids are none."""
    if evidence is None:
        return ()
    try:
        features = set(evidence.feature_columns())
    except MeasurementError:
        features = set()
    declared = {each.column or name for name, each in policy.subject.protected.items()}
    told = {*declared, *policy.subject.protected, *(evidence.subject.roles() - features)}
    columns = [each for each in evidence.data.columns if each not in told]
    return tuple(
        Undeclared(column=column, looks_like=looks, feature=column in features)
        for column, looks in protected_looking(columns).items()
    )
