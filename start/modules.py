"""brkpoint's own modules are found and read without Python's search for them: a start imports some
150, and of all that it does to look for each takes as long as to run its text.

What Python compiled earlier is read, under the conditions under which Python itself would: where
any of them does not hold, or anything is odd, Python's own way is gone.
"""

from __future__ import annotations

import marshal
import os
import sys
from importlib import _bootstrap_external  # of importlib.util, which imports much else

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType

_Spec = type(sys.__spec__)  # importlib.machinery.ModuleSpec
_HEAD = _bootstrap_external.MAGIC_NUMBER + bytes(4)  # compiled by this Python; what follows is the text's time
_END = ".%s.pyc" % sys.implementation.cache_tag


def use(top: str, rooms: Sequence[str]) -> None:
    """From now on, for the modules of these folders of `top`."""
    if not sys.flags.optimize and sys.pycache_prefix is None:
        sys.meta_path.insert(0, _Finder(top, rooms))  # type: ignore[arg-type]


class _Finder:
    def __init__(self, top: str, rooms: Sequence[str]) -> None:
        self._top, self._beginnings = top, tuple(room + "." for room in rooms)
        self._codes: dict[str, CodeType] = {}

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if not name.startswith(self._beginnings):
            return None
        folder, _, own = name.rpartition(".")
        folder = "%s/%s/" % (self._top, folder.replace(".", "/"))
        text, compiled = folder + own + ".py", folder + "__pycache__/" + own + _END
        code = _read(text, compiled)
        if code is None:
            return None
        self._codes[name] = code
        spec = _Spec(name, self, origin=text)  # type: ignore[arg-type]
        spec.cached, spec.has_location = compiled, True
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """None: Python's own way."""

    def exec_module(self, module: ModuleType) -> None:
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
