"""How much better the model is than one answer for all, a linear model or a written rule.

## Question
Does this need a model at all, or would something anybody understands do as well?

## How it is measured
The metric of the model minus that of the baseline on the same evaluation rows, with the sign turned
so that positive is better: errors and losses count what the model saves. `against` names one
baseline or a list of them; with several the value is the distance to the one that comes closest.

- `majority`: one answer for all rows. The commonest class of the training rows (for numbers their
  mean, or the median for the absolute error); its score is the share of positives. Without training
  rows it is chosen on the evaluation rows, and the finding says so.
- `linear`: a logistic or ridge regression on the model's own columns, fitted on at most 20,000
  training rows: medians for missing numbers, standard deviations, one term for each common text. It
  decides by the policy's threshold where that is a probability, on as many rows where the policy
  takes the best k, else by the likelier class.
- `rule`: an expression over columns of the data, such as `income > 3 * instalment`. Where it holds,
  the decision is favorable; `rule_predicts: positive` makes it the positive class. Where a value is
  missing and the answer hangs on it, the rule does not hold; `otherwise: true` turns that. For a
  regression it is arithmetic that gives the predicted number, and for roc_auc it may be a number,
  high where the rule's answer is likely.

`metric` is accuracy (default), balanced_accuracy, precision, recall, specificity, f1 or
matthews_corrcoef for decisions; roc_auc, log_loss or brier for scores; mae (default), mse, rmse or
r2 for a regression.

Both are right or wrong on the same rows, so the interval is that of the paired difference: Tango's
score interval for shares of right decisions, DeLong's for areas, a Hall-transformed t for mean
losses (of their linearisation for rmse and r2), a bootstrap of the paired counts for the rest. With
several baselines a breach is corrected for their number (Sidak), compliance needs all of them.

## When it misleads
- Accuracy flatters the majority where one outcome is rare; roc_auc and log_loss compare what the
  scores know.
- A rule decides at one point of its own; a model with another share of favorable decisions buys
  recall with precision, or the other way. Compare by the metric that the use asks for.
- The interval speaks of the evaluation rows. A linear model fitted on other training rows, or tuned
  by hand, may do better.
- Rows that a rule decided in the past have outcomes only where it said yes.

## What to do
Where the rule is as good, use the rule: it can be read, explained and kept without a team. Where
the model is better by a little, ask what that little costs.

## If left out
The model could be no better than a line in a spreadsheet, and nobody would know.

## Sources
- Tango, Statistics in Medicine 1998; DeLong, DeLong, Clarke-Pearson, Biometrics 1988; Hall, Journal
  of the Royal Statistical Society B 1992.
- Rudin, "Stop explaining black box machine learning models for high stakes decisions", 2019.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BeforeValidator, WithJsonSchema, field_validator, model_validator

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.framing._metrics import METRICS, Metric, Name, compared, value_of
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.errors import DataError
from pytest_aipm.evidence.baselines import Predicts, Said, by_line, by_majority, by_rule
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.expressions import Expression, ExpressionError, parse
from pytest_aipm.records import Because, Formula, Series
from pytest_aipm.stats.estimate import Estimate
from pytest_aipm.stats.floors import floor
from pytest_aipm.stats.parts import Part
from pytest_aipm.stats.single import from_part

NEEDS = Needs(label=True, rows=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("",)
DEFAULT_LIMIT = {"min": 0.0}
BASIS = "convention: what is no better than a plain answer needs no model"
TASKS = ("binary", "regression")

Against = Literal["majority", "linear", "rule"]
NAMES: list[Any] = ["majority", "linear", "rule"]


def _listed(given: Any) -> Any:
    """Return one name as a list of one."""
    if isinstance(given, str):
        return (given,)
    return tuple(given) if isinstance(given, list) else given


Listed = Annotated[
    tuple[Against, ...],
    BeforeValidator(_listed),
    WithJsonSchema(
        {"anyOf": [{"enum": NAMES}, {"type": "array", "items": {"enum": NAMES}, "minItems": 1}]}
    ),
]


class Params(CheckParams):
    """What the model is compared with, and by which metric."""

    against: Listed = ()
    """`majority`, `linear`, `rule` or a list; default the rule if there is one, else majority."""
    rule: str | None = None
    """What anybody could do instead, as an expression over columns."""
    rule_predicts: Predicts = "favorable"
    """What the rule says where it holds: the favorable decision, or the positive class."""
    otherwise: bool | float | None = None
    """The rule's answer where a value is missing; default false, and needed for numbers."""
    metric: Name | None = None
    """What is compared; default accuracy, or mae for a regression."""

    @field_validator("rule")
    @classmethod
    def _readable(cls, rule: str | None) -> str | None:
        if rule is not None:
            try:
                parse(rule)
            except ExpressionError as error:
                raise ValueError(f"'rule', {error}") from None
        return rule

    @model_validator(mode="after")
    def _named(self) -> Self:
        if len(set(self.against)) < len(self.against):
            raise ValueError("'against' names a baseline twice; name each once")
        if "rule" in self.baselines and self.rule is None:
            raise ValueError("'against' names a rule, but there is none; add `rule: EXPRESSION`")
        if self.rule is not None and "rule" not in self.baselines:
            raise ValueError("'rule' is not compared with; add rule to `against`")
        if self.rule is not None and self.metric == "log_loss":
            what = "log loss is infinite for a rule that says yes or no and is once wrong"
            raise ValueError(f"'log_loss' does not fit a rule: {what}; use brier or roc_auc")
        return self

    @property
    def baselines(self) -> tuple[Against, ...]:
        """The baselines, in the order in which they are named."""
        return self.against or (("majority",) if self.rule is None else ("rule",))

    @property
    def expressions(self) -> dict[str, Expression]:
        """Expressions over columns, by key."""
        return {} if self.rule is None else {"rule": parse(self.rule)}

    def unfit(self, task: str, *, favorable: bool) -> tuple[str, str] | None:
        """Return why metric or rule do not fit the task."""
        del favorable
        numbers = task == "regression"
        if self.metric is not None and (METRICS[self.metric].asks == "numbers") != numbers:
            fit = ", ".join(n for n, each in METRICS.items() if (each.asks == "numbers") == numbers)
            return f"metric '{self.metric}' does not fit the task {task}", f"use one of {fit}"
        condition = None if self.rule is None else parse(self.rule).is_condition
        if numbers and condition:
            what = "the rule of a regression must give the predicted number, not true or false"
            return what, "write arithmetic, such as 1200 * rooms"
        if not numbers and condition is False and self.metric != "roc_auc":
            return "'rule' gives a number, not true or false", "compare it with something"
        return None


