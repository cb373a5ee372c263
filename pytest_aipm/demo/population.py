"""The lending population: how its rows are made, and what is true of them by construction.

Every applicant is drawn independently. With z ~ N(0, 1) for income and debt,

    log-odds of default = BASE - 1.0 * z(income) + 0.8 * z(debt) + HISTORY[history]

and the label is drawn from that probability. Nothing else enters: sex, race, age and region have
no effect on default, and income, debt and history have the same distribution in every group of sex
and race. So in the whole population

* a rule that reads only income, debt and history has selection and error rates that are **equal**
  in all groups: every true gap is 0, every true ratio 1;
* a rule that treats a group as if its log-odds were `penalty` higher has rates that `true_rates`
  computes in closed form, up to one numerical integral.

Region is a proxy of race, as addresses often are: it says something about race and nothing about
default. The names of the groups of race are invented.

====================  ===========================================================================
column                values
====================  ===========================================================================
``application_id``    ``L-00001`` to ``L-20000``; the first half are the training rows
``income``            yearly, log-normal around 38,000
``debt``              owed, log-normal around 9,000, independent of income
``history``           long 50 %, short 30 %, none 16 %; missing 4 %
``region``            north, east, south, west; missing 2 %
``sex``               female 50 %, male 50 %
``race``              Alder 70 %, Birch 26 %, Cedar 3 %; missing 1 %
``age``               whole years from 18 to 79
``defaulted``         0 or 1, about 22 % are 1
====================  ===========================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import norm

__all__ = ["FEATURES", "PENALTY", "THRESHOLD", "Rates", "draw", "log_odds", "true_rates"]

FEATURES = ("income", "debt", "history", "region", "sex", "race", "age")
"""What a model is handed; which of them it reads is the model's own choice."""

THRESHOLD = 0.35
"""A loan is granted when the probability of default is below this."""

PENALTY = 1.2
"""By how much the biased record raises the log-odds of default of the group Birch."""

BASE = -1.6
INCOME, INCOME_SPREAD = 38_000.0, 0.45
DEBT, DEBT_SPREAD = 9_000.0, 0.70
SLOPES = (-1.0, 0.8)
HISTORY = {"long": (0.50, -0.5), "short": (0.30, 0.2), "none": (0.16, 0.6), None: (0.04, 0.3)}
"""Share and effect on the log-odds of each kind of credit history; None is missing."""

RACE = {"Alder": 0.70, "Birch": 0.26, "Cedar": 0.03, None: 0.01}
REGION = {
    "Alder": (0.22, 0.26, 0.26, 0.24, 0.02),
    "Birch": (0.56, 0.14, 0.14, 0.14, 0.02),
}
"""Shares of north, east, south, west and missing; other groups live as Alder do."""


@dataclass(frozen=True)
class Rates:
    """True rates of a decision rule in one group, each in [0, 1].

    Attributes
    ----------
    selection : float
        Share of applicants who are granted the loan.
    false_positive : float
        Share of those who would repay, but are refused.
    true_positive : float
        Share of those who would default, and are refused.
    """

    selection: float
    false_positive: float
    true_positive: float


def draw(rows: int, seed: int, *, first: int = 1) -> pd.DataFrame:
    """Draw applicants from the population.

    Parameters
    ----------
    rows : int
    seed : int
        The same seed gives the same rows.
    first : int
        Number of the first application.

    Returns
    -------
    DataFrame of shape (rows, 9)
        Columns as in the table above. Text columns hold str; a missing value is None or NaN, as
        pandas has it.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    z_income, z_debt = rng.standard_normal((2, rows))
    history = _choose(rng, list(HISTORY), [share for share, _ in HISTORY.values()], rows)
    race = _choose(rng, list(RACE), list(RACE.values()), rows)
    where = rng.random(rows)
    shares = np.array([REGION.get(name, REGION["Alder"]) for name in race])
    regions = np.array(["north", "east", "south", "west", None], dtype=object)
    region = regions[(where[:, None] > shares.cumsum(axis=1)[:, :-1]).sum(axis=1)]
    frame = pd.DataFrame(
        {
            "application_id": [f"L-{first + i:05d}" for i in range(rows)],
            "income": np.round(INCOME * np.exp(INCOME_SPREAD * z_income), 2),
            "debt": np.round(DEBT * np.exp(DEBT_SPREAD * z_debt), 2),
            "history": list(history),
            "region": list(region),
            "sex": list(_choose(rng, ["female", "male"], [0.5, 0.5], rows)),
            "race": list(race),
            "age": 18 + np.floor(62 * rng.beta(2.0, 2.6, rows)).astype(np.int64),
        }
    )
    frame["defaulted"] = (rng.random(rows) < expit(log_odds(frame))).astype(np.int64)
    return frame


def log_odds(frame: pd.DataFrame) -> np.ndarray:
    """Return the true log-odds of default, shape (n,), of rows as `draw` makes them."""
    z_income = np.log(frame["income"].to_numpy() / INCOME) / INCOME_SPREAD
    z_debt = np.log(frame["debt"].to_numpy() / DEBT) / DEBT_SPREAD
    effects = {name: effect for name, (_, effect) in HISTORY.items() if name is not None}
    history = frame["history"].map(effects).fillna(HISTORY[None][1]).to_numpy(dtype=float)
    odds: np.ndarray = BASE + SLOPES[0] * z_income + SLOPES[1] * z_debt + history
    return odds


def true_rates(penalty: float = 0.0) -> Rates:
    """Return the rates of a rule that knows the population, in one group.

    The rule refuses when ``log-odds + penalty >= logit(THRESHOLD)``. Given the history h, the
    log-odds are normal with mean ``BASE + effect(h)`` and variance ``1.0**2 + 0.8**2``, so

        selection = sum_h share(h) * Phi((logit(THRESHOLD) - penalty - mean(h)) / sd)

    and the error rates are the same sum with the probability of default as a weight.

    Parameters
    ----------
    penalty : float
        What the rule adds to the group's log-odds: 0 for a fair rule.

    Returns
    -------
    Rates
    """
    spread = float(np.hypot(*SLOPES))
    cut = float(logit(THRESHOLD)) - penalty
    z, step = np.linspace(-8.5, 8.5, 20_001, retstep=True)
    density = norm.pdf(z) * step
    refused = defaulted = both = 0.0
    for share, effect in HISTORY.values():
        odds = BASE + effect + spread * z
        default = density * expit(odds)
        refused += share * float(norm.sf((cut - BASE - effect) / spread))
        defaulted += share * float(default.sum())
        both += share * float(default[odds >= cut].sum())
    return Rates(
        selection=1 - refused,
        false_positive=(refused - both) / (1 - defaulted),
        true_positive=both / defaulted,
    )


def _choose(
    rng: np.random.Generator, names: Sequence[str | None], shares: Sequence[float], rows: int
) -> np.ndarray:
    ends = np.cumsum(shares)[:-1]
    chosen: np.ndarray = np.array(names, dtype=object)[np.searchsorted(ends, rng.random(rows))]
    return chosen
