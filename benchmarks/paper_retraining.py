"""Retraining against post-training rounding, by word length, from the published checkpoint.

Everything is quantised: drive at least 4 bits, readout at least 6, 12-bit
state, 8-bit pixels; accuracies are the integer golden model's.  Results are
kept in ``retraining.json``, each under the configuration that it is of.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from paper_displacement import quantised, recorded_equilibria
from paper_tables import Recorded, Table
from published import Published, compiled, golden_accuracy

from mondeq_hw.problem import Dataset, mnist, preactivation
from mondeq_hw.proof import ContractionProof, PaperPerturbation, paper_perturbation
from mondeq_hw.rounding import Lowered, LoweringOptions
from mondeq_hw.training import Optimisation, QatConfig, certified_program, retrain, shown_epochs

BITS = (1, 2, 3, 4, 6, 8)
LEAST_DRIVE_BITS, LEAST_READOUT_BITS = 4, 6
#: Accuracy in percent that the authors report for networks trained from scratch with their quantiser in the
#: loop, 15 epochs (``regenerate_figures.py`` of github.com/JLi-Projects/mondeq-quant; not in the JSON file).
RECORDED_RETRAINED = {4: 96.78, 6: 97.93, 8: 98.16}


@dataclass(frozen=True)
class Paper:
    """The authors' quantiser on ``W``, ``U`` and ``b``: accuracy in percent where their solver stops, and exactly."""

    stopped: float
    exact: float


@dataclass(frozen=True)
class Rounded:
    """A network without retraining: accuracy in percent on the test set, and the proved contraction factor if any."""

    accuracy: float
    contraction_factor: float | None


@dataclass(frozen=True)
class Retrained:
    """A retrained network: accuracy in percent, proved contraction factor, iterations, and how it was made."""

    accuracy: float
    contraction_factor: float
    iterations: int
    epochs: int
    seconds: float


@dataclass(frozen=True)
class Result:
    """One word length.

    ``operator`` is ``None`` at 1 bit, for which the authors' quantiser has no levels but zero;
    ``paper``, their network, also where the quantised operator is not monotone.
    """

    bits: int
    operator: PaperPerturbation | None
    paper: Paper | None
    rounded: Rounded
    retrained: tuple[Retrained, ...]  # one a seed

    @property
    def retrained_mean(self) -> float:
        """Accuracy in percent over the seeds."""
        return statistics.mean(each.accuracy for each in self.retrained)

    @property
    def retrained_spread(self) -> float | None:
        """Its standard deviation; None of one seed."""
        accuracies = [each.accuracy for each in self.retrained]
        return statistics.stdev(accuracies) if len(accuracies) > 1 else None

    @property
    def retrained_factor(self) -> float:
        """The largest proved contraction factor of any seed."""
        return max(each.contraction_factor for each in self.retrained)


def measure(published: Published, shared: Path, epochs: int, seeds: Sequence[int], folder: Path) -> list[Result]:
    data = mnist(shared / "data" / "mnist", "train")
    return [_result(published, data, bits, epochs, seeds, folder) for bits in BITS]


def _result(published: Published, data: Dataset, bits: int, epochs: int, seeds: Sequence[int], folder: Path) -> Result:
    operator = paper_perturbation(published.model.W, bits) if bits > 1 else None
    options = LoweringOptions(bits, drive_bits=max(LEAST_DRIVE_BITS, bits), readout_bits=max(LEAST_READOUT_BITS, bits))
    lowered, program = compiled(published.model, options, published.calibration)
    return Result(
        bits,
        operator,
        _paper(published, bits) if operator is not None and operator.m_tilde > 0 else None,
        Rounded(golden_accuracy(program, published.test), _factor(lowered.proof)),
        tuple(_retrained(published, lowered, data, bits, epochs, seed, folder) for seed in seeds),
    )


def _paper(published: Published, bits: int) -> Paper:
    model, test = quantised(published.model, bits), published.test

    def accuracy(z: np.ndarray) -> float:
        return 100.0 * float(((z @ model.O.T + model.c).argmax(axis=1) == test.targets).mean())

    exact = model.prox.prox(preactivation(model, test.words))
    return Paper(accuracy(recorded_equilibria(model, test.words)), accuracy(exact))


def _factor(proof: ContractionProof | None) -> float | None:
    return None if proof is None else float(proof.contraction_factor)


