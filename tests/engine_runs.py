"""Runs the engine alone over a program, without trace and report: spool in, History out."""

from __future__ import annotations

import os
import subprocess

from alloctrace.history import history
from alloctrace.spool import spool

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
_CODE = """
import os, sys
sys.path.insert(0, sys.argv[1])
from start import launch
options = launch.Options(engine=sys.argv[3], symbols=sys.argv[4] == "1")
outcome = launch.run([os.fsencode(word) for word in sys.argv[5:]], sys.argv[2], options)
print("outcome", outcome.kind, outcome.status, outcome.complete)
"""


def compile_c(folder, source, *flags, name="program"):
    path = os.path.join(str(folder), name)
    command = ["gcc", "-O0", "-g", "-fno-builtin", "-x", "c", "-", "-o", path, *flags]
    subprocess.run(command, input=source, check=True, text=True)
    return path


def record(folder, *argv, engine="gdb-scripts/engine.py", symbols=True):
    """The History of one run of `argv`, and what the target printed."""
    place = os.path.join(str(folder), "spool")
    if os.path.exists(place):
        os.unlink(place)
    command = ["/usr/bin/python3", "-c", _CODE, TOP, place, os.path.join(TOP, engine)]
    done = subprocess.run(
        [*command, "1" if symbols else "0", *argv], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return history.build(spool.read(place)), done.stdout


def calls(recorded, phase="main"):
    """[(name, size)] of the un-nested calls of a phase."""
    return [
        (event.name, event.size)
        for event in recorded.events
        if event.kind == "call" and event.outer is None and event.phase == phase
    ]
