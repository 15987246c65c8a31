"""`brkpoint -p PID`: the recorder into a program that runs already, and out of it again."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import select
import signal
import time

from alloctrace.words import signal_name

from . import attachable, heritage, launch, recorder
from .errors import USAGE, EngineError, UserError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from start.launch import Options, Outcome

TICK = 0.25  # seconds between looks at the clock
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_LEAVE = 30  # seconds that taking the code out may take, before the recorder is given up
_LIMITS = (  # what is said of one, which it is, and how that of another process is raised
    ("(`ulimit -n`)", resource.RLIMIT_NOFILE, "nofile=4096"),
    ("(`ulimit -v`)", resource.RLIMIT_AS, "as=unlimited"),
)
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def seconds(word: str) -> float:
    """`10s`, `250ms`, `5m`, `1h` as seconds; a plain number is seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)?", word)
    value = float(match.group(1)) * _UNITS[match.group(2) or "s"] if match else 0
    if not 0 < value < 1e9:
        raise ValueError
    return value


def process(word: str) -> int:
    """The number of a process."""
    value = int(word)
    if value < 1:
        raise ValueError
    return value


# argparse names the types in its messages
seconds.__name__ = "duration, such as 10s, 250ms or 5m"
process.__name__ = "process number"


def check_arguments(args: Namespace) -> None:
    """Raises UserError where options do not go together with -p, or it cannot be had."""
    if args.pid is None:
        if args.duration is not None:
            text = "--for is for -p PID; a program that brkpoint starts ends with --timeout S"
            raise UserError(text, USAGE)
        return
    if args.command:
        raise UserError("-p attaches to a running program: it takes no PROGRAM", USAGE)
    if args.engine == "breakpoints" or args.live:
        text = "-p needs the recorder: leave out --engine breakpoints and --live"
        raise UserError(text, USAGE)
    if args.verify or args.fixed_addresses or args.timeout is not None:
        text = "--verify, --fixed-addresses and --timeout are for programs that brkpoint starts"
        raise UserError("-p: " + text, USAGE)
    if recorder.find() is None:
        raise UserError("-p: the recorder is not built: make recorder")


def command(pid: int) -> list[bytes]:
    """Its words, as bytes; [] where it has none."""
    with open("/proc/%d/cmdline" % pid, "rb") as file:
        return words_of(file.read())


def words_of(data: bytes) -> list[bytes]:
    """The words of /proc/PID/cmdline. Who gives itself a title (setproctitle) writes it over them
    and fills the rest with NULs, or leaves out the last: that is no word."""
    words = data.split(b"\0")
    while words and not words[-1]:
        words.pop()
    return words


def program(pid: int) -> bytes:
    """The path of its program, bytes, without the mark of a file that is gone."""
    path = os.readlink(b"/proc/%d/exe" % pid)
    return path[: -len(b" (deleted)")] if path.endswith(b" (deleted)") else path


def known_as(pid: int) -> bytes:
    """The name that it was started under, bytes: of a link the link's, where nobody has changed it
    since; else its program's."""
    with open("/proc/%d/comm" % pid, "rb") as file:
        start = file.read().rstrip(b"\n")  # of the name, as the kernel cuts it
    with open("/proc/%d/cmdline" % pid, "rb") as file:
        word = file.read(4096).split(b"\0")[0].split(b" ")[0]
    name = os.path.basename(word)
    return name if start and name[:15] == start else program(pid)


def run(
    pid: int, spool_path: str, options: Options, tell: Callable[[], None] = lambda: None
) -> Outcome:
    """Record until the process ends, a signal comes, or options.timeout; returns launch.Outcome.

    `tell()` is called once it records.

    Raises UserError where it cannot be attached to; it then goes on as before.
    """
    ignored = heritage.ignored_signals()
    signals: set[int] = {signal.SIGCHLD, *_ENDING}
    signals -= ignored - {signal.SIGCHLD}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        return _run(pid, os.path.abspath(spool_path), options, signals, tell)
    finally:
        while signal.sigtimedwait(signals, 0):
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _run(
    pid: int, spool_path: str, options: Options, signals: set[int], tell: Callable[[], None]
) -> Outcome:
    try:
        words, path = command(pid), program(pid)
    except (FileNotFoundError, ProcessLookupError):
        raise UserError("cannot attach to process %d: it has ended" % pid) from None
    host = recorder.start(pid, spool_path, options, "attach")
    try:
        host.configure(path)
        _wait_planted(host, pid, spool_path)
        tell()
        waiting = Waiting(host, pid, signals, options)
        waiting.run()
        return _outcome(waiting, words, path, spool_path)
    finally:
        host.close()


