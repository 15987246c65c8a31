"""alloctrace.symbols.symbols against addr2line and nm, on programs compiled here."""

import os
import shutil

import pytest

from alloctrace.elf.elf import ElfFile
from alloctrace.model import Event, Hook, Module
from alloctrace.symbols import files as symbol_files, symbols

from made_programs import call_sites, compiled, functions, history, module, said

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


OTHERS_LINES = """#include <stdlib.h>
int main(void) {
    void *volatile p = NULL;
# 1072 "stl_iterator.h"
    p = malloc(41);
# 7 "a.c"
    return p == NULL;
}
void *all_of_another_file(void)
# 1 "body.inc"
{ return malloc(43); }
static inline __attribute__((always_inline)) void *inlined(void)
# 500 "header.h"
{ return malloc(47); }
# 9 "a.c"
void *caller(void) { return inlined(); }
"""


@needs_gdb
def test_a_function_that_is_not_inlined_prefers_a_line_of_its_own_file(tmp_path):
    """An optimiser moves code of other files into it, and tells of no call."""
    path = compiled(tmp_path, "-g", "-O1", "-fno-builtin", source=OTHERS_LINES)
    program = module(path, role="executable")
    calls = call_sites(path, "malloc")
    stacks = [[program.base + call, program.base + call] for call in calls]
    found = symbols.symbolise(history([program], *stacks)).values()
    places = {}
    for frames in found:
        for frame in frames[1:]:
            places[frame.function] = os.path.basename(frame.file or ""), frame.line, frame.inlined
    assert places["main"] in [("a.c", line, False) for line in (2, 3)]
    assert places["inlined"] == ("header.h", 500, True)  # twin: its line is elsewhere, and so is it
    assert places["caller"] == ("a.c", 9, False)
    assert places["all_of_another_file"] == ("body.inc", 1, False)  # twin: it has none of its own


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


def test_a_hook_names_the_code_of_its_own_process_only():
    """Frames of one place in two processes are made once, unless something tells them apart."""
    if not ElfFile(LOADER).loader_malloc(()):
        pytest.skip("an older loader")
    one, other = module(LOADER, 0, "loader"), module(LOADER, 1, "loader")
    at = ElfFile(LOADER).loader_malloc(())["malloc"].vaddr
    hooks = {1: Hook(1, 0, "malloc", "__minimal_malloc", one.base + at)}
    pcs = [one.base + at], [other.base + at], [other.base + at]
    past = history([one, other], *pcs, hooks=hooks)
    found = symbols.symbolise(past, gdb=None, debug_roots=())
    assert [functions(f) for f in found.values()] == [["__minimal_malloc"], [None], [None]]
    assert [f[0].pc - at for f in found.values()] == [one.base, other.base, other.base]


def test_a_signal_trampoline_is_no_return_address(tmp_path):
    """The frame that a signal interrupted is looked up where it is, not one byte before."""
    path = compiled(tmp_path, "-O1", "-fno-builtin")
    program, libc = module(path, 1, "executable"), module(LIBC, 0)
    code = ElfFile(LIBC).section_data(".text")
    at = code.find(symbol_files.RT_SIGRETURN) + ElfFile(LIBC).sections[".text"].vaddr
    main = program.base + ElfFile(path).function("main").value
    past = history([program, libc], [libc.base + at, libc.base + at, main], [main, main])
    found = symbols.symbolise(past, gdb=None)
    assert found[1][2].function == "main" and found[2][0].function == "main"
    assert found[2][1].function != "main"


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
    symbol_files.close(kept)
    assert functions(symbols.symbolise(history([program], [pc]), gdb=None, kept=kept)[1]) == [None]
