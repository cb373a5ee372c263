"""``aipm sign``: sign the manifest of a report folder, and with it every file it names."""

from __future__ import annotations

import os

from pytest_aipm.commands.folder import read_folder
from pytest_aipm.commands.paths import here
from pytest_aipm.commands.say import say
from pytest_aipm.drafts import drafted
from pytest_aipm.errors import OptionError, Problem
from pytest_aipm.verification.folder import MANIFEST, SIGNATURE
from pytest_aipm.verification.signature import sign_manifest

__all__ = ["sign"]


def sign(folder: str, *, key: str, password_env: str | None = None) -> int:
    """Write `manifest.json.sig` beside the manifest.

    Parameters
    ----------
    folder : str
        Report folder; every file must be as the run wrote it.
    key : str
        The private key, as PEM: Ed25519 or ECDSA P-256.
    password_env : str, optional
        Environment variable that holds the key's password.

    Raises
    ------
    OptionError
        When the folder cannot be vouched for, or the key is none.
    """
    place, shown = here(folder), folder.rstrip("/")
    read_folder(place, shown=shown)  # nobody signs what does not hold
    password = None if password_env is None else _password(password_env)
    signature = sign_manifest((place / MANIFEST).read_bytes(), here(key), key, password)
    with drafted(place / SIGNATURE) as draft:
        draft.write_text(signature.to_json(), encoding="utf-8", newline="\n")
    say(f"{shown}/{SIGNATURE}: {signature.algorithm}, key {signature.key[:16]}")
    say(f"Check it with: aipm verify {shown} --key=PUBLIC.pem")
    return 0


def _password(name: str) -> bytes:
    value = os.environ.get(name)
    if not value:
        what = f"--password-env={name}: the environment has no such variable, or it is empty"
        raise OptionError(Problem(what, "set it to the key's password"))
    return value.encode()
