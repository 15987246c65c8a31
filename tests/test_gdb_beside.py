"""The alloc commands beside a person's own breakpoints, settings and Ctrl-C: a real gdb."""

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

import pytest
from engine_runs import compile_c
from gdb_sessions import COMMANDS, LIMIT_S, SOURCE, TOP, between, gdb


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return compile_c(tmp_path_factory.mktemp("program"), SOURCE)


_SHOW = """python
def settings():
    gdb.execute("echo SETTINGS-BEGIN\\\\n")
    gdb.execute("show")
    gdb.execute("echo SETTINGS-END\\\\n")
settings()
end"""


def all_settings(text):
    """The `show` listings of a session, without what only the program's place changes."""
    parts = text.split("SETTINGS-BEGIN\n")[1:]
    volatile = re.compile(r"alloc |convenience: |\$|language|.*currently")
    return [
        [row for row in part.split("SETTINGS-END")[0].split("\n") if not volatile.match(row)]
        for part in parts
    ]


def test_settings_stay_as_they_were(tmp_path, program):
    lines = ["set print elements 7", "set disassembly-flavor intel", "break work", "run", _SHOW]
    lines += ["alloc trace start", "python settings()", "finish", "alloc why", "alloc report"]
    lines += ["python settings()", "alloc trace stop", "python settings()"]
    before, *later = all_settings(gdb(tmp_path, lines, program))
    assert len(before) > 200 and len(later) == 3
    assert [found for found in later if found != before] == []


def test_a_changed_setting_would_be_seen(tmp_path, program):
    text = gdb(tmp_path, ["start", _SHOW, "set print elements 9", "python settings()"], program)
    before, after = all_settings(text)
    assert before != after


def rows(text):
    """{number: row} of `info breakpoints`."""
    return {int(row.split()[0]): row for row in text.split("\n") if re.match(r"\d+ ", row)}


def test_a_persons_breakpoints_stop_as_they_did(tmp_path, program):
    typed = ["break work", "break malloc if $rdi == 13", "starti"]
    then = ["continue"] * 4 + ["echo LIST\\n", "info breakpoints", "echo END\\n", "print $bpnum"]
    without = gdb(tmp_path, typed + then, program)
    with_ = gdb(tmp_path, typed + ["alloc trace start"] + then, program)
    stops = re.compile(r"^(?:Thread .* hit )?Breakpoint (\d+),", re.M)
    assert stops.findall(without) and stops.findall(with_) == stops.findall(without)
    mine, theirs = (rows(between(text, "LIST", "END")) for text in (without, with_))
    added = sorted(set(theirs) - set(mine))
    assert {number: theirs[number] for number in mine} == mine
    assert len(added) == 1 and "$_brkpoint_syscall()" in with_  # the one that gdb cannot hide
    assert re.findall(r"^\$\d+ = (\d+)", with_, re.M) == re.findall(
        r"^\$\d+ = (\d+)", without, re.M
    )


def test_deleting_all_breakpoints_is_said(tmp_path, program):
    lines = ["start", "alloc trace start", "delete", "continue", "alloc trace status"]
    text = gdb(tmp_path, lines, program)
    assert "the catchpoint was deleted: memory syscalls are not seen from there on" in text
    lines.remove("delete")
    assert "was deleted" not in gdb(tmp_path, lines, program)


def test_deleting_is_said_where_gdb_tells_of_no_catchpoints(tmp_path, program):
    """As gdb 10, which gives Python no object of them."""
    hide = "python import brkpoint_gdb.syscalls as s; s._shown = lambda before: None"
    lines = [hide, "start", "alloc trace start", "delete", "alloc trace status"]
    text = gdb(tmp_path, lines, program)
    assert "the catchpoint was deleted: memory syscalls are not seen from there on" in text
    lines.remove("delete")
    assert "was deleted" not in gdb(tmp_path, [*lines, "alloc trace stop"], program)


def test_after_stop_nothing_of_ours_is_left(tmp_path, program):
    lines = ["break work", "run", "alloc trace start", "alloc trace stop", "echo LIST\\n"]
    lines += ["maint info breakpoints", "echo END\\n", "continue"]
    text = gdb(tmp_path, lines, program)
    listed = between(text, "LIST", "END")
    assert "_brkpoint" not in listed and "catchpoint" not in listed
    assert (
        len([row for row in listed.split("\n") if "breakpoint" in row and " keep y " in row]) == 1
    )
    lines.remove("alloc trace stop")
    listed = between(gdb(tmp_path, lines, program), "LIST", "END")
    assert len([row for row in listed.split("\n") if " keep y " in row]) > 5  # they are seen there


