"""What `brkpoint diff` says where the cause is known: small programs, each built in two ways."""

import json
import os
import shutil
import subprocess

import pytest

import verbs
from alloctrace.summary.summary import summarise
from alloctrace.trace import trace

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BRKPOINT = os.path.join(TOP, "brkpoint")
LIMIT_S = 300
JEMALLOC = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"

SOURCE = """
#include <math.h>
#include <stdlib.h>
@ABOVE@
#ifndef KIND
#define KIND __attribute__((noinline))
#endif
#ifndef NAME
#define NAME parse_line
#endif
volatile double number = 7;
char *volatile kept;

KIND static void NAME(int size)
{
    kept = malloc(size);
    kept[0] = 1;
#ifndef LEAK
    free(kept);
#endif
}

int main(void)
{
#ifdef STATIC
    static char buffer[4099];
    kept = buffer;
#else
    char *volatile buffer = malloc(4099);
    free(buffer);
#endif
#ifdef LIBRARY
    number = cos(number);
#endif
    for (int i = 0; i < 5; i++)
        NAME(31);
    return 0;
}
"""


class Programs:
    """Builds and records each variant once."""

    def __init__(self, folder):
        self.folder, self._done = str(folder), {}

    def trace(self, *flags, above="", compiler="gcc", preload=None, strip=False):
        key = (flags, above, compiler, preload, strip)
        if key not in self._done:
            self._done[key] = self._record(len(self._done), *key)
        return self._done[key]

    def _record(self, number, flags, above, compiler, preload, strip):
        folder = os.path.join(self.folder, str(number))
        os.makedirs(folder, exist_ok=True)
        program = os.path.join(folder, "program")
        command = [compiler, "-g", "-fno-builtin", "-x", "c", "-", "-o", program]
        command += ["-Wl,--build-id", "-Wl,--as-needed", "-lm", *flags]
        source = SOURCE.replace("@ABOVE@", above)
        subprocess.run(command, input=source, text=True, check=True)
        if strip:
            subprocess.run(["strip", program], check=True)
        return record(program, preload=preload)


def record(program, preload=None):
    path = program + ".brkpoint"
    environ = dict(os.environ, **({"LD_PRELOAD": preload} if preload else {}))
    command = [BRKPOINT, "run", "--quiet", "--force", "-o", path, program]
    subprocess.run(command, env=environ, check=True, stdout=subprocess.DEVNULL, timeout=LIMIT_S)
    return path


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    return Programs(tmp_path_factory.mktemp("causes"))


def diff(before, after):
    status, said, _ = verbs.run("diff", "--json", before, after)
    record = json.loads(said)
    assert status == (0 if record["same"] else 1)
    return record


def users(record, kind="call"):
    """[(how, function, calls before, calls after)] of the rows of the user's."""
    return sorted(
        (row["how"], row["function"], row["before"]["count"], row["after"]["count"])
        for row in record["rows"]
        if row["origin"] == "user" and row["kind"] == kind
    )


def is_untouched(record):
    """Whether every row of the user's is matched, and has as many calls as before."""
    rows = users(record)
    assert rows
    return all(how not in ("new", "gone") and a == b for how, _, a, b in rows)


def test_a_line_inserted_above(programs):
    plain, moved = programs.trace(), programs.trace(above="int nothing;\n" * 7)
    assert diff(plain, moved)["sentence"] == "No difference."
    assert lines_of("parse_line", moved) == {line + 7 for line in lines_of("parse_line", plain)}


def lines_of(function, path):
    with trace.open(path) as opened:
        return {s["line"] for s in summarise(opened)["sites"] if s["function"] == function}


def test_a_function_renamed(programs):
    record = diff(programs.trace(), programs.trace("-DNAME=parse_text"))
    hows = {(how, function) for how, function, *_ in users(record)}
    assert {("gone", "parse_line"), ("new", "parse_text")} <= hows
    alike = record["perhaps_the_same"]
    gone = [record["rows"][pair["gone"]] for pair in alike]
    is_ours = [row["name"] == "malloc" and row["origin"] == "user" for row in gone]
    (malloc,) = [pair for pair, ours in zip(alike, is_ours) if ours]
    assert record["rows"][malloc["gone"]]["function"] == "parse_line"
    assert record["rows"][malloc["new"]]["function"] == "parse_text"
    assert sum(row["after"]["count"] - row["before"]["count"] for row in record["rows"]) == 0
    assert record["warnings"] == []


def test_a_function_inlined(programs):
    inlined = programs.trace("-O1", "-DKIND=inline __attribute__((always_inline))")
    assert is_untouched(diff(programs.trace("-O1"), inlined))


def test_without_and_with_optimisation(programs):
    """But for tail calls: `free(kept)` at the end of a function is main's when optimised."""
    record = diff(programs.trace("-O0"), programs.trace("-O2"))
    mallocs = [row for row in record["rows"] if row["origin"] == "user" and row["name"] == "malloc"]
    assert {row["how"] for row in mallocs} <= {"exact", "physical", "cut", "function"}
    assert all(row["before"]["count"] == row["after"]["count"] for row in mallocs)
    whole = programs.trace("-O2", "-fno-optimize-sibling-calls")
    assert is_untouched(diff(programs.trace("-O0"), whole))


