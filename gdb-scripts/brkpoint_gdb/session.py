"""A recording inside a person's own gdb: they let the program run, this only watches.

Nothing here stops the program, steps it, or changes a setting. What the engine does while the
target stands still is done inside stop(), and deleting waits for the next real stop. gdb's manual
warns of making breakpoints in stop(); gdb itself makes them at that very point when a library
arrives (gdb/breakpoint.c, bpstat_stop_status calls handle_solib_event), and so may we.
"""

from __future__ import annotations

import os

import gdb

from . import code, hooks, libraries, planted, session_borders, stacks, syscalls
from .engine import Engine
from .process import Elsewhere, Process, now

_ENOSYS = (1 << 64) - 38  # what the kernel puts into rax at the entry of a system call
_DELETED = "the catchpoint was deleted: memory syscalls are not seen from there on"
_BY_STEPS = "gdb steps the program for its `record`: memory syscalls are not seen meanwhile"
_NATIVE = "only a process that this gdb has started or attached to itself can be recorded"


class Entry(hooks.Entry):
    def hit(self):
        if super().hit():
            self.engine.calls.plant_wanted()
        return False


class Session(Engine):
    """From `start` to `end`. `ended`: why, None while it records."""

    Entry = Entry

    def __init__(self, spool_path, with_syscalls=True):
        super().__init__({"spool": spool_path})
        self.planted = Planted(self)
        self.libraries = Libraries(self)
        self.with_syscalls = with_syscalls
        self.ended = None
        self._replaced = False  # by exec
        self.exit = {"kind": "unknown", "status": None}  # as alloctrace.history.run_facts has it

    # -- beginning and end

    def start(self, phase=None):
        """Record from here on. `phase`: where the stack cannot tell it; raises gdb.GdbError."""
        pid = gdb.selected_inferior().pid
        check_native(pid)
        self.process = SessionProcess(pid)
        executable = os.fsencode(self.process.executable())
        self._check_64_bit(executable)
        self._begin_records()
        self.image = 0
        self.map = code.Map(self.process)
        self.stacks = stacks.Stacks(self.process, self.spool, self.map)
        self.calls = hooks.Calls(self)
        self.borders = session_borders.SessionBorders(self)
        auxv = self.process.auxv()
        path = os.fsdecode(executable)
        self.spool.info("image", index=0, path=path, entry=auxv.get(9), t_ns=self.started_ns)
        self.update_code(executable, auxv)
        self.borders.begin_here(self.map.all, executable, phase)
        self._end_stacks_at_main()
        self.syscalls = Syscalls(self) if self.with_syscalls else NoSyscalls()
        self._connect()

    def _check_64_bit(self, path):
        with open(path, "rb") as file:
            if file.read(5)[4:] != b"\x02":  # e_ident[EI_CLASS] == ELFCLASS64
                raise gdb.GdbError("alloc: a 32-bit program: only 64-bit x86 can be recorded.")

    def _begin_records(self):
        self.started_ns = now()
        facts = {"pid": self.process.pid, "engine": "breakpoints", "gdb": gdb.VERSION}
        self.spool.info("run", started_ns=self.started_ns, **facts)

    def _connect(self):
        self._events = (
            (gdb.events.new_objfile, self._new_objfile),
            (gdb.events.new_thread, self._new_thread),
            (gdb.events.exited, self._exited),
            (gdb.events.stop, self._stopped),
            (gdb.events.breakpoint_deleted, self._deleted),
        )
        for registry, handler in self._events:
            registry.connect(handler)

    def end(self, why, kind="detached"):
        """No more records; everything of ours leaves the program. Not inside stop()."""
        if self.ended is not None:
            return
        self.ended = why
        for registry, handler in self._events:
            registry.disconnect(handler)
        self.planted.remove_all()
        self.look_after_syscalls()
        self.syscalls.remove()
        self.finish(kind)
        self.process.close()

    # -- events of gdb

    def _new_objfile(self, event):
        """gdb has read a new library's symbols; the loader has mapped it by then."""
        if self._replaced:
            return
        if self.ended is None and gdb.selected_inferior().pid == self.process.pid:
            self.update_code(None, None)
            self.planted.remove_outside(self.map)
            self.borders.program_arrived(self.map.all)

    def _new_thread(self, event):
        if event.inferior_thread.ptid[0] == self.process.pid:
            super()._new_thread(event)

    def _exited(self, event):
        if event.inferior.pid not in (0, self.process.pid):
            return
        number = gdb.convenience_variable("_exitsignal")
        if hasattr(event, "exit_code"):
            self.exit = {"kind": "exited", "status": int(event.exit_code)}
        elif number is not None:
            self.exit = {"kind": "signalled", "status": int(number)}
        else:
            return self.end("gdb has let the program go")
        self.end("the program has ended", "exited")

    def _stopped(self, event):
        self.planted.remove_dead()
        self.look_after_syscalls()
        if self._replaced:
            self.end("exec has replaced the program")

    def _deleted(self, breakpoint_):
        if self.syscalls.is_catchpoint(breakpoint_):
            self.unseen("syscalls", _DELETED)

    def look_after_syscalls(self):
        """gdb 10 tells of no catchpoint that is deleted, and no gdb of one that is not reached."""
        if self.syscalls.is_gone():
            self.unseen("syscalls", _DELETED)
        elif self.with_syscalls and gdb.current_recording() is not None:
            self.unseen("syscalls", _BY_STEPS)

    # -- what the engine stops the target for

    def update_code(self, executable, auxv):
        super().update_code(executable, auxv)
        self._end_stacks_at_main()

    def _end_stacks_at_main(self):
        """gdb's own walk ends there, unless the user has said otherwise."""
        if not gdb.parameter("backtrace past-main"):
            self.stacks.thread_starts += self.borders.main_ranges()

    def threads_end(self):
        """At exit_group: the user's gdb sees its threads off as it always does."""
        return False

    def at_execve(self, result):
        """gdb cannot take its breakpoints out of a program that is gone: do it before.

        `result`: what rax holds: at the entry -ENOSYS, at the return 0 in the new program.
        """
        if result == _ENOSYS:
            self.planted.enable(False)
        elif result == 0:
            self._replaced = True
            self.syscalls.quiet = True
            self.unseen(
                "process", "exec replaced the program: what the new one does is not recorded"
            )
        else:
            self.planted.enable(True)


