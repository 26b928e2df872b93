"""Quadratic programs from files, on the command line: the same problem as in Python, and errors that name the key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

import mondeq_hw
from mondeq_hw import InputError, MonDEQ, NotCertifiedError, Project, from_qp
from mondeq_hw.cli import main
from mondeq_hw.problem import logits

PROBLEM: dict[str, Any] = {
    "P": [[2.0, 0.5], [0.5, 1.0]],
    "q": [0.1, -0.2],
    "Q": [[1.0, 0.0], [0.0, 1.0]],
    "A": [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]],
    "l": [-1.0, -np.inf, -np.inf],
    "u": [1.0, 1.0, 0.5],
    "U": [[0.0, 0.0], [0.0, 0.0], [0.25, 0.0]],
    "delta": 0.5,
    "theta": [[-3.0, -3.0], [3.0, 3.0]],
}
NAMES = {"names": ["pressure", "flow | return"], "output_names": ["valve", "pump"]}
WORDS = {"bits": 9, "state_bits": 16, "drive_bits": 12, "readout_bits": 10}
OPTIONS = [text for name, bits in WORDS.items() for text in (f"--{name.replace('_', '-')}", str(bits))]


def expected() -> MonDEQ:
    return from_qp(**{**PROBLEM, "theta": tuple(PROBLEM["theta"])}, **NAMES)


def write_json(folder: Path, problem: dict[str, Any]) -> Path:
    """By JSON's own rules, which have no infinity."""
    plain = {
        key: [str(x) if np.isinf(x) else x for x in value] if key in "lu" else value for key, value in problem.items()
    }
    (folder / "problem.json").write_text("\n " + json.dumps(plain, allow_nan=False))
    return folder / "problem.json"


def write_npz(folder: Path, problem: dict[str, Any]) -> Path:
    np.savez(folder / "problem.npz", **problem)
    return folder / "problem.npz"


def write_mat(folder: Path, problem: dict[str, Any]) -> Path:
    scipy.io.savemat(folder / "problem.mat", {key: np.array(value) for key, value in problem.items()})
    return folder / "problem.mat"


@pytest.mark.parametrize("write", [write_json, write_npz, write_mat])
def test_a_file_is_the_problem_of_its_arguments(write: Any, tmp_path: Path) -> None:
    found, same = mondeq_hw.load(write(tmp_path, PROBLEM | NAMES)), expected()
    assert found.digest() == same.digest() and found.parameters == same.parameters and found.task == "values"


def test_other_spellings_and_nothing_where_nothing_is_said(tmp_path: Path) -> None:
    spelled = {{"q": "q0", "l": "l0", "u": "u0"}.get(key, key): value for key, value in PROBLEM.items()}
    file = tmp_path / "p.json"
    file.write_text(json.dumps({**spelled, "S": [[1, 0]], "L": None, "input_bits": 8}))  # JSON's extension: -Infinity
    found = mondeq_hw.load(file)
    assert (found.k, found.input_map.input_bits) == (1, 8)
    assert found.parameters is not None and found.parameters.inputs == ("theta0", "theta1")


