"""Programs and libraries that lie in memory as other linkers lay them out: names, stacks and phases
of both engines, and an allocator of their own. elf/code_files.py decides what lies where."""

import os
import shutil
import subprocess

import pytest
import recorder_runs
from engine_runs import compile_c
from target_programs import ROOT, brkpoint

from alloctrace.trace import trace

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=recorder_runs.NOT_BUILT)

PROBES = os.path.join(ROOT, "tests", "probes")
ENGINES = ("breakpoints", "recorder")
LLD, MOLD, BFD = ["clang", "-fuse-ld=lld"], ["mold", "-run", "gcc"], ["gcc"]
LAYOUTS = {
    "lld": LLD,
    "lld-static": [*LLD, "-static"],  # below 2 MiB there is no room for the recorder's code
    "lld-no-pie": [*LLD, "-no-pie", "-DOWN"],
    "lld-own": [*LLD, "-DOWN"],
    "mold": [*MOLD, "-DOWN"],
    "mold-2M": [*MOLD, "-Wl,-z,max-page-size=2097152"],
    "one-segment": [*BFD, "-Wl,-z,max-page-size=65536", "-Wl,-z,noseparate-code", "-DOWN"],
    "odd-pie": [*BFD, "-Wl,-Ttext-segment=0x12347000"],
    "two-texts": [*BFD, "-no-pie", "-Wl,--section-start=.apart=0x900000", "-DAPART"],
}
WHOLE = ["give", "main", "__libc_start_call_main", "__libc_start_main", "_start"]


def made(folder, layout, *flags, source="layout.c", name="program"):
    command = LAYOUTS.get(layout, BFD)
    if not shutil.which(command[0]) or command[:2] == LLD and not shutil.which("ld.lld"):
        pytest.skip("no linker for " + layout)
    path = str(folder / name)
    words = [*command, *flags, "-g", "-O1", "-fno-builtin", os.path.join(PROBES, source)]
    subprocess.run([*words, "-o", path], check=True)
    return path


def seen(folder, engine, *command):
    """[(phase, origin, names on the stack)] of the mallocs of 1103 bytes; the report."""
    path = str(folder / (engine + ".brkpoint"))
    done = brkpoint("run", "--force", "--engine", engine, "-o", path, "--", *command)
    assert done.returncode == 0, done.stderr
    with trace.open(path) as t:
        assert t.run["complete"], done.stderr
        rows = [e for e in t.events() if e.size == 1103 and e.name == "malloc" and e.outer is None]
        assert not any(t.cut(e.stack) for e in rows)
        stacks = [[frame.function for frame in t.stack(e.stack)] for e in rows]
    return [(e.phase, e.verdict.origin, names) for e, names in zip(rows, stacks)], done.stderr


@pytest.mark.parametrize("layout", LAYOUTS)
def test_programs(tmp_path, layout):
    program = made(tmp_path, layout)
    for engine in ENGINES:
        ((phase, origin, names),), report = seen(tmp_path, engine, program)
        assert (phase, origin) == ("main", "user")
        assert names[0].endswith("malloc") and names[1:] in (WHOLE, [*WHOLE[:2], *WHOLE[3:]])
        assert "stripped" not in report and "main  the program's own" in report


@pytest.mark.parametrize("layout", ["lld-own", "mold"])
def test_a_library_in_several_namespaces(tmp_path, layout):
    library = made(tmp_path, layout, "-shared", "-fPIC", "-Wl,-Bsymbolic", name="lib.so")
    host = made(tmp_path, "plain", source="layout_host.c", name="host")
    for engine in ENGINES:
        found, _ = seen(tmp_path, engine, host, "library", library, "3")
        assert found == [("main", "user", ["malloc", "give", "library", *WHOLE[1:]])] * 3


def test_text_that_was_moved_to_anonymous_memory(tmp_path):
    host = made(tmp_path, "plain", source="layout_host.c", name="host")
    for engine in ENGINES:
        found, _ = seen(tmp_path, engine, host, "moved")
        assert found == [("main", "user", ["malloc", "give", "moved", *WHOLE[1:]])]


def test_a_file_that_has_no_name_any_more(tmp_path):
    """Its functions cannot be named afterwards, and the report says so; its stacks are whole."""
    host = made(tmp_path, "plain", source="layout_host.c", name="host")
    program = made(tmp_path, "lld")
    for engine in ENGINES:
        ((phase, _, names),), report = seen(tmp_path, engine, host, "memory", program)
        assert phase == "main" and len(names) == len(WHOLE) + 1
        assert names[1:3] == [None, None] and "not named" in report


def test_twin_a_file_that_was_replaced_is_not_taken_for_the_one_that_runs(tmp_path):
    program = made(tmp_path, "lld")
    for engine in ENGINES:
        host = made(tmp_path, "plain", source="layout_host.c", name="host")
        by = shutil.copy(program, str(tmp_path / "by"))
        ((_, _, names),), report = seen(tmp_path, engine, host, "replaced", by)
        assert names[1:4] == [None] * 3 and "has changed since it ran" in " ".join(report.split())


def test_twin_one_without_a_build_id_that_was_replaced(tmp_path):
    """When it was written tells it from the one that has its name now, and the same layout."""
    for name in ("former", "later"):
        source = "#include <stdlib.h>\nvoid %s(void) { free(malloc(1103)); }\n" % name
        source += "int main(void) { %s(); return 0; }\n" % name
        compile_c(tmp_path, source, "-Wl,--build-id=none", name=name)
    script = "cd '%s' && cp former it && ./it && cp later it && ./it && :" % tmp_path
    path = str(tmp_path / "t.brkpoint")
    done = brkpoint("run", "--engine", "recorder", "-o", path, "/bin/sh", "-c", script)
    assert "has changed since it ran" in " ".join(done.stderr.split())
    with trace.open(path) as t:
        asked = [e for e in t.events() if e.size == 1103 and e.name == "malloc"]
        names = [t.stack(event.stack)[1].function for event in asked]
    assert names == [None, "later"]
