"""One product with the same constant matrix: our engines, da4ml's and hls4ml's.

    python benchmarks/matvec.py [--model examples/digits.pt] [--bits 4] [--work DIR]

LUTs: our folded array (with its weight memory and counter), our adder graph and
the Verilog that da4ml writes, a register after every addition in both, mapped
by the same Yosys for ECP5.  hls4ml writes C++, which only Vitis HLS turns into
logic, so it has no LUTs here.  Products a second: the C++ of all three,
compiled by the same g++ with the same headers and flags; every product is
compared with NumPy's.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from engines import DIGITS, emitted, mapped_cells, program_of, traced
from paper_tables import Cell, Table

from mondeq_hw.hardware import Usage, emit_hls, include_folders, schedule, schedule_unrolled, solver_graph
from mondeq_hw.program import SolverProgram
from mondeq_hw.verification import COMPILER_FLAGS

TIMER = Path(__file__).with_name("matvec_time.cpp")
SAMPLES, ROUNDS = 1000, 5
NO_LUTS = "its C++ needs Vitis HLS"

#: A counter and the array, with the ports that the solver would drive.
FOLDED = """
module folded #(
  localparam int DataBits = {data}, localparam int SumBits = {sum}
) (
  input logic clk_i, rst_ni, step_i,
  input logic [{simd}*DataBits-1:0] data_i, input logic [{pe}*SumBits-1:0] preload_i,
  output logic load_o, valid_o, output logic [{pe}*SumBits-1:0] sum_o
);
  logic first, last;
  logic [{address}-1:0] address;
  mondeq_matvec_counter #(.RowGroups({row_groups}), .ColumnGroups({column_groups})) u_counter (
    .clk_i, .rst_ni, .step_i, .skip_columns_i(1'b0), .row_o(), .column_o(), .address_o(address),
    .first_column_o(first), .last_column_o(last), .last_row_o()
  );
  mondeq_matvec #(
    .Pe({pe}), .Simd({simd}), .Groups({groups}), .WeightBits({bits}), .DataBits(DataBits), .SumBits(SumBits),
    .File({{mondeq_pkg::MemDir, "/matrix"}})
  ) u_matvec (
    .clk_i, .rst_ni, .valid_i(step_i), .first_i(first), .last_i(last), .address_i(address),
    .data_i, .preload_i, .load_o, .valid_o, .sum_o, .memory_error_o()
  );
endmodule
"""


@dataclass(frozen=True)
class Design:
    """One implementation in logic.

    Parameters
    ----------
    name : str
    cycles : int
        Between products.
    stages : int or None
        Registers from input to output; None where the start of a product is not one cycle.
    cells : Usage
    """

    name: str
    cycles: int
    stages: int | None
    cells: Usage


@dataclass(frozen=True)
class Software:
    """One implementation in C++; ``per_second`` counts products on one core."""

    name: str
    per_second: float


# -- logic -----------------------------------------------------------------------------------------


def folded(program: SolverProgram, reuse: int, work: Path) -> Design:
    """Our ``pe x simd`` array."""
    plan = schedule(program, reuse)
    build, fold = emitted(program, plan, work), plan.solve
    (build / "folded.sv").write_text(
        FOLDED.format(
            data=program.state_format.word_length - 1,
            sum=program.accumulator_bits,
            bits=program.matrix.word_length,
            groups=fold.cycles_per_matvec,
            address=max(1, (fold.cycles_per_matvec - 1).bit_length()),
            **{name: getattr(fold, name) for name in ("pe", "simd", "row_groups", "column_groups")},
        )
    )
    sources = [f"rtl/{name}" for name in (build / "rtl" / "sources.f").read_text().split()]
    cells = mapped_cells(build, [*sources, "folded.sv"], "folded")
    return Design(f"ours, folded {fold.pe} x {fold.simd}", fold.cycles_per_matvec, None, cells)


def unrolled(program: SolverProgram, work: Path) -> Design:
    """Our adder graph."""
    graph = solver_graph(program)
    build = emitted(program, schedule_unrolled(program, graph.size), work)
    cells = mapped_cells(build, ["rtl/src/mondeq_solve_graph.sv"], "mondeq_solve_graph")
    return Design(f"ours, graph of {len(graph.adders)} adders", 1, graph.stages, cells)


def da4ml_verilog(program: SolverProgram, work: Path) -> Design:
    """da4ml's own Verilog, pipelined by da4ml after every addition."""
    from da4ml.codegen.rtl.rtl_model import RTLModel
    from da4ml.trace.pipeline import to_pipeline

    pipeline = to_pipeline(traced(program.matrix.integers, program.state_format.max_word), 1, verbose=False)
    RTLModel(pipeline, "dense", work, "verilog").write()
    # Neither the wrapper for its own simulation nor the table, which wants a memory file, is part of a product.
    unused = ("dense_wrapper.v", "lookup_table.v")
    verilog = sorted(path for path in (work / "src").rglob("*.v") if path.name not in unused)
    sources = [str(path.relative_to(work)) for path in verilog]
    # It registers its inputs too.
    return Design("da4ml's Verilog", 1, len(pipeline.solutions) + 1, mapped_cells(work, sources, "dense"))


