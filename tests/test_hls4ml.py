"""hls4ml: the layer between other layers, word for word as the golden model; settings, errors, faults put in."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
import textwrap
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hls4ml.converters import convert_from_pytorch_model, link_existing_project, load_saved_model
from hls4ml.converters.pytorch_to_hls import get_supported_pytorch_layers
from hls4ml.model.graph import ModelGraph
from hls4ml.utils.config import config_from_pytorch_model
from hls4ml.utils.serialization import serialize_model
from long_set import one_in
from random_models import random_program, with_rows
from torch import nn

from mondeq_hw import InputError, MissingToolError, cli
from mondeq_hw.base import FREE, RELU, Interval, soft_threshold
from mondeq_hw.export.hls4ml import MonDEQLayer, register
from mondeq_hw.export.hls4ml_graph import result_precision
from mondeq_hw.hardware.folding import schedule
from mondeq_hw.hardware.hls import include_folders
from mondeq_hw.hardware.schedule import EngineFolding, Schedule
from mondeq_hw.problem import FORWARD_BACKWARD
from mondeq_hw.problem.data import digits
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.program.program import SolverProgram
from mondeq_hw.project import Project

pytestmark = pytest.mark.slow

SAMPLES = 24
FB = {"solver": FORWARD_BACKWARD}

#: Of small words: a row of every sort.
MIXED = (Interval(-3, 9), RELU, soft_threshold(5), FREE, Interval(0, 0), Interval(-np.inf, 2), Interval(0, 4, True))
#: Programs of one network, first to last: both solvers, clipped states, sums beyond 64 bits; boxes, soft thresholds
#: and rows of every sort, whose equilibria have signs or fewer bits than the state; two-bit states, one weight.
PROGRAMS: list[tuple[str, dict[str, Any]]] = [
    ("outputs", {"n": 7, "d": 9, "k": 5, "bits": 4}),
    ("equilibrium", {**FB, "n": 8, "d": 6, "bits": 2, "drive_bits": 2, "state_bits": 7, "input_bits": 6}),
    ("outputs", {"n": 9, "d": 4, "k": 3, "bits": 5, "state_bits": 6, "state_integer_bits": 0, "granularity": "tensor"}),
    ("equilibrium", {"n": 3, "d": 5, "bits": 16, "drive_bits": 16, "state_bits": 52, "state_integer_bits": 9}),
    ("outputs", {**FB, "n": 11, "d": 7, "k": 2, "bits": 9, "readout_bits": 1, "input_bits": 12, "iterations": 20}),
    ("equilibrium", {"n": 8, "d": 6, "bits": 5, "state_bits": 7, "rows": MIXED}),
    ("equilibrium", {**FB, "n": 7, "d": 5, "bits": 4, "rows": (Interval(-6, 11),)}),
    ("outputs", {**FB, "n": 8, "d": 6, "k": 4, "bits": 2, "state_bits": 7, "rows": MIXED}),
    ("equilibrium", {"n": 5, "d": 6, "bits": 4, "rows": (Interval(0, 25),)}),
    ("outputs", {"n": 4, "d": 4, "k": 2, "bits": 4, "state_bits": 6, "rows": (soft_threshold(3),)}),
    ("equilibrium", {"n": 5, "d": 6, "bits": 3, "state_bits": 2, "state_integer_bits": 0}),
    ("outputs", {"n": 1, "d": 1, "k": 1, "bits": 1, "input_bits": 3}),
]


def program_of(seed: int, options: dict[str, Any]) -> SolverProgram:
    """A random program, whose rows are relu unless it says which."""
    rest = dict(options)
    rows = rest.pop("rows", (RELU,))
    return with_rows(random_program(seed, **rest), *rows)


@pytest.fixture(scope="module")
def build(narrow_digits_build: Path) -> Path:
    """The digits at 3 bits, folded onto more multipliers than by default."""
    return narrow_digits_build


def convert(
    model: nn.Module,
    shape: tuple[int, ...],
    folder: Path,
    backend: str = "Vitis",
    layout: str = "full",
    **options: Any,
) -> ModelGraph:
    """As a user does who traces every layer."""
    config = config_from_pytorch_model(
        model,
        shape,
        granularity="name",
        backend=backend,
        default_precision="ap_fixed<40,20>",
        channels_last_conversion=layout,
    )
    for layer in config["LayerName"].values():
        layer["Trace"] = True
    return convert_from_pytorch_model(model, output_dir=str(folder), backend=backend, hls_config=config, **options)


def small(seed: int = 3) -> MonDEQLayer:
    return MonDEQLayer(random_program(seed, n=4, d=6, k=3))


def real(layer: MonDEQLayer, words: np.ndarray) -> np.ndarray:
    return np.ldexp(words.astype(np.float64), -layer.fractional_bits)


def filling(x: torch.Tensor, outputs: int, top: int) -> nn.Linear:
    """A linear layer whose outputs go from below 0 to beyond ``top`` on these inputs."""
    layer = nn.Linear(x.shape[1], outputs).double()
    with torch.no_grad():
        spread = layer(x).std(dim=0) + 1e-3
        layer.weight *= (top / 2.5 / spread)[:, None]
        layer.bias += top / 2 - layer(x).mean(dim=0)
    return layer


# -- registered ------------------------------------------------------------------------------------


def test_registered_again_does_no_harm() -> None:
    register()
    assert "MonDEQLayer" in get_supported_pytorch_layers()


def test_the_backend_of_the_entry_point_is_vitis_with_the_layer(tmp_path: Path) -> None:
    vitis, ours = (convert(nn.Sequential(small()), (6,), tmp_path / name, name) for name in ("Vitis", "MonDEQ"))
    assert ours.config.get_config_value("Backend") == "Vitis"
    for graph in (vitis, ours):
        graph.write()
    names, again = (
        {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
        for folder in (tmp_path / "Vitis", tmp_path / "MonDEQ")
    )
    assert names == again and "firmware/myproject.cpp" in names
    for name in ("firmware/myproject.cpp", "firmware/parameters.h", "firmware/mondeq2/mondeq_params.h"):
        assert (tmp_path / "MonDEQ" / name).read_bytes() == (tmp_path / "Vitis" / name).read_bytes()


def test_hls4ml_alone_finds_the_backend_and_the_layer() -> None:
    asked = """
        import sys, hls4ml
        assert "mondeq_hw.export.hls4ml" not in sys.modules, "an import of hls4ml imports the layer"
        assert hls4ml.backends.get_backend("MonDEQ").name == "Vitis"
        from hls4ml.converters.pytorch_to_hls import get_supported_pytorch_layers
        assert "MonDEQLayer" in get_supported_pytorch_layers()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(asked)], check=True)


