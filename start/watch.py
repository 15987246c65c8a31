"""Waiting for target and observer, both to their end, whatever is sent to brkpoint meanwhile.

All signals of interest are blocked and fetched one by one, so nothing runs at a surprising time.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time

from alloctrace.words import signal_name

from . import traced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .observer import Observer


TICK = 0.25  # seconds between looks at what sends no signal
GRACE = 5  # seconds from the request to end to SIGKILL; of the observer, once the target has ended
FINISH = 10  # seconds for the observer without any progress, once the target has ended

# To the terminal's whole foreground group, the target included: only passed on when sent to us.
_SHARED = (signal.SIGINT, signal.SIGQUIT)
# Each of these would end brkpoint, and the target with it. SIGSTKFLT, 16, is new to Python 3.11.
_TIMERS_AND_IO = (signal.SIGVTALRM, signal.SIGPROF, signal.SIGIO, signal.SIGPWR, 16)
_REAL_TIME = range(signal.SIGRTMIN, signal.SIGRTMAX + 1)
_PASSED_ON = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, *_TIMERS_AND_IO, *_REAL_TIME)
_ENDING = (signal.SIGTERM, signal.SIGHUP)
_STOPPING = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_MOST_PARENTS = 1000  # between a process and the target
_SI_USER_CODES = (0, -1, -6)  # kill, sigqueue, tgkill: sent by a process, not by the terminal


def waited(ignored: set[int]) -> set[int]:
    """The signals that the wait fetches; those ignored at the start stay so."""
    wanted: set[int] = {signal.SIGCHLD, *_STOPPING, *_SHARED, *_PASSED_ON, *_ENDING}
    return wanted - (ignored - {signal.SIGCHLD})


class Watch:
    """The state of the wait; `status` is the target's wait status, None until it has ended."""

    def __init__(
        self,
        pid: int,
        observer: Observer,
        signals: set[int],
        timeout: float | None = None,
        done: Callable[[], object] | None = None,
        tick: Callable[[], object] | None = None,
    ) -> None:
        """`timeout`: seconds or None; `done()`: a value that changes while the observer gets on;
        `tick()`: called."""
        self.pid, self.observer, self.signals = pid, observer, signals
        self.timeout, self._done, self._tick = timeout, done or (lambda: 0), tick or (lambda: None)
        self.status: int | None = None
        self.observer_status: int | None = None  # its exit status, or a signal's number, negative
        self.reason: str | None = None  # why the trace is incomplete, in words
        self.interrupted: int | None = None  # the last of Ctrl-C and Ctrl-\\ that the terminal sent
        self.killed = False  # whether it was brkpoint that ended the target
        self.detached = False  # whether the observer left before the target's end
        self.hurried = False  # whether brkpoint ended the observer, after the target's end
        self._until = time.monotonic() + timeout if timeout else None
        self._kill_at: float | None = None
        self._finish_until: float | None = None
        self._asked_until: float | None = None
        self._last_done: object = None

    def run(self) -> None:
        """Wait; afterwards status and observer_status are set."""
        self._tick()  # at once: the first one is what there is time for while the target runs
        while True:
            self._reap()
            if self.status is not None and self.observer_status is not None:
                self._take_last()
                return
            self._look()
            info = signal.sigtimedwait(self.signals, TICK)
            if info is not None:
                self._handle(info.si_signo, info.si_code, info.si_pid)
            self._tick()

    def _take_last(self) -> None:
        """A Ctrl-C that came while tick() took its time: it may be what ended the target."""
        info = signal.sigtimedwait(self.signals, 0)
        while info is not None:
            if info.si_signo in _SHARED and info.si_code not in _SI_USER_CODES:
                self.interrupted = info.si_signo
            info = signal.sigtimedwait(self.signals, 0)

    def _reap(self) -> None:
        """The target last: it can be waited for only once a tracer has seen its end or gone."""
        self.observer_status = self.observer.process.poll()
        if self.status is None:
            self.status = traced.ended(self.pid, os.WNOHANG)
        if self.status is None and self.observer_status is not None and _is_dead(self.pid):
            free(self.pid, self.observer)

    def _look(self) -> None:
        now = time.monotonic()
        if self.status is not None or _is_dead(self.pid):
            self._hurry(now)
        elif self.observer_status is not None:
            self._without_observer(self.observer_status)
        if self._until is not None and now >= self._until:
            self._until = None
            self._end(signal.SIGTERM, "stopped after %g s (--timeout)" % (self.timeout or 0))
        if self._kill_at is not None and now >= self._kill_at:
            self._kill()

    def _hurry(self, now: float) -> None:
        """The target has ended: its records may be finished, but not for ever."""
        done = self._done()
        if done != self._last_done or self._finish_until is None:
            self._last_done, self._finish_until = done, now + FINISH
        late = self._asked_until is not None and now >= self._asked_until
        if (now >= self._finish_until or late) and self.observer_status is None:
            if late:
                words = "%s before all that was recorded had been read"
                self.reason = words % (self.reason or "interrupted")
            self.reason = self.reason or self.observer.name + " did not finish and was killed"
            self.hurried = True
            self.observer.process.kill()

    def _ask_again(self) -> None:
        """The target has ended, and what is still being read is not to be waited for any more."""
        if self._asked_until is None and (self.status is not None or _is_dead(self.pid)):
            self._asked_until = time.monotonic() + GRACE

    def _without_observer(self, status: int) -> None:
        """The observer went first. Where it left in order the program is free and may go on."""
        if status < 0 and not self.observer.keeps_target:
            self._kill()
        elif not self.detached:
            self.detached = True
            left = "%s left the program before its end" % self.observer.name
            self.reason = self.reason or self.why_left or left

    def was_told(self, kind: str, status: int | None) -> bool:
        """Whether it ended so because brkpoint or its terminal was told to, or time was over."""
        interrupted = kind == "signalled" and status is not None and self.interrupted == status
        return self._kill_at is not None or interrupted

    @property
    def why_left(self) -> str | None:
        """Why it left a program that could not go on with it: nothing has failed. Or None."""
        status = self.observer_status
        return None if status is None else self.observer.left(status)

    def _is_of_target(self, pid: int) -> bool:
        """Whether it is the target, or has come from it and is not an orphan."""
        for _ in range(_MOST_PARENTS):
            if pid in (0, 1, self.pid):
                break
            try:
                pid = int(field(pid, "PPid") or 0)
            except OSError:
                return False
        return pid == self.pid

    def _handle(self, number: int, code: int, sender: int) -> None:
        by_process = code in _SI_USER_CODES
        if by_process and self._is_of_target(sender):
            return  # to its process group, so the target has it; or to its parent: not to itself
        if number in _ENDING + _SHARED and (self.interrupted or self._kill_at):
            self._ask_again()  # the first time it may have been what ended the target
        if number in _ENDING:
            self._end(number, "stopped by %s" % signal_name(number))
        elif number in _SHARED and not by_process:
            self.interrupted = number
        elif number in _SHARED or number in _PASSED_ON:
            self.interrupted = number if number in _SHARED else self.interrupted
            self._send(number)
        elif number in _STOPPING:
            self._pause()

    def _end(self, number: int, reason: str) -> None:
        self.reason = self.reason or reason
        self._send(number)
        self._kill_at = self._kill_at or time.monotonic() + GRACE

    def _kill(self) -> None:
        self.killed = True
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        if self.status is None:  # not yet waited for: the pid is still the target's
            os.kill(self.pid, number)

    def _pause(self) -> None:
        """Ctrl-Z: gdb would let the target run on, so both are held while brkpoint is stopped."""
        self.observer.process.send_signal(signal.SIGSTOP)
        _wait_stopped(self.observer.process.pid)
        if self.status is None and not _is_stopped(self.pid):
            self._send(signal.SIGSTOP)  # its tracer had been quicker; now this waits for it
        stopped_at = time.monotonic()
        os.kill(os.getpid(), signal.SIGSTOP)  # the shell has us back with SIGCONT
        pause = time.monotonic() - stopped_at
        self._until = self._until + pause if self._until else None
        self.observer.process.send_signal(signal.SIGCONT)


