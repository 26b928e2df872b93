"""ONNX out and in: onnxruntime against the golden model, word for word; round trips; files that are refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import ROOT
from corner_programs import corner_programs
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper
from random_models import random_model, random_program, random_words, with_random_clip, with_rows

import mondeq_hw
from mondeq_hw import InputError, MissingToolError, cli
from mondeq_hw.base import FREE, RELU, Clip, DenseOperator, Interval, soft_threshold
from mondeq_hw.export.onnx import FORMS, Provenance, export, float_model, from_onnx, integer_model, qdq_model, write
from mondeq_hw.problem import MNIST_PREPROCESSING, SOLVERS, onnx_digest
from mondeq_hw.problem.data import digits, mnist
from mondeq_hw.problem.load import load, load_checkpoint
from mondeq_hw.problem.model import MonDEQ
from mondeq_hw.problem.reference import logits, preactivation
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.program.program import SolverProgram
from mondeq_hw.project import Project
from mondeq_hw.proof.certify import choose_iterations
from mondeq_hw.rounding.assemble import assemble
from mondeq_hw.rounding.lower import lower
from mondeq_hw.rounding.options import LoweringOptions
from mondeq_hw.rounding.quantize import GRANULARITIES, quantized_of

ARRAYS = ("drive", "matrix", "readout")


def run(model: onnx.ModelProto, inputs: np.ndarray) -> list[np.ndarray]:
    """Every output of one session, on inputs of the type that the model asks for."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    (entry,) = model.graph.input
    dtype = helper.tensor_dtype_to_np_dtype(entry.type.tensor_type.elem_type)
    return session.run(None, {entry.name: inputs.astype(dtype)})


def carried_in(model: onnx.ModelProto) -> dict[str, str]:
    """Type in which each engine accumulates."""
    nodes = {node.name: node for node in model.graph.node}
    engines = {"drive": "drive_integers", "solve": "matrix_integers", "readout": "readout_integers"}
    names = {onnx.TensorProto.FLOAT: "float32", onnx.TensorProto.DOUBLE: "float64", onnx.TensorProto.INT64: "int64"}
    return {engine: names[nodes[cast].attribute[0].i] for engine, cast in engines.items()}


def same_integers(one: SolverProgram, other: SolverProgram) -> bool:
    """Equal in all but the name."""
    return replace(one, name="x").digest == replace(other, name="x").digest


# -- integer form: bit-exact ---------------------------------------------------


@settings(max_examples=80, deadline=None, derandomize=True)
@given(data=st.data())
def test_onnxruntime_is_the_golden_model(data: st.DataObject) -> None:
    """Any size, any word length, any clip, both solvers, both granularities; refused only beyond 64 bits."""
    draw = data.draw
    program = random_program(
        seed=draw(st.integers(0, 10**6)),
        n=draw(st.integers(1, 24)),
        d=draw(st.integers(1, 12)),
        k=draw(st.integers(1, 5)),
        bits=draw(st.integers(1, 18)),
        solver=draw(st.sampled_from(SOLVERS)),
        granularity=draw(st.sampled_from(GRANULARITIES)),
        state_bits=draw(st.integers(2, 40)),
        state_integer_bits=draw(st.integers(0, 6)),
        drive_bits=draw(st.integers(1, 18)),
        readout_bits=draw(st.integers(1, 18)),
        input_bits=draw(st.integers(1, 16)),
        input_signed=draw(st.booleans()),
        iterations=draw(st.integers(1, 12)),
    )
    program = with_random_clip(draw(st.integers(0, 10**6)), program)
    try:
        model = integer_model(program)
    except InputError as error:
        assert "64-bit" in str(error)
        widest = max(program.drive_accumulator_bits, program.accumulator_bits, program.output_bits)
        assert max(widest, (program.drive_sum_bound << program.drive_left_shift).bit_length() + 1) >= 64
        return
    words = random_words(draw(st.integers(0, 10**6)), program, draw(st.integers(2, 9)))
    np.testing.assert_array_equal(run(model, words)[0], GoldenModel(program).predict_raw(words))


