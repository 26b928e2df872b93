"""Keywords of the functions that take options by name, for static checkers.

``python scripts/option_tables.py`` writes this file from the records of options.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypedDict

from numpy import ndarray


class CompileKeywords(TypedDict, total=False):
    """Of ``compile``."""

    bits: int | None
    drive_bits: int | None
    readout_bits: int | None
    state_bits: int | None
    state_range: Literal["samples", "box"]
    solver: Literal["peaceman_rachford", "forward_backward", "peaceman-rachford", "forward-backward"]
    step_size: float | None
    iterations: int | None
    warm_start: float | Sequence[float] | ndarray | str | None
    strategy: Literal["resource", "unrolled", "straight"]
    graphs: Sequence[Literal["drive", "readout"]] | Literal["auto", "none", "drive", "readout", "drive,readout"] | None
    fewest: Literal["adders", "stages"]
    graph_search: Literal["da4ml", "alkaid"]
    adders_per_stage: int
    graph_rows: int | None
    drive: Literal["auto", "multiply", "tables"]
    reuse_factor: int | None
    input_beat: int | None
    balance: Literal["throughput", "latency"]
    fixed_time: bool
    input_lanes: Literal["packed", "bytes"]
    output_beat: int | None
    output_lanes: Literal["packed", "bytes"]
    flag_saturation: bool
    framing: Literal["tlast", "count"]
    harden: Literal["none", "control", "full"]
    name: str | None
    allow_uncertified: bool
    allow_vacuous: bool
    eps: float | Sequence[float] | ndarray | str | None
    eps_two: float | Sequence[float] | ndarray | str | None
    rounding: Literal["auto", "nearest", "spectral", "calibrated"]
    granularity: Literal["row", "tensor"]
    calibration_samples: int
    task: Literal["classes", "values"] | None
    data: Literal["digits", "mnist"] | None
    data_dir: str | Path | None
    targets: str | int | Sequence[str | int] | None
    test_targets: str | int | Sequence[str | int] | None
    split_seed: int
    on_overflow: Literal["error", "saturate"]
    margin: float | None
    prefix: str | None
    keys: str | Path | None
    lipschitz_bound: float | None
    input_side: int | None
    input_scale: float | Sequence[float] | ndarray | str | None
    input_mean: float | Sequence[float] | ndarray | str | None
    input_std: float | Sequence[float] | ndarray | str | None
    input_format: str | None
    input_range: Sequence[float | Sequence[float] | ndarray | str] | ndarray | None
    input_bits: int | None


class TrainKeywords(TypedDict, total=False):
    """Of ``train``."""

    n: int
    margin: float
    learn_margin: bool
    solver: Literal["peaceman_rachford", "forward_backward", "peaceman-rachford", "forward-backward"]
    tolerance: float
    epochs: int
    batch_size: int
    learning_rate: float
    patience: int
    weight_decay: float
    validation_share: float
    shift_pixels: int
    seed: int
    task: Literal["classes", "values"] | None
    data: Literal["digits", "mnist"] | None
    data_dir: str | Path | None
    targets: str | int | Sequence[str | int] | None
    test_targets: str | int | Sequence[str | int] | None
    split_seed: int
    on_overflow: Literal["error", "saturate"]
    input_format: str | None
    input_range: Sequence[float | Sequence[float] | ndarray | str] | ndarray | None
    input_bits: int | None
    device: Literal["cpu", "cuda", "auto"]


class QatKeywords(TypedDict, total=False):
    """Of ``qat``."""

    bits: int
    drive_bits: int
    readout_bits: int
    state_bits: int | None
    inputs: int | None
    method: Literal["straight-through", "lotion", "lotion-sampled"]
    task: Literal["classes", "values"] | None
    data: Literal["digits", "mnist"] | None
    data_dir: str | Path | None
    targets: str | int | Sequence[str | int] | None
    test_targets: str | int | Sequence[str | int] | None
    split_seed: int
    on_overflow: Literal["error", "saturate"]
    margin: float | None
    prefix: str | None
    keys: str | Path | None
    lipschitz_bound: float | None
    input_side: int | None
    input_scale: float | Sequence[float] | ndarray | str | None
    input_mean: float | Sequence[float] | ndarray | str | None
    input_std: float | Sequence[float] | ndarray | str | None
    input_format: str | None
    input_range: Sequence[float | Sequence[float] | ndarray | str] | ndarray | None
    input_bits: int | None
    contraction_limit: float
    hinge_room: float
    hinge_weight: float
    updates: int | None
    iterations: int
    epochs: int
    batch_size: int
    learning_rate: float
    patience: int
    weight_decay: float
    validation_share: float
    shift_pixels: int
    seed: int
    device: Literal["cpu", "cuda", "auto"]


class SearchKeywords(TypedDict, total=False):
    """Of ``search_word_lengths``."""

    target_accuracy: float | None
    target_r_squared: float | None
    target_distance: float | None
    target_proved_distance: float | None
    target_radius: float | None
    target_luts: int | None
    target_latency: int | None
    target_interval: float | None
    bits: int | str | range
    drive_bits: int | str | range | None
    readout_bits: int | str | range | None
    state_bits: int | str | range
    input_bits: int | str | range | None
    iterations: int | str | Sequence[int | str] | None
    strategy: str | Sequence[Literal["resource", "unrolled", "straight"]]
    reuse_factor: int | str | Sequence[int | str] | None
    input_beat: int | str | Sequence[int | str] | None
    balance: str | Sequence[Literal["throughput", "latency"]]
    adders_per_stage: int
    fixed_time: bool
    solver: Literal["peaceman_rachford", "forward_backward", "peaceman-rachford", "forward-backward"] | None
    minimise: Literal["memory", "luts", "latency", "interval", "error"]
    exhaustive: bool
    cache: str | Path | None
    jobs: int | None
    dask: Literal["local"] | None
    scheduler: str | None
    rounding: Literal["auto", "nearest", "spectral", "calibrated"]
    granularity: Literal["row", "tensor"]
    calibration_samples: int
    task: Literal["classes", "values"] | None
    data: Literal["digits", "mnist"] | None
    data_dir: str | Path | None
    targets: str | int | Sequence[str | int] | None
    test_targets: str | int | Sequence[str | int] | None
    split_seed: int
    on_overflow: Literal["error", "saturate"]
    margin: float | None
    prefix: str | None
    keys: str | Path | None
    lipschitz_bound: float | None
    input_side: int | None
    input_scale: float | Sequence[float] | ndarray | str | None
    input_mean: float | Sequence[float] | ndarray | str | None
    input_std: float | Sequence[float] | ndarray | str | None
    input_format: str | None
    input_range: Sequence[float | Sequence[float] | ndarray | str] | ndarray | None


class DataKeywords(TypedDict, total=False):
    """Of ``Project.write_report``."""

    data_dir: str | Path | None
    calibration: str | Path | None
    targets: str | int | Sequence[str | int] | None
    test: str | Path | None
    test_targets: str | int | Sequence[str | int] | None
    split_seed: int
    on_overflow: Literal["error", "saturate"]


class SynthKeywords(TypedDict, total=False):
    """Of ``Project.synthesize``."""

    part: str
    flow: Literal["open", "vivado", "vitis_hls"] | Literal["vitis-hls"]
    speed: int
    clock_mhz: float
    lut_weight_bits: int
    dsp: Literal["auto", "none", "all"] | None
    seed: int
    seeds: int
    nextpnr: Literal["wheel", "path"]


class BitstreamKeywords(TypedDict, total=False):
    """Of ``Project.make_bitstream``."""

    board: str
    clock_mhz: float | None
    baud: int
    lut_weight_bits: int
    seed: int
