"""What is audited: shorthand written out, defaults filled in, contradictions refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pytest_aipm.policy.attributes import attribute_names, attributes
from pytest_aipm.policy.grammar import INTERNAL, DataRef, ModelRef, SubjectSpec
from pytest_aipm.policy.shorthand import Given, replaced, written_out
from pytest_aipm.policy.tasks import of_multiclass, of_ranking, one_output, within
from pytest_aipm.policy.tree import Faults, Map
from pytest_aipm.policy.weighting import weighting
from pytest_aipm.policy.words import closed, no_nulls, shape

__all__ = ["build_subject", "can_decide", "can_score"]


def build_subject(tree: Map, given: Given, root: Path, faults: Faults) -> SubjectSpec | None:
    """Return the subject, or None after noting what is wrong.

    Parameters
    ----------
    tree : Map
        What stands behind ``subject:``, merged.
    given : mapping
        See `Given`; replaces before anything is checked.
    root : Path
        Folder that references are relative to.
    faults : Faults
    """
    before = len(faults.problems)
    written = one_output(written_out(replaced(tree, given, root), faults), faults)
    no_nulls(written, faults)
    written = closed(written, SubjectSpec, faults, where="'subject'", hidden=INTERNAL)
    attribute_names(written.submap("protected"), faults)
    subject = shape(SubjectSpec, written, faults)
    if subject is None:
        return None
    for rule in _RULES:
        rule(subject, written, faults)
    _named(subject, written, given, faults)
    return _filled(subject, written) if len(faults.problems) == before else None


def can_score(subject: SubjectSpec) -> bool:
    """Return whether there are scores, or predicted numbers."""
    if subject.task == "regression":
        return subject.model is not None or subject.predictions is not None
    return subject.model is not None or subject.scores is not None


def can_decide(subject: SubjectSpec) -> bool:
    """Return whether every row gets a decision, or a predicted number."""
    if subject.task == "ranking":
        return subject.decision is not None and subject.decision.top_k is not None
    by_rule = subject.scores is not None and subject.decision is not None
    if subject.task == "multiclass":
        by_rule = subject.scores is not None
    return subject.model is not None or subject.predictions is not None or by_rule


# rules


def _source(subject: SubjectSpec, tree: Map, faults: Faults) -> None:
    """Model or columns, never both; columns that do not answer for each other."""
    columns = [key for key in ("predictions", "scores") if getattr(subject, key)]
    if subject.model is not None and columns:
        fix = "keep the model, or the columns with what it said"
        faults.add(
            tree.key_place(columns[0]), f"'model' and '{columns[0]}' exclude each other", fix
        )
    for key in columns:
        if getattr(subject, key) == subject.label:
            what = f"'{key}' and 'label' are the same column"
            faults.add(tree.place_of(key), what, "a label cannot judge itself")


def _named(subject: SubjectSpec, tree: Map, given: Given, faults: Faults) -> None:
    """Note data, train or a model that names no source, unless the caller brings it."""
    for key in ("model", "data", "train"):
        ref = getattr(subject, key)
        if key in given or ref is None or _sources(ref):
            continue
        if key in tree.entries:
            faults.add(tree.key_place(key), f"'{key}' names no 'path' and no 'factory'", "add one")
        else:
            faults.add(tree.place, f"'{key}' is missing in 'subject'", "say which rows are audited")


def _sources(ref: DataRef | ModelRef) -> list[str]:
    """Return which of the keys that say where something comes from are given."""
    keys = ("path", "factory", "table", "query")
    return [key for key in keys if getattr(ref, key, None) is not None]


def _features(subject: SubjectSpec, tree: Map, faults: Faults) -> None:
    """Note the label among the model's inputs."""
    for i, name in enumerate(subject.features or ()):
        if name == subject.label:
            what = f"'features' lists the label '{name}'"
            faults.add(tree.place_of("features", i), what, "a model must not see the answer")


def _refs(subject: SubjectSpec, tree: Map, faults: Faults) -> None:
    for key in ("model", "data", "train"):
        ref = getattr(subject, key)
        if ref is None:
            continue
        first, *others = [*_sources(ref), "path"]
        if len(others) > 1:
            what = f"'{first}' and '{others[0]}' of '{key}' exclude each other"
            faults.add(tree.submap(key).key_place(others[0]), what, "keep one")
        if ref.path is None and ref.sha256 is not None:
            what = f"a 'sha256' pins a file, not a {first}"
            faults.add(tree.place_of(key, "sha256"), what, "remove it")
    if subject.model is not None and subject.model.classes:
        _model_classes(subject, tree, faults)
    champion = subject.champion
    if champion is not None and (champion.ref is None) == (
        champion.predictions is None and champion.scores is None
    ):
        what = "'champion' is a reference to a model, or 'predictions' or 'scores'"
        faults.add(tree.key_place("champion"), what, "keep one kind")
    for key in ("predictions", "scores") if champion is not None else ():
        column = getattr(champion, key)
        if column is not None and column == getattr(subject, key):
            what = f"'champion' and the audited model are the same column, '{column}'"
            fix = "name the column that holds what the earlier model said"
            faults.add(tree.submap("champion").place_of(key), what, fix)


