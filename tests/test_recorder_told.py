"""What the recorder could not do, or what it cost, is counted and told."""

import re
import subprocess

import pytest
import recorder_runs
import verbs
from engine_runs import compile_c
from recorder_runs import NOT_BUILT, probe, recorded
from target_programs import brkpoint

from alloctrace.history import run_facts
from alloctrace.trace import trace
from reports import observed

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)


def reported(folder, *words):
    trace = str(folder / "t.brkpoint")
    done = brkpoint("run", "--engine", "recorder", "--quiet", "-o", trace, *words)
    assert done.returncode in (0, 5), done.stderr
    return verbs.said("report", trace).replace("\n          ", " ").replace("\n  ", " ")


def test_no_hook_at_all(tmp_path):
    """A static program without symbols: it is said before anything else."""
    source = tmp_path / "none.c"
    source.write_text("int main(void) { return 5; }")
    program = str(tmp_path / "none")
    subprocess.run(["gcc", "-static", "-s", source, "-o", program], check=True)
    text = reported(tmp_path, program)
    assert text.startswith("! no allocator function") or "! calls" in text.splitlines()[0]


REFUSED = """
#include <stdlib.h>
void *malloc(size_t size);
__asm__(".globl malloc\\nmalloc: jmp 1f\\n.byte 0x90\\n1: xor %eax, %eax\\nret\\n"
        "other: jmp 1b\\n.globl valloc\\n.type valloc, @function\\nvalloc: ret\\n");
int main(void) { return malloc(3) ? 1 : 5; }
"""


def test_a_hook_that_is_refused(tmp_path):
    source = tmp_path / "refused.c"
    source.write_text(REFUSED)
    program = str(tmp_path / "refused")
    subprocess.run(["gcc", "-O1", "-fno-builtin", source, "-o", program], check=True)
    text = reported(tmp_path, program)
    assert re.search(r"! (malloc|valloc) at 0x[0-9a-f]+ of \S*refused is not seen: ", text), text


def test_what_it_waits_for_while_probes_go_into_its_libraries(tmp_path):
    """It records nothing meanwhile: the longest time without an event, before its initialisers."""
    path = str(tmp_path / "t.brkpoint")
    options = ["--quiet", "--clock", "every", "--no-cache", "-o", path]
    brkpoint("run", "--engine", "recorder", *options, "gdb", "--version")
    with trace.open(path) as run:
        times = [event.t_ns for event in run.events() if event.phase == "load"]
        silence = max(later - earlier for earlier, later in zip(times, times[1:]))
        assert run.run["cost"]["longest_ns"] > silence / 2


def test_waits_questions_and_stacks(tmp_path):
    text = reported(tmp_path, probe("steady.c"), "50", "5")
    text = " ".join(text.split())
    asked = r"it asked the recorder \S+ times and (never )?waited for buffer space( \S+ times?)?; "
    assert re.search(asked + r"\S+ stacks unwound, \S+ remembered", text), text
    assert " cut where" not in text


JIT = """
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
static void callee(void) { free(malloc(17)); }
int main(void)
{
    static const char code[] = "\\x48\\x83\\xec\\x08\\xff\\xd7\\x48\\x83\\xc4\\x08\\xc3";
    void *at = mmap(0, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(at, code, sizeof code);
    ((void (*)(void (*)(void)))at)(callee);
    return 0;
}
"""


def test_stacks_that_are_cut(tmp_path):
    source = tmp_path / "jit.c"
    source.write_text(JIT)
    program = str(tmp_path / "jit")
    subprocess.run(["gcc", "-O0", "-fno-builtin", source, "-o", program], check=True)
    past = recorded(tmp_path, [program]).history
    assert past.cost["cut"] > 0 and run_facts.cuts(past)
    # what was not seen says it, with the number of distinct stacks: once
    assert "cut" not in observed.cost({"cost": past.cost, "engine": "recorder"})


def test_threads_beyond_the_room(tmp_path):
    """With little address space there is room for 32 threads at one moment: the rest is lost, and
    counted."""
    words = ["/bin/sh", "-c", 'ulimit -v 180000; exec "$@"', "sh", probe("crowd.c"), "1", "61"]
    done = recorded(tmp_path, words, environment={"MALLOC_ARENA_MAX": "1"})
    assert done.out == b"all came back\n"
    assert done.history.lost > 29


MANY_FILES = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void)
{
    for (int file = 0; file < 1200; file++) {
        int fd = memfd_create("code", 0);
        if (ftruncate(fd, 4096) ||
            mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0) == MAP_FAILED)
            return 77;
        close(fd);
    }
    if (!dlopen("libz.so.1", RTLD_NOW)) /* the recorder looks what is mapped */
        return 77;
    free(malloc(77));
    return 0;
}
"""


def test_more_files_of_code_than_it_can_follow_are_told_once_and_the_others_stay(tmp_path):
    after = recorded(tmp_path, [compile_c(tmp_path, MANY_FILES, "-fno-builtin")])
    assert after.status == 0 and after.history.lost == 1
    gone = [module.path for module in after.history.modules if module.unloaded_ns is not None]
    assert gone == []


@pytest.mark.parametrize("words", [[], ["child"]], ids=["itself", "its child"])
def test_an_end_that_was_not_seen(tmp_path, words):
    """Then other system calls may not have been seen, either."""
    done = recorded(tmp_path, [probe("unseen_end.c"), *words])
    past = done.history
    pids = [past.run["pid"], *(child["pid"] for child in past.children)]
    said = "process %d ended by a system call that was not seen: others may not have been, either"
    assert done.status == 7 and [row["why"] for row in past.unseen] == [said % pids[-1]]


@pytest.mark.parametrize("killed", [False, True])
def test_twin_ends_that_were_seen(tmp_path, killed):
    """Also of children, and of what a signal ends."""
    words = (
        [probe("killed_in_exec.c"), "3", "900"] if killed else ["/bin/sh", "-c", "/bin/true; (:)"]
    )
    assert recorded(tmp_path, words).history.unseen == []
