"""What people source in their own gdb: `source gdb-scripts/brkpoint.py`, then `help alloc`."""

import os
import sys

_HERE = os.path.dirname(os.path.realpath(__file__))
for folder in (os.path.dirname(_HERE), _HERE):
    if folder not in sys.path:
        sys.path.insert(0, folder)

from brkpoint_gdb import commands  # noqa: E402

commands.register()
