"""Moving machine code (recorder/host/code/detour.h, syscall_sites.h, startup.h): by running it,
and against objdump, nm and strace."""

import functools
import glob
import os
import platform
import re
import subprocess

import pytest
from recorder_programs import TOP, built
from target_programs import build, programs

LIBC = "/lib/x86_64-linux-gnu/libc.so.6"
LOADER = "/lib64/ld-linux-x86-64.so.2"
MUSL = "/lib/ld-musl-x86_64.so.1"
TARGETS = os.path.join(TOP, "build", "targets")
ALLOCATOR = """malloc calloc realloc reallocarray free aligned_alloc posix_memalign memalign valloc
               pvalloc""".split()
SECOND = ["libjemalloc.so.2", "libmimalloc.so.", "libtcmalloc_minimal.so.4"]
BRANCHED = "a jump leads to the inside of its first bytes"
SHORT = "it is shorter than a jump, and other code follows"
CANCELLATION = "its libc cancels threads by the address of this system call"
SIGNAL_RETURN = "it returns from signals, and is known by its bytes"
CALLS = {"mmap": 9, "munmap": 11, "brk": 12, "execve": 59}  # in a function of their name


def library(name):
    found = sorted(glob.glob("/usr/lib/x86_64-linux-gnu/" + name + "*"))
    return found[0] if found else None


def run(*command, **more):
    return subprocess.run(
        command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, cwd=TOP, **more
    )


def listed(what, path, *more):
    lines = run(built("detour_list"), what, path, *more, check=True).stdout.splitlines()
    return [line.split(None, 6 if what == "sites" else 4) for line in lines]


@pytest.fixture(scope="module", autouse=True)
def targets():
    build()


def target(name):
    return os.path.join(TARGETS, name)


# -- one function at a time


def test_awkward_functions_give_the_same_results_in_their_new_place():
    answer = run(built("detour_run"))
    assert answer.returncode == 0, answer.stdout
    assert int(answer.stdout.split()[0]) > 150


@pytest.mark.parametrize("kind", ["alone", "--whole"])
def test_nearly_every_function_of_libc_can_be_detoured(kind):
    rows = [r for r in listed("entries", LIBC, *[kind][kind == "alone" :]) if r[2] == "exported"]
    refused = [row for row in rows if row[4] != "moved"]
    assert len(rows) > 2000
    assert len(refused) < len(rows) / 200, refused
    assert {row[4] for row in refused} <= {BRANCHED, SHORT}


@pytest.mark.parametrize("name", ["libstdc++.so.6", "libcrypto.so.3", "libm.so.6", "ld-linux"])
def test_so_can_those_of_other_libraries(name):
    path = LOADER if name == "ld-linux" else library(name)
    if path is None:
        pytest.skip("no " + name)
    rows = listed("entries", path)
    refused = [row for row in rows if row[4] != "moved"]
    assert len(refused) <= max(2, len(rows) / 200), refused


def allocators():
    yield LIBC
    yield MUSL
    yield from filter(None, map(library, SECOND))


@pytest.mark.parametrize("path", allocators())
def test_every_allocator_function_can_be_detoured(path):
    found = {row[0]: row[4] for row in listed("entries", path, "--whole") if row[0] in ALLOCATOR}
    assert {"malloc", "calloc", "realloc", "free", "posix_memalign", "aligned_alloc"} <= set(found)
    assert set(found.values()) == {"moved"}, found


@pytest.mark.parametrize("name", ["alloc.static", "alloc.static-pie", "alloc.musl-static"])
def test_also_in_a_static_program(name):
    found = {row[0]: row[4] for row in listed("entries", target(name)) if row[0] in ALLOCATOR}
    assert "malloc" in found and set(found.values()) == {"moved"}


def test_a_jump_from_another_function_is_seen():
    """mempcpy's assembly jumps into memcpy's, behind its first instruction."""
    name = "__memcpy_avx_unaligned_erms"
    alone = {row[0]: row[4] for row in listed("entries", target("alloc.static"))}
    whole = {row[0]: row[4] for row in listed("entries", target("alloc.static"), "--whole")}
    assert (alone[name], whole[name]) == ("moved", BRANCHED)


# -- system calls


@functools.lru_cache(maxsize=None)
def objdump_sites(path):
    text = run("objdump", "-d", "--no-show-raw-insn", path, check=True).stdout
    return [int(a, 16) for a in re.findall(r"^ *([0-9a-f]+):\t(?:rex\S* )?syscall", text, re.M)]


SITE_FILES = [LIBC, LOADER, MUSL, "/sbin/ldconfig", "success_asm", "success.static"]
SITE_FILES += ["success.static-stripped", "success.musl-static", "vec.debug", "success.static-pie"]


