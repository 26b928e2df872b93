"""The trained network itself as an ONNX graph in float64: preprocessing, equilibrium, readout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx

from mondeq_hw.base import Clip
from mondeq_hw.problem import TOLERANCE, MonDEQ, step_size

from .graph import BATCH, GraphBuilder, iterate, loop_body, value
from .onnx_clip import FloatClip, declare_clip

#: Updates of the loop at most; ``residual`` says how far they came.
MAX_ITERATIONS = 20_000


def float_graph(model: MonDEQ) -> onnx.GraphProto:
    """``inputs`` (batch, d), raw input words in float64, to ``outputs`` (batch, k) and ``residual`` (batch,).

    With a carried state the graph is one sample: ``carried`` (batch, m) is an input as well, and ``next_carried`` an
    output.

    ``z = prox(W z + U x + b)`` is solved by Peaceman-Rachford splitting as in
    :func:`mondeq_hw.problem.reference.preactivation`; ``residual`` is
    ``max |z - prox(W z + U x + b)|``, so that every answer shows how exact it is.
    """
    alpha, eye = step_size(model), np.eye(model.n)
    V = np.linalg.inv(eye + alpha * (eye - model.W))
    pre = model.input_map
    g = GraphBuilder()
    g.constant("zero", np.array(0, dtype=np.int64))
    for name, array in {
        "scale": pre.scale, "offset": pre.mean / pre.std, "std": pre.std, "one": 1.0, "tolerance": TOLERANCE,
        "W": model.W, "U": model.U, "b": model.b, "O": model.O, "c": model.c,
        "reflected": (2 * V - eye).T, "drive": 2 * alpha * V.T,
    }.items():  # fmt: skip
        g.constant(name, np.asarray(array, dtype=np.float64))
    if model.F is not None:
        g.constant("F", np.asarray(model.F, dtype=np.float64))
    # Of the network, and of the splitting, whose step size a complement's bounds have in them.
    prox, stepped = model.prox, model.prox.at_step(alpha)
    declare_clip(g, "prox", prox, np.float64)
    declare_clip(g, "clip", stepped, np.float64)

    # The subtraction comes last: a scalar factor directly before a MatMul is fused by onnxruntime into an
    # attribute of the product, and attributes are float32.
    scaled = g.add("Div", [g.add("Mul", ["inputs", "scale"], "scaled"), "std"], "scaled_over_std")
    x = g.add("Sub", [scaled, "offset"], "x")
    if model.carried is not None:
        x = g.add("Concat", [x, "carried"], "x_and_carried", axis=1)
    q = g.add("Add", [_product(g, x, "U", "Ux"), "b"], "q")
    d = g.add("MatMul", [q, "drive"], "d")
    state = iterate(g, _update(stepped), MAX_ITERATIONS, d, "state")
    z = FloatClip(g, "clip", stepped, "z").prox(state)
    shown = _product(g, z, "O", "Oz")
    if model.F is not None:
        shown = g.add("Add", [shown, _product(g, x, "F", "Fx")], "Oz_Fx")
    shown = g.add("Add", [shown, "c"], "outputs" if model.carried is None else "all_outputs")
    inputs = [value("inputs", np.float64, [BATCH, model.d])]
    outputs = [value("outputs", np.float64, [BATCH, model.k]), value("residual", np.float64, [BATCH])]
    if model.carried is not None:
        axis = g.constant("row_axis", np.array([1], dtype=np.int64))
        ends = [g.constant(f"rows_{end}", np.array([end], dtype=np.int64)) for end in (0, model.k, model.rows)]
        g.add("Slice", [shown, ends[0], ends[1], axis], "outputs")
        g.add("Slice", [shown, ends[1], ends[2], axis], "next_carried")
        inputs.append(value("carried", np.float64, [BATCH, model.carried_words]))
        outputs.append(value("next_carried", np.float64, [BATCH, model.carried_words]))
    v = g.add("Add", [_product(g, z, "W", "Wz"), "q"], "v")
    applied = FloatClip(g, "prox", prox, "applied").prox(v)
    gap = g.add("Abs", [g.add("Sub", [z, applied], "difference")], "gap")
    axes = g.constant("last_axis", np.array([1], dtype=np.int64))
    g.add("ReduceMax", [gap, axes], "residual", keepdims=0)
    return g.graph(
        Path(model.source).stem,
        inputs,
        outputs,
        f"z = {'relu' if prox.is_relu else 'prox'}(W z + U x + b), y = O z + {'' if model.F is None else 'F x + '}c",
    )


def _product(g: GraphBuilder, vector: str, matrix: str, output: str) -> str:
    """``matrix @ vector`` for a batch of row vectors."""
    return g.add("MatMul", [vector, g.add("Transpose", [matrix], f"{matrix}_transposed")], output)


def _update(clip: Clip) -> onnx.GraphProto:
    """``s <- C (2 prox(s) - s) + d``; on while any entry moves by more than the tolerance."""
    g = GraphBuilder("next_")
    phi = FloatClip(g, "clip", clip, "phi").reflection("s")
    product = g.add("MatMul", [phi, "reflected"], "product")
    updated = g.add("Add", [product, "d"], "s")
    moved = g.add("Abs", [g.add("Sub", [updated, "s"], "move")], "moved")
    size = g.add("Max", [g.add("Abs", [updated], "magnitude"), "one"], "size")
    changed = g.add("Greater", [moved, g.add("Mul", [size, "tolerance"], "limit")], "changed")
    return loop_body(g, "s", updated, changed, np.float64, clip.n, "one Peaceman-Rachford update, reflected form")
