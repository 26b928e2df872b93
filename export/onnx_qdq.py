"""The same network in floating point with QuantizeLinear/DequantizeLinear, for tools that read that form.

Weights are int8, int16 or int32 initializers behind ``DequantizeLinear`` with one
power-of-two scale a row; inputs and states pass through a quantise-dequantise
pair.  ``QuantizeLinear`` rounds ties to even and saturates to one more
negative word than the hardware, so ``Floor(v + 1/2)`` and ``Clip`` stand
before it: it then finds every value on its grid already.
"""

from __future__ import annotations

import numpy as np
import onnx

from mondeq_hw.base import Clip, DenseOperator, FixedPointFormat, InputError, exact_dtype
from mondeq_hw.program import Injection, SolverProgram

from .graph import BATCH, GraphBuilder, iterate, loop_body, value
from .onnx_clip import FloatClip, declare_clip

#: Longest word of ``QuantizeLinear``.
LONGEST_WORD = 16


def qdq_graph(program: SolverProgram) -> onnx.GraphProto:
    """``inputs`` (batch, d), float32 raw input words, to ``outputs`` (batch, k), float32 real outputs.

    Raises
    ------
    InputError
        The state or input word is longer than 16 bits, or a state is carried.
    """
    if program.carried is not None:
        raise InputError(
            f"{program.name}: carries a state from sample to sample, which the qdq form has no words for; export the "
            "integer form, whose graph takes that state and gives the next"
        )
    state = program.state_format
    grid = state.fractional_bits + program.matrix.shifts
    g = GraphBuilder()
    g.constant("half", np.array(0.5, dtype=np.float32))
    g.constant("zero", np.array(0, dtype=np.int64))
    _declare(g, "input", program.input_format)
    _declare(g, "state", state)
    g.constant("drive_grid", _power(grid))
    g.constant("drive_step", _power(-grid))
    if program.leak_shift:
        g.constant("leak", np.array(1 - 2.0**-program.leak_shift, dtype=np.float32))
    clip = program.clip.scaled(state.step)
    declare_clip(g, "clip", clip, np.float32)

    x = _on_grid(g, "inputs", "input", "x")
    bias_grid = program.drive.shifts + program.input_format.fractional_bits + program.drive_left_shift
    total = g.add("MatMul", [x, _dequantized(g, "drive", program.drive)], "drive_sums")
    total = g.add("Add", [total, g.constant("drive_bias", _real(program.drive_bias, bias_grid))], "drive_total")
    words = g.add("Add", [g.add("Mul", [total, "drive_grid"], "drive_scaled"), "half"], "drive_scaled_half")
    d = g.add("Mul", [g.add("Floor", [words], "drive_rounded"), "drive_step"], "d")
    start = _on_grid(g, d, "state", "start")
    _dequantized(g, "matrix", program.matrix)
    final = iterate(g, _update(program, clip), program.iterations, start, "s_final")
    z = FloatClip(g, "clip", clip, "z").prox(final)
    total = g.add("MatMul", [z, _dequantized(g, "readout", program.readout)], "sums")
    if program.direct is not None:
        total = g.add("Add", [total, _direct(g, x, program, program.direct)], "sums_with_u")
    bias = g.constant("readout_bias", _real(program.readout_bias, program.output_fractional_bits))
    g.add("Add", [total, bias], "outputs")
    return g.graph(
        program.name,
        [value("inputs", np.float32, [BATCH, program.d])],
        [value("outputs", np.float32, [BATCH, program.k])],
        "the fixed-point recurrence in float32 with quantise-dequantise pairs",
    )


def _direct(g: GraphBuilder, x: str, program: SolverProgram, direct: Injection) -> str:
    """The feed-through's words, rounded to the grid of the readout's sums."""
    grid = program.state_format.fractional_bits + program.readout.shifts
    total = g.add("MatMul", [x, _dequantized(g, "feedthrough", direct.operator)], "feedthrough_sums")
    scaled = g.add("Mul", [total, g.constant("feedthrough_grid", _power(grid))], "feedthrough_scaled")
    words = g.add("Floor", [g.add("Add", [scaled, "half"], "feedthrough_scaled_half")], "feedthrough_rounded")
    return g.add("Mul", [words, g.constant("feedthrough_step", _power(-grid))], "u")


