"""Other families of networks: float solutions of their own equations, and the figures published for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

import mondeq_hw
from mondeq_hw import InputError, MonDEQ, Preprocessing, load
from mondeq_hw.cli import main
from mondeq_hw.problem import MNIST_PREPROCESSING, lipschitz_constant, logits, mnist, monotonicity_margin
from mondeq_hw.problem.coordinates import dominant_metric, in_coordinates

Arrays = dict[str, np.ndarray]
RAW = Preprocessing(1 / 255)


def equilibrium(W: np.ndarray, q: np.ndarray) -> np.ndarray:
    """``z = relu(W z + q)`` by continuation of the active set: an independent way to the same point.

    Of the linear complementarity problem's pieces it takes the one that solves it, by principal pivoting.
    """
    solutions = []
    operator = np.eye(len(W)) - W
    for row in q:
        active = np.zeros(len(W), dtype=bool)
        for _ in range(10_000):  # Murty's least-index rule ends for every P-matrix
            z = np.zeros(len(W))
            z[active] = np.linalg.solve(operator[np.ix_(active, active)], row[active])
            slack = operator @ z - row
            wrong = (active & (z < -1e-12)) | (~active & (slack < -1e-12))
            if not wrong.any():
                break
            first = np.flatnonzero(wrong)[-1]
            active[first] = not active[first]
        else:
            raise AssertionError("no equilibrium")
        solutions.append(z)
    return np.array(solutions)


def assert_solves(model: MonDEQ, W: np.ndarray, U: np.ndarray, b: np.ndarray, O: np.ndarray, c: np.ndarray) -> None:  # noqa: E741
    words = np.random.default_rng(1).integers(0, 256, size=(9, U.shape[1]))
    expected = equilibrium(W, words / 255 @ U.T + b) @ O.T + c
    assert np.abs(expected - c).max() > 0.1  # some states are active
    if model.preprocessing is None:
        model = MonDEQ(model.W, model.U, model.b, model.O, model.c, model.monotonicity_margin, RAW, clip=model.clip)
    np.testing.assert_allclose(logits(model, words), expected, rtol=1e-6, atol=1e-6)


# -- LBEN --------------------------------------------------------------------


def lben(n: int = 8, d: int = 4, k: int = 3) -> Arrays:
    rng = np.random.default_rng(3)
    layer = {
        "psi": rng.normal(size=n),
        "V.weight": 0.3 * rng.normal(size=(n, n)),
        "S.weight": 0.3 * rng.normal(size=(n, n)),
        "U.weight": rng.normal(size=(n, d)),
        "U.bias": rng.normal(size=n),
    }
    rest = {"Wout.weight": rng.normal(size=(k, n)), "Wout.bias": rng.normal(size=k)}
    return {**{f"mon.linear_module.{key}": value for key, value in layer.items()}, **rest}


def bounded(n: int = 8, d: int = 4, k: int = 3) -> Arrays:
    plain = lben(n, d, k)
    names = {"U.weight": "B.weight", "U.bias": "B.bias"}
    arrays = {key: value for key, value in plain.items() if not key.startswith("Wout")}
    for old, new in names.items():
        arrays[f"mon.linear_module.{new}"] = arrays.pop(f"mon.linear_module.{old}")
    arrays["mon.linear_module.G.weight"], arrays["mon.linear_module.G.bias"] = plain["Wout.weight"], plain["Wout.bias"]
    return arrays


def lben_operator(p: Arrays, margin: float, extra: np.ndarray | float = 0.0) -> np.ndarray:
    psi, V, S = (p[f"mon.linear_module.{key}"] for key in ("psi", "V.weight", "S.weight"))
    return np.eye(len(psi)) - np.diag(np.exp(psi)) @ (extra + V.T @ V + margin * np.eye(len(psi)) + S.T - S)


def test_lben() -> None:
    p = lben()
    model, W = load(p, margin=1.0), lben_operator(p, 1.0)
    assert monotonicity_margin(W) < 0 < model.monotonicity_margin  # its own metric is needed
    layer = "mon.linear_module."
    assert_solves(model, W, p[layer + "U.weight"], p[layer + "U.bias"], p["Wout.weight"], p["Wout.bias"])


def test_lben_with_a_lipschitz_bound() -> None:
    p, gamma = bounded(), 2.0
    layer = "mon.linear_module."
    B, G, psi = p[layer + "B.weight"], p[layer + "G.weight"], np.exp(p[layer + "psi"])
    inverse = np.diag(1 / psi)
    W = lben_operator(p, 1.0, G.T @ G / (2 * gamma) + inverse @ B @ B.T @ inverse / (2 * gamma))
    model = load(p, margin=1.0, lipschitz_bound=gamma)
    assert_solves(model, W, B, p[layer + "B.bias"], G, p[layer + "G.bias"])

    # What the bound promises: no two inputs' outputs are further apart than gamma times the inputs.
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 300, 4))
    real = MonDEQ(model.W, model.U, model.b, model.O, model.c, model.monotonicity_margin, Preprocessing(1.0))
    gap = np.linalg.norm(logits(real, first) - logits(real, second), axis=1)
    assert (gap <= gamma * np.linalg.norm(first - second, axis=1)).all()


@pytest.mark.parametrize(
    ("arrays", "given", "message"),
    [
        (lben, {}, "does not store its margin m"),
        (bounded, {"margin": 1.0}, "give it with lipschitz_bound"),
        (lben, {"margin": 1.0, "lipschitz_bound": 2.0}, "is no Lipschitz-bounded LBEN"),
    ],
)
def test_lben_asks(arrays: Callable[[], Arrays], given: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(arrays(), **given)  # type: ignore[arg-type]


def test_a_live_lben_knows_its_bound() -> None:
    p = {**bounded(), "mon.linear_module.gamma": 2.0, "mon.linear_module.m": 1.0}
    np.testing.assert_array_equal(load(p).W, load(bounded(), margin=1.0, lipschitz_bound=2.0).W)
    with pytest.raises(InputError, match="lipschitz_bound is 3, but the file stores gamma = 2"):
        load(p, lipschitz_bound=3.0)


def test_a_layer_with_more_in_it_is_another_network() -> None:
    p = lben()
    p["mon.linear_module.A.bias"] = np.ones(8)
    with pytest.raises(InputError, match=r"has mon.linear_module.A.bias too, which LBEN .* has not"):
        load(p, margin=1.0)


def test_lben_is_proved_without_a_metric(tmp_path: Path) -> None:
    project = mondeq_hw.compile(
        bounded(), tmp_path / "build", bits=8, margin=1.0, lipschitz_bound=2.0, input_scale=1 / 255
    )
    assert project.program.certified


def test_a_file_that_leaves_things_open_is_exported(tmp_path: Path) -> None:
    """The same options as of ``compile``; the graph is the network's own recurrence in float64."""
    torch.save({f"encoder.{key}": torch.tensor(value) for key, value in bounded().items()}, tmp_path / "m.pt")
    given = ["--margin", "1", "--lipschitz-bound", "2", "--prefix", "encoder", "--input-scale", "0.5"]
    files = [str(tmp_path / "m.pt"), "--out", str(tmp_path / "m.onnx")]
    assert main(["export", "onnx", *files, "--form", "float", *given]) == 0
    model = load(tmp_path / "m.onnx")
    assert model.preprocessing == Preprocessing(0.5)
    np.testing.assert_array_equal(model.W, load(bounded(), margin=1.0, lipschitz_bound=2.0).W)


