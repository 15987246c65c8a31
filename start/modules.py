"""brkpoint's own modules are found and read without Python's search for them: a start imports some
150, and of all that it does to look for each takes as long as to run its text.

What Python compiled earlier is read, under the conditions under which Python itself would: where
any of them does not hold, or anything is odd, Python's own way is gone.
"""

from __future__ import annotations

import marshal
import os
import sys
from importlib import _bootstrap_external as python  # type: ignore[attr-defined]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType
    from typing import Any

# importlib.machinery.ModuleSpec, and importlib.util has the number; they import much else.
_Spec: Any = type(sys.__spec__)
# Compiled by this Python; what follows is the time and the size of the text.
_HEAD = python.MAGIC_NUMBER + bytes(4)
_END = ".%s.pyc" % sys.implementation.cache_tag


def use(top: str, rooms: Sequence[str]) -> None:
    """From now on, for the modules of these folders of `top`."""
    if not sys.flags.optimize and sys.pycache_prefix is None:
        sys.meta_path.insert(0, _Finder(top, rooms))


class _Finder:
    def __init__(self, top: str, rooms: Sequence[str]) -> None:
        self._top, self._beginnings = top, tuple(room + "." for room in rooms)
        self._codes: dict[str, CodeType] = {}

    def find_spec(self, name: str, *rest: object) -> ModuleSpec | None:
        """What Python asks for; None: that it is to look elsewhere."""
        if not name.startswith(self._beginnings):
            return None
        folder, _, own = name.rpartition(".")
        folder = "%s/%s/" % (self._top, folder.replace(".", "/"))
        text, compiled = folder + own + ".py", folder + "__pycache__/" + own + _END
        code = _read(text, compiled)
        if code is None:
            return None
        self._codes[name] = code
        spec: ModuleSpec = _Spec(name, self, origin=text)
        spec.cached, spec.has_location = compiled, True
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """None: Python's own way."""

    def exec_module(self, module: ModuleType) -> None:
        """Run its text."""
        exec(self._codes.pop(module.__name__), vars(module))


def _read(text: str, compiled: str) -> CodeType | None:
    try:
        status = os.stat(text)
        with open(compiled, "rb", 0) as file:
            data = file.readall()
        made = int(status.st_mtime) & 0xFFFFFFFF, status.st_size & 0xFFFFFFFF
        if data[:16] != _HEAD + b"".join(number.to_bytes(4, "little") for number in made):
            return None
        code = marshal.loads(memoryview(data)[16:])
        return code if isinstance(code, type(_read.__code__)) else None
    except (OSError, EOFError, ValueError, TypeError):
        return None
