"""MonDEQ as a layer of hls4ml's graph: its types, its C++, the files that it adds to a project.

Everything that the hardware needs is in the layer's attributes, as JSON, so that hls4ml can save the graph and load
it again.  Reuse factor and precision are the program's: what a configuration says of them is replaced, because the
program is certified as it is.
"""

from __future__ import annotations

import json
import warnings
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from hls4ml.backends import get_backend
from hls4ml.backends.template import FunctionCallTemplate, LayerConfigTemplate
from hls4ml.model.attributes import Attribute
from hls4ml.model.flow.flow import update_flow
from hls4ml.model.graph import HLSConfig, ModelGraph
from hls4ml.model.layers import Input, Layer, Reshape, Transpose, register_layer
from hls4ml.model.optimizer import OptimizerPass, register_pass
from hls4ml.model.types import FixedPrecisionType, IntegerPrecisionType, NamedType, SaturationMode

from mondeq_hw.base import FixedPointFormat, InputError, filled, source_template
from mondeq_hw.hardware import Schedule, emit_engines
from mondeq_hw.program import SolverProgram

#: Both share templates and flows in hls4ml; the others have C++ types of their own.
BACKENDS = ("Vitis", "Vivado")
#: What the layer gives, and the type in ``mondeq_program.h`` that computes it.
OUTPUTS, EQUILIBRIUM = "outputs", "equilibrium"
RESULTS = {OUTPUTS: "Outputs", EQUILIBRIUM: "Equilibrium"}


def result_precision(program: SolverProgram, output: str) -> FixedPrecisionType:
    """The narrowest type that holds every result exactly."""
    if output == OUTPUTS:
        return FixedPrecisionType(program.output_bits, program.output_bits - program.output_fractional_bits)
    prox = program.prox_range
    return FixedPrecisionType(prox.bits, prox.bits - program.state_format.fractional_bits, signed=prox.signed)


def precision_of(form: FixedPointFormat) -> FixedPrecisionType:
    """A format of ours as hls4ml's type."""
    return FixedPrecisionType(
        form.word_length, form.integer_bits, form.signed, form.rounding.value, form.overflow.value
    )


class MonDEQ(Layer):
    """A solver program in the graph."""

    _expected_attributes = (
        Attribute("n_in"),
        Attribute("n_out"),
        Attribute("program", value_type=str),
        Attribute("schedule", value_type=str),
        Attribute("output", value_type=str),
    )

    @cached_property
    def program(self) -> SolverProgram:
        """What it computes."""
        return SolverProgram.from_plain(json.loads(self.get_attr("program")))

    @property
    def namespace(self) -> str:
        """Folder and C++ namespace of the layer's program."""
        return f"mondeq{self.index}"

    def initialize(self) -> None:
        """Set types and configuration from the program.

        Raises
        ------
        InputError
            The backend is not one of :data:`BACKENDS`.
        """
        backend = self.model.config.backend.name
        if backend not in BACKENDS:
            raise InputError(
                f"layer {self.name}: hls4ml's backend is {backend}; a MonDEQ needs {' or '.join(BACKENDS)}: "
                "convert with backend='Vitis'"
            )
        precision = {
            "input_word": precision_of(self.program.input_format),
            "state": precision_of(self.program.state_format),
            "result": result_precision(self.program, self.get_attr("output")),
        }
        reuse_factor = json.loads(self.get_attr("schedule"))["reuse_factor"]
        _configure(self.model.config, self.name, precision, reuse_factor)
        self.set_attr("reuse_factor", reuse_factor)
        for name in ("input_word", "exact"):
            kind = precision["result" if name == "exact" else name]
            self.set_attr(f"{name}_t", NamedType(f"layer{self.index}_{name}_t", _copy(kind)))
        self.add_output_variable([self.get_attr("n_out")], precision=precision["result"])


def _copy(kind: FixedPrecisionType) -> FixedPrecisionType:
    """hls4ml changes the class of a type in place, so no two variables may share one."""
    return FixedPrecisionType(kind.width, kind.integer, kind.signed, kind.rounding_mode, kind.saturation_mode)


def _configure(config: HLSConfig, name: str, precision: dict[str, FixedPrecisionType], reuse_factor: int) -> None:
    """Put the program's settings where hls4ml and its users look for them.

    ``Resource`` makes hls4ml join the layers as dataflow: a pipeline would unroll the loop over the iterations.
    """
    settings = {
        "Precision": {key: str(kind) for key, kind in precision.items()},
        "ReuseFactor": reuse_factor,
        "Strategy": "Resource",
    }
    given = config.config["HLSConfig"].get("LayerName", {}).get(name, {})
    config.set_name_config(name, {**given, **settings})
    config.parse_name_config(name, settings)


# -- C++ -----------------------------------------------------------------------


class MonDEQConfigTemplate(LayerConfigTemplate):
    """The layer's ``struct`` in ``parameters.h``."""

    def __init__(self) -> None:
        super().__init__(MonDEQ)

    def format(self, node: MonDEQ) -> str:
        """Its text; warns when the layer before cannot give every input word."""
        _warn_of_wrapping(node)
        return (
            "struct config{index} : nnet::mondeq_config {{\n"
            "    typedef ::{space}::mondeq::{kind} program;\n"
            "    typedef {input_word_t.name} input_t;\n"
            "    typedef {exact_t.name} exact_t;\n"
            "    static const unsigned n_in = {n_in};\n"
            "    static const unsigned n_out = {n_out};\n"
            "    static const unsigned reuse_factor = {reuse};\n"
            "}};\n"
        ).format(space=node.namespace, kind=RESULTS[node.get_attr("output")], **self._default_config_params(node))


