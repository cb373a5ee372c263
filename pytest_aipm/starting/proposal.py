"""A first policy as it is proposed: each part with the reason for it, and what a person must check.

What the command line or a person says always holds; the rest is proposed from the table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pytest_aipm.errors import OptionError, Problem
from pytest_aipm.policy.grammar import TASKS
from pytest_aipm.policy.ids import is_id
from pytest_aipm.policy.words import did_you_mean
from pytest_aipm.starting.classes import Reading, read_classes
from pytest_aipm.starting.few import Power, power_of
from pytest_aipm.starting.people import Attribute, attribute_of, find_attributes
from pytest_aipm.starting.roles import (
    CLASSES,
    Guess,
    dates,
    find_label,
    find_said,
    holds_classes,
    identifier,
    two_classes,
    weights,
)
from pytest_aipm.starting.shown import listing, short
from pytest_aipm.starting.table import Column, Table
from pytest_aipm.starting.words import IDENTIFIER, has, plain

__all__ = ["Proposal", "Said", "Source", "Task", "held", "propose"]

Task = Literal["binary", "multiclass", "regression"]
Source = Literal["predictions", "scores", "model"]
NONE = "none"
"""What a person writes for "there is no such thing"."""


@dataclass(frozen=True)
class Said:
    """What a person said already, on the command line or when asked; None where nothing."""

    predictions: str | None = None
    scores: str | None = None
    model: str | None = None
    label: str | None = None
    positive: str | None = None
    favorable: str | None = None
    protected: tuple[str, ...] | None = None
    task: str | None = None
    name: str | None = None
    purpose: str | None = None
    owner: str | None = None


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Every part of a first policy.

    Attributes
    ----------
    table : Table
    name : str
    task : {"binary", "multiclass", "regression"}
    task_why : str
    source : {"predictions", "scores", "model"} or None
        Who is audited; None where nothing says it.
    said : Guess or None
        The column, or the model's reference, and why.
    label : Guess or None
    positive, favorable : Reading or None
        Of a binary task.
    threshold : float or None
        From which score on the positive class is decided.
    threshold_why : str
    attributes : tuple of Attribute
        Those with `left_out` are written as comments.
    id, date, weight : str
        Columns with these roles; empty where there are none.
    missing : tuple of str
        Codes of "unknown" in the protected attributes.
    rate : float
        Share of the rows that get the favorable decision, as far as that can be known; else NaN.
    powers : tuple of Power
    """

    table: Table
    name: str
    task: Task
    task_why: str
    source: Source | None
    said: Guess | None
    label: Guess | None
    positive: Reading | None
    favorable: Reading | None
    threshold: float | None
    threshold_why: str
    attributes: tuple[Attribute, ...]
    id: str
    date: str
    weight: str
    missing: tuple[str, ...]
    rate: float
    powers: tuple[Power, ...]

    @property
    def groups(self) -> tuple[Attribute, ...]:
        """The attributes that are proposed."""
        return tuple(each for each in self.attributes if not each.left_out)

    @property
    def others(self) -> tuple[Attribute, ...]:
        """The attributes that are written as comments."""
        return tuple(each for each in self.attributes if each.left_out)


def propose(table: Table, said: Said, ref: str) -> Proposal:
    """Propose every part of a policy that nobody named.

    Parameters
    ----------
    table : Table
    said : Said
    ref : str
        What the data are called; the policy is named after them.

    Raises
    ------
    OptionError
        When something that was named is not there, or cannot have that role.
    """
    source: Source | None
    source, model = _model(table, said)
    column = model.column if model is not None and source != "model" else None
    taken = [*(said.protected or ()), weights(table)]
    label = _label(table, said, column, taken)
    if source is None:
        found = find_said(table, label.column if label else None)
        if found is not None:
            source, model = found
        column = model.column if model is not None else None
        label = _label(table, said, column, taken)
        if source == "scores" and label is not None and not holds_classes(table[label.column]):
            source = "predictions"  # of a number
    task, task_why = _task(table, said, label, source, column)
    positive, favorable = _classes(table, said, task, label, source, column)
    threshold, threshold_why = _threshold(table, task, label, source, column, positive)
    roles = {each for each in (column, label.column if label else None, weights(table)) if each}
    attributes = _attributes(table, said, roles)
    rate = _rate(table, label, source, column, positive, favorable, threshold)
    scale = table.rows / table.seen
    chosen = [each for each in attributes if not each.left_out]
    powers = [power_of(each, rate, scale) for each in chosen] if np.isfinite(rate) else []
    days = [name for name in dates(table) if name not in roles]
    return Proposal(
        table=table,
        name=_name(said, ref),
        task=task,
        task_why=task_why,
        source=source,
        said=model,
        label=label,
        positive=positive,
        favorable=favorable,
        threshold=threshold,
        threshold_why=threshold_why,
        attributes=tuple(attributes),
        id=_identifier(table, roles),
        date=days[0] if len(days) == 1 else "",
        weight=weights(table),
        missing=tuple(dict.fromkeys(w for each in chosen for w in table[each.column].unknown)),
        rate=rate,
        powers=tuple(each for each in powers if each is not None),
    )