# -- a network with a front end, several MonDEQs and a head ----------------------------------------


@dataclass(frozen=True)
class Traced:
    """A network, its inputs, and what every layer of hls4ml gave, by its place in the network."""

    model: nn.Sequential
    graph: ModelGraph
    inputs: np.ndarray
    outputs: np.ndarray
    layers: dict[int, np.ndarray]


def traced(model: nn.Sequential, graph: ModelGraph, inputs: np.ndarray) -> Traced:
    outputs, layers = graph.trace(inputs)
    return Traced(model, graph, inputs, outputs, {int(name.lstrip("_")): values for name, values in layers.items()})


def real_inputs(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(SAMPLES, *shape)) * 2


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Traced:
    """Linear, ReLU, MonDEQ once a program, and a linear head."""
    torch.manual_seed(0)
    inputs = real_inputs((16,))
    parts: list[nn.Module] = []
    x = torch.from_numpy(inputs)
    for seed, (output, options) in enumerate(PROGRAMS):
        layer = MonDEQLayer(program_of(seed + 35, options), output=output)
        block = [filling(x, layer.in_features, layer.program.input_format.max_word), nn.ReLU(), layer]
        parts += block
        x = nn.Sequential(*block)(x)
    model = nn.Sequential(*parts, nn.Linear(x.shape[1], 4).double()).eval()
    graph = convert(model, (16,), tmp_path_factory.mktemp("network") / "project", namespace="network")
    return traced(model, graph, inputs)


@pytest.mark.parametrize("index", range(len(PROGRAMS)))
def test_every_mondeq_of_a_network_gives_the_golden_words(network: Traced, index: int) -> None:
    place = 3 * index + 2
    layer = network.model[place]
    before, result = network.layers[place - 1], network.layers[place]
    words = layer.words(before)
    np.testing.assert_array_equal(result, real(layer, words))
    np.testing.assert_array_equal(result, layer(torch.from_numpy(before)).numpy())
    assert len(np.unique(result, axis=0)) > 1


