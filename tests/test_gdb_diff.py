"""`alloc diff` in a real gdb: what did this line leave behind?"""

import re

import pytest
from engine_runs import compile_c
from gdb_sessions import between, gdb

SOURCE = """
#include <stdlib.h>
static char *volatile kept, *volatile other;
int main(void)
{
    kept = malloc(17);
    free(malloc(13));
    other = realloc(malloc(5), 41);
    return 0;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return compile_c(tmp_path_factory.mktemp("diff"), SOURCE)


def test_what_lines_leave_behind(tmp_path, program):
    lines = ["break main", "run", "alloc trace start"]
    for number in range(4):
        lines += ["echo BEGIN%d\\n" % number, "alloc diff", "echo END%d\\n" % number, "next"]
    lines += ["echo ALL\\n", "alloc diff 0", "echo NONE\\n", "alloc diff --keep"]
    text = gdb(tmp_path, [*lines, "!alloc diff 9999"], program)
    said = [between(text, "BEGIN%d" % n, "END%d" % n) for n in range(4)]
    assert said[0].startswith("\nNothing that was allocated")
    assert "1 block, 17 bytes, allocated from event" in said[1] and "main (" in said[1]
    assert "Nothing that was allocated" in said[2]
    assert "1 block, 41 bytes, allocated from event" in said[3]
    assert "2 blocks, 58 bytes, allocated from event 0 to now" in text.split("ALL", 1)[1]
    assert re.search(r"NONE\nNothing", text)
    assert "there is no event 9999" in text


def test_without_a_recording_it_says_so(tmp_path, program):
    assert "nothing is recorded" in gdb(tmp_path, ["!alloc diff"], program)
