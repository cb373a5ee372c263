"""Evidence of one audit: everything checks may ask for, each computed once and on demand."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from pytest_aipm.engine.local import Engine, Local, Mergeable
from pytest_aipm.errors import DataError, MeasurementError, Problem
from pytest_aipm.evidence.classes import (
    listed,
    refuse_one_class,
    unseen,
)
from pytest_aipm.evidence.confusion import ClassCounts, PerClass
from pytest_aipm.evidence.counting import Counting
from pytest_aipm.evidence.groups import (
    GroupCounts,
    Grouping,
    GroupMoments,
    GroupRows,
    GroupScores,
    Unknown,
    grouping,
)
from pytest_aipm.evidence.kept import Kept
from pytest_aipm.evidence.pairing import ApprovedRows, Pairing, RowKey
from pytest_aipm.evidence.passes import located
from pytest_aipm.evidence.period import Days
from pytest_aipm.evidence.remembering import remembered
from pytest_aipm.evidence.rowpass import OfCoded, Wanted
from pytest_aipm.evidence.scores import ScoreBag, merge_bags
from pytest_aipm.evidence.stated import Stated
from pytest_aipm.evidence.subject import Attribute, Classes, Subject
from pytest_aipm.evidence.tally import Coded, Tally
from pytest_aipm.evidence.views import View, loss_of
from pytest_aipm.evidence.wishes import Shared
from pytest_aipm.sources.data import AFAR, DataSource
from pytest_aipm.sources.model import Model, Prediction

__all__ = ["Evidence"]

_Kept = TypeVar("_Kept")
_Part = TypeVar("_Part", bound=Mergeable)


class Evidence(Counting):
    """What checks share.

    Parameters
    ----------
    subject : Subject
        Columns, classes, decision rule and attributes.
    data : DataSource
        The evaluation rows.
    model : Model or None
        The audited model; None when predictions are columns.
    train : DataSource or None
        The rows the model was trained on.
    champion : Model or None
        An earlier model, for paired comparison on the same rows.
    pairing : Pairing or None
        Decisions of the approved run, for the same.
    losses : frozenset of str
        Row losses to sum in the pass.
    keep_scores, keep_rows : bool
        Whether any planned check needs scores or rows.
    need_label, need_decision : bool
        Whether any planned check needs labels or decisions.
    seed : int
        Seed of all sampling.
    run_dir : Path or None
        Folder shared by the processes of a run.
    key : str
        Name of this audit's files in `run_dir`.
    root : Path or None
        Folder in which the project's own metrics are found; None is the current folder.
    stated : Stated, optional
        What the policy says, and what its other checks found.
    kept : Kept or None
        Predictions of earlier runs.
    engine : Engine, optional
        Where the pass over the rows runs; here, unless said otherwise.
    """

    def __init__(
        self,
        subject: Subject,
        data: DataSource,
        *,
        model: Model | None = None,
        train: DataSource | None = None,
        champion: Model | None = None,
        pairing: Pairing | None = None,
        losses: frozenset[str] = frozenset(),
        keep_scores: bool = False,
        keep_rows: bool = False,
        need_label: bool = False,
        need_decision: bool = True,
        seed: int = 0,
        run_dir: Path | None = None,
        key: str = "audit",
        root: Path | None = None,
        stated: Stated | None = None,
        kept: Kept | None = None,
        engine: Engine | None = None,
    ) -> None:
        self.subject = subject
        self.stated = stated or Stated()
        self.data = data
        self.model = model
        self.train = train
        self.champion = champion
        self.pairing = pairing
        self.seed = seed
        self.root = Path.cwd() if root is None else root
        # with weights or repeated people, what is not counted is measured on the rows themselves
        by_row = subject.designed and (keep_scores or bool(losses))
        self._wanted = Wanted(
            label=need_label,
            decisions=need_decision,
            scores=keep_scores and not by_row,
            rows=keep_rows or by_row,
            losses=frozenset() if by_row else losses,
            days=True,
        )
        self._run_dir = run_dir
        self._kept_before = kept
        self.engine: Engine = engine or Local()
        self._key = key
        self._tally: Tally | MeasurementError | None = None
        self.planned = tuple
        self.shared = Shared(self.engine)
        self.shared.wanted, self.shared.lead = self.wishes, self._lead
        self._along: Tally | None = None

    # -- what checks ask for -------------------------------------------------------------------

    def remember(self, key: RowKey) -> ApprovedRows:
        """Return what a pairing file keeps of these rows.

        Raises
        ------
        MeasurementError
            When ids do not tell the rows apart, or the rows cannot be decided on.
        """
        if not self.data.placed:
            what = f"rows of {self.data.ref} have no place of their own, and cannot be paired"
            raise DataError(Problem(what, "audit a file, or remove 'pairing'", self.data.ref))
        with located(self.data.ref):
            over = functools.partial(self.over, self.data)
            return remembered(self.subject, over, self.over_decided, key)

    def counts(self, by: tuple[str, ...], unknown: Unknown = "report") -> GroupCounts:
        """Return the confusion counts of every group of a scope; its arrays are read only."""
        return self.once(("counts", by, unknown), lambda: self._counts(by, unknown))

    def once(self, key: tuple[object, ...], compute: Callable[[], _Kept]) -> _Kept:
        """Return what several checks ask for, computed for the first of them; nobody changes it."""
        if key not in self._kept:
            self._kept[key] = compute()
        kept: _Kept = self._kept[key]
        return kept

    @cached_property
    def _kept(self) -> dict[tuple[object, ...], Any]:
        return {}

    def _counts(self, by: tuple[str, ...], unknown: Unknown) -> GroupCounts:
        groups = self.grouping(by, unknown)
        shape = next(iter(self.tally.counts.values())).shape
        table = np.zeros((len(groups.keys), *shape), dtype=np.int64)
        outside = 0
        numbers = {cell: groups.index(cell) for cell in self.tally.counts}
        for cell, counted in self.tally.counts.items():
            index = numbers[cell]
            if index < 0:
                outside += int(counted.sum())
            else:
                table[index] += counted
        sums = self.tally.people or self.tally.weights
        design = None if sums is None else sums.grouped(numbers, table)
        table.flags.writeable = False
        return GroupCounts(groups, table, outside, design)

    def class_counts(self, by: tuple[str, ...], unknown: Unknown = "report") -> ClassCounts:
        """Return rows by label and predicted class in every group of a scope.

        Raises
        ------
        DataError
            When labels or predictions are not there.
        """
        confusion = self.tally.confusion
        if confusion is None:
            raise DataError(Problem("labels or predicted classes are missing", "declare both"))
        groups = self.grouping(by, unknown)
        return self.once(("classes", by, unknown), lambda: confusion.grouped(groups))

    def class_tables(self, by: tuple[str, ...], unknown: Unknown = "report") -> PerClass:
        """Return rows by label and decision of each class against the rest, as `class_counts`."""
        return self.class_counts(by, unknown)

    def speaking_of(self, classes: Classes) -> Evidence:
        """Return the same rows of a multiclass task as two classes: these, and the rest.

        Raises
        ------
        DataError
            When one of the classes never occurs.
        """
        seen = self.tally.labels | self.tally.classes
        absent = {value for value in classes.values if value not in seen}
        if absent:
            what = f"class {listed(absent)} never occurs in the data (classes: {listed(seen)})"
            raise DataError(Problem(what, "name one of these"))
        subject = replace(self.subject, positive=classes, favorable=classes)
        wanted = replace(self._wanted, label=True, decisions=True, days=False)
        return self.once(("speaking of", classes), lambda: self._read_as(subject, wanted))

    def viewed(self, view: View) -> Evidence:
        """Return the same rows of a multiclass task, asked something else; see `views`."""
        subject, losses = replace(self.subject, positive=None, favorable=None), loss_of(view)
        by_row = subject.designed and bool(losses)
        wanted = Wanted(
            label=True,
            decisions=not losses,
            rows=by_row,
            losses=frozenset() if by_row else losses,
            view=view,
        )
        return self.once(("viewed", view), lambda: self._read_as(subject, wanted))

    def _read_as(self, subject: Subject, wanted: Wanted) -> Evidence:
        other = self.about(subject, self.data, model=self.model, champion=self.champion)
        other._wanted = wanted  # noqa: SLF001 - of the same class
        other.pairing = None
        streams = self.engine.remote
        other.__dict__["_predictor"] = self._predictor.about(subject, streams=streams)
        if self._champion is not None:
            other.__dict__["_champion"] = self._champion.about(subject, streams=streams)
        return other

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """Classes of a multiclass task in the order of their scores; None without scores."""
        return self._predictor.classes

    def moments(self, loss: str, by: tuple[str, ...], unknown: Unknown = "report") -> GroupMoments:
        """Return the moments of a row loss in every group of a scope; its arrays are read only."""
        return self.once(("moments", loss, by, unknown), lambda: self._moments(loss, by, unknown))

    def _moments(self, loss: str, by: tuple[str, ...], unknown: Unknown) -> GroupMoments:
        groups = self.grouping(by, unknown)
        self.require_scores()
        table, outside = np.zeros((len(groups.keys), 4)), 0
        for (cell, name), summed in self.tally.sums.items():
            if name != loss:
                continue
            index = groups.index(cell)
            if index < 0:
                outside += int(summed[0])
            else:
                table[index] += summed
        table.flags.writeable = False
        return GroupMoments(groups, table, outside)

    def scores(self, by: tuple[str, ...], unknown: Unknown = "report") -> GroupScores:
        """Return the scores of negatives and positives in every group of a scope."""
        return self.once(("scores", by, unknown), lambda: self._scores(by, unknown))

    def _scores(self, by: tuple[str, ...], unknown: Unknown) -> GroupScores:
        groups = self.grouping(by, unknown)
        self.require_scores()
        split: list[tuple[list[ScoreBag], list[ScoreBag]]] = [([], []) for _ in groups.keys]
        outside = 0
        for (cell, label), bags in self.tally.bags.items():
            index = groups.index(cell)
            if index < 0:
                outside += sum(bag.n for bag in bags)
            else:
                split[index][label].extend(bags)
        merged = tuple((merge_bags(neg), merge_bags(pos)) for neg, pos in split)
        return GroupScores(groups, merged, outside)

    def rows(self, by: tuple[str, ...], unknown: Unknown = "report") -> GroupRows:
        """Return row-level arrays of a scope.

        Raises
        ------
        DataError
            When rows stay where they are.
        """
        if self.engine.remote:
            raise DataError(Problem(*AFAR))
        groups = self.grouping(by, unknown)
        numbers = [
            np.array([groups.index(name) for name in block.names])[block.cells]
            for block in self.tally.rows
        ]
        kept = [number >= 0 for number in numbers]

        def joined(name: str) -> np.ndarray | None:
            parts = [getattr(block, name) for block in self.tally.rows]
            if any(part is None for part in parts):
                return None
            return np.concatenate([part[keep] for part, keep in zip(parts, kept, strict=True)])

        group = np.concatenate([number[keep] for number, keep in zip(numbers, kept, strict=True)])
        score = joined("score")
        given = self.subject.task in ("regression", "ranking")
        return GroupRows(
            grouping=groups,
            unknown=self.tally.n - len(group),
            group=group,
            label=joined("label"),
            predicted=score if given else joined("predicted"),
            score=score,
            champion_score=joined("champion_score"),
            weight=joined("weight"),
            person=joined("person"),
            label_class=joined("label_class"),
            predicted_class=joined("predicted_class"),
            by_class=joined("by_class"),
            place=np.flatnonzero(np.concatenate(kept)),
        )

    def decide(self, frame: pd.DataFrame) -> np.ndarray:
        """Return where the model decides favorably on other rows, shape (n,)."""
        return self._predictor.decide(frame)

    def asked(self, frame: pd.DataFrame) -> Prediction:
        """Return what the model says about other rows."""
        return self._predictor.asked(frame)

    def over_coded(
        self,
        attributes: tuple[Attribute, ...],
        others: Sequence[str],
        partial: Callable[[pd.DataFrame, Coded], _Part],
        empty: _Part,
    ) -> _Part:
        """Return what one pass over the rows gives, coded by attributes that need not be protected.

        Parameters
        ----------
        attributes : tuple of Attribute
        others : sequence of str
            Further columns that the batches shall hold.
        partial : callable
            The columns, and the same rows with labels and decisions, to a result.
        empty : Mergeable
        """
        wanted = replace(self._wanted, scores=False, losses=frozenset(), days=False)
        rows = self._pass(replace(wanted, rows=False))
        rows = replace(rows, subject=replace(self.subject, attributes=attributes), champion=None)
        columns, numbered = [*rows.columns(), *others], rows.numbered
        return self.over(self.data, columns, OfCoded(rows, partial), empty, numbered=numbered)

    def said(self) -> Prediction:
        """Return what the audited model, or its columns, says about all rows."""
        return self._predictor.everything()

    def champion_said(self) -> Prediction | None:
        """Return what the earlier model says about all rows, where its decisions are compared."""
        return None if self._champion is None else self._champion.everything()

    def about(
        self, subject: Subject, data: DataSource, *, model: Model | None, champion: Model | None
    ) -> Evidence:
        """Return the same questions asked of other rows and other models; nothing is counted yet.

        Parameters
        ----------
        subject : Subject
            Names the columns of `data`.
        data : DataSource
        model, champion : Model or None
            As for the evidence itself; None reads the columns that `subject` names.
        """
        other = copy.copy(self)
        for kind in type(self).__mro__:
            for name, held in vars(kind).items():
                if isinstance(held, cached_property):
                    other.__dict__.pop(name, None)
        other.subject, other.data, other.model, other.champion = subject, data, model, champion
        other._tally, other._run_dir = None, None  # noqa: SLF001 - of the same class
        other._along, other.planned = None, tuple  # noqa: SLF001 - of the same class
        other._kept_before = None  # noqa: SLF001 - other rows, of a table in memory
        other._wanted = replace(self._wanted, days=False)  # noqa: SLF001
        return other

    def require_both_classes(self) -> None:
        """Raise DataError when the label has one class only, or the chosen classes have no rest."""
        labels = self.tally.labels
        chosen = self.subject.positive
        if isinstance(chosen, Classes):
            if not any(value in labels for value in chosen.values):
                what = f"no row is labelled {chosen}, so nothing can be said of its errors"
                raise DataError(self.subject.problem("label", what, "use rows with such labels"))
            if all(value in chosen.values for value in labels):
                what = f"every row is labelled {chosen}; error rates need other labels, too"
                raise DataError(self.subject.problem("label", what, "use rows with other labels"))
        elif self._wanted.view is None:
            refuse_one_class(self.subject, labels, self.tally.n)

    @property
    def n(self) -> int:
        """Rows of the evaluation data."""
        return self.tally.n

    @property
    def days(self) -> Days | None:
        """From which day to which the rows are; None where no column says so."""
        return self.tally.days

    @property
    def missing(self) -> dict[str, int] | None:
        """How many values each feature lacks; None where no model was given any."""
        if self.model is None:
            return None
        if not self.engine.remote:
            return self._predictor.missing
        counted = self.tally.missing
        return None if counted is None else self._predictor.lacking(counted)

    @property
    def paired_scores(self) -> bool:
        """Whether a champion's scores of the same rows are there."""
        return self.tally.paired_scores

    @property
    def champion_agrees(self) -> bool:
        """Whether the earlier model decides every row as the audited one does."""
        if self._champion is None:
            return False
        tables = self.tally.counts.values()
        return all(
            table.shape[2] > 1 and not table[:, 0, 1].any() and not table[:, 1, 0].any()
            for table in tables
        )

    @property
    def counted(self) -> bool:
        """Whether the pass over the rows was made, and succeeded."""
        return isinstance(self._tally, Tally)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know of how rows were decided, once they were."""
        if not isinstance(self._tally, Tally):
            return ()
        never: tuple[str, ...] = ()
        if self.subject.task == "multiclass" and self._tally.labels:
            never = unseen(self.subject, self._tally.labels, self._tally.classes)
        return (*self._predictor.warnings, *never)

    def grouping(self, by: tuple[str, ...], unknown: Unknown = "report") -> Grouping:
        """Return the groups of a scope that occur among the rows."""
        return grouping(self.subject, by, self.tally.counts, unknown)

    def require_scores(self) -> None:
        """Raise DataError when there are predicted classes only."""
        if not self.tally.scored:
            raise DataError(
                self.subject.problem(
                    "model" if self.model is not None else "predictions",
                    "there are no scores, only predicted classes",
                    "name `scores: {CLASS: COLUMN, ...}`, or a model with predict_proba"
                    if self.subject.task == "multiclass"
                    else "name a `scores:` column, or a model with predict_proba",
                )
            )
