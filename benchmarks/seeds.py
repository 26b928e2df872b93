"""Accuracy over seeds: straight-through and both forms of LOTION beside rounding, at 1 to 4 bits.

    python benchmarks/seeds.py [--shared DIR]              # MNIST, hours; a run that was killed continues
    python benchmarks/seeds.py --bits 2 --seeds 5 6        # a part of it, or more seeds
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
import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import torch
from published import arguments, golden_accuracy, program_of
from seeds_results import FINE_TUNED, FROM_SCRATCH, STAND_IN, Choice, Floating, Results, Retrained, Rounded, Trial
from seeds_tables import report, table

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


@dataclass(frozen=True)
class Candidate:
    """A way to retrain: a method of ``mondeq-hw qat``, and how."""

    method: str
    config: QatConfig


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


class Networks:
    """The starts of a study, made when they are asked for."""

    def __init__(self, study: Study, results: Results):
        self.study, self.results = study, results

    @cache  # noqa: B019 -- lives as long as the script
    def floating(self, mode: str, seed: int) -> MonDEQ:
        """The float network that a retraining starts from."""
        study = self.study
        if mode == FINE_TUNED:
            return study.checkpoint
        file = study.folder / f"{mode}_{seed}.pt".replace(" ", "-")
        if file.exists():
            return load(file)
        recipe = study.stand_in if mode == STAND_IN else study.training
        config = replace(recipe, optimisation=replace(recipe.optimisation, seed=seed))
        state = file.with_suffix(".state")
        result = train(config, study.data, study.preprocessing, state)
        metrics = {
            "validation_accuracy": 100 * result.best.validation_score,
            "test_accuracy": accuracy(result.model, study.test),
        }
        if not self.results.floating(mode, seed):  # else a run was killed between these two lines
            self.results.append(Floating(mode, seed, config, **metrics))
        save(result.model, file, Training(study.data.name, seed, metrics))
        state.unlink()
        return result.model

    @cache  # noqa: B019
    def lowered(self, mode: str, seed: int, bits: int) -> Lowered:
        """As ``mondeq-hw qat`` starts."""
        options = LoweringOptions(bits, drive_bits=DRIVE_BITS, readout_bits=READOUT_BITS)
        return lower(self.floating(mode, seed), options, self.study.data.words[:CALIBRATION_SAMPLES])


def run(study: Study, results: Results) -> None:
    """Everything that the results file does not hold yet."""
    networks = Networks(study, results)
    for mode in study.modes:
        for candidates in study.candidates:
            for bits in study.bits:
                chosen = choose(networks, candidates, bits)
                for seed in study.seeds:
                    retrained(networks, mode, chosen, bits, seed)
        for seed in study.seeds:
            for bits in study.bits:
                rounded(networks, mode, bits, seed)


def choose(networks: Networks, candidates: tuple[Candidate, ...], bits: int) -> Candidate:
    """The candidate of the best validation accuracy; the test set is not looked at."""
    method = candidates[0].method
    known = networks.results.choice(method, bits)
    if known is None:
        trials = [_trial(networks, candidate, bits) for candidate in candidates]
        best = max(range(len(trials)), key=lambda index: trials[index].validation_accuracy)
        known = Choice(method, bits, candidates[best].config)
        networks.results.append(known)
    return Candidate(method, known.config)


def _trial(networks: Networks, candidate: Candidate, bits: int) -> Trial:
    study = networks.study
    recipe = study.stand_in.optimisation
    config = _seeded(candidate.config, recipe.seed)
    # Held out from the stand-in, too.
    config = replace(config, optimisation=replace(config.optimisation, validation_share=recipe.validation_share))
    known = networks.results.trial(candidate.method, config, bits)
    if known is None:
        result, seconds = _retrain(networks, STAND_IN, Candidate(candidate.method, config), bits)
        known = Trial(candidate.method, bits, config, 100 * result.best.validation_score, seconds)
        networks.results.append(known)
    return known


def retrained(networks: Networks, mode: str, candidate: Candidate, bits: int, seed: int) -> None:
    """One point, unless the results file holds it."""
    if networks.results.retrained(mode, candidate.method, bits, seed):
        return
    config = _seeded(candidate.config, seed)
    result, seconds = _retrain(networks, mode, Candidate(candidate.method, config), bits)
    stored = result.stored
    program, proof = certified_program(stored)
    networks.results.append(
        Retrained(
            mode,
            candidate.method,
            bits,
            seed,
            config,
            stored.drive.word_length,
            stored.readout.word_length,
            stored.state_format.word_length,
            program.iterations,
            result.best.epoch + 1,
            100 * result.best.validation_score,
            golden_accuracy(program, networks.study.test),
            float(proof.contraction_factor),
            seconds,
        )
    )


def rounded(networks: Networks, mode: str, bits: int, seed: int) -> None:
    """The start without retraining, as ``compile`` makes it; one start only, where all seeds have the same."""
    if networks.results.rounded(mode, bits, None if mode == FINE_TUNED else seed):
        return
    lowered = networks.lowered(mode, seed, bits)
    factor = None if lowered.proof is None else float(lowered.proof.contraction_factor)
    reached = golden_accuracy(program_of(lowered), networks.study.test)
    networks.results.append(Rounded(mode, bits, seed, reached, factor))


def _retrain(networks: Networks, mode: str, candidate: Candidate, bits: int) -> tuple[QatResult, float]:
    """Result and seconds of this process; the state of a run that was killed is taken up."""
    study, config = networks.study, candidate.config
    seed, epochs = config.optimisation.seed, config.optimisation.epochs
    lowered = networks.lowered(mode, study.seeds[0] if mode == FINE_TUNED else seed, bits)
    rate = config.optimisation.learning_rate
    name = f"{mode}_{candidate.method}_{bits}_{seed}_{epochs}_{rate}_{config.optimisation.shift_pixels}.state"
    state, start = study.folder / name.replace(" ", "-"), time.perf_counter()
    result = retrain(lowered, study.data, config, LEARNERS[candidate.method], state)
    seconds = time.perf_counter() - start
    state.unlink()
    return result, seconds


def _seeded(config: QatConfig, seed: int) -> QatConfig:
    return replace(config, optimisation=replace(config.optimisation, seed=seed))


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
    options = parser.parse_args()
    results = Results(options.results)
    if options.report:
        report(results, ROOT / "docs")
        return
    torch.set_num_threads(1)
    folder: Path = options.work / options.data
    folder.mkdir(parents=True, exist_ok=True)
    study = digits_study(folder) if options.data == DIGITS else mnist_study(options.shared, folder)
    run(replace(study, bits=tuple(options.bits), seeds=tuple(options.seeds)), results)
    print(table(results))


if __name__ == "__main__":
    main()
