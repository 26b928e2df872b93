"""The compiler as one function: named steps over frozen records, then a folder.

    load -> data -> quantize -> certify -> schedule -> golden -> hls -> rtl -> report

Nothing is written before the program is certified (or the user insists), and
the folder appears only when it is complete.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from .base import InputError
from .config import CompileConfig, resolve
from .folder import CERTIFICATE, check_target, writing
from .hardware import UNROLLED, emit_hls, emit_rtl, require_da4ml
from .problem import MonDEQ, logits, retrained_bits
from .program import GoldenModel, SolverProgram
from .project import Project
from .proof import certify
from .report import EXACT, Accuracy, Figure, Summary, write_report
from .rounding import lower
from .steps import (
    Images,
    certified_program,
    checkpoint_of,
    choose_images,
    lowering_options,
    scheduled,
)

STEPS = ("load", "data", "quantize", "certify", "schedule", "golden", "hls", "rtl", "report")

#: Samples in ``sim/``, which ``verify`` and the benches take by default.
STIMULUS_SAMPLES = 256
STIMULUS_SEED = 0

#: Called with a step's name; the step runs inside the context it returns.
StepProgress = Callable[[str], AbstractContextManager[object]]


def compile(
    model: MonDEQ | str | os.PathLike[str],
    out: str | os.PathLike[str],
    config: CompileConfig | None = None,
    *,
    force: bool = False,
    progress: StepProgress = nullcontext,
    **options: Any,
) -> Project:
    """Compile a trained MonDEQ into a build folder.

    Parameters
    ----------
    model : MonDEQ or path
        A network, or a checkpoint of any format that ``load`` reads.
    out : path
        Folder to make.
    config : CompileConfig, optional
        All options at once; otherwise they are given by name, ``bits=5`` at least.
    force : bool
        Replace an existing build folder.
    progress : callable
        See :data:`StepProgress`.

    Returns
    -------
    Project

    Raises
    ------
    InputError
        Something about the model, the options, the data or the folder.
    NotCertifiedError
        No proof of contraction, and not ``allow_uncertified``.
    MissingToolError
        The unrolled strategy without da4ml.
    """
    if config is not None and options:
        raise InputError(f"compile got a config and the option {next(iter(options))!r}; give one or the other")
    if config is None:
        config = resolve(options if "bits" in options else {"bits": _own_bits(model), **options})
    target = Path(out)
    check_target(target, force)
    if config.strategy == UNROLLED:
        require_da4ml()
    elif config.graphs is not None:
        raise InputError("--graphs is for --strategy unrolled; leave it out, or ask for that strategy")
    with progress("load"):
        checkpoint = checkpoint_of(model, config)
    with progress("data"):
        images = choose_images(config, checkpoint)
    with progress("quantize"):
        lowered = lower(checkpoint.model, lowering_options(config), images.calibration)
    with progress("certify"):
        program = certified_program(checkpoint.model, config, images, lowered)
        seen = None if images.calibration is None else GoldenModel(program).words(images.calibration)
        certificate = certify(program, lowered.proof, checkpoint.model, lowered.step_size, seen)
    with progress("schedule"):
        folding, graphs = scheduled(program, config)
    with progress("golden"):
        accuracy = measure_accuracy(checkpoint.model, program, images)
    with writing(target, force) as folder:
        program.save(folder)
        certificate.save(folder / CERTIFICATE)
        _write_stimulus(folder / "sim", program, images)
        with progress("hls"):
            emit_hls(program, folding, folder)
        with progress("rtl"):
            emit_rtl(program, folding, folder)
        with progress("report"):
            count = 0 if images.calibration is None else len(images.calibration)
            summary = Summary(
                config, checkpoint, images.name, count, lowered, program, folding, graphs, accuracy
            )
            write_report(summary, folder)
    return Project.load(target)


# -- behaviour ---------------------------------------------------------------


def _own_bits(model: MonDEQ | str | os.PathLike[str]) -> int | None:
    """Word length that a retrained network has already; it need not be given."""
    if isinstance(model, MonDEQ):
        return None if model.stored is None else model.stored.matrix.word_length
    return retrained_bits(model)


def measure_accuracy(model: MonDEQ, program: SolverProgram, images: Images) -> Figure[Accuracy]:
    """Run the golden model and the float network on the test images, if there are any."""
    if images.test is None:
        reason = "no labelled test images were named (--data, --data-dir)"
        return Figure(EXACT, None, reason, "mondeq-hw compile MODEL --data-dir FOLDER")
    golden = GoldenModel(program)
    predicted = golden.predict_raw(golden.words(images.test.words)).argmax(axis=1)
    floating = logits(model, images.test.words).argmax(axis=1)
    labels = images.test.labels
    accuracy = Accuracy(
        samples=len(labels),
        golden=float((predicted == labels).mean()),
        floating=float((floating == labels).mean()),
        agreement=float((predicted == floating).mean()),
    )
    return Figure(EXACT, accuracy)


def _stimulus(program: SolverProgram, images: Images) -> np.ndarray:
    """Input words for simulations: test images, or noise from sparse to dense."""
    if images.test is not None:
        return GoldenModel(program).words(images.test.first(STIMULUS_SAMPLES).words)
    rng = np.random.default_rng(STIMULUS_SEED)
    words = rng.integers(0, program.input_format.max_word + 1, size=(STIMULUS_SAMPLES, program.d))
    return np.where(rng.random(words.shape) < rng.random((STIMULUS_SAMPLES, 1)), words, 0)


def _write_stimulus(folder: Path, program: SolverProgram, images: Images) -> None:
    """``words.npy`` and the ``expected.npy`` outputs; ``labels.npy`` for images."""
    folder.mkdir()
    words = _stimulus(program, images)
    np.save(folder / "words.npy", words)
    np.save(folder / "expected.npy", GoldenModel(program).predict_raw(words).astype(np.int64))
    if images.test is not None:
        np.save(folder / "labels.npy", images.test.first(STIMULUS_SAMPLES).labels)
