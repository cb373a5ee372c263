"""How far apart the groups lie in what their scores promise and what came true.

## Question
Does a score mean the same for every group, or does it promise one group too much?

## How it is measured
For each group: the mean of the label (1 for the positive class, else 0) minus the mean score,
which is calibration in the large: 0 when as many rows are positive as the scores say. The value is
the highest of these minus the lowest, in units of probability, with Hall-transformed t intervals
combined by MOVER. Scores must be probabilities of the positive class.

Beside it, not judged: each group's expected calibration error over ten bins of about equally many
rows, debiased, and the line of its bins (share of positives against mean score).

## When it misleads
- Calibration in the large can be right while low scores are too low and high ones too high: read
  the lines. The debiased error shows such a bend only where it is clear.
- Equal calibration and equal error rates exclude each other where base rates differ; which one
  matters depends on what the score is used for.
- Rows chosen by the decision itself (repaid loans of those accepted) change the mean label.
- Fewer than 30 rows in a group cannot prove a gap.

## What to do
If one group's mean lies off, recalibrate with that group's rows, and look at features that mean
something else for it. If lines bend alike in all groups, recalibrate the model for everyone.

## If left out
The same score could promise too much for one group and too little for another.

## Sources
- Van Calster et al., "Calibration: the Achilles heel of predictive analytics", 2019.
- Pleiss et al., "On fairness and calibration", 2017; Chouldechova, 2017 (the trade-off).
- Kumar, Liang, Ma, "Verified uncertainty calibration", 2019 (binned errors are biased).
"""

from __future__ import annotations

from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.between import between
from pytest_aipm.checks.classes import OneClassParams, of_one
from pytest_aipm.checks.compare import without_groups
from pytest_aipm.checks.metrics import Measured
from pytest_aipm.checks.probabilities import bins_of, reliability_lines
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.stats.calibration import CalibrationPart, Reliability
from pytest_aipm.stats.parts import MeanPart

NEEDS = Needs(label=True, scores=True, losses=frozenset({"calibration"}))
KIND = "sample"
SCOPES = "groups"
UNITS = ("",)
TASKS = ("binary", "multiclass")
RANGE = (0.0, 2.0)


class Params(OneClassParams):
    """No parameters of its own."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    evidence = of_one(evidence, params)
    formula_id = "calibration_in_the_large_difference"
    nobody = without_groups(evidence, params, formula_id)
    if nobody is not None:
        return nobody
    bins = bins_of(evidence.scores(params.by, params.unknown))
    evidence.require_both_classes()
    measured = _in_the_large(evidence, params)
    names = measured.grouping.names
    found = between(evidence, params, measured, "difference", formula_id=formula_id, show=_signed)
    return found.with_(
        notes=(_errors(names, bins, params),),
        series=reliability_lines(
            names, bins, params.confidence, () if found.estimate is None else found.estimate.pair
        ),
    )


def _in_the_large(evidence: Evidence, params: Params) -> Measured:
    moments = evidence.moments("calibration", params.by, params.unknown)
    return Measured(
        grouping=moments.grouping,
        parts=[
            MeanPart(n, one, two, three, limits=(-1.0, 1.0))
            for n, one, two, three in moments.table.tolist()
        ],
        sizes=moments.table[:, 0].astype(int),
        unknown=moments.unknown,
        better="low",
        name="share of positives less mean score",
        numerator_words="positive labels less the sum of scores",
        denominator_words="rows",
    )


def _signed(value: float) -> str:
    return f"{round(value, 3) + 0.0:+.3f}"  # no -0.000


def _errors(names: tuple[str, ...], bins: list[Reliability], params: Params) -> str:
    """Return what each group's bins say beyond their mean."""
    shown = []
    for name, part in zip(names, map(CalibrationPart.of, bins), strict=True):
        lower, upper = part.bound(1 - params.confidence)
        shown.append(f"{name} {part.value:.3f} ({lower:.3f} to {upper:.3f})")
    beside = "expected calibration error, debiased, with interval; shown, not judged"
    return f"{beside}: {', '.join(shown)}"
