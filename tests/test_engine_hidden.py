"""Programs whose file is not where its name says, or that may not be looked into."""

import os
import shutil
import subprocess
import tempfile

import pytest
from engine_runs import TOP, calls, compile_c, record

from alloctrace.elf import maps

FIVE = """
#include <stdlib.h>
int main(void)
{
    for (int i = 0; i < 5; i++)
        free(malloc(1009));
    return 0;
}
"""
FROM_MEMORY = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>
int main(int argc, char **argv, char **environment)
{
    int file = open(argv[1], O_RDONLY), memory = memfd_create("odd \\033 name", MFD_CLOEXEC);
    while (sendfile(memory, file, 0, 1 << 20) > 0)
        ;
    if (argc == 2)
        fexecve(memory, argv + 1, environment);
    return execve(argv[1], argv + 1, environment);
}
"""


@pytest.mark.parametrize("how", [[], ["from the disk"]])
@pytest.mark.parametrize("linkage", ["-static", "-no-pie"])
def test_a_program_in_memory_alone_is_watched_like_one_on_disk(tmp_path, how, linkage):
    program = compile_c(tmp_path, FIVE, linkage)
    starter = compile_c(tmp_path, FROM_MEMORY, name="starter")
    recorded, printed = record(tmp_path, starter, program, *how)
    assert "outcome exited 0 True" in printed
    assert calls(recorded)[-10:] == [("malloc", 1009), ("free", None)] * 5
    assert ("memfd" in recorded.images[1]["path"]) == (not how)


SHORT = """
.globl _start
_start:
    mov $45, %eax   # brk, by its 32-bit number: recvfrom in a 64-bit program
    mov $0, %ebx
    int $0x80
    mov $1, %eax
    mov $7, %ebx
    int $0x80
"""
STARTER = """
#include <unistd.h>
int main(int argc, char **argv) { return execv(argv[1], argv + 1); }
"""


def assembled(folder):
    """A program of 32 bits; skips where the kernel or the assembler knows none."""
    source, program = folder / "short.s", str(folder / "short")
    source.write_text(SHORT)
    command = "as --32 -o %s.o %s && ld -m elf_i386 -o %s %s.o"
    command %= (program, source, program, program)
    built = subprocess.run(["sh", "-c", command], capture_output=True)
    try:
        runs = not built.returncode and subprocess.run([program]).returncode == 7
    except OSError:  # the kernel has no place for them
        runs = False
    if not runs:
        pytest.skip("no 32-bit programs here")
    return program


def test_an_exec_of_a_32_bit_program_is_said(tmp_path):
    short = assembled(tmp_path)
    starter = compile_c(tmp_path, STARTER, name="starter")
    recorded, printed = record(tmp_path, starter, short)
    assert "outcome exited 7 True" in printed
    assert any("32-bit" in note for note in recorded.notes)
    assert {event.image for event in recorded.events} == {0}


def test_an_exec_of_a_64_bit_program_is_followed(tmp_path):
    program = compile_c(tmp_path, FIVE)
    starter = compile_c(tmp_path, STARTER, name="starter")
    recorded, _ = record(tmp_path, starter, program)
    assert not any("32-bit" in note for note in recorded.notes)
    assert {event.image for event in recorded.events} == {0, 1}


DELETED = """
#include <dlfcn.h>
#include <stddef.h>
#include <unistd.h>
static char pool[1 << 20];
static size_t at;
void *malloc(size_t n) { char *p = pool + at; at += (n + 15) & ~15ul; return p; }
void *calloc(size_t a, size_t b) { return malloc(a * b); }
void *realloc(void *p, size_t n) { return p ? 0 : malloc(n); }
void free(void *p) { at += !p; }
int main(int argc, char **argv)
{
    if (argc > 1)
        unlink(argv[0]);
    void *library = dlopen("libm.so.6", RTLD_NOW);
    for (int i = 0; i < 5; i++)
        free(malloc(1009));
    return !library;
}
"""


@pytest.mark.parametrize("words", [[], ["delete"]])
def test_a_program_that_deletes_itself_is_counted_once(tmp_path, words):
    program = compile_c(tmp_path, DELETED, "-ldl")
    recorded, _ = record(tmp_path, program, *words)
    assert os.path.exists(program) == (not words)
    assert calls(recorded).count(("malloc", 1009)) == 5
    assert [m.path for m in recorded.modules].count(program) == 1
    assert not any("deleted" in m.path for m in recorded.modules)


LINE = b"1000-2000 r-xp 00000000 08:01 7 %s\n"


@pytest.mark.parametrize(
    "written, path",
    [(b"/a\rb", b"/a\rb"), (b"/a\\012b", b"/a\nb"), (b"/a\\101", b"/a\\101"), (b"/a b ", b"/a b ")],
)
def test_names_in_maps(written, path):
    (mapping,) = maps.parse_maps(LINE % written)
    assert mapping.path == path


# ---- as another user -----------------------------------------------------------------------------

HIDING = """
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/prctl.h>
int main(int argc, char **argv)
{
    if (argc > 1)
        prctl(PR_SET_DUMPABLE, 0);
    void *library = dlopen("libm.so.6", RTLD_NOW);
    for (int i = 0; i < 5; i++)
        free(malloc(1009));
    return !library;
}
"""


@pytest.fixture
def as_nobody():
    """Record programs as a user who is not root: History, what was printed."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("needs root")
    folder = tempfile.mkdtemp()  # unlike tmp_path not below a folder of root's alone
    kept = ["alloctrace", "article", "command", "start", "gdb-scripts", "reports", "brkpoint"]
    for name in kept[:-1]:
        shutil.copytree(os.path.join(TOP, name), os.path.join(folder, name))
    shutil.copy(os.path.join(TOP, kept[-1]), folder)
    os.chmod(folder, 0o777)

    def run(*words):
        place = os.path.join(folder, "t.brkpoint")
        command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        command += [folder + "/brkpoint", "run", "--quiet", "-o", place, *words]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        said = subprocess.run(
            [folder + "/brkpoint", "events", place, "--json"], capture_output=True
        )
        report = subprocess.run([folder + "/brkpoint", "report", place], capture_output=True)
        return done, said.stdout.count(b'"size":1009'), report.stdout.decode()

    run.folder = folder
    yield run
    shutil.rmtree(folder)


@pytest.mark.parametrize("words", [[], ["hide"]])
def test_a_program_that_hides_its_memory_is_watched_to_its_end(as_nobody, words):
    program = compile_c(as_nobody.folder, HIDING, "-ldl")
    done, count, report = as_nobody(program, *words)
    assert (done.returncode, done.stderr, count) == (0, "", 5)
    assert ("hid its memory" in report) == bool(words)


@pytest.mark.parametrize("mode", [0o711, 0o755])
def test_a_program_that_may_be_run_but_not_read(as_nobody, mode):
    starter = compile_c(as_nobody.folder, STARTER, name="starter")
    program = compile_c(as_nobody.folder, FIVE)
    os.chmod(program, mode)
    done, count, report = as_nobody(starter, program)
    assert (done.returncode, done.stderr) == (0, "")
    readable = mode == 0o755
    assert count == (5 if readable else 0)
    assert ("run but not read" in report) == (not readable)