# -- infinity-norms ----------------------------------------------------------


def nemon(n: int = 9, d: int = 4, k: int = 3) -> Arrays:
    rng = np.random.default_rng(5)
    layer = {
        "A.weight": rng.normal(size=(n, n)),
        "d": 2 * rng.normal(size=n),
        "U.weight": rng.normal(size=(n, d)),
        "U.bias": rng.normal(size=n),
    }
    rest = {"Wout.weight": rng.normal(size=(k, n)), "Wout.bias": rng.normal(size=k)}
    return {**{f"mon.linear_module.{key}": value for key, value in layer.items()}, **rest}


def test_nemon() -> None:
    p, layer, m = nemon(), "mon.linear_module.", 0.05
    A, D = p[layer + "A.weight"], np.diag(np.exp(p[layer + "d"]))
    W = m * np.eye(9) + np.linalg.inv(D) @ A @ D - np.diag(np.abs(A).sum(axis=1))
    model = load(p, margin=m)
    assert monotonicity_margin(W) < 0 < model.monotonicity_margin
    assert_solves(model, W, p[layer + "U.weight"], p[layer + "U.bias"], p["Wout.weight"], p["Wout.bias"])


def test_nemon_that_is_none() -> None:
    with pytest.raises(InputError, match="not diagonally dominant in any weighting"):
        load(nemon(), margin=3.0)


