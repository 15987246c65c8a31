"""The page as a file: its policy, its data, its numbers, whatever the target is called."""

import html
import json
import re
import subprocess

import pytest

import made_pages
from alloctrace.summary import chosen, summary
from alloctrace.trace import trace
from reports import json_report
from reports.page import data, document, fit, windows
from summary_fake import FakeTrace, call

TOP = made_pages.os.path.dirname(made_pages.os.path.dirname(made_pages.os.path.abspath(__file__)))


@pytest.fixture(scope="module")
def hostile():
    return made_pages.page_of(made_pages.hostile_trace())


@pytest.fixture(scope="module")
def small():
    return made_pages.page_of(made_pages.small_trace())


@pytest.fixture(scope="module")
def long():
    with trace.open(made_pages.long()) as recorded:
        record = summary.summarise(recorded)
        yield record, data.of(record, recorded), document.render(record, recorded), recorded


def policy(page):
    return re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page).group(1)


def allows(page):
    """Whether the policy lets the page's own script and style run."""
    script = page[page.rindex("<script>") + 8 : page.rindex("</script>")]
    style = re.search("<style>(.*?)</style>", page, re.S).group(1)
    return all("'%s'" % made_pages.hash_of(text) in policy(page) for text in (script, style))


def test_the_policy_allows_this_script_and_this_style_alone(small):
    assert policy(small).startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy(small)
    assert allows(small)
    changed = small.replace("function grouped", "function  grouped", 1)
    assert changed != small and not allows(changed)


@pytest.mark.parametrize(
    "path, typed",
    [
        ("/a b/$(id).brkpoint", "'/a b/$(id).brkpoint'"),
        ("/" + 99 * "long/" + "a.brkpoint", "/" + 99 * "long/" + "a.brkpoint"),
        ("a.1.brkpoint", "a.1.brkpoint"),  # the twin: nothing to quote
    ],
)
def test_its_commands_name_the_trace_as_one_types_it(path, typed):
    recorded = made_pages.small_trace()
    recorded.path = path
    page = made_pages.page_of(recorded)
    assert made_pages.data_of(page)["trace"] == typed
    assert "<code>brkpoint report %s --json</code>" % html.escape(typed) in page


def test_the_page_needs_nothing_else(small):
    assert not re.search(r"<(link|img|iframe|object|embed|base|form)\b", small)
    assert not re.search(r"\b(src|href)\s*=\s*[\"'](?!#)", small)
    assert not re.search(r"\son\w+=", re.sub("<script>.*?</script>", "", small, flags=re.S))


def test_every_file_of_the_page_is_joined_into_it(small):
    here = document._HERE
    files = [n for n in made_pages.os.listdir(here) if n.endswith((".js", ".css"))]
    assert sorted([*files, "vendor/d3.js"]) == sorted(document.SCRIPTS + document.STYLES)
    assert all("/* %s */" % name in small for name in files)


@pytest.mark.parametrize(
    "word", ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "fetch("]
)
def test_the_script_makes_no_markup_of_text(word):
    script = document.joined(document.SCRIPTS)
    assert word not in script and "textContent" in script


def test_names_are_no_markup(hostile):
    assert hostile.count("<script") == hostile.count("</script>") == 2
    assert "<img" not in hostile and "<b onmouseover" not in hostile
    assert "\u202e" not in hostile and "\x1b" not in hostile and "\udcff" not in hostile
    assert allows(hostile)
    assert len(hostile) < 400000  # of a name of a megabyte the beginning


