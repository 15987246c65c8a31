"""What rules ask of an event's surroundings: its block's past, its thread's next mapping."""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property

from alloctrace.columns.few_events import FewEvents
from alloctrace.model import by_image
from alloctrace.origin.facts import Facts, places
from alloctrace.origin.table import default as origin_rows
from alloctrace.stacks.beginnings import Beginnings
from alloctrace.stacks.tree import StackTree
from alloctrace.stacks.unions import Unions
from alloctrace.symbols.function_names import plain
from . import function_steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from alloctrace.model import Event, Frame, Module, Verdict
    from alloctrace.origin.walk import Stack
    from alloctrace.purpose.examples import Examples
    from alloctrace.purpose.rules import Rule
    from alloctrace.stacks.beginnings import Beginning

_GLIBC, _MUSL = 1, 2
MAX_FUNCTIONS = 200  # of a stack, innermost; deeper ones are no evidence
LOOK_AHEAD = 16  # events of the thread, for the file that the loader maps next
_CACHES = ("ld.so.cache", "gconv-modules.cache", "locale-archive")
# Functions at the outer end of a stack that only one C library has.
_ONLY_GLIBC = {"__libc_start_call_main", "__libc_start_main_impl", "start_thread", "sysmalloc"}
_ONLY_GLIBC |= {"__libc_setup_tls", "__libc_init_first", "_dl_non_dynamic_init"}
_ONLY_MUSL = {"libc_start_main_stage2", "_start_c", "libc_start_init", "alloc_group"}


