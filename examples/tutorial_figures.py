"""The two pictures of docs/tutorial.md, from the checkpoints and the build folder that it makes."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mondeq_hw import Project
from mondeq_hw.problem import MonDEQ, digits, load, preactivation
from mondeq_hw.rounding import CALIBRATED, NEAREST, LoweringOptions, lower

#: Training images in the certificate: its first ones.
SAMPLES = 500


def draw_factors(axis: Axes, networks: list[MonDEQ], calibration: np.ndarray, lengths: range) -> None:
    """Contraction factor of the stored matrix by word length; filled where it is proved."""
    for network, color in zip(networks, ("C0", "C3"), strict=True):
        for rounding, line in ((NEAREST, ":"), (CALIBRATED, "-")):
            images = calibration if rounding == CALIBRATED else None
            points = [lower(network, LoweringOptions(bits, rounding=rounding), images) for bits in lengths]
            factors = [float(p.proof.contraction_factor) if p.proof else p.contraction_estimate for p in points]
            label = f"margin {network.monotonicity_margin:g}, {rounding}"
            axis.plot(lengths, factors, line, color=color, label=label)
            for bits, point, factor in zip(lengths, points, factors, strict=True):
                axis.plot(bits, factor, "o", color=color, markerfacecolor=color if point.proof else "white")
    axis.axhline(1, color="k", linewidth=0.8)
    axis.set(
        xlabel="bits of the iteration matrix", ylabel="contraction factor", title="Filled: proved. Above 1: refused"
    )
    axis.legend(fontsize=8)


def draw_distance(axis: Axes, network: MonDEQ, project: Project, images: np.ndarray) -> None:
    """Distance of every iteration's state from the float network's equilibrium, and its proved bound at the end."""
    trace, program = project.trace(images), project.program
    target = network.prox.prox(preactivation(network, images))
    z = program.state_format.to_float(program.prox(trace.states))
    distance = np.linalg.norm(z - target, axis=2)
    iterations = np.arange(len(distance))
    axis.fill_between(iterations, distance.min(axis=1), distance.max(axis=1), alpha=0.3, label="least to largest")
    axis.plot(iterations, distance.mean(axis=1), label="mean")
    bound = project.certificate.line("displacement_a_posteriori").values["largest"]
    axis.axhline(bound, color="k", linewidth=0.8, label=f"proved for these images: {bound:.3g}")
    axis.set(xlabel="iteration", ylabel="distance of the state", yscale="log", title=f"{len(images)} images, integers")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(fontsize=8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("float_network", type=Path)
    parser.add_argument("tight_network", type=Path)
    parser.add_argument("build", type=Path, help="compiled from the first network")
    parser.add_argument("--longest", type=int, default=8, help="most bits of the iteration matrix")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "docs" / "images" / "tutorial.png")
    options = parser.parse_args()
    networks = [load(options.float_network), load(options.tight_network)]
    calibration = digits("train").words
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_factors(left, networks, calibration, range(1, options.longest + 1))
    draw_distance(right, networks[0], Project.load(options.build), calibration[:SAMPLES])
    for axis in (left, right):
        axis.grid(alpha=0.3)
    figure.savefig(options.out, dpi=120)


if __name__ == "__main__":
    main()