def test_control_c_stops_the_program(tmp_path):
    source = """
    #include <stdlib.h>
    #include <unistd.h>
    int main(void)
    {
        for (int i = 0;; i++) {
            free(malloc(1013));
            if (i == 20 && write(1, "is under way\\n", 13) < 0)
                return 1;
        }
    }
    """
    lines = ["set pagination off", "source " + COMMANDS, "starti", "alloc trace start", "continue"]
    said = type_and_interrupt(lines, compile_c(tmp_path, source))
    assert "Program received signal SIGINT" in said
    assert re.search(r"Recording process \d+: [\d,]{2,} events, phase main", said)


def type_and_interrupt(lines, program):
    """Type into gdb on a terminal, press Ctrl-C, and ask for the status."""
    ours, theirs = pty.openpty()
    command = ["gdb", "-nx", "-q", "--args", program]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=_with_terminal, cwd=TOP
    )
    os.close(theirs)
    try:
        os.write(ours, "".join(line + "\n" for line in lines).encode())
        said = _read_until(ours, b"is under way")
        os.write(ours, b"\x03")
        said += _read_until(ours, b"(gdb)")
        os.write(ours, b"alloc trace status\n")
        said += _read_until(ours, b"phase main.")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(LIMIT_S)
        os.close(ours)
    return said.decode("utf-8", "replace")


def _with_terminal():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read_until(fd, mark):
    data, end = b"", time.monotonic() + LIMIT_S
    while time.monotonic() < end and mark not in data:
        if select.select([fd], [], [], 0.2)[0]:
            try:
                data += os.read(fd, 65536)
            except OSError:
                break
    return data


# The call's line is of another file, and no inlined function: the line is said of a.c's own.
INCLUDING = """#include <stdlib.h>
__attribute__((noinline)) int *grab(void)
{
#include "body.h"
}
int main(void)
{
    return grab() == 0;
}
"""


def test_a_program_that_was_built_anew_between_two_runs_has_its_new_lines(tmp_path):
    (tmp_path / "body.h").write_text("int *p = malloc(1009);\nreturn p;\n")
    (tmp_path / "a.c").write_text(INCLUDING)
    (tmp_path / "later.c").write_text("\n\n\n" + INCLUDING)
    build = "gcc -g -O1 -fno-builtin a.c -o program"
    subprocess.run(build.split(), cwd=tmp_path, check=True)
    again = "cd %s; mv later.c a.c; %s; touch -d 1minute program" % (tmp_path, build)
    run = ["starti", "alloc trace start", "continue", "alloc report"]
    text = gdb(tmp_path, [*run, "shell " + again, *run], str(tmp_path / "program"))
    assert re.findall(r" grab a\.c:(\d+)", text) == ["3", "6"]


FORKING = """
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void)
{
    pid_t child = fork();
    if (child == 0)
        for (int i = 0; i < 11; i++)
            free(malloc(23));
    else
        waitpid(child, NULL, 0);
    free(malloc(29));
    return 3;
}
"""


def test_a_child_that_is_debugged_as_well(tmp_path):
    """Nothing of it is an event of the recorded program, nor one that it lost, nor its thread."""
    program = compile_c(tmp_path, FORKING)
    lines = ["set detach-on-fork off", "set schedule-multiple on", "start", "alloc trace start"]
    lines += ["continue", "!inferior 1", "!continue", "echo THEN\\n", "alloc trace status"]
    text = gdb(tmp_path, [*lines, "alloc report"], program)
    said = text.split("THEN\n")[1]
    assert "[New inferior 2 (process " in text and "lost" not in said
    assert re.search(r"malloc 29 +user", said) and "malloc 23" not in said
    assert "  tid  " not in said  # which the report shows where there are several


def test_what_gdb_plays_back_has_happened_before(tmp_path, program):
    lines = ["start", "record", "alloc trace start", "next", "echo HERE\\n", "alloc diff"]
    lines += ["reverse-next", "next", "echo THEN\\n", "alloc diff 0", "alloc report"]
    text = gdb(tmp_path, ["set environment LD_BIND_NOW 1", *lines], program)
    if "Process record does not support" in text:
        pytest.skip("this gdb cannot record what libc does on this processor")
    first, again = between(text, "HERE\n", "main ("), text.split("THEN\n")[1]
    assert "1 block, 17 bytes" in first and "1 block, 17 bytes" in again
    assert again.count("malloc 17") == 1 and "memory syscalls are not seen meanwhile" in again