def implicit(norm: float) -> Arrays:
    """As torchidl's optimiser leaves it: the largest row of ``A`` sums to ``norm``."""
    rng = np.random.default_rng(6)
    A = rng.normal(size=(9, 9))
    A *= norm / np.abs(A).sum(axis=1).max()
    return {"A": A, "B": rng.normal(size=(9, 4)), "C": rng.normal(size=(3, 9)), "D": rng.normal(size=(3, 4))}


def test_implicit_model() -> None:
    p = implicit(0.95)
    A, B, C, D = p.values()
    model = load({**p, "D": np.zeros((3, 4))})
    assert_solves(model, A, B, np.zeros(9), C, np.zeros(3))
    assert model.F is None
    x = np.random.default_rng(7).normal(size=(20, 4))
    fed = replace(load(p), preprocessing=Preprocessing(1.0))
    alone = replace(load({"A": A, "B": B, "C": C}), preprocessing=Preprocessing(1.0))
    np.testing.assert_allclose(logits(fed, x), logits(alone, x) + x @ D.T, atol=1e-9)


def test_implicit_model_is_scaled_as_torchidl_does() -> None:
    """The file holds the matrix unscaled, and the bound not at all."""
    p = implicit(3.0)
    with pytest.raises(InputError, match=r"sums to 3 in absolute values.*give margin, which is 1 - kappa of"):
        load(p)
    with pytest.raises(InputError, match="margin is 2; expected 1 - kappa"):
        load(p, margin=2.0)
    zeros = np.zeros(9), np.zeros(3)
    flat = {**p, "D": np.zeros((3, 4))}
    for kappa in (0.99, 0.5):
        assert_solves(load(flat, margin=1 - kappa), kappa / 3 * p["A"], p["B"], zeros[0], p["C"], zeros[1])
    feed_forward = np.tril(p["A"], -1)
    assert_solves(load({**flat, "A": feed_forward}), feed_forward, p["B"], zeros[0], p["C"], zeros[1])
    rng = np.random.default_rng(8)
    L, R = rng.normal(size=(2, 9, 2))
    low = {key: value for key, value in p.items() if key not in "AD"}
    A = 0.8 * L / np.abs(L).sum(axis=1).max() @ (0.8 * R.T / np.abs(R.T).sum(axis=1).max())
    assert_solves(load({**low, "L": L, "R": R}, margin=0.2), A, p["B"], zeros[0], p["C"], zeros[1])


class Implicit(torch.nn.Module):
    """What a live torchidl model says of itself."""

    def __init__(self, p: Arrays, kappa: float, bias: bool):
        super().__init__()
        for name, value in p.items():
            self.register_parameter(name, torch.nn.Parameter(torch.tensor(value)))
        self.f, self.bias = SimpleNamespace(kappa=kappa), bias


def test_live_implicit_model() -> None:
    p = implicit(3.0)
    model = load(Implicit(p, 0.5, bias=True))
    x = np.random.default_rng(7).uniform(size=(20, 3))
    one = np.column_stack([x, np.ones(20)])
    expected = equilibrium(p["A"] / 6, one @ p["B"].T) @ p["C"].T + one @ p["D"].T
    np.testing.assert_allclose(logits(replace(model, preprocessing=Preprocessing(1.0)), x), expected, atol=1e-6)
    with pytest.raises(InputError, match=r"margin is 0.01, but the file stores m = 0.5"):
        load(Implicit(p, 0.5, bias=False), margin=0.01)