@pytest.mark.parametrize(
    "sizes, types",
    [
        ({}, ("float32", "float32", "float32")),
        ({"state_bits": 20, "drive_bits": 16, "input_bits": 16}, ("float64", "float64", "float64")),
        ({"state_bits": 44, "drive_bits": 2, "input_bits": 1, "bits": 12}, ("int64", "int64", "float64")),
        ({"state_bits": 40, "drive_bits": 2, "input_bits": 1, "readout_bits": 16}, ("float64", "float64", "int64")),
    ],
)
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_type_that_carries_integers(sizes: dict[str, int], types: tuple[str, str, str], solver: str) -> None:
    program = random_program(8, n=7, d=6, k=3, solver=solver, state_integer_bits=4, iterations=15, **sizes)
    model = integer_model(program)
    assert tuple(carried_in(model).values()) == types
    words = random_words(2, program, 40)
    np.testing.assert_array_equal(run(model, words)[0], GoldenModel(program).predict_raw(words))


#: Corner programs that ONNX's integers cannot hold: refused, in a test of their own.
BEYOND_64_BITS = ("wide", "ring_wide", "graphs_wide")


@pytest.mark.parametrize("name", [name for name in corner_programs() if name not in BEYOND_64_BITS])
def test_corner_programs(name: str) -> None:
    """Ties, saturation at both ends, leaks, sizes of one, iterations that cycle."""
    program = corner_programs()[name].program
    words = random_words(3, program, 64)
    np.testing.assert_array_equal(run(integer_model(program), words)[0], GoldenModel(program).predict_raw(words))


#: Rows by the size of the bound in them, which is a word of the state.
CLIPS: dict[str, Callable[[float], tuple[Interval, ...]]] = {
    "box": lambda t: (Interval(-t, 2 * t),),
    "one side": lambda t: (Interval(-np.inf, t),),
    "free": lambda t: (FREE,),
    "complement": lambda t: (soft_threshold(t),),
    "fixed zero": lambda t: (RELU, Interval(0, 0)),
    "mixed": lambda t: (
        Interval(-t, t), RELU, soft_threshold(t), FREE, Interval(0, 0), Interval(-np.inf, t), Interval(0, t, True)
    ),
}  # fmt: skip


@pytest.mark.parametrize("state_bits, carried", [(8, "float32"), (20, "float64"), (44, "int64")])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", CLIPS)
def test_clips_in_every_type(name: str, solver: str, state_bits: int, carried: str) -> None:
    program = clipped_program(name, solver, state_bits)
    model = integer_model(program)
    assert carried_in(model)["solve"] == carried
    # onnxruntime warns of constants that nothing reads.
    read = {value for graph in (model.graph, loop_of(model)) for node in graph.node for value in node.input}
    assert {tensor.name for tensor in model.graph.initializer} <= read
    words = random_words(2, program, 40)
    expected = GoldenModel(program).predict_raw(words)
    np.testing.assert_array_equal(run(model, words)[0], expected)
    relu = GoldenModel(program.replace(clip=Clip.uniform(RELU, program.n))).predict_raw(words)
    assert not np.array_equal(expected, relu), "the clip does nothing here"


def clipped_program(name: str, solver: str, state_bits: int = 8) -> SolverProgram:
    """States reach beyond the bounds."""
    sizes = {"bits": 4, "input_bits": 8} if state_bits < 40 else {"bits": 12, "input_bits": 1, "drive_bits": 2}
    program = random_program(8, n=7, d=6, k=3, solver=solver, state_bits=state_bits, iterations=15, **sizes)
    rows = CLIPS[name](2.0 ** (state_bits - 5) + 1)
    words = random_words(2, program, 40)
    states = np.abs(GoldenModel(with_rows(program, *rows)).trace(words).states)
    assert (states.max(axis=(0, 1)) > rows[0].upper).any() or rows == (FREE,) or name == "fixed zero"
    return with_rows(program, *rows)


def test_relu_rows_cost_no_node_more() -> None:
    """A clip that is relu in every row, however it is put, gives the graph that it always gave."""
    program = random_program(3)
    spelled = program.replace(clip=Clip.of([Interval(0.0, np.inf)] * program.n))
    assert integer_model(spelled).graph == integer_model(program).graph
    operators = [node.op_type for node in loop_of(integer_model(program)).node]
    assert operators.count("Abs") == 1 and "Neg" not in operators and "Less" in operators
    assert {tensor.name for tensor in integer_model(program).graph.initializer}.isdisjoint({"clip_lower"})


def test_negative_accumulators_round_down() -> None:
    """Integer division truncates; the graph must not."""
    program = random_program(31, n=5, bits=14, drive_bits=3, input_bits=2, state_bits=42, iterations=3)
    assert carried_in(integer_model(program))["solve"] == "int64"
    words = random_words(4, program, 200)
    trace = GoldenModel(program).trace(words)
    assert (trace.drive < 0).any() and (trace.states < 0).any()
    np.testing.assert_array_equal(run(integer_model(program), words)[0], trace.outputs)


