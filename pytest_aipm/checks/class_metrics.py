"""Metrics of a multiclass task.

==========================  =====================================================================
shape                       metrics
==========================  =====================================================================
share of rows               accuracy, top_k_accuracy (Clopper-Pearson)
mean over classes           recall (balanced accuracy) and precision (MOVER), f1 (bootstrap of the
                            counts), one-vs-rest roc_auc (influence of rows)
all classes at once         matthews_corrcoef (bootstrap of the counts)
mean of a row loss          log_loss, brier (Hall-transformed t)
one class, or some          any metric of two classes, with ``class``
anything else               scikit-learn metrics by name, ``pkg.module:callable`` (row bootstrap)
==========================  =====================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from pytest_aipm.checks.classes import chosen
from pytest_aipm.checks.effective import refuse_design
from pytest_aipm.checks.measured import Measured
from pytest_aipm.checks.metric_names import MetricParams
from pytest_aipm.checks.summed import Scope
from pytest_aipm.errors import CheckError, DataError, Problem
from pytest_aipm.evidence.classes import in_order, listed
from pytest_aipm.evidence.confusion import ClassCounts
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.rowsums import WVV, Bags, BagsOf, Placements, Sums, SumsOf, grouped_bags
from pytest_aipm.evidence.sample import generator
from pytest_aipm.evidence.tally import Rows
from pytest_aipm.stats.macro import MacroAucPart, MacroRatePart
from pytest_aipm.stats.parts import BootstrapPart, Part
from pytest_aipm.stats.resampled import jackknife_acceleration

__all__ = ["of_classes"]

OfTwo = Callable[[Evidence, str, MetricParams], Measured]

DRAWS = (1000, 200)
"""Most and fewest resamples of a group's counts; `CELLS` drawn counts in all cost a second."""
CELLS = 20_000_000


def of_classes(evidence: Evidence, metric: str, params: MetricParams, measure: OfTwo) -> Measured:
    """Measure a metric in every group of a scope of a multiclass task.

    Parameters
    ----------
    evidence : Evidence
    metric : str
        As `metric_names` resolves it.
    params : MetricParams
    measure : callable
        Measures metrics of two classes, and of rows.

    Raises
    ------
    CheckError, DataError
        When the metric does not fit the rows.
    """
    classes = chosen(params)
    if classes is not None:
        found = measure(evidence.speaking_of(classes), metric, params)
        return replace(found, positive=str(classes))
    if metric == "selection_rate":
        return measure(evidence, metric, params)
    return replace(_of_all(evidence, metric, params, measure), positive="")


def _of_all(evidence: Evidence, metric: str, params: MetricParams, measure: OfTwo) -> Measured:
    """Measure a metric of all classes at once."""
    if metric == "accuracy":
        return measure(evidence.viewed("right"), metric, params)
    if metric == "top_k_accuracy":
        return _top_k(evidence, params, measure)
    if metric == "log_loss":
        return measure(evidence.viewed("true_class"), metric, params)
    if metric == "brier":
        return measure(evidence.viewed("brier"), "multiclass_brier", params)
    if metric in ("balanced_accuracy", "matthews_corrcoef") or params.average == "macro":
        refuse_design(evidence, f"{metric} of several classes", "name a `class`")
        return _MACRO[metric](evidence, params)
    return measure(evidence, metric, params)


def _top_k(evidence: Evidence, params: MetricParams, measure: OfTwo) -> Measured:
    known = evidence.classes
    if known is not None and params.k is not None and params.k >= len(known):
        what = f"each row has {len(known)} classes, so all are among the {params.k} highest"
        raise CheckError(Problem(what, "write a smaller `k`"))
    return measure(evidence.viewed(f"top_{params.k}"), "top_k_accuracy", params)


def _required(evidence: Evidence, counts: ClassCounts) -> np.ndarray:
    """Return the numbers of the classes that occur as labels anywhere in the data."""
    labels = evidence.tally.labels
    return np.array([i for i, value in enumerate(counts.classes) if value in labels], dtype=int)


