"""The environment of a lesson's programs: of what records them and of the tools, so that all see
the same run."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_THEIRS = ("GLIBC_TUNABLES", "LD_PRELOAD", "LD_LIBRARY_PATH")  # would change what is seen


def surroundings(variables: Mapping[str, str]) -> dict[str, str]:
    """The reader's environment without what changes an allocator, and with these variables."""
    kept = {name: text for name, text in os.environ.items() if not _is_theirs(name)}
    return {**kept, **variables}


def _is_theirs(name: str) -> bool:
    return name in _THEIRS or name.startswith("MALLOC_")
