"""In which phase a program stands, told from its stack: for a recording that begins midway.

Pure. A phase is named only where a frame proves it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# What a frame may be known as, by its function's address: see decide().
KINDS = ("entry", "main", "user_main", "initialiser", "exit")


def decide(
    frames: Sequence[tuple[str, str]], has_user_main: bool = False
) -> tuple[str | None, str]:
    """(phase, the evidence in words), or (None, why it cannot be told).

    `frames`: innermost first, (role of the module, kind or ""). `has_user_main`: the program's own
    main is called by another one (Rust).
    """
    kinds = [kind for _, kind in frames]
    if not frames:
        return None, "there is no stack"
    if "exit" in kinds:
        return "exit", "exit is on the stack"
    if "user_main" in kinds:
        return "main", "main is on the stack"
    if "main" in kinds:
        return _in_main(kinds, has_user_main)
    if "initialiser" in kinds:
        return "init", "an initialiser is on the stack"
    if frames[-1][0] == "loader":
        return "load", "only the loader is on the stack"
    if kinds[-1] == "entry":
        return "init", "main has not been called yet"
    return None, "neither main nor the entry point is on the stack"


def _in_main(kinds: Sequence[str], has_user_main: bool) -> tuple[str | None, str]:
    """C's main surrounds Rust's: beneath it lie the start of the runtime and its end."""
    if not has_user_main:
        return "main", "main is on the stack"
    if kinds[0] == "main":
        return "init", "C's main has begun, Rust's main has not"
    return None, "the stack does not tell whether Rust's main has run already"
