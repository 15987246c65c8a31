"""Regions that programs mark (region/, docs/regions.md): which events lie in which."""

import json
import os
import shutil
import subprocess

import pytest
from launching import BRKPOINT, PROBES, ROOT
from making import make
from recorder_runs import ENGINES, traced
from test_check import check

from alloctrace.history import regions
from alloctrace.trace import trace

LINK = ["-I" + ROOT + "/region", "-L" + ROOT + "/build", "-lbrkpoint_region"]
INSIDE = {  # by size, as the probes say
    4100: [],
    4101: ["outer"],
    4102: ["inner"],
    4103: ["outer", "inner"],
    4104: [None],
}


@pytest.fixture(scope="module", autouse=True)
def library():
    make("region")


def build(folder, source="regions.c", *flags):
    path = os.path.join(str(folder), "program")
    compiler = "g++" if source.endswith(".cc") else "gcc"
    command = [compiler, "-O2", "-o", path, os.path.join(PROBES, source), "-pthread", *flags, *LINK]
    subprocess.run(command, check=True)
    return path


def takes(path):
    """[(size, names of the regions, outermost first)] of the probe's own calls, by sequence."""
    with trace.open(path) as opened:
        known = regions.of_run(opened.run)
        return [
            (event.size, names(known, event.region))
            for event in opened.events()
            if event.name == "malloc" and event.size in INSIDE
        ]


def names(known, number):
    found = []
    while number:
        found.insert(0, known[number - 1].name)
        number = known[number - 1].parent
    return found


def are_told(path, count):
    found = takes(path)
    assert [(size, inside) for size, inside in found if INSIDE[size] != inside] == []
    assert len(found) == count


@pytest.mark.parametrize("engine", ENGINES)
def test_nested_unbalanced_and_in_threads(tmp_path, engine):
    program = build(tmp_path)
    words = ["nested", "unbalanced", "recurse", "threads", "nested"]
    are_told(traced(tmp_path, engine, program, *words), 6 + 3 + 202 + 5 + 6)


@pytest.mark.skipif(len(ENGINES) == 1, reason="the recorder is not built")
def test_a_forked_child_goes_on_where_its_parent_was_and_a_program_begins_in_none(tmp_path):
    program = build(tmp_path)
    are_told(traced(tmp_path, "recorder", program, "forks", "nested"), 3 + 6)
    are_told(traced(tmp_path, "recorder", program, "execs"), 6)


def test_a_program_begins_in_none_with_breakpoints(tmp_path):
    are_told(traced(tmp_path, "breakpoints", build(tmp_path), "execs"), 6)


@pytest.mark.parametrize("flags", [["-s", "-flto", "-Wl,--gc-sections"], ["-static-pie", "-flto"]])
def test_however_it_was_linked(tmp_path, flags):
    path = traced(tmp_path, ENGINES[-1], build(tmp_path, "regions.c", *flags), "nested")
    are_told(path, 6)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_scope_of_cplusplus_ends_by_an_exception_too(tmp_path, engine):
    are_told(traced(tmp_path, engine, build(tmp_path, "region_scope.cc")), 3)


@pytest.mark.skipif(not shutil.which("rustc"), reason="no rustc")
def test_a_scope_of_rust(tmp_path):
    program = str(tmp_path / "program")
    source = os.path.join(PROBES, "region_scope.rs")
    command = ["rustc", "-O", "-L", "native=" + ROOT + "/build", "-o", program, source]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    are_told(traced(tmp_path, ENGINES[-1], program), 3)


