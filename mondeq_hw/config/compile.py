"""The options of ``compile``, and those that other commands share with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field

from ..base import InputError
from ..problem import format_name, read_format
from ..program import MOST_ITERATIONS, NAME_EXPECTED, NAME_PATTERN
from .options import FiniteFloat, Given, MatrixBits, Options, PositiveFloat, PositiveInt, option


def with_underscores(value: Any) -> Any:
    """A choice as the shell has it: ``forward-backward``."""
    return value.replace("-", "_") if isinstance(value, str) else value


def _engines(value: Any) -> Any:
    if value == "none":
        return ()
    if isinstance(value, str) and value != "auto":
        value = [name.strip() for name in value.split(",")]
    return tuple(value) if isinstance(value, list) else value


def _loaded(file: str) -> np.ndarray:
    try:
        array: np.ndarray = np.load(file, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read as .npy ({error}); expected one number for each input") from None
    return array


def numbers(value: Any) -> Any:
    """A finite number or a tuple of them: of a number, list, array, ``0.1,0.2`` or the name of a ``.npy`` file."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and value.endswith(".npy"):
        value = _loaded(value)
    elif isinstance(value, str):
        value = [float(part) for part in value.split(",")]
    array = np.asarray(value)
    if array.dtype.kind not in "fiu" or array.ndim > 1 or not np.isfinite(array).all():
        raise ValueError("no finite numbers")
    return float(array.reshape(())) if array.size == 1 else tuple(array.astype(float).tolist())


def ends(value: Any) -> Any:
    """Two ends, each as :func:`numbers` takes it: of a pair, ``-1,1``, ``-1,0:1,5`` or the name of a ``.npy`` file."""
    if isinstance(value, str) and value.endswith(".npy") and ":" not in value:
        value = _loaded(value)
    elif isinstance(value, str):
        value = value.split(":" if ":" in value else ",")
    if value is None:
        return None
    low, high = value
    return numbers(low), numbers(high)


def _declared(value: str) -> str:
    return format_name(read_format(value))


def _positive(value: float | tuple[float, ...]) -> float | tuple[float, ...]:
    if not np.all(np.asarray(value) > 0):
        raise ValueError("not positive")
    return value


def _not_negative(value: float | tuple[float, ...]) -> float | tuple[float, ...]:
    if not np.all(np.asarray(value) >= 0):
        raise ValueError("negative")
    return value


def _joined(value: Any) -> Any:
    """A column's number, or a list of names, as it is typed in the shell."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Folder = Annotated[Path, Given(str | Path), Field(strict=False)]
Columns = Annotated[str, Given(str | int | Sequence[str | int]), BeforeValidator(_joined)]
SAMPLES_EXPECTED = "a .npz, .npy, .csv or .parquet file"
Numbers = float | Sequence[float] | np.ndarray | str
Vector = Annotated[float | tuple[float, ...], Given(Numbers), BeforeValidator(numbers)]
Ends = Annotated[tuple[Vector, Vector], Given(Sequence[Numbers] | np.ndarray), BeforeValidator(ends)]
AddersPerStage = Annotated[
    Annotated[int, Field(ge=1, le=4)],
    option(
        "N",
        "Adders between two registers of a graph, or of a folded sum, 1 to 4: more are fewer cycles of a slower clock.",
    ),
]
FixedTime = Annotated[
    bool,
    option(
        "",
        "Every sample takes all its updates: an answer comes after the same cycles, whatever the input; of the "
        "resource strategy two fewer an update.",
    ),
]
Solver = Annotated[
    Literal["peaceman_rachford", "forward_backward"],
    Given(Literal["peaceman_rachford", "forward_backward", "peaceman-rachford", "forward-backward"]),
    BeforeValidator(with_underscores),
]
Engine = Literal["drive", "readout"]


class DataOptions(Options):
    """Samples with targets or without: a data set by its name, or files of the user's."""

    data: Annotated[
        Literal["digits", "mnist"] | None,
        option("digits|mnist", "Samples: digits, which are embedded, or mnist, from a folder."),
    ] = None
    data_dir: Annotated[
        Folder | None, option("DIR", "Folder of MNIST's IDX files (.gz or plain).", expected="a folder of IDX files")
    ] = None
    calibration: Annotated[
        Folder | None,
        option("FILE", "Training samples, which calibrate: .npz, .npy, .csv or .parquet.", expected=SAMPLES_EXPECTED),
    ] = None
    targets: Annotated[
        Columns | None,
        option(
            "FILE|NAMES",
            "Their targets: a file, an array of the .npz, or columns by name or number (force,torque or -1).",
            unset="y of an .npz, else none",
            expected="a file, the name of an array, or columns (force,torque or -1)",
        ),
    ] = None
    test: Annotated[
        Folder | None,
        option(
            "FILE",
            "Test samples, which judge.",
            unset="of samples with targets every fifth, shuffled",
            expected=SAMPLES_EXPECTED,
        ),
    ] = None
    test_targets: Annotated[
        Columns | None,
        option(
            "FILE|NAMES",
            "Their targets.",
            unset="as of calibration",
            expected="a file, the name of an array, or columns (force,torque or -1)",
        ),
    ] = None
    split_seed: Annotated[Annotated[int, Field(ge=0, le=2**32 - 1)], option("N", "Of that shuffling.")] = 0
    on_overflow: Annotated[
        Literal["error", "saturate"],
        option(
            "error|saturate",
            "What becomes of an input that no word stands for; saturate takes the nearest word, and says of how many.",
        ),
    ] = "error"


