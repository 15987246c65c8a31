"""Where trace-scripts/ is: it has a hyphen and is no package, so its directory goes to where
modules are found. Whoever imports brkpoint_trace asks for it here first."""

from __future__ import annotations

import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
_SCRIPTS = os.path.join(TOP, "trace-scripts")


def find() -> None:
    """From now on `import brkpoint_trace` works."""
    if _SCRIPTS not in sys.path:
        sys.path.append(_SCRIPTS)
