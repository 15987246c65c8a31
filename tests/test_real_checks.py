"""The checks of tests/real/, each with what it must find and what it must let pass."""

import os
import subprocess
import sys

import pytest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "real"))
import checks  # noqa: E402
import counts  # noqa: E402
import programs  # noqa: E402
import runs  # noqa: E402
import table  # noqa: E402

ROW = {"pid": 7, "parent": None, "program": "/bin/a"}
REPORT = {"complete": True, "events_lost": 0, "processes": [ROW]}


def seen(kind="plain", alone=None, watched=None, **more):
    program = programs.Program("a", "a", kind=kind, mask=("[0-9]+",))
    facts = dict({"report": dict(REPORT)}, **more)
    runs_ = [dict({"status": 0, "cpu": 1.0}, **(one or {})) for one in (alone, watched)]
    return checks.Seen(program, *(runs.Run(**one) for one in runs_), **facts)


def of_processes(*rows_):
    return {"report": dict(REPORT, processes=list(rows_))}


def names(*args, **more):
    return {name for name, _ in checks.complaints(seen(*args, **more))}


def test_nothing_to_complain_of():
    assert names() == set()


@pytest.mark.parametrize(
    "check, wrong, right",
    [
        ("ends", {"watched": {"hung": ["a R 1.0 s"]}}, {}),
        ("ends_as_alone", {"watched": {"status": 1}}, {"watched": {"status": 0}}),
        ("ends_as_alone", {"alone": {"status": -6}},
         {"alone": {"status": -6}, "watched": {"status": 134}}),
        ("says_as_alone", {"watched": {"stdout": b"b"}}, {"watched": {"client": b"b"}}),
        ("says_as_alone", {"watched": {"stderr": b"b"}},
         {"alone": {"stderr": b"7 b"}, "watched": {"stderr": b"11 b"}}),
        ("is_complete", {"report": dict(REPORT, complete=False)}, {}),
        ("is_complete", {"report": dict(REPORT, events_lost=1)}, {}),
        ("is_complete", {"report": None}, {}),
        ("is_complete", {"troubles": ["report: status 1"]}, {}),
        ("has_no_negative_number", {"report": dict(REPORT, phases=[{"end_ns": -1}])},
         {"report": dict(REPORT, phases=[{"rss_bytes_grown": -1, "mapped_bytes_grown": -1}])}),
        ("has_no_negative_number", {"report": dict(REPORT, totals=[{"name": "mmap", "bytes": -1}])},
         {"report": dict(REPORT, totals=[{"name": "brk", "bytes": -1}])}),
        ("is_narrow", {"text": "x" * 81}, {"text": "é" * 80}),
        ("is_short", {"text": "x\n" * 101}, {"text": "x\n" * 100}),
        ("has_a_tree_of_processes", of_processes(ROW, ROW), {}),
        ("has_a_tree_of_processes", of_processes(ROW, dict(ROW, pid=8, parent=9)),
         of_processes(ROW, dict(ROW, pid=8, parent=7))),
        ("has_a_tree_of_processes", of_processes(dict(ROW, program="")), {}),
        ("counts_as_strace", {"strace": [{"brk": 1}] * 2, "syscalls": [{"brk": 2}]},
         {"strace": [{"brk": 1}, {"brk": 2}], "syscalls": [{"brk": 3}]}),
        ("counts_as_the_counter", {"counter": [{"free": 1}] * 2, "calls": [{"free": 0}]},
         {"counter": [{"free": 1}] * 2, "calls": [{"free": 0}, {"free": 1}]}),
        ("costs_little", {"watched": {"cpu": 3.6}}, {"watched": {"cpu": 3.4}}),
        ("costs_little", {"kind": "children", "watched": {"cpu": 10.6}},
         {"kind": "children", "watched": {"cpu": 10.4}}),
        ("leaves_nothing", {"watched": {"left": ["gdb"]}},
         {"alone": {"left": ["daemon"]}, "watched": {"left": ["daemon"]}}),
        ("leaves_nothing", {"watched": {"files": {"tmp/x"}}},
         {"alone": {"files": {"tmp/x"}}, "watched": {"files": {"tmp/x"}}}),
        ("leaves_nothing", {"strangers": ["/dev/shm/brkpoint"]}, {}),
        ("stops_it_shortly", {"kind": "attach", "gaps": (3.0, 54.0)},
         {"kind": "attach", "gaps": (3.0, 52.0)}),
        ("stops_it_shortly", {"kind": "attach", "gaps": (3.0, None)}, {}),
    ],
)  # fmt: skip
def test_each_check_and_its_twin(check, wrong, right):
    count = {"syscalls": "strace", "calls": "counter"}
    for ours, theirs in count.items():  # plain dicts are easier to read than Counters
        for facts in (wrong, right):
            for name in {ours, theirs} & set(facts):
                facts[name] = [counts.Counter(one) for one in facts[name]]
    assert names(**wrong) == {check}
    assert check not in names(**right)


