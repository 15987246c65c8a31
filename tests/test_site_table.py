"""Places: what became of their memory, offsets where no line is known, and their table."""

import json
import os
import re
import shutil
import subprocess

import pytest
import target_programs
from alloctrace.model import Frame, Verdict
from alloctrace.summary.summary import summarise
from alloctrace.trace import trace
from reports import quantities, site_table, tables, text
from reports.ink import Ink, cells
from reports.page import data, panels
from summary_fake import FakeTrace, because, call, frame, loader

TRACES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "traces")
USERS = Verdict("user", None, (), True, 0, "user function", "frame")


def sites(*events, **more):
    return summarise(FakeTrace(events, **more))["sites"]


def freed(seq, block):
    return call(seq, "free", block=block, ptr=16 * block)


# ---- temporary and peak --------------------------------------------------------------------------


def test_what_is_freed_at_once_is_temporary():
    (site,) = sites(call(1, size=100), freed(2, 1), call(3, size=7))
    assert (site["temporary_blocks"], site["temporary_bytes"]) == (1, 100)
    assert site_table.temporary(site) == "50 %"
    assert site["by_purpose"][0]["temporary_bytes"] == 100


def test_twin_of_what_is_freed_later_nothing_is():
    (site,) = sites(call(1, size=100), call(2, size=7), freed(3, 1))
    assert (site["temporary_blocks"], site_table.temporary(site)) == (0, "")


def test_who_held_the_peak():
    stacks = {1: (frame("f", file="a.c", line=3),), 2: (frame("g", file="a.c", line=9),)}
    held = call(1, size=500, stack=1, verdict=USERS)
    later = call(3, size=400, stack=2, verdict=USERS)
    found = sites(held, freed(2, 1), later, stacks=stacks)
    assert [(row["function"], row["peak_bytes"]) for row in found] == [("f", 500), ("g", 0)]


def test_of_a_program_among_others_at_its_own_peak(tmp_path):
    """A shell's child holds nothing at the peak of the whole; at its own it holds its all."""
    path = str(tmp_path / "t.brkpoint")
    done = target_programs.brkpoint("-o", path, "--quiet", "sh", "-c", "ls /; ls /")
    assert done.returncode == 0, done.stderr
    with trace.open(path) as opened:
        if len(opened.run["children"]) < 2:
            pytest.skip("children are followed by the recorder alone")
        for pid in [child["pid"] for child in opened.run["children"]]:
            record = summarise(opened, process=str(pid))
            assert sum(row["peak_bytes"] for row in record["sites"]) == record["peak_bytes"] > 0
        whole = summarise(opened)
        assert sum(row["peak_bytes"] for row in whole["sites"]) == whole["peak_bytes"]
    query = "select sum(peak_bytes), sum(temporary_blocks) from sites"
    said = target_programs.brkpoint("sql", path, query).stdout
    assert said.split()[-2:] == [
        str(whole["peak_bytes"]),
        str(sum(row["temporary_blocks"] for row in whole["sites"])),
    ]


def test_twin_a_trace_from_before_is_read(tmp_path):
    """Their tables lack the newest columns."""
    with trace.open(os.path.join(TRACES, "leak.brkpoint")) as opened:
        record = summarise(opened)
        assert record["sites"] and list(opened.sites())
    assert sum(row["peak_bytes"] for row in record["sites"]) == record["peak_bytes"]


# ---- places without a line -----------------------------------------------------------------------


def at(offset, line=None, function="main", start=0x1100):
    file = "shop.c" if line else None
    return Frame(
        offset, "a.out", "/x/a.out", "executable", offset, function, file, line, start=start
    )


def two(*frames, verdict=USERS):
    stacks = {number: (each,) for number, each in enumerate(frames, 1)}
    return sites(*[call(n, size=n, stack=n, verdict=verdict) for n in stacks], stacks=stacks)


def test_without_lines_places_of_a_function_are_told_apart_by_offset():
    found = two(at(0x1110), at(0x1130))
    assert [(row["offset"], row["distance"]) for row in found] == [("0x1130", 48), ("0x1110", 16)]
    assert [site_table.in_full(row) for row in found] == ["main+0x30", "main+0x10"]
    assert site_table.in_full(two(at(0x1110, start=None))[0]) == "main a.out+0x1110"


