"""Serialisation, digests and the checks that keep a broken program from reaching an emitter."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import random_program, random_words

from mondeq_hw.base.errors import InputError
from mondeq_hw.base.numerics import FixedPointFormat, IntegerMatrix, Rounding
from mondeq_hw.problem.reformulate import SOLVERS
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.program.program import SolverProgram, canonical_digest


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
        changed = replace(program, **{key: IntegerMatrix(integers, matrix.shifts, matrix.word_length)})
        digests.add(changed.digest)
    for key in ("drive_bias", "readout_bias"):
        digests.add(replace(program, **{key: getattr(program, key) + 1}).digest)
    digests.add(replace(program, iterations=program.iterations + 1).digest)
    digests.add(replace(program, certified=not program.certified).digest)
    digests.add(replace(program, state_format=FixedPointFormat(9, 3)).digest)
    assert len(digests) == 9


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
        (lambda f: corrupt_json(f, iterations=8), "digest"),
        (lambda f: corrupt_json(f, iterations="many"), "incomplete"),
        (lambda f: corrupt_json(f, state_format={}), "incomplete"),
    ],
)
def test_damaged_folder_is_refused(tmp_path, damage, message):
    random_program(3).save(tmp_path)
    damage(tmp_path)
    with pytest.raises(InputError, match=message):
        SolverProgram.load(tmp_path)


def levels(matrix: IntegerMatrix, value: int) -> IntegerMatrix:
    return replace(matrix, integers=np.full_like(matrix.integers, value))


@pytest.mark.parametrize(
    "change",
    [
        lambda p: {"matrix": levels(p.matrix, 8)},
        lambda p: {"matrix": levels(replace(p.matrix, word_length=1), 0)},
        lambda p: {"matrix": replace(p.matrix, shifts=p.matrix.shifts[:-1])},
        lambda p: {"matrix": replace(p.matrix, integers=p.matrix.integers.astype(float))},
        lambda p: {"phi": "tanh"},
        lambda p: {"iterations": 0},
        lambda p: {"leak_shift": 30},
        lambda p: {"drive_left_shift": -1},
        lambda p: {"state_format": FixedPointFormat(8, 3, rounding=Rounding.TRN)},
        lambda p: {"input_format": FixedPointFormat(8, 8)},
        lambda p: {"drive_bias": p.drive_bias[:-1]},
    ],
)
def test_broken_contract_is_refused(change):
    program = random_program(4)
    with pytest.raises(InputError, match="program"):
        replace(program, **change(program))