class Survey:
    """Prepared once for all events. `facts_of(event)`: the origin.Facts it was judged by."""

    def __init__(
        self,
        events: FewEvents | list[Event],
        stacks: Mapping[int, Sequence[Frame]],
        modules: Sequence[Module] = (),
        facts_of: Callable[[Event], Facts] | None = None,
    ) -> None:
        self.events = events
        self.tree = StackTree.of(stacks)
        self.part: Examples | None = None  # where not all events of the run are here
        self.facts_of = facts_of or (lambda event: Facts())
        self._modules = by_image(modules)
        self.answers = Beginnings(self.tree)
        # Of rules' stacks, that functions fit.
        self.steps = Unions(self.tree, lambda frames: function_steps.of_frames(frames, modules))
        # Kept by purpose.fitting: rules by their numbers.
        self.fitting: dict[tuple[int, ...], tuple[Rule, ...]] = {}
        self._libcs = Unions(self.tree, lambda frames: map(_libc_of, frames))
        # By module: whether a stack has functions inlined there.
        self._inlined: dict[str, Unions] = {}
        # By (image, block): what it was last known to be.
        self.things: dict[tuple[int, int | None], str | None] = {}

    @cached_property
    def before(self) -> dict[int, int]:
        """{seq: index of the event that handed out or moved the same block before}."""
        events = self.events
        return events.before() if isinstance(events, FewEvents) else _blocks(events)

    @cached_property
    def _following(self) -> list[int | None]:
        return _following(self.events)

    @cached_property
    def _files(self) -> dict[int, list[tuple[int, str]]]:
        return _files(self.events)

    @cached_property
    def _mapped(self) -> dict[tuple[int, int], list[tuple[int, str | None]]]:
        return _mappings(self.events)

    def linked_libc(self, event: Event) -> str:
        """The C library's name where the program has it linked in and the stack tells which."""
        call = self.cause(event) or event
        return self.libc_of(self.facts_of(event), event.stack, call.stack)

    def libc_of(self, facts: Facts, *stacks: int) -> str:
        """The same of stacks, by their ids."""
        if facts.libc != "static":
            return ""
        told = [self._libcs.of(self.tree.node(stack)) for stack in stacks]
        if any(bits & _GLIBC for bits in told):
            return "libc.so.6"
        return "libc.so" if any(told) else ""

    def first(self, event: Event) -> tuple[str, Frame] | None:
        """(name, frame) of the first function outside the allocator, or None; unnamed: ""."""
        facts = self.facts_of(event)
        question = event.kind, facts.libc, facts.holds
        ask = _first_asked(event.kind, facts)
        return self.answers.answer(question, self.tree.node(event.stack), ask)

    def decided(self, stack: int, verdict: Verdict | None) -> Frame | None:
        """The frame of that stack that decided, or None."""
        at = verdict.decided_by if verdict is not None else None
        return self.tree.frame(stack, at) if at is not None else None

    def functions(self, event: Event) -> Functions:
        """The Functions of its stack."""
        return Functions(self.tree.stack(event.stack), event.kind, self.facts_of(event))

    def has_inlined(self, event: Event, module: str) -> bool:
        """Whether the stack shows a function inlined into one of that module."""
        if module not in self._inlined:
            self._inlined[module] = Unions(
                self.tree, lambda frames: (int(f.inlined and f.module == module) for f in frames)
            )
        return bool(self._inlined[module].of(self.tree.node(event.stack)))

    def remember(self, event: Event, thing: str | None) -> None:
        """`event` was explained: its block is from now on `thing`."""
        if event.name != "free" and event.block is not None and event.outer is None:
            self.things[event.image, event.block] = thing

    def thing(self, event: Event) -> str | None:
        """What the event's block was last known to be, or None."""
        return self.things.get((event.image, event.block))

    def index_before(self, event: Event) -> int | None:
        """Index of the event that handed out or last moved the block of `event`, or None."""
        return self.index_before_seq(event.seq)

    def index_before_seq(self, seq: int) -> int | None:
        """The same of the event with that `seq`."""
        index = self.before.get(seq)
        is_sure = self.part is None or index is None or self.part.is_before(index, seq)
        return index if is_sure else None

    def previous(self, event: Event) -> Event | None:
        """That event, or None."""
        index = self.index_before(event)
        return None if index is None else self.events[index]

    def cause(self, event: Event) -> Event | None:
        """The un-nested call during which a syscall was made, or None."""
        seq = event.cause
        for _ in range(8):
            if seq is None or not 0 <= seq < len(self.events):
                return None
            call = self.events[seq]
            if call.outer is None:
                return call
            seq = call.outer
        return None

    def next_file(self, index: int) -> str | None:
        """Path of the file that this thread maps next for the same loading, or None."""
        event = self.events[index]
        own, following = self._first_function(event), self._following
        at: int | None = index
        for _ in range(LOOK_AHEAD):
            at = following[at] if at is not None else None
            if at is None:
                return None
            later = self.events[at]
            path: str | None = later.args.get("path")
            if self.part is not None and not self.part.is_whole(event.seq, at):
                return None
            if later.name == "mmap" and path and not path.endswith(_CACHES):
                return path
            if later.outer is None and later.name == event.name:
                if self._first_function(later) == own:
                    return None
        return None

    def count_before(self, index: int) -> int:
        """How many earlier calls of that name the same function made on this thread."""
        event = self.events[index]
        own, found = self._first_function(event), 0
        for other in self.events[max(0, index - LOOK_AHEAD) : index]:
            if (other.name, other.tid, other.outer) == (event.name, event.tid, None):
                found += self._first_function(other) == own
        return found

    def _first_function(self, event: Event) -> str:
        first = self.first(event)
        return first[0] if first else ""

    def file_mapped_at(self, index: int, address: int) -> str | None:
        """Path of the file that was last mapped at exactly `address` before that event, or None."""
        rows = self._mapped.get((self.events[index].image, address), ())
        before = bisect_left(rows, (index,))
        return rows[before - 1][1] if before and self._knows_syscalls(index) else None

    def last_file(self, index: int) -> str | None:
        """Path of the file that this thread mapped last, or None."""
        rows = self._files.get(self.events[index].tid, ())
        before = bisect_left(rows, (index,))
        return rows[before - 1][1] if before and self._knows_syscalls(index) else None

    def _knows_syscalls(self, index: int) -> bool:
        """Whether all syscalls before that event are here."""
        return self.part is None or self.part.has_syscalls_before(index)

    def file_at(self, address: int, image: int) -> str | None:
        """Path of the module that holds `address` in that image, or None."""
        for module in self._modules.get(image, ()):
            if module.start <= address < module.end:
                return module.path
        return None