# -- C++ -------------------------------------------------------------------------------------------


def mondeq_cpp(program: SolverProgram, work: Path) -> Software:
    """Our array at the default folding."""
    plan = schedule(program)
    emit_hls(program, plan, work)
    return _timed(f"ours, folded {plan.solve.pe} x {plan.solve.simd}", program, work, work / "hls", ())


def hls4ml_cpp(program: SolverProgram, work: Path, strategy: str) -> Software:
    """A Dense layer without bias, as hls4ml writes it for Vitis; words wide enough for every sum."""
    import hls4ml
    import torch

    n, phi, output = program.n, program.state_format.word_length - 1, program.accumulator_bits
    network = torch.nn.Sequential(torch.nn.Linear(n, n, bias=False))
    network[0].weight.data = torch.tensor(program.matrix.integers, dtype=torch.float32)
    with contextlib.redirect_stdout(io.StringIO()):
        config = hls4ml.utils.config_from_pytorch_model(network, (n,), granularity="name", backend="Vitis")
        (source, layer) = config["LayerName"].values()
        source["Precision"]["result"] = f"ap_ufixed<{phi},{phi}>"
        weight, total = (f"ap_fixed<{bits},{bits}>" for bits in (max(2, program.matrix.word_length), output))
        layer["Precision"].update(weight=weight, bias=weight, accum=total, result=total)
        layer |= {"Strategy": strategy, "ReuseFactor": 1 if strategy == "Latency" else n}
        hls4ml.converters.convert_from_pytorch_model(
            network, hls_config=config, output_dir=str(work), project_name="dense", backend="Vitis"
        ).write()
    return _timed(f"hls4ml, {strategy}", program, work, work, ("-DMATVEC_HLS4ML", str(work / "firmware" / "dense.cpp")))


def da4ml_cpp(program: SolverProgram, work: Path) -> Software:
    """da4ml's own C++."""
    from da4ml.codegen.hls.hls_model import HLSModel

    HLSModel(traced(program.matrix.integers, program.state_format.max_word), "dense", work).write()
    widths = {"INPUT": program.state_format.word_length - 1, "OUTPUT": program.accumulator_bits}
    options = (f"-DMATVEC_{name}_BITS={bits}" for name, bits in widths.items())
    return _timed("da4ml", program, work, work, ("-DMATVEC_DA4ML", *options))


