"""Predictions of earlier runs, so that an edited limit does not cost the model another pass.

An entry is known by the bytes of model and data, by what was asked and by the versions of
everything that had a part in the answer. It is believed only when it carries the seal of this user
on this machine: whoever hands over a cache folder, in a CI cache say, cannot hand over an answer.
What is damaged, foreign or of another version is computed anew and written over.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import os
import secrets
import sys
import sysconfig
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from pytest_aipm import __version__
from pytest_aipm.drafts import drafted, swept

__all__ = ["Kept", "surroundings"]

Arrays = Mapping[str, np.ndarray]

MOST = 8
"""Entries that are kept; the oldest goes first."""
LARGEST = 512 * 2**20
"""Bytes of one entry beyond which asking again is as quick as reading."""
_SEAL, _AROUND = 32, 2**20
"""Bytes of the seal, and more than those of the names and shapes in an entry."""


class Kept:
    """A folder of entries.

    Parameters
    ----------
    folder : Path
        That of pytest's cache; it need not be there yet.
    home : Path, optional
        Where the seal's secret lies, outside of any project.
    """

    def __init__(self, folder: Path, home: Path | None = None) -> None:
        self._folder, self._home = folder, home or _home()

    def get(self, key: Mapping[str, object], compute: Callable[[], Arrays]) -> Arrays:
        """Return the arrays of an entry; those of `compute` where there is none to be believed.

        Parameters
        ----------
        key : mapping
            What the answer hangs on, as JSON can write it.
        compute : callable
            Returns named arrays without objects.
        """
        secret = None if self._home is None else self._secret(self._home / "secret")
        if secret is None:
            return compute()
        named = json.dumps(key, sort_keys=True, default=str).encode()
        place = self._folder / f"{hashlib.sha256(named).hexdigest()}.predictions"
        found = _read(place, secret, named)
        if found is None:
            found = compute()
            self._write(place, secret, named, found)
        return found

    def _write(self, place: Path, secret: bytes, named: bytes, arrays: Arrays) -> None:
        if sum(each.nbytes for each in arrays.values()) > LARGEST:
            return
        if any(each.dtype.hasobject for each in arrays.values()):  # which a pickle alone can hold
            return
        try:
            packed = io.BytesIO()
            np.savez(packed, **dict(arrays))  # type: ignore[arg-type]
            body = packed.getvalue()
            self._folder.mkdir(parents=True, exist_ok=True)
            with drafted(place) as draft:
                draft.write_bytes(_sealed(secret, named, body) + body)
            swept(self._folder, ".*.predictions.*.tmp", place)
            old = sorted(self._folder.glob("*.predictions"), key=_written, reverse=True)[MOST:]
            for each in old:
                each.unlink(missing_ok=True)
        except (OSError, MemoryError):  # a full disk, a read-only folder: the next run asks again
            return

    def _secret(self, place: Path) -> bytes | None:
        """Return this user's secret, made at first; None where nothing can be kept."""
        try:
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                with drafted(place) as draft:
                    draft.touch(mode=0o600)
                    draft.write_bytes(secrets.token_bytes(_SEAL))
            secret = place.read_bytes()
        except OSError:
            return None
        return secret if len(secret) == _SEAL else None


def _read(place: Path, secret: bytes, named: bytes) -> Arrays | None:
    try:
        # neither a pipe, which nobody may ever write to, nor what cannot be ours
        if not place.is_file() or place.stat().st_size > LARGEST + _AROUND:
            return None
        held = place.read_bytes()
    except OSError:
        return None
    seal, body = held[:_SEAL], held[_SEAL:]
    if not hmac.compare_digest(seal, _sealed(secret, named, body)):
        return None
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (ValueError, zipfile.BadZipFile):  # sealed, and yet no arrays
        return None


def _sealed(secret: bytes, named: bytes, body: bytes) -> bytes:
    whole = hmac.new(secret, len(named).to_bytes(8, "big") + named, hashlib.sha256)
    whole.update(body)
    return whole.digest()


def _written(place: Path) -> float:
    try:
        return place.stat().st_mtime
    except OSError:  # another process has removed it
        return 0.0


def _home() -> Path | None:
    """Return the folder for caches of this user; None for one without a home."""
    windows = sys.platform == "win32"
    named = os.environ.get("LOCALAPPDATA" if windows else "XDG_CACHE_HOME")
    try:
        caches = Path(named or Path.home() / ("AppData/Local" if windows else ".cache"))
    except RuntimeError:  # a container's user of any number
        return None
    return caches / "pytest-aipm"


def surroundings(*, code: bool) -> dict[str, object]:
    """Return what may change a model's answers although its file stays the same.

    Parameters
    ----------
    code : bool
        Whether the file can run code: a pickled pipeline calls functions that it does not hold, so
        that the bytes of every loaded module of the user's own count, beside the versions of all
        that is installed.
    """
    packages = {each.name for path in sys.path for each in Path(path).glob("*.dist-info")}
    own = hashlib.sha256()
    for path in sorted(_own_modules()) if code else ():
        try:
            own.update(path.encode() + hashlib.sha256(Path(path).read_bytes()).digest())
        except OSError:
            own.update(path.encode() + secrets.token_bytes(_SEAL))  # unreadable: never the same
    return {
        "aipm": __version__,
        "python": sys.version,
        "installed": hashlib.sha256("\n".join(sorted(packages)).encode()).hexdigest(),
        "own": own.hexdigest(),
    }


def _own_modules() -> set[str]:
    paths = sysconfig.get_paths()
    theirs = tuple({paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")})
    files = (getattr(each, "__file__", None) for each in list(sys.modules.values()))
    return {path for path in files if isinstance(path, str) and not path.startswith(theirs)}
