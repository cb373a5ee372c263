"""What a self-test found: plain values that can be printed or written down."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pytest_aipm.selftest.harms import HARMS

__all__ = ["Curve", "Hidden", "Report", "Row", "Trial"]

State = Literal["tried", "red", "error", "not_judged"]


@dataclass(frozen=True)
class Trial:
    """One harm to one group, at growing strength, and what one check made of it.

    Attributes
    ----------
    harm, target : str
    group : dict of attribute to level
        Empty for all rows.
    red : float or None
        The smallest strength from which on the check is red; None when even the largest is not.
    before : float or None
        The largest strength below `red` that is not red; 0 for no harm at all.
    largest : float
        The largest strength tried.
    value : float or None
        The check's value at the largest strength.
    verdict, reason : str
        What the check said at the largest strength.
    gap : float or None
        The smallest gap that these rows would have caught, where it said that it cannot tell.
    waiver : str
        Id of the waiver that covered it, empty without one.
    """

    harm: str
    target: str
    group: dict[str, str]
    red: float | None
    before: float | None
    largest: float
    value: float | None
    verdict: str
    reason: str
    gap: float | None = None
    waiver: str = ""

    @property
    def conduct(self) -> bool:
        """Whether the model or its decisions were harmed, rather than rows taken away."""
        return HARMS[self.harm].conduct


@dataclass(frozen=True)
class Hidden:
    """Red that is gone when the harmed rows are thinned, too."""

    harm: str
    target: str
    strength: float
    thinned: float
    verdict: str


@dataclass(frozen=True)
class Curve:
    """How many of some seeds turn a check red, by strength.

    Each seed harms other rows and draws another sample of as many rows, with replacement.
    """

    harm: str
    target: str
    strengths: tuple[float, ...]
    red: tuple[int, ...]
    seeds: int


@dataclass(frozen=True)
class Row:
    """One check node.

    Attributes
    ----------
    id : str
        Of the finding.
    severity : str
    verdict, reason : str
        Without harm.
    state : {"tried", "red", "error", "not_judged"}
        Whether harm was planted, or why not: red, not measured, or not applicable without any.
    limit : dict
        ``min`` and ``max``; empty where only a change is limited.
    trials : tuple of Trial
    hidden : Hidden or None
    curves : tuple of Curve
    """

    id: str
    severity: str
    verdict: str
    reason: str
    state: State
    limit: dict[str, float | None] = field(default_factory=dict)
    trials: tuple[Trial, ...] = ()
    hidden: Hidden | None = None
    curves: tuple[Curve, ...] = ()

    @property
    def name(self) -> str:
        """The id without the policy's name."""
        return self.id.partition("::")[2]

    @property
    def blind(self) -> bool:
        """Whether harm to the model or its decisions concerns the check, and none turns it red."""
        conduct = [trial for trial in self.trials if trial.conduct]
        return (
            self.state == "tried" and bool(conduct) and all(trial.red is None for trial in conduct)
        )

    @property
    def beyond(self) -> bool:
        """Whether nothing that can be planted concerns what the check measures."""
        return self.state == "tried" and not any(trial.conduct for trial in self.trials)

    @property
    def vouched(self) -> bool:
        """Whether nothing speaks against it: it was seen red, does not apply, or is beyond this."""
        return self.state in ("red", "not_judged") or (self.state == "tried" and not self.blind)

    def of(self, harm: str) -> tuple[Trial, ...]:
        """Return the trials of one harm."""
        return tuple(trial for trial in self.trials if trial.harm == harm)

    def most_visible(self, harm: str) -> Trial | None:
        """Return the trial of a harm in which the smallest strength turned the check red."""
        return min(self.of(harm), key=lambda trial: trial.red or 2.0, default=None)


@dataclass(frozen=True)
class Report:
    """All nodes of a policy.

    Attributes
    ----------
    policy, path : str
    rows : int
        Rows of the data.
    seed : int
        Of the planting.
    baseline : str
        The approved baseline's path; empty without one.
    nodes : tuple of Row
    """

    policy: str
    path: str
    rows: int
    seed: int
    baseline: str
    nodes: tuple[Row, ...] = field(default=())

    @property
    def holds(self) -> bool:
        """Whether every check that can fail the build, and that planted harm concerns, is red."""
        return all(node.vouched for node in self.nodes if node.severity == "error")

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        told = asdict(self)
        for node, row in zip(told["nodes"], self.nodes, strict=True):
            node["blind"] = row.blind
        return {"schema": "aipm-selftest/1", "holds": self.holds, **told}
