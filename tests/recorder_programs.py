"""The recorder's test programs, built when a test first wants one."""

import fcntl
import functools
import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
OUT = os.path.join(TOP, "build", "recorder-tests")
PARTS = ("elf", "findings", "frames", "unwind")  # of recorder/host, by how the files' names begin
PARTS += ("instruction", "emit", "move", "detour", "branches", "constants", "site", "startup")
PARTS += ("calls", "clock", "code_files", "drain", "guard", "history", "mapped.c", "maps", "ranges")
PARTS += ("records", "resident", "ring", "spool", "stacks", "status", "thread_names")
SANITIZED = "RECORDER_CFLAGS=-std=gnu11 -O1 -g -Irecorder -fsanitize=address,undefined"
SANITIZED += " -fno-sanitize-recover=all"


@functools.lru_cache(maxsize=None)
def built(name, *settings):
    """The path of the test program NAME, up to date: linked with the parts that read and move code.

    `settings`: further variables for make. Tests that run beside this one build the same parts.
    """
    out = OUT + "-sanitized" if SANITIZED in settings else OUT
    names = sorted(os.listdir(os.path.join(TOP, "recorder", "host")))
    parts = ["recorder/host/" + n for n in names if n.startswith(PARTS) and n.endswith(".c")]
    path = os.path.join(out, "tests", name)
    command = ["make", "-s", "-f", "recorder/build.mk", "RECORDER_OUT=" + out, path, *settings]
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([*command, "recorder_host_c=" + " ".join(parts)], cwd=TOP, check=True)
    return path
