"""Build folders that many tests only read: each is compiled once a session.

A test that changes one takes a copy.  ``conftest.py`` makes them fixtures of every test file.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from checkpoints import parameters, plain, write_npz

from mondeq_hw.cli import main
from mondeq_hw.hardware import Design, hls, rtl
from mondeq_hw.hardware.folding import schedule
from mondeq_hw.program import SolverProgram


def emitted(program: SolverProgram, folder: Path, reuse_factor: int | None = None) -> Path:
    """A program with its SystemVerilog and C++, and nothing else of a build folder."""
    folder.mkdir(parents=True, exist_ok=True)
    plan = schedule(program, reuse_factor)
    program.save(folder)
    rtl.emit(Design(program, plan), folder)
    hls.emit(program, plan, folder)
    return folder


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a few states."""
    return write_npz(tmp_path_factory.mktemp("small_model") / "model.npz", plain(parameters()))


@pytest.fixture(scope="session")
def small_build(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It at 5 bits, without data."""
    build = tmp_path_factory.mktemp("small") / "build"
    assert main(["compile", str(small_model), "--bits", "5", "--out", str(build), "--json"]) == 0
    return build


@pytest.fixture(scope="session")
def digits_build(digits_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded model at 5 bits, by the command of the README."""
    build = tmp_path_factory.mktemp("digits") / "build"
    assert main(["compile", str(digits_model), "--bits", "5", "--out", str(build)]) == 0
    return build


@pytest.fixture(scope="session")
def narrow_digits_build(digits_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It at 3 bits, folded onto more multipliers than by default."""
    build = tmp_path_factory.mktemp("narrow") / "build"
    assert main(["compile", str(digits_model), "--bits", "3", "--reuse-factor", "16", "--out", str(build)]) == 0
    return build
