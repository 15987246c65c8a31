"""What was found by hand in real releases of Debian, asserted in them: `make test-eras`.

Environments of the facts: C is Debian 11 (glibc 2.31; rustc 1.48, 1.63 as rustc-mozilla, 1.78 as
rustc-web), B is Debian 12 (glibc 2.36) with its rustc 1.63, A the same with rustc 1.95 of rustup.
A figure that changes with an update of a package fails here.
"""

import functools
import os

import pytest

from eras import cell as eras_cell, figures, plan, toolchains

pytestmark = pytest.mark.skipif(
    not os.environ.get("BRKPOINT_ERAS_TESTS"), reason="needs releases of Debian: make test-eras"
)
PLAN = plan.read(toolchains.all_of())


@functools.lru_cache(maxsize=None)
def ran(name):
    (cell,) = PLAN.chosen([name])
    told = eras_cell.run(cell, toolchains.all_of().get(cell.compiler))
    assert told["state"] == "done", told.get("why")
    assert told["complete"] and not told["events_lost"]
    return told


def kernel(told):
    counts = figures.of(told)["syscalls"]
    return counts["brk"], counts["mmap"]


def loader(told):
    return figures.of(told)["calls"]["loader"]


def asked(told, *, but=("realloc 240", "calloc")):
    """Sizes of the calls that are not the loader's, without growth: as ltrace has them."""
    rows = [e for e in told["events"] if e["origin"] != "loader" and e["kind"] == "call"]
    named = ["%s %d" % (row["name"], row["bytes"]) for row in rows]
    return [
        row["bytes"]
        for row, name in zip(rows, named)
        if name not in but
        and row["name"] not in but
        and not (row["name"] == "realloc" and row["bytes"] not in (32,))
    ]


def purposes(told):
    return [e["purpose"] for e in told["events"] if e["origin"] != "loader" and e["kind"] == "call"]


@pytest.mark.parametrize(
    "name, package",
    [("debian-11/c-empty", "2.31-13+deb11u11"), ("debian-12/c-empty", "2.36-9+deb12u14")],
)
def test_these_are_the_libcs_of_the_facts(name, package):
    assert ran(name)["versions"]["package"] == package


@pytest.mark.parametrize(
    "name, of_kernel, of_loader",
    [
        ("debian-11/c-empty", (1, 7), 18),
        ("debian-11/c-alloc", (3, 7), 18),
        ("debian-11/rust-empty", (3, 22), 33),
        ("debian-11/rust-empty@rustc-mozilla", (3, 22), 33),
        ("debian-11/rust-empty@rustc-web", (3, 22), 33),
        ("debian-11/rust-empty.lto", (3, 18), 28),
        ("debian-12/c-empty", (1, 8), 19),
        ("debian-12/c-alloc", (3, 8), 19),
        ("debian-12/rust-empty", (3, 13), 24),
        ("debian-12/rust-empty.lto", (3, 13), 24),
    ],
)
def test_calls_of_loader_and_kernel(name, of_kernel, of_loader):
    assert (kernel(ran(name)), loader(ran(name))) == (of_kernel, of_loader)


def test_the_loaders_calls_outnumber_all_others_on_debian_11():
    calls = figures.of(ran("debian-11/rust-empty"))["calls"]
    assert calls["loader"] > 4 * (calls["runtime"] + calls["user"] + calls["unknown"])


@pytest.mark.parametrize("name, brk", [("debian-11/c-static", 4), ("debian-12/c-static", 5)])
def test_a_static_program_has_no_loader_and_asks_before_main(name, brk):
    told = ran(name)
    assert kernel(told) == (brk, 0) and loader(told) == 0
    assert figures.of(told)["parts"]["before main"]["calls"] >= 4


@pytest.mark.parametrize("name", ["debian-11/asm-empty", "debian-12/asm-empty"])
def test_without_a_libc_nothing_is_asked(name):
    assert ran(name)["entries"] == []


@pytest.mark.parametrize(
    "name, sizes",
    [
        ("debian-11/rust-vec", [472, 120, 1024, 32, 4, 48, 32, 24, 64, 1024]),
        ("debian-11/rust-vec@rustc-mozilla", [472, 120, 1024, 32, 5, 48, 32, 1024]),
        ("debian-11/rust-vec@rustc-web", [472, 120, 1024, 32, 5, 48, 32, 1024]),
        ("debian-12/rust-vec", [472, 120, 1024, 32, 32, 5, 48, 32, 1024]),
    ],
)
def test_the_sizes_of_the_articles_program(name, sizes):
    assert asked(ran(name)) == sizes


