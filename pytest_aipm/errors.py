"""Every error pytest-aipm raises on purpose.

::

    AipmError                     one line a problem: where: what; how to mend
    ├── UsageFault                the policy's or the command's fault: exit 4, nothing was run
    │   ├── PolicyError           grammar, names, extends, loosening
    │   ├── WaiverError           the waivers file
    │   ├── SignOffError          the sign-offs file, or a report that nobody may sign off
    │   ├── BaselineError         the approved baseline is missing, unreadable or does not fit
    │   ├── TrustError            a file that can run code is neither pinned nor locked
    │   └── OptionError           a command-line option or ini key
    └── MeasurementError          the data's or the model's fault: that node is an ERROR, exit 1
        ├── DataError             a file, a column, a value
        ├── ModelError            opening or calling the model
        └── CheckError            a check could not do its work

A problem is written ``file:line:column: what; how to mend``. Parts that do not apply are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = [
    "AipmError",
    "BaselineError",
    "CheckError",
    "DataError",
    "MeasurementError",
    "ModelError",
    "OptionError",
    "PolicyError",
    "Problem",
    "SignOffError",
    "TrustError",
    "UsageFault",
    "WaiverError",
]


_UNSEEN = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
"""Control characters and direction overrides: a file's name must neither steer a terminal nor make
a line read backwards. What separates words is left to `str.split`."""


@dataclass(frozen=True)
class Problem:
    """One fault: where it is, what it is and how to mend it.

    Attributes
    ----------
    what : str
        The fault, in one line, without a final stop.
    fix : str
        What to do about it; may be empty.
    path : str
        File, relative to the root folder where possible; may be empty.
    line, column : int or None
        One-based position inside `path`.
    """

    what: str
    fix: str = ""
    path: str = ""
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """Return ``file:line:column: what; fix`` on one line that shows all it holds."""
        where = self.path
        if self.path and self.line is not None:
            where += f":{self.line}"
            if self.column is not None:
                where += f":{self.column}"
        text = f"{where}: {self.what}" if where else self.what
        if self.fix:
            text += f"; {self.fix}"
        return " ".join(_UNSEEN.sub("", text).split())


class AipmError(Exception):
    """Base of all errors raised on purpose.

    Parameters
    ----------
    problems : str, Problem or iterable of Problem
        What went wrong, one line each.
    """

    def __init__(self, problems: str | Problem | Iterable[Problem]) -> None:
        if isinstance(problems, str):
            problems = (Problem(problems),)
        elif isinstance(problems, Problem):
            problems = (problems,)
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(str(self))

    def __str__(self) -> str:
        """Return one line for each problem."""
        return "\n".join(map(str, self.problems))

    def __reduce__(self) -> tuple[type[AipmError], tuple[tuple[Problem, ...]]]:
        """Pickle by problems, so that the error survives a process border."""
        return type(self), (self.problems,)


class UsageFault(AipmError):  # noqa: N818 - the user's fault, not an error of ours
    """The policy or the command is at fault; pytest ends with exit code 4."""


class PolicyError(UsageFault):
    """A policy file cannot be read as one."""


class WaiverError(UsageFault):
    """The waivers file is at fault."""


class SignOffError(UsageFault):
    """The sign-offs file is at fault, or the report is none that may be signed off."""


class BaselineError(UsageFault):
    """The approved baseline is missing, unreadable or of another project."""


class TrustError(UsageFault):
    """A file whose format can run code is not trusted."""


class OptionError(UsageFault):
    """A command-line option or ini key is at fault."""


class MeasurementError(AipmError):
    """Something could not be measured; the node ends as ERROR, never as a pass."""


class DataError(MeasurementError):
    """A data file, a column or a value is at fault."""


class ModelError(MeasurementError):
    """The model cannot be opened, or fails when called."""


class CheckError(MeasurementError):
    """A check could not do its work on this evidence."""