@pytest.mark.parametrize("symbols", [[], ["--no-symbols"]])
@pytest.mark.parametrize("name", SITE_FILES)
def test_the_system_calls_are_those_that_objdump_sees(name, symbols):
    path = name if name.startswith("/") else target(name)
    rows = listed("sites", path, *symbols)
    assert [int(row[0], 16) for row in rows] == objdump_sites(path)
    assert {row[6] for row in rows} <= {"moved", CANCELLATION, SIGNAL_RETURN}


@pytest.mark.parametrize("between", [506, 509, 510, 511, 512, 515, 1021, 1024, 1025, 1030])
def test_system_calls_are_seen_however_far_apart_they_are(tmp_path, between):
    """Where no function is known code is read in pieces, which begin where instructions do."""
    source, path = tmp_path / "s.S", str(tmp_path / "s.so")
    far = "mov $11, %%eax; syscall; .fill %d, 1, 0x58; mov $0x146, %%eax; syscall; ret\n"
    source.write_text(".fill 600, 1, 0x58\n" + far % between + ".fill 600, 1, 0x58\n")
    run("gcc", "-nostdlib", "-shared", "-o", path, str(source), check=True)
    found = [int(row[1]) for row in listed("sites", path, "--no-symbols")]
    assert len(objdump_sites(path)) == 2 and found == [11, 0x146]


@pytest.mark.parametrize("path", [LIBC, MUSL])
def test_the_number_is_known_where_it_stands_in_the_code(path):
    sites = {int(row[0], 16): int(row[1]) for row in listed("sites", path)}
    starts = {row[0]: int(row[1], 16) for row in listed("entries", path)}
    for name, number in CALLS.items():
        if name in starts and not (path == MUSL and name == "brk"):  # that one only fails
            begin = starts[name]
            near = [sites[at] for at in sites if begin <= at < begin + 160]
            assert number in near, name
    known = [number for number in sites.values() if number >= 0]
    assert len(known) > 0.85 * len(sites)


def test_musl_unmaps_the_stack_it_stands_on():
    rows = [row for row in listed("sites", MUSL) if row[3] != "0"]
    assert [(row[1], row[3]) for row in rows] == [("11", "1"), ("60", "2")]


def test_some_libcs_cancel_threads_by_an_address():
    """musl (__syscall_cp_asm), and glibc from 2.41 on (__syscall_cancel_arch)."""
    version = tuple(map(int, platform.libc_ver(LIBC)[1].split(".")[:2]))
    found = {
        path: [row[1] for row in listed("sites", path) if row[6] == CANCELLATION]
        for path in (MUSL, LIBC)
    }
    assert found == {MUSL: ["-1"], LIBC: ["-1"] if version >= (2, 41) else []}


# -- whole programs, with all of it detoured


def storm(tmp_path, *command, **more):
    report = str(tmp_path / "report")
    answer = run(built("detour_storm"), report, *command, stderr=subprocess.STDOUT, **more)
    with open(report) as lines:
        return answer, {name: int(number) for name, number in map(str.split, lines)}


def masked(text):
    return re.sub(r"0x[0-9a-f]+|[0-9]{6,}", "N", text)


def check_goes_on(tmp_path, command, **more):
    native = run(*command, stderr=subprocess.STDOUT, **more)
    answer, facts = storm(tmp_path, *command, **more)
    assert (answer.returncode, masked(answer.stdout)) == (
        native.returncode,
        masked(native.stdout),
    )
    assert facts["sites"] > 0 and facts["before"] > 0
    assert facts["entries"] > 0 or "static-stripped" in command[0]
    assert facts["wrong_number"] == 0
    return facts


SLOW = {"vec", "vec_fn", "vec_reserved"}
SAME = {"success", "grow"}  # are built in the same ways as alloc
SOME = [p for p in programs() if p.name.split(".")[0] not in SLOW]
SOME = [p for p in SOME if p.name.split(".")[0] not in SAME or "." not in p.name]


@pytest.mark.parametrize("program", SOME, ids=[p.name for p in SOME])
def test_a_target_goes_on_as_ever(tmp_path, program):
    if program.sources[0].endswith(".asm"):
        pytest.skip("no function to detour")
    check_goes_on(tmp_path, program.command)


