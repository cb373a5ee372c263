"""What the people of the lender did with the model's word on the evaluation rows: a log, seeded.

A clerk reviews about one decision in four, within hours as a rule, and overrides 6 % of those.
Applicants appeal 3 % of all decisions and complain about 1 %. By construction all rates are the
same in every group, and no case hangs together with another.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from pytest_aipm.demo.lending import evaluation

__all__ = ["decision_log"]

CASES = 8_000
SEED = 20_240_509
START = np.datetime64("2026-01-05T08:00:00")
REVIEWED, OVERRIDDEN, APPEALED, COMPLAINED = 0.25, 0.06, 0.03, 0.01
HOURS = 9.0
"""Median of the time to a review; it is log-normal."""


def decision_log() -> pd.DataFrame:
    """Return one row for each of 8,000 decisions, in the order of time.

    Returns
    -------
    DataFrame
        ``case_id`` (the `application_id`), ``decided_at``, ``reviewed_at`` and ``reviewer`` (empty
        where nobody looked), ``overridden``, ``appealed``, ``complaint`` (yes or no).
    """
    rng = np.random.Generator(np.random.PCG64(SEED))
    ids = evaluation()["application_id"].to_numpy()[:CASES]
    decided = START + np.cumsum(rng.integers(60, 3600, CASES)).astype("timedelta64[s]")
    reviewed = rng.random(CASES) < REVIEWED
    wait = 3600 * HOURS * np.exp(rng.standard_normal(CASES))
    looked = decided + wait.astype("timedelta64[s]")
    overridden = reviewed & (rng.random(CASES) < OVERRIDDEN)
    return pd.DataFrame(
        {
            "case_id": ids,
            "decided_at": np.datetime_as_string(decided, unit="s"),
            "reviewed_at": pd.Series(np.datetime_as_string(looked, unit="s")).where(reviewed),
            "reviewer": pd.Series(rng.choice(["clerk 1", "clerk 2"], CASES)).where(reviewed),
            "overridden": np.where(overridden, "yes", "no"),
            "appealed": np.where(rng.random(CASES) < APPEALED, "yes", "no"),
            "complaint": np.where(rng.random(CASES) < COMPLAINED, "yes", "no"),
        }
    )
