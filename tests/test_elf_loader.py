"""The loader's own allocator, found without symbols, against its symbols."""

import os
import re
import struct

import pytest

from alloctrace.elf.elf import ElfFile

LOADER = "/lib64/ld-linux-x86-64.so.2"
MUSL = "/lib/ld-musl-x86_64.so.1"


def test_loader_malloc_by_shape_equals_its_symbols():
    elf = ElfFile(LOADER)
    by_symbols, by_shape = elf.loader_malloc(), elf.loader_malloc(roots=())
    if elf.function("malloc") is not None:
        assert by_symbols == by_shape == {}
        return
    assert set(by_shape) == {"malloc", "calloc", "realloc", "free"}
    assert {entry.source for entry in by_shape.values()} == {"pattern"}
    if {entry.source for entry in by_symbols.values()} != {"symbols"}:
        pytest.skip("no debug file of the loader to compare with")
    for name, entry in by_symbols.items():
        assert (entry.impl, entry.vaddr) == by_shape[name][:2]


def test_no_loader_malloc_where_there_is_none():
    for path in filter(os.path.exists, ("/lib/x86_64-linux-gnu/libc.so.6", "/bin/ls", MUSL)):
        assert ElfFile(path).loader_malloc() == {}


@pytest.mark.parametrize("pattern, at", [(rb"\x48\xf7[\xe0-\xe7]", 1), (rb"\xff\x25", 1)])
def test_loader_malloc_is_nothing_when_a_body_does_not_fit(tmp_path, pattern, at):
    """calloc without its multiplication, or without its jump through malloc's pointer."""
    elf = ElfFile(LOADER)
    if not elf.loader_malloc(()):
        pytest.skip("an older loader")
    with open(LOADER, "rb") as file:
        code = bytearray(file.read())
    start = elf.loader_malloc(())["calloc"].vaddr  # the loader's text: file offset equals address
    found = re.search(pattern, code[start : elf.fde_at(start)[1]])
    code[start + found.start() + at] = 0x90
    assert loader_malloc_of(tmp_path, code) == {}


def test_loader_malloc_is_nothing_when_there_are_two(tmp_path):
    elf = ElfFile(LOADER)
    if not elf.loader_malloc(()):
        pytest.skip("an older loader")
    with open(LOADER, "rb") as file:
        code = bytearray(file.read())
    assert loader_malloc_of(tmp_path, code) == elf.loader_malloc(())
    setter = re.search(rb"(?:\x48\x8d\x05....\x48\x89\x05....){4}\xc3", code, re.DOTALL)
    if not setter:
        pytest.skip("built by another compiler")
    room = elf.function("_dl_catch_exception") or elf.function("_dl_find_dso_for_object")
    moved = bytearray(setter.group())
    for skip in range(3, 56, 7):  # all eight displacements, for the new place
        old = struct.unpack_from("<i", moved, skip)[0]
        struct.pack_into("<i", moved, skip, old - (room.value - setter.start()))
    code[room.value : room.value + len(moved)] = moved
    assert loader_malloc_of(tmp_path, code) == {}


def loader_malloc_of(folder, code):
    copy = folder / "ld.so"
    copy.write_bytes(code)
    return ElfFile(str(copy)).loader_malloc(())
