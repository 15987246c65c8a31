"""/proc/PID/maps of a program at its first instruction and at its last, with no debugger.

The program is stopped by the kernel at its exec and at the beginning of its exit, when its memory
is still there (ptrace(2): PTRACE_TRACEME, PTRACE_EVENT_EXEC, PTRACE_EVENT_EXIT).
"""

from __future__ import annotations

import ctypes
import os
import signal

from alloctrace.elf import maps

_TRACEME, _CONT, _SETOPTIONS = 0, 7, 0x4200  # linux/ptrace.h
_TRACECLONE, _TRACEEXEC, _TRACEEXIT, _EXITKILL = 1 << 3, 1 << 4, 1 << 6, 1 << 20
_OPTIONS = _TRACECLONE | _TRACEEXEC | _TRACEEXIT | _EXITKILL
_EVENT_CLONE, _EVENT_EXEC, _EVENT_EXIT = 3, 4, 6
_ALL = 0x40000000  # __WALL: threads too
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


class ProbeError(Exception):
    """The program could not be stopped. One line."""


def probe(argv):
    """{"start": [Mapping], "end": [Mapping] or None, "images": N, "status": wait status}.

    `start` and `end` are those of the last program that the process executed.
    """
    pid = os.fork()
    if pid == 0:
        _become(argv)
    found = {"start": None, "end": None, "images": 0}
    try:
        found["status"] = _follow(pid, found)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    if not found["images"]:
        raise ProbeError("ptrace is not permitted here; `brkpoint doctor` says why")
    return found


def _become(argv):
    try:
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)  # Python ignores them
        _libc.ptrace(_TRACEME, 0, None, None)
        os.execvp(argv[0], argv)
    finally:
        os._exit(127)


def _follow(pid, found):
    """Continue the process and its threads from stop to stop; its wait status.

    Threads are followed because one of them may execute a program, or be the last to end.
    """
    known = {pid}
    while True:
        tid, status = os.waitpid(-1, _ALL)
        if not os.WIFSTOPPED(status):
            if tid == pid:
                return status
            continue
        passed = _at_stop(tid, status, found, tid not in known)
        known.add(tid)
        _libc.ptrace(_CONT, tid, None, passed)


def _at_stop(tid, status, found, is_new):
    """Look at the stopped thread; the signal that it shall get."""
    event, number = status >> 16, os.WSTOPSIG(status)
    if event == _EVENT_EXIT:
        found["end"] = _mappings(tid)
    elif event == _EVENT_EXEC or not found["images"]:  # the first stop is that of its own exec
        if not found["images"]:
            _libc.ptrace(_SETOPTIONS, tid, None, _OPTIONS)
        found["images"] += 1
        found["start"], found["end"] = _mappings(tid), None
    elif event != _EVENT_CLONE and not (is_new and number == signal.SIGSTOP):
        return number
    return 0


def _mappings(pid):
    with open("/proc/%d/maps" % pid, "rb") as file:
        return maps.parse_maps(file.read())


def as_dict(mapping):
    """A mapping for JSON; addresses in hexadecimal."""
    made = mapping._asdict()
    made.update(start=hex(mapping.start), end=hex(mapping.end))
    made["path"] = mapping.path.decode("utf-8", "surrogateescape")
    return made


def from_dict(data):
    """The Mapping that `as_dict` wrote."""
    path = data["path"].encode("utf-8", "surrogateescape")
    ends = int(data["start"], 16), int(data["end"], 16)
    return maps.Mapping(*ends, data["perms"], data["offset"], data["inode"], path)
