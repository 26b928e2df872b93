"""Contraction and score by word length: the float model of a build folder, rounded again.

The certificate holds the float model on integer grids, so the folder alone is
enough.  All but the iteration matrix keeps this build's word lengths.
"""

from __future__ import annotations

from collections.abc import Callable

from ..base import InputError
from ..config import DataOptions
from ..folder import Build
from ..program import GoldenModel
from ..rounding import RETRAINED, lower
from ..steps import certified_program, lowering_options
from .curves import Sweep, WordLengthPoint
from .data import data_of, stored_config, stored_model
from .record import Report

WORD_LENGTHS = range(1, 9)


def sweep_word_lengths(
    build: Build, report: Report, options: DataOptions, progress: Callable[[str], None] = lambda now: None
) -> Sweep:
    """Round the folder's float model to every word length from 1 to 8 bits.

    Parameters
    ----------
    build : Build
    report : Report
    options : DataOptions
        Data in the place of those that ``compile`` used.
    progress : callable
        Told what is being done.

    Raises
    ------
    InputError
        The folder holds no float model, or one that was retrained; the data is not there.
    """
    if report.origin.resolved.rounding == RETRAINED:
        raise InputError("the network was retrained for its word length; its integers are what they are")
    model, config = stored_model(build, report), stored_config(report)
    data = data_of(build, report, options)

    def point(bits: int) -> WordLengthPoint:
        progress(f"rounding to {bits} bit{'s' if bits > 1 else ''}")
        changed = config.model_copy(update={"bits": bits})
        lowered = lower(model, lowering_options(changed), data.calibration)
        proof = lowered.proof
        program = certified_program(model, changed, data, lowered)
        score = None
        if data.test is not None:
            score = report.task.score(GoldenModel(program).predict(data.test.words), data.test.targets)
        return WordLengthPoint(
            bits=bits,
            certified=proof is not None,
            contraction_factor=lowered.contraction_estimate if proof is None else float(proof.contraction_factor),
            iterations=program.iterations,
            score=score,
        )

    return Sweep(
        program_digest=build.program.digest,
        data_digest=data.digest,
        calibration_samples=0 if data.calibration is None else len(data.calibration),
        test_samples=0 if data.test is None else len(data.test),
        points=tuple(point(bits) for bits in WORD_LENGTHS),
    )
