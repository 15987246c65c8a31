"""Records of a spool -> what happened: events, blocks, phases. Pure; no guess becomes a fact.

The rules are in docs/architecture.md, "Rules of the history".
"""

from __future__ import annotations

from collections import Counter
from operator import attrgetter

from alloctrace import words
from alloctrace.model import Event
from alloctrace.plain import fresh, plain
from alloctrace.spool import spool
from . import calls, packed, regions, syscalls
from .blocks import Blocks
from .inforecords import InfoRecords
from .packed import PackedHistory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from alloctrace.model import Border, Hook
    from .blocks import Block
    from collections.abc import Callable, Iterable
    from typing import Any
    from alloctrace.model import Module

MAX_NS = (1 << 63) - 1
EINVAL = 22
ENOMEM = 12


@plain
class History:
    """One run. Times are nanoseconds since the first instruction."""

    run: dict[str, Any] = fresh(dict)
    images: list[dict[str, Any]] = fresh(list)  # dicts: index, path, entry, t_ns …
    modules: list[Module] = fresh(list)
    hooks: dict[int, Hook] = fresh(dict)  # by id
    stacks: Any = fresh(dict)  # by id
    borders: list[Border] = fresh(list)
    events: Any = fresh(list)  # Event; events[seq]
    blocks: list[Block] = fresh(list)  # blocks.Block, live at the end, by number
    unfollowed: list[dict[str, Any]] = fresh(
        list
    )  # dicts: pid, program, reason: not recorded at all
    mains: list[dict[str, Any]] = fresh(list)  # dicts: address, user_main, how
    forks: list[dict[str, Any]] = fresh(list)  # dicts: what, tid, child, t_ns; not followed
    children: list[dict[str, Any]] = fresh(list)  # dicts: pid, parent, image, t_ns; followed
    exits: list[dict[str, Any]] = fresh(list)  # dicts: pid, image, t_ns, command; about to exit
    ends: list[dict[str, Any]] = fresh(list)  # dicts: pid, image, t_ns, kind, status; gone
    threads: list[dict[str, Any]] = fresh(list)  # dicts: tid, t_ns
    signals: list[dict[str, Any]] = fresh(list)  # dicts: name, tid, t_ns
    thread_names: list[dict[str, Any]] = fresh(list)  # dicts: pid, tid, t_ns, name; as they ended
    regions: list[dict[str, Any]] = fresh(
        list
    )  # dicts: id, parent, image, name (its address), t_ns
    cost: dict[str, Any] = fresh(dict)  # stops, engine_ns
    notes: list[str] = fresh(list)  # sentences for people
    made_code: int = 0  # bytes of code of no file in the processes as they ended
    unseen: list[dict[str, Any]] = fresh(list)  # dicts: kind, why; why counts are too small
    lost: int = 0  # events that the engine could not record
    unknown_ends: int = 0  # frees and moves of blocks that nobody saw allocated; recorder only
    end: dict[str, Any] | None = None  # kind, status, t_ns; None: the engine did not see the end
    cut_off: bool = False  # the spool ends inside a record
    packed: PackedHistory | None = None  # what the recorder's own history made of it

    def has_many(self) -> bool:
        """Whether there are too many events to hold: `events` then only iterates."""
        known = self.packed
        return known is not None and (not known.keeps_events or len(known.events) > packed.MANY)


def build(records: Iterable[Any]) -> History:
    """The History of `records` (spool.read, or any iterable of its records)."""
    builder = Builder()
    handlers = builder.handlers()
    for record in records:
        handlers[type(record)](record)
    return builder.finish()


