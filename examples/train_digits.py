"""Train the embedded default: a small MonDEQ on scikit-learn's 8x8 digits.

Writes ``digits.pt`` beside this script, in a few seconds and the same on every run:

    python examples/train_digits.py
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from mondeq_hw.problem import DIGITS, DIGITS_INPUT_BITS, DIGITS_SCALE, Training, digits, save
from mondeq_hw.training import Optimisation, TrainingConfig, accuracy, normalisation, shown_epochs, train

CONFIG = TrainingConfig(
    n=64,
    margin=0.5,
    optimisation=Optimisation(
        epochs=60, batch_size=64, learning_rate=5e-3, weight_decay=0.3, patience=30, validation_share=0.2, seed=0
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a small MonDEQ on scikit-learn's digits.")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "digits.pt")
    output: Path = parser.parse_args().output

    # The order of summation decides the last bit of a sum, and so the weights.
    torch.set_num_threads(1)
    data, test = digits("train"), digits("test")
    preprocessing = normalisation(data, DIGITS_SCALE, DIGITS_INPUT_BITS)
    with shown_epochs(DIGITS, CONFIG.optimisation.epochs) as observe:
        result = train(CONFIG, data, preprocessing, observe=observe)

    model = result.model
    test_accuracy = accuracy(model, test)
    metrics = {"validation_accuracy": 100 * result.best.validation_score, "test_accuracy": test_accuracy}
    save(model, output, Training(dataset=DIGITS, seed=CONFIG.optimisation.seed, metrics=metrics))
    print(f"{output}: n = {model.n}, margin {model.monotonicity_margin:g}, test accuracy {test_accuracy:.2f} %")


if __name__ == "__main__":
    main()
