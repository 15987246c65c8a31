"""What is named without gdb is named as gdb names it: tests/named_alike.py, of a few files. The
large comparison is `make names-alike`."""

import errno
import os
import random
import shutil
import signal
import stat
import struct
import subprocess

import pytest

from alloctrace.elf.elf import ElfFile
from start import lines, symbol_gdb
from made_programs import compiled
import named_alike
from named_alike import TOP, addresses, compared, main
from recorder_programs import SANITIZED, built

needs = [
    pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc"),
    pytest.mark.skipif(not shutil.which("gdb"), reason="no gdb"),
    pytest.mark.skipif(
        not any(map(os.path.exists, lines.PLACES)), reason="the recorder is not built"
    ),
]
pytestmark = needs
# Inlined twice, in pieces that lie apart, with code of a header, and with two names of one address.
C = r"""
#include "kept.h"
#include <stdlib.h>
static inline int twice(int n) { return n * 2 + (n > 3); }
static int helper(int n)
{
    char *p = malloc(twice(n) + 7);
    int r = p != NULL;
    free(p);
    return r + n;
}
__attribute__((noinline)) int other(int a, int b)
{
    int s = 0;
    for (int i = 0; i < a; i++) {
        int q = twice(i) ^ b;
        s += kept(q);
        if (s > 1000)
            abort();
    }
    return s;
}
int also(int a, int b) __attribute__((alias("other")));
asm(".text\n.globl one, two\n.type one,@function\n.type two,@function\none:\ntwo: ret\n"
    ".size one,.-one\n.size two,.-two\n");
int main(int c, char **v)
{
    int n = 0;
    for (int i = 0; i < c; i++)
        n += helper(i) + other(i, n) + also(n, 2);
    return n & 1;
}
"""
KEPT = "static inline int kept(int n)\n{\n    int k = n ^ 7;\n    return k * 3;\n}\n"
FLAGS = {
    "plain": ("-O0", "-g"),
    "optimised": ("-O2", "-g"),
    "much": ("-O3", "-g", "-funroll-loops"),
    "older": ("-O2", "-gdwarf-4"),
    "packed": ("-O2", "-g", "-gz"),
    "removed": ("-O1", "-g", "-ffunction-sections", "-Wl,--gc-sections"),
    "fixed": ("-O2", "-g", "-no-pie"),
    "bare": ("-O2",),
}


def made(folder, *flags, source=C):
    (folder / "kept.h").write_text(KEPT)
    return compiled(folder, *flags, source=source)


def of(path, most=150):
    return path, addresses(path, most, random.Random(7))


@pytest.mark.parametrize("kind", sorted(FLAGS))
def test_a_program_of_c(tmp_path, kind):
    found = compared(*of(made(tmp_path, *FLAGS[kind])))
    assert found.different == [] and found.left == 0 and found.asked > 40
    assert (found.lines > 10) == (kind != "bare")


ASSEMBLY = """
        .text
        .globl one, two, main
        .type one, @function
        .type two, @function
        .type main, @function
one:
two:    nop
        ret
        .size one, .-one
        .size two, .-two
main:   xor %eax, %eax
        ret
        .size main, .-main
        .section .note.GNU-stack, "", @progbits
"""


@pytest.mark.skipif(not shutil.which("clang"), reason="no clang")
@pytest.mark.parametrize("flags", [("-O2", "-g"), ("-O0", "-gdwarf-4")], ids=" ".join)
def test_a_program_of_c_by_clang(tmp_path, flags):
    """Which tells texts, addresses and ranges by number, and has no `.debug_aranges`."""
    (tmp_path / "kept.h").write_text(KEPT)
    (tmp_path / "a.c").write_text(C)
    subprocess.run(["clang", *flags, "a.c"], cwd=tmp_path, check=True)
    found = compared(*of(str(tmp_path / "a.out")))
    assert found.different == [] and found.left == 0 and found.lines > 10


def test_two_names_of_one_address(tmp_path):
    """As assemblers tell of them: glibc's system calls are written so."""
    (tmp_path / "a.S").write_text(ASSEMBLY)
    subprocess.run(["gcc", "-g", "a.S"], cwd=tmp_path, check=True)
    found = compared(*of(str(tmp_path / "a.out")))
    assert found.different == [] and found.left == 0 and found.lines


