"""How the engine's own gdb is set up. It is never a person's session."""

from __future__ import annotations

import os
import signal

import gdb

# The parent gives those that must hold before any file is read (-iex); these may come later.
SETTINGS = (
    "confirm off",
    "pagination off",
    "height 0",
    "width 0",
    "style enabled off",
    "print inferior-events off",
    "print thread-events off",
    "print symbol-loading off",
    "breakpoint pending on",
    "backtrace past-main on",  # else Frame.older ends at main
    "backtrace past-entry on",
    "backtrace limit unlimited",
    "detach-on-fork on",
    "follow-fork-mode parent",
    "follow-exec-mode same",
    "schedule-multiple off",
    "disassembly-flavor att",
    "unwindonsignal on",
    "auto-load libthread-db off",  # thread ids come from the kernel
    "libthread-db-search-path /nonexistent",
)


# gdb's own handlers end a run half way: the target is let go with breakpoints in it. Rather let
# gdb die at once: the parent then ends the target, and says so.
_ENDING = (signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)


def apply():
    for number in _ENDING:
        signal.signal(number, signal.SIG_DFL)
    for setting in SETTINGS:
        gdb.execute("set " + setting, to_string=True)
    # SIGTRAP stays gdb's: passing it would hand the target our own breakpoints (facts: engine.py).
    for signals in ("all", "SIGINT"):
        gdb.execute("handle %s nostop noprint pass" % signals, to_string=True)


def show_program(path, bias):
    """Give gdb the unwind tables of a program that was started as `ld-linux PROGRAM`.

    gdb takes the loader for the program, and passes over the first row of the loader's list, where
    the program stands (gdb/solib-svr4.c, svr4_current_sos_direct). The file goes by a descriptor,
    left open: a name could hold anything.
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        do("add-symbol-file /proc/self/fd/%d -o %#x" % (number, bias))
    except (OSError, gdb.error):
        pass  # without them its stacks are cut, and say so


def run_others(on):
    """Whether the threads beside the selected one run when the target goes on."""
    gdb.execute("set scheduler-locking %s" % ("replay" if on else "on"), to_string=True)


def stand_where(pid):
    """Relative names of libraries (dlopen("./plugin.so")) are the target's: stand where it stands.

    gdb began elsewhere, so that it could not read an initialisation file that lies here.
    """
    try:
        os.chdir("/proc/%d/cwd" % pid)
    except OSError:
        pass  # their stacks are cut, and say so


def do(command):
    """Run a gdb command and throw its words away.

    They may name a file in bytes that are no UTF-8; gdb's Python then fails after the command has
    been done.
    """
    try:
        gdb.execute(command, to_string=True)
    except UnicodeDecodeError:
        pass
