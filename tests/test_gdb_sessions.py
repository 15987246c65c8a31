"""The article's gdb sessions, told by a plain gdb: their facts, here and with another libc."""

import os
import re
import subprocess

import pytest
import target_programs
from gdb_sessions import TOP, plain

SESSIONS = "gdb-scripts/sessions"
PROGRAMS = {  # as the Makefile has them; a test compares
    "malloc-callers": "empty",
    "syscall-callers": "success",
    "actual-code": "vec_fn",
    "push-to-malloc": "boxed.debug",
    "malloc-to-kernel": "alloc",
    "first-instruction": "success",
}


pytestmark = pytest.mark.usefixtures("built")


def path(program):
    found = os.path.join(TOP, "build", "targets", program)
    if not os.path.exists(found):
        pytest.skip("%s cannot be built here" % program)
    return found


def told(session, program=None):
    """(facts that hold, facts that do not, the whole transcript)."""
    script = os.path.join(TOP, SESSIONS, session + ".py")
    text = plain("-batch", "-x", script, "--args", path(program or PROGRAMS[session]))
    assert "Traceback" not in text and "Python Exception" not in text
    whole = re.sub(r"\n {6}(?=\S)", " ", text)
    held = re.findall(r"^fact: (.*)$", whole, re.M)
    failed = re.findall(r"^does NOT hold here: (.*)$", whole, re.M)
    counts = re.search(r"Facts that hold here: (\d+); that do not: (\d+)\.", text)
    assert counts, "the session did not come to its end: " + text[-300:]
    assert [int(n) for n in counts.groups()] == [len(held), len(failed)]
    return held, failed, text


# ---- each one with its own program ---------------------------------------------------------------


@pytest.mark.parametrize("session", sorted(PROGRAMS))
def test_every_fact_holds_or_is_the_missing_debug_files(session):
    held, failed, text = told(session)
    assert held and "(gdb) " in text
    assert [fact for fact in failed if "libc6-dbg" not in fact] == []


def test_malloc_callers():
    _, _, text = told("malloc-callers")
    assert "Breakpoint 1 (malloc) pending" in text
    in_libc = int(re.search(r"^ +(\d+) in libc$", text, re.M)[1])
    assert len(re.findall(r"^ +\d+ bytes  ", text, re.M)) == in_libc > 0
    exact = int(re.search(r"(\d+) calls of the loader's malloc", text)[1])
    assert exact == loader_mallocs("empty")


def loader_mallocs(program):
    """How often brkpoint itself saw the loader's malloc, calls inside its calloc among them."""
    trace = os.path.join(TOP, "build", "session-%d.brkpoint" % os.getpid())
    query = "select count(*) from events where impl like '%malloc%' and phase = 'load'"
    try:
        target_programs.brkpoint("run", "--quiet", "-o", trace, path(program))
        done = target_programs.brkpoint("sql", trace, query)
    finally:
        os.unlink(trace)
    return int(done.stdout.split()[-1])


def test_syscall_callers_equal_straces():
    held, _, text = told("syscall-callers")
    command = ["strace", "-qq", "-e", "trace=brk,mmap", path("success")]
    lines = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=True).stderr
    counts = tuple(len(re.findall(r"^%s\(" % name, lines, re.M)) for name in ("brk", "mmap"))
    assert "%d brk and %d mmap are made" % counts in held
    assert text.count(" < ") >= sum(counts)
    assert "all come before main: the program itself makes none" in held


def test_actual_code_has_two_calls_inside_and_f_moves_nothing():
    held, _, text = told("actual-code")
    assert "f has not moved the program: it is `frame`, and only prints" in held
    assert "finish leaves actual_code only after 2 calls of malloc inside it" in held
    assert "no call of malloc comes after it" in held
    assert re.findall(r"stopped at malloc: +(\d+) bytes", text) == ["32", "1024"]


def test_box_and_vec_end_in_malloc():
    held, _, text = told("push-to-malloc")
    assert "both ways end in the same malloc of libc" in held
    assert "$1 = 8072" in text and "$2 = 32" in text


def test_malloc_goes_to_the_kernel_and_back():
    held, _, text = told("malloc-to-kernel")
    assert "the pointer lies in the heap that was just made" in held
    asked = re.findall(r"^answer: +0x([0-9a-f]+)", text, re.M)
    assert len(asked) == 2
    moved = int(asked[1], 16) - int(asked[0], 16)
    assert "one byte was asked for, the kernel gave %d" % moved in held


def test_the_kernels_own_mappings():
    held, _, text = told("first-instruction")
    for fact in ("there is a stack", "there is no heap: no brk has moved yet"):
        assert fact in held
    listed = text.split("(gdb) info proc mappings")[1].split("== The files")[0]
    assert "[vdso]" in listed and "[stack]" in listed and "libc.so" not in listed


# ---- another program, another libc: said, not failed half-way ------------------------------------


@pytest.mark.parametrize(
    "session, program, said",
    [
        ("actual-code", "vec_fn.stripped", "no function actual_code: inlined, or stripped"),
        ("first-instruction", "success_asm", "this program names none"),
        ("malloc-callers", "success.static", "malloc is pending"),
        ("malloc-to-kernel", "success", "main calls no malloc"),
        ("push-to-malloc", "success", "boxed::in_a_box is never called"),
        ("syscall-callers", "crash", "all come before main"),
    ],
)
def test_a_fact_that_does_not_hold_is_said(session, program, said):
    _, failed, _ = told(session, program)
    assert any(said in fact for fact in failed)


def test_musl_has_its_own_facts():
    _, failed, _ = told("malloc-to-kernel", "alloc.musl-dynamic")
    assert any("malloc has gone to the kernel: 0" in fact for fact in failed)  # it had some left
    _, failed, _ = told("first-instruction", "alloc.musl-dynamic")
    assert any("libc is not there yet" in fact for fact in failed)  # its loader is its libc


# ---- the verbs of make ---------------------------------------------------------------------------


def test_make_knows_every_session():
    names = {name[:-3] for name in os.listdir(os.path.join(TOP, SESSIONS)) if name.endswith(".py")}
    with open(os.path.join(TOP, "Makefile"), encoding="utf-8") as file:
        known = dict(re.findall(r"^session_(\S+) = (\S+)$", file.read(), re.M))
    assert known == PROGRAMS and set(known) == names


def test_twin_an_unknown_session_fails_and_names_the_others():
    done = subprocess.run(
        ["make", "-s", "session-nonsense"], cwd=TOP, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 2
    assert "no session is named nonsense; there are: actual-code" in done.stderr


def test_make_help_names_sessions_and_programs():
    done = subprocess.run(["make", "help"], cwd=TOP, capture_output=True, text=True, timeout=300)
    assert set(PROGRAMS) <= set(done.stdout.split()) and "hashmap" in done.stdout.split()


def test_make_tells_a_session():
    done = subprocess.run(
        ["make", "-s", "session-first-instruction"],
        cwd=TOP,
        env=dict(os.environ, MAKEFLAGS="", LC_ALL="C.UTF-8"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0 and "Facts that hold here" in done.stdout
