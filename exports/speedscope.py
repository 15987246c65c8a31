"""speedscope's own file format: one profile a measure, over shared frames.

github.com/jlfwong/speedscope, `file-format-schema.json` of its npm package. Weights are never
negative there.
"""

from __future__ import annotations

import json

from . import folded, regions, stacks
from .formats import CannotExport, Format
from .measures import MEASURES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from alloctrace.model import Frame
    from alloctrace.trace.read import Trace
    from .formats import Choice

FORMAT = Format(
    title="flame graphs for speedscope: one profile a measure, all in one file",
    ending=".speedscope.json",
    keeps="stacks with inlined functions, files and lines, phase, origin, region; all six measures",
    loses="time, sizes, threads, processes, purposes",
    opens="speedscope FILE, www.speedscope.app (load FILE)",
    is_binary=False,
    needs_events=False,
)
_SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def write(out: BinaryIO, trace: Trace, _: Choice) -> list[str]:
    frames = _Frames()
    merged = stacks.Merged(trace.tree, frames.of_frame, frames.of_text)
    named = regions.Named(trace)
    head = {"$schema": _SCHEMA, "exporter": "brkpoint", "name": _name(trace.run)}
    out.write(json.dumps(head)[:-1].encode() + b',"profiles":[')
    between = "\n"
    for measure, (unit, means) in MEASURES.items():
        found = folded.of_stacks(trace, merged, measure)
        if found:
            out.write(between.encode())
            _profile(out, (means, unit), found, merged, named, frames)
            between = ",\n"
    if not frames.rows or between == "\n":
        raise CannotExport("there is nothing in this run that could be shown")
    shared = json.dumps(frames.rows, ensure_ascii=False)
    out.write(b'\n],"shared":{"frames":' + shared.encode() + b"}}\n")
    return []


def _name(run: dict[str, Any]) -> str:
    return stacks.short(" ".join(map(str, run.get("command") or ())) or "a run")


def _profile(
    out: BinaryIO,
    measure: tuple[str, str],
    found: dict[stacks.Key, int],
    merged: stacks.Merged,
    named: regions.Named,
    frames: _Frames,
) -> None:
    """Samples are lists of frames, outermost first."""
    means, unit = measure
    head: dict[str, Any] = {"type": "sampled", "name": means}
    head["unit"] = "bytes" if unit == "bytes" else "none"
    head.update(startValue=0, endValue=sum(found.values()))
    out.write(json.dumps(head)[:-1].encode() + b',"samples":[')
    for number, (phase, origin, region, node, syscall) in enumerate(found):
        roots = "[phase %s]" % phase, "[origin %s]" % origin, *named.frames(region)
        sample = list(map(frames.of_text, roots))
        sample += reversed(merged.outwards(node))
        sample += [frames.of_text("[syscall %s]" % syscall)] if syscall else []
        out.write((",\n" if number else "\n").encode() + json.dumps(sample).encode())
    out.write(b'],"weights":' + json.dumps(list(found.values())).encode() + b"}")


class _Frames:
    """`rows`: what the file shares; a frame is its number there."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._numbers: dict[tuple[str, str | None, int | None], int] = {}

    def of_frame(self, frame: Frame) -> int:
        file = stacks.short(frame.file) if frame.file else None
        return self._number(stacks.name(frame), file, frame.line)

    def of_text(self, text: str) -> int:
        return self._number(text)

    def _number(self, name: str, file: str | None = None, line: int | None = None) -> int:
        key = name, file, line
        if key not in self._numbers:
            self._numbers[key] = len(self.rows)
            row = {"name": name, "file": file, "line": line}
            self.rows.append({key: value for key, value in row.items() if value is not None})
        return self._numbers[key]