def _model_classes(subject: SubjectSpec, tree: Map, faults: Faults) -> None:
    """Note names of classes that say nothing, or leave out one that the policy speaks of."""
    model = subject.model
    assert model is not None  # noqa: S101 - asked by the caller
    place = tree.submap("model").key_place("classes")
    if model.factory is not None:
        fix = "remove it, and set classes_ on the object that the factory returns"
        faults.add(place, "'classes' names those of a file, not of a factory", fix)
    if subject.task == "regression":
        faults.add(
            place, "'classes' names classes, but a regression predicts a number", "remove it"
        )
        return
    for key in ("positive", "favorable"):
        value = getattr(subject, key)
        if value is not None and value not in model.classes:
            what = f"'{key}: {value}' is none of the model's 'classes'"
            faults.add(tree.place_of(key), what, "write it as one of them")


def _pairing(subject: SubjectSpec, tree: Map, faults: Faults) -> None:
    """Rows are found again by their id, and there is one earlier model to compare with."""
    if subject.pairing is None:
        return
    place = tree.key_place("pairing")
    if subject.id is None:
        fix = "name the column that identifies a row as 'id'"
        faults.add(place, "'pairing' finds rows again by their id, but there is no 'id'", fix)
    if subject.champion is not None:
        what = "'pairing' and 'champion' exclude each other: each is the model compared with"
        faults.add(place, what, "keep one")
    decides = subject.task == "binary" or subject.favorable or subject.decision is not None
    if not (decides and can_decide(subject)):
        what = "'pairing' compares decisions, but there are none"
        fix = "add 'predictions', a 'model', or a 'decision', or remove 'pairing'"
        faults.add(place, what, fix)


def _classes(subject: SubjectSpec, tree: Map, faults: Faults) -> None:
    given = [key for key in ("positive", "favorable") if getattr(subject, key) is not None]
    says = subject.model is not None or subject.predictions or subject.scores
    if subject.task == "binary" and not given and says:
        what = "neither 'positive' nor 'favorable' is given"
        fix = "name the class the score predicts and the decision that benefits a person"
        faults.add(tree.place, what, fix)
    if subject.task == "binary" and isinstance(subject.favorable, tuple):
        what = "'favorable' lists classes, but a binary task has one favorable decision"
        fix = "name one class, or write `task: multiclass`"
        faults.add(tree.place_of("favorable"), what, fix)
    if subject.task != "multiclass" and isinstance(subject.scores, dict):
        what = f"'scores' names a column for each class, but the task is {subject.task}"
        faults.add(tree.place_of("scores"), what, "name one column, or write `task: multiclass`")
    if subject.task in ("regression", "ranking"):
        does = "a regression predicts a number" if subject.task == "regression" else _RANKS
        for key in given:
            what = f"'{key}' names a class, but {does}"
            faults.add(tree.key_place(key), what, "remove it")
    if subject.task == "regression" and subject.scores is not None:
        what = "the predicted numbers of a regression stand under 'predictions'"
        faults.add(tree.key_place("scores"), what, "rename the key")


_RANKS = "a ranking orders rows"


def _decision(subject: SubjectSpec, tree: Map, faults: Faults) -> None:
    decision, place = subject.decision, tree.key_place("decision")
    if decision is None or subject.task in ("multiclass", "ranking"):
        return  # they have rules of their own
    if decision.threshold is not None and decision.top_k is not None:
        faults.add(place, "'threshold' and 'top_k' exclude each other", "keep one")
    if decision.threshold is None and decision.top_k is None:
        what = "'decision' has neither 'threshold' nor 'top_k'"
        faults.add(place, what, "add one, or remove 'decision'")
    if subject.task == "binary" and subject.predictions is not None:
        fix = "remove 'decision', or name 'scores' instead of 'predictions'"
        faults.add(place, "the column of 'predictions' holds decisions already", fix)
    if subject.task == "regression" and decision.favorable_when is None:
        what = "'favorable_when' is missing in 'decision'"
        faults.add(place, what, "say whether high or low predictions benefit a person")
    if subject.task == "binary" and decision.favorable_when not in (None, _side(subject)):
        _contradiction(subject, tree, faults)


def _contradiction(subject: SubjectSpec, tree: Map, faults: Faults) -> None:
    said = _side(subject)
    same = "the class" if said == "above" else "not the class"
    what = (
        f"'favorable_when: {'below' if said == 'above' else 'above'}' contradicts 'favorable', "
        f"which is {same} the score predicts"
    )
    fix = f"write `favorable_when: {said}`, or correct 'positive' and 'favorable'"
    faults.add(tree.place_of("decision", "favorable_when"), what, fix)


def _side(subject: SubjectSpec) -> str:
    """Return on which side of the threshold the favorable decision lies."""
    positive = subject.favorable if subject.positive is None else subject.positive
    favorable = subject.positive if subject.favorable is None else subject.favorable
    return "above" if positive == favorable else "below"


_RULES: tuple[Callable[[SubjectSpec, Map, Faults], None], ...] = (
    _source,
    _refs,
    _pairing,
    _classes,
    _decision,
    of_multiclass,
    of_ranking,
    within,
    _features,
    attributes,
    weighting,
)


# defaults


def _filled(subject: SubjectSpec, tree: Map) -> SubjectSpec:
    protected = {
        name: spec.model_copy(
            update={
                "column": spec.column or name,
                "line": tree.submap("protected").key_place(name).line,
            }
        )
        for name, spec in subject.protected.items()
    }
    update: dict[str, object] = {"protected": protected}
    if subject.task == "binary":
        update["positive"] = _other(subject.positive, subject.favorable)
        update["favorable"] = _other(subject.favorable, subject.positive)
    if subject.decision is not None and subject.decision.favorable_when is None:
        when = "above" if _side(subject) == "above" else "below"
        update["decision"] = subject.decision.model_copy(update={"favorable_when": when})
    return subject.model_copy(update=update)


def _other(one: object, two: object) -> object:
    return two if one is None else one
