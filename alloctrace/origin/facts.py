"""What is known of a whole run when one of its stacks is judged."""

from __future__ import annotations

from functools import lru_cache

from alloctrace.plain import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from alloctrace.model import Frame


@frozen
class Facts:
    """`phase`, `name`: of the event. The rest holds for the whole program.

    `executable_mixed`: stripped, and holds a runtime as well (Rust's, a static libc's), so that
    nobody can tell them apart. `libc`: "shared", "static" (linked into the program) or "none".
    `holds`: languages whose runtime is part of the executable: "Rust", "CPython".
    """

    phase: str = "main"
    name: str = "malloc"
    executable_mixed: bool = False
    libc: str = "shared"
    holds: frozenset[str] = frozenset()


_LIBC = ("libc.so", "libc-2.", "libc.musl", "libpthread", "libdl.so", "libdl-", "ld-musl")


def is_libc(module: str) -> bool:
    """Whether a file of that name is the C library (musl's is the loader as well)."""
    return module.startswith(_LIBC)


def is_interpreter(frame: Frame, facts: Facts) -> bool:
    """Whether the frame lies in CPython itself, wherever that was installed."""
    if frame.role == "executable":
        return "CPython" in facts.holds
    return frame.module.startswith("libpython")


def places(frame: Frame, facts: Facts) -> frozenset[str]:
    """The places of data/origin.ini in which the frame lies."""
    if frame.role == "user" and is_interpreter(frame, facts):
        return frozenset(("any", "library", "cpython"))
    return _places(frame.role, is_libc(frame.module), facts.libc == "static", facts.holds)


@lru_cache(maxsize=256)
def _places(role: str, in_libc: bool, is_static: bool, holds: frozenset[str]) -> frozenset[str]:
    found = {"any"}
    if role == "loader":
        found.add("loader")
    if role == "system":
        found.add("library")
    if in_libc:
        found.update(("libc", "loader") if role == "loader" else ("libc",))
    if role in ("executable", "user"):
        found.add("program")
    if role == "executable":
        found.update(("static", "libc") if is_static else ())
        found.update(("rust",) if "Rust" in holds else ())
        found.update(("cpython",) if "CPython" in holds else ())
    return frozenset(found)


def language(frame: Frame) -> Any:
    """The language whose runtime the executable holds, as this function's name tells; or None."""
    if frame.role != "executable" or not frame.function:
        return None
    if frame.function.startswith(("std::rt::lang_start", "rust_begin_unwind")):
        return "Rust"
    if frame.function.startswith(("Py_BytesMain", "Py_RunMain", "Py_InitializeFromC")):
        return "CPython"
    return None
