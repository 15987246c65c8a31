"""How the engine's own gdb is set up. It is never a person's session."""

from __future__ import annotations

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
)


def apply():
    for setting in SETTINGS:
        gdb.execute("set " + setting, to_string=True)
    # SIGTRAP stays gdb's: passing it would hand the target our own breakpoints (facts: engine.py).
    for signals in ("all", "SIGINT"):
        gdb.execute("handle %s nostop noprint pass" % signals, to_string=True)


def do(command):
    """Run a gdb command and throw its words away.

    They may name a file in bytes that are no UTF-8; gdb's Python then fails after the command has
    been done.
    """
    try:
        gdb.execute(command, to_string=True)
    except UnicodeDecodeError:
        pass
