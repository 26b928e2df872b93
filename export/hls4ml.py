"""A MonDEQ layer for hls4ml: ``MonDEQLayer`` in a PyTorch model; importing this module registers it.

The layer's ``forward`` is the golden model, and its C++ is the project's own HLS engines behind hls4ml's calling
convention, so PyTorch, ``hls_model.predict`` and the hardware give the same integers for the same inputs.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mondeq_hw.base import InputError, MissingToolError
from mondeq_hw.folder import Build, writing
from mondeq_hw.hardware import Schedule, load_schedule, schedule
from mondeq_hw.program import GoldenModel, SolverProgram

try:
    import yaml
    from hls4ml.converters import convert_from_pytorch_model
    from hls4ml.converters.pytorch_to_hls import layer_handlers, register_pytorch_layer_handler
    from hls4ml.utils.config import config_from_pytorch_model
    from hls4ml.utils.torch import HLS4MLModule
except ModuleNotFoundError as error:
    package = str(error.name).partition(".")[0]
    raise MissingToolError(f"{package} is missing; install it: pip install 'mondeq-hw[hls4ml]'") from None

from .hls4ml_graph import BACKENDS, OUTPUTS, RESULTS, MonDEQ, register_graph, result_precision

IO_TYPES = ("io_parallel", "io_stream")
#: Top function and file names of a project of one layer.
TOP = "mondeq_top"


class MonDEQLayer(HLS4MLModule):
    """A compiled program as a PyTorch module: (batch, d) real numbers in, results (batch, k) or (batch, n) out.

    An input is rounded and saturated to the program's input words.  There are no parameters and no gradient.

    Parameters
    ----------
    program : SolverProgram
    plan : Schedule, optional
        Foldings of the engines in hardware; by default :func:`mondeq_hw.hardware.folding.schedule` of the program.
    output : {"outputs", "equilibrium"}
        ``y``, or the equilibrium ``z`` for a head of your own.

    Raises
    ------
    InputError
        Another ``output``, or a program that keeps a state from sample to sample.
    """

    def __init__(self, program: SolverProgram, plan: Schedule | None = None, output: str = OUTPUTS):
        if output not in RESULTS:
            raise InputError(f"output is {output!r}; expected {' or '.join(RESULTS)}")
        if program.is_sequential:
            raise InputError(
                f"{program.name}: keeps a state from sample to sample, which a layer of hls4ml does not; use the C++ "
                "of the build folder (hls/), whose top function does"
            )
        super().__init__()
        self.program = program
        self.plan = schedule(program) if plan is None else plan
        self.output = output
        self.golden = GoldenModel(program)

    @staticmethod
    def from_build(folder: str | os.PathLike[str], output: str = OUTPUTS) -> MonDEQLayer:
        """The program and the schedule of a build folder.

        Raises
        ------
        InputError
            It is none, or damaged.
        """
        build = Build.load(folder)
        build.require_unchanged("rtl/schedule.json")
        return MonDEQLayer(build.program, load_schedule(build.folder), output)

    @property
    def in_features(self) -> int:
        """``d``."""
        return self.program.d

    @property
    def out_features(self) -> int:
        """``k``, or ``n`` for the equilibrium."""
        return self.program.k if self.output == OUTPUTS else self.program.n

    def words(self, x: np.ndarray) -> np.ndarray:
        """Result words (samples, k or n), the golden integers, of real inputs (samples, d)."""
        words = self.program.input_format.quantize(x)
        return self.golden.predict_raw(words) if self.output == OUTPUTS else self.golden.equilibria(words)

    @property
    def fractional_bits(self) -> int:
        """Of a result word."""
        return int(result_precision(self.program, self.output).fractional)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Results in the input's type, exact in float64 up to 53 bits.

        Raises
        ------
        InputError
            Another shape than (batch, d), or NaN.
        """
        if isinstance(x, torch.fx.Proxy):
            raise InputError("a MonDEQLayer cannot be the whole model for hls4ml; convert nn.Sequential(layer)")
        if x.ndim != 2 or x.shape[1] != self.in_features:
            raise InputError(_shape_message(tuple(x.shape[1:]), self.in_features))
        real = x.is_floating_point()
        words = self.words((x.double() if real else x).detach().cpu().numpy())
        values = torch.from_numpy(np.ldexp(words.astype(np.float64), -self.fractional_bits))
        return values.to(x.device, x.dtype if real else torch.get_default_dtype())

    def extra_repr(self) -> str:
        """What ``print(model)`` shows."""
        proof = "certified" if self.program.certified else "UNCERTIFIED"
        return f"{self.in_features} -> {self.out_features} {self.output}, {proof} program {self.program.digest[:12]}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled, and printed into hls4ml's YAML, as the program and not as every array made from it."""
        return _restored, (json.dumps(self.program.to_plain()), json.dumps(self.plan.to_plain()), self.output)