@pytest.mark.parametrize("name", ["/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6"])
def test_the_loader_and_libc(name):
    if not os.path.exists(name):
        pytest.skip("not glibc, or elsewhere")
    found = compared(*of(os.path.realpath(name), 400))
    assert found.different == [] and found.left <= 4


def test_what_is_not_c_is_left_to_gdb(tmp_path):
    source = (
        "namespace a { struct B { B(int n) : n(n) {} int n; }; }\nint main() { return a::B(1).n; }"
    )
    path = compiled(tmp_path, "-g", "-O0", source=source, compiler="g++")
    found = compared(*of(path))
    assert found.different == [] and found.left >= found.lines > 0


def test_twin_a_wrong_line_is_found(tmp_path):
    def wrong(requests):
        found = lines.read(requests)
        return [
            {at: [[*row[:2], (row[2] or 0) + 1] for row in chain] for at, chain in chains.items()}
            for chains in found
        ]

    found = compared(*of(made(tmp_path, "-O2", "-g")), read=wrong)
    assert len(found.different) == found.lines > 10


def test_twin_as_a_program_it_fails_where_one_differs(tmp_path, monkeypatch, capsys):
    def nobody(requests):
        return [dict.fromkeys(offsets, [["nobody", None, None]]) for _, offsets in requests]

    words = [made(tmp_path, "-g"), "--addresses", "30"]
    assert main(words) == 0 and " 0 differ; 1 files need no gdb" in capsys.readouterr().out
    monkeypatch.setattr(named_alike.compared, "__defaults__", (nobody,))
    assert main(words) == 1 and "nobody" in capsys.readouterr().out


def damaged(data, places, rng):
    """A copy in which some bytes are others. `places`: [(offset, size)]."""
    copy = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        offset, size = rng.choice(places)
        at = offset + rng.randrange(size)
        copy[at] = rng.choice((copy[at] ^ 1 << rng.randrange(8), rng.randrange(256), 0, 255))
    return bytes(copy)


def damaged_files(folder, path, count, rng):
    """In debug sections, and one in eight in the headers of sections and their names."""
    with ElfFile(path) as elf:
        sections = [s for s in elf.section_list if s.name.startswith(".debug") and s.size]
        headers = elf._tables.shoff, elf._tables.shentsize * elf._tables.shnum
        names = elf.sections[".shstrtab"]
    inside = [(section.offset, section.size) for section in sections]
    around = [headers, (names.offset, names.size), (16, 48)]
    with open(path, "rb") as file:
        data = file.read()
    for number in range(count):
        name = folder / ("damaged-%d" % number)
        name.write_bytes(damaged(data, around if number % 8 == 0 else inside, rng))
        yield str(name)


def test_damaged_debug_information_names_nothing_otherwise_than_gdb(tmp_path):
    rng = random.Random(5)
    path = made(tmp_path, "-O2", "-g")
    offsets = addresses(path, 60, rng)
    requests = [(name, offsets) for name in damaged_files(tmp_path, path, 60, rng)]
    ours = [lines.read([request])[0] for request in requests]
    theirs, _ = symbol_gdb.ask(requests, timeout=300)
    rows = [
        (found[at], said[at]["chain"])
        for found, said in zip(ours, theirs)
        for at in offsets
        if said and at in found and at in said
    ]
    assert len(rows) > 500 and all(found == said for found, said in rows)


def test_damaged_files_harm_nothing_under_the_sanitizers(tmp_path):
    rng, places = random.Random(6), [built("brkpoint-lines", SANITIZED)]
    path = made(tmp_path, "-O2", "-g", "-gz=none")
    offsets = addresses(path, 60, rng)
    assert len(lines.read([(path, offsets)], places)[0]) == len(offsets)
    requests = [(name, offsets) for name in damaged_files(tmp_path, path, 250, rng)]
    greeting, *said = lines._run(places[0], b"".join(lines._words(*one) for one in requests)).split(
        b"\n"
    )
    assert len(said) == 250 * len(offsets) + 1  # to the very end


