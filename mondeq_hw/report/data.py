"""The float model of a build folder and the data that it is judged by: what ``compile`` used, or what is named now."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..base import InputError
from ..config import CompileConfig, DataOptions
from ..folder import Build
from ..problem import DATASETS, GIVEN, Checkpoint, Comparison, Dataset, MonDEQ, Preprocessing, Task, logits
from ..program import GoldenModel
from ..proof import model_from_plain, unpacked
from ..steps import Data, choose_data, compared
from .curves import OutputPoints
from .record import EXACT, Figure, Report

#: Samples of a picture.
DRAWN = 256


def stored_model(build: Build, report: Report) -> MonDEQ:
    """The float model that the certificate holds, with the facts that the report has of it.

    Raises
    ------
    InputError
        There is none: no positive margin was proved.
    """
    operator = build.certificate.evidence.get("operator")
    if operator is None:
        raise InputError("the certificate holds no float model, because no margin was proved for it")
    facts = report.origin.model
    return replace(
        model_from_plain(operator, build.program.input_format.fractional_bits),
        monotonicity_margin=facts.monotonicity_margin,
        preprocessing=Preprocessing.from_plain(facts.preprocessing).of_raw(),
        source=facts.source,
        parameters=build.parameters,
    )


def stored_config(report: Report) -> CompileConfig:
    """The options of the folder, with the word lengths that were chosen."""
    resolved = report.origin.resolved
    names = ("drive_bits", "readout_bits", "state_bits", "input_bits")
    kept = {name: getattr(resolved, name) for name in names} | {
        "task": report.task.name,
        "allow_uncertified": True,
        "allow_vacuous": True,
    }
    given = {key: value for key, value in report.origin.requested.items() if value is not None}
    return CompileConfig(**given | kept)


def judged_anew(build: Build, report: Report, options: DataOptions) -> Report:
    """The report with the comparison on the data that the options name, if they name any.

    Raises
    ------
    InputError
        They are not there or not of the network's kind, or the folder holds no float model.
    """
    if not named(options):
        return report
    data = data_of(build, report, options)
    found = compared(stored_model(build, report), build.program, data)
    figure = comparison_figure(found, data.task)
    return replace(report, comparison=figure, data=data.name, division=data.division, overflow=data.overflow)


def comparison_figure(found: Comparison | None, task: Task) -> Figure[Comparison]:
    """A comparison, or why there is none."""
    return Figure(EXACT, None, task.no_test, task.remedy) if found is None else Figure(EXACT, found)


def data_of(build: Build, report: Report, options: DataOptions) -> Data:
    """The data that the options name; else those that ``compile`` used; where they are gone or others by now, what
    the folder holds of them.

    Raises
    ------
    InputError
        They are not there or not of the network's kind, or the folder holds none of them.
    """
    config, model = stored_config(report), Checkpoint(stored_model(build, report))
    if named(options):
        asked = {name: getattr(options, name) for name in DataOptions.model_fields}
        return choose_data(config.model_copy(update=asked), model)
    resolved = report.origin.resolved
    name = resolved.data
    if name is None:
        return Data(report.task)
    if name in DATASETS:
        config = config.model_copy(update={"data": name})
    try:
        data = choose_data(config, model)
    except InputError:
        return _stored_data(build, report)
    return data if data.digest == resolved.data_digest else _stored_data(build, report)


def named(options: DataOptions) -> bool:
    """Whether they name any data."""
    return options != DataOptions(split_seed=options.split_seed, on_overflow=options.on_overflow)


def output_points(build: Build, report: Report, options: DataOptions) -> Figure[OutputPoints] | None:
    """Outputs beside targets and the float network's, for a task with pictures of them: of the test samples that the
    options name, or of those in the folder."""
    if not report.task.plots:
        return None
    words, targets = build.stimulus, build.targets
    if named(options) and (test := data_of(build, report, options).test) is not None:
        words, targets = GoldenModel(build.program).words(test.words[:DRAWN]), test.targets[:DRAWN]
    if targets is None:
        return Figure(EXACT, None, report.task.no_test, report.task.remedy)
    raw = build.program.input_format.to_float(words)
    try:
        floating = _rows(logits(stored_model(build, report), raw))
    except InputError:  # the certificate holds none
        floating = None
    return Figure(
        EXACT, OutputPoints(_rows(targets), _rows(GoldenModel(build.program.starting_anew).predict(raw)), floating)
    )


def _rows(array: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in array.tolist())


def _stored_data(build: Build, report: Report) -> Data:
    """Calibration words of the certificate, and the samples with targets in ``sim/``."""
    raw, samples = build.program.input_format.to_float, build.certificate.evidence.get("samples")
    name, calibration, test = report.data, None, None
    if samples is None and name != GIVEN:
        raise InputError(
            f"the data {name} is gone, and the certificate holds none of it; name it by --data-dir or --calibration"
        )
    if samples is not None:
        calibration = raw(unpacked(samples["words"], samples["count"]))
    if (targets := build.targets) is not None:
        test = Dataset(str(name), "test", raw(build.stimulus), targets)
    return Data(report.task, name, report.division, calibration, test)
