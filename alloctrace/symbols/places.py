"""Program counters -> modules: which file was mapped there when the stack was seen."""

from __future__ import annotations

from bisect import bisect_right
from collections import namedtuple

from alloctrace.model import by_image

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import NamedTuple

    from alloctrace.model import Module

    class Place(NamedTuple):
        pc: int
        module: Module | None
        is_call: bool

else:
    Place = namedtuple("Place", "pc module is_call")
# module: None where no file is mapped. is_call: the pc is a return address, so that the call lies
# before it. Not so where a stack begins, in a signal's trampoline, and where a signal interrupted.


class Places:
    """The modules of a history by address, image and time.

    `is_signal_return(module, offset)` tells whether a signal trampoline is at that place. `found`:
    by number, what is at an address: its Place where a stack begins there, its Place as a caller,
    and whether its caller is one: not so of a signal trampoline. Equal places are one object.
    """

    def __init__(
        self, modules: list[Module], is_signal_return: Callable[[Module, int], bool]
    ) -> None:
        self.found: list[tuple[Place, Place, bool]] = []
        self._is_signal_return = is_signal_return
        self._mapped: dict[int | None, _Mapped] = {None: _Mapped(modules)}
        self._mapped.update((image, _Mapped(rows)) for image, rows in by_image(modules).items())
        self._numbers: dict[tuple[int, int | None], int] = {}  # by pc and module id
        self._lasting: dict[int | None, dict[int, int]] = {}  # {image: {pc: one for all times}}

    def never_changes(self, image: int) -> bool:
        """Whether what is at an address of an image is the same at all times: for each of them."""
        mapped = self._mapped.get(image)
        return mapped is None or not mapped.changes()

    def lasts(self, pc: int, image: int) -> bool:
        """The same of one address."""
        held = self._mapped[image].holding(pc) if image in self._mapped else []
        return not held or len(held) == 1 and held[0].unloaded_ns is None

    def lasting(self, image: int | None) -> dict[int, int]:
        """{pc: number}: what need not be asked again in an image; None: of no image."""
        return self._lasting.setdefault(image, {})

    def find(self, pc: int, when: tuple[int, int | None] | None) -> int:
        """The number of what is at `pc`; `when`: (t_ns, image), or None."""
        t_ns, image = when or (None, None)
        held = self._mapped[image].holding(pc) if image in self._mapped else []
        lasts = not held or len(held) == 1 and held[0].unloaded_ns is None
        module = (held[0] if held else None) if lasts else _choose(held, t_ns)
        number = self._number(pc, module)
        if lasts:
            self.lasting(image)[pc] = number  # another time would find the same
        return number

    def find_all(self, pcs: Iterable[int], images: Iterable[int]) -> Iterator[int]:
        """Yield what `find` says of each, of images that never change."""
        for pc, image in zip(pcs, images):
            mapped = self._mapped.get(image)
            held = mapped.holding(pc) if mapped is not None else ()
            yield self._number(pc, held[0] if held else None)

    def _number(self, pc: int, module: Module | None) -> int:
        key = (pc, None if module is None else module.id)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.found)
            signal = module is not None and self._is_signal_return(module, pc - module.base)
            exact = Place(pc, module, False)
            self.found.append((exact, exact if signal else Place(pc, module, True), not signal))
        return number


class _Mapped:
    """The modules of one image, or all: those of one address are not looked through together."""

    def changes(self) -> bool:
        """Whether one goes, or lies where another one does."""
        overlap = any(start < end for start, end in zip(self._starts[1:], self._reach))
        return overlap or any(module.unloaded_ns is not None for module in self._modules)

    def __init__(self, modules: Iterable[Module]) -> None:
        self._modules = sorted(modules, key=lambda module: module.start)
        self._starts = [module.start for module in self._modules]
        self._reach = _furthest_ends(self._modules)
        borders = {border for module in self._modules for border in (module.start, module.end)}
        self._borders = sorted(borders)
        self._held: dict[int, list[Module]] = {}  # by how many borders lie before

    def holding(self, pc: int) -> list[Module]:
        """Those that ever held `pc`: between two borders the same."""
        part = bisect_right(self._borders, pc)
        held = self._held.get(part)
        if held is None:
            held = self._held[part] = self._holding(pc)
        return held

    def _holding(self, pc: int) -> list[Module]:
        found, index = [], bisect_right(self._starts, pc) - 1
        while index >= 0 and self._reach[index] > pc:
            if pc < self._modules[index].end:
                found.append(self._modules[index])
            index -= 1
        return found


def wanted(places: Iterable[Place]) -> dict[int, set[tuple[int, bool]]]:
    """{module id: {(offset, is_call)}} of Places."""
    found: dict[int, set[tuple[int, bool]]] = {}
    for place in places:
        if place.module is not None:
            rows = found.setdefault(place.module.id, set())
            rows.add((place.pc - place.module.base, place.is_call))
    return found


def _furthest_ends(modules: Iterable[Module]) -> list[int]:
    furthest, ends = 0, []
    for module in modules:
        furthest = max(furthest, module.end)
        ends.append(furthest)
    return ends


def _choose(modules: Sequence[Module], t_ns: int | None) -> Module | None:
    """The one that was mapped at that time, and of several the last one loaded; None: no such.

    An engine learns of a library shortly after it was mapped: one loaded later counts last.
    """
    if t_ns is not None:
        now = t_ns
        modules = [m for m in modules if m.unloaded_ns is None or m.unloaded_ns > now]
        if len(modules) > 1:
            return min(modules, key=lambda m: (m.loaded_ns > now, -m.loaded_ns))
    return max(modules, key=lambda m: m.loaded_ns) if modules else None
