"""Training leaves no tensor behind on another device, and runs in float32 whatever the caller has set."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from retraining_runs import FAST, blobs, lowered_model
from torch import Tensor

import mondeq_hw
from mondeq_hw.base import RELU, Clip, InputError, Interval
from mondeq_hw.cli import main
from mondeq_hw.problem import SOLVERS, find_task
from mondeq_hw.training import LEARNERS, MonotoneNetwork, QuantizedNetwork, equilibrium, find_device, loss_of, retrain
from mondeq_hw.training.device import CPU, CUDA
from mondeq_hw.training.qat import hinge

#: A device with sizes and types and no numbers: what mixes it with another raises, as CUDA does.
ELSEWHERE = torch.device("meta")
ROWS = (RELU, Interval(-1, 1), Interval(0, 2, complement=True))
TARGETS = {"classes": np.array([0, 1, 2, 1]), "values": np.arange(12.0).reshape(4, 3)}


@pytest.fixture
def numberless(monkeypatch: pytest.MonkeyPatch) -> None:
    """What looks at numbers does without: two updates, however near the equilibrium, and a step size."""
    monkeypatch.setattr(equilibrium, "settle", lambda update, state, *rest: (update(update(state)), 0.0))
    monkeypatch.setattr("mondeq_hw.training.updates.settle", lambda update, state, *rest: (update(state), 0.0))
    monkeypatch.setattr(MonotoneNetwork, "automatic_step_size", lambda self, W: 0.5)
    monkeypatch.setattr(torch, "equal", lambda *tensors: False)


def elsewhere(shape: tuple[int, ...]) -> Tensor:
    return torch.zeros(shape, device=ELSEWHERE)


@pytest.mark.parametrize("task", TARGETS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_float_network_follows_its_device(numberless: None, solver: str, task: str) -> None:
    loss = loss_of(find_task(task), TARGETS[task])
    clip = Clip.of([ROWS[row % len(ROWS)] for row in range(6)])
    network = MonotoneNetwork(6, 5, 3, solver=solver, learn_margin=True, clip=clip, units=loss.units).to(ELSEWHERE)
    loss.mean(network(elsewhere((4, 5))), loss.targets(TARGETS[task]).to(ELSEWHERE)).backward()
    assert {parameter.grad.device for parameter in network.parameters() if parameter.grad is not None} == {ELSEWHERE}
    assert network.margin_raw.grad is not None


@pytest.mark.parametrize("task", TARGETS)
@pytest.mark.parametrize("method", LEARNERS)
@pytest.mark.parametrize("updates", [None, 2])
def test_the_integer_network_follows_its_device(numberless: None, method: str, updates: int | None, task: str) -> None:
    loss = loss_of(find_task(task), TARGETS[task])
    blind = replace(loss, drawn=lambda outputs, generator: loss.targets(TARGETS[task]).to(ELSEWHERE))
    network = QuantizedNetwork(lowered_model(2, rows=ROWS), 3, updates)
    learner = LEARNERS[method](network, 0, blind).to(ELSEWHERE)
    if "lotion" in method:
        learner.curvature.steps = torch.zeros((), dtype=torch.long)  # a number that is looked at
    network.clamp_latents()
    learner.loss(elsewhere((4, 5)), loss.targets(TARGETS[task]).to(ELSEWHERE)).backward()
    assert {parameter.grad.device for parameter in network.parameters() if parameter.grad is not None} == {ELSEWHERE}


def test_cuda_is_used_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [find_device(name) for name in ("cpu", "auto", "cuda")] == [CPU, CUDA, CUDA]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert [find_device(name) for name in ("cpu", "auto")] == [CPU, CPU]
    out = tmp_path / "model.pt"
    assert main(["train", "--device", "cuda", "--out", str(out)]) == 2
    assert "--device is cuda, and" in capsys.readouterr().err
    with pytest.raises(InputError, match=r"^device is cuda, and .*; use cpu or auto"):
        mondeq_hw.train(out, device="cuda")
    assert not list(tmp_path.iterdir())


def test_no_mixed_precision_reaches_the_integers() -> None:
    """Words would leave their grid."""
    config = replace(FAST, optimisation=replace(FAST.optimisation, epochs=1))
    plain = retrain(lowered_model(3), blobs(), config).stored
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            mixed = retrain(lowered_model(3), blobs(), config).stored
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert np.array_equal(plain.matrix.matrix(np.float64), mixed.matrix.matrix(np.float64))
    assert np.array_equal(plain.drive_bias, mixed.drive_bias)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_trains_what_is_proved(tmp_path: Path) -> None:
    """Integers of the GPU's own, and a proof of them as for any; the hinge and the score are taken there, too."""
    lowered = lowered_model(3)
    network = QuantizedNetwork(lowered, 12)
    words = torch.from_numpy(lowered.input_format.to_float(blobs().words).astype(np.float32))
    there = network(words), hinge(network.iteration_matrix(), FAST)
    network.to(CUDA)
    assert torch.equal(network(words.to(CUDA)).cpu(), there[0])  # words on their grids: sums are exact
    torch.testing.assert_close(hinge(network.iteration_matrix(), FAST).cpu(), there[1])
    trained = mondeq_hw.train(tmp_path / "float.pt", epochs=3, device="cuda")
    retrained = mondeq_hw.qat(trained.file, tmp_path / "integers.pt", bits=3, epochs=2, device="cuda")
    project = mondeq_hw.compile(retrained.file, tmp_path / "build")
    assert project.check_certificate().accepted
    assert Fraction(retrained.metrics["contraction_factor"]) <= Fraction(95, 100)
