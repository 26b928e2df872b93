"""The smallest certified word lengths that reach a target score, distance from the float network, or error radius.

Measuring a point is a compilation up to the golden model, by the functions that ``compile`` itself calls.
Two ways through the lattice of points:

descent (a heuristic)
    From the widest words, always to the cheapest of the points that have one word length shorter by one (or fewer
    updates) and still reach the target, until there is none.  The cheapest point seen is a local minimum: every word
    length one shorter was measured.  Beyond a budget of the hardware the walk goes to where it is exceeded least; when
    the error is minimised, to where the score falls least, and longer words are measured around the end as well.
exhaustive
    Every point.  Ends in the minimum of the lattice.

Before either, the sweep: every length of the iteration matrix, the other words at their widest.

Integers are measured once; their foldings are compared by the cycle model and the estimates.

The score (accuracy, or R squared) is that of every other test sample, and the rest judges the winner once.  Training
samples would not do: a network does far better on those that it was trained on than on any others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from ..base import IN_PROCESS, Executor, InputError, OptionError, __version__, canonical_digest
from ..config import DataOptions
from ..hardware import ECP5, RESOURCE, GraphSearch, estimate, initiation_interval, latency
from ..problem import Dataset, MonDEQ, logits
from ..program import GoldenModel, SolverProgram
from ..proof import error_bound, float_up, proved_distance, state_radius
from ..rounding import Lowered, lower, with_state_bits
from ..steps import Data, Pair, certified_program, checkpoint_of, choose_data, lowering_options, says_nothing, scheduled
from .cache import Cache
from .journal import Journal, exclusive
from .result import Judgement, SearchResult
from .settings import SearchSettings
from .space import AXES, ERROR, Choice, Lattice, SearchPoint

#: No multiplier goes into a DSP block, so that the estimates of all points count the same thing.
ALL_IN_LUTS = 16
#: Options that no point depends on, or that are the point's own.
NOT_SHARED = {*AXES, "solver", "strategy", "allow_uncertified", "allow_vacuous", *DataOptions.model_fields}

#: Samples on which every point's outputs are compared with the float network's.
COMPARED_SAMPLES = 256

#: Called with how many points are done, and how many there will be at most.
SearchObserver = Callable[[int, int], None]


def search(
    model: Path,
    settings: SearchSettings,
    folder: Path,
    executor: Executor = IN_PROCESS,
    observe: SearchObserver | None = None,
    *,
    cache: Path | None = None,
    calibration: np.ndarray | Pair | None = None,
    test: Pair | None = None,
) -> SearchResult:
    """Find the cheapest point of the lattice that reaches the target.

    The result is the same wherever the points are measured, and after any number of interruptions.  The points are
    written here alone, each as soon as its task is done.

    Parameters
    ----------
    model : path
        A float checkpoint.
    settings : SearchSettings
    folder : path
        Holds the journal; points that are in it already are not measured again.
    executor : Executor
        Measures the points.
    observe : callable, optional
    cache : path, optional
        Folder of points that searches share.
    calibration, test
        Arrays in the place of a named data set, as of ``compile``.

    Raises
    ------
    InputError
        Something about the model, the data or the folder.
    """
    experiment = open_experiment(model, settings, calibration, test)
    lattice = settings.lattice
    with exclusive(folder, experiment.key) as journal:
        shared = None if cache is None else Cache(cache, experiment.key)
        measured = _Measured(experiment, journal, shared, executor, observe)
        sweep = lattice.folded(lattice.sweep())
        if settings.exhaustive:
            measured([*sweep, *lattice.choices()])
        else:
            measured(sweep, ahead=sum(map(lattice.most_ahead, _widest(lattice.sweep()).values())))
            _descend(settings, measured)
            _settle(settings, measured)
    points = tuple(measured.points[choice] for choice in sorted(measured.points))
    winner = _cheapest(settings, points)
    best = winner or settings.target.nearest(points)
    return SearchResult(
        settings=settings,
        source=experiment.model.source,
        task=experiment.data.task,
        data=experiment.data.name,
        points=points,
        sweep=tuple(measured.points[choice] for choice in lattice.sweep()),
        winner=winner,
        best=best,
        judgement=None if best is None else _judge(experiment, best.choice),
        proved_distance=None if best is None else _distance_of(experiment, best.choice),
    )


# -- the walk ----------------------------------------------------------------


def _descend(settings: SearchSettings, measured: _Measured) -> None:
    """Walk every solver down from its widest point that is good enough, side by side."""
    lattice = settings.lattice
    first = (_best(settings, measured, lattice.folded([choice])) for choice in lattice.sweep())
    at = {point.choice.solver: point for point in first if point is not None}
    while at:
        below = {solver: lattice.folded(lattice.shorter(point.choice)) for solver, point in at.items()}
        ahead = sum(max(0, lattice.most_ahead(point.choice) - lattice.most_beside) for point in at.values())
        measured([choice for each in below.values() for choice in each], ahead)
        at = {solver: step for solver, point in at.items() if (step := _step(settings, measured, point, below[solver]))}


def _settle(settings: SearchSettings, measured: _Measured) -> None:
    """Measure around the cheapest point until it is a local minimum: the score is not monotone in the word lengths,
    so that a point of the sweep, or one beside a walk, can be cheaper than where the walks ended."""
    lattice = settings.lattice
    while (cheapest := _cheapest(settings, measured.points.values())) is not None:
        beside = lattice.shorter(cheapest.choice)
        beside += lattice.longer(cheapest.choice) if settings.minimise == ERROR else []
        around = lattice.folded(beside)
        if measured.points.keys() >= set(around):
            return
        measured(around)


def _cheapest(settings: SearchSettings, points: Iterable[SearchPoint]) -> SearchPoint | None:
    reached = (point for point in points if settings.target.reached_by(point))
    return min(reached, key=lambda point: point.cost(settings.minimise), default=None)


def _rank(settings: SearchSettings, point: SearchPoint) -> tuple[float, tuple[float, int, int, Choice]]:
    """What falls on a walk: first what is too much for the budgets, then the cost."""
    return settings.target.excess(point), point.cost(settings.minimise)


def _best(settings: SearchSettings, measured: _Measured, choices: Iterable[Choice]) -> SearchPoint | None:
    good = (point for point in map(measured.points.__getitem__, choices) if settings.target.good(point))
    return min(good, key=lambda point: _rank(settings, point), default=None)


def _step(
    settings: SearchSettings, measured: _Measured, at: SearchPoint, below: Sequence[Choice]
) -> SearchPoint | None:
    """The best of the points below that are good enough, if it is better; of the least error as long as that falls."""
    good = [point for point in map(measured.points.__getitem__, below) if settings.target.good(point)]
    better = [point for point in good if _rank(settings, point) < _rank(settings, at)]
    if settings.minimise == ERROR:
        return min(better, key=lambda point: (point.figure(ERROR), _rank(settings, point)), default=None)
    return min(better, key=lambda point: _rank(settings, point), default=None)


def _widest(sweep: Sequence[Choice]) -> dict[str, Choice]:
    """The last choice of each solver; a sweep ascends."""
    return {choice.solver: choice for choice in sweep}


@dataclass
class _Measured:
    """The points of this search; called with choices, it adds those that are missing."""

    experiment: Experiment
    journal: Journal
    cache: Cache | None
    executor: Executor
    observe: SearchObserver | None
    points: dict[Choice, SearchPoint] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._known = {point.choice: point for point in map(_restored, self.journal.read())}

    def __call__(self, choices: Sequence[Choice], ahead: int = 0) -> None:
        """Measure; ``ahead`` is how many more points may be asked for later."""
        asked = set(choices)
        self.points |= {choice: self._known[choice] for choice in asked & set(self._known)}
        for choice in sorted(asked - set(self.points)):
            self._take_from_cache(choice)
        missing = sorted(asked - set(self.points))
        self._report(len(missing) + ahead)
        groups = [tuple(group) for _, group in groupby(sorted(missing, key=_by_lowering), key=_lowering_of)]
        tasks = {_digest(self.experiment, group): group for group in groups}
        for _, points in self.executor.results(measure, self.experiment, tasks):
            for point in points:
                self._keep(point)
            self._report(len(asked - set(self.points)) + ahead)

    def _take_from_cache(self, choice: Choice) -> None:
        record = None if self.cache is None else self.cache.read(choice)
        if record is not None:
            self.points[choice] = _restored(record)
            self.journal.append(record)

    def _keep(self, point: SearchPoint) -> None:
        self.points[point.choice] = point
        self.journal.append(point.to_plain())
        if self.cache is not None:
            self.cache.write(point.choice, point.to_plain())

    def _report(self, remaining: int) -> None:
        if self.observe is not None:
            self.observe(len(self.points), len(self.points) + remaining)


def _lowering_of(choice: Choice) -> tuple[str, int, int, int, int | None]:
    """What :func:`lower` depends on, the state's length apart."""
    return choice.solver, choice.bits, choice.drive_bits, choice.readout_bits, choice.input_bits