def qdq_is_exact(program: SolverProgram) -> bool:
    """Whether float32 holds every sum, so that this form, too, gives the golden integers bit for bit."""
    bounds = (program.drive_accumulator_bound, program.accumulator_bound, program.output_bound)
    return all(exact_dtype(2 * bound) is np.float32 for bound in bounds)


def _update(program: SolverProgram, clip: Clip) -> onnx.GraphProto:
    g = GraphBuilder("next_")
    phi = program.splitting.phi(FloatClip(g, "clip", clip, "phi"), "s")
    total = g.add("MatMul", [phi, "matrix_real"], "sums")
    if program.leak_shift:
        total = g.add("Add", [total, g.add("Mul", [phi, "leak"], "leaked")], "sums_with_leak")
    updated = _on_grid(g, g.add("Add", [total, "d"], "accumulators"), "state", "s")
    changed = g.add("Not", [g.add("Equal", [updated, "s"], "same")], "changed")
    return loop_body(g, "s", updated, changed, np.float32, program.n, "one update of every state; Jacobi")


def _declare(g: GraphBuilder, name: str, fmt: FixedPointFormat) -> None:
    """Constants of a grid, for :func:`_on_grid`."""
    if fmt.word_length > LONGEST_WORD:
        raise InputError(
            f"the {name} word has {fmt.word_length} bits, but QuantizeLinear has {LONGEST_WORD} at most; compile with "
            f"fewer --{name}-bits, or export the integer form"
        )
    g.constant(f"{name}_step", np.array(fmt.step, dtype=np.float32))
    g.constant(f"{name}_grid", np.array(1 / fmt.step, dtype=np.float32))
    g.constant(f"{name}_min", np.array(fmt.min_word, dtype=np.float32))
    g.constant(f"{name}_max", np.array(fmt.max_word, dtype=np.float32))
    bits = 8 if fmt.word_length <= 8 else 16
    g.constant(f"{name}_zero_point", np.array(0, dtype=f"{'int' if fmt.signed else 'uint'}{bits}"))


def _on_grid(g: GraphBuilder, real: str, name: str, output: str) -> str:
    """Round half up, saturate, and a quantise-dequantise pair on the grid ``name``."""
    scaled = g.add("Add", [g.add("Mul", [real, f"{name}_grid"], f"{output}_scaled"), "half"], f"{output}_scaled_half")
    word = g.add("Clip", [g.add("Floor", [scaled], f"{output}_floor"), f"{name}_min", f"{name}_max"], f"{output}_word")
    exact = g.add("Mul", [word, f"{name}_step"], f"{output}_real")
    pair = [f"{name}_step", f"{name}_zero_point"]
    return g.add("DequantizeLinear", [g.add("QuantizeLinear", [exact, *pair], f"{output}_quantized"), *pair], output)


def _dequantized(g: GraphBuilder, name: str, matrix: DenseOperator) -> str:
    # Transposed behind its DequantizeLinear: next to a MatMul onnxruntime (from 1.25 on) would fuse the
    # two into MatMulNBits, which rounds the activations.
    integers = g.constant(name, matrix.matrix(matrix.numpy_type))
    # Of a single row the transposition is none to it, so half the scale stands apart.
    apart = len(matrix.shifts) == 1
    scale = g.constant(f"{name}_scale", _power(-matrix.shifts - apart))
    rows = g.add("DequantizeLinear", [integers, scale], f"{name}_rows", axis=0)
    if apart:
        rows = g.add("Mul", [rows, g.constant(f"{name}_two", np.array(2, dtype=np.float32))], f"{name}_doubled")
    return g.add("Transpose", [rows], f"{name}_real")


def _power(exponents: np.ndarray) -> np.ndarray:
    return np.ldexp(np.float32(1), exponents)


def _real(words: np.ndarray, fractional_bits: np.ndarray | int) -> np.ndarray:
    return np.ldexp(words.astype(np.float64), -np.asarray(fractional_bits)).astype(np.float32)