def _restored(program: str, plan: str, output: str) -> MonDEQLayer:
    return MonDEQLayer(SolverProgram.from_plain(json.loads(program)), Schedule.from_plain(json.loads(plan)), output)


def _shape_message(shape: tuple[Any, ...], inputs: int) -> str:
    return (
        f"a MonDEQLayer gets samples of shape {tuple(map(int, shape))}; expected ({inputs},), its program's inputs: "
        "put nn.Flatten() or a layer of that many outputs before it"
    )


# -- hls4ml --------------------------------------------------------------------


def register() -> None:
    """Make hls4ml convert :class:`MonDEQLayer`, as importing this module has done; again does no harm."""
    if layer_handlers.get(MonDEQLayer.__name__) is _parse:
        return
    register_graph()
    register_pytorch_layer_handler(MonDEQLayer.__name__, _parse)


def _parse(
    operation: str,
    name: str,
    inputs: list[str],
    shapes: list[list[Any]],
    node: Any,
    layer: MonDEQLayer,
    reader: Any,
    config: dict[str, Any],
) -> tuple[dict[str, Any], list[Any]]:
    """hls4ml's hook: attributes of the graph's node, and its shape with the batch in front."""
    if list(shapes[0][1:]) != [layer.in_features]:
        raise InputError(f"layer {name}: {_shape_message(tuple(shapes[0][1:]), layer.in_features)}")
    attributes = {
        "class_name": MonDEQ.__name__,
        "name": name,
        "inputs": inputs,
        "n_in": layer.in_features,
        "n_out": layer.out_features,
        "program": json.dumps(layer.program.to_plain()),
        "schedule": json.dumps(layer.plan.to_plain()),
        "output": layer.output,
    }
    return attributes, [shapes[0][0], layer.out_features]


def write_project(
    layer: MonDEQLayer,
    out: str | os.PathLike[str],
    backend: str = BACKENDS[0],
    io_type: str = IO_TYPES[0],
    part: str | None = None,
    clock_period: float = 5.0,
    force: bool = False,
) -> dict[str, Any]:
    """Write an hls4ml project of the layer alone.

    hls4ml's ``link_existing_project`` opens it, in an environment without mondeq_hw too.

    Parameters
    ----------
    layer : MonDEQLayer
    out : path
        Folder to make.
    backend : {"Vitis", "Vivado"}
    io_type : {"io_parallel", "io_stream"}
    part : str, optional
        hls4ml's default when absent.
    clock_period : float
        Nanoseconds.
    force : bool
        Replace a folder that this function wrote.

    Returns
    -------
    dict
        What was written, for people.

    Raises
    ------
    InputError
        Another backend or interface, no clock period, or the folder cannot be written.
    """
    names = {name.lower(): name for name in BACKENDS}
    if backend.lower() not in names:
        raise InputError(f"--backend is {backend!r}; expected {' or '.join(BACKENDS)}")
    if io_type not in IO_TYPES:
        raise InputError(f"--io-type is {io_type!r}; expected {' or '.join(IO_TYPES)}")
    if not 0 < clock_period < math.inf:
        raise InputError(f"--clock-period is {clock_period}; expected a positive number of nanoseconds")
    model, target = torch.nn.Sequential(layer), Path(out)
    with writing(target, force) as folder:
        with contextlib.redirect_stdout(io.StringIO()):
            hls_config = config_from_pytorch_model(model, (layer.in_features,), backend=backend)
            graph = convert_from_pytorch_model(
                model,
                output_dir=str(folder),
                project_name=TOP,
                backend=names[backend.lower()],
                hls_config=hls_config,
                io_type=io_type,
                part=part,
                clock_period=clock_period,
            )
            # hls4ml cannot read back the tags of a PyTorch model and of a tuple.
            del graph.config.config["PytorchModel"]
            graph.config.config["InputShape"] = [layer.in_features]
            graph.write()
        _settle(folder / "hls4ml_config.yml", target)
    (node,) = (node for node in graph.get_layers() if isinstance(node, MonDEQ))
    return {
        "folder": str(target),
        "backend": graph.config.get_config_value("Backend"),
        "part": graph.config.get_config_value("Part"),
        "io type": io_type,
        "input": str(node.attributes["input_word_t"].precision),
        "result": str(node.get_output_variable().type.precision),
        "reuse factor": node.get_attr("reuse_factor"),
        "program": layer.program.digest,
        "certified": layer.program.certified,
    }


def _settle(file: Path, target: Path) -> None:
    """Say where the folder will be, and not where it was written."""
    config = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**config, "OutputDir": str(target.absolute())}))


register()
