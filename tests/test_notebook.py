"""The package in a notebook: what it shows of itself and of its objects, and that Python and the shell agree."""

from __future__ import annotations

import builtins
import inspect
import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from matplotlib.figure import Figure

import mondeq_hw
from mondeq_hw import InputError, MissingToolError, Project
from mondeq_hw.base.errors import in_python
from mondeq_hw.base.progress import progress_bar
from mondeq_hw.boards import BitstreamOptions
from mondeq_hw.cli import app
from mondeq_hw.config import (
    CompileConfig,
    DeviceOptions,
    QatConfig,
    QatOptions,
    SearchOptions,
    TrainingConfig,
    TrainingData,
    options_of,
)
from mondeq_hw.search import SearchResult
from mondeq_hw.synthesis import SynthOptions

#: Every function that takes options, the command that takes the same ones, and the records that declare them.
FUNCTIONS: list[tuple[Callable[..., Any], str, tuple[type, ...]]] = [
    (mondeq_hw.compile, "compile", (CompileConfig,)),
    (mondeq_hw.train, "train", (TrainingConfig, TrainingData, DeviceOptions)),
    (mondeq_hw.qat, "qat", (QatOptions, QatConfig, DeviceOptions)),
    (mondeq_hw.search_word_lengths, "search", (SearchOptions,)),
    (Project.synthesize, "synth", (SynthOptions,)),
    (Project.make_bitstream, "bitstream", (BitstreamOptions,)),
]


@pytest.fixture(scope="module")
def project(digits_build: Path) -> Project:
    return Project.load(digits_build)


@pytest.fixture(scope="module")
def searched(digits_model: Path, tmp_path_factory: pytest.TempPathFactory) -> SearchResult:
    folder = tmp_path_factory.mktemp("searched")
    asked = {"bits": "2-3", "drive_bits": "4", "readout_bits": "4", "state_bits": "8-9", "solver": "peaceman_rachford"}
    return mondeq_hw.search_word_lengths(
        digits_model, folder / "search", target_accuracy=80.0, calibration_samples=100, jobs=1, **asked
    )


# -- one source of options -------------------------------------------------------


@pytest.mark.parametrize(("function", "command", "records"), FUNCTIONS, ids=[name for _, name, _ in FUNCTIONS])
def test_python_and_the_shell_have_the_same_options(
    function: Callable[..., Any], command: str, records: tuple[type, ...]
) -> None:
    declared = {name: each for record in records for name, each in options_of(record).items()}
    keywords = inspect.signature(function).parameters
    assert not any(each.kind is each.VAR_KEYWORD for each in keywords.values())
    flags = {flag for each in typer.main.get_command(app).commands[command].params for flag in each.opts}
    for name, each in declared.items():
        assert name in keywords and keywords[name].annotation is not inspect.Parameter.empty
        assert keywords[name].default == (inspect.Parameter.empty if each.required else each.default)
        assert (each.flag in flags) is (each.metavar is not None)
        assert re.search(rf"^ *(\w+, )*{name}\b", function.__doc__ or "", re.MULTILINE), name


def test_the_face_names_what_a_notebook_needs() -> None:
    assert dir(mondeq_hw) == sorted(mondeq_hw.__all__)
    assert {"compile", "train", "qat", "search_word_lengths", "load", "Project", "simulate"} <= set(dir(mondeq_hw))
    for name in mondeq_hw.__all__:
        assert getattr(mondeq_hw, name) is not None


# -- errors name the keyword -----------------------------------------------------


@pytest.mark.parametrize(
    ("call", "python", "shell"),
    [
        (lambda p: mondeq_hw.compile("m.npz", p.folder, bits=5), "replace it with force", "replace it with --force"),
        (lambda p: p.synthesize(part="ecp5-85", clock_mhz=0), "clock_mhz is 0", "--clock is 0"),
        (lambda p: p.synthesize(), "part is missing", "--part is missing"),
        (lambda p: mondeq_hw.search_word_lengths("m.npz"), "target_accuracy=PERCENT", "--target-accuracy PERCENT"),
        (lambda p: mondeq_hw.train("m.onnx"), "out is m.onnx", "--out is m.onnx"),
        (lambda p: mondeq_hw.train(epoch=3), "did you mean 'epochs'", "did you mean 'epochs'"),
    ],
)
def test_an_error_names_the_keyword_in_python_and_the_flag_in_the_shell(
    call: Callable[[Project], object], python: str, shell: str, project: Project
) -> None:
    with pytest.raises(InputError) as caught:
        call(project)
    assert python in str(caught.value) and "--" not in str(caught.value)
    assert shell in caught.value.in_shell()


def test_command_lines_in_a_message_stay_what_they_are() -> None:
    assert in_python("use --bits 5, or run: pip install --upgrade x") == "use bits=5, or run: pip install --upgrade x"


# -- what is shown ---------------------------------------------------------------


