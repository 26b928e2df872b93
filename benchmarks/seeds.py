"""Accuracy over seeds: straight-through and both forms of LOTION beside rounding, at 1 to 4 bits.

    python benchmarks/seeds.py [--shared DIR]              # MNIST, hours; a run that was killed continues
    python benchmarks/seeds.py --bits 2 --seeds 5 6        # a part of it, or more seeds
    python benchmarks/seeds.py --jobs 8                    # trainings at a time, or --scheduler tcp://HOST:8786 (Dask)
    python benchmarks/seeds.py --data digits --results F   # the same in small, a minute
    python benchmarks/seeds.py --report                    # table in docs/training.md and plot, from the results file

Every network is an integer network with a proof: drive 4 bits, readout 6.
What the golden model classifies rightly on the test set goes, with everything
that the run depends on, to a results file of JSON lines; what stands there is
not run again.

Hyper-parameters are chosen on validation images, for each method and word
length.  The published network has seen all training images
(it classifies 99.98 % of them rightly), so a validation part of them says
little about it.  The choices are made on a stand-in: trained here likewise,
without shifts, but with the validation part held out.
"""

from __future__ import annotations

import argparse
import hashlib
import pickle
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TypeVar

import torch
from published import arguments, golden_accuracy, program_of
from seeds_results import FINE_TUNED, FROM_SCRATCH, STAND_IN, Choice, Floating, Results, Retrained, Rounded, Trial
from seeds_tables import report, table

from mondeq_hw.base import IN_PROCESS, Executor, open_executor
from mondeq_hw.learning import CALIBRATION_SAMPLES
from mondeq_hw.problem import (
    DIGITS,
    DIGITS_INPUT_BITS,
    DIGITS_SCALE,
    MNIST,
    MNIST_PREPROCESSING,
    Dataset,
    MonDEQ,
    Preprocessing,
    Training,
    digits,
    load,
    mnist,
    save,
)
from mondeq_hw.rounding import Lowered, LoweringOptions, lower
from mondeq_hw.training import (
    LEARNERS,
    Optimisation,
    QatConfig,
    QatResult,
    TrainingConfig,
    accuracy,
    certified_program,
    normalisation,
    retrain,
    train,
)

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "seeds.jsonl"
DRIVE_BITS, READOUT_BITS = 4, 6
Item = TypeVar("Item")


@dataclass(frozen=True)
class Candidate:
    """A way to retrain: a method of ``mondeq-hw qat``, and how."""

    method: str
    config: QatConfig

    def seeded(self, seed: int) -> Candidate:
        """With another seed."""
        return replace(self, config=replace(self.config, optimisation=replace(self.config.optimisation, seed=seed)))


