"""Buffers of the standard streams are kept to the end on purpose, whoever writes to them."""

import subprocess

import pytest

import launching
import recorder_runs
from alloctrace.trace import trace
from recorder_runs import NOT_BUILT

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)

WRITES = {
    "puts": ('printf("%d", 7);', "stdout's buffer"),
    "text": ('std::cout << "x" << std::endl;', "stdout's buffer"),
    "number": ("std::cout << 7;", "stdout's buffer"),
    "file": ('FILE *f = fopen("/dev/null", "w"); fputs("x", f); fflush(f);', "buffer of a FILE"),
}


@pytest.mark.parametrize("name", WRITES)
def test_whose_buffer_it_is(tmp_path, name):
    statement, purpose = WRITES[name]
    text = "#include <cstdio>\n#include <iostream>\nint main() { %s }\n" % statement
    program = tmp_path / name
    words = ["g++", "-O1", "-g", "-x", "c++", "-", "-o", program]
    subprocess.run(words, input=text, text=True, check=True)
    options = [b"--engine", b"recorder"]
    watched = launching.watched(bytes(program), options=options, trace=tmp_path / "t.brkpoint")
    assert launching.run(watched).status == 0
    report = launching.report(tmp_path)
    held = report["held"]["by_origin"].get("user", {"blocks": 0})["blocks"]
    assert held == (purpose == "stdout's buffer")
    with trace.open(str(tmp_path / "t.brkpoint")) as recorded:
        purposes = [event.purpose.text for event in recorded.events() if event.phase == "main"]
    assert any(one.startswith(purpose) for one in purposes), purposes
