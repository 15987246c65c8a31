"""Which steps of rules functions fit: asked once a name, and kept for the program's next run."""

from __future__ import annotations

from alloctrace import globs, kept, tables
from alloctrace.symbols import function_names, mangled_names
from alloctrace.symbols.function_names import plain
from . import rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from alloctrace.model import Frame, Module

FEWEST, MOST = 1000, 1 << 16  # names that are worth keeping; of a browser's many none
LITTLE = 64  # one new name in so many is little
_CODE = [rules, globs, tables, function_names, mangled_names]


def of_frames(frames: Sequence[Frame], modules: Sequence[Module] = ()) -> list[int]:
    """By frame: bits of the steps that it fits, as Rules.steps_of says of its name. `modules`: of
    the run; the program's is whose names are kept."""
    names = {frame.function for frame in frames}
    if len(names) < FEWEST:
        bits = {name: _bits(name) for name in names}
    else:
        path = next((module.path for module in modules if module.role == "executable"), "")
        bits = _kept_bits(names, "steps of " + path)
    return [bits[frame.function] for frame in frames]


def _kept_bits(names: set[str | None], what: str) -> dict[str | None, int]:
    sources = [rules.PATH, __file__, *(str(module.__file__) for module in _CODE)]
    known: dict[str | None, int] = kept.load(what, sources) or {}
    known = known if len(known.keys() | names) <= MOST else {}
    before = len(known)
    known.update((name, _bits(name)) for name in names - known.keys())
    # Of some few new ones it costs more to keep them than to ask again.
    if len(known) - before > before // LITTLE and len(known) <= MOST:
        kept.store(what, sources, known)
    return known


def _bits(name: str | None) -> int:
    return rules.default().steps_of(plain(name) or "")