@dataclass(frozen=True)
class Study:
    """What is run.

    Parameters
    ----------
    data, test : Dataset
    checkpoint : MonDEQ
        Where fine-tuning starts.
    preprocessing : Preprocessing
        Of the networks trained here.
    training : TrainingConfig
        Of those; the seed is replaced.
    stand_in : TrainingConfig
        Of the network that the choices are made on.
    candidates : tuple of tuples of Candidate
        Of one method each; one of them is chosen, by word length.
    seeds : tuple of int
    modes, bits : tuple
        In this order.
    folder : Path
        Networks trained here, and the states of unfinished runs.
    """

    data: Dataset
    test: Dataset
    checkpoint: MonDEQ
    preprocessing: Preprocessing
    training: TrainingConfig
    stand_in: TrainingConfig
    candidates: tuple[tuple[Candidate, ...], ...]
    folder: Path
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    modes: tuple[str, ...] = (FINE_TUNED, FROM_SCRATCH)
    bits: tuple[int, ...] = (2, 1, 4, 3)

    def on_trial(self, candidate: Candidate) -> Candidate:
        """With the stand-in's seed, and the validation part held out from the candidate, too."""
        recipe = self.stand_in.optimisation
        config = candidate.seeded(recipe.seed).config
        training = replace(config.optimisation, validation_share=recipe.validation_share)
        return replace(candidate, config=replace(config, optimisation=training))

    def tasks(self, items: Iterable[Item]) -> dict[str, Item]:
        """Each under its digest, which is also the study's."""
        return {hashlib.sha256(self._digest + pickle.dumps(item)).hexdigest(): item for item in items}

    @cached_property
    def _digest(self) -> bytes:
        return hashlib.sha256(pickle.dumps((self.data, self.test, self.training, self.stand_in))).digest()

    @contextmanager
    def state(self, name: str) -> Iterator[Path]:
        """A file that keeps the epochs of a training until it ends."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{name}.state"
        yield file
        file.unlink()


@dataclass(frozen=True)
class Start:
    """A retraining: with the study that it is of, all that its result depends on."""

    mode: str
    candidate: Candidate
    bits: int
    lowered: Lowered

    @property
    def seed(self) -> int:
        """Of everything random."""
        return self.candidate.config.optimisation.seed

    @property
    def name(self) -> str:
        """Of the file that keeps its state."""
        training = self.candidate.config.optimisation
        what = f"{self.mode}_{self.candidate.method}_{self.bits}_{self.seed}_{training.epochs}"
        return f"{what}_{training.learning_rate}_{training.shift_pixels}".replace(" ", "-")


class Networks:
    """The starts of a study, made when they are asked for, and what runs its trainings."""

    def __init__(self, study: Study, results: Results, executor: Executor = IN_PROCESS):
        self.study, self.results, self.executor = study, results, executor

    def train(self, mode: str, seeds: Iterable[int]) -> None:
        """The float networks that are not there yet."""
        if mode == FINE_TUNED:
            return
        items = [(mode, seed) for seed in seeds if not self._file(mode, seed).exists()]
        for _, (model, entry) in self.executor.results(trained, self.study, self.study.tasks(items)):
            if not self.results.floating(mode, entry.seed):  # else a run was killed between these two lines
                self.results.append(entry)
            metrics = {"validation_accuracy": entry.validation_accuracy, "test_accuracy": entry.test_accuracy}
            save(model, self._file(mode, entry.seed), Training(self.study.data.name, entry.seed, metrics))

    def _file(self, mode: str, seed: int) -> Path:
        return self.study.folder / f"{mode}_{seed}.pt".replace(" ", "-")

    @cache  # noqa: B019 -- lives as long as the script
    def floating(self, mode: str, seed: int) -> MonDEQ:
        """The float network that a retraining starts from."""
        if mode == FINE_TUNED:
            return self.study.checkpoint
        self.train(mode, [seed])
        return load(self._file(mode, seed))

    @cache  # noqa: B019
    def lowered(self, mode: str, seed: int, bits: int) -> Lowered:
        """As ``mondeq-hw qat`` starts."""
        options = LoweringOptions(bits, drive_bits=DRIVE_BITS, readout_bits=READOUT_BITS)
        return lower(self.floating(mode, seed), options, self.study.data.words[:CALIBRATION_SAMPLES])

    def start(self, mode: str, candidate: Candidate, bits: int) -> Start:
        """Of the candidate's seed; fine-tuning starts at one network whatever the seed."""
        seed = self.study.seeds[0] if mode == FINE_TUNED else candidate.config.optimisation.seed
        return Start(mode, candidate, bits, self.lowered(mode, seed, bits))


def run(study: Study, results: Results, executor: Executor = IN_PROCESS) -> None:
    """Everything that the results file does not hold yet."""
    networks = Networks(study, results, executor)
    wanted = [(candidates, bits) for candidates in study.candidates for bits in study.bits]
    look_at(networks, wanted)
    chosen = [(choose(networks, candidates, bits), bits) for candidates, bits in wanted]
    for mode in study.modes:
        networks.train(mode, study.seeds)
        retrain_all(networks, mode, [(candidate, bits, seed) for candidate, bits in chosen for seed in study.seeds])
        for seed in study.seeds:
            for bits in study.bits:
                rounded(networks, mode, bits, seed)


