"""The one clock: UTC, or the second that ``SOURCE_DATE_EPOCH`` names, so that bytes repeat."""

from __future__ import annotations

import os
import re
from datetime import UTC, date, datetime

from pytest_aipm.errors import OptionError

__all__ = ["EPOCH", "epoch_fault", "now", "pinned", "today"]

EPOCH = "SOURCE_DATE_EPOCH"

_SECONDS = re.compile(r"[0-9]{1,11}")


def pinned() -> bool:
    """Return whether the environment names the time."""
    return bool(os.environ.get(EPOCH))


def epoch_fault() -> str:
    """Return what is wrong with ``SOURCE_DATE_EPOCH``, or nothing."""
    epoch = os.environ.get(EPOCH, "")
    if not epoch or _SECONDS.fullmatch(epoch):
        return ""
    return (
        f"{EPOCH} is {epoch[:40]!r}, not a number of seconds since 1970; "
        "set it to `git log -1 --format=%ct`, or unset it"
    )


def now() -> datetime:
    """Return the time in UTC, or that of ``SOURCE_DATE_EPOCH``.

    Raises
    ------
    OptionError
        ``SOURCE_DATE_EPOCH`` is no number of seconds.
    """
    fault = epoch_fault()
    if fault:
        raise OptionError(fault)
    return datetime.fromtimestamp(int(os.environ[EPOCH]), UTC) if pinned() else datetime.now(UTC)


def today() -> date:
    """Return the date of `now`."""
    return now().date()
