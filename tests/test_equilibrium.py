"""The trainable network: gradients, solvers, parametrisation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mondeq_hw.base import RELU, Clip
from mondeq_hw.base.errors import InputError
from mondeq_hw.problem import SOLVERS, SPLITTINGS
from mondeq_hw.problem.model import Preprocessing
from mondeq_hw.problem.reference import preactivation
from mondeq_hw.training.equilibrium import MonotoneNetwork, adjoint_equilibrium, equilibrium, phi_slope

TIGHT = {"tolerance": 1e-14, "max_iterations": 20_000}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def contraction(n: int, norm: float, seed: int = 0) -> torch.Tensor:
    matrix = torch.randn(n, n, dtype=torch.double, generator=torch.Generator().manual_seed(seed))
    return matrix * (norm / torch.linalg.matrix_norm(matrix, 2))


def drives(samples: int, n: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(samples, n, dtype=torch.double, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", list(SPLITTINGS))
@pytest.mark.parametrize("n, samples", [(1, 1), (5, 3), (11, 4)])
def test_equilibrium_is_a_fixed_point(name, n, samples):
    matrix, drive = contraction(n, 0.9), drives(samples, n)
    state = equilibrium(matrix, drive, name, **TIGHT)
    phi = SPLITTINGS[name].phi(Clip.uniform(RELU, n), state.numpy())
    expected = phi @ matrix.numpy().T + drive.numpy()
    np.testing.assert_allclose(state.numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("name", list(SPLITTINGS))
@pytest.mark.parametrize("n, samples", [(1, 2), (6, 3)])
def test_gradient_of_the_equilibrium(name, n, samples):
    matrix, drive = contraction(n, 0.8).requires_grad_(), drives(samples, n).requires_grad_()
    assert torch.autograd.gradcheck(lambda m, d: equilibrium(m, d, name, **TIGHT), (matrix, drive))


def test_adjoint_solves_the_transposed_system():
    matrix, slope, gradient = contraction(7, 0.9), phi_slope(drives(4, 7), "abs"), drives(4, 7, seed=2)
    solved = adjoint_equilibrium(matrix, slope, gradient, **TIGHT)
    for row in range(4):
        system = torch.eye(7, dtype=torch.double) - torch.diag(slope[row]) @ matrix.t()
        torch.testing.assert_close(solved[row], torch.linalg.solve(system, gradient[row]))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("learn_margin", [False, True])
def test_gradient_of_every_parameter(solver, learn_margin):
    network = MonotoneNetwork(5, 4, 3, 0.7, learn_margin, solver, seed=3, **TIGHT).double()
    inputs = drives(3, 4)
    names = [name for name, _ in network.named_parameters()]
    assert ("margin_raw" in names) == learn_margin

    def logits(*values):
        return torch.func.functional_call(network, dict(zip(names, values, strict=True)), inputs)

    # The step size must not enter the gradient: it moves the solver only.
    values = tuple(p.detach().clone().requires_grad_() for p in network.parameters())
    assert torch.autograd.gradcheck(logits, values)


@pytest.mark.parametrize("step_size", [None, 0.1])
def test_solvers_agree_with_each_other_and_with_the_reference(step_size):
    logits = {}
    preprocessing = Preprocessing(scale=1.0)
    words = np.arange(12).reshape(3, 4) % 5
    for solver in SOLVERS:
        network = MonotoneNetwork(6, 4, 3, 0.9, solver=solver, step_size=step_size, seed=4, **TIGHT).double()
        logits[solver] = network(torch.from_numpy(words).double()).detach().numpy()
    model = network.to_model(preprocessing)
    expected = np.maximum(preactivation(model, words), 0) @ model.O.T + model.c
    for values in logits.values():
        np.testing.assert_allclose(values, expected, atol=1e-7)


@pytest.mark.parametrize("margin", [1e-3, 0.5, 1.0, 30.0])
def test_margin_of_the_exported_weight(margin):
    network = MonotoneNetwork(8, 2, 2, margin, seed=5)
    with torch.no_grad():
        network.A[:4] = 0  # rank-deficient A: the margin is attained
        network.A *= 3
    model = network.to_model(Preprocessing())
    eye = np.eye(8)
    smallest = np.linalg.eigvalsh(eye - (model.W + model.W.T) / 2)[0]
    assert smallest == pytest.approx(margin, rel=1e-4)
    assert model.monotonicity_margin == pytest.approx(margin, rel=1e-5)


def test_seed_decides_the_weights():
    first, again, other = (MonotoneNetwork(4, 3, 2, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first.A, again.A) and torch.equal(first.O, again.O)
    assert not torch.equal(first.A, other.A)


def test_what_does_not_settle_is_an_error():
    with pytest.raises(InputError, match="not reached in 40 iterations"):
        equilibrium(contraction(3, 40.0), drives(2, 3), "peaceman_rachford", max_iterations=40)


@pytest.mark.parametrize("wrong", [{"margin": 0.0}, {"margin": -1.0}, {"solver": "newton"}])
def test_wrong_arguments(wrong):
    with pytest.raises(InputError, match="expected"):
        MonotoneNetwork(3, 2, 2, **wrong)
