"""The compiler as one function: named steps over frozen records, then a folder.

    load -> data -> quantize -> certify -> schedule -> golden -> check -> hls -> rtl -> report

Nothing is written before the program is certified (or the user insists), and
the folder appears only when it is complete and the independent checker has
accepted the certificate in it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Unpack

import numpy as np

from .base import InputError, InternalError
from .config import CompileConfig, CompileKeywords, spelled_out
from .folder import CERTIFICATE, check_target, writing
from .hardware import RESOURCE, emit_estimates, emit_hls, emit_ip, emit_rtl
from .problem import MonDEQ, Origin
from .program import GoldenModel, SolverProgram
from .project import Project
from .proof import LARGE_FORM, LARGEST_FORM, Changes, certify, check
from .report import Summary, comparison_figure, write_report
from .rounding import RANGE_SAMPLES
from .steps import (
    Data,
    Pair,
    certified_program,
    checkpoint_of,
    choose_data,
    compared,
    graph_search_of,
    lowered_by,
    named_files,
    resolve,
    scheduled,
    starting_warm,
)

STEPS = ("load", "data", "quantize", "certify", "schedule", "golden", "check", "hls", "rtl", "report")

#: The checker is plain Python: 30 s at so many rows, 50 s at 1,024, then minutes; it is left to ``certificate``.
CHECKED_ROWS = 768

#: Samples in ``sim/``, which ``verify`` and the benches take by default.
STIMULUS_SAMPLES = 256
STIMULUS_SEED = 0

#: Called with a step's name; the step runs inside the context it returns.
StepProgress = Callable[[str], AbstractContextManager[object]]


@spelled_out(CompileConfig)
def compile(
    model: MonDEQ | Origin,
    out: str | os.PathLike[str],
    config: CompileConfig | None = None,
    *,
    calibration: np.ndarray | Pair | str | os.PathLike[str] | None = None,
    test: Pair | str | os.PathLike[str] | None = None,
    force: bool = False,
    progress: StepProgress = nullcontext,
    **options: Unpack[CompileKeywords],
) -> Project:
    """Compile a trained MonDEQ into a build folder.

    Parameters
    ----------
    model : MonDEQ, path, torch.nn.Module or state_dict
        A network, or anything that ``load`` reads.
    out : path
        Folder to make.
    config : CompileConfig, optional
        All options at once; otherwise they are given by name, ``bits=5`` at least (a retrained network has its own).
    calibration : array_like (samples, d), or path, optional
        Inputs of training samples, in the place of a named data set; targets may come with them, as a pair. Or a file
        of them, as the option.
    test : pair of array_like, or path, optional
        Inputs and their targets: labels (samples,), or real values (samples, k). Where it is absent and ``calibration``
        has targets, every fifth sample of a shuffled order (``split_seed``).
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
        The unrolled strategy without the library that searches its graphs.
    InternalError
        The independent checker rejects what was to be written: a bug of ours.
    """
    files, arrays = named_files(calibration=calibration, test=test)
    given = {**options, **files}
    if config is not None and given:
        raise InputError(f"compile got a config and the option {next(iter(given))!r}; give one or the other")
    config = config or CompileConfig(**given)
    target = Path(out)
    check_target(target, force)
    if config.strategy != RESOURCE:
        graph_search_of(config).require()
    with progress("load"):
        checkpoint = checkpoint_of(model, config)
        config = resolve(config, checkpoint)
    with progress("data"):
        data = choose_data(config, checkpoint, **arrays)
    with progress("quantize"):
        lowered = lowered_by(checkpoint.model, config, data)
    with progress("certify"):
        program = certified_program(checkpoint.model, config, data, lowered)
        program = starting_warm(program, checkpoint.model, config, lowered)
        golden = GoldenModel(program)
        seen = None if data.calibration is None else golden.inputs(golden.words(data.calibration[:RANGE_SAMPLES]))
        sizes = (_raw_changes(checkpoint.model, each) for each in (config.eps, config.eps_two))
        changes = Changes.of(program.input_format, *sizes)
        certificate = certify(
            program,
            lowered.proof,
            lowered.model,
            lowered.step_size,
            seen,
            data.task,
            lowered.ranges,
            changes,
            _largest_form(config),
        )
    with progress("schedule"):
        design, graphs = scheduled(program, config)
    with progress("golden"):
        comparison = comparison_figure(compared(lowered.model, program, data), data.task)
    with writing(target, force) as folder:
        program.save(folder)
        certificate.save(folder / CERTIFICATE)
        _write_stimulus(folder / "sim", program, data)
        with progress("check"):
            if is_checked(program):
                _check(folder)
        with progress("hls"):
            emit_hls(program, design.schedule, folder)
        with progress("rtl"):
            emit_rtl(design, folder)
            emit_ip(design, folder)
        with progress("report"):
            write_report(
                Summary(config, checkpoint, data, lowered, program, design.schedule, graphs, comparison), folder
            )
            emit_estimates(design, folder / "report")
    return Project.load(target)


def _raw_changes(model: MonDEQ, sizes: float | tuple[float, ...] | None) -> list[float] | None:
    """Changes of the input that the user names, in the units of the program's."""
    words = model.input_map.words
    return None if sizes is None else [words.raw_change(float(size)) for size in np.atleast_1d(sizes)]


def _largest_form(config: CompileConfig) -> int:
    """Of a large network the gains take minutes: only where what rests on them is asked for."""
    asked = config.eps is not None or config.eps_two is not None or config.state_range == "box"
    return LARGEST_FORM if asked else LARGE_FORM


def is_checked(program: SolverProgram) -> bool:
    """Whether the independent checker proves a program's certificate again before its folder appears."""
    return program.certified and program.n <= CHECKED_ROWS


# -- what is written ---------------------------------------------------------


def _check(folder: Path) -> None:
    """Let the independent checker prove the written certificate again."""
    verdict = check(folder / CERTIFICATE)
    if not verdict.accepted:
        raise InternalError(
            f"the independent checker rejects the certificate that was drawn up: {verdict.reason}. Nothing was "
            "written. This is a bug: please report it with the model and the options"
        )


def _stimulus(program: SolverProgram, data: Data) -> np.ndarray:
    """Input words for simulations: test samples, or noise from sparse to dense."""
    if data.test is not None:
        return GoldenModel(program).words(data.test.first(STIMULUS_SAMPLES).words)
    rng = np.random.default_rng(STIMULUS_SEED)
    form = program.input_format
    words = rng.integers(form.min_word, form.max_word + 1, size=(STIMULUS_SAMPLES, program.d))
    return np.where(rng.random(words.shape) < rng.random((STIMULUS_SAMPLES, 1)), words, 0)


def _stored(words: np.ndarray) -> np.ndarray:
    """int64, or decimal text where the type of the words is Python's and one of them is wider than that."""
    narrow = words.dtype != object or all(-(2**63) <= word < 2**63 for word in words.ravel().tolist())
    return words.astype(np.int64) if narrow else words.astype(str)


def _write_stimulus(folder: Path, program: SolverProgram, data: Data) -> None:
    """``words.npy`` and the ``expected.npy`` outputs; ``targets.npy`` for test samples."""
    folder.mkdir()
    words = _stimulus(program, data)
    np.save(folder / "words.npy", words)
    np.save(folder / "expected.npy", _stored(GoldenModel(program).predict_raw(words)))
    if data.test is not None:
        np.save(folder / "targets.npy", data.test.first(STIMULUS_SAMPLES).targets)
