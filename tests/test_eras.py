"""Eras: what is compared and how it is told, over cells made by hand and two that were recorded."""

import json
import os

import pytest
from made_eras import cell, entry, eras, library

from eras import changes, debian, facts, figures, plan, comparison
from reports import ink as inks
from reports.eras import markdown, page, text, words

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "eras")
FILE = "FILE object of fopen"


def recorded(era):
    with open(os.path.join(DATA, era + ".json"), encoding="utf-8") as file:
        return json.load(file)


def told(before, after):
    return words.sentences(changes.between(before, after))


# ---- the plan ------------------------------------------------------------------------------------


def test_the_plan_has_every_era_and_a_name_for_each_cell():
    found = plan.read(["rustup-1.2"])
    assert [era.name for era in found.eras][:3] == ["debian-11", "debian-12", "debian-13"]
    names = [one.name for one in found.cells]
    assert len(set(names)) == len(names) > 100
    assert {"debian-11/rust-empty@rustc-web", "musl/c-empty"} <= set(names)
    assert "debian-12/grow@jemalloc" in names
    assert "debian-13/rust-vec@rustup-1.2" in names
    assert not any(name.startswith("musl/rust") for name in names)
    for one in found.cells:
        assert os.path.exists(os.path.join(os.path.dirname(DATA), "..", "..", one.target.source))


def test_words_choose_cells():
    found = plan.read()
    assert [c.name for c in found.chosen(["debian-12/c-empty"])] == ["debian-12/c-empty"]
    assert {c.era.name for c in found.chosen(["musl"])} == {"musl"}
    assert {c.compiler for c in found.chosen(["rustc-mozilla"])} == {"rustc-mozilla"}
    assert len(found.chosen([])) == len(found.cells)
    with pytest.raises(plan.PlanError, match="no cell is named nothing"):
        found.chosen(["nothing"])


def test_data_that_is_wrong_is_named(tmp_path):
    for name in ("eras", "targets", "allocators"):
        (tmp_path / (name + ".ini")).write_text("")
    assert plan.read(folder=str(tmp_path)).cells == []
    (tmp_path / "targets.ini").write_text("[x]\nsource = a\n")
    with pytest.raises(plan.PlanError, match="x has no line 'group'"):
        plan.read(folder=str(tmp_path))
    (tmp_path / "targets.ini").write_text("[../x]\n")
    with pytest.raises(plan.PlanError, match="is no name"):
        plan.read(folder=str(tmp_path))


# ---- where packages come from --------------------------------------------------------------------


def test_mirrors_are_those_of_this_machines_apt():
    said = (
        "https://mirror.example/debian/ main Debian\n"
        "https://mirror.example/debian-security/ main Debian-Security\n"
        "https://mirror.example/debian/ contrib Debian\n\n"
    )
    assert debian.mirrors_in(said) == ["https://mirror.example/debian"]
    assert debian.mirrors_in("") == []


def test_options_are_proxies_and_clocks_alone():
    said = 'APT "";\nAcquire::http::Proxy "http://p:3142/";\nAcquire::Languages "";\n'
    said += 'Acquire::Check-Valid-Until "false";\nDPkg::Post-Invoke "rm -rf x";\n'
    assert debian.options_in(said) == [
        '--aptopt=Acquire::http::Proxy "http://p:3142/"',
        '--aptopt=Acquire::Check-Valid-Until "false"',
    ]


# ---- what changed --------------------------------------------------------------------------------


def test_a_size_that_changed_is_told():
    assert told(cell("a", entry(FILE, 552)), cell("b", entry(FILE, 472))) == [
        "FILE object of fopen: 552 → 472 bytes."
    ]
    assert told(cell("a", entry(FILE, 552)), cell("b", entry(FILE, 552))) == []


def test_what_came_and_what_went_is_told_with_who_asked():
    said = told(cell("a", entry("name", 5)), cell("b", entry("table", 544)))
    assert said == [
        "calls 1 → 1 (the same): name -1, table +1.",
        "gone: name (malloc 5 B; runtime (Rust), asked by std).",
        "came: table (malloc 544 B; runtime (Rust), asked by std).",
    ]


def mapped(name, count):
    more = {"kind": "syscall", "name": "mmap", "origin": "loader", "library": name, "crate": None}
    return entry(name + ": code", 4096, count=count, sizes=[[4096, count]], owner=None, **more)


def test_a_library_that_is_gone_is_told_with_where_its_functions_are():
    before = cell("a", mapped("libx.so.1", 4), libraries=[library("libx.so.1"), library("libc")])
    before["bindings"] = {"x_open": "libx.so.1", "x_close": "libx.so.1", "puts": "libc"}
    after = cell("b", libraries=[library("libc")], bindings={"x_open": "libc", "puts": "libc"})
    said = " ".join(told(before, after))
    assert "brk/mmap 4 → 0 (-4): libx.so.1 -4." in said
    assert "libx.so.1 is gone, and with it 4 mmaps and no calls" in said
    assert "of 2 symbols that were taken from it 1 is in libc now (x_open)." in said
    after["bindings"] = {}
    assert "nobody asks any more for what was taken from it" in " ".join(told(before, after))


def test_segments_of_a_library_are_told_where_they_differ():
    pair = [cell("a", mapped("libc", 3)), cell("b", mapped("libc", 5))]
    for one, segments in zip(pair, (2, 4)):
        one["libraries"] = [library("libc", segments)]
    assert "libc is mapped by 5 mmaps in place of 3: it has 4 segments, and had 2." in told(*pair)
    pair[1] = dict(pair[0], era="b")
    assert told(*pair) == []


