"""From ltrace's calls to allocator calls of the first process, as the other witnesses tell them."""

from __future__ import annotations

from alloctrace import words

from .events import Seen
from .log_text import number

# Which argument is what: (size, nmemb, pointer), by position.
_PLACES = {
    "malloc": (0, None, None),
    "calloc": (1, 0, None),
    "realloc": (1, None, 0),
    "reallocarray": (2, 1, 0),
    "free": (None, None, 0),
    "aligned_alloc": (1, None, None),
    "memalign": (1, None, None),
    "posix_memalign": (2, None, None),
    "valloc": (0, None, None),
    "pvalloc": (0, None, None),
}
assert set(_PLACES) == set(words.ENTRY_POINTS)
# Prototypes for `ltrace -F`: without one ltrace prints five arguments, whatever they are.
PROTOTYPES = """\
addr malloc(ulong);
addr calloc(ulong, ulong);
addr realloc(addr, ulong);
addr reallocarray(addr, ulong, ulong);
void free(addr);
addr aligned_alloc(ulong, ulong);
addr memalign(ulong, ulong);
int posix_memalign(addr, ulong, ulong);
addr valloc(ulong);
addr pvalloc(ulong);
"""
FILTER = "+".join(words.ENTRY_POINTS)


def calls(log, threads=None):
    """([Seen] of entries of allocator functions, [Seen] of calls in PLTs), each in order.

    `threads`: which of log.tids are threads of the first process, as indices into them; None: all.
    """
    chosen = range(len(log.tids)) if threads is None else threads
    order = {log.tids[index]: task for task, index in enumerate(chosen) if index < len(log.tids)}
    entries, plt = [], []
    for call in log.calls:
        if call.name in _PLACES and call.tid in order:
            event = _seen(call, order[call.tid])
            (entries if call.caller is None else plt).append(event)
    return entries, plt


def _seen(call, task):
    values = [number(text) for text in call.args]

    def at(place):
        return None if place is None or place >= len(values) else values[place]

    size, nmemb, ptr = (at(place) for place in _PLACES[call.name])
    event = Seen("call", call.name, task, size, nmemb, ptr, call.result, image=call.image)
    event.impl = "%s@%s" % (call.name, call.library) if call.library else call.name
    event.text = _text(call)
    event.args = {"caller": call.caller, "returned": call.returned}
    return event


def _text(call):
    front = call.caller + "->" if call.caller else ""
    back = "@" + call.library if call.library else ""
    end = " = %s" % ("<void>" if call.result is None else hex(call.result)) if call.returned else ""
    return "%s%s%s(%s)%s" % (front, call.name, back, ", ".join(call.args), end)
