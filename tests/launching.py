"""Starting programs raw, with and without brkpoint: for the tests of the start. No pytest here."""

from __future__ import annotations

import ctypes
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections import namedtuple

import verbs

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BRKPOINT = os.path.join(ROOT, "brkpoint").encode()
PROBES = os.path.join(ROOT, "tests", "probes")
LIMIT_S = 300

Done = namedtuple("Done", "status out err")  # status: as subprocess has it, negative for a signal
needed = [tool for tool in ("gcc", "gdb") if not shutil.which(tool)]


def build(folder, name, *flags):
    """Compile tests/probes/NAME.c; the path of the program, bytes."""
    path = os.path.join(str(folder), name)
    source = os.path.join(PROBES, name + ".c")
    subprocess.run(["gcc", "-o", path, source, *flags], check=True)
    return path.encode()


def watched(*words, options=(), trace=None):
    """The words of a run of `words` under brkpoint, gdb in it where no engine is named."""
    chosen = [b"-o", os.fsencode(trace)] if trace else []
    if b"--engine" not in options:
        chosen += [b"--engine", b"breakpoints"]
    return [BRKPOINT, b"run", b"--quiet", *options, *chosen, b"--", *words]


def start(words, environment=None, prepare=None, path=None):
    """Fork and execve with exactly these bytes; returns (pid, output file, error file)."""
    entries = environment if environment is not None else current_environment()
    out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
    argv = (ctypes.c_char_p * (len(words) + 1))(*words, None)
    envp = (ctypes.c_char_p * (len(entries) + 1))(*entries, None)
    libc = ctypes.CDLL(None)
    pid = os.fork()
    if pid == 0:
        try:
            for number in (signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_DFL)  # Python ignores them
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            os.closerange(3, 256)
            if prepare:
                prepare()
            libc.execve(path or words[0], argv, envp)
        finally:
            os._exit(99)
    return pid, out, err


def finish(started, limit_s=LIMIT_S):
    """Wait for what `start` gave; Done. Kills what takes too long."""
    pid, out, err = started
    until = time.monotonic() + limit_s
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
            until += limit_s
        time.sleep(0.01)
    texts = [_content(file) for file in (out, err)]
    return Done(os.waitstatus_to_exitcode(status), *texts)


def _content(file):
    file.seek(0)
    with file:
        return file.read()


def run(words, environment=None, prepare=None, path=None):
    return finish(start(words, environment, prepare, path))


def current_environment():
    return [key + b"=" + value for key, value in os.environb.items()]


def marked(marker):
    """The processes that have the entry `marker` (bytes) in their environment, [pid]; zombies have
    none."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/environ" % name, "rb") as file:
                if marker in file.read().split(b"\0"):
                    found.append(int(name))
        except OSError:
            continue
    return found


def descendants(pid):
    """The live processes below `pid`, by parent."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name, "rb") as file:
                parents[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
        except OSError:
            continue
    found = [pid]
    for parent in found:
        found += [child for child, above in parents.items() if above == parent]
    return found[1:]


def wait_for(condition, limit_s=LIMIT_S):
    """Until condition() is true; its value. Raises AssertionError after `limit_s`."""
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("did not happen within %g s" % limit_s)


def descendant(pid, name):
    """The number of a process below `pid` that has this name, as soon as there is one: it gives
    itself its name only once it runs."""
    return wait_for(lambda: next((p for p in descendants(pid) if name_of(p) == name), None))


def gone(pids, limit_s=LIMIT_S):
    """Whether all of `pids` end within the limit (zombies have ended)."""

    def none_left():
        return not any(_runs(pid) for pid in pids)

    try:
        return wait_for(none_left, limit_s)
    except AssertionError:
        return False


def _runs(pid):
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False


def name_of(pid):
    """As the kernel cuts it; "" where it has ended, and of what is about to become the target. In
    an exec the memory changes before the name, and the words are there last (fs/exec.c): the name
    is that of the words where these are the same before and after it is read. Else it is nobody:
    a starter, for one, that still has the words of brkpoint and already the recorder's name."""
    try:
        words = words_of(pid)
        with open("/proc/%d/comm" % pid) as file:
            name = file.read().strip()
        if words == [b""] or words[1:2] == [b"--start"] or words != words_of(pid):
            return ""
        return name
    except OSError:
        return ""


def words_of(pid):
    """[b""] where it has none: it has ended, or is in an exec."""
    with open("/proc/%d/cmdline" % pid, "rb") as file:
        return file.read().split(b"\0")


def state_of(pid):
    with open("/proc/%d/stat" % pid, "rb") as file:
        return file.read().rpartition(b")")[2].split()[0]


def report(folder):
    """What `brkpoint report` says of the trace t.brkpoint in `folder`."""
    return json.loads(verbs.said("report", folder / "t.brkpoint", "--json"))


class Terminal:
    """A program in the foreground of a terminal of its own."""

    def __init__(self, words):
        self.pid, self.end = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            os.execv(words[0], words)
        self.text = b""

    def expect(self, wanted, times=1):
        def seen():
            if select.select([self.end], [], [], 0.05)[0]:
                self.text += os.read(self.end, 4096)
            return self.text.count(wanted) >= times

        wait_for(seen)

    def type(self, keys):
        os.write(self.end, keys)

    def status(self):
        """The wait status; what is still written is read, or the terminal blocks."""
        pid = 0
        while not pid:
            self._read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        while self._read(1):  # what it wrote just before its end comes a moment after it
            pass
        os.close(self.end)
        return os.waitstatus_to_exitcode(status)

    def _read(self, seconds):
        """Whether there was something to read in that time."""
        if not select.select([self.end], [], [], seconds)[0]:
            return False
        try:
            more = os.read(self.end, 4096)
        except OSError:  # nobody has its other end any more
            return False
        self.text += more
        return bool(more)


def stop(pid):
    """It stands still from now on: SIGSTOP alone is only on its way."""
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: state_of(pid) in b"tT")


def cpu_of(pid):
    """Seconds of CPU that the process has used."""
    with open("/proc/%d/stat" % pid, "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
