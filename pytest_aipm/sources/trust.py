"""Which files may be opened although opening them can run code.

A pickle is a program. It is opened only when someone has vouched for exactly these bytes: by a
``sha256:`` line in the policy, by an entry in the committed ``aipm.lock``, or for one run by
``--aipm-trust=sha256:HEX``. `check_trust` decides by hashing alone and imports nothing heavy, so
that a whole run can be refused before anything is opened.
"""

from __future__ import annotations

import getpass
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from pytest_aipm.clock import today
from pytest_aipm.errors import ModelError, OptionError, Problem, TrustError
from pytest_aipm.sources.faults import normal_digest, problem, relative, short
from pytest_aipm.sources.files import resolve, sha256_of, suffix_of
from pytest_aipm.sources.lock import LOCK, LockEntry, read_lock, write_lock
from pytest_aipm.sources.native.formats import NATIVE, looks_like
from pytest_aipm.sources.spec import ModelSpec, Where

__all__ = ["CODE", "Trust", "check_trust", "parse_digest", "trust_file"]

CODE = {".joblib": "joblib", ".pkl": "pickle", ".pickle": "pickle"}
"""Suffixes of formats that can run code when opened, and what the formats are called."""

_LIBRARIES = ("joblib", "numpy", "pandas", "scikit-learn", "scipy")
"""What nearly every pickled model is made of; their versions are kept beside the hash."""


@dataclass(frozen=True)
class Trust:
    """Who has vouched for which bytes.

    Attributes
    ----------
    entries : tuple of LockEntry
        What ``aipm.lock`` holds.
    digests : frozenset of str
        Digests given for this run by ``--aipm-trust``.
    """

    entries: tuple[LockEntry, ...] = ()
    digests: frozenset[str] = frozenset()

    @classmethod
    def read(cls, root: Path, digests: Iterable[str] = ()) -> Trust:
        """Read ``aipm.lock`` under `root`, where there is one, and take `digests` beside it.

        Raises
        ------
        TrustError
            When the file cannot be read as a lock.
        OptionError
            When a digest is not ``sha256:`` and 64 hexadecimal digits.
        """
        return cls(read_lock(root / LOCK), frozenset(map(parse_digest, digests)))

    def vouched(
        self, spec: ModelSpec, digest: str, root: Path, where: Where | None = None
    ) -> tuple[str, list[str]]:
        """Return who vouches for these bytes, and what differs since.

        Parameters
        ----------
        spec : ModelSpec
            Names the file; its own ``sha256`` is the policy's pin and outranks everything else.
        digest : str
            sha256 of the bytes that are about to be opened.
        root : Path
        where : Where, optional
            Place in the policy, for messages.

        Returns
        -------
        by : str
        warnings : list of str
            Libraries whose version is not the one the lock remembers.

        Raises
        ------
        ModelError
            When the file is pinned or locked with another hash.
        TrustError
            When nobody vouches for it.
        """
        name = relative(root / (spec.path or ""), root)
        if spec.sha256 is not None:
            pinned = normal_digest(spec.sha256)
            if pinned != digest:
                raise _other_bytes(name, digest, pinned, "the policy", where)
            return "sha256 in the policy", []
        if digest in self.digests:
            return "--aipm-trust", []
        entry = next((each for each in self.entries if each.path == name), None)
        if entry is not None and entry.sha256 != digest:
            raise _other_bytes(name, digest, entry.sha256, LOCK, where)
        # The same bytes under another name are the same program.
        entry = entry or next((each for each in self.entries if each.sha256 == digest), None)
        if entry is None:
            raise _untrusted(name, digest, where)
        return f"{LOCK}: {entry.trusted_by}, {entry.when}", entry.differences(name)


