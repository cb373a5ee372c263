"""Share of training rows that are nearly alone in a leaf of a tree.

## Question
Does a tree answer for single people, rather than for groups of them?

## How it is measured
Every tree inside the fitted object is looked at (trees, forests and boosting of scikit-learn,
LightGBM and CatBoost, inside pipelines and other ensembles, too), and its leaves' own counts are
read. The value is the
share of training rows in a leaf of fewer than `rows` rows (5), over all trees. The model's counts
decide, so the number itself does. In a forest each tree counts the rows that it drew.

## When it misleads
- It is a sign, not an attack: a leaf of one row may tell nothing of that person, and large leaves
  can, too.
- XGBoost keeps no counts, and compiled parts of other libraries cannot be looked into: such models
  are not judged.
- With weights CatBoost counts those, not rows.

## What to do
Set `min_samples_leaf` to 5 or more, or limit the depth. Then look at
`privacy.membership_inference`, which measures what is really given away.

## If left out
A tree could hold a leaf for one person, whose answer is that person's.

## Sources
- Rules of SACRO-ML for trees: `min_samples_leaf` of at least 5; a convention.
"""

from __future__ import annotations

from pydantic import Field

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.leaves import leaves_of
from pytest_aipm.records import Because, Formula
from pytest_aipm.stats.single import census

NEEDS = Needs(model=True)
KIND = "census"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
RANGE = (0.0, 1.0)
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 0}
BASIS = "convention of disclosure control: no leaf of fewer than 5 rows"


class Params(CheckParams):
    """What is small, and how long to look."""

    rows: int = Field(default=5, ge=2)
    """A leaf of fewer rows is small."""
    seconds: float = Field(default=30.0, gt=0)
    """Time the search may take; what it did not reach is said."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    trees, unread = leaves_of(evidence, params.seconds)
    formula = Formula(
        id="small_leaves",
        numerator=f"training rows in leaves of fewer than {params.rows}",
        denominator="training rows in leaves",
        population=f"{len(trees):,} trees",
    )
    if not trees:
        why = "no tree whose leaves can be counted was found inside the model"
        because = Because.NO_EVIDENCE if unread else Because.NOT_APPLICABLE
        why += f", but {unread}" if unread else ""
        return Measurement(
            estimate=None, formula=formula, summary=why, n=0, not_judged=(because, why)
        )
    small = sum(float(leaf[leaf < params.rows].sum()) for leaf in trees)
    alone = sum(float((leaf == 1).sum()) for leaf in trees)
    rows = sum(float(leaf.sum()) for leaf in trees)
    share = small / rows
    measured = Measurement(
        estimate=census(share, rows),
        formula=formula,
        summary=(
            f"{frequency(share)} training rows are in a leaf of fewer than {params.rows}, over "
            f"{len(trees):,} tree{'' if len(trees) == 1 else 's'}: share {number(share)}"
        ),
        n=int(max(leaf.sum() for leaf in trees)),
        part_names=("all rows",),
        notes=(f"share alone in a leaf: {number(alone / rows)}",)
        + ((f"there may be more: {unread}",) if unread else ()),
    )
    if unread and share <= 0:
        said = f"no small leaf was found, but {unread}"
        return measured.with_(estimate=None, summary=said, not_judged=(Because.NO_EVIDENCE, said))
    return measured
