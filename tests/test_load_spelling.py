"""Any spelling of a file gives the network that was stored; what is none is named for what it is."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoints import Network, linear, parameters, plain, winston_kolter, write_npz, write_torch
from hostile import Canary
from safetensors.torch import save_file
from scipy.io import savemat

import mondeq_hw
from mondeq_hw import InputError, MonDEQ, Preprocessing, load
from mondeq_hw.problem import logits, mnist, read_samples

P = parameters(m=1.0)
HALF = parameters(m=0.5)


def assert_network(model: MonDEQ, tolerance: float = 1e-6) -> None:
    """Through the outputs, so that a transposed or swapped matrix cannot hide."""
    p = P if model.monotonicity_margin > 0.75 else HALF
    words = np.random.default_rng(1).integers(0, 256, size=(9, 5))
    model = replace(model, preprocessing=Preprocessing(1 / 255))
    np.testing.assert_allclose(logits(model, words), p.outputs(words / 255), rtol=tolerance, atol=tolerance)


def tensors(arrays: Mapping[str, np.ndarray], dtype: torch.dtype = torch.float64) -> dict[str, torch.Tensor]:
    return {key: torch.tensor(value, dtype=dtype) for key, value in arrays.items()}


def renamed(arrays: Mapping[str, Any], rename: Callable[[str], str]) -> dict[str, Any]:
    return {rename(key): value for key, value in arrays.items()}


NESTED = {
    "plain": lambda content: content,
    "state_dict": lambda content: {"state_dict": content, "epoch": 3, "optimizer": {"state": {}, "param_groups": []}},
    "model_state_dict": lambda content: {"model_state_dict": content, "loss": 0.25},
    "lightning": lambda content: {
        "state_dict": renamed(content, lambda key: f"model.{key}"),
        "pytorch-lightning_version": "2.4",
        "optimizer_states": [{"state": {0: {"step": torch.tensor(1.0)}}}],
        "hyper_parameters": {"width": 100},
    },
    "data parallel": lambda content: renamed(content, lambda key: f"module.{key}"),
    "compiled": lambda content: renamed(content, lambda key: f"_orig_mod.{key}"),
    "both": lambda content: {"state_dict": renamed(content, lambda key: f"module._orig_mod.{key}")},
    "compiled layer": lambda content: renamed(content, lambda key: key.replace("mon.", "mon._orig_mod.")),
    "of a larger model": lambda content: {**renamed(content, lambda key: f"deq.{key}"), "stem": torch.ones(3, 3)},
    "without mon": lambda content: renamed(content, lambda key: key.removeprefix("mon.")),
    "doubled": lambda content: {**content, **renamed(content, lambda key: key.removeprefix("mon."))},
}


@pytest.mark.parametrize("name", NESTED)
def test_nested_and_prefixed(name: str, tmp_path: Path) -> None:
    torch.save(NESTED[name](tensors(winston_kolter(P))), tmp_path / "m.pt")
    assert_network(load(tmp_path / "m.pt", margin=1.0))


def test_doubled_keys_that_differ(tmp_path: Path) -> None:
    content = tensors({**winston_kolter(P), "linear_module.A.weight": P.A + 1})
    torch.save(content, tmp_path / "m.pt")
    with pytest.raises(InputError, match=r"'linear_module.A.weight' and 'mon.linear_module.A.weight' .* differ"):
        load(tmp_path / "m.pt", margin=1.0)


def test_one_layer_of_several(tmp_path: Path) -> None:
    other = parameters(seed=7, m=1.0)
    content = {
        **renamed(tensors(winston_kolter(P)), lambda key: f"first.{key}"),
        **renamed(tensors(winston_kolter(other)), lambda key: f"second.{key}"),
    }
    torch.save(content, tmp_path / "m.pt")
    with pytest.raises(InputError, match="several equilibrium layers; name one by prefix: first, second"):
        load(tmp_path / "m.pt", margin=1.0)
    assert_network(load(tmp_path / "m.pt", margin=1.0, prefix="first"))
    np.testing.assert_array_equal(load(tmp_path / "m.pt", margin=1.0, prefix="second.").U, other.U)
    with pytest.raises(InputError, match="no key begins with 'third'"):
        load(tmp_path / "m.pt", margin=1.0, prefix="third")


def test_names_of_linear_layers(tmp_path: Path) -> None:
    assert_network(load(write_torch(tmp_path / "m.pt", linear(P))))
    without = {key: value for key, value in linear(P).items() if key != "m"}
    assert_network(load(without, margin=1.0))


def test_two_spellings_of_one_array() -> None:
    with pytest.raises(InputError, match=r"keys O, head.weight mean the same"):
        load({**plain(P), "head.weight": P.O})


def test_names_of_the_users_own(tmp_path: Path) -> None:
    theirs = {"enc.in": P.U, "enc.offset": P.b, "core": P.W, "head.weight": P.O, "head.bias": P.c}
    keys = {"U": "enc.in", "b": "enc.offset", "W": "core", "O": "head.weight", "c": "head.bias"}
    write_torch(tmp_path / "m.pt", theirs)
    (tmp_path / "k.toml").write_text("".join(f'{ours} = "{name}"\n' for ours, name in keys.items()))
    assert_network(load(tmp_path / "m.pt", keys=tmp_path / "k.toml", margin=1.0))
    assert_network(load(tmp_path / "m.pt", keys=keys, margin=1.0))
    with pytest.raises(InputError, match="has no key 'cor', which keys names"):
        load(tmp_path / "m.pt", keys={**keys, "W": "cor"})
    with pytest.raises(InputError, match=r"no known checkpoint format.*Name your own keys by keys"):
        load(tmp_path / "m.pt")
    for text, message in (("U = 3\n", "expected lines such as"), ("U =", "not valid TOML"), ("", "expected lines")):
        (tmp_path / "k.toml").write_text(text)
        with pytest.raises(InputError, match=message):
            load(tmp_path / "m.pt", keys=tmp_path / "k.toml")


def test_errors_name_the_files_own_key(tmp_path: Path) -> None:
    content = renamed(tensors({**winston_kolter(P), "Wout.bias": np.ones(9)}), lambda key: f"module.deq.{key}")
    torch.save(content, tmp_path / "m.pt")
    with pytest.raises(InputError, match=r"key 'module.deq.Wout.bias' has shape \(9,\); expected \(3,\)"):
        load(tmp_path / "m.pt", margin=1.0)


@pytest.mark.parametrize("key", ["mon.linear_module.U.weight", "Wout.weight"])
def test_a_transposed_array_is_called_so(key: str) -> None:
    arrays = winston_kolter(P)
    with pytest.raises(InputError, match=f"key '{key}' has shape .*It looks transposed: save its transpose"):
        load({**arrays, key: arrays[key].T}, margin=1.0)


# -- containers --------------------------------------------------------------


LIVE = [lambda net: net, lambda net: net.state_dict(), torch.nn.DataParallel]


@pytest.mark.parametrize("live", LIVE)
def test_live_models(live: Callable[[Network], Any], tmp_path: Path) -> None:
    given = live(Network(P).double())
    assert_network(load(given, None if isinstance(given, torch.nn.Module) else 1.0))


def test_a_live_module_compiles(tmp_path: Path) -> None:
    project = mondeq_hw.compile(Network(P), tmp_path / "build", bits=5, input_scale=1 / 255)
    file = write_torch(tmp_path / "m.pt", winston_kolter(P))
    same = mondeq_hw.compile(file, tmp_path / "same", bits=5, margin=1.0, input_scale=1 / 255)
    for stage, other in zip(project.program.stages, same.program.stages, strict=True):
        np.testing.assert_array_equal(stage.matrix.integers, other.matrix.integers)
        np.testing.assert_array_equal(stage.drive.integers, other.drive.integers)
    assert project.report.model["source"] == "Network"


def test_what_is_no_model() -> None:
    with pytest.raises(InputError, match=r"the model is a int; expected a file, a mondeq_hw.MonDEQ"):
        load(7)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_sixteen_bit_floats(dtype: torch.dtype, suffix: str, tmp_path: Path) -> None:
    content = tensors({**winston_kolter(P)}, dtype)
    save = torch.save if suffix == "pt" else save_file
    save(content, tmp_path / f"m.{suffix}")
    model = load(tmp_path / f"m.{suffix}", margin=1.0)
    np.testing.assert_array_equal(model.U, content["mon.linear_module.U.weight"].double().numpy())


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_eight_bit_floats(dtype: torch.dtype, suffix: str, tmp_path: Path) -> None:
    content = {key: value.to(dtype) for key, value in tensors(winston_kolter(P)).items()}
    (torch.save if suffix == "pt" else save_file)(content, tmp_path / f"m.{suffix}")
    model = load(tmp_path / f"m.{suffix}", margin=1.0)
    np.testing.assert_array_equal(model.U, content["mon.linear_module.U.weight"].double().numpy())


@pytest.mark.parametrize("make", [torch.jit.script, lambda net: torch.jit.trace(net, torch.zeros(1, 5))])
@pytest.mark.filterwarnings("ignore")
def test_torchscript(make: Callable[[Network], Any], tmp_path: Path) -> None:
    torch.jit.save(make(Network(P)), tmp_path / "m.pt")
    assert_network(load(tmp_path / "m.pt", margin=1.0))


def test_torchscript_knows_its_margin(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(Network(HALF)), tmp_path / "m.pt")
    assert_network(load(tmp_path / "m.pt"))
    with pytest.raises(InputError, match=r"the file stores m = 0.5; leave margin out"):
        load(tmp_path / "m.pt", margin=1.0)


def test_torchscript_runs_no_code(tmp_path: Path) -> None:
    """A canary in place of the archive's pickle."""
    torch.jit.save(torch.jit.script(Network(P)), tmp_path / "m.pt")
    with zipfile.ZipFile(tmp_path / "m.pt") as source, zipfile.ZipFile(tmp_path / "evil.pt", "w") as target:
        for name in source.namelist():
            evil = pickle.dumps(Canary(tmp_path / "canary"))
            target.writestr(name, evil if name.endswith("data.pkl") else source.read(name))
    with pytest.raises(InputError, match="Nothing in it was executed"):
        load(tmp_path / "evil.pt", margin=1.0)
    assert not (tmp_path / "canary").exists()


