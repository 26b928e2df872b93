"""The fast corner: networks trained for few-bit words and one to three updates, compiled, simulated and routed.

    python benchmarks/fast.py --shared DIR [--targets a a384 a3 b c] [--route c] [--nextpnr path] [--work build/fast]
                              [--json]

Every target is a recipe: a network, a compilation without flags about the integers, a simulation of test images by
Icarus, which compares every word and every cycle (it needs no compilation of these graphs), and for those named by
``--route`` Yosys and nextpnr (the large ones by a native nextpnr, ``--nextpnr path``, in half an hour; by the wheel's
not in hours).  Networks of a, a384 and a3 are integers that were trained before, in the shared folder
(``prototypes/fast``: binary pixels of the images' middle, 22 x 22); those of b and c are trained and retrained here, in
minutes of one core, and kept in ``--work``.  ``results/fast.json`` holds what was measured last of each target, and is
what ``--json`` prints: what was not routed has no clock, and ``reason`` says so.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from published import arguments

import mondeq_hw
from mondeq_hw import Project
from mondeq_hw.base import DenseOperator, FixedPointFormat, Overflow
from mondeq_hw.hardware import ECP5, LUT_WEIGHT_BITS, estimate, initiation_interval, latency, load_schedule
from mondeq_hw.problem import (
    PEACEMAN_RACHFORD,
    Dataset,
    MonDEQ,
    Preprocessing,
    StoredRecurrence,
    mnist,
    network_of,
    on_fewer_inputs,
    save,
)
from mondeq_hw.proof import prove_contraction
from mondeq_hw.proof.enclosure import FINE_BITS, ExactRecurrence, decided_classes, exact_feedthrough, verdicts
from mondeq_hw.training import Optimisation, TrainingConfig, normalisation, train

RESULTS = Path(__file__).parent / "results" / "fast.json"
#: Test images that are simulated.
SIMULATED = 32
NOT_ROUTED = "not routed: placement and routing of this size take more than the few minutes given to a run"


@dataclass(frozen=True)
class Target:
    """What the issue of the fast corner asks for, and the recipe that goes there.

    Parameters
    ----------
    goal : str
    start : str
        Trained integers, below the shared folder; or the name of a float network that is trained here.
    build : dict
        Options of ``compile``.
    part : str
    retrain : dict, optional
        Options of ``qat``; None where the integers are there.
    inputs : int, optional
        Of trained integers, how many pixels stay, those that move the states most; all where absent.
    clock_mhz : float
        What placing and routing aim at.
    """

    goal: str
    start: str
    build: dict[str, Any]
    part: str
    retrain: dict[str, Any] | None = None
    inputs: int | None = None
    clock_mhz: float = 150.0


#: A beat in every cycle, solver and readout as graphs; the drive by tables, which is the compiler's choice.
FAST: dict[str, Any] = {
    "strategy": "unrolled",
    "graphs": ("readout",),
    "fewest": "stages",
    "adders_per_stage": 2,
    "reuse_factor": 1,
    "output_beat": 10,
}
#: Batches, shifts and epochs of a retraining.
COMMON: dict[str, Any] = {"shift_pixels": 1, "batch_size": 256, "epochs": 60, "patience": 60}
TARGETS = {
    "a": Target(
        "98.2 % in 0.4 us, 10 million images/s", "prototypes/fast/net_K1_a.npz",
        {**FAST, "input_beat": 44, "adders_per_stage": 1, "graph_rows": 16}, "ecp5-85", clock_mhz=140.0,
    ),
    "a384": Target(  # eight beats, each of eight tables of six pixels
        "as a", "prototypes/fast/net_K1_a.npz",
        {**FAST, "input_beat": 48, "adders_per_stage": 1, "graph_rows": 16}, "ecp5-85", inputs=384, clock_mhz=140.0,
    ),
    "a3": Target(
        "95 % of the images provably of the exact equilibrium's class, in 0.6 us", "prototypes/fast/net_K3_a.npz",
        {**FAST, "input_beat": 48}, "ecp5-85", inputs=384, clock_mhz=90.0,
    ),
    "b": Target(
        "98.5 % in 1 us", "middle",
        {**FAST, "input_beat": 16, "graph_rows": 16}, "ecp5-85",
        {**COMMON, "bits": 2, "drive_bits": 2, "input_bits": 2, "readout_bits": 4, "state_bits": 6, "updates": 3,
         "inputs": 384, "contraction_limit": 0.5, "hinge_room": 0.02, "learning_rate": 0.03, "epochs": 100,
         "patience": 100, "validation_share": 0},
        clock_mhz=75.0,
    ),
    "c": Target(
        "97 % in 5,000 LUTs", "small", {"reuse_factor": 512}, "ecp5-25",
        {**COMMON, "bits": 3, "drive_bits": 2, "readout_bits": 5, "state_bits": 7, "updates": 2,
         "contraction_limit": 0.7, "epochs": 40},
    ),
}  # fmt: skip
#: The float network of target c, on binary pixels.
SMALL: dict[str, Any] = {"n": 32, "epochs": 8, "batch_size": 256, "shift_pixels": 1, "input_bits": 1}
#: That of target b, on the images' middle.
MIDDLE = TrainingConfig(
    n=112,
    optimisation=Optimisation(4, 256, 3e-3, patience=4, weight_decay=0.1, validation_share=0, shift_pixels=1),
)
#: Rows and columns that the trained integers' images lack at each side.
MARGIN = 3


@dataclass
class Measured:
    """One target; without a routed build its clock and what hangs on it are None, and ``reason`` is not.

    Parameters
    ----------
    accuracy : float
        Share of MNIST's 10,000 test images that the deployed integers classify rightly.
    certified : bool
        Whether the contraction of the stored integers is proved.
    same_class : float
        Share of the calibration images whose deployed class is provably that of the exact equilibrium.
    latency_cycles, interval_cycles : float
        First word in to last word out of a lone image, and between images that stream in; as simulated.
    estimated_luts : int
        From the widths alone.
    routed_by : str, optional
        Tool and version.
    same_class_of_test : float, optional
        Of the 10,000 test images, as ``same_class``; None where it was not looked at.
    """

    accuracy: float
    certified: bool
    latency_ns: float | None
    images_per_second: float | None
    clock_mhz: float | None
    luts: int | None
    part: str
    same_class: float
    latency_cycles: int
    interval_cycles: float
    estimated_luts: int
    simulated_images: int
    program: str
    goal: str
    routed_by: str | None = None
    reason: str | None = None
    same_class_of_test: float | None = None


def trained_integers(file: Path) -> MonDEQ:
    """The network of the integers in a file of ``prototypes/fast``."""
    with np.load(file) as held:
        arrays = dict(held)

    def matrix(integers: str, scale: str, bits: int) -> DenseOperator:
        return DenseOperator(arrays[integers].astype(np.int64), -np.log2(arrays[scale].ravel()).astype(np.int64), bits)

    step, top = float(arrays["step"]), float(arrays["smax"])
    bits, fraction = int(np.log2(top / step + 1)) + 1, -int(np.log2(step))
    stored = StoredRecurrence(
        solver=PEACEMAN_RACHFORD,
        step_size=1.0,
        matrix=matrix("C", "sc", 2),
        drive=matrix("U", "su", 2),
        readout=matrix("O", "so", 6),
        drive_bias=arrays["b"].astype(np.float64),
        readout_bias=arrays["c"].astype(np.float64),
        input_format=FixedPointFormat(1, 1, False, overflow=Overflow.SAT),
        state_format=FixedPointFormat(bits, bits - fraction),
        iterations=int(arrays["K"]),
    )
    return network_of(stored, Preprocessing(scale=1, input_bits=1), file.name)


def middle(split: str, shared: Path) -> Dataset:
    """The images without the ``MARGIN`` outermost pixels, bytes (samples, 484), and their labels."""
    images, kept = mnist(shared / "data" / "mnist", split), slice(MARGIN, -MARGIN)
    pixels = images.words.reshape(len(images), 28, 28)[:, kept, kept]
    return replace(images, words=np.ascontiguousarray(pixels).reshape(len(images), -1))


def network(target: Target, name: str, shared: Path, work: Path) -> tuple[MonDEQ | Path, dict[str, Any]]:
    """A target's network, retrained where it is not there yet, and the samples that ``compile`` gets with it."""
    file, start = work / f"{name}.pt", work / f"{target.start}.pt"
    if target.start == "small":
        samples: dict[str, Any] = {"data_dir": shared / "data" / "mnist"}
        if not start.exists():
            mondeq_hw.train(start, **SMALL, **samples)
    else:
        known, judge = middle("train", shared), middle("test", shared)
        if target.retrain is None:  # binary pixels
            known, judge = (replace(each, words=each.words >> 7) for each in (known, judge))
        samples = {"calibration": (known.words, known.targets), "test": (judge.words, judge.targets)}
        if target.retrain is None:
            model = trained_integers(shared / target.start)
            return model if target.inputs is None else on_fewer_inputs(model, known.words, target.inputs), samples
        if not start.exists():
            save(train(MIDDLE, known, normalisation(known, 1 / 255, 8)).model, start)
    if not file.exists():
        assert target.retrain is not None
        mondeq_hw.qat(start, file, **target.retrain, **samples)
    return file, samples


