"""Which files are mapped as code, and where: elf/code_files.py on plain values, and beside
recorder/host/modules/code_files.c on living processes, also on what their headers lie."""

import os
import random
import struct
import subprocess
import sys

import pytest
from recorder_programs import built

from alloctrace.elf.code_files import Load, bias_of, code_files
from alloctrace.elf.maps import Mapping, parse_maps

BASE = 0x555500000000
R, RX, RW = (4, "r--p"), (5, "r-xp"), (6, "rw-p")
# (flags and permissions, offset in the file, vaddr, size)
PADDED = [(R, 0, 0, 0x600), (RX, 0x1000, 0x1000, 0x200), (RW, 0x2DE0, 0x3DE0, 0x230)]
ONE_PAGE = [(R, 0, 0, 0x66C), (RX, 0x670, 0x1670, 0x180), (RW, 0x7F0, 0x27F0, 0x1E8)]
ONE_SEGMENT = [(RX, 0, 0, 0x1200), (RW, 0x1DE0, 0x2DE0, 0x230)]
FIXED = [(kind, offset, vaddr + 0x12347000, size) for kind, offset, vaddr, size in ONE_PAGE]
TWO_TEXTS = [*PADDED, (RX, 0x3900, 0x900900, 0x100)]
HUGE = [(R, 0, 0, 0x600), (RX, 0x200000, 0x200000, 0x300000), (RW, 0x500000, 0x600000, 0x1000)]


class Memory:
    """Files mapped by their headers, and what reads the headers back."""

    def __init__(self):
        self.mappings, self.held = [], {}

    def load(self, path, layout, bias, headers=True):
        rows = [struct.pack("<IIQQQQQQ", 1, k[0], o, v, v, s, s, 4096) for k, o, v, s in layout]
        head = struct.pack(
            "<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 3, 62, 1, 0, 64, 0, 0, 64, 56, len(rows), 0, 0, 0
        )
        for kind, offset, vaddr, size in layout:
            start, end = vaddr + bias & -4096, (vaddr + bias + size + 4095) & -4096
            self.map(start, end, kind[1], offset & -4096, path)
            if headers and offset < 4096:
                self.held[start] = head + b"".join(rows)
        return self

    def map(self, start, end, perms, offset=0, path=b""):
        self.mappings.append(Mapping(start, end, perms, offset, 7 if path else 0, path))
        self.mappings.sort()

    def read(self, address, size):
        for mapping in self.mappings:
            if mapping.start <= address < mapping.end:
                return self.held.get(mapping.start, b"")[address - mapping.start :][:size]
        return b""

    def files(self, known=()):
        return [(f.path, f.start, f.bias) for f in code_files(self.mappings, self.read, known)]


@pytest.mark.parametrize("layout", [PADDED, ONE_PAGE, ONE_SEGMENT, TWO_TEXTS, HUGE])
def test_one_file_has_one_bias(layout):
    assert Memory().load(b"/a", layout, BASE).files() == [(b"/a", BASE, BASE)]


def test_a_first_address_that_is_not_zero():
    assert Memory().load(b"/a", FIXED, 0).files() == [(b"/a", 0x12347000, 0)]
    assert Memory().load(b"/a", FIXED, BASE).files() == [(b"/a", BASE + 0x12347000, BASE)]


@pytest.mark.parametrize("layout", [PADDED, ONE_PAGE, ONE_SEGMENT])
def test_a_file_that_is_loaded_twice_side_by_side(layout):
    second = BASE + 0x5000
    memory = Memory().load(b"/a", layout, BASE).load(b"/a", layout, second)
    assert memory.files() == [(b"/a", BASE, BASE), (b"/a", second, second)]


def test_a_page_that_relro_split_belongs_to_its_file():
    memory = Memory().load(b"/a", ONE_PAGE, BASE)
    memory.map(BASE + 0x3000, BASE + 0x4000, "rw-p", 0x1000, b"/b")
    (file,) = code_files(memory.mappings, memory.read)
    assert (file.start, file.end) == (BASE, BASE + 0x3000)


