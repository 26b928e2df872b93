"""The training loop: determinism, early stopping, resume, the embedded default."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from training_runs import FAST, run, small_data

from mondeq_hw.base import Clip, Interval, save_figure, soft_threshold
from mondeq_hw.base.errors import InputError
from mondeq_hw.problem.data import digits
from mondeq_hw.problem.load import load, load_checkpoint
from mondeq_hw.problem.reference import preactivation
from mondeq_hw.training.train import (
    Epoch,
    Optimisation,
    TrainingRun,
    accuracy,
    fit,
    plot_history,
    shifted,
    split,
)

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def test_training_learns_and_repeats():
    first, again = run(), run()
    assert first.history == again.history
    assert first.model.digest() == again.model.digest()
    assert first.history[-1].loss < 0.5 * first.history[0].loss
    assert first.best.validation_score > 0.8
    assert first.model.k == 4
    other = run(replace(FAST, optimisation=replace(FAST.optimisation, seed=1)))
    assert other.model.digest() != first.model.digest()


@pytest.mark.parametrize("activation", [Interval(0, 2), Interval(-1, 1), soft_threshold(0.5)])
def test_other_activations_learn_too(activation):
    result = run(replace(FAST, activation=activation))
    assert result.model.clip == Clip.uniform(activation, FAST.n)
    assert result.history[-1].loss < 0.5 * result.history[0].loss
    assert result.best.validation_score > 0.7
    _, held_out = split(small_data(), FAST.optimisation.validation_share, FAST.optimisation.seed)
    kept = replace(small_data(), words=small_data().words[held_out], targets=small_data().targets[held_out])
    assert accuracy(result.model, kept) == pytest.approx(100 * result.best.validation_score)


STEEP = Optimisation(epochs=50, batch_size=16, learning_rate=0.3, patience=2)


def test_the_model_is_the_best_epochs():
    result, data = run(replace(FAST, optimisation=STEEP)), small_data()
    assert result.best.epoch < len(result.history) - 1
    assert result.best.rank == max(epoch.rank for epoch in result.history)
    _, held_out = split(data, STEEP.validation_share, STEEP.seed)
    model, labels = result.model, data.targets[held_out]
    logits = np.maximum(preactivation(model, data.words[held_out]), 0) @ model.O.T + model.c
    assert (logits.argmax(axis=1) == labels).mean() == result.best.validation_score
    loss = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(labels)), labels]
    assert loss.mean() == pytest.approx(result.best.validation_loss, rel=1e-2)


def recorded_steps(optimisation: Optimisation) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """First inputs and weights of every step of a plain linear model."""
    data, network = small_data(), torch.nn.Linear(64, 4)
    batches, weights = [], []

    def objective(inputs, labels):
        batches.append(inputs[:, 20:44].numpy().copy())
        weights.append(network.weight.detach().numpy().copy())
        return torch.nn.functional.cross_entropy(network(inputs / 16), labels)

    fit(TrainingRun(network, lambda words: words.float(), data, optimisation, identity="linear"), objective)
    return batches, weights


def test_every_epoch_sees_every_training_sample_once_in_another_order():
    optimisation = Optimisation(3, 30, 1e-3, patience=10, validation_share=0.1)
    batches, _ = recorded_steps(optimisation)
    epochs = [np.concatenate(batches[6 * epoch : 6 * epoch + 6]) for epoch in range(3)]
    training, _ = split(small_data(), 0.1, 0)
    expected = sorted(map(bytes, np.float32(small_data().words[training][:, 20:44])))
    for epoch in epochs:
        assert sorted(map(bytes, epoch)) == expected
    assert not np.array_equal(epochs[0], epochs[1]) and not np.array_equal(epochs[1], epochs[2])


def test_the_learning_rate_falls_to_zero():
    _, weights = recorded_steps(Optimisation(4, 30, 0.01, patience=10))
    moved = [float(np.abs(new - old).max()) for old, new in itertools.pairwise(weights)]
    assert moved[0] == pytest.approx(0.01, rel=1e-2)  # Adam's first step is the learning rate
    assert moved[-1] < 0.1 * 0.01


def test_early_stopping_waits_for_its_patience():
    result = run(replace(FAST, optimisation=STEEP))
    assert len(result.history) < 50
    assert len(result.history) - 1 - result.best.epoch == 2


def test_an_inadmissible_epoch_is_never_the_best():
    good, proved = Epoch(0, 0.1, 0.1, 99.0, admissible=False), Epoch(1, 0.2, 0.2, 50.0)
    assert max((good, proved), key=lambda epoch: epoch.rank) is proved


def test_without_a_validation_part_all_samples_train_and_the_last_epoch_is_kept(tmp_path):
    optimisation = replace(STEEP, epochs=3, patience=1, validation_share=0)
    batches, _ = recorded_steps(optimisation)
    expected = sorted(map(bytes, np.float32(small_data().words[:, 20:44])))
    assert sorted(map(bytes, np.concatenate(batches[: len(batches) // 3]))) == expected
    result = run(replace(FAST, optimisation=optimisation))
    assert [entry.validation_score for entry in result.history] == [None] * 3
    assert result.best is result.history[-1]
    assert run(replace(FAST, optimisation=replace(optimisation, patience=9))).model.digest() == result.model.digest()
    save_figure(plot_history(result.history, "run"), tmp_path / "history.svg")
    refused = [Epoch(epoch, 0.1, None, None, admissible=epoch < 2) for epoch in range(4)]
    assert max(refused, key=lambda epoch: epoch.rank).epoch == 1


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("stop_after", [0, 3])
def test_resume_ends_in_the_same_weights(tmp_path, stop_after):
    state = tmp_path / "run.state"

    def stop(epoch: Epoch) -> None:
        if epoch.epoch == stop_after:
            raise StoppedError

    with pytest.raises(StoppedError):
        run(state_file=state, observe=stop)
    resumed_at: list[int] = []
    resumed = run(state_file=state, observe=lambda epoch: resumed_at.append(epoch.epoch))
    assert resumed_at[0] == stop_after + 1
    uninterrupted = run()
    assert resumed.model.digest() == uninterrupted.model.digest()
    assert resumed.history == uninterrupted.history
    # A finished run is not trained again.
    finished = run(state_file=state, observe=stop)
    assert finished.model.digest() == uninterrupted.model.digest()


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
import torch
torch.set_num_threads(1)
from pathlib import Path
from training_runs import run
def kill(epoch):
    if epoch.epoch == 2:
        os.kill(os.getpid(), signal.SIGKILL)
run(state_file=Path({state!r}), observe=kill)
"""


