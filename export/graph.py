"""A thin builder of ONNX graphs, and the checks that every exported model passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from mondeq_hw.base import __version__

#: First operator set with 16-bit ``QuantizeLinear``; onnx 1.16 and onnxruntime 1.18 have it.
OPSET = 21
IR_VERSION = 10
PRODUCER = "mondeq-hw"
#: Symbolic name of the first axis of every input and output: one session takes any number of samples.
BATCH = "batch"


class GraphBuilder:
    """Nodes and constants in the order in which they are added; every value is named after what it is."""

    def __init__(self, prefix: str = ""):
        self._prefix = prefix
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, name: str, array: Any) -> str:
        """An initializer; returns its name."""
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array).reshape(np.shape(array)), name))
        return name

    def add(self, op: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """A node with one output; returns the output's name."""
        name = self._prefix + output
        self._nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def cast(self, value: str, dtype: Any, output: str) -> str:
        """``Cast`` to a NumPy type."""
        return self.add("Cast", [value], output, to=onnx_type(dtype))

    def graph(
        self, name: str, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto], doc: str = ""
    ) -> onnx.GraphProto:
        """The finished graph."""
        return helper.make_graph(self._nodes, name, inputs, outputs, self._constants, doc)


def onnx_type(dtype: Any) -> int:
    """ONNX's number of a NumPy type."""
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


def value(name: str, dtype: Any, shape: Sequence[int | str]) -> onnx.ValueInfoProto:
    """A typed input or output."""
    return helper.make_tensor_value_info(name, onnx_type(dtype), list(shape))


def iterate(g: GraphBuilder, body: onnx.GraphProto, iterations: int, start: str, output: str) -> str:
    """``Loop`` of at most ``iterations`` updates of one state, left early where the body's condition is false."""
    trips = g.constant("iterations", np.array(iterations, dtype=np.int64))
    condition = g.constant("condition", np.array(True))
    return g.add("Loop", [trips, condition, start], output, body=body)


def loop_body(g: GraphBuilder, state: str, updated: str, changed: str, dtype: Any, n: int, doc: str) -> onnx.GraphProto:
    """Body of :func:`iterate`: ``state`` to ``updated``, on while any entry of ``changed`` is true.

    An update that changes no sample of the batch is the last: the following ones would change nothing either.
    """
    count = g.add("ReduceSum", [g.cast(changed, np.int64, "changes")], "change_count", keepdims=0)
    going_on = g.add("Greater", [count, "zero"], "goes_on")
    inputs = [value("index", np.int64, []), value("condition_in", np.bool_, []), value(state, dtype, [BATCH, n])]
    return g.graph("update", inputs, [value(going_on, np.bool_, []), value(updated, dtype, [BATCH, n])], doc)


def checked_model(graph: onnx.GraphProto, properties: dict[str, str]) -> onnx.ModelProto:
    """The model around a graph, with its metadata; it has passed ONNX's own checks.

    ``onnx.checker`` with ``full_check``, and strict shape and type inference.
    """
    model = helper.make_model(
        graph,
        producer_name=PRODUCER,
        producer_version=__version__,
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    helper.set_model_props(model, properties)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    return model
