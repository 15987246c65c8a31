"""Catchpoints that gdb shows to no Python, as gdb 10: the engine sees the same with them."""

import pytest
from engine_runs import compile_c, record

SOURCE = """
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    if (argc == 1) {
        free(malloc(1009));
        if (fork() == 0)
            _exit(0);
        wait(NULL);
        execl("/nonexistent", "x", "2", NULL);
        execl(argv[0], argv[0], "2", NULL);
    }
    free(malloc(300007));
    return 0;
}
"""
BY_NUMBER, DEAF = "gdb-scripts/checks/engine_by_number.py", "gdb-scripts/checks/engine_deaf.py"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return compile_c(tmp_path_factory.mktemp("program"), SOURCE)


def seen(recorded):
    return [(e.image, e.phase, e.kind, e.name, e.size) for e in recorded.events if e.outer is None]


def test_the_same_is_seen(tmp_path, program):
    plain, _ = record(tmp_path, program)
    ours, _ = record(tmp_path, program, engine=BY_NUMBER)
    assert "a catchpoint is a ByNumber" in ours.notes
    assert seen(ours) == seen(plain)
    assert len(ours.images) == 2 and len(ours.forks) == len(plain.forks) == 1


def test_without_the_count_of_hits_it_is_not(tmp_path, program):
    plain, _ = record(tmp_path, program)
    deaf, _ = record(tmp_path, program, engine=DEAF)
    assert seen(deaf) != seen(plain)