def test_states_beyond_32_bits_saturate() -> None:
    """Where onnxruntime's own int64 Clip, Min and Max are wrong."""
    program = random_program(
        0, n=24, d=1, k=1, bits=16, state_bits=35, state_integer_bits=1, drive_bits=1, input_bits=1, iterations=9
    )
    assert carried_in(integer_model(program))["solve"] == "int64"
    words = random_words(0, program, 2)
    trace = GoldenModel(program).trace(words)
    assert 0 < trace.saturations.sum() < trace.states.size
    np.testing.assert_array_equal(run(integer_model(program), words)[0], trace.outputs)


def test_accumulators_up_to_the_last_of_64_bits() -> None:
    """At the widest state that is not refused, extreme states and inputs still compute exactly."""
    accepted = []
    for state_bits in range(40, 60):
        try:
            program = random_program(
                12, n=3, d=2, k=2, bits=9, drive_bits=1, readout_bits=1, state_bits=state_bits, input_bits=1
            )
            model = integer_model(program)
        except InputError:
            break
        accepted.append(program.accumulator_bits)
        words = random_words(5, program, 8)
        np.testing.assert_array_equal(run(model, words)[0], GoldenModel(program).predict_raw(words))
    assert accepted[-1] >= 62


@pytest.mark.parametrize("sign", [1, -1])
def test_the_last_output_that_64_bits_hold(sign: int) -> None:
    program = random_program(3, k=1)
    rest = program.output_bound - abs(int(program.readout_bias[0]))
    largest = program.replace(readout_bias=np.array([sign * (2**63 - 2 - rest)]))
    words = random_words(1, program, 9)
    np.testing.assert_array_equal(run(integer_model(largest), words)[0], GoldenModel(largest).predict_raw(words))
    with pytest.raises(InputError, match=r"64-bit .* output accumulator .*readout_bits"):
        integer_model(program.replace(readout_bias=largest.readout_bias + sign))


@pytest.mark.parametrize("name", BEYOND_64_BITS)
def test_what_does_not_fit_64_bits_is_refused_with_a_remedy(name: str) -> None:
    program = corner_programs()[name].program
    with pytest.raises(InputError, match=r"64-bit .* drive accumulator .*\d+ bits.*input_bits, drive_bits"):
        integer_model(program)


def test_the_batch_axis_is_dynamic() -> None:
    program = random_program(6, n=9)
    model = integer_model(program)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    golden = GoldenModel(program)
    for samples in (1, 2, 33):
        words = random_words(samples, program, samples)
        expected = golden.predict_raw(words)
        np.testing.assert_array_equal(session.run(None, {"words": words.astype(np.uint8)})[0], expected)
    assert session.run(None, {"words": np.zeros((0, program.d), dtype=np.uint8)})[0].shape == (0, program.k)


def test_the_loop_is_left_with_the_last_sample() -> None:
    """It executes as many updates as the slowest sample of the batch needs, no fewer and no more."""
    program = random_program(3, n=6, state_bits=6, iterations=200)
    words = random_words(9, program, 30)
    needed = GoldenModel(program).iterations(words)
    settled = words[needed < program.iterations]
    assert len(settled) >= 5 and len(set(needed.tolist())) > 2
    for batch in (settled, settled[:1], words):
        assert updates(integer_model(program), batch) == GoldenModel(program).iterations(batch).max()


def updates(model: onnx.ModelProto, words: np.ndarray) -> int:
    """How often the loop's body runs: the length of a scan output that is added to it."""
    loop_of(model).node.append(helper.make_node("Identity", ["index"], ["executed"]))
    loop_of(model).output.append(helper.make_tensor_value_info("executed", onnx.TensorProto.INT64, []))
    (loop,) = (node for node in model.graph.node if node.op_type == "Loop")
    loop.output.append("all_executed")
    model.graph.output.append(helper.make_tensor_value_info("all_executed", onnx.TensorProto.INT64, [None]))
    return len(run(model, words)[1])


# -- the digits, in all three forms --------------------------------------------


@pytest.fixture
def build(narrow_digits_build: Path) -> Project:
    """The embedded model, compiled."""
    return Project.load(narrow_digits_build)


