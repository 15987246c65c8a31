"""Kill brkpoint, its recorder, its target, or all of them at random moments: who is left?

`python3 tests/killing.py MOMENTS [FIRST]` prints who was left, and exits with 1 then. It is a
process of its own, for it adopts orphans (PR_SET_CHILD_SUBREAPER): nobody can hide from it.
"""

from __future__ import annotations

import collections
import ctypes
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path[:0] = [TOP, os.path.join(TOP, "tests")]

import launching  # noqa: E402
from recorder_runs import probe  # noqa: E402

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
PATIENCE_S = 120  # far more than any of them may take
WATCHED_S = 1
RECORDER = "brkpoint-record"  # as the kernel cuts its name
WHO = ("brkpoint", "its group", "all", "brkpoint and recorder", "brkpoint and target")


def programs():
    """Words to run. Each has ended within PATIENCE_S, also what it leaves behind."""
    return [
        [probe("steady.c"), "400", "5", "child"],
        [probe("wandering.c"), "700", "200"],
        [probe("crowd.c"), "300", "100"],
        ["/bin/sh", "-c", "for i in 1 2 3 4 5 6 7 8; do /bin/true; (exec /bin/echo); done"],
    ]


def start(words, folder):
    """brkpoint with these words, or attached to a process of them."""
    trace = os.path.join(folder, "t.brkpoint")
    silent = {name: subprocess.DEVNULL for name in ("stdin", "stdout", "stderr")}
    command = launching.watched(*words, options=(b"--engine", b"recorder"), trace=trace)
    if words[0].endswith("steady") and random.random() < 0.5:
        target = subprocess.Popen(words, start_new_session=True, **silent)
        command = [launching.BRKPOINT, "-p", str(target.pid), "-o", trace]
    return subprocess.Popen(command, start_new_session=True, **silent)


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def strike(run, who):
    """Kill those of this run: brkpoint, and who else is named."""
    below = launching.descendants(run.pid)
    ours = [pid for pid in below if launching.name_of(pid) == RECORDER]
    if who == "its group":
        os.killpg(run.pid, signal.SIGKILL)
    elif who == "brkpoint and target":
        below = [pid for pid in below if pid not in ours]
    elif who == "brkpoint and recorder":
        below = ours
    elif who == "brkpoint":
        below = []
    for pid in (below, [])[who == "its group"] + [run.pid]:
        kill(pid)


def adopted_end(limit_s):
    """Whether all children, born or adopted, end within the limit."""
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.005)
        except ChildProcessError:
            return True
    return False


def left_over(limit_s):
    """Who has not ended by then, [(pid, name)]; they are killed."""
    if adopted_end(limit_s):
        return []
    left = [(pid, launching.name_of(pid)) for pid in launching.descendants(os.getpid())]
    for pid, _ in left:
        kill(pid)
    adopted_end(limit_s)
    return left


def moment(seed):
    """(who was killed, seconds until nobody was left, who was left)."""
    random.seed(seed)
    folder = os.environ["TMPDIR"] = tempfile.mkdtemp(prefix="brkpoint-killing-", dir="/tmp")
    words, who = random.choice(programs()), random.choice(WHO)
    run = start(words, folder)
    time.sleep(random.random() * WATCHED_S)
    begun = time.monotonic()
    strike(run, who)
    left = left_over(PATIENCE_S)
    shutil.rmtree(folder)
    return who, time.monotonic() - begun, left


def adopt():
    """From now on orphans are this process's."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def main(moments, first=0):
    adopt()
    longest, failed = collections.Counter(), 0
    for seed in range(first, first + moments):
        who, took, left = moment(seed)
        longest[who] = max(longest[who], took)
        failed += bool(left)
        if left:
            print("moment %d, %s killed: left %s" % (seed, who, left), flush=True)
    print("; ".join("%s: %.2f s" % item for item in sorted(longest.items())))
    print("%d of %d moments left somebody" % (failed, moments))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