def test_resume_after_a_kill(tmp_path):
    state = tmp_path / "run.state"
    script = KILLED.format(tests=str(Path(__file__).parent), state=str(state))
    root = str(Path(__file__).parents[1])
    killed = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    # A kill while the state is being written leaves such a file; it must not be in the way.
    state.with_name("run.state.part").write_bytes(b"half a state")
    assert run(state_file=state).model.digest() == run().model.digest()


def test_a_state_of_another_run_is_refused(tmp_path):
    state = tmp_path / "run.state"
    run(state_file=state)
    with pytest.raises(InputError, match="another configuration"):
        run(replace(FAST, n=7), state_file=state)
    with pytest.raises(InputError, match="another configuration"):
        run(replace(FAST, margin=0.6), state_file=state)
    state.write_bytes(state.read_bytes()[:500])
    with pytest.raises(InputError, match="not the state of a training run"):
        run(state_file=state)


def test_shifted_images_move_as_a_whole():
    words = torch.zeros(200, 16, dtype=torch.uint8)
    words[:, 5] = torch.arange(1, 201, dtype=torch.uint8)  # row 1, column 1 of 4 by 4
    moved = shifted(words, 1, np.random.default_rng(0)).reshape(200, 4, 4)
    assert torch.equal(moved.amax(dim=(1, 2)), words[:, 5])
    assert torch.equal((moved > 0).sum(dim=(1, 2)), torch.ones(200, dtype=torch.long))
    rows, columns = (moved > 0).nonzero()[:, 1:].unbind(dim=1)
    places = {(int(r), int(c)) for r, c in zip(rows, columns, strict=True)}
    assert places == {(r, c) for r in range(3) for c in range(3)}
    edge = torch.zeros(200, 16, dtype=torch.uint8)
    edge[:, 0] = 9
    gone = shifted(edge, 1, np.random.default_rng(0)).amax(dim=1) == 0
    assert 0 < gone.sum() < 200  # what leaves the image does not come back on the other side
    with pytest.raises(InputError, match="square"):
        shifted(torch.zeros(1, 15), 1, np.random.default_rng(0))


