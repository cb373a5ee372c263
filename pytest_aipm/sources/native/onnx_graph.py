"""What an ONNX file holds, read without running it: files and operators of others, classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_aipm.sources.faults import listed
from pytest_aipm.sources.native.voice import Asked

__all__ = ["refuse_strangers", "stored_classes"]

_STANDARD = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")
_PASSING = ("Cast", "Identity", "Reshape", "Squeeze", "Flatten", "Unsqueeze")
_PICKING = ("ArrayFeatureExtractor", "Gather")


def refuse_strangers(model: Any, onnx: Any, asked: Asked) -> None:
    """Refuse what would bring other files or other people's code along.

    Raises
    ------
    ModelError
        When weights lie in other files, or operators are in no library that onnxruntime has.
    """
    tensors = (each for each in _messages(model) if isinstance(each, onnx.TensorProto))
    if any(each.data_location == onnx.TensorProto.EXTERNAL for each in tensors):
        what = f"{asked.ref!r} keeps its weights in other files, which its sha256 does not speak of"
        fix = "save it as one file: onnx.save_model(model, path, save_as_external_data=False)"
        raise asked.error(what, fix)
    own = {each.domain for each in model.functions}
    strange = {
        f"{node.domain}.{node.op_type}"
        for node in _nodes(model)
        if node.domain not in _STANDARD and node.domain not in own
    }
    if strange:
        what = f"{asked.ref!r} needs operators of a library of its own: {listed(sorted(strange))}"
        raise asked.error(what, "export it with standard operators, or load it in a factory")


def stored_classes(model: Any, onnx: Any) -> list[Any] | None:
    """Return the names of the classes that a classifier holds, None when it has none or several.

    They are the attribute of a node, or the constant from which the label is picked.
    """
    found: list[list[Any]] = []
    for node in _nodes(model):
        found += [
            list(onnx.helper.get_attribute_value(attribute))
            for attribute in node.attribute
            if attribute.name.startswith("classlabels_")
        ]
    found += _picked(model.graph, onnx)
    names = [[each.decode() if isinstance(each, bytes) else each for each in row] for row in found]
    known = [row for i, row in enumerate(names) if row and row not in names[:i]]
    return known[0] if len(known) == 1 else None


def _picked(graph: Any, onnx: Any) -> Iterator[list[Any]]:
    """Yield the constants out of which an output is picked by a number."""
    constants = {each.name: each for each in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    for output in graph.output:
        node, steps = makers.get(output.name), 0
        while node is not None and node.op_type in _PASSING and steps < len(makers):
            node, steps = makers.get(node.input[0]), steps + 1
        if node is None or node.op_type not in _PICKING or node.input[0] not in constants:
            continue
        values = onnx.numpy_helper.to_array(constants[node.input[0]])
        if values.ndim == 1 and values.dtype.kind in "iOSU":
            yield values.tolist()


def _messages(message: Any) -> Iterator[Any]:
    """Yield a message of the file and all inside it."""
    waiting = [message]
    while waiting:
        each = waiting.pop()
        yield each
        for field, value in each.ListFields():
            if field.message_type is not None:
                waiting.extend(value if hasattr(value, "add") else [value])


def _nodes(model: Any) -> Iterator[Any]:
    return (each for each in _messages(model) if each.DESCRIPTOR.name == "NodeProto")