class MonDEQFunctionTemplate(FunctionCallTemplate):
    """The call in the top function."""

    def __init__(self) -> None:
        super().__init__(MonDEQ)

    def transform(self, model: ModelGraph, node: MonDEQ) -> bool:
        """Every layer has a header of its own."""
        changed = super().transform(model, node)
        node.set_attr("include_header", ["nnet_utils/nnet_mondeq.h", f"{node.namespace}/{node.namespace}.h"])
        return changed

    def format(self, node: MonDEQ) -> str:
        """Its text."""
        call = "nnet::mondeq<{input_t}, {output_t}, {config}>({input}, {output});"
        return call.format(**self._default_function_params(node))


def _warn_of_wrapping(node: MonDEQ) -> None:
    before, given = node.get_input_node(), node.get_input_variable().type.precision
    wanted = node.program.input_format
    if isinstance(before, MonDEQ) or not isinstance(given, FixedPrecisionType | IntegerPrecisionType):
        return  # a MonDEQ's results are exact, a floating-point type has the range
    step = 2.0 ** (given.integer - given.width)
    largest = (2 ** (given.width - given.signed) - 1) * step
    smallest = -(2 ** (given.width - 1)) * step if given.signed else 0.0
    first, last = wanted.min_word * wanted.step, wanted.max_word * wanted.step
    if given.saturation_mode is SaturationMode.WRAP and (largest < last or smallest > first):
        beyond, end = (largest, last) if largest < last else (smallest, first)
        warnings.warn(
            f"layer {node.name}: the layer before it gives {given}, which wraps beyond {beyond:g}, while the "
            f"program takes up to {end:g}; if values get that large, give "
            f"{before.name} a result precision such as {wanted}",
            stacklevel=2,
        )


# -- passes --------------------------------------------------------------------


class InputWords(OptimizerPass):
    """Gives the model's input the program's format when nothing but a reshape stands between.

    hls4ml's default, ``ap_fixed<16,6>``, would wrap most pixels.  A precision that the configuration gives the input
    by name stays, and so does that of an input which other layers read.
    """

    name = "mondeq_input_words"

    def match(self, node: Layer) -> bool:
        """Every MonDEQ."""
        return isinstance(node, MonDEQ)

    def transform(self, model: ModelGraph, node: MonDEQ) -> bool:
        """The graph keeps its nodes."""
        path = [node.get_input_node()]
        while isinstance(path[-1], Reshape | Transpose):
            path.append(path[-1].get_input_node())
        if isinstance(path[-1], Input) and all(_is_free(model, before) for before in path):
            for before in path:
                before.get_output_variable().type.precision = precision_of(node.program.input_format)
        return False


def _is_free(model: ModelGraph, node: Layer) -> bool:
    """Whether one layer reads it and nobody has chosen its precision."""
    chosen = {model.config.layer_name_precision.get(f"{node.name.lower()}_{key}") for key in ("result", "default")}
    read_once = len(node.get_output_nodes()) == 1 and not set(node.outputs) & set(model.outputs)
    return read_once and chosen <= {None, "auto"}


class WriteProgram(OptimizerPass):
    """Writes ``firmware/mondeqN/``: the engines' headers and the tables of one layer's program."""

    name = "write_mondeq"

    def match(self, node: Layer) -> bool:
        """Every MonDEQ."""
        return isinstance(node, MonDEQ)

    def transform(self, model: ModelGraph, node: MonDEQ) -> bool:
        """The graph stays as it is."""
        folder = Path(model.config.get_output_dir()) / "firmware" / node.namespace
        emit_engines(node.program, Schedule.from_plain(json.loads(node.get_attr("schedule"))), folder)
        (folder / "mondeq_program.h").write_text(source_template("hls4ml", "mondeq_program.h"))
        values: dict[str, Any] = {"layer": node.name, "namespace": node.namespace}
        (folder / f"{node.namespace}.h").write_text(filled(source_template("hls4ml", "mondeq_layer.h.j2"), **values))
        return False


def register_graph() -> None:
    """Make hls4ml know all of the above; once in a process, or hls4ml complains."""
    register_layer(MonDEQ.__name__, MonDEQ)
    register_pass(InputWords.name, InputWords)
    update_flow("convert", add_optimizers=[InputWords.name])
    # Vitis applies the templates of Vivado.
    for layer_template in (MonDEQConfigTemplate, MonDEQFunctionTemplate):
        get_backend("Vivado").register_template(layer_template)
    header = resources.files("mondeq_hw.hls_templates").joinpath("hls4ml", "nnet_mondeq.h")
    for name in BACKENDS:
        backend, prefix = get_backend(name), name.lower()
        backend.register_source(Path(str(header)))
        backend.register_pass(WriteProgram.name, WriteProgram)
        # Before the writer, which packs the finished folder when it is asked for an archive.
        passes = [f"{prefix}:{WriteProgram.name}", f"{prefix}:write_hls"]
        update_flow(f"{prefix}:write", add_optimizers=passes, remove_optimizers=[passes[1]])
