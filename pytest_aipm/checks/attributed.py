"""What every check on attributions shares: its parameters, its notes, and its charts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from pytest_aipm.attribution.asking import BudgetSpent
from pytest_aipm.checks.base import Measurement
from pytest_aipm.checks.classes import OneClassParams
from pytest_aipm.checks.compare import unknown_breach, without_groups
from pytest_aipm.checks.effective import design_note
from pytest_aipm.checks.words import number
from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.explaining import Explained, OutputName, explained, inputs_of, noise_of
from pytest_aipm.records import Because, Formula, Series
from pytest_aipm.stats.effects import share

__all__ = [
    "ExplainParams",
    "GroupedAttributions",
    "NoAttributions",
    "SignedParams",
    "attributions",
    "by_group",
    "explain_notes",
    "named_players",
    "no_adverse_class",
    "noise_notes",
    "not_an_input",
    "out_of_time",
    "refuse_unknown",
    "share_bars",
    "spent",
]

MOST_BARS = 20
"""Players drawn in one chart."""


class ExplainParams(OneClassParams):
    """What is explained, on how many rows, and for how long.

    Of several classes one is spoken of, against all others: `class`, or the favorable ones.
    """

    output: OutputName = "auto"
    """``probability``, ``margin`` (log-odds), ``decision`` or ``raw``; default the model's score,
    or its decision where it has none."""
    players: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Columns that are attributed to as one: ``{place: [zip, latitude, longitude]}``."""
    rows: int = Field(default=1000, ge=2, le=10_000)
    """Most rows to explain, chosen by the seed."""
    background: int = Field(default=100, ge=2)
    """Rows they are compared with."""
    walks: int = Field(default=4, ge=2, le=1000)
    """Pairs of orders in which columns join, for each row."""
    budget_s: float | None = Field(default=120.0, gt=0)
    """Seconds that the attributions may take; beyond it the finding is inconclusive."""


class SignedParams(ExplainParams):
    """Which columns help, and which harm; with `class` what makes that class more likely helps."""

    helps: tuple[str, ...] = ()
    harms: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        if not self.helps and not self.harms:
            raise ValueError("names no column; list some under `helps` or `harms`")
        both = sorted(set(self.helps) & set(self.harms))
        if both:
            raise ValueError(f"'{both[0]}' cannot both help and harm; keep one")
        return self

    @property
    def signs(self) -> dict[str, int]:
        """1 for a column that helps, -1 for one that harms."""
        return {**dict.fromkeys(self.helps, 1), **dict.fromkeys(self.harms, -1)}


@dataclass(frozen=True, eq=False)
class GroupedAttributions:
    """Attributions by group, before anything is made of them.

    Attributes
    ----------
    found : Explained
    group : int array of shape (n,)
        Group of each explained row, -1 where it is unknown.
    names : tuple of str
        Of the groups.
    sizes : int array
        Explained rows of each group.
    shown : Measurement
        What there is to say whatever comes of it.
    """

    found: Explained
    group: np.ndarray
    names: tuple[str, ...]
    sizes: np.ndarray
    shown: Measurement


class NoAttributions(Exception):  # noqa: N818 - a measurement, not an error
    """There is something to say instead of attributions."""

    def __init__(self, measurement: Measurement) -> None:
        super().__init__(measurement.summary)
        self.measurement = measurement


def attributions(evidence: Evidence, params: ExplainParams) -> Explained:
    """Return the attributions a check asks for.

    Raises
    ------
    NoAttributions
        When the time budget was spent.
    """
    found = explained(
        evidence,
        rows=params.rows,
        background=params.background,
        walks=params.walks,
        output=params.output,
        players=params.players,
        budget_s=params.budget_s,
    )
    if isinstance(found, BudgetSpent):
        raise NoAttributions(spent(params, found))
    return found


def by_group(evidence: Evidence, params: ExplainParams, formula: Formula) -> GroupedAttributions:
    """Return the attributions of a scope's groups.

    Raises
    ------
    NoAttributions
        When there are no groups, or the time budget was spent.
    """
    nobody = without_groups(evidence, params, formula.id)
    if nobody is not None:
        raise NoAttributions(nobody)
    try:
        found = attributions(evidence, params)
    except NoAttributions as over:
        raise NoAttributions(over.measurement.with_(formula=formula)) from None
    counts = evidence.counts(params.by, params.unknown)
    names = counts.grouping.names
    group = found.groups(evidence, params.by, params.unknown)
    sizes = np.bincount(group[group >= 0], minlength=len(names))
    shown = Measurement(
        estimate=None,
        formula=formula,
        summary="",
        n=int(sizes.sum()),
        notes=explain_notes(found),
        breach=unknown_breach(params, counts.unknown, counts.n),
        unknown=counts.unknown,
    )
    return GroupedAttributions(found, group, names, sizes, shown)


