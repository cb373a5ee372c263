"""Finding the file a reference means, and hashing it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pytest_aipm.errors import AipmError, Problem
from pytest_aipm.sources.faults import did_you_mean, normal_digest, problem, relative, short
from pytest_aipm.sources.spec import Where

__all__ = [
    "SALT",
    "check_pin",
    "folder_digest",
    "resolve",
    "salt_of",
    "sha256_of",
    "suffix_of",
]

SALT = b"aipm-salt/1"
_SALTING = 1 << 20


def resolve(ref: str, root: Path, *, where: Where | None, error: type[AipmError]) -> Path:
    """Return the path a reference means.

    Raises
    ------
    AipmError
        Of type `error`, when there is nothing of that name; it names the nearest neighbour. Also
        when it may not be read.
    """
    path = root / ref
    try:
        if path.exists():
            _try_to_read(path)
            return path
        if path.is_symlink():
            what = f"{ref!r} is a link to a file that is not there"
            raise error(problem(what, "mend the link", where=where))
        raise error(_absent(path, ref, root, where))
    except OSError as fault:
        what = f"{ref!r} cannot be read ({fault.strerror or fault})"
        raise error(problem(what, "make it readable", where=where)) from None


def _try_to_read(path: Path) -> None:
    if path.is_dir():
        next(path.iterdir(), None)
    else:
        path.open("rb").close()


def _absent(path: Path, ref: str, root: Path, where: Where | None) -> Problem:
    folder = path.parent
    if not folder.is_dir():
        what = f"there is no file {ref!r}: no folder {relative(folder, root)!r}"
    else:
        what = f"there is no file {ref!r}"
    fix = "check the name; paths are relative to the root folder"
    if folder.is_dir():
        guess = did_you_mean(path.name, (each.name for each in folder.iterdir()))
        fix = guess or fix
    return problem(what, fix, where=where)


def suffix_of(path: Path) -> str:
    """Return the suffix in lower case, ``.csv.gz`` included."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() + suffix if suffix == ".gz" else suffix


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def salt_of(path: Path) -> str:
    """Return a hash of a file's first bytes that does not follow from the sha256 of them all."""
    with path.open("rb") as file:
        return hashlib.sha256(SALT + file.read(_SALTING)).hexdigest()


def folder_digest(hashes: Mapping[str, str]) -> str:
    """Return the sha256 of the sorted (name, sha256) of some files."""
    lines = sorted(f"{name}\0{digest}\n" for name, digest in hashes.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def check_pin(
    pin: str | None, digest: str, ref: str, *, where: Where | None, error: type[AipmError]
) -> None:
    """Raise `error` when a pin is given and the digest is another one."""
    if pin is None or normal_digest(pin) == digest:
        return
    what = f"{ref!r} has sha256 {short(digest)}..., pinned is {short(normal_digest(pin))}..."
    fix = f"restore the pinned file, or pin this one: sha256: {digest}"
    raise error(problem(what, fix, where=where))
