"""Control problems through the compiler, beside OSQP and, where it is installed, TinyMPC.

    python benchmarks/mpc.py [--problem NAME ...] [--json] [--folder DIR] [--synth [wheel|path]] [--results FILE]

Each problem is compiled at the word length that ``control_problems.py`` names, for the shortest answer that an ECP5-85
holds: folded as wide as it goes, its drive too, or, of few rows, its matrix as an adder graph,
straight where that is sooner.
*Radius* is what the certificate proves of the distance of every output from the exact solution, for every parameter;
null where no such line is there, with the reason.  Errors are against the exact solution, searched for: samples of the
parameters' box from inside to corners, then a climb from the worst of them.  OSQP gets the same condensed problem in
floating point, started cold, and the samples alone.  Updates are as few as cost the proof the problem's ``transient``
at most.  Cycles are those of a lone sample that runs all of them; kHz is the clock over them: the routed one with
``--synth`` (minutes a problem), else the one that synthesis aims at.  *Warm* is the same with ``warm_start`` of 1 % of
each parameter's range a sample, by the rule and the cycle model of ``compile``; beside a straight design, which has
none, it is the soonest other at the clock aimed at.

TinyMPC 0.0.8 is a source package whose pins are older than ours: ``pip install --no-deps tinympc==0.0.8``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
import osqp
import scipy.sparse
from collection_problems import CollectionProblem, sample
from control_problems import PROBLEMS, ControlProblem
from paper_tables import Table

import mondeq_hw
from mondeq_hw import MonDEQ, Project
from mondeq_hw.base import MOST_MATRIX_BITS, InputError, NotCertifiedError
from mondeq_hw.config import CompileConfig
from mondeq_hw.hardware import (
    LUT_WEIGHT_BITS,
    STRAIGHT,
    UNROLLED,
    Schedule,
    Usage,
    estimate,
    find_part,
    latency,
    multipliers,
)
from mondeq_hw.problem import box_words, logits
from mondeq_hw.program import SolverProgram, WarmStart
from mondeq_hw.proof import ContractionProof, choose_warm_start, error_bound, state_radius
from mondeq_hw.rounding import lower
from mondeq_hw.steps import certified_program, checkpoint_of, choose_data, lowering_options, scheduled
from mondeq_hw.synthesis import SynthOptions

Problem = ControlProblem | CollectionProblem

PART = find_part("ecp5-85")
#: Of a part's LUTs, by the estimate, that routing still manages; and LUTs of a core whose matrix is a graph: of 51,400,
#: 30 rows, 42,600 wires were used twice after two rounds, and of 27,200 none after 30.
FULL, MOST_GRAPHED = 0.7, 40_000
#: Multipliers that routing still manages where a word takes more than one: of 40 rows with 106 and 138 the router left
#: 7,000 and 10,600 wires used twice, and stood still; with 70 it was done in a minute.  Of 90 rows it is so with 124.
MOST_CUT_DSPS, MANY_ROWS, MOST_CUT_DSPS_OF_MANY = 75, 90, 125
#: Multipliers beside which drive and readout may be spread over several rows and words.
MOST_SPREAD_DSPS = 100
#: Rows of which an adder graph fits and routes; it is searched in seconds.
MOST_UNROLLED = 24
#: Of the drive's words beyond the matrix's, which a proof of the error needs.
DRIVE_BITS = 4
#: Ratio of the reuse factors that are tried, and input words a beat: the drive takes a beat a cycle.
FINER = 1.1
INPUT_BEATS = (None, 2, 4, 8)
SAMPLES, CLIMBERS, ROUNDS = 4000, 48, 200
#: The rate of a warm start a sample: a share of the range.
RATE = 0.01
#: Folded designs that are tried, of one adder or two between registers; their drive and readout wait for nobody.
FOLDED: tuple[dict[str, Any], ...] = tuple(
    {"fixed_time": True, "adders_per_stage": adders, "balance": balance}
    for adders in (1, 2)
    for balance in ("throughput", "latency")
)
#: Designs of adder graphs that are tried: of few adders, or of few stages and with drive and readout among them, or
#: straight, of one adder or two between registers, on a beat of a whole sample, or on as many as 16.
GRAPHS: tuple[tuple[dict[str, Any], int], ...] = (
    ({"strategy": UNROLLED, "reuse_factor": 1, "fewest": "adders"}, 1),
    ({"strategy": UNROLLED, "reuse_factor": 1, "fewest": "stages"}, 1),
    ({"strategy": UNROLLED, "reuse_factor": 1, "fewest": "stages", "graphs": ("drive", "readout")}, 1),
    *(
        ({"strategy": STRAIGHT, "fewest": "stages", "adders_per_stage": adders}, beats)
        for adders in (1, 2)
        for beats in (1, 2, 4, 8, 16)
    ),
)
#: What a second adder between registers leaves of a clock, about: routed, 0.79 of 2 rows, 1.03 of 4, 0.96 of 10.
CHAINED = 0.84
#: And between those of a folded core, routed: 0.87 and 0.97 of states of 32 bits, 1.07 (placed) of 18.
SUMMED = 1.0
#: Beyond so many multipliers their words crowd a core, and what that leaves of a clock: beside a graph, or where all
#: states are read at once or the multipliers are few; and where some are, whose words go to every multiplier that is as
#: far down its row.
MANY_DSPS, CROWDED, SCATTERED = 48, 0.85, 0.5
#: Beyond so many rows a graph in which all share additions has long wires: first each row by itself.
MOST_SHARED = 16
OSQP_SAMPLES, TINYMPC_SAMPLES = 200, 50
#: TinyMPC's penalties that are tried; it solves a problem whose weights are larger by as much.
PENALTIES = (0.001, 0.01, 0.1, 1.0, 10.0)
TINYMPC_ITERATIONS = 1000
OSQP_DEFAULT, OSQP_TIGHT = 1e-3, 1e-6


def measure(problem: Problem, folder: Path, nextpnr: Literal["wheel", "path"] | None) -> dict[str, Any]:
    """A record of the table."""
    network = problem.network()
    project, warm_iterations, warm_cycles = compiled(problem, network, folder)
    program = project.program
    radius, reason = proved_radius(project)
    cycles = project.report.cycles.predicted
    clock, kind, used = SynthOptions.clock_mhz, "aimed at", project.report.parts[0].estimated.value
    router = None
    if nextpnr is not None:
        synth = project.synthesize(SynthOptions(PART.name, nextpnr=nextpnr))
        if synth.routed is not None:
            clock, kind, used = synth.routed.fmax_mhz, "routed", synth.routed.usage
            router = " ".join(synth.tools[-1])
    # A straight core has no warm start: that is another design, which was not routed.
    warm_clock = SynthOptions.clock_mhz if project.report.schedule.straight else clock
    largest = worst_error(project, network)
    default, tight = (against_osqp(problem, network, tolerance) for tolerance in (OSQP_DEFAULT, OSQP_TIGHT))
    tiny = against_tinympc(problem, network)
    width = problem.width
    return {
        "problem": problem.name,
        "rows": program.n,
        "bits": program.matrix.word_length,
        "certified": program.certified,
        "contraction_factor": factor(project),
        "iterations": program.iterations,
        "radius": radius,
        "relative_radius": None if radius is None else radius / width,
        "radius_reason": reason,
        "largest_error": largest,
        "ratio": None if radius is None else radius / largest,
        "input_range": width,
        "osqp_default_error": default[0],
        "osqp_iterations": default[1],
        "osqp_tight_error": tight[0],
        "osqp_tight_iterations": tight[1],
        "tinympc_error": None if tiny is None else tiny[0],
        "tinympc_iterations": None if tiny is None else tiny[1],
        "tinympc_penalty": None if tiny is None else tiny[2],
        "strategy": STRAIGHT if project.report.schedule.straight else project.report.schedule.strategy,
        "reuse_factor": project.report.schedule.reuse_factor,
        "cycles": cycles.latency_alone + 1,
        "khz": cycles.control_rate_khz(clock),
        "warm_iterations": warm_iterations,
        "warm_cycles": warm_cycles,
        "warm_khz": None if warm_cycles is None else 1000 * warm_clock / warm_cycles,
        "clock_mhz": clock,
        "clock": kind,
        "routed_by": router,
        "luts": None if used is None else used.luts,
        "dsps": None if used is None else used.dsps,
    }


def compiled(problem: Problem, network: MonDEQ, folder: Path) -> tuple[Project, int | None, int | None]:
    """At the problem's word length, in the way that answers soonest and fits; without a proof where there is none.

    Beside it updates and cycles of a warm start.
    """
    words: dict[str, Any] = {
        "bits": problem.bits,
        "drive_bits": min(MOST_MATRIX_BITS, problem.bits + DRIVE_BITS),
        "readout_bits": problem.readout_bits,
        "state_bits": problem.state_bits,
        "name": "controller",
        "allow_uncertified": True,
    }
    config = CompileConfig(**words)
    data = choose_data(config, checkpoint_of(network, config))
    lowered = lower(network, lowering_options(config), data.calibration)
    program, warm = certified_program(network, config, data, lowered), None
    if lowered.proof is not None:
        largest = problem.transient * problem.width / np.linalg.norm(network.O, axis=1).max()
        program = program.replace(iterations=fewest_updates(program, lowered.proof, largest))
        warm = warm_start(network, program, lowered.proof)
    design = soonest(program)
    project = mondeq_hw.compile(network, folder, **words, iterations=program.iterations, **design, force=True)
    return project, *((None, None) if warm is None else (warm.iterations, warm_latency(project, warm)))


def fewest_updates(program: SolverProgram, proof: ContractionProof, largest: float) -> int:
    """The fewest with which the proved radius of the state is larger by so much at most."""
    bound = error_bound(program, proof)

    def radius(iterations: int) -> float:
        return float(state_radius(program.replace(iterations=iterations), proof, bound))

    allowed = radius(program.iterations) + largest
    fewest, enough = 0, program.iterations
    while enough - fewest > 1:
        middle = (fewest + enough) // 2
        fewest, enough = (fewest, middle) if radius(middle) <= allowed else (middle, enough)
    return enough


def warm_start(network: MonDEQ, program: SolverProgram, proof: ContractionProof) -> WarmStart | None:
    """For parameters that move by ``RATE`` of their ranges a sample; None where it takes no fewer updates."""
    words = network.input_map.words
    steps = words.most_steps(RATE * (words.high - words.low), program.input_format)
    try:
        return choose_warm_start(program, proof, steps)
    except InputError:
        return None


def warm_latency(project: Project, warm: WarmStart) -> int:
    """Cycles of a sample that is not the first, by the model that the simulation equals, in the soonest design."""
    program = project.program.replace(warm=warm)
    # Its last update has the number of all samples.
    return latency(planned(program, soonest(program)), program.iterations)


def soonest(program: SolverProgram) -> dict[str, Any]:
    """Options of the design with the shortest answer that the part holds, by the estimate."""
    factors = sorted({min(int(FINER**power), program.n**2) for power in range(200)})

    def fitting(trials: Iterable[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Schedule, Usage]]:
        for options in trials:
            plan = planned(program, options)
            needed = estimate(program, plan, PART.family, LUT_WEIGHT_BITS)
            if fits(program, plan, needed):
                yield options, plan, needed

    found: list[tuple[dict[str, Any], Schedule, Usage]] = []
    for beat in (beat for beat in INPUT_BEATS if beat is None or beat <= program.d):
        found += fitting({**way, "reuse_factor": reuse, "input_beat": beat} for way in FOLDED for reuse in factors)
    if program.n <= MOST_UNROLLED:
        # A warm start has no straight form.
        graphs = [graph for graph in GRAPHS if program.warm is None or graph[0]["strategy"] != STRAIGHT]
        near: tuple[dict[str, Any], ...] = ({"graph_rows": 1}, {}) if program.n > MOST_SHARED else ({},)
        found += fitting(
            {**graph, **rows, "input_beat": -(-program.d // beats)} for rows in near for graph, beats in graphs
        )

    def wait(design: tuple[dict[str, Any], Schedule, Usage]) -> float:
        options, plan, needed = design
        slower = CHAINED if plan.solve.graph else SUMMED
        clock = slower if options.get("adders_per_stage", 1) > 1 else 1.0
        if needed.dsps > MANY_DSPS:
            few = plan.straight or plan.solve.simd == program.n or cut(program)
            clock *= CROWDED if few else SCATTERED
        return latency(plan, program.iterations) / clock

    return min(found, key=wait)[0]


def planned(program: SolverProgram, options: dict[str, Any]) -> Schedule:
    """The schedule of a design that :func:`soonest` names."""
    return scheduled(program, CompileConfig(bits=program.matrix.word_length, **options))[0].schedule


def fits(program: SolverProgram, plan: Schedule, needed: Usage) -> bool:
    """Whether the part holds what a design needs, and routes it, by the estimate."""
    # Beside so many multipliers a drive of several rows or a readout of several words is one crowd too many: of 60 and
    # 90 rows 180 to 960 wires were still used twice after 33 to 70 rounds of the router.
    if needed.dsps > MOST_SPREAD_DSPS and plan.solve.graph is None and (plan.drive.pe > 1 or plan.readout.simd > 1):
        return False
    most = FULL * PART.totals.luts if plan.solve.graph is None else MOST_GRAPHED
    return needed.dsps <= most_dsps(program) and needed.luts <= most


def most_dsps(program: SolverProgram) -> int:
    """Multipliers of a design that routes."""
    if not cut(program):
        return PART.totals.dsps
    return MOST_CUT_DSPS if program.n < MANY_ROWS else MOST_CUT_DSPS_OF_MANY


def cut(program: SolverProgram) -> bool:
    """Whether a product of the solver takes more than one multiplier."""
    return multipliers(program.phi_range, PART.family) > 1


def factor(project: Project) -> float | None:
    """What is proved of the contraction."""
    values = project.certificate.line("contraction").values
    return float(Fraction(values["contraction_factor"])) if project.program.certified else None


def proved_radius(project: Project) -> tuple[float | None, str | None]:
    """Of the worst output; or why there is none."""
    line = next((line for line in project.certificate.lines if line.name == "output_distance"), None)
    if line is None:
        return None, "the certificate has no line output_distance"
    if line.status != "proved":
        return None, str(line.values["reason"])
    bounds = line.values["bounds"]
    if any(bound is None for bound in bounds):
        return None, "an output has no bound"
    return max(map(float, bounds)), None


def worst_error(project: Project, network: MonDEQ) -> float:
    """Largest error of any output that a search over the box finds, the certificate's own or this one."""
    golden, ends = project.golden, network.input_map.words.ends
    known = project.certificate.line("output_distance_found").values["largest"]
    rng = np.random.default_rng(2)

    def errors(raw: np.ndarray) -> np.ndarray:
        return np.asarray(np.abs(golden.predict(raw) - logits(network, raw)).max(axis=1))

    raw = box_words(ends, network.d, SAMPLES, seed=2)
    found = errors(raw)
    best = found.argsort()[-CLIMBERS:]
    at, level = raw[best], found[best]
    for turn in range(ROUNDS):
        step = max(1, (ends[1] - ends[0]) >> (1 + turn * 8 // ROUNDS))
        moves = np.where(rng.random(at.shape) < 0.3, rng.integers(-step, step + 1, size=at.shape), 0)
        tried = np.clip(at + moves, *ends)
        reached = errors(tried)
        better = reached > level
        at[better], level[better] = tried[better], reached[better]
    return float(max(level.max(), *known))


# -- OSQP --------------------------------------------------------------------------


def against_osqp(problem: Problem, network: MonDEQ, tolerance: float) -> tuple[float, int]:
    """Largest error and iterations of OSQP at a tolerance, of cold starts on samples of the box."""
    raw = box_words(network.input_map.words.ends, network.d, OSQP_SAMPLES, seed=2)
    exact = logits(network, raw)
    arguments = problem.arguments()
    P, A = with_slacks(arguments)
    slacks = len(P) - len(arguments["q"])
    solver = osqp.OSQP()
    q = np.zeros(len(P))
    solver.setup(
        scipy.sparse.csc_matrix(P), q, scipy.sparse.csc_matrix(A), arguments["l"], arguments["u"], verbose=False,
        eps_abs=tolerance, eps_rel=tolerance, max_iter=100_000, warm_starting=False,
    )  # fmt: skip
    errors, iterations = [], []
    for theta, right in zip(network.input_map.words.values(raw), exact, strict=True):
        at = {name: arguments[name] + arguments[gain] @ theta for name, gain in (("q", "Q"), ("l", "L"), ("u", "U"))}
        solver.update(q=np.concatenate([at["q"], np.zeros(slacks)]), l=at["l"], u=at["u"])
        solution = solver.solve()
        found = arguments["outputs"] @ solution.x[: len(at["q"])]
        errors.append(np.abs(found - right).max())
        iterations.append(solution.info.iter)
    return float(max(errors)), int(max(iterations))


def with_slacks(arguments: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """``P`` and ``A`` with a slack variable for each soft row."""
    soft = np.flatnonzero(arguments["delta"])
    P, A = arguments["P"], arguments["A"]
    slack = np.zeros((len(A), len(soft)))
    slack[soft, np.arange(len(soft))] = -1.0
    weights = np.diag(1 / arguments["delta"][soft])
    return scipy.sparse.block_diag([P, weights]).toarray() if len(soft) else P, np.hstack([A, slack])


# -- TinyMPC -----------------------------------------------------------------------


def against_tinympc(problem: Problem, network: MonDEQ) -> tuple[float, int, float] | None:
    """Largest error, most iterations and the penalty of least error; None where TinyMPC or such a problem is not.

    Tolerances of 1e-3, cold starts, beside the exact solution of the problem as given.  It has no soft bounds.
    """
    try:
        import tinympc
    except ImportError:
        return None
    if isinstance(problem, CollectionProblem) or problem.soft is not None:
        return None
    raw = box_words(network.input_map.words.ends, network.d, TINYMPC_SAMPLES, seed=2)
    states, exact, found = network.input_map.words.values(raw), logits(network, raw), []
    with quiet():
        for penalty in PENALTIES:
            runs = [_tinympc(tinympc.TinyMPC(), problem, penalty, state) for state in states]
            errors = [np.abs(control - right).max() for (control, _), right in zip(runs, exact, strict=True)]
            found.append((float(max(errors)), max(count for _, count in runs), penalty))
    return min(found)


def _tinympc(solver: Any, problem: ControlProblem, penalty: float, state: np.ndarray) -> tuple[np.ndarray, int]:
    limit = problem.u_limit.astype(float)
    solver.setup(
        problem.A, problem.B, problem.weights[0], problem.weights[1], problem.horizon + 1, rho=penalty,
        u_min=-limit, u_max=limit, abs_pri_tol=OSQP_DEFAULT, abs_dua_tol=OSQP_DEFAULT, max_iter=TINYMPC_ITERATIONS,
    )  # fmt: skip
    solver.set_x0(state)
    return np.asarray(solver.solve()["controls"]), int(solver._solver.solution.iter)


@contextmanager
def quiet() -> Iterator[None]:
    """Without what compiled code prints."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


# -- the table ---------------------------------------------------------------------


def table(records: list[dict[str, Any]]) -> Table:
    """As it stands in ``docs/qp.md``."""
    columns = (
        "problem", "rows", "bits", "factor", "K", "proved radius, %", "worst error, %", "ratio",
        "OSQP 1e-3, %", "iterations", "OSQP 1e-6, %", "iterations", "TinyMPC, %", "iterations", "strategy", "cycles",
        "kHz", "K warm", "cycles warm", "kHz warm", "at MHz", "LUTs", "DSPs",
    )  # fmt: skip
    return Table("mpc", "Control problems", columns, tuple(map(_row, records)))


def _row(record: dict[str, Any]) -> tuple[Any, ...]:
    def percent(key: str) -> str:
        value = record[key]
        return "none" if value is None else f"{100 * value / record['input_range']:.2g}"

    def rate(key: str) -> str:
        value = record[key]
        return "none" if value is None else f"{value:.0f}" if value >= 100 else f"{value:.3g}"

    def either(key: str) -> str:
        return "none" if record[key] is None else str(record[key])

    return (
        record["problem"], record["rows"], record["bits"],
        "not proved" if record["contraction_factor"] is None else f"{record['contraction_factor']:.3f}",
        record["iterations"], percent("radius"), percent("largest_error"),
        "none" if record["ratio"] is None else f"{record['ratio']:.1f}", percent("osqp_default_error"),
        record["osqp_iterations"], percent("osqp_tight_error"), record["osqp_tight_iterations"],
        percent("tinympc_error"), either("tinympc_iterations"), record["strategy"], record["cycles"],
        rate("khz"), either("warm_iterations"), either("warm_cycles"),
        rate("warm_khz"),
        f"{record['clock_mhz']:.0f} {record['clock']}", record["luts"], record["dsps"],
    )  # fmt: skip


def kept(results: Path | None) -> dict[str, dict[str, Any]]:
    """Records of an earlier run, by the problem's name."""
    if results is None or not results.exists():
        return {}
    records = [json.loads(line) for line in results.read_text().splitlines()]
    return {record["problem"]: record for record in records}


def problems(collection: Path | None) -> dict[str, Callable[[], Problem]]:
    """By name: those of control, and a sample of a collection where its archive is given."""
    found: dict[str, Callable[[], Problem]] = dict(PROBLEMS)
    for problem in () if collection is None else sample(collection):
        found[problem.name] = lambda problem=problem: problem
    return found


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problem", action="append", help="may be repeated; all when absent")
    parser.add_argument("--collection", type=Path, help="proxsuite's source package: adds a sample of its problems")
    parser.add_argument("--json", action="store_true", help="print a list of records")
    parser.add_argument("--folder", type=Path, help="where builds go; a temporary folder when absent")
    parser.add_argument(
        "--synth", choices=("wheel", "path"), nargs="?", const="wheel", help="route for an ECP5-85, by which nextpnr"
    )
    parser.add_argument("--results", type=Path, help="a line a record; problems that it holds are not measured again")
    options = parser.parse_args()
    known, found = problems(options.collection), kept(options.results)
    unknown = set(options.problem or ()) - set(known)
    if unknown:
        parser.error(f"no problem {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    with tempfile.TemporaryDirectory() as temporary:
        for name in options.problem or list(known):
            problem = known[name]()
            if problem.name in found:
                continue
            print(f"{name} ...", file=sys.stderr)
            try:
                found[problem.name] = measure(problem, (options.folder or Path(temporary)) / name, options.synth)
            except (InputError, NotCertifiedError) as refused:
                print(f"{name}: refused: {refused}", file=sys.stderr)
                continue
            if options.results is not None:
                options.results.write_text("".join(json.dumps(each) + "\n" for each in found.values()))
    records = list(found.values())
    print(json.dumps(records, indent=2) if options.json else table(records).markdown())


if __name__ == "__main__":
    main()