def _named(table: Table, name: str, option: str) -> Column:
    if name in table:
        return table[name]
    near = did_you_mean(name, [column.name for column in table.columns])
    fix = near if near.startswith("did") else f"columns: {listing(c.name for c in table.columns)}"
    raise OptionError(Problem(f"--{option}={short(name)}: {table.ref} has no such column", fix))


def _refused(option: str, name: str, what: str, fix: str) -> OptionError:
    return OptionError(Problem(f"--{option}={short(name)}: {what}", fix))


def _model(table: Table, said: Said) -> tuple[Source | None, Guess | None]:
    given = [key for key in ("predictions", "scores", "model") if getattr(said, key) is not None]
    if len(given) > 1:
        what = f"{' and '.join(f'--{key}' for key in given)} exclude each other"
        raise OptionError(Problem(what, "keep the one that is audited"))
    if said.model is not None:
        return "model", Guess(said.model, "you named it")
    if said.predictions is not None:
        column = _named(table, said.predictions, "predictions")
        if column.kind in {"empty", "date"} or column.free:
            fix = "name a column with classes or with predicted numbers"
            raise _refused("predictions", column.name, f"it holds {held(column)}", fix)
        return "predictions", Guess(column.name, "you named it")
    if said.scores is not None:
        column = _named(table, said.scores, "scores")
        if column.kind != "number":
            fix = f"name a column with numbers, or write --predictions={short(column.name)}"
            raise _refused("scores", column.name, f"it holds {held(column)}", fix)
        return "scores", Guess(column.name, "you named it")
    return None, None


def held(column: Column) -> str:
    """Return what a column holds, for "it holds ..."."""
    if column.kind in {"empty", "date"}:
        return "dates" if column.kind == "date" else "nothing: every field is empty"
    if column.kind == "text" and column.unique:
        return "another text in every row, as names and identifiers do"
    if column.free:
        return f"free text: {column.distinct:,} different ones in {column.known:,} rows"
    if column.distinct == 1:
        return f"one value only ({short(column.counts[0][0])})"
    if holds_classes(column):
        return f"{column.distinct:,} classes ({listing(map(str, column.classes), 4)})"
    return (
        f"{'numbers' if column.kind == 'number' else 'texts'}, {column.distinct:,} different ones"
    )


def _label(table: Table, said: Said, column: str | None, taken: Sequence[str]) -> Guess | None:
    """Return the answer, or None where there is none."""
    if said.label == NONE and NONE not in table:
        return None
    if said.label is None:
        guess = find_label(table, column, taken)
        if guess is not None and table[guess.column].missing:
            raise _holes(table[guess.column])
        return guess
    found = _named(table, said.label, "label")
    if found.name == column:
        fix = "name the column with what really happened"
        raise _refused("label", found.name, "is the column that is audited, too", fix)
    answer = found.kind in {"flag", "number", "text"} and found.distinct > 1 and not found.free
    if not answer or identifier(found):
        fix = "a label has two classes, or is a number: name the column with what really happened"
        raise _refused("label", found.name, f"it holds {held(found)}", fix)
    if found.missing:
        raise _holes(found)
    return Guess(found.name, "you named it")


