"""Expressions of a policy, asked about the evaluation rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.passes import located
from pytest_aipm.expressions import Answer, Expression, ExpressionError

__all__ = ["answers", "refuse_answers"]


def answers(evidence: Evidence, expression: Expression, key: str) -> Answer:
    """Return what an expression gives for every evaluation row, in their order.

    Parameters
    ----------
    evidence : Evidence
    expression : Expression
        Its names are columns of the data.
    key : str
        Key of the policy that holds it, for errors.

    Raises
    ------
    CheckError
        When a column is not there, kinds do not fit, or it names the label or what the model says.
    """
    return evidence.once(("written", expression.text), lambda: _answers(evidence, expression, key))


def _answers(evidence: Evidence, expression: Expression, key: str) -> Answer:
    try:
        expression.require(evidence.data.columns)
        frame = _columns(evidence, expression)
        found = expression.evaluate({name: frame[name] for name in expression.names})
    except ExpressionError as error:
        raise _at(error, key) from None
    data, known = (np.broadcast_to(each, (len(frame),)) for each in (found.data, found.known))
    return Answer(found.kind, data, known, found.undefined)


def _columns(evidence: Evidence, expression: Expression) -> pd.DataFrame:
    """Return the columns that it names; those of a batch are of one kind only together."""
    names = list(expression.names)
    with located(evidence.data.ref):
        # without a name the rows still have to be counted
        parts = [
            batch[names] for batch in evidence.data.batches(names or evidence.data.columns[:1])
        ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names)


def refuse_answers(evidence: Evidence, expression: Expression, key: str) -> None:
    """Refuse an expression that knows what is to be found out: the label, or the model's answer.

    Raises
    ------
    CheckError
    """
    subject = evidence.subject
    roles = {
        "the label": subject.label,
        "the model's predictions": subject.predictions,
        "the model's scores": subject.scores,
        "the earlier model's predictions": subject.champion_predictions,
        "the earlier model's scores": subject.champion_scores,
    }
    for role, column in roles.items():
        if column is not None and column in expression.names:
            fix = "name columns that are known before the decision"
            raise CheckError(Problem(f"'{key}' uses {role} (column '{column}')", fix))


def _at(error: ExpressionError, key: str) -> CheckError:
    return CheckError([Problem(f"'{key}', {each.what}", each.fix) for each in error.problems])
