#!/usr/bin/python3
"""box.py RESULT LIMIT_S USER [NAME=VALUE...] -- WORD...: a command and all that it starts.

Runs it to its end. RESULT gets one JSON object: `status` (negative: a signal), `cpu` and `wall` in
seconds (`cpu`: of all that it started, too), `left` (names of processes that outlived it by more
than a moment), `hung` (what ran, and how much CPU it had, where the limit was reached; else null).
The limit: seconds of CPU of all together, or five times as many by the clock.
USER: a name to run it as, where we are root; "-" for ourselves. NAME=VALUE: for the command's
environment, and not for the box's. Nothing survives the box.
"""

import ctypes
import json
import os
import pwd
import resource
import signal
import subprocess
import sys
import time

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
GRACE_S = 3  # for what is about to end by itself
SLOW = 5  # of a busy machine: so many times the limit by the clock


def main(result, limit_s, user, *rest):
    split = rest.index("--")
    more, words = dict(entry.split("=", 1) for entry in rest[:split]), rest[split + 1 :]
    signal.signal(signal.SIGTERM, _end)
    prctl = ctypes.CDLL(None).prctl
    if prctl(_PR_SET_PDEATHSIG, signal.SIGTERM) or prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError("prctl")
    began = time.monotonic()
    child = subprocess.Popen(words, env=dict(os.environ, **more), preexec_fn=_becoming(user))
    hung = None
    while child.poll() is None and not hung:
        _reap_orphans(child)
        time.sleep(min(0.02, (time.monotonic() - began) / 10))
        if time.monotonic() - began > float(limit_s) / 2:
            hung = _over(began, float(limit_s))
    wall = time.monotonic() - began
    left = [] if hung else _left_after(GRACE_S)
    _end_all(child)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = {"status": child.returncode, "cpu": usage.ru_utime + usage.ru_stime, "wall": wall}
    with open(result, "w", encoding="utf-8") as file:
        json.dump(dict(found, left=left, hung=hung), file)


def _reap_orphans(child):
    """As init would; the command itself is for `child.poll`."""
    while True:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is None or found.si_pid == child.pid:
            return
        os.waitpid(found.si_pid, 0)


def _over(began, limit_s):
    """What still runs, where the limit is reached; else None. Looks once in a second."""
    time.sleep(1)
    alive = descendants(os.getpid())
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = spent.ru_utime + spent.ru_stime + sum(_cpu(pid) for pid in alive)
    if alive and (cpu > limit_s or time.monotonic() - began > SLOW * limit_s):
        return [_shown(pid) for pid in alive]
    return None


def _becoming(user):
    """What the child does before it execs, or None."""
    if user == "-" or os.getuid():
        return None
    entry = pwd.getpwnam(user)

    def become():
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)

    return become


def _end(*_):
    for pid in descendants(os.getpid()):
        _kill(pid)
    sys.exit(1)


def _left_after(grace_s):
    """The names of processes that are still there when the grace is over; reaps the others."""
    until = time.monotonic() + grace_s
    while True:
        _reap()
        alive = descendants(os.getpid())
        if not alive or time.monotonic() > until:
            return sorted(_field(pid, "comm") for pid in alive)
        time.sleep(0.02)


def _end_all(child):
    until = time.monotonic() + 30
    while time.monotonic() < until:
        alive = descendants(os.getpid())
        for pid in alive:
            _kill(pid)
        if child.returncode is None:
            child.poll()
        _reap()
        if not alive:
            return
        time.sleep(0.02)


def _reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def descendants(pid):
    """The processes below `pid` that are no zombies, by parent."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        fields = _stat(name)
        if fields:
            parents[int(name)] = int(fields[1]), fields[0]
    found = [pid]
    for above in found:
        found += [child for child, (parent, _) in parents.items() if parent == above]
    return [one for one in found[1:] if parents[one][1] not in "ZX"]


def _stat(pid):
    """The fields of /proc/PID/stat behind the name: state, parent, …; None when it is gone."""
    text = _field(pid, "stat")
    return text.rpartition(")")[2].split() if text else None


def _field(pid, name):
    try:
        with open("/proc/%s/%s" % (pid, name), encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _shown(pid):
    """`brkpoint-record R 71.2 s`: a name, its state, its CPU time."""
    fields = _stat(pid)
    return "%s %s %.1f s" % (_field(pid, "comm"), fields[0], _cpu(pid)) if fields else "gone"


def _cpu(pid):
    """Seconds of a process and of those that it has waited for."""
    fields = _stat(pid)
    ticks = sum(map(int, fields[11:15])) if fields else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
