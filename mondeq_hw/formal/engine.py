"""A whole core against the numerics contract, for every input: bounded model checking of small builds.

The contract is written once more, in SystemVerilog, from the integers of the
program (``hls_templates/formal/mondeq_contract.sv.j2``); the core is the files
of the build folder.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base import filled, source_template
from ..hardware import Schedule, completion_cycles, load_schedule, module_name
from ..program import SolverProgram
from .prover import Answer, Design, Prover

#: Bits of a sample beyond which no solver has answered; and updates of as many states.
MAX_INPUT_BITS = 16
MAX_PRODUCTS = 200


@dataclass(frozen=True)
class EngineProof:
    """What was asked of a core, and the answer.

    Parameters
    ----------
    samples : int
        From the first after a reset; source and sink are always ready.
    cycles : int
        From the reset on.
    answer : Answer
    """

    samples: int
    cycles: int
    answer: Answer


def too_large(program: SolverProgram) -> str:
    """Why a core is not proved as a whole; empty where it is."""
    if program.carried is not None:
        return "its state is carried from sample to sample, of which the contract of one sample says nothing"
    if program.warm is not None:
        return "a sample goes on from the state of the one before, of which the contract of one sample says nothing"
    bits = program.d * program.input_format.word_length
    if bits > MAX_INPUT_BITS:
        return f"a sample has {bits} bits, more than {MAX_INPUT_BITS}"
    products = program.n * (program.d + program.iterations * program.n + program.k)
    if products > MAX_PRODUCTS:
        return f"a sample takes {products} products, more than {MAX_PRODUCTS}"
    return ""


def prove_engine(prover: Prover, build: Path, samples: int, folder: Path) -> EngineProof:
    """Compare a build's core with the contract, for every word of its first samples.

    Raises
    ------
    ProverFailedError
    """
    program, plan = SolverProgram.load(build), load_schedule(build)
    # A straight core takes nothing before its graph is rid of what the reset left in it.
    drain = plan.solve.graph.stages if plan.straight and plan.solve.graph else 0
    cycles = drain + int(completion_cycles(plan, np.full(samples, program.iterations))[-1]) + 4
    shutil.copytree(build / "rtl" / "mem", folder / "mem", dirs_exist_ok=True)
    names = (build / "rtl" / "sources.f").read_text().split()
    sources = [(build / "rtl" / name).read_text() for name in names]
    design = Design(
        name="engine",
        top="mondeq_engine",
        sources=(*sources, _contract(program), _check(program, plan, samples, cycles)),
        parameters={},
        memories_as_registers=True,
    )
    prover.translate([design], folder)
    return EngineProof(samples, cycles, prover.refute_at(design.name, cycles, folder))


def _bits(program: SolverProgram) -> int:
    """A width that holds every sum of the contract."""
    bounds = program.drive_accumulator_bound, program.accumulator_bound, program.output_bound
    return max(32, (4 * max(map(int, bounds))).bit_length() + 1)


def _contract(program: SolverProgram) -> str:
    top = program.state_format.max_word
    injection = program.injection
    vectors = {
        "Drive": injection.operator.matrix(object),
        "DriveBias": injection.bias,
        "DriveShift": injection.right_shift,
        "Matrix": program.stage.iteration_matrix(object),
        "MatrixShift": program.matrix.shifts,
        "Lower": np.maximum(program.clip.lower, -top),
        "Upper": np.minimum(program.clip.upper, top),
        "Complement": program.clip.complement,
        "Readout": program.readout.matrix(object),
        "ReadoutShift": program.readout_left_shift,
        "ReadoutBias": program.readout_bias,
    }
    return filled(
        source_template("formal", "mondeq_contract.sv.j2"),
        program=program,
        input_bits=program.input_format.word_length,
        bits=_bits(program),
        vectors={name: [int(value) for value in np.ravel(values)] for name, values in vectors.items()},
    )


def _check(program: SolverProgram, plan: Schedule, samples: int, deadline: int) -> str:
    bits, words = program.input_format.word_length, program.input_format
    return filled(
        source_template("formal", "mondeq_engine.sv.j2"),
        program=program,
        top=module_name(program.name, "top"),
        samples=samples,
        deadline=deadline,
        input_bits=bits,
        bits=_bits(program),
        words_per_beat=plan.words_per_beat,
        framed=plan.framed,
        lane_bits=plan.lane_bits(program),
        input_tdata_bits=plan.input_tdata_bits(program),
        output_tdata_bits=plan.output_tdata_bits(program),
        output_lane_bits=plan.output_lane_bits(program),
        output_words=plan.output_beat,
        output_beats=plan.output_beats,
        excluded=1 << (bits - 1) if words.signed and words.min_word == -words.max_word else None,
    )
