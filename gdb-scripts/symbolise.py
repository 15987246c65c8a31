"""What the parent gives to `gdb -x` for symbols: no process, files only, then the end of gdb.

Works in the current folder: request.json in, answer.jsonl out (alloctrace/symbols/gdb.py).
"""

import ctypes
import os
import signal
import sys
import traceback

import gdb

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))


_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main():
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # not to outlive a killed parent
    try:
        from brkpoint_gdb import symbol_lookup

        symbol_lookup.run("request.json", "answer.jsonl")
        return 0
    except Exception:
        traceback.print_exc()
        return 3


# An exception in a script leaves gdb's exit status 0: quit with a status of our own.
gdb.execute("quit %d" % main())
