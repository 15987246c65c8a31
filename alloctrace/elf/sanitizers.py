"""Sanitizers print stacks: under the recorder these show its code where they were called from."""

from __future__ import annotations


from alloctrace.patterns import Pattern
from . import defined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from alloctrace.history.history import History

MARKS = ("__asan_init", "__lsan_init", "__msan_init", "__tsan_init")
_LIBRARY = Pattern(r"lib(asan|lsan|msan|tsan)\.so(\.\d+)*")
TEXT = (
    "stacks that the sanitizer in %s prints have one line more, `<unknown module>`, behind its"
    " allocator's: the recorder's code"
)


def tell(history: History) -> None:
    """Say so in `history.notes`, where the recorder watched a program that has one."""
    if history.run.get("engine") != "recorder":
        return
    names = (m.name for m in history.modules if "san.so" in m.name)
    libraries = filter(_LIBRARY.fullmatch, names)
    programs = {m.path: m.name for m in history.modules if m.role == "executable"}
    linked_in = (name for path, name in programs.items() if defined.functions(path, MARKS))
    found = next(libraries, None) or next(linked_in, None)
    if found is not None:
        history.notes.append(TEXT % found)
