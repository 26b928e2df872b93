"""Certified robustness and gain of deployed integers beside what others publish for the same networks.

    python benchmarks/certified.py [--shared DIR] [--only WORD ...] [--samples 100] [--epochs 5] [--states 80] [--json]

CRAFT (PLDI 2023) certifies its networks on the first 100 test images of MNIST, for changes of any pixel by 0.01 to 0.1
of the range (its configuration files); the first of them is, weight for weight, that of Pabbaraju, Winston and Kolter
(ICLR 2021), who publish its Lipschitz bound, 3.8366, and certify by it.  The same images and sizes are asked of the
certificate of the integers, which the independent checker accepts or the benchmark ends.

LBEN (arXiv 2010.01732) trains a network with its Lipschitz bound ``gamma``.  Of its networks no weights were at hand:
those here are trained by this script in its parametrisation, width, margin and data, and are read as its files are.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from published import arguments, compiled
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from mondeq_hw.base import RELU, Clip, InternalError
from mondeq_hw.problem import (
    MNIST_PREPROCESSING,
    PEACEMAN_RACHFORD,
    Dataset,
    MonDEQ,
    find_splitting,
    load,
    logits,
    mnist,
    preactivation,
)
from mondeq_hw.program import GoldenModel, SolverProgram
from mondeq_hw.proof import LARGEST_FORM, Certificate, Changes, certify, check, check_certificate
from mondeq_hw.rounding import LoweringOptions
from mondeq_hw.training.clip import TensorClip
from mondeq_hw.training.equilibrium import equilibrium

#: Changes of a pixel in [0, 1]: CRAFT's for its largest component, and some for the 2-norm.
BOXES, BALLS = (0.01, 0.02, 0.05, 0.07, 0.1), (0.1, 0.2, 0.5, 1.0)
WHITE, DEVIATION, CALIBRATION = 255, MNIST_PREPROCESSING.std, 10_000
#: LBEN's own experiment on MNIST, but for the epochs, of which it has 40.
WIDTH, EPOCHS, MARGIN, BATCH, RATE = 80, 5, 1.0, 128, 1e-3
CRAFT = "checkpoints/craft"


Reader = Callable[[Path, Dataset, int, int], MonDEQ]


@dataclass(frozen=True)
class Network:
    """A float network, word lengths for it, and the bound by which its authors know it.

    Parameters
    ----------
    title : str
    read : callable
        The network, from the folder of checkpoints and data, the training samples, and numbers of epochs and states.
    bits : int
    bound : float or None
        Published Lipschitz bound in the 2-norm: outputs for one unit of the normalised input.
    """

    title: str
    read: Reader
    bits: int
    bound: float | None = None


@dataclass(frozen=True)
class Figures:
    """A row; shares are of all samples, those that are classified wrongly count as not certified.

    Parameters
    ----------
    right : int
        Samples whose class the integers have.
    boxes, balls : dict
        Size of change, and samples certified at it.
    rule : dict or None
        The same in the 2-norm by the published bound alone: a margin of the float network over root two times it.
    gain : float or None
        Proved: outputs in the 2-norm for one unit of the normalised input, where no state saturates.
    steepest : float
        Largest slope at the samples, in floating point: no bound can be less.
    """

    title: str
    bits: int
    samples: int
    right: int
    boxes: dict[float, int]
    balls: dict[float, int]
    rule: dict[float, int] | None
    bound: float | None
    product: float
    gain: float | None
    steepest: float


# -- LBEN ------------------------------------------------------------------------------------


class BoundedLayer(nn.Module):
    """Parameters of a Lipschitz-bounded LBEN, under its names."""

    def __init__(self, n: int, d: int, k: int) -> None:
        super().__init__()
        self.B, self.G = nn.Linear(d, n), nn.Linear(n, k)
        self.V, self.S = nn.Linear(n, n, bias=False), nn.Linear(n, n, bias=False)
        self.psi = nn.Parameter(torch.ones(n))


class Bounded(nn.Module):
    """The network, its equilibrium sought in coordinates in which it is monotone in the plain metric."""

    def __init__(self, n: int, d: int, k: int, gamma: float) -> None:
        super().__init__()
        self.mon, self.gamma = nn.Module(), gamma
        self.mon.linear_module = BoundedLayer(n, d, k)

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs (samples, k) of normalised inputs (samples, d)."""
        layer: Any = self.mon.linear_module
        root, splitting = torch.exp(layer.psi / 2), find_splitting(PEACEMAN_RACHFORD)
        B, G, V, S = layer.B.weight, layer.G.weight, layer.V.weight, layer.S.weight
        U, eye = B / root[:, None] ** 2, torch.eye(len(root))
        bracket = (G.T @ G + U @ U.T) / (2 * self.gamma) + V.T @ V + MARGIN * eye + S.T - S
        A = root[:, None] * bracket * root
        alpha = _step(A.detach())
        matrix, resolvent, scale = splitting.fold(eye - A, alpha, torch)
        drive = scale * (layer.B(inputs) / root) @ resolvent.T
        clip = TensorClip.of(Clip.uniform(RELU, len(root)), drive.dtype, drive.device)
        return layer.G(root * clip.prox(equilibrium(matrix, drive, splitting, clip, 1e-4)))


