"""The steps of a compilation that the pipeline, the search and the report's sweep share."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from .base import MOST_MATRIX_BITS, InputError, NotCertifiedError, OptionError
from .config import CheckpointOptions, CompileConfig, DataOptions, NetworkOptions, WordOptions
from .hardware import (
    AUTO,
    RESOURCE,
    STRAIGHT,
    Design,
    GraphDecision,
    GraphSearch,
    schedule,
    straightened,
    unrolled,
    with_drive,
    with_straight,
)
from .problem import (
    DIGITS,
    GIVEN,
    MNIST,
    SOLVERS,
    TEST,
    TRAIN,
    Arrays,
    Asked,
    Checkpoint,
    Comparison,
    Dataset,
    MonDEQ,
    Origin,
    RawInputs,
    Samples,
    Task,
    box_words,
    check_model,
    choose_task,
    folded_input,
    from_files,
    labelled,
    load_checkpoint,
    logits,
    named,
    overflow_in_words,
)
from .program import MOST_ITERATIONS, GoldenModel, SolverProgram, name_of
from .proof import (
    ContractionProof,
    choose_iterations,
    choose_warm_start,
    constant_output,
    rounds_to_nothing,
    useless_on_samples,
    useless_radius,
)
from .rounding import (
    CALIBRATED,
    MOST_STATE_BITS,
    NEAREST,
    SPECTRAL,
    Lowered,
    LoweringOptions,
    assemble,
    lower,
    noise,
    with_proved_range,
    with_state_bits,
    without_saturation,
)

#: Samples on which an output must be nearer to the float network's than a constant.
COMPARED_SAMPLES = 64
#: Updates of a program without a proof: nothing says how many it needs.
UNCERTIFIED_ITERATIONS = 64

#: Samples of a parametric problem, and what texts call them.
BOX = "the parameters' box"
BOX_SAMPLES, BOX_TEST_SAMPLES = 2048, 1000

#: Inputs (samples, d) and their targets.
Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Data:
    """The data of a compilation, ``None`` where there is none, and what the outputs stand for.

    Parameters
    ----------
    task : Task
    name : str or None
    division : str or None
        Who chose the test samples, and how.
    calibration : ndarray of int64 (samples, d), optional
        Inputs of training samples.
    test : Dataset, optional
        Its targets are those of the task.
    overflow : str
        How many of their values no word stood for, where the nearest was asked for; else empty.
    """

    task: Task
    name: str | None = None
    division: str | None = None
    calibration: np.ndarray | None = None
    test: Dataset | None = None
    overflow: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the samples."""
        state = hashlib.sha256()
        tested = () if self.test is None else (self.test.words, self.test.targets)
        for array in (self.calibration, *tested):
            if array is not None:
                state.update(repr(array.shape).encode() + np.ascontiguousarray(array).tobytes())
        return state.hexdigest()


def graph_search_of(config: CompileConfig) -> GraphSearch:
    """How the adder graphs of the unrolled strategy are to be searched."""
    return GraphSearch(config.graph_search, config.fewest, config.adders_per_stage, config.graph_rows)


def scheduled(program: SolverProgram, config: CompileConfig) -> tuple[Design, tuple[GraphDecision, ...]]:
    """The design of the strategy that was asked for, and what unrolling decided about drive and readout."""
    design, graphs = _folded(program, config)
    straight = config.strategy == STRAIGHT
    plan = replace(
        design.schedule,
        framed=config.framing == "tlast",
        byte_words=config.input_lanes == "bytes",
        harden=config.harden,
        output_beat=config.output_beat or (program.k if straight else 1),
        output_bytes=config.output_lanes == "bytes",
        flags_ends=config.flag_saturation,
    )
    return (straightened if straight else with_straight)(replace(design, schedule=plan)), graphs


def _folded(program: SolverProgram, config: CompileConfig) -> tuple[Design, tuple[GraphDecision, ...]]:
    """The engines of a strategy."""
    if config.strategy == RESOURCE:
        plan = schedule(program, config.reuse_factor, config.input_beat)
        return Design(program, with_drive(program, plan, config.drive)), ()
    kept, reuse, rows = AUTO if config.graphs is None else config.graphs, config.reuse_factor, 1
    if config.strategy == STRAIGHT:
        kept, reuse, rows = ("readout",) if kept == AUTO else kept, reuse or 1, program.injection.rows
    return unrolled(program, kept, reuse, config.input_beat, config.drive, graph_search_of(config), rows)


