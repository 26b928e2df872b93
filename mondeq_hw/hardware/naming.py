"""Names in the SystemVerilog of a build: where a template says ``mondeq``, a core has its program's name.

So two cores in one design share no module, package or macro.  ``mondeq_top``,
``mondeq_pkg`` and ``MONDEQ_MEM_DIR`` of the templates are ``digits_top``,
``digits_pkg`` and ``DIGITS_MEM_DIR`` of a program ``digits``: the prefix of
every identifier is exchanged, in texts and in file names, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

#: Prefix of the templates, and of all names in the C++, which has one top function per compilation anyway.
TEMPLATE_NAME = "mondeq"


def module_name(name: str, part: str) -> str:
    """Of the module or package that is ``mondeq_<part>`` in the templates."""
    return f"{name}_{part}"


def macro_name(name: str, part: str) -> str:
    """Of the macro that is ``MONDEQ_<part>`` in the templates."""
    return f"{name.upper()}_{part}"


def renamed(text: str, name: str) -> str:
    """A template's text, or the name of its file, with a program's name as prefix."""
    text = re.sub(rf"\b{TEMPLATE_NAME}_", module_name(name, ""), text)
    return re.sub(rf"\b{TEMPLATE_NAME.upper()}_", macro_name(name, ""), text)


def write_sources(sources: Mapping[str, str], name: str, folder: Path) -> None:
    """Write templates under a program's name: ``folder/src``, and ``folder/sources.f`` with the files in their order.

    Parameters
    ----------
    sources : mapping
        Texts by file name, in compile order.
    name : str
    folder : Path
    """
    (folder / "src").mkdir(parents=True, exist_ok=True)
    for file, text in sources.items():
        (folder / "src" / renamed(file, name)).write_text(renamed(text, name))
    (folder / "sources.f").write_text("".join(f"src/{renamed(file, name)}\n" for file in sources))


def verilog_defines(name: str, memory_folder: str, products: tuple[int, int] | None = None) -> tuple[str, ...]:
    """``NAME=value`` of the macros that a tool is given: where the weight files are, and how products are made.

    Parameters
    ----------
    name : str
        The program's.
    memory_folder : str
        As the tool sees it.
    products : (int, int), optional
        Of the longest weights that multiply in LUTs, and of the longest words that one multiplier takes, their bits;
        the sources' own defaults when absent.
    """
    memories = f'{macro_name(name, "MEM_DIR")}="{memory_folder}"'
    if products is None:
        return (memories,)
    macros = ("LUT_WEIGHT_BITS", "MULTIPLIER_BITS")
    return memories, *(f"{macro_name(name, macro)}={bits}" for macro, bits in zip(macros, products, strict=True))
