"""gdb is asked for lines only where debug information is about the code."""

import shutil
import subprocess

import pytest

from alloctrace.elf.elf import ElfFile
from alloctrace.elf.ranges import with_debug_info
from alloctrace.symbols import gdb as symbol_gdb, symbols
from made_programs import call_sites, compiled, history, module

needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")
needs_gdb = pytest.mark.skipif(not shutil.which("gdb"), reason="no gdb")
WITH = "#include <stdlib.h>\nvoid *plain(void);\nint main(void) { free(malloc(1)); plain(); }\n"
WITHOUT = "#include <stdlib.h>\nvoid *plain(void) { return malloc(2); }\n"
WORDS = ("-fno-builtin", "-O0")


@pytest.fixture
def mixed(tmp_path):
    """A program of which one half has debug information."""
    for name, source, words in (("with", WITH, ["-g"]), ("without", WITHOUT, [])):
        (tmp_path / (name + ".c")).write_text(source)
        words = ["gcc", *WORDS, *words, "-c", name + ".c", "-o", name + ".o"]
        subprocess.run(words, cwd=tmp_path, check=True)
    subprocess.run(["gcc", "with.o", "without.o", "-o", "mixed"], cwd=tmp_path, check=True)
    return str(tmp_path / "mixed")


def named(path):
    """({(function, whether it has a line)}, the addresses that gdb was asked about)."""
    asked = []

    def ask(requests):
        asked.extend(offset for _, offsets in requests for offset in offsets)
        return symbol_gdb.ask(requests)

    program = module(path, role="executable")
    past = history([program], [program.base + site for site in call_sites(path, "malloc")])
    frames = symbols.symbolise(past, gdb=ask)[1]
    return {(frame.function, bool(frame.line)) for frame in frames}, len(asked)


@needs_gcc
@needs_gdb
def test_code_without_debug_information_needs_no_gdb(mixed):
    assert named(mixed) == ({("main", True), ("plain", False)}, 1)


@needs_gcc
@needs_gdb
def test_where_it_is_not_told_gdb_is_asked_about_all(mixed):
    """As clang leaves it."""
    subprocess.run(["objcopy", "-R", ".debug_aranges", mixed], check=True)
    with ElfFile(mixed) as elf:
        assert with_debug_info(elf) is None
    assert named(mixed) == ({("main", True), ("plain", False)}, 2)


@needs_gcc
def test_damaged_ranges_tell_nothing(mixed, tmp_path):
    with ElfFile(mixed) as elf:
        section, ranges = elf.sections[".debug_aranges"], with_debug_info(elf)
        main = elf.section_data(".debug_aranges")[16:24]
    assert int.from_bytes(main, "little") in ranges and 0 not in ranges
    with open(mixed, "rb") as file:
        data = bytearray(file.read())
    for at, value in ((0, 0xF0), (0, 1), (4, 9), (6, 1), (10, 4), (11, 1)):
        broken = bytearray(data)
        broken[section.offset + at] = value
        (tmp_path / "broken").write_bytes(broken)
        with ElfFile(str(tmp_path / "broken")) as elf:
            assert with_debug_info(elf) is None, (at, value)


@needs_gcc
def test_a_file_without_debug_information_has_none_anywhere(tmp_path):
    path = compiled(tmp_path, *WORDS, source=WITH + WITHOUT, name="bare")
    with ElfFile(path) as elf:
        assert elf.entry not in with_debug_info(elf)