def _holes(column: Column) -> OptionError:
    """Return the refusal of a label that is not known everywhere, which an audit refuses, too."""
    rows = "row has" if column.missing == 1 else "rows have"
    fix = (
        "take these rows out, and say so in `context`: who has no known outcome is not like the "
        "others (or leave the label out: --label=none)"
    )
    return _refused("label", column.name, f"{column.missing:,} {rows} no value", fix)


def _task(
    table: Table, said: Said, label: Guess | None, source: Source | None, column: str | None
) -> tuple[Task, str]:
    known = ("binary", "multiclass", "regression")
    if said.task is not None and said.task not in known:
        raise OptionError(Problem(f"--task={said.task}: unknown", did_you_mean(said.task, known)))
    told = label.column if label is not None else column if source == "predictions" else None
    task, why = (
        ("binary", "scores decide between two classes") if told is None else (_task_of(table[told]))
    )
    if said.task is not None and said.task != task:
        if said.task == "binary" or told is None or table[told].kind == "text":
            what = "no label and no predictions"
            if told is not None:
                what = f"'{short(told)}' holds {held(table[told])}"
            fix = "name another label, or leave --task out"
            raise _refused("task", said.task, what, fix)
        task, why = said.task, "you named it"
    if task not in TASKS:
        what = f"'{short(told)}' has {table[str(told)].distinct} classes; this version audits two"
        fix = "write a column with two classes (one against the rest) and name it as the label"
        if table[str(told)].kind == "number":
            fix += ", or say --task=regression if it is a number"
        raise OptionError(Problem(what, fix))
    return task, why  # type: ignore[return-value]


def _task_of(column: Column) -> tuple[str, str]:
    name = short(column.name)
    if two_classes(column) or column.distinct == 1:
        return "binary", f"'{name}' has two classes"
    many = column.distinct > CLASSES or not column.whole
    if column.kind == "number" and many:
        return "regression", f"'{name}' is a number ({column.distinct:,} different values)"
    return "multiclass", f"'{name}' has {column.distinct} classes"


def _classes(
    table: Table,
    said: Said,
    task: Task,
    label: Guess | None,
    source: Source | None,
    column: str | None,
) -> tuple[Reading | None, Reading | None]:
    if task == "regression":
        given = [key for key in ("positive", "favorable") if getattr(said, key) is not None]
        if given:
            what = f"--{given[0]} names a class, but a regression predicts a number"
            raise OptionError(Problem(what, "leave it out, or name a label with classes"))
        return None, None
    told = label.column if label is not None else column if source == "predictions" else None
    if told is None:  # scores alone: the policy's own words for the two classes
        return (
            Reading(
                _value(said.positive, (0, 1), "positive", 1),
                "the class that a high score stands for",
                doubt=True,
            ),
            Reading(_value(said.favorable, (0, 1), "favorable", 1), "a guess", doubt=True),
        )
    classes: tuple[Any, ...] = table[told].classes
    if len(classes) == 1 and column is not None:
        classes = tuple(dict.fromkeys((*classes, *table[column].classes)))
    if len(classes) != 2:
        if task == "multiclass":
            return _one_of_many(classes, said)
        what = f"'{short(told)}' holds {held(table[told])}; two classes are compared"
        raise OptionError(Problem(what, "name a column with both classes"))
    _same_classes(table, label, source, column)
    scores = column if source == "scores" else None
    positive, favorable = read_classes(
        classes, told, table=table, label=label.column if label else None, scores=scores
    )
    if said.positive is not None:
        value = _value(said.positive, classes, "positive", None)
        positive = Reading(value, "you named it", doubt=False)
    if said.favorable is not None:
        value = _value(said.favorable, classes, "favorable", None)
        favorable = Reading(value, "you named it", doubt=False)
    return positive, favorable


def _one_of_many(classes: Sequence[Any], said: Said) -> tuple[Reading | None, Reading]:
    """Return the favorable class of many; the one that a person named, else a guess."""
    value = _value(said.favorable, classes, "favorable", classes[-1])
    named = said.favorable is not None
    return None, Reading(value, "you named it" if named else "a guess", doubt=not named)


