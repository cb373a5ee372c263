"""A signature of the manifest, and with it of every file that the manifest names.

Made and checked by the library ``cryptography``; nothing of that is written here. What is signed
are the bytes of `manifest.json`, so other tools can check it, too.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_aipm.errors import OptionError, Problem
from pytest_aipm.records import canonical_json
from pytest_aipm.verification.folder import MANIFEST, SIGNATURE, Folder
from pytest_aipm.verification.line import Line, broken, held, untold

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

__all__ = ["Signature", "sign_manifest", "signature_lines"]

FORMAT = "aipm-signature/1"
INSTALL = 'pip install "pytest-aipm[sign]"'
ED25519, P256 = "ed25519", "ecdsa-p256-sha256"
MAKE = "make one with `openssl genpkey -algorithm ed25519 -out private.pem`"


@dataclass(frozen=True)
class Signature:
    """The file `manifest.json.sig`.

    Attributes
    ----------
    algorithm : str
        ``ed25519`` or ``ecdsa-p256-sha256``.
    key : str
        sha256 of the public key, as DER.
    manifest : str
        sha256 of the manifest that was signed.
    signature : bytes
    """

    algorithm: str
    key: str
    manifest: str
    signature: bytes

    def to_json(self) -> str:
        """Return the file's text."""
        told = {
            "schema": FORMAT,
            "algorithm": self.algorithm,
            "key": f"sha256:{self.key}",
            "manifest": f"sha256:{self.manifest}",
            "signature": base64.b64encode(self.signature).decode(),
        }
        return canonical_json(told, indent=1) + "\n"

    @classmethod
    def from_json(cls, raw: bytes) -> Signature | None:
        """Read the file; None when it is none."""
        try:
            told = json.loads(raw)
            if told.keys() != {"schema", "algorithm", "key", "manifest", "signature"}:
                return None
            if told["schema"] != FORMAT or told["algorithm"] not in (ED25519, P256):
                return None
            key, manifest = (_digest(told[name]) for name in ("key", "manifest"))
            signature = base64.b64decode(told["signature"], validate=True)
        except (ValueError, TypeError, AttributeError, RecursionError):
            return None
        return cls(told["algorithm"], key, manifest, signature)


def sign_manifest(raw: bytes, private: Path, shown: str, password: bytes | None) -> Signature:
    """Sign a manifest.

    Parameters
    ----------
    raw : bytes
        Of the manifest.
    private : Path
        An Ed25519 or ECDSA P-256 key, as PEM.
    shown : str
        The key's path as messages print it.
    password : bytes or None
        Of the key.

    Raises
    ------
    OptionError
        When ``cryptography`` is missing, or the key is none, is locked, or of another kind.
    """
    _library()
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519  # noqa: PLC0415

    key = _private(private, shown, password)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        algorithm, signature = ED25519, key.sign(raw)
    else:
        algorithm, signature = P256, key.sign(raw, ec.ECDSA(hashes.SHA256()))
    manifest = hashlib.sha256(raw).hexdigest()
    return Signature(algorithm, _fingerprint(key.public_key()), manifest, signature)


def signature_lines(folder: Folder, key: Path | None) -> Iterator[Line]:
    """Yield whether the manifest is signed, and by the key that was given."""
    there = (folder.path / SIGNATURE).is_file()
    if not there:
        if key is not None:
            yield broken("signature", f"a key was given, but there is no {SIGNATURE}")
        else:
            yield untold(
                "signature", "not signed: whoever can write the folder can write all of it"
            )
        return
    signature, raw = Signature.from_json(folder.read(SIGNATURE)), folder.read(MANIFEST)
    if signature is None:
        yield broken("signature", f"{SIGNATURE} is no signature of this version")
    elif signature.manifest != hashlib.sha256(raw).hexdigest():
        yield broken("signature", f"{SIGNATURE} is of another {MANIFEST}")
    elif key is None:
        said = f"made with the key {signature.key[:16]}; name the public key to check it: --key=PEM"
        yield untold("signature", said)
    else:
        yield _checked(signature, raw, key)


def _checked(signature: Signature, raw: bytes, path: Path) -> Line:
    _library()
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519  # noqa: PLC0415

    key = _public(path)
    if _fingerprint(key) != signature.key:
        said = f"made with the key {signature.key[:16]}, not with {path.name}"
        return broken("signature", said)
    try:
        if isinstance(key, ed25519.Ed25519PublicKey) and signature.algorithm == ED25519:
            key.verify(signature.signature, raw)
        elif isinstance(key, ec.EllipticCurvePublicKey) and signature.algorithm == P256:
            key.verify(signature.signature, raw, ec.ECDSA(hashes.SHA256()))
        else:
            return broken("signature", f"{path.name} is no key of {signature.algorithm}")
    except InvalidSignature:
        return broken("signature", f"does not match {MANIFEST} and {path.name}")
    return held("signature", f"{signature.algorithm}, by {path.name} ({signature.key[:16]})")


def _library() -> None:
    try:
        import cryptography  # noqa: F401, PLC0415 - an optional extra
    except ImportError:
        what = "signatures need the package cryptography"
        raise OptionError(Problem(what, f"install it: {INSTALL}")) from None


def _private(
    path: Path, shown: str, password: bytes | None
) -> ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    raw = _bytes(path, shown)
    try:
        key: Any = load_pem_private_key(raw, password)
    except TypeError:  # one of the two is there and the other is not
        if password is None:
            what, fix = "is locked by a password", "name the variable that holds it: --password-env"
        else:
            what, fix = "is not locked, but a password was given", "leave out --password-env"
        raise OptionError(Problem(what, fix, shown)) from None
    except (ValueError, UnsupportedAlgorithm):
        what = "is no private key as PEM" + (", or its password is another" if password else "")
        raise OptionError(Problem(what, MAKE, shown)) from None
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise OptionError(Problem("is neither an Ed25519 nor an ECDSA P-256 key", MAKE, shown))


def _public(path: Path) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    try:
        return load_pem_public_key(_bytes(path, path.name))
    except (ValueError, UnsupportedAlgorithm):
        fix = "write it with `openssl pkey -in private.pem -pubout -out public.pem`"
        raise OptionError(Problem("is no public key as PEM", fix, path.name)) from None


def _bytes(path: Path, shown: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        what = f"the key cannot be read ({fault.strerror})"
        raise OptionError(Problem(what, "check the path", shown)) from None


def _fingerprint(key: Any) -> str:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        PublicFormat,
    )

    raw = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(raw).hexdigest()


def _digest(text: str) -> str:
    digest = text.removeprefix("sha256:")
    if not text.startswith("sha256:") or len(bytes.fromhex(digest)) != 32:
        raise ValueError(text)
    return digest
