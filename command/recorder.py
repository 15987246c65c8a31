"""The recorder as a child of brkpoint: the program outside the target that plants and drains."""

from __future__ import annotations

import os
import signal
import subprocess

from . import tracer
from .errors import EngineError

_TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
_PLACES = ("build/recorder/brkpoint-recorder", "recorder/brkpoint-recorder")
_HOST_GONE_AT = 12  # offset of host_gone in struct area_head, recorder/shared.h
_RECORDING_AT = 8


def find():
    """The path of the program, None where it is not built."""
    for place in _PLACES:
        path = os.path.join(_TOP, place)
        if os.access(path, os.X_OK):
            return path
    return None


class Recorder:
    """As tracer.Tracer, for command/launch.py."""

    def __init__(self, pid, spool, symbols=True, clock=None):
        path = find()
        if path is None:
            raise EngineError("the recorder is not built: make recorder", "")
        self._area = os.memfd_create("brkpoint-recorder")
        self.ready, ready_write = os.pipe()
        go_read, self._go = os.pipe()
        self.log = os.memfd_create("brkpoint-recorder-log")
        options = ([] if symbols else ["no-symbols"]) + (["clock=%d" % clock] if clock else [])
        fds = [self._area, ready_write, go_read]
        self.process = subprocess.Popen(
            [path, str(pid), spool, *map(str, fds), *options],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            env=tracer.ENVIRONMENT,
            cwd="/",
            pass_fds=fds,
            start_new_session=True,  # Ctrl-C at the terminal is for the target
            preexec_fn=tracer.prepare(os.getpid()),
        )
        os.close(ready_write)
        os.close(go_read)

    def configure(self, config):
        """The target allows it to attach now."""
        os.write(self._go, b"G")

    def gone(self):
        """The program has ended: threads of the target must not wait for it."""
        os.pwrite(self._area, b"\0\0\0\0\1\0\0\0", _RECORDING_AT)

    def close(self):
        os.close(self._area)
        os.close(self._go)

