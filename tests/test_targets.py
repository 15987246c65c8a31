"""Every target does what its header says; and each kind of clause can fail."""

import glob
import os

import pytest

import expectations
import target_programs
from expectation_checks import Run, failures
from target_programs import ROOT

SOURCES = sorted(
    path
    for ending in ("asm/*.asm", "c/*.c", "cxx/*.cc", "rust/*.rs")
    for path in glob.glob(os.path.join(ROOT, "targets", ending))
)
PROGRAMS = target_programs.programs()


def _clauses(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return expectations.parse(expectations.read_header(file.read())["Expect"])


@pytest.mark.parametrize("path", SOURCES, ids=os.path.basename)
def test_a_source_is_short_and_its_header_is_complete(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert len(text.splitlines()) < 40
    header = expectations.read_header(text)
    assert header["title"].startswith(os.path.basename(path) + " - ")
    assert _clauses(path)


@pytest.mark.parametrize("path", SOURCES, ids=os.path.basename)
def test_what_a_header_tells_one_to_do_exists(path):
    with open(path, encoding="utf-8") as file:
        do = expectations.read_header(file.read())["Do"]
    names = {"make run-" + program.name for program in PROGRAMS}
    assert do in names or _skipped(path)


def _skipped(path):
    """Whether nothing is built of this source here: its compiler is missing."""
    path = os.path.relpath(path, ROOT)
    return not any(path in program.sources for program in PROGRAMS)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_a_target_does_what_its_header_says(built, program, tmp_path):
    run, done = target_programs.record(program, str(tmp_path / "run.brkpoint"))
    for source in program.sources:
        assert failures(_clauses(source), run) == [], done.stderr
    assert run.report["complete"] and run.report["events_lost"] == 0


# ---- the negative twins: one run, made by hand, and clauses that must fail on it ----------------


def _event(seq, kind, name, **more):
    event = {
        "seq": seq, "kind": kind, "name": name, "tid": 1, "size": None, "nmemb": None,
        "ptr": None, "errno": None, "dur_ns": 1, "phase": "main", "origin": "user", "direct": True,
        "purpose": None, "cause": None, "outer": None,
    }  # fmt: skip
    event.update(more)
    return event


MADE = Run(
    events=[
        _event(1, "syscall", "brk", size=0, phase="load", origin="loader"),
        _event(2, "call", "malloc", size=1009),
        _event(3, "syscall", "mmap", size=4096, cause=2),
        _event(4, "call", "calloc", size=1013, nmemb=3, origin="runtime", direct=False),
        _event(5, "call", "malloc", size=3039, outer=4),
        _event(6, "call", "malloc", size=1 << 63, errno=12),
        _event(7, "call", "free", ptr=None),
        _event(
            8, "call", "malloc", size=1024, direct=False, purpose="stdout's buffer", dur_ns=None
        ),
    ],
    report={
        "exit": {"kind": "exited", "status": 0},
        "leaked": {"by_origin": {"user": {"blocks": 2, "bytes": 2033}}},
        "temporary": {"by_origin": {}},
        "phases": [{"phase": "exit", "rss_bytes": 4096}],
    },
    features=frozenset(("dynamic", "glibc", "symbols", "hookable")),
)

HOLDS_AND_FAILS = [
    ("exit 0", "exit 1"),
    ("exit 0", "signalled SIGSEGV"),
    ("leaked user 2", "leaked user 1"),
    ("leaked user 2 2033", "leaked user 2 2032"),
    ("leaked loader 0", "leaked loader 1"),
    ("temporary user 0", "temporary user 1"),
    ("resident 4096", "resident 0..4095"),
    ("threads 1", "threads 2"),
    ("unfinished 1", "unfinished 0"),
    ("user malloc 3", "user malloc 2"),
    ("user malloc(1009) 1", "user malloc(1010) 1"),
    ("calloc(3x1013) 1", "calloc(2x1013) 1"),
    ("calloc 1+", "calloc 2+"),
    ("calloc|valloc 1", "pvalloc|valloc 1"),
    ("user free(NULL) 1", "user malloc(NULL) 1"),
    ("by malloc mmap 1", "by calloc mmap 1"),
    ("nested malloc 1", "nested malloc 0"),
    ("failed malloc 1", "failed calloc 1"),
    ("user direct malloc 2", "user direct malloc 3"),
    ("phase exit none", "phase main none"),
    ("unknown none", "user none"),
    ("loader only brk 1", "only brk 1"),
    ('user purpose "stdout" 1', 'user purpose "buffer" 1'),
    ("loader syscalls 1 calls 0", "loader calls 1"),
    ("if glibc: loader brk 1", "if glibc: loader brk 2"),
    ("if musl: loader brk 2", "if not musl: loader brk 2"),
]


@pytest.mark.parametrize("holds, fails", HOLDS_AND_FAILS)
def test_each_kind_of_clause_can_hold_and_can_fail(holds, fails):
    assert failures(expectations.parse(holds), MADE) == []
    assert len(failures(expectations.parse(fails), MADE)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "", "user", "user malloc", "user malloc many", "user frobnicate 1", "malloc 1 ;  ; exit 0",
        "exit", "signalled SIGNOTHING", "leaked nobody 1", "phase never malloc 1", "only",
        "purpose stdout 1", "if windows: exit 0", "if glibc exit 0", "by nobody brk 1",
    ],
)  # fmt: skip
def test_a_clause_outside_the_grammar_is_refused(text):
    with pytest.raises(expectations.ExpectError):
        expectations.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "int main(void) { return 0; }\n",
        "/* a.c - x.\n *\n * Idea: i\n * Do: d\n * Look for: l\n */\n",
        "// a.rs - x.\n//\n// Do: d\n// Idea: i\n// Expect: exit 0\n// Look for: l\n",
    ],
)
def test_a_header_that_lacks_or_swaps_a_field_is_refused(text):
    with pytest.raises(expectations.ExpectError):
        expectations.read_header(text)


# ---- malloc's own books as a witness ----------------------------------------------------------


def _chunk(size):
    """Bytes that glibc's malloc uses for `size`: a header word, 16 aligned, 32 at least."""
    return max(32, (size + 8 + 15) // 16 * 16)


def test_live_bytes_are_what_mallinfo2_counts(built, tmp_path):
    program = next((p for p in PROGRAMS if p.name == "mallinfo"), None)
    if program is None:
        pytest.skip("no gcc")
    run, done = target_programs.record(program, str(tmp_path / "run.brkpoint"))
    live = [e for e in run.events if e["origin"] == "user" and e["name"] in ("malloc", "calloc")]
    sizes = [(e["size"] or 0) * (e["nmemb"] or 1) for e in live if e["size"] != 1]
    assert sum(sizes) == run.report["leaked"]["by_origin"]["user"]["bytes"]
    assert sum(map(_chunk, sizes)) == int(done.stdout)
    assert sum(map(_chunk, sizes[1:])) != int(done.stdout)  # the twin: one block less is noticed
