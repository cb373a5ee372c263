"""What a multiclass task and a ranking ask of a subject; rows that are ranked together."""

from __future__ import annotations

from pytest_aipm.policy.grammar import SubjectSpec
from pytest_aipm.policy.tree import Faults, Map, Seq

__all__ = ["of_multiclass", "of_ranking", "one_output", "within"]


def one_output(tree: Map, faults: Faults) -> Map:
    """Note several labels or predictions at once; return the tree without them."""
    for key in ("label", "predictions"):
        value = tree.get(key)
        if isinstance(value, Seq):
            what = f"'{key}' lists {len(value.items)} columns, but one output is audited at a time"
            faults.add(value.place, what, "write a policy for each of them")
            tree = tree.without(key)
    return tree


def of_multiclass(subject: SubjectSpec, tree: Map, faults: Faults) -> None:
    """Note what belongs to two classes, and scores that do not say whose they are."""
    if subject.task != "multiclass":
        return
    if subject.positive is not None:
        what = "'positive' is the class of a binary score; a multiclass task has several"
        fix = "name the good outcomes as `favorable`, or one class at a check as `class`"
        faults.add(tree.key_place("positive"), what, fix)
    if subject.decision is not None:
        what = "'decision' turns one score into a decision; here the predicted class decides"
        fix = "remove it and list the good classes under `favorable`"
        faults.add(tree.key_place("decision"), what, fix)
    good = subject.favorable if isinstance(subject.favorable, tuple) else ()
    for i, value in enumerate(good):
        if value in good[:i]:
            what = f"'favorable' names {value} twice"
            faults.add(tree.place_of("favorable", i), what, "name each class once")
    if subject.favorable == ():
        what = "'favorable' lists no class"
        faults.add(tree.place_of("favorable"), what, "name the classes that are good for a person")
    if isinstance(subject.scores, str):
        what = f"'scores: {subject.scores}' does not say which class it is of"
        fix = "name a column for each class: `scores: {CLASS: COLUMN, ...}`"
        faults.add(tree.place_of("scores"), what, fix)
    if isinstance(subject.scores, dict):
        _scores(subject.scores, subject, tree, faults)
    if subject.champion is not None and subject.champion.scores is not None:
        what = "the earlier model of a multiclass task is compared by the class it predicts"
        fix = "name its column of predicted classes as `predictions`"
        faults.add(tree.submap("champion").key_place("scores"), what, fix)


def _scores(scores: dict[str, str], subject: SubjectSpec, tree: Map, faults: Faults) -> None:
    if len(scores) < 2:
        what = "'scores' names fewer than two classes"
        faults.add(tree.place_of("scores"), what, "name a column for each class")
    taken: dict[str, str] = {}
    for name, column in scores.items():
        other = taken.setdefault(column, name)
        if other != name:
            what = f"classes '{other}' and '{name}' have the same column of scores, '{column}'"
            faults.add(tree.place_of("scores", name), what, "name a column for each class")
        if column in (subject.label, subject.predictions):
            what = f"column '{column}' holds classes, not the scores of '{name}'"
            faults.add(tree.place_of("scores", name), what, "name a column of numbers")


def of_ranking(subject: SubjectSpec, tree: Map, faults: Faults) -> None:
    """Note a ranking that does not say what is ranked together, or by what."""
    if subject.task != "ranking":
        return
    decision = subject.decision
    if subject.predictions is not None:
        what = "the numbers that a ranking orders by stand under 'scores'"
        faults.add(tree.key_place("predictions"), what, "rename the key")
    if decision is None or decision.within is None:
        place = tree.place if decision is None else tree.key_place("decision")
        what = "a ranking needs `decision: {within: COLUMN}`"
        fix = "name the column of the query: rows with the same value are ranked against each other"
        faults.add(place, what, fix)
    if decision is not None and decision.threshold is not None:
        what = "'threshold' decides on each row by itself, a ranking on rows of one query"
        faults.add(tree.submap("decision").key_place("threshold"), what, "use `top_k`")


def within(subject: SubjectSpec, tree: Map, faults: Faults) -> None:
    """Note rows that are ranked together by a column that is something else, or by nothing."""
    decision = subject.decision
    column = None if decision is None else decision.within
    if decision is None or column is None:
        return
    place = tree.place_of("decision", "within")
    if subject.task in ("binary", "regression") and decision.top_k is None:
        what = "'within' says among which rows the best are chosen, but there is no 'top_k'"
        faults.add(place, what, "add `top_k`, or remove 'within'")
    protected = {each.column or name: name for name, each in subject.protected.items()}
    roles = {
        "label": subject.label,
        "scores": subject.scores,
        "predictions": subject.predictions,
        "id": subject.id,
    }
    for role, other in (*roles.items(), *((f"protected.{v}", k) for k, v in protected.items())):
        if other == column:
            what = f"'within' and '{role}' are the same column"
            fix = "name the column that says which rows are ranked against each other"
            faults.add(place, what, fix)
    if subject.cluster not in (None, column):
        what = "rows of one query depend on each other, so 'within' is the cluster already"
        faults.add(tree.key_place("cluster"), what, "remove 'cluster'")
    if subject.weights is not None:
        what = "'weights' and 'within' exclude each other: a query's places are given to rows"
        faults.add(tree.key_place("weights"), what, "remove 'weights'")
