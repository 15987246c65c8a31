"""Whatever gdb does at a stop, the program runs on, and one line says what was lost."""

import os
import struct
import subprocess

import launching
import pytest
from start import launch
from engine_runs import compile_c

DYING = os.path.join(launching.ROOT, "gdb-scripts", "checks", "engine_dying.py")
PROGRAM = """
#include <pthread.h>
#include <stdlib.h>
static volatile int stop;
static void *work(void *p)
{
    while (!stop)
        free(malloc(17));
    return p;
}
int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, work, NULL);
    for (int i = 0; i < 200; i++)
        free(malloc(1009));
    stop = 1;
    pthread_join(thread, NULL);
    return 7;
}
"""

# Where malloc's push is executed twice, its ret goes to what was pushed.
PUSHES = """
__asm__(".globl _start, malloc\\n"
        ".type malloc, @function\\n"
        "malloc: .cfi_startproc\\n push %rbx\\n pop %rbx\\n ret\\n .cfi_endproc\\n"
        ".size malloc, . - malloc\\n"
        "_start: mov $39, %eax\\n syscall\\n"  // getpid: nobody looks for a main any further
        "lea twice(%rip), %rbx\\n mov $17, %edi\\n call malloc\\n"
        "mov $7, %edi\\n jmp end\\n"
        "twice: mov $6, %edi\\n"
        "end: mov $60, %eax\\n syscall\\n");
"""


def died(folder, how, *flags):
    path = compile_c(folder, PROGRAM, "-pthread", *flags)
    (folder / "dying").write_text(how)
    spool = str(folder / "spool")
    return launch.run([os.fsencode(path)], spool, launch.Options(engine=DYING, timeout=90))


@pytest.mark.parametrize("how", ["exit", "abort", "fault"])
def test_a_gdb_that_dies_leaves_the_program_running(tmp_path, how):
    outcome = died(tmp_path, how, "-static" if how == "exit" else "-pie")
    assert (outcome.kind, outcome.status) == ("exited", 7), outcome.log
    assert not outcome.complete and outcome.reason == "gdb crashed"


@pytest.mark.parametrize("how, complete", [("killed abort", True), ("killed unsaid abort", False)])
def test_a_gdb_that_dies_of_the_programs_death_has_seen_all(tmp_path, how, complete):
    """gdb 16.3 does, in ten of 25 runs of a program that is killed amid four busy threads."""
    outcome = died(tmp_path, how)
    assert (outcome.kind, outcome.status, outcome.complete) == ("signalled", 9, complete)
    assert outcome.reason == (None if complete else "gdb crashed")


@pytest.mark.parametrize("how, status", [("behind exit", 7), ("behind unknown exit", 6)])
def test_what_was_done_for_the_program_is_not_done_twice(tmp_path, how, status):
    """malloc's first instruction, a push: the word that it pushes twice says how often it was."""
    (tmp_path / "dying").write_text(how)
    path = compile_c(tmp_path, PUSHES, "-nostdlib", "-static")
    options = launch.Options(engine=DYING, timeout=90)
    outcome = launch.run([os.fsencode(path)], str(tmp_path / "spool"), options)
    assert (outcome.kind, outcome.status) == ("exited", status), outcome.log


def test_without_that_it_would_be_ended(tmp_path):
    outcome = died(tmp_path, "bare exit")
    assert (outcome.kind, outcome.status) != ("exited", 7)


def test_what_gdb_throws_is_one_line(tmp_path):
    outcome = died(tmp_path, "error")
    assert (outcome.kind, outcome.status) == ("exited", 7)
    assert outcome.reason == "gdb could not go on: PC not saved"
    assert outcome.log == ""


# ---- damaged files that Linux runs ----


def damaged(folder):
    """A program whose section headers lie behind its end."""
    path = compile_c(folder, "int main(void) { return 5; }")
    with open(path, "r+b") as file:
        file.seek(40)  # Elf64_Ehdr, e_shoff
        place = struct.unpack("<Q", file.read(8))[0]
        file.seek(40)
        file.write(struct.pack("<Q", place + (1 << 24)))
    return path


def run(path, folder):
    words = [launching.BRKPOINT, "run", "--engine", "breakpoints", "-o", folder / "t.brkpoint"]
    return subprocess.run([*words, path], capture_output=True, text=True, timeout=300)


def test_a_damaged_program_is_watched_as_far_as_it_can_be_read(tmp_path):
    done = run(damaged(tmp_path), tmp_path)
    assert done.returncode == 5 and "Traceback" not in done.stderr
    assert "damaged ELF file" in done.stderr


def test_a_whole_one_is_said_nothing_of(tmp_path):
    done = run(compile_c(tmp_path, "int main(void) { return 5; }"), tmp_path)
    assert done.returncode == 5 and "damaged" not in done.stderr