class Builder(InfoRecords):
    """Takes record after record; `finish` gives the History."""

    def __init__(self) -> None:
        self.history = History()
        self.blocks = Blocks(self.history.events)
        self.unmatched: Counter[Any] = Counter()  # what -> how often
        self.recorder = packed.Builder(self.unmatched, lambda: len(self.history.regions))
        self._threads: dict[int, calls.Thread] = {}  # tid -> calls.Thread
        self._slots = calls.SlotCache()
        self._pairs = calls.Pairs()
        self._shapes: dict[int, Callable[..., Any]] = {}  # hook id -> reader of its arguments
        self._modules: dict[int, Module] = {}  # id -> Module, those loaded now
        self._start: int | None = None  # CLOCK_MONOTONIC of the first instruction
        self._pid = 0
        self._phase = words.PHASES[0]
        self._regions = regions.Regions(self._region_made, self._regions_lost)
        self._bordered: dict[int, int] = {}  # image -> index of its last border's phase
        self._image = 0
        self._break: int | None = None  # the last known program break

    def handlers(self) -> dict[type, Callable[[Any], None]]:
        return {
            spool.Info: self.info,
            spool.Stack: self.stack,
            spool.Enter: self.enter,
            spool.Leave: self.leave,
            spool.SysEnter: self.sysenter,
            spool.SysLeave: self.sysleave,
            spool.CutOff: self.cut_off,
            **self.recorder.handlers(),
        }

    def open_call(self, tid: int) -> Event | None:
        """The Event of the innermost call that thread `tid` is in by now, or None."""
        thread = self._threads.get(tid)
        return thread.open[-1].event if thread and thread.open else None

    def finish(self) -> History:
        history = self.history
        for thread in self._threads.values():
            for call in thread.open:
                self.blocks.abandon(call.event)
        history.blocks = sorted(self.blocks.live.values(), key=attrgetter("number"))
        if self.blocks.overwritten:
            self.unmatched[words.UNMATCHED["blocks_overwritten"]] = self.blocks.overwritten
        self.recorder.finish(history)
        for what, count in sorted(self.unmatched.items()):
            history.notes.append("unmatched: %s: %d" % (what, count))
        return history

    # calls

    def enter(self, record: spool.Enter) -> None:
        read = self._shapes.get(record.hook)
        if read is None:
            self.unmatched[words.UNMATCHED["calls_of_unknown_hook"]] += 1
            return
        thread = self._thread(record.tid)
        stack = self._stack(record.stack)
        back = stack.frames[1][0] if stack is not None and len(stack.frames) > 1 else None
        shape = read(record.arg0, record.arg1, record.arg2)
        if thread.open:
            if thread.is_repeated(record.sp, record.hook, back, shape):
                return
            self._leave_open(thread.drop_stale(record.sp, back))
        event = self._call_event(record, shape, self._around(thread, record.sp, stack))
        call = calls.OpenCall(event, record.sp, record.hook, back, shape)
        self._leave_open(thread.push(call))
        self.blocks.begin(event)

    def _call_event(
        self,
        record: spool.Enter,
        shape: tuple[int | None, int | None, int | None, int | None],
        around: calls.OpenCall | None,
    ) -> Event:
        hook = self.history.hooks[record.hook]
        event = self._event(record, "call", hook.name)
        event.impl = hook.impl
        event.size, event.nmemb, event.align, event.ptr = shape
        event.outer = None if around is None else around.event.seq
        return event

    def leave(self, record: spool.Leave) -> None:
        thread = self._threads.get(record.tid)
        closed, left = thread.close(record.sp) if thread else ((), ())
        if not closed:
            self.unmatched[words.UNMATCHED["returns_without_call"]] += 1
            return
        self._leave_open(left)
        now = self._since_start(record.t_ns)
        for call in reversed(closed):  # the inner of a tail jump first
            event = call.event
            event.dur_ns = max(0, now - event.t_ns)
            _RESULTS.get(event.name, _pointer_result)(call, self._pointer(call, record.result))
            self.blocks.end(event)

    def _pointer(self, call: calls.OpenCall, result: int) -> int | None:
        """What resizes in place returns the block's size: it is there, if that is large enough."""
        if not self.history.hooks[call.hook].returns_size:
            return result
        return call.event.ptr if result >= (call.event.size or 0) else 0

    def _leave_open(self, left: list[calls.OpenCall] | tuple[()]) -> None:
        for call in left:
            self.blocks.abandon(call.event)

    # memory syscalls

    def sysenter(self, record: spool.SysEnter) -> None:
        name = words.MEMORY_SYSCALLS.get(record.number)
        if name is None:
            self.unmatched[words.UNMATCHED["syscalls_of_unknown_number"]] += 1
            return
        thread = self._thread(record.tid)
        event = self._event(record, "syscall", name)
        event.size, event.ptr, event.args = syscalls.decode(record.number, record.args, record.path)
        around = self._around(thread, record.sp, self._stack(record.stack))
        event.cause = None if around is None else around.event.seq
        thread.syscall = event

    def sysleave(self, record: spool.SysLeave) -> None:
        thread = self._threads.get(record.tid)
        event = thread.syscall if thread else None
        if (
            thread is None
            or event is None
            or words.MEMORY_SYSCALLS.get(record.number) != event.name
        ):
            self.unmatched[words.UNMATCHED["sysreturns_without_syscall"]] += 1
            return
        thread.syscall = None
        event.dur_ns = max(0, self._since_start(record.t_ns) - event.t_ns)
        event.result, event.errno = syscalls.outcome(record.result)
        if event.name == "brk":
            self._moved_break(event)

    def _moved_break(self, event: Event) -> None:
        """brk returns the break as it is now: refused when that is not what was asked for."""
        now, before = event.result, self._break
        if now is None:
            return
        if event.ptr == 0:
            event.size = 0
        elif now != event.ptr:
            event.size, event.errno = 0, ENOMEM
        elif before is not None:
            event.size = syscalls.int64(now - before)
        self._break = now

    # the rest

    def stack(self, record: spool.Stack) -> None:
        record = record._replace(frames=self._pairs.shared(record.frames))
        if self.history.stacks.setdefault(record.id, record) != record:
            self.unmatched["stacks with a number already given"] += 1

    def cut_off(self, record: spool.CutOff) -> None:
        self.history.cut_off = True
        self.history.notes.append(
            "The spool ends inside a record; %d bytes at its end are lost." % record.lost_bytes
        )

    # small parts

    def _event(self, record: spool.Enter | spool.SysEnter, kind: str, name: str) -> Event:
        events = self.history.events
        event = Event(
            len(events), self._since_start(record.t_ns), self._pid, record.tid, kind, name
        )
        event.phase, event.image = self._phase, self._image
        event.stack, event.region = record.stack, self._regions.of(record.tid)
        events.append(event)
        return event

    def _around(
        self, thread: calls.Thread, sp: int, stack: spool.Stack | None
    ) -> calls.OpenCall | None:
        return thread.around(sp, self._slots.of(stack)) if thread.open else None

    def _thread(self, tid: int) -> calls.Thread:
        thread = self._threads.get(tid)
        if thread is None:
            thread = self._threads[tid] = calls.Thread()
        return thread

    def _stack(self, id_: int) -> spool.Stack | None:
        stack: spool.Stack | None = self.history.stacks.get(id_)
        if stack is None and id_ != 0:
            self.unmatched[words.UNMATCHED["stacks_never_written"]] += 1
        return stack

    def _since_start(self, t_ns: int) -> int:
        if self._start is None:
            self._start = t_ns
        return min(max(0, t_ns - self._start), MAX_NS)


def _pointer_result(call: calls.OpenCall, result: int | None) -> None:
    event = call.event
    event.result = result
    if result == 0 and event.size and event.nmemb != 0:
        align = event.align
        bad_align = align is not None and align & (align - 1) != 0
        event.errno = EINVAL if bad_align else ENOMEM


def _code_result(call: calls.OpenCall, result: int) -> None:
    """posix_memalign returns an int; the pointer came in a record of its own."""
    event = call.event
    code = syscalls.int32(result)
    event.args["code"] = code
    if code:
        event.errno = code if code > 0 else None
    else:
        event.result = call.memptr


def _no_result(call: calls.OpenCall, result: int) -> None:
    """free returns nothing: the register holds leftovers."""


_RESULTS: dict[str, Callable[[calls.OpenCall, Any], None]] = {
    "posix_memalign": _code_result,
    "free": _no_result,
}