def test_the_sizes_with_a_compiler_of_today():
    """Environment A, where rustup has a compiler."""
    name = "debian-12/rust-vec@rustup-stable"
    if name not in {cell.name for cell in PLAN.cells}:
        pytest.skip("no rustup here")
    told = ran(name)
    if not told["versions"]["compiler"].startswith("rustc 1.95."):
        pytest.skip("another compiler than that of the facts")
    assert asked(told) == [472, 120, 1024, 32, 32, 4, 544, 32, 1024]
    assert (kernel(ran("debian-12/rust-empty@rustup-stable")), loader(told)) == ((3, 13), 24)


def test_the_purpose_of_each_call_of_the_articles_program():
    """rustc 1.63 on glibc 2.31: the article's eight (its FILE had 552 bytes), and a calloc."""
    told = purposes(ran("debian-11/rust-vec@rustc-mozilla"))
    assert [text for text in told if "growing" not in text] == [
        "FILE object of fopen",
        "line buffer of getline",
        "buffer of a FILE: 1024 bytes",
        "CPU set of the thread",
        "name of the main thread",
        "handle of a thread",
        "destructor of a thread-local variable",
        "first 32 bytes of a Vec",
        "stdout's buffer: 1024 bytes",
    ]


def test_the_articles_program_asks_twice_in_main_and_never_after():
    told = ran("debian-11/rust-vec@rustc-mozilla")
    phases = [e["phase"] for e in told["events"] if e["kind"] == "call" and e["name"] == "malloc"]
    assert phases.count("main") == 2 and phases.count("exit") == 0


def test_break_malloc_stops_in_the_loader_of_debian_11_and_not_of_12():
    """The loader exports its malloc until 2.31: `break malloc` stops in dl-minimal.c."""
    line = "gdb -nx -batch -ex 'set startup-with-shell off' -ex 'starti' -ex 'break malloc' "
    line += "-ex continue -ex 'info symbol $pc' -ex 'frame 0' ./" + eras_cell.PROGRAM
    first = {}
    for era in ("debian-11", "debian-12"):
        ran(era + "/c-empty")
        (cell,) = PLAN.chosen([era + "/c-empty"])
        _, first[era] = eras_cell.Place(cell).run("cd /cell && " + line)
    assert "dl-minimal.c" in first["debian-11"]
    assert "dl-minimal.c" not in first["debian-12"]
    assert ran("debian-11/c-empty")["loader_malloc"] == "calloc, dl-minimal.c"
    assert ran("debian-12/c-empty")["loader_malloc"] == "__minimal_calloc, dl-minimal-malloc.c"


@pytest.mark.parametrize("era", ["debian-11", "debian-12"])
def test_each_era_watched_with_its_own_gdb_and_python(era):
    told, other = ran(era + "/c-empty")["versions"], {"debian-11": "10.", "debian-12": "13."}
    assert told["gdb"].startswith(other[era]) and told["python"].startswith("3.")


def lengths(told, name):
    rows = [e for e in told["entries"] if e["name"] == name and e["origin"] != "loader"]
    return [size for entry in rows for size, count in entry["sizes"] for _ in range(count)]


@pytest.mark.parametrize("era", ["debian-11", "debian-12"])
def test_an_array_that_doubles_is_moved_eleven_times_by_glibc_alone(era):
    assert len(lengths(ran(era + "/grow"), "mremap")) == 11
    assert lengths(ran(era + "/grow@tcmalloc"), "mremap") == []
    assert lengths(ran(era + "/grow@jemalloc-linked"), "mremap") == []
    more = lengths(ran(era + "/grow@mmap_threshold-32M"), "mremap")
    assert 0 < len(more) < 11  # it stays on the heap until then


def test_a_threads_arena_costs_128_mib_of_addresses_unless_there_is_one_arena():
    assert 1 << 27 in lengths(ran("debian-12/thread"), "mmap")
    assert 1 << 27 not in lengths(ran("debian-12/thread@arena_max-1"), "mmap")
