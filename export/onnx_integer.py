"""The integer program as an ONNX graph that onnxruntime runs bit-exactly.

Integers are carried in float32, float64 or int64, whichever the program's own
bounds prove wide enough, exactly as in the golden model: in a floating type
every partial sum is an integer times a power of two that the significand
holds, so no order of summation and no fused multiply-add can change it.
``MatMulInteger`` is not used: on x86 without VNNI onnxruntime's 8-bit kernels
saturate pairs of products to 16 bits.  Neither are ``Min``, ``Max`` and
``Clip``: for int64 beyond 32 bits onnxruntime's are wrong on x86 (its pull
request 25280; 1.31 still has it), so comparisons choose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from mondeq_hw.base import DenseOperator, FixedPointFormat, InputError, exact_dtype
from mondeq_hw.program import Injection, SolverProgram

from .graph import BATCH, GraphBuilder, iterate, loop_body, value
from .onnx_clip import ComparedClip, declare_clip


def integer_graph(program: SolverProgram) -> onnx.GraphProto:
    """``words`` (batch, d), the program's input words, to ``outputs`` (batch, k), int64 output words.

    With a carried state the graph is one sample: ``carried`` (batch, m) is an input as well, and ``next_carried`` an
    output.

    The initializers ``drive``, ``matrix`` and ``readout`` are the program's
    integers, transposed; scales, biases and rounding constants stand beside them.

    Raises
    ------
    InputError
        An accumulator does not fit 64 bits.
    """
    drive, solve, readout = _arithmetics(program)
    top = program.state_format.max_word
    g = GraphBuilder()
    g.constant("zero", np.array(0, dtype=np.int64))
    if program.clip.is_relu:
        g.constant("state_zero", np.array(0, dtype=solve.dtype))
    g.constant("state_min", np.array(-top, dtype=solve.dtype))
    g.constant("state_max", np.array(top, dtype=solve.dtype))
    declare_clip(g, "clip", program.clip, solve.dtype, top)

    words = "words"
    if program.carried is not None:
        words = g.add("Concat", [g.cast("words", np.int64, "own_words"), "carried"], "all_words", axis=1)
    d = g.cast(_injected(g, "drive", words, program.stage.injection, drive), solve.dtype, "d")
    unit = g.constant("accumulator_unit", solve.scaled(np.ones(program.n, dtype=np.int64)))
    level = g.add("Mul", [d, unit], "d_on_state_grid")
    level = g.add("Add", [level, g.constant("half", solve.half)], "level")
    start = _saturated(g, solve.rounded(g, level, "start_rounded"), "start")
    _weights(g, "matrix", program.matrix, solve, 0)
    if program.leak_shift:
        g.constant("leak", solve.scaled(program.leak))
    state = iterate(g, _update(program, solve), program.iterations, start, "state")

    z = g.cast(ComparedClip(g, "clip", program.clip, "equilibrium").prox(state), readout.dtype, "z")
    left = program.readout_left_shift
    total = g.add("MatMul", [z, _weights(g, "readout", program.readout, readout, left)], "sums")
    if program.direct is not None:
        u = g.cast(
            _injected(g, "feedthrough", words, program.direct, _injecting("feed-through", program.direct)),
            readout.dtype,
            "u",
        )
        unit = g.constant("output_unit", readout.scaled(np.ones(program.rows, dtype=np.int64), left))
        total = g.add("Add", [total, g.add("Mul", [u, unit], "u_on_output_grid")], "sums_with_u")
    bias = g.constant("readout_bias", readout.scaled(program.readout_bias))
    total = g.add("Add", [total, bias], "output_accumulators")
    inputs = [value("words", _word_type(program.input_format), [BATCH, program.d])]
    outputs = [value("outputs", np.int64, [BATCH, program.k])]
    if program.carried is None:
        g.cast(total, np.int64, "outputs")
    else:
        _carry(g, program, g.cast(total, np.int64, "all_outputs"))
        inputs.append(value("carried", np.int64, [BATCH, program.carried_words]))
        outputs.append(value("next_carried", np.int64, [BATCH, program.carried_words]))
    return g.graph(
        program.name,
        inputs,
        outputs,
        "y = integer outputs of the certified fixed-point recurrence; see mondeq_hw/program.py for the contract",
    )


def _word_type(words: FixedPointFormat) -> np.dtype[Any]:
    """The smallest integer type that holds every input word."""
    return np.result_type(np.min_scalar_type(words.min_word), np.min_scalar_type(words.max_word))


@dataclass(frozen=True)
class _Arithmetic:
    """Exact integer sums followed by ``>>r``, round half up, in one type.

    A floating type counts in units of the rounded result, so that ``>>r`` is
    ``Floor``; int64 counts in units of the accumulator.

    Parameters
    ----------
    dtype : type
        float32, float64 or int64.
    right : ndarray of int64 (rows,)
        ``r``; zeros where nothing is rounded.
    """

    dtype: type
    right: np.ndarray

    @property
    def floating(self) -> bool:
        """Whether integers are carried in a floating type."""
        return self.dtype is not np.int64

    @property
    def half(self) -> np.ndarray:
        """The rounding constant of each row."""
        if self.floating:
            return np.full(len(self.right), 0.5, dtype=self.dtype)
        return (np.int64(1) << self.right) >> 1

    def scaled(self, integers: np.ndarray, left: np.ndarray | int = 0) -> np.ndarray:
        """``integers << left`` in the type's units."""
        if self.floating:
            return np.ldexp(integers.astype(self.dtype), left - self.right).astype(self.dtype)
        return np.broadcast_to(integers << left, self.right.shape)

    def rounded(self, g: GraphBuilder, total: str, output: str) -> str:
        """``total >>r right`` of sums that have :attr:`half` in them."""
        if self.floating:
            return g.add("Floor", [total], output)
        # Integer Div truncates; Mod has the divisor's sign, so what it leaves is a multiple, rounded down.
        divisor = g.constant(f"{output}_divisor", np.int64(1) << self.right)
        rest = g.add("Mod", [total, divisor], f"{output}_rest")
        return g.add("Div", [g.add("Sub", [total, rest], f"{output}_multiple"), divisor], output)


