"""The recorder's test programs, built when a test first wants one."""

import fcntl
import functools
import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
OUT = os.path.join(TOP, "build", "recorder-tests")
SANITIZED = "RECORDER_CFLAGS=-std=gnu11 -O1 -g -DMUST_HOLD -fsanitize=address,undefined"
SANITIZED += " -fno-sanitize-recover=all"


@functools.lru_cache(maxsize=None)
def built(name, *settings):
    """The path of the test program NAME, up to date: linked with the parts of build.mk's list.

    Rules that must hold are looked at (recorder/must.h), also by brkpoint-recorder and -history.
    `settings`: further variables for make. Tests that run beside this one build the same parts.
    """
    out = OUT + "-sanitized" if SANITIZED in settings else OUT
    is_test = not name.startswith("brkpoint-")
    path = os.path.join(out, "tests" if is_test else "", name)
    # In parallel: other tests wait for the lock.
    command = ["make", "-s", "-j", str(os.cpu_count()), "-f", "recorder/build.mk"]
    command += ["RECORDER_OUT=" + out, "MUST=1", path, *settings]
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(command, cwd=TOP, check=True)
    return path
