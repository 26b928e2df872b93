"""Contraction and score by word length: the float model of a build folder, rounded again.

The certificate holds the float model on integer grids, so the folder alone is
enough.  All but the iteration matrix keeps this build's word lengths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..base import InputError
from ..config import CompileConfig
from ..folder import Build
from ..problem import GIVEN, Checkpoint, Dataset, MonDEQ, Preprocessing, Task
from ..program import GoldenModel
from ..proof import model_from_plain, unpacked
from ..rounding import RETRAINED, lower
from ..steps import Data, certified_program, choose_data, lowering_options
from .curves import Sweep, WordLengthPoint
from .record import Report

WORD_LENGTHS = range(1, 9)


def sweep_word_lengths(
    build: Build,
    report: Report,
    data_dir: Path | None,
    progress: Callable[[str], None] = lambda now: None,
) -> Sweep:
    """Round the folder's float model to every word length from 1 to 8 bits.

    Parameters
    ----------
    build : Build
    report : Report
    data_dir : Path or None
        Where the data is now, if not where ``compile`` was told.
    progress : callable
        Told what is being done.

    Raises
    ------
    InputError
        The folder holds no float model, or one that was retrained; the data is not there.
    """
    resolved = report.origin.resolved
    if resolved["rounding"] == RETRAINED:
        raise InputError("the network was retrained for its word length; its integers are what they are")
    model = stored_model(build, report)
    names = ("drive_bits", "readout_bits", "state_bits", "input_bits")
    kept = {name: resolved[name] for name in names} | {"task": report.task.name, "allow_uncertified": True}
    given = {key: value for key, value in report.origin.requested.items() if value is not None}
    config = CompileConfig(**given | kept | ({"data_dir": data_dir} if data_dir else {}))
    data = _data(build, report, config, model, data_dir)

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
        calibration_samples=0 if data.calibration is None else len(data.calibration),
        test_samples=0 if data.test is None else len(data.test),
        points=tuple(point(bits) for bits in WORD_LENGTHS),
    )


def stored_model(build: Build, report: Report) -> MonDEQ:
    """The float model that the certificate holds, with the facts that the report has of it.

    Raises
    ------
    InputError
        There is none: no positive margin was proved.
    """
    operator = build.certificate.evidence.get("operator")
    if operator is None:
        raise InputError("the certificate holds no float model, because no margin was proved for it")
    facts = report.origin.model
    return replace(
        model_from_plain(operator, build.program.input_format.fractional_bits),
        monotonicity_margin=facts["monotonicity_margin"],
        preprocessing=Preprocessing(scale=1.0, input_bits=facts["preprocessing"]["input_bits"]),
        source=facts["source"],
    )


def _data(build: Build, report: Report, config: CompileConfig, model: MonDEQ, data_dir: Path | None) -> Data:
    """The data that ``compile`` used; where it is gone, what the folder holds of it."""
    name = report.origin.resolved["data"]
    if name in (None, GIVEN) and data_dir is not None:
        raise InputError(f"--data-dir {data_dir}: the folder was compiled without a data set by name; leave it out")
    if name is None:
        return Data(report.task)
    if name == GIVEN:
        return _stored_data(build, report.task, name)
    try:
        return choose_data(config.model_copy(update={"data": name}), Checkpoint(model))
    except InputError:
        if data_dir is not None:
            raise
        return _stored_data(build, report.task, name)


def _stored_data(build: Build, task: Task, name: str) -> Data:
    """Calibration words of the certificate, and the samples with targets in ``sim/``."""
    raw, samples = build.program.input_format.to_float, build.certificate.evidence.get("samples")
    calibration, test = None, None
    if samples is None and name != GIVEN:
        raise InputError(f"the data {name} is gone, and the certificate holds none of it; name it with --data-dir")
    if samples is not None:
        calibration = raw(unpacked(samples["words"], samples["count"])).astype(np.int64)
    if (targets := build.targets) is not None:
        test = Dataset(name, "test", raw(build.stimulus).astype(np.int64), targets)
    return Data(task, name, calibration, test)