def test_a_witness_that_did_not_run_says_nothing():
    assert checks.agreed([]) == checks.agreed([counts.Counter(a=1)]) == {}
    assert checks.agreed([counts.Counter(a=1), None]) == {}


def test_an_strace_log_counts_beginnings():
    lines = ["7 brk(NULL) = 0x1", "8 mmap(NULL <unfinished ...>", "8 <... mmap resumed>) = 2"]
    lines += ["7 read(3, brk(", "7 +++ exited with 0 +++"]
    assert counts.in_strace_log(lines) == {"brk": 1, "mmap": 1}


# ---- the box -------------------------------------------------------------------------------------


def boxed(tmp_path, *words, limit="20"):
    result = str(tmp_path / "result.json")
    box = [sys.executable, programs.HERE + "/box.py", result, limit, "-", "A=b c", "--", *words]
    done = subprocess.run(box, stdout=subprocess.PIPE, text=True, check=True)
    with open(result, encoding="ascii") as file:
        return table.json.load(file), done.stdout


def test_the_box_gives_status_output_and_environment(tmp_path):
    found, out = boxed(tmp_path, "sh", "-c", 'echo "$A"; exit 7')
    assert (found["status"], found["left"], found["hung"], out) == (7, [], None, "b c\n")
    assert boxed(tmp_path, "sh", "-c", "kill -9 $$")[0]["status"] == -9


def test_the_box_counts_the_time_of_orphans(tmp_path):
    work = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"
    alone = boxed(tmp_path, "sh", "-c", work)[0]["cpu"]
    orphan = boxed(tmp_path, "sh", "-c", "(%s) & " % work)[0]["cpu"]
    assert orphan > alone / 3 and orphan > 2 * boxed(tmp_path, "true")[0]["cpu"]


def test_the_box_names_what_is_left_and_ends_it(tmp_path):
    found, _ = boxed(tmp_path, "sh", "-c", "setsid sleep 331 & exec true")
    assert found["left"] == ["sleep"]
    assert subprocess.run(["pgrep", "-f", "^sleep 331$"]).returncode == 1


def test_the_box_says_what_hangs(tmp_path):
    found, _ = boxed(tmp_path, "sh", "-c", "sleep 337; true", limit="0.5")
    assert found["status"] == -9
    assert [text.split()[0] for text in found["hung"]] == ["sh", "sleep"]
    assert subprocess.run(["pgrep", "-f", "^sleep 337$"]).returncode == 1


# ---- the rows and the table --------------------------------------------------------------------


def test_each_row_of_the_data_has_what_it_needs():
    rows = programs.read()
    assert len(rows) > 50
    assert {row.kind for row in rows} == set(programs.KINDS)
    for row in rows:
        assert not row.input or os.path.isdir(os.path.join(programs.INPUTS, row.input)), row.name
        assert bool(row.asks) == (row.kind == "attach"), row.name
        assert row.packages or row.run.startswith(("/bin/", "ls ", "sh ")), row.name
    with open(os.path.join(programs.ROOT, "setup.packages"), encoding="utf-8") as file:
        known = {line.split(" : ")[0] for line in file}
    assert not {name for row in rows for name in row.packages.split()} - known


def test_a_row_with_a_mistake_is_refused(tmp_path):
    path = tmp_path / "programs.ini"
    path.write_text("[DEFAULT]\ncompare = stdout\nwitnesses =\nkind = odd\n[a]\nrun = a\n")
    with pytest.raises(ValueError, match="odd"):
        programs.read(path)


def rows():
    """One that holds, one that fails, one left out, one that could not be run."""
    both = seen(), seen(text="x\n" * 101)
    found = [table.row(one.program, one, checks.complaints(one)) for one in both]
    left_out = table.skipped(both[0].program, "no a|b")
    return [*found, left_out, table.broken(both[0].program, OSError("odd"))]


def test_the_table_says_what_holds_fails_and_is_left_out():
    assert table.tally(rows()) == "4 programs: 1 hold, 2 fail, 1 skipped"
    lines = ["\n".join(table.text_of(row)) for row in rows()]
    assert lines[0].endswith("holds") and "FAILS\n    ! 101 lines" in lines[1]
    assert "skipped: no a|b" in lines[2] and "! OSError: odd" in lines[3]


def test_the_page_keeps_all_but_its_table(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n%s\nformer\n%s\nafter\n" % (table.BEGIN, table.END))
    for _ in range(2):
        table.write_page(rows(), "Measured here.", page)
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "former" not in text
    assert text.count("Measured here.") == 1 and "no a\\|b" in text