def _by_lowering(choice: Choice) -> tuple[tuple[str, int, int, int, int | None], Choice]:
    return _lowering_of(choice), choice


def _digest(experiment: Experiment, choices: Sequence[Choice]) -> str:
    """Key of a task."""
    return canonical_digest({"key": experiment.key, "choices": [asdict(choice) for choice in choices]})


def _restored(record: dict[str, object]) -> SearchPoint:
    try:
        return SearchPoint.from_plain(record)
    except (KeyError, TypeError) as error:
        raise InputError(f"the search's journal holds a damaged point ({error!r}); name another --out") from None


# -- one point ---------------------------------------------------------------


@dataclass(frozen=True)
class Experiment:
    """What all points share.

    Parameters
    ----------
    settings : SearchSettings
    model : MonDEQ
    data : Data
    key : str
        Digest of the model's file, the data, the shared options and the version.
    inputs : ndarray (samples, d)
        Raw inputs on which outputs are compared with the float network's: calibration samples, or noise without any.
    outputs : ndarray (samples, k)
        The float network's.
    """

    settings: SearchSettings
    model: MonDEQ
    data: Data
    key: str
    inputs: np.ndarray
    outputs: np.ndarray


def open_experiment(
    file: Path,
    settings: SearchSettings,
    calibration: np.ndarray | Pair | None = None,
    test: Pair | None = None,
) -> Experiment:
    """Load the model and its data.

    Raises
    ------
    InputError
        They cannot be read, or do not go together with each other or the target.
    """
    checkpoint = checkpoint_of(file, settings.base)
    if checkpoint.model.carried is not None:
        raise InputError(
            f"{file}: carries a state from sample to sample, and the search compares samples one by one; compile it at "
            "the word lengths that you want to compare"
        )
    model = checkpoint.model
    data = choose_data(settings.base, checkpoint, calibration, test)
    if model.stored is not None:
        raise InputError(
            f"{file}: is a retrained network, whose word lengths are fixed; search with the float network it came from"
        )
    if settings.target.score is not None and data.test is None:
        raise InputError(
            f"{data.task.target_option} needs test samples with targets; name them by --calibration and --targets, or "
            "--data, or give --target-distance, --target-proved-distance or --target-radius"
        )
    if data.test is not None and len(data.test) < 2:
        raise InputError("one test sample is not enough: one half chooses, the other judges; give more")
    if settings.minimise == ERROR and data.test is None:
        raise InputError(
            "the error is minimised on test samples with targets, and there are none; name them by --calibration and "
            "--targets, or --data, or give another --minimise"
        )
    _check_lattice(settings.lattice, model)
    shared = settings.base.model_dump(mode="json", exclude=NOT_SHARED)
    state = hashlib.sha256(json.dumps([__version__, data.task.name, shared], sort_keys=True).encode() + b"balances")
    if settings.target.proved_distance is not None:
        state.update(b"proved")
    state.update(hashlib.sha256(file.read_bytes()).digest())
    state.update(data.digest.encode())
    inputs = _compared_inputs(model, data)
    return Experiment(settings, model, data, state.hexdigest(), inputs, logits(model, inputs))