def test_with_names_and_stripped(programs):
    record = diff(programs.trace(), programs.trace(strip=True))
    assert is_untouched(record)
    assert any("without names" in warning for warning in record["warnings"])


def test_stripped_of_different_files_is_not_paired_by_guess(programs):
    other = programs.trace("-DNAME=parse_text", strip=True)
    record = diff(programs.trace(), other)
    assert {how for how, function, *_ in users(record) if function == "parse_line"} == {"gone"}


@pytest.mark.skipif(not shutil.which("musl-gcc"), reason="no musl")
def test_glibc_and_musl(programs):
    record = diff(programs.trace(), programs.trace(compiler="musl-gcc"))
    assert is_untouched(record)
    assert "different C libraries: before glibc, after musl" in record["warnings"]


@pytest.mark.skipif(not os.path.exists(JEMALLOC), reason="no jemalloc")
def test_an_allocator_exchanged(programs):
    record = diff(programs.trace(), programs.trace(preload=JEMALLOC))
    assert is_untouched(record)
    assert "libjemalloc.so.2" in record["libraries"]["new"]
    assert not record["same"]


def test_a_leak_introduced(programs):
    record = diff(programs.trace(), programs.trace("-DLEAK"))
    (row,) = [row for row in record["rows"] if row["changed"] and row["name"] == "malloc"]
    assert (row["function"], row["before"]["live_blocks"]) == ("parse_line", 0)
    assert (row["after"]["live_blocks"], row["after"]["live_bytes"]) == (5, 155)
    assert "155 bytes more left at the end: parse_line" in record["sentence"]


def test_a_buffer_made_static(programs):
    record = diff(programs.trace(), programs.trace("-DSTATIC"))
    gone = {row["name"] for row in record["rows"] if row["changed"] and row["kind"] == "call"}
    assert gone == {"malloc", "free"}
    assert record["sentence"].startswith("main makes 2 fewer calls (2 → 0)")


def test_a_library_added(programs):
    record = diff(programs.trace(), programs.trace("-DLIBRARY"))
    assert record["libraries"]["new"] == ["libm.so.6"]
    assert "by the loader" in record["sentence"] and "libm.so.6 is new" in record["sentence"]
    assert is_untouched(record)


def test_a_run_and_its_repetition(programs):
    path = programs.trace()
    again = path[: -len(".brkpoint")]
    copy = shutil.copy(path, path + ".first.brkpoint")
    assert diff(copy, record(again))["same"]


# ---- the article's comparisons -------------------------------------------------------------------


@pytest.fixture(scope="module")
def article(built, tmp_path_factory):
    folder, done = tmp_path_factory.mktemp("article"), {}

    def trace(name):
        if name not in done:
            program = shutil.copy(os.path.join(TOP, "build/targets", name), folder)
            done[name] = record(program)
        return done[name]

    return trace


needs_rust = pytest.mark.skipif(not shutil.which("rustc"), reason="no Rust")


@needs_rust
def test_grown_and_reserved(article):
    record = diff(article("vec"), article("vec_reserved"))
    assert record["sentence"].startswith("vec::main makes 24 fewer calls")
    assert "RawVec::grow_one is gone" in record["sentence"]


@needs_rust
def test_rust_and_c(article):
    record = diff(article("empty"), article("success"))
    assert "by the Rust runtime" in record["sentence"]
    assert "libgcc_s.so.1 is gone" in record["sentence"]
    changed = [row for row in record["rows"] if row["changed"]]
    assert not any(row["origin"] == "user" for row in changed)


@needs_rust
def test_release_and_small(article):
    """A link-time optimised and stripped program: what it asks for may have no names any more."""
    record = diff(article("vec"), article("vec.small"))
    assert record["warnings"] != []
    for side in ("before", "after"):
        total = sum(cell[side]["count"] for cell in record["totals"])
        assert total == sum(row[side]["count"] for row in record["rows"])


def test_programs_of_a_tree_are_paired_by_name_and_place(programs, tmp_path):
    program = os.path.join(os.path.dirname(programs.trace()), "program")

    def tree(name, script):
        path = str(tmp_path / (name + ".brkpoint"))
        command = [BRKPOINT, "run", "--quiet", "-o", path, "sh", "-c", script]
        subprocess.run(command, check=True, timeout=LIMIT_S)
        return path

    once = tree("once", "%s; true" % program)
    twice = tree("twice", "%s; %s; true" % (program, program))
    other = tree("other", "(%s; true); true" % program)
    record = diff(once, twice)
    assert record["after"]["programs"] > record["before"]["programs"]
    doubled = [
        row
        for row in record["rows"]
        if row["process"][-1] == "program" and row["function"] == "parse_line"
    ]
    assert doubled and all(row["how"] == "exact" for row in doubled)
    assert all(row["after"]["count"] == 2 * row["before"]["count"] for row in doubled)
    moved = diff(once, other)  # below another shell: another place
    hows = {row["how"] for row in moved["rows"] if row["function"] == "parse_line"}
    assert hows == {"gone", "new"}
