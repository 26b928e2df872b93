"""Which names of a SystemVerilog source are registers, and in which of its generate blocks: for :mod:`.upset_bench`."""

from __future__ import annotations

import re

#: A register or memory that is written; the beginning or end of a block.
ASSIGNED = re.compile(
    r"(?:^|\)|\belse|;|\bbegin)\s*(?P<register>\w+)(?:\[[^;=]*?\])?\s*<=|\$readmemh\(\w+, (?P<memory>\w+)\)",
    re.MULTILINE,
)
BLOCK = re.compile(r"\bbegin\b(?:\s*:\s*(?P<label>g_\w+))?|\bend\b")


def clocked(source: str) -> dict[str, dict[str, set[str]]]:
    """Of each module what is assigned at a clock edge or read from a file, those of assertions not.

    With each name the generate blocks that do so, "" for the module itself: a build without the block has a wire of
    that name, and a bit that is turned in a wire with a constant driver would stay so, which is no upset of hardware.
    """
    text = re.sub(r"`ifdef \w+_ASSERT\b.*?`endif", "", re.sub(r"//.*", "", source), flags=re.DOTALL)
    found = {}
    for module, body in re.findall(r"^module (\w+)(.*?)^endmodule", text, re.DOTALL | re.MULTILINE):
        names, blocks, seen = found.setdefault(module, {}), [""], 0
        for match in ASSIGNED.finditer(body):
            for word in BLOCK.finditer(body, seen, match.end()):
                if word[0] == "end":
                    blocks.pop()
                else:
                    blocks.append(word["label"] or blocks[-1])
            seen = match.end()
            names.setdefault(match["register"] or match["memory"], set()).add(blocks[-1])
    return found
