"""The fast corner: networks trained for few-bit words and one to three updates, compiled, simulated and routed.

    python benchmarks/fast.py --shared DIR [--targets a a3 b c] [--route c] [--work build/fast] [--json]

Every target is a recipe: a retraining on MNIST from a float network (about two minutes of one core; kept in ``--work``
and not repeated), a compilation without flags about the integers, a simulation of test images by Verilator, compared
word for word and cycle for cycle, and for those named by ``--route`` Yosys and nextpnr (the large ones take 20 minutes
and more).  ``results/fast.json`` holds what was measured last of each target, and is what ``--json`` prints: what was
not routed has no clock, and ``reason`` says so.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from published import arguments

import mondeq_hw
from mondeq_hw import Project
from mondeq_hw.hardware import ECP5, LUT_WEIGHT_BITS, estimate, initiation_interval, latency, load_schedule

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
        Float network: below the shared folder, or ``small``, which is trained here.
    retrain, build : dict
        Options of ``qat`` and ``compile``.
    part : str
    """

    goal: str
    start: str
    retrain: dict[str, Any]
    build: dict[str, Any]
    part: str


PUBLISHED = "checkpoints/li_2026_mnist_mondeq.pt"
#: Batches, shifts and the limit of the contraction are the same for all.
COMMON: dict[str, Any] = {"shift_pixels": 1, "batch_size": 256, "epochs": 60, "patience": 60, "contraction_limit": 0.5}
#: A beat in every cycle, the solver's matrix and the readout's as graphs.
WIDE: dict[str, Any] = {"strategy": "unrolled", "graphs": ("readout",), "reuse_factor": 1, "input_beat": 49}
#: Binary pixels.
BINARY: dict[str, Any] = {"bits": 2, "drive_bits": 2, "input_bits": 1}
TARGETS = {
    "a": Target(
        "98.2 % in 0.4 us, 10 million images/s", PUBLISHED,
        {**COMMON, **BINARY, "readout_bits": 5, "state_bits": 5, "updates": 1}, WIDE, "ecp5-85",
    ),
    "a3": Target(
        "95 % of the images provably of the exact equilibrium's class, in 0.6 us", PUBLISHED,
        {**COMMON, **BINARY, "readout_bits": 6, "state_bits": 6, "updates": 3}, WIDE, "ecp5-85",
    ),
    "b": Target(
        "98.5 % in 1 us", PUBLISHED,
        {**COMMON, **BINARY, "input_bits": 2, "readout_bits": 6, "state_bits": 6, "updates": 3},
        {**WIDE, "input_beat": 28}, "ecp5-85",
    ),
    "c": Target(
        "97 % in 5,000 LUTs", "small",
        {**COMMON, "bits": 3, "drive_bits": 2, "readout_bits": 5, "state_bits": 7, "updates": 2,
         "contraction_limit": 0.7, "epochs": 40},
        {"reuse_factor": 64}, "ecp5-25",
    ),
}  # fmt: skip
#: The float network of target c, on binary pixels.
SMALL: dict[str, Any] = {"n": 32, "epochs": 8, "batch_size": 256, "shift_pixels": 1, "input_bits": 1}


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
    reason: str | None = field(default=None)


def network(name: str, shared: Path, work: Path) -> Path:
    """The retrained checkpoint of a target, trained where it is not there yet."""
    target, file, images = TARGETS[name], work / f"{name}.pt", {"data_dir": shared / "data" / "mnist"}
    if not file.exists():
        start = shared / target.start
        if target.start == "small":
            start = work / "small.pt"
            if not start.exists():
                mondeq_hw.train(start, **SMALL, **images)
        mondeq_hw.qat(start, file, **target.retrain, **images)
    return file


def simulated(project: Project) -> int:
    """Images whose every word and cycle were as predicted."""
    report = project.verify(rtl_samples=SIMULATED)
    if not report.ok:
        raise SystemExit(f"{project.folder}: simulation differs from the golden model")
    return SIMULATED


def measured(name: str, shared: Path, work: Path, route: bool) -> Measured:
    """Train, compile, simulate and, where asked, route a target."""
    target, folder = TARGETS[name], work / name
    images = {"data_dir": shared / "data" / "mnist"}
    project = mondeq_hw.compile(network(name, shared, work), folder, force=True, **target.build, **images)
    program, plan = project.program, load_schedule(folder)
    lines = {line.name: line.values for line in project.certificate.lines}
    synth = project.synthesize(part=target.part) if route else None
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
        simulated_images=simulated(project),
        program=program.digest[:12],
        goal=target.goal,
        reason=None if clock else NOT_ROUTED,
    )


def table(results: dict[str, dict[str, Any]]) -> list[str]:
    """Rows of the docs' table."""

    def cell(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    return [
        f"| {name} | {each['goal']} | {100 * each['accuracy']:.2f} | {'yes' if each['certified'] else 'no'} | "
        f"{100 * each['same_class']:.1f} | {each['latency_cycles']} | {each['interval_cycles']:g} | "
        f"{cell(each['clock_mhz'], '.1f')} | {cell(each['latency_ns'], ',.0f')} | "
        f"{cell(each['images_per_second'], ',')} | {cell(each['luts'], ',')} | {each['part']} |"
        for name, each in sorted(results.items())
    ]


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--targets", nargs="*", choices=TARGETS, default=list(TARGETS), help="none: the last results")
    parser.add_argument("--route", nargs="*", choices=TARGETS, default=[])
    parser.add_argument("--work", type=Path, default=Path("build") / "fast")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results: dict[str, dict[str, Any]] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    options.work.mkdir(parents=True, exist_ok=True)
    for name in options.targets:
        results[name] = asdict(measured(name, options.shared, options.work, name in options.route))
        RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    print(json.dumps(results) if options.json else "\n".join(table(results)))


if __name__ == "__main__":
    main()