def test_exported_program(tmp_path: Path) -> None:
    torch.export.save(torch.export.export(Network(P), (torch.zeros(2, 5),)), tmp_path / "m.pt2")
    assert_network(load(tmp_path / "m.pt2", margin=1.0))


def test_exported_program_of_old(tmp_path: Path) -> None:
    """Before 2.8 the weights were one pickle."""
    stream = io.BytesIO()
    torch.save(tensors(winston_kolter(P)), stream)
    with zipfile.ZipFile(tmp_path / "m.pt2", "w") as archive:
        archive.writestr("serialized_exported_program.json", "{}")
        archive.writestr("serialized_state_dict.pt", stream.getvalue())
    assert_network(load(tmp_path / "m.pt2", margin=1.0))


def test_a_damaged_archive(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(Network(P)), tmp_path / "m.pt")
    with zipfile.ZipFile(tmp_path / "m.pt") as source, zipfile.ZipFile(tmp_path / "cut.pt", "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content[: len(content) // 2] if "/data/" in name else content)
    with pytest.raises(InputError, match="its weights cannot be read"):
        load(tmp_path / "cut.pt", margin=1.0)


def test_sharded_safetensors(tmp_path: Path) -> None:
    content = {key: value.contiguous() for key, value in tensors(winston_kolter(P)).items()}
    places = {key: f"model-0000{i % 2}.safetensors" for i, key in enumerate(content)}
    for shard in set(places.values()):
        save_file({key: value for key, value in content.items() if places[key] == shard}, tmp_path / shard)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    assert_network(load(index, margin=1.0))
    (tmp_path / "model-00001.safetensors").unlink()
    with pytest.raises(InputError, match=r"names the shard model-00001.safetensors, which is not beside it"):
        load(index, margin=1.0)
    index.write_text(json.dumps({"weight_map": {"U": "../secret.safetensors"}}))
    with pytest.raises(InputError, match="shards outside its folder"):
        load(index, margin=1.0)
    index.write_text('{"hidden_size": 7}')
    with pytest.raises(InputError, match="no known checkpoint format"):
        load(index, margin=1.0)


def test_matlab(tmp_path: Path) -> None:
    """All that MATLAB stores is a matrix: vectors are columns, numbers 1 by 1."""
    arrays = {**plain(P), "mean": np.linspace(0, 1, 5), "std": np.linspace(1, 2, 5)}
    savemat(tmp_path / "m.mat", arrays, oned_as="column")
    model = load(tmp_path / "m.mat")
    assert_network(model)
    assert model.preprocessing is not None
    np.testing.assert_array_equal(model.preprocessing.mean, np.linspace(0, 1, 5))
    content = (tmp_path / "m.mat").read_bytes()
    (tmp_path / "cut.mat").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"truncated or damaged \.mat"):
        load(tmp_path / "cut.mat")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS pointer.*git lfs pull"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b"\n<html><body>404", "an HTML page"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><html>', "an HTML page"),
        (gzip.compress(b"weights"), "packed by gzip"),
        (b"\x28\xb5\x2f\xfd0000", "packed by zstd"),
        (b"\x89HDF\r\n\x1a\n" + bytes(20), "HDF5"),
    ],
    ids=["LFS pointer", "HTML", "HTML after a blank", "XHTML", "gzip", "zstd", "HDF5"],
)
def test_what_people_hand_over_instead(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "m.pt").write_bytes(content)
    with pytest.raises(InputError, match=message):
        load(tmp_path / "m.pt")
    for name in ("s.csv", "s.npy", "s.npz", "s.parquet"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=message):
            read_samples(tmp_path / name, None, "train")
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(InputError, match=message):
        mnist(tmp_path, "test")


