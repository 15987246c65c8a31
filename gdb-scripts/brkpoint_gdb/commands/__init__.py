"""The commands inside gdb, one file each. This is the list of them; importing has no effects."""

from __future__ import annotations

from .. import functions, parameters
from .alloc import Alloc
from .diff import Diff
from .phase import Phase
from .report import Report
from .trace import Trace
from .where import Where
from .why import Why

COMMANDS = (Alloc, Trace, Where, Why, Phase, Report, Diff)


def register():
    """Make everything known to gdb, also a second time."""
    for command in COMMANDS:
        command()
    parameters.register()
    functions.register()
