"""Options from the command line and from files obey one set of rules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from mondeq_hw import InputError
from mondeq_hw.config import _EXPECTED, CompileConfig, resolve
from mondeq_hw.hardware.schedule import STRATEGIES
from mondeq_hw.problem import SOLVERS
from mondeq_hw.rounding.lower import ROUNDINGS, LoweringOptions
from mondeq_hw.rounding.quantize import GRANULARITIES


def test_defaults() -> None:
    config = resolve({"bits": 5, "solver": None})
    assert (config.bits, config.solver, config.rounding, config.state_bits) == (5, "peaceman_rachford", "auto", None)
    assert not config.allow_uncertified


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_file_then_command_line(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"config{suffix}"
    options = {"bits": 3, "state_bits": 10, "solver": "forward-backward", "data_dir": "x"}
    if suffix == ".json":
        file.write_text(json.dumps(options))
    else:
        file.write_text('bits = 3\nstate_bits = 10\nsolver = "forward-backward"\ndata_dir = "x"\n')
    config = resolve({"bits": 4, "state_bits": None}, file)
    assert (config.bits, config.state_bits, config.solver) == (4, 10, "forward_backward")
    assert config.data_dir == Path("x")


def test_the_record_is_frozen() -> None:
    with pytest.raises(ValidationError):
        resolve({"bits": 4}).bits = 5  # type: ignore[misc]


def test_names_are_those_of_the_stages() -> None:
    """What a stage accepts, the configuration accepts."""
    fields = CompileConfig.model_fields
    assert set(LoweringOptions.__dataclass_fields__) <= set(fields)
    assert set(_EXPECTED) == set(fields)
    for key, values in (
        ("solver", SOLVERS),
        ("rounding", ROUNDINGS),
        ("granularity", GRANULARITIES),
        ("strategy", STRATEGIES),
    ):
        for value in values:
            assert getattr(resolve({"bits": 1, key: value}), key) == value


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "--bits 1 to 16"),
        ({"bits": 0}, "--bits is 0; expected a whole number from 1 to 16"),
        ({"bits": 17}, "--bits is 17"),
        ({"bits": True}, "--bits is True"),
        ({"bits": 5.5}, "--bits is 5.5"),
        ({"bits": "5"}, "--bits is '5'"),
        ({"bits": 5, "solver": "newton"}, "--solver is 'newton'; expected peaceman-rachford or forward-backward"),
        ({"bits": 5, "rounding": "up"}, "auto, nearest, spectral or calibrated"),
        ({"bits": 5, "granularity": "column"}, "row or tensor"),
        ({"bits": 5, "state_bits": 1}, "--state-bits is 1; expected a whole number from 2 to 32"),
        ({"bits": 5, "step_size": 0.0}, "--step-size is 0.0; expected a positive number"),
        ({"bits": 5, "margin": float("inf")}, "--margin is inf"),
        ({"bits": 5, "state_bit": 3}, "did you mean 'state_bits'"),
        ({"bits": 5, "drive-bits": 3}, "did you mean 'drive_bits'"),
    ],
)
def test_refusals(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        resolve(options)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("c.toml", "bits = 5\nstate_bitz = 3\n", "did you mean 'state_bits'"),
        ("c.toml", "bits = 40\n", "c.toml: bits is 40; expected a whole number from 1 to 16"),
        ("c.toml", "bits = \n", "not valid TOML"),
        ("c.json", "{", "not valid JSON"),
        ("c.json", "[1]", "holds a list"),
        ("c.yaml", "bits: 5", "ends in .toml or .json"),
        ("c.toml", "bits = 5\nallow_uncertified = 1\n", "true or false"),
    ],
)
def test_refused_files(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as caught:
        resolve({}, tmp_path / name)
    assert message in str(caught.value)


def test_missing_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        resolve({}, tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        resolve({}, tmp_path / "binary.toml")
    with pytest.raises(InputError, match="cannot be read"):
        resolve({}, tmp_path)
