"""The compiler as one function: named steps over frozen records, then a folder.

    load -> data -> quantize -> certify -> schedule -> golden -> hls -> rtl -> report

Nothing is written before the program is certified (or the user insists), and
the folder appears only when it is complete.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import data, hls, reference, report_compile, rtl
from .adder_graph import require_da4ml
from .certify import certify, choose_iterations
from .config import CompileConfig, resolve
from .errors import InputError, NotCertifiedError
from .golden import GoldenModel
from .load import Checkpoint, check_model, check_preprocessing, load_checkpoint, retrained_bits
from .lower import CALIBRATED, NEAREST, SPECTRAL, Lowered, LoweringOptions, lower
from .model import MonDEQ
from .program import SolverProgram, assemble
from .project import CERTIFICATE, Project, check_target, writing
from .report import EXACT, Accuracy, Figure
from .schedule import UNROLLED, Schedule, schedule
from .unroll import AUTO, Choice, unrolled

STEPS = ("load", "data", "quantize", "certify", "schedule", "golden", "hls", "rtl", "report")

#: Updates of a program without a proof: nothing says how many it needs.
UNCERTIFIED_ITERATIONS = 64
#: Samples in ``sim/``, which ``verify`` and the benches take by default.
STIMULUS_SAMPLES = 256
STIMULUS_SEED = 0

#: Called with a step's name; the step runs inside the context it returns.
Progress = Callable[[str], AbstractContextManager[object]]


@dataclass(frozen=True)
class Images:
    """The data of a compilation; ``None`` where there is none.

    Parameters
    ----------
    name : str or None
    calibration : ndarray of int64 (samples, d), optional
        Training images.
    test : Dataset, optional
    """

    name: str | None = None
    calibration: np.ndarray | None = None
    test: data.Dataset | None = None


def compile(
    model: MonDEQ | str | os.PathLike[str],
    out: str | os.PathLike[str],
    config: CompileConfig | None = None,
    *,
    force: bool = False,
    progress: Progress = nullcontext,
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
        See :data:`Progress`.

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
        certificate = certify(program, lowered.proof, checkpoint.model, lowered.quantized, seen)
    with progress("schedule"):
        folding, graphs = scheduled(program, config)
    with progress("golden"):
        accuracy = measure_accuracy(checkpoint.model, program, images)
    with writing(target, force) as folder:
        program.save(folder)
        certificate.save(folder / CERTIFICATE)
        _write_stimulus(folder / "sim", program, images)
        with progress("hls"):
            hls.emit(program, folding, folder)
        with progress("rtl"):
            rtl.emit(program, folding, folder)
        with progress("report"):
            count = 0 if images.calibration is None else len(images.calibration)
            summary = report_compile.Summary(
                config, checkpoint, images.name, count, lowered, program, folding, graphs, accuracy
            )
            report_compile.write(summary, folder)
    return Project.load(target)


def scheduled(program: SolverProgram, config: CompileConfig) -> tuple[Schedule, tuple[Choice, ...]]:
    """The schedule of the strategy that was asked for, and what unrolling decided about drive and readout."""
    if config.strategy == UNROLLED:
        return unrolled(program, AUTO if config.graphs is None else config.graphs, config.reuse_factor)
    return schedule(program, config.reuse_factor), ()


def _own_bits(model: MonDEQ | str | os.PathLike[str]) -> int | None:
    """Word length that a retrained network has already; it need not be given."""
    if isinstance(model, MonDEQ):
        return None if model.stored is None else model.stored.matrix.word_length
    return retrained_bits(model)


def lowering_options(config: CompileConfig) -> LoweringOptions:
    """The options that concern the integers."""
    names = LoweringOptions.__dataclass_fields__
    return LoweringOptions(**{name: getattr(config, name) for name in names})


def checkpoint_of(model: MonDEQ | str | os.PathLike[str], config: CompileConfig) -> Checkpoint:
    """A network, or a checkpoint read from its file, with the preprocessing that the options ask for."""
    if isinstance(model, MonDEQ):
        check_model(model)
        checkpoint = Checkpoint(model)
    else:
        checkpoint = load_checkpoint(model, config.margin)
    given: Mapping[str, Any] = {
        "scale": config.input_scale,
        "mean": None if config.input_mean is None else np.array(config.input_mean),
        "std": None if config.input_std is None else np.array(config.input_std),
    }
    changes = {key: value for key, value in given.items() if value is not None}
    if not changes:
        return checkpoint
    if checkpoint.model.stored is not None:
        raise InputError(
            f"{checkpoint.model.source}: the preprocessing of a retrained network is part of its integers; leave "
            "--input-scale, --input-mean and --input-std out"
        )
    preprocessing = check_preprocessing(replace(checkpoint.model.preprocessing, **changes), "--input-scale/mean/std")
    return replace(checkpoint, model=replace(checkpoint.model, preprocessing=preprocessing))


# -- data --------------------------------------------------------------------


def choose_images(config: CompileConfig, checkpoint: Checkpoint) -> Images:
    """Calibration and test images: those named, or the digits for a model trained on them.

    Raises
    ------
    InputError
        The data is not there, or not of the model's kind.
    """
    name = config.data or (data.MNIST if config.data_dir else None)
    if name is None and checkpoint.training.dataset == data.DIGITS:
        name = data.DIGITS
    if name is None:
        return Images()
    train, test = (data.named(name, split, config.data_dir) for split in ("train", "test"))
    _check_images(train, checkpoint.model)
    return Images(name, train.first(config.calibration_samples).words, test)


def _check_images(images: data.Dataset, model: MonDEQ) -> None:
    top = 2**model.preprocessing.input_bits - 1
    if images.d != model.d:
        raise InputError(
            f"{images.name} has {images.d} pixels, but {model.source} takes {model.d} inputs; name the data that the "
            "model was trained on with --data, or none"
        )
    if images.labels.max() >= model.k:
        raise InputError(
            f"{images.name} has {images.labels.max() + 1} classes, but {model.source} has {model.k} outputs; name the "
            "data that the model was trained on with --data, or none"
        )
    if images.words.max() > top:
        raise InputError(
            f"{images.name} has pixels up to {images.words.max()}, but {model.source} takes words up to {top} "
            f"(input_bits {model.preprocessing.input_bits}); name the data that the model was trained on with --data"
        )


# -- proof -------------------------------------------------------------------


def certified_program(model: MonDEQ, config: CompileConfig, images: Images, lowered: Lowered) -> SolverProgram:
    """The program with as many iterations as its proof asks for, or as the user does.

    Raises
    ------
    NotCertifiedError
        There is no proof, and the user does not insist.
    """

    def program(iterations: int, certified: bool) -> SolverProgram:
        return assemble(
            lowered.quantized, lowered.input_format, lowered.state_format, iterations, certified, _identifier(model)
        )

    if lowered.proof is not None:
        return program(config.iterations or choose_iterations(program(1, True), lowered.proof), True)
    if not config.allow_uncertified:
        raise _refusal(model, config, images, lowered)
    return program(config.iterations or UNCERTIFIED_ITERATIONS, False)


def _refusal(model: MonDEQ, config: CompileConfig, images: Images, lowered: Lowered) -> NotCertifiedError:
    """What failed, and the nearest thing that does not."""
    failed = (
        f"no proof of convergence at {config.bits} bits ({config.solver}, {lowered.rounding} rounding, per "
        f"{config.granularity}): the contraction factor is {lowered.contraction_estimate:.6f}, expected below 1."
    )
    if model.stored is not None:  # its integers are what they are
        remedies, smallest = ["retrain the network with a stronger penalty on the norm"], None
    else:
        remedies, smallest = _certified_alternatives(model, config, images, lowered.rounding)
        failed += "" if smallest is not None else " No word length up to 16 bits is certified either."
    remedies.append("go on without proof by --allow-uncertified")
    return NotCertifiedError(f"{failed} {_sentence(remedies)}", lowered.contraction_estimate, smallest)


def _certified_alternatives(
    model: MonDEQ, config: CompileConfig, images: Images, used: str
) -> tuple[list[str], int | None]:
    """Options that are provable, and the smallest word length among them that needs nothing else changed."""
    options = lowering_options(config)

    def provable(changed: LoweringOptions) -> bool:
        return lower(model, changed, images.calibration).proof is not None

    remedies = []
    longer = (replace(options, bits=bits) for bits in range(config.bits + 1, 17))
    smallest = next((option.bits for option in longer if provable(option)), None)
    if smallest is not None:
        remedies.append(f"use --bits {smallest}, the smallest certified word length")
    roundings = (SPECTRAL, NEAREST) if images.calibration is None else (CALIBRATED, SPECTRAL, NEAREST)
    others = (name for name in roundings if name not in (config.rounding, used))
    rounding = next((name for name in others if provable(replace(options, rounding=name))), None)
    if rounding is not None:
        remedies.append(f"use --rounding {rounding}, which is certified at {config.bits} bits")
    return remedies, smallest


def _sentence(remedies: list[str]) -> str:
    text = ", or ".join(remedies)
    return text[0].upper() + text[1:]


def _identifier(model: MonDEQ) -> str:
    return Path(model.source).stem


# -- behaviour ---------------------------------------------------------------


def measure_accuracy(model: MonDEQ, program: SolverProgram, images: Images) -> Figure[Accuracy]:
    """Run the golden model and the float network on the test images, if there are any."""
    if images.test is None:
        reason = "no labelled test images were named (--data, --data-dir)"
        return Figure(EXACT, None, reason, "mondeq-hw compile MODEL --data-dir FOLDER")
    golden = GoldenModel(program)
    predicted = golden.predict_raw(golden.words(images.test.words)).argmax(axis=1)
    floating = reference.logits(model, images.test.words).argmax(axis=1)
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