def choose(networks: Networks, candidates: tuple[Candidate, ...], bits: int) -> Candidate:
    """The candidate of the best validation accuracy; the test set is not looked at."""
    method, results = candidates[0].method, networks.results
    known = results.choice(method, bits)
    if known is None:
        look_at(networks, [(candidates, bits)])
        trials = [results.trial(method, networks.study.on_trial(each).config, bits) for each in candidates]
        reached = [-1.0 if each is None else each.validation_accuracy for each in trials]
        known = Choice(method, bits, candidates[reached.index(max(reached))].config)
        results.append(known)
    return Candidate(method, known.config)


def look_at(networks: Networks, wanted: Iterable[tuple[tuple[Candidate, ...], int]]) -> None:
    """Trials that the results file does not hold, of candidates among which nothing is chosen yet."""
    study, results = networks.study, networks.results
    open_ones = [(each, bits) for some, bits in wanted if not results.choice(some[0].method, bits) for each in some]
    tried = [(study.on_trial(candidate), bits) for candidate, bits in open_ones]
    missing = [(each, bits) for each, bits in tried if results.trial(each.method, each.config, bits) is None]
    starts = [networks.start(STAND_IN, candidate, bits) for candidate, bits in missing]
    for _, entry in networks.executor.results(trial, study, study.tasks(starts)):
        results.append(entry)


def retrain_all(networks: Networks, mode: str, points: Iterable[tuple[Candidate, int, int]]) -> None:
    """Points of a candidate, a word length and a seed that the results file does not hold."""
    study, results = networks.study, networks.results
    missing = [each for each in points if not results.retrained(mode, each[0].method, *each[1:])]
    starts = [networks.start(mode, candidate.seeded(seed), bits) for candidate, bits, seed in missing]
    for _, entry in networks.executor.results(retrained, study, study.tasks(starts)):
        results.append(entry)


def rounded(networks: Networks, mode: str, bits: int, seed: int) -> None:
    """The start without retraining, as ``compile`` makes it; one start only, where all seeds have the same."""
    if networks.results.rounded(mode, bits, None if mode == FINE_TUNED else seed):
        return
    lowered = networks.lowered(mode, seed, bits)
    factor = None if lowered.proof is None else float(lowered.proof.contraction_factor)
    reached = golden_accuracy(program_of(lowered), networks.study.test)
    networks.results.append(Rounded(mode, bits, seed, reached, factor))


# -- tasks ---------------------------------------------------------------------------------------------


def trained(study: Study, start: tuple[str, int]) -> tuple[MonDEQ, Floating]:
    """A float network; the state of a run that was killed is taken up."""
    torch.set_num_threads(1)
    mode, seed = start
    recipe = study.stand_in if mode == STAND_IN else study.training
    config = replace(recipe, optimisation=replace(recipe.optimisation, seed=seed))
    with study.state(f"{mode}_{seed}".replace(" ", "-")) as state:
        result = train(config, study.data, study.preprocessing, state)
    reached = 100 * result.best.validation_score, accuracy(result.model, study.test)
    return result.model, Floating(mode, seed, config, *reached)


def trial(study: Study, start: Start) -> Trial:
    """A candidate on the stand-in."""
    candidate = start.candidate
    result, seconds = _retrain(study, start)
    return Trial(candidate.method, start.bits, candidate.config, 100 * result.best.validation_score, seconds)


def retrained(study: Study, start: Start) -> Retrained:
    """One point."""
    result, seconds = _retrain(study, start)
    stored = result.stored
    program, proof = certified_program(stored)
    return Retrained(
        start.mode,
        start.candidate.method,
        start.bits,
        start.seed,
        start.candidate.config,
        stored.drive.word_length,
        stored.readout.word_length,
        stored.state_format.word_length,
        program.iterations,
        result.best.epoch + 1,
        100 * result.best.validation_score,
        golden_accuracy(program, study.test),
        float(proof.contraction_factor),
        seconds,
    )


def _retrain(study: Study, start: Start) -> tuple[QatResult, float]:
    """Result and seconds of this process; the state of a run that was killed is taken up."""
    torch.set_num_threads(1)
    begin = time.perf_counter()
    with study.state(start.name) as state:
        result = retrain(start.lowered, study.data, start.candidate.config, LEARNERS[start.candidate.method], state)
    return result, time.perf_counter() - begin


