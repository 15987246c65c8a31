"""Programs that run already, and brkpoint attached to them."""

from __future__ import annotations

import json
import mmap
import os
import re
import signal
import struct
import subprocess
import time

import launching
import verbs
from recorder_runs import probe

WORDS = ("pid", "rounds", "wrong", "go", "done", "mallocs", "frees", "end", "signals")
PROBE_WELL = 7  # the exit status of attached.c and blocked.c where nothing was wrong
LIMIT_S = 300  # of what hangs
_GROWS = re.compile(r"\[heap\]|\[stack\]|\[anon")


class Page:
    """The page that a probe shares with its test: recorder/tests/probes/attached.h."""

    def __init__(self, path):
        path.write_bytes(bytes(4096))
        self._file = open(path, "r+b")
        self._map = mmap.mmap(self._file.fileno(), 4096)

    def __getattr__(self, name):
        return struct.unpack_from("<Q", self._map, 8 * WORDS.index(name))[0]

    def put(self, name, value):
        struct.pack_into("<Q", self._map, 8 * WORDS.index(name), value)


class Running:
    """A probe that runs by itself: attached.c or blocked.c."""

    def __init__(self, folder, source, *words, flag=None, **how):
        self.page = Page(folder / "page")
        built = probe(source, flag, name=source[:-2] + flag) if flag else probe(source)
        self.process = subprocess.Popen(
            [built, str(folder / "page"), *words], stdin=subprocess.DEVNULL, **how
        )
        self.pid = self.process.pid
        until(lambda: self.page.pid)
        self.goes_on()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def goes_on(self, rounds=3):
        """It has made some rounds more."""
        enough = self.page.rounds + rounds
        until(lambda: self.page.rounds >= enough)

    def finish(self):
        """Its exit status, once it has been told to end."""
        self.page.put("end", 1)
        return self.process.wait(LIMIT_S)


def until(holds):
    """Wait for it to hold."""
    end = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


class Attached:
    """brkpoint -p PID, once it records (unless it is to be quiet)."""

    def __init__(self, folder, pid, *options, name="t"):
        self.trace = folder / (name + ".brkpoint")
        words = [launching.BRKPOINT, "-p", str(pid), "-o", str(self.trace), "--force", *options]
        self.process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        if "--quiet" in options:
            return  # it says nothing: wait for its end
        line = self.process.stderr.readline()
        assert b"attached to process %d" % pid in line, line + self.process.stderr.read()

    def host(self):
        return launching.descendant(self.process.pid, "brkpoint-record")

    def heir(self):
        return launching.descendant(self.process.pid, "brkpoint-heir")

    def leave(self, number=signal.SIGINT):
        """As Ctrl-C does: (exit status, what it said)."""
        self.process.send_signal(number)
        return self.finish()

    def finish(self):
        err = self.process.communicate(timeout=LIMIT_S)[1].decode()
        return self.process.returncode, err

    def report(self):
        return json.loads(verbs.said("report", "--json", self.trace))


_STAYS = 9  # a status of the following
_HOP = """
import os, sys
STAYS = 9
sys.path.insert(0, sys.argv[1])
from start import attach, errors, launch
attach.TICK = 0.002
for at, seconds in enumerate(map(float, sys.argv[4:])):
    try:
        done = attach.run(int(sys.argv[3]), sys.argv[2], launch.Options(timeout=seconds))
    except errors.UserError as error:
        if not at or "stays in it" not in str(error):
            raise
        sys.exit(STAYS)
    if (done.kind, done.complete) != ("detached", True):
        sys.exit("%s %s" % (done.reason, done.log))
    os.unlink(sys.argv[2])
"""


def hop(folder, pid, seconds):
    """Attach and leave again, without making a trace of what was recorded."""
    hops(folder, pid, [seconds])


def hops(folder, pid, seconds):
    """The same again and again, for each of these times. False: the code had to stay meanwhile, for
    what looked like a saved context."""
    words = ["/usr/bin/python3", "-c", _HOP, launching.ROOT, str(folder / "hop"), str(pid)]
    words += map(str, seconds)
    limit = LIMIT_S + 5 * len(seconds)
    done = subprocess.run(words, capture_output=True, text=True, timeout=limit)
    assert done.returncode in (0, _STAYS), done.stderr
    return done.returncode == 0


def state(run):
    """What is there to be seen of a program from outside."""
    return mappings(run.pid), files(run.pid)


def mappings(pid):
    """The mappings of a process as text, without what comes and grows by itself: heap, stack, and
    malloc's arenas, which begin at multiples of 64 MiB."""
    kept = []
    with open("/proc/%d/maps" % pid, encoding="utf-8", errors="replace") as file:
        for line in file:
            addresses, perms, _, _, _, *path = line.split(None, 5)
            first, last = addresses.split("-")
            if path and _GROWS.search(path[0]):
                continue
            if not path and "x" not in perms:
                perms = "anonymous"
                if kept and kept[-1][1:3] == (first, perms):
                    first = kept.pop()[0]
            kept.append((first, last, perms, "".join(path).strip()))
    return [one for one in kept if one[2] != "anonymous" or int(one[0], 16) % (64 << 20)]


def files(pid):
    return sorted(os.listdir("/proc/%d/fd" % pid))


def traced_by(pid):
    """{thread: its tracer}, of threads that have one."""
    found = {}
    for tid in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/status" % (pid, tid), "rb") as file:
            tracer = re.search(rb"^TracerPid:\s*(\d+)", file.read(), re.M).group(1)
        if tracer != b"0":
            found[tid] = tracer
    return found


def totals(report, name):
    return sum(row["count"] for row in report["totals"] if row["name"] == name)
