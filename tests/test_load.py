"""Every checkpoint format gives the network that was stored."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import Parameters, li_2026, parameters, plain, winston_kolter, write_npz, write_torch
from safetensors.numpy import save_file

from mondeq_hw import InputError
from mondeq_hw.problem import MNIST_PREPROCESSING, MonDEQ, Preprocessing, Training, load, load_checkpoint, save
from mondeq_hw.problem.reference import preactivation


def outputs(model: MonDEQ, words: np.ndarray) -> np.ndarray:
    return np.maximum(preactivation(model, words), 0) @ model.O.T + model.c


def assert_same_network(model: MonDEQ, p: Parameters, scale: float, mean: float, std: float) -> None:
    """Through the outputs, so that a transposed or swapped matrix cannot hide."""
    if model.preprocessing is None:  # the file does not say it
        model = replace(model, preprocessing=Preprocessing(scale, mean, std))
    words = np.random.default_rng(1).integers(0, 256, size=(9, p.U.shape[1]))
    expected = p.outputs((scale * words - mean) / std)
    np.testing.assert_allclose(outputs(model, words), expected, rtol=1e-6, atol=1e-6)
    assert model.monotonicity_margin == pytest.approx(p.m, rel=1e-6)


MNIST = (1 / 255, 0.1307, 0.3081)


@pytest.mark.parametrize("rank", [None, 2])
def test_winston_kolter(tmp_path: Path, rank: int | None) -> None:
    p = parameters(rank=rank, m=1.0)
    assert_same_network(load(write_torch(tmp_path / "m.pt", winston_kolter(p)), margin=1.0), p, *MNIST)


def test_legacy_torch_container(tmp_path: Path) -> None:
    p = parameters(m=1.0)
    file = write_torch(tmp_path / "m.pt", winston_kolter(p), _use_new_zipfile_serialization=False)
    assert_same_network(load(file, margin=1.0), p, *MNIST)


def test_cuda_storages_load_on_a_machine_without_one(tmp_path: Path) -> None:
    p = parameters(m=1.0)
    file = write_torch(tmp_path / "cpu.pt", winston_kolter(p))
    moved = tmp_path / "cuda.pt"
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(moved, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("data.pkl"):  # the device is a pickled string: length, text
                assert content.count(b"X\x03\x00\x00\x00cpu") == 1
                content = content.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
            target.writestr(name, content)
    with pytest.raises(RuntimeError, match="CUDA"):
        torch.load(moved, weights_only=True)
    assert_same_network(load(moved, margin=1.0), p, *MNIST)


@pytest.mark.parametrize("rank", [None, 3])
def test_li_2026(tmp_path: Path, rank: int | None) -> None:
    p = parameters(rank=rank)
    assert_same_network(load(write_torch(tmp_path / "m.pt", li_2026(p))), p, *MNIST)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_torch_file_with_plain_keys(tmp_path: Path, dtype: torch.dtype) -> None:
    p = parameters()
    assert_same_network(load(write_torch(tmp_path / "m.pt", plain(p), dtype)), p, 1 / 255, 0.0, 1.0)


def test_npz_parametrised(tmp_path: Path) -> None:
    p = parameters()
    assert_same_network(load(write_npz(tmp_path / "m.npz", plain(p))), p, 1 / 255, 0.0, 1.0)


def test_npz_with_w_computes_its_margin(tmp_path: Path) -> None:
    p = parameters(rank=2)  # A'A is singular, so m is exactly the smallest eigenvalue
    arrays = {"W": p.W, "U": p.U, "b": p.b, "O": p.O, "c": p.c}
    assert_same_network(load(write_npz(tmp_path / "m.npz", arrays)), p, 1 / 255, 0.0, 1.0)


def test_npz_preprocessing_per_pixel(tmp_path: Path) -> None:
    p = parameters()
    mean, std = np.linspace(0, 1, 5), np.linspace(0.5, 2, 5)
    arrays = {**plain(p), "scale": 0.5, "mean": mean, "std": std, "input_bits": 4}
    model = load(write_npz(tmp_path / "m.npz", arrays))
    words = np.random.default_rng(1).integers(0, 16, size=(9, 5))
    np.testing.assert_allclose(outputs(model, words), p.outputs((0.5 * words - mean) / std), rtol=1e-6, atol=1e-6)
    assert model.preprocessing.input_bits == 4


def test_safetensors_with_plain_keys(tmp_path: Path) -> None:
    p = parameters()
    file = tmp_path / "m.safetensors"
    save_file({key: np.asarray(value) for key, value in plain(p).items()}, file)
    assert_same_network(load(file), p, 1 / 255, 0.0, 1.0)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("n", [1, 2, 7, 33])
def test_own_format_is_lossless(tmp_path: Path, suffix: str, n: int) -> None:
    # Header lengths vary with n: a header may begin with the byte of a pickle.
    p = parameters(n=n)
    pre = Preprocessing(1 / 3, np.linspace(0, 1, 5), np.linspace(1, 2, 5), input_bits=7)
    model = MonDEQ(p.W, p.U / 3, p.b, p.O, p.c, p.m, pre)
    training = Training("digits", seed=3, metrics={"test_accuracy": 97.25}, digest="ab" * 32)
    file = tmp_path / f"model{suffix}"
    save(model, file, training)
    checkpoint = load_checkpoint(file)
    assert checkpoint.training == training
    assert checkpoint.model.digest() == model.digest()
    assert checkpoint.model.monotonicity_margin == p.m
    assert checkpoint.model.preprocessing.input_bits == 7
    assert checkpoint.model.source == file.name


@pytest.mark.parametrize("length", range(0x70, 0x90, 8))
def test_safetensors_header_of_any_length(tmp_path: Path, length: int) -> None:
    """A header's length may begin with 0x80, as a pickle does."""
    p = parameters()
    file = tmp_path / "m.safetensors"
    save_file({key: np.asarray(value) for key, value in plain(p).items()}, file)
    content = file.read_bytes()
    size = int.from_bytes(content[:8], "little")
    padded = size + (length - size) % 256
    file.write_bytes(padded.to_bytes(8, "little") + content[8 : 8 + size].ljust(padded) + content[8 + size :])
    assert file.read_bytes()[0] == length
    assert_same_network(load(file), p, 1 / 255, 0.0, 1.0)


