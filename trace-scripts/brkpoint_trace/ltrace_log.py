"""ltrace's text as plain values: the only reader of it here. Format: ltrace 0.7's output.c.

A call takes one line, or two when another one comes between: `name(1, 2 <unfinished ...>` and
`<... name resumed> ) = 0x5`. A breakpoint in the caller's PLT prints `program->name(…)`, one at the
function itself `name@library(…)`: with both a call stands there twice, the second inside the first.
"""

from __future__ import annotations

import re
from collections import namedtuple

from alloctrace import words

from .log_text import end_of_arguments, number, split

# caller: whose PLT, or None; library: whose function, or None. outer: index of the call around it.
# returned: whether its return was seen (then `result` may still be None: <void>).
Call = namedtuple("Call", "tid name caller library args result returned outer image line")
# calls: [Call] in the order in which they began. ends: {tid: ("exited", status) or ("signalled",
# name)}. tids: every task that left a line. noise: [text] of lines that are none of ltrace's forms.
Log = namedtuple("Log", "calls ends tids noise")

_NUMBERED = re.compile(r"(?:\[pid +(\d+)\] |(\d+) )")
_FUNCTION = r"(?P<name>%s)(?:@(?P<library>[^(\"]+))?\("
_HEAD = re.compile(r"(?:(?P<caller>[^(\"]*?)->)?" + _FUNCTION % r"[^\s(@\"]+")
_ALLOCATOR = re.compile(r"(?P<caller>.*)->" + _FUNCTION % "|".join(words.ENTRY_POINTS))
_RESUMED = re.compile(r"<\.\.\. (\S+) resumed>\s?")
_UNFINISHED = re.compile(r"\s*<(?:unfinished|no return) \.\.\.>\s*$")
_RESULT = re.compile(r"\s*= (<void>|\S+)")
_EXITED = re.compile(r"\+\+\+ exited \(status (-?\d+)\) \+\+\+$")
_KILLED = re.compile(r"\+\+\+ killed by (\S+)(?: .*)?\+\+\+$")


def parse(lines):
    """The Log of `lines` (text)."""
    reader = _Reader()
    for where, line in enumerate(lines, 1):
        reader.feed(line.rstrip("\n"), where)
    return Log(reader.calls, reader.ends, sorted(reader.tids), reader.noise)


class _Reader:
    def __init__(self):
        self.calls, self.ends, self.tids, self.noise = [], {}, set(), []
        self.open = {}  # tid: [index of an open call], the innermost last
        self.images = {}

    def feed(self, line, where):
        found = _NUMBERED.match(line)
        if not found:
            self._aside(line)
            return
        tid, text = int(found.group(1) or found.group(2)), line[found.end() :]
        self.tids.add(tid)
        if text.startswith("+++"):
            self._end(tid, text)
        elif text.startswith("---"):
            self._exec(tid, text)
        elif text.startswith("<..."):
            self._resume(tid, text)
        else:
            self._call(tid, text, where)

    def _aside(self, text):
        if text.strip():
            self.noise.append(text)

    def _end(self, tid, text):
        exited, killed = _EXITED.match(text), _KILLED.match(text)
        if exited:
            self.ends[tid] = ("exited", int(exited.group(1)))
        elif killed:
            self.ends[tid] = ("signalled", killed.group(1))
        else:
            self._aside(text)

    def _exec(self, tid, text):
        if text == "--- Called exec() ---":
            self.images[tid] = self.images.get(tid, 0) + 1
            self.open.pop(tid, None)

    def _call(self, tid, text, where):
        head = _head(text)
        if head is None:
            self._aside(text)
            return
        rest = text[head.end() :]
        stack = self.open.setdefault(tid, [])
        outer = stack[-1] if stack else None
        names = (head["name"], head["caller"], head["library"])
        image = self.images.get(tid, 0)
        unfinished = _UNFINISHED.search(rest)
        if unfinished:
            args = split(rest[: unfinished.start()])
            stack.append(len(self.calls))
            self.calls.append(Call(tid, *names, args, None, False, outer, image, where))
        else:
            args, result, returned = _finish(rest)
            self.calls.append(Call(tid, *names, args, result, returned, outer, image, where))

    def _resume(self, tid, text):
        found = _RESUMED.match(text)
        stack = self.open.get(tid, [])
        names = [self.calls[index].name for index in stack]
        if not found or found.group(1) not in names:
            self._aside(text)
            return
        while self.calls[stack[-1]].name != found.group(1):
            stack.pop()  # left by longjmp: it never returns
        index = stack.pop()
        more, result, returned = _finish(text[found.end() :])
        call = self.calls[index]
        self.calls[index] = call._replace(args=call.args + more, result=result, returned=returned)


def _head(text):
    """The match of a call's beginning, or None.

    A program may be named like a call, or like a string: what does not read as a call is tried
    once more as a call of the allocator by a caller of any name; its arguments hold no strings.
    """
    return _HEAD.match(text) or _ALLOCATOR.match(text)


def _finish(rest):
    """(arguments, result or None, whether it returned) of what follows the opening bracket."""
    end = end_of_arguments(rest)
    if end is None:
        return split(rest), None, False
    found = _RESULT.match(rest[end + 1 :])
    return split(rest[:end]), number(found.group(1)) if found else None, bool(found)