def lowering_options(config: CompileConfig) -> LoweringOptions:
    """The options that concern the integers."""
    names = LoweringOptions.__dataclass_fields__
    return LoweringOptions(**{name: getattr(config, name) for name in names})


def lowered_by(model: MonDEQ, config: CompileConfig, data: Data) -> Lowered:
    """A network's integers as the options ask for them.

    Raises
    ------
    InputError
        An option that the network's integers contradict, or a range of the state that nothing proves.
    """
    lowered = lower(model, lowering_options(config), data.calibration)
    if model.parameters is None and model.stored is None and config.state_bits is None:
        lowered = with_proved_range(lowered, keep_length=False)
    if config.state_range == "box":
        return without_saturation(lowered, data.task, keep_length=config.state_bits is not None)
    return lowered


def checkpoint_of(model: MonDEQ | Origin, config: NetworkOptions) -> Checkpoint:
    """A network, or a checkpoint read from its file, with the preprocessing that the options ask for.

    Raises
    ------
    InputError
        Something about the file, or nothing says what its preprocessing is.
    """
    return read_checkpoint(model, config, mnist=_data_name(config) == MNIST)


def read_checkpoint(model: MonDEQ | Origin, config: CheckpointOptions, *, mnist: bool = False) -> Checkpoint:
    """As :func:`checkpoint_of`, without data, or with MNIST's: they say what a reference code's preprocessing is."""
    if isinstance(model, MonDEQ):
        check_model(model)
        checkpoint = Checkpoint(model)
    else:
        asked = Asked(config.margin, config.lipschitz_bound, config.input_side)
        checkpoint = load_checkpoint(model, asked, prefix=config.prefix, keys=config.keys)
    given = {"scale": config.input_scale, "mean": config.input_mean, "std": config.input_std, **declared_words(config)}
    return checkpoint.prepared(given, mnist=mnist)


def declared_words(options: WordOptions) -> dict[str, Any]:
    """The fields of a preprocessing by which the options declare the inputs' words; none where they do not.

    Raises
    ------
    OptionError
        A range without a word length, or two declarations.
    """
    if options.input_range is None:
        return {} if options.input_format is None else {"input_format": options.input_format}
    if options.input_format is not None:
        raise OptionError("input_range", "stands beside input_format, which has a range of its own; give one of them")
    if options.input_bits is None:
        raise OptionError("input_bits", "is missing; expected the length of the input range's words, for example 10")
    return {"input_range": options.input_range, "input_bits": options.input_bits}


def resolve(config: CompileConfig, checkpoint: Checkpoint) -> CompileConfig:
    """The options with what the checkpoint decides: a retrained network has its own word length.

    Raises
    ------
    OptionError
        Something is missing, or goes with another option only.
    """
    for name in ("graphs", "fewest", "graph_search", "adders_per_stage", "graph_rows"):
        if getattr(config, name) != CompileConfig.model_fields[name].default and config.strategy == RESOURCE:
            raise OptionError(name, "is for the strategies 'unrolled' and 'straight'; leave it out, or ask for one")
    if config.bits is not None:
        return config
    stored = checkpoint.model.stored
    if stored is None:
        raise OptionError("bits", f"is missing; expected a whole number from 1 to {MOST_MATRIX_BITS}, for example 5")
    return config.model_copy(update={"bits": stored.matrix.word_length})


# -- data --------------------------------------------------------------------


def samples_of(options: DataOptions) -> Samples | None:
    """The samples that the options name; None where they name none.

    Raises
    ------
    InputError
        They name two sources, or samples that are not there.
    MissingToolError
        What reads the file is not installed.
    """
    name = _data_name(options)
    if options.calibration is None and options.test is None:
        for lone in ("targets", "test_targets"):
            if getattr(options, lone) is not None:
                raise OptionError(lone, "goes with a file of samples; name that by calibration or test")
        return None if name is None else named(name, options.data_dir)
    if name is not None:
        raise InputError(f"files of samples were named, and the data set {name!r}; expected one or the other")
    found = from_files(options.calibration, options.targets, options.test, options.test_targets)
    return found.divided(options.split_seed)


