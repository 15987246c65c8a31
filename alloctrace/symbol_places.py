"""Program counters -> modules: which file was mapped there when the stack was seen."""

from __future__ import annotations

from bisect import bisect_right
from collections import namedtuple

Place = namedtuple("Place", "pc module is_call")
# module: None where no file is mapped. is_call: the pc is a return address, so that the call lies
# before it. Not so where a stack begins, in a signal's trampoline, and where a signal interrupted.


class Places:
    """The modules of a history by address, image and time.

    `is_signal_return(module, offset)` tells whether a signal trampoline is at that place. `found`:
    by number, what is at an address: its Place where a stack begins there, its Place as a caller,
    and whether its caller is one: not so of a signal trampoline. Equal places are one object.
    """

    def __init__(self, modules, is_signal_return):
        self.found = []
        self._is_signal_return = is_signal_return
        self._modules = sorted(modules, key=lambda module: module.start)
        self._starts = [module.start for module in self._modules]
        self._reach = _furthest_ends(self._modules)
        self._held = {}  # pc -> modules that ever held it
        self._numbers = {}  # (pc, module id) -> number
        self._lasting = {}  # image -> {pc: a number that holds at all its times}

    def lasting(self, image):
        """{pc: number}: what need not be asked again in an image; None: of no image."""
        return self._lasting.setdefault(image, {})

    def find(self, pc, when):
        """The number of what is at `pc`; `when`: (t_ns, image), or None."""
        if pc not in self._held:
            self._held[pc] = self._holding(pc)
        module = _choose(self._held[pc], when)
        key = (pc, None if module is None else module.id)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.found)
            signal = module is not None and self._is_signal_return(module, pc - module.base)
            exact = Place(pc, module, False)
            self.found.append((exact, exact if signal else Place(pc, module, True), not signal))
        if _is_lasting(self._held[pc], when):
            self.lasting(when and when[1])[pc] = number
        return number

    def _holding(self, pc):
        found, index = [], bisect_right(self._starts, pc) - 1
        while index >= 0 and self._reach[index] > pc:
            if pc < self._modules[index].end:
                found.append(self._modules[index])
            index -= 1
        return found


def wanted(places):
    """{module id: {(offset, is_call)}} of Places."""
    found = {}
    for place in places:
        if place.module is not None:
            rows = found.setdefault(place.module.id, set())
            rows.add((place.pc - place.module.base, place.is_call))
    return found


def _is_lasting(modules, when):
    """Whether another time of the same image would find the same."""
    modules = [m for m in modules if when is None or m.image == when[1]]
    return not modules or len(modules) == 1 and modules[0].unloaded_ns is None


def _furthest_ends(modules):
    ends, furthest = [], 0
    for module in modules:
        furthest = max(furthest, module.end)
        ends.append(furthest)
    return ends


def _choose(modules, when):
    """The one that was mapped at that time, and of several the last one loaded; None: no such.

    An engine learns of a library shortly after it was mapped: one loaded later counts last.
    """
    if when is not None:
        t_ns, image = when
        alive = (m for m in modules if m.unloaded_ns is None or m.unloaded_ns > t_ns)
        modules = [m for m in alive if m.image == image]
        if len(modules) > 1:
            return min(modules, key=lambda m: (m.loaded_ns > t_ns, -m.loaded_ns))
    return max(modules, key=lambda m: m.loaded_ns, default=None)
