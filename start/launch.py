"""Start the target as a shell would, watched from its first instruction; wait for both.

The order leaves no gap: the child is made and waits; its observer (gdb or the recorder) starts; the
child allows that very process to attach; it attaches, is set to catch the exec, and says so; the
child may exec.
"""

from __future__ import annotations

import os
import signal
import time

from alloctrace.plain import plain
from alloctrace.words import signal_name

from . import gdb_program, heritage, program, recorder, target, traced, watch, why
from .errors import CANNOT_EXECUTE, EngineError, FAILED, NOT_FOUND, UserError, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from alloctrace.allocators import Named
    from start.observer import Observer
    from start.program import Program

    _Made = TypeVar("_Made")

_NOT_THERE = (2, 20)  # ENOENT, ENOTDIR
_PATIENCE_S = 5  # for another recorder to let go


@plain
class Options:
    """How to run. Times in seconds."""

    live: bool = False
    symbols: bool = True  # False: as if no debug files were installed
    timeout: float | None = None
    fixed_addresses: bool = False
    engine: str | None = None  # what gdb runs; None: tracer.ENGINE
    recorder: bool = False  # the recorder in place of gdb
    may_refuse: bool = False  # the target is not started where the recorder cannot be planted
    clock: int | None = None  # its events a time stamp; None: as it likes
    keep: str = "all"  # its events, or their "totals"
    cache_dir: str | None = None
    also: tuple[Named, ...] = ()  # what the user names as allocator functions
    tick: Callable[[], object] | None = None  # called a few times a second while waiting


@plain
class Outcome:
    """How a run ended, as the parent saw it."""

    # exited | signalled | unknown (gdb died, the target with it; or it was attached to) | detached
    kind: str
    status: int | None  # exit status, or the number of the signal
    complete: bool
    reason: str | None  # why not complete
    pid: int
    command: list[str]  # words as text, bytes that are no UTF-8 as surrogates
    program: str  # the path that its word led to, links and all
    spool: str
    observer: str  # what watched it: observer.Observer.name
    log: str  # the observer's own words, where they tell more
    notes: list[str]  # what the user should know of the program
    failed: bool = False  # the watching failed, not the target
    told: bool = False  # to end: by a signal, or for want of time
    attached: bool = False  # the target ran before; attach.py
    refused: str | None = None  # why it was not started; nothing of it has run then
    also: tuple[Named, ...] = ()  # what the user named
    why_engine: str | None = None  # why this engine watched, where it was chosen for the user
    events: int | None = None  # recorded, where the recorder died with some perhaps unwritten

    @property
    def exit_status(self) -> int | None:
        """What a shell would show for the target; None where unknown."""
        if self.attached:
            return 0
        if self.kind == "unknown" or self.status is None:
            return None
        return self.status + 128 if self.kind == "signalled" else self.status

    def describe(self) -> str:
        """The target's end in words."""
        if self.kind == "signalled" and self.status is not None:
            return "the target was ended by %s" % signal_name(self.status)
        if self.kind == "exited" and self.status is not None:
            return "the target exited with status %d" % self.status
        if self.attached:
            gone = "goes on" if self.kind == "detached" else "has ended"
            return "process %d %s" % (self.pid, gone)
        return "the target was killed because it could no longer be watched"


def run(
    argv: list[bytes],
    spool_path: str,
    options: Options | None = None,
    found: Program | None = None,
) -> Outcome:
    """Run the words `argv` (bytes), recording into `spool_path`; returns Outcome.

    `found`: the Program when it is known already. Raises UserError where it cannot be executed
    or watched; then nothing is left behind.
    """
    options = options or Options()
    environment = heritage.environment()
    found = found or program.find(argv, environment)
    if not options.recorder:
        from . import tracer  # only now, as below: under the recorder no gdb watches

        gdb_program.find()
        tracer.check_debug_files(os.fsdecode(found.path))
    if options.fixed_addresses:
        target.check_fixed_addresses()
    ignored = heritage.ignored_signals()
    signals = watch.waited(ignored)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    children_ignored = signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # else they vanish unseen
    try:
        plan = target.Plan(
            found, environment, ignored, mask, heritage.free_limits(), options.fixed_addresses
        )
        return _run(plan, signals, os.path.abspath(spool_path), options)
    finally:
        while signal.sigtimedwait(signals, 0):
            pass  # the last Ctrl-C was for the target too
        signal.signal(signal.SIGCHLD, children_ignored)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _run(plan: target.Plan, signals: set[int], spool_path: str, options: Options) -> Outcome:
    child = _child(plan, options)
    watching: Observer | None = None
    try:
        _check_untraced(child.pid)
        observer = watching = _started(_starter(options), child.pid, spool_path, options)
        _admit(child, observer, options)
        observer.configure(os.path.realpath(plan.program.path))
        _wait_attached(observer, spool_path)
        target.release(child)
        watched = watch.Watch(
            child.pid,
            observer,
            signals,
            options.timeout,
            lambda: (_size(spool_path), observer.works()),
            lambda: _tick(observer, options),
        )
        watched.run()
        _check_executed(child, plan.program, spool_path)
        return _outcome(watched, plan, spool_path)
    finally:
        _end_child(child.pid, watching)
        os.close(child.go)
        os.close(child.report)