def test_text_in_anonymous_memory_is_still_the_files():
    memory = Memory().load(b"/a", HUGE, BASE)
    text = next(m for m in memory.mappings if m.perms == "r-xp")
    memory.mappings.remove(text)
    memory.map(text.start, text.end, "r-xp")
    header = memory.mappings[0]
    memory.mappings[0] = header._replace(end=text.start)
    assert memory.files() == [(b"/a", BASE, BASE)]


def test_twin_code_made_at_run_time_behind_a_file_is_not_the_files():
    memory = Memory().load(b"/a", [PADDED[0], PADDED[2]], BASE)
    memory.map(BASE + 0x5000, BASE + 0x9000, "r-xp")
    assert memory.files() == []


def test_twin_a_file_that_is_only_read_is_no_code():
    memory = Memory()
    memory.map(BASE, BASE + 0x9000, "r--p", 0, b"/a")
    assert memory.files() == []


def test_without_headers_in_memory_the_files_own_are_asked():
    layout = [(RX, 0x3670, 0x1670, 0x180), (RW, 0x47F0, 0x27F0, 0x1E8)]
    memory = Memory().load(b"/a", layout, BASE, headers=False)
    (file,) = code_files(memory.mappings, memory.read)
    assert (file.bias, file.start) == (None, BASE + 0x1000)
    loads = [Load(kind[0], offset, vaddr, size, size) for kind, offset, vaddr, size in layout]
    assert bias_of(loads, file.code) == BASE


def test_twin_a_file_whose_headers_say_otherwise_gives_no_bias():
    loads = [Load(5, 0x9000, 0x9000, 0x100, 0x100)]
    memory = Memory().load(b"/a", [(RX, 0x3670, 0x1670, 0x180)], BASE, headers=False)
    (file,) = code_files(memory.mappings, memory.read)
    assert bias_of(loads, file.code) is None


def test_what_is_known_is_not_read_again():
    memory = Memory().load(b"/a", ONE_PAGE, BASE)
    known = code_files(memory.mappings, memory.read)
    memory.held.clear()
    assert memory.files(known) == [(b"/a", BASE, BASE)]
    assert memory.files() != [(b"/a", BASE, BASE)]


# ---- beside the recorder's


MAPPER = r"""
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + 3 * [ctypes.c_int] + [ctypes.c_long]
for path in sys.argv[1:]:
    fd = os.open(path, os.O_RDONLY)
    for offset in (0, 0, 4096):
        libc.mmap(None, 8192, 5, 2, fd, offset)
print(flush=True)
sys.stdin.read()
"""


def both(pid):
    data = subprocess.run([built("code_files"), str(pid)], check=True, capture_output=True).stdout
    theirs = [line.split(b" ", 3) for line in data.split(b"\0")[:-1]]
    mappings = parse_maps(open("/proc/%d/maps" % pid, "rb").read())
    memory = os.open("/proc/%d/mem" % pid, os.O_RDONLY)
    try:
        ours = code_files(mappings, lambda at, size: _pread(memory, size, at))
    finally:
        os.close(memory)
    rows = [(f.start, f.end, 1 if f.bias is None else f.bias % 2**64, f.path) for f in ours]
    return rows, [(*(int(number, 16) for number in row[:3]), row[3]) for row in theirs]


def _pread(memory, size, at):
    try:
        return os.pread(memory, size, at)
    except (OSError, OverflowError):
        return b""


def mutations(folder, count):
    """Small ELF files with damaged headers."""
    chance, paths = random.Random(1103), []
    whole = open("/bin/true", "rb").read()[:12288]
    for number in range(count):
        data = bytearray(whole)
        for _ in range(number % 9):
            place = chance.choice((40, 54, 56, *range(64, 64 + 56 * 11, 8)))
            data[place : place + 8] = chance.choice(
                (bytes(8), b"\xff" * 8, struct.pack("<Q", chance.getrandbits(14)))
            )
        paths.append(str(folder / ("file%d" % number)))
        with open(paths[-1], "wb") as file:
            file.write(data)
    return paths


def test_both_say_the_same_of_living_processes(tmp_path):
    words = [sys.executable, "-c", MAPPER, *mutations(tmp_path, 300)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        ours, theirs = both(process.pid)
        process.stdin.close()
    assert ours == theirs
    assert len(ours) > 600