def given_samples(options: DataOptions, calibration: np.ndarray | Pair | None, test: Pair | None) -> Samples:
    """The samples of a caller's arrays.

    Raises
    ------
    InputError
        They are no such arrays, or the options name samples too.
    """
    if samples_of(options) is not None:
        raise InputError("arrays were given and samples named (data, calibration, test); expected one or the other")
    train, judge = None, None
    if calibration is not None:
        train = Arrays(*calibration) if _is_pair(calibration) else Arrays(np.asarray(calibration))
        train = train.checked(f"{GIVEN} (train)")
    if test is not None:
        if not _is_pair(test):
            raise InputError(f"test is a {type(test).__name__}; expected a pair of arrays, inputs and targets: (X, y)")
        judge = Arrays(*test).checked(f"{GIVEN} (test)")
    return Samples(GIVEN, train, judge).divided(options.split_seed)


def named_files(**given: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Those of a caller's samples that are files, which are options, and those that are arrays."""
    files = {name: Path(each) for name, each in given.items() if isinstance(each, str | os.PathLike)}
    return files, {name: each for name, each in given.items() if name not in files}


def _is_pair(arrays: Any) -> bool:
    return isinstance(arrays, tuple) and len(arrays) == 2


def choose_data(
    config: CompileConfig,
    checkpoint: Checkpoint,
    calibration: np.ndarray | Pair | None = None,
    test: Pair | None = None,
) -> Data:
    """Calibration and test samples: those given, those named, or the digits for a model trained on them.

    Parameters
    ----------
    config : CompileConfig
    checkpoint : Checkpoint
    calibration : array_like (samples, d), optional
        Inputs of training samples; targets may come with them, as a pair.
    test : pair of array_like (samples, d) and (samples,) or (samples, k), optional

    Raises
    ------
    InputError
        The data is not there, or not of the model's kind.
    """
    if calibration is not None or test is not None:
        samples: Samples | None = given_samples(config, calibration, test)
    else:
        samples = samples_for(config, checkpoint)
    model, known, judge = checkpoint.model, None, None
    if samples is None:
        return Data(choose_task(config.task, model, None)) if model.parameters is None else _from_box(config, model)
    samples = samples.for_inputs(model.d, model.source, model.kept)
    taken = []
    if samples.train is not None:
        first = samples.train.inputs[: config.calibration_samples]
        taken.append(_raw(first, config, f"{samples.name} ({TRAIN})", model))
        known = taken[-1].raw
    if samples.test is not None:
        judge = labelled(samples, TEST)
        taken.append(_raw(judge.words, config, f"{samples.name} ({TEST})", model))
        judge = replace(judge, words=taken[-1].raw)
    task = choose_task(config.task, model, None if judge is None else judge.targets)
    if judge is not None:
        judge = _of_task(judge, task, model.k)
    return Data(task, samples.name, samples.division, known, judge, overflow_in_words(*taken))


def training_sets(options: NetworkOptions, model: MonDEQ, samples: Samples) -> tuple[Task, Dataset, Dataset]:
    """Task, training and test samples for a network.

    They stay whole where the network takes some of their values and all values have the same words: an image is
    shifted whole.

    Raises
    ------
    InputError
        They are not of the model's kind, or have no targets.
    """
    if model.input_map.words.unit.ndim:
        samples = samples.for_inputs(model.d, model.source, model.kept)
    else:
        samples.require_inputs(model.d, model.source, model.kept)
    known, judge = (
        replace(each, words=_raw(each.words, options, f"{samples.name} ({each.split})", model).raw)
        for each in (labelled(samples, split) for split in (TRAIN, TEST))
    )
    task = choose_task(options.task, model, known.targets)
    return task, _of_task(known, task, model.k), _of_task(judge, task, model.k)


def samples_for(options: DataOptions, checkpoint: Checkpoint) -> Samples | None:
    """The samples that the options name; where they name none, the digits for a model trained on them."""
    samples = samples_of(options)
    return named(DIGITS, None) if samples is None and checkpoint.training.dataset == DIGITS else samples


def _of_task(data: Dataset, task: Task, k: int) -> Dataset:
    return replace(data, targets=task.checked(data.targets, k, data.name))


def compared(model: MonDEQ, program: SolverProgram, data: Data) -> Comparison | None:
    """The golden model and the float network on the test samples, if there are any; each the first of a warm start."""
    if data.test is None:
        return None
    words = data.test.words
    return data.task.compare(GoldenModel(program.starting_anew).predict(words), logits(model, words), data.test.targets)


def _data_name(config: DataOptions) -> str | None:
    return config.data or (MNIST if config.data_dir else None)


def _raw(values: np.ndarray, options: DataOptions, name: str, model: MonDEQ) -> RawInputs:
    """Values (samples, d) as a model's raw inputs; a warning counts those that no word stands for."""
    remedy = (
        f"name the data that {model.source} was trained on, declare its values by --input-range, or take the nearest "
        "by --on-overflow saturate"
    )
    return model.input_map.words.raw(values, options.on_overflow, where=name, remedy=remedy).announced(name)


def _from_box(config: CompileConfig, model: MonDEQ) -> Data:
    """Samples of a parametric problem, drawn from its box; the targets of the test are the exact solutions."""
    known, words = (
        box_words(model.input_map.words.ends, model.d, samples, seed)
        for samples, seed in ((min(config.calibration_samples, BOX_SAMPLES), 0), (BOX_TEST_SAMPLES, 1))
    )
    test = Dataset(BOX, "test", words, logits(model, words))
    return Data(choose_task(config.task, model, None), BOX, "drawn by us", known, test)


# -- proof -------------------------------------------------------------------


def certified_program(model: MonDEQ, config: CompileConfig, data: Data, lowered: Lowered) -> SolverProgram:
    """The program with as many iterations as its proof asks for, or as the user does.

    Raises
    ------
    NotCertifiedError
        There is no proof, or it says nothing, and the user does not insist.
    """
    program = _program(model, config, lowered)
    if lowered.proof is None and not config.allow_uncertified:
        raise _refusal(model, config, data, lowered)
    if not config.allow_vacuous:
        reason = says_nothing(model, data, lowered, program)
        if reason is not None:
            raise _vacuous_refusal(model, config, data, lowered, reason)
    return program


def _program(model: MonDEQ, config: CompileConfig, lowered: Lowered) -> SolverProgram:
    """With the iterations of the user, else of the retraining, else of the proof, else of none."""
    asked_for = _asked_for(model, config)
    name = config.name or name_of(PurePath(model.source).stem)

    def program(iterations: int, certified: bool) -> SolverProgram:
        return assemble(lowered.quantized, lowered.input_format, lowered.state_format, iterations, certified, name)

    if lowered.proof is not None:
        return program(asked_for or _iterations(program(1, True), lowered.proof, config), True)
    return program(asked_for or UNCERTIFIED_ITERATIONS, False)


def _asked_for(model: MonDEQ, config: CompileConfig) -> int | None:
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


def _with(model: MonDEQ, config: CompileConfig, data: Data, **changes: Any) -> Lowered | None:
    """A network's integers by other options; None where their proof is missing, or says nothing either."""
    changed = config.model_copy(update=changes)
    lowered = lower(model, lowering_options(changed), data.calibration)
    return lowered if _says_something(model, changed, data, lowered) else None


def _says_something(model: MonDEQ, config: CompileConfig, data: Data, lowered: Lowered) -> bool:
    """Whether there is a proof, of no more updates than there are, and it is not vacuous."""
    try:
        return lowered.proof is not None and not says_nothing(model, data, lowered, _program(model, config, lowered))
    except (NotCertifiedError, InputError):  # more updates than there are, or a bias with too many bits
        return False


def _vacuous_refusal(
    model: MonDEQ, config: CompileConfig, data: Data, lowered: Lowered, reason: str
) -> NotCertifiedError:
    """What the proof lacks, and the nearest thing that does not."""
    remedies = _vacuous_alternatives(model, config, data, lowered)
    remedies.append(
        "go on with it by --allow-vacuous"
        if remedies
        else f"rescale {model.levers.sizes}, or {model.levers.faster}, or go on with it by --allow-vacuous"
    )
    factor = float(lowered.proof.contraction_factor) if lowered.proof is not None else None
    return NotCertifiedError(f"the proof of convergence says nothing: {reason}. {_sentence(remedies)}", factor, None)


def _vacuous_alternatives(model: MonDEQ, config: CompileConfig, data: Data, lowered: Lowered) -> list[str]:
    """What makes the proof say something: options of the same matrix, or, where there are none, of another."""
    found = []
    if _asked_for(model, config) is not None and lowered.proof is not None:
        with suppress(NotCertifiedError):
            count = choose_iterations(_program(model, config, lowered).replace(iterations=1), lowered.proof)
            more = config.model_copy(update={"iterations": count})
            found += [f"use --iterations {count}"] if _says_something(model, more, data, lowered) else []
    if model.stored is not None:
        return found
    first = lowered.state_format.word_length + 1
    longer = ((bits, with_state_bits(lowered, bits)) for bits in range(first, MOST_STATE_BITS + 1))
    enough = next((bits for bits, other in longer if _says_something(model, config, data, other)), None)
    found += [] if enough is None else [f"use --state-bits {enough}"]
    if config.step_size is not None:
        free = _with(model, config, data, step_size=None)
        return found + ([] if free is None else [f"use --step-size {free.step_size:g}"])
    if not found:
        fixed = (name for name in ("drive_bits", "readout_bits") if getattr(config, name) is not None)
        needless = (name for name in fixed if _with(model, config, data, **{name: None}))
        found += [f"leave --{name.replace('_', '-')} out" for name in needless]
    if not found:
        finer = range(lowering_options(config).bits + 1, MOST_MATRIX_BITS + 1)
        enough = next((bits for bits in finer if _with(model, config, data, bits=bits)), None)
        found += [] if enough is None else [f"use --bits {enough}"]
        others = (name for name in SOLVERS if name != config.solver)
        found += [
            f"use --solver {name.replace('_', '-')}" for name in others if _with(model, config, data, solver=name)
        ]
    return found


def _iterations(program: SolverProgram, proof: ContractionProof, config: CompileConfig) -> int:
    """The certificate's; the most there are where it asks for more and the user insists, with the radius of these."""
    try:
        return choose_iterations(program, proof)
    except NotCertifiedError:
        if not config.allow_uncertified:
            raise
        return MOST_ITERATIONS


def _refusal(model: MonDEQ, config: CompileConfig, data: Data, lowered: Lowered) -> NotCertifiedError:
    """What failed, and the nearest thing that does not."""
    failed = (
        f"no proof of convergence at {config.bits} bits ({config.solver}, {lowered.rounding} rounding, per "
        f"{config.granularity}): the contraction factor is {lowered.contraction_estimate:.6f}, expected below 1."
    )
    if model.stored is not None:  # its integers are what they are
        remedies, smallest = ["retrain the network with a stronger penalty on the norm"], None
    else:
        remedies, smallest = _certified_alternatives(model, config, data, lowered.rounding)
        failed += "" if smallest is not None else f" No word length up to {MOST_MATRIX_BITS} bits is certified either."
    remedies.append("go on without proof by --allow-uncertified")
    return NotCertifiedError(f"{failed} {_sentence(remedies)}", lowered.contraction_estimate, smallest)


def _certified_alternatives(
    model: MonDEQ, config: CompileConfig, data: Data, used: str
) -> tuple[list[str], int | None]:
    """Options that are provable, and the smallest word length among them that needs nothing else changed."""

    def provable(name: str, value: Any) -> bool:
        return _with(model, config, data, **{name: value}) is not None

    # A proof at one word length says nothing of the next: shorter ones count too.
    asked = lowering_options(config).bits
    lengths = (range(1, asked), range(asked + 1, MOST_MATRIX_BITS + 1))
    found = [next((bits for bits in each if provable("bits", bits)), None) for each in lengths]
    shorter, longer = found
    smallest = shorter if shorter is not None else longer
    remedies = []
    if smallest is not None:
        remedies.append(f"use --bits {smallest}, the smallest certified word length")
    if longer is not None and longer != smallest:
        remedies.append(f"use --bits {longer}, the next longer one")
    roundings = (SPECTRAL, NEAREST) if data.calibration is None else (CALIBRATED, SPECTRAL, NEAREST)
    others = (name for name in roundings if name not in (config.rounding, used))
    rounding = next((name for name in others if provable("rounding", name)), None)
    if rounding is not None:
        remedies.append(f"use --rounding {rounding}, which is certified at {config.bits} bits")
    return remedies, smallest


def _sentence(remedies: list[str]) -> str:
    text = ", or ".join(remedies)
    return text[0].upper() + text[1:]
