"""A proposal as the text of a policy, which is read back before anybody sees it."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from pytest_aipm.catalog import Catalog
from pytest_aipm.errors import OptionError, PolicyError, Problem
from pytest_aipm.policy.load import load_policy
from pytest_aipm.policy.model import Policy
from pytest_aipm.policy.schema import MODELINE
from pytest_aipm.sources.spec import ModelSpec
from pytest_aipm.starting.expected import schema_name
from pytest_aipm.starting.few import FOUR_FIFTHS, said
from pytest_aipm.starting.people import Attribute
from pytest_aipm.starting.proposal import Proposal
from pytest_aipm.starting.remarks import unknown_attributes
from pytest_aipm.starting.shown import comment, listing, scalar

__all__ = ["Written", "template", "write_policy"]

OUT_OF_FOLD = (
    "out-of-fold predictions: let each part of your labelled rows be predicted by a model fitted "
    "on the others (scikit-learn: cross_val_predict), and audit all of them instead of a holdout"
)
POOLED = (
    "pooled groups: put small groups together in a column of its own, and say in `context` who "
    "decided which"
)
ADVICE = "`severity: advice` at a check: it warns, and no longer fails the build"
MORE = "more rows, above all of the smallest group"
WAYS = (OUT_OF_FOLD, POOLED, ADVICE, MORE)


@dataclass(frozen=True)
class Written:
    """The text of a policy, and the policy it is read as."""

    text: str
    policy: Policy


@cache
def _templates() -> Environment:
    made = Environment(  # noqa: S701 - YAML, not HTML: `scalar` and `comment` quote what is foreign
        loader=PackageLoader("pytest_aipm.starting"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    made.filters |= {
        "scalar": scalar,
        "comment": comment,
        "attribute": _attribute,
        "capitalise": lambda text: text[:1].upper() + text[1:],
    }
    return made


def template(name: str, **values: Any) -> str:
    """Return a template of this room, filled in."""
    return _templates().get_template(name).render(values)


def write_policy(
    proposal: Proposal, *, root: Path, purpose: str, owner: str, catalog: Catalog
) -> Written:
    """Return the policy's text, and how it is read.

    The text is read back as any policy is, so that nothing is ever written that a run would refuse.

    Raises
    ------
    OptionError
        When there is nothing to check, or what was named makes no policy.
    """
    if not proposal.groups and proposal.label is None:
        what = "there is nothing to check: neither groups of people nor what really happened"
        raise OptionError(Problem(what, "name one with --protected or --label"))
    values = {
        "p": proposal,
        "modeline": MODELINE,
        "head": _head(proposal),
        "purpose": purpose,
        "owner": owner,
        "model": _model(proposal, root),
        "data": _data(proposal),
        "keeps_missing": proposal.source != "model",
        "iso": _iso(proposal),
        "unknown_as_group": _unknown(proposal),
        "quasi": _quasi(proposal),
        "anonymity": _anonymity(proposal, catalog),
        "schema": schema_name(proposal) if "data.schema" in catalog.names() else "",
        "majority": _majority(proposal),
        "probable": _probable(proposal),
        "four_fifths": FOUR_FIFTHS,
        "powers_head": _powers_head(proposal),
        "powers": said(proposal.powers),
        "ways": WAYS if any(not each.enough for each in proposal.powers) else (),
    }
    first = _read(template("policy.aipm.yaml.j2", reading="", **values), root, catalog)
    reading = first.policy.reading()
    return _read(template("policy.aipm.yaml.j2", reading=reading, **values), root, catalog)


def _read(text: str, root: Path, catalog: Catalog) -> Written:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "proposed.aipm.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            return Written(text, load_policy(path, root=root, catalog=catalog))
        except PolicyError as fault:
            fix = "name other columns, or write the policy yourself (docs/policy.md)"
            told = [
                Problem(f"no policy comes of this: {each.what}", fix) for each in fault.problems
            ]
            raise OptionError(told) from None


def _head(proposal: Proposal) -> str:
    table = proposal.table
    return (
        "What is audited, what must hold, and who answers for it. `aipm init` proposed this from "
        f"{table.ref} ({table.rows:,} rows, {len(table.columns):,} columns). Every proposal says "
        "why it was made; where it says CHECK, only you can know."
    )


def _data(proposal: Proposal) -> str:
    table = proposal.table
    key = "factory" if table.factory else "path"
    if proposal.source == "model" and key == "path":
        return f"{{path: {scalar(table.ref)}, sha256: {table.sha256}}}"
    if proposal.missing and proposal.source != "model":
        words = ", ".join(map(scalar, proposal.missing))
        return f"{{{key}: {scalar(table.ref)}, missing: [{words}]}}"
    return scalar(table.ref) if key == "path" else f"{{factory: {scalar(table.ref)}}}"


def _model(proposal: Proposal, root: Path) -> str:
    if proposal.source != "model" or proposal.said is None:
        return ""
    spec = ModelSpec.parse(proposal.said.column, root)
    return scalar(spec.path) if spec.path else f"{{factory: {scalar(spec.factory)}}}"


def _attribute(each: Attribute) -> str:
    if not each.bins:
        return scalar(each.column)
    bins = ", ".join(f"{cut:.10g}" for cut in each.bins)
    labels = ", ".join(map(scalar, each.labels))
    return f"{{column: {scalar(each.column)}, bins: [{bins}], labels: [{labels}]}}"


def _iso(proposal: Proposal) -> bool:
    """Return whether the report can read the dates."""
    if not proposal.date:
        return False
    column = proposal.table[proposal.date]
    texts = column.values.dropna().astype(str)
    return not column.missing and bool(texts.str.fullmatch(r"\d{4}-\d{2}-\d{2}").all())


def _unknown(proposal: Proposal) -> str:
    found = unknown_attributes(proposal)
    if not found:
        return ""
    parts = ", ".join(f"{part} of the rows have no {name}" for name, part in found)
    return (
        f"CHECK. {parts}. More than 5 % would fail by count, so rows without a group are compared "
        "as a group of their own."
    )


def _quasi(proposal: Proposal) -> str:
    names = [each.column for each in proposal.attributes]
    return listing(names) if len(names) > 1 else ""


def _anonymity(proposal: Proposal, catalog: Catalog) -> str:
    """Return the columns that a check of k-anonymity looks at; empty where there is none."""
    name, columns = "privacy.k_anonymity", [each.column for each in proposal.groups]
    if len(columns) < 2 or name not in catalog.names():
        return ""
    if "quasi_identifiers" not in catalog.load(name).Params.model_fields:
        return ""
    return ", ".join(map(scalar, columns))


def _probable(proposal: Proposal) -> bool:
    """Return whether there may be probabilities: of a model nobody knows before it runs."""
    if proposal.source != "scores" or proposal.said is None:
        return proposal.source == "model"
    scores = proposal.table[proposal.said.column]
    return scores.low >= 0 and scores.high <= 1


def _majority(proposal: Proposal) -> float:
    """Return how often the most frequent class of the label is right, cut to two digits."""
    if proposal.label is None:
        return 0.0
    column = proposal.table[proposal.label.column]
    return math.floor(100 * column.counts[0][1] / column.known) / 100


def _powers_head(proposal: Proposal) -> str:
    rows = proposal.table.rows
    of = "decisions" if proposal.source != "model" else "labels, for want of decisions"
    return (
        f"What these {rows:,} rows can show about the selection ratio, in four of five samples "
        f"like this one, where as many get the good decision as now (by the {of}):"
    )
