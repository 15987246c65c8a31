"""One run of brkpoint, and what each of its processes cost: recorder_child.py RESULT WORD...

RESULT gets a line of JSON: for target, recorder, gdb, lines and python (this process) the seconds
of CPU and the greatest MiB of memory.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys

_TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
_ROLES = {"brkpoint-record": "recorder", "gdb": "gdb", "brkpoint-lines": "lines"}
costs = {}


def _cost(usage):
    return {"cpu": usage.ru_utime + usage.ru_stime, "mib": usage.ru_maxrss / 1024}


def _own_mib():
    """Of this program alone: ru_maxrss keeps what the process was before its exec (man 2
    getrusage), where it was started by vfork the whole of its parent."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))


def _name(pid):
    try:
        with open("/proc/%d/comm" % pid, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def waitpid(pid, flags):
    """As os.waitpid, which takes no note of what a child has cost. One that was started a moment
    ago may still have our name."""
    if pid > 0 and not flags:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    role = _ROLES.get(_name(pid), "target")
    pid, status, usage = os.wait4(pid, flags)
    if pid:
        costs.setdefault(role, _cost(usage))
    return pid, status


def main(result, words):
    os.waitpid = waitpid
    sys.path.insert(0, _TOP)
    from command import main as brkpoint  # only now: what it imports keeps os.waitpid

    gc.set_threshold(brkpoint.OBJECTS)  # as its start() does
    status = brkpoint.main(words)
    sys.stderr.flush()
    costs["python"] = {**_cost(resource.getrusage(resource.RUSAGE_SELF)), "mib": _own_mib()}
    with open(result, "w", encoding="ascii") as file:
        json.dump(costs, file)
    return status


sys.exit(main(sys.argv[1], sys.argv[2:]))
