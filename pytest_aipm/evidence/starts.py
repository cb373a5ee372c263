"""The model as it is deployed: its size, and fresh processes that open it."""

from __future__ import annotations

import pickle
import time
from dataclasses import dataclass
from typing import Any

from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.hardware import hardware
from pytest_aipm.sources.fresh import Handed, OutOfTime, Start, started
from pytest_aipm.sources.guard import third_party
from pytest_aipm.sources.model import Opening

__all__ = ["Size", "Starts", "size_of", "starts"]

PROTOCOL = 5


@dataclass(frozen=True)
class Size:
    """How many bytes something takes, and what it is; None and the reason where nobody can say."""

    bytes: int | None
    of: str


@dataclass(frozen=True)
class Starts:
    """What fresh processes needed.

    Attributes
    ----------
    runs : tuple of Start
    rows : int
        That each was asked about at once.
    spent : bool
        Whether the budget was over before all runs were made.
    conditions : dict of str to str
        The machine.
    why_not : str
        Why no process can open the model; empty where it can.
    """

    runs: tuple[Start, ...]
    rows: int
    spent: bool
    conditions: dict[str, str]
    why_not: str = ""


def size_of(evidence: Evidence) -> Size:
    """Return the bytes of the model's file, or else of the pickled object."""
    model = evidence.model
    assert model is not None  # noqa: S101 - checked by the plan
    opening = model.opening
    if opening is not None and opening.spec.path is not None:
        path = opening.root / opening.spec.path
        try:
            return Size(path.stat().st_size, f"the file {model.ref}")
        except OSError as error:
            return Size(None, f"the file {model.ref} is gone ({error.strerror})")
    pickled = _pickled(evidence)
    if isinstance(pickled, str):
        return Size(None, pickled)
    return Size(len(pickled), f"{model.ref}, pickled with protocol {PROTOCOL},")


def starts(evidence: Evidence, *, rows: int, runs: int, budget_s: float) -> Starts:
    """Open the model in fresh processes and ask each about rows; once for all who ask alike.

    Parameters
    ----------
    evidence : Evidence
        With a model.
    rows : int
        Asked about at once, chosen by the seed.
    runs : int
    budget_s : float
        For all of them; a process that goes on longer is ended.

    Raises
    ------
    ModelError
        When the model does not open or answer there.
    """
    key = ("starts", rows, runs, budget_s)
    return evidence.once(key, lambda: _starts(evidence, rows, runs, budget_s))


def _starts(evidence: Evidence, rows: int, runs: int, budget_s: float) -> Starts:
    opening = _opening(evidence)
    if isinstance(opening, str):
        return Starts((), rows, spent=False, conditions=hardware(), why_not=opening)
    features = evidence.feature_columns()
    frame = evidence.drawn(evidence.data, features, rows)[features]
    labels = evidence.subject.decision is None
    deadline, found = time.monotonic() + budget_s, []
    spent = False
    for _ in range(runs):
        left = deadline - time.monotonic()
        if left <= 0:
            spent = True
            break
        try:
            found.append(started(opening, frame, labels=labels, timeout=left))
        except OutOfTime:
            spent = True
            break
    return Starts(tuple(found), len(frame), spent, hardware())


def _opening(evidence: Evidence) -> Opening | Handed | str:
    """Return how another process comes by the model, or why none can."""
    model = evidence.model
    assert model is not None  # noqa: S101 - checked by the plan
    if model.opening is not None:
        return model.opening
    pickled = _pickled(evidence)
    if isinstance(pickled, str):
        return pickled
    subject = evidence.subject
    positive: Any = subject.positive if subject.task == "binary" else None
    return Handed(pickled, subject.task, positive, model.output)


def _pickled(evidence: Evidence) -> bytes | str:
    """Return the model as bytes, or why it cannot be written down."""
    model = evidence.model
    assert model is not None  # noqa: S101
    try:
        with third_party(model.warnings):
            return pickle.dumps(model.fitted, protocol=PROTOCOL)
    except Exception as error:  # noqa: BLE001 - someone else's code decides how it is pickled
        # its words stay with it: they may quote what the model holds
        why = type(error).__name__
        return f"{model.ref} is no file and cannot be pickled ({why}); name a file or a factory"