def test_digits_integer(build: Project) -> None:
    test = digits("test")
    (outputs,) = run(export(build.folder), build.golden.words(test.words))
    np.testing.assert_array_equal(outputs, build.predict_raw(build.golden.words(test.words)))
    assert (outputs.argmax(axis=1) == test.targets).mean() > 0.97


def test_digits_qdq(build: Project) -> None:
    """Bit-exact as well: float32 holds every sum of this program, and the metadata says so."""
    test = digits("test")
    model = export(build.folder, "qdq")
    assert properties(model)["mondeq_hw.exact"] == "true"
    np.testing.assert_array_equal(run(model, test.words)[0], build.predict(test.words).astype(np.float32))
    operators = {node.op_type for node in (*model.graph.node, *loop_of(model).node)}
    assert operators >= {"QuantizeLinear", "DequantizeLinear", "Loop"}


def test_digits_float(digits_model: Path) -> None:
    test, network = digits("test"), load(digits_model)
    outputs, residual = run(export(digits_model, "float"), test.words)
    expected = np.maximum(preactivation(network, test.words), 0) @ network.O.T + network.c
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    assert residual.shape == (len(test),) and residual.max() < 1e-7


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("bits", [1, 4, 8])
def test_qdq_of_random_programs(solver: str, bits: int) -> None:
    program = random_program(bits, n=11, bits=bits, solver=solver, state_bits=9, drive_bits=4, readout_bits=12)
    model = qdq_model(program)
    assert properties(model)["mondeq_hw.exact"] == "true"
    words = random_words(1, program, 50)
    expected = GoldenModel(program).predict_raw(words)
    np.testing.assert_array_equal(np.ldexp(run(model, words)[0], program.output_fractional_bits), expected)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", CLIPS)
def test_qdq_of_clips(name: str, solver: str) -> None:
    program = clipped_program(name, solver)
    model = qdq_model(program)
    assert properties(model)["mondeq_hw.exact"] == "true"
    words = random_words(1, program, 50)
    expected = GoldenModel(program).predict_raw(words)
    np.testing.assert_array_equal(np.ldexp(run(model, words)[0], program.output_fractional_bits), expected)


def test_qdq_rounds_half_up_and_saturates_symmetrically() -> None:
    """A 3-bit state that clips at both ends and ties at every other sum."""
    program = corner_programs()["saturating"].program
    words = random_words(7, program, 100)
    expected = GoldenModel(program).predict_raw(words)
    np.testing.assert_array_equal(np.ldexp(run(qdq_model(program), words)[0], program.output_fractional_bits), expected)


def test_qdq_says_when_float32_is_not_exact() -> None:
    program = random_program(2, state_bits=16, bits=12, drive_bits=16, input_bits=16)
    model = qdq_model(program)
    assert properties(model)["mondeq_hw.exact"] == "false"
    words = random_words(1, program, 20)
    golden = GoldenModel(program).predict_raw(words) * 2.0**-program.output_fractional_bits
    np.testing.assert_allclose(run(model, words)[0], golden, atol=100 * program.state_format.step)


def test_qdq_refuses_words_beyond_16_bits() -> None:
    with pytest.raises(InputError, match=r"state word has 20 bits.*state_bits.*integer form"):
        qdq_model(random_program(2, state_bits=20))


def test_float_form_of_random_networks() -> None:
    for seed, (n, d, k) in enumerate([(1, 1, 1), (7, 3, 2), (13, 20, 4)]):
        network = random_model(np.random.default_rng(seed), n, d, k)
        words = np.random.default_rng(seed).integers(0, 256, size=(10, d))
        expected = np.maximum(preactivation(network, words), 0) @ network.O.T + network.c
        np.testing.assert_allclose(run(float_model(network), words)[0], expected, atol=1e-6)


@pytest.mark.parametrize("name", CLIPS)
def test_float_form_of_clips(name: str, tmp_path: Path) -> None:
    """Bounds that are no binary fractions; of a complement they have the step size in them, and of the residual not."""
    rows = CLIPS[name](0.3)
    clip = Clip.of([rows[row % len(rows)] for row in range(9)])
    network = replace(random_model(np.random.default_rng(6), 9, 5, 3), clip=clip)
    words = np.random.default_rng(6).integers(0, 256, size=(30, 5))
    outputs, residual = run(float_model(network), words)
    np.testing.assert_allclose(outputs, logits(network, words), atol=1e-6)
    assert residual.max() < 1e-7
    assert np.abs(outputs - logits(replace(network, clip=None), words)).max() > 1e-2
    write(float_model(network), tmp_path / "m.onnx")
    again = from_onnx(tmp_path / "m.onnx")
    assert isinstance(again, MonDEQ) and again.clip == clip and again.digest() == network.digest()


