"""What one finding says, in sentences a reader without statistics understands."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, permutations

from pytest_aipm.records import Because, Finding, GroupValue, Verdict
from pytest_aipm.report.classes import rate_of
from pytest_aipm.report.words import (
    DASH,
    WITHHELD,
    Figures,
    count,
    figures,
    group_name,
    limit_text,
    listed,
    natural,
    scope_name,
)

__all__ = ["SPELLED_OUT", "Answer", "stopped"]

TOLERANCE = 1e-9
MOST_PAIRED = 60
"""Groups among which an unusual pair is searched; lowest and highest are always tried."""

_AGAINST = {
    "baseline": "the approved baseline",
    "anchor": "the first approved baseline",
    "champion": "the champion model",
}
_NAMES = {
    "roc auc": "ROC AUC",
    "brier": "Brier score",
    "kolmogorov smirnov distance": "Kolmogorov-Smirnov distance",
    "standardised mean": "mean score in standard deviations",
    "r2": "R²",
    **{name: name.upper() for name in ("mae", "mse", "rmse", "mape", "ece", "f1")},
}
"""Quantities that are not written as their ids are."""
SPELLED_OUT = {
    "MAE": "mean absolute error",
    "MSE": "mean squared error",
    "RMSE": "root of the mean squared error",
    "MAPE": "mean absolute percentage error",
    "R²": "share of the variance that is explained",
    "ECE": "expected calibration error",
    "F1": "harmonic mean of precision and recall",
    "ROC AUC": "chance that a positive row scores higher than a negative one",
    "Brier score": "mean squared distance of the score from what happened",
    "matthews corrcoef": "Matthews correlation coefficient",
}
"""What short names of metrics mean."""
_MOVED = {"worse": "Worse than", "better": "Better than", "same": "No worse than"}


def stopped(text: str) -> str:
    """Return text that ends like a sentence."""
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


@dataclass(frozen=True)
class Answer:
    """A finding read as a person reads it."""

    finding: Finding

    @cached_property
    def shown(self) -> Figures:
        """How its numbers are printed."""
        return figures(self.finding)

    @cached_property
    def judged(self) -> list[GroupValue]:
        """The groups that were judged and have a value."""
        return [g for g in self.finding.groups if g.judged and g.value is not None]

    @cached_property
    def kind(self) -> str:
        """How the value is made from its groups: ratio, difference or level.

        The name of check or formula says it where it can; otherwise the numbers do.
        """
        formula = "" if self.finding.formula is None else self.finding.formula.id
        for name in (self.finding.check.rpartition(".")[2], formula):
            if name.endswith("_ratio"):
                return "ratio"
            if name.endswith(("_difference", "_gap")):
                return "difference"
        value = self.finding.value
        values = [g.value for g in self.judged if g.value is not None]
        if value is None or len(values) < 2 or any(abs(x - value) <= TOLERANCE for x in values):
            return "level"
        low, high = min(values), max(values)
        if abs(high - low - value) <= TOLERANCE:
            return "difference"
        return "ratio" if high and abs(low / high - value) <= TOLERANCE else "level"

    @cached_property
    def pair(self) -> tuple[GroupValue, ...]:
        """The groups that make the value: (lowest, highest) of a gap, one of a floor.

        Found by the numbers: lowest and highest first, then any pair, for comparators such as
        the largest group. Of several rates (equalized odds) the one whose gap is the value
        decides. Empty when no groups of the record make the value, as when a group is compared
        with everyone else.
        """
        if not self.finding.scope or self.finding.value is None:
            return ()
        parts: dict[str, list[GroupValue]] = {}
        for group in self.judged:
            parts.setdefault(group.part, []).append(group)
        for groups in parts.values():
            ordered = sorted(groups, key=lambda g: (g.value or 0.0, sorted(g.group.items())))
            if self.kind == "level":
                candidates: Iterable[tuple[GroupValue, ...]] = ((g,) for g in ordered)
            else:
                ends = ((ordered[0], ordered[-1]),) if len(ordered) > 1 else ()
                candidates = chain(ends, permutations(ordered[:MOST_PAIRED], 2))
            for chosen in candidates:
                if self._makes(chosen):
                    return chosen
        return ()

    def _makes(self, groups: tuple[GroupValue, ...]) -> bool:
        values = [group.value or 0.0 for group in groups]
        if self.kind == "level":
            made = values[0]
        elif self.kind == "difference":
            made = values[1] - values[0]
        else:
            made = values[0] / values[1] if values[1] else math.nan
        wanted = self.finding.value or 0.0
        return math.isclose(made, wanted, rel_tol=TOLERANCE, abs_tol=TOLERANCE)

    def name(self, group: GroupValue) -> str:
        """Return the name of a group, its attributes in the order of the scope."""
        return self._names.get(id(group)) or group_name(group.group, self.finding.scope)

    @cached_property
    def _names(self) -> dict[int, str]:
        """Names of the finding's groups by identity: charts and table ask for them again."""
        return {id(one): group_name(one.group, self.finding.scope) for one in self.finding.groups}

    def decides(self, group: GroupValue) -> bool:
        """Return whether `group` is one of those that make the value."""
        return any(group is one for one in self.pair)

    @cached_property
    def quantity(self) -> str:
        """The name of what is measured, as a noun: ``selection rate``."""
        name = self.pair[0].part if self.pair else ""
        if name and rate_of(self.finding, name) != name:
            return name  # a rate of one class of several, in words already
        if not name and self.finding.formula is not None:
            name = self.finding.formula.id.removesuffix("_of_each_class")
        name = (name or self.finding.check).rpartition(".")[2]
        name = name.removesuffix("_ratio").removesuffix("_difference").replace("_", " ")
        asked, formula = self.finding.asked, self.finding.formula
        of_class = asked is not None and "class" in asked.params and formula is not None
        of = f" of {formula.positive}" if of_class and formula is not None else ""
        return f"{_NAMES.get(name, name)}{of}"

    @property
    def where(self) -> str:
        """What the finding is split by."""
        return scope_name(self.finding.scope)

    @cached_property
    def value(self) -> str:
        """The value as it is printed; "withheld", or a dash when there is none."""
        gone = self.finding.value is None and self.finding.verdict is not Verdict.ERROR
        return WITHHELD if gone and self._withheld else self.shown(self.finding.value)

    @cached_property
    def interval(self) -> str:
        """The interval as it is printed; "exact", "withheld", or a dash when there is none."""
        if self.exact:
            return "exact"
        gone = self.finding.interval is None and self.finding.decide_on != "point"
        return WITHHELD if gone and self._withheld else self.shown.interval(self.finding.interval)

    @property
    def exact(self) -> bool:
        """Whether the value was counted over all there is, so that its interval is itself."""
        finding = self.finding
        at = finding.value
        return finding.kind == "census" and at is not None and finding.interval == (at, at)

    @property
    def _withheld(self) -> bool:
        return any(note.startswith(WITHHELD) for note in self.finding.notes)

    @property
    def because(self) -> str:
        """The short reason of a verdict: ``limit``, ``regression``, ``no evidence``."""
        why = self.finding.because
        return "" if why is None else Because(why).value.replace("_", " ")

    @cached_property
    def effect(self) -> str:
        """What was found: who gets what, the value, its interval and the limit.

        Without a value it is the finding's own reason.
        """
        if self.finding.value is None:
            return self.finding.reason
        name = f"{self.quantity[:1].upper()}{self.quantity[1:]} {self.where}"
        unit = "" if self.shown.unit in ("", "AUC") else f" {self.shown.unit}"
        interval = DASH if self.exact else self.shown.interval(self.finding.interval)
        amount = f"{self.shown(self.finding.value)}{unit}"
        amount += f" (interval {interval})" if interval != DASH else ""
        limit = limit_text(self.finding.limit, words=True)
        asked = "" if limit == DASH else f"; the policy asks for {limit}"
        if len(self.pair) == 2:
            low, high = self._levels()
            kind = "a ratio" if self.kind == "ratio" else "a gap"
            first, second = map(self.name, self.pair)
            return f"{name}: {low} for {first}, {high} for {second}, {kind} of {amount}{asked}."
        if len(self.pair) == 1:
            group = self.name(self.pair[0])
            return f"{name}: {amount} for {group}, where it is worst{asked}."
        return f"{name}: {amount}{asked}."

    @property
    def plain(self) -> str:
        """The finding in a sentence: who gets what, else the reason as the check words it."""
        if len(self.pair) == 2:
            return self.effect
        reason = self.finding.reason
        # What would settle it stands in the block. Where numbers are withheld the reason is worded
        # for publication: behind its semicolon stands the limit.
        reworded = any(note.startswith(f"{WITHHELD}: numbers") for note in self.finding.notes)
        if self.finding.because is Because.LIMIT and not reworded:
            reason = reason.partition("; ")[0]
        return stopped(reason)

    def _levels(self) -> list[str]:
        """Return what each group of the pair gets: natural frequencies of counts, else numbers."""
        values = [group.value for group in self.pair if group.value is not None]
        if all(group.numerator is not None and group.denominator for group in self.pair):
            shown = natural(values)
            if shown is not None:
                return shown
        return [self.shown(value) for value in values]

    @property
    def change(self) -> str:
        """How the finding moved since what it is compared with; empty without a baseline."""
        old = self.finding.baseline
        if old is None:
            return ""
        against = _AGAINST[old.against]
        when = "there" if old.against == "champion" else "then"
        then = "" if old.value is None else f" ({self.shown(old.value)} {when})"
        if then and old.delta == 0:
            return f"The same value as in {against}."
        if then and old.delta is not None:
            then = f"{then[:-1]}, change {self.shown(old.delta, signed=True)})"
        if old.verdict in _MOVED:
            return f"{_MOVED[old.verdict]} {against}{then}."
        return f"A change since {against} is not shown{then}."

    @property
    def untold(self) -> str:
        """A proven change, and what would settle it, where the reason does not speak of them."""
        reason, old = self.finding.reason, self.finding.baseline
        moved = old is not None and old.verdict in ("worse", "better")
        told = not moved or any(word in reason for word in ("baseline", "champion"))
        parts = ("" if told else self.change, "" if "settle" in reason else self.settle)
        return " ".join(filter(None, parts))

    @property
    def settle(self) -> str:
        """What these rows could have caught and how many would settle it; may be empty."""
        caught, needed = self.finding.detectable, self.finding.rows_needed
        said = []
        if caught is not None and caught.gap is not None:
            group = f" for {caught.group}" if caught.group else ""
            what = "value" if caught.beyond else "gap"
            beyond = " beyond the limit" if caught.beyond else ""
            said.append(
                f"The smallest {what} these rows would have caught in 8 of 10 samples is "
                f"{self.shown(caught.gap)}{beyond}{group}."
            )
        if needed is not None:
            pair = f"; {listed(needed.pair)} decide that" if needed.pair else ""
            said.append(
                f"About {count(needed.total)} rows at the same group mix would settle it{pair}."
            )
        return " ".join(said)
