"""The format of a model file: its suffix says what it may be, its content what it is.

Imports no library, so that a file can be named without the means to open it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from pytest_aipm.errors import ModelError
from pytest_aipm.sources.faults import listed, problem
from pytest_aipm.sources.spec import Where

__all__ = ["FORMATS", "NATIVE", "Format", "format_of", "looks_like"]


@dataclass(frozen=True)
class Format:
    """A kind of model file.

    Attributes
    ----------
    kind : str
        What the record calls it, and the extra to install: ``xgboost``.
    title : str
        How its makers write it.
    suffixes : tuple of str
    saved_by : str
        How such a file is written.
    """

    kind: str
    title: str
    suffixes: tuple[str, ...]
    saved_by: str


FORMATS = {
    each.kind: each
    for each in (
        Format("onnx", "ONNX", (".onnx",), "the exporter of its library"),
        Format("xgboost", "XGBoost", (".json", ".ubj"), "save_model"),
        Format("lightgbm", "LightGBM", (".txt", ".lgb"), "Booster.save_model"),
        Format("catboost", "CatBoost", (".cbm", ".json"), "save_model"),
    )
}
NATIVE = tuple(dict.fromkeys(suffix for each in FORMATS.values() for suffix in each.suffixes))
"""Suffixes of formats that hold data only."""

_DUMPS = (
    (b"booster[", "a text dump of XGBoost, which cannot be loaded", "save it with save_model"),
    (b"binf", "XGBoost's old binary format", "save it again with save_model as .json or .ubj"),
)


def format_of(raw: bytes, suffix: str, ref: str, where: Where | None) -> Format:
    """Return the format of a model file with one of the `NATIVE` suffixes.

    Parameters
    ----------
    raw : bytes
        The whole file.
    suffix : str
        In lower case, with its dot.
    ref : str
        What messages call the file.
    where : Where or None

    Raises
    ------
    ModelError
        When the content is not what the suffix promises.
    """
    allowed = [each for each in FORMATS.values() if suffix in each.suffixes]
    found = looks_like(raw)
    if found is not None and found in allowed:
        return found
    names = " or ".join(each.title for each in allowed)
    if found is not None:
        what = f"{ref!r} holds a model of {found.title}, not of {names}"
        fix = f"rename it to end in {listed(found.suffixes)}"
        raise ModelError(problem(what, fix, where=where))
    what, fix = _unfit(raw, suffix)
    if what:
        raise ModelError(problem(f"{ref!r} holds {what}", fix, where=where))
    what = f"{ref!r} holds no model of {names}: damaged, cut short or of another format"
    fix = "save it again with " + listed(
        f"{each.title}'s save_model" if each.kind != "onnx" else each.saved_by for each in allowed
    ).replace(", ", " or ")
    raise ModelError(problem(what, fix, where=where))


def looks_like(raw: bytes) -> Format | None:
    """Return the format whose mark the content bears, None when there is none."""
    start = raw[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    keys = _keys(raw) if start.startswith(b"{") else frozenset()
    trees = keys & {"oblivious_trees", "trees"}
    marks = {
        "catboost": raw.startswith(b"CBM1") or (trees and {"features_info", "model_info"} <= keys),
        "lightgbm": start.split(b"\n")[0].strip() == b"tree" and b"version=" in raw[:200],
        "xgboost": (raw.startswith(b"{L") and b"learner" in raw[:64]) or "learner" in keys,
    }
    kind = next((kind for kind, borne in marks.items() if borne), None)
    if kind is None and not start.startswith(b"{") and _is_onnx(raw):
        kind = "onnx"
    return None if kind is None else FORMATS[kind]


def _keys(raw: bytes) -> frozenset[str]:
    """Return the keys of the outermost mapping of a JSON text; none when it is not one."""
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        return frozenset()
    return frozenset(content) if isinstance(content, dict) else frozenset()


def _is_onnx(raw: bytes) -> bool:
    """Return whether the bytes start with the fields of an ONNX model, each well formed.

    A protocol buffer is a row of fields: a number that holds which field it is and how it is
    written, then a number or a length and so many bytes. An ONNX model has its version (1) as a
    number and its graph (7) as bytes.
    """
    place, seen = 0, set()
    while place < len(raw):
        tag, place = _varint(raw, place)
        field, how = tag >> 3, tag & 7
        if not 1 <= field <= 25 or how not in (0, 2):
            return False
        value, place = _varint(raw, place)
        if place < 0:
            return False
        if how == 2:
            place += value
        seen.add((field, how))
    return place == len(raw) and {(1, 0), (7, 2)} <= seen


def _varint(raw: bytes, place: int) -> tuple[int, int]:
    """Return a number of seven bits a byte and the place behind it, -1 when it is cut short."""
    value = 0
    for shift in range(0, 70, 7):
        if not 0 <= place < len(raw):
            break
        byte = raw[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    return 0, -1


def _unfit(raw: bytes, suffix: str) -> tuple[str, str]:
    """Return what a file of the right library holds that cannot be loaded, and what helps."""
    for mark, what, fix in _DUMPS:
        if raw.lstrip().startswith(mark):
            return what, fix
    if suffix == ".json":
        try:
            content = json.loads(raw)
        except (ValueError, RecursionError):
            return "", ""
        if isinstance(content, dict) and "tree_info" in content:
            what = "a JSON dump of LightGBM, which cannot be loaded"
            return what, "save it with Booster.save_model as .txt"
        if isinstance(content, list) and content and "nodeid" in str(content[0])[:200]:
            return "a JSON dump of XGBoost, which cannot be loaded", "save it with save_model"
    return "", ""
