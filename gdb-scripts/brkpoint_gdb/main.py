"""Runs an engine from the configuration that the parent wrote; docs/architecture.md."""

from __future__ import annotations

import json
import os
import traceback


def main(engine_class):
    """The exit status for gdb: 0, or 3 when the engine failed (its log tells how)."""
    with open(os.environ["BRKPOINT_ENGINE_CONFIG"], encoding="ascii") as file:
        engine = engine_class(json.load(file))
    try:
        engine.run()
        return 0
    except Exception as error:
        traceback.print_exc()
        engine.give_up(error)
        return 3
    finally:
        if engine.file.error is not None:
            print("brkpoint: cannot write the spool: %s" % engine.file.error)
