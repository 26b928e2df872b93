"""Train and retrain on MNIST: a float MonDEQ, then certified integer networks at 4, 2 and 1 bits.

Writes ``mnist_float.pt``, ``mnist_{4,2,1}bit.pt`` and their training curves into
a folder; a run that was killed continues where it stopped:

    python examples/train_mnist.py --data-dir DIR --output examples
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from mondeq_hw.base import save_figure
from mondeq_hw.problem import MNIST, MNIST_PREPROCESSING, Dataset, MonDEQ, Training, load, mnist, network_of, save
from mondeq_hw.program import GoldenModel
from mondeq_hw.rounding import LoweringOptions, lower
from mondeq_hw.training import (
    Optimisation,
    QatConfig,
    TrainingConfig,
    accuracy,
    certified_program,
    plot_history,
    retrain,
    shown_epochs,
    train,
)

BITS = (4, 2, 1)
DRIVE_BITS, READOUT_BITS = 4, 6
#: Training images that calibrate the start of the retraining.
CALIBRATION = 4096

FLOAT = TrainingConfig(
    n=100,
    margin=0.5,
    tolerance=1e-3,
    optimisation=Optimisation(
        epochs=20, batch_size=128, learning_rate=2e-3, patience=10, weight_decay=0.01, shift_pixels=1
    ),
)
RETRAINING = QatConfig(Optimisation(epochs=12, batch_size=128, learning_rate=0.02, shift_pixels=1, patience=12))


def main() -> None:
    parser = argparse.ArgumentParser(description="Train certified integer MonDEQs on MNIST.")
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of MNIST's IDX files")
    parser.add_argument("--output", type=Path, default=Path("."), help="folder for the checkpoints")
    parser.add_argument("--bits", type=int, nargs="+", default=BITS, help="word lengths of the iteration matrix")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    output: Path = arguments.output
    output.mkdir(parents=True, exist_ok=True)
    data, test = mnist(arguments.data_dir, "train"), mnist(arguments.data_dir, "test")

    model = train_float(data, test, output / "mnist_float.pt", arguments.seed)
    for bits in arguments.bits:
        retrain_at(bits, model, data, test, output / f"mnist_{bits}bit.pt", arguments.seed)


def train_float(data: Dataset, test: Dataset, file: Path, seed: int) -> MonDEQ:
    """The float network, from the file if it is there."""
    if file.exists():
        return load(file)
    config = replace(FLOAT, optimisation=replace(FLOAT.optimisation, seed=seed))
    state = file.with_suffix(".state")
    with shown_epochs("float", config.optimisation.epochs) as observe:
        result = train(config, data, MNIST_PREPROCESSING, state, observe)
    model = result.model
    metrics = {"validation_accuracy": 100 * result.best.validation_score, "test_accuracy": accuracy(model, test)}
    save(model, file, Training(MNIST, seed, metrics))
    save_figure(plot_history(result.history, "float"), file.with_suffix(".svg"))
    state.unlink()
    print(f"{file}: test accuracy {metrics['test_accuracy']:.2f} %")
    return model


def retrain_at(bits: int, model: MonDEQ, data: Dataset, test: Dataset, file: Path, seed: int) -> None:
    """One retrained network; its accuracy is the golden model's."""
    if file.exists():
        return
    config = replace(RETRAINING, optimisation=replace(RETRAINING.optimisation, seed=seed))
    options = LoweringOptions(bits, drive_bits=DRIVE_BITS, readout_bits=READOUT_BITS)
    lowered = lower(model, options, data.words[:CALIBRATION])
    state = file.with_suffix(".state")
    with shown_epochs(f"{bits} bits", config.optimisation.epochs) as observe:
        result = retrain(lowered, data, config, state_file=state, observe=observe)
    stored = result.stored
    program, proof = certified_program(stored)
    outputs = GoldenModel(program).predict_raw(GoldenModel(program).words(test.words))
    metrics = {
        "validation_accuracy": 100 * result.best.validation_score,
        "test_accuracy": 100.0 * float((outputs.argmax(axis=1) == test.targets).mean()),
        "contraction_factor": float(proof.contraction_factor),
    }
    save(network_of(stored, model.input_map, file.name), file, Training(MNIST, seed, metrics))
    save_figure(plot_history(result.history, f"retraining at {bits} bits"), file.with_suffix(".svg"))
    state.unlink()
    print(f"{file}: test accuracy {metrics['test_accuracy']:.2f} %, contraction {metrics['contraction_factor']:.3f}")


if __name__ == "__main__":
    main()
