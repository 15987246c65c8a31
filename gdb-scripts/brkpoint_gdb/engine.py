"""The breakpoint engine: attach, wait for the exec, watch the target to its end.

The loop runs while the target stands still; everything frequent happens in the stop() methods
of hooks.py and the conditions of syscalls.py, which never stop it.
"""

from __future__ import annotations

import os
import signal

import gdb

from alloctrace import allocators, escape
from alloctrace.elf import elf
from alloctrace.spool import spool

from . import borders, code, hooks, libraries, planted, regions, rescue, settings
from . import spool_file, stacks, stepping, syscalls
from .process import Process, now

_ENOSYS = (1 << 64) - 38  # what the kernel puts into rax at the entry of a system call
_RETRIES = 8


class Engine:
    Entry = hooks.Entry

    def __init__(self, config):
        self.config = config
        self.options = config.get("options", {})
        self.watched = allocators.watched(map(allocators.from_plain, config.get("also", ())))
        self.file = spool_file.SpoolFile(config["spool"])
        self.spool = spool.Writer(self.file)
        self.image = -1  # counts execs
        self.map = self.stacks = None
        self.last_state = {}  # as process.state(), at the end
        self.stops = self.lost = 0
        self.stepping = stepping.Stepping(self)
        self.planted, self.libraries = planted.Planted(self), libraries.Libraries(self)
        self.reached = []  # breakpoints that stopped the target and wait for their action
        self._noted = set()
        self._own_trap = self._executing = self._dying = False
        self.has_let_go = False  # the program runs on, unwatched
        self._next_hook = 1
        self._exec_hits = self._execve_hits = 0

    # -- the whole run

    def run(self):
        settings.apply()
        settings.do("attach %d" % self.config["pid"])
        self.process = Process(self.config["pid"])
        self._rescue = rescue.Rescue(self.process.pid, self._gdb_died, self.stepping.moved)
        self.exec = syscalls.catchpoint("catch exec")
        gdb.execute("set auto-solib-add on")  # the loader's unwind tables, from the exec on
        os.write(self.config["ready_fd"], b"A")
        settings.do("continue")
        if not self._alive():
            return  # the exec failed: the parent knows why
        self._hits(self.exec, "_exec_hits")
        self._watch_events()
        self.started_ns = now()
        facts = {"pid": self.process.pid, "engine": "breakpoints", "gdb": gdb.VERSION}
        self.spool.info("run", started_ns=self.started_ns, **facts)
        self.syscalls = syscalls.Syscalls(self)
        syscalls.Forks(self)
        self._begin_image()
        while self._alive():
            try:
                self._continue()
            except Exception:  # gdb has no thread left to tell of, or /proc no file
                if not self.process.is_dead():
                    raise
                self._dying = True
        self.finish("detached" if self.has_let_go else "exited")
        if self._dying:
            os._exit(0)  # gdb might wait for threads that nobody will hear of again

    def _alive(self):
        return bool(gdb.selected_inferior().pid) and not self._dying and not self.has_let_go

    def let_go(self):
        """The target stands still: nothing of ours stays in its memory, and gdb lets it run."""
        self.planted.remove_all()
        self.has_let_go = True
        settings.do("detach")

    def give_up(self, error):
        """An error of ours: gdb lets the target go when it quits, and nothing more is seen."""
        if self.image >= 0:
            self.lose(1, "the engine failed: %s" % error)
            self.finish("detached")

    def _gdb_died(self):
        """gdb 16.3 fails an assertion of its own where threads die that it was about to step.

        The program is dead as well then: all of its life was seen, as where gdb only throws.
        """
        if not self.file.closed and self.image >= 0 and self.process.is_dead():
            self.finish("exited")
            os._exit(0)

    def finish(self, kind):
        """The last records. The parent knows the true exit status; gdb need not."""
        self.spool.info(
            "cost",
            stops=self.stops,
            unstepped=self.stepping.count,
            engine_ns=now() - self.started_ns,
            walks=self.stacks.walks,
            remembered=self.stacks.hits,
        )
        self.spool.info("end", **{"kind": kind, "t_ns": now(), **self.last_state})
        self.file.close()

    def lose(self, count, reason):
        self.lost += count
        self.spool.info("lost", count=count, reason=reason)

    def note(self, text):
        self.spool.info("note", text=text)

    def unseen(self, kind, text):
        """A note, once, that weakens every count; `kind` is one word: summary/coverage.py."""
        if text not in self._noted:
            self._noted.add(text)
            self.spool.info("unseen", kind=kind, text=text)

    def note_once(self, text):
        if text not in self._noted:
            self._noted.add(text)
            self.note(text)

    # -- events of gdb

    def _watch_events(self):
        gdb.events.new_thread.connect(self._new_thread)

    def _new_thread(self, event):
        self.process.threads += 1
        tid = event.inferior_thread.ptid[1]
        self.spool.info("thread", tid=tid, t_ns=now())

    # -- a program image

    def _begin_image(self):
        """At the first instruction of a program: everything is planted anew."""
        self.image += 1
        self.process.threads = 1
        self.map = code.Map(self.process, self.map.next_id if self.map else 1)
        self.stacks = stacks.Stacks(self.process, self.spool, self.map, self.stacks)
        self.calls = hooks.Calls(self)
        self.borders = borders.Borders(self)
        self.program = None
        self.syscalls.forget()
        try:
            self._look_at_image()
        except PermissionError:  # the kernel hides what runs from a file like that
            self.syscalls.quiet = True
            self._announce_image("", None)
            self.unseen(
                "process", "a program whose file may be run but not read: nothing of it is seen"
            )

    def _look_at_image(self):
        self.process.reopen()
        auxv = self.process.auxv()
        executable = os.fsencode(self.process.executable())
        self._announce_image(os.fsdecode(executable), auxv.get(9))
        self.syscalls.quiet = not self.process.is_64_bit()
        if self.syscalls.quiet:
            self.unseen(
                "process", "a 32-bit program: its allocations are not seen (64-bit x86 only)"
            )
            return
        settings.stand_where(self.process.pid)
        self.stepping.prepare()
        self.update_code(executable, auxv)
        self._show_hidden(executable)
        self._start_phases(executable)
        self._act_on_reached()

    def _show_hidden(self, executable):
        """gdb reads a program's file by its name, and there may be none: memfd_create, unlink."""
        for program in self.map.all if not os.path.exists(executable) else ():
            if program.path == executable:
                settings.show_program(b"/proc/%d/exe" % self.process.pid, program.bias)

    def _announce_image(self, path, entry):
        what = {"index": self.image, "pid": self.process.pid, "path": path}
        what["command"] = self.process.command()
        self.spool.info("image", **what, entry=entry, t_ns=now())

    def _start_phases(self, executable):
        main_code = next((c for c in self.map.all if c.path == executable), None)
        loader = next((c for c in self.map.all if c.role == "loader"), None)
        if loader is None:
            self.borders.begin(now(), main_code, dynamic=False)
            return
        self.borders.begin(now(), None, dynamic=True)
        self.libraries.watch(loader)
        if loader.path != executable and main_code is not None:
            self.know_program(main_code)

    def know_program(self, program):
        self.program = program
        if program.file is not None:
            self.borders.program_known(program)

    def update_code(self, executable, auxv):
        new, gone = self.map.update()
        if auxv is not None:
            self._assign_roles(executable, auxv)
        if new or gone:
            self.stacks.forget()
        for item in gone:
            self.spool.info("unmodule", id=item.id, t_ns=now())
        for item in new:
            self.spool.info("module", **item.describe(self.image, now()))
            self._hook(item)
        self.stacks.thread_starts = [r for c in self.map.all for r in c.starts()]
        self.borders.watch_initialisers(new)

    def _assign_roles(self, executable, auxv):
        base = auxv.get(7)  # AT_BASE: where the loader lies, 0 for a static program
        for item in self.map.all:
            if item.path == executable:
                item.role = "executable"
            if base and base in (item.start, item.bias):
                item.role = "loader"
            if not base and item.path == executable and item.is_loader:
                item.role = "loader"

    def _hook(self, item):
        try:
            hooks.watch(self, item, self.Entry)
            regions.watch(self, item)
            self.borders.watch_exit(item)
        except elf.ElfError as error:
            item.file = None
            self.unseen(
                "hook", "not all calls of functions are seen: %s" % escape.visible(str(error))
            )

    def new_hook(self):
        self._next_hook += 1
        return self._next_hook - 1

    # -- the loop

    def _continue(self):
        """Let the target run until something must be done while it stands still."""
        own_trap, self._own_trap = self._own_trap, False
        self._resume("signal SIGTRAP" if own_trap else "continue")
        if not self._alive():
            return
        if self._hits(self.exec, "_exec_hits"):
            self._at_exec()
        elif self._hits(self.syscalls.execve, "_execve_hits"):
            self._at_execve()
        elif not (self.reached or self.planted.waits or self.calls.wanted):
            self._at_own_trap()
        self.planted.act()
        self._act_on_reached()
        self.calls.plant_wanted()

    def _at_own_trap(self):
        """No breakpoint of ours: the target raised SIGTRAP, and gdb would swallow it."""
        tid = self.process.tid()
        if self.process.signal_number(tid) == signal.SIGTRAP:
            self._own_trap = True
            self.spool.info("signal", name="SIGTRAP", tid=tid, t_ns=now())

    def _resume(self, command):
        for _ in range(_RETRIES):
            try:
                settings.do(command)
                return
            except gdb.error as error:
                if self._alive() and self._executing:  # it became what gdb may not look into
                    return self._at_exec()
                if self.process.is_dead():  # killed, with threads that gdb was about to step
                    self._dying = True
                    return
                if not self._alive() or not self.planted.remove_unreadable():
                    raise
                self.unseen("hook", "breakpoints in code that was gone: %s" % error)

    def _act_on_reached(self):
        while self.reached:
            border = self.reached.pop(0)
            tid = self.process.tid()
            border.action(tid, self.process.registers(tid))

    def _hits(self, catchpoint, counter):
        """Whether `catchpoint` was hit since the last time."""
        before, count = getattr(self, counter), catchpoint.hit_count
        setattr(self, counter, count)
        return count != before

    def _at_exec(self):
        """The first instruction of another program."""
        self._executing = False
        self.borders.executed(now())
        settings.run_others(True)
        self.planted.remove_all()
        self._begin_image()

    def _at_execve(self):
        """gdb cannot take its breakpoints out of a program that is gone: do it before.

        The second stop is the return of an execve that failed, or the first of a new program.
        Until then no other thread may run: its calls would not be seen.
        """
        self._executing = entering = self.process.registers(self.process.tid()).rax == _ENOSYS
        self.borders.execing(entering)
        settings.run_others(not entering)
        self.planted.enable(not entering)
