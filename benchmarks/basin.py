"""Where the steps of a retraining point, and whether a better grid point lay beside the rounded network.

    python benchmarks/basin.py [--data digits|mnist] [--bits 2] [--rounding nearest] [--epochs 3] [--out build/basin]

``digits`` retrains the embedded model, ``mnist`` the published checkpoint.
Prints the tables and writes the picture.
"""

from __future__ import annotations

from pathlib import Path

import torch
from published import arguments

from mondeq_hw.base import save_figure
from mondeq_hw.problem import DATASETS, DIGITS, MNIST_PREPROCESSING, digits, load, mnist
from mondeq_hw.rounding import NEAREST, ROUNDINGS, LoweringOptions, lower
from mondeq_hw.training import Optimisation, QatConfig, diagnose, markdown, plot

CALIBRATION_SAMPLES = 4096
DRIVE_BITS, READOUT_BITS = 4, 6


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--data", choices=DATASETS, default=DIGITS)
    parser.add_argument("--bits", type=int, default=2)
    parser.add_argument("--rounding", choices=ROUNDINGS, default=NEAREST)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--every", type=int, default=10, help="steps between two records")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "build" / "basin")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.data == DIGITS:
        model, data = load(Path(__file__).parents[1] / "examples" / "digits.pt"), digits("train")
    else:
        model = load(options.shared / "checkpoints" / "li_2026_mnist_mondeq.pt", preprocessing=MNIST_PREPROCESSING)
        data = mnist(options.shared / "data" / "mnist", "train")
    lowering = LoweringOptions(
        options.bits, rounding=options.rounding, drive_bits=DRIVE_BITS, readout_bits=READOUT_BITS
    )
    lowered = lower(model, lowering, data.words[:CALIBRATION_SAMPLES])
    config = QatConfig(Optimisation(options.epochs, 128, 0.02, patience=options.epochs))
    report = diagnose(lowered, data, config, options.every)
    name = f"{options.data}_{options.bits}bit_{options.rounding}"
    title = f"{options.data}, {options.bits} bits, {options.rounding} rounding"
    save_figure(plot(report, title), options.out / f"{name}.png")
    (options.out / f"{name}.md").write_text(markdown(report))
    print(markdown(report))


if __name__ == "__main__":
    main()
