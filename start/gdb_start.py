"""How every gdb of ours is started: nothing of the user's environment reaches it.

PYTHONPATH, PYTHONHOME or GDBHISTFILE of whoever runs brkpoint would run a stranger's code in gdb,
or keep it from starting.
"""

from __future__ import annotations

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