def _measured(counts: ClassCounts, parts: list[Part], name: str, of: str, classes: int) -> Measured:
    return Measured(
        grouping=counts.grouping,
        parts=parts,
        sizes=counts.sizes,
        unknown=counts.unknown,
        better="high",
        name=name,
        numerator_words=f"{of} of each class against the rest, added up",
        denominator_words=f"{classes} classes",
    )


def _recall(evidence: Evidence, params: MetricParams) -> Measured:
    evidence.require_both_classes()
    counts = evidence.class_counts(params.by, params.unknown)
    wanted = _required(evidence, counts)
    parts: list[Part] = [
        MacroRatePart(_floats(both[wanted]), _floats(labelled[wanted]))
        for both, labelled in zip(counts.both, counts.labelled, strict=True)
    ]
    name = "balanced accuracy" if params.metric.startswith("balanced") else "macro recall"
    return _measured(counts, parts, name, "recall", len(wanted))


def _precision(evidence: Evidence, params: MetricParams) -> Measured:
    evidence.require_both_classes()
    counts = evidence.class_counts(params.by, params.unknown)
    absent = {value for value in evidence.tally.labels if value not in evidence.tally.classes}
    if absent:
        what = f"class {listed(absent)} is never predicted, so its precision is undefined"
        raise DataError(Problem(what, "use f1 or recall, or name the `class` that matters"))
    parts: list[Part] = [
        MacroRatePart(_floats(both), _floats(decided))
        for both, decided in zip(counts.both, counts.decided, strict=True)
    ]
    return _measured(counts, parts, "macro precision", "precision", len(counts.classes))


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(map(float, values))


def _f1(evidence: Evidence, params: MetricParams) -> Measured:
    of = "2 x hits over rows labelled and predicted"
    return _resampled(evidence, params, f1_of, "macro F1", of)


def _matthews(evidence: Evidence, params: MetricParams) -> Measured:
    of = "covariance of label and prediction"
    return _resampled(evidence, params, matthews_of, "matthews corrcoef", of, (-1.0, 1.0))


