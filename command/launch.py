"""Start the target as a shell would, with gdb on it from its first instruction; wait for both.

The order leaves no gap: the child is forked and waits; gdb starts; the child allows that very gdb
to attach; gdb attaches, is set to catch the exec, and says so; the child may exec.
"""

from __future__ import annotations

import os
import signal

from alloctrace import allocators, cache_folder
from alloctrace.plain import plain
from alloctrace.words import signal_name

from . import heritage, program, recorder, target, tracer, watch, why
from .errors import CANNOT_EXECUTE, NOT_FOUND, EngineError, UserError, shown

_NOT_THERE = (2, 20)  # ENOENT, ENOTDIR


@plain
class Options:
    """How to run. Times in seconds."""

    live: bool = False
    symbols: bool = True  # False: as if no debug files were installed
    timeout: float | None = None
    fixed_addresses: bool = False
    engine: str = tracer.ENGINE  # what gdb runs
    recorder: bool = False  # the recorder in place of gdb
    may_refuse: bool = False  # the target is not started where the recorder cannot be planted
    clock: int | None = None  # its events a time stamp; None: as it likes
    keep: str = "all"  # its events, or their "totals"
    cache_dir: str | None = None
    also: tuple = ()  # allocators.Named: what the user names as allocator functions
    tick: object | None = None  # called a few times a second while waiting


@plain
class Outcome:
    """How a run ended, as the parent saw it."""

    # exited | signalled | unknown (gdb died, the target with it; or it was attached to) | detached
    kind: str
    status: int | None  # exit status, or the number of the signal
    complete: bool
    reason: str | None  # why not complete
    pid: int
    command: list  # words as text, bytes that are no UTF-8 as surrogates
    program: str  # the path that its word led to, links and all
    spool: str
    gdb_log: str
    notes: list  # what the user should know of the program
    failed: bool = False  # the watching failed, not the target
    attached: bool = False  # the target ran before; attach.py
    refused: str | None = None  # why it was not started; nothing of it has run then
    also: tuple = ()  # allocators.Named: what the user named
    why_engine: str | None = None  # why this engine watched, where it was chosen for the user
    recorded: int | None = None  # events, where the recorder died and may not have written all

    @property
    def exit_status(self):
        """What a shell would show for the target; None where unknown."""
        if self.attached:
            return 0
        if self.kind == "unknown":
            return None
        return self.status + 128 if self.kind == "signalled" else self.status

    def describe(self):
        """The target's end in words."""
        if self.kind == "signalled":
            return "the target was ended by %s" % signal_name(self.status)
        if self.kind == "exited":
            return "the target exited with status %d" % self.status
        if self.attached:
            gone = "goes on" if self.kind == "detached" else "has ended"
            return "process %d %s" % (self.pid, gone)
        return "the target was killed because it could no longer be watched"


def run(argv, spool_path, options=None, found=None):
    """Run the words `argv` (bytes) under gdb, recording into `spool_path`; returns Outcome.

    `found`: the Program when it is known already. Raises UserError where it cannot be executed
    or watched; then nothing is left behind.
    """
    options = options or Options()
    environment = heritage.environment()
    found = found or program.find(argv, environment)
    if not options.recorder:
        tracer.find_gdb()
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


def _run(plan, signals, spool_path, options):
    child = _started(target.start, plan, recorder.find() if options.recorder else None)
    gdb = None
    try:
        _check_untraced(child.pid)
        gdb = _started(_observer, child.pid, spool_path, options)
        target.admit(child, gdb.process.pid)
        gdb.configure(_configuration(plan, child.pid, spool_path, options))
        _wait_attached(gdb, spool_path)
        target.release(child)
        watched = watch.Watch(
            child.pid,
            gdb.process,
            signals,
            options.timeout,
            lambda: _size(spool_path),
            lambda: _tick(gdb, options),
            options.recorder,
        )
        watched.run()
        _check_executed(child, plan.program, spool_path)
        return _outcome(watched, plan, spool_path, gdb)
    finally:
        _end_child(child.pid, gdb)
        os.close(child.go)
        os.close(child.report)