# -- activations -------------------------------------------------------------


@pytest.mark.parametrize(("name", "low", "high"), [("relu6", 0, 6), ("hardtanh", -1, 1), ("relu", 0, np.inf)])
@pytest.mark.parametrize("container", ["npz", "pt", "safetensors"])
def test_activation(name: str, low: float, high: float, container: str, tmp_path: Path) -> None:
    p = parameters(seed=2, m=1.0)
    p = replace(p, U=8 * p.U)
    file = tmp_path / f"m.{container}"
    if container == "npz":
        write_npz(file, {**plain(p), "activation": np.array(name)})
    elif container == "pt":
        torch.save({**tensors(plain(p)), "activation": name}, file)
    else:
        save_file({key: value.contiguous() for key, value in tensors(plain(p)).items()}, file, {"activation": name})
    words = np.random.default_rng(1).integers(0, 256, size=(40, 5))
    q = words / 255 @ p.U.T + p.b
    z = np.zeros_like(q)
    alpha = p.m / np.linalg.norm(np.eye(7) - p.W, 2) ** 2
    for _ in range(4000):  # forward-backward, written out here
        z = np.clip((1 - alpha) * z + alpha * (z @ p.W.T + q), low, high)
    assert (z == high).any() or high == np.inf
    np.testing.assert_allclose(logits(load(file), words), z @ p.O.T + p.c, rtol=1e-6, atol=1e-6)


def test_activation_that_is_no_clip() -> None:
    with pytest.raises(InputError, match="activation is 'tanh'; expected one of relu, relu6, hardtanh"):
        load({**plain(P), "activation": "tanh"})