def test_the_residual_tells_an_unfinished_answer() -> None:
    """After a single update the outputs are wrong, and the residual says by how much the equation is missed."""
    network = random_model(np.random.default_rng(2), 7, 3, 7)
    network = replace(network, O=np.eye(7), c=np.zeros(7))  # the outputs are z itself
    model = float_model(network)
    (trips,) = (tensor for tensor in model.graph.initializer if tensor.name == "iterations")
    trips.CopyFrom(numpy_helper.from_array(np.array(1, dtype=np.int64), "iterations"))
    words = np.random.default_rng(2).integers(0, 256, size=(10, 3))
    z, residual = run(model, words)
    applied = np.maximum(z @ network.W.T + network.preprocessing.apply(words) @ network.U.T + network.b, 0)
    np.testing.assert_allclose(residual, np.abs(z - applied).max(axis=1), rtol=1e-11)
    assert residual.min() > 1e-3


# -- the published checkpoint on all of MNIST ----------------------------------


def test_all_of_mnist_through_onnxruntime(shared: Path) -> None:
    """No mismatch on 10,000 images, at the accuracy of the golden model."""
    network = load(shared / "checkpoints" / "li_2026_mnist_mondeq.pt", preprocessing=MNIST_PREPROCESSING)
    train, test = (mnist(shared / "data" / "mnist", split) for split in ("train", "test"))
    lowered = lower(network, LoweringOptions(5), train.words[:2000])
    assert lowered.proof is not None
    draft = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 1, True)
    program = draft.replace(iterations=choose_iterations(draft, lowered.proof))
    (outputs,) = run(integer_model(program), test.words)
    assert len(outputs) == 10_000
    np.testing.assert_array_equal(outputs, GoldenModel(program).predict_raw(test.words))
    assert (outputs.argmax(axis=1) == test.targets).mean() > 0.98
    real = np.ldexp(run(qdq_model(program), test.words)[0].astype(np.float64), program.output_fractional_bits)
    np.testing.assert_array_equal(real, outputs)
    scores, residual = run(float_model(network), test.words)
    assert (scores.argmax(axis=1) == test.targets).mean() == pytest.approx(0.9825, abs=0.0004) and residual.max() < 1e-7


# -- what the files say ----------------------------------------------------------


def properties(model: onnx.ModelProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in model.metadata_props}


def loop_of(model: onnx.ModelProto) -> onnx.GraphProto:
    (loop,) = (node for node in model.graph.node if node.op_type == "Loop")
    return loop.attribute[0].g


def test_metadata_and_opset(build: Project, digits_model: Path) -> None:
    import hashlib

    certificate = hashlib.sha256((build.folder / "certificate.json").read_bytes()).hexdigest()
    for form in FORMS:
        model = export(digits_model if form == "float" else build.folder, form)
        assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 21)]
        assert model.producer_name == "mondeq-hw"
        onnx.checker.check_model(model, full_check=True)
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
        found = properties(model)
        assert found["mondeq_hw.form"] == form
        if form == "float":
            assert found["mondeq_hw.model_digest"] == load(digits_model).digest()
            continue
        assert found["mondeq_hw.program_digest"] == build.program.digest
        assert found["mondeq_hw.certificate_sha256"] == certificate
        assert found["mondeq_hw.state_format"] == str(build.program.state_format)
        assert float(found["mondeq_hw.step_size"]) == build.report.step_size
    assert Provenance.of(build.folder).certificate_sha256 == certificate


# -- back in ---------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in corner_programs() if name not in BEYOND_64_BITS])
def test_integer_files_hold_the_program(name: str, tmp_path: Path) -> None:
    program = corner_programs()[name].program
    write(integer_model(program), tmp_path / "m.onnx")
    again = from_onnx(tmp_path / "m.onnx")
    assert isinstance(again, SolverProgram) and again.digest == program.digest


