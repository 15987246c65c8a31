"""Where gdb is."""

from __future__ import annotations

import os

from .errors import UserError

_FOLDERS = ("/usr/local/bin", "/usr/bin", "/bin")  # where PATH has no gdb


def find() -> str:
    """The path of gdb; raises UserError where there is none."""
    folders = [*os.environ.get("PATH", "").split(":"), *_FOLDERS]
    paths = (os.path.join(folder, "gdb") for folder in folders if folder)
    path = next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), None)
    if path is None:
        raise UserError("gdb is not installed: apt-get install gdb (or see brkpoint doctor)")
    return path
