"""Budgets at their edges: what a program is called, odd numbers, the peaks of many programs."""

import pytest
from alloctrace.budget import judge, language, scopes
from alloctrace.model import Frame, Module
from command import check_files, check_news
from reports import check_machines, check_words
from start.errors import UserError
from summary_fake import FakeTrace, because, call, frame, loader, user
from test_check import LEAK, check

ABOUT = {"command": "./p", "runs": 1, "engine": "", "trace": None, "see": []}


def told(rule, *runs, strict=False):
    """The record of one judged rule."""
    return check_words.plain(judge.judge(language.read(rule, "f"), runs, strict), ABOUT)


# ---- the language --------------------------------------------------------------------------------


def rule(text):
    (found,) = language.read(text, "f").rules
    return found


@pytest.mark.parametrize(
    "line, said",
    [
        ("main user calls = %s9" % ("0" * 40), "f:1:19: the number is too long"),
        ("main user bytes = 1.%s" % ("0" * 39), "f:1:19: the number is too long"),
        ("runs 00000000100000", "expected: a whole number from 1 to 100"),
        ("status 0000000009999", "expected: a whole number from 0 to 255"),
    ],
)
def test_numbers_of_many_digits(line, said):
    with pytest.raises(language.BudgetError) as error:
        language.read(line, "f")
    assert said in str(error.value)


def test_a_number_that_python_would_not_read():
    with pytest.raises(language.BudgetError, match="too long"):
        language.read("main user calls = " + "9" * 5000, "f")
    assert rule("main user bytes = 1.%s" % ("0" * 38)).number == 1


def test_numbers_of_few_digits_are_taken_as_they_are():
    assert rule("main user calls = 000009").number == 9
    assert language.read("runs 003\nstatus 000000255", "f").status == 255


def test_a_rule_is_told_without_its_comment_and_with_its_quotes():
    text = 'all user for "step #2" calls = 0'
    assert rule(text + "   # why").text == text
    run = scopes.Run(FakeTrace([call(1, size=8)]))
    (row,) = told(text + " # why", run)["rules"]
    assert row["rule"] == text


# ---- which C library -----------------------------------------------------------------------------


def libc(*names):
    trace = FakeTrace([call(1, size=8)], versions={"libc": "glibc 2.36"})
    trace.modules = [
        Module(at, "/lib/" + name, 0, 0, 1, "", "loader" if at == 1 else "library")
        for at, name in enumerate(names)
    ]
    return scopes.Run(trace)


@pytest.mark.parametrize(
    "names, found",
    [
        (("build-musl", "libc.so.6", "ld-linux-x86-64.so.2"), ("glibc", "2.36")),
        (("alloc.musl-static",), (None, None)),
        (("p", "ld-musl-x86_64.so.1"), ("musl", None)),
        (("p", "libc.musl-x86_64.so.1"), ("musl", None)),
        (("p", "libc.so"), ("musl", None)),
        (("p", "ld.so", "libc.so"), (None, None)),
        (("p", "libc-2.31.so"), ("glibc", "2.36")),
    ],
)
def test_the_c_library_is_none_by_the_name_of_a_program(names, found):
    assert libc(*names).libc() == found


def test_a_program_with_its_c_library_inside_is_not_said_to_have_none():
    (row,) = told("all any calls = 0 when musl", libc("alloc.static"))["rules"]
    assert row["why"] == "it is for musl; here is no C library that is loaded"


# ---- peaks ---------------------------------------------------------------------------------------


def family(knows_peaks=True):
    """Program 7 forks 8, which becomes another one. At the run's peak 8 holds 20 of its 100."""
    events = [
        call(1, size=100, tid=8, image=1),
        call(2, "free", ptr=0x3000, block=1, tid=8, image=1),
        call(3, size=20, tid=8, image=1),
        call(4, size=900, tid=7),
    ]
    for event in events:
        event.pid = event.tid
    images = [
        {"index": at, "pid": 7 + at, "path": "/bin/" + name, "command": [name], "t_ns": 2 * at}
        for at, name in enumerate("ab")
    ]
    children = [{"pid": 8, "parent": 7, "image": 0, "t_ns": 1}]
    run = FakeTrace(events, images=images, children=children, pid=7)
    if knows_peaks:
        run.run["peaks"] = run.sums().peaks
    return scopes.Run(run)


def test_the_places_of_a_peak_are_those_of_its_program():
    """A program's own peak, which may lie elsewhere than that of the run."""
    (row,) = told("all any program b peak = 0", family())["rules"]
    assert (row["value"], [site["amount"] for site in row["sites"]]) == (100, [100])
    (row,) = told("all any program a peak = 0", family())["rules"]
    assert (row["value"], [site["amount"] for site in row["sites"]]) == (900, [900])


def test_the_places_of_the_peak_of_a_program_that_was_alone():
    run = scopes.Run(FakeTrace([call(1, size=30), call(2, "calloc", nmemb=1, size=5)]))
    (row,) = told("all any peak = 0", run)["rules"]
    assert (row["value"], [site["amount"] for site in row["sites"]]) == (35, [30, 5])


