"""Shapley values of any function of a data frame, with its own columns as the players.

A game over the columns of a frame: the value of a coalition is what the function says about a row
that keeps the columns of the coalition and takes the others from a background row. Rows are mixed
column by column, so every column keeps its type; all mixed rows go into few large calls.
"""

from __future__ import annotations

from pytest_aipm.attribution.alone import alone
from pytest_aipm.attribution.asking import Ask, Budget, asked_twice
from pytest_aipm.attribution.exact import exact
from pytest_aipm.attribution.local import Local, local
from pytest_aipm.attribution.players import Players, players_of
from pytest_aipm.attribution.walks import Walked, walk

__all__ = [
    "Ask",
    "Budget",
    "Local",
    "Players",
    "Walked",
    "alone",
    "asked_twice",
    "exact",
    "local",
    "players_of",
    "walk",
]