def test_data_end_no_element():
    text = document.as_data({"a": "</script><!--&", "b": "\u2028"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"a": "</script><!--&", "b": "\u2028"}


def test_what_is_cut_says_so():
    assert fit.fit("x" * 401) == "x" * 400 + "… (401 characters)"
    assert fit.fit({"a": ["y" * 400, 3, None]}) == {"a": ["y" * 400, 3, None]}


def test_the_record_is_that_of_json(small):
    recorded = made_pages.small_trace()
    told = json.loads(json_report.render(summary.summarise(recorded)))
    assert made_pages.data_of(small)["summary"] == told
    for number in (3, 1009, 1481):
        assert str(number) in small


def test_an_incomplete_run_says_so_first():
    more = {"complete": False, "incomplete_because": "gdb died", "events_lost": 7}
    page = made_pages.page_of(made_pages.small_trace(**more))
    assert 0 < page.index('class="banner"') < page.index("<h1")
    assert "7 events lost" in page and "gdb died" in page
    assert 'class="banner"' not in made_pages.page_of(made_pages.small_trace()).split("<script")[0]


def test_blocks_are_replayed_by_the_rules_of_the_history(small):
    memory = made_pages.data_of(small)["memory"]
    assert memory["left"] == [1481, 0, 0, 0, 17]
    assert memory["temporary"] == [0, 0, 1009, 0, 0]
    assert memory["peak"] == [1481, 0, 1009, 0, 0]
    assert memory["live"] == {"loader": [1481] * 5, "user": [0, 0, 1009, 0, 17]}


def test_without_events_there_is_a_page_of_sums():
    page = made_pages.page_of(made_pages.small_trace(keep="totals"))
    facts = made_pages.data_of(page)
    assert facts["events"]["seq"] == [] and facts["bins"] is None
    assert facts["summary"]["totals"]
    assert sections(page) == ["strip", "matrix", "sites", "flame", "closing"]  # none is empty


def sections(page):
    return re.findall('<section id="([a-z]+)"', page)


def test_each_panel_is_there_where_it_has_something_to_show(small, long):
    there = sections(small)
    assert there == ["strip", "card", "memory", "matrix", "sites", "flame", "events", "closing"]
    assert sections(long[2]) == there


def test_processes_that_are_listed_below_are():
    events = [call(0, size=1009), call(1, size=17)]
    events[1].pid = events[0].pid + 1
    recorded = FakeTrace(events, pid=events[0].pid, keep="totals")
    page = made_pages.page_of(recorded, process=str(events[0].pid))
    assert "1 other process (listed below)" in page
    listed_ = page[page.index('<table id="processes-table">') :].split("</table>")[0]
    assert "× 2 *" in listed_  # both are alike
    assert 'id="processes-table"' not in made_pages.page_of(made_pages.small_trace())


@pytest.mark.parametrize("mode, said", [("attached", True), (None, False)])
def test_an_attached_run_says_so(mode, said):
    page = made_pages.page_of(made_pages.small_trace(mode=mode))
    assert ("brkpoint attached to this program while it was running" in page) is said


# ---- a run too long for its page -----------------------------------------------------------------


def test_bins_count_every_event(long):
    record, facts, *_ = long
    told, counted = {}, {}
    for row in record["totals"]:
        key = row["origin"], row["phase"], row["kind"]
        told[key] = told.get(key, 0) + row["count"]
    for row in facts["bins"]["series"]:
        counted[row["origin"], row["phase"], row["kind"]] = sum(row["n"])
        assert row["program"] == ""  # there is one alone
    assert not facts["whole"]
    assert counted == told


def test_leaves_tell_places_phases_and_programs_apart():
    recorded = made_pages.small_trace()
    for event in recorded._events[4:]:
        event.pid = 8
    record = summary.summarise(recorded)
    told = record["sites"][:1]  # the others are not told apart
    packed = data._Packer(recorded)
    rows = packed.leaves(recorded.sums().groups, None, chosen.at_peak(record), told)["rows"]
    found = {(row[0], *row[2:6]) for row in rows}
    assert found == {
        (0, "loader", "load", "7.0", 1481),
        (-1, "user", "main", "7.0", 1009),
        (-1, "user", "main", "8.0", 17),
    }


def test_bins_tell_programs_apart_where_there_are_several():
    groups = made_pages.small_trace().sums().groups
    assert {row.program for row in windows._Counts(groups, None, 1)._series[1:]} == {""}
    recorded = made_pages.small_trace()
    recorded._events[4].pid = 8
    several = windows._Counts(recorded.sums().groups, None, 1)._series
    assert {row.program for row in several[1:]} == {"7.0", "8.0"}


def test_leaves_and_rest_hold_every_allocation(long, monkeypatch):
    record, facts, *_ = long
    column = facts["leaves"]["names"].index("bytes")
    told = record["allocated"]["bytes"]
    assert sum(row[column] for row in facts["leaves"]["rows"]) == told > 0
    monkeypatch.setattr(data, "NODES", 3)
    few = data._Packer(long[3]).leaves(
        long[3].sums().groups, None, chosen.at_peak(record), record["sites"]
    )["rows"]
    assert sum(row[column] for row in few) == told
    assert any(row[1] == -1 for row in few)


def test_windows_hold_their_events_and_no_others(long):
    record, facts, *_ = long
    inside = [seq for first, last in facts["ranges"] for seq in range(first, last + 1)]
    assert facts["events"]["seq"] == inside
    assert 1000 < len(inside) < record["events"]
    syscalls = [n for n, row in enumerate(facts["kinds"]["rows"]) if row[0] == "syscall"]
    shown = [seq for seq, kind in zip(inside, facts["events"]["kind"]) if kind in syscalls]
    assert len(shown) == record["causes"]["syscalls"] == 12  # all of them, with their calls
    made_by = [
        c for c, kind in zip(facts["events"]["cause"], facts["events"]["kind"]) if kind in syscalls
    ]
    assert set(made_by) <= set(inside)


def test_a_long_run_has_a_small_page(long):
    assert len(long[2]) < 1 << 20


@pytest.mark.parametrize(
    "ranges, found",
    [
        ([(5, 9), (1, 2)], [[1, 2], [5, 9]]),
        ([(1, 4), (5, 9), (3, 7)], [[1, 9]]),
        ([], []),
    ],
)
def test_ranges_that_touch_are_joined(ranges, found):
    assert windows.merged(ranges) == found


# ---- the command ---------------------------------------------------------------------------------


def brkpoint(*words):
    command = ["/usr/bin/python3", "-B", TOP + "/brkpoint", *words]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_report_writes_the_page(tmp_path):
    path = made_pages.long_trace(str(tmp_path / "a.brkpoint"), 3)
    page = tmp_path / "a.html"
    done = brkpoint("report", path, "--html", str(page))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert allows(page.read_text())
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.brkpoint", "a.html"]


def test_report_wants_one_name(tmp_path):
    path = made_pages.long_trace(str(tmp_path / "a.brkpoint"), 3)
    done = brkpoint("report", path, "--html", str(tmp_path / "a.html"), "-o", "b")
    assert done.returncode == 2 and not (tmp_path / "a.html").exists()


@pytest.mark.parametrize("option", ["--html", "-o"])
def test_a_trace_is_not_overwritten_by_its_report(tmp_path, option):
    path = made_pages.long_trace(str(tmp_path / "a.brkpoint"), 3)
    with open(path, "rb") as file:
        before = file.read()
    done = brkpoint("report", option, path)
    assert done.returncode == 2 and "brkpoint report %s %s FILE" % (path, option) in done.stderr
    with open(path, "rb") as file:
        assert file.read() == before
    other = tmp_path / "b.brkpoint"
    other.write_text("no trace")
    assert brkpoint("report", path, option, str(other)).returncode == 0  # twin
    assert other.read_text() != "no trace"


def test_report_to_where_nothing_can_be_written(tmp_path):
    path = made_pages.long_trace(str(tmp_path / "a.brkpoint"), 3)
    done = brkpoint("report", path, "--html", str(tmp_path / "no" / "a.html"))
    assert done.returncode == 125 and done.stderr.count("\n") == 1
    assert "cannot write" in done.stderr


def test_a_damaged_trace_is_one_line(tmp_path):
    path = made_pages.long_trace(str(tmp_path / "a.brkpoint"), 3)
    with open(path, "r+b") as file:
        file.truncate(9000)
    done = brkpoint("report", path, "--html", str(tmp_path / "a.html"))
    assert done.returncode == 125 and done.stderr.count("\n") == 1
    assert not (tmp_path / "a.html").exists()


def test_explain_has_the_programs_status_and_names_its_page(tmp_path):
    trace_path = str(tmp_path / "x.brkpoint")
    done = brkpoint("explain", "--no-open", "-o", trace_path, "/bin/false")
    assert done.returncode == 1, done.stderr
    assert str(tmp_path / "x.html") in done.stderr
    page = (tmp_path / "x.html").read_text()
    assert allows(page) and made_pages.data_of(page)["summary"]["exit"]["status"] == 1


def test_explain_spares_a_page_that_is_there(tmp_path):
    (tmp_path / "x.html").write_text("mine")
    words = ("explain", "--no-open", "-o", str(tmp_path / "x.brkpoint"), "/bin/true")
    done = brkpoint(*words)
    assert done.returncode == 125 and "x.html exists already" in done.stderr
    assert (tmp_path / "x.html").read_text() == "mine" and not (tmp_path / "x.brkpoint").exists()
    assert brkpoint(words[0], "--force", *words[1:]).returncode == 0
    assert (tmp_path / "x.html").read_text() != "mine"


def test_explain_of_nothing_is_a_wrong_command_line():
    done = brkpoint("explain", "--verify", "/bin/true")
    assert done.returncode == 2 and "--verify" in done.stderr
