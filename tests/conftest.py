"""Fixtures that several test files share."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from builds import digits_build, narrow_digits_build, small_build, small_model  # noqa: F401 - fixtures
from report_builds import bare, full  # noqa: F401 - fixtures

from mondeq_hw import MissingToolError

ROOT = Path(__file__).resolve().parent.parent

# One thread per test process: pytest-xdist runs as many of them as there are cores.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

# A shell starts its background jobs deaf to Ctrl-C, which the programs under test would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """How many random models are compiled; a long run takes hundreds."""
    parser.addoption("--long", action="store_true", help="run also what a usual run only samples")
    parser.addoption("--models", type=int, default=6, help="random models that tests/test_random_compiles.py compiles")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long set is deselected, and counted as such, unless it is asked for."""
    if not config.getoption("--long"):
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


@pytest.fixture(scope="session", autouse=True)
def null_device_of_all() -> Generator[None, None, None]:
    """A compiler that root lets write a program to it takes it from all other users, and apt from the machine."""
    before = os.stat(os.devnull).st_mode
    yield
    assert os.stat(os.devnull).st_mode == before, f"a test has changed the mode of {os.devnull}"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with MNIST and the published checkpoint; the tests on them are skipped where it is absent."""
    folder = Path(os.environ.get("MONDEQ_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}: set MONDEQ_SHARED")
    return folder


@pytest.fixture(scope="session")
def digits_model() -> Path:
    """The embedded trained model."""
    return ROOT / "examples" / "digits.pt"


def _without_icarus() -> bool:
    """Icarus is optional on a user's machine; continuous integration requires every tool."""
    return shutil.which("iverilog") is None and not os.environ.get("MONDEQ_REQUIRE_TOOLS")


@pytest.fixture
def icarus() -> None:
    """For tests that reach Icarus through the command line."""
    if _without_icarus():
        pytest.skip("no iverilog: apt-get install iverilog")


def _skip_without_icarus() -> Generator[None, object, object]:
    try:
        return (yield)
    except (MissingToolError, FileNotFoundError) as error:
        if "iverilog" in str(error) and _without_icarus():
            pytest.skip(str(error))
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    """A fixture that simulates."""
    return (yield from _skip_without_icarus())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """A test that simulates."""
    return (yield from _skip_without_icarus())
