"""Our reader of ELF files beside pyelftools and readelf, which know nothing of it."""

import os
import re
import shutil
import subprocess
import sys

import pytest

import target_programs
from alloctrace.elf.elf import ElfFile
from target_programs import ROOT

elffile = pytest.importorskip("elftools.elf.elffile")
sections = pytest.importorskip("elftools.elf.sections")
sys.path.append(os.path.join(ROOT, "trace-scripts"))
from brkpoint_trace import inspection  # noqa: E402

PROGRAMS = {program.name: program.command for program in target_programs.programs()}
TARGETS = ("success", "alloc", "alloc.static", "alloc.no-pie", "alloc.no-plt", "success.stripped")
TARGETS += ("empty", "empty.stripped", "success_asm", "alloc.musl-dynamic", "dlopen")
SYSTEM = ("/bin/ls", "/usr/bin/python3", "/lib64/ld-linux-x86-64.so.2", "/bin/bash")
_MACHINE = {"EM_X86_64": 62}


pytestmark = pytest.mark.usefixtures("built")


def path_of(name):
    if name not in PROGRAMS and not os.path.exists(name):
        pytest.skip("not here: " + name)
    return os.path.join(ROOT, PROGRAMS[name][-1]) if name in PROGRAMS else os.path.realpath(name)


@pytest.fixture(params=[*TARGETS, *SYSTEM])
def both(request):
    """(our ElfFile, theirs, the path)"""
    path = path_of(request.param)
    with open(path, "rb") as file, ElfFile(path) as ours:
        yield ours, elffile.ELFFile(file), path


def test_the_header(both):
    ours, theirs, _ = both
    assert ours.entry == theirs["e_entry"] and ours.machine == _MACHINE[theirs["e_machine"]]
    assert "ET_" + ours.type == theirs["e_type"]
    tables = {segment["p_type"] for segment in theirs.iter_segments()}
    assert bool(ours.dynamic) == ("PT_DYNAMIC" in tables)


def test_segments_and_interpreter(both):
    ours, theirs, _ = both
    rows = [
        (s["p_vaddr"], s["p_memsz"], s["p_offset"], s["p_filesz"]) for s in theirs.iter_segments()
    ]
    assert [(s.vaddr, s.memsz, s.offset, s.filesz) for s in ours.segments] == rows
    names = [s.get_interp_name() for s in theirs.iter_segments() if s["p_type"] == "PT_INTERP"]
    assert ours.interp == (names[0] if names else None)


def test_sections(both):
    ours, theirs, _ = both
    rows = [(s.name, s["sh_addr"], s["sh_offset"], s["sh_size"]) for s in theirs.iter_sections()]
    assert [(s.name, s.vaddr, s.offset, s.size) for s in ours.section_list] == rows


def test_needed_libraries(both):
    ours, theirs, _ = both
    dynamic = theirs.get_section_by_name(".dynamic")
    tags = dynamic.iter_tags() if dynamic and hasattr(dynamic, "iter_tags") else ()
    assert list(ours.needed) == [tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED"]


def test_symbols(both):
    ours, theirs, _ = both
    tables = [s for s in theirs.iter_sections() if isinstance(s, sections.SymbolTableSection)]
    rows = {(t.name[1:], s.name, s["st_value"]) for t in tables for s in t.iter_symbols() if s.name}
    mine = {(s.table, s.name.split("@")[0], s.value) for s in ours.symbols() if s.name}
    names = {(table, name.split("@")[0], value) for table, name, value in rows}
    assert {row for row in names if row[0] in ("symtab", "dynsym")} == mine


def test_twin_another_file_is_not_the_same():
    first, second = path_of("success"), path_of("success.stripped")
    with ElfFile(first) as ours, open(second, "rb") as file:
        theirs = [section.name for section in elffile.ELFFile(file).iter_sections()]
        assert [section.name for section in ours.section_list] != theirs


# ---- what `inspect` says -------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*TARGETS, *SYSTEM])
def test_inspect_says_what_pyelftools_and_binutils_say(name):
    path = path_of(name)
    found = inspection.inspect(path, disassemble=False)
    with open(path, "rb") as file:
        elf = elffile.ELFFile(file)
        symtab = elf.get_section_by_name(".symtab")
        assert found["stripped"] == (symtab is None)
        assert found["interpreter"] == next(
            (s.get_interp_name() for s in elf.iter_segments() if s["p_type"] == "PT_INTERP"), None
        )
    if shutil.which("size"):
        numbers = lines("size", path)[1].split()[:3]
        assert list(map(int, numbers)) == [found["size"][key] for key in ("text", "data", "bss")]
    if shutil.which("readelf"):
        ids = re.findall(r"Build ID: ([0-9a-f]+)", "\n".join(lines("readelf", "-n", path)))
        assert (found["build_id"] or "") == (ids[0] if ids else "")


def lines(*words):
    environment = dict(os.environ, LC_ALL="C")
    done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()
