"""Allocator calls of one thread: which are open, which lies inside which.

The rules, with their reasons, are in docs/architecture.md, "Rules of the history".
"""

from __future__ import annotations

from functools import lru_cache
from operator import attrgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

    Shape = tuple[Optional[int], Optional[int], Optional[int], Optional[int]]
    from collections.abc import Callable

    from alloctrace.model import Event
    from alloctrace.spool.spool import Stack

# A real thread has a handful of calls open. Beyond this the oldest is given up, so that
# a spool of a million entries without a return costs no quadratic time.
MAX_OPEN = 64
# Where a stack is cut, an open call so far above may be on another stack: not claimed.
SAME_STACK = 1 << 20
MAX_FRAMES = 4096


@lru_cache(maxsize=64)  # of a hundred processes each has a dozen hooks
def reader(arguments: tuple[str, ...]) -> Callable[..., Shape]:
    """What reads (size, nmemb, align, ptr) out of a record's three arguments; `size` of one
    element. `arguments`: what these are, words.SIGNATURES; None where the call has none such.
    """
    at = {word: index for index, word in enumerate(arguments)}
    size, nmemb, align, ptr = (at.get(word, 3) for word in ("size", "nmemb", "align", "ptr"))
    flags = at.get("flags")

    def read(*given: int) -> Shape:
        those = (*given, None)
        return those[size], those[nmemb], those[align], those[ptr]

    def read_flags(*given: int) -> Shape:
        shape, power = read(*given), given[flags or 0] & 63  # MALLOCX_LG_ALIGN, jemalloc(3)
        return shape if not power else (shape[0], shape[1], 1 << power, shape[3])

    return read if flags is None else read_flags


class OpenCall:
    """A call whose return has not been seen yet."""

    __slots__ = ("event", "sp", "hook", "back", "shape", "memptr")

    def __init__(
        self,
        event: Event,
        sp: int,
        hook: int,
        back: int | None,
        shape: Shape,
    ) -> None:
        self.event = event
        self.sp = sp  # points at the return address
        self.hook = hook
        self.back = back  # the return address; None where the stack does not tell
        self.shape = shape
        self.memptr: int | None = None  # what posix_memalign stored


class Thread:
    """The open calls of one thread, in the order of their entries, and its open syscall."""

    __slots__ = ("open", "syscall")

    def __init__(self) -> None:
        self.open: list[OpenCall] = []
        self.syscall: Event | None = None  # (event, raw arguments)

    def is_repeated(
        self, sp: int, hook: int, back: int | None, shape: tuple[int | None, None, None, int | None]
    ) -> bool:
        """True for an entry that the engine reports twice: one call.

        glibc 2.31's malloc_hook_ini jumps to malloc's entry again; gdb repeats stops when
        another thread reports at the same moment.
        """
        if not self.open:
            return False
        top = self.open[-1]
        return top.sp == sp and top.hook == hook and top.back == back and top.shape == shape

    def drop_stale(self, sp: int, back: int | None) -> list[OpenCall]:
        """Remove and return the calls that the entry at `sp` proves to be over.

        Its return address lies where theirs lay, and is another one: longjmp left them.
        """
        for index, call in enumerate(self.open):
            if call.sp == sp and None not in (call.back, back) and call.back != back:
                return self._cut(index, sp)[1]
        return []

    def push(self, call: OpenCall) -> list[OpenCall]:
        """Open `call`; returns those given up because too many are open."""
        self.open.append(call)
        if len(self.open) <= MAX_OPEN:
            return []
        return [self.open.pop(0)]

    def close(self, sp: int) -> tuple[list[OpenCall] | tuple[()], list[OpenCall] | tuple[()]]:
        """(closed, left): the open calls that a return at `sp` ends, outermost first.

        `closed` returned here; `left` were opened after it, deeper, and never returned.
        """
        if len(self.open) == 1 and self.open[0].sp == sp:  # nearly always
            return [self.open.pop()], ()
        for index, call in enumerate(self.open):
            if call.sp == sp:
                return self._cut(index, sp, True)
        return (), ()

    def _cut(
        self, index: int, sp: int, returned: bool = False
    ) -> tuple[list[OpenCall], list[OpenCall]]:
        ended = [call for call in self.open[index:] if call.sp <= sp]
        # Calls at higher addresses lie on another stack (a signal's, a coroutine's).
        self.open[index:] = [call for call in self.open[index:] if call.sp > sp]
        closed = [call for call in ended if returned and call.sp == sp]
        return closed, [call for call in ended if not (returned and call.sp == sp)]

    def around(self, sp: int, slots: Slots | None) -> OpenCall | None:
        """The innermost open call that contains what runs now at `sp`; None: there is none.

        `slots`: Slots of the stack, None where there is no stack. Proof is the slot of an open
        call in the stack: there lies its return address, so it has not returned.
        """
        if not self.open:
            return None
        if slots is not None:
            found = self._by_slot(sp, slots)
            if found is not None or slots.is_whole:
                return found
        return self._by_address(sp, slots)

    def _by_slot(self, sp: int, slots: Slots) -> OpenCall | None:
        """Of calls in one slot, a tail jump's, the last one opened is the innermost."""
        best, best_index = None, MAX_FRAMES
        for call in self.open:
            index = -1 if call.sp == sp else slots.index.get(call.sp)
            if index is None or index > best_index:
                continue
            if index < 0 or slots.may_return_to(index, call.back):
                best, best_index = call, index
        return best

    def _by_address(self, sp: int, slots: Slots | None) -> OpenCall | None:
        """With a cut stack: the nearest open call above what the stack could show."""
        seen = max(slots.highest, sp) if slots else sp
        above = [call for call in self.open if seen < call.sp <= sp + SAME_STACK]
        return min(above, key=attrgetter("sp")) if above else None


class Slots:
    """Where the return addresses of one stack lie."""

    def __init__(self, stack: Stack) -> None:
        self.is_whole = stack.cut == 0
        self._frames = stack.frames[:MAX_FRAMES]
        self.index: dict[int, int] = {}
        for index, (_, slot) in enumerate(self._frames):
            self.index.setdefault(slot, index)
        self.highest = max(self.index, default=0)

    def may_return_to(self, index: int, back: int | None) -> bool:
        """False where another function's frame lies by now where a left call's lay."""
        if back is None or index + 1 >= len(self._frames):
            return True
        return self._frames[index + 1][0] == back


class Pairs:
    """One object for each (pc, slot): deep stacks differ in their innermost frames alone."""

    MAX_PAIRS = 1 << 18

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[int, int]] = {}

    def shared(self, frames: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        """The same frames, out of the pairs of earlier ones where they are equal."""
        if len(self._known) > self.MAX_PAIRS:
            self._known = {}
        known = self._known
        return tuple([known.setdefault(pair, pair) for pair in frames])


class SlotCache:
    """Slots by stack id; forgets all when they grow too many."""

    MAX_SLOTS = 1 << 18

    def __init__(self) -> None:
        self._known: dict[int, Slots] = {}
        self._count = 0

    def of(self, stack: Stack | None) -> Slots | None:
        """The Slots of a spool.Stack; None for None."""
        if stack is None:
            return None
        slots = self._known.get(stack.id)
        if slots is None:
            slots = Slots(stack)
            self._count += len(slots.index)
            if self._count > self.MAX_SLOTS:
                self._known, self._count = {}, len(slots.index)
            self._known[stack.id] = slots
        return slots
