"""Accuracy and proof by word length, on the published checkpoint and the whole MNIST test set.

    python benchmarks/accuracy.py [--bits 1 2 3 4 5 6 8]

Every weight quantised, raw 8-bit pixels, 12-bit state, no retraining; the
calibrated rounding sees training images only.  The column ``paper`` is the
published method's condition ``||dW||_2 / m < 1`` for W rounded per tensor.
"""

from __future__ import annotations

import numpy as np
from published import arguments, compiled, float_classes, load_published
from rich.console import Console
from rich.table import Table

from mondeq_hw.program import GoldenModel
from mondeq_hw.proof import paper_perturbation
from mondeq_hw.rounding import CALIBRATED, NEAREST, SPECTRAL, LoweringOptions

ROUNDINGS = (NEAREST, SPECTRAL, CALIBRATED)


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--bits", type=int, nargs="+", default=[1, 2, 3, 4, 5, 6, 8])
    options = parser.parse_args()
    published = load_published(options.shared)
    labels = published.test.targets
    reference = float_classes(published)
    table = Table(title=f"MNIST, 10,000 test images; float model {np.mean(reference == labels):.2%}")
    for column in ("bits", "rounding", "step", "||M||", "proved rho", "iterations", "accuracy", "as float", "paper"):
        table.add_column(column, justify="right")
    for bits in options.bits:
        ratio = paper_perturbation(published.model.W, bits).ratio
        for rounding in ROUNDINGS:
            lowered, program = compiled(
                published.model, LoweringOptions(bits, rounding=rounding), published.calibration
            )
            golden = GoldenModel(program)
            classes = golden.predict_raw(golden.words(published.test.words)).argmax(axis=1)
            proof, recurrence = lowered.proof, lowered.quantized.recurrence
            table.add_row(
                str(bits),
                rounding,
                f"{recurrence.step_size:.2f}",
                f"{np.linalg.norm(lowered.quantized.matrix.values, 2):.3f}",
                "none" if proof is None else f"{float(proof.contraction_factor):.3f}",
                str(program.iterations),
                f"{np.mean(classes == labels):.2%}",
                f"{np.mean(classes == reference):.2%}",
                f"{ratio:.2f}{'' if ratio < 1 else ' fails'}",
            )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