# -- compiled ----------------------------------------------------------------


def lben_end() -> tuple[Arrays, float, np.ndarray, tuple[str, ...]]:
    p = lben()
    return p, 1.0, lben_operator(p, 1.0), ("U.weight", "U.bias")


def nemon_end() -> tuple[Arrays, float, np.ndarray, tuple[str, ...]]:
    """Of the margin that its authors took."""
    p = nemon()
    A, D = p["mon.linear_module.A.weight"], np.exp(p["mon.linear_module.d"])
    return p, 0.0, A * D / D[:, None] - np.diag(np.abs(A).sum(axis=1)), ("U.weight", "U.bias")


def implicit_end() -> tuple[Arrays, float, np.ndarray, tuple[str, ...]]:
    p = implicit(3.0)
    return p, 0.05, 0.95 / 3 * p["A"], ()


@pytest.mark.parametrize("end", [lben_end, nemon_end, implicit_end])
def test_compiled_against_an_independent_solution(end: Callable[..., Any], tmp_path: Path) -> None:
    """Loaded, certified, accepted by the checker; outputs within what is proved of those solved by pivoting."""
    p, margin, W, names = end()
    x = np.random.default_rng(2).uniform(-1, 1, size=(300, 4))
    x = np.rint(x * 256) / 256
    if names:
        U, b = (p["mon.linear_module." + key] for key in names)
        y = equilibrium(W, x @ U.T + b) @ p["Wout.weight"].T + p["Wout.bias"]
    else:
        y = equilibrium(W, x @ p["B"].T) @ p["C"].T + x @ p["D"].T
    project = mondeq_hw.compile(
        p, tmp_path / "build", bits=12, margin=margin, input_format="ap_fixed<10,2>", calibration=(x, y)
    )
    assert project.program.certified and project.check_certificate().accepted
    bound = project.certificate.line("output_distance")
    assert bound.status == "proved"
    error = np.abs(project.predict(x) - y)
    assert (error.max(axis=0) <= bound.values["bounds"]).all()
    assert (error.max(axis=0) < 0.05 * np.ptp(y, axis=0)).all() and error.max() > 0
    if end is implicit_end:  # the only one with a feed-through
        verified = project.verify(x[:8], simulators=())
        assert verified.ok and [(each.name, each.samples) for each in verified.backends] == [("c++", 8)]


