"""The recorder as a child of brkpoint: the program outside the target that plants and drains."""

from __future__ import annotations

import os

from alloctrace import allocators, cache_folder

from .child import Child
from .errors import EngineError, shown
from .gdb_program import ENVIRONMENT
from .observer import Observer, last_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from alloctrace.allocators import Named
    from .launch import Options

_TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
_PLACES = ("build/recorder/brkpoint-recorder", "recorder/brkpoint-recorder")
_PATIENCE_S = 60  # for counting what is left in a memory file: at most all of it is read once
MEMORY_NAME = b"brkpoint-recorder"  # of the memory that it shares with the program, in maps too
COMM = "brkpoint-record"  # as the kernel names its process: 15 characters
_USAGE = 2  # its exit status where it is told nothing
DOES_NOT_RUN = (
    "the recorder does not run here (built on another system?): "
    "rm -r build/recorder && make recorder"
)
NOT_PLANTED = 4  # its exit status where the target was ended before its first instruction


def find() -> str | None:
    """The path of the program, None where it is not built."""
    for place in _PLACES:
        path = os.path.join(_TOP, place)
        if os.access(path, os.X_OK):
            return path
    return None


def is_running_here() -> bool:
    """Whether it can be started: one that was built on another system may lack its libraries."""
    import subprocess  # only now: each run that is watched finds out for less

    no = subprocess.DEVNULL
    try:
        done = subprocess.run([find() or ""], stdin=no, stdout=no, stderr=no, env=ENVIRONMENT)
        return done.returncode == _USAGE
    except OSError:
        return False


def _listed(also: Sequence[Named]) -> int:
    """A memory file with the names that count as allocator functions (findings/watched.c)."""
    file = os.memfd_create("brkpoint-names")
    text = "".join(allocators.line(named) + "\n" for named in allocators.watched(also))
    os.write(file, text.encode("ascii"))
    return file


def words(options: Options) -> list[str]:
    """What it is told on its command line; `options`: launch.Options."""
    told = [] if options.symbols else ["no-symbols"]
    told += ["clock=%d" % options.clock] if options.clock else []
    told += ["may-refuse"] if options.may_refuse else []
    if options.cache_dir and cache_folder.make(options.cache_dir):
        told.append("cache=" + options.cache_dir)
    return told + (["keep=totals"] if options.keep == "totals" else [])


def start(pid: int, spool: str, options: Options, *more: str) -> Recorder:
    """Start it for the process `pid`, to record into `spool`; `more`: further words."""
    path = find()
    if path is None:
        raise EngineError("the recorder is not built: make recorder", "")
    area = os.memfd_create(MEMORY_NAME.decode())
    log = os.memfd_create("brkpoint-recorder-log")
    ready, ready_write = os.pipe()
    go_read, go = os.pipe()
    names = _listed(options.also)
    fds = [area, ready_write, go_read]
    told = ["parent=%d" % os.getpid(), "names=%d" % names]  # it prepares itself: no fork
    command = [path, str(pid), spool, *map(str, fds), *told, *words(options), *more]
    process = Child(command, ENVIRONMENT, log, fds + [names])
    for descriptor in [ready_write, go_read, names]:
        os.close(descriptor)
    return Recorder((process, ready, log), path, area, go)


class Recorder(Observer):
    """The recorder; `area`: the memory that it shares with the target; `go`: held until the end, so
    that it sees by it that we live."""

    name = "the recorder"
    keeps_target = True

    def __init__(self, started: tuple[Child, int, int], path: str, area: int, go: int) -> None:
        super().__init__(*started)
        self._path, self._area, self._go = path, area, go

    def configure(self, program: bytes) -> None:
        try:
            os.write(self._go, b"G")
        except BrokenPipeError:
            pass

    def why_not(self, said: str) -> EngineError:
        return EngineError(last_line(said)) if last_line(said) else super().why_not(said)

    def refusal(self, status: int, said: str) -> str | None:
        if status == NOT_PLANTED:
            return shown(last_line(said) or "for an unknown reason")
        return None

    def recorded(self) -> int | None:
        """By the memory that it shares with the target: what the spool has not of it is lost."""
        import subprocess  # only now: it has died

        words = [self._path, "--unread", str(self._area)]
        how: dict[str, Any] = {"capture_output": True, "env": ENVIRONMENT, "pass_fds": [self._area]}
        try:
            done = subprocess.run(words, check=True, timeout=_PATIENCE_S, **how)
        except subprocess.SubprocessError:
            return None
        taken, unread, moved = map(int, done.stdout.split())
        return None if moved else taken + unread

    def close(self) -> None:
        super().close()
        os.close(self._go)
        os.close(self._area)
