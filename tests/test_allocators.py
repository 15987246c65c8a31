"""Allocators under other names: the list of names, and what users may say of theirs."""

import pytest

import made_programs
from alloctrace import allocators, words
from alloctrace.elf import entries, unwatched
from alloctrace.history import history
from alloctrace.model import Hook, Module
from made_records import Made


def test_libc_comes_first_and_every_name_is_there_once():
    names = [named.name for named in allocators.standard()]
    assert tuple(names[: len(words.ENTRY_POINTS)]) == words.ENTRY_POINTS
    assert len(set(names)) == len(names)
    for name in ("_rjem_malloc", "je_mallocx", "mi_malloc", "tc_free", "scudo_calloc", "rpmalloc"):
        assert name in names
    assert "_rjem__Znwm" not in names and "pool_alloc" not in names


def test_arguments_are_told_in_the_registers_that_hold_them():
    known = {named.name: named for named in allocators.standard()}
    resized = known["_rjem_xallocx"]
    assert resized.point == "realloc" and resized.returns_size
    assert resized.arguments == ("ptr", "size", "flags") and resized.places == (0, 1, 3)
    assert known["mi_heap_malloc"].places == (1,)
    assert known["sdallocx"].arguments == ("ptr",)


def test_a_user_names_functions():
    made = allocators.of_user("a_get(_, size)=malloc, a_put(ptr,size)=free", "--also")
    assert [(n.name, n.point, n.arguments, n.places) for n in made] == [
        ("a_get", "malloc", ("size",), (1,)),
        ("a_put", "free", ("ptr",), (0,)),
    ]
    stored = allocators.of_user("a_new(size, out)=posix_memalign", "--also")[0]
    assert stored.arguments == ("out", "size") and stored.places == (1, 0)
    lines = "# ours\n\na_get(size)=malloc  # comment\nb(size)=malloc,c(ptr)=free\n"
    assert [n.name for n in allocators.of_file(lines, "file")] == ["a_get", "b", "c"]


def test_a_user_wins_over_what_is_known():
    own = allocators.of_user("rpmalloc(_, size)=malloc", "--also")
    found = [named for named in allocators.watched(own) if named.name == "rpmalloc"]
    assert found == own


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "no functions"),
        ("pool", "no name\\(arguments\\)"),
        ("a(size)=take", "none of malloc"),
        ("a(bytes)=malloc", "'bytes'"),
        ("a(ptr)=malloc", "its size"),
        ("a()=free", "its ptr"),
        ("a(size,size)=malloc", "twice"),
        ("a(out,size)=malloc", "posix_memalign"),
        ("a(_,_,_,_,_,_,size)=malloc", "first 6"),
        ("a(size,align,nmemb,ptr)=realloc", "at most 3"),
        ("a(size)=malloc;b(ptr)=free", "no name"),
    ],
)
def test_what_cannot_be_understood_is_said(text, why):
    with pytest.raises(allocators.Unclear, match=why):
        allocators.of_user(text, "--also")


def test_flags_say_the_alignment_and_what_resizes_in_place_keeps_its_block():
    made = Made()
    made.announce_others()
    made.call("mallocx", 100, 6, result=0x5000)
    made.call("xallocx", 0x5000, 300, result=320)
    made.call("xallocx", 0x5000, 900, result=320)
    made.call("dallocx", 0x5000)
    made.call("mallocx", 7, 0, result=0x6000)
    built = history.build(made.records)
    first, grown, refused, freed, plain = built.events
    assert (first.name, first.impl, first.size, first.align) == ("malloc", "mallocx", 100, 64)
    assert grown.name == "realloc" and grown.result == 0x5000 and grown.errno is None
    assert refused.errno == 12 and refused.block == first.block == grown.block == freed.block
    assert plain.align is None
    assert [block.size for block in built.blocks] == [7]


def test_a_function_that_is_static_counts_but_not_as_libcs():
    local = Symbol(0x1000)
    local.bind = "LOCAL"
    assert found({"_rjem_malloc": [local]}) == {0x1000: ["_rjem_malloc"]}
    assert found({"malloc": [local]}) == {}


class FakeFile:
    """As elf.ElfFile: functions at addresses, and code that calls one of them."""

    is_static = False

    def __init__(self, functions, code=b""):
        self._functions, self._code = functions, code

    def functions_named(self, names):
        return {name: self._functions.get(name, []) for name in names}

    def read(self, vaddr, size):
        return self._code[:size]

    def plt_target(self, vaddr):
        return None


class Symbol:
    defined, bind = True, "GLOBAL"

    def __init__(self, value, size=16):
        self.value, self.size = value, size


def found(functions, code=b""):
    file = FakeFile(functions, code)
    return {a: [n.name for n in names] for a, names in watched_in(file).items()}


def watched_in(file):
    return entries.of_file(file, allocators.watched())


def test_operator_new_counts_beside_an_allocator_that_it_does_not_call():
    both = {"malloc": [Symbol(0x1000)], "_Znwm": [Symbol(0x2000)]}
    assert found(both, b"\xc3" * 16) == {0x1000: ["malloc"], 0x2000: ["_Znwm"]}
    calls_malloc = b"\xe8" + (0x1000 - 0x2005).to_bytes(4, "little", signed=True)
    assert found(both, calls_malloc) == {0x1000: ["malloc"]}
    assert found({"_Znwm": [Symbol(0x2000)]}, b"\xc3" * 16) == {}


def test_aliases_are_one_function_where_they_are_read_alike():
    same = {"malloc": [Symbol(0x1000)], "tc_malloc": [Symbol(0x1000)]}
    assert found(same) == {0x1000: ["malloc", "tc_malloc"]}
    unlike = {"malloc": [Symbol(0x1000)], "mi_heap_malloc": [Symbol(0x1000)]}
    assert found(unlike) == {0x1000: ["malloc"]}


GO = """
__attribute__((section(".go.buildinfo"))) char built[16] = "go";
int main(void) { return 0; }
"""
PHP = """
#include <stddef.h>
static char pool[64];
void *_emalloc(size_t size) { return size < 64 ? pool : NULL; }
int main(void) { return !_emalloc(7); }
"""


def held_in(folder, source, *hooks):
    path = made_programs.compiled(folder, "-O0", source=source)
    made = [Hook(n, 1, "malloc", impl, 0) for n, impl in enumerate(hooks)]
    rows = unwatched.held([Module(1, path, 0, 0, 0, role="executable")], made)
    return [row.words for row, _ in rows]


def test_an_allocator_that_is_held_and_not_watched_is_known(tmp_path):
    assert held_in(tmp_path, GO) == ["Go's own heap"]
    assert held_in(tmp_path, GO.replace(".go.buildinfo", ".gopclntab")) == ["Go's own heap"]
    assert held_in(tmp_path, PHP) == ["PHP's own allocator"]
    assert held_in(tmp_path, PHP, "_emalloc") == []
    assert held_in(tmp_path, "int main(void) { return 0; }") == []


def test_what_weakens_is_said_and_the_rest_is_a_hint(tmp_path):
    built = history.History()
    path = made_programs.compiled(tmp_path, "-O0", source=PHP)
    built.modules.append(Module(1, path, 0, 0, 0, role="executable"))
    assert unwatched.tell(built) == []
    assert [row["kind"] for row in built.unseen] == ["allocator"]
    assert "--also '_emalloc(size)=malloc" in built.notes[0]
    for row in unwatched.known():
        assert not row.also or allocators.of_user(row.also, "table")
