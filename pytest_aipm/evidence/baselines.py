"""What could stand in a model's place: one answer for all, a line, or a rule of the policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pytest_aipm.errors import CheckError, DataError, Problem
from pytest_aipm.evidence.decide import (
    best_share,
    favorable_mask,
    matches,
    numeric,
    positive_mask,
    refuse_missing,
)
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.linear import linear, same_classes
from pytest_aipm.evidence.passes import located
from pytest_aipm.evidence.subject import class_name
from pytest_aipm.evidence.train import MARGINS
from pytest_aipm.evidence.written import answers, refuse_answers
from pytest_aipm.expressions import Answer, Expression
from pytest_aipm.sources.model import Prediction

__all__ = ["Predicts", "Said", "by_line", "by_majority", "by_rule"]

Predicts = Literal["favorable", "positive"]

SHOWN = 60
"""Letters of a rule that a sentence repeats."""


@dataclass(frozen=True, eq=False)
class Said:
    """What a model, or what stands in its place, says of n rows.

    Attributes
    ----------
    name : str
        As a sentence calls it.
    positive : bool array of shape (n,) or None
        Where it says the positive class.
    score : float array of shape (n,) or None
        Of the positive class, or the predicted number.
    notes : tuple of str
        What a reader must know of it.
    """

    name: str
    positive: np.ndarray | None
    score: np.ndarray | None
    notes: tuple[str, ...] = ()


def by_majority(evidence: Evidence, label: np.ndarray, *, middle: bool) -> Said:
    """Return the one answer that fits most rows: the commonest class, the mean or the median.

    It is learned from the training rows where the policy names them, else from the evaluation rows
    themselves.

    Parameters
    ----------
    evidence : Evidence
    label : array of shape (n,)
        Of the evaluation rows: 1 for the positive class, or numbers.
    middle : bool
        The median of numbers instead of the mean.
    """
    notes: tuple[str, ...] = ()
    if evidence.train is not None:
        known, where = _trained(evidence), "the training rows"
    else:
        known, where = label, "these rows"
        notes = ("without training rows the one answer was chosen on the rows it is tried on",)
    n = len(label)
    if evidence.subject.task == "regression":
        value = float(np.median(known) if middle else known.mean())
        name = f"always saying {value:.4g} (the {'median' if middle else 'mean'} of {where})"
        return Said(name, None, np.full(n, value), notes)
    share = float(known.mean())
    often = "always" if share > 0.5 else "never"
    name = f"{often} saying {class_name(evidence.subject.positive)} (as most of {where})"
    return Said(name, np.full(n, share > 0.5), np.full(n, share), notes)


def _trained(evidence: Evidence) -> np.ndarray:
    """Return the labels of the training rows."""
    train, name = evidence.train, evidence.subject.label
    assert train is not None  # noqa: S101 - the caller looked
    assert name is not None  # noqa: S101 - checked by the plan
    train.require([name], evidence.subject.where("train"))
    parts = []
    with located(train.ref):
        for batch in train.batches([name]):
            if evidence.subject.task == "regression":
                parts.append(numeric(batch[name], "label", name))
                continue
            refuse_missing(batch[name], "label", name)
            same_classes(evidence, batch[name])
            parts.append(matches(batch[name], evidence.subject.positive).astype(float))
        found = np.concatenate(parts) if parts else np.empty(0)
        if not len(found):
            raise DataError(Problem("there are no training rows", "name a file that has some"))
    return found


def by_line(evidence: Evidence, score: np.ndarray | None) -> Said:
    """Return what a linear model fitted on the training rows says; see `linear`.

    It decides as the policy says the model does: by the same threshold where that is a
    probability, or on as many rows; else by the likelier class.

    Parameters
    ----------
    evidence : Evidence
    score : float array of shape (n,) or None
        The model's own scores.
    """
    found = linear(evidence)
    notes = []
    if found.learned < found.total:
        notes.append(f"the line learned from {found.learned:,} of {found.total:,} training rows")
    if evidence.subject.task == "regression":
        return Said("a ridge regression on the same columns", None, found.said, tuple(notes))
    positive, note = _decided(evidence, found.said, score)
    notes += [note] * bool(note)
    return Said("a logistic regression on the same columns", positive, found.said, tuple(notes))


def _decided(
    evidence: Evidence, chance: np.ndarray, score: np.ndarray | None
) -> tuple[np.ndarray, str]:
    """Return where a chance of the positive class decides for it, and what to know of that."""
    subject, decision = evidence.subject, evidence.subject.decision
    if decision is None:
        return chance >= 0.5, ""
    if decision.within is not None:
        what = "a line decides on each row, `within` among the rows of a query"
        raise CheckError(Problem(what, "compare by a metric of scores, such as roc_auc"))
    if decision.top_k is not None:
        best = best_share(chance, decision.top_k, highest=decision.favorable_when == "above")
        return positive_mask(subject, best), ""
    assert decision.threshold is not None  # noqa: S101 - the grammar wants one of the two
    kind = None if evidence.model is None else evidence.model.score_kind
    likely = score is not None and len(score) > 0 and 0 <= score.min() <= score.max() <= 1
    if kind in MARGINS or not likely or not 0 < decision.threshold < 1:
        return chance >= 0.5, "the line decides by the likelier class: the model's scores are none"
    return positive_mask(subject, favorable_mask(subject, Prediction(chance, None))), ""


def by_rule(
    evidence: Evidence,
    rule: Expression,
    *,
    predicts: Predicts,
    otherwise: bool | float | None,
    scores: bool,
) -> Said:
    """Return what a rule says.

    Parameters
    ----------
    evidence : Evidence
    rule : Expression
        A condition; arithmetic for numbers, and as a score.
    predicts : {"favorable", "positive"}
        What it says where it holds, or where its number is high.
    otherwise : bool, float or None
        Its answer where a value that it asks for is missing; None is false for a condition, and
        refused for a number.
    scores : bool
        Whether the metric takes numbers for an answer.

    Raises
    ------
    CheckError
        When it fits neither the columns nor the metric, or says the same of every row.
    """
    refuse_answers(evidence, rule, "rule")
    found = answers(evidence, rule, "rule")
    shown = rule.text.strip() if len(rule.text) <= SHOWN else rule.text[: SHOWN - 1] + "…"
    name = f"the rule '{' '.join(shown.split())}'"
    if evidence.subject.task == "regression" or found.kind == "number":
        return _by_number(evidence, found, name, predicts, otherwise, scores=scores)
    if found.kind not in ("truth", "nothing"):
        problem = rule.fault("the answer is neither true nor false", "compare it with something")
        raise CheckError(Problem(f"'rule', {problem.what}", problem.fix))
    holds = found.truth(otherwise=bool(otherwise))
    _refuse_same(found, name, holds)
    positive = holds if predicts == "positive" else positive_mask(evidence.subject, holds)
    notes = _unknown(found, f"it was taken for {'true' if otherwise else 'false'} there")
    return Said(name, positive, positive.astype(float), notes)


def _by_number(
    evidence: Evidence,
    found: Answer,
    name: str,
    predicts: Predicts,
    otherwise: bool | float | None,
    *,
    scores: bool,
) -> Said:
    if not scores:
        what = f"{name} gives numbers, but the metric asks for decisions"
        raise CheckError(Problem(what, "compare its number with something, or use roc_auc"))
    if found.kind not in ("number", "nothing"):
        what = f"{name} gives no numbers"
        raise CheckError(Problem(what, "write arithmetic over columns"))
    numbers = found.numbers()
    if found.unknown:
        if otherwise is None or isinstance(otherwise, bool):
            what = f"{name} gives no number for {found.unknown:,} of {len(numbers):,} rows"
            raise CheckError(Problem(what, "say with `otherwise: NUMBER` what it says there"))
        numbers = np.where(found.known, numbers, float(otherwise))
    _refuse_same(found, name, numbers)
    binary = evidence.subject.task == "binary"
    if binary and predicts == "favorable" and not evidence.subject.favors_positive:
        numbers = -numbers
    return Said(name, None, numbers, _unknown(found, f"it was taken for {otherwise} there"))


def _refuse_same(found: Answer, name: str, said: np.ndarray) -> None:
    """Refuse a rule that tells no row from another: to beat it would prove nothing."""
    if len(said) and (said != said[0]).any():
        return
    if not found.known.any():
        what, fix = f"{name} has no answer for any row", "name columns that hold values"
    else:
        shown = str(bool(said[0])).lower() if said.dtype == bool else f"{float(said[0]):g}"
        what = f"{name} says {shown} of every row"
        fix = "correct it, or compare with `against: majority`"
    raise CheckError(Problem(what, fix))


def _unknown(found: Answer, taken: str) -> tuple[str, ...]:
    if not found.unknown:
        return ()
    why = f", {found.undefined:,} of them by a division by zero" if found.undefined else ""
    return (
        f"the rule has no answer for {found.unknown:,} of {len(found.known):,} rows{why}; {taken}",
    )
