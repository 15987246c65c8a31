"""The engine as in gdb 10, which shows Python no catchpoints: it knows them by their numbers."""

import os
import sys

_TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(_TOP, "gdb-scripts"), _TOP]

from brkpoint_gdb import main, syscalls  # noqa: E402
from brkpoint_gdb.engine import Engine  # noqa: E402

syscalls._shown = lambda before: None


class ByNumber(Engine):
    def finish(self, kind):
        self.note("a catchpoint is a %s" % type(self.exec).__name__)
        super().finish(kind)


if __name__ == "__main__":
    main.leave(main.main(ByNumber))
