"""How a policy is read, in one sentence. A wrong sign inverts an audit without a sound."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_aipm.policy.grammar import Decision, SubjectSpec
from pytest_aipm.policy.weighting import weighting_words

__all__ = ["either", "reading", "top"]


def reading(subject: SubjectSpec) -> str:
    """Return how `positive`, `favorable` and `decision` are read.

    Parameters
    ----------
    subject : SubjectSpec
        With its defaults filled in.

    Returns
    -------
    str
        For example "class 1 = defaulted is what the score predicts; the favorable decision is 0,
        taken when score < 0.35".
    """
    return _reading(subject) + weighting_words(subject)


def _reading(subject: SubjectSpec) -> str:
    if not (subject.model or subject.predictions or subject.scores):
        what = f", of which '{subject.label}' is the answer" if subject.label else ""
        return f"the rows alone are audited{what}; no model is asked, and no decision is looked at"
    if subject.task == "regression":
        return _regression(subject)
    if subject.task == "multiclass":
        return _multiclass(subject)
    if subject.task == "ranking":
        return _ranking(subject)
    of_label = f" = {subject.label}" if subject.label else ""
    by = "what the score predicts" if _has_scores(subject) else "what is predicted"
    said = f"class {_shown(subject.positive)}{of_label} is {by}"
    favorable = _shown(subject.favorable)
    rule = _rule(subject.decision, "score") if subject.decision else _own_rule(subject, favorable)
    if rule is None:
        return f"{said}; the favorable decision would be {favorable}, but no rule takes it"
    return f"{said}; the favorable decision is {favorable}, taken {rule}"


def _regression(subject: SubjectSpec) -> str:
    source = f"column '{subject.predictions}'" if subject.predictions else "the model's own predict"
    said = f"{subject.label or 'a number'} is predicted as a number by {source}"
    if subject.decision is None:
        return f"{said}; no decision is taken from it"
    return f"{said}; the favorable decision is taken {_rule(subject.decision, 'the prediction')}"


def _multiclass(subject: SubjectSpec) -> str:
    if subject.predictions:
        source = f"column '{subject.predictions}'"
    elif subject.scores:
        source = "the highest of its scores"
    else:
        source = "the model's own predict"
    said = f"the class of {subject.label or 'a row'} is predicted by {source}"
    if not isinstance(subject.favorable, tuple):
        return f"{said}; no class is favorable, so checks look at each class against the rest"
    good = either(subject.favorable)
    them = "that class" if len(subject.favorable) == 1 else "one of them"
    deserved = f", deserved when {subject.label} is {them}" if subject.label else ""
    return f"{said}; the favorable decision is {good}, taken when {them} is predicted{deserved}"


def either(classes: Sequence[object]) -> str:
    """Return classes as YAML writes them: "gold or silver"."""
    shown = [_shown(each) for each in classes]
    return " or ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def _ranking(subject: SubjectSpec) -> str:
    decision = subject.decision
    assert decision is not None  # noqa: S101 - a ranking is refused without
    first = "highest" if decision.favorable_when == "above" else "lowest"
    source = f"column '{subject.scores}'" if subject.scores else "the model's own predict"
    said = (
        f"rows with the same '{decision.within}' are ranked against each other by {source}, "
        f"the {first} first"
    )
    if subject.label:
        said += f"; {subject.label} is how relevant a row is"
    if decision.top_k is None:
        return f"{said}; no decision is taken from it"
    return f"{said}; the favorable decision is taken {_rule(decision, 'the score')}"


def _has_scores(subject: SubjectSpec) -> bool:
    return subject.model is not None or subject.scores is not None


def _own_rule(subject: SubjectSpec, favorable: str) -> str | None:
    if subject.predictions:
        return f"when column '{subject.predictions}' says {favorable}"
    return f"when the model's own predict says {favorable}" if subject.model else None


def _rule(decision: Decision, score: str) -> str:
    above = decision.favorable_when == "above"
    if decision.top_k is not None:
        scores = f"{score}s".replace("the ", "")
        end = "highest" if above else "lowest"
        among = f" of each '{decision.within}'" if decision.within else ""
        return f"for the {top(decision.top_k)} with the {end} {scores}{among}"
    assert decision.threshold is not None  # noqa: S101 - the grammar wants one of the two
    return f"when {score} {'>=' if above else '<'} {decision.threshold:.10g}"


def top(k: float) -> str:
    """Return how many rows `top_k` takes: "10 % of rows", or "10 rows"."""
    if k < 1:
        return f"{100 * k:.6g} % of rows"
    return "one row" if k == 1 else f"{k:,} rows"


def _shown(value: object) -> str:
    """Return a class as YAML writes it, so that 1 and '1' can be told apart."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and not value.isalpha():
        return f"'{value}'"
    return str(value)