@pytest.mark.parametrize("seed", range(20))
def test_diagonal_dominance_gives_a_metric(seed: int) -> None:
    """Random operators that contract in a weighted infinity-norm are monotone in the coordinates found; others none."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 12))
    W = rng.normal(size=(n, n)) * np.exp(rng.normal(size=n))
    weights = np.exp(2 * rng.normal(size=n))
    radius = (np.abs(W) @ weights / weights).max()
    factors = dominant_metric(0.99 * W / radius)
    assert factors is not None
    zeros = np.zeros(n)
    model = MonDEQ(0.99 * W / radius, np.eye(n), zeros, np.eye(n), zeros, 1.0)
    assert in_coordinates(model, factors).monotonicity_margin > 0
    assert dominant_metric(1.01 * np.abs(W) / np.abs(np.linalg.eigvals(np.abs(W))).max()) is None


# -- convolutions ------------------------------------------------------------


def convolutional(channels: int, kernel: int, pooled: int, images: int = 1) -> Arrays:
    rng = np.random.default_rng(8)
    layer = {
        "g": np.array(1.5),
        "h": np.array(0.7),
        "U.weight": rng.normal(size=(channels, images, kernel, kernel)) / kernel,
        "U.bias": rng.normal(size=channels),
        "A.weight": rng.normal(size=(channels, channels, 3, 3)),
        "B.weight": rng.normal(size=(channels, channels, 3, 3)),
    }
    rest = {"Wout.weight": rng.normal(size=(4, channels * pooled**2)), "Wout.bias": rng.normal(size=4)}
    return {**{f"mon.linear_module.{key}": value for key, value in layer.items()}, **rest}


def convolved(p: Arrays, margin: float, images: torch.Tensor, stride: int, zeros: int, pool: int) -> np.ndarray:
    """Outputs by convolutions, border and pooling as the reference codes write them; damped forward-backward."""
    t = {key.removeprefix("mon.linear_module."): torch.tensor(value) for key, value in p.items()}
    A, B = t["A.weight"] / t["A.weight"].norm(), t["h"] * t["B.weight"] / t["B.weight"].norm()

    def cpad(x: torch.Tensor) -> torch.Tensor:
        return functional.pad(x, (1, 1, 1, 1), mode="circular")

    def transposed(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return functional.conv_transpose2d(cpad(x), weight)[:, :, 2:-2, 2:-2]

    Ux = functional.conv2d(cpad(functional.pad(images, (zeros,) * 4)), t["U.weight"], t["U.bias"], stride)
    z = torch.zeros_like(Ux)
    for _ in range(3000):
        Wz = (1 - margin) * z - t["g"] * transposed(functional.conv2d(cpad(z), A), A)
        Wz = Wz + functional.conv2d(cpad(z), B) - transposed(z, B)
        z = torch.relu(z + 0.02 * (Wz + Ux - z))
        z[:, :, 0], z[:, :, -1], z[:, :, :, 0], z[:, :, :, -1] = 0, 0, 0, 0
    features = functional.avg_pool2d(z, pool).flatten(1)
    return (features @ t["Wout.weight"].T + t["Wout.bias"]).numpy()


@pytest.mark.parametrize(
    ("arrays", "side", "stride", "zeros", "pool", "inner"),
    [
        (convolutional(2, 6, 4), None, 3, 0, 2, 2 * 7**2),
        (convolutional(2, 3, 7), None, 1, 1, 4, 2 * 28**2),
        (convolutional(2, 6, 2, images=2), 16, 3, 0, 2, 2 * 3**2),
    ],
    ids=["craft", "locuslab", "images of another size"],
)
def test_convolution(arrays: Arrays, side: int | None, stride: int, zeros: int, pool: int, inner: int) -> None:
    images = (arrays["mon.linear_module.U.weight"].shape[1], *(side or 28,) * 2)
    words = np.random.default_rng(1).integers(0, 256, size=(3, int(np.prod(images))))
    model = load(arrays, margin=2.0, preprocessing=RAW, input_side=side)
    assert model.n == inner
    expected = convolved(arrays, 2.0, torch.tensor(words / 255).reshape(-1, *images), stride, zeros, pool)
    np.testing.assert_allclose(logits(model, words), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 2, 9, 9), (1, 2, 1, 1), (1, 1, 1, 1)])
def test_convolutional_lben(shape: tuple[int, ...]) -> None:
    """``I - W`` is ``Psi`` times a MonDEQ's, so its equilibrium solves ``z = relu(z - (I - W) z + ..)`` of those."""
    rng = np.random.default_rng(3)
    plain, words = convolutional(2, 6, 4), np.random.default_rng(1).integers(0, 256, size=(3, 784))
    psi = rng.normal(size=shape)
    model = load({**plain, "mon.linear_module.psi": psi}, margin=2.0, preprocessing=RAW)
    mon = load(plain, margin=2.0, preprocessing=RAW)
    scale = np.broadcast_to(np.exp(psi), (1, 2, 9, 9))[:, :, 1:-1, 1:-1].reshape(-1)
    W = np.eye(mon.n) - scale[:, None] * (np.eye(mon.n) - mon.W)
    factors = np.sqrt(scale)  # of the coordinates in which it is stored
    np.testing.assert_allclose(model.W, W * factors / factors[:, None], atol=1e-12)
    # relu(q - Psi (I - W) z) with Psi q' = q has the fixed points of the MonDEQ driven by q'
    driven = replace(mon, U=mon.U / scale[:, None], b=mon.b / scale)
    np.testing.assert_allclose(logits(model, words), logits(driven, words), rtol=1e-6, atol=1e-6)
    with pytest.raises(InputError, match=r"'mon.linear_module.psi' has shape \(1, 2, 7, 7\); expected \(1, 2, 9, 9\)"):
        load({**plain, "mon.linear_module.psi": np.ones((1, 2, 7, 7))}, margin=2.0)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {key: value for key, value in convolutional(2, 3, 7).items() if not key.endswith(("h", "B.weight"))},
            "a convolutional layer without kernel B, such as NEMON's",
        ),
        (convolutional(64, 3, 7), r"57600 states \(64 channels of 30 x 30\); expected at most 2000"),
        (convolutional(2, 6, 5), r"50 features at its readout, which fits none .* 28 x 28 images; .* input_side"),
        (convolutional(2, 6, 4, images=2), "2-channel images, whose size the file does not store; .* input_side"),
        (
            {f"mon.linear_module.A0.{tier}.weight": np.ones((4, 4, 3, 3)) for tier in range(3)},
            r"a multi-tier convolutional MonDEQ \(3 kernels\); expected one layer",
        ),
    ],
)
def test_convolutions_that_are_not_lowered(arrays: Arrays, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(arrays, margin=2.0)


def test_an_input_side_that_does_not_fit() -> None:
    with pytest.raises(InputError, match=r"fits none of the known layouts of 2 channels, .* and 7 x 7 images"):
        load(convolutional(2, 6, 1), margin=2.0, input_side=7)  # two states a side, both of the border
    with pytest.raises(InputError, match="is no convolutional layer; leave input_side out"):
        load({"W": np.zeros((2, 2)), "U": np.ones((2, 1)), "b": np.zeros(2), "O": np.ones((1, 2))}, input_side=7)


# -- published networks ------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "n", "lipschitz", "accuracy"),
    [("mon_h40_m20.0", 40, 45.77, 0.9560), ("mnist_sm_mon_conv_c8_k6_s3_m20.0", 392, 31.28, 0.9306)],
)
def test_craft(shared: Path, name: str, n: int, lipschitz: float, accuracy: float) -> None:
    file = shared / "checkpoints" / "craft" / f"{name}.pt"
    model = load(file, margin=20.0, preprocessing=MNIST_PREPROCESSING)
    assert model.n == n and model.monotonicity_margin == 20.0
    assert lipschitz_constant(model.W) == pytest.approx(lipschitz, abs=0.01)
    test = mnist(shared / "data" / "mnist", "test")
    assert (logits(model, test.words).argmax(axis=1) == test.targets).mean() == accuracy


