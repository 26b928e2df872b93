"""Serialisation, digests and the checks that keep a broken program from reaching an emitter."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import random_program, random_words

from mondeq_hw.base import RELU, Clip, DenseOperator, FixedPointFormat, Interval, Rounding, canonical_digest
from mondeq_hw.base.errors import InputError
from mondeq_hw.problem import SOLVERS
from mondeq_hw.program import SolverProgram
from mondeq_hw.program.golden import GoldenModel


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 16), st.sampled_from(SOLVERS))
def test_saved_program_is_the_same_program(tmp_path_factory, seed, bits, solver):
    folder = tmp_path_factory.mktemp("program")
    program = random_program(seed, bits=bits, solver=solver)
    program.save(folder)
    loaded = SolverProgram.load(folder)
    assert loaded.digest == program.digest
    words = random_words(seed, program, 4)
    np.testing.assert_array_equal(GoldenModel(loaded).predict_raw(words), GoldenModel(program).predict_raw(words))


def test_digest_is_that_of_the_plain_json():
    program = random_program(1)
    assert canonical_digest(json.loads(json.dumps(program.to_plain()))) == program.digest


def test_every_integer_is_under_the_digest():
    program = random_program(2)
    digests = {program.digest}
    for key in ("drive", "matrix", "readout"):
        matrix = getattr(program, key)
        integers = matrix.integers.copy()
        integers[0, 0] -= np.sign(integers[0, 0]) or 1
        changed = program.replace(**{key: DenseOperator(integers, matrix.shifts, matrix.word_length)})
        digests.add(changed.digest)
    for key in ("drive_bias", "readout_bias"):
        digests.add(program.replace(**{key: getattr(program, key) + 1}).digest)
    digests.add(program.replace(iterations=program.iterations + 1).digest)
    digests.add(program.replace(certified=not program.certified).digest)
    digests.add(program.replace(state_format=FixedPointFormat(9, 3)).digest)
    assert len(digests) == 9


def test_the_least_int64_is_no_level():
    """Its magnitude is not an int64: NumPy's is negative."""
    program = random_program(3)
    integers = program.matrix.integers.copy()
    integers[0, 0] = -(2**63)
    with pytest.raises(InputError, match="levels outside a symmetric"):
        program.replace(matrix=DenseOperator(integers, program.matrix.shifts, program.matrix.word_length))


def corrupt_json(folder, **changes):
    path = folder / "program.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda f: (f / "program.json").unlink(), "no such file"),
        (lambda f: (f / "program.npz").unlink(), "no such file"),
        (lambda f: (f / "program.json").write_text("{"), "cannot be read"),
        (lambda f: (f / "program.npz").write_bytes((f / "program.npz").read_bytes()[:100]), "cannot be read"),
        (lambda f: corrupt_json(f, version=99), "version"),
        (lambda f: corrupt_json(f, certified=True), "digest"),
        (lambda f: corrupt_json(f, stages="many"), "incomplete"),
        (lambda f: corrupt_json(f, stages=[]), "incomplete"),
    ],
)
def test_damaged_folder_is_refused(tmp_path, damage, message):
    random_program(3).save(tmp_path)
    damage(tmp_path)
    with pytest.raises(InputError, match=message):
        SolverProgram.load(tmp_path)


def levels(matrix: DenseOperator, value: int) -> DenseOperator:
    return replace(matrix, integers=np.full_like(matrix.integers, value))


@pytest.mark.parametrize(
    "change",
    [
        lambda p: {"matrix": levels(p.matrix, 8)},
        lambda p: {"matrix": levels(replace(p.matrix, word_length=1), 0)},
        lambda p: {"matrix": replace(p.matrix, shifts=p.matrix.shifts[:-1])},
        lambda p: {"matrix": replace(p.matrix, integers=p.matrix.integers.astype(float))},
        lambda p: {"solver": "newton"},
        lambda p: {"iterations": 0},
        lambda p: {"leak_shift": 30},
        lambda p: {"drive_left_shift": -1},
        lambda p: {"state_format": FixedPointFormat(8, 3, rounding=Rounding.TRN)},
        lambda p: {"input_format": FixedPointFormat(8, 8)},
        lambda p: {"drive_bias": p.drive_bias[:-1]},
        lambda p: {"clip": Clip.uniform(RELU, p.n + 1)},
        lambda p: {"clip": Clip.uniform(Interval(0.0, 2.5), p.n)},
        lambda p: {"clip": Clip.uniform(Interval(0.0, 10.0**9), p.n)},
        lambda p: {"stages": p.stages * 2},
    ],
)
def test_broken_contract_is_refused(change):
    program = random_program(4)
    with pytest.raises(InputError, match="program"):
        program.replace(**change(program))
