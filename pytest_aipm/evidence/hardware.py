"""On what machine something was measured: what must be alike for times and memory to compare."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from threadpoolctl import threadpool_info

__all__ = ["GIGABYTE", "hardware", "in_words", "memory"]

GIGABYTE = 10**9


def hardware(threads: int | None = None) -> dict[str, str]:
    """Return what a time hangs on beside the model; nothing that tells whose machine it is.

    Parameters
    ----------
    threads : int, optional
        How many threads numerical libraries were held to; default what they take.

    Returns
    -------
    dict of str to str
        ``cpu``, ``cores``, ``memory``, ``system``, ``python``, ``threads``, and ``beside`` where
        other processes of the same run shared the machine.
    """
    known = {**_machine(), "cores": _cores(), "threads": _threads(threads)}
    workers = os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")
    if workers.isdecimal() and int(workers) > 1:
        known["beside"] = f"{int(workers) - 1} other test processes"
    return known


def in_words(known: Mapping[str, str]) -> str:
    """Return a machine as one phrase."""
    words = (
        f"{known['cpu']}, {known['cores']}, {known['memory']} of memory, {known['system']}, "
        f"{known['python']}, numerical threads: {known['threads']}"
    )
    return f"{words}, beside {known['beside']}" if "beside" in known else words


@lru_cache(maxsize=1)
def _machine() -> dict[str, str]:
    total = memory()
    return {
        "cpu": " ".join(_cpu().split()) or "unknown processor",
        "memory": "unknown size" if total is None else f"{total / GIGABYTE:.0f} GB",
        "system": f"{platform.system()} {platform.machine()}".strip(),
        "python": f"{platform.python_implementation()} {sys.version_info[0]}.{sys.version_info[1]}",
    }


def memory() -> int | None:
    """Return the bytes of memory there are; None where the system does not tell."""
    with suppress(AttributeError, ValueError, OSError):
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return None


def _cpu() -> str:
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        for line in text.splitlines():
            name, _, value = line.partition(":")
            if name.strip() in ("model name", "Hardware", "cpu model"):
                return value
    return platform.processor() or platform.machine()


def _cores() -> str:
    """Return how many cores this process may use; less than one is told, too."""
    try:
        count = len(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # not every system tells
        count = os.cpu_count() or 1
    share = _quota()
    cores = f"{count} core" + ("" if count == 1 else "s")
    return cores if share is None or share >= count else f"{share:g} of {cores}"


def _quota() -> float | None:
    """Return what share of the cores a container is given; None without a limit."""
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return None if quota == "max" else round(int(quota) / int(period), 2)
    return None


def _threads(held: int | None) -> str:
    if held is not None:
        return str(held)
    counts = {int(each["num_threads"]) for each in threadpool_info()}
    return str(max(counts)) if counts else "1"