def _observer(pid, spool_path, options):
    if options.recorder:
        return recorder.Recorder(pid, spool_path, recorder_words(options), options.also)
    return tracer.start(options.engine, options.live)


def recorder_words(options):
    """What the recorder is told on its command line."""
    words = [] if options.symbols else ["no-symbols"]
    words += ["clock=%d" % options.clock] if options.clock else []
    words += ["may-refuse"] if options.may_refuse else []
    if options.cache_dir and cache_folder.make(options.cache_dir):
        words.append("cache=" + options.cache_dir)
    return words + (["keep=totals"] if options.keep == "totals" else [])


def _started(start, *args):
    """start(*args); raises UserError where the user's limits allow no process or descriptor."""
    try:
        return start(*args)
    except OSError as error:
        text = "cannot start gdb and the program: %s (see `ulimit -a`)"
        raise UserError(text % error.strerror) from None


def _wait_attached(gdb, spool_path):
    """Where gdb fails before the program runs, the spool that it began holds nothing."""
    try:
        tracer.wait_attached(gdb)
    except EngineError:
        _remove(spool_path)
        raise


def _remove(path):
    if os.path.exists(path):
        os.unlink(path)


def _tick(gdb, options):
    tracer.trim_log(gdb)
    if options.tick is not None:
        options.tick()


def _configuration(plan, pid, spool_path, options):
    """What the engine is told: docs/architecture.md."""
    return {
        "pid": pid,
        "spool": _text(os.fsencode(spool_path)),
        "program": _text(os.path.realpath(plan.program.path)),
        "also": [allocators.plain(named) for named in options.also],
        "options": {
            "live": options.live,
            "symbols": options.symbols,
            "cache_dir": options.cache_dir,
        },
    }


def _text(data):
    return data.decode("utf-8", "surrogateescape")


def _check_untraced(pid):
    """A child of a process under `strace -f` is traced from birth: gdb cannot attach as well."""
    other = int(watch.field(pid, "TracerPid") or 0)
    if other:
        name = watch.field(other, "Name") if os.path.exists("/proc/%d" % other) else "?"
        text = "already being traced by %s (process %d); only one tracer is possible"
        raise UserError(text % (shown(name), other))


def _check_executed(child, found, spool_path):
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


def _outcome(watched, plan, spool_path, gdb):
    log, kind = tracer.log(gdb), "exited"
    status = os.waitstatus_to_exitcode(watched.status)
    if status < 0:
        kind, status = "signalled", -status
    died = watched.gdb_status < 0 and not watched.hurried and not watched.keeps_target
    lost_gdb = (watched.gdb_status != 0 or watched.detached) and not watched.let_go
    # at a breakpoint that a dead gdb left behind the kernel sends SIGTRAP
    if died and (watched.killed or status == signal.SIGTRAP):
        kind, status = "unknown", None
    reason = why.incomplete(watched, kind, status, log)
    refused = why.refusal(watched, log)
    lost_recorder = watched.keeps_target and watched.gdb_status != 0 and not refused
    return Outcome(
        kind=kind,
        status=status,
        complete=reason is None,
        reason=reason,
        pid=watched.pid,
        command=[_text(word) for word in plan.program.argv],
        program=_text(os.path.abspath(plan.program.path)),
        spool=spool_path,
        gdb_log="" if reason and why.is_told(log) else log,
        notes=why.notes(plan.program, watched.keeps_target),
        failed=lost_gdb,
        refused=refused,
        recorded=gdb.recorded() if lost_recorder else None,
    )


def _end_child(pid, gdb):
    """Whatever happened, neither outlives the run. A traced child can be waited for after gdb."""
    try:
        alive = os.waitpid(pid, os.WNOHANG)[0] == 0
    except ChildProcessError:  # the watch has waited for it: the number may be another's by now
        alive = False
    if alive:
        os.kill(pid, signal.SIGKILL)
    if gdb is not None:
        tracer.close(gdb)
        if isinstance(gdb, recorder.Recorder):
            gdb.close()
    if alive:
        os.waitpid(pid, 0)


def _size(path):
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


__all__ = ["run", "Options", "Outcome", "EngineError"]
