"""brkpoint -p PID, where numbers of the program look like places in the recorder's code: it stays
only for what may be the position of a saved context (tests/test_attach_saved.py)."""

import os
import re
import struct

import launching
import pytest
import recorder_runs
from attaching import Attached, mappings
from test_attach_programs import PYTHON, Talking

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=recorder_runs.NOT_BUILT)
HOLDS = '$| = 1; while (<STDIN>) { push @held, pack("Q*", split); print "held\\n"; }'


def places_in_the_code():
    """Offsets in the agent's code: (of instructions, of what stands between two functions, of its
    tables, of all in C functions). The head is struct code_head of recorder/shared.h."""
    with open(os.path.join(launching.ROOT, "build", "recorder", "agent.bin"), "rb") as file:
        code = file.read()
    assembly, end = struct.unpack_from("<LQ", code, 68)
    after_return = re.compile(rb"\xc3(?=\x0f\x1f\x80\0\0\0\0|\x66\x90)", re.DOTALL)
    between = [found.end() for found in after_return.finditer(code[:end])]
    assert 80 < end < len(code) and len(between) > 3
    assert assembly < end
    return [at - 1 for at in between], between, range(end, len(code) - 1), range(80, assembly, 8)


@pytest.mark.parametrize("kind, stays", [(0, True), (1, False), (2, False)])
def test_numbers_that_look_like_places_in_the_code(tmp_path, kind, stays):
    """A number may be a context that was saved in it, where one can be: there the code stays."""
    with Talking("/usr/bin/perl", "-e", HOLDS) as program:
        program.ask("1")
        attached = Attached(tmp_path, program.pid)
        code = [m for m in mappings(program.pid) if m[2].startswith("r-x") and not m[3]]
        begin = int(code[0][0], 16)
        program.ask(" ".join(str(begin + at) for at in places_in_the_code()[kind]))
        status, said = attached.leave()
        assert status == 0 and ("code stays in process" in said) == stays, said
        assert any("brkpoint" in m[3] for m in mappings(program.pid)) == stays
        assert program.ask("1") and program.finish() == 0


def test_small_numbers_are_contexts_only_with_a_stack(tmp_path):
    """A program without PIE has the code where numbers and short texts lead as well."""
    with Talking("/usr/bin/python3", "-c", PYTHON) as program:
        attached = Attached(tmp_path, program.pid)
        begin = min(int(m[0], 16) for m in mappings(program.pid) if m[2] == "r-xp" and not m[3])
        if begin >> 32:
            pytest.skip("this Python is a PIE")
        places = b"".join(struct.pack("<Q", begin + at) for at in places_in_the_code()[3])
        program.ask("import json; held = bytes.fromhex('%s') # 7" % places.hex())
        status, said = attached.leave()
        assert status == 0 and "code stays in process" not in said, said
        assert program.finish() == 0