def _same_classes(
    table: Table, label: Guess | None, source: Source | None, column: str | None
) -> None:
    """Refuse predictions that are written otherwise than the label."""
    if label is None or source != "predictions" or column is None:
        return
    model, truth = table[column], table[label.column]
    if model.kind == "number" and model.distinct > CLASSES:
        what = f"it holds {model.distinct:,} different numbers, '{short(truth.name)}' two classes"
        raise _refused("predictions", column, what, f"are these scores? write --scores={column}")
    strange = [value for value in model.classes if value not in truth.classes]
    if strange or not holds_classes(truth):
        what = (
            f"its classes ({listing(map(str, model.classes), 4)}) are not those of "
            f"'{short(truth.name)}' ({listing(map(str, truth.classes), 4)})"
        )
        fix = "write both the same way, or name another --label"
        raise _refused("predictions", column, what, fix)


def _value(text: str | None, classes: Sequence[Any], option: str, default: Any) -> Any:
    if text is None:
        return default
    for exact in (str, plain):
        for value in classes:
            if exact(value) == exact(text) or (isinstance(value, bool) and plain(value) == text):
                return value
    what = f"--{option}={short(text)}: no class of this name"
    raise OptionError(Problem(what, f"classes: {listing(map(str, classes))}"))


def _threshold(
    table: Table,
    task: Task,
    label: Guess | None,
    source: Source | None,
    column: str | None,
    positive: Reading | None,
) -> tuple[float | None, str]:
    if source != "scores" or column is None or task == "regression":
        return None, ""
    values = table[column].values.dropna().to_numpy(dtype=np.float64)
    inside = table[column].low >= 0 and table[column].high <= 1
    if inside and 0 < (values >= 0.5).mean() < 1:
        return 0.5, "as likely as not; write the one that is really used"
    base = 0.5
    why = "about half of the rows lie above it"
    if label is not None and positive is not None:
        base = _share(table[label.column], positive.value)
        why = f"about as many rows lie above it as '{short(label.column)}' is {positive.value}"
    cuts = np.unique(values)
    cuts = cuts[1:] if len(cuts) > 1 else cuts
    above = 1 - np.searchsorted(np.sort(values), cuts, side="left") / len(values)
    cut = float(cuts[int(np.argmin(np.abs(above - base)))])
    return float(f"{cut:.6g}"), f"{why}; write the one that is really used"


def _share(column: Column, value: Any) -> float:
    """Return the share of the known rows with this value."""
    count = sum(n for each, n in column.counts if each == value)
    return count / column.known if column.known else float("nan")


def _rate(
    table: Table,
    label: Guess | None,
    source: Source | None,
    column: str | None,
    positive: Reading | None,
    favorable: Reading | None,
    threshold: float | None,
) -> float:
    if favorable is None:
        return float("nan")
    if source == "predictions" and column is not None:
        return _share(table[column], favorable.value)
    if threshold is not None and column is not None:
        above = float((table[column].values.dropna() >= threshold).mean())
        return above if positive is None or favorable.value == positive.value else 1 - above
    return _share(table[label.column], favorable.value) if label is not None else float("nan")


def _attributes(table: Table, said: Said, roles: set[str]) -> list[Attribute]:
    if said.protected is None:
        return find_attributes(table, roles)
    named = [name for name in said.protected if name != NONE or NONE in table]
    for name in named:
        _named(table, name, "protected")
        if name in roles:
            what = "has another role in this policy"
            raise _refused("protected", name, what, "name a column that says who a person is")
    found = [attribute_of(table, name) for name in dict.fromkeys(named)]
    if len({each.name for each in found}) < len(found):
        what = "--protected: two columns would have the same name in findings"
        raise OptionError(Problem(what, "rename one of them in the data"))
    return found


def _identifier(table: Table, roles: set[str]) -> str:
    return next(
        (
            column.name
            for column in table.columns
            if column.name not in roles
            and identifier(column)
            and has(column.name, IDENTIFIER)
            and not column.missing
        ),
        "",
    )


def _name(said: Said, ref: str) -> str:
    if said.name is not None:
        if not is_id(said.name):
            fix = "use letters, digits, '.', '_' and '-'"
            raise OptionError(Problem(f"--name={short(said.name)} cannot begin a node id", fix))
        return said.name
    stem = ref.replace("\\", "/").rstrip("/").rpartition("/")[2].partition(".")[0]
    made = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")
    return made[:60] or "model"
