"""The scripts of trace-scripts/, beside the tools whose answers they give."""

import ast
import json
import os
import re
import shutil
import stat
import subprocess
import sys

import pytest

import target_programs
from target_programs import ROOT

sys.path.append(os.path.join(ROOT, "trace-scripts"))
from brkpoint_trace import inspection, libraries, silence  # noqa: E402

FOLDER = os.path.join(ROOT, "trace-scripts")
SCRIPTS = ("count-syscalls", "cross-check", "inspect", "list-calls", "list-maps")
PROGRAMS = {program.name: program.command for program in target_programs.programs()}
NAMES = ("alloc", "alloc.no-plt", "alloc.static", "success.stripped", "empty", "empty.stripped")


def path(name):
    if name not in PROGRAMS:
        pytest.skip("not built: " + name)
    return os.path.join(ROOT, *PROGRAMS[name])


def run(*command, **options):
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=300, **options
    )


def script(name, *more, **options):
    return run(os.path.join(FOLDER, name), *more, **options)


def needs(*tools):
    return pytest.mark.skipif(not all(map(shutil.which, tools)), reason="no " + ", ".join(tools))


# ---- all of them --------------------------------------------------------------------------------


def test_these_are_all_scripts():
    files = [n for n in os.listdir(FOLDER) if os.path.isfile(os.path.join(FOLDER, n))]
    assert sorted(files) == sorted(SCRIPTS)
    with open(os.path.join(ROOT, "Makefile"), encoding="utf-8") as file:
        named = re.search(r"trace_scripts = \$\(addprefix trace-scripts/,(.*)\)", file.read())[1]
    assert named.split() == sorted(SCRIPTS)  # so that lint sees them


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_help_is_the_docstring(name):
    file = os.path.join(FOLDER, name)
    assert os.stat(file).st_mode & stat.S_IXUSR
    with open(file, encoding="utf-8") as source:
        doc = ast.get_docstring(ast.parse(source.read()))
    done = script(name, "--help")
    assert done.returncode == 0 and doc in done.stdout
    assert doc.startswith(name + " - ") and "EXAMPLE" in doc and "SEE ALSO" in doc
    assert "--json" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("name", SCRIPTS)
def test_bad_input_is_one_line(name, tmp_path):
    wanted = {"/nonexistent": (127, 125), "/": (126, 125)}
    for word, statuses in wanted.items():
        done = script(name, word)
        assert done.returncode in statuses and done.stderr.count("\n") == 1, done.stderr
        assert "Traceback" not in done.stderr
    assert script(name).returncode == 2
    hostile = tmp_path / "bad\x1bname"
    hostile.write_bytes(b"\x7fELF" + b"\xff" * 200)
    hostile.chmod(0o755)
    done = script(name, str(hostile))
    assert done.returncode in (0, 125, 126) and "\x1b" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


@needs("strace", "ltrace")
@pytest.mark.parametrize("name", ["count-syscalls", "list-calls", "list-maps"])
def test_output_of_the_program_is_kept_apart(name, tmp_path):
    text = '7 brk(NULL) = 0x5 <unfinished ...>\n7 malloc(3) = 0x9\n{"counts": {}}\n'
    done = script(name, "--json", "/bin/echo", text)
    assert text in done.stderr and text not in done.stdout
    record = json.loads(done.stdout)
    assert record["command"] == ["/bin/echo", text]
    out = tmp_path / "out"
    done = script(name, "--json", "-o", str(out), "/bin/echo", text)
    assert done.stdout == text + "\n" and set(json.loads(out.read_text())) == set(record)


# ---- count-syscalls -----------------------------------------------------------------------------


@needs("strace", "setarch")
@pytest.mark.parametrize("name", ["grow", "thread", "trim", "vec"])
def test_counts_equal_straces_own_summary(built, name):
    """strace -c counts by itself; these programs make no children. Two runs, at the same addresses:
    how much glibc cuts off an arena, and so how often, depends on where it comes to lie."""
    same = ("setarch", "-R")
    counted = run(*same, os.path.join(FOLDER, "count-syscalls"), "--json", path(name))
    record = json.loads(counted.stdout)
    names = ",".join(record["counts"])
    flags = ["-f", "-qq", "-c", "-U", "calls,name", "-o", "/dev/stderr", "-e", "trace=" + names]
    table = run(*same, "strace", *flags, path(name)).stderr
    rows = [line.split() for line in table.splitlines()]
    theirs = {row[1]: int(row[0]) for row in rows if len(row) == 2 and row[1] in record["counts"]}
    assert {n: c for n, c in record["counts"].items() if c} == theirs
    assert sum(map(sum, (thread.values() for thread in record["threads"]))) == sum(theirs.values())


@needs("strace")
def test_twin_the_articles_pipeline_misses_mremap(built):
    record = json.loads(script("count-syscalls", "--json", path("grow")).stdout)
    assert record["counts"]["mremap"] == 11 and record["counts"]["munmap"] > 0
    other = json.loads(script("count-syscalls", "--json", path("reserve")).stdout)
    assert other["counts"]["mremap"] == 0


