"""`brkpoint check` where it runs the program: how often, first budgets, updates, new sites."""

import json
import os
import subprocess

import pytest
from test_check import check

SOURCE = """
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
char *volatile kept;

static void count(void)
{
    int file = open("count", O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (write(file, "x", 1) != 1)
        _exit(9);
    close(file);
}

__attribute__((noinline)) static void parse_line(int size)
{
    kept = malloc(size);
    kept[0] = 1;
    free(kept);
}

int main(int argc, char **argv)
{
    count();
    for (int i = 1; i < argc; i++)
        parse_line(31);
#ifdef MORE
    kept = malloc(47);
#endif
    return argc == 4;
}
"""


def build(folder, *flags):
    command = ["gcc", "-g", "-O0", "-fno-builtin", "-x", "c", "-", "-o", "program", *flags]
    subprocess.run(command, cwd=str(folder), input=SOURCE, text=True, check=True)


@pytest.fixture
def place(tmp_path):
    build(tmp_path)
    return tmp_path


def ran(folder):
    """How often the program ran."""
    return len((folder / "count").read_text())


def test_a_first_budget_and_its_life(place):
    done = check(place, "--init", "--", "./program", "one")
    assert done.returncode == 0, done.stderr
    assert ran(place) == 3 and "3 times" in done.stderr
    assert "main user             calls      <= 2" in (place / "brkpoint.budget").read_text()
    assert check(place).returncode == 0 and ran(place) == 6

    build(place, "-DMORE")  # a new site
    done = check(place)
    assert done.returncode == 1
    assert "malloc ×1, 47 bytes: main " in done.stdout
    (trace,) = place.glob("program.*.brkpoint")
    assert trace.name in done.stdout

    done = check(place, "--update")
    assert done.returncode == 0 and "main user             calls: 2 → 3" in done.stdout
    assert ran(place) == 9 + 6 and "6 times" not in done.stderr
    assert check(place).returncode == 0


def test_a_budget_runs_its_program_beside_itself(place):
    (place / "brkpoint.budget").write_text("run ./program\nmain user calls = 0\n")
    below = place / "below"
    below.mkdir()
    done = check(below)
    assert (done.returncode, ran(place)) == (0, 1), done.stdout
    words = ("--", "../program", "one")  # behind -- it is ours: it runs here
    assert check(below, *words).returncode == 1 and ran(below) == 1


def test_a_program_that_fails_proves_nothing(place):
    rule = ("--budget", "main user calls <= 99")
    words = ("--", "./program", "1", "2", "3")
    done = check(place, *rule, *words)
    assert done.returncode == 2 and "did not end with status 0: exited with 1" in done.stdout
    assert check(place, *rule, "--budget", "status 1", *words).returncode == 0
    done = check(place, "--init", *words)
    said = "did not end with status 0: exited with 1 (a budget written by hand may expect"
    assert done.returncode == 2 and said in done.stderr
    done = check(place, *rule, "--", "./nowhere")
    assert done.returncode == 2 and "Traceback" not in done.stderr


def test_the_new_site_is_named(place):
    words = ("--budget", "all any calls <= 9999", "-o", "base.brkpoint")
    done = check(place, *words, "--", "./program")
    assert done.returncode == 0, done.stdout
    build(place, "-DMORE")
    words = ("--base", "base.brkpoint", "--budget", "main user calls = 0", "--json")
    told = json.loads(check(place, *words, "--", "./program", "one").stdout)
    (row,) = told["rules"]
    found = {(site["function"], site["name"], site["new"]) for site in row["sites"]}
    assert ("main", "malloc", True) in found
    again = check(place, *words, "-o", "base.brkpoint", "--", "./program")
    assert again.returncode == 2 and os.path.exists(str(place / "base.brkpoint"))
