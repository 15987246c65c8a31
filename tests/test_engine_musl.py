"""Stacks where there are no unwind tables: musl's own functions, from `./setup`'s musl-tools."""

import shutil
import subprocess

import pytest
from engine_runs import record

from alloctrace.elf.elf import ElfFile

pytestmark = pytest.mark.skipif(not shutil.which("musl-gcc"), reason="no musl-gcc here")

SOURCE = """
#include <stdlib.h>
#include <string.h>
int main(void) { return %s; }
"""


def _stack(tmp_path, expression, *flags):
    """(functions of the executable on the stack of the call of 9 bytes, cut)."""
    program = str(tmp_path / "program")
    command = ["musl-gcc", "-O0", "-fno-builtin", "-x", "c", "-", "-o", program, *flags]
    subprocess.run(command, input=SOURCE % expression, text=True, check=True)
    recorded, _ = record(tmp_path, program)
    call = next(event for event in recorded.events if event.size == 9)
    stack = recorded.stacks[call.stack]
    main = ElfFile(program).function("main")
    base = next(m.base for m in recorded.modules if m.role == "executable")
    places = [pc - base - main.value for pc, _ in stack.frames]
    return [0 <= place < main.size for place in places], stack.cut


@pytest.mark.parametrize("flags", [(), ("-static",)], ids=["dynamic", "static"])
def test_strdup_is_left_by_its_first_instructions(tmp_path, flags):
    in_main, _ = _stack(tmp_path, '!strdup("brkpoint")', *flags)
    assert in_main[:3] == [False, False, True]  # malloc < strdup < main


def test_a_call_of_main_itself_needs_no_such_step(tmp_path):
    in_main, _ = _stack(tmp_path, "!malloc(9)")
    assert in_main[:2] == [False, True]
