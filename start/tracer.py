"""gdb as a child of brkpoint: alone in its session, with an environment and settings of our own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

from alloctrace import allocators
from alloctrace.elf import debug as elf_debug
from alloctrace.elf.debug import DEBUG_ROOTS
from alloctrace.elf.elf import ElfError, ElfFile

from . import gdb_program, surroundings, target
from .errors import EngineError, UserError, shown
from .observer import Observer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .launch import Options

ENGINE = os.path.join(
    os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "gdb-scripts", "engine.py"
)
_PR_SET_PDEATHSIG = 1
# Its exit statuses: of its own, and of gdb-scripts/brkpoint_gdb/main.py.
_CRASHED, _ENGINE_FAILED, _LET_GO = 1, 3, 5
_FAILED = "brkpoint: gdb could not go on: "
_HIDES_A_CHILD = (
    "it makes a child (clone) that breakpoints would kill, as LeakSanitizer does at its end:"
    " let go there"
)

# What must hold before gdb looks at any file of the target's.
SETTINGS = (
    "startup-with-shell off",
    "debuginfod enabled off",
    "auto-load no",
    "auto-load safe-path /nonexistent",
    "debug-file-directory /nonexistent",
    "auto-solib-add off",
    "style enabled off",
    "confirm off",
    "pagination off",
    "history save off",
)


class Gdb(Observer):
    """gdb, with an engine of ours in it."""

    name = "gdb"

    def __init__(
        self, started: tuple[subprocess.Popen[bytes], int, int], config: int, told: dict[str, Any]
    ) -> None:
        super().__init__(*started)
        self._config, self._told = config, told

    def configure(self, program: bytes) -> None:
        told = dict(self._told, program=_text(program))
        try:
            with open(self._config, "wb") as file:
                file.write(json.dumps(told).encode("ascii"))
        except BrokenPipeError:
            pass

    def why_not(self, said: str) -> EngineError:
        too_old = re.search("gdb .* made no catchpoint of: .*", said)
        if too_old:
            return EngineError(too_old[0])
        if "Python scripting is not supported" in said:
            return EngineError("this gdb has no Python: apt-get install gdb (not gdb-minimal)")
        few = surroundings.too_few_addresses(self.name)
        return EngineError(few) if few else super().why_not(said)

    def left(self, status: int) -> str | None:
        return _HIDES_A_CHILD if status == _LET_GO else None

    def failure(self, status: int, said: str) -> str | None:
        if status == _ENGINE_FAILED and _FAILED in said:
            return "gdb could not go on: %s" % shown(said.strip().rpartition(_FAILED)[2])
        return "gdb crashed" if status == _CRASHED else None

    def is_told(self, said: str) -> bool:
        return _FAILED in said and "Traceback" not in said


def start(pid: int, spool: str, options: Options) -> Gdb:
    """Start gdb for the process `pid`, to record into `spool`; `options`: launch.Options."""
    config_read, config_write = os.pipe()
    ready_read, ready_write = os.pipe()
    log = os.memfd_create("brkpoint-gdb-log")
    environment = dict(
        gdb_program.ENVIRONMENT, BRKPOINT_ENGINE_CONFIG="/proc/self/fd/%d" % config_read
    )
    live_fd = [_live_copy()] if options.live else []
    process = subprocess.Popen(
        _command(options.engine or ENGINE),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=environment,
        cwd="/",
        pass_fds=[config_read, ready_write] + live_fd,
        start_new_session=True,  # Ctrl-C at the terminal is for the target
        preexec_fn=_prepare(os.getpid()),
    )
    for descriptor in [config_read, ready_write] + live_fd:
        os.close(descriptor)
    told = dict(_told(pid, spool, options), ready_fd=ready_write)
    told["live_fd"] = live_fd[0] if live_fd else None
    return Gdb((process, ready_read, log), config_write, told)


def _told(pid: int, spool: str, options: Options) -> dict[str, Any]:
    """What the engine is told: docs/architecture.md."""
    return {
        "pid": pid,
        "spool": _text(os.fsencode(spool)),
        "also": [allocators.plain(named) for named in options.also],
        "options": {
            "live": options.live,
            "symbols": options.symbols,
            "cache_dir": options.cache_dir,
        },
    }


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def check_debug_files(path: str) -> None:
    """Raises UserError where gdb would wait for ever, or read for long, before it watches."""
    try:
        with ElfFile(path) as elf:
            unfit = elf_debug.unfit(elf, DEBUG_ROOTS)
    except (ElfError, OSError):
        return  # gdb will say what it makes of it
    if unfit is not None:
        text = "gdb would look for debug information in %s, which is no ordinary file: remove it"
        raise UserError(text % shown(unfit))


def _command(engine: str) -> list[str]:
    command = [gdb_program.find(), *gdb_program.WORDS]
    for setting in SETTINGS:
        command += ["-iex", "set " + setting]
    return command + ["-x", engine]


def _live_copy() -> int:
    return os.dup(sys.stderr.fileno())


def _prepare(parent: int) -> Callable[[], None]:
    """What gdb's process does before its exec: die with us, be free of our mask."""
    libc = target.libc()

    def before_exec() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
        os.umask(0o077)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a full file is an error to report
        # gdb would take it for a person's and drop what it is doing; it never lets go its handler
        signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGINT])

    return before_exec
