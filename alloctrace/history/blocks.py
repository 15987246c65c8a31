"""Blocks: what allocations handed out, by address, from the allocation to its free.

A block leaves the table of live ones when its free or realloc *begins*: before that call
returns, another thread may already be handed the address.
"""

from __future__ import annotations

from alloctrace.plain import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from alloctrace.model import Event


MASK64 = (1 << 64) - 1


@plain
class Block:
    number: int
    address: int
    size: int  # bytes asked for
    seq: int  # the event that allocated it
    last: int  # the event that resized it last; equal to seq where none did


def asked(event: Event) -> int:
    """The bytes that the call asked for in all; wraps never, stops at 2^64 - 1."""
    return min((event.size or 0) * (1 if event.nmemb is None else event.nmemb), MASK64)


class Blocks:
    """The live blocks of a process while its events go by."""

    def __init__(self, events: list[Event]) -> None:
        self._events = events
        self._count = 0
        self._moving: dict[int, Block] = {}  # seq of an open realloc -> the block it works on
        self._inner: dict[int, list[Event]] = {}  # address -> nested calls that returned it
        self.live: dict[int, Block] = {}  # address -> Block
        self.overwritten = 0  # address handed out again although no free was seen

    def begin(self, event: Event) -> None:
        """A call begins. A pointer argument ends its block, or for a realloc suspends it."""
        if not event.ptr:
            return
        block = self.live.pop(event.ptr, None)
        if block is None:
            event.block = self._known_to_outer(event)
            block = None if event.block else self._adopt(event.ptr)
        if block is None:
            return
        event.block = block.number
        if event.name != "free":
            self._moving[event.seq] = block

    def end(self, event: Event) -> None:
        """A call returned; `event.result` and `errno` are set."""
        if event.name == "free":
            return
        block = self._moving.pop(event.seq, None)
        if block is not None:
            self._moved(event, block)
        elif event.result and event.block is None:
            self._new(event)

    def abandon(self, event: Event) -> None:
        """A call will never return. What it was moving is still there, as far as we know."""
        block = self._moving.pop(event.seq, None)
        if block is not None:
            self.live.setdefault(block.address, block)

    def clear(self) -> None:
        """exec: the memory is gone, and nothing of it leaked."""
        self.live.clear()
        self._moving.clear()
        self._inner.clear()

    def _moved(self, event: Event, block: Block) -> None:
        if event.errno is not None:  # a failed realloc leaves the block as it was
            self.live[block.address] = block
        elif event.result:
            block.address, block.size, block.last = event.result, asked(event), event.seq
            self._put(block)
            self._tell_inner(event)

    def _new(self, event: Event) -> None:
        if event.outer is not None:
            result = event.result or 0
            same_call = [e for e in self._inner.get(result, ()) if e.seq > event.outer]
            self._inner[result] = same_call + [event]
            return
        self._count += 1
        event.block = self._count
        self._put(Block(event.block, event.result or 0, asked(event), event.seq, event.seq))
        self._tell_inner(event)

    def _put(self, block: Block) -> None:
        if block.address in self.live:
            self.overwritten += 1
        self.live[block.address] = block

    def _tell_inner(self, event: Event) -> None:
        """The nested calls that returned the same pointer worked on the same block."""
        for inner in self._inner.pop(event.result or 0, ()):
            if inner.seq > event.seq:
                inner.block = event.block

    def _known_to_outer(self, event: Event) -> int | None:
        """A nested free(p) or realloc(p) inside the realloc(p) or free(p) of a block."""
        outer = event.outer
        while outer is not None:
            call: Event = self._events[outer]
            if call.ptr == event.ptr:
                return call.block
            outer = call.outer
        return None

    def _adopt(self, address: int) -> Block | None:
        """A nested call's memory, freed from outside: it was a block after all.

        A signal handler's malloc inside malloc is such a call. None: nobody allocated it.
        """
        inner = self._inner.pop(address, None)
        if not inner:
            return None
        self._count += 1
        for event in inner:
            event.block = self._count
        return Block(self._count, address, asked(inner[-1]), inner[-1].seq, inner[-1].seq)
