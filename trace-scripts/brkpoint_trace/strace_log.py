"""strace's text as plain values: the only reader of it here.

Understands the output of `strace -f -o FILE` (with or without times and durations) and of
`strace -ff -o PREFIX` (one file a thread, no numbers in front; say whose it is). Format: strace(1),
"DESCRIPTION"; unfinished, resumed and superseded lines as strace 6.1 prints them.
"""

from __future__ import annotations

import errno as errno_names
import re
from collections import namedtuple

from .log_text import end_of_arguments, number, split

# One syscall, signal or end, in the order in which they began. kind: call | signal | exit | killed
# | superseded | other. `result`: what was returned; None: it did not return, or strace knows none.
# `errno`: positive where it failed. `args`: [text]. `line`: where it began in the log, from 1.
Record = namedtuple("Record", "tid kind name args result errno text line")

_NUMBERED = re.compile(r"(?:\[pid +(\d+)\] |(\d+) +)")
_TIME = re.compile(r"(?:\d\d:\d\d:\d\d(?:\.\d+)?|\d+\.\d+) ")
_NAME = re.compile(r"(\w+)\(")
_RESUMED = re.compile(r"<\.\.\. (\w+) resumed>\s?")
_PID_CHANGED = re.compile(r"\s*<pid changed to (\d+) \.\.\.>$")
_UNFINISHED = re.compile(r"\s*<unfinished \.\.\.>(?:\) += \?)?$")
_RESULT = re.compile(r"\s*= (\?|-?(?:0x[0-9a-f]+|\d+))(?:<.*?>)?(?: (E[A-Z0-9]+|ERESTART\w*))?")
_SIGNAL = re.compile(r"--- (?:stopped by )?(SIG\w+|\w+)(.*) ---$")
_ENDS = (
    ("exit", re.compile(r"\+\+\+ exited with (\d+) \+\+\+$")),
    ("killed", re.compile(r"\+\+\+ killed by (\w+)(?: \(core dumped\))? \+\+\+$")),
    ("superseded", re.compile(r"\+\+\+ superseded by execve in pid (\d+) \+\+\+$")),
)


def parse(lines, tid=0):
    """[Record] of `lines` (text); `tid`: whose lines they are when no number stands in front."""
    reader = _Reader(tid)
    for number_, line in enumerate(lines, 1):
        reader.feed(line.rstrip("\n"), number_)
    return reader.finish()


class _Reader:
    def __init__(self, tid):
        self.tid = tid
        self.records = []
        self.pending = {}  # tid: (index of its place, name, text of the arguments so far, line)

    def feed(self, line, where):
        found = _NUMBERED.match(line)
        tid, text = self.tid, line
        if found:
            tid, text = int(found.group(1) or found.group(2)), line[found.end() :]
        time = _TIME.match(text)
        text = text[time.end() :] if time else text
        if text:
            self._read(tid, text, where)

    def _read(self, tid, text, where):
        resumed = _RESUMED.match(text)
        if resumed:
            self._resume(tid, resumed.group(1), text[resumed.end() :], where)
            return
        name = _NAME.match(text)
        if name:
            self._call(tid, name.group(1), text[name.end() :], where, None)
            return
        kind, what = _told(text)
        self._put(Record(tid, kind, what, [], _status(kind, what), None, text, where), None)

    def _call(self, tid, name, rest, where, place):
        """The call `name`, of which `rest` follows the opening bracket."""
        moved = _PID_CHANGED.search(rest)
        if moved or _UNFINISHED.search(rest):
            start = (moved or _UNFINISHED.search(rest)).start()
            owner = int(moved.group(1)) if moved else tid
            self._wait(owner, name, rest[:start], where, place)
            return
        self._put(_record(tid, name, rest, where), place)

    def _wait(self, tid, name, text, where, place):
        if place is None:
            place = len(self.records)
            self.records.append(None)
        self.pending[tid] = (place, name, text, where)

    def _resume(self, tid, name, rest, where):
        place, began, text, first = self.pending.pop(tid, (None, name, "", where))
        if began != name:  # the beginning of another call, which never came back
            if place is not None:
                self.records[place] = _record(tid, began, text, first)
            place, text, first = None, "", where
        elif name.startswith("execve"):
            place = None  # what other threads did until it came back belongs to the old program
        self._call(tid, name, text + rest, first, place)

    def _put(self, record, place):
        if place is None:
            self.records.append(record)
        else:
            self.records[place] = record

    def finish(self):
        for tid, (place, name, text, where) in self.pending.items():
            self.records[place] = _record(tid, name, text, where)
        return [record for record in self.records if record is not None]


def _record(tid, name, rest, where):
    end = end_of_arguments(rest)
    inside, after = (rest, "") if end is None else (rest[:end], rest[end + 1 :])
    found = _RESULT.match(after)
    result = number(found.group(1)) if found else None
    errno = None
    if found and found.group(2):
        errno = getattr(errno_names, found.group(2), None)
    return Record(tid, "call", name, split(inside), result, errno, "%s(%s" % (name, rest), where)


def _told(text):
    for kind, pattern in _ENDS:
        found = pattern.match(text)
        if found:
            return kind, found.group(1)
    found = _SIGNAL.match(text)
    return ("signal", found.group(1)) if found else ("other", "")


def _status(kind, what):
    return int(what) if kind in ("exit", "superseded") else None
