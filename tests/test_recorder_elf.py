"""The recorder's ELF reader (recorder/host/elf/elf.h) against the one in Python, fact by fact."""

import os
import re
import shutil
import signal
import struct
import subprocess

import pytest
from engine_runs import compile_c
from recorder_programs import SANITIZED, built

from alloctrace.elf import debug as elf_debug, symbols as elf_symbols
from alloctrace.elf.elf import ElfFile

LOADER = "/lib64/ld-linux-x86-64.so.2"
LIBC = "/lib/x86_64-linux-gnu/libc.so.6"
FILES = [
    LOADER,
    LIBC,
    "/bin/ls",
    "/usr/bin/git",
    "/usr/bin/gdb",
    "/usr/bin/python3",
    "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
    "/lib/ld-musl-x86_64.so.1",
    "/sbin/ldconfig",
]
KINDS = {name: number for number, name in elf_symbols._KINDS.items()}
BINDS = {name: number for number, name in elf_symbols._BINDS.items()}


def facts_of(path, *more):
    command = [built("elf_facts"), path, *more]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()


def expected_facts(elf):
    yield "type %d" % {"REL": 1, "EXEC": 2, "DYN": 3}[elf.type]
    yield "entry %d" % elf.entry
    yield "lowest %d" % (min(s.vaddr for s in elf.segments_of(1)) & ~0xFFF)
    yield "pie %d" % elf.is_pie
    yield "static %d" % elf.is_static
    yield "interp %s" % (elf.interp or "")
    yield "soname %s" % (elf.soname or "")
    yield "rust %s" % elf.looks_like_rust()
    yield "build_id %s" % elf.build_id
    yield from ("region %d %d" % marks for marks in elf_debug.region_marks(elf))
    yield from ("initialiser %d" % vaddr for vaddr in elf.initialisers())
    yield from ("finaliser %d" % vaddr for vaddr in elf.finalisers())
    names = ("malloc", "calloc", "realloc", "free", "memalign", "main")
    for name, found in elf.functions_named(names).items():
        for symbol in found:
            yield "function %s %d %d" % (name, symbol.value, BINDS[symbol.bind])
    yield from loader_facts(elf, "loader", ("/usr/lib/debug",))
    yield from loader_facts(elf, "loader_by_shape", ())
    yield from stub_facts(elf)


def loader_facts(elf, word, roots):
    for entry in elf.loader_malloc(roots).values():
        source = {"symbols": 1, "pattern": 2}[entry.source]
        yield "%s %d %s %d" % (word, source, entry.impl, entry.vaddr)


def stub_facts(elf):
    for name in (".plt", ".plt.sec", ".plt.got"):
        section = elf.sections.get(name)
        for at in range(section.vaddr, section.vaddr + section.size, 8) if section else ():
            target = elf.plt_target(at)
            if target:
                yield "stub %d %s" % (at, target)


def number(names, word):
    return names[word] if word in names else int(word)


def symbol_fact(symbol):
    fields = (symbol.table == "dynsym", symbol.value, symbol.size, number(KINDS, symbol.kind))
    fields += (number(BINDS, symbol.bind), symbol.defined, symbol.hidden)
    return "symbol %s %s" % (" ".join(str(int(field)) for field in fields), symbol.name)


@pytest.mark.parametrize("path", filter(os.path.exists, FILES))
def test_facts_equal_those_of_the_other_reader(path):
    assert facts_of(path) == list(expected_facts(ElfFile(path)))


@pytest.mark.parametrize("path", filter(os.path.exists, (LOADER, LIBC, "/bin/ls", FILES[-2])))
def test_symbols_and_relocations_equal_those_of_the_other_reader(path):
    elf, lines = ElfFile(path), facts_of(path, "all")
    assert [line for line in lines if line.startswith("symbol ")] == [
        symbol_fact(symbol) for symbol in elf.symbols()
    ]
    assert [line for line in lines if line.startswith("relocation ")] == [
        "relocation %d %d %d %s" % (r.offset, r.type, r.addend, r.symbol) for r in elf.relocations()
    ]


@pytest.mark.parametrize("text, told", [("rustc version 1", True), ("library/std/sr", False)])
def test_rust_is_told_by_what_its_compiler_leaves(tmp_path, text, told):
    source = 'asm(".section .comment\\n.asciz \\"%s\\"\\n.text"); int main(void) { return 0; }'
    program = compile_c(tmp_path, source % text)
    assert facts_of(program) == list(expected_facts(ElfFile(program)))
    assert ("rust rustc version" in facts_of(program)) == told


