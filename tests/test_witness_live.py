"""Live bytes: what brkpoint holds to be live fills what malloc itself says is in use."""

import shutil
import subprocess

import pytest

import target_programs
import witnesses

PROGRAMS = {program.name: program.command for program in target_programs.programs()}
HEADER, ALIGN, SMALLEST = 8, 16, 32  # bytes of a glibc chunk on x86-64: malloc/malloc.c
# Every chunk here is a multiple of the smallest one: malloc would count what is left over of a
# split, and is too small to be a chunk, to the block before it.
MANY = r"""
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(void)
{
    static void *blocks[997]; /* a prime number */
    char line[32];
    unsigned seed = 41;
    free(malloc(1));
    size_t before = mallinfo2().uordblks;
    for (int turn = 0; turn < 3000; turn++) {
        seed = seed * 1103515245u + 12345u;
        int i = (seed >> 8) % 997;
        if (turn % 3 == 0) {
            free(blocks[i]);
            blocks[i] = NULL;
        } else if (turn % 3 == 1) {
            void *grown = realloc(blocks[i], 32 * (seed >> 16 & 63) + 9 + (seed >> 4 & 15));
            blocks[i] = grown ? grown : blocks[i];
        } else if (!blocks[i]) {
            blocks[i] = calloc(1, 32 * (seed >> 16 & 7) + 24);
        }
    }
    int length = snprintf(line, sizeof line, "%zu\n", mallinfo2().uordblks - before);
    return write(1, line, length) == length ? 0 : 2;
}
"""


def chunk(size):
    """Bytes that malloc takes for `size`: the header, rounding, and the smallest chunk."""
    return max(SMALLEST, (size + HEADER + ALIGN - 1) // ALIGN * ALIGN)


def in_use(past):
    """Bytes of the chunks of all blocks live at the end that libc handed out."""
    return sum(chunk(block.size) for block in past.blocks if _is_libcs(past, block))


def _is_libcs(past, block):
    return not past.events[block.seq].impl.startswith("__minimal_")


def printed_and_seen(command, folder, monkeypatch):
    """(what the program printed, what brkpoint holds to be live)

    A block in a thread's cache counts as in use for mallinfo2 (malloc/malloc.c, int_mallinfo):
    the cache is switched off.
    """
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0")
    past, done = witnesses.recorded(command, folder)
    return int(done.stdout), in_use(past)


def test_the_target_mallinfo(built, tmp_path, monkeypatch):
    if "mallinfo" not in PROGRAMS:
        pytest.skip("not built")
    printed, seen = printed_and_seen(PROGRAMS["mallinfo"], tmp_path, monkeypatch)
    assert printed == seen == chunk(1009) + chunk(2003) + chunk(4001) + chunk(77)


def test_three_thousand_steps(tmp_path, monkeypatch):
    if not shutil.which("gcc"):
        pytest.skip("no gcc")
    source, program = tmp_path / "many.c", str(tmp_path / "many")
    source.write_text(MANY)
    done = subprocess.run(["gcc", "-fno-builtin", "-o", program, str(source)], capture_output=True)
    if done.returncode:
        pytest.skip("no mallinfo2: glibc 2.33 or newer has it")
    folder = tmp_path / "run"
    folder.mkdir()
    printed, seen = printed_and_seen([program], folder, monkeypatch)
    assert seen > 100000 and seen == printed


def test_twin_a_lost_free_shows(built, tmp_path, monkeypatch):
    """One free that nobody saw makes the two differ."""
    if "mallinfo" not in PROGRAMS:
        pytest.skip("not built")
    past, done = witnesses.recorded(PROGRAMS["mallinfo"], tmp_path)
    assert in_use(past) == int(done.stdout)
    past.blocks.pop()
    assert in_use(past) < int(done.stdout)