def simulated(project: Project) -> int:
    """Images whose every word and cycle were as predicted."""
    report = project.verify(rtl_samples=SIMULATED, simulators=("icarus",))
    if not report.ok:
        raise SystemExit(f"{project.folder}: simulation differs from the golden model")
    return SIMULATED


def test_images(samples: dict[str, Any]) -> np.ndarray:
    """Bytes or bits (10,000, inputs) of what ``compile`` gets."""
    return samples["test"][0] if "test" in samples else mnist(samples["data_dir"], "test").words


def provably_the_same(project: Project, images: np.ndarray) -> float:
    """Share of the images whose deployed class is proved to be that of the exact equilibrium."""
    program, words = project.program, project.golden.words(project.raw_inputs(images).raw)
    proof = prove_contraction(program.matrix, program.leak_shift)
    if proof is None:
        return 0.0
    exact = ExactRecurrence(program, proof, words)
    enclosure = exact.enclose(exact.settled(exact.start(project.golden.final_states(words))))
    classes = decided_classes(program, proof, enclosure, FINE_BITS, exact_feedthrough(program, words))
    return verdicts(program, words, classes)["equal"] / len(words)


def measured(name: str, shared: Path, work: Path, nextpnr: str | None) -> Measured:
    """Train, compile, simulate and, where asked, route a target."""
    target, folder = TARGETS[name], work / name
    model, samples = network(target, name, shared, work)
    project = mondeq_hw.compile(model, folder, force=True, **target.build, **samples)
    program, plan = project.program, load_schedule(folder)
    lines = {line.name: line.values for line in project.certificate.lines}
    images = simulated(project)
    synth = None
    if nextpnr is not None:
        synth = project.synthesize(part=target.part, clock_mhz=target.clock_mhz, nextpnr=nextpnr)
    comparison = project.report.comparison.value
    assert comparison is not None
    cycles, interval = latency(plan, program.iterations), initiation_interval(plan, program.iterations)
    clock = None if synth is None or synth.routed is None else synth.routed.fmax_mhz
    return Measured(
        accuracy=comparison.golden,
        certified=program.certified,
        latency_ns=None if clock is None else round(1e3 * cycles / clock, 1),
        images_per_second=None if clock is None else round(1e6 * clock / interval),
        clock_mhz=None if clock is None else round(clock, 1),
        luts=None if synth is None or synth.routed is None else synth.routed.usage.luts,
        part=target.part,
        same_class=lines["class_a_posteriori"]["equal"] / lines["class_a_posteriori"]["samples"],
        latency_cycles=cycles,
        interval_cycles=round(interval, 2),
        estimated_luts=estimate(program, plan, ECP5, LUT_WEIGHT_BITS).luts,
        simulated_images=images,
        program=program.digest[:12],
        goal=target.goal,
        routed_by=None if clock is None or synth is None else " ".join(synth.tools[-1]),
        same_class_of_test=provably_the_same(project, test_images(samples)),
        reason=None if clock else NOT_ROUTED,
    )


