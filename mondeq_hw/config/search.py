"""The options of ``search``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from ..base import MOST_MATRIX_BITS
from ..program import MOST_ITERATIONS
from .compile import AddersPerStage, FixedTime, Folder, RoundingOptions, Solver
from .executor import ExecutorOptions
from .options import PositiveFloat, PositiveInt, option, several, whole_numbers, word_lengths

MatrixLengths: Any = word_lengths(1, MOST_MATRIX_BITS)
StateLengths: Any = word_lengths(2, 32)
Updates: Any = whole_numbers(MOST_ITERATIONS)
WholeNumbers: Any = whole_numbers(2**31 - 1)
Strategies: Any = several("resource", "unrolled", "straight")
Balances: Any = several("throughput", "latency")


class SearchOptions(ExecutorOptions, RoundingOptions):
    """A target, and what may be tried to reach it."""

    target_accuracy: Annotated[
        Annotated[float, Field(gt=1, le=100)] | None,
        option(
            "PERCENT",
            "Classes: least accuracy on half of the test samples.",
            expected="percent, above 1 and up to 100 (for example 98)",
        ),
    ] = None
    target_r_squared: Annotated[
        Annotated[float, Field(gt=0, le=1)] | None,
        option("X", "Values: least R squared of every output on half of them."),
    ] = None
    target_distance: Annotated[
        PositiveFloat | None,
        option("X", "Largest distance of an output from the float network's, on calibration samples: measured."),
    ] = None
    target_proved_distance: Annotated[
        PositiveFloat | None,
        option("X", "The same for every input of the declared box: proved, which takes longer and is larger."),
    ] = None
    target_radius: Annotated[
        PositiveFloat | None,
        option(
            "X",
            "Largest certified distance to the equilibrium of the stored integers, for every input: rounding of the "
            "weights is not in it.",
        ),
    ] = None
    target_luts: Annotated[PositiveInt | None, option("N", "Most LUTs: estimated, every multiplier in LUTs.")] = None
    target_latency: Annotated[
        PositiveInt | None,
        option("CYCLES", "Longest time of a lone sample, from its first input beat to its last output beat."),
    ] = None
    target_interval: Annotated[
        PositiveFloat | None, option("CYCLES", "Longest time from sample to sample, which is the throughput.")
    ] = None
    bits: Annotated[MatrixLengths, option("N-N", "Word lengths to try of the iteration matrix.")] = range(1, 9)
    drive_bits: Annotated[
        MatrixLengths | None, option("N-N", "Of the drive matrix.", unset="1-8; 8 for a radius alone")
    ] = None
    readout_bits: Annotated[
        MatrixLengths | None, option("N-N", "Of the readout matrix.", unset="1-8; 8 for a radius alone")
    ] = None
    state_bits: Annotated[StateLengths, option("N-N", "Of the state.")] = range(2, 13)
    input_bits: Annotated[  # type: ignore[assignment]  # of several points
        MatrixLengths | None,
        option(
            "N-N", "Of the input: leading bits kept; with --input-range one length, that of its words.", unset="all"
        ),
    ] = None
    iterations: Annotated[
        Updates | None,
        option("N,N-N", "Updates to try, numbers and ranges; the proved radius is that of these.", unset="the proof's"),
    ] = None
    strategy: Annotated[Strategies, option("NAME,NAME", "To try: resource, unrolled, straight.")] = ("resource",)
    reuse_factor: Annotated[
        WholeNumbers | None,
        option("N,N-N", "To try: cycles per matrix-vector product, as of compile.", unset="chosen"),
    ] = None
    input_beat: Annotated[
        WholeNumbers | None, option("N,N-N", "To try: input words a beat, 1 to all of a sample.", unset="chosen")
    ] = None
    balance: Annotated[
        Balances, option("NAME,NAME", "To try, of the resource strategy: throughput, latency, as of compile.")
    ] = ("throughput",)
    adders_per_stage: AddersPerStage = 1
    fixed_time: FixedTime = False
    solver: Annotated[
        Solver | None,
        option(
            "NAME",
            "peaceman-rachford or forward-backward.",
            unset="both",
            expected="peaceman-rachford or forward-backward, or none for both",
        ),
    ] = None
    minimise: Annotated[
        Literal["memory", "luts", "latency", "interval", "error"],
        option(
            "NAME",
            "memory, bits of the matrices and of one state vector; luts, latency or interval, see their targets; or "
            "error, what accuracy or R squared lacks of 1.",
        ),
    ] = "memory"
    exhaustive: Annotated[bool, option("", "Try every point instead of a descent, which is a heuristic.")] = False
    cache: Annotated[
        Folder | None,
        option(
            "DIR",
            "Measured points of any searches, which may share it; none is measured twice.",
            expected="a folder, which is made where there is none",
        ),
    ] = None