@pytest.mark.parametrize("solver", SOLVERS)
def test_files_of_version_1_are_read(solver: str) -> None:
    """Written before programs had stages and clips; their graph is still the one that the program gives."""
    file = ROOT / "tests" / "onnx_version_1" / f"{solver}.onnx"
    again = from_onnx(file)
    assert isinstance(again, SolverProgram)
    assert again.digest == random_program(3, solver=solver).digest
    stored = load(file).stored
    assert stored is not None and stored.prox.is_relu


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", CLIPS)
def test_integer_files_keep_the_clip(name: str, solver: str, tmp_path: Path) -> None:
    """Also as the checkpoint of a retrained network, at a step size that a complement's bounds have in them."""
    program = clipped_program(name, solver)
    step = 2.0**-program.leak_shift if program.leak_shift else 0.7
    write(integer_model(program, Provenance("0" * 64, step)), tmp_path / "m.onnx")
    again = from_onnx(tmp_path / "m.onnx")
    assert isinstance(again, SolverProgram) and again.digest == program.digest
    stored = load(tmp_path / "m.onnx").stored
    assert stored is not None and stored.step_size == step
    assembled = assemble(
        quantized_of(stored), stored.input_format, stored.state_format, program.iterations, program.certified
    )
    assert assembled.digest == program.digest


@pytest.mark.parametrize("bits", [None, pytest.param(3, marks=pytest.mark.long)])
def test_an_integer_file_compiles_to_the_same_integers(build: Project, bits: int | None, tmp_path: Path) -> None:
    write(export(build.folder), tmp_path / "digits.onnx")
    options = {} if bits is None else {"bits": bits}
    again = mondeq_hw.compile(tmp_path / "digits.onnx", tmp_path / "again", data="digits", **options)
    assert again.program.digest == build.program.digest
    assert again.check_certificate().accepted
    assert again.report.step_size == build.report.step_size


def test_an_integer_file_is_not_requantised(build: Project, tmp_path: Path) -> None:
    write(export(build.folder), tmp_path / "digits.onnx")
    with pytest.raises(InputError, match=r"bits is 4.*stored as they are"):
        mondeq_hw.compile(tmp_path / "digits.onnx", tmp_path / "again", bits=4)


@pytest.mark.parametrize("solver", SOLVERS)
def test_integer_files_of_shortened_inputs_and_both_solvers(solver: str, tmp_path: Path) -> None:
    """No step size is known to a program alone; its integers do not need it."""
    network = random_model(np.random.default_rng(5), 6, 4, 3)
    first = mondeq_hw.compile(network, tmp_path / "a", bits=6, solver=solver, input_bits=5, state_bits=10)
    write(integer_model(first.program), tmp_path / "random.onnx")
    again = mondeq_hw.compile(tmp_path / "random.onnx", tmp_path / "b", solver=solver)
    assert same_integers(again.program, first.program)


def test_an_integer_file_that_contracts_only_in_a_weighted_norm(tmp_path: Path) -> None:
    """Its plain norm is above one, so I - W is monotone in a weighting only; the certificate proves that."""
    program = weighted_program()
    assert np.linalg.norm(program.matrix.values, 2) > 1
    write(integer_model(program), tmp_path / "weighted.onnx")
    again = mondeq_hw.compile(tmp_path / "weighted.onnx", tmp_path / "build", iterations=program.iterations)
    assert same_integers(again.program, program.replace(certified=True))
    assert again.check_certificate().accepted


def weighted_program() -> SolverProgram:
    """A reflected recurrence whose matrix is far from normal."""
    program = random_program(3, n=4, d=3, k=2, bits=5, iterations=30)
    far = np.array([[1, 15, 0, 0], [0, -2, 12, 0], [0, 0, 1, 12], [0, 0, 0, -2]], dtype=np.int64)
    return program.replace(matrix=DenseOperator(far, np.full(4, 3), 5))


def test_a_float_file_compiles_to_the_same_integers(build: Project, digits_model: Path, tmp_path: Path) -> None:
    """The training is told too, so that the digits calibrate it as they did the checkpoint."""
    write(export(digits_model, "float"), tmp_path / "digits.onnx")
    network = from_onnx(tmp_path / "digits.onnx")
    assert isinstance(network, MonDEQ) and network.digest() == load(digits_model).digest()
    assert load_checkpoint(tmp_path / "digits.onnx").training == load_checkpoint(digits_model).training
    again = mondeq_hw.compile(tmp_path / "digits.onnx", tmp_path / "again", bits=3)
    assert again.program.digest == build.program.digest


def test_a_retrained_network_keeps_its_integers_in_the_float_form(tmp_path: Path) -> None:
    network = load(ROOT / "examples" / "mnist_2bit.pt")
    assert network.stored is not None
    write(float_model(network), tmp_path / "m.onnx")
    again = load(tmp_path / "m.onnx")
    assert again.stored is not None and again.digest() == network.digest()
    for name in ARRAYS:
        one, other = getattr(network.stored, name), getattr(again.stored, name)
        np.testing.assert_array_equal(one.integers, other.integers)
        np.testing.assert_array_equal(one.shifts, other.shifts)