def test_the_network_reaches_what_it_is_there_for(network: Traced) -> None:
    layers = [part for part in network.model if isinstance(part, MonDEQLayer)]
    words = [
        layer.golden.words(network.layers[place - 1])
        for place, layer in enumerate(network.model)
        if isinstance(layer, MonDEQLayer)
    ]
    top = [layer.program.input_format.max_word for layer in layers]
    assert all((each == 0).any() and (each == most).any() for each, most in zip(words, top, strict=True))
    assert max(layer.program.accumulator_bits for layer in layers) > 64
    assert layers[2].golden.trace(words[2]).saturations.any()
    runs = zip(layers, words, strict=True)
    assert any((layer.golden.iterations(each) < layer.program.iterations).any() for layer, each in runs), "early exits"
    types = [str(result_precision(layer.program, "equilibrium")) for layer in layers]
    assert [types[place] for place in (5, 6, 8)] == [
        "fixed<7,3,TRN,WRAP,0>",
        "fixed<5,0,TRN,WRAP,0>",
        "ufixed<5,0,TRN,WRAP,0>",
    ]


def test_front_end_and_head_are_hls4mls(network: Traced) -> None:
    last = len(network.model) - 1
    first, head = network.model[0], network.model[last]
    for layer, before, given in (
        (first, network.inputs, network.layers[0]),
        (head, network.layers[last - 1], network.outputs),
    ):
        np.testing.assert_allclose(given, layer(torch.from_numpy(before)).detach().numpy(), atol=1e-3)
    np.testing.assert_array_equal(network.outputs, network.layers[last])


@pytest.mark.parametrize(
    ("backend", "io_type"), [pytest.param("Vivado", "io_parallel", marks=pytest.mark.long), ("Vitis", "io_stream")]
)
def test_other_backend_and_streams_behind_a_convolution(backend: str, io_type: str, tmp_path: Path) -> None:
    """Dyadic weights and whole pixels, so that PyTorch's convolution is exact too, and channels in the right order."""
    convolution = nn.Conv2d(1, 3, 2, bias=False)
    weights = np.random.default_rng(4).integers(-20, 21, (3, 1, 2, 2))
    convolution.weight = nn.Parameter(torch.from_numpy(weights / 8.0))
    layer = MonDEQLayer(random_program(3, n=4, d=12, k=3))
    model = nn.Sequential(convolution, nn.ReLU(), nn.Flatten(), layer).eval()
    layout = "internal" if io_type == "io_stream" else "full"  # a stream cannot be transposed
    graph = convert(model, (1, 3, 3), tmp_path / "project", backend, layout, io_type=io_type)
    graph.compile()
    images = np.random.default_rng(5).integers(0, 100, (SAMPLES, 1, 3, 3)).astype(float)
    inputs = images if layout == "full" else np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(graph.predict(inputs), model(torch.from_numpy(images)).detach().numpy())
    assert graph.config.pipeline_style == "dataflow"


# -- settings ----------------------------------------------------------------------------------------


def test_reuse_factor_and_precision_are_the_programs(build: Path, tmp_path: Path) -> None:
    project = Project.load(build)
    layer = MonDEQLayer.from_build(build)
    model = nn.Sequential(nn.Linear(64, 64), layer, nn.Linear(10, 10))
    config = config_from_pytorch_model(
        model, (64,), granularity="name", backend="Vitis", default_precision="ap_fixed<24,12>"
    )
    config["LayerName"]["_1"] |= {"ReuseFactor": 1, "Precision": "ap_fixed<4,2>"}
    graph = convert_from_pytorch_model(model, output_dir=str(tmp_path / "p"), backend="Vitis", hls_config=config)
    settings = graph.config.config["HLSConfig"]["LayerName"]["_1"]
    program = project.program
    bits, fraction = program.output_bits, program.output_fractional_bits
    assert settings["ReuseFactor"] == layer.plan.reuse_factor == 16
    assert settings["Precision"] == {
        "input_word": "ufixed<5,5,RND,SAT,0>",
        "state": "fixed<12,5,RND,SAT_SYM,0>",
        "result": f"fixed<{bits},{bits - fraction},TRN,WRAP,0>",
    }
    node = graph.graph["_1"]
    assert graph.config.get_reuse_factor(node) == node.get_attr("reuse_factor") == 16
    assert str(node.get_output_variable().type.precision) == settings["Precision"]["result"]
    graph.write()
    written = (tmp_path / "p" / "firmware" / "mondeq3" / "mondeq_params.h").read_text()
    assert program.digest in written and "contraction proved" in written
    assert f"solve_pe = {layer.plan.solve.pe};" in written
    assert "reuse_factor = 16;" in (tmp_path / "p" / "firmware" / "parameters.h").read_text()