def _carry(g: GraphBuilder, program: SolverProgram, total: str) -> None:
    """Split the rows into ``outputs`` and, rounded and saturated to input words, ``next_carried``."""
    form = program.input_format
    axis = g.constant("row_axis", np.array([1], dtype=np.int64))
    ends = [g.constant(f"rows_{end}", np.array([end], dtype=np.int64)) for end in (0, program.k, program.rows)]
    g.add("Slice", [total, ends[0], ends[1], axis], "outputs")
    rows = g.add("Slice", [total, ends[1], ends[2], axis], "carried_rows")
    arithmetic = _Arithmetic(np.int64, np.full(program.carried_words, program.carried_shift, dtype=np.int64))
    rows = g.add("Add", [rows, g.constant("carried_half", arithmetic.half)], "carried_rows_half")
    rounded = arithmetic.rounded(g, rows, "carried_rounded")
    for name, word in (("carried_max", form.max_word), ("carried_min", form.min_word)):
        g.constant(name, np.array(word, dtype=np.int64))
    above = g.add("Greater", [rounded, "carried_max"], "carried_above")
    capped = g.add("Where", [above, "carried_max", rounded], "carried_capped")
    below = g.add("Less", [capped, "carried_min"], "carried_below")
    g.add("Where", [below, "carried_min", capped], "next_carried")


def _injected(g: GraphBuilder, name: str, words: str, injection: Injection, arithmetic: _Arithmetic) -> str:
    """What drive or feed-through make of the input words."""
    words = g.cast(words, arithmetic.dtype, f"{name}_words")
    weights = _weights(g, name, injection.operator, arithmetic, injection.left_shift)
    total = g.add("MatMul", [words, weights], f"{name}_sums")
    offset = g.constant(f"{name}_offset", arithmetic.scaled(injection.bias) + arithmetic.half)
    return arithmetic.rounded(g, g.add("Add", [total, offset], f"{name}_accumulators"), f"{name}_rounded")


def _arithmetics(program: SolverProgram) -> tuple[_Arithmetic, _Arithmetic, _Arithmetic]:
    """Of drive, solver and readout, each in the fastest type that its bound allows."""
    none = np.zeros(program.rows, dtype=np.int64)
    return (
        _injecting("drive", program.stage.injection),
        _arithmetic("state", program.accumulator_bound, program.matrix.shifts, "--state-bits or --bits"),
        _arithmetic("output", program.output_bound, none, "--state-bits or --readout-bits"),
    )


def _injecting(what: str, injection: Injection) -> _Arithmetic:
    remedy = "--input-bits, --drive-bits or --state-bits"
    return _arithmetic(what, injection.accumulator_bound, injection.right_shift, remedy)


def _arithmetic(what: str, bound: int, right: np.ndarray, remedy: str) -> _Arithmetic:
    # A floating type holds the half unit too; int64 holds the divisor 2^r and what Mod takes away.
    dtype = exact_dtype(2 * bound)
    if dtype not in (np.float32, np.float64):
        bound += 1 << int(right.max())
        dtype = np.int64
    if bound >= 2**63:
        raise InputError(
            f"ONNX has 64-bit integers at most, but the {what} accumulator needs values up to {bound} "
            f"({bound.bit_length() + 1} bits); compile with fewer {remedy}"
        )
    return _Arithmetic(dtype, right)


def _weights(g: GraphBuilder, name: str, matrix: DenseOperator, arithmetic: _Arithmetic, left: np.ndarray | int) -> str:
    """The integers of a matrix as an initializer, brought to the arithmetic's type and units."""
    integers = g.constant(name, matrix.matrix(matrix.numpy_type).T)
    unit = arithmetic.scaled(np.ones(len(matrix.shifts), dtype=np.int64), left)
    scale = g.constant(f"{name}_unit", unit)
    return g.add("Mul", [g.cast(integers, arithmetic.dtype, f"{name}_integers"), scale], f"{name}_weights")


def _update(program: SolverProgram, solve: _Arithmetic) -> onnx.GraphProto:
    """``s`` to ``sat((d + M phi(s) + leak phi(s)) >>r g)``; names without prefix are values outside the loop."""
    g = GraphBuilder("next_")
    phi = program.splitting.phi(ComparedClip(g, "clip", program.clip, "phi"), "s")
    total = g.add("MatMul", [phi, "matrix_weights"], "sums")
    if program.leak_shift:
        total = g.add("Add", [total, g.add("Mul", [phi, "leak"], "leaked")], "sums_with_leak")
    total = g.add("Add", [total, "level"], "accumulators")
    updated = _saturated(g, solve.rounded(g, total, "rounded"), "s")
    changed = g.add("Not", [g.add("Equal", [updated, "s"], "same")], "changed")
    return loop_body(g, "s", updated, changed, solve.dtype, program.n, "one update of every state; Jacobi")


def _saturated(g: GraphBuilder, state: str, output: str) -> str:
    above = g.add("Greater", [state, "state_max"], f"{output}_above")
    capped = g.add("Where", [above, "state_max", state], f"{output}_capped")
    below = g.add("Less", [capped, "state_min"], f"{output}_below")
    return g.add("Where", [below, "state_min", capped], output)
