"""Contraction and accuracy by word length: the float model of a build folder, rounded again.

The certificate holds the float model on integer grids, so the folder alone is
enough.  All but the iteration matrix keeps this build's word lengths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..base import InputError
from ..config import CompileConfig, resolve
from ..problem import Checkpoint, Dataset, MonDEQ, Preprocessing
from ..program import GoldenModel
from ..project import Project
from ..proof import model_from_plain, unpacked
from ..rounding import RETRAINED, lower
from ..steps import Images, certified_program, choose_images, lowering_options
from .curves import Sweep, WordLengthPoint
from .record import Report

WORD_LENGTHS = range(1, 9)


def sweep_word_lengths(
    project: Project,
    report: Report,
    data_dir: Path | None,
    progress: Callable[[str], None] = lambda now: None,
) -> Sweep:
    """Round the folder's float model to every word length from 1 to 8 bits.

    Parameters
    ----------
    project : Project
    report : Report
    data_dir : Path or None
        Where the images are now, if not where ``compile`` was told.
    progress : callable
        Told what is being done.

    Raises
    ------
    InputError
        The folder holds no float model, or one that was retrained; the images are not there.
    """
    resolved = report.origin.resolved
    if resolved["rounding"] == RETRAINED:
        raise InputError("the network was retrained for its word length; its integers are what they are")
    model = stored_model(project, report)
    names = ("drive_bits", "readout_bits", "state_bits", "input_bits")
    kept = {name: resolved[name] for name in names} | {"allow_uncertified": True}
    given = {key: value for key, value in report.origin.requested.items() if value is not None}
    config = resolve(given | kept | ({"data_dir": data_dir} if data_dir else {}))
    images = _images(project, report, config, model, data_dir)

    def point(bits: int) -> WordLengthPoint:
        progress(f"rounding to {bits} bit{'s' if bits > 1 else ''}")
        changed = config.model_copy(update={"bits": bits})
        lowered = lower(model, lowering_options(changed), images.calibration)
        proof = lowered.proof
        program = certified_program(model, changed, images, lowered)
        return WordLengthPoint(
            bits=bits,
            certified=proof is not None,
            contraction_factor=lowered.contraction_estimate if proof is None else float(proof.contraction_factor),
            iterations=program.iterations,
            accuracy=None if images.test is None else _accuracy(GoldenModel(program), images.test),
        )

    return Sweep(
        program_digest=project.program.digest,
        calibration_samples=0 if images.calibration is None else len(images.calibration),
        test_samples=0 if images.test is None else len(images.test),
        points=tuple(point(bits) for bits in WORD_LENGTHS),
    )


def stored_model(project: Project, report: Report) -> MonDEQ:
    """The float model that the certificate holds, with the facts that the report has of it.

    Raises
    ------
    InputError
        There is none: no positive margin was proved.
    """
    operator = project.certificate["evidence"].get("operator")
    if operator is None:
        raise InputError("the certificate holds no float model, because no margin was proved for it")
    facts = report.origin.model
    return replace(
        model_from_plain(operator, project.program.input_format.fractional_bits),
        monotonicity_margin=facts["monotonicity_margin"],
        preprocessing=Preprocessing(scale=1.0, input_bits=facts["preprocessing"]["input_bits"]),
        source=facts["source"],
    )


def _images(project: Project, report: Report, config: CompileConfig, model: MonDEQ, data_dir: Path | None) -> Images:
    """The data that ``compile`` used; where it is gone, what the folder holds of it."""
    name = report.origin.resolved["data"]
    if name is None:
        if data_dir is not None:
            raise InputError(f"--data-dir {data_dir}: the folder was compiled without images; leave it out")
        return Images()
    try:
        return choose_images(config.model_copy(update={"data": name}), Checkpoint(model))
    except InputError:
        if data_dir is not None:
            raise
        return _stored_images(project, name)


def _stored_images(project: Project, name: str) -> Images:
    """Calibration words of the certificate, and the labelled samples in ``sim/``."""
    program, samples = project.program, project.certificate["evidence"].get("samples")
    if samples is None:
        raise InputError(f"the images of {name} are gone, and the certificate holds none; name them with --data-dir")
    calibration, test = (
        program.input_format.to_float(words).astype(np.int64)
        for words in (unpacked(samples["words"], samples["count"]), project.stimulus)
    )
    labels = np.load(project.folder / "sim" / "labels.npy", allow_pickle=False)
    return Images(name, calibration, Dataset(name, "test", test, labels))


def _accuracy(golden: GoldenModel, test: Dataset) -> float:
    predicted = golden.predict_raw(golden.words(test.words)).argmax(axis=1)
    return float((predicted == test.labels).mean())
