"""Stand-ins for Yosys and nextpnr that answer with recorded files."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from corner_programs import Corner
from random_models import random_program

from mondeq_hw.folder.writing import writing
from mondeq_hw.hardware.folding import schedule
from mondeq_hw.synthesis.tools import SynthTool

REPORTS = Path(__file__).with_name("synth_reports")


def recorded(name: str) -> str:
    return (REPORTS / name).read_text()


def build_folder(folder: Path, **sizes: int) -> Path:
    program = random_program(3, **{"n": 8, "d": 6, "k": 3, "bits": 4, "iterations": 5, **sizes}).replace(name="named")
    with writing(folder, force=True) as temporary:
        Corner(program, schedule(program, 4)).build(temporary)
    return folder


def stand_in(folder: Path, name: str, script: str) -> SynthTool:
    """A tool that runs a Python script, and notes each run in ``<name>.runs``."""
    file = folder / f"{name}.py"
    noted = f"open({str(folder / name)!r} + '.runs', 'a').write('x')\n"
    file.write_text(f"import pathlib, sys\n{noted}{script}")
    return SynthTool(name, (sys.executable, str(file)), "1.0", r"^Info: (.*)$")


def runs(folder: Path, name: str) -> int:
    file = folder / f"{name}.runs"
    return len(file.read_text()) if file.exists() else 0


MAPPER = "[pathlib.Path(name).write_text('{{\"modules\": {{}}}}') for name in ('mapped.json', 'netlist.v')]\n"


MAPPER += "pathlib.Path('cells.json').write_text({cells!r})\n"


ROUTER = """print('Info: Routing')
arguments = dict(zip(sys.argv, sys.argv[1:]))
routed = {routed!r}.replace('250.0', str(240.0 + int(arguments['--seed']) * 7 % 11 + 3))
pathlib.Path(arguments['--report']).write_text(routed)
"""

#: A router's rounds that leave as many wires, however long it is waited for: it ends a minute late.
STANDSTILL = """import time
def standstill():
    for number in range(99):
        print(f'Info:     iter={number} wires=9 overused=2 overuse=2 tmgfail={1 + number % 2} archfail=NA', flush=True)
        time.sleep(number // 98 * 60)
"""


def cells(**counts: int) -> str:
    return json.dumps({"design": {"num_cells_by_type": counts}})