def _libc_of(frame: Frame) -> int:
    if frame.function in _ONLY_GLIBC:
        return _GLIBC
    return _MUSL if frame.function in _ONLY_MUSL else 0


def _first_asked(kind: str, facts: Facts) -> Callable[[Beginning], tuple[str, Frame] | None]:
    def ask(stack: Beginning) -> tuple[str, Frame] | None:
        return Functions(stack, kind, facts).at(0)

    return ask


class Functions:
    """(name, frame) of a stack outside the allocator, innermost first; unnamed ones are "".

    Nothing further out is looked at than what is asked for.
    """

    def __init__(self, stack: Stack, kind: str, facts: Facts) -> None:
        self._stack = stack
        self._found: list[tuple[str, Frame]] = []
        self._start = self._outside(kind, facts)

    def at(self, index: int) -> tuple[str, Frame] | None:
        """(name, frame) of a function, None where there is none."""
        found = self._found
        while index >= len(found):
            if len(found) >= MAX_FUNCTIONS:
                return None
            try:  # of all that is done here, this is done most often
                frame = self._stack[self._start + len(found)]
            except IndexError:
                return None
            found.append((plain(frame.function) or "", frame))
        return found[index]

    def _outside(self, kind: str, facts: Facts) -> int:
        stack, start = self._stack, 0
        if kind == "call":
            while _has(stack, start) and stack[start].inlined:
                start += 1
            start += _has(stack, start)
        while _has(stack, start):
            frame, table = stack[start], origin_rows()
            row = table.find(plain(frame.function), places(frame, facts))
            if row is None or row.kind != "allocator" or row.key == "loader-helper":
                break
            if kind == "syscall" and row.key != "syscall-wrapper":
                break
            start += 1
        return start


def _has(stack: Stack, index: int) -> bool:
    try:
        return stack[index] is not None
    except IndexError:
        return False


def _following(events: FewEvents | list[Event]) -> list[int | None]:
    """By index: the index of the thread's next event, or None."""
    next_: dict[int, int] = {}
    threads = events.threads() if isinstance(events, FewEvents) else [event.tid for event in events]
    found: list[int | None] = [None] * len(threads)
    for index in range(len(threads) - 1, -1, -1):
        found[index] = next_.get(threads[index])
        next_[threads[index]] = index
    return found


def _files(events: FewEvents | list[Event]) -> dict[int, list[tuple[int, str]]]:
    """{thread: [(index, path)]} of the files that it mapped."""
    found: dict[int, list[tuple[int, str]]] = {}
    for index, event in _mmaps(events):
        if event.args.get("path"):
            found.setdefault(event.tid, []).append((index, event.args["path"]))
    return found


def _mmaps(events: FewEvents | list[Event]) -> Iterator[Any]:
    if isinstance(events, FewEvents):
        return events.named("mmap")
    return ((index, event) for index, event in enumerate(events) if event.name == "mmap")


def _blocks(events: Iterable[Event]) -> dict[int, int]:
    before = {}
    last: dict[tuple[int, int], int] = {}
    for index, event in enumerate(events):
        if event.block is None or event.outer is not None or event.kind != "call":
            continue
        key = (event.image, event.block)
        if key in last:
            before[event.seq] = last[key]
        if not event.failed:  # else the block is as it was
            last[key] = index
    return before


def _mappings(
    events: FewEvents | list[Event],
) -> dict[tuple[int, int], list[tuple[int, str | None]]]:
    """{(image, address): [(index, path of the file or None)]} of what was mapped there."""
    found: dict[tuple[int, int], list[tuple[int, str | None]]] = {}
    for index, event in _mmaps(events):
        if event.kind == "syscall" and event.result is not None:
            where = event.image, event.result
            found.setdefault(where, []).append((index, event.args.get("path")))
    return found