def last_results() -> dict[str, dict[str, Any]]:
    """Of every target what was measured last."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def table(results: dict[str, dict[str, Any]]) -> list[str]:
    """Rows of the docs' table."""

    def cell(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    return [
        f"| {name} | {each['goal']} | {100 * each['accuracy']:.2f} | {'yes' if each['certified'] else 'no'} | "
        f"{cell(each['same_class'], '.1%')} | {cell(each['same_class_of_test'], '.1%')} | "
        f"{each['latency_cycles']} | {each['interval_cycles']:g} | "
        f"{cell(each['clock_mhz'], '.1f')} | {cell(each['latency_ns'], ',.0f')} | "
        f"{cell(each['images_per_second'], ',')} | {cell(each['luts'], ',')} | {each['part']} |"
        for name, each in sorted(results.items())
    ]


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--targets", nargs="*", choices=TARGETS, default=list(TARGETS), help="none: the last results")
    parser.add_argument("--route", nargs="*", choices=TARGETS, default=[])
    parser.add_argument("--nextpnr", choices=("wheel", "path"), default="wheel")
    parser.add_argument("--work", type=Path, default=Path("build") / "fast")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    for name in options.targets:
        nextpnr = options.nextpnr if name in options.route else None
        found = asdict(measured(name, options.shared, options.work, nextpnr))
        RESULTS.write_text(json.dumps({**last_results(), name: found}, indent=1, sort_keys=True) + "\n")
    results = last_results()
    absent = {**dict.fromkeys(each.name for each in fields(Measured)), "reason": "not measured"}
    if options.json:
        results = {name: results.get(name, absent) for name in TARGETS}
    print(json.dumps(results) if options.json else "\n".join(table(results)))


if __name__ == "__main__":
    main()
