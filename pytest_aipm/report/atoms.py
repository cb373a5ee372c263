"""Which elementary counts a published rate is made of: people by label and decision."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_aipm.records import Finding
from pytest_aipm.report.classes import rate_of

__all__ = ["ATOMS", "atoms_of", "is_half", "is_slice"]

ATOMS = ("tp", "fp", "fn", "tn")
_RATES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    name: (frozenset(numerator.split()), frozenset(denominator.split()))
    for name, numerator, denominator in (
        ("selection rate", "tp fp", "tp fp fn tn"),
        ("true positive rate", "tp", "tp fn"),
        ("recall", "tp", "tp fn"),
        ("false negative rate", "fn", "tp fn"),
        ("false positive rate", "fp", "fp tn"),
        ("true negative rate", "tn", "fp tn"),
        ("specificity", "tn", "fp tn"),
        ("precision", "tp", "tp fp"),
        ("positive predictive value", "tp", "tp fp"),
        ("accuracy", "tp tn", "tp fp fn tn"),
        ("base rate", "tp fn", "tp fp fn tn"),
    )
}
_ALSO = {
    "tpr": "true positive rate",
    "fpr": "false positive rate",
    "fnr": "false negative rate",
    "tnr": "true negative rate",
    "ppv": "precision",
    # the notes of adjusted rates say the plain ones
    "ratio of adjusted selection rates": "selection rate",
    "difference of adjusted selection rates": "selection rate",
}


def atoms_of(finding: Finding, part: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the elementary counts above and below the line of a finding's rate.

    A rate of another name stands for itself, so that only its own tables and sums are linked.
    """
    formula = _formula(finding)
    plain = ""
    for name in (rate_of(finding, part).partition(",")[0], formula.removesuffix("_of_each_class")):
        plain = name.lower().rpartition(".")[2].removesuffix("_ratio").removesuffix("_difference")
        plain = plain.replace("_", " ").replace("-", " ").strip()
        plain = _ALSO.get(plain, plain)
        if plain in _RATES:
            return _RATES[plain]
    own = f"{plain} {part}"
    return frozenset((f"{own} above",)), frozenset((f"{own} below",))


def is_slice(finding: Finding) -> bool:
    """Return whether the groups were chosen by a search: they overlap and make no whole table."""
    return _formula(finding) == "worst_slice"


def is_half(finding: Finding, part: str) -> bool:
    """Return whether a slice was counted on the half of the rows that confirms."""
    return is_slice(finding) and part.endswith("confirming half")


def _formula(finding: Finding) -> str:
    return finding.formula.id if finding.formula is not None else finding.check
