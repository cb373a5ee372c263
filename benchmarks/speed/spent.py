"""What work costs: CPU seconds, wall seconds, peak memory. Standard library alone."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

__all__ = ["DiedError", "Process", "answer", "environment_of", "peak", "process", "timed"]

_Result = TypeVar("_Result")
KB = 1 if sys.platform == "darwin" else 1024
"""macOS counts the peak in bytes, others in units of 1,024."""


class DiedError(RuntimeError):
    """A process that ended with an error; its text is the last thing it said."""


class Process(NamedTuple):
    """What a process and its children spent, and what it printed."""

    cpu: float
    wall: float
    printed: str


def timed(work: Callable[[], _Result], repeat: int = 1) -> tuple[dict[str, float], _Result]:
    """Return the fewest seconds that `work` took, of CPU and by the wall clock, and its result."""
    cpu, wall = [], []
    for _ in range(repeat):
        begun, started = time.process_time(), time.perf_counter()
        result = work()
        cpu.append(time.process_time() - begun)
        wall.append(time.perf_counter() - started)
    return {"cpu": min(cpu), "wall": min(wall)}, result


def peak() -> int:
    """Return the most bytes that this process ever held in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KB


def answer(measure: Callable[..., Mapping[str, Any]]) -> None:
    """Run a contender with the ``key=value`` arguments of its command line; print what it found."""
    given = {}
    for each in sys.argv[1:]:
        key, _, value = each.partition("=")
        try:
            given[key] = json.loads(value)
        except ValueError:
            given[key] = value
    print(json.dumps({**measure(**given), "peak": peak()}), flush=True)


def process(
    command: Sequence[str | Path],
    *,
    folder: Path,
    environment: Mapping[str, str],
    timeout: float = 3600,
    ends: tuple[int, ...] = (0,),
) -> Process:
    """Run a command to its end.

    Parameters
    ----------
    command : sequence of str or Path
    folder : Path
        Where it runs.
    environment : mapping
        All of its environment.
    timeout : float
        Seconds by the wall clock.
    ends : tuple of int
        Exit codes that are no fault.

    Raises
    ------
    DiedError
        When it ends otherwise, or not in time.
    """
    started = time.perf_counter()
    with subprocess.Popen(
        [str(each) for each in command],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as child:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            printed, said = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            raise DiedError(f"not done after {timeout:.0f} s") from None
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if child.returncode not in ends:
        last = [line for line in (said or printed).splitlines() if line.strip()][-1:]
        raise DiedError(f"exit {child.returncode}: {''.join(last)[:200]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Process(cpu, wall, printed)


def environment_of(threads: int | None, **more: str | os.PathLike[str]) -> dict[str, str]:
    """Return the environment of a contender.

    Parameters
    ----------
    threads : int or None
        Threads of linear algebra and OpenMP; None leaves them as they are.
    **more
        Further variables.
    """
    # without compiled modules every process would compile them anew, which users' do once
    kept = ("PYTEST_", "PYTHONDONTWRITEBYTECODE")
    found = {key: value for key, value in os.environ.items() if not key.startswith(kept)}
    if threads is not None:
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            found[name] = str(threads)
    return {**found, **{key: str(value) for key, value in more.items()}}