class WordOptions(Options):
    """Which values the inputs take, and the words that stand for them."""

    input_format: Annotated[
        Annotated[str, AfterValidator(_declared)] | None,
        option(
            "FORMAT",
            "Format of the values before preprocessing, ap_fixed<W,I> or ap_ufixed<W,I>.",
            unset="stored, or ap_ufixed<8,8>",
            expected="a format such as ap_fixed<10,3> or ap_ufixed<8,8>",
        ),
    ] = None
    input_range: Annotated[
        Ends | None,
        option(
            "LO,HI",
            "Their range, in words of --input-bits; of each input LO,LO,...:HI,HI,... or a .npy file.",
            unset="of the format",
            expected="two numbers (-1,1), or two lists of one for each input (-1,0:1,5)",
        ),
    ] = None
    input_bits: Annotated[
        MatrixBits | None,
        option("N", "Leading bits kept of each input word; with --input-range its length.", unset="all"),
    ] = None


class InputOptions(DataOptions, WordOptions):
    """Samples, and the words that stand for their values."""


class CheckpointOptions(WordOptions):
    """What a checkpoint may leave open of its network and of its preprocessing."""

    margin: Annotated[
        FiniteFloat | None,
        option("X", "Monotonicity margin m, for checkpoints that do not store it.", unset="stored"),
    ] = None
    prefix: Annotated[
        str | None,
        option("NAME", "What stands before the layer's names in a larger model.", expected="the beginning of its keys"),
    ] = None
    keys: Annotated[
        Folder | None,
        option("FILE", "TOML file of our names and the checkpoint's.", expected="a .toml file"),
    ] = None
    lipschitz_bound: Annotated[
        PositiveFloat | None, option("X", "Bound gamma of a Lipschitz-bounded LBEN, which does not store it.")
    ] = None
    input_side: Annotated[
        Annotated[int, Field(ge=3, le=4096)] | None,
        option("N", "Pixels in a row of a convolution's square images.", unset="28 of one channel, 32 of three"),
    ] = None
    input_scale: Annotated[
        Annotated[Vector, AfterValidator(_positive)] | None,
        option(
            "X",
            "Preprocessing x = (scale * value - mean) / std: a number, one for each input (0.1,0.2), or a .npy file.",
            unset="stored, or asked for",
            expected="a positive number, one for each input (0.5,0.25), or a .npy file",
        ),
    ] = None
    input_mean: Annotated[
        Vector | None,
        option(
            "X",
            "See input scale.",
            unset="stored, or 0",
            expected="a finite number, one for each input (0.1,0.2), or a .npy file",
        ),
    ] = None
    input_std: Annotated[
        Annotated[Vector, AfterValidator(_positive)] | None,
        option(
            "X",
            "See input scale.",
            unset="stored, or 1",
            expected="a positive number, one for each input (0.3,0.4), or a .npy file",
        ),
    ] = None