def _step(A: Tensor) -> float:
    margin = float(torch.linalg.eigvalsh((A + A.T) / 2)[0])
    return find_splitting(PEACEMAN_RACHFORD).best_step(margin, float(torch.linalg.matrix_norm(A, 2)))


def bounded(gamma: float) -> Network:
    """An LBEN of ours."""

    def read(shared: Path, training: Dataset, epochs: int, states: int) -> MonDEQ:
        torch.manual_seed(1)
        network = Bounded(states, training.words.shape[1], 10, gamma)
        inputs = torch.tensor(MNIST_PREPROCESSING.apply(training.words), dtype=torch.float32)
        targets = torch.tensor(training.targets)
        optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
        steps = max(1, epochs * len(inputs) // BATCH)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        for step in range(steps):
            if step * BATCH % len(inputs) < BATCH:
                order = torch.randperm(len(inputs))
            chosen = order[step * BATCH % len(inputs) :][:BATCH]
            optimiser.zero_grad()
            cross_entropy(network(inputs[chosen]), targets[chosen]).backward()
            optimiser.step()
            schedule.step()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"fc_lip{gamma}_w{states}.params"
            torch.save(network.state_dict(), file)
            return load(file, MARGIN, lipschitz_bound=gamma, preprocessing=MNIST_PREPROCESSING)

    return Network(f"LBEN, gamma {gamma:g}, weights ours", read, 8, gamma)


def craft(file: str) -> Reader:
    """A network of CRAFT's."""
    return lambda shared, training, epochs, states: load(shared / CRAFT / file, 20.0, preprocessing=MNIST_PREPROCESSING)


NETWORKS = (
    Network("CRAFT, 40 states", craft("mon_h40_m20.0.pt"), 12, 3.83663330078125),
    Network("CRAFT, convolution", craft("mnist_sm_mon_conv_c8_k6_s3_m20.0.pt"), 6),
    *map(bounded, (0.3, 1.0, 5.0)),
)

# -- figures -----------------------------------------------------------------------------------


def certificate_of(model: MonDEQ, bits: int, calibration: np.ndarray, words: np.ndarray) -> tuple[Any, Certificate]:
    """Deployed integers, and their certificate on samples (samples, d) that had no part in the rounding."""
    lowered, program = compiled(model, LoweringOptions(bits=bits), calibration)
    golden = GoldenModel(program)
    changes = Changes(tuple(eps * WHITE for eps in BOXES), tuple(eps * WHITE for eps in BALLS))
    certificate = certify(
        program,
        lowered.proof,
        lowered.model,
        lowered.step_size,
        golden.words(words),
        changes=changes,
        largest_form=LARGEST_FORM,
    )
    with tempfile.TemporaryDirectory() as folder:
        certificate.save(Path(folder) / "certificate.json")
        verdict = check(Path(folder) / "certificate.json")
    if not verdict.accepted:
        raise InternalError(f"the checker rejects what was certified: {verdict.reason}")
    return program, certificate


def figures(network: Network, model: MonDEQ, calibration: np.ndarray, test: Dataset) -> Figures:
    """A row, on all of ``test``."""
    _, draft = compiled(model, LoweringOptions(bits=network.bits), calibration)
    golden = GoldenModel(draft)
    right = golden.predict_raw(golden.words(test.words)).argmax(axis=1) == test.targets
    program, certificate = certificate_of(model, network.bits, calibration, test.words[right])
    line = certificate.line("robustness").values
    boxes, balls = (
        dict(zip(sizes, line[name]["certified"], strict=True))
        for name, sizes in (("infinity_norm", BOXES), ("two_norm", BALLS))
    )
    product = np.linalg.norm(model.O, 2) * np.linalg.norm(model.U, 2) / model.measured_margin
    return Figures(
        network.title,
        network.bits,
        len(right),
        int(right.sum()),
        boxes,
        balls,
        None if network.bound is None else by_rule(model, test, network.bound),
        network.bound,
        float(product),
        proved_gain(program, certificate),
        steepest(model, test.words),
    )


def by_rule(model: MonDEQ, test: Dataset, bound: float) -> dict[float, int]:
    """Samples that a Lipschitz bound certifies; Pabbaraju, Winston and Kolter ask for twice it, not root two times."""
    outputs = logits(model, test.words)
    ordered = np.sort(outputs, axis=1)
    margins = np.where(outputs.argmax(axis=1) == test.targets, ordered[:, -1] - ordered[:, -2], -1.0)
    return {eps: int((np.sqrt(2) * bound * eps / DEVIATION <= margins).sum()) for eps in BALLS}


def proved_gain(program: SolverProgram, certificate: Certificate) -> float | None:
    """Of all outputs at once, from the certificate's form: the largest eigenvalue of its small matrix of outputs."""
    plain = certificate.to_dict()
    gains = check_certificate.Evidence(plain["program"], plain["evidence"]).gains["two_norm"]
    if gains.form is None:
        return None
    images = np.array([[float(x) for x in image] for image in gains.images])
    most = np.sqrt((images**2).sum(axis=1).max())
    word = float(np.linalg.norm(images / most, 2)) * max(float(gains.unsaturated(k)) for k in range(program.rows))
    return word * WHITE * float(np.mean(DEVIATION)) * 2.0**program.input_format.fractional_bits


def steepest(model: MonDEQ, words: np.ndarray) -> float:
    """Largest norm of the outputs' slope, in the units of the normalised input."""
    found = 0.0
    for state in preactivation(model, words):
        on = (state > 0).astype(float)
        slope = np.linalg.solve((np.eye(model.n) - on[:, None] * model.W).T, model.O.T).T * on
        found = max(found, float(np.linalg.norm(slope @ model.U, 2)))
    return found


def table(rows: list[Figures]) -> list[str]:
    """As docs/benchmarks.md has it."""
    head = ["network", "bits", "right", *(f"{eps:g}" for eps in BOXES), *(f"{eps:g} (2)" for eps in BALLS)]
    head += ["bound", "norms' product", "proved", "steepest found"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in rows:
        ruled = row.rule or {}
        cells = [row.title, str(row.bits), f"{row.right} of {row.samples}", *map(str, row.boxes.values())]
        cells += [f"{count}" + (f" / {ruled[eps]}" if ruled else "") for eps, count in row.balls.items()]
        bounds = [row.bound, row.product, row.gain, row.steepest]
        lines.append(f"| {' | '.join(cells + ['' if each is None else f'{each:.3g}' for each in bounds])} |")
    return lines


def main() -> None:
    parser: argparse.ArgumentParser = arguments("Certified robustness beside what others publish.")
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORD", help="networks whose title has a word")
    parser.add_argument("--samples", type=int, default=100, help="of the test images, from the first on")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of an LBEN's training")
    parser.add_argument("--states", type=int, default=WIDTH, help="of an LBEN")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    training, test = (mnist(options.shared / "data" / "mnist", part) for part in ("train", "test"))
    rows = []
    for network in NETWORKS:
        if any(word in network.title for word in options.only):
            model = network.read(options.shared, training, options.epochs, options.states)
            rows.append(figures(network, model, training.words[:CALIBRATION], test.first(options.samples)))
    print(json.dumps([asdict(row) for row in rows]) if options.json else "\n".join(table(rows)))


if __name__ == "__main__":
    main()
