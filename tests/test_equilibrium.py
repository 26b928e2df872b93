"""The trainable network: gradients, solvers, parametrisation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mondeq_hw.base import FREE, RELU, Clip, Interval, soft_threshold
from mondeq_hw.base.errors import InputError
from mondeq_hw.problem import PEACEMAN_RACHFORD, SOLVERS, SPLITTINGS
from mondeq_hw.problem.model import Preprocessing
from mondeq_hw.problem.reference import logits
from mondeq_hw.training.clip import TensorClip
from mondeq_hw.training.equilibrium import MonotoneNetwork, adjoint_equilibrium, equilibrium

TIGHT = {"tolerance": 1e-14, "max_iterations": 20_000}

#: Rows in turn; sizes of which the states here reach both sides.
CLIPS = {
    "relu": (RELU,),
    "relu6": (Interval(0, 0.6),),
    "hard tanh": (Interval(-0.5, 0.5),),
    "soft threshold": (soft_threshold(0.3),),
    "mixed": (
        Interval(-0.5, 0.4), RELU, soft_threshold(0.3), FREE, Interval(0, 0), Interval(-np.inf, 0.2),
        Interval(0, 0.3, complement=True), Interval(0, 0, complement=True),
    ),
}  # fmt: skip


def clip_of(name: str, n: int) -> Clip:
    rows = CLIPS[name]
    return Clip.of([rows[row % len(rows)] for row in range(n)])


def double(name: str, n: int) -> TensorClip:
    return TensorClip.of(clip_of(name, n), torch.double)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def contraction(n: int, norm: float, seed: int = 0) -> torch.Tensor:
    matrix = torch.randn(n, n, dtype=torch.double, generator=torch.Generator().manual_seed(seed))
    return matrix * (norm / torch.linalg.matrix_norm(matrix, 2))


def drives(samples: int, n: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(samples, n, dtype=torch.double, generator=torch.Generator().manual_seed(seed))


# -- the clip on tensors -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.double])
@pytest.mark.parametrize("name", CLIPS)
def test_operators_are_those_of_the_clip_to_the_last_bit(name: str, dtype: torch.dtype) -> None:
    clip = clip_of(name, 8)
    tensors = TensorClip.of(clip, dtype)
    states = torch.cat([drives(50, 8), tensors.lower.double()[None], tensors.upper.double()[None], torch.zeros(1, 8)])
    states = states.nan_to_num(posinf=9.0, neginf=-9.0).to(dtype)
    for operator in ("prox", "reflection"):
        given = getattr(tensors, operator)(states)
        expected = getattr(clip, operator)(states.numpy())
        np.testing.assert_array_equal(given.numpy(), expected)
        assert given.dtype == dtype


@pytest.mark.parametrize("name", CLIPS)
def test_derivatives_between_kinks(name: str) -> None:
    tensors, states = double(name, 8), drives(60, 8)
    step = 1e-6
    for operator in ("prox", "reflection"):
        apply, slope = getattr(tensors, operator), getattr(tensors.derivative, operator)(states)
        difference = (apply(states + step) - apply(states - step)) / (2 * step)
        torch.testing.assert_close(difference, slope, rtol=0, atol=1e-8)
    states.requires_grad_()
    (gradient,) = torch.autograd.grad(tensors.prox(states).sum(), states)
    assert torch.equal(gradient, tensors.derivative.prox(states.detach()))


def test_derivatives_at_kinks_are_zero_and_a_fixed_row_has_none() -> None:
    tensors = double("mixed", 8)
    ends = torch.stack([tensors.lower, tensors.upper])
    finite = torch.isfinite(ends)
    fixed = tensors.lower == tensors.upper
    proxes, reflections = tensors.derivative.prox(ends), tensors.derivative.reflection(ends)
    assert (proxes[finite & ~fixed] == 0).all() and (reflections[finite & ~fixed] == 0).all()
    # Fixed at zero: prox is constant, its reflection -s; of the complement both are the identity.
    assert proxes[:, fixed].tolist() == [[0, 1]] * 2 and reflections[:, fixed].tolist() == [[-1, 1]] * 2
    relu = double("relu", 3)
    assert relu.derivative.reflection(torch.tensor([[-2.0, 0.0, 3.0]])).tolist() == [[-1, 0, 1]]


# -- the equilibrium -----------------------------------------------------------------------------------


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("name", list(SPLITTINGS))
@pytest.mark.parametrize("n, samples", [(1, 1), (5, 3), (11, 4)])
def test_equilibrium_is_a_fixed_point(name, clip, n, samples):
    matrix, drive = contraction(n, 0.9), drives(samples, n)
    state = equilibrium(matrix, drive, SPLITTINGS[name], double(clip, n), **TIGHT)
    phi = SPLITTINGS[name].phi(clip_of(clip, n), state.numpy())
    expected = phi @ matrix.numpy().T + drive.numpy()
    np.testing.assert_allclose(state.numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("name", list(SPLITTINGS))
@pytest.mark.parametrize("n, samples", [(1, 2), (8, 3)])
def test_gradient_of_the_equilibrium(name, clip, n, samples):
    matrix, drive = contraction(n, 0.8).requires_grad_(), drives(samples, n).requires_grad_()

    def state(matrix, drive):
        return equilibrium(matrix, drive, SPLITTINGS[name], double(clip, n), **TIGHT)

    assert torch.autograd.gradcheck(state, (matrix, drive))


def test_adjoint_solves_the_transposed_system():
    matrix, slope, gradient = contraction(7, 0.9), drives(4, 7).sign(), drives(4, 7, seed=2)
    solved = adjoint_equilibrium(matrix, slope, gradient, **TIGHT)
    for row in range(4):
        system = torch.eye(7, dtype=torch.double) - torch.diag(slope[row]) @ matrix.t()
        torch.testing.assert_close(solved[row], torch.linalg.solve(system, gradient[row]))


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("learn_margin", [False, True])
def test_gradient_of_every_parameter(solver, learn_margin, clip):
    network = MonotoneNetwork(5, 4, 3, 0.7, learn_margin, solver, seed=3, clip=clip_of(clip, 5), **TIGHT).double()
    inputs = 2 * drives(3, 4)
    names = [name for name, _ in network.named_parameters()]
    assert ("margin_raw" in names) == learn_margin

    def scores(*values):
        return torch.func.functional_call(network, dict(zip(names, values, strict=True)), inputs)

    # The step size must not enter the gradient: it moves the solver only.
    values = tuple(p.detach().clone().requires_grad_() for p in network.parameters())
    assert torch.autograd.gradcheck(scores, values)


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("step_size", [None, 0.1])
def test_solvers_agree_with_each_other_and_with_the_reference(step_size, clip):
    """The bounds of a complement have the step size in them, and the network has not."""
    words = np.arange(12).reshape(3, 4) % 5
    for solver in SOLVERS:
        options = {"solver": solver, "step_size": step_size, "clip": clip_of(clip, 6)}
        network = MonotoneNetwork(6, 4, 3, 0.9, seed=4, **options, **TIGHT).double()
        scores = network(torch.from_numpy(words).double()).detach().numpy()
        model = network.to_model(Preprocessing(scale=1.0))
        assert model.prox == clip_of(clip, 6)
        np.testing.assert_allclose(scores, logits(model, words), atol=1e-7)


@pytest.mark.parametrize("margin", [1e-3, 0.5, 1.0, 30.0])
def test_margin_of_the_exported_weight(margin):
    network = MonotoneNetwork(8, 2, 2, margin, seed=5)
    with torch.no_grad():
        network.A[:4] = 0  # rank-deficient A: the margin is attained
        network.A *= 3
    model = network.to_model(Preprocessing(1 / 255))
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
        equilibrium(
            contraction(3, 40.0), drives(2, 3), SPLITTINGS[PEACEMAN_RACHFORD], double("relu", 3), max_iterations=40
        )


@pytest.mark.parametrize(
    "wrong", [{"margin": 0.0}, {"margin": -1.0}, {"solver": "newton"}, {"clip": Clip.uniform(RELU, 4)}]
)
def test_wrong_arguments(wrong):
    with pytest.raises(InputError, match="expected"):
        MonotoneNetwork(3, 2, 2, **wrong)
