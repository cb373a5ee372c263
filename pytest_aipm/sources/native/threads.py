"""How many threads a library may use: those of the machine, shared among the processes of a run."""

from __future__ import annotations

import os

__all__ = ["threads"]


def threads() -> int:
    """Return a number of threads with which the processes of a run fill the machine once."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "")
    if limit.isdecimal() and int(limit) > 0:
        cores = min(cores, int(limit))
    workers = os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")
    return max(1, cores // max(1, int(workers) if workers.isdecimal() else 1))