# -- the two studies -----------------------------------------------------------------------------------


def grid(epochs: int, method: str, *points: tuple[float, int]) -> tuple[Candidate, ...]:
    """Candidates of (learning rate, shift in pixels)."""

    def config(rate: float, shift: int) -> QatConfig:
        optimisation = Optimisation(epochs, 128, rate, patience=epochs, shift_pixels=shift)
        # After 12 updates the states differ from their limit by no more than rounding does.
        return QatConfig(optimisation, iterations=12)

    return tuple(Candidate(method, config(rate, shift)) for rate, shift in points)


def mnist_study(shared: Path, folder: Path) -> Study:
    """The published checkpoint and networks trained here, n = 100."""
    straight, regularised, sampled = LEARNERS
    images = shared / "data" / "mnist"
    training = Optimisation(12, 128, 2e-3, weight_decay=0.01, patience=12, shift_pixels=1)
    memorising = Optimisation(10, 128, 2e-3, patience=10, validation_share=0.25)
    return Study(
        mnist(images, "train"),
        mnist(images, "test"),
        load(shared / "checkpoints" / "li_2026_mnist_mondeq.pt", preprocessing=MNIST_PREPROCESSING),
        MNIST_PREPROCESSING,
        TrainingConfig(n=100, margin=0.5, tolerance=1e-3, optimisation=training),
        TrainingConfig(n=100, margin=0.5, tolerance=1e-3, optimisation=memorising),
        (
            grid(8, straight, (0.02, 1), (0.05, 1), (0.1, 1), (0.05, 0)),
            grid(8, regularised, (0.05, 1), (0.1, 1)),
            grid(8, sampled, (0.05, 1), (0.1, 1)),
        ),
        folder=folder,
    )


def digits_study(folder: Path) -> Study:
    """The same in small, on the embedded images."""
    straight, regularised, sampled = LEARNERS
    data = digits("train")
    training = Optimisation(10, 64, 5e-3, weight_decay=0.3, patience=10, validation_share=0.2)
    return Study(
        data,
        digits("test"),
        load(ROOT / "examples" / "digits.pt"),
        normalisation(data, DIGITS_SCALE, DIGITS_INPUT_BITS),
        TrainingConfig(n=32, margin=0.5, optimisation=training),
        TrainingConfig(n=32, margin=0.5, optimisation=replace(training, validation_share=0.3)),
        (
            grid(6, straight, (0.02, 0), (0.05, 0)),
            grid(6, regularised, (0.05, 0)),
            grid(6, sampled, (0.05, 0)),
        ),
        folder=folder,
    )


def main() -> None:
    parser: argparse.ArgumentParser = arguments("Accuracy over seeds; see the head of this file.")
    parser.add_argument("--data", choices=(MNIST, DIGITS), default=MNIST)
    parser.add_argument("--bits", type=int, nargs="+", choices=sorted(Study.bits), default=Study.bits)
    parser.add_argument("--seeds", type=int, nargs="+", default=Study.seeds)
    parser.add_argument("--results", type=Path, default=RESULTS, help="JSON lines; what stands there is not run again")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "seeds", help="float networks, unfinished runs")
    parser.add_argument("--report", action="store_true", help="no run: docs/training.md and docs/images/seeds.png")
    parser.add_argument("--jobs", type=int, default=1, metavar="J", help="trainings at a time (default: 1)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask scheduler, or local, in their place")
    options = parser.parse_args()
    results = Results(options.results)
    if options.report:
        report(results, ROOT / "docs")
        return
    torch.set_num_threads(1)
    folder: Path = options.work / options.data
    folder.mkdir(parents=True, exist_ok=True)
    study = digits_study(folder) if options.data == DIGITS else mnist_study(options.shared, folder)
    with open_executor(options.jobs, options.scheduler) as executor:
        run(replace(study, bits=tuple(options.bits), seeds=tuple(options.seeds)), results, executor)
    print(table(results))


if __name__ == "__main__":
    # Of a module, so that other processes find the tasks' functions.
    import seeds

    seeds.main()
