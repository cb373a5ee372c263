"""A model opened by a process of its own: how long that takes, and how much memory it needs.

Only a fresh process tells: in one that has run for a while the libraries are loaded, and the most
memory it ever held is that of everything it did. The child gets what to open, and rows, over its
standard input; nothing is written to disk.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pytest_aipm.errors import AipmError, ModelError, Problem
from pytest_aipm.sources.faults import describe
from pytest_aipm.sources.model import Model, Opening, open_model
from pytest_aipm.sources.spec import Output
from pytest_aipm.sources.voice import Task

__all__ = ["Handed", "OutOfTime", "Start", "started"]

_MARK = "aipm-start:"
"""Begins the line of the child that is ours; a model may print, too."""


class OutOfTime(Exception):  # noqa: N818 - not an error: the caller says what it means
    """The process took longer than it may, and was ended."""


@dataclass(frozen=True)
class Start:
    """What one fresh process needed.

    Attributes
    ----------
    open_s : float
        Seconds from the order to open the model to the opened model, its libraries' imports
        included.
    answer_s : float
        Seconds of its first answer, about one row.
    before, opened, peak : int or None
        Most bytes of memory the process had held before it opened the model, when it was open, and
        after it had answered all rows; None where the system does not tell.
    """

    open_s: float
    answer_s: float
    before: int | None
    opened: int | None
    peak: int | None


@dataclass(frozen=True)
class Handed:
    """An object that was handed over, as bytes that a process can make it from again."""

    pickled: bytes
    task: Task
    positive: Any
    output: Output

    def again(self) -> Model:
        """Make it once more."""
        model = pickle.loads(self.pickled)  # noqa: S301 - bytes that our own parent made
        return open_model(
            model,
            root=Path.cwd(),
            trusted=None,  # type: ignore[arg-type] - an object was opened already
            task=self.task,
            positive=self.positive,
            output=self.output,
        )


def started(
    opening: Opening | Handed, frame: pd.DataFrame, *, labels: bool, timeout: float
) -> Start:
    """Open a model and ask it about rows in a fresh process.

    Parameters
    ----------
    opening : Opening or Handed
    frame : DataFrame
        Rows that are asked about in one call, after the first of them was alone.
    labels : bool
        As of `Model.predict`.
    timeout : float
        Seconds; beyond it the process is ended.

    Raises
    ------
    ModelError
        When the model cannot be opened or asked there.
    OutOfTime
    """
    paths = [path or str(Path.cwd()) for path in sys.path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    order = pickle.dumps((opening, frame, labels))
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, and a module of this package
            [sys.executable, "-m", "pytest_aipm.sources.fresh"],
            input=order,
            capture_output=True,
            timeout=timeout,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise OutOfTime from None
    said = [
        line.removeprefix(_MARK)
        for line in done.stdout.decode(errors="replace").splitlines()
        if line.startswith(_MARK)
    ]
    if not said:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        what = f"a fresh process ended with code {done.returncode} before the model answered"
        fix = f"its last words: {last[0][:200]}" if last else "look at how the model is opened"
        raise ModelError(Problem(what, fix))
    told = json.loads(said[-1])
    if "error" in told:
        raise ModelError(Problem(f"in a fresh process: {told['error']}", told["fix"]))
    return Start(**told)


def _measured(opening: Opening | Handed, frame: pd.DataFrame, *, labels: bool) -> Start:
    """Open and ask, in this process, which did nothing else before."""
    before, begun = _most_memory(), time.perf_counter_ns()
    model = opening.again()
    ready = time.perf_counter_ns()
    opened = _most_memory()
    model.predict(frame.iloc[:1], labels=labels)
    answered = time.perf_counter_ns()
    model.predict(frame, labels=labels)
    return Start(
        open_s=max(0, ready - begun) / 1e9,
        answer_s=max(0, answered - ready) / 1e9,
        before=before,
        opened=opened,
        peak=_most_memory(),
    )


def _most_memory() -> int | None:
    """Return the most bytes this process has held in memory; None where nobody tells.

    On Linux the kernel's own high-water mark of this program: what `resource` says there is never
    less than what the parent held when it started this process.
    """
    if sys.platform == "linux":
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return None
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _main() -> None:
    told: dict[str, Any]
    try:
        opening, frame, labels = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent
        told = asdict(_measured(opening, frame, labels=labels))
    except AipmError as error:
        told = {"error": error.problems[0].what, "fix": error.problems[0].fix}
    except (Exception, SystemExit) as error:
        told = {"error": describe(error), "fix": "open and ask the model in a new interpreter"}
    sys.stdout.write(f"\n{_MARK}{json.dumps(told)}\n")


if __name__ == "__main__":
    _main()