def test_twin_with_lines_by_these():
    (site,) = two(at(0x1110, 7), at(0x1130, 7))
    assert (site["count"], site["offset"], site_table.in_full(site)) == (2, None, "main shop.c:7")


def test_twin_of_the_loader_a_function_says_enough():
    (site,) = two(at(0x1110), at(0x1130), verdict=loader("main"))
    assert (site["count"], site["offset"]) == (2, None)


def test_a_program_without_lines_is_not_one_row(tmp_path):
    source = tmp_path / "shop.c"
    source.write_text(
        "#include <stdlib.h>\n"
        "int main(void) { for (int i = 0; i < 101; i++) { malloc(17); free(malloc(1009)); } }\n"
    )
    words = ["gcc", "-O0", "-fno-builtin", "-o", str(tmp_path / "shop"), str(source)]
    subprocess.run(words, check=True)
    path = str(tmp_path / "t.brkpoint")
    assert target_programs.brkpoint("-o", path, "--quiet", str(tmp_path / "shop")).returncode == 0
    with trace.open(path) as opened:
        found = [row for row in summarise(opened)["sites"] if row["function"] == "main"]
    sums = [(row["count"], row["live_blocks"], row["temporary_blocks"]) for row in found]
    assert sums == [(101, 0, 101), (101, 101, 0)]


# ---- the table -----------------------------------------------------------------------------------


def test_the_place_is_what_is_cut_last():
    ink = Ink(80)
    assert ink.fit_place("open_session", "shop.c:56", 30) == "open_session shop.c:56"
    assert ink.fit_place("open_session", "shop.c:56", 20) == "open_sess… shop.c:56"
    assert ink.fit_place("open_session", "shop.c:56", 12) == "shop.c:56"
    assert ink.fit_place("shop::open_session", "shop.rs:56", 24) == "open_session shop.rs:56"
    assert ink.fit_place("f", "a_very_long_name.c:1234", 12) == "…name.c:1234"
    assert ink.fit_place("main", "+0x1f", 12) == "main+0x1f"
    for width in range(8, 40):
        assert cells(ink.fit_place("open_session", "a_long_name.c:1234", width)) <= width


def test_no_title_is_cut_and_no_number():
    head = ["where", "a long title", "times"]
    rows = [["x" * 90, "y" * 90, "1,234,567"]]
    first, second = tables.lines(head, rows, Ink(80), "llr")
    assert "a long title" in first and second.endswith("1,234,567") and cells(second) <= 80


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_page(width):
    name = "a_name_that_is_long_enough_to_be_cut"
    stacks = {1: (frame(name, file="a_file.cc", line=1072),)}
    purposes = [because("a Vec that grows for the longest sentence of all"), because("other")]
    events = [
        call(n, size=10**8, stack=1, verdict=USERS, purpose=purpose)
        for n, purpose in enumerate(purposes, 1)
    ]
    recorded = FakeTrace(events, stacks=stacks)
    page = text.render(summarise(recorded), recorded, width, events=False, unicode=True)
    assert all(cells(line) <= width for line in page.splitlines())
    assert "a_file.cc:1072" in page and "several: 50 % a Vec that grows" in page


# ---- the page ------------------------------------------------------------------------------------


def test_a_large_run_stays_within_a_hundred_lines():
    """With many names, places, processes and warnings: tables give way, and say so."""
    names = ("malloc", "calloc", "realloc", "reallocarray", "memalign", "valloc", "pvalloc")
    kinds = [(name, who) for name in names for who in (USERS, loader("x"))]
    stacks, events = {}, []
    for number in range(1, 141):
        name, who = kinds[number % len(kinds)]
        stacks[number] = (frame("f%d" % number, file="a.c", line=number),)
        why = because("a thing of number %d" % number)
        events.append(call(number, name, size=number, stack=number, verdict=who, purpose=why))
    notes = ["note %s is of its own kind" % (chr(97 + n) * 9) for n in range(8)]
    page = text.render(summarise(FakeTrace(events, stacks=stacks, notes=notes)), FakeTrace(), 80)
    lines = page.splitlines()
    assert len(lines) <= text.LINES and max(map(cells, lines)) <= 80
    assert "of 140 with most bytes" in page


