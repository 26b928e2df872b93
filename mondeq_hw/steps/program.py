"""The program of lowered integers: its updates, its warm start, and whether its proof says anything."""

from __future__ import annotations

from pathlib import PurePath

import numpy as np

from ..base import NotCertifiedError, OptionError
from ..config import CompileConfig
from ..problem import MonDEQ, folded_input, logits
from ..program import MOST_ITERATIONS, GoldenModel, SolverProgram, name_of
from ..proof import (
    ContractionProof,
    choose_iterations,
    choose_warm_start,
    constant_output,
    rounds_to_nothing,
    useless_on_samples,
    useless_radius,
)
from ..rounding import Lowered, assemble, noise
from .data import Data

#: Samples on which an output must be nearer to the float network's than a constant.
COMPARED_SAMPLES = 64
#: Updates of a program without a proof: nothing says how many it needs.
UNCERTIFIED_ITERATIONS = 64


def program_of(model: MonDEQ, config: CompileConfig, lowered: Lowered) -> SolverProgram:
    """With the iterations of the user, else of the retraining, else of the proof, else of none."""
    asked = asked_for(model, config)
    name = config.name or name_of(PurePath(model.source).stem)

    def program(iterations: int, certified: bool) -> SolverProgram:
        return assemble(lowered.quantized, lowered.input_format, lowered.state_format, iterations, certified, name)

    if lowered.proof is not None:
        return program(asked or _iterations(program(1, True), lowered.proof, config), True)
    return program(asked or UNCERTIFIED_ITERATIONS, False)


def asked_for(model: MonDEQ, config: CompileConfig) -> int | None:
    """Iterations that the user or the network's retraining names."""
    return config.iterations or (None if model.stored is None else model.stored.iterations)


def starting_warm(program: SolverProgram, model: MonDEQ, config: CompileConfig, lowered: Lowered) -> SolverProgram:
    """With the warm start that the options ask for, if they do.

    Raises
    ------
    OptionError
        It is for another number of inputs, for a network without a proof, or beside a carried state.
    InputError
        It needs as many updates as a start anew.
    """
    if config.warm_start is None:
        return program
    if program.carried is not None:
        raise OptionError(
            "warm_start", "stands beside a carried state, whose rate of change nobody declares; leave it out"
        )
    if lowered.proof is None:
        raise OptionError("warm_start", "needs a proof of convergence, and there is none; leave it out")
    rate = np.asarray(config.warm_start)
    if rate.shape not in ((), (program.d,)):
        raise OptionError("warm_start", f"has {rate.size} numbers; expected one, or one for each of {program.d} inputs")
    words = model.input_map.words.most_steps(np.broadcast_to(rate, (program.d,)), program.input_format)
    return program.replace(warm=choose_warm_start(program, lowered.proof, words))


def says_nothing(model: MonDEQ, data: Data, lowered: Lowered, program: SolverProgram) -> str | None:
    """Why the proof says nothing about the network, if there is one and it does not."""
    if lowered.proof is None:
        return None
    reason = useless_radius(program, lowered.proof)
    if reason is not None:
        return reason
    if not (folded_input(model)[0].any() and model.O.any()):  # a parameter's box may be a point
        return None  # the float network's output is constant too
    reason = rounds_to_nothing(program)
    # A carried state's samples are sequences, which one equilibrium does not answer.
    if reason is not None or model.carried is not None:
        return reason
    given, kind = data.calibration, "random inputs" if data.calibration is None else "calibration samples"
    some = (noise(model) if given is None else given)[:COMPARED_SAMPLES]
    floating, golden = logits(model, some), GoldenModel(program)
    reason = constant_output(program, floating)
    if reason is not None:
        return reason
    return useless_on_samples(program, golden.predict_raw(golden.words(some)), floating, data.task, kind)


def _iterations(program: SolverProgram, proof: ContractionProof, config: CompileConfig) -> int:
    """The certificate's; the most there are where it asks for more and the user insists, with the radius of these."""
    try:
        return choose_iterations(program, proof)
    except NotCertifiedError:
        if not config.allow_uncertified:
            raise
        return MOST_ITERATIONS
