"""Folded stacks: a line a stack, its frames outermost first, then a number, for FlameGraph."""

from __future__ import annotations

from . import regions
from .formats import Format
from .measures import of_groups
from .stacks import Merged, name, sums

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.model import Frame
    from alloctrace.trace.read import Trace
    from .formats import Choice
    from .stacks import Key

FORMAT = Format(
    title="folded stacks, a line each, of one measure (--measure)",
    ending=".folded",
    keeps="stacks with inlined functions, phase, origin, region; one measure a file",
    loses="time, sizes, threads, processes, purposes, lines; `;` in a name becomes `:`",
    opens="flamegraph.pl FILE, inferno-flamegraph FILE, speedscope FILE",
    is_binary=False,
    needs_events=False,
)
DEFAULT = "bytes"


def write(out: BinaryIO, trace: Trace, choice: Choice) -> list[str]:
    measure = choice.measure or DEFAULT
    merged, named = Merged(trace.tree, _text, _text_of), regions.Named(trace)
    for key, value in of_stacks(trace, merged, measure).items():
        line = ";".join(frames(merged, named, key))
        out.write(("%s %d\n" % (line, value)).encode("utf-8", "backslashreplace"))
    return []


def of_stacks(trace: Trace, merged: Merged, measure: str) -> dict[Key, int]:
    """{(phase, origin, region, stack of `merged`, name of the syscall or None): sum}."""
    groups: GroupTable = trace.sums().groups

    def syscall(index: int) -> str:
        return groups.whats[groups.what[index]].name

    leaf = syscall if measure == "syscalls" else None
    return sums(trace, merged, of_groups(groups, measure), leaf)


def frames(merged: Merged, named: regions.Named, key: Key) -> list[str]:
    """The texts of a stack, outermost first. `named`: regions.Named."""
    phase, origin, region, number, syscall = key
    found = ["[phase %s]" % phase, _text_of("[origin %s]" % origin)]
    found += map(_text_of, named.frames(region))
    found += reversed(merged.outwards(number))
    return found + (["[syscall %s]" % syscall] if syscall else [])


def _text(frame: Frame) -> str:
    return _text_of(name(frame))


def _text_of(text: str) -> str:
    return text.replace(";", ":")
