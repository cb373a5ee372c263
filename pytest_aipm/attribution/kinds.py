"""Which models are of a library's own kind: subclasses may do something else."""

from __future__ import annotations

from typing import Any

__all__ = ["kind"]


def kind(model: Any, libraries: tuple[str, ...] = ("sklearn",)) -> str:
    """Return the name of a library's own type, empty for any other."""
    own = type(model)
    return own.__name__ if own.__module__.split(".")[0] in libraries else ""
