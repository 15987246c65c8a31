"""alloctrace.symbols against addr2line and nm, on programs compiled here."""

import os
import random
import re
import shutil
import subprocess
from types import SimpleNamespace

import pytest

from alloctrace import spool, symbol_gdb, symbols
from alloctrace.elf import ElfFile
from alloctrace.model import Event, Hook, Module

SOURCE = r"""
#include <stdlib.h>
static inline __attribute__((always_inline)) void *inner(int n) {
    return malloc(n + 41);
}
static inline __attribute__((always_inline)) void *middle(int n) {
    void *p = inner(n);
    return p;
}
__attribute__((constructor)) static void early(void) { free(middle(3)); }
int main(int argc, char **argv) {
    void *p = middle(argc);
    free(p);
    return 0;
}
"""
CXX = r"""
#include <vector>
namespace { struct Pool { __attribute__((noinline)) int *get(std::vector<int> &v, int n) {
    v.push_back(n); return &v[0]; } }; }
template <class T> __attribute__((noinline)) T twice(T n) { return n + n; }
int main(int argc, char **) { std::vector<int> v; Pool p; return *p.get(v, argc) == twice(41); }
"""
LIBC = "/lib/x86_64-linux-gnu/libc.so.6"
LOADER = "/lib64/ld-linux-x86-64.so.2"
needs_gdb = pytest.mark.skipif(not shutil.which("gdb"), reason="no gdb")
pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")