def test_a_peak_that_nobody_knows_is_not_judged():
    (row,) = told("all any program b peak = 0", family(knows_peaks=False))["rules"]
    assert (row["state"], row["sites"]) == (judge.UNJUDGED, [])


def test_only_less_than_the_budget_is_worth_keeping():
    run = scopes.Run(FakeTrace([call(1, size=8)]))
    for text, strict, kept in (
        ("all any calls = 3", False, True),
        ("all any calls = 3", True, True),
        ("all any calls = 0", True, False),
    ):
        (row,) = told(text, run, strict=strict)["rules"]
        assert ("--update keeps it" in check_words.outcome(row)) == kept
        assert "--update" not in check_words.outcome(dict(row, sites=[])) or kept


# ---- what GitHub shows ---------------------------------------------------------------------------


def test_the_step_summary_quotes_its_cells_once():
    run = scopes.Run(FakeTrace([call(1, size=8), call(2, "calloc", nmemb=1, size=4)]))
    text = check_machines.step_summary(told("all any calls = 0", run))
    assert "malloc ×1, 8 bytes: code without a name<br>calloc ×1, 4 bytes" in text
    hostile = told("all any calls = 0", run)
    hostile["rules"][0]["sites"][0]["name"] = "<b>a|b*"
    text = check_machines.step_summary(hostile)
    assert "&#60;b&#62;a&#124;b\\*" in text and "&amp;" not in text and "\\&" not in text


# ---- the command ---------------------------------------------------------------------------------


def test_an_update_that_cannot_be_runs_nothing(tmp_path):
    budget = ("--budget", "main user calls = 0")
    for words in ((*LEAK, "-f", "b"), (*budget, "--", "touch", "ran")):
        (tmp_path / "b").write_text("main user calls = 0\n")
        done = check(tmp_path, "--update", *words)
        assert done.returncode == 2 and "--update needs a file" in done.stderr
        assert done.stderr.count("\n") == 1 and not (tmp_path / "ran").exists()
    done = check(tmp_path, *budget, "--", "touch", "ran")
    assert done.returncode in (0, 1) and (tmp_path / "ran").exists()


def test_a_base_without_the_program_calls_nothing_new(tmp_path):
    words = ("--base", LEAK[1], "--budget", "all any program alloc calls = 0")
    alloc = LEAK[1].replace("leak", "alloc")
    done = check(tmp_path, "--trace", alloc, *words)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr


def test_a_budget_that_is_too_long_is_not_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(check_files, "MAX_TEXT", 9)
    path = tmp_path / "b"
    path.write_text("runs 3\n\n\n")
    assert check_files.read(str(path)) == "runs 3\n\n\n"
    path.write_text("runs 3\n\n\n\n")
    with pytest.raises(UserError, match="more than 9"):
        check_files.read(str(path))


@pytest.mark.parametrize(
    "verdict, places",
    [
        (user(), ["malloc ×2, 24 bytes: grow a.c:3"]),
        (
            loader("x"),
            ["malloc ×1, 16 bytes for b: grow a.c:3", "malloc ×1, 8 bytes for a: grow a.c:3"],
        ),
    ],
)
def test_a_line_of_the_users_is_one_place_whatever_is_done_there(verdict, places):
    """A list that grows; what the loader does is told by what it is for."""
    calls = [
        call(number, size=size, verdict=verdict, purpose=because(what), stack=5)
        for number, size, what in ((1, 8, "a"), (2, 16, "b"))
    ]
    stacks = {5: (frame("malloc", "system", "libc.so.6"), frame("grow", file="a.c", line=3))}
    run = scopes.Run(FakeTrace(calls, stacks=stacks))
    (row,) = told("all any calls = 0", run)["rules"]
    assert sorted(check_words.sites(row)) == sorted(places)


@pytest.mark.parametrize(
    "ended, said",
    [
        ({"kind": "signalled", "status": 9}, "killed by SIGKILL"),
        ({"kind": "exited", "status": 3}, "exited with 3"),
        ({"kind": "unknown", "status": None}, "how it ended was not seen"),
    ],
)
def test_how_a_program_ended_is_said_in_words(ended, said):
    run = scopes.Run(FakeTrace([call(1, size=8)], exit=ended))
    (row,) = told("all user calls <= 9", run)["rules"]
    assert row["why"] == "the program did not end with status 0: " + said


@pytest.mark.parametrize(
    "frames, wanted",
    [
        ([frame("malloc"), Frame(1, "prog", offset=0x10AE)], "prog+0x10ae"),
        ([frame("malloc"), Frame(1)], "?"),
    ],
)
def test_code_without_a_name_is_told_by_its_offset(frames, wanted):
    assert list(scopes._chain(frames)) == [wanted]
    place = {"name": "malloc", "function": None, "purpose": None}
    other = wanted.replace("10ae", "20ff")  # built anew
    keys = [check_news._key(dict(place, chain=(name,))) for name in (wanted, other)]
    assert keys[0] == keys[1] != check_news._key(dict(place, chain=("other",)))
