"""What the parent gives to `gdb -x`: runs the breakpoint engine and always ends gdb by itself.

The environment variable BRKPOINT_ENGINE_CONFIG names a JSON file (docs/architecture.md).
"""

import json
import os
import sys
import traceback

import gdb

_HERE = os.path.dirname(os.path.realpath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [_HERE, os.path.dirname(_HERE)]


def main():
    from brkpoint_gdb.engine import Engine

    with open(os.environ["BRKPOINT_ENGINE_CONFIG"], encoding="ascii") as file:
        config = json.load(file)
    engine = Engine(config)
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


# An exception in a script leaves gdb's exit status 0: quit with a status of our own.
gdb.execute("quit %d" % main())