def _retrained(
    published: Published, lowered: Lowered, data: Dataset, bits: int, epochs: int, seed: int, folder: Path
) -> Retrained:
    """From ``retraining.json`` where it holds this very configuration."""
    config = QatConfig(Optimisation(epochs, 128, 0.02, patience=epochs, shift_pixels=1, seed=seed))
    file, key = folder / "retraining.json", f"{bits} bits, {config}, {published.model.digest()}"
    kept = json.loads(file.read_text()) if file.exists() else {}
    if key in kept:
        print(f"{bits} bits, seed {seed}: retrained earlier, read from {file}")
        return Retrained(**kept[key])
    start, state = time.perf_counter(), folder / f"retraining_{bits}_{epochs}_{seed}.state"
    with shown_epochs(f"{bits} bits, seed {seed}", epochs) as observe:
        outcome = retrain(lowered, data, config, state_file=state, observe=observe)
    program, proof = certified_program(outcome.stored)
    result = Retrained(
        golden_accuracy(program, published.test),
        float(proof.contraction_factor),
        program.iterations,
        epochs,
        time.perf_counter() - start,
    )
    file.write_text(json.dumps({**kept, key: asdict(result)}, indent=1))
    state.unlink()
    return result


def table(results: list[Result], recorded: Recorded) -> Table:
    rows = []
    for result in results:
        bits, operator = result.bits, result.operator
        rows.append(
            (
                bits,
                None if operator is None else operator.ratio,
                None if operator is None else operator.m_tilde,
                recorded.value(bits, "quant_accuracy"),
                None if result.paper is None else result.paper.stopped,
                None if result.paper is None else result.paper.exact,
                RECORDED_RETRAINED.get(bits),
                result.rounded.accuracy,
                result.rounded.contraction_factor,
                result.retrained_mean,
                result.retrained_spread,
                result.retrained_factor,
                len(result.retrained),
                result.retrained[0].epochs,
            )
        )
    columns = (
        "bits",
        "‖ΔW‖/m",
        "m̃",
        "PTQ, recorded",
        "reproduced",
        "at the equilibrium",
        "QAT, recorded",
        "our PTQ",
        "proved factor",
        "our QAT",
        "its deviation",
        "largest proved factor",
        "seeds",
        "epochs",
    )
    title = "Accuracy in percent on 10,000 test images, with and without retraining"
    return Table("retraining", title, columns, tuple(rows))


def draw(results: list[Result], file: Path) -> None:
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    accuracy, margin = figure.subplots(1, 2)
    at = np.arange(len(results))
    bars: tuple[tuple[str, str, list[float | None]], ...] = (
        (
            "their rounding, exact equilibrium",
            "0.7",
            [None if result.paper is None else result.paper.exact for result in results],
        ),
        ("their training, as reported", "C3", [RECORDED_RETRAINED.get(result.bits) for result in results]),
        ("our rounding, integers", "C2", [result.rounded.accuracy for result in results]),
        ("our retraining, integers", "C0", [result.retrained_mean for result in results]),
    )
    for index, (label, color, values) in enumerate(bars):
        heights = [np.nan if value is None else value for value in values]
        accuracy.bar(at + 0.2 * (index - 1.5), heights, 0.2, color=color, label=label)
    for place, result in zip(at, results, strict=True):
        if result.operator is not None and result.paper is None:
            accuracy.text(place - 0.3, 95.05, "m̃ < 0", rotation=90, ha="center", va="bottom", fontsize=7)
    accuracy.set(ylim=(95, 99.4), ylabel="test accuracy, %", title="Accuracy")
    ratios = [np.nan if result.operator is None else result.operator.ratio for result in results]
    margin.plot(at, ratios, "o-", color="0.5", label="their rounding: ‖ΔW‖/m")
    proved = [result.rounded.contraction_factor for result in results]
    margin.plot(at, [np.nan if p is None else p for p in proved], "o-", color="C2", label="our rounding: proved factor")
    factors = [result.retrained_factor for result in results]
    margin.plot(at, factors, "o-", color="C0", label="our retraining: proved factor")
    margin.axhline(1, color="k", linestyle="--", linewidth=0.8)
    margin.set(yscale="log", yticks=(0.1, 1, 10), title="Below one: proved to converge")
    margin.yaxis.set_minor_formatter(NullFormatter())
    for axis in (accuracy, margin):
        axis.set_xticks(at, [str(result.bits) for result in results])
        axis.set_xlabel("bits")
        axis.set_xlim(-0.6, len(results) - 0.4)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7, ncols=2 if axis is accuracy else 1)
    figure.savefig(file, dpi=150)
