"""gdb as a child of brkpoint: alone in its session, with an environment and settings of our own."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections import namedtuple

from alloctrace import elf_debug
from alloctrace.elf import ElfError, ElfFile
from alloctrace.elf_debug import DEBUG_ROOTS
from alloctrace.gdb_start import ENVIRONMENT, WORDS

from . import surroundings, target
from .errors import EngineError, UserError, shown

ENGINE = os.path.join(
    os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "gdb-scripts", "engine.py"
)
UNKNOWN = "gdb could not attach to the program"
ATTACHED = b"A"  # sent by the engine when the target may exec
_PR_SET_PDEATHSIG = 1
_LOG_TAIL = 65536  # bytes of gdb's own words that are kept
_LOG_LIMIT = 8 << 20  # bytes of memory that gdb's words may take
_RECORDER = "brkpoint-recorder"
_PATIENCE = 60  # seconds for gdb to start and attach, on a loaded machine

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

# process: Popen; ready: read end, one byte from the engine; log: memory file of gdb's output.
Tracer = namedtuple("Tracer", "process ready log configure")


def find_gdb():
    """The path of gdb; raises UserError where there is none."""
    folders = [*os.environ.get("PATH", "").split(":"), "/usr/local/bin", "/usr/bin", "/bin"]
    paths = (os.path.join(folder, "gdb") for folder in folders if folder)
    path = next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), None)
    if path is None:
        raise UserError("gdb is not installed: apt-get install gdb (or see brkpoint doctor)")
    return path


def start(engine=ENGINE, live=False):
    """Start gdb; it waits for its configuration. Returns Tracer.

    Configuration and log are a pipe and memory: whatever dies, no file is left.
    """
    config_read, config_write = os.pipe()
    ready_read, ready_write = os.pipe()
    log = os.memfd_create("brkpoint-gdb-log")
    environment = dict(ENVIRONMENT, BRKPOINT_ENGINE_CONFIG="/proc/self/fd/%d" % config_read)
    live_fd = [_live_copy()] if live else []
    process = subprocess.Popen(
        _command(engine),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=environment,
        cwd="/",
        pass_fds=[config_read, ready_write] + live_fd,
        start_new_session=True,  # Ctrl-C at the terminal is for the target
        preexec_fn=prepare(os.getpid()),
    )
    for descriptor in [config_read, ready_write] + live_fd:
        os.close(descriptor)
    fixed = {"ready_fd": ready_write, "live_fd": live_fd[0] if live_fd else None}
    return Tracer(process, ready_read, log, _configurer(config_write, fixed))


def check_debug_files(path):
    """Raises UserError where gdb would wait for ever, or read for long, before it watches."""
    try:
        with ElfFile(path) as elf:
            unfit = elf_debug.unfit(elf, DEBUG_ROOTS)
    except (ElfError, OSError):
        return  # gdb will say what it makes of it
    if unfit is not None:
        text = "gdb would look for debug information in %s, which is no ordinary file: remove it"
        raise UserError(text % shown(unfit))


def _command(engine):
    command = [find_gdb(), *WORDS]
    for setting in SETTINGS:
        command += ["-iex", "set " + setting]
    return command + ["-x", engine]


def _live_copy():
    return os.dup(sys.stderr.fileno())


def prepare(parent):
    """What an observer's process does before its exec: die with us, be free of our mask."""
    libc = target.libc()

    def before_exec():
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


def _configurer(descriptor, fixed):
    def configure(config):
        """Send the engine its configuration, a dict; it begins when it has read it."""
        data = json.dumps(dict(config, **fixed)).encode("ascii")
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
        except BrokenPipeError:
            pass  # gdb is gone: the wait for its byte will say so

    return configure


def wait_attached(tracer):
    """Until the engine watches the target; raises EngineError."""
    until = time.monotonic() + _PATIENCE
    while True:
        ready, _, _ = select.select([tracer.ready], [], [], max(0, until - time.monotonic()))
        if not ready:
            raise EngineError("gdb did not attach within %d seconds" % _PATIENCE, log(tracer))
        if os.read(tracer.ready, 1) == ATTACHED:
            return
        raise _why_not(tracer)


def _why_not(tracer):
    tracer.process.wait(_PATIENCE)
    said = log(tracer)
    around = surroundings.said_by("the recorder" if _RECORDER in said else "gdb", said)
    if around is not None:
        return EngineError(around)
    why = _reason(said)
    return EngineError(why, said if why == UNKNOWN else "")  # what is known needs no log


def _reason(said):
    if "Operation not permitted" in said:
        return "gdb may not attach: ptrace is not permitted here; `brkpoint doctor` says why"
    if _RECORDER in said:
        return said.strip().splitlines()[-1]
    too_old = re.search("gdb .* shows no catchpoints to Python.*", said)
    if too_old:
        return too_old[0]
    if "Python scripting is not supported" in said:
        return "this gdb has no Python: apt-get install gdb (not gdb-minimal)"
    return UNKNOWN


def log(tracer):
    """The last that gdb printed."""
    size = os.fstat(tracer.log).st_size
    data = os.pread(tracer.log, _LOG_TAIL, max(0, size - _LOG_TAIL))
    return data.lstrip(b"\0").decode("utf-8", "replace")


def trim_log(tracer):
    """Free what gdb has printed so far, if it is much; it writes on at its own offset."""
    if os.fstat(tracer.log).st_blocks * 512 > _LOG_LIMIT:
        os.ftruncate(tracer.log, 0)


def close(tracer):
    """End gdb if it still runs, and free what belongs to it."""
    if tracer.process.poll() is None:
        tracer.process.kill()
        tracer.process.wait()
    os.close(tracer.ready)
    os.close(tracer.log)
