"""The real networks that this was run on, each by one command: table and picture of docs/gallery.md.

    python benchmarks/gallery.py [--shared DIR] [--plot FILE]      # all of them, minutes
    python benchmarks/gallery.py --only mass                       # those whose title has the word
    python benchmarks/gallery.py --list                            # their commands; runs nothing

DIR holds ``data/mnist/`` (IDX files) and ``checkpoints/``: the network of arXiv 2603.10562, and in ``craft/`` those of
CRAFT (PLDI 2023).  Two networks are made here first: one trained on scikit-learn's diabetes data, and a controller of a
mass from its matrices; and of the collision table's five scores the best is its class.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import shlex
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from published import arguments
from sklearn.datasets import load_diabetes

import mondeq_hw
from mondeq_hw import Project
from mondeq_hw.base import new_figure, save_figure
from mondeq_hw.cli import main as mondeq
from mondeq_hw.problem import save

ROOT = Path(__file__).resolve().parents[1]
MNIST = "--data-dir SHARED/data/mnist"
NORMALISED = "--input-scale 0.00392156862745098 --input-mean 0.1307 --input-std 0.3081"
CRAFT = "SHARED/checkpoints/craft"
COLLISION = "--input-mean 0.49751225,0.5,0.5 --input-std 0.12155569,0.11865105,0.29580399"
HEADER = (
    "network", "inputs / states / outputs", "bits", "proved factor", "updates", "float", "integers",
    "outputs off by at most, proved", "cycles a sample", "LUTs, estimated",
)  # fmt: skip


@dataclass(frozen=True)
class Network:
    """A row.

    Parameters
    ----------
    title : str
    options : str
        What stands behind ``mondeq-hw compile``; ``SHARED`` is a folder.
    make : callable
        Writes into the working directory, from the folder SHARED, what is in none of its files.
    """

    title: str
    options: str
    make: Callable[[Path], object] = lambda shared: None


def advisories(shared: Path) -> None:
    """CRAFT's table of a collision avoidance system: 3 inputs, and the advisory of the best score."""
    with np.load(shared / "checkpoints" / "craft" / "hcas.npz") as table:
        np.savez("hcas.npz", X=table["X"].astype(float), y=table["y"].argmax(axis=1))


def controller(shared: Path) -> None:
    """A mass that is pushed, as in docs/qp.md."""
    step = 0.1
    A, B = np.array([[1, step], [0, 1]]), np.array([[step**2 / 2], [step]])
    box = ([-2.0, -2.0], [2.0, 2.0])
    save(mondeq_hw.from_mpc(A, B, np.diag([4.0, 1.0]), [[0.2]], 8, x_box=box, u_bounds=(-1.0, 1.0)), Path("mass.pt"))


def progression(shared: Path) -> None:
    """A network of a few states on scikit-learn's diabetes data."""
    data = load_diabetes(scaled=False)
    with Path("diabetes.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow([*data.feature_names, "progression"])
        table.writerows(np.column_stack([data.data, data.target]).tolist())
    mondeq_hw.train(
        "diabetes.pt",
        calibration="diabetes.csv",
        targets="progression",
        task="values",
        input_range=(data.data.min(axis=0).tolist(), data.data.max(axis=0).tolist()),
        input_bits=12,
        n=12,
        margin=1.0,
        weight_decay=1.0,
        on_overflow="saturate",
    )


GALLERY = (
    Network("digits of scikit-learn", "examples/digits.pt --bits 5"),
    Network("MNIST, retrained here to 1 bit", f"examples/mnist_1bit.pt {MNIST}"),
    Network(
        "MNIST, arXiv 2603.10562", f"SHARED/checkpoints/li_2026_mnist_mondeq.pt {MNIST} --bits 4 {NORMALISED}"
    ),
    Network("MNIST, CRAFT", f"{CRAFT}/mon_h40_m20.0.pt {MNIST} --bits 6 --margin 20 {NORMALISED}"),
    Network(
        "collision avoidance, CRAFT",
        f"{CRAFT}/HCAS_p0_t0_mon_h100_m20.0.pt --calibration hcas.npz --bits 12 --margin 20 --input-range 0,1 "
        f"--input-bits 12 --input-scale 1 {COLLISION}",
        advisories,
    ),
    Network(
        "regression, diabetes", "diabetes.pt --bits 8 --calibration diabetes.csv --targets progression --task values",
        progression,
    ),
    Network("MPC of a mass, horizon 8", "mass.pt --bits 10 --state-bits 16", controller),
)  # fmt: skip


def compiled(network: Network, shared: Path) -> Project:
    """In the working directory."""
    network.make(shared)
    words = shlex.split(network.options.replace("SHARED", str(shared)))
    options = ["--name", "gallery", "--out", "build", "--force", "--json"]
    with contextlib.redirect_stdout(io.StringIO()):
        code = mondeq(["compile", *words, *options])
    if code != 0:
        raise SystemExit(code)
    return Project.load("build")


def row(network: Network, project: Project) -> tuple[str, ...]:
    """What the report says."""
    report, lines = project.report, {line.name: line.values for line in project.certificate.lines}
    compared = report.comparison.value
    scores = ("", "") if compared is None else tuple(map(project.task.shown, reversed(compared.scores)))
    bounds = lines.get("output_distance", {}).get("bounds")
    sizes, lengths = report.sizes, report.word_lengths
    return (
        network.title,
        f"{sizes.d} / {sizes.n} / {sizes.k}",
        f"{lengths.bits}/{lengths.drive_bits}/{lengths.readout_bits}/{lengths.state_bits}",
        f"{float(Fraction(lines['contraction']['contraction_factor'])):.3f}",
        str(report.iterations),
        *scores,
        "" if bounds is None else f"{max(bounds):.3g}",
        f"{report.cycles.predicted.per_sample_all_iterations:,.0f}",
        f"{report.parts[0].estimated.value.luts:,}",
    )


def main() -> None:
    parser = arguments("The real networks that this was run on; see the head of this file.")
    parser.add_argument("--list", action="store_true", help="the commands; runs nothing")
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORD", help="networks whose title has a word")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the way of each to its equilibrium")
    options = parser.parse_args()
    chosen = [each for each in GALLERY if any(word in each.title for word in options.only)]
    if options.list:
        print("\n".join(f"mondeq-hw compile {each.options}" for each in chosen))
        return
    picture = options.plot and options.plot.absolute()
    figure = new_figure(10, 2.6 * -(-len(chosen) // 2))
    axes = iter(np.atleast_1d(figure.subplots(-(-len(chosen) // 2), 2)).flat)
    print(f"| {' | '.join(HEADER)} |\n|{'---|' * len(HEADER)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "examples").symlink_to(ROOT / "examples")
        os.chdir(folder)
        for network, axis in zip(chosen, axes, strict=False):
            project = compiled(network, options.shared.absolute())
            print(f"| {' | '.join(row(network, project))} |", flush=True)
            if picture:
                project.profile(words=project.build.stimulus[:64]).plot_convergence(axis)
                axis.set_title(network.title)
        for axis in axes:
            axis.set_visible(False)
        if picture:
            save_figure(figure, picture)


if __name__ == "__main__":
    main()