@needs("strace")
def test_the_status_is_the_programs(built):
    assert script("count-syscalls", "/bin/sh", "-c", "exit 7").returncode == 7
    assert script("count-syscalls", path("crash")).returncode == 139
    done = script("count-syscalls", "/bin/sh", "-c", "/bin/true & wait")
    assert "of processes that the program made" in done.stdout


# ---- list-calls ---------------------------------------------------------------------------------


@needs("ltrace")
@pytest.mark.parametrize("name", ["alloc", "alloc.no-plt", "alloc.now", "edges", "empty", "vec"])
def test_silence_is_foretold(built, name, tmp_path):
    """Of the functions that the file says plain ltrace would not show, it shows none."""
    functions, advice = silence.of_file(path(name))
    log = tmp_path / "log"
    run("ltrace", "-o", str(log), path(name))
    shown = {line.split("(")[0] for line in log.read_text(errors="replace").splitlines()}
    told = {f.name for f in functions if f.shown}
    assert shown & {f.name for f in functions} <= told
    assert bool(told & shown) == (name in ("alloc", "alloc.now", "edges"))
    assert ("-x" in advice) == any(not f.shown for f in functions)


@needs("ltrace")
def test_calls_that_plain_ltrace_does_not_show(built):
    record = json.loads(script("list-calls", "--json", path("alloc.no-plt")).stdout)
    assert record["counts"] == {"malloc": 1} and record["plain_ltrace"] == 0
    assert [row["slots"] for row in record["functions"]] == [["GLOB_DAT"]]
    record = json.loads(script("list-calls", "--json", path("alloc")).stdout)
    assert record["counts"] == {"malloc": 1} and record["plain_ltrace"] == 1
    assert [row["slots"] for row in record["functions"]] == [["JUMP_SLOT"]]


def test_a_static_program_is_refused_with_advice(built):
    done = script("list-calls", path("alloc.static"))
    assert done.returncode == 125 and "static" in done.stderr and "brkpoint" in done.stderr


# ---- inspect ------------------------------------------------------------------------------------


@needs("size", "nm", "ldd")
@pytest.mark.parametrize("name", NAMES)
def test_inspect_says_what_binutils_say(built, name):
    file = path(name)
    record = json.loads(script("inspect", "--json", file).stdout)
    assert record["bytes"] == os.path.getsize(file)
    numbers = run("size", file).stdout.splitlines()[1].split()[:3]
    assert list(map(int, numbers)) == [record["size"][n] for n in ("text", "data", "bss")]
    assert record["symbols"]["symtab"] == len(run("nm", file).stdout.splitlines())
    assert record["symbols"]["dynsym"] == len(run("nm", "-D", file).stdout.splitlines())
    theirs = re.findall(r"(\S+) => (/\S+)", run("ldd", file).stdout)
    ours = {row["name"]: row["path"] for row in record["libraries"]}
    assert all(os.path.samefile(ours[n], p) for n, p in theirs)
    assert ("static" in record["kind"]) == (not ours) == ("static" in name)


@needs("objdump")
@pytest.mark.parametrize("name", ["alloc", "alloc.static", "success_asm"])
def test_instructions_that_ask_the_kernel(built, name):
    record = inspection.inspect(path(name))
    code = run("objdump", "-d", path(name)).stdout
    assert record["asks"]["syscall"] == len(re.findall(r"\tsyscall", code))
    assert bool(record["asks"]["syscall"]) == (name != "alloc")
    without = inspection.inspect(path(name), disassemble=False)["asks"]["syscall"]
    assert without == (0 if name == "alloc" else None)  # the bytes prove absence only


def test_strip_would_take_what_it_takes(built, tmp_path):
    if not shutil.which("strip"):
        pytest.skip("no strip")
    copy = str(tmp_path / "copy")
    shutil.copy(path("alloc"), copy)
    told = inspection.inspect(copy)
    subprocess.run(["strip", copy], check=True)
    after = inspection.inspect(copy)
    assert not told["stripped"] and after["stripped"]
    assert after["strip"] == {"symbols": 0, "debug": 0} and sum(told["strip"].values()) > 0
    assert told["bytes"] - after["bytes"] >= sum(told["strip"].values())


def test_hostile_caches(tmp_path):
    with open(libraries.CACHE, "rb") as file:
        good = file.read()
    assert libraries.read_cache()["libc.so.6"]
    for size in list(range(0, 200, 7)) + [len(good) // 2]:
        cut = tmp_path / "cache"
        cut.write_bytes(good[:size])
        libraries.read_cache(str(cut))
    (tmp_path / "cache").write_bytes(good[:48] + b"\xff" * 5000)
    assert libraries.read_cache(str(tmp_path / "cache")) == {}
    assert libraries.read_cache(str(tmp_path / "none")) == {}