def check_trust(spec: ModelSpec, root: Path, trust: Trust, where: Where | None = None) -> None:
    """Decide whether a model may be opened, by its hash and without opening it.

    Meant for configure time. A missing file, or one that differs from its pin, is left to
    `model.open_model`, which makes that node an ERROR.

    Raises
    ------
    TrustError
        When the format can run code and nobody vouches for the file.
    """
    if spec.path is None or spec.sha256 is not None:
        return
    path = root / spec.path
    if suffix_of(path) not in CODE or not path.is_file():
        return
    try:
        trust.vouched(spec, sha256_of(path), root, where)
    except ModelError:
        return  # locked, but changed since: the data's and model's faults are errors of their node
    except OSError as error:
        what = f"{spec.path!r} cannot be read ({error.strerror})"
        raise TrustError(problem(what, "make it readable", where=where)) from None


def parse_digest(text: str) -> str:
    """Return the 64 digits of ``sha256:HEX``.

    Raises
    ------
    OptionError
        When it is anything else.
    """
    digest = normal_digest(text)
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        what = f"{text!r} is no sha256"
        raise OptionError(Problem(what, "write sha256: and 64 hexadecimal digits"))
    return digest


def trust_file(path: str | Path, root: Path) -> LockEntry:
    """Vouch for a file: write its hash into ``aipm.lock`` under `root`.

    An older entry of the same path is replaced. The file is hashed, never opened.

    Parameters
    ----------
    path : str or Path
        Absolute, or relative to `root`.
    root : Path

    Returns
    -------
    LockEntry
        What was written.

    Raises
    ------
    TrustError
        When the file is not there, or is of a format that needs no trust.
    """
    found = resolve(str(path), root, where=None, error=TrustError)
    name = relative(found, root)
    suffix = suffix_of(found)
    if not found.is_file():
        raise TrustError(Problem("is a folder", "name the model file inside it", name))
    if suffix == ".skops":
        fix = "list the types it may contain under subject.model.trust in the policy"
        raise TrustError(Problem("a skops file is not locked as a whole", fix, name))
    if suffix in NATIVE:
        fix = "name it in the policy, with sha256: where it must be these very bytes"
        raise TrustError(Problem(_harmless(found), fix, name))
    if suffix not in CODE:
        fix = f"files that can run code end in {', '.join(CODE)}"
        raise TrustError(Problem(f"{suffix or 'this'} is no format that needs trust", fix, name))
    versions = {each: version for each in _LIBRARIES if (version := _installed(each))}
    entry = LockEntry(
        name, sha256_of(found), CODE[suffix], versions, _who(root), today().isoformat()
    )
    others = tuple(each for each in read_lock(root / LOCK) if each.path != name)
    write_lock(root / LOCK, (*others, entry))
    return entry


def _harmless(path: Path) -> str:
    """Return why a file needs no trust."""
    try:
        kind = looks_like(path.read_bytes())
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if kind is None:
        return "needs no trust: its format holds data only (but it holds no model that is known)"
    return (
        f"a model of {kind.title} needs no trust: it holds data only, and opening it runs no code"
    )


def _installed(library: str) -> str | None:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def _who(root: Path) -> str:
    """Return the name git knows, else the login."""
    try:
        asked = subprocess.run(
            ["git", "config", "user.name"],  # noqa: S607 - git is wherever the user has it
            cwd=root,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        name = ""
    else:
        name = asked.stdout.strip()
    if name:
        return name
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container without a user database
        return "unknown"


def _other_bytes(name: str, digest: str, pinned: str, by: str, where: Where | None) -> ModelError:
    what = (
        f"{name!r} has sha256 {short(digest)}..., but {by} pins {short(pinned)}...: "
        "it was not opened"
    )
    fix = (
        f"restore the pinned file, or vouch for this one: aipm trust {name}"
        if by == LOCK
        else f"restore the pinned file, or pin this one: sha256: {digest}"
    )
    return ModelError(problem(what, fix, where=where))


def _untrusted(name: str, digest: str, where: Where | None) -> TrustError:
    what = f"{name!r} can run code when it is opened, and nobody has vouched for it"
    fix = (
        f"if you know where it comes from: aipm trust {name} (writes {LOCK}), "
        f"or pin it in the policy under subject.model: sha256: {digest}"
    )
    return TrustError(problem(what, fix, where=where))
