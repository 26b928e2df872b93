"""Closed loops: what the integers decide is what happens, and the exact solution beside it is exact."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import solve_discrete_are

import mondeq_hw
from mondeq_hw import InputError, LinearPlant, MonDEQ, Project, simulate
from mondeq_hw.control import ClosedLoop, certify_closed_loop
from mondeq_hw.control.loop import _limits
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
    assert repr(loop).startswith("ClosedLoop: 40 steps of 2 states and 1 controls\n  controls off by at most 0.0")


def test_the_rtl_makes_the_same_loop(controller: MonDEQ, project: Project) -> None:
    """What the RTL answers to the loop's words is what the plant got, so the next word is the same, and so on."""
    loop = simulate(project.program, controller, LinearPlant(A, B), np.array([1.5, -0.3]), 40)
    report = project.verify(words=loop.words, rtl_samples=40)
    assert report.ok and {backend.samples for backend in report.backends} == {40}


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
    assert [axes.get_ylabel() for axes in figure.axes] == ["plant state", "control", "error of the control"]
    figure.savefig(tmp_path / "loop.png")


def test_bounds_of_the_outputs_are_drawn(controller: MonDEQ, project: Project) -> None:
    loop = simulate(project, controller, LinearPlant(A, B), np.array([1.5, 0.0]), 10)
    np.testing.assert_array_equal(loop.limits, [[-1.0], [1.0]])
    assert [line.get_ydata()[0] for line in loop.plot().axes[1].lines if line.get_linestyle() == "--"] == [-1.0, 1.0]
    free = mondeq_hw.from_qp(np.eye(1), [0.0], theta=([-1.0], [1.0]), Q=[[1.0]])
    assert np.isinf(_limits(free)).all()


# -- proofs about the loop ----------------------------------------------------------


ERRORS = (Fraction(1, 200),)


def test_without_a_proved_error_nothing_is_proved(project: Project) -> None:
    """Or with one so large that the loop leaves the piece on which its law is known."""
    proof = project.certify_closed_loop(LinearPlant(A, B))
    assert proof.proved or proof.reason is not None
    far = certify_closed_loop(project.build, LinearPlant(A, B), (Fraction(1),))
    assert repr(far).startswith("LoopProof: nothing is proved; ")
    assert not far.proved and far.reason is not None and "times as far as the neighbourhood" in far.reason
    unstable = certify_closed_loop(project.build, LinearPlant(2 * A, B), ERRORS)
    assert unstable.reason is not None and "not stable near its rest" in unstable.reason
    slow = certify_closed_loop(
        project.build, LinearPlant((1 - 1e-16) * np.eye(2), 0 * B), ERRORS
    )  # by no rate that is seen
    assert slow.reason == "no metric was found in which a step contracts"
    with pytest.raises(InputError, match=r"the plant has shapes \(3, 3\) and \(2, 1\); expected \(2, 2\)"):
        project.certify_closed_loop(LinearPlant(np.eye(3), B))
    with pytest.raises(InputError, match="the plant is a tuple; expected a LinearPlant"):
        project.certify_closed_loop((A, B))  # type: ignore[arg-type]


def test_the_ultimate_bound_holds_whatever_the_errors_do(controller: MonDEQ, project: Project) -> None:
    """The exact controller, its input off by half a word and its output by the error, each as bad as can be."""
    proof = certify_closed_loop(project.build, LinearPlant(A, B), ERRORS)
    assert proof.proved and proof.metric is not None and proof.radius is not None and proof.ultimate is not None
    assert re.fullmatch(r"LoopProof: a step leaves 0\.\d+ of .* in the end [\d.]+, [\d.]+ at most", repr(proof))
    P, rng = np.array(proof.metric, dtype=float), np.random.default_rng(0)
    half = float(controller.input_map.words.unit[0]) / 2
    K = -(logits_at(controller, np.eye(2) * 1e-3) - logits_at(controller, np.zeros((1, 2)))).T * 1e3
    closed = A - B @ K
    direction = np.linalg.eigh(closed + closed.T)[1][:, -1]
    for start in rng.normal(size=(4, 2)):
        state = start * proof.radius / np.sqrt(start @ P @ start)
        for _ in range(60):
            push = np.sign(direction @ B[:, 0]) * 0.005
            off = half * np.sign(-(direction @ B[:, 0]) * K[0])
            state = A @ state + B @ (logits_at(controller, (state + off)[None])[0] + push)
            assert state @ P @ state <= proof.radius**2 * (1 + 1e-9)
        assert (np.abs(state) <= np.array(proof.ultimate)).all()
    assert np.abs(state).max() > max(proof.ultimate) / 50  # and is no empty claim