class Libraries(libraries.Libraries):
    def are_mapped(self):
        if self._engine.borders.phase == "load":
            self._engine.update_code(None, None)
        return False


class Planted(planted.Planted):
    """Deletes nothing inside stop()."""

    def __init__(self, session):
        super().__init__(session)
        self._dead = []

    def remove(self, breakpoint_):
        breakpoint_.dead = True
        self._engine.calls.forget(breakpoint_)
        self._dead.append(breakpoint_)

    def remove_outside(self, map_):
        """Those in libraries that have gone."""
        for breakpoint_ in self._all:
            if map_.at(breakpoint_.address) is None:
                self.remove(breakpoint_)

    def remove_dead(self):
        while self._dead:
            super().remove(self._dead.pop())

    def remove_all(self):
        super().remove_all()
        self.remove_dead()

    def munmap_begins(self, tid, address, size):
        return False  # gdb takes breakpoints out of a library itself when it is unloaded

    def munmap_ended(self, tid, failed):
        return False


class SessionProcess(Process):
    def tid(self):
        """The user may switch processes and threads: gdb knows which one stopped."""
        pid, lwp, _ = gdb.selected_thread().ptid
        if pid != self.pid or is_played_back():
            raise Elsewhere()
        return lwp


def is_played_back():
    """Whether gdb shows what has happened before: those events are recorded already."""
    recording = gdb.current_recording()
    return recording is not None and "Replay mode" in gdb.execute("info record", to_string=True)


class Syscalls(syscalls.Syscalls):
    """One catchpoint for all; it stands in `info breakpoints`, for gdb can hide none."""

    def __init__(self, session):
        gdb.Function.__init__(self, "_brkpoint_syscall")
        self._engine, self._inside, self.quiet = session, {}, False
        number = gdb.convenience_variable("bpnum")
        numbers = [*syscalls.MEMORY_SYSCALLS, *syscalls._ENDING, *syscalls._EXECVE]
        numbers.append(syscalls._ARCH_PRCTL)
        command = "catch syscall " + " ".join(map(str, numbers))
        self._catchpoint = syscalls.catchpoint(command)
        self._catchpoint.condition = "$_brkpoint_syscall()"
        gdb.set_convenience_variable("bpnum", number)  # the user's last one is still theirs

    def _record(self):
        process = self._engine.process
        tid = process.tid()
        regs = process.registers(tid)
        entering = tid not in self._inside and regs.rax == _ENOSYS
        if regs.orig_rax in syscalls._EXECVE:
            self._engine.at_execve(regs.rax)
        elif entering or tid in self._inside:  # else it began before the recording
            super()._record()
        return False

    def is_catchpoint(self, breakpoint_):
        return breakpoint_ == self._catchpoint

    def is_gone(self):
        return self._catchpoint is not None and not self._catchpoint.is_valid()

    def remove(self):
        catchpoint, self._catchpoint = self._catchpoint, None
        if catchpoint is not None and catchpoint.is_valid():
            catchpoint.delete()


class NoSyscalls:
    """`set alloc syscalls off`."""

    def is_catchpoint(self, breakpoint_):
        return False

    def is_gone(self):
        return False

    def remove(self):
        pass


def check_native(pid):
    """Raises gdb.GdbError unless this very gdb traces a live process `pid`."""
    if not pid:
        raise gdb.GdbError("alloc: there is no process: start one first (starti, or run).")
    try:
        with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as file:
            tracer = next((line for line in file if line.startswith("TracerPid:")), "TracerPid:\t0")
    except OSError:
        raise gdb.GdbError("alloc: %s." % _NATIVE) from None
    if int(tracer.split()[1]) != os.getpid():
        raise gdb.GdbError("alloc: %s." % _NATIVE)
