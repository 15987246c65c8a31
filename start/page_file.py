"""Writing a page, and showing it in a browser where there is one."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess

from alloctrace import leftovers
from alloctrace.trace.trace import EXTENSION

from . import heritage
from .errors import UserError, shown

_OPENERS = ("xdg-open", "x-www-browser")


def beside(trace: str) -> str:
    """The name of a trace's page."""
    stem = trace[: -len(EXTENSION)] if trace.endswith(EXTENSION) else trace
    return stem + ".html"


def write(path: str, text: str) -> None:
    """Whole or not at all. What is no regular file (`/dev/stdout`) is written as it is."""
    try:
        if os.path.lexists(path) and not os.path.isfile(path):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        else:
            _replace(os.path.realpath(path), text)
    except OSError as error:
        raise UserError("cannot write %s: %s" % (shown(path), error.strerror)) from None


def _replace(path: str, text: str) -> None:
    folder, name = os.path.split(path)
    with leftovers.file(folder, name) as temporary:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)


def open_in_browser(path: str) -> None:
    """Ask a browser to show the page: one with windows, not one in this terminal."""
    entries = heritage.environment()
    if not any(heritage.variable(entries, name) for name in (b"DISPLAY", b"WAYLAND_DISPLAY")):
        return
    openers = [found for found in map(shutil.which, _OPENERS) if found]
    if not openers:
        return
    nothing = subprocess.DEVNULL
    command = [openers[0], os.path.abspath(path)]
    with contextlib.suppress(OSError):
        subprocess.Popen(
            command, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
        )
