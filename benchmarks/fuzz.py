"""Random networks compiled at random options: every implementation on random words, against the golden model.

    python benchmarks/fuzz.py --minutes N [--seed S] [--jobs J] [--json]     (results/fuzz.jsonl)
    python benchmarks/fuzz.py --minutes N --scheduler tcp://HOST:8786        (a Dask cluster)

A case is, with its options, a network of one to six rows as ``tests/random_models.py`` draws them (scales far apart,
words of 1 to 60 bits, every kind of row, feed-through), or, as ``tests/random_problems.py`` does, a quadratic program
(with hard or soft rows, in any units, some with a warm start) or a recurrent network that carries a state; and a random
design: folded, unrolled or straight, its graphs and beats.  Its words are uniform, zero, or all at an end.  C++ and
onnxruntime get ``--vectors`` samples, the simulator that was written from ``docs/numerics.md`` alone
(``tests/simulator.py``) ``--simulated``, the RTL ``--rtl``, on Icarus and Verilator by turns, once in a row and once
with random stalls on both streams.  The independent checker proves the certificate again, and outputs of a problem are
compared with its exact solution: no farther from it than is claimed.

Cases are pure tasks, a few at a time for each process; a worker of a cluster needs this folder and ``tests`` on its
``PYTHONPATH``.  A case is a line of the results as soon as it is done, with counts and commit; what is there is not run
again, unless a tool failed or ran out of time.  The exit code is 4 after a mismatch, whose line says which case it is,
and else 5 after a failure.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import count, islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

import simulator  # noqa: E402
from random_models import random_compile, random_words  # noqa: E402
from random_problems import random_problem_compile, random_recurrent_compile  # noqa: E402

import mondeq_hw  # noqa: E402
from mondeq_hw import InputError  # noqa: E402
from mondeq_hw.base import IN_PROCESS, BrokenToolError, Executor, NotCertifiedError, canonical_digest, open_executor  # noqa: E402
from mondeq_hw.export.onnx import integer_model  # noqa: E402
from mondeq_hw.hardware import latency, load_schedule  # noqa: E402
from mondeq_hw.problem import logits  # noqa: E402
from mondeq_hw.program import SolverProgram  # noqa: E402
from mondeq_hw.rtl_tests import run_bench  # noqa: E402
from mondeq_hw.rtl_tests.simulators import RefusedDesignError, SimulationError  # noqa: E402
from mondeq_hw.verification.csim import CSimulation  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "fuzz.jsonl"
SIMULATORS = ("icarus", "verilator")
RTL_TESTS = ("back_to_back", "random_stalls")
#: Cycles of a simulation, about: cores of thousands of updates get fewer samples, those of tens of thousands none.
MOST_CYCLES = 200_000
#: Cases a process that are given out at a time: what is given out is finished, however long the time is over.
CASES_AHEAD = 2
#: What a case is, by how often.
KINDS = {
    "network": (0.5, random_compile),
    "problem": (0.3, random_problem_compile),
    "recurrent network": (0.2, random_recurrent_compile),
}
#: Samples that are compared with a problem's exact solution, and what its own solver may err by, of the solution.
SOLVED, SOLVER_ERROR = 200, 1e-6


@dataclass(frozen=True)
class Amounts:
    """Samples of a case for each implementation; 0 leaves it out."""

    vectors: int
    simulated: int
    rtl: int


@dataclass(frozen=True)
class Campaign:
    """What all cases share."""

    seed: int
    commit: str
    amounts: Amounts

    def key(self, case: int) -> str:
        """Of a case: the digest of all that its outcome depends on."""
        return canonical_digest({**asdict(self), "case": case})


@dataclass(frozen=True)
class Outcome:
    """A case: how many samples of each implementation were equal to the golden model's, and what was not.

    Parameters
    ----------
    seed, case : int
    commit : str
    counts : dict of int
        By implementation; empty where the compiler refused the network.
    mismatch, failure : str, optional
        A failure is a tool's: nothing is known about the design.
    kind : str
        Of ``KINDS``.
    refusal : str, optional
        What the compiler said.
    """

    seed: int
    case: int
    commit: str
    counts: dict[str, int]
    mismatch: str | None
    failure: str | None = None
    kind: str = "network"
    refusal: str | None = None


def commit() -> str:
    """Of the working tree, with a mark where that was changed."""
    described = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(described, check=True, capture_output=True, text=True).stdout.strip()


def words_of(rng: np.random.Generator, program: SolverProgram, samples: int) -> np.ndarray:
    """Input words (samples, d): an eighth at an end each, a sixteenth zero but for some, the others uniform."""
    words, form = random_words(int(rng.integers(2**31)), program, samples), program.input_format
    kind = rng.integers(16, size=samples)
    ends = np.where(rng.integers(2, size=words.shape) == 1, form.min_word, form.max_word)
    words = np.where((kind < 2)[:, None], ends, words)
    return np.where((kind == 2)[:, None] & (rng.random(words.shape) < 0.8), 0, words)


def drawn_design(rng: np.random.Generator, shape: tuple[int, int, int], may_be_straight: bool) -> dict[str, Any]:
    """Options of the hardware: folding and words a beat, adders between registers, graphs of so many rows."""
    n, d, k = shape
    design: dict[str, Any] = {"reuse_factor": int(rng.integers(1, n**2 + 1))}
    design["strategy"] = (
        "straight" if may_be_straight and rng.random() < 0.3 else str(rng.choice(["resource", "unrolled"]))
    )
    graphs = {"fewest": str(rng.choice(["adders", "stages"])), "graph_rows": int(rng.integers(1, n + 1))}
    more: dict[str, Any] = {"input_beat": int(rng.integers(1, d + 1)), "adders_per_stage": int(rng.integers(1, 4))}
    more |= {"fixed_time": True}
    more |= {"output_beat": int(rng.integers(1, k + 1))} if design["strategy"] != "straight" else {}
    more |= graphs if design["strategy"] != "resource" else {"balance": "latency"}
    return design | {name: value for name, value in more.items() if rng.random() < 0.5}


def checked(campaign: Campaign, case: int) -> Outcome:
    """One case."""
    seed, version, amounts = campaign.seed, campaign.commit, campaign.amounts
    number = seed * 1_000_000 + case
    rng = np.random.default_rng((seed, case))
    kind = str(rng.choice(list(KINDS), p=[share for share, _ in KINDS.values()]))

    def outcome(mismatch: str | None = None, failure: str | None = None, refusal: str | None = None) -> Outcome:
        return Outcome(seed, case, version, {} if failure else counts, mismatch, failure, kind, refusal)

    counts: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="mondeq-fuzz-") as folder:
        work = Path(folder)
        try:
            model, options = KINDS[kind][1](number)
            may_be_straight = model.F is None and options.get("solver") != "forward_backward"
            may_be_straight &= "warm_start" not in options
            options |= drawn_design(rng, (model.n, model.d, model.k), may_be_straight)
            project = mondeq_hw.compile(model, work / "build", **options)
        except (InputError, NotCertifiedError) as error:  # a network that no word length holds, or 65,535 updates
            return outcome(refusal=str(error))
        except Exception as error:
            return outcome(f"compile: {type(error).__name__}: {error}")
        words = words_of(rng, project.program, max(amounts.vectors, amounts.simulated, amounts.rtl))
        golden = project.golden.predict_raw(words)
        try:
            for name, outputs in _implementations(project.program, words, work, case, amounts):
                wrong = np.flatnonzero((outputs != golden[: len(outputs)]).any(axis=1))
                if len(wrong):
                    raise AssertionError(f"{name}: sample {wrong[0]} of {len(outputs)} gives {outputs[wrong[0]]}")
                counts[name] = len(outputs)
            for name, samples in _claims(project, model, rng):
                counts[name] = samples
        except RefusedDesignError as error:
            return outcome(f"{type(error).__name__}: {error}")
        except (SimulationError, BrokenToolError) as error:
            return outcome(failure=str(error))
        except Exception as error:  # whatever it is, it is this case's, and the others go on
            return outcome(f"{type(error).__name__}: {error}")
    return outcome()


def _claims(project: mondeq_hw.Project, model: mondeq_hw.MonDEQ, rng: np.random.Generator) -> Iterator[tuple[str, int]]:
    """The certificate, proved again, and samples no farther from exact solutions than it says."""
    verdict = project.check_certificate()
    if verdict.accepted != project.program.certified:
        raise AssertionError(f"the checker: {verdict.reason}")
    yield "checker", 1
    line = next((each for each in project.certificate.lines if each.name == "output_distance"), None)
    if line is None or line.status != "proved" or model.carried is not None:
        return
    words = _walk(rng, project.program)
    raw = project.program.input_format.to_float(words)
    exact = logits(model, raw)
    bounds = np.array([np.inf if bound is None else bound for bound in line.values["bounds"]])
    beyond = np.abs(project.golden.predict(raw) - exact) - bounds
    if (beyond > SOLVER_ERROR * (1 + np.abs(exact))).any():
        raise AssertionError(f"an output is by {beyond.max():g} farther from the exact one than was proved")
    yield "exact solution", len(words)


def _walk(rng: np.random.Generator, program: SolverProgram) -> np.ndarray:
    """Words (SOLVED, d) that change as little from sample to sample as a warm start asks for."""
    words = words_of(rng, program, SOLVED)
    if program.warm is not None:
        for now, following in pairwise(words):
            following[:] = np.clip(following, now - program.warm.rate, now + program.warm.rate)
    return words


def _implementations(
    program: SolverProgram, words: np.ndarray, work: Path, case: int, amounts: Amounts
) -> Iterator[tuple[str, np.ndarray]]:
    if amounts.vectors:
        yield "c++", CSimulation(work / "build", work / "csim").predict_raw(words[: amounts.vectors])
        if (outputs := _onnx(program, words[: amounts.vectors])) is not None:
            yield "onnx", outputs
    samples = min(amounts.rtl, MOST_CYCLES // latency(load_schedule(work / "build"), program.iterations))
    if samples:
        name, stimulus = SIMULATORS[case % len(SIMULATORS)], words[:samples]
        result = run_bench(work / "build", work / "rtl", words=stimulus, seed=case, simulator=name, tests=RTL_TESTS)
        if not result.ok:
            raise AssertionError(f"rtl on {name}: {result.failures[0].test}: {result.failures[0].message}")
        yield f"rtl on {name}", result.outputs
    plain = json.loads(json.dumps(program.to_plain()))
    runs = simulator.sequence(plain, words[: amounts.simulated].tolist())
    yield "simulator", np.array([each.outputs for each in runs], dtype=object)


def _onnx(program: SolverProgram, words: np.ndarray) -> np.ndarray | None:
    """None where an accumulator has more than ONNX's 64 bits, and of a warm start, which has no place in a graph."""
    import onnxruntime

    try:
        model = integer_model(program)
    except InputError:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    typed = words.astype(entry.type.removeprefix("tensor(").removesuffix(")"))
    if program.carried is None:
        outputs: np.ndarray = session.run(None, {entry.name: typed})[0]
        return outputs
    state, found = program.carried.initial[None], []
    for sample in typed:
        output, state = session.run(None, {entry.name: sample[None], "carried": state})
        found.append(output[0])
    return np.array(found)


