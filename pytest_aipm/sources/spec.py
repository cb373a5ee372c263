"""What a policy says about its data, its model and its joined columns: plain values, no imports.

Kept apart from the loaders, so that a policy can be read and its trust decided without importing
pandas, pyarrow or scikit-learn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypedDict

__all__ = ["DataSpec", "JoinSpec", "ModelSpec", "Output", "Where", "is_factory"]

Output = Literal["auto", "probability", "decision_function", "label"]

_FACTORY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


class Where(TypedDict, total=False):
    """The place in a policy that names a source; the keywords of `errors.Problem`."""

    path: str
    line: int | None
    column: int | None


def is_factory(ref: str) -> bool:
    """Return whether `ref` reads ``package.module:function``."""
    return _FACTORY.fullmatch(ref) is not None


@dataclass(frozen=True)
class DataSpec:
    """Rows to audit: a file, a folder of files, or a function that returns a table.

    Attributes
    ----------
    path : str or None
        File or folder, absolute or relative to the root folder.
    factory : str or None
        ``package.module:function``, called without arguments.
    sha256 : str or None
        Pin: 64 hexadecimal digits, with or without ``sha256:`` before them.
    missing : tuple of str
        Words that mean a missing value, beside the empty field of a CSV file. They are compared
        with texts and, where they read as numbers, with numbers.
    """

    path: str | None = None
    factory: str | None = None
    sha256: str | None = None
    missing: tuple[str, ...] = ()

    @classmethod
    def parse(cls, ref: str, root: Path) -> Self:
        """Read a reference as the command line gives it: a path, else ``package.module:function``.

        A file of that very name wins, so that no path is ever taken for code.
        """
        if is_factory(ref) and not (root / ref).exists():
            return cls(factory=ref)
        return cls(path=ref)


@dataclass(frozen=True)
class ModelSpec:
    """A model: a file, or a function that returns one.

    Attributes
    ----------
    path : str or None
        File of a format of `artifact.open_artifact`, absolute or relative to the root.
    factory : str or None
        ``package.module:function``, called without arguments; the project's own code, so no pin.
    sha256 : str or None
        Pin: 64 hexadecimal digits, with or without ``sha256:`` before them.
    trust : tuple of str
        Types a skops file may contain beyond those skops itself knows to be harmless.
    output : {"auto", "probability", "decision_function", "label"}
        Which method speaks for the model; ``auto`` takes the first that it has, in this order.
    classes : tuple
        Names of the classes in the order of their numbers, for a file that holds only those.
    """

    path: str | None = None
    factory: str | None = None
    sha256: str | None = None
    trust: tuple[str, ...] = ()
    output: Output = "auto"
    classes: tuple[Any, ...] = ()

    @classmethod
    def parse(cls, ref: str, root: Path) -> Self:
        """Read a reference as the command line gives it; see `DataSpec.parse`."""
        if is_factory(ref) and not (root / ref).exists():
            return cls(factory=ref)
        return cls(path=ref)


@dataclass(frozen=True)
class JoinSpec:
    """A column that lives in a second file and is found there by a key.

    Attributes
    ----------
    name : str
        What the column is called once joined; must not be a column of the data.
    column : str
        The column in the second file.
    file : str
        The second file, any of the formats of `DataSpec.path`.
    key : str
        The identifier, a column of both; unique in the second file.
    missing : tuple of str
        As `DataSpec.missing`, for the second file.
    """

    name: str
    column: str
    file: str
    key: str
    missing: tuple[str, ...] = ()
