"""Opens a data-only model file with the library that it belongs to."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from pytest_aipm.errors import AipmError
from pytest_aipm.sources.faults import describe
from pytest_aipm.sources.guard import third_party
from pytest_aipm.sources.native.catboost_file import open_catboost
from pytest_aipm.sources.native.formats import Format
from pytest_aipm.sources.native.lightgbm_file import open_lightgbm
from pytest_aipm.sources.native.onnx_file import open_onnx
from pytest_aipm.sources.native.voice import Asked, NativeModel
from pytest_aipm.sources.native.xgboost_file import open_xgboost

__all__ = ["open_native"]

_OPENERS: dict[str, tuple[tuple[str, ...], Callable[..., NativeModel]]] = {
    "onnx": (("onnx", "onnxruntime"), open_onnx),
    "xgboost": (("xgboost",), open_xgboost),
    "lightgbm": (("lightgbm",), open_lightgbm),
    "catboost": (("catboost",), open_catboost),
}
"""By kind: the libraries that are needed, the last of which runs the model, and what opens it."""


def open_native(raw: bytes, found: Format, asked: Asked) -> tuple[NativeModel, str]:
    """Open a model file from its bytes.

    Parameters
    ----------
    raw : bytes
    found : Format
    asked : Asked

    Returns
    -------
    model : NativeModel
    kind : str
        The format and the library that runs it: ``onnx, onnxruntime 1.20.0``.

    Raises
    ------
    ModelError
        When a library is missing, or the file cannot be opened or used.
    """
    names, opener = _OPENERS[found.kind]
    with third_party(asked.heard):
        libraries = [_library(name, found, asked) for name in names]
        try:
            model = opener(raw, asked, *libraries)
        except AipmError:
            raise
        except Exception as error:
            raise asked.damaged(describe(error)) from error
    library = f"{names[-1]} {libraries[-1].__version__}"
    return model, library if names[-1] == found.kind else f"{found.kind}, {library}"


def _library(name: str, found: Format, asked: Asked) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == name:
            what = f"a model of {found.title} needs the package {name}"
            raise asked.error(what, f'pip install "pytest-aipm[{found.kind}]"') from None
        what = f"a model of {found.title} needs the package {name}, which does not import: "
        fix = f'install it again: pip install --force-reinstall "pytest-aipm[{found.kind}]"'
        raise asked.error(what + describe(error), fix) from error
