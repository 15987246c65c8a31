"""Runs a real, plain gdb over a script of lines, as a person would type them."""

from __future__ import annotations

import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
COMMANDS = os.path.join(TOP, "gdb-scripts", "brkpoint.py")
LIMIT_S = 300
SOURCE = """
#include <stdlib.h>
static char *volatile kept;
static void work(int n)
{
    for (int i = 0; i < n; i++) {
        kept = realloc(kept, 1009 * (i + 1));
        free(malloc(13));
    }
}
int main(int argc, char **argv)
{
    char *first = malloc(17);
    char *second = calloc(3, 19);
    work(7);
    free(first);
    return argc > 99 ? second[1] : 3;
}
"""


def gdb(folder, lines, *program):
    """What gdb printed. A line that begins with `!` may fail: its error is printed."""
    script = os.path.join(str(folder), "typed.gdb")
    with open(script, "w", encoding="utf-8") as file:
        for line in ["set pagination off", "set confirm off", "source %s" % COMMANDS, *lines]:
            file.write(_guarded(line[1:]) if line.startswith("!") else line + "\n")
    return plain("-batch", "-x", script, "--args", *program)


def plain(*words):
    """The output of `gdb -nx` with these words."""
    command = ["gdb", "-nx", *words]
    environment = dict(os.environ, LC_ALL="C.UTF-8", DEBUGINFOD_URLS="")
    done = subprocess.run(
        command,
        cwd=TOP,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=LIMIT_S,
        check=False,
    )
    return done.stdout.decode("utf-8", "replace")


def _guarded(line):
    code = "try:\n gdb.execute(%r)\nexcept gdb.error as error:\n print('ERROR', error)\n" % line
    return "python\n%send\n" % code


def between(text, first, last):
    """What was printed between two `echo`ed marks."""
    return text.split(first, 1)[1].split(last, 1)[0]
