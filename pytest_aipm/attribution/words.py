"""Shapley values of the words of a text: what each adds when it is there rather than not."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pytest_aipm.attribution.asking import Budget
from pytest_aipm.errors import ModelError, Problem

__all__ = ["Worded", "attribute_words"]

MOST = 200
"""Players of one text; a longer one has several words that follow each other in one player."""
CHUNK = 20_000
"""Most texts of one call."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, eq=False)
class Worded:
    """The words of one text and what each adds.

    Attributes
    ----------
    words : tuple of str
        Each distinct word (whatever its case) once; neighbours joined by a space where the text
        has too many.
    values : float array of shape (p, k)
    output, base : float array of shape (k,)
        What the function says about the text, and about it without any word: `output` is `base`
        plus the sum of `values`.
    """

    words: tuple[str, ...]
    values: np.ndarray
    output: np.ndarray
    base: np.ndarray


def attribute_words(
    ask: Callable[[list[str]], np.ndarray],
    texts: Sequence[str],
    *,
    walks: int,
    rng: np.random.Generator,
    budget: Budget | None = None,
) -> list[Worded]:
    """Attribute a function of texts to their words, by antithetic walks from the empty text.

    Parameters
    ----------
    ask : callable
        n texts to finite numbers of shape (n,) or (n, k).
    texts : sequence of str
    walks : int
        Pairs of orders for each text.
    rng : Generator
    budget : Budget, optional

    Raises
    ------
    ModelError
        When an output is not finite.
    BudgetSpent
    """
    budget = budget or Budget()
    cut = [_pieces(text) for text in texts]
    plans, whole = [], []
    for pieces, players, names in cut:
        p = len(names)
        order = rng.random((walks, p)).argsort(axis=1)
        both = np.concatenate([order, order[:, ::-1]])
        place = np.argsort(both, axis=1)
        plans.append(place)
        states = np.arange(p + 1)
        whole += [_kept(pieces, players, own < step) for own in place for step in states] or [
            _kept(pieces, players, np.zeros(0, dtype=bool))
        ]
    distinct, where = np.unique(np.array(whole, dtype=object), return_inverse=True)
    answers: list[np.ndarray] = []
    with budget.telling("texts given to the model", len(distinct)):
        budget.part(0, len(distinct))
        for start in range(0, len(distinct), CHUNK):
            budget.check(start, len(distinct))
            answers.append(_checked(ask(distinct[start : start + CHUNK].tolist())))
    said: np.ndarray = np.concatenate(answers)[where.reshape(-1)]
    found, at = [], 0
    for (_, _, names), place in zip(cut, plans, strict=True):
        p = len(names)
        count = max(len(place), 1) * (p + 1)
        along = said[at : at + count].reshape(-1, p + 1, said.shape[1])
        at += count
        steps = np.diff(along, axis=1)
        gained = np.take_along_axis(steps, place[:, :, None], axis=1).mean(axis=0)
        found.append(Worded(names, gained, along[0, -1], along[0, 0]))
    return found


def _pieces(text: str) -> tuple[list[str], np.ndarray, tuple[str, ...]]:
    """Return a text cut at its words, the player of each piece (-1 between words), and names."""
    pieces, words, last = [], [], 0
    for match in _WORD.finditer(text):
        pieces += [text[last : match.start()], match.group()]
        words.append(match.group().casefold())
        last = match.end()
    pieces.append(text[last:])
    distinct = list(dict.fromkeys(words))
    p = min(len(distinct), MOST)
    number = {word: i * p // len(distinct) for i, word in enumerate(distinct)}
    names: list[list[str]] = [[] for _ in range(p)]
    for word in distinct:
        names[number[word]].append(word)
    players = np.full(len(pieces), -1)
    players[1::2] = [number[word] for word in words]
    return pieces, players, tuple(" ".join(each) for each in names)


def _kept(pieces: list[str], players: np.ndarray, present: np.ndarray) -> str:
    return "".join(
        piece
        for piece, player in zip(pieces, players.tolist(), strict=True)
        if player < 0 or present[player]
    )


def _checked(answer: object) -> np.ndarray:
    found = np.asarray(answer, dtype=np.float64)
    found = found.reshape(len(found), -1)
    if not np.isfinite(found).all():
        what = "the model's output is not finite for texts with some words left out"
        raise ModelError(Problem(what, "let the model answer such texts with a finite number"))
    return found
