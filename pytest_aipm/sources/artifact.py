"""Opening model files: data-only formats freely, skops by an allow list, pickles when vouched for.

A file is read once. The bytes that were hashed are the bytes that are opened, so nothing can be
exchanged between the decision and its use.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_aipm.errors import ModelError
from pytest_aipm.sources.factory import importable
from pytest_aipm.sources.faults import describe, did_you_mean, listed, problem, relative
from pytest_aipm.sources.files import check_pin, resolve, suffix_of
from pytest_aipm.sources.guard import third_party
from pytest_aipm.sources.native.formats import NATIVE, format_of
from pytest_aipm.sources.native.opening import open_native
from pytest_aipm.sources.native.voice import Asked
from pytest_aipm.sources.spec import ModelSpec, Where
from pytest_aipm.sources.trust import CODE, Trust

__all__ = ["Artifact", "open_artifact"]

SKOPS = ".skops"


@dataclass(frozen=True)
class Artifact:
    """An opened model.

    Attributes
    ----------
    model : object
    ref : str
        Path relative to the root folder, or another name for it.
    kind : str
        ``skops``, ``joblib``, ``pickle``, ``factory``, ``object``, or a data-only format with the
        library that runs it: ``xgboost 3.0.2``, ``onnx, onnxruntime 1.20.0``.
    sha256 : str or None
        Of the bytes that were opened; None for what never was a file.
    trusted_by : str
        Why it was allowed to be opened.
    """

    model: Any
    ref: str
    kind: str
    sha256: str | None
    trusted_by: str


def open_artifact(
    spec: ModelSpec,
    root: Path,
    trust: Trust,
    heard: list[str],
    where: Where | None,
    *,
    task: str = "binary",
    positive: Any = None,
) -> Artifact:
    """Read, hash, decide, and only then open a model file.

    Parameters
    ----------
    spec : ModelSpec
        With a path.
    root : Path
    trust : Trust
    heard : list of str
        Collects warnings of the libraries, and versions that differ from the lock's.
    where : Where or None
        Place in the policy, for messages.
    task : str
    positive : object
        What is asked of a model that does not know scikit-learn's words for it.

    Raises
    ------
    ModelError
        When the file is missing, damaged, of an unknown format, not the pinned one, holds types
        that the policy does not trust, or cannot be opened here.
    TrustError
        When it can run code and nobody vouches for it.
    """
    path = resolve(spec.path or "", root, where=where, error=ModelError)
    ref = relative(path, root)
    suffix = suffix_of(path)
    if path.is_dir():
        what = f"{ref!r} is a folder, not a model file"
        raise ModelError(problem(what, "name the file inside it", where=where))
    if suffix not in CODE and suffix != SKOPS and suffix not in NATIVE:
        known = [SKOPS, *NATIVE, *CODE]
        what = f"{ref!r} is of no model format that can be opened" + (f" ({suffix})" * bool(suffix))
        fix = did_you_mean(suffix, known) or (
            f"known suffixes are {listed(known, 20)}; anything else comes through factory:, "
            "or audit its predictions"
        )
        raise ModelError(problem(what, fix, where=where))
    try:
        raw = path.read_bytes()
    except OSError as error:
        what = f"{ref!r} cannot be read ({error.strerror})"
        raise ModelError(problem(what, "make it readable", where=where)) from None
    if not raw:
        raise ModelError(problem(f"{ref!r} is empty", "save the model again", where=where))
    digest = hashlib.sha256(raw).hexdigest()
    if suffix in NATIVE:
        check_pin(spec.sha256, digest, ref, where=where, error=ModelError)
        _refuse_trust(spec, ref, where)
        found = format_of(raw, suffix, ref, where)
        native, kind = open_native(
            raw, found, Asked(ref, task, spec.classes, positive, heard, where)
        )
        return Artifact(native, ref, kind, digest, "data only: opening it runs no code")
    if spec.classes:
        what = f"classes: has no meaning for {ref!r}, which names its classes itself"
        raise ModelError(problem(what, "remove classes", where=where))
    if suffix == SKOPS:
        check_pin(spec.sha256, digest, ref, where=where, error=ModelError)
        model = _open_skops(raw, ref, spec.trust, root, heard, where)
        by = "skops's own list" + (
            f", and in the policy {listed(spec.trust)}" if spec.trust else ""
        )
        return Artifact(model, ref, "skops", digest, by)
    _refuse_trust(spec, ref, where)
    by, differences = trust.vouched(spec, digest, root, where)
    heard.extend(differences)
    model = _open_pickle(raw, ref, root, heard, where)
    return Artifact(model, ref, CODE[suffix], digest, by)


def _refuse_trust(spec: ModelSpec, ref: str, where: Where | None) -> None:
    if spec.trust:
        what = f"{ref!r} is no skops file: trust: lists the types of a skops file"
        raise ModelError(problem(what, "remove trust, or save as .skops", where=where))


def _open_pickle(raw: bytes, ref: str, root: Path, heard: list[str], where: Where | None) -> Any:
    import joblib  # noqa: PLC0415 - a policy without a model file needs none of it

    try:
        # The project's own classes may be inside; joblib opens plain pickles as well.
        with importable(root), third_party(heard):
            return joblib.load(io.BytesIO(raw))
    except (Exception, SystemExit) as error:
        raise ModelError(_unopened(error, ref, where)) from error


def _open_skops(
    raw: bytes, ref: str, trust: tuple[str, ...], root: Path, heard: list[str], where: Where | None
) -> Any:
    skops = _skops(where)
    if not zipfile.is_zipfile(io.BytesIO(raw)):
        what = f"{ref!r} is no skops file: damaged, cut short or of another format"
        raise ModelError(problem(what, "save the model again with skops.io.dump", where=where))
    try:
        with importable(root), third_party(heard):
            asked = sorted(set(map(str, skops.get_untrusted_types(data=raw))) - set(trust))
    except Exception as error:
        raise ModelError(_unopened(error, ref, where)) from error
    if asked:
        what = f"{ref!r} holds types that are not trusted: {listed(asked, 20)}"
        fix = f"if you trust them, write in the policy: trust: [{listed(asked, 20)}]"
        raise ModelError(problem(what, fix, where=where))
    try:
        with importable(root), third_party(heard):
            return skops.loads(raw, trusted=list(trust))
    except Exception as error:
        raise ModelError(_unopened(error, ref, where)) from error


def _skops(where: Where | None) -> Any:
    try:
        import skops.io  # noqa: PLC0415 - an optional extra
    except ImportError:
        what = "a skops model needs the package skops"
        fix = 'pip install "pytest-aipm[skops]"'
        raise ModelError(problem(what, fix, where=where)) from None
    return skops.io


def _unopened(error: BaseException, ref: str, where: Where | None) -> Any:
    """Return why a file did not open, and what usually helps."""
    what = f"{ref!r} could not be opened: {describe(error)}"
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        if package == error.name or not _importable(package):
            return problem(f"{ref!r} needs module {package!r}", f"install {package}", where=where)
        what = f"{ref!r} needs module {error.name!r}, which the installed {package} does not have"
        fix = f"install the version of {package} that saved the model, or save it again"
        return problem(what, fix, where=where)
    if isinstance(error, AttributeError) and "__main__" in str(error):
        fix = "define the class in a module of the project, import it from there, and save again"
    elif isinstance(error, AttributeError | ImportError | TypeError):
        fix = "open it with the library versions that saved it, or save it again with these"
    else:
        fix = "the file may be damaged or of another format: save the model again"
    return problem(what, fix, where=where)


def _importable(package: str) -> bool:
    from importlib.util import find_spec  # noqa: PLC0415

    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False