def test_preprocessing_per_input_survives(tmp_path: Path) -> None:
    network = random_model(np.random.default_rng(1), 4, 3, 2)
    pre = replace(network.preprocessing, mean=np.array([0.1, 0.2, 0.3]), std=np.array([1.0, 0.5, 0.7]), input_bits=6)
    network = replace(network, preprocessing=pre)
    write(float_model(network), tmp_path / "m.onnx")
    again = load(tmp_path / "m.onnx")
    assert again.digest() == network.digest() and again.preprocessing.input_bits == 6
    words = np.random.default_rng(0).integers(0, 64, size=(9, 3))
    expected = np.maximum(preactivation(network, words), 0) @ network.O.T + network.c
    np.testing.assert_allclose(run(float_model(network), words)[0], expected, atol=1e-6)


def network_of_old_files() -> MonDEQ:
    return random_model(np.random.default_rng(11), 4, 3, 2)


@pytest.mark.parametrize("solver", SOLVERS)
def test_files_of_before_the_digest_still_load(solver: str, tmp_path: Path) -> None:
    """Written by the version before programs had stages (6 bits, 10-bit state)."""
    old = ROOT / "tests" / "onnx_files" / f"version_1_{solver}.onnx"
    assert "mondeq_hw.digest" not in properties(onnx.load(old))
    now = mondeq_hw.compile(network_of_old_files(), tmp_path / "now", bits=6, solver=solver, state_bits=10)
    again = mondeq_hw.compile(old, tmp_path / "again", solver=solver, state_bits=10)
    assert same_integers(again.program, now.program)
    found = from_onnx(old)
    assert isinstance(found, SolverProgram) and same_integers(found, now.program)
    assert found.certified == now.program.certified


def test_a_float_file_of_before_the_digest_still_loads() -> None:
    found = load(ROOT / "tests" / "onnx_files" / "version_1_float.onnx")
    assert found.digest() == network_of_old_files().digest()


@pytest.mark.parametrize("name", ["matrix", "drive", "readout"])
def test_changed_integers_of_old_files_are_refused(name: str, tmp_path: Path) -> None:
    model = onnx.load(ROOT / "tests" / "onnx_files" / "version_1_peaceman_rachford.onnx")
    (tensor,) = (entry for entry in model.graph.initializer if entry.name == name)
    array = numpy_helper.to_array(tensor).copy()
    array.flat[0] -= np.sign(array.flat[0]) or 1
    tensor.CopyFrom(numpy_helper.from_array(array, name))
    write(model, tmp_path / "m.onnx")
    refused(tmp_path / "m.onnx", "changed or damaged since it was exported")


# -- files that are refused ------------------------------------------------------


def foreign_model() -> onnx.ModelProto:
    """What another exporter might write."""
    values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", values[:1], values[1:])
    return helper.make_model(graph, producer_name="pytorch")


def refused(file: Path, words: str) -> None:
    for reader in (load, from_onnx):
        with pytest.raises(InputError, match=words) as caught:
            reader(file)
        assert str(file) in str(caught.value)


def test_foreign_files(tmp_path: Path) -> None:
    write(foreign_model(), tmp_path / "foreign.onnx")
    refused(tmp_path / "foreign.onnx", r"of pytorch, not of mondeq-hw.*export onnx.*state_dict or \.npz")


