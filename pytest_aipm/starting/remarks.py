"""What a person should know about a table before trusting any audit of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from pytest_aipm.starting.classes import score_auc
from pytest_aipm.starting.proposal import Proposal, held
from pytest_aipm.starting.roles import two_classes
from pytest_aipm.starting.shown import listing, share, short
from pytest_aipm.starting.table import Column
from pytest_aipm.starting.words import ANSWER, has, plain

__all__ = ["UNKNOWN_SHARE", "leaks", "remarks", "unknown_attributes"]

UNKNOWN_SHARE = 0.05
"""More rows without a group than this fail a check by count, unless the policy says otherwise."""
TELLING = 0.95
"""Area under the curve from which on a single column is suspected of knowing the answer."""
FEW = 30
"""Rows below which it is said that they show hardly anything."""
TRIED = 500
"""Columns that are tried, the first ones."""


def remarks(proposal: Proposal) -> Iterator[str]:
    """Yield what is odd about the rows, one sentence each."""
    table = proposal.table
    if table.seen < table.rows:
        yield (
            f"looked at {table.seen:,} of {table.rows:,} rows, evenly spread; "
            "the audit reads all of them"
        )
    if table.rows < FEW:
        rows = "1 row shows" if table.rows == 1 else f"{table.rows} rows show"
        yield f"{rows} hardly anything: expect findings that cannot tell"
    if proposal.label is None:
        for column in table.columns:
            if has(column.name, ANSWER) and column.kind != "number" and not two_classes(column):
                yield f"'{short(column.name)}' is called like a label, but holds {held(column)}"
    yield from _alike(proposal)
    yield from _too_good(proposal)
    found = leaks(proposal)
    if found:
        model = proposal.source == "model"
        what = "list what the model may read under `features`" if model else "no model may read it"
        yield (
            f"{listing(found, 5)}: tells '{short(_answer(proposal))}' nearly alone; if it is known "
            f"only with the answer, {what}"
        )
    for name, part in unknown_attributes(proposal):
        yield f"{part} of the rows have no {name}: they are compared as a group of their own"
    if not proposal.groups:
        yield (
            "no column says who a person is, so nothing is compared between groups: name some "
            "with --protected, or join them from a file of their own"
        )


def unknown_attributes(proposal: Proposal) -> list[tuple[str, str]]:
    """Return the proposed attributes that too many rows do not have, and the share of them."""
    seen = proposal.table.seen
    return [
        (each.name, share(each.unknown, seen))
        for each in proposal.groups
        if each.unknown > UNKNOWN_SHARE * seen
    ]


def _alike(proposal: Proposal) -> Iterator[str]:
    """Say when everybody is decided alike."""
    if proposal.source == "predictions" and proposal.said is not None:
        model = proposal.table[proposal.said.column]
        if model.distinct == 1:
            value = short(model.counts[0][0])
            yield f"'{short(model.name)}' says {value} in every row: there is nothing to compare"


def _answer(proposal: Proposal) -> str:
    return proposal.label.column if proposal.label else ""


def _too_good(proposal: Proposal) -> Iterator[str]:
    """Say when predictions are the label."""
    label, said = proposal.label, proposal.said
    if label is None or said is None or proposal.source != "predictions":
        return
    truth, model = proposal.table[label.column], proposal.table[said.column]
    same = (truth.values.map(plain) == model.values.map(plain)).to_numpy(dtype=bool)
    if len(same) and same.mean() > 0.999:
        rows = "every row" if same.all() else "nearly every row"
        yield (
            f"'{short(model.name)}' equals '{short(truth.name)}' in {rows}: is it really what the "
            "model said about rows it had not seen?"
        )


def leaks(proposal: Proposal) -> list[str]:
    """Return the columns that alone tell the two classes of the label nearly apart."""
    label, table = proposal.label, proposal.table
    if label is None or not two_classes(table[label.column]):
        return []
    others = {label.column, proposal.id, *(each.column for each in proposal.attributes)}
    if proposal.said is not None:
        others.add(proposal.said.column)
    positive = table[label.column].classes[-1]
    yes = (table[label.column].values.map(plain) == plain(positive)).to_numpy(dtype=bool)
    if min(yes.sum(), (~yes).sum()) < 10:
        return []
    tried = [column for column in table.columns if column.name not in others][:TRIED]
    found = []
    for column in tried:
        if column.kind == "number" and column.distinct > 2 and not column.missing:
            auc = score_auc(table, label.column, column.name, positive)
            telling = max(auc, 1 - auc) >= TELLING
        else:
            telling = _tells(column, yes)
        if telling:
            found.append(column.name)
    return found


def _tells(column: Column, yes: np.ndarray) -> bool:
    """Return whether the groups of a column, missing ones among them, tell the classes apart."""
    if column.kind == "empty" or column.distinct > max(20, 0.02 * column.rows):
        known = column.values.notna().to_numpy(dtype=bool)
        if not known.any() or known.all():
            return False
        groups = pd.Series(known.astype(str))
    else:
        groups = column.values.map(plain).reset_index(drop=True)
    counts = pd.crosstab(groups, yes)
    rates = counts / counts.sum()
    return bool(rates.max(axis=1).sum() / 2 >= TELLING)
