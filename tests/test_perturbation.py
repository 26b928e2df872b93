"""The paper's figures, and bounds on the displacement that hold on every sample."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from random_models import random_model, random_words

from mondeq_hw.problem import FORWARD_BACKWARD, PEACEMAN_RACHFORD
from mondeq_hw.problem.load import load
from mondeq_hw.problem.model import lipschitz_constant, monotonicity_margin
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.proof.certify import certify, choose_iterations, state_radius
from mondeq_hw.proof.contraction import error_bound
from mondeq_hw.proof.exact import is_proved
from mondeq_hw.proof.perturbation import (
    GRID_BITS,
    compare_operators,
    deployed_operator,
    displacement,
    lipschitz_gap,
    margin_gap,
    paper_perturbation,
    prove_operator,
)
from mondeq_hw.rounding.assemble import assemble
from mondeq_hw.rounding.lower import lower
from mondeq_hw.rounding.options import LoweringOptions

SHARED = Path(os.environ.get("MONDEQ_SHARED", Path(__file__).resolve().parents[2] / "shared"))
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="no shared folder; name it with MONDEQ_SHARED")


@needs_shared
@pytest.mark.parametrize("bits", [4, 6, 8, 12])
def test_the_papers_recorded_figures(bits: int) -> None:
    recorded = json.loads((SHARED / "checkpoints/li_2026_recorded_results.json").read_text())
    stats = recorded["quantisation_results"][str(bits)]["quant_stats"]
    found = paper_perturbation(load(SHARED / "checkpoints/li_2026_mnist_mondeq.pt").W, bits)
    assert found.m == pytest.approx(recorded["model_stats"]["m"], rel=1e-4)
    assert pytest.approx(recorded["model_stats"]["L"], rel=1e-4) == found.L
    assert found.delta_W_norm == pytest.approx(stats["delta_W_norm"], rel=1e-4)
    assert found.m_tilde == pytest.approx(stats["m_tilde"], rel=1e-4)
    assert found.L_tilde == pytest.approx(stats["L_tilde"], rel=1e-4)
    assert found.m - found.delta_W_norm == pytest.approx(stats["convergence_margin"], rel=1e-4)
    assert (found.ratio < 1) == stats["converges"]


def test_weyl_relates_the_figures() -> None:
    W = random_model(np.random.default_rng(0), 12, 3, 2).W
    figures = paper_perturbation(W, 5)
    assert figures.m_tilde >= figures.m - figures.delta_W_norm - 1e-12
    assert figures.L_tilde <= figures.L + figures.delta_W_norm + 1e-12
    assert paper_perturbation(np.zeros((2, 2)), 4).delta_W_norm == 0


@pytest.mark.parametrize("n", [1, 2, 13, 40])
def test_proved_margin_and_lipschitz_constant(n: int) -> None:
    W = random_model(np.random.default_rng(n), n, 3, 2, margin=0.3).W
    proof = prove_operator(W)
    assert proof is not None
    m, L = proof.margin_bound / 2**GRID_BITS, proof.lipschitz_bound / 2**GRID_BITS
    assert monotonicity_margin(W) * (1 - 1e-3) < m <= monotonicity_margin(W)
    assert lipschitz_constant(W) <= L < lipschitz_constant(W) * (1 + 1e-3)
    # The witness does not stretch to a bound that is not true.
    beyond = int(monotonicity_margin(W) * 1.001 * 2**GRID_BITS)
    assert not is_proved(margin_gap(proof.integers, beyond), proof.margin_witness)
    below = int(lipschitz_constant(W) * 0.999 * 2**GRID_BITS)
    assert not is_proved(lipschitz_gap(proof.integers, below), proof.lipschitz_witness)


def test_no_proof_for_an_operator_that_is_not_monotone() -> None:
    assert prove_operator(1.01 * np.eye(3)) is None


def compiled(seed: int, solver: str, bits: int) -> tuple:
    model = random_model(np.random.default_rng(seed), 9, 6, 4, margin=0.8)
    lowered = lower(model, LoweringOptions(bits=bits, solver=solver, rounding="nearest", state_bits=14))
    assert lowered.proof is not None
    program = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 1, True)
    program = program.replace(iterations=choose_iterations(program, lowered.proof))
    return model, lowered, program


@pytest.mark.parametrize("solver,bits", [(PEACEMAN_RACHFORD, 5), (PEACEMAN_RACHFORD, 9), (FORWARD_BACKWARD, 9)])
def test_displacement_bounds_hold(solver: str, bits: int) -> None:
    for seed in range(3):
        model, lowered, program = compiled(seed, solver, bits)
        words = random_words(seed, program, 40)
        states = GoldenModel(program).trace(words).states[-1]
        inside = (np.abs(states) < program.state_format.max_word - 64).all(axis=1)
        assert inside.any()
        radius = float(state_radius(program, lowered.proof, error_bound(program, lowered.proof)))
        step = lowered.step_size
        moved = displacement(model, program, step, words[inside], states[inside], radius)
        assert (moved.distance <= moved.perturbation_bound).all()
        assert (moved.distance <= moved.residual_bound).all()


def test_deployed_operator_converges_to_the_model() -> None:
    for solver in (PEACEMAN_RACHFORD, FORWARD_BACKWARD):
        errors = []
        for bits in (8, 12, 16):
            model, lowered, program = compiled(0, solver, bits)
            step = lowered.step_size
            errors.append(compare_operators(model.W, deployed_operator(program, step)).delta_W_norm)
        assert errors[0] > 4 * errors[1] > 16 * errors[2] > 0


def test_uncertified_program_has_its_figures_too() -> None:
    model, lowered, program = compiled(1, PEACEMAN_RACHFORD, 6)
    certificate = certify(program.replace(certified=False), None, model, lowered.step_size, None)
    assert certificate.line("contraction").status == "not covered"
    assert certificate.line("deployed_figures").values["ratio"] > 0
