"""Closed loops: what the integers decide is what happens, and the exact solution beside it is exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mondeq_hw
from mondeq_hw import InputError, LinearPlant, MonDEQ, Project, simulate
from mondeq_hw.control import ClosedLoop
from mondeq_hw.problem import logits

pytestmark = pytest.mark.slow

STEP = 0.1
A, B = np.array([[1.0, STEP], [0.0, 1.0]]), np.array([[STEP**2 / 2], [STEP]])


@pytest.fixture(scope="module")
def controller() -> MonDEQ:
    """Of a mass that is pushed."""
    return mondeq_hw.from_mpc(
        A, B, np.diag([4.0, 1.0]), [[0.2]], 6, x_box=([-2.0, -2.0], [2.0, 2.0]), u_bounds=(-1.0, 1.0)
    )


@pytest.fixture(scope="module")
def project(controller: MonDEQ, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("mpc") / "build"
    return mondeq_hw.compile(controller, folder, bits=10, drive_bits=14, readout_bits=12, state_bits=18)


def test_the_loop_is_the_core_and_the_plant(controller: MonDEQ, project: Project) -> None:
    push = 0.01 * np.random.default_rng(0).normal(size=(40, 2))
    loop = simulate(project.program, controller, LinearPlant(A, B), np.array([1.5, -0.3]), 40, disturbances=push)
    state = np.array([1.5, -0.3])
    for step in range(40):
        np.testing.assert_array_equal(loop.states[step], state)
        word = np.clip(np.rint(state / 2 * 2047), -2047, 2047).astype(int)
        np.testing.assert_array_equal(loop.words[step], word)
        np.testing.assert_array_equal(loop.controls[step], project.predict(words=word[None])[0])
        state = A @ state + B @ loop.controls[step] + push[step]
    np.testing.assert_array_equal(project.predict(words=loop.words), loop.controls)  # a replay gives the same
    assert np.abs(loop.controls).max() == 1.0 and loop.largest_error < 0.01
    assert np.abs(loop.states[-1]).max() < 0.1 and not loop.outside.any()


def test_exact_controls_are_of_the_parameter_itself(controller: MonDEQ, project: Project) -> None:
    loop = simulate(project.program, controller, LinearPlant(A, B), np.array([0.123456, 0.2]), 3)
    near = controller.input_map.words_within(loop.parameters)
    off = np.abs(logits(controller, near) - loop.exact).max()
    assert 0 < off < 0.01  # half a word of the parameter


def test_states_outside_their_box_are_taken_at_its_edge_and_marked(controller: MonDEQ, project: Project) -> None:
    loop = simulate(project.program, controller, lambda x, u: x, np.array([5.0, 0.0]), 2)
    at_edge = simulate(project.program, controller, lambda x, u: x, np.array([2.0, 0.0]), 2)
    assert loop.outside.all() and not at_edge.outside.any()
    assert (loop.saturated_samples, at_edge.saturated_samples) == (2, 0)
    np.testing.assert_array_equal(loop.controls, at_edge.controls)
    np.testing.assert_array_equal(loop.exact, at_edge.exact)


def test_plot_shows_all_three(controller: MonDEQ, project: Project, tmp_path: Path) -> None:
    loop: ClosedLoop = simulate(project.program, controller, LinearPlant(A, B), np.array([3.0, 0.0]), 20)
    figure = loop.plot()
    assert [axes.get_ylabel() for axes in figure.axes] == ["plant state", "control (dotted: exact)", "error"]
    figure.savefig(tmp_path / "loop.png")


def test_bad_loops_are_named(controller: MonDEQ, project: Project) -> None:
    def run(**changes: object) -> ClosedLoop:
        arguments = {"plant": LinearPlant(A, B), "start": np.zeros(2), "steps": 3, **changes}
        return simulate(project.program, controller, **arguments)  # type: ignore[arg-type]

    for changes, message in (
        ({"steps": 0}, "steps is 0"),
        ({"disturbances": np.zeros((2, 2))}, "disturbances have shape"),
        ({"parameter": lambda state, step: np.zeros(3)}, r"has shape \(3,\); expected \(2,\), finite"),
        ({"parameter": lambda state, step: np.array([0.0, np.nan])}, r"the parameter \[ 0. nan\]"),
        ({"plant": lambda x, u: x * np.inf + 1}, "not finite after step 0"),
    ):
        with pytest.raises(InputError, match=message):
            run(**changes)