def needs(params: Params) -> Needs:
    """Return the evidence that metric and baselines need."""
    asks = METRICS[params.metric].asks if params.metric is not None else None
    return Needs(
        label=True,
        rows=True,
        # without a metric the task decides: rows bring what there is
        predictions=asks == "decisions",
        scores=asks in ("scores", "chances", "numbers"),
        train="linear" in params.baselines,
        train_too="majority" in params.baselines,
    )


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    name = params.metric or ("mae" if evidence.subject.task == "regression" else "accuracy")
    metric = METRICS[name]
    label, model = _model(evidence, metric)
    others = [_baseline(evidence, each, params, name, label, model) for each in params.baselines]
    parts = [compared(name, label, model, other, params.seed) for other in others]
    values = [value_of(name, label, each) for each in (model, *others)]
    estimate = _estimate(parts, params)
    closest = estimate.pair[0] if estimate.pair else 0
    return Measurement(
        estimate=estimate,
        formula=Formula(
            id=f"beats_baseline_{name}",
            numerator=f"{metric.title} of the model, and of {_either(others)}, on the same rows",
            denominator="1",
            positive=evidence.subject.names["positive"],
            population=f"all {len(label):,} rows",
            reference=others[closest].name,
        ),
        summary=_summary(name, values[0], values[1 + closest], others, closest),
        n=len(label),
        part_names=("all rows",) if len(others) == 1 else tuple(params.baselines),
        series=_bars(metric, params.baselines, values, len(label)),
        notes=tuple(dict.fromkeys(note for other in others for note in other.notes)),
        not_judged=_undefined(metric, estimate),
        harm="down",
    )


def _model(evidence: Evidence, metric: Metric) -> tuple[np.ndarray, Said]:
    """Return the labels of all rows, and what the audited model says of them."""
    if evidence.subject.task == "binary":
        evidence.require_both_classes()
    rows = evidence.rows(())
    assert rows.label is not None  # noqa: S101 - the check asks for it
    label = rows.label.astype(float)
    positive = None if evidence.subject.task == "regression" else rows.predicted
    if metric.asks == "decisions" and positive is None:
        what, fix = "there are no decisions, only scores", "add a `decision` to the subject"
        raise DataError(evidence.subject.problem("decision", what, fix))
    if metric.asks != "decisions":
        evidence.require_scores()
    said = None if positive is None else positive.astype(bool)
    return label, Said("the model", said, rows.score)


def _baseline(
    evidence: Evidence, which: Against, params: Params, name: Name, label: np.ndarray, model: Said
) -> Said:
    if which == "majority":
        return by_majority(evidence, label, middle=name == "mae")
    if which == "linear":
        return by_line(evidence, model.score)
    return by_rule(
        evidence,
        params.expressions["rule"],
        predicts=params.rule_predicts,
        otherwise=params.otherwise,
        scores=name == "roc_auc" or METRICS[name].asks == "numbers",
    )


def _estimate(parts: Sequence[Part], params: Params) -> Estimate:
    if len(parts) == 1:
        return from_part(parts[0], params.confidence)
    found = floor(parts, confidence=params.confidence, worst="min")
    return replace(found, method=found.method.replace("groups", "baselines"))


def _either(others: Sequence[Said]) -> str:
    names = [each.name for each in others]
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _summary(name: Name, own: float, best: float, others: Sequence[Said], closest: int) -> str:
    other = others[closest].name
    if len(others) > 1:
        other = f"the closest of {len(others)} baselines ({other})"
    if name == "accuracy":
        return f"the model is right in {frequency(own)} cases, {other} in {frequency(best)}"
    return f"the {METRICS[name].title} of the model is {number(own)}, of {other} {number(best)}"


def _bars(
    metric: Metric, names: Sequence[str], values: Sequence[float], n: int
) -> tuple[Series, ...]:
    """Return the metric of the model and of each baseline."""
    return (
        Series(
            name=f"{metric.title} on the same rows",
            kind="bars",
            x=("the model", *names),
            y=tuple(value if math.isfinite(value) else None for value in values),
            x_label="",
            y_label=metric.title,
            counts=(n,) * len(values),
        ),
    )


def _undefined(metric: Metric, estimate: Estimate) -> tuple[Because, str] | None:
    if math.isfinite(estimate.value):
        return None
    what = f"the {metric.title} of the model or of the baseline is undefined on these rows"
    return Because.NO_EVIDENCE, what
