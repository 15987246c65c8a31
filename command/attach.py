"""`brkpoint -p PID`: the recorder into a program that runs already, and out of it again."""

from __future__ import annotations

import os
import re
import select
import signal
import struct
import time

from . import heritage, launch, recorder, tracer, watch
from .errors import EngineError, UserError, shown, signal_name

TICK = 0.25  # seconds between looks at the clock
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_LEAVE = 30  # seconds that taking the code out may take, before the recorder is given up
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
_SCOPE = "/proc/sys/kernel/yama/ptrace_scope"
_EM_X86_64, _CLASS_64 = 62, 2


def seconds(word):
    """`10s`, `250ms`, `5m`, `1h` as seconds; a plain number is seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)?", word)
    value = float(match.group(1)) * _UNITS[match.group(2) or "s"] if match else 0
    if not 0 < value < 1e9:
        raise ValueError
    return value


seconds.__name__ = "duration, such as 10s, 250ms or 5m"  # argparse names the type


# ---- whether it can be ----


def check(pid):
    """Raises UserError where the process cannot be attached to, as far as /proc tells."""
    if pid in (os.getpid(), 1 if os.getpid() == 1 else 0):
        raise UserError("-p %d is brkpoint itself" % pid)
    try:
        status = _status(pid)
    except OSError:
        raise UserError("there is no process %d (see: ps -e)" % pid) from None
    if status.get("Tgid") != str(pid):
        raise UserError("%d is a thread of process %s: brkpoint -p %s" % (pid, *_twice(status)))
    _check_state(pid, status)
    _check_tracer(pid, status)
    _check_program(pid)


def _twice(status):
    return (status.get("Tgid"),) * 2


def _status(pid):
    with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as file:
        lines = (line.split(":", 1) for line in file if ":" in line)
        return {name: value.strip() for name, value in lines}


def _check_state(pid, status):
    if status.get("State", "")[:1] in ("Z", "X"):
        raise UserError("process %d has ended already; its parent has not waited for it" % pid)
    if int(status.get("Kthread") or 0) or ("VmSize" not in status):
        raise UserError("process %d is the kernel's own: it has no memory to look at" % pid)
    if int(status.get("Seccomp") or 0):
        text = (
            "process %d is under seccomp: a filter may forbid or punish the system calls that"
            " attaching needs; start it with brkpoint instead: brkpoint PROGRAM"
        )
        raise UserError(text % pid)


def _check_tracer(pid, status):
    other = int(status.get("TracerPid") or 0)
    if other:
        name = watch.field(other, "Name") if os.path.exists("/proc/%d" % other) else "?"
        text = "process %d is being traced by %s (process %d) already; only one tracer is possible"
        raise UserError(text % (pid, shown(name), other))


def _check_program(pid):
    try:
        with open("/proc/%d/exe" % pid, "rb") as file:
            head = file.read(20)
    except PermissionError:
        raise UserError(_not_permitted(pid)) from None
    except OSError:
        raise UserError("process %d has no program (it is ending, or the kernel's own)" % pid)
    machine = struct.unpack("<H", head[18:20])[0] if len(head) == 20 else 0
    if head[4:5] != bytes([_CLASS_64]) or machine != _EM_X86_64:
        raise UserError("process %d is no 64-bit x86 program: it cannot be recorded" % pid)


def _not_permitted(pid):
    """Why ptrace is refused, and what helps."""
    owner = os.stat("/proc/%d" % pid).st_uid
    if os.geteuid() and owner != os.geteuid():
        return "process %d is another user's: sudo brkpoint -p %d" % (pid, pid)
    scope = _scope()
    if scope == 3:
        return "ptrace is switched off here until the next boot (kernel.yama.ptrace_scope is 3)"
    if scope and os.geteuid():
        text = "ptrace is allowed for one's own children only (kernel.yama.ptrace_scope is %d): "
        return (text + "sudo brkpoint -p %d") % (scope, pid)
    return "process %d may not be traced: ptrace is not permitted; `brkpoint doctor` says why" % pid


def _scope():
    try:
        with open(_SCOPE, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


# ---- what it is ----


def command(pid):
    """Its words, as bytes; [] where it has none."""
    with open("/proc/%d/cmdline" % pid, "rb") as file:
        data = file.read()
    return data[: -data.endswith(b"\0") or None].split(b"\0") if data else []


def program(pid):
    """The path of its program, bytes, without the mark of a file that is gone."""
    path = os.readlink(b"/proc/%d/exe" % pid)
    return path[: -len(b" (deleted)")] if path.endswith(b" (deleted)") else path


# ---- the run ----


def run(pid, spool_path, options, tell=lambda: None):
    """Record until the process ends, a signal comes, or options.timeout; returns launch.Outcome.

    `tell()` is called once it records.

    Raises UserError where it cannot be attached to; it then goes on as before.
    """
    ignored = heritage.ignored_signals()
    signals = {signal.SIGCHLD, *_ENDING} - (ignored - {signal.SIGCHLD})
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        return _run(pid, os.path.abspath(spool_path), options, signals, tell)
    finally:
        while signal.sigtimedwait(signals, 0):
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _run(pid, spool_path, options, signals, tell):
    words, path = command(pid), program(pid)
    host = recorder.Recorder(pid, spool_path, options.symbols, attach=True)
    try:
        host.configure(None)
        _wait_planted(host, pid, spool_path)
        host.look_again()
        tell()
        waiting = Waiting(host, pid, signals, options)
        waiting.run()
        return _outcome(waiting, words, path, spool_path)
    finally:
        tracer.close(host)
        host.close()


def _wait_planted(host, pid, spool_path):
    try:
        tracer.wait_attached(host)
    except EngineError as error:
        if os.path.exists(spool_path):
            os.unlink(spool_path)
        said = str(error).replace("brkpoint-recorder: ", "")
        if "ptrace is not permitted" in said:
            raise UserError(_not_permitted(pid)) from None
        raise UserError("cannot attach to process %d: %s" % (pid, said)) from None


class Waiting:
    """Until the recorder has let go of the process, or has ended with it."""

    def __init__(self, host, pid, signals, options):
        self.host, self.pid, self._signals, self._options = host, pid, signals, options
        self._pidfd = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
        self._until = time.monotonic() + options.timeout if options.timeout else None
        self._give_up = None
        self.why = None  # what made it leave, in words; None: the process ended
        self.has_ended = False  # the process, of itself
        self.status = None  # of the recorder

    def run(self):
        while True:
            self.status = self.host.process.poll()
            if self.status is not None:
                break
            self._look(time.monotonic())
            info = signal.sigtimedwait(self._signals, TICK)
            if info is not None and info.si_signo != signal.SIGCHLD:
                self._leave("stopped by %s" % signal_name(info.si_signo))
            tracer.trim_log(self.host)
            if self._options.tick is not None:
                self._options.tick()
        self.has_ended = self._is_over()
        if self.status != 0:
            self.host.gone()
        if self._pidfd is not None:
            os.close(self._pidfd)

    def _look(self, now):
        if self._until is not None and now >= self._until:
            self._until = None
            self._leave("after %g s (--for)" % self._options.timeout)
        if self._give_up is not None and now >= self._give_up:
            self.host.process.kill()

    def _leave(self, why):
        self.why = self.why or why
        self._give_up = self._give_up or time.monotonic() + _LEAVE
        self.host.process.send_signal(signal.SIGTERM)

    def _is_over(self):
        if self._pidfd is None:
            return not os.path.exists("/proc/%d" % self.pid)
        return bool(select.select([self._pidfd], [], [], 0)[0])


def _outcome(waiting, words, path, spool_path):
    left = not waiting.has_ended
    died = waiting.status != 0
    reason = None
    if died:
        how = signal_name(-waiting.status) if waiting.status < 0 else "status %d" % waiting.status
        reason = "the recorder died (%s)" % how
        if left:
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
        gdb_log=tracer.log(waiting.host),
        notes=[],
        failed=died,
        attached=True,
    )