def test_the_law_of_the_piece_is_the_regulators(project: Project) -> None:
    """With the Riccati equation's terminal weight the MPC is the LQR near rest, so the rate is that of its loop."""
    riccati = solve_discrete_are(A, B, np.diag([4.0, 1.0]), np.array([[0.2]]))
    K = np.linalg.solve(0.2 + B.T @ riccati @ B, B.T @ riccati @ A)
    radius = np.abs(np.linalg.eigvals(A - B @ K)).max()
    proof = certify_closed_loop(project.build, LinearPlant(A, B), ERRORS)
    assert proof.rate is not None and radius < proof.rate < 1 and proof.rest == (0.0, 0.0)
    tighter = certify_closed_loop(project.build, LinearPlant(A, B), (Fraction(1, 400),))
    assert proof.ultimate is not None and tighter.ultimate is not None and tighter.ultimate < proof.ultimate


def test_a_warm_start_is_proved_where_it_moves_slowly_enough(controller: MonDEQ, tmp_path: Path) -> None:
    """Its errors are proved for a declared rate of change alone; from the edge of the ellipsoid none is faster."""
    words = {"bits": 10, "drive_bits": 14, "readout_bits": 12, "state_bits": 18}
    project = mondeq_hw.compile(controller, tmp_path / "warm", **words, warm_start=0.02)
    proof, rate = certify_closed_loop(project.build, LinearPlant(A, B), (Fraction(1, 2000),)), project.program.warm.rate
    assert proof.metric is not None and proof.radius is not None
    P, fastest = np.array(proof.metric, dtype=float), 0
    for start in np.random.default_rng(0).normal(size=(12, 2)):
        loop = simulate(project, controller, LinearPlant(A, B), start * proof.radius / np.sqrt(start @ P @ start), 8)
        fastest = max(fastest, int(np.abs(np.diff(loop.words, axis=0)).max()))
    assert max(rate) / 2 < fastest <= max(rate)
    still = certify_closed_loop(project.build, LinearPlant(A, B), (Fraction(1, 4),))
    assert still.reason == "the errors alone move the state faster than the warm start's rate allows"


def logits_at(controller: MonDEQ, states: np.ndarray) -> np.ndarray:
    return logits(controller, controller.input_map.words.unrounded(states))


def test_bad_loops_are_named(controller: MonDEQ, project: Project) -> None:
    def run(**changes: object) -> ClosedLoop:
        arguments = {"plant": LinearPlant(A, B), "start": np.zeros(2), "steps": 3, **changes}
        return simulate(project.program, controller, **arguments)  # type: ignore[arg-type]

    for changes, message in (
        ({"steps": 0}, "steps is 0"),
        ({"steps": "3"}, "steps is '3'; expected a whole number"),
        ({"steps": True}, "steps is True"),
        ({"start": None}, "start is None"),
        ({"start": [[1.0, 0.0]]}, r"start has shape \(1, 2\); expected real numbers in 1 dimension"),
        ({"start": [np.inf, 0.0]}, "start holds NaN or infinity"),
        ({"start": np.zeros(3)}, r"the parameter at step 0 has shape \(3,\); expected \(2,\): one for each of x0, x1"),
        ({"plant": (A, B)}, "plant is a tuple; expected a function, or LinearPlant"),
        ({"plant": lambda x, u: None}, "after step 0 the plant's state is None"),
        ({"plant": lambda x, u: x + 1j}, "after step 0 the plant's state is no array of numbers"),
        ({"plant": lambda x, u: np.zeros(3)}, r"after step 0 the plant's state has shape \(3,\); expected \(2,\)"),
        ({"parameter": None}, "parameter is a NoneType; expected a function"),
        ({"disturbances": [[0.0], [0.0, 1.0]]}, "disturbances is no array of numbers"),
        ({"plant": LinearPlant(A, np.eye(2))}, r"shapes \(2, 2\) and \(2, 2\); expected \(2, 2\) and \(2, 1\)"),
        ({"disturbances": np.zeros((2, 2))}, r"disturbances has shape \(2, 2\); expected \(3, 2\)"),
        ({"parameter": lambda state, step: np.zeros(3)}, r"has shape \(3,\); expected \(2,\): one for each of x0, x1"),
        ({"parameter": lambda state, step: np.array([0.0, np.nan])}, "the parameter at step 0 holds NaN"),
        ({"plant": lambda x, u: x * np.inf + 1}, "after step 0 the plant's state holds NaN or infinity"),
    ):
        with pytest.raises(InputError, match=message):
            run(**changes)
    with pytest.raises(InputError, match="the plant's A holds NaN"):
        LinearPlant(A * np.nan, B)
    with pytest.raises(RuntimeError, match="the plant's own"):
        run(plant=raising)
    loop = run(plant=lambda x, u: [0, 1])
    assert loop.states[1:].tolist() == [[0, 1]] * 3
    for samples in (0, -1, 5, 2.5):
        with pytest.raises(InputError, match=f"samples is {samples}; expected a whole number from 1 to 4"):
            loop.settled(samples)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="axes are 2; expected three"):
        loop.plot(np.array([None, None]))