def test_a_file_without_section_headers_tells_the_same(tmp_path):
    copy = tmp_path / "ls"
    with open("/bin/ls", "rb") as file:
        data = bytearray(file.read())
    struct.pack_into("<QIHHHHHH", data, 40, 0, 0, 64, 56, *struct.unpack_from("<HHHH", data, 56))
    struct.pack_into("<HH", data, 60, 0, 0)
    copy.write_bytes(data)
    assert facts_of(str(copy)) == list(expected_facts(ElfFile(str(copy))))


@pytest.mark.parametrize("pattern, at", [(rb"\x48\xf7[\xe0-\xe7]", 1), (rb"\xff\x25", 1)])
def test_the_loader_s_allocator_is_nothing_where_a_body_does_not_fit(tmp_path, pattern, at):
    """calloc without its multiplication, or without its jump through malloc's pointer."""
    elf = ElfFile(LOADER)
    known = elf.loader_malloc(())
    if not known:
        pytest.skip("an older loader")
    with open(LOADER, "rb") as file:
        code = bytearray(file.read())
    copy = tmp_path / "ld.so"
    copy.write_bytes(code)
    assert any(line.startswith("loader_by_shape 2 ") for line in facts_of(str(copy)))
    start = known["calloc"].vaddr  # the loader's text: file offset equals address
    found = re.search(pattern, code[start : elf.fde_at(start)[1]])
    code[start + found.start() + at] = 0x90
    copy.write_bytes(code)
    assert not any(line.startswith("loader_by_shape") for line in facts_of(str(copy)))


@pytest.mark.parametrize(
    "content", [b"", b"\x7fELF", b"#!/bin/sh\n" * 20, b"\x7fELF\1\1" + bytes(99)]
)
def test_what_is_no_such_file_is_refused(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    refused = subprocess.run([built("elf_facts"), path], capture_output=True, text=True)
    assert refused.returncode == 2 and refused.stderr.startswith("elf_facts: ")


SOURCE = """
#include <stdlib.h>
static int room(int n) { volatile char *p = __builtin_alloca(n); p[0] = 1; return p[0]; }
int main(int argc, char **argv) { return room(argc) + !malloc(argc) + (argv == 0); }
"""


@pytest.mark.parametrize(
    "flags",
    [(), ("-s",), ("-no-pie", "-fno-asynchronous-unwind-tables")],
    ids=["plain", "stripped", "debug tables"],
)
def test_damaged_files_harm_nobody(tmp_path, flags):
    """A short run; `make -f recorder/build.mk recorder-fuzz-elf` is the long one."""
    program, seconds = compile_c(tmp_path, SOURCE, *flags), 4
    command = [built("elf_fuzz", SANITIZED), program, str(seconds), str(len(flags))]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout.split()[0]) > 100


def cut_off(folder, *words):
    path = folder / "cut"
    shutil.copy(LIBC, path)
    return subprocess.run([built("elf_cut"), path, *words], capture_output=True, text=True)


def test_a_file_that_is_cut_off_while_it_is_read(tmp_path):
    assert cut_off(tmp_path).stdout == "read on\n"


@pytest.mark.parametrize("how", ["bare", "ours"])
def test_cut_off_without_the_guard(tmp_path, how):
    """And where what is gone is the recorder's own memory: there zeros would be a loss unsaid."""
    assert cut_off(tmp_path, how).returncode == -signal.SIGBUS


def rested(folder, size, *words):
    """(KiB of a file in memory when all was looked at, after elf_rest, whether it reads alike)"""
    path = folder / "rest"
    shutil.copy(LIBC, path)
    os.truncate(path, size)
    command = [built("elf_rest"), path, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return tuple(map(int, done.stdout.split()))


def test_a_large_file_does_not_stay_in_memory(tmp_path):
    looked, left, is_same = rested(tmp_path, 17 << 20)
    assert looked > 16 << 10 and left < 1 << 10 and is_same


@pytest.mark.parametrize("size, words", [(3 << 20, ()), (17 << 20, ("memory",))])
def test_twin_a_small_one_and_what_is_memory_alone_stays(tmp_path, size, words):
    looked, left, is_same = rested(tmp_path, size, *words)
    assert left == looked > 2 << 10 and is_same
