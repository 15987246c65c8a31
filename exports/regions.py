"""In which regions of a program (docs/regions.md) events lie, in words."""

from __future__ import annotations

from alloctrace.columns.check import TraceError, checked
from alloctrace.history import regions

from . import stacks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from alloctrace.trace.read import Trace

_NAMELESS = "?"  # its name is no literal of a file


class Named:
    def __init__(self, trace: Trace) -> None:
        with checked():
            self._known = regions.of_run(trace.run)
        self._names: dict[int, tuple[str, ...]] = {0: ()}

    def of(self, number: int) -> tuple[str, ...]:
        """The names of a region and of those around it, outermost first; of 0 none."""
        if number not in self._names:
            self._names[number] = self._found(number)
        return self._names[number]

    def path(self, number: int) -> str | None:
        """The same as one text: `outer/inner`; None where it lies in none."""
        return stacks.short("/".join(self.of(number))) or None

    def frames(self, number: int) -> tuple[str, ...]:
        """The same as frames of a stack."""
        return tuple("[region %s]" % name for name in self.of(number))

    def _found(self, number: int) -> tuple[str, ...]:
        if number > len(self._known):
            raise TraceError("damaged: no region %d" % number)
        found = []
        while number:
            _, number, name = self._known[number - 1]
            found.append(stacks.short(name) if name else _NAMELESS)
        return tuple(reversed(found))
