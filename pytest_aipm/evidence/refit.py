"""The audited model's recipe, fitted anew on other rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pytest_aipm.errors import ModelError
from pytest_aipm.evidence.decide import matches
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.losses import LOSSES, Loss
from pytest_aipm.evidence.sample import generator
from pytest_aipm.evidence.train import TRUTH, Fit, of_true_class
from pytest_aipm.progress import Progress
from pytest_aipm.sources.guard import third_party
from pytest_aipm.sources.model import open_model
from pytest_aipm.sources.trust import Trust

__all__ = ["OneRun", "Refit", "one_run", "progress", "recipe", "reference_scores"]

MAX_ROWS = 20_000
"""Rows of either side that a refit learns from."""

_NAMES = {"log loss": "log_loss", "margin": "margin"}

Refit = Callable[[pd.DataFrame], Callable[[pd.DataFrame], np.ndarray]]


def reference_scores(
    evidence: Evidence, fit: Fit, refits: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return how much better the model fits each row than models that may not have seen it.

    Each refit learns from a random half of all rows, members and others alike, so that both are
    treated the same. Of a row's probabilities those of refits that saw it and of those that did not
    are averaged apart, then together; the score is the logarithm of the ratio of the model's own to
    that (Zarifzadeh, Liu, Shokri 2024: counting over a population keeps its order). Other losses
    are subtracted.

    Returns
    -------
    members, others : float arrays
    rows : int
        That each refit learned from.
    """
    refit = recipe(evidence, _measure(fit.loss))
    rng = generator(evidence.seed, "refits")
    own = [rng.permutation(len(each))[:MAX_ROWS] for each in (fit.members, fit.others)]
    rows = pd.concat([fit.member_rows.iloc[own[0]], fit.other_rows.iloc[own[1]]], ignore_index=True)
    losses = np.concatenate([fit.members[own[0]], fit.others[own[1]]])
    by_ratio = fit.loss == "log loss"
    target = np.exp(-losses) if by_ratio else losses
    half = len(rows) // 2
    sums, counts = np.zeros((2, len(rows))), np.zeros((2, len(rows)))
    for _ in progress(range(refits), half):
        inside = rng.permutation(len(rows)) < half
        found = refit(rows[inside])(rows)
        said = np.exp(-found) if by_ratio else found
        for side, chosen in enumerate((inside, ~inside)):
            sums[side, chosen] += said[chosen]
            counts[side, chosen] += 1
    mean = (sums / np.maximum(counts, 1)).sum(axis=0) / (counts > 0).sum(axis=0)
    tiny = 1e-12
    score = np.log(target + tiny) - np.log(mean + tiny) if by_ratio else mean - target
    return score[: len(own[0])], score[len(own[0]) :], half


@dataclass(frozen=True)
class OneRun:
    """Guesses of who was left out of one refit.

    Attributes
    ----------
    rows, guesses, right : int
        Rows that were in or out by the toss of a coin; guesses made; guesses that were right.
    """

    rows: int
    guesses: int
    right: int


def one_run(evidence: Evidence, fit: Fit, share: float) -> OneRun:
    """Fit the recipe once on a random half of the training rows, and guess who was left out.

    Each row is in by the toss of a coin (Steinke, Nasr, Jagielski 2023). The rows that are fitted
    worst are guessed to be out, a share of all that was fixed before anything was seen. Rows that
    others equal are left aside: their coins would not be their own.
    """
    refit = recipe(evidence, _measure(fit.loss))
    rng = generator(evidence.seed, "one run")
    alone = fit.member_rows[~fit.member_rows.duplicated(keep=False).to_numpy()]
    rows = alone.iloc[rng.permutation(len(alone))[: 2 * MAX_ROWS]].reset_index(drop=True)
    inside = rng.random(len(rows)) < 0.5
    if not 2 <= inside.sum() < len(rows):
        raise ModelError(
            evidence.subject.problem(
                "train",
                f"of the training rows {len(rows):,} are like no other, too few to fit on half",
                "audit with more rows",
            )
        )
    losses = np.empty(0)
    for _ in progress(range(1), int(inside.sum())):
        losses = refit(rows[inside])(rows)
    guesses = max(1, round(share * len(rows)))
    worst = np.lexsort((rng.random(len(rows)), -losses))[:guesses]
    return OneRun(len(rows), guesses, int((~inside[worst]).sum()))


def _measure(loss: str) -> Loss:
    return LOSSES[_NAMES.get(loss, "absolute_error")]


def recipe(evidence: Evidence, measure: Loss) -> Refit:
    """Return how the model is fitted on rows, and then asked for its losses on others.

    Parameters
    ----------
    evidence : Evidence
    measure : callable
        One of `LOSSES`, or alike: (truth, score) of shape (n,) to losses of shape (n,).

    Raises
    ------
    ModelError
        When it is no estimator that can be cloned, or a refit fails.
    """
    from sklearn.base import clone  # noqa: PLC0415 - heavy

    subject, model = evidence.subject, evidence.model
    assert model is not None  # noqa: S101 - there would be no losses
    features = evidence.feature_columns()
    try:
        with third_party([]):
            clone(model.fitted)
    except Exception as error:
        raise ModelError(
            subject.problem(
                "model",
                f"{model.ref} cannot be fitted anew: it is no estimator that scikit-learn clones",
                "name an estimator with `fit` and `get_params`, or leave deep checks out",
            )
        ) from error

    def refit(rows: pd.DataFrame) -> Callable[[pd.DataFrame], np.ndarray]:
        truth = rows[TRUTH].to_numpy()
        label = truth
        if subject.task == "binary" and model.classes is not None:
            other = next(each for each in model.classes if each != subject.positive)
            label = np.array([subject.positive if each > 0 else other for each in truth])
        try:
            with third_party([]):
                fitted = clone(model.fitted).fit(rows[features].reset_index(drop=True), label)
        except Exception as error:
            raise ModelError(
                subject.problem(
                    "model",
                    f"{model.ref} cannot be fitted anew on {len(rows):,} rows "
                    f"({type(error).__name__})",
                    "fit it outside the audit, or leave deep checks out",
                )
            ) from error
        opened = open_model(
            fitted,
            root=evidence.root,
            trusted=Trust.read(Path(), ()),
            task=subject.task,
            positive=subject.positive,
        )

        def losses(asked: pd.DataFrame) -> np.ndarray:
            said = opened.predict(asked[features], labels=False)
            if subject.task == "multiclass":
                truth = asked[TRUTH].to_numpy()
                own, _ = of_true_class(said, truth, opened.classes, opened.score_kind)
                return measure(np.ones(len(asked)), own)
            if said.scores is not None:
                score = said.scores
            else:
                assert said.labels is not None  # noqa: S101 - a prediction has one of the two
                score = matches(said.labels, subject.positive).astype(float)
            return measure(asked[TRUTH].to_numpy(dtype=float), score)

        return losses

    return refit


def progress(steps: range, rows: int) -> Iterator[int]:
    """Yield the steps, and tell a terminal what they cost before the first, then how far it is."""
    with Progress(f"refits on {rows:,} rows each", len(steps), quiet=0) as shown:
        for step in steps:
            shown.at(step)
            yield step