def _check_lattice(lattice: Lattice, model: MonDEQ) -> None:
    """Raise where a value of an axis is none for this network."""
    mosts = {
        "input_bits": (model.input_map.words.format.word_length, "bits of an input word"),
        "reuse_factor": (model.n * model.n, "n * n, one multiplier"),
        "input_beat": (model.d, "the words of a sample"),
    }
    for name, (most, meaning) in mosts.items():
        last = getattr(lattice, name)[-1]
        if last is not None and last > most:
            raise OptionError(name, f"goes up to {last}; expected at most {most} ({meaning})")
    if set(lattice.strategy) != {RESOURCE}:
        GraphSearch().require()


def _distance_of(experiment: Experiment, choice: Choice) -> tuple[float, ...] | None:
    """What is proved of every output's distance from the float network's."""
    lowered = _lowered(experiment, choice)
    return _proved_distance(experiment, _program(experiment, choice, lowered), lowered)


def _proved_distance(experiment: Experiment, program: SolverProgram, lowered: Lowered) -> tuple[float, ...] | None:
    if lowered.proof is None:
        return None
    return proved_distance(program, lowered.proof, lowered.model, lowered.step_size, experiment.data.task)


def _compared_inputs(model: MonDEQ, data: Data) -> np.ndarray:
    if data.calibration is not None:
        return data.calibration[:COMPARED_SAMPLES]
    words = model.input_map.words.format
    noise = np.random.default_rng(0).integers(words.min_word, words.max_word + 1, size=(COMPARED_SAMPLES, model.d))
    return words.to_float(noise)


