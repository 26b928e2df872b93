"""Contraction and score by word length: the float model of a build folder, rounded again.

The certificate holds the float model on integer grids, so the folder alone is
enough.  All but the iteration matrix keeps this build's word lengths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..base import IN_PROCESS, Executor, InputError, canonical_digest
from ..config import CompileConfig, DataOptions
from ..folder import Build
from ..problem import MonDEQ, Task
from ..program import GoldenModel
from ..rounding import RETRAINED, lower
from ..steps import Data, certified_program, lowering_options
from .curves import Sweep, WordLengthPoint
from .data import data_of, stored_config, stored_model
from .record import Report

WORD_LENGTHS = range(1, 9)


@dataclass(frozen=True)
class _Rounding:
    """What all word lengths share."""

    model: MonDEQ
    config: CompileConfig
    data: Data
    task: Task


def sweep_word_lengths(
    build: Build,
    report: Report,
    options: DataOptions,
    progress: Callable[[str], None] = lambda now: None,
    executor: Executor = IN_PROCESS,
) -> Sweep:
    """Round the folder's float model to every word length from 1 to 8 bits.

    Parameters
    ----------
    build : Build
    report : Report
    options : DataOptions
        Data in the place of those that ``compile`` used.
    progress : callable
        Told how far it is.
    executor : Executor
        Rounds.

    Raises
    ------
    InputError
        The folder holds no float model, or one that was retrained; the data is not there.
    """
    if report.origin.resolved.rounding == RETRAINED:
        raise InputError("the network was retrained for its word length; its integers are what they are")
    rounding = _Rounding(
        stored_model(build, report), stored_config(report), data_of(build, report, options), report.task
    )
    data, points = rounding.data, {}
    known = {"program": build.program.digest, "data": data.digest}
    tasks = {canonical_digest({**known, "bits": bits}): bits for bits in WORD_LENGTHS}
    for key, point in executor.results(_rounded, rounding, tasks):
        points[tasks[key]] = point
        progress(f"rounded to {len(points)} of {len(WORD_LENGTHS)} word lengths")
    return Sweep(
        program_digest=build.program.digest,
        data_digest=data.digest,
        calibration_samples=0 if data.calibration is None else len(data.calibration),
        test_samples=0 if data.test is None else len(data.test),
        points=tuple(points[bits] for bits in WORD_LENGTHS),
    )


def _rounded(shared: _Rounding, bits: int) -> WordLengthPoint:
    """A task: the model at one word length."""
    changed = shared.config.model_copy(update={"bits": bits})
    lowered = lower(shared.model, lowering_options(changed), shared.data.calibration)
    program, test = certified_program(shared.model, changed, shared.data, lowered), shared.data.test
    score = None if test is None else shared.task.score(GoldenModel(program).predict(test.words), test.targets)
    proof = lowered.proof
    return WordLengthPoint(
        bits=bits,
        certified=proof is not None,
        contraction_factor=lowered.contraction_estimate if proof is None else float(proof.contraction_factor),
        iterations=program.iterations,
        score=score,
    )
