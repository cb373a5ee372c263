"""The only place that decides: measurement + limit + baseline → verdict.

``rules`` holds the values and how one meets a limit, ``lost`` what fewer rows can no longer
decide, ``verdict`` the order of reasons, ``sentences`` their words, ``claims`` what became of the
policy's promises, ``run`` what findings make of a policy and of a run.
"""

from __future__ import annotations

from pytest_aipm.judge.claims import judge_claim
from pytest_aipm.judge.lost import at_baseline_sizes
from pytest_aipm.judge.rules import Entry, Judgement, Rules, State, decide
from pytest_aipm.judge.run import audit_verdict, run_verdict, summary_of, uncompared
from pytest_aipm.judge.verdict import judge, roll_up

__all__ = [
    "Entry",
    "Judgement",
    "Rules",
    "State",
    "at_baseline_sizes",
    "audit_verdict",
    "decide",
    "judge",
    "judge_claim",
    "roll_up",
    "run_verdict",
    "summary_of",
    "uncompared",
]
