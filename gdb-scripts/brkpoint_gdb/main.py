"""Runs an engine from the configuration that the parent wrote; docs/architecture.md."""

from __future__ import annotations

import json
import os
import traceback


LET_GO = 5  # the program traces itself, and was let go before its end; command/watch.py


def main(engine_class):
    """The exit status for gdb: 0; 3 when the engine failed (its log tells how); LET_GO."""
    with open(os.environ["BRKPOINT_ENGINE_CONFIG"], encoding="ascii") as file:
        engine = engine_class(json.load(file))
    try:
        engine.run()
        return LET_GO if engine.has_let_go else 0
    except Exception as error:
        traceback.print_exc()
        engine.give_up(error)
        return 3
    finally:
        if engine.file.error is not None:
            print("brkpoint: cannot write the spool: %s" % engine.file.error)
