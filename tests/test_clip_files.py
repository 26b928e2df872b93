"""A network's clip in its files: every bound to the last bit, relu where a file says nothing, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import random_model

from mondeq_hw import InputError
from mondeq_hw.base import FREE, RELU, Clip, Interval, soft_threshold
from mondeq_hw.export.onnx import float_model, write
from mondeq_hw.problem import FORWARD_BACKWARD, PEACEMAN_RACHFORD, SOLVERS, MonDEQ, Training, network_of
from mondeq_hw.problem.load import load, own_format, save
from mondeq_hw.problem.reference import logits
from mondeq_hw.problem.stored import pack, pack_clip, unpack, unpack_clip
from mondeq_hw.rounding.assemble import assemble
from mondeq_hw.rounding.lower import lower
from mondeq_hw.rounding.options import LoweringOptions
from mondeq_hw.rounding.quantize import quantized_of
from mondeq_hw.training.qat import QuantizedNetwork

#: Bounds that are no binary fractions, tiny, beyond 2^53, infinite; the first kinds of rows come last.
CLIP = Clip(
    (FREE, Interval(-0.1, 1 / 3), RELU, soft_threshold(5e-324), Interval(-(2.0**70), 6.0), Interval(0, 0)),
    (3, 0, 1, 5, 1, 4, 2),
)


def clipped_model() -> MonDEQ:
    return replace(random_model(np.random.default_rng(0), 7, 5, 3, margin=0.8), clip=CLIP, source="m")


def written(model: MonDEQ, file: Path) -> MonDEQ:
    if file.suffix == ".onnx":
        write(float_model(model), file)
    else:
        save(model, file)
    return load(file)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ".onnx"])
def test_a_networks_clip_survives(suffix: str, tmp_path: Path) -> None:
    model = clipped_model()
    again = written(model, tmp_path / f"m{suffix}")
    assert again.clip == CLIP and again.digest() == model.digest()
    words = np.random.default_rng(1).integers(0, 256, size=(9, 5))
    np.testing.assert_array_equal(logits(again, words), logits(model, words))


@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ".onnx"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_retrained_networks_clip_survives(solver: str, suffix: str, tmp_path: Path) -> None:
    """And compiles to the same words of bounds."""
    network = QuantizedNetwork(lower(clipped_model(), LoweringOptions(4, solver=solver, rounding="nearest")), 5)
    stored = network.stored()
    model = network_of(stored, clipped_model().preprocessing, "m")
    again = written(model, tmp_path / f"m{suffix}")
    assert again.stored is not None and again.stored.clip == again.clip == stored.clip
    assert again.digest() == model.digest()
    assert (again.stored.step_size, again.stored.leak_shift) == (stored.step_size, stored.leak_shift)
    program = assemble(quantized_of(again.stored), stored.input_format, stored.state_format, 5, certified=False)
    assert program.digest == network.program(5).digest
    assert not program.clip.is_relu


@given(lower=st.floats(max_value=0), upper=st.floats(min_value=0), complement=st.booleans())
@settings(derandomize=True)
def test_any_bound_is_kept_exactly(lower: float, upper: float, complement: bool) -> None:
    clip = Clip.uniform(Interval(lower, upper, complement), 2)
    assert unpack_clip(pack_clip(clip), 2, "m") == (None if clip.is_relu else clip)


def test_a_relu_network_is_a_file_of_version_1() -> None:
    """Readers of before clips still take it; those of another clip they refuse."""
    _, metadata = own_format(replace(clipped_model(), clip=Clip.uniform(RELU, 7)), Training())
    assert metadata["version"] == 1 and "clip" not in metadata
    assert own_format(clipped_model(), Training())[1]["version"] == 2


def test_bounds_are_spelled_one_way() -> None:
    """Networks that are equal have equal digests, whatever numbers their bounds were made of."""
    spelled = Clip.uniform(Interval(np.float32(-1), 2, np.bool_(True)), 7), Clip.uniform(Interval(-1.0, 2.0, True), 7)
    one, other = (replace(clipped_model(), clip=clip).digest() for clip in spelled)
    assert one == other


BROKEN: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no object": lambda _: 3,
    "a missing entry": lambda clip: {key: clip[key] for key in ("lower", "upper", "complement")},
    "a row too few": lambda clip: {**clip, "rows": clip["rows"][1:]},
    "a kind of no row": lambda clip: {**clip, "rows": [0] * 7},
    "a bound too few": lambda clip: {**clip, "upper": clip["upper"][1:]},
    "zero outside": lambda clip: {**clip, "lower": [1.0, *clip["lower"][1:]]},
    "not a number": lambda clip: {**clip, "upper": [float("nan"), *clip["upper"][1:]]},
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_clip_is_refused(what: str, tmp_path: Path) -> None:
    import torch

    save(clipped_model(), tmp_path / "m.pt")
    content = torch.load(tmp_path / "m.pt", weights_only=True)
    torch.save({**content, "clip": BROKEN[what](content["clip"])}, tmp_path / "m.pt")
    with pytest.raises(InputError, match=r"m\.pt.*clip.*Save the model again"):
        load(tmp_path / "m.pt")


@pytest.mark.parametrize(
    ("solver", "changes", "message"),
    [
        (FORWARD_BACKWARD, {"leak_shift": 1}, "leak shift 1; expected 3"),
        (FORWARD_BACKWARD, {"step_size": 0.5}, "leak shift 3; expected 1"),
        (FORWARD_BACKWARD, {"step_size": 0.3}, "power of two"),
        (PEACEMAN_RACHFORD, {"leak_shift": 1}, "leak shift 1; expected 0"),
        (PEACEMAN_RACHFORD, {"step_size": float("inf")}, "positive number"),
        (PEACEMAN_RACHFORD, {"solver": "newton"}, "solver is 'newton'"),
    ],
)
def test_a_leak_that_is_not_the_step_sizes_is_refused(solver: str, changes: dict[str, Any], message: str) -> None:
    options = LoweringOptions(4, solver=solver, rounding="nearest", step_size=0.125)
    stored = QuantizedNetwork(lower(clipped_model(), options), 5).stored()
    arrays, metadata = pack(stored)
    with pytest.raises(InputError, match=rf"m\.pt: retrained .*{message}"):
        unpack(arrays, {**metadata, **changes}, "m.pt")


def test_the_least_int64_is_no_level_of_a_retrained_matrix() -> None:
    """Its magnitude is not an int64: NumPy's is negative."""
    stored = QuantizedNetwork(lower(clipped_model(), LoweringOptions(4, rounding="nearest")), 5).stored()
    arrays, metadata = pack(stored)
    name = next(key for key in arrays if key.endswith(".matrix"))
    integers = np.array(arrays[name], dtype=np.int64)
    integers[0, 0] = -(2**63)
    with pytest.raises(InputError, match=r"retrained matrix has levels up to 9223372036854775808 at 4 bits"):
        unpack({**arrays, name: integers}, metadata, "m.pt")
