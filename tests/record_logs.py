#!/usr/bin/python3
"""Records tests/data/logs anew: tests/record_logs.py FOLDER

Real logs of strace and ltrace, of programs built and run in FOLDER, whose name ends up in the logs:
choose one that says nothing about your machine (/home/reader). What the tests say of them
(tests/test_logs_strace.py, tests/test_logs_ltrace.py) must then be looked at again.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOGS = os.path.join(ROOT, "tests", "data", "logs")
SOURCES = {
    "thread": "targets/c/thread.c",
    "signal": "targets/c/signal.c",
    "sigtrap": "targets/c/sigtrap.c",
    "crash": "targets/c/crash.c",
    "exec": "targets/c/exec.c",
    "fork": "targets/c/fork.c",
    "edges": "targets/c/edges.c",
    "racing": "tests/probes/racing.c",
    "patient": "tests/probes/patient.c",
}
ODD = 'a "odd(name) = 0 <unfinished ...>->malloc(7'
MEMORY = "trace=brk,mmap,munmap,mremap,mprotect,madvise,execve,clone,clone3,fork,vfork"
NAMES = "malloc+calloc+realloc+reallocarray+free+posix_memalign+memalign+aligned_alloc"


def main(folder):
    os.makedirs(folder, exist_ok=True)
    os.makedirs(LOGS, exist_ok=True)
    for name, source in SOURCES.items():
        flags = ["-O0", "-fno-builtin", "-pthread"]
        command = ["gcc", *flags, "-o", name, os.path.join(ROOT, source)]
        subprocess.run(command, cwd=folder, check=True)
    shutil.copy(os.path.join(folder, "edges"), os.path.join(folder, ODD))
    _strace(folder)
    _ltrace(folder)


def _strace(folder):
    for name in ("signal", "crash", "exec", "fork", "racing", ODD):
        _record(folder, name, "strace", ["-f", "-q", "-e", MEMORY], ["./" + name])
    _record(folder, "superseded", "strace", ["-f", "-q", "-e", MEMORY], ["./racing", "./edges"])
    _record(folder, "times", "strace", ["-f", "-q", "-ttt", "-T"], ["./patient"], signal.SIGTERM)
    _record(folder, "killed", "strace", ["-f", "-q", "-y"], ["./patient"], signal.SIGKILL)


def _ltrace(folder):
    config = os.path.join(folder, "prototypes")
    sys.path.insert(0, os.path.join(ROOT, "trace-scripts"))
    sys.path.insert(0, ROOT)
    from brkpoint_trace.ltrace_events import PROTOTYPES

    with open(config, "w", encoding="ascii") as file:
        file.write(PROTOTYPES)
    both = ["-f", "-F", config, "-e", NAMES, "-x", NAMES]
    for name in ("thread", "signal", "sigtrap", "crash", "exec", "fork", "edges", ODD):
        _record(folder, name, "ltrace", both, ["./" + name])
    _record(folder, "plain", "ltrace", ["-f"], ["./edges"])
    _record(folder, "killed", "ltrace", both, ["./patient"], signal.SIGKILL)


def _record(folder, name, tool, flags, command, number=None):
    """One log; with `number` the program gets SIGUSR1, and then tool or program that signal."""
    log = os.path.join(LOGS, "%s.%s" % ("odd-name" if name == ODD else name, tool))
    process = subprocess.Popen(
        [tool, *flags, "-o", log, *command], cwd=folder, stdout=subprocess.DEVNULL
    )
    if number is not None:
        time.sleep(1)
        with open("/proc/%d/task/%d/children" % (process.pid, process.pid)) as file:
            child = int(file.read().split()[0])
        os.kill(child, signal.SIGUSR1)
        time.sleep(1)
        os.kill(process.pid if number == signal.SIGKILL else child, number)
        time.sleep(0.2)
        if number == signal.SIGKILL:
            os.kill(child, signal.SIGKILL)
    process.wait()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
