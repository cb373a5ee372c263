"""How a policy is read, in one sentence. A wrong sign inverts an audit without a sound."""

from __future__ import annotations

from pytest_aipm.policy.grammar import Decision, SubjectSpec
from pytest_aipm.policy.weighting import weighting_words

__all__ = ["reading"]


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
    if subject.task == "regression":
        return _regression(subject)
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


def _has_scores(subject: SubjectSpec) -> bool:
    return subject.model is not None or subject.scores is not None


def _own_rule(subject: SubjectSpec, favorable: str) -> str | None:
    if subject.predictions:
        return f"when column '{subject.predictions}' says {favorable}"
    return f"when the model's own predict says {favorable}" if subject.model else None


def _rule(decision: Decision, score: str) -> str:
    above = decision.favorable_when == "above"
    if decision.top_k is not None:
        share = f"{100 * decision.top_k:.6g} %"
        scores = f"{score}s".replace("the ", "")
        return f"for the {share} of rows with the {'highest' if above else 'lowest'} {scores}"
    assert decision.threshold is not None  # noqa: S101 - the grammar wants one of the two
    return f"when {score} {'>=' if above else '<'} {decision.threshold:.10g}"


def _shown(value: object) -> str:
    """Return a class as YAML writes it, so that 1 and '1' can be told apart."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and not value.isalpha():
        return f"'{value}'"
    return str(value)