def recorded(file: Path) -> list[Outcome]:
    """Cases of earlier runs; a line that was cut off is none."""
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    return [Outcome(**json.loads(line)) for line in lines if line.startswith('{"seed"') and line.endswith("}\n")]


def run(
    seed: int, seconds: float, amounts: Amounts, file: Path, executor: Executor = IN_PROCESS, jobs: int = 1
) -> list[Outcome]:
    """Every case of a seed, those of the file and new ones, until the time is over."""
    campaign = Campaign(seed, commit(), amounts)
    done = {outcome.case: outcome for outcome in recorded(file) if outcome.seed == seed}
    known, end = {case for case, outcome in done.items() if outcome.failure is None}, time.monotonic() + seconds
    cases = (case for case in count() if case not in known)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as journal:
        if (text := file.read_text()) and not text.endswith("\n"):
            journal.write("\n")  # behind a line that was cut off
        while time.monotonic() < end:
            tasks = {campaign.key(case): case for case in islice(cases, 1 if jobs == 1 else CASES_AHEAD * jobs)}
            for _, outcome in executor.results(checked, campaign, tasks):
                journal.write(json.dumps(asdict(outcome)) + "\n")
                journal.flush()
                done[outcome.case] = outcome
    return list(done.values())


def summary(outcomes: list[Outcome]) -> dict[str, object]:
    """Totals, as the docs have them."""
    names = sorted({name for outcome in outcomes for name in outcome.counts})
    return {
        "cases": len(outcomes),
        "refused": sum(not (outcome.counts or outcome.mismatch or outcome.failure) for outcome in outcomes),
        "equal": {name: sum(outcome.counts.get(name, 0) for outcome in outcomes) for name in names},
        "mismatches": [asdict(outcome) for outcome in outcomes if outcome.mismatch is not None],
        "failures": [asdict(outcome) for outcome in outcomes if outcome.failure is not None],
        "commits": sorted({outcome.commit for outcome in outcomes}),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, required=True, metavar="N", help="after which none is given out")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--jobs", type=int, default=1, metavar="J", help="cases at a time (default: 1)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask scheduler, or local, for them")
    parser.add_argument("--vectors", type=int, default=20_000, help="of C++ and ONNX a case (default: %(default)s)")
    parser.add_argument("--simulated", type=int, default=200, help="of the simulator a case (default: %(default)s)")
    parser.add_argument("--rtl", type=int, default=200, help="of the RTL a case (default: %(default)s)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the journal (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print cases, equal samples and mismatches")
    options = parser.parse_args()
    amounts = Amounts(options.vectors, options.simulated, options.rtl)
    with open_executor(options.jobs, options.scheduler) as executor:
        outcomes = run(options.seed, 60 * options.minutes, amounts, options.results, executor, options.jobs)
    found = summary(outcomes)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        lists = {name: len(found[name]) for name in ("mismatches", "failures")}  # type: ignore[arg-type]
        print(f"{found['cases']} cases, {found['refused']} refused, {lists['mismatches']} mismatches", end="")
        print(f", {lists['failures']} failures of tools" if lists["failures"] else "")
        print("\n".join(f"| {name} | {number:,} |" for name, number in found["equal"].items()))  # type: ignore[attr-defined]
    return 4 if found["mismatches"] else 5 if found["failures"] else 0


if __name__ == "__main__":
    # Of a module, so that other processes find the tasks' functions.
    import fuzz

    sys.exit(fuzz.main())