def measure(experiment: Experiment, choices: Sequence[Choice]) -> list[SearchPoint]:
    """Measure choices of one lowering, each program once in all of its foldings: a task, which writes nothing."""
    lowered = _lowered(experiment, choices[0])
    points = []
    for integers, foldings in groupby(choices, key=lambda choice: choice.integers):
        of_state = with_state_bits(lowered, integers.state_bits)
        point, folded = _point(experiment, integers, of_state), list(foldings)
        if folded == [integers]:  # as the compiler folds it, which is measured
            points.append(point)
        else:
            program = _program(experiment, integers, of_state)
            points += [_folded(experiment, point, program, choice) for choice in folded]
    return points


def _lowered(experiment: Experiment, choice: Choice) -> Lowered:
    config = experiment.settings.config(choice)
    return lower(experiment.model, lowering_options(config), experiment.data.calibration)


def _program(experiment: Experiment, choice: Choice, lowered: Lowered) -> SolverProgram:
    """As compiled; without a proof as ``--allow-uncertified`` compiles it."""
    config = experiment.settings.config(choice).model_copy(update={"allow_uncertified": True, "allow_vacuous": True})
    return certified_program(experiment.model, config, experiment.data, lowered)


def _point(experiment: Experiment, choice: Choice, lowered: Lowered) -> SearchPoint:
    """Integers measured, in the folding that the compiler chooses."""
    program, test = _program(experiment, choice, lowered), experiment.data.test
    # A proof that says nothing is none: no target is reached by it.
    proof = None if says_nothing(experiment.model, experiment.data, lowered, program) else lowered.proof
    asked = proof is not None and experiment.settings.target.proved_distance is not None
    bounds = _proved_distance(experiment, program, lowered) if asked else None
    matrices = (program.matrix, program.drive, program.readout)
    return SearchPoint(
        choice=choice,
        proved=proof is not None,
        contraction_factor=lowered.contraction_estimate if proof is None else float(proof.contraction_factor),
        iterations=program.iterations,
        distance=float(np.abs(GoldenModel(program).predict(experiment.inputs) - experiment.outputs).max()),
        radius=None if proof is None else float_up(state_radius(program, proof, error_bound(program, proof))),
        score=None if test is None else _score(experiment, program, _half(test, 0)),
        proved_distance=None if bounds is None else max(bounds),
        memory_bits=sum(matrix.memory_bits for matrix in matrices) + program.n * choice.state_bits,
        **_costs(experiment, program, choice),
    )


def _folded(experiment: Experiment, point: SearchPoint, program: SolverProgram, choice: Choice) -> SearchPoint:
    """The same integers in another folding."""
    return point if choice == point.choice else replace(point, choice=choice, **_costs(experiment, program, choice))


def _costs(experiment: Experiment, program: SolverProgram, choice: Choice) -> dict[str, Any]:
    """What the hardware costs, by the cycle model and the estimates."""
    design, _ = scheduled(program, experiment.settings.config(choice))
    plan = design.schedule
    return {
        "estimated_luts": estimate(program, plan, ECP5, ALL_IN_LUTS).luts,
        "latency_cycles": latency(plan, program.iterations),
        "interval_cycles": initiation_interval(plan, program.iterations),
    }


def _half(test: Dataset, first: int) -> Dataset:
    """The samples that choose (from 0), or those that judge (from 1)."""
    return replace(test, words=test.words[first::2], targets=test.targets[first::2])


def _score(experiment: Experiment, program: SolverProgram, test: Dataset) -> float:
    return experiment.data.task.score(GoldenModel(program).predict(test.words), test.targets)


def _judge(experiment: Experiment, choice: Choice) -> Judgement | None:
    test = experiment.data.test
    if test is None:
        return None
    program = _program(experiment, choice, _lowered(experiment, choice))
    task, floating = experiment.data.task, logits(experiment.model, test.words)
    chose, kept = _half(test, 0), _half(test, 1)
    return Judgement(
        selection_samples=len(chose),
        selection_score=_score(experiment, program, chose),
        selection_float=task.score(floating[::2], chose.targets),
        kept_samples=len(kept),
        kept_score=_score(experiment, program, kept),
        kept_float=task.score(floating[1::2], kept.targets),
        kept=task.compare(GoldenModel(program).predict(kept.words), floating[1::2], kept.targets),
    )
