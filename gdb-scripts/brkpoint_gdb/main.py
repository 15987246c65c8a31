"""Runs an engine from the configuration that the parent wrote; docs/architecture.md."""

from __future__ import annotations

import json
import os
import traceback

import gdb

from alloctrace.elf.image import ElfError

FAILED = "brkpoint: gdb could not go on: "
LET_GO = 5  # a child that breakpoints would kill: let go before its end; start/tracer.py


def main(engine_class):
    """The exit status for gdb: 0; 3 when the engine failed (its log tells how); LET_GO.

    What gdb or a reader of files throws at a stop is the target's: a damaged file, memory that is
    gone. Then the last line of the log says so (FAILED, start/why.py); else it is our fault.
    """
    with open(os.environ["BRKPOINT_ENGINE_CONFIG"], encoding="ascii") as file:
        engine = engine_class(json.load(file))
    try:
        engine.run()
        return LET_GO if engine.has_let_go else 0
    except Exception as error:
        if not isinstance(error, (gdb.error, ElfError, OSError)):
            traceback.print_exc()
        engine.give_up(error)
        print(FAILED + " ".join(str(error).split()))
        return 3
    finally:
        if engine.file.error is not None:
            print("brkpoint: cannot write the spool: %s" % engine.file.error)


def leave(status):
    """End gdb, which would not give a script's status by itself; the target runs on."""
    try:
        if gdb.selected_inferior().pid:
            gdb.execute("detach", to_string=True)
    except gdb.error:
        pass
    gdb.flush()
    os._exit(status)