def _child(plan: target.Plan, options: Options) -> target.Child:
    """The target's process, begun by a fork or by the recorder's program."""
    starter = recorder.find() if options.recorder else None
    try:
        return _started(target.start, plan, starter)
    except UserError:
        if starter is not None and not recorder.is_running_here():
            raise EngineError(recorder.DOES_NOT_RUN) from None
        raise


def _admit(child: target.Child, observer: Observer, options: Options) -> None:
    """The child waits; of the recorder it is the recorder's program, which may not run here."""
    try:
        target.admit(child, observer.process.pid)
    except (BrokenPipeError, ChildProcessError):
        if options.recorder and not recorder.is_running_here():
            raise EngineError(recorder.DOES_NOT_RUN) from None
        raise UserError("the program's process ended before it was watched", FAILED) from None


def _starter(options: Options) -> Callable[..., Observer]:
    """What starts who watches."""
    if options.recorder:
        return recorder.start
    from . import tracer

    return tracer.start


def _started(start: Callable[..., _Made], *args: object) -> _Made:
    """start(*args); raises UserError where the user's limits allow no process or descriptor."""
    try:
        return start(*args)
    except OSError as error:
        text = "cannot start the program and what watches it: %s (see `ulimit -a`)"
        raise UserError(text % error.strerror) from None


def _wait_attached(observer: Observer, spool_path: str) -> None:
    """Where it fails before the program runs, the spool that it began holds nothing."""
    try:
        observer.wait_attached()
    except EngineError:
        _remove(spool_path)
        raise


def _remove(path: str) -> None:
    if os.path.exists(path):
        os.unlink(path)


def _tick(observer: Observer, options: Options) -> None:
    observer.trim()
    if options.tick is not None:
        options.tick()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _check_untraced(pid: int) -> None:
    """A child of a process under `strace -f` is traced from birth: gdb cannot attach as well. A
    recorder that watches us lets go of it soon."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        other = int(watch.field(pid, "TracerPid") or 0)
        if not other:
            return
        name = _name(other)
        if name not in (None, recorder.COMM) or time.monotonic() >= until:
            break
        time.sleep(0.01)
    text = "already being traced by %s (process %d); only one tracer is possible"
    raise UserError(text % (shown(name or "?"), other))


def _name(pid: int) -> str | None:
    """Of a process; None: it has ended."""
    try:
        return watch.field(pid, "Name")
    except OSError:
        return None


def _check_executed(child: target.Child, found: Program, spool_path: str) -> None:
    """Raises UserError where the kernel refused the program, as a shell would report it."""
    error = target.exec_error(child)
    if error is None:
        return
    _remove(spool_path)
    status = NOT_FOUND if error in _NOT_THERE else CANNOT_EXECUTE
    text = os.strerror(error)
    if error in _NOT_THERE:
        text += " (its interpreter is missing)"
    elif found.odd:
        text = found.odd
    raise UserError("%s: %s" % (shown(found.path), text), status)


def _outcome(watched: watch.Watch, plan: target.Plan, spool_path: str) -> Outcome:
    observer, kind = watched.observer, "exited"
    said = observer.said()
    ended = watched.observer_status
    assert watched.status is not None and ended is not None  # the wait is over
    status: int | None = os.waitstatus_to_exitcode(watched.status)
    if status is not None and status < 0:
        kind, status = "signalled", -status
    took_target = ended < 0 and not watched.hurried and not observer.keeps_target
    # at a breakpoint that a dead gdb left behind the kernel sends SIGTRAP
    if took_target and (watched.killed or status == signal.SIGTRAP):
        kind, status = "unknown", None
    reason = why.incomplete(watched, kind, status, said)
    refused = observer.refusal(ended, said)
    return Outcome(
        kind=kind,
        status=status,
        complete=reason is None,
        reason=reason,
        pid=watched.pid,
        command=[_text(word) for word in plan.program.argv],
        program=_text(os.path.abspath(plan.program.path)),
        spool=spool_path,
        observer=observer.name,
        log="" if reason and observer.is_told(said) else said,
        notes=why.notes(plan.program, observer),
        failed=(ended != 0 or watched.detached) and watched.why_left is None,
        told=watched.was_told(kind, status),
        refused=refused,
        events=observer.recorded() if ended != 0 and not refused else None,
    )


def _end_child(pid: int, observer: Observer | None) -> None:
    """Whatever happened, neither outlives the run. Who is traced can be waited for after that."""
    try:
        alive = traced.ended(pid, os.WNOHANG) is None
    except ChildProcessError:  # the watch has waited for it: the number may be another's by now
        alive = False
    if alive:
        os.kill(pid, signal.SIGKILL)
    if observer is not None:
        observer.close()
        if alive:
            watch.free(pid, observer)
    if alive:
        traced.ended(pid)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


__all__ = ["run", "Options", "Outcome", "EngineError"]
