"""Where gdb is, and how every gdb of ours is started: nothing of the user's environment reaches it.

PYTHONPATH, PYTHONHOME or GDBHISTFILE of whoever runs brkpoint would run a stranger's code in gdb,
or keep it from starting.
"""

from __future__ import annotations

import os

from .errors import UserError

# -nx -nh: no gdbinit of anybody's.
WORDS = ("-nx", "-nh", "-batch", "-q")

ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "TERM": "dumb",
    "DEBUGINFOD_URLS": "",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONNOUSERSITE": "1",
}

_FOLDERS = ("/usr/local/bin", "/usr/bin", "/bin")  # where PATH has no gdb


def find() -> str:
    """The path of gdb; raises UserError where there is none."""
    folders = [*os.environ.get("PATH", "").split(":"), *_FOLDERS]
    paths = (os.path.join(folder, "gdb") for folder in folders if folder)
    path = next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), None)
    if path is None:
        raise UserError("gdb is not installed: apt-get install gdb (or see brkpoint doctor)")
    return path