def raising(state: np.ndarray, control: np.ndarray) -> np.ndarray:
    raise RuntimeError("the plant's own")


def test_a_problem_that_was_not_compiled_is_refused(controller: MonDEQ, project: Project) -> None:
    """Its box or its bounds would be another's."""
    for change in ({"x_box": (-3.0, 3.0)}, {"N": 5}):
        arguments = {"x_box": (-2.0, 2.0), "u_bounds": (-1.0, 1.0), "N": 6, **change}
        other = mondeq_hw.from_mpc(A, B, np.diag([4.0, 1.0]), [[0.2]], **arguments)
        with pytest.raises(InputError, match="problem is another than the one that was compiled"):
            simulate(project, other, LinearPlant(A, B), np.zeros(2), 3)
    with pytest.raises(InputError, match="project is a MonDEQ, problem a Project; expected what compile returned"):
        simulate(controller, project, LinearPlant(A, B), np.zeros(2), 3)  # type: ignore[arg-type]


def test_what_the_users_functions_do_to_their_arrays_stays_with_them(controller: MonDEQ, project: Project) -> None:
    """A plant that moves the state where it lies, and a parameter that is one array, filled anew."""
    buffer = np.zeros(2)

    def plant(state: np.ndarray, control: np.ndarray) -> np.ndarray:
        state *= 0.5
        control *= 0
        return state

    def parameter(state: np.ndarray, step: int) -> np.ndarray:
        buffer[:] = state
        return buffer

    loop = simulate(project.program, controller, plant, np.array([1.0, 0.0]), 4, parameter=parameter)
    np.testing.assert_array_equal(loop.states[:, 0], 0.5 ** np.arange(5))
    np.testing.assert_array_equal(loop.parameters, loop.states[:-1])
    assert loop.controls.any()


# -- an observer in the loop ------------------------------------------------------------


def test_the_loop_closes_over_an_observer(tmp_path: Path) -> None:
    """The position alone is measured; the core estimates the rest, and its controls bring the mass to rest."""
    C, noise = np.array([[1.0, 0.0]]), np.diag([1e-3, 1e-2])
    S = solve_discrete_are(A.T, C.T, noise, [[1e-2]])
    L = A @ S @ C.T / (C @ S @ C.T + 1e-2)
    controller = mondeq_hw.from_mpc(
        A, B, np.diag([4.0, 1.0]), [[0.2]], 6, x_box=([-2.0, -2.0], [2.0, 2.0]), u_bounds=(-1.0, 1.0), observer=(C, L)
    )
    project = mondeq_hw.compile(controller, tmp_path / "build", bits=10)
    assert project.certificate.line("output_distance").status == "proved"  # of estimate and measurement
    loop = simulate(
        project.program, controller, LinearPlant(A, B), np.array([1.5, 0.0]), 120,
        parameter=lambda state, step: C @ state,
    )  # fmt: skip
    np.testing.assert_array_equal(project.predict(words=loop.words), loop.controls)
    carries = project.certify_closed_loop(LinearPlant(A, B)).reason
    assert carries is not None and carries.startswith("the controller carries a state of its own")
    assert np.abs(loop.controls).max() <= 1.0 and np.abs(loop.states[-1]).max() < 0.05
    assert loop.largest_error < 0.05
