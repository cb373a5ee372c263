"""Whether the subject can bear a check: its task, its columns, its attributes."""

from __future__ import annotations

from types import ModuleType

from pytest_aipm.checks.base import Needs
from pytest_aipm.policy.grammar import KEYWORDS, SubjectSpec
from pytest_aipm.policy.ids import scope_id
from pytest_aipm.policy.model import CheckSpec
from pytest_aipm.policy.scopes import scopes_of, undeclared
from pytest_aipm.policy.subject import can_decide, can_score
from pytest_aipm.policy.tree import Faults, Map
from pytest_aipm.policy.words import did_you_mean

__all__ = ["attributes_fit", "decides_too", "subject_fits", "subject_lacks"]


def attributes_fit(
    tree: Map, defaults: Map, attributes: tuple[str, ...], scopes: str, faults: Faults
) -> None:
    """Note attributes in `by` that are not declared, and groups that are asked of nobody."""
    by = tree.get("by") or (defaults.get("by") if scopes != "overall" else None)
    if by is not None:
        undeclared(scopes_of(by, Faults()), attributes, faults)
    elif scopes == "groups" and not attributes:
        what = f"'{tree.text('check')}' compares groups, but subject.protected declares none"
        faults.add(tree.place_of("check"), what, "declare a protected attribute")


def subject_fits(
    spec: CheckSpec, module: ModuleType, subject: SubjectSpec, tree: Map, faults: Faults
) -> None:
    """Note what the check needs and the subject does not give."""
    lacking = subject_lacks(spec, module, subject)
    for what, fix in lacking:
        faults.add(tree.place_of("check"), what, fix)
    if not lacking or _bears_task(spec, module, subject):
        _references(spec, subject, tree, faults)


def subject_lacks(
    spec: CheckSpec, module: ModuleType, subject: SubjectSpec
) -> list[tuple[str, str]]:
    """Return what the check needs and the subject does not give, each with how to mend it."""
    if not _bears_task(spec, module, subject):
        what = (
            f"'{spec.check}' is for {' or '.join(_tasks(module))}, but the task is {subject.task}"
        )
        return [(what, "remove it, or set `enabled: false`")]
    told = next(iter(spec.params.values()))
    unfit = told.unfit(subject.task, favorable=subject.favorable is not None)
    if unfit is not None:
        return [unfit]
    needs = spec.needs
    asked = (
        (needs.train, subject.train is not None, "training rows", "'train'"),
        (needs.model, subject.model is not None, "a model it can call", "'model'"),
        (needs.label or needs.answer, subject.label is not None, "a label", "'label'"),
        (needs.scores, can_score(subject), "scores", _SCORES.get(subject.task, _SCORES[""])),
        (
            needs.predictions,
            can_decide(subject),
            "decisions",
            _DECISIONS.get(subject.task, _DECISIONS[""]),
        ),
    )
    return [
        (
            f"'{spec.check}' needs {what}",
            f"add {key} to the subject, or set `enabled: false`",
        )
        for needed, there, what, key in asked
        if needed and not there
    ]


_SCORES = {
    "": "'scores', or a 'model'",
    "multiclass": "'scores' with a column for each class, or a 'model'",
}
_DECISIONS = {
    "": "'predictions', a 'model', or a 'decision' beside 'scores'",
    "multiclass": "'predictions', a 'model', or 'scores' with a column for each class",
    "ranking": "'top_k', in 'decision',",
}
"""What gives scores and decisions, by task."""


def _tasks(module: ModuleType) -> tuple[str, ...]:
    return tuple(getattr(module, "TASKS", ("binary",)))


def _bears_task(spec: CheckSpec, module: ModuleType, subject: SubjectSpec) -> bool:
    return subject.task in _tasks(module) or _of_decisions(spec, subject)


def _of_decisions(spec: CheckSpec, subject: SubjectSpec) -> bool:
    """Return whether a check looks at decisions alone, and a task of no two classes takes some."""
    return decides_too(subject) and spec.needs == Needs(predictions=True)


def decides_too(subject: SubjectSpec) -> bool:
    """Return whether a task of no two classes takes decisions."""
    if subject.task == "multiclass":
        return subject.favorable is not None
    return subject.task != "binary" and subject.decision is not None


def _references(spec: CheckSpec, subject: SubjectSpec, tree: Map, faults: Faults) -> None:
    """Note a reference that is no group of the attribute it is compared within."""
    place = tree.place_of("reference")
    if spec.scopes == ((),):
        if "reference" in tree.entries:
            faults.add(place, "'reference' compares groups, but there is no 'by'", "remove it")
        return
    for scope, params in spec.params.items():
        reference = params.reference
        if reference is None or reference in KEYWORDS:
            continue
        known = subject.protected[scope[0]].groups or subject.protected[scope[0]].labels
        if len(scope) > 1:
            what = f"the reference '{reference}' names a group of one attribute"
            faults.add(place, f"{what}, not of '{scope_id(scope)}'", "use highest or largest")
        elif known and reference not in known:
            what = f"the reference '{reference}' is no group of '{scope[0]}'"
            faults.add(place, what, did_you_mean(reference, known))