def test_the_models_input_takes_the_programs_format(tmp_path: Path) -> None:
    """Pixels beyond 31 would wrap in hls4ml's default ``ap_fixed<16,6>``."""
    model = nn.Sequential(nn.Flatten(), small())
    config = config_from_pytorch_model(model, (1, 2, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        graph = convert_from_pytorch_model(model, output_dir=str(tmp_path), backend="Vitis", hls_config=config)
    for variable in (graph.get_input_variables()[0], graph.graph["_1"].get_input_variable()):
        assert str(variable.type.precision) == "ufixed<8,8,RND,SAT,0>"


def test_a_chosen_input_precision_stays_and_is_warned_of(tmp_path: Path) -> None:
    model = nn.Sequential(small())
    config = config_from_pytorch_model(model, (6,), granularity="name")
    config["LayerName"]["input_1"]["Precision"] = "ap_fixed<10,4>"
    with pytest.warns(UserWarning, match=r"wraps beyond 7\.98\d*, while the program takes up to 255.*input_1"):
        graph = convert_from_pytorch_model(model, output_dir=str(tmp_path), backend="Vitis", hls_config=config)
    assert str(graph.get_input_variables()[0].type.precision) == "fixed<10,4,TRN,WRAP,0>"


def test_an_input_that_others_read_keeps_its_precision(tmp_path: Path) -> None:
    class Skip(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.solver, self.side = small(), nn.Linear(6, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.add(self.solver(x), self.side(x))

    model = Skip()
    config = config_from_pytorch_model(model, (6,), default_precision="ap_fixed<20,12>")
    graph = convert_from_pytorch_model(model, output_dir=str(tmp_path), backend="Vitis", hls_config=config)
    assert str(graph.get_input_variables()[0].type.precision) == "fixed<20,12,TRN,WRAP,0>"


def test_a_front_end_that_wraps_is_warned_of(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), small())
    config = config_from_pytorch_model(model, (6,))
    with pytest.warns(UserWarning, match=r"layer _2: .*fixed<16,6.*give _1 a result precision"):
        convert_from_pytorch_model(model, output_dir=str(tmp_path), backend="Vitis", hls_config=config)


def test_a_saved_graph_comes_back(tmp_path: Path) -> None:
    graph = convert(nn.Sequential(nn.Linear(4, 6), small()), (4,), tmp_path / "p", write_tar=True)
    serialize_model(graph, str(tmp_path / "saved.fml"))
    again = load_saved_model(str(tmp_path / "saved.fml"), str(tmp_path / "again"))
    again.config.config["OutputDir"] = str(tmp_path / "again")
    graph.write()
    again.write()
    for name in ("parameters.h", "mondeq3/mondeq_params.h", "mondeq3/weights/matrix_weights.inc"):
        written = tmp_path / "p" / "firmware" / name
        assert written.read_text() == (tmp_path / "again" / "firmware" / name).read_text()
    listing = subprocess.run(["tar", "tf", str(tmp_path / "p.tar.gz")], capture_output=True, text=True, check=True)
    assert "firmware/mondeq3/mondeq_program.h" in listing.stdout


# -- the PyTorch layer -------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["outputs", "equilibrium"])
def test_forward_is_the_golden_model(output: str, build: Path) -> None:
    layer = MonDEQLayer.from_build(build, output)
    X = digits("test").words[:40]
    trace = Project.load(build).trace(X)
    bits = layer.program.output_fractional_bits if output == "outputs" else layer.program.state_format.fractional_bits
    words = trace.outputs if output == "outputs" else np.maximum(trace.states[-1], 0)
    for inputs in (torch.from_numpy(X), torch.from_numpy(X).double(), torch.from_numpy(X).float() + 0.25):
        given = layer(inputs)
        np.testing.assert_array_equal(given.numpy(), np.ldexp(words.astype(np.float64), -bits))
        assert given.dtype == (inputs.dtype if inputs.is_floating_point() else torch.get_default_dtype())
    assert layer.plan.reuse_factor == 16


def test_copies_and_no_samples(build: Path) -> None:
    layer = MonDEQLayer.from_build(build, "equilibrium")
    again = copy.deepcopy(layer)
    assert again.program.digest == layer.program.digest and again.output == layer.output
    assert again.plan == layer.plan
    for each in (layer, MonDEQLayer.from_build(build)):
        assert each(torch.zeros(0, 64)).shape == (0, each.out_features)
    assert "certified program" in repr(layer)
    assert MonDEQLayer(layer.program).plan == schedule(layer.program)


def test_equilibria_are_the_last_states() -> None:
    program = random_program(4, state_bits=5)
    golden = GoldenModel(program)
    words = np.random.default_rng(0).integers(0, 256, (30, program.d))
    np.testing.assert_array_equal(golden.equilibria(words), np.maximum(golden.trace(words).states[-1], 0))


# -- errors ------------------------------------------------------------------------------------------


def test_wrong_place() -> None:
    layer = small()
    with pytest.raises(InputError, match=r"\(2, 3\); expected \(6,\).*nn\.Flatten"):
        layer(torch.zeros(1, 2, 3))
    with pytest.raises(InputError, match=r"layer _0: .*\(2, 3\); expected \(6,\).*nn\.Flatten"):
        config_from_pytorch_model(nn.Sequential(layer), (2, 3))
    with pytest.raises(InputError, match=r"layer _1: .*\(5,\); expected \(6,\)"):
        config_from_pytorch_model(nn.Sequential(nn.Linear(4, 5), layer), (4,))
    with pytest.raises(InputError, match=r"convert nn\.Sequential\(layer\)"):
        config_from_pytorch_model(layer, (6,))
    with pytest.raises(InputError, match="NaN"):
        layer(torch.full((1, 6), float("nan")))
    with pytest.raises(InputError, match="expected outputs or equilibrium"):
        MonDEQLayer(layer.program, output="states")


@pytest.mark.parametrize("backend", ["Quartus", "oneAPI", "Catapult", "VivadoAccelerator"])
def test_other_backends_are_refused(backend: str, tmp_path: Path) -> None:
    model = nn.Sequential(small())
    config = config_from_pytorch_model(model, (6,))
    with pytest.raises(InputError, match=f"backend is {backend}.*Vitis or Vivado"):
        convert_from_pytorch_model(model, output_dir=str(tmp_path), backend=backend, hls_config=config)


def test_missing_hls4ml_names_the_remedy(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import mondeq_hw.export

    for name in [name for name in sys.modules if "hls4ml" in name.split(".")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(mondeq_hw.export, "hls4ml")  # where a loaded room stays reachable by its wing
    monkeypatch.setitem(sys.modules, "hls4ml", None)
    with pytest.raises(MissingToolError, match=r"pip install 'mondeq-hw\[hls4ml\]'"):
        import mondeq_hw.export.hls4ml
    assert cli.main(["export", "hls4ml", str(build), "--out", str(tmp_path / "p")]) == MissingToolError.exit_code
    assert "hls4ml is missing" in capsys.readouterr().err


# -- the command, and faults put into what it writes -------------------------------------------------


@pytest.fixture(scope="module")
def project(build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("command") / "project"
    assert cli.main(["export", "hls4ml", str(build), "--out", str(folder), "--io-type", "io_stream"]) == 0
    return folder


def pictures() -> np.ndarray:
    """Digits between the words and beyond them."""
    rng = np.random.default_rng(2)
    return np.ascontiguousarray(digits("test").words[:SAMPLES] + rng.choice([-3, 0, 0.5, 0.75, 20], (SAMPLES, 64)))


def predicted(folder: Path) -> np.ndarray:
    graph = link_existing_project(str(folder))
    graph.compile()
    return graph.predict(pictures())


def test_command_writes_a_project_that_hls4ml_alone_opens(build: Path, project: Path, tmp_path: Path) -> None:
    """In a process that cannot import this package."""
    np.save(tmp_path / "x.npy", pictures())
    code = (
        "import sys; sys.modules['mondeq_hw'] = None\n"
        "import numpy as np; from hls4ml.converters import link_existing_project\n"
        f"graph = link_existing_project({str(project)!r}); graph.compile()\n"
        "np.save('y.npy', graph.predict(np.load('x.npy')))\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    expected = Project.load(build).predict(pictures(), on_overflow="saturate")
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), expected)


def test_top_function_is_cxx11_without_a_warning_of_ours(tmp_path: Path) -> None:
    """The language of the oldest Vivado HLS; hls4ml's own headers are not ours to clean.

    One layer twice, read a whole sample at once, which needs wider integers than the headers' default.
    """
    program = random_program(2, n=3, d=300, k=2)
    whole = Schedule(1, EngineFolding(3, 300, 2, 300), EngineFolding(3, 3, 1, 1), EngineFolding(2, 3, 1, 1), slots=2)
    layer = MonDEQLayer(program, whole)
    convert(nn.Sequential(layer, nn.Linear(2, 300), nn.ReLU(), layer), (300,), tmp_path).write()
    firmware = tmp_path / "firmware"
    assert "define AP_INT_MAX_W 3072" in (firmware / "mondeq5" / "mondeq_params.h").read_text()
    headers = [argument for folder in include_folders() for argument in ("-isystem", str(folder))]
    command = ["g++", "-std=c++11", "-fsyntax-only", "-Wall", "-Wextra", "-Wno-unknown-pragmas", *headers]
    done = subprocess.run([*command, "myproject.cpp"], cwd=firmware, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ours = [line for line in done.stderr.splitlines() if "warning:" in line and ("mondeq" in line or "AP_INT" in line)]
    assert ours == []


def test_command_says_what_it_wrote(build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "p"
    command = ["export", "hls4ml", str(build), "--out", str(out), "--backend", "vivado", "--json"]
    for options in ([], ["--force", "--part", "xc7a100tcsg324-1", "--clock-period", "6", "--output", "equilibrium"]):
        assert cli.main([*command, *options]) == 0
        facts = json.loads(capsys.readouterr().out)
    assert facts["reuse factor"] == 16 and facts["certified"] is True
    assert facts["result"] == "ufixed<11,4,TRN,WRAP,0>" and facts["backend"] == "Vivado"
    assert 'set part "xc7a100tcsg324-1"' in (out / "project.tcl").read_text()
    assert "mondeq::Equilibrium" in (out / "firmware" / "parameters.h").read_text()
    assert str(out) in (out / "hls4ml_config.yml").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--backend", "Quartus"], "expected Vitis or Vivado"),
        (["--io-type", "serial"], "expected io_parallel or io_stream"),
        (["--output", "logits"], "expected outputs or equilibrium"),
        ([], "exists already"),
    ],
)
def test_command_refuses(
    options: list[str], message: str, build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "p"
    if not options:
        out.mkdir()
    assert cli.main(["export", "hls4ml", str(build), "--out", str(out), *options]) == InputError.exit_code
    assert message in capsys.readouterr().err
    assert out.exists() is (not options)


MUTANTS = (
    ("defines.h", "AP_RND", "AP_TRN"),
    ("defines.h", "AP_SAT", "AP_WRAP"),
    ("nnet_utils/nnet_mondeq.h", "group * program::lanes + lane", "lane * program::groups + group"),
    ("nnet_utils/nnet_mondeq.h", "words[row].range(", "words[row ? row - 1 : row].range("),
    ("mondeq2/mondeq_program.h", "solve(d, z);", "for (int i = 0; i < state_size; i++) z[i] = 1;"),
)


@pytest.mark.parametrize("mutant", one_in(2, MUTANTS, lambda mutant: f"{mutant[0]}-{mutant[1]}"))
def test_mutant_is_seen(mutant: tuple[str, str, str], build: Path, project: Path, tmp_path: Path) -> None:
    file, old, new = mutant
    shutil.copytree(project, tmp_path / "p")
    config = tmp_path / "p" / "hls4ml_config.yml"
    config.write_text(config.read_text().replace(str(project), str(tmp_path / "p")))
    script = tmp_path / "p" / "build_lib.sh"
    script.write_text(script.read_text().replace("-O3", "-O0"))
    source = tmp_path / "p" / "firmware" / file
    assert old in source.read_text()
    source.write_text(source.read_text().replace(old, new))
    expected = Project.load(build).predict(pictures(), on_overflow="saturate")
    assert not np.array_equal(predicted(tmp_path / "p"), expected)


def test_signed_and_fractional_inputs(tmp_path: Path) -> None:
    """Rounded and saturated at both ends, as the golden model does it."""
    layer = MonDEQLayer(random_program(3, n=4, d=6, k=3, input_bits=9, input_signed=True, input_integer_bits=3))
    graph = convert(nn.Sequential(layer), (6,), tmp_path / "project")
    graph.compile()
    x = np.random.default_rng(0).uniform(-6, 6, size=(40, 6))
    words = np.clip(np.floor(x * 64 + 0.5), -256, 255).astype(np.int64)
    expected = real(layer, layer.golden.predict_raw(words))
    np.testing.assert_array_equal(layer(torch.from_numpy(x)).numpy(), expected)
    # On the grid: what is not, the testbench's float has rounded by the type of the model's input already.
    np.testing.assert_array_equal(graph.predict(words / 64), expected)
