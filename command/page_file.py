"""Writing a page, and showing it in a browser where there is one."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile

from alloctrace.trace import EXTENSION

from . import heritage
from .errors import UserError, shown

_OPENERS = ("xdg-open", "x-www-browser")


def beside(trace):
    """The name of a trace's page."""
    stem = trace[: -len(EXTENSION)] if trace.endswith(EXTENSION) else trace
    return stem + ".html"


def write(path, text):
    """Whole or not at all; 0. What is no regular file (`/dev/stdout`) is written as it is."""
    try:
        if os.path.lexists(path) and not os.path.isfile(path):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        else:
            _replace(os.path.realpath(path), text)
    except OSError as error:
        raise UserError("cannot write %s: %s" % (shown(path), error.strerror)) from None
    return 0


def _replace(path, text):
    folder, name = os.path.split(path)
    descriptor, temporary = tempfile.mkstemp(prefix=".%s." % name[:100], suffix=".tmp", dir=folder)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            mask = os.umask(0)
            os.umask(mask)
            os.fchmod(file.fileno(), 0o666 & ~mask)
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def open_in_browser(path):
    """Whether a browser was asked to show the page: one with windows, not one in this terminal."""
    entries = heritage.environment()
    if not any(heritage.variable(entries, name) for name in (b"DISPLAY", b"WAYLAND_DISPLAY")):
        return False
    opener = next(filter(None, map(shutil.which, _OPENERS)), None)
    if opener is None:
        return False
    nothing = subprocess.DEVNULL
    command = [opener, os.path.abspath(path)]
    with contextlib.suppress(OSError):
        subprocess.Popen(
            command, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
        )
        return True
    return False
