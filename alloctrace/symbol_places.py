"""Program counters -> (module, offset): which file was mapped there when the stack was seen."""

from __future__ import annotations

from bisect import bisect_right


class Places:
    """The modules of a history by address, image and time.

    `is_signal_return(module, offset)` tells whether a signal trampoline is at that place.
    """

    def __init__(self, history, is_signal_return):
        self._is_signal_return = is_signal_return
        self._trampolines = {}
        self._stacks = history.stacks
        self._modules = list(history.modules)
        self._first_use = _first_uses(getattr(history, "events", ()))
        self._maps = {}  # (image, number of changes before) -> _Map
        self._changes = sorted(
            {m.loaded_ns for m in self._modules}
            | {m.unloaded_ns for m in self._modules if m.unloaded_ns is not None}
        )

    def stacks(self):
        """Yield (stack id, [(pc, module or None, is_call)]), innermost first.

        `is_call`: the pc is a return address, so that the call lies before it. Not so where the
        stack begins, in a signal's trampoline, and in what the signal interrupted.
        """
        for id_, stack in self._stacks.items():
            lookup, rows, is_call = self._map_for(id_).find, [], False
            for pc, _ in stack.frames:
                module = lookup(pc)
                trampoline = self._is_trampoline(pc, module)
                rows.append((pc, module, is_call and not trampoline))
                is_call = not trampoline
            yield id_, rows

    def _is_trampoline(self, pc, module):
        if module is None:
            return False
        key = (module.id, pc)
        if key not in self._trampolines:
            self._trampolines[key] = self._is_signal_return(module, pc - module.base)
        return self._trampolines[key]

    def wanted(self):
        """{module id: {(offset, is_call)}} of all stacks."""
        found = {}
        for _, rows in self.stacks():
            for pc, module, is_call in rows:
                if module is not None:
                    found.setdefault(module.id, set()).add((pc - module.base, is_call))
        return found

    def _map_for(self, id_):
        t_ns, image = self._first_use.get(id_, (None, None))
        if t_ns is None:
            return self._map(None, None, None)
        return self._map(image, bisect_right(self._changes, t_ns), t_ns)

    def _map(self, image, epoch, t_ns):
        key = (image, epoch)
        if key not in self._maps:
            alive = [m for m in self._modules if image is None or m.image == image]
            self._maps[key] = _Map(alive, t_ns)
        return self._maps[key]


def _first_uses(events):
    """{stack id: (t_ns, image)} of the first event with it."""
    found = {}
    for event in events:
        if event.stack and event.stack not in found:
            found[event.stack] = (event.t_ns, event.image)
    return found


class _Map:
    """Modules that may hold an address at one time. An unloaded one never does."""

    def __init__(self, modules, t_ns):
        self._modules = [m for m in modules if not _was_unloaded(m, t_ns)]
        # engines learn of a library shortly after it was mapped: those count, but last
        self._modules.sort(key=lambda m: (t_ns is not None and m.loaded_ns > t_ns, -m.loaded_ns))
        self._known = {}

    def find(self, pc):
        if pc not in self._known:
            holding = (m for m in self._modules if m.start <= pc < m.end)
            self._known[pc] = next(holding, None)
        return self._known[pc]


def _was_unloaded(module, t_ns):
    return t_ns is not None and module.unloaded_ns is not None and module.unloaded_ns <= t_ns
