"""What makes a comparison of two runs unfair: the difference may lie there, and not in the code."""

from __future__ import annotations

import os
import re

from alloctrace.history import run_facts
from alloctrace.summary import coverage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from alloctrace.model import Module
    from alloctrace.stacks.tree import StackTree
    from alloctrace.trace.read import Trace

_GLIBC = re.compile(r"libc\.so\.6|libc-2\.\d+\.so")
_MUSL = re.compile(r"(?:ld-|libc\.)musl-\w+\.so\.1")


def warnings(before: Trace, after: Trace) -> list[str]:
    """Sentences. `before`, `after`: alloctrace.trace.trace.Trace, one of each side."""
    found = []
    for what, of in _FACTS:
        one, other = of(before), of(after)
        if one != other:
            found.append("%s: before %s, after %s" % (what, one, other))
    if libc(before)[1:] != libc(after)[1:] and libc(before)[0] == libc(after)[0]:
        found.append("the C libraries are different builds of %s" % libc(before)[0])
    for side, trace in (("before", before), ("after", after)):
        found += ["%s: %s" % (side, why) for why in weak(trace)]
    return found


def weak(trace: Trace) -> list[str]:
    """Why the counts of a run may be too small, in words; [] where everything was seen."""
    run = trace.run
    hooked = run.get("calls_hooked", True) or _has_no_libc(trace)
    rows = coverage.unseen(run, hooked)
    return [_counted(row) for row in rows]


def _counted(row: dict[str, Any]) -> str:
    why = str(row["why"])
    return why if row["count"] is None else "%s (%d)" % (why, row["count"])


def _has_no_libc(trace: Trace) -> bool:
    """A program that begins with its own code has no allocator that could be missed."""
    first = next((border for border in trace.borders if border.image == 0), None)
    begins = not run_facts.is_attached(trace.run)
    return begins and first is not None and first.phase == "main"


def _program(trace: Trace) -> str:
    return os.path.basename(str(trace.run.get("program") or "")) or "a program without a name"


def _arguments(trace: Trace) -> str:
    words = [str(word) for word in trace.run.get("command") or ()][1:]
    return " ".join(words) or "none"


def libc(trace: Trace) -> tuple[str | None, str]:
    """(`glibc` or `musl`, build-id) of the first C library that was loaded; (None, "") of none."""
    for module in trace.modules:
        if _GLIBC.fullmatch(module.name):
            return "glibc", module.build_id
        if _MUSL.fullmatch(module.name) or _is_musl_loader(module):
            return "musl", module.build_id
    return None, ""


def _is_musl_loader(module: Module) -> bool:
    """musl's library is its loader too; where ld-musl is a link to it, it is called libc.so."""
    return module.name == "libc.so" and module.role == "loader"


def ended(trace: Trace) -> tuple[str, int | None]:
    """(kind, status) of the program's end."""
    end = trace.run.get("exit") or {}
    return end.get("kind") or "unknown", end.get("status")


def _ended(trace: Trace) -> str:
    return " with ".join(str(word) for word in ended(trace) if word is not None)


def _begun(trace: Trace) -> str:
    return "attached to it" if run_facts.is_attached(trace.run) else "from its first instruction"


def _purposes(trace: Trace) -> str:
    return "by examples" if trace.run.get("purposes") == "examples" else "of each event"


def _watched(trace: Trace) -> str:
    rows = trace.run.get("also_watched") or ()
    return ", ".join(sorted({row["name"] for row in rows})) or "nothing"


def has_names(tree: StackTree) -> bool:
    """Whether the program's own functions have names, as far as they are in stacks."""
    own = [frame for frame in tree.frames if frame.role == "executable"]
    return not own or any(frame.function for frame in own)


def _names_known(trace: Trace) -> str:
    return "with names" if has_names(trace.tree) else "without names"


_FACTS = (
    ("different programs", _program),
    ("different arguments", _arguments),
    ("different C libraries", lambda trace: libc(trace)[0] or "none"),
    ("different engines", lambda trace: trace.run.get("engine") or "unknown"),
    ("different ends", _ended),
    ("watched from", _begun),
    ("the functions of the program", _names_known),
    ("kept", lambda trace: trace.run.get("keep") or "all"),
    ("purposes", _purposes),
    ("watched as well (--also)", _watched),
)
