"""The recorder as a child of brkpoint: the program outside the target that plants and drains."""

from __future__ import annotations

import os
import subprocess

from alloctrace import allocators

from . import tracer
from .errors import EngineError

_TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
_PLACES = ("build/recorder/brkpoint-recorder", "recorder/brkpoint-recorder")
_PATIENCE_S = 60  # for counting what is left in a memory file: at most all of it is read once
NOT_PLANTED = 4  # its exit status where the target was ended before its first instruction


def find():
    """The path of the program, None where it is not built."""
    for place in _PLACES:
        path = os.path.join(_TOP, place)
        if os.access(path, os.X_OK):
            return path
    return None


def _listed(also):
    """A memory file with the names that count as allocator functions: host/watched.c reads it."""
    file = os.memfd_create("brkpoint-names")
    text = "".join(allocators.line(named) + "\n" for named in allocators.watched(also))
    os.write(file, text.encode("ascii"))
    return file


class Recorder:
    """As tracer.Tracer, for command/launch.py."""

    def __init__(self, pid, spool, options=(), also=()):
        path = find()
        if path is None:
            raise EngineError("the recorder is not built: make recorder", "")
        self._path, self._area = path, os.memfd_create("brkpoint-recorder")
        self.ready, ready_write = os.pipe()
        go_read, self._go = os.pipe()
        self.log = os.memfd_create("brkpoint-recorder-log")
        names = _listed(also)
        fds = [self._area, ready_write, go_read]
        told = ["parent=%d" % os.getpid(), "names=%d" % names]  # it prepares itself: no fork
        self.process = subprocess.Popen(
            [path, str(pid), spool, *map(str, fds), *told, *options],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            env=tracer.ENVIRONMENT,
            cwd="/",
            pass_fds=fds + [names],
            start_new_session=True,  # Ctrl-C at the terminal is for the target
        )
        for descriptor in [ready_write, go_read, names]:
            os.close(descriptor)

    def configure(self, config):
        """The target allows it to attach now."""
        try:
            os.write(self._go, b"G")
        except BrokenPipeError:
            pass  # it is gone: the wait for its byte will say so

    def recorded(self):
        """How many events were recorded, by the memory that it shares with the target; None: nobody
        can say. For when it has died: those that the spool has not are lost."""
        words = [self._path, "--unread", str(self._area)]
        how = {"capture_output": True, "env": tracer.ENVIRONMENT, "pass_fds": [self._area]}
        try:
            done = subprocess.run(words, check=True, timeout=_PATIENCE_S, **how)
        except subprocess.SubprocessError:
            return None
        taken, unread, moved = map(int, done.stdout.split())
        return None if moved else taken + unread

    def close(self):
        os.close(self._go)  # it is held until now: the recorder sees by it that we live
        os.close(self._area)