def f1_of(both: np.ndarray, labelled: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """Return the mean over classes of F1, from rows of each class, shapes (..., C)."""
    return np.asarray((2 * both / (labelled + decided)).mean(axis=-1))


def matthews_of(both: np.ndarray, labelled: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """Return the correlation of labels and predictions (Gorodkin 2004), as `f1_of`."""
    n, right = labelled.sum(axis=-1), both.sum(axis=-1)
    spread = [n**2 - (each**2).sum(axis=-1) for each in (labelled, decided)]
    return np.asarray(
        (right * n - (labelled * decided).sum(axis=-1)) / np.sqrt(spread[0] * spread[1])
    )


def _resampled(
    evidence: Evidence,
    params: MetricParams,
    function: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    name: str,
    of: str,
    support: tuple[float, float] = (0.0, 1.0),
) -> Measured:
    """Resample the counts of the pairs that occur: a multinomial draw is the bootstrap of rows."""
    evidence.require_both_classes()
    counts = evidence.class_counts(params.by, params.unknown)
    parts: list[Part] = []
    for i, group in enumerate(counts.grouping.names):
        value = _OfPairs(function, *counts.pairs(i)[:2], len(counts.classes))
        count = counts.pairs(i)[2]
        n, rng = int(count.sum()), generator(params.seed, group)
        draws = int(np.clip(CELLS // len(count), DRAWS[1], DRAWS[0]))
        drawn = np.concatenate(
            [value(rng.multinomial(n, count / n, size=_AT_ONCE)) for _ in range(draws // _AT_ONCE)]
        )
        bend = jackknife_acceleration(value, count) if len(count) <= _JACKKNIFE else 0.0
        parts.append(BootstrapPart(float(value(count)), drawn, n, bend, support))
    return _measured(counts, parts, name, of, len(counts.classes))


class _OfPairs:
    """A function of counts by class, as a function of the counts of pairs that occur."""

    def __init__(
        self,
        function: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
        label: np.ndarray,
        predicted: np.ndarray,
        classes: int,
    ) -> None:
        self.function = function
        hit, eye = label == predicted, np.eye(classes)
        self._sums = (eye[label] * hit[:, None], eye[label], eye[predicted])

    def __call__(self, counts: np.ndarray) -> np.ndarray:
        """Return the value of counts of shape (..., pairs); nan where it divides 0 by 0."""
        whole = counts.astype(float)
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.function(*(whole @ each for each in self._sums))


_AT_ONCE = 50
"""Resamples drawn at once: so many of 40,000 pairs take 16 MB."""

_JACKKNIFE = 2000
"""Most pairs of which each is left out in turn; many pairs hardly bend an interval."""


def _auc(evidence: Evidence, params: MetricParams) -> Measured:
    evidence.require_both_classes()
    if evidence.classes is None:
        what = "there are no scores of each class, only predicted classes"
        fix = "name `scores: {CLASS: COLUMN, ...}`, or a model with predict_proba"
        raise DataError(Problem(what, fix))
    known = {value: i for i, value in enumerate(evidence.classes)}
    absent = {value for value in evidence.tally.labels if value not in known}
    if absent:
        what = f"label {listed(absent)} has no scores, so its area is undefined"
        raise DataError(Problem(what, "give a score for each class that occurs"))
    grouping = evidence.grouping(params.by, params.unknown)
    sides = [_OfClass(known, known[value]) for value in in_order(evidence.tally.labels)]
    of = BagsOf({str(each.number): (each.score, each.own) for each in sides})
    bags = evidence.once(("scores of classes",), lambda: evidence.over_rows(of, Bags()))
    placed = [Placements.of(grouped_bags(bags, str(each.number), grouping)) for each in sides]
    # rows by class, group, and whether they are of the class
    counts = np.array([[told[:, :, 0].sum(axis=1) for told in each.counts] for each in placed])

    def influence(rows: Rows) -> np.ndarray:
        group, moved = grouping.numbers(rows), np.zeros(len(rows.cells))
        for each, places, n in zip(sides, placed, counts, strict=True):
            own = each.own(rows)
            many = n[group, own.astype(int)]
            # as in DeLong's variance, each side has its own degrees of freedom
            scale = np.where(many > 1, np.sqrt(many / np.maximum(many - 1, 1)), 0.0)
            moved += scale * places.off(each.score(rows), own, group) / np.maximum(many, 1)
        return moved

    zero = np.zeros(len(grouping.keys))
    sums = evidence.over_rows(SumsOf(influence), Sums())
    found = Scope.of(evidence, grouping, sums, zero)
    parts: list[Part] = [
        MacroAucPart.summed([each.areas[i] for each in placed], counts[:, i].min(axis=1), n, total)
        for i, (n, total) in enumerate(zip(found.sizes, found.table[:, 0, WVV], strict=True))
    ]
    return Measured(
        grouping=grouping,
        parts=parts,
        sizes=found.sizes,
        unknown=found.unknown,
        better="high",
        name="macro ROC AUC",
        numerator_words="area of each class against the rest, added up",
        denominator_words=f"{len(sides)} classes",
    )


@dataclass(frozen=True)
class _OfClass:
    """One class against the rest."""

    known: Mapping[object, int]
    number: int

    def score(self, rows: Rows) -> np.ndarray:
        assert rows.by_class is not None  # noqa: S101 - asked for before
        return np.asarray(rows.by_class[:, self.number])

    def own(self, rows: Rows) -> np.ndarray:
        assert rows.label_class is not None  # noqa: S101 - as above
        return np.array([self.known[each] == self.number for each in rows.label_class.tolist()])


_MACRO: dict[str, Callable[[Evidence, MetricParams], Measured]] = {
    "balanced_accuracy": _recall,
    "recall": _recall,
    "precision": _precision,
    "f1": _f1,
    "matthews_corrcoef": _matthews,
    "roc_auc": _auc,
}
