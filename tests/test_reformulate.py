"""Both splittings have the network's equilibrium as their fixed point, and the claims about C hold."""

import numpy as np
import pytest
from random_models import random_model

from mondeq_hw.problem import FORWARD_BACKWARD, PEACEMAN_RACHFORD, SPLITTINGS, folded_input, reformulate
from mondeq_hw.problem.reference import preactivation, state_of, step_size


def model_and_words(seed, n=9, d=6, k=4, margin=0.3):
    rng = np.random.default_rng(seed)
    return random_model(rng, n, d, k, margin), rng.integers(0, 256, (5, d))


def recurrences(model):
    steps = {PEACEMAN_RACHFORD: (0.3, 1.0, 2.7), FORWARD_BACKWARD: (2.0**-3, 2.0**-6)}
    return [reformulate(model, SPLITTINGS[name], step) for name, some in steps.items() for step in some]


@pytest.mark.parametrize("seed", range(5))
def test_reference_solves_the_network(seed):
    model, words = model_and_words(seed)
    v = preactivation(model, words)
    z = model.prox.prox(v)
    x = model.preprocessing.apply(words)
    np.testing.assert_allclose(v, z @ model.W.T + x @ model.U.T + model.b, atol=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_equilibrium_is_the_fixed_point_of_every_recurrence(seed):
    model, words = model_and_words(seed)
    v = preactivation(model, words)
    for step in recurrences(model):
        s = state_of(model.prox, v, step.step_size)
        again = step.phi(s) @ step.iteration_matrix.T + words @ step.drive.T + step.drive_bias
        np.testing.assert_allclose(again, s, atol=1e-6)
        np.testing.assert_allclose(model.prox.prox(s), model.prox.prox(v), atol=1e-9)
        y = model.prox.prox(s) @ step.readout.T + step.readout_bias
        np.testing.assert_allclose(y, model.prox.prox(v) @ model.O.T + model.c, atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_reflected_matrix_contracts_at_any_step(seed):
    model, _ = model_and_words(seed, margin=0.05)
    for alpha in np.geomspace(1e-2, 1e2, 9):
        assert np.linalg.norm(reformulate(model, SPLITTINGS[PEACEMAN_RACHFORD], alpha).matrix, 2) < 1


def test_step_size_is_near_the_best_one():
    model, _ = model_and_words(1, n=30)

    def factor(alpha):
        return np.linalg.norm(reformulate(model, SPLITTINGS[PEACEMAN_RACHFORD], alpha).matrix, 2)

    best = min(map(factor, np.geomspace(0.05, 20, 60)))
    assert 1 - factor(step_size(model)) > 0.5 * (1 - best)


def test_preprocessing_is_folded():
    model, words = model_and_words(2)
    U, b = folded_input(model)
    np.testing.assert_allclose(words @ U.T + b, model.preprocessing.apply(words) @ model.U.T + model.b, atol=1e-10)


def test_leak_is_the_exact_diagonal():
    model, _ = model_and_words(3)
    step = reformulate(model, SPLITTINGS[FORWARD_BACKWARD], 2.0**-4)
    assert step.leak == 15 / 16
    np.testing.assert_allclose(step.iteration_matrix, np.eye(model.n) * 15 / 16 + model.W / 16)