def said(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def compiled(folder, *flags, source=SOURCE, compiler="gcc", name="program"):
    text = folder / ("a.c" if compiler == "gcc" else "a.cc")
    text.write_text(source)
    said(compiler, *flags, "-o", str(folder / name), str(text))
    return str(folder / name)


def module(path, id_=0, role="library", base=None, **more):
    elf = ElfFile(path)
    loads = [s for s in elf.segments if s.type == 1]
    if base is None:
        base = 0x7F0000000000 + (id_ << 32) if elf.type == "DYN" else 0
    end = max(s.vaddr + s.memsz for s in loads)
    start = min(s.vaddr for s in loads)
    return Module(id_, path, base, base + start, base + end, elf.build_id, role, **more)


def history(modules, *stacks, mains=(), events=(), hooks=None):
    """Each stack is a list of addresses, innermost first."""
    kept = {
        i: spool.Stack(i, 0, tuple((pc, 0) for pc in pcs)) for i, pcs in enumerate(stacks, start=1)
    }
    return SimpleNamespace(
        modules=modules,
        stacks=kept,
        mains=list(mains),
        events=list(events),
        images=[],
        hooks=hooks or {},
        run={},
        notes=[],
    )


def call_sites(path, callee):
    """Addresses after each call of `callee`, by objdump."""
    lines = said("objdump", "-d", "--no-show-raw-insn", path).splitlines()
    found = []
    for line, after in zip(lines, lines[1:]):
        if re.search(r"\bcallq?\b.*<%s@plt>" % callee, line):
            found.append(int(after.split(":")[0], 16))
    return found


def functions(frames):
    return [frame.function for frame in frames]


@needs_gdb
def test_inlined_calls_as_addr2line_says(tmp_path):
    path = compiled(tmp_path, "-g", "-O2", "-fno-builtin")
    sites = call_sites(path, "malloc")
    assert len(sites) == 2
    program = module(path, role="executable")
    stacks = [[program.base + site, program.base + site] for site in sites]
    found = symbols.symbolise(history([program], *stacks))
    for site, frames in zip(sites, found.values()):
        lines = said("addr2line", "-ifse", path, hex(site - 1)).split()
        wanted = [(n, int(at.split(":")[1])) for n, at in zip(lines[::2], lines[1::2])]
        outer = [f for f in frames if f.pc == program.base + site][-len(wanted) :]
        assert [(f.function, f.line) for f in outer] == wanted
        assert [f.inlined for f in outer] == [True, True, False]
        assert {f.file for f in outer} == {str(tmp_path / "a.c")}
        assert outer[0].start is None and outer[-1].start is not None


@needs_gdb
def test_the_innermost_pc_is_exact_and_the_others_are_return_addresses(tmp_path):
    path = compiled(tmp_path, "-g", "-O0")
    elf, program = ElfFile(path), module(path, role="executable")
    start = elf.function("main").value + program.base
    after = start + elf.function("main").size
    found = symbols.symbolise(history([program], [start], [start, after]))
    assert functions(found[1]) == ["main"]
    assert functions(found[2]) == ["main", "main"]
    assert found[2][1].offset == after - program.base


@needs_gdb
def test_known_addresses_also_when_stripped(tmp_path):
    path = compiled(tmp_path, "-O1", "-fno-builtin")
    whole = ElfFile(path)
    offsets = {n: whole.function(n).value for n in ("main", "early", "_start")}
    said("strip", path)
    program = module(path, role="executable")
    mains = [{"address": program.base + offsets["main"], "user_main": None, "how": "test"}]
    pcs = [program.base + offsets[n] + 5 for n in ("main", "early", "_start")]
    frames = symbols.symbolise(history([program], pcs, mains=mains))[1]
    assert [f.known for f in frames] == ["main", "initialiser", "entry"]
    assert [f.start for f in frames] == [offsets[n] for n in ("main", "early", "_start")]
    assert functions(frames) == [None, None, None]
    twin = symbols.symbolise(history([program], [pcs[0] + 1]))[1]
    assert twin[0].known == ""


@needs_gdb
def test_well_known_names_of_libc():
    """Whatever alias debug information or the tables hold: the name that programs call."""
    libc = module(LIBC)
    elf = ElfFile(LIBC)
    names = ["malloc", "free", "calloc", "realloc", "fopen", "memalign", "exit", "getdelim"]
    pcs = [libc.base + elf.function(name).value for name in names]
    stacks = [[pc] for pc in pcs]
    assert [f[0].function for f in symbols.symbolise(history([libc], *stacks)).values()] == names
    alone = symbols.symbolise(history([libc], *stacks), gdb=None, debug_roots=())
    assert [f[0].function for f in alone.values()] == names


@needs_gdb
def test_well_known_names_of_the_loader():
    elf = ElfFile(LOADER)
    if elf.debug_file() is None:
        pytest.skip("no debug file of the loader")
    loader = module(LOADER, role="loader")
    with ElfFile(elf.debug_file()) as debug:
        starts = {n: debug.function(n).value for n in ("mprotect", "strdup", "_dl_new_object")}
    stacks = [[loader.base + start] for start in starts.values()]
    found = symbols.symbolise(history([loader], *stacks)).values()
    assert [frames[-1].function for frames in found] == list(starts)


@needs_gdb
@pytest.mark.skipif(not shutil.which("g++"), reason="no g++")
@pytest.mark.parametrize("flags", [["-g"], []])
def test_cxx_names(tmp_path, flags):
    path = compiled(tmp_path, "-O1", *flags, source=CXX, compiler="g++")
    program = module(path, role="executable")
    named = {}
    for line in said("nm", path).splitlines():
        if "Pool" in line or "twiceI" in line or "push_back" in line:
            named[int(line.split()[0], 16)] = None
    stacks = [[program.base + offset] for offset in named]
    found = symbols.symbolise(history([program], *stacks))
    names = {frames[-1].function for frames in found.values()}
    assert {"(anonymous namespace)::Pool::get", "twice<int>"} <= names
    assert not any("allocator" in name or "(int" in name for name in names)


def test_without_gdb_the_tables_name(tmp_path):
    path = compiled(tmp_path, "-O1", "-fno-builtin")
    program = module(path, role="executable")
    site = call_sites(path, "malloc")[0]
    past = history([program], [program.base + site])
    frames = symbols.symbolise(past, gdb=str(tmp_path / "no-such-gdb"))[1]
    assert functions(frames) in (["early"], ["main"])
    assert any("gdb cannot be run" in note for note in past.notes)


def test_a_failing_gdb_is_said(tmp_path):
    path = compiled(tmp_path, "-O1")
    fake = tmp_path / "gdb"
    fake.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    fake.chmod(0o755)
    program = module(path, role="executable")
    past = history([program], [program.base + ElfFile(path).function("main").value])
    assert functions(symbols.symbolise(past, gdb=str(fake))[1]) == ["main"]
    assert any("status 3" in note and "broken" in note for note in past.notes)


@needs_gdb
def test_another_file_under_the_same_path_names_nothing(tmp_path):
    path = compiled(tmp_path, "-g")
    program = module(path, role="executable")
    pc = program.base + ElfFile(path).function("main").value
    past = history([program], [pc])
    assert functions(symbols.symbolise(past)[1]) == ["main"] and past.notes == []
    compiled(tmp_path, "-g", source="int f(void) { return 3; } int main(void) { return f(); }")
    past = history([program], [pc])
    frames = symbols.symbolise(past)[1]
    assert functions(frames) == [None] and frames[0].role == "executable"
    assert "changed" in past.notes[0]
    os.unlink(path)
    past = history([program], [pc])
    assert functions(symbols.symbolise(past)[1]) == [None] and len(past.notes) == 1


@needs_gdb
@pytest.mark.parametrize(
    "name", ["with blank", "quo'te\"s", "new\nline", "-x", "$(touch x)", "\\back", "ü", "|ls"]
)
def test_hostile_paths_are_data(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    path = compiled(folder, "-g", name="program " + name)
    program = module(path, role="executable")
    past = history([program], [program.base + ElfFile(path).function("main").value])
    frames = symbols.symbolise(past)[1]
    assert (functions(frames), past.notes) == (["main"], [])
    assert frames[0].line is not None and frames[0].path == path
    assert not os.path.exists("x")


@needs_gdb
def test_code_in_the_target_is_not_run(tmp_path):
    """.debug_gdb_scripts is how a file asks gdb to run Python."""
    proof = tmp_path / "proof"
    text = '.section .debug_gdb_scripts,"MS",@progbits,1\n.byte 4\n.asciz "x\\nopen(%r, \'w\')\\n"'
    asm = (text % str(proof)).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    path = compiled(tmp_path, "-g", source='__asm__("%s\\n.text"); int main(void) {}' % asm)
    assert b"open(" in ElfFile(path).section_data(".debug_gdb_scripts")
    program = module(path, role="executable")
    past = history([program], [program.base + ElfFile(path).function("main").value])
    assert functions(symbols.symbolise(past)[1]) == ["main"]
    assert not proof.exists()
    iex = "set auto-load safe-path /"
    subprocess.run(["gdb", "-nx", "-batch", "-iex", iex, path], capture_output=True)
    assert proof.exists()  # the twin: gdb's own ways would have run it


def test_a_reused_address_belongs_to_the_library_of_its_time(tmp_path):
    paths = []
    for name in ("first", "second"):
        flags = ("-shared", "-fPIC", "-Wl,--build-id")
        source = "int pad(void) { return 1; } int %s(void) { return 2; }" % name
        paths.append(compiled(tmp_path, *flags, source=source, name=name + ".so"))
    first = module(paths[0], 0, base=0x7F0000000000, loaded_ns=10, unloaded_ns=20)
    second = module(paths[1], 1, base=0x7F0000000000, loaded_ns=30)
    offset = ElfFile(paths[0]).function("first").value
    assert ElfFile(paths[1]).function("second").value == offset
    pc = first.base + offset
    events = [Event(i, t, 1, 1, "call", "malloc", stack=i + 1) for i, t in enumerate((15, 35, 25))]
    past = history([first, second], [pc], [pc], [pc], events=events)
    found = symbols.symbolise(past, gdb=None)
    assert [functions(found[i]) for i in (1, 2)] == [["first"], ["second"]]
    assert found[3][0].function in (None, "second")


def test_roles(tmp_path):
    library = compiled(tmp_path, "-shared", "-fPIC", name="libmine.so.1")
    program = compiled(tmp_path, name="program")
    modules = [
        module(program, 0, "executable"),
        module(LOADER, 1, "loader"),
        module(LIBC, 2),
        module(library, 3),
        Module(4, "[vdso]", 0x10000, 0x10000, 0x12000, role="vdso"),
    ]
    pcs = [m.start + 0x1000 for m in modules] + [5]
    past = history(modules, pcs)
    frames = symbols.symbolise(past, gdb=None)[1]
    assert [f.role for f in frames] == ["executable", "loader", "system", "user", "vdso", ""]
    assert frames[5].module == ""
    frames = symbols.symbolise(past, ["libc.so*"], ["libmine*"], gdb=None)[1]
    assert [f.role for f in frames][2:4] == ["user", "system"]


def test_roles_when_the_loader_was_started_as_the_program(tmp_path):
    program = compiled(tmp_path, name="program")
    modules = [module(LOADER, 0, "executable"), module(program, 1, "library")]
    frames = symbols.symbolise(history(modules, [m.start + 0x1000 for m in modules]), gdb=None)[1]
    assert [f.role for f in frames] == ["loader", "executable"]


def test_musl_is_loader_and_libc_in_one():
    path = "/lib/ld-musl-x86_64.so.1"
    if not os.path.exists(path):
        pytest.skip("no musl")
    musl = module(path, 0, "loader")
    pc = musl.base + ElfFile(path).function("malloc").value
    frames = symbols.symbolise(history([musl], [pc]), gdb=None)[1]
    assert (frames[0].role, frames[0].function) == ("system", "malloc")


def test_hooks_name_what_has_no_symbols():
    if not ElfFile(LOADER).loader_malloc(()):
        pytest.skip("an older loader")
    loader = module(LOADER, 0, "loader")
    at = loader.base + ElfFile(LOADER).loader_malloc(())["malloc"].vaddr
    hooks = {1: Hook(1, 0, "malloc", "__minimal_malloc", at)}
    past = history([loader], [at], [at + 4], hooks=hooks)
    found = symbols.symbolise(past, gdb=None, debug_roots=())
    assert [functions(f) for f in found.values()] == [["__minimal_malloc"]] * 2
    bare = symbols.symbolise(history([loader], [at]), gdb=None, debug_roots=())
    assert functions(bare[1]) == [None]


def test_a_signal_trampoline_is_no_return_address(tmp_path):
    """The frame that a signal interrupted is looked up where it is, not one byte before."""
    path = compiled(tmp_path, "-O1", "-fno-builtin")
    program, libc = module(path, 1, "executable"), module(LIBC, 0)
    code = ElfFile(LIBC).section_data(".text")
    at = code.find(symbols.RT_SIGRETURN) + ElfFile(LIBC).sections[".text"].vaddr
    main = program.base + ElfFile(path).function("main").value
    past = history([program, libc], [libc.base + at, libc.base + at, main], [main, main])
    found = symbols.symbolise(past, gdb=None)
    assert found[1][2].function == "main" and found[2][0].function == "main"
    assert found[2][1].function != "main"


def test_damaged_files_never_stop_it(tmp_path):
    path = compiled(tmp_path, "-g")
    program = module(path, role="executable")
    pc = program.base + ElfFile(path).function("main").value
    with open(path, "rb") as file:
        data = file.read()
    for length in range(0, len(data), 1511):
        with open(path, "wb") as file:
            file.write(data[:length])
        past = history([program], [pc])
        assert len(symbols.symbolise(past, gdb=None)[1]) == 1


def test_mutated_files_never_stop_it(tmp_path):
    """The build id stays, so that the damaged file is taken for the one that ran."""
    path = compiled(tmp_path, "-g")
    program = module(path, role="executable")
    with open(path, "rb") as file:
        data = file.read()
    with ElfFile(path) as elf:
        pcs = [program.base + elf.function(name).value + 3 for name in ("main", "_start", "_init")]
    note = data.find(bytes.fromhex(program.build_id))
    rng = random.Random(11)
    for _ in range(300):
        copy = bytearray(data)
        for _ in range(rng.choice((1, 4, 40))):
            low, high = rng.choice(((0, 0x600), (len(data) - 0xA00, len(data))))
            copy[rng.randrange(low, high)] = rng.choice((0, 1, 0x7F, 0xFF, rng.randrange(256)))
        copy[note - 16 : note + 20] = data[note - 16 : note + 20]
        with open(path, "wb") as file:
            file.write(copy)
        found = symbols.symbolise(history([program], pcs), gdb=None)
        assert len(found[1]) == 3


def test_files_can_be_kept_for_the_next_call(tmp_path):
    path = compiled(tmp_path)
    program, kept = module(path, role="executable"), {}
    pc = program.base + ElfFile(path).function("main").value
    for _ in range(2):
        found = symbols.symbolise(history([program], [pc]), gdb=None, kept=kept)
        assert functions(found[1]) == ["main"] and len(kept) == 1
    os.unlink(path)
    assert functions(symbols.symbolise(history([program], [pc]), gdb=None, kept=kept)[1]) == [
        "main"
    ]
    symbols.close(kept)
    assert functions(symbols.symbolise(history([program], [pc]), gdb=None, kept=kept)[1]) == [None]


def test_a_file_that_ends_gdb_costs_only_itself(tmp_path):
    """A gdb that dies at one file is asked again for the others."""
    good = [compiled(tmp_path, "-shared", "-fPIC", name="lib%d.so" % i) for i in range(3)]
    gdb = tmp_path / "gdb"
    gdb.write_text(DYING_GDB % str(tmp_path / "lib1.so"))
    gdb.chmod(0o755)
    requests = [(path, [7 + i]) for i, path in enumerate(good)]
    answers, problems = symbol_gdb.ask(requests, str(gdb))
    assert answers == [{7: {"chain": []}}, {}, {9: {"chain": []}}]
    assert len(problems) == 1 and "status 9" in problems[0]


DYING_GDB = """#!/usr/bin/python3
import json, os, sys
with open("answer.jsonl", "w") as out:
    for index, module in enumerate(json.load(open("request.json"))["modules"]):
        if os.readlink(module["file"]) == %r:
            out.write('{"module": ')
            out.flush()
            os._exit(9)
        found = {str(offset): {"chain": []} for offset in module["offsets"]}
        print(json.dumps({"module": index, "found": found}), file=out, flush=True)
"""


def test_a_temporary_folder_that_cannot_be_written(tmp_path, monkeypatch):
    path = compiled(tmp_path)
    program = module(path, role="executable")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    past = history([program], [program.base + ElfFile(path).function("main").value])
    assert functions(symbols.symbolise(past)[1]) == ["main"]
    assert "no symbols from gdb" in past.notes[0]