@pytest.mark.parametrize("key", ["calls", "brk_mmap"])
def test_accounts_add_up(key):
    account = changes.between(recorded("debian-11"), recorded("debian-12"))[key]
    assert account["before"] != account["after"]
    assert adds_up(account)
    account["rows"].pop()
    assert not adds_up(account)


def adds_up(account):
    rows = sum(row["after"] - row["before"] for row in account["rows"])
    return rows == account["after"] - account["before"]


def test_recorded_eras_are_explained():
    """As it was found by hand in both: 25 and 16 brk and mmap, 33 and 24 calls of the loader."""
    before, after = recorded("debian-11"), recorded("debian-12")
    assert figures.of(before)["brk_mmap"] == 25 and figures.of(after)["brk_mmap"] == 16
    assert figures.of(before)["calls"]["loader"] == 33
    assert figures.of(after)["calls"]["loader"] == 24
    said = " ".join(told(before, after))
    assert "brk/mmap 25 → 16 (-9): libpthread.so.0 -5, libdl.so.2 -4." in said
    assert "16 are in libc.so.6 now" in said
    found = comparison.of(plan.read(), {told["cell"]: told for told in (before, after)}, "today")
    assert words.verdict(found) == (
        "2 cells in 2 eras. rust-empty changed most, from debian-11 to debian-12: 25 → 16 brk/mmap."
    )
    assert "came: pthread_attr_t's extension" in said
    assert "libdl.so.2 is gone, and with it 4 mmaps and 3 calls" in said


# ---- facts and figures ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "functions, crate",
    [
        (["malloc", "alloc::alloc::alloc", "std::rt::init", "main"], "std"),
        (["malloc", "<alloc::vec::Vec<u8>>::push", "mine::run"], "mine"),
        (["fopen", "std[3c1c0]::io::open"], "std"),
        (["malloc", "main"], None),
    ],
)
def test_the_crate_that_asked(functions, crate):
    assert facts.crate(functions) == crate


def test_figures_tell_before_in_and_after_main():
    rows = [entry("a", 5), entry("b", 7, phase="main"), entry("c", 0, phase="exit", name="free")]
    rows.append(entry("d", 9, origin="loader", phase="load"))
    parts = figures.of(cell("a", *rows))["parts"]
    assert [parts[name]["calls"] for name in figures.PARTS] == [1, 1, 0]
    assert parts["before main"]["bytes"] == 5  # without the loader's


# ---- the report ----------------------------------------------------------------------------------


def forms(found):
    return text.render(found), markdown.render(found), page.render(found)


def test_every_form_tells_the_change_and_what_has_no_result():
    known = eras("a", "b", "c")
    results = {
        one["cell"]: one for one in (cell("a", entry(FILE, 552)), cell("b", entry(FILE, 472)))
    }
    results["c/one"] = {"state": "failed", "why": "it cannot be built: no gcc", "versions": {}}
    found = comparison.of(known, results, "today")
    assert json.loads(json.dumps(found)) == found
    for form in forms(found):
        assert "552 → 472" in form and "no gcc" in form and "1 cell failed" in form
    del results["c/one"]
    assert found["without"] != comparison.of(known, results, "today")["without"]
    assert "failed" not in text.render(comparison.of(known, results, "today"))


def test_every_form_tells_each_purpose_in_each_era():
    owners = [entry("table", 544), entry("table", 7, owner="C")]
    results = {
        one["cell"]: one
        for one in (cell("a", entry(FILE, 472), entry(FILE, 472)), cell("b", *owners))
    }
    found = comparison.of(eras("a", "b"), results, "today")
    assert [(p["owner"], p["what"], p["eras"]) for p in found["targets"][0]["purposes"]] == [
        ("C", "table", {"b": {"count": 1, "bytes": 7}}),
        ("Rust", FILE, {"a": {"count": 2, "bytes": 944}}),
        ("Rust", "table", {"b": {"count": 1, "bytes": 544}}),
    ]
    rows = [line.split("  ") for line in text.render(found).splitlines() if "2: 944 B" in line]
    assert [[word.strip() for word in row if word] for row in rows] == [
        ["runtime (Rust)", "call", FILE, "2: 944 B", "·"]
    ]
    for form in forms(found):
        assert "one: what for" in form and "2: 944 B" in form


def test_names_from_programs_are_no_markup():
    hostile = "<script>alert(1)</script> | [x](y) \x1b[31m"
    found = comparison.of(
        eras("a", "b"),
        {"a/one": cell("a"), "b/one": cell("b", entry(hostile, 5, crate=hostile))},
        "today",
    )
    plain, marked, html = forms(found)
    assert "\x1b" not in plain + marked + html
    assert "<script>" not in html and "<script>" not in marked
    assert "alert(1)" in plain and "alert(1)" in html


def test_the_json_keeps_its_schema():
    schema = pytest.importorskip("jsonschema")
    top = os.path.dirname(os.path.dirname(os.path.dirname(DATA)))
    with open(os.path.join(top, "docs", "schema", "eras.json"), encoding="utf-8") as file:
        wanted = json.load(file)
    known = plan.read()
    cells = [recorded(era) for era in ("debian-11", "debian-12")]
    found = comparison.of(known, {told["cell"]: told for told in cells}, "today")
    schema.validate(found, wanted)
    assert found["rust"][0]["figures"] and found["targets"]
    assert max(map(inks.cells, text.render(found).splitlines())) <= 80
    del found["targets"][0]["cells"][0]["state"]
    with pytest.raises(schema.ValidationError):
        schema.validate(found, wanted)