class Wellformed(HTMLParser):
    """Fails on a tag that is not closed, and collects the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "br":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(thing: Any) -> str:
    """The text of what a notebook shows."""
    page = Wellformed()
    page.feed(thing._repr_html_())
    assert not page.open
    return page.text


def test_representations_are_short_and_say_what_it_is(project: Project, searched: SearchResult) -> None:
    for thing, says in (
        (project, ("digits, proved to converge", "64 inputs, 64 states, 10 outputs", "iteration 5")),
        (project.certificate, ("proved to converge", "contraction factor", project.certificate.counts)),
        (project.profile(), ("256 samples", "nothing clipped")),
        (project.trace(words=np.zeros((3, 64), int)), ("3 samples of 64 states", "float network's equilibrium")),
        (searched, ("the winner", "accuracy", "memory")),
        (project.program, ("SolverProgram digits, proved to converge", "state 12")),
        (project.build, ("Build(", "digits, proved to converge")),
        (project.report, ("WrittenReport of digits: proved to converge", "not covered")),
        (project.raw_inputs(np.zeros((3, 64))), ("3 samples of 64, 0 values saturated, 0 rounded",)),
        (mondeq_hw.load(mondeq_hw.examples.digits()), ("MonDEQ of digits.pt: float network", "64 inputs, 64 states")),
        (mondeq_hw.load(mondeq_hw.examples.mnist(1)), ("integers of a retrained network",)),
    ):
        text = repr(thing)
        assert 1 <= len(text.splitlines()) <= 5 and len(text) < 700
        assert all(part in text for part in says), text


def test_cards_show_the_figures(project: Project, searched: SearchResult) -> None:
    report = project.report
    assert report.comparison.value is not None
    assert f"{100 * report.comparison.value.golden:.2f} %" in shown(project)
    assert "residual (state steps, rms)" in shown(project)
    assert all(line.statement in shown(project.certificate) for line in project.certificate.lines)
    assert "256 samples" in shown(project.profile())
    assert searched.winner is not None and f"{searched.winner.memory_bits:,} bits" in shown(searched)


def test_a_damaged_folder_shows_why(project: Project, tmp_path: Path) -> None:
    import shutil

    copy = Path(shutil.copytree(project.folder, tmp_path / "build"))
    (copy / "report" / "report.json").write_text("{}")
    assert "report.json" in shown(Project.load(copy))


def test_every_plot_gives_a_figure_and_takes_an_axis(project: Project, searched: SearchResult, tmp_path: Path) -> None:
    profile = project.profile()
    trace = project.trace(words=np.zeros((3, 64), int))
    for plot in (profile.plot, profile.plot_convergence, searched.plot, searched.plot_front, trace.plot):
        assert isinstance(plot(), Figure)
        axis = Figure().subplots()
        assert plot(axis=axis) is axis.figure
        assert axis.lines or axis.patches
    assert profile.plot()._repr_png_().startswith(b"\x89PNG")
    assert profile.plot(tmp_path / "p.svg") and "<svg" in (tmp_path / "p.svg").read_text()
    with pytest.raises(InputError, match=r"ends in \.svg, \.png or \.pdf"):
        profile.plot(tmp_path / "p.txt")


# -- data frames -----------------------------------------------------------------


def test_frames_hold_the_figures(project: Project, searched: SearchResult) -> None:
    trace = project.trace(words=np.zeros((3, 64), int))
    frame = trace.to_frame()
    assert len(frame) == trace.states.shape[0] * 3
    last = frame[(frame["sample"] == 2) & (frame["update"] == len(trace.states) - 1)]
    assert float(last["equilibrium_distance"].iloc[0]) == trace.equilibrium_distances[-1, 2]
    points = searched.to_frame()
    assert list(points["bits"]) == [point.choice.bits for point in searched.points]
    assert points["reached"].sum() == sum(map(searched.settings.target.reached_by, searched.points)) > 0
    assert set(project.profile().to_frame()["name"]) >= {"input", "state", "logits"}


def test_without_pandas_the_remedy_is_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingToolError, match=r"pandas is missing; install it: pip install 'mondeq-hw\[notebook\]'"):
        project.profile().to_frame()


# -- training, and progress ------------------------------------------------------


def test_train_and_retrain_from_arrays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    X = rng.integers(0, 16, size=(200, 6))
    y = X @ rng.normal(size=(6, 2))
    trained = mondeq_hw.train(tmp_path / "m.pt", calibration=(X, y), n=5, epochs=2, progress=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == ["train: 1 of 2", "train: 2 of 2"]
    assert (trained.model.d, trained.model.n, trained.model.k) == (6, 5, 2)
    assert len(trained.to_frame()) == 2 and isinstance(trained.plot(), Figure) and "2 epochs" in repr(trained)
    again = mondeq_hw.qat(tmp_path / "m.pt", tmp_path / "q.pt", calibration=(X, y), bits=3, epochs=1)
    assert again.model.stored is not None and again.model.stored.matrix.word_length == 3
    assert sorted(file.name for file in tmp_path.iterdir()) == ["m.pt", "q.pt"]


def test_a_notebook_gets_one_bar_that_is_rewritten(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("IPython")
    import IPython
    from IPython import display

    seen: list[str] = []

    class Handle:
        def update(self, what: Any) -> None:
            seen.append(what.data)

    def shown_once(what: Any, display_id: bool) -> Handle:
        seen.append(what.data)
        return Handle()

    monkeypatch.setattr(IPython, "get_ipython", lambda: type("Shell", (), {"kernel": None})())
    monkeypatch.setattr(display, "display", shown_once)
    monkeypatch.setattr(builtins, "print", None)
    with progress_bar("points") as told:
        told(1, 2, "at <most>")
        told(2, 2, "")
    assert seen == [
        '<progress value="1" max="2"></progress> points: 1 of 2, at &lt;most&gt;',
        '<progress value="2" max="2"></progress> points: 2 of 2',
    ]
    assert all(re.match("<progress", text) for text in seen)
