"""Unwind rows of a file: as the recorder reads them, and as readelf does."""

import bisect
import re
import subprocess
from collections import Counter, namedtuple

from recorder_programs import built

Row = namedtuple("Row", "kind cfa bp bx marks")

_ENTRY = re.compile(r"^\S+ \S+ \S+ FDE cie=([0-9a-f]+) pc=([0-9a-f]+)\.\.([0-9a-f]+)$")
_COMMON = re.compile(r"^([0-9a-f]+) \S+ \S+ CIE \"(.*?)\"")
_BASE = re.compile(r"^(rsp|rbp|rbx)\+(\d+)$")


class Rows:
    """What recorder/tests/unwind_rows.c prints."""

    def __init__(self, path):
        command = [built("unwind_rows"), path]
        text = subprocess.run(command, capture_output=True, check=True, text=True).stdout
        lines = [line.split() for line in text.splitlines()]
        rows = [line[1:] for line in lines if line[0] == "row"]
        self.pcs = [int(row[0], 16) for row in rows]
        self.rows = [Row(r[1], int(r[2]), int(r[3]), int(r[4]), tuple(r[5:])) for r in rows]
        extents = [line[1:] for line in lines if line[0] == "extent"]
        self.extents = [(int(low, 16), int(high, 16)) for low, high in extents]

    def at(self, pc):
        index = bisect.bisect_right(self.pcs, pc) - 1
        return self.rows[index] if index >= 0 else Row("none", 0, 0, 0, ())


def readelf_rows(path):
    """Yield (pc, {column: text}) of every row, and (end, None) of every function."""
    command = ["readelf", "--debug-dump=frames-interp", path]
    columns, common, now = [], {}, None
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as r:
        for line in r.stdout:
            words, entry, found = line.split(), _ENTRY.match(line.rstrip()), _COMMON.match(line)
            if found:
                columns, now = [], {"signal": "S" in found.group(2)}
                common[found.group(1)] = now
            elif entry:
                columns, now = [], None
                start, end = int(entry.group(2), 16), int(entry.group(3), 16)
                cie = common[entry.group(1)]
                yield end, None
                yield start, cie
            elif words[:2] == ["LOC", "CFA"]:
                columns = words
            elif len(words) == len(columns) and words and len(words[0]) == 16:
                row = dict(zip(columns, words))
                if now is not None:
                    now.update(row)
                else:
                    yield int(words[0], 16), dict(row, signal=cie["signal"])


def expected_row(columns):
    """The Row that should stand for readelf's; only its kind where readelf says "exp"."""
    found = _BASE.match(columns["CFA"])
    if columns.get("signal"):
        return Row("signal", 0, 0, 0, ())
    if columns["ra"] == "u":
        return Row("end", 0, 0, 0, ())
    if columns["CFA"] == "exp" or not found or columns["ra"] != "c-8":
        return Row("exp" if columns["CFA"] == "exp" else "lost", 0, 0, 0, ())
    bp, bx = (_saved(columns.get(name, "u")) for name in ("rbp", "rbx"))
    return Row(found.group(1), int(found.group(2)), bp, bx, ())


def _saved(text):
    if text in ("u", "s"):
        return 0
    return int(text[1:]) // 8 if re.match(r"c[-+]\d+$", text) else -32768


def compare(path, rows=None):
    """(rows compared, [(pc, expected, found)] that differ, Counter of kinds)."""
    rows = rows or Rows(path)
    expected = {}
    for pc, columns in readelf_rows(path):
        if columns is not None or pc not in expected:
            expected[pc] = columns
    differ, kinds = [], Counter()
    for pc, columns in expected.items():
        found = rows.at(pc)._replace(marks=())
        wanted = Row("none", 0, 0, 0, ()) if columns is None else expected_row(columns)
        kinds[found.kind] += 1
        if wanted.kind == "exp":
            equal = found.kind in ("plt", "at_bp", "at_sp", "lost")
        elif wanted.kind == "none":
            equal = found.kind == "none" or "synthetic" in rows.at(pc).marks
        else:
            equal = found == wanted
        if not equal:
            differ.append((pc, wanted, found))
    return len(expected), differ, kinds
