"""Each group's rate over the comparator's: the impact ratio, group by group.

Made from what the table shows, so that a withheld rate gives no ratio away.
"""

from __future__ import annotations

from pytest_aipm.records import Finding, GroupValue

__all__ = ["impact_ratios", "name_of"]

_ALL_PAIRS = "all pairs"


def impact_ratios(finding: Finding) -> dict[str, float]:
    """Return the ratio of every judged group by its name, highest 1; empty where there are none.

    Parameters
    ----------
    finding : Finding
        Of a check whose value is the lowest rate over the highest, or over a named group's.
    """
    formula = finding.formula
    if formula is None or not formula.id.endswith("_ratio"):
        return {}
    if any(group.part for group in finding.groups) or "at_least" in _params(finding):
        return {}
    judged = [group for group in finding.groups if group.judged]
    rates = {name_of(group): group.value for group in judged}
    if formula.reference == _ALL_PAIRS:
        # where any rate is withheld, nobody can say which one is the highest
        known = [value for value in rates.values() if value is not None]
        against = max(known, default=0.0) if len(known) == len(judged) else None
    else:
        against = rates.get(formula.reference)
    if not against:
        return {}
    return {name: value / against for name, value in rates.items() if value is not None}


def name_of(group: GroupValue) -> str:
    """Return the name of a group as comparators are called."""
    return " · ".join(group.group.values())


def _params(finding: Finding) -> dict[str, object]:
    return {} if finding.asked is None else dict(finding.asked.params)