def test_shifting_trains_on_other_images():
    moved = run(replace(FAST, optimisation=replace(FAST.optimisation, shift_pixels=1)))
    assert moved.model.digest() != run().model.digest()
    assert moved.history[-1].loss < moved.history[0].loss


def test_divergence_is_an_error():
    with pytest.raises(InputError, match="lower the learning rate"):
        run(replace(FAST, optimisation=replace(FAST.optimisation, learning_rate=1e25)))


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch_size": 0}, {"learning_rate": -1.0}, {"patience": 0}])
def test_wrong_optimisation(wrong):
    (name,) = wrong
    with pytest.raises(InputError, match=f"{name} is .*; expected a (positive number|whole number of at least 1)"):
        replace(FAST.optimisation, **wrong)


@pytest.mark.parametrize("share", [1.0, 0.001])
def test_an_empty_part_is_refused(share):
    with pytest.raises(InputError, match="leaves one part empty"):
        split(small_data(), share, seed=0)


def test_parts_are_disjoint_and_complete():
    training, held_out = split(small_data(), 0.25, seed=3)
    assert sorted([*training, *held_out]) == list(range(200))
    assert len(held_out) == 50


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_curves_are_drawn(tmp_path, suffix):
    history = [Epoch(e, 1 / (e + 1), 1.5 / (e + 1), 0.9 + e / 100, admissible=e != 2) for e in range(3)]
    file = tmp_path / f"curves.{suffix}"
    save_figure(plot_history(history, "three epochs"), file)
    content = file.read_bytes()
    assert content.startswith(b"\x89PNG" if suffix == "png" else b"<?xml")
    if suffix == "svg":
        assert b"kept: 91.00 %" in content  # the best admissible epoch, not the last one


def accuracy_on_digits(path: Path) -> float:
    model, test = load(path), digits("test")
    logits = np.maximum(preactivation(model, test.words), 0) @ model.O.T + model.c
    return 100.0 * float((logits.argmax(axis=1) == test.targets).mean())


def test_the_embedded_default():
    path = EXAMPLES / "digits.pt"
    assert path.stat().st_size < 100_000
    checkpoint = load_checkpoint(path)
    assert checkpoint.model.preprocessing.input_bits == 5
    assert checkpoint.model.monotonicity_margin == pytest.approx(0.5)
    accuracy = accuracy_on_digits(path)
    assert accuracy >= 97.0
    assert accuracy == pytest.approx(checkpoint.training.metrics["test_accuracy"])


@pytest.mark.long
def test_the_script_makes_the_embedded_default(tmp_path):
    """Other PyTorch versions may sum in another order; the network must be as good."""
    made = tmp_path / "digits.pt"
    subprocess.run([sys.executable, EXAMPLES / "train_digits.py", "--output", made], check=True, capture_output=True)
    assert accuracy_on_digits(made) >= 97.0
    assert load_checkpoint(made).training.seed == load_checkpoint(EXAMPLES / "digits.pt").training.seed
