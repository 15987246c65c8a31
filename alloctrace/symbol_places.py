"""Program counters -> modules: which file was mapped there when the stack was seen."""

from __future__ import annotations

from bisect import bisect_right
from collections import namedtuple
from functools import cached_property

Place = namedtuple("Place", "pc module is_call")
# module: None where no file is mapped. is_call: the pc is a return address, so that the call lies
# before it. Not so where a stack begins, in a signal's trampoline, and where a signal interrupted.


class Places:
    """The modules of a history by address, image and time.

    `is_signal_return(module, offset)` tells whether a signal trampoline is at that place.
    """

    def __init__(self, history, is_signal_return):
        self._is_signal_return = is_signal_return
        self._stacks = history.stacks
        self._modules = sorted(history.modules, key=lambda module: module.start)
        self._starts = [module.start for module in self._modules]
        self._reach = _furthest_ends(self._modules)
        self._first_use = _first_uses(history)
        self._held = {}  # pc -> modules that ever held it
        self._found = {}  # (pc, module id) -> (Place as innermost frame, Place as call, is return)
        self._lasting = {}  # image -> {pc: an entry of _found that holds at all its times}

    @cached_property
    def stacks(self):
        """{stack id: [Place]}, innermost first. Equal places are one object."""
        return {id_: self._resolve(id_, stack) for id_, stack in self._stacks.items()}

    def _resolve(self, id_, stack):
        when, places, is_call = self._first_use.get(id_), [], 0
        lasting = self._lasting.setdefault(when and when[1], {})
        for pc, _ in stack.frames:
            found = lasting.get(pc) or self._places(pc, when, lasting)
            places.append(found[is_call])
            is_call = found[2]
        return places

    def _places(self, pc, when, lasting):
        if pc not in self._held:
            self._held[pc] = self._holding(pc)
        module = _choose(self._held[pc], when)
        key = (pc, None if module is None else module.id)
        if key not in self._found:
            signal = module is not None and self._is_signal_return(module, pc - module.base)
            exact = Place(pc, module, False)
            self._found[key] = (exact, exact if signal else Place(pc, module, True), not signal)
        if _is_lasting(self._held[pc], when):
            lasting[pc] = self._found[key]
        return self._found[key]

    def _holding(self, pc):
        found, index = [], bisect_right(self._starts, pc) - 1
        while index >= 0 and self._reach[index] > pc:
            if pc < self._modules[index].end:
                found.append(self._modules[index])
            index -= 1
        return found

    @cached_property
    def distinct(self):
        """The Places of all stacks, each once."""
        return list({id(p): p for places in self.stacks.values() for p in places}.values())

    def wanted(self):
        """{module id: {(offset, is_call)}} of all stacks."""
        found = {}
        for place in self.distinct:
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


def _first_uses(history):
    """{stack id: (t_ns, image)} of the first event with it."""
    recorded, found = getattr(history, "recorded", None), {}
    if recorded is not None:
        return recorded.first_uses()
    for event in getattr(history, "events", ()):
        if event.stack and event.stack not in found:
            found[event.stack] = (event.t_ns, event.image)
    return found


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
