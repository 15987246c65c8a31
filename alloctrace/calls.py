"""Allocator calls of one thread: which are open, which lies inside which.

The rules, with their reasons, are in docs/architecture.md, "Rules of the history".
"""

from __future__ import annotations

# A real thread has a handful of calls open. Beyond this the oldest is given up, so that
# a spool of a million entries without a return costs no quadratic time.
MAX_OPEN = 64
# Where a stack is cut, an open call so far above may be on another stack: not claimed.
SAME_STACK = 1 << 20
MAX_FRAMES = 4096

# (size, nmemb, align, ptr) from the first three arguments; `size` of one element.
ARGUMENTS = {
    "malloc": lambda a, b, c: (a, None, None, None),
    "calloc": lambda a, b, c: (b, a, None, None),
    "realloc": lambda a, b, c: (b, None, None, a),
    "reallocarray": lambda a, b, c: (c, b, None, a),
    "free": lambda a, b, c: (None, None, None, a),
    "aligned_alloc": lambda a, b, c: (b, None, a, None),
    "posix_memalign": lambda a, b, c: (c, None, b, None),
    "memalign": lambda a, b, c: (b, None, a, None),
    "valloc": lambda a, b, c: (a, None, None, None),
    "pvalloc": lambda a, b, c: (a, None, None, None),
}


class OpenCall:
    """A call whose return has not been seen yet."""

    __slots__ = ("event", "sp", "hook", "back", "shape", "memptr")

    def __init__(self, event, sp, hook, back, shape):
        self.event = event
        self.sp = sp  # points at the return address
        self.hook = hook
        self.back = back  # the return address; None where the stack does not tell
        self.shape = shape
        self.memptr = None  # what posix_memalign stored


class Thread:
    """The open calls of one thread, in the order of their entries, and its open syscall."""

    __slots__ = ("open", "syscall")

    def __init__(self):
        self.open = []
        self.syscall = None  # (event, raw arguments)

    def is_repeated(self, sp, hook, back, shape):
        """True for an entry that the engine reports twice: one call.

        glibc 2.31's malloc_hook_ini jumps to malloc's entry again; gdb repeats stops when
        another thread reports at the same moment.
        """
        if not self.open:
            return False
        top = self.open[-1]
        return top.sp == sp and top.hook == hook and top.back == back and top.shape == shape

    def drop_stale(self, sp, back):
        """Remove and return the calls that the entry at `sp` proves to be over.

        Its return address lies where theirs lay, and is another one: longjmp left them.
        """
        for index, call in enumerate(self.open):
            if call.sp == sp and None not in (call.back, back) and call.back != back:
                return self._cut(index, sp)[1]
        return []

    def push(self, call):
        """Open `call`; returns those given up because too many are open."""
        self.open.append(call)
        if len(self.open) <= MAX_OPEN:
            return []
        return [self.open.pop(0)]

    def close(self, sp):
        """(closed, left): the open calls that a return at `sp` ends, outermost first.

        `closed` returned here; `left` were opened after it, deeper, and never returned.
        """
        for index, call in enumerate(self.open):
            if call.sp == sp:
                return self._cut(index, sp, True)
        return [], []

    def _cut(self, index, sp, returned=False):
        ended = [call for call in self.open[index:] if call.sp <= sp]
        # Calls at higher addresses lie on another stack (a signal's, a coroutine's).
        self.open[index:] = [call for call in self.open[index:] if call.sp > sp]
        closed = [call for call in ended if returned and call.sp == sp]
        return closed, [call for call in ended if not (returned and call.sp == sp)]

    def around(self, sp, stack):
        """The innermost open call that contains what runs now at `sp`; None: there is none.

        `stack`: spool.Stack or None. Proof is the slot of an open call in the stack: there
        lies its return address, so it has not returned.
        """
        if not self.open:
            return None
        if stack is not None:
            found = self._by_slot(sp, stack)
            if found is not None or stack.cut == 0:
                return found
        return self._by_address(sp, stack)

    def _by_slot(self, sp, stack):
        slots = {call.sp: call for call in self.open}  # of a tail jump the last one opened
        if sp in slots:
            return slots[sp]
        frames = stack.frames[:MAX_FRAMES]
        for index, (_, slot) in enumerate(frames):
            if slot in slots and self._same_return(slots[slot], frames, index):
                return slots[slot]
        return None

    @staticmethod
    def _same_return(call, frames, index):
        """False where another function's frame lies by now where a left call's lay."""
        if call.back is None or index + 1 >= len(frames):
            return True
        return frames[index + 1][0] == call.back

    def _by_address(self, sp, stack):
        """With a cut stack: the nearest open call above what the stack could show."""
        seen = max((slot for _, slot in stack.frames), default=sp) if stack else sp
        above = [call for call in self.open if max(seen, sp - 1) < call.sp <= sp + SAME_STACK]
        return min(above, key=lambda call: call.sp) if above else None
