"""Stacks of a program as gdb finds them, and as the recorder does from the same memory."""

import os
import subprocess

from engine_runs import TOP, record
from recorder_programs import built

_STARTER = """
import os
os.environ.update(%r)
__file__ = %r
with open(__file__) as file:
    exec(compile(file.read(), __file__, "exec"))
"""


def dump(folder, *argv, every=1, limit=4000, symbols=True):
    """Run a program under the engine that writes stacks down; the path of what it wrote."""
    path, starter = str(folder / "dump"), folder / "engine.py"
    for old in filter(os.path.exists, (path, path + ".vdso")):
        os.unlink(old)
    settings = {
        "BRKPOINT_UNWIND_DUMP": path,
        "BRKPOINT_UNWIND_EVERY": str(every),
        "BRKPOINT_UNWIND_LIMIT": str(limit),
    }
    engine = os.path.join(TOP, "gdb-scripts", "checks", "engine_dumped.py")
    starter.write_text(_STARTER % (settings, engine))
    record(folder, *argv, engine=str(starter), symbols=symbols)
    return path


def replay(path, *more):
    """(what the replay printed about stacks that differ, the line with the counts)."""
    command = [built("unwind_replay"), path, *more]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    lines = done.stdout.splitlines()
    return lines[:-1], lines[-1]