def test_sums_alone_know_regions(tmp_path):
    path = str(tmp_path / "totals")
    options = ["--quiet", "--keep", "totals", "-o", path]
    subprocess.run([BRKPOINT, *options, build(tmp_path), "nested"], check=True)
    rules = ["all user in region outer calls = 6", "all user in region inner bytes = 8205 B"]
    done = check(
        tmp_path, *(word for rule in rules for word in ("--budget", rule)), "--trace", path
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def nameless(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nameless")
    return traced(folder, ENGINES[-1], build(folder), "nested", "nameless")


@pytest.mark.parametrize(
    "rule, status, told",
    [
        ("main user in region outer calls = 6", 2, "2 in a region without a name that is known"),
        ("main user in region outer calls <= 8", 0, ""),
        ("main user in region outer calls <= 5", 1, "allowed: 5"),
        ("main user in region nowhere calls = 0", 2, "no thread was in a region nowhere"),
        ('main user in "region" in region outer calls = 0', 0, "beneath region"),
    ],
)
def test_a_rule_for_a_region(tmp_path, nameless, rule, status, told):
    done = check(tmp_path, "--budget", rule, "--trace", nameless)
    assert (done.returncode, told in done.stdout) == (status, True), done.stdout


def test_a_name_that_is_no_literal_is_not_guessed(nameless):
    assert (4104, [None]) in takes(nameless)


def test_a_damaged_file_that_linux_runs_ends_nothing(tmp_path):
    """Its table of sections, in which a build id would be looked for, lies behind its end."""
    program = build(tmp_path, "regions.c", "-Wl,--build-id=none")
    with open(program, "r+b") as file:
        file.seek(40)  # e_shoff
        file.write((1 << 40).to_bytes(8, "little"))
    found = takes(traced(tmp_path, ENGINES[-1], program, "nested"))
    assert len(found) == 6 and {size for size, inside in found if inside == INSIDE[size]}


NOTE_OF_DATA = """
__asm__(".section .note.brkpoint, \\"a\\", @note\\n.p2align 2\\n.long 9, 8, 1\\n"
        ".asciz \\"brkpoint\\"\\n.p2align 2\\n.long data - .\\n.long data + 4 - .\\n.text\\n");
volatile int data[] = {4241, 4243};
int main(void) { return data[0] == 4241 && data[1] == 4243 ? 5 : 1; }
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_a_note_that_points_at_data_changes_none(tmp_path, engine):
    program = str(tmp_path / "program")
    subprocess.run(["gcc", "-o", program, "-xc", "-"], input=NOTE_OF_DATA, text=True, check=True)
    words = [BRKPOINT, "--quiet", "--engine", engine, "-o", tmp_path / "trace", program]
    assert subprocess.run(words).returncode == 5


def test_twin_nobody_marks(tmp_path):
    """With BRKPOINT_NO_REGIONS nothing is to be linked with, and no event is in a region."""
    program = str(tmp_path / "program")
    source = os.path.join(PROBES, "regions.c")
    flags = ["-DBRKPOINT_NO_REGIONS", "-I" + ROOT + "/region", "-pthread"]
    subprocess.run(["gcc", "-O2", "-o", program, source, *flags], check=True)
    found = takes(traced(tmp_path, ENGINES[-1], program, "nested"))
    assert len(found) == 6 and all(inside == [] for _, inside in found)


def test_nothing_happens_where_nobody_watches():
    """A call of it is three instructions, none of which touches memory."""
    command = ["objdump", "-d", "--no-show-raw-insn", ROOT + "/build/libbrkpoint_region.a"]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    told = [line.split("\t")[1].split()[0] for line in said.splitlines() if "\t" in line]
    assert told[:3] == told[-3:] == ["endbr64", "nopl", "ret"]  # between them is padding
    assert set(told) <= {"endbr64", "nopl", "ret", "nop", "xchg", "cs", "nopw", "data16"}


def test_the_evaluator_asks_for_nothing_in_an_evaluation(tmp_path):
    """By the evaluator's own budget; the twin nests too deep for the stack, and is seen."""
    make("evaluator-tests")
    place = ROOT + "/evaluator/tests"
    done = check(place, "--json")
    assert done.returncode == 0, done.stderr
    assert [rule["state"] for rule in json.loads(done.stdout)["rules"]] == ["kept"] * 2
    twin = ROOT + "/build/evaluator-tests/region_test"
    rule = "all any in region evaluation syscalls = 0"
    done = check(place, "--budget", rule, "-o", str(tmp_path / "trace"), "--", twin, "deep")
    assert done.returncode == 1, done.stdout + done.stderr
