"""Share of attribution, flips and outcome gap of a protected attribute, always side by side.

Each alone can be fooled: a model that recognises rows that do not exist can decide on an attribute
alone and show it a small share of the attribution (Slack, Hilgard, Jia, Singh, Lakkaraju 2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pytest_aipm.attribution.asking import BudgetSpent, asked
from pytest_aipm.checks.attributed import ExplainParams, NoAttributions, spent
from pytest_aipm.checks.base import CheckParams
from pytest_aipm.checks.effective import counted, rows_counted
from pytest_aipm.checks.rates import RATES
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.errors import MeasurementError
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.explaining import Explained, explained, inputs_of
from pytest_aipm.evidence.flips import flip
from pytest_aipm.records import Because
from pytest_aipm.stats.effects import EffectPart, share
from pytest_aipm.stats.parts import RatePart

__all__ = ["Together", "beside_flips", "together"]

HIDDEN = 0.5
"""Attributions that credit an attribute with less than this part of what replacing it does."""
MOST_COLUMNS = 100
"""Of more columns no attributions are made for a note alone."""
FLIPS = 0.05
"""So many decisions, at least, must change when it is replaced."""


@dataclass(frozen=True)
class Together:
    """The three numbers of one scope.

    Attributes
    ----------
    share : EffectPart or None
        Of the attribute's columns in all attributions; None where none is an input.
    flips : float or None
        Share of decisions that change when the attribute is replaced.
    gap : float or None
        Highest minus lowest selection rate.
    credited : float or None
        Upper end of the part of the replacement's effect that the attributions credit the
        attribute with; about 1 or more for a model that can be trusted.
    hidden : bool
        Whether the attributions hide it.
    """

    share: EffectPart | None
    flips: float | None
    gap: float | None
    credited: float | None
    hidden: bool
    by: tuple[str, ...]

    @property
    def note(self) -> str:
        """The three side by side."""
        held = "not an input" if self.share is None else number(self.share.value)
        return _side_by_side(self.by, held, self.flips, self.gap)

    @property
    def breach(self) -> tuple[Because, str] | None:
        """The failure of attributions that hide an attribute."""
        if not self.hidden or self.flips is None or self.credited is None:
            return None
        why = (
            f"the attributions hide {' and '.join(self.by)}: {frequency(self.flips)} decisions "
            "change when only it is replaced, but the attributions credit it with at most "
            f"{number(self.credited)} of that effect; the model behaves otherwise on rows that "
            "do not exist"
        )
        return Because.UNTRUSTED, why


def _side_by_side(by: tuple[str, ...], held: str, flips: float | None, gap: float | None) -> str:
    tried = "none tried" if flips is None else frequency(flips)
    apart = "unknown" if gap is None else number(gap)
    return (
        f"{' and '.join(by)} side by side: share of attribution {held}; decisions that change when "
        f"only it is replaced {tried}; gap between selection rates {apart}"
    )


def beside_flips(evidence: Evidence, params: CheckParams, flips: float) -> str:
    """Return the note of a check that has counted flips, and has no attributions of its own.

    They are those that the others of the family make by default, so an audit pays for them once.
    """
    gap = _gap(evidence, params)
    return _side_by_side(params.by, _held(evidence, params), flips, gap)


def _held(evidence: Evidence, params: CheckParams) -> str:
    """Return the share of attribution in words, also where it cannot be had."""
    if len(evidence.feature_columns()) > MOST_COLUMNS:
        return f"not looked at (more than {MOST_COLUMNS} columns)"
    usual = ExplainParams()
    try:
        found = explained(
            evidence,
            rows=usual.rows,
            background=usual.background,
            walks=usual.walks,
            output=usual.output,
            players=usual.players,
            budget_s=usual.budget_s,
        )
    except MeasurementError:
        return "unknown (the model cannot be asked about rows in which two people are mixed)"
    if isinstance(found, BudgetSpent):
        return "unknown (it takes too long)"
    given, _ = inputs_of(evidence, params.by)
    if float(found.sizes.high.sum()) <= 0:
        return "unknown (the model says the same of every row)"
    return number(share(found.sizes, found.players.holding(given)).value)


def together(evidence: Evidence, params: ExplainParams, found: Explained) -> Together:
    """Return share, flips and gap of the attributes of a scope.

    Parameters
    ----------
    evidence : Evidence
    params : ExplainParams
        ``by`` names the attributes.
    found : Explained

    Raises
    ------
    NoAttributions
        When the time budget was spent before all decisions were tried.
    """
    key = ("together", params.by, params.unknown, id(found), params.confidence)
    try:
        return evidence.once(key, lambda: _together(evidence, params, found))
    except BudgetSpent as over:
        raise NoAttributions(spent(params, over)) from None


def _together(evidence: Evidence, params: ExplainParams, found: Explained) -> Together:
    given, absent = inputs_of(evidence, params.by)
    gap = _gap(evidence, params)
    if not given:
        return Together(None, None, gap, None, hidden=False, by=params.by)
    players = found.players.holding(given)
    part = share(found.sizes, players) if float(found.sizes.high.sum()) > 0 else None
    if absent or not evidence.subject.has_decisions:
        return Together(part, None, gap, None, hidden=False, by=params.by)
    flips = flip(evidence, params.by, rows=params.rows, linked={}, budget_s=params.budget_s)
    if flips.levels < 2:
        return Together(part, None, gap, None, hidden=False, by=params.by)
    tried = rows_counted(
        np.zeros_like(flips.group), flips.changed, 1, flips.design, params.confidence
    )
    rate = RatePart(float(tried.x[0]), float(tried.n[0]))
    credited = _credited(found, given, players, 1 - params.confidence)
    often = rate.bound(1 - params.confidence)[0] > FLIPS
    hidden = often and credited is not None and credited < HIDDEN
    return Together(part, rate.value, gap, credited, hidden=hidden, by=params.by)


def _gap(evidence: Evidence, params: CheckParams) -> float | None:
    if not evidence.subject.has_decisions or evidence.subject.task == "regression":
        return None
    counts = evidence.counts(params.by, params.unknown)
    found = counted(evidence, counts, RATES["selection_rate"], params.confidence)
    there = found.n > 0
    rates = found.x[there] / found.n[there]
    return float(np.ptp(rates)) if len(rates) > 1 else None


def _credited(
    found: Explained, columns: list[str], players: list[int], alpha: float
) -> float | None:
    """Return the upper end of attributed over actual effect; None when there is no effect.

    The actual effect is what the output changes by when a real row takes the attribute's value
    from the background row it met: the same pair of values that the attribution compares.
    """
    inputs, background = found.sample.inputs, found.sample.background
    met = found.walked.background[:, 0]
    changed = inputs.assign(**{name: background[name].array.take(met) for name in columns})
    actual = np.abs(found.walked.output[:, 0] - asked(found.output.ask, changed)[:, 0])
    credit = np.abs(found.walked.values[:, 0, players, 0].sum(axis=1))
    if actual.mean() <= 0:
        return None
    ratio = float(credit.mean() / actual.mean())
    rest = (credit - ratio * actual) / actual.mean()
    error = float(rest.std(ddof=1) / np.sqrt(len(rest)))
    return EffectPart(ratio, ratio, error, error, float(len(rest)), len(rest) - 1.0).bound(alpha)[1]