def test_the_name_does_not_matter(tmp_path: Path) -> None:
    p = parameters()
    write_npz(tmp_path / "m.npz", plain(p)).rename(tmp_path / "model.pt")
    assert_same_network(load(tmp_path / "model.pt"), p, 1 / 255, 0.0, 1.0)


def test_save_refuses_another_suffix(tmp_path: Path) -> None:
    p = parameters()
    with pytest.raises(InputError, match=r"\.safetensors"):
        save(MonDEQ(p.W, p.U, p.b, p.O, p.c, p.m), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_margin_that_w_does_not_have(tmp_path: Path) -> None:
    p = parameters(rank=2)
    arrays = {"W": p.W, "U": p.U, "b": p.b, "O": p.O, "c": p.c, "m": 0.9}
    with pytest.raises(InputError, match=r"m = 0\.9 is larger than the one W has, 0\.5"):
        load(write_npz(tmp_path / "m.npz", arrays))


def test_margin_that_contradicts_the_file(tmp_path: Path) -> None:
    file = write_torch(tmp_path / "m.pt", li_2026(parameters()))
    with pytest.raises(InputError, match="leave margin out"):
        load(file, margin=1.0)
    assert load(file, margin=0.5).n == 7


def test_published_checkpoint(shared: Path) -> None:
    """Margin, Lipschitz constant and float accuracy that the authors recorded."""
    import json

    from mondeq_hw.problem.data import mnist

    recorded = json.loads((shared / "checkpoints" / "li_2026_recorded_results.json").read_text())
    model = load(shared / "checkpoints" / "li_2026_mnist_mondeq.pt", preprocessing=MNIST_PREPROCESSING)
    assert (model.n, model.d, model.k) == (100, 784, 10)
    assert model.monotonicity_margin == pytest.approx(recorded["model_stats"]["m"], rel=1e-6)
    lipschitz = np.linalg.norm(np.eye(100) - model.W, 2)
    assert lipschitz == pytest.approx(recorded["model_stats"]["L"], rel=1e-5)
    test = mnist(shared / "data" / "mnist", "test")
    accuracy = 100 * (outputs(model, test.words).argmax(axis=1) == test.targets).mean()
    assert accuracy == pytest.approx(recorded["float_accuracy"], abs=0.05)  # their solver stops earlier


def test_embedded_model(digits_model: Path) -> None:
    from mondeq_hw.problem.data import digits

    checkpoint = load_checkpoint(digits_model)
    test = digits("test")
    accuracy = 100 * (outputs(checkpoint.model, test.words).argmax(axis=1) == test.targets).mean()
    assert checkpoint.training.dataset == "digits"
    assert accuracy == pytest.approx(checkpoint.training.metrics["test_accuracy"], abs=1e-9)
