"""The recorder's counts equal those of witnesses that know nothing of it: strace, and a preloaded
counter, threads included."""

import os
import shutil

import pytest
import recorder_runs
import target_programs
import witnesses
from engine_runs import compile_c

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=recorder_runs.NOT_BUILT)

PROGRAMS = {program.name: program.command for program in target_programs.programs()}
SYSTEM = {
    "ls": ["/bin/ls", "/"],
    "git": ["git", "--version"],
    "python": ["/usr/bin/python3", "-c", "pass"],
    "perl": ["perl", "-e", "1"],
    "sort": ["/usr/bin/sort", "/etc/passwd"],
}
TARGETS = ["alloc", "thread", "fork", "grow", "vec", "exception", "threshold"]


def program(name):
    words = SYSTEM.get(name) or PROGRAMS.get(name)
    if not words or not shutil.which(words[0]):
        pytest.skip("no " + name)
    return words


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
@pytest.mark.parametrize("name", [*SYSTEM, *TARGETS, "alloc.static", "brk", "alloc.musl-dynamic"])
def test_memory_syscalls_equal_straces(built, tmp_path, name):
    past, _ = witnesses.recorded(program(name), tmp_path, recorder=True)
    ours, theirs = witnesses.syscalls(past), witnesses.by_strace(program(name))
    assert past.lost == 0
    assert ours == theirs and ours


AUDITS = """
#include <link.h>
#include <stdlib.h>
unsigned la_version(unsigned version) { return version; }
unsigned la_objopen(struct link_map *map, Lmid_t id, uintptr_t *cookie)
{
    free(malloc(1009));
    return LA_FLG_BINDTO | LA_FLG_BINDFROM;
}
uintptr_t la_symbind64(Elf64_Sym *symbol, unsigned index, uintptr_t *from, uintptr_t *to,
                       unsigned *flags, const char *name)
{
    return symbol->st_value;
}
"""


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
def test_memory_syscalls_of_an_audited_program(tmp_path):
    """The loader tells of its libraries late then: it has called their malloc before (LD_AUDIT)."""
    library = compile_c(tmp_path, AUDITS, "-shared", "-fPIC", "-D_GNU_SOURCE", name="audits.so")
    words = ["/usr/bin/env", "LD_AUDIT=" + library, "/bin/ls", "/"]
    past, _ = witnesses.recorded(words, tmp_path, recorder=True)
    ours, theirs = witnesses.syscalls(past), witnesses.by_strace(words)
    assert ours == theirs and past.lost == 0 and not past.unseen


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
def test_memory_syscalls_of_many_threads(tmp_path):
    words = [recorder_runs.probe("crowd.c"), "101", "53"]
    past, _ = witnesses.recorded(words, tmp_path, recorder=True)
    ours, theirs = witnesses.syscalls(past), witnesses.by_strace(words)
    for fickle in ("mprotect", "munmap", "madvise"):  # arenas and cached stacks, as threads race
        ours.pop(fickle, None), theirs.pop(fickle, None)
    assert abs(ours.pop("mmap") - theirs.pop("mmap")) <= 53
    assert ours == theirs


@pytest.mark.parametrize("name", [*SYSTEM, *TARGETS])
def test_calls_equal_the_counters(built, tmp_path, preloads, name):
    counter, inert = preloads
    totals = str(tmp_path / "totals")
    (tmp_path / "run").mkdir()
    environment = witnesses.preloaded(inert, totals)
    past, _ = witnesses.recorded(program(name), tmp_path / "run", True, environment, True)
    ours, straight = witnesses.calls_outside_the_loader(past)
    assert ours == witnesses.by_counter(program(name), tmp_path, counter) and ours
    assert not straight or name == "thread"  # a thread that ends frees its cache inside libc


@pytest.mark.parametrize("preload", [0, 1])
def test_in_one_run_with_many_threads(tmp_path, preloads, preload):
    """Only a counter in the very same run can agree. The twin: an inert library counts nothing."""
    totals = tmp_path / "totals"
    totals.write_bytes(b"")
    settings = ["LD_PRELOAD=" + preloads[preload], "COUNTER_FILE=%s" % totals]
    words = ["/usr/bin/env", *settings, recorder_runs.probe("crowd.c"), "307", "101"]
    past, _ = witnesses.recorded(words, tmp_path, recorder=True)
    theirs, ours = witnesses.totals(totals), witnesses.calls_of(past, preloads[preload])
    assert past.lost == 0
    assert theirs == ours and bool(ours) == (preload == 0)
    if ours:
        assert ours["malloc"] >= 307 * 3 + 101 * 8


def test_paths_of_mapped_files(tmp_path):
    """The agent looks them up, the host where they are long, or where a filter may forbid it."""
    folder = str(tmp_path / "files")
    os.mkdir(folder)
    words = [recorder_runs.probe("mapping.c"), folder]
    past = recorder_runs.recorded(tmp_path, words)
    assert (past.status, past.out) == (0, b"mapped\n")
    paths = {e.size: e.args.get("path") for e in past.history.events if e.name == "mmap"}
    deep = os.path.join(folder, "d" * 200, "d" * 200)
    assert paths[1009] == os.path.join(folder, "short")
    assert paths[1013] == os.path.join(deep, "long")
    assert paths[1019] == os.path.join(deep, "forbidden")
    assert any(path and path.endswith("libc.so.6") for path in paths.values())


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
def test_files_are_not_asked_for(tmp_path):
    """A program that maps many files does not wait for the host at each: its asks are few."""
    source = (
        "import mmap, sys\nfile = open(sys.argv[1], 'r+b')\n"
        "for _ in range(211):\n    mmap.mmap(file.fileno(), 4096).close()\n"
    )
    place = tmp_path / "file"
    place.write_bytes(bytes(4096))
    words = ["/usr/bin/python3", "-c", source, str(place)]
    past = recorder_runs.recorded(tmp_path, words).history
    paths = [e.args.get("path") for e in past.events if e.name == "mmap" and e.args]
    assert paths.count(str(place)) == 211
    assert past.cost["asks"] < 100


def test_an_address_that_goes_from_thread_to_thread(tmp_path):
    """Freed on one and handed out on another at once: in that order, so no block is left over."""
    words = [recorder_runs.probe("bouncing.c"), "3", "30011"]
    no_caches = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
    past = recorder_runs.recorded(tmp_path, words, environment=no_caches).history
    calls = recorder_runs.counted(past, [1009])
    assert calls == {("malloc", 1009): 3 * 30011}
    assert not [note for note in past.notes if "unmatched" in note]
    assert not [block for block in past.blocks if block.size == 1009]