def test_hcas(shared: Path) -> None:
    """Means and deviations one for each input; the table's last four fifths agree on 89.6 %."""
    folder = shared / "checkpoints" / "craft"
    with np.load(folder / "hcas.npz") as table:
        X, y, mean, std = (table[key] for key in ("X", "y", "mean", "std"))
    model = load(folder / "HCAS_p0_t0_mon_h100_m20.0.pt", margin=20.0, preprocessing=Preprocessing(1.0, mean, std))
    agree = logits(model, X).argmax(axis=1) == y.argmax(axis=1)
    assert agree[len(agree) // 5 :].mean() == pytest.approx(0.896, abs=0.0005)
    assert agree.mean() == pytest.approx(0.892, abs=0.0005)


@pytest.mark.long
def test_craft_convolution_end_to_end(shared: Path, tmp_path: Path) -> None:
    """Compiled, proved, verified by its C++, and nearly the float network's accuracy at 6 bits."""
    file = shared / "checkpoints" / "craft" / "mnist_sm_mon_conv_c8_k6_s3_m20.0.pt"
    project = mondeq_hw.compile(
        file, tmp_path / "build", bits=6, margin=20.0, data_dir=shared / "data" / "mnist", calibration_samples=1000
    )
    accuracy = project.report.comparison.value
    assert project.program.certified and project.report.warnings == ()
    assert accuracy.floating == pytest.approx(0.9306, abs=1e-9) and accuracy.golden > 0.928
    verified = project.verify(words=np.load(project.folder / "sim" / "words.npy")[:8], simulators=())
    assert verified.ok and [(each.name, each.samples) for each in verified.backends] == [("c++", 8)]
    assert project.check_certificate().accepted
