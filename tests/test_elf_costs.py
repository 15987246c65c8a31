"""Files made to cost much time for their size: both readers answer soon, or refuse."""

import struct
import subprocess

import pytest
from engine_runs import compile_c
from recorder_programs import built
from test_elf_hostile import LIMIT_S, check

LOAD, DYNAMIC, EH_FRAME_HDR = 1, 2, 0x6474E550
HEADER, SEGMENT = 64, 56


def header(segments, sections=0, type_=3):
    ident = b"\x7fELF\2\1\1" + bytes(9)
    table = HEADER + SEGMENT * segments if sections else 0
    words = (type_, 62, 1, 0, HEADER, table, 0, HEADER, SEGMENT, segments, 64, sections)
    return ident + struct.pack("<HHIQQQIHHHHHH", *words, 1 if sections else 0)


def segment(type_, at, size):
    return struct.pack("<IIQQQQQQ", type_, 5, at, at, at, size, size, 1)


def section(name, type_, flags, address, at, size):
    return struct.pack("<IIQQQQIIQQ", name, type_, flags, address, at, size, 0, 0, 8, 0)


def numbers_without_end(size=1 << 20):
    """Each row of the sorted table leads to the same entry, which begins with one long number."""
    rows, at = size // 8, HEADER + 2 * SEGMENT
    table = at + 12
    common = struct.pack("<I", 0) + b"\1zR\0\1\x78\x10\1\x1b\0\0\0\0\0\0\0"
    common = struct.pack("<I", len(common)) + common
    entry_at = table + 8 * rows + len(common)
    entry = struct.pack("<Iii", entry_at + 4 - table - 8 * rows, 0x100, 16) + b"\x80" * size
    entry = struct.pack("<I", len(entry)) + entry
    body = struct.pack("<BBBBiI", 1, 0x1B, 3, 0x3B, 0, rows)
    body += struct.pack("<ii", 0, entry_at - at) * rows + common + entry
    whole = segment(LOAD, 0, at + len(body))
    return header(2) + whole + segment(EH_FRAME_HDR, at, 12 + 8 * rows) + body


def sections_over_each_other(count=60000, size=4 << 20):
    """A static program whose tables of relocations are all of them the whole file."""
    at = HEADER + SEGMENT + 64 * count
    names = b"\0.init_array\0"
    rows = section(0, 4, 2, 0, HEADER, at - HEADER + size)
    table = bytes(64) + section(0, 3, 0, 0, at + size, len(names))
    table += section(1, 1, 2, 0x100, 0x100, 8) + rows * (count - 3)
    start = header(1, count, 2) + segment(LOAD, 0, at + size)
    return start + table + bytes(size) + names


def segments_galore(count=60000, size=1 << 20):
    """Each of many relocations asks in which segment it lies."""
    at = HEADER + SEGMENT * (count + 1)
    words = struct.pack("<Q", 0x1000) + b"\xff" * size
    tags = struct.pack("<10Q", 36, at, 35, len(words), 25, at, 27, 8, 0, 0)
    table = segment(DYNAMIC, at + len(words), len(tags)) + segment(LOAD, 1 << 40, 0) * (count - 1)
    table += segment(LOAD, 0, at + len(words) + len(tags))
    return header(count + 1) + table + words + tags


@pytest.mark.parametrize("make", [numbers_without_end, sections_over_each_other, segments_galore])
def test_a_file_made_to_cost_much_is_soon_read(tmp_path, make):
    path = tmp_path / "file"
    path.write_bytes(make())
    for tool in ("elf_facts", "unwind_rows"):
        done = subprocess.run([built(tool), path], capture_output=True, timeout=LIMIT_S)
        assert done.returncode == 0
    check(path, path.read_bytes())


DEEP = """
void deep(void), wide(void);
__asm__(".text\\n.type deep,@function\\n"
        "deep: push %rbx\\nsub $0x100000,%rsp\\npush %rbp\\nnop\\nret\\n"
        ".size deep,.-deep\\n.type wide,@function\\nwide: sub $0x8000000,%rsp\\nnop\\nret\\n"
        ".size wide,.-wide\\n");
int main(void) { return 0; }
"""


def test_a_frame_too_large_for_a_row_gets_none_that_is_wrong(tmp_path):
    """What does not fit in is left out: cut off, it would name another place of the stack."""
    program = compile_c(tmp_path, DEEP, "-no-pie", "-Wl,--build-id=none")
    listed = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    symbols = [line.split() for line in listed.splitlines()]
    start = {words[2]: int(words[0], 16) for words in symbols if len(words) == 3}
    lines = subprocess.run([built("unwind_rows"), program], capture_output=True, text=True).stdout
    rows = {int(w[1], 16): w[2:6] for w in map(str.split, lines.splitlines()) if w[0] == "row"}
    gone = "-32768"
    assert rows[start["deep"] + 9] == ["rsp", str((1 << 20) + 24), gone, "-2"]
    assert rows[start["wide"] + 7][0] == "none"
