"""Options from Python, from the command line and from files obey one set of rules, declared in one place."""

from __future__ import annotations

import inspect
import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
import typer
import typer.testing
from conftest import ROOT
from pydantic import ValidationError

import mondeq_hw
from mondeq_hw import InputError
from mondeq_hw.cli import main
from mondeq_hw.commands.options import ConfigFile, takes_records
from mondeq_hw.config import CompileConfig, QatConfig, QatOptions, SearchOptions, TrainingConfig, filled_in, options_of
from mondeq_hw.config.options import Options, PositiveInt, option
from mondeq_hw.hardware.straight import STRATEGIES
from mondeq_hw.problem import DATASETS, SOLVERS
from mondeq_hw.rounding.options import ROUNDINGS, LoweringOptions
from mondeq_hw.rounding.quantize import GRANULARITIES
from mondeq_hw.search.space import COSTS
from mondeq_hw.synthesis import SynthOptions
from mondeq_hw.training import LEARNERS, Optimisation


def from_file(file: Path, **given: object) -> CompileConfig:
    return filled_in({"config": CompileConfig}, given, file)["config"]


def test_defaults() -> None:
    config = CompileConfig(bits=5)
    assert (config.bits, config.solver, config.rounding, config.state_bits) == (5, "peaceman_rachford", "auto", None)
    assert not config.allow_uncertified


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_file_then_command_line(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"config{suffix}"
    options = {"bits": 3, "state_bits": 10, "solver": "forward-backward", "data_dir": "x"}
    if suffix == ".json":
        file.write_text(json.dumps(options))
    else:
        file.write_text('bits = 3\nstate_bits = 10\nsolver = "forward-backward"\ndata_dir = "x"\n')
    config = from_file(file, bits=4)
    assert (config.bits, config.state_bits, config.solver) == (4, 10, "forward_backward")
    assert config.data_dir == Path("x")


def test_the_record_is_frozen() -> None:
    with pytest.raises(ValidationError):
        CompileConfig(bits=4).bits = 5  # type: ignore[misc]


@pytest.mark.parametrize(
    ("record", "name", "values"),
    [
        (CompileConfig, "solver", SOLVERS),
        (CompileConfig, "rounding", ROUNDINGS),
        (CompileConfig, "granularity", GRANULARITIES),
        (CompileConfig, "strategy", STRATEGIES),
        (CompileConfig, "data", DATASETS),
        (SearchOptions, "solver", SOLVERS),
        (SearchOptions, "minimise", COSTS),
        (TrainingConfig, "solver", SOLVERS),
        (QatOptions, "method", LEARNERS),
    ],
)
def test_choices_are_those_of_the_stages(record: type, name: str, values: tuple[str, ...]) -> None:
    assert options_of(record)[name].choices == tuple(value.replace("_", "-") for value in values)


def test_what_a_stage_accepts_the_configuration_accepts() -> None:
    assert set(LoweringOptions.__dataclass_fields__) <= set(CompileConfig.model_fields)


# -- one declaration ---------------------------------------------------------


def test_an_option_is_one_declaration(tmp_path: Path) -> None:
    """A field more is a flag, its help and default, a key in the file and a message."""

    class Extended(CompileConfig):
        speed: Annotated[PositiveInt, option("N", "How fast it is.")] = 3

    seen: list[Extended] = []

    def command(options: Extended, config: ConfigFile = None) -> None:
        seen.append(options)

    command.__annotations__ = {"options": Extended, "config": ConfigFile}
    app = typer.Typer()
    app.command()(takes_records(command))
    shell = typer.testing.CliRunner()
    file = tmp_path / "c.toml"
    file.write_text("speed = 5\nbits = 2")
    for given, speed in (([], 3), (["--speed", "4"], 4), (["--config", f"{file}"], 5)):
        assert shell.invoke(app, given, catch_exceptions=False).exit_code == 0
        assert seen[-1].speed == speed
    shell.invoke(app, ["--config", f"{file}", "--speed", "3"], catch_exceptions=False)
    assert (seen[-1].speed, seen[-1].bits) == (3, 2)  # the shell wins, with the default too
    with pytest.raises(InputError, match="speed is 0; expected a whole number of at least 1"):
        shell.invoke(app, ["--speed", "0"], catch_exceptions=False)
    help_text = " ".join(re.sub("[│╭╮╰╯]", "", shell.invoke(app, ["--help"]).output).split())
    assert re.search(r"--speed N How fast it is\. .*default: 3", help_text)


def test_a_type_without_words_is_noticed() -> None:
    class Silent(Options):
        name: Annotated[str, option("NAME", "Nobody knows what is right.")] = ""

    with pytest.raises(TypeError, match="expected="):
        options_of(Silent)


def test_search_shares_the_options_of_compile() -> None:
    shared = {"rounding", "granularity", "input_scale", "calibration_samples", "margin", "data", "data_dir"}
    compile_options, search_options = options_of(CompileConfig), options_of(SearchOptions)
    for name in shared:
        assert compile_options[name] == search_options[name]


def test_train_and_qat_share_the_optimisation_but_not_its_defaults() -> None:
    train, qat = options_of(TrainingConfig), options_of(QatConfig)
    assert (train["epochs"].meaning, train["epochs"].default) == (qat["epochs"].meaning, 40)
    assert (qat["epochs"].default, qat["learning_rate"].default) == (12, 0.02)
    made = filled_in({"config": QatConfig}, {"epochs": 3, "contraction_limit": 0.5})["config"]
    assert made == QatConfig(Optimisation(3, 128, 0.02, patience=12), contraction_limit=0.5)


def test_a_notebook_shows_the_options(tmp_path: Path) -> None:
    parameters = inspect.signature(mondeq_hw.compile).parameters
    assert {"model", "out", "force", *CompileConfig.model_fields} <= set(parameters)
    assert parameters["state_bits"].default is None and parameters["rounding"].default == "auto"
    assert "Word length of the state, 2 to 32." in (mondeq_hw.compile.__doc__ or "")
    assert "compile" in dir(mondeq_hw) and "annotations" not in dir(mondeq_hw)


# -- types of the keywords ---------------------------------------------------


def test_the_typed_keywords_are_those_of_the_records() -> None:
    written = runpy.run_path(str(ROOT / "scripts" / "option_tables.py"))
    assert written["KEYWORDS"].read_text() == written["keywords"](), "run python scripts/option_tables.py"


#: Calls that a static checker accepts, and those that it refuses, with a part of what it says.
TYPED_CALLS = [
    ('mondeq_hw.compile("m.pt", "b", bits=5, solver="forward-backward", data_dir="mnist")', ""),
    ('mondeq_hw.compile("m.pt", "b", bits="five")', 'Argument "bits" to "compile" has incompatible type "str"'),
    ('mondeq_hw.compile("m.pt", "b", bit=5)', 'Unexpected keyword argument "bit" for "compile"'),
    ("mondeq_hw.train(n=8, learning_rate=1)", ""),
    ('mondeq_hw.train(device="gpu")', 'Argument "device" to "train"'),
    ('mondeq_hw.qat("m.pt", bits=2, method="lotion")', ""),
    ('mondeq_hw.qat("m.pt", bits=2.5)', 'Argument "bits" to "qat"'),
    ('mondeq_hw.search_word_lengths("m.pt", bits="2-6", iterations=[4, 8], target_accuracy=97)', ""),
    ('mondeq_hw.search_word_lengths("m.pt", minimise="area")', 'Argument "minimise" to "search_word_lengths"'),
    ('project.write_report(test="new.csv", targets=["force"])', ""),
    ("project.synthesize(parts='ecp5-85')", 'Unexpected keyword argument "parts" for "synthesize"'),
    ('project.make_bitstream(board="ulx3s-85f", baud="fast")', 'Argument "baud" to "make_bitstream"'),
]


def test_a_static_checker_knows_the_keywords(tmp_path: Path) -> None:
    """One run; of other packages it reads nothing, which takes a tenth of the time."""
    file, settings = tmp_path / "calls.py", tmp_path / "mypy.ini"
    file.write_text("\n".join(["import mondeq_hw; project: mondeq_hw.Project", *(call for call, _ in TYPED_CALLS)]))
    settings.write_text("[mypy]\nfollow_imports = skip\n[mypy-mondeq_hw.*]\nfollow_imports = silent\n")
    command = [sys.executable, "-m", "mypy", "--config-file", settings, "--cache-dir", tmp_path / "cache", file]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    said = dict(re.findall(r"calls\.py:(\d+): error: (.*)", told.stdout))
    assert set(said) == {f"{line}" for line, (_, error) in enumerate(TYPED_CALLS, 2) if error}, told.stdout
    for line, (call, error) in enumerate(TYPED_CALLS, 2):
        assert error in said.get(f"{line}", ""), call


@pytest.mark.parametrize(
    ("record", "given"),
    [
        (CompileConfig, {"data_dir": "x", "keys": Path("k.toml"), "targets": -1, "test_targets": ["force", 2]}),
        (CompileConfig, {"eps": np.array([0.5, 1]), "input_scale": [1, 2.5], "input_mean": "0.1,0.2", "input_std": 2}),
        (CompileConfig, {"input_range": np.array([-1, 1]), "graphs": ["drive"], "solver": "peaceman-rachford"}),
        (CompileConfig, {"input_range": ([-1, 0], "1,5"), "graphs": "drive,readout", "warm_start": (0, 1)}),
        (CompileConfig, {"input_range": "-1,1", "graphs": "none"}),
        (SearchOptions, {"bits": 3, "drive_bits": "2-4", "state_bits": range(8, 10), "iterations": 4}),
        (SearchOptions, {"iterations": [1, "4-8"], "reuse_factor": range(1, 3), "input_beat": "1,2"}),
        (SearchOptions, {"strategy": ["unrolled"]}),
        (SearchOptions, {"strategy": "resource,unrolled"}),
        (SynthOptions, {"part": "xc7a100t", "flow": "vitis-hls"}),
    ],
)
def test_what_a_type_allows_is_taken(record: type, given: dict[str, object]) -> None:
    assert set(given) <= set(options_of(record))
    record(**given)


# -- refusals ----------------------------------------------------------------

REFUSALS = [
    ({"bits": 0}, "bits is 0; expected a whole number from 1 to 18"),
    ({"bits": 19}, "bits is 19"),
    ({"bits": True}, "bits is True"),
    ({"bits": 5.5}, "bits is 5.5"),
    ({"bits": "5"}, "bits is '5'"),
    ({"solver": "newton"}, "solver is 'newton'; expected peaceman-rachford or forward-backward"),
    ({"solver": None}, "solver is None; expected peaceman-rachford"),
    ({"rounding": "up"}, "auto, nearest, spectral or calibrated"),
    ({"granularity": "column"}, "row or tensor"),
    ({"state_bits": 1}, "state_bits is 1; expected a whole number from 2 to 32"),
    ({"step_size": 0.0}, "step_size is 0.0; expected a positive number"),
    ({"margin": float("inf")}, "margin is inf"),
    ({"graphs": ["solver"]}, "graphs is ['solver']; expected auto, none, or a list"),
    ({"state_bit": 3}, "did you mean 'state_bits'"),
    ({"drive-bits": 3}, "did you mean 'drive_bits'"),
]


@pytest.mark.parametrize(("options", "message"), REFUSALS)
def test_refusals_name_the_keyword(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        CompileConfig(**options)  # type: ignore[arg-type]
    assert message in str(caught.value) and "--" not in str(caught.value)


def test_by_position() -> None:
    with pytest.raises(InputError, match=r"batch_size is 0; expected a whole number of at least 1"):
        Optimisation(3, 0, 0.1, 5)
    with pytest.raises(InputError, match=r"patience is missing; expected a whole number"):
        Optimisation(3, 5, 0.1)  # type: ignore[call-arg]
    with pytest.raises(InputError, match=r"Optimisation: unknown option '8'"):
        Optimisation(3, 5, 0.1, 5, 0.0, 0.1, 0, 0, 9)  # type: ignore[call-arg]


def test_what_another_record_holds() -> None:
    with pytest.raises(InputError, match=r"TrainingConfig: unknown option 'epochs'"):
        TrainingConfig(epochs=3)  # type: ignore[call-arg]
    with pytest.raises(InputError, match=r"optimisation is 3; expected Optimisation"):
        TrainingConfig(optimisation=3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--state-bits 1", "--state-bits is 1; expected a whole number from 2 to 32"),
        ("--solver newton", "--solver is 'newton'; expected peaceman-rachford or forward-backward"),
        ("", "--bits is missing; expected a whole number from 1 to 18"),
    ],
)
def test_the_shell_names_the_flag(
    arguments: str, message: str, digits_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", str(digits_model), *arguments.split(), "--out", str(tmp_path / "build")]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("c.toml", "bits = 5\nstate_bitz = 3\n", "did you mean 'state_bits'"),
        ("c.toml", "bits = 40\n", "c.toml: bits is 40; expected a whole number from 1 to 18"),
        ("c.toml", "bits = \n", "not valid TOML"),
        ("c.json", "{", "not valid JSON"),
        ("c.json", "[1]", "holds a list"),
        ("c.yaml", "bits: 5", "ends in .toml or .json"),
        ("c.toml", "bits = 5\nallow_uncertified = 1\n", "true or false"),
    ],
)
def test_refused_files(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as caught:
        from_file(tmp_path / name)
    assert message in str(caught.value)


def test_missing_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        from_file(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        from_file(tmp_path / "binary.toml")
    with pytest.raises(InputError, match="cannot be read"):
        from_file(tmp_path)


def test_any_command_reads_its_options_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.toml").write_text("n = 3\nepochs = 1\nseed = 7\n")
    command = ["train", "--config", str(tmp_path / "c.toml"), "--out", str(tmp_path / "t.pt"), "--json"]
    assert main([*command, "--seed", "4"]) == 0
    assert json.loads(capsys.readouterr().out)["epochs"] == 1
    checkpoint = mondeq_hw.problem.load_checkpoint(tmp_path / "t.pt")
    assert checkpoint.model.n == 3 and checkpoint.training.seed == 4
    (tmp_path / "c.toml").write_text("state_bits = 3\n")
    assert main(command) == 2
    assert "c.toml: unknown option 'state_bits'" in capsys.readouterr().err