def no_adverse_class(task: str, *, favorable: bool, named: bool) -> tuple[str, str] | None:
    """Return why nobody can tell which decisions of several classes are adverse, or None."""
    if task != "multiclass" or (favorable and not named):
        return None
    what = "`class` does not say" if named else "nobody says"
    return f"{what} which decisions are adverse", "list the good classes as `favorable` instead"


def out_of_time(budget_s: float | None, formula: Formula) -> Measurement:
    """Return what there is to say when the model could not be asked often enough in time."""
    why = f"it takes longer than `budget_s: {budget_s:g}`; lower `rows`, or allow more time"
    return Measurement(estimate=None, formula=formula, summary=why, n=0, undecided=why)


def spent(params: ExplainParams, found: BudgetSpent) -> Measurement:
    """Return what there is to say when there was no time."""
    done = f"{found.done / max(found.total, 1):.0%} of the work was done"
    why = (
        f"the attributions take longer than `budget_s: {params.budget_s:g}` ({done}), so nothing "
        "is known; group columns under `players`, lower `rows`, or allow more time"
    )
    return Measurement(estimate=None, formula=Formula(id="budget"), summary=why, n=0, undecided=why)


def not_an_input(evidence: Evidence, params: ExplainParams, formula: Formula) -> Measurement | None:
    """Return what there is to say of protected attributes that the model is not given, or None."""
    given, absent = inputs_of(evidence, params.by)
    if given or not params.by:
        return None
    why = (
        f"{' and '.join(absent)}: not an input of the model, so nothing is attributed to it "
        "directly; see explain.proxy_reliance and explain.equal_treatment for what stands in for it"
    )
    return Measurement(
        estimate=None,
        formula=formula,
        summary=why,
        n=0,
        not_judged=(Because.NOT_APPLICABLE, why),
    )


def named_players(found: Explained, columns: Sequence[str], key: str = "of") -> list[int]:
    """Return the numbers of the players that hold the columns, or are called so.

    Raises
    ------
    CheckError
        When a name is neither.
    """
    names, wanted = found.players.names, []
    for column in columns:
        held = [names.index(column)] if column in names else found.players.holding([column])
        if not held:
            refuse_unknown([column], key, names)
        wanted += held
    return list(dict.fromkeys(wanted))


def refuse_unknown(given: Iterable[str], key: str, names: Sequence[str]) -> None:
    """Raise CheckError when a name under `key` is no player of the model."""
    for name in given:
        if name not in names:
            what = f"{name!r} under `{key}` is not an input of the model"
            raise CheckError(Problem(what, f"inputs: {', '.join(names[:8])}"))


def explain_notes(found: Explained) -> tuple[str, ...]:
    """Return what was explained and against which background: without it nobody can repeat it."""
    sample, walked = found.sample, found.walked
    what = (
        f"explained: {found.output.said}, for {found.n:,} of {sample.total:,} rows, against "
        f"{len(sample.background):,} background rows (sha256 {sample.sha256[:12]}), "
        f"{walked.background.shape[1]} pairs of walks a row, chosen by the seed"
    )
    notes = [what, *design_note(found.subject, [found.n], [sample.units.size])]
    notes += _noisy(found.noise)
    if len(found.walked.base) and float(np.ptp(found.walked.base)) == 0.0:
        notes.append("the model says the same of every background row")
    return tuple(notes)


def noise_notes(evidence: Evidence, noise: float | None = None) -> tuple[str, ...]:
    """Return that the model does not repeat itself, where a check makes no attributions.

    Parameters
    ----------
    evidence : Evidence
    noise : float, optional
        As the check has found it; else the model is asked twice, once in an audit.
    """
    return tuple(_noisy(noise_of(evidence) if noise is None else noise))


def _noisy(noise: float) -> list[str]:
    if not noise:
        return []
    said = (
        "the model is not deterministic: asked again about the same rows, its output differs by up "
        f"to {number(noise)}"
    )
    return [said]


def share_bars(found: Explained, confidence: float) -> Series | None:
    """Return the share of each player in the attributions, largest first, with its interval."""
    sizes = found.sizes
    if float(sizes.high.sum()) <= 0:
        return None
    order = np.argsort(-sizes.middle, kind="stable")[:MOST_BARS]
    parts = [share(sizes, [int(i)]) for i in order]
    ends = [part.bound(1 - confidence) for part in parts]
    return Series(
        name="share of attribution",
        kind="bars",
        x=tuple(found.players.names[i] for i in order),
        y=tuple(part.value for part in parts),
        lo=tuple(low for low, _ in ends),
        hi=tuple(high for _, high in ends),
        x_label="feature",
        y_label="share of mean |attribution|",
        counts=(found.n,) * len(order),
    )