def test_truncated_files(tmp_path: Path) -> None:
    file = tmp_path / "m.onnx"
    whole = integer_model(random_program(3)).SerializeToString()
    for length in (1, 9, len(whole) // 3, len(whole) - 1):
        file.write_bytes(whole[:length])
        refused(file, "ONNX|damaged")


def test_the_qdq_form_is_not_read_back(tmp_path: Path) -> None:
    write(qdq_model(random_program(3)), tmp_path / "m.onnx")
    refused(tmp_path / "m.onnx", "qdq form.*form integer")


@pytest.mark.parametrize(
    "name", ["matrix", "drive", "readout", "drive_offset", "readout_bias", "iterations", "clip_lower", "clip_upper"]
)
def test_changed_integers_are_refused(name: str, tmp_path: Path) -> None:
    model = integer_model(with_rows(random_program(3, bits=5), Interval(-9, 20)))
    (tensor,) = (entry for entry in model.graph.initializer if entry.name == name)
    array = numpy_helper.to_array(tensor).copy()
    array.flat[0] += 1 if array.flat[0] <= 0 else -1
    tensor.CopyFrom(numpy_helper.from_array(array, name))
    write(model, tmp_path / "m.onnx")
    refused(tmp_path / "m.onnx", "changed or damaged since it was exported")


def test_a_changed_loop_is_refused(tmp_path: Path) -> None:
    model = integer_model(random_program(3))
    (phi,) = (node for node in loop_of(model).node if node.op_type == "Abs")
    phi.op_type = "Neg"
    write(model, tmp_path / "m.onnx")
    refused(tmp_path / "m.onnx", "not what its digest is about")
    sign_again(model)
    write(model, tmp_path / "m.onnx")
    with pytest.raises(InputError, match="graph is not the one"):
        from_onnx(tmp_path / "m.onnx")


def sign_again(model: onnx.ModelProto) -> None:
    (entry,) = (entry for entry in model.metadata_props if entry.key == "mondeq_hw.digest")
    entry.value = onnx_digest(model)


@pytest.mark.parametrize("form", ["integer", "float"])
@pytest.mark.parametrize("text", ["", "{}", "[]", "no json", '{"version": 1}', "3"])
def test_damaged_metadata_is_refused(form: str, text: str, tmp_path: Path) -> None:
    network = random_model(np.random.default_rng(1), 4, 3, 2)
    model = integer_model(random_program(3)) if form == "integer" else float_model(network)
    for entry in model.metadata_props:
        if entry.key in ("mondeq_hw.program", "mondeq_hw.checkpoint"):
            entry.value = text
    if form == "float" and text == '{"version": 1}':
        return  # the own format's defaults: a model without stated margin or training
    write(model, tmp_path / "m.onnx")
    refused(tmp_path / "m.onnx", r"m\.onnx")


def test_integers_that_compile_would_not_assemble_say_so(tmp_path: Path) -> None:
    """Their drive is on a finer grid than needed: from_onnx reads them, compile would round them again."""
    program = random_program(3)
    finer = program.replace(drive_left_shift=program.drive_left_shift + 1, drive_bias=2 * program.drive_bias + 1)
    write(integer_model(finer), tmp_path / "m.onnx")
    again = from_onnx(tmp_path / "m.onnx")
    assert isinstance(again, SolverProgram) and again.digest == finer.digest
    with pytest.raises(InputError, match="none that 'compile' assembles"):
        load(tmp_path / "m.onnx")


def test_without_the_onnx_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import mondeq_hw.export

    write(foreign_model(), tmp_path / "m.onnx")
    monkeypatch.delitem(sys.modules, "mondeq_hw.export.onnx")
    monkeypatch.delattr(mondeq_hw.export, "onnx")
    for name in [name for name in sys.modules if name == "onnx" or name.startswith("onnx.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingToolError, match=r"pip install 'mondeq-hw\[onnx\]'"):
        load(tmp_path / "m.onnx")
    assert cli.main(["export", "onnx", str(tmp_path)]) == 5
    assert "pip install" in capsys.readouterr().err


# -- command line ----------------------------------------------------------------


def test_command(build: Project, digits_model: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["export", "onnx", str(build.folder)]) == 0
    assert build.program.digest in capsys.readouterr().out
    assert from_onnx(tmp_path / "digits.onnx").digest == build.program.digest
    assert cli.main(["export", "onnx", str(build.folder), "--form", "qdq", "--out", "q.onnx", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["file"], facts["form"], facts["opset"]) == ("q.onnx", "qdq", "21")
    assert cli.main(["export", "onnx", str(digits_model), "--form", "float", "--out", "f.onnx"]) == 0
    assert load(tmp_path / "f.onnx").digest() == load(digits_model).digest()
    assert cli.main(["compile", "f.onnx", "--bits", "3", "--out", "again"]) == 0
    assert same_integers(Project.load("again").program, build.program)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["BUILD", "--form", "qonnx"], "integer, qdq, float"),
        (["BUILD", "--form", "float"], "give the float form the checkpoint"),
        (["MODEL"], "compile it first"),
        (["nothing"], "nothing"),
    ],
)
def test_command_errors(build: Project, digits_model: Path, arguments, words, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    named = {"BUILD": str(build.folder), "MODEL": str(digits_model)}
    assert cli.main(["export", "onnx", *(named.get(argument, argument) for argument in arguments)]) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