def _wait_stopped(pid: int) -> None:
    until = time.monotonic() + TICK
    while not _is_stopped(pid) and time.monotonic() < until:
        time.sleep(0.001)


def _is_stopped(pid: int) -> bool:
    """Whether it is stopped or has ended."""
    try:
        return field(pid, "State")[:1] in ("T", "t", "Z", "X")
    except OSError:
        return True


def _is_dead(pid: int) -> bool:
    """Whether the whole process has ended, though nobody has waited for it yet."""
    try:
        return all(_has_ended(pid, tid) for tid in _tasks(pid))
    except OSError:
        return True


def _has_ended(pid: int, tid: str) -> bool:
    try:
        with open("/proc/%d/task/%s/stat" % (pid, tid), "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] in (b"Z", b"X")
    except OSError:
        return True


def _tasks(pid: int) -> list[str]:
    return os.listdir("/proc/%d/task" % pid)


def free(pid: int, observer: Observer) -> None:
    """The observer is gone, and the dead `pid` cannot be waited for while a tracer keeps it: where
    gdb is a wrapper that only started gdb, end what it left in its session."""
    with contextlib.suppress(OSError):
        tracer = int(field(pid, "TracerPid") or 0)
        if tracer and os.getsid(tracer) == observer.process.pid:
            os.kill(tracer, signal.SIGKILL)


def field(pid: int, name: str) -> str:
    """One field of /proc/PID/status, as text."""
    with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith(name + ":"):
                return line.split(":", 1)[1].strip()
    return ""