def _timed(name: str, program: SolverProgram, work: Path, sources: Path, options: tuple[str, ...]) -> Software:
    """Compile the timer around generated code, run it, and compare its products."""
    defines = {"MATVEC_SIZE": program.n, "MATVEC_SAMPLES": SAMPLES, "MATVEC_ROUNDS": ROUNDS}
    flags = [f"-D{key}={value}" for key, value in defines.items()]
    weights = f'-DWEIGHTS_DIR="{sources}/firmware/weights"'
    headers = [part for folder in include_folders() for part in ("-isystem", str(folder))]
    binary, files = work / "timer", [work / "inputs.txt", work / "outputs.txt"]
    command = ["g++", *COMPILER_FLAGS, "-w", *flags, weights, *headers, f"-I{sources}", "-o", str(binary)]
    subprocess.run([*command, str(TIMER), *options], check=True)
    x = np.random.default_rng(0).integers(0, program.state_format.max_word + 1, size=(SAMPLES, program.n))
    np.savetxt(files[0], x, fmt="%d")
    done = subprocess.run([str(binary), *map(str, files)], check=True, capture_output=True, text=True)
    products = np.loadtxt(files[1], dtype=np.int64).reshape(x.shape)
    if not np.array_equal(products, x @ program.matrix.integers.T):
        raise RuntimeError(f"{name}: the C++ computes another product than NumPy")
    return Software(name, SAMPLES / float(done.stdout.split()[-1]))


# -- tables ----------------------------------------------------------------------------------------


def measure(program: SolverProgram, work: Path) -> tuple[list[Design], list[Software]]:
    """Everything, in one folder a design."""
    n = program.n
    designs = [folded(program, reuse, work / f"folded-{reuse}") for reuse in sorted({n, max(1, n // 4)}, reverse=True)]
    designs += [unrolled(program, work / "graph"), da4ml_verilog(program, work / "da4ml")]
    programs = [
        mondeq_cpp(program, work / "cpp"),
        hls4ml_cpp(program, work / "hls4ml-latency", "Latency"),
        hls4ml_cpp(program, work / "hls4ml-resource", "Resource"),
        da4ml_cpp(program, work / "da4ml-cpp"),
    ]
    return designs, programs


def tables(program: SolverProgram, designs: list[Design], programs: list[Software]) -> list[Table]:
    """Logic, then C++; ratios to da4ml's Verilog and to hls4ml's faster layer."""
    reference = designs[-1].cells.luts
    fastest = max(each.per_second for each in programs if each.name.startswith("hls4ml"))
    what = f"{program.n} x {program.n}, {program.matrix.word_length}-bit matrix, {program.state_format.word_length - 1}"
    logic: list[tuple[Cell, ...]] = [
        (
            *(each.name, each.cycles, each.stages, each.cells.luts, each.cells.flip_flops),
            *(f"{each.cells.block_rams:g}", f"{each.cells.luts / reference:.3f}"),
            f"{each.cells.luts * each.cycles / reference:.2f}",
        )
        for each in designs
    ]
    logic.append(("hls4ml's C++", None, None, NO_LUTS, None, None, None, None))
    columns = ("design", "cycles a product", "stages", "LUTs", "flip-flops", "block RAMs", "LUTs, ratio", "x cycles")
    software = tuple((each.name, f"{each.per_second:.0f}", f"{each.per_second / fastest:.2f}") for each in programs)
    return [
        Table("matvec_logic", f"{what}-bit words, ECP5", columns, tuple(logic)),
        Table("matvec_cpp", f"{what}-bit words, g++", ("C++", "products a second", "ratio"), software),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=DIGITS)
    parser.add_argument("--bits", type=int, default=4, help="of a checkpoint that was not retrained")
    parser.add_argument("--work", type=Path, help="folder that is kept")
    options = parser.parse_args()
    program = program_of(options.model, options.bits)
    with tempfile.TemporaryDirectory() as temporary:
        designs, programs = measure(program, (options.work or Path(temporary)).resolve())
    for table in tables(program, designs, programs):
        print(table.markdown())


if __name__ == "__main__":
    main()