def _wait_planted(host: recorder.Recorder, pid: int, spool_path: str) -> None:
    try:
        host.wait_attached()
    except EngineError as error:
        if os.path.exists(spool_path):
            os.unlink(spool_path)
        said = str(error)
        if "ptrace is not permitted" in said:
            raise UserError(attachable.not_permitted(pid)) from None
        said = _of_its_limits(pid, said)
        raise UserError("cannot attach to process %d: %s" % (pid, said)) from None


def _of_its_limits(pid: int, said: str) -> str:
    """What was said of a limit of ours, where it is the process that has less."""
    for ours, limit, raised in _LIMITS:
        if ours not in said:
            continue
        with contextlib.suppress(OSError):
            its_own, mine = resource.prlimit(pid, limit)[0], resource.getrlimit(limit)[0]
            if its_own not in (mine, resource.RLIM_INFINITY):
                its = "of that process (`prlimit --pid %d --%s`)" % (pid, raised)
                said = said.replace(ours, its)
    return said


def _descriptor(pid: int) -> int | None:
    """Of the process; None where it has ended meanwhile, or the kernel gives none."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


class Waiting:
    """Until the recorder has let go of the process, or has ended with it."""

    def __init__(
        self, host: recorder.Recorder, pid: int, signals: set[int], options: Options
    ) -> None:
        self.host, self.pid, self._signals, self._options = host, pid, signals, options
        self._pidfd = _descriptor(pid)
        self._until = time.monotonic() + options.timeout if options.timeout else None
        self._give_up: float | None = None
        self.why: str | None = None  # what made it leave, in words; None: the process ended
        self.has_ended = False  # the process, of itself
        self.status: int | None = None  # of the recorder

    def run(self) -> None:
        while True:
            self.status = self.host.process.poll()
            if self.status is not None:
                break
            self._look(time.monotonic())
            info = signal.sigtimedwait(self._signals, TICK)
            if info is not None and info.si_signo != signal.SIGCHLD:
                self._leave("stopped by %s" % signal_name(info.si_signo))
            self.host.trim()
            if self._options.tick is not None:
                self._options.tick()
        self.has_ended = self._is_over()
        if self._pidfd is not None:
            os.close(self._pidfd)

    def _look(self, now: float) -> None:
        if self._until is not None and now >= self._until:
            self._until = None
            self._leave("after %g s (--for)" % (self._options.timeout or 0))
        if self._give_up is not None and now >= self._give_up:
            self.host.process.kill()

    def _leave(self, why: str) -> None:
        self.why = self.why or why
        self._give_up = self._give_up or time.monotonic() + _LEAVE
        self.host.process.send_signal(signal.SIGTERM)

    def _is_over(self) -> bool:
        if self._pidfd is None:
            return not os.path.exists("/proc/%d" % self.pid)
        return bool(select.select([self._pidfd], [], [], 0)[0])


def _has_our_memory(pid: int) -> bool:
    """Whether the recorder's memory is still mapped there: an heir takes it out, with the code."""
    try:
        with open("/proc/%d/maps" % pid, "rb") as file:
            return any(recorder.MEMORY_NAME in line for line in file)
    except OSError:
        return True


def _outcome(waiting: Waiting, words: list[bytes], path: bytes, spool_path: str) -> Outcome:
    left, status = not waiting.has_ended, waiting.status
    assert status is not None  # the wait is over
    died = status != 0
    reason = None
    if died:
        reason = "the recorder ended with status %d" % status
        if status < 0:
            reason = waiting.host.died(-status)
        if left and _has_our_memory(waiting.pid):
            reason += "; its code stays in the process, and does nothing any more"
    text = [word.decode("utf-8", "surrogateescape") for word in words]
    name = path.decode("utf-8", "surrogateescape")
    return launch.Outcome(
        kind="detached" if left else "unknown",
        status=None,
        complete=reason is None,
        reason=reason,
        pid=waiting.pid,
        command=text or [name],
        program=name,
        spool=spool_path,
        observer=waiting.host.name,
        log=waiting.host.said(),
        notes=[],
        failed=died,
        attached=True,
        events=waiting.host.recorded() if died else None,
    )
