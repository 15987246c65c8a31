"""Stripped programs that carry their symbols packed (.gnu_debugdata), as those of Fedora do."""

import lzma
import subprocess

import pytest
import recorder_runs
from target_programs import brkpoint

from alloctrace.elf import debug as elf_debug
from alloctrace.elf.elf import ElfFile
from alloctrace.trace import trace

SOURCE = """
#include <stdlib.h>
void *kept;
__attribute__((noinline)) void outside(int n)
{
    kept = malloc(1100 + n);
    __asm__ volatile("" ::: "memory");
}
int main(void) { outside(3); return 0; }
"""


def said(*words, **how):
    return subprocess.run(words, check=True, capture_output=True, text=True, **how).stdout


def made(folder, *flags, pack=lzma.compress):
    """A stripped program with what `pack` makes of its symbols."""
    full, symbols, bare, mini, names = (
        str(folder / n) for n in "full symbols bare mini names".split()
    )
    command = ["gcc", "-O2", "-fno-builtin", *flags, "-x", "c", "-", "-o", full]
    said(*command, input=SOURCE)
    rows = (
        line.split() for line in said("nm", "--format=posix", "--defined-only", full).splitlines()
    )
    with open(names, "w") as file:
        file.write("".join(row[0] + "\n" for row in rows if row[1] in "TtWi"))
    said("objcopy", "--only-keep-debug", full, symbols)
    said("objcopy", "-S", "--remove-section", ".comment", "--keep-symbols=" + names, symbols)
    said("strip", "-o", bare, full)
    with open(symbols, "rb") as file:
        packed = pack(file.read())
    with open(symbols, "wb") as file:
        file.write(packed)
    said("objcopy", "--add-section", ".gnu_debugdata=" + symbols, bare, mini)
    return mini


@pytest.mark.parametrize("flags", [(), ("-static",)], ids=["dynamic", "static"])
def test_both_engines_name_its_functions(tmp_path, flags):
    program = made(tmp_path, *flags)
    for engine in ("breakpoints", "recorder") if recorder_runs.BUILT else ("breakpoints",):
        path = str(tmp_path / (engine + ".brkpoint"))
        done = brkpoint("run", "--engine", engine, "-o", path, "--", program)
        with trace.open(path) as t:
            (stack,) = [e.stack for e in t.events() if e.name == "malloc" and e.size == 1103]
            names = [frame.function for frame in t.stack(stack)]
        assert names[0].endswith("malloc") and names[1:3] == ["outside", "main"]
        assert "stripped" not in done.stderr


def test_its_symbols_are_the_files(tmp_path):
    with ElfFile(made(tmp_path)) as mini, ElfFile(str(tmp_path / "full")) as full:
        assert mini.function("outside").value == full.function("outside").value
        assert not mini.is_stripped


def test_twin_without_them_it_is_stripped(tmp_path):
    made(tmp_path)
    with ElfFile(str(tmp_path / "bare")) as bare:
        assert bare.function("outside") is None and bare.is_stripped
    path = str(tmp_path / "bare.brkpoint")
    done = brkpoint("run", "-o", path, "--", str(tmp_path / "bare"))
    assert "the program is stripped" in " ".join(done.stderr.split())


def _again(data):
    """Itself packed in it: to be unpacked once, and not for ever."""
    return lzma.compress(data.replace(b".symtab", b".gnu_de", 1))


BROKEN = {
    "cut off": lambda data: lzma.compress(data)[:-40],
    "no xz": lambda data: data,
    "empty": lambda data: lzma.compress(b""),
    "without end": lambda data: lzma.compress(bytes(elf_debug.MAX_UNPACKED + 1)),
    "no symbols": _again,
    "damaged": lambda data: lzma.compress(data)[:100] + bytes(40) + lzma.compress(data)[140:],
}


@pytest.mark.parametrize("how", BROKEN)
def test_what_is_damaged_counts_as_not_there(tmp_path, how):
    mini = made(tmp_path, "-static", pack=BROKEN[how])
    with ElfFile(mini) as elf:
        assert elf.mini_debug is None and elf.is_stripped and elf.function("outside") is None
    if recorder_runs.BUILT and how in ("cut off", "without end"):
        path = str(tmp_path / "mini.brkpoint")
        done = brkpoint("run", "--engine", "recorder", "-o", path, "--", mini)
        assert done.returncode == 0 and "no allocator function was found" in done.stderr