class NetworkOptions(InputOptions, CheckpointOptions):
    """A checkpoint, and the data that goes with it."""

    task: Annotated[
        Literal["classes", "values"] | None,
        option("classes|values", "What the outputs stand for.", unset="the model's or the data's"),
    ] = None


class RoundingOptions(NetworkOptions):
    """How real numbers become integers, their word lengths apart: what ``compile`` and ``search`` have in common."""

    rounding: Annotated[
        Literal["auto", "nearest", "spectral", "calibrated"],
        option(
            "NAME",
            "nearest, spectral or calibrated; auto is calibrated with data, else nearest, and spectral where "
            "nearest cannot be proved.",
        ),
    ] = "auto"
    granularity: Annotated[
        Literal["row", "tensor"], option("row|tensor", "One power-of-two scale a row, or one a matrix.")
    ] = "row"
    calibration_samples: Annotated[PositiveInt, option("N", "Training samples used at most.")] = 10_000


class CompileConfig(RoundingOptions):
    """What the user asks for; ``None`` leaves the choice to the compiler."""

    bits: Annotated[
        MatrixBits | None,
        option("N", "Word length of the iteration matrix, 1 to 18; a retrained network has its own."),
    ] = None
    drive_bits: Annotated[
        MatrixBits | None,
        option("N", "Word length of the drive matrix, 1 to 18.", unset="the larger of 6 and bits"),
    ] = None
    readout_bits: Annotated[
        MatrixBits | None, option("N", "Word length of the readout matrix, 1 to 18.", unset="8")
    ] = None
    state_bits: Annotated[
        Annotated[int, Field(ge=2, le=32)] | None,
        option(
            "N",
            "Word length of the state, 2 to 32.",
            unset="the larger of 12 and bits + 4, or more where convergence is slow",
        ),
    ] = None
    state_range: Annotated[
        Literal["samples", "box"],
        option(
            "NAME",
            "What the state holds unsaturated: the equilibria of the samples, or of every input of the box, "
            "proved and with longer words.",
        ),
    ] = "samples"
    solver: Annotated[Solver, option("NAME", "peaceman-rachford or forward-backward.")] = "peaceman_rachford"
    step_size: Annotated[
        PositiveFloat | None,
        option("X", "Step size alpha; a power of two for forward-backward.", unset="chosen"),
    ] = None
    iterations: Annotated[
        Annotated[int, Field(ge=1, le=MOST_ITERATIONS)] | None,
        option("N", "Updates at most; the proved radius is that of these.", unset="the certificate's"),
    ] = None
    warm_start: Annotated[
        Annotated[Vector, AfterValidator(_not_negative)] | None,
        option(
            "X",
            "Each sample goes on from the state of the one before; proved for inputs that change by X at most from a "
            "sample to the next: a number, one for each input (0.1,0.2), or a .npy file.",
            unset="each starts anew",
            expected="a number of at least 0, one for each input (0.1,0.2), or a .npy file",
        ),
    ] = None
    strategy: Annotated[
        Literal["resource", "unrolled", "straight"],
        option(
            "NAME",
            "resource, a folded multiply-accumulate; unrolled, the matrix as an adder graph; or straight, unrolled for "
            "the shortest answer, in which every sample takes all its updates.",
        ),
    ] = "resource"
    graphs: Annotated[
        tuple[Engine, ...] | Literal["auto"] | None,
        Given(Sequence[Engine] | Literal["auto", "none", "drive", "readout", "drive,readout"] | None),
        BeforeValidator(_engines),
        option(
            "LIST",
            "Unrolled only, graphs too: drive,readout, one of them, none, or auto, where one takes no more LUTs; of a "
            "straight core the readout.",
            unset="auto",
            expected="auto, none, or a list of drive and readout (drive,readout)",
        ),
    ] = None
    fewest: Annotated[
        Literal["adders", "stages"],
        option("NAME", "What adder graphs have few of: adders, or stages, which is the shorter latency."),
    ] = "adders"
    graph_search: Annotated[
        Literal["da4ml", "alkaid"],
        option("NAME", "Library that searches the adder graphs: da4ml, or its successor alkaid."),
    ] = "da4ml"
    adders_per_stage: AddersPerStage = 1
    graph_rows: Annotated[
        PositiveInt | None,
        option(
            "N",
            "Rows of a matrix that share additions in its graph: few make more adders, and shorter wires in crowded "
            "parts.",
            unset="all",
        ),
    ] = None
    drive: Annotated[
        Literal["auto", "multiply", "tables"],
        option(
            "NAME",
            "Products of the folded drive: multiply, tables (sums of a few columns, looked up in block RAM), or auto, "
            "the smaller by estimate.",
        ),
    ] = "auto"
    reuse_factor: Annotated[
        PositiveInt | None,
        option("N", "Clock cycles per matrix-vector product; unrolled: of drive and readout.", unset="chosen"),
    ] = None
    input_beat: Annotated[
        PositiveInt | None,
        option(
            "N", "Input words a beat of the stream, 1 to all of a sample; the drive takes one a cycle.", unset="chosen"
        ),
    ] = None
    balance: Annotated[
        Literal["throughput", "latency"],
        option(
            "NAME",
            "What drive and readout of the resource strategy are sized for: throughput, to keep up with the solver, or "
            "latency, the answer to a lone sample.",
        ),
    ] = "throughput"
    fixed_time: FixedTime = False
    input_lanes: Annotated[
        Literal["packed", "bytes"],
        option("NAME", "Input words of a beat: packed without holes, or bytes, each beginning at a byte."),
    ] = "packed"
    output_beat: Annotated[
        PositiveInt | None,
        option(
            "N",
            "Output words a beat of the stream, 1 to all of a sample; the last is padded.",
            unset="1; straight: all",
        ),
    ] = None
    output_lanes: Annotated[
        Literal["packed", "bytes"], option("NAME", "Output words of a beat: packed, or bytes, as those of the input.")
    ] = "packed"
    flag_saturation: Annotated[
        bool,
        option(
            "", "TUSER of the output: whether a word of the sample is at an end of its range, where values saturate."
        ),
    ] = False
    framing: Annotated[
        Literal["tlast", "count"],
        option("tlast|count", "What ends an input sample: TLAST, which is checked, or the number of its beats."),
    ] = "tlast"
    harden: Annotated[
        Literal["none", "control", "full"],
        option(
            "NAME",
            "Against upsets: none; control: a guard notices them, the core begins anew; full: and memories' parity.",
        ),
    ] = "none"
    name: Annotated[
        Annotated[str, Field(pattern=NAME_PATTERN)] | None,
        option(
            "NAME",
            "Prefix of all SystemVerilog modules, so that two builds fit one design.",
            unset="the checkpoint's file name",
            expected=NAME_EXPECTED,
        ),
    ] = None
    allow_uncertified: Annotated[bool, option("", "Go on without a proof; every output is marked.")] = False
    allow_vacuous: Annotated[
        bool, option("", "Go on with a proof that says nothing: a radius as large as the state, a constant output.")
    ] = False
    eps: Annotated[
        Annotated[Vector, AfterValidator(_positive)] | None,
        option(
            "X,X",
            "Changes of an input by its largest component, that the certificate counts samples for: in its own units, "
            "or a share of each range where ranges differ.",
            unset="1, 2, 5 and 10 % of its range",
            expected="positive numbers (0.5,1)",
        ),
    ] = None
    eps_two: Annotated[
        Annotated[Vector, AfterValidator(_positive)] | None,
        option(
            "X,X",
            "The same by the 2-norm.",
            unset="5, 10, 20 and 50 % of its range",
            expected="positive numbers (0.5,1)",
        ),
    ] = None
