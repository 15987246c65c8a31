"""Memory syscalls by name and number: brkpoint's equal strace's, for programs of the system.

The targets are compared in test_cross_check_targets.py, event by event.
"""

import shutil
from collections import Counter

import pytest

import target_programs
import witnesses
from alloctrace import words
from brkpoint_trace import strace_events, strace_log  # witnesses.py knows where they are

SYSTEM = {
    "true": ["/bin/true"],
    "ls": ["/bin/ls", "/"],
    "git": ["git", "--version"],
    "python": ["/usr/bin/python3", "-c", "pass"],
    "perl": ["perl", "-e", "1"],
}
PROGRAMS = {program.name: program.command for program in target_programs.programs()}

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="no strace")


def compare(command, folder):
    """(what brkpoint saw, what strace saw)"""
    past, _ = witnesses.recorded(command, folder)
    assert past.lost == 0
    return witnesses.syscalls(past), witnesses.by_strace(command)


@pytest.mark.parametrize("name", SYSTEM)
def test_programs_of_the_system(name, tmp_path):
    if not shutil.which(SYSTEM[name][0]):
        pytest.skip("no " + name)
    ours, theirs = compare(SYSTEM[name], tmp_path)
    assert ours == theirs and sum(ours.values()) > 5


def test_twin_another_program_differs(built, tmp_path):
    """The comparison can fail: grow makes eleven mremap that success does not make."""
    if "grow" not in PROGRAMS:
        pytest.skip("not built")
    grown, _ = witnesses.recorded(PROGRAMS["grow"], tmp_path)
    assert witnesses.syscalls(grown) != witnesses.by_strace(PROGRAMS["success"])


def test_twin_the_parser_of_strace_follows_threads_and_no_children():
    text = """7 execve("./a", ["./a"], 0x7ffc /* 3 vars */) = 0
7 brk(NULL) = 0x1
7 clone3({flags=CLONE_VM|CLONE_THREAD, x=1} => {}, 88) = 8
7 clone(child_stack=NULL, flags=SIGCHLD) = 9
8 mmap(NULL, 1, PROT_NONE, 0, -1, 0 <unfinished ...>
9 mremap(0x1, 1, 2, 0) = 0x3
8 <... mmap resumed>) = 0x2
7 munmap(0x1, 2) = 0
9 mprotect(0x1, 1, 0) = 0
8 madvise(0x2, 1, MADV_FREE) = 0
"""
    found = strace_events.count(strace_log.parse(text.splitlines()))
    assert found["process"] == Counter(brk=1, munmap=1, mmap=1, madvise=1)
    assert found["children"] == Counter(mremap=1, mprotect=1)
    assert set(found["process"]) < set(words.MEMORY_SYSCALLS.values())