def with_folders(path, count):
    """The program with so many more folders in its only line table, of DWARF 4."""
    table, more = path + ".debug_line", b"a\0" * count
    subprocess.run(["objcopy", "--dump-section", ".debug_line=" + table, path], check=True)
    with open(table, "rb") as file:
        data = file.read()
    size, version, header, *_, codes = struct.unpack_from("<IHIBBBbBB", data)
    assert version == 4 and size == len(data) - 4
    at = struct.calcsize("<IHIBBBbBB") + codes - 1
    data = data[:at] + more + data[at:]
    with open(table, "wb") as file:
        file.write(struct.pack("<IHI", size + len(more), version, header + len(more)) + data[10:])
    subprocess.run(["objcopy", "--update-section", ".debug_line=" + table, path], check=True)
    return path


@pytest.mark.parametrize("count, is_said", [(1000, True), (70000, False)])
def test_more_folders_than_there_may_be(tmp_path, count, is_said):
    places = [built("brkpoint-lines", SANITIZED)]
    path = with_folders(made(tmp_path, "-gdwarf-4"), count)
    offsets = addresses(path, 20, random.Random(1))
    said = lines._run(places[0], lines._words(path, offsets)).split(b"\n")
    assert len(said) == len(offsets) + 2 and said[-1] == b""  # to the very end
    assert (b"null" in said) != is_said


@pytest.mark.parametrize(
    "text", ["exit 0", "kill -9 $$", "echo brkpoint-lines 1; echo '[]'", "cat"]
)
def test_a_program_of_another_build_or_that_dies_says_nothing(tmp_path, text):
    program = tmp_path / "lines"
    program.write_text("#!/bin/sh\n%s\n" % text)
    program.chmod(stat.S_IRWXU)
    path = made(tmp_path, "-g")
    for places in ([str(program)], [str(tmp_path / "none")]):
        assert lines.read([(path, addresses(path, 9, random.Random(1)))], places) == [{}]


def test_where_it_cannot_be_started_nothing_is_said(tmp_path, monkeypatch):
    def refused(*_, **how):
        raise OSError(errno.EMFILE, "too many")

    request = made(tmp_path, "-g"), [0]
    assert lines.read([request]) != [{}]
    for name in ("memfd_create", "posix_spawn"):
        with monkeypatch.context() as patched:
            patched.setattr(os, name, refused)
            assert lines.read([request]) == [{}]


def test_a_child_that_vanishes_when_it_ends_has_answered(tmp_path, monkeypatch):
    """As where a parent of brkpoint ignores SIGCHLD."""
    request, killed = (made(tmp_path, "-g"), [0]), []
    monkeypatch.setattr(os, "kill", lambda *what: killed.append(what))
    before, seen = signal.signal(signal.SIGCHLD, signal.SIG_IGN), lines.read([request])
    signal.signal(signal.SIGCHLD, before)
    assert seen == lines.read([request]) != [{}] and not killed


def test_lines_that_are_no_answers_are_left_out(tmp_path):
    program, offsets = tmp_path / "lines", list(range(8))
    said = ["null", "7", '[["f",1,2]]', '[["f","a.c",2],["g",null,null]]', "[]", "[[]]", "{}"]
    text = "".join("echo '%s'\n" % line for line in said)
    program.write_text("#!/bin/sh\necho %s %d\n%s" % (lines.NAME, lines.version(), text))
    program.chmod(stat.S_IRWXU)
    found = lines.read([("/bin/true", offsets)], [str(program)])
    assert found == [{3: [["f", "a.c", 2], ["g", None, None]], 4: []}]


def test_a_first_run_of_true_starts_no_gdb(tmp_path, monkeypatch):
    """But where nothing is kept gdb is asked: then the stand-in for it is started."""
    mark, folder = tmp_path / "started", tmp_path / "bin"
    folder.mkdir()
    (folder / "gdb").write_text('#!/bin/sh\ntouch %s\nexec /usr/bin/gdb "$@"\n' % mark)
    (folder / "gdb").chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", str(folder) + ":" + os.environ["PATH"])
    words = [TOP + "/brkpoint", "run", "--quiet", "--force", "--engine", "recorder"]
    for cache, is_started in ((str(tmp_path / "cache"), False), ("", True)):
        monkeypatch.setenv("BRKPOINT_CACHE", cache)
        subprocess.run([*words, "-o", str(tmp_path / "t"), "--", "/bin/true"], check=True)
        assert mark.exists() == is_started