def test_names_survive_a_checkpoint(tmp_path: Path) -> None:
    mondeq_hw.save(expected(), tmp_path / "controller.safetensors")
    found = mondeq_hw.load(tmp_path / "controller.safetensors")
    assert found.parameters == expected().parameters and found.digest() == expected().digest()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"P": None}, r"key 'P' is missing; add P \(n, n\), symmetric"),
        ({"theta": None}, r"key 'theta' is missing; add theta \(2, p\), the smallest and the largest parameter"),
        ({"q": None}, r"key 'q' is missing; add q \(n,\), the linear cost"),
        ({"lb": [0.0]}, "key 'lb' is none of a quadratic program; expected q, l, u, P, .*Did you mean 'l'"),
        ({"q0": [0.0, 0.0]}, "keys 'q0' and 'q' mean the same; remove one"),
        (
            {"P": [[1.0, 2.0], [2.0, 1.0]]},
            "P has the eigenvalue -1, on variables 0, 1; expected",
        ),
        ({"Q": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]}, r"Q has shape \(2, 3\); expected \(2, 2\)"),
        ({"A": [[1.0, 0.0], [1.0]]}, "A is no array of numbers; expected real numbers in 2 dimensions"),
        ({"u": ["one", 1.0, 1.0]}, "u is no array of numbers; expected numbers, and inf or -inf"),
        ({"u": ["nan", 1.0, 1.0]}, "u holds NaN; expected numbers, or infinities where there is no bound"),
        ({"u": [-2.0, 1.0, 1.0]}, "row 0 of the constraints is empty"),
        ({"theta": [[-3.0, "-inf"], [3.0, 3.0]]}, "theta's lower end holds NaN or infinity; expected finite numbers"),
        ({"theta": [-3.0, 3.0]}, r"theta has shape \(2,\); expected \(2, p\)"),
        ({"input_bits": 7.5}, "input_bits is 7.5; expected a whole number of bits"),
        ({"delta": [0.5, 0.5]}, r"delta has shape \(2,\); expected one number or \(3,\)"),
        ({"names": ["pressure"]}, "names has 1 entries; expected 2"),
        ({"output_names": ["y", "y"]}, r"output_names is \['y', 'y'\]; expected a list of different texts"),
    ],
)
def test_errors_name_file_and_key(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    file = tmp_path / "problem.json"
    file.write_text(json.dumps({**PROBLEM, **change}))
    with pytest.raises(InputError, match=rf"problem.json: {message}"):
        mondeq_hw.load(file)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_json_of_any_editor(encoding: str, tmp_path: Path) -> None:
    """With a byte-order mark, as Windows writes it, or behind blank lines."""
    plain = {**PROBLEM, "l": [-1.0, "-inf", "-inf"]}
    (tmp_path / "p.json").write_text("\r\n" * 9 + json.dumps(plain), encoding)
    assert mondeq_hw.load(tmp_path / "p.json").digest() == expected().digest()


def test_matlabs_structures_and_sparse_matrices(tmp_path: Path) -> None:
    from scipy.sparse import csc_matrix

    arrays = {key: np.array(value) for key, value in PROBLEM.items()}
    scipy.io.savemat(tmp_path / "p.mat", {"problem": arrays | {"A": csc_matrix(arrays["A"])}})
    assert mondeq_hw.load(tmp_path / "p.mat").digest() == expected().digest()


@pytest.mark.parametrize("write", [write_json, write_npz, write_mat])
@pytest.mark.parametrize("weights", [0.5, [0.5, 0.0]])
def test_weights_of_magnitudes_from_files(write: Any, weights: Any, tmp_path: Path) -> None:
    problem = {key: PROBLEM[key] for key in ("P", "q", "Q", "theta")} | {"l1": weights}
    same = from_qp(**{**problem, "theta": tuple(problem["theta"])})
    assert mondeq_hw.load(write(tmp_path, problem)).digest() == same.digest()


def test_names_of_a_cell_array_and_of_bytes(tmp_path: Path) -> None:
    """As MATLAB has ``{'pressure', 'flow'}``, and NumPy a text without Unicode."""
    names = np.empty(2, dtype=object)
    names[:] = ["pressure", "flow"]
    bytes_ = np.array([b"pressure", b"flow"])
    for file in (write_mat(tmp_path, PROBLEM | {"names": names}), write_npz(tmp_path, PROBLEM | {"names": bytes_})):
        assert mondeq_hw.load(file).parameters.inputs == ("pressure", "flow")


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    """Readers take the last, in silence."""
    file = tmp_path / "problem.json"
    file.write_text('{"q": [1, 1], ' + json.dumps(PROBLEM)[1:])
    with pytest.raises(InputError, match=r"problem.json: not valid JSON \(the key 'q' stands there twice\)"):
        mondeq_hw.load(file)


def test_what_belongs_to_networks_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(write_npz(tmp_path, PROBLEM))
    for option, message in (
        (["--margin", "1"], "is a quadratic program, which has no margin; leave --margin out"),
        (["--input-scale", "2"], "words of a parametric problem are those of its parameters' box; leave --input-scale"),
    ):
        assert main(["compile", file, *OPTIONS, *option, "--out", str(tmp_path / "b")]) == 2
        assert message in " ".join(capsys.readouterr().err.split())
        assert not (tmp_path / "b").exists()


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("qp")
    assert main(["compile", str(write_json(folder, PROBLEM | NAMES)), *OPTIONS, "--out", str(folder / "build")]) == 0
    return folder / "build"


def test_compile_needs_no_data(build: Path) -> None:
    """The box is the data: samples of it calibrate, and the exact solution judges."""
    project = Project.load(build)
    report = project.report
    assert report.certified and report.rounding == "compensated" and report.calibration_samples > 0
    found = report.comparison.value
    assert found is not None and 0.999 < found.golden.score <= 1  # type: ignore[union-attr]
    distance = project.certificate.line("displacement_a_posteriori")
    assert distance.status == "proved" and distance.values["largest"] < 0.05


def test_parameters_in_solutions_out(build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A parameter outside its box is refused, or taken at the edge and counted."""
    theta = np.array([[1.0, -0.5], [9.0, 0.0], [3.0, 0.0], [-3.0, 3.0]])
    np.save(tmp_path / "theta.npy", theta)
    assert main(["predict", str(build), str(tmp_path / "theta.npy")]) == 2
    assert "9" in capsys.readouterr().err
    assert main(["predict", str(build), str(tmp_path / "theta.npy"), "--on-overflow", "saturate", "--json"]) == 0
    content, model = json.loads(capsys.readouterr().out), expected()
    exact = logits(model, model.input_map.words_within(theta))
    assert np.abs(np.array(content["outputs"]) - exact).max() < 0.02
    assert content["saturated"] == 1 and content["outputs"][1] == content["outputs"][2] and "classes" not in content
    # What --flag-saturation says of it: beyond the box, and on its edge, too.
    taken = model.input_map.words.raw(theta, "saturate")
    flags = Project.load(build).golden.flags(taken.raw)
    assert taken.outside.any(axis=1).tolist() == [False, True, False, False]
    assert flags.tolist() == [False, True, True, True]
    assert main(["predict", str(build), str(tmp_path / "theta.npy"), "--on-overflow", "saturate"]) == 0
    assert len(capsys.readouterr().out.split()) == theta.size  # outputs alone, a line a sample


UNIT: dict[str, Any] = {
    "P": np.eye(2), "q": np.zeros(2), "Q": np.eye(2), "A": np.eye(2), "l": -np.ones(2), "u": np.ones(2),
    "theta": ([-1.0, -1.0], [1.0, 1.0]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Q": None}, "its drive is zero for every input"),
        ({"theta": (-1e-60 * np.ones(2), 1e-60 * np.ones(2))}, "its drive is zero for every input"),
        ({"outputs": 1e-60 * np.eye(2)}, "the readout rounds to zero"),
        ({"outputs": 1e60 * np.eye(2)}, "a matrix beside W has an entry of 1e.60"),
    ],
)
def test_numbers_that_say_nothing_are_refused_in_the_problems_words(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises((NotCertifiedError, InputError), match=message) as refused:
        mondeq_hw.compile(from_qp(**{**UNIT, **change}), tmp_path / "build", **WORDS)
    assert "q, l, u" in str(refused.value) and "retrain" not in str(refused.value)


def test_words_fit_a_controller(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(build), "--no-sweep"]) == 0
    assert main(["profile", str(build)]) == 0
    texts = {name: (build / name).read_text() for name in ("README.md", "report/report.md", "report/report.html")}
    for name in ("README.md", "report/report.md"):
        assert "| pressure | -3 | 3 |\n| flow \\| return | -3 | 3 |\n" in texts[name]
        assert "Outputs, in this order: valve, pump" in texts[name]
    assert "MonDEQ" not in texts["README.md"]
    assert "Distance from the exact problem." in texts["report/report.md"]
    assert "trained network" not in texts["report/report.md"]
    for text in (*texts.values(), capsys.readouterr().out):
        assert "image" not in text and "class." not in text and "the class" not in text


def test_control_rate_is_the_clock_over_the_lone_latency(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", str(write_npz(tmp_path, PROBLEM)), *OPTIONS, "--out", str(tmp_path / "build")]) == 0
    cycles = Project.load(tmp_path / "build").report.cycles.predicted
    assert cycles.control_rate_khz(150.0) == 150e3 / (cycles.latency_alone + 1)
    shown = f"{150e3 / (cycles.latency_alone + 1):,.1f} kHz at 150 MHz, the clock that synth aims at"
    assert shown in " ".join(capsys.readouterr().out.split())