REAL = [
    ["ls", "-la", "/usr"],
    ["git", "log", "--stat", "-3"],
    ["/usr/bin/python3", "-c", "import json; print(len(json.dumps(list(range(9999)))))"],
    ["perl", "-e", "$h{$_ x 3} = $_ for 1..9999; print join ',', sort keys %h"],
    ["sqlite3", ":memory:", "create table t(a); insert into t values (1), (2); select * from t"],
    ["bash", "-c", "for i in 1 2 3; do ls /usr | sort | wc -l; done; (exit 3)"],
    ["gcc", "-S", "-o", "-", "targets/c/grow.c"],
    ["gdb", "-nx", "-batch", "-ex", "python print(1)"],
]


@pytest.mark.parametrize("command", REAL, ids=[c[0] for c in REAL])
def test_a_real_program_goes_on_as_ever(tmp_path, command):
    assert check_goes_on(tmp_path, command)["entered"] > 500


@pytest.mark.parametrize("way", [["gcc", "-static"], ["musl-gcc"]], ids=["glibc", "musl"])
def test_string_functions_still_tell_the_truth(tmp_path, way):
    """Each against a loop that needs no libc; of glibc also the assembly behind its names."""
    program = str(tmp_path / "strings")
    options = ["-O0", "-fno-builtin", "-D_GNU_SOURCE", "-o", program]
    run(*way, *options, "tests/probes/strings.c", check=True)
    assert check_goes_on(tmp_path, [program])["entered"] > 500000


@pytest.mark.parametrize("name", SECOND)
def test_so_does_one_with_a_second_allocator(tmp_path, name):
    if library(name) is None:
        pytest.skip("no " + name)
    env = dict(os.environ, LD_PRELOAD=library(name))
    check_goes_on(tmp_path, ["git", "log", "--stat", "-3"], env=env)


@pytest.mark.parametrize("name", ["alloc.static", "alloc.musl-static", "grow.static-pie"])
def test_each_system_call_passes_its_hooks_once(tmp_path, name):
    log = str(tmp_path / "log")
    run("strace", "-f", "-o", log, target(name), check=True)
    with open(log) as lines:
        calls = [line for line in lines if "(" in line and " execve(" not in line]
    facts = storm(tmp_path, target(name))[1]
    assert facts["before"] == len(calls)
    assert facts["after"] == len([line for line in calls if "exit_group" not in line])


# -- main


def symbol(path, name):
    text = run("nm", "-C", path, stderr=subprocess.DEVNULL).stdout
    found = re.findall(r"^([0-9a-f]+) [tT] %s$" % re.escape(name), text, re.M)
    return [int(address, 16) for address in found]


BUILT = sorted({p.command[-1] for p in programs()})


@pytest.mark.parametrize("path", BUILT, ids=[os.path.basename(path) for path in BUILT])
def test_main_is_found_where_the_symbol_is(path):
    path = os.path.join(TOP, path)
    rows = listed("main", path)
    if symbol(path, "_start") and not symbol(path, "main"):
        assert rows == [["none"]]
    elif symbol(path, "main"):
        assert [int(rows[0][1], 16)] == symbol(path, "main")
    else:
        assert rows[0][0] == "main"  # stripped


def test_main_is_the_same_without_symbols():
    for name in ("alloc.static", "alloc"):
        stripped = name.replace("alloc.static", "alloc.static-stripped")
        assert listed("main", target(stripped))[0][0] == "main"
        assert listed("main", target(name)) == listed("main", target(name), "--no-symbols")


RUST = [p for p in BUILT if "/vec" in p or "/empty" in p]


@pytest.mark.parametrize("path", RUST, ids=[os.path.basename(path) for path in RUST])
def test_the_main_of_a_rust_program_is_found_unless_it_is_inlined(path):
    variant = os.path.basename(path).split(".")[1:]
    mains = symbol(os.path.join(TOP, path), os.path.basename(path).split(".")[0] + "::main")
    user = listed("main", os.path.join(TOP, path))[1][1]
    if {"lto", "small"} & set(variant) or user == "none":
        assert user == "none"
    elif mains:
        assert [int(user, 16)] == mains


# -- hostile bytes


def test_no_bytes_lead_out_of_bounds(tmp_path):
    parts = "instruction emit move detour branches constants startup".split()
    parts += ["syscall_sites", "syscall_reading", "syscall_detour"]
    program = str(tmp_path / "fuzz")
    run(
        *["gcc", "-O1", "-g", "-Irecorder", "-Irecorder/host", "-Ibuild/recorder", "-o", program],
        "-fsanitize=address,undefined",
        *["-fno-sanitize-recover=all", "recorder/tests/detour_fuzz.c"],
        *["recorder/host/code/%s.c" % part for part in parts],
        "-lZydis",
        check=True,
    )
    for seed in range(3):
        assert run(program, str(seed), "40000", check=True).stdout == "40000 rounds\n"
