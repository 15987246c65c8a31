"""What two builds of one program call the same thing: functions, libraries, purposes.

A name that ends up in a key holds no address, offset, line, size, number of a process or version.
"""

from __future__ import annotations

import re

from alloctrace.compare.chains import MAINS
from alloctrace.symbols import function_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from alloctrace.model import Frame
    from alloctrace.stacks.tree import StackTree

_LIBRARY = re.compile(r"(\.so)(?:\.\d+)+(?![\w.]*\w)")
_DASHED = re.compile(r"-\d+(?:\.\d+)+(?=\.so\b)")  # libfoo-1.2.so
_NUMBER = re.compile(r"(?<![\w.-])-?(?:0x[0-9a-f]+|\d[\d,.]*)(?: (?:byte|[KMGT]iB)s?)?(?![\w])")
_CLOSURE = re.compile(r"\{closure(#\d+)\}")


def library(name: str) -> str:
    """`libm.so.6` and `libm.so.7` are `libm.so`."""
    return _DASHED.sub("", _LIBRARY.sub(r"\1", name))


def purpose(text: str | None, program: str = "") -> str | None:
    """A purpose without its sizes and versions: `Vec growing from … to …`. `program`: the name of
    the compared program, which may have another one in each run."""
    if text is None:
        return None
    if program and text.startswith(program + ":"):
        text = "the program" + text[len(program) :]
    return _NUMBER.sub("…", library(text))


def module(frame: Frame | None) -> str:
    """Of a frame; the compared program itself may have another name in each run: it is ""."""
    if frame is None or frame.role in ("executable", "loader"):
        return "" if frame is None or frame.role == "executable" else "the loader"
    return library(frame.module)


class Functions:
    """Names the functions of one run. `crate`: what its program calls its own crate; `lent`:
    {(build-id, offset of a function): name}, what a run of the very same file calls it;
    `build_ids`: {path: build-id}; `shared`: the build-ids that all runs have.
    """

    def __init__(
        self,
        program: str,
        build_ids: dict[str, str],
        lent: dict[tuple[str, int], str],
        shared: set[str],
    ) -> None:
        self._crate = program.rsplit("/", 1)[-1].split(".")[0].replace("-", "_") + "::"
        self._build_ids, self._lent, self._shared = build_ids, lent, shared

    def name(self, frame: Frame, closures: bool = False) -> str | None:
        """The function's, as both builds call it; `closures`: with their numbers. None: no name."""
        if frame.known in MAINS:
            return "main"
        called = frame.function or self._borrowed(frame)
        if called is None:
            return self._unnamed(frame)
        plain = function_names.plain(called) or called
        if plain.startswith(self._crate):
            plain = "crate::" + plain[len(self._crate) :]
        return plain + "".join(_CLOSURE.findall(called)) if closures else plain

    def _borrowed(self, frame: Frame) -> str | None:
        id_ = self._build_ids.get(frame.path)
        return self._lent.get((id_, frame.start)) if id_ and frame.start is not None else None

    def _unnamed(self, frame: Frame) -> str | None:
        """Its place in the file, which says the same of another run only in the very same file."""
        id_ = self._build_ids.get(frame.path)
        start = frame.offset if frame.start is None else frame.start
        return "%s+%#x" % (frame.module, start) if id_ in self._shared else None


def lend(tree: StackTree, build_ids: dict[str, str]) -> dict[tuple[str, int], str]:
    """{(build-id, offset): name} of the functions of a run that have names."""
    found = {}
    for frame in tree.frames:
        id_ = build_ids.get(frame.path)
        if id_ and frame.function and frame.start is not None and not frame.inlined:
            found[id_, frame.start] = frame.function
    return found
