"""Share of attribution, flips and outcome gap of a protected attribute, always side by side.

Each alone can be fooled: a model that recognises rows that do not exist can decide on an attribute
alone and show it a small share of the attribution (Slack, Hilgard, Jia, Singh, Lakkaraju 2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pytest_aipm.attribution.asking import asked
from pytest_aipm.checks.attributed import ExplainParams
from pytest_aipm.checks.effective import counted, rows_counted
from pytest_aipm.checks.rates import RATES
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.explaining import Explained, inputs_of
from pytest_aipm.evidence.flips import flip
from pytest_aipm.records import Because
from pytest_aipm.stats.effects import EffectPart, share
from pytest_aipm.stats.parts import RatePart

__all__ = ["Together", "together"]

HIDDEN = 0.5
"""Attributions that credit an attribute with less than this part of what replacing it does."""
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
        who = " and ".join(self.by)
        held = "not an input" if self.share is None else number(self.share.value)
        flips = "none tried" if self.flips is None else frequency(self.flips)
        gap = "unknown" if self.gap is None else number(self.gap)
        return (
            f"{who} side by side: share of attribution {held}; decisions that change when only "
            f"it is replaced {flips}; gap between selection rates {gap}"
        )

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


def together(evidence: Evidence, params: ExplainParams, found: Explained) -> Together:
    """Return share, flips and gap of the attributes of a scope.

    Parameters
    ----------
    evidence : Evidence
    params : ExplainParams
        ``by`` names the attributes.
    found : Explained
    """
    key = ("together", params.by, params.unknown, id(found), params.confidence)
    return evidence.once(key, lambda: _together(evidence, params, found))


def _together(evidence: Evidence, params: ExplainParams, found: Explained) -> Together:
    given, absent = inputs_of(evidence, params.by)
    gap = _gap(evidence, params)
    if not given:
        return Together(None, None, gap, None, hidden=False, by=params.by)
    players = found.players.holding(given)
    part = share(found.sizes, players) if float(found.sizes.high.sum()) > 0 else None
    if absent or not evidence.subject.has_decisions:
        return Together(part, None, gap, None, hidden=False, by=params.by)
    flips = flip(evidence, params.by, rows=params.rows, linked={})
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


def _gap(evidence: Evidence, params: ExplainParams) -> float | None:
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
