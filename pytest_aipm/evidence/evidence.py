"""Evidence of one audit: everything checks may ask for, each computed once and on demand."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from pytest_aipm.engine.local import run_pass
from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.decide import matches, numeric, positive_mask, value_list
from pytest_aipm.evidence.groups import GroupCounts, GroupMoments, Grouping, Unknown, grouping
from pytest_aipm.evidence.predictor import Predictor, refuse_missing
from pytest_aipm.evidence.scores import ScoreBag, merge_bags
from pytest_aipm.evidence.subject import Subject
from pytest_aipm.evidence.tally import Coded, Tally, tally_rows
from pytest_aipm.sources.data import DataSource
from pytest_aipm.sources.model import Model, Prediction

__all__ = ["Evidence", "RowTable"]

MAX_CLASSES = 12
"""Distinct labels remembered for an error text."""


class RowTable:
    """Row-level arrays of one scope, for metrics that only a callable can compute.

    Attributes
    ----------
    group : int array of shape (n,)
        Number of each row's group in `grouping`.
    label, predicted, score : array of shape (n,) or None
        0/1 labels and predictions (binary) or numbers (regression); rows with an unknown group
        are left out.
    """

    def __init__(self, grouping: Grouping, unknown: int, arrays: dict[str, np.ndarray]) -> None:
        self.grouping = grouping
        self.unknown = unknown
        self.group = arrays["group"]
        self.label = arrays.get("label")
        self.predicted = arrays.get("predicted")
        self.score = arrays.get("score")


class Evidence:
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
    losses : frozenset of str
        Row losses to sum in the pass.
    keep_scores, keep_rows : bool
        Whether any planned check needs scores or rows.
    seed : int
        Seed of all sampling.
    run_dir : Path or None
        Folder shared by the processes of a run.
    key : str
        Name of this audit's files in `run_dir`.
    """

    def __init__(
        self,
        subject: Subject,
        data: DataSource,
        *,
        model: Model | None = None,
        train: DataSource | None = None,
        champion: Model | None = None,
        losses: frozenset[str] = frozenset(),
        keep_scores: bool = False,
        keep_rows: bool = False,
        need_label: bool = False,
        need_decision: bool = True,
        seed: int = 0,
        run_dir: Path | None = None,
        key: str = "audit",
    ) -> None:
        self.subject = subject
        self.data = data
        self.model = model
        self.train = train
        self.champion = champion
        self.seed = seed
        self._losses = losses
        self._keep_scores = keep_scores
        self._keep_rows = keep_rows
        self._need_label = need_label
        self._need_decision = need_decision
        self._run_dir = run_dir
        self._key = key

    # -- what checks ask for -------------------------------------------------------------------

    @property
    def has_champion(self) -> bool:
        """Whether an earlier model's decisions on the same rows are known."""
        return (
            self.champion is not None
            or (self.subject.champion_predictions or self.subject.champion_scores) is not None
        )

    def counts(self, by: tuple[str, ...], unknown: Unknown = "report") -> GroupCounts:
        """Return the confusion counts of every group of a scope."""
        tally = self.tally
        groups = grouping(self.subject, by, tally.counts, unknown)
        shape = next(iter(tally.counts.values())).shape if tally.counts else (1, 2, 1)
        table = np.zeros((len(groups.keys), *shape), dtype=np.int64)
        outside = 0
        for cell, counted in tally.counts.items():
            index = groups.index(cell)
            if index < 0:
                outside += int(counted.sum())
            else:
                table[index] += counted
        return GroupCounts(groups, table, outside)

    def moments(
        self, loss: str, by: tuple[str, ...], unknown: Unknown = "report"
    ) -> GroupMoments:
        """Return the moments of a row loss in every group of a scope."""
        cells = [cell for cell, name in self.tally.sums if name == loss]
        groups = grouping(self.subject, by, cells, unknown)
        table = np.zeros((len(groups.keys), 4))
        outside = 0.0
        for cell in cells:
            index = groups.index(cell)
            if index < 0:
                outside += float(self.tally.sums[cell, loss][0])
            else:
                table[index] += self.tally.sums[cell, loss]
        return GroupMoments(groups, table, int(outside))

    def score_bags(
        self, by: tuple[str, ...], unknown: Unknown = "report"
    ) -> tuple[Grouping, list[tuple[ScoreBag, ScoreBag]], int]:
        """Return each group's scores of negatives and positives, and the unknown rows."""
        groups = grouping(self.subject, by, self.tally.counts, unknown)
        split: list[tuple[list[ScoreBag], list[ScoreBag]]] = [([], []) for _ in groups.keys]
        outside = 0
        for (cell, label), bags in self.tally.bags.items():
            index = groups.index(cell)
            if index < 0:
                outside += sum(bag.n for bag in bags)
            else:
                split[index][label].extend(bags)
        return groups, [(merge_bags(neg), merge_bags(pos)) for neg, pos in split], outside

    def rows(self, by: tuple[str, ...], unknown: Unknown = "report") -> RowTable:
        """Return row-level arrays of a scope."""
        groups = grouping(self.subject, by, self.tally.counts, unknown)
        blocks: dict[str, list[np.ndarray]] = {}
        outside = 0
        for block in self.tally.rows:
            numbers = np.array([groups.index(name) for name in block.names])[block.cells]
            known = numbers >= 0
            outside += int(np.count_nonzero(~known))
            blocks.setdefault("group", []).append(numbers[known])
            for name in ("label", "predicted", "score"):
                values = getattr(block, name)
                if values is not None:
                    blocks.setdefault(name, []).append(values[known])
        arrays = {name: np.concatenate(parts) for name, parts in blocks.items()}
        return RowTable(groups, outside, arrays)

    def decide(self, frame: pd.DataFrame) -> np.ndarray:
        """Return where the model decides favorably on other rows, shape (n,)."""
        return self._predictor.decide(frame)

    def require_both_classes(self) -> None:
        """Raise DataError when the label has one class only."""
        totals = sum(counted.sum(axis=(1, 2)) for counted in self.tally.counts.values())
        present = np.atleast_1d(np.asarray(totals)) > 0
        if len(present) == 2 and not present.all():
            (only,) = self.tally.labels
            raise DataError(
                Problem(
                    f"label {self.subject.label!r} holds one class only ({value_list({only})}) "
                    f"in {self.tally.n:,} rows; error rates and AUC need both",
                    "use evaluation rows with both outcomes",
                    path=self.subject.path,
                )
            )

    @property
    def n(self) -> int:
        """Rows of the evaluation data."""
        return self.tally.n

    @property
    def counted(self) -> bool:
        """Whether the pass over the rows was made, and succeeded."""
        return "tally" in self.__dict__

    # -- the pass ------------------------------------------------------------------------------

    @cached_property
    def tally(self) -> Tally:
        """The counts of the one pass over the rows.

        Raises
        ------
        DataError, ModelError
            When the rows cannot be read, predicted or understood.
        """
        tally = run_pass(self.data.batches(self._columns()), self._partial, Tally())
        if tally.n == 0:
            raise DataError(Problem("there are no rows to audit", path=self.data.ref))
        self._check_classes(tally)
        return tally

    def feature_columns(self) -> list[str]:
        """Return the columns that the model is given."""
        if self.subject.features is not None:
            return list(self.subject.features)
        if self.model is not None and self.model.features is not None:
            return list(self.model.features)
        taken = self.subject.roles() | {each.column for each in self.subject.attributes}
        return [column for column in self.data.columns if column not in taken]

    @cached_property
    def _predictor(self) -> Predictor:
        return Predictor(
            self.subject,
            self.data,
            model=self.model,
            features=self.feature_columns() if self.model is not None else (),
            predictions=self.subject.predictions,
            scores=self.subject.scores,
            run_dir=self._run_dir,
            name=f"{self._key}.predictions",
        )

    @cached_property
    def _champion(self) -> Predictor | None:
        if not self.has_champion or not self._decides:
            return None
        return Predictor(
            self.subject,
            self.data,
            model=self.champion,
            features=self._champion_features(),
            predictions=self.subject.champion_predictions,
            scores=self.subject.champion_scores,
            run_dir=self._run_dir,
            name=f"{self._key}.champion",
        )

    def _champion_features(self) -> list[str]:
        if self.champion is None:
            return []
        named = self.champion.features
        return list(named) if named is not None else self.feature_columns()

    @property
    def _decides(self) -> bool:
        possible = self.subject.task == "binary" or self.subject.decision is not None
        return self._need_decision and possible

    def _columns(self) -> list[str]:
        wanted = [each.column for each in self.subject.attributes]
        if self.subject.label is not None and self._need_label:
            wanted.append(self.subject.label)
        wanted += self._predictor.columns
        if self._champion is not None:
            wanted += self._champion.columns
        return list(dict.fromkeys(wanted))

    def _partial(self, batch: pd.DataFrame) -> Tally:
        label, labels = self._label(batch)
        prediction = self._predictor.prediction(batch)
        coded = Coded(
            n=len(batch),
            attributes=[each.encode(batch[each.column]) for each in self.subject.attributes],
            label=label,
            predicted=self._positive(self._predictor, batch, prediction) if self._decides else None,
            score=prediction.scores,
            champion=None
            if self._champion is None
            else self._positive(self._champion, batch, self._champion.prediction(batch)),
            binary=self.subject.task == "binary",
            labels=labels,
            classes=self._classes(prediction),
        )
        return tally_rows(
            coded,
            losses=self._losses,
            keep_scores=self._keep_scores,
            keep_rows=self._keep_rows,
        )

    def _positive(
        self, predictor: Predictor, batch: pd.DataFrame, prediction: Prediction
    ) -> np.ndarray:
        return positive_mask(self.subject, predictor.favorable(batch, prediction))

    def _label(self, batch: pd.DataFrame) -> tuple[np.ndarray | None, frozenset[object]]:
        name = self.subject.label
        if name is None or not self._need_label:
            return None, frozenset()
        column = batch[name]
        if self.subject.task == "regression":
            return numeric(column, "label", name), frozenset()
        refuse_missing(column, "label", name)
        return matches(column, self.subject.positive).astype(np.int64), _distinct(column)

    def _classes(self, prediction: Prediction) -> frozenset[object]:
        if prediction.labels is None or self.subject.task != "binary":
            return frozenset()
        return _distinct(pd.Series(prediction.labels))

    # -- faults of the data --------------------------------------------------------------------

    def _check_classes(self, tally: Tally) -> None:
        """Refuse labels and classes that the policy's positive and favorable do not fit."""
        subject = self.subject
        if subject.task != "binary":
            return
        for values, what in ((tally.labels, "label"), (tally.classes, "prediction")):
            if len(values) > 2:
                raise DataError(
                    Problem(
                        f"the {what} has {len(values)} or more values ({value_list(set(values))}); "
                        "a binary task has two",
                        "merge classes in the data, or name another column",
                        path=subject.path,
                    )
                )
        seen = tally.labels | tally.classes
        for key, wanted in (("positive", subject.positive), ("favorable", subject.favorable)):
            if not seen or any(bool(value == wanted) for value in seen):
                continue
            if len(seen) == 1 and wanted != subject.positive:
                continue
            raise DataError(
                Problem(
                    f"`{key}: {value_list({wanted})}` never occurs in the data (values: "
                    f"{value_list(set(seen))})",
                    _class_hint(key, wanted, set(seen)),
                    path=subject.path,
                )
            )


def _class_hint(key: str, wanted: object, seen: set[object]) -> str:
    for value in sorted(seen, key=str):
        if str(value).strip().lower() == str(wanted).strip().lower():
            return f"write `{key}: {value_list({value})}`"
    return "name one of the values"


def _distinct(column: pd.Series) -> frozenset[object]:  # type: ignore[type-arg]
    return frozenset(column.unique()[:MAX_CLASSES].tolist())
