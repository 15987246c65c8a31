"""Frames of a trace in columns. A run may have as many as events: as objects they would cost too
much. A Frame is made of a row when somebody asks for one; the latest are kept.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from .model import Frame
from .trace_schema import to_unsigned

MOST_MADE = 1 << 14
_NONE = -1 << 63  # no line, no start


class FrameTable(Sequence):
    """`rows`: of the tables of a trace."""

    def __init__(self, functions, frames):
        self._names, self._place_of, self._places = [], array("I"), []
        self._pc, self._offset, self._line, self._start = (array("q") for _ in range(4))
        self._function, self._inlined, self._known = array("I"), bytearray(), []
        self._made = {}
        numbers = self._read_functions(functions)
        self.numbers = self._read_frames(frames, numbers)  # id in the trace -> index

    def _read_functions(self, rows):
        numbers, known = {}, {}
        for id_, name, *place in rows:
            numbers[id_] = len(self._names)
            self._names.append(name)
            self._place_of.append(known.setdefault(tuple(place), len(known)))
        self._places = list(known)
        return numbers

    def _read_frames(self, rows, functions):
        numbers = {}
        for id_, pc, offset, function, line, inlined, start, known in rows:
            numbers[id_] = len(self._pc)
            self._pc.append(pc)
            self._offset.append(offset)
            self._function.append(functions[function])
            self._line.append(_NONE if line is None else line)
            self._inlined.append(bool(inlined))
            self._start.append(_NONE if start is None else start)
            self._known.append(known)
        return numbers

    def __len__(self):
        return len(self._pc)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        made = self._made.get(index)
        if made is None:
            if len(self._made) >= MOST_MADE:
                self._made.clear()
            made = self._made[index] = self._make(range(len(self))[index])
        return made

    def _make(self, index):
        function = self._function[index]
        file, module, path, role = self._places[self._place_of[function]]
        pc, offset = to_unsigned(self._pc[index]), to_unsigned(self._offset[index])
        line, start = (None if v == _NONE else v for v in (self._line[index], self._start[index]))
        name, inlined = self._names[function], bool(self._inlined[index])
        start = to_unsigned(start)
        return Frame(
            pc, module, path, role, offset, name, file, line, inlined, start, self._known[index]
        )