def test_a_long_command_is_told_whole():
    words = ["perl", "-e", "print join ' ', map { $_ * 2 } grep { $_ % 3 } 1 .. 1000", "a" * 30]
    page = text.render(summarise(FakeTrace(command=words)), FakeTrace(), 80, unicode=True)
    first, second, third = page.splitlines()[:3]
    assert first.startswith("perl -e 'print join") and second.endswith("a" * 30)
    assert third == "· exited with status 0"


def test_twin_an_endless_one_is_cut_and_a_short_one_has_one_line():
    page = text.render(summarise(FakeTrace(command=["x" * 1000])), FakeTrace(), 80, unicode=True)
    lines = page.splitlines()
    assert lines[2].endswith("…") and lines[3] == "· exited with status 0"
    page = text.render(summarise(FakeTrace(command=["ls"])), FakeTrace(), 80, unicode=True)
    assert page.startswith("ls · exited with status 0\n")


def test_a_place_takes_the_room_that_its_purpose_leaves():
    name = "a_function_with_a_name_of_its_own"
    stacks = {1: (frame(name, "loader"),), 2: (frame("short", "loader"),)}
    long_one = because("a purpose that needs all of its column")
    events = [
        call(1, size=1, stack=1, verdict=loader("x"), purpose=because("few words")),
        call(2, size=2, stack=2, verdict=loader("x"), purpose=long_one),
    ]
    page = text.render(
        summarise(FakeTrace(events, stacks=stacks)), FakeTrace(events, stacks=stacks)
    )
    assert name in page and long_one.text in page
    assert max(map(cells, page.splitlines())) <= 80


def test_sizes_of_tables_have_three_figures():
    sizes = [0, 1023, 1024, 10200, 102300, 1048064, 5 << 40]
    shown = ["0 B", "1023 B", "1 KiB", "10 KiB", "99.9 KiB", "1 MiB", "5 TiB"]
    assert [quantities.short_size(size) for size in sizes] == shown
    assert quantities.short_size(239514) == "234 KiB" and quantities.size(239514) == "233.9 KiB"


PLACES = [  # function, module, file, line, offset, distance; how it is written
    ("main", "a.out", None, None, "0x4999", 0x3E9, "main+0x3e9"),
    ("main", "a.out", None, None, "0x4999", None, "main a.out+0x4999"),
    ("malloc", "a.out", None, None, "0x4999", 0, "malloc"),
    ("main", "a.out", "/x/a.c", 12, None, None, "main a.c:12"),
    ("main", "a.out", None, None, None, None, "main"),
    (None, "a.out", None, None, "0x4999", None, "a.out+0x4999"),
    (None, None, None, None, "0x4999", None, "?+0x4999"),
]


def test_a_place_is_written_alike_in_page_and_report():
    names = (*data.SITE, "written")
    rows = []
    for function, module, file, line, offset, distance, written in PLACES:
        values = (function, module, file, line, offset, "user", distance, None, written)
        rows.append(dict(zip(names, values)))
    assert [panels.place(row) for row in rows] == [row["written"] for row in rows]
    assert [site_table.in_full(row) for row in rows] == [row["written"] for row in rows]
    assert panels.place(dict(rows[3], origin="loader")) == "main a.c:12"  # where reports are brief
    if not shutil.which("node"):
        pytest.skip("no node to run the script of the page")
    with open(target_programs.ROOT + "/reports/page/run.js", encoding="utf-8") as file:
        function = re.search(r"^function placeOf.*?^}", file.read(), re.M | re.S)[0]
    script = "%s; console.log(JSON.stringify(%s.map(placeOf)))" % (function, json.dumps(rows))
    done = subprocess.run(["node", "-e", script], stdout=subprocess.PIPE, check=True)
    assert json.loads(done.stdout) == [row["written"] for row in rows]


def test_a_long_name_is_shown_by_what_says_most():
    name = "llvm::Map<llvm::Key<%s>>::grow" % ", ".join(["unsigned long"] * 9)
    row = {"function": name, "module": "a.out", "file": None, "line": None, "offset": "0x4999"}
    row.update(origin="user", distance=0x1F, short=data.short_of(name))
    assert row["short"] == "llvm::Map<…>::grow" and panels.place(row) == "llvm::Map<…>::grow+0x1f"
    assert data.short_of("main") is None and data.short_of(None) is None
