"""Budgets: their language, and whether recorded runs kept them. Starts no program but brkpoint."""

import json
import os
import subprocess
import xml.etree.ElementTree as xml

import pytest
from alloctrace.budget import judge, language, rewrite, scopes
from alloctrace.trace import trace

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def stored(name):
    return os.path.join(TOP, "tests/data/traces/%s.brkpoint" % name)


EXAMPLE = """
run  ./a.out --small   # a comment
runs 3                                   # noise only adds: the least of three counts
main user             calls  = 0
init runtime:C++      bytes <= 72 KiB
load loader           syscalls <= 30  when glibc 2.36
all  any              peak  <= 1.2 MiB +5%
all  user in parse_line calls <= 12
all user in "operator==" for "stdout's buffer" program cc1 live-bytes<=3KiB when musl
"""


def test_the_example_of_the_manual():
    budget = language.read(EXAMPLE, "f")
    assert (budget.run, budget.runs, budget.status) == (["./a.out", "--small"], 3, 0)
    rules = budget.rules
    assert [(r.metric, r.exact, r.number) for r in rules[:2]] == [
        ("calls", True, 0),
        ("bytes", False, 73728),
    ]
    assert (rules[1].owner, rules[2].when, rules[3].percent) == ("C++", ("glibc", "2.36"), 5)
    assert rules[3].limit == rules[3].number * 105 // 100
    assert rules[4].function == "parse_line"
    last = rules[5]
    assert (last.function, last.purpose, last.program) == ("operator==", "stdout's buffer", "cc1")
    assert (last.number, last.when) == (3072, ("musl", None))
    assert [r.text[slice(*r.span)] for r in rules] == ["0", "72 KiB", "30", "1.2 MiB", "12", "3KiB"]


MISTAKES = [
    ("noon user calls = 0", 1, "unknown word noon"),
    ("main usr calls = 0", 6, "unknown word usr"),
    ("main user:x calls = 0", 6, "unknown word user:x"),
    ("main user call = 0", 11, "unknown word call"),
    ("main user calls == 0", 18, "whole number"),
    ("main user calls = 0 KiB", 21, "unknown unit KiB"),
    ("main user bytes <= 72 kB", 23, "B, KiB, MiB, GiB"),
    ("main user bytes <= 99999999999999 GiB", 20, "too large"),
    ("main user calls = 99999999999999999999", 19, "too large"),
    ("main user bytes <= 1.5", 20, "number of bytes"),
    ("main user calls <= 1.5", 20, "whole number"),
    ("main user calls = -1", 19, "whole number"),
    ('main user in "f calls = 0', 14, "not closed"),
    ("main user in f in g calls = 0", 16, "in twice in one rule; expected: once"),
    ("main user in region a in region b calls = 0", 23, "region twice"),
    ("main user in", 13, "a function, or region and its name"),
    ("main user for x calls = 0", 15, "quotes"),
    ("main user peak <= 3", 11, "all before it"),
    ("all any peak <= 3 +5", 19, "+N%"),
    ("all any peak <= 3 when bionic", 24, "glibc, musl"),
    ("main user", 10, "ends here"),
    ("main user calls", 16, "= or <="),
    ("main user calls = 0 0", 21, "end of the line"),
    ("runs 0", 6, "from 1 to 100"),
    ("runs 3 4", 8, "too much"),
    ("status 256", 8, "from 0 to 255"),
    ("run", 4, "a program"),
    ('run "x', 5, "shell"),
    ("\x1b[31m", 1, "unknown word"),
]


@pytest.mark.parametrize("line, column, said", MISTAKES)
def test_a_mistake_has_its_line_and_column(line, column, said):
    with pytest.raises(language.BudgetError) as error:
        language.read("# first\n" + line, "f")
    assert (error.value.line, error.value.column) == (2, column)
    assert said in str(error.value) and str(error.value).startswith("f:2:%d: " % column)


def test_twice_the_same_rule():
    with pytest.raises(language.BudgetError, match="twice: f has it on line 1"):
        language.read("main user calls = 0\nmain  user  calls <= 9", "f")
    for line, word in (("run ./a", "run"), ("runs 2", "runs"), ("status 0", "status")):
        with pytest.raises(language.BudgetError, match="^f:3:1: %s twice: line 1 has it" % word):
            language.read("%s\n\n%s" % (line, line), "f")
    budget = language.read("runs 2", "f")
    budget.add("runs 5", "--budget")  # the twin: the command line may say otherwise
    assert budget.runs == 5
    text = "main user calls = 0\nmain user calls <= 9 when musl\nmain user in f calls = 1"
    assert len(language.read(text, "f").rules) == 3


# ---- judging -------------------------------------------------------------------------------------


def judged(rules, *names, strict=False, change=None):
    """{rule: verdict} of the stored traces."""
    traces = [trace.open(stored(name)) for name in names]
    try:
        runs = [scopes.Run(one) for one in traces]
        for run in runs:
            run.run.update(change or {})
        verdicts = judge.judge(language.read(rules, "f"), runs, strict)
        return {verdict["rule"].text: verdict for verdict in verdicts}
    finally:
        for one in traces:
            one.close()


def state(rule, *names, **more):
    return judged(rule, *(names or ("leak",)), **more)[rule]["state"]


def totals(name, **wanted):
    """From the table `totals` of the trace, which budgets do not read."""
    with trace.open(stored(name)) as recorded:
        rows = list(recorded.totals())
    return [sum(r[k] for r in rows if wanted.items() <= r.items()) for k in ("count", "bytes")]


def test_values_are_those_of_the_trace():
    count, size = totals("leak", origin="user", phase="main", kind="call")
    for rule, value in (("main user calls = 0", count), ("main user bytes = 0 B", size)):
        assert judged(rule, "leak")[rule]["value"] == value
    count, _ = totals("leak", origin="loader", kind="syscall")
    assert judged("all loader syscalls = 0", "leak")["all loader syscalls = 0"]["value"] == count
    with trace.open(stored("leak")) as recorded:
        peak, live = recorded.sums().peak["bytes"], list(recorded.blocks())
    found = judged("all any peak = 0\nall any live = 0\nall any live-bytes = 0", "leak")
    wanted = [peak, len(live), sum(block.size for block in live)]
    assert [verdict["value"] for verdict in found.values()] == wanted


def test_states():
    count, _ = totals("leak", origin="user", phase="main", kind="call")
    rule = "main user calls = %d"
    assert state(rule % count) == judge.KEPT
    assert state(rule % (count - 1)) == judge.BROKEN
    assert state(rule % (count + 1)) == judge.BETTER
    assert state(rule % (count + 1), strict=True) == judge.BROKEN
    assert state("main user calls <= %d" % (count + 1), strict=True) == judge.KEPT
    assert state("main user calls <= %d +100%%" % ((count + 1) // 2)) == judge.KEPT
    assert state("main user calls = 0 when musl") == judge.SKIPPED
    assert state("main user in main calls <= 0") == judge.BROKEN
    assert state("main user in nowhere calls = 0") == judge.KEPT
    assert state("all any program nobody calls = 0") == judge.UNJUDGED


DOUBTS = [
    {"complete": False},
    {"complete": False, "events_lost": 3},
    {"exit": {"kind": "exited", "status": 1}},
    {"exit": {"kind": "signalled", "status": 11}},
    {"calls_hooked": False},
]


@pytest.mark.parametrize("change", DOUBTS)
def test_what_was_not_seen_whole_is_never_kept(change):
    assert state("all any calls <= 1000000", change=change) == judge.UNJUDGED
    assert state("all any calls <= 1", change=change) == judge.BROKEN  # more cannot make it less


def test_what_may_be_the_users_is_not_taken_for_nothing():
    assert state("all user syscalls = 0", "stripped-static") == judge.UNJUDGED
    assert judged("all user calls = 0", "leak")["all user calls = 0"]["state"] == judge.BROKEN


def test_the_least_of_several_runs_counts():
    few, many = (totals(name, phase="main", kind="call")[0] for name in ("alloc", "leak"))
    rule = "main any calls <= %d" % few
    assert few < many and state(rule, "leak") == judge.BROKEN
    found = judged(rule, "leak", "alloc")[rule]
    assert (found["state"], found["value"], found["values"]) == (judge.KEPT, few, [many, few])


def test_a_broken_rule_names_its_places():
    (place, *_) = judged("main user calls = 0", "leak")["main user calls = 0"]["places"]
    assert (place["function"], os.path.basename(place["file"])) == ("main", "leak.c")
    assert place["chain"][-1].startswith("main leak.c:")


def test_an_update_rewrites_numbers_alone():
    text = "main user  calls = 99  # why\nall any bytes <= 1 GiB +5%\nmain user in x calls = 0\n"
    verdicts = list(judged(text, "leak").values())
    new, changes = rewrite.updated(text, verdicts)
    count, size = (
        totals("leak", origin="user", phase="main", kind="call")[0],
        totals("leak", kind="call")[1],
    )
    assert new == text.replace("99", str(count)).replace("1 GiB", "%d B" % size)
    assert [(old, number) for _, old, number in changes] == [
        ("99", str(count)),
        ("1 GiB", "%d B" % size),
    ]
    assert rewrite.updated(new, list(judged(new, "leak").values())) == (new, [])


def test_a_first_budget_is_kept_by_its_run():
    with trace.open(stored("leak")) as recorded:
        text = rewrite.first("./leak", [scopes.Run(recorded)])
    assert "\nmain user " in text
    assert {verdict["state"] for verdict in judged(text, "leak").values()} == {judge.KEPT}


# ---- the command, over recorded runs -------------------------------------------------------------


def check(folder, *words, **environ):
    plain = {k: v for k, v in os.environ.items() if not k.startswith("GITHUB_")}
    return subprocess.run(
        [os.path.join(TOP, "brkpoint"), "check", *words],
        cwd=str(folder),
        env=dict(plain, **environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


LEAK = ("--trace", stored("leak"))


def test_statuses(tmp_path):
    for rule, status in (
        ("main user calls <= 99", 0),
        ("main user calls = 0", 1),
        ("all any program nobody calls = 0", 2),
        ("main user kalls = 0", 2),
    ):
        assert check(tmp_path, *LEAK, "--budget", rule).returncode == status
    both = ("--budget", "main user calls = 0", "--budget", "all any program x calls = 0")
    assert check(tmp_path, *LEAK, *both).returncode == 1
    done = check(tmp_path, *LEAK)
    assert (done.returncode, done.stdout) == (2, "") and "no brkpoint.budget" in done.stderr


def test_the_file_is_found_upwards(tmp_path):
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "brkpoint.budget").write_text("main user calls = 0\n")
    done = check(below, *LEAK)
    assert done.returncode == 1 and "../../brkpoint.budget:1" in done.stdout
    assert "leak.c:" in done.stdout and "brkpoint events" in done.stdout
    assert all(len(line) <= 80 or "see" in line for line in done.stdout.split("\n"))


def test_what_is_new_is_named_first(tmp_path):
    words = (*LEAK, "--base", stored("alloc"), "--budget", "main user calls = 0", "--json")
    told = json.loads(check(tmp_path, *words).stdout)
    (row,) = told["rules"]
    assert {site["name"]: site["new"] for site in row["sites"]} == {"malloc": False, "free": True}
    assert told["see"][0].startswith("brkpoint diff ")


def test_junit(tmp_path):
    rules = ("main user calls = 0", "all any program x calls = 0", "all any calls <= 9 when musl")
    words = [word for rule in rules for word in ("--budget", rule)]
    check(tmp_path, *LEAK, *words, "--budget", "all any calls <= 999", "--junit", "out.xml")
    suite = xml.parse(str(tmp_path / "out.xml")).getroot()[0]
    found = [[child.tag for child in case] for case in suite]
    assert found == [["failure"], ["error"], ["skipped"], []]
    assert "leak.c:" in suite[0][0].text and suite[0].get("classname") == "brkpoint.main.user"


def test_github(tmp_path):
    summary = tmp_path / "summary.md"
    words = (*LEAK, "--budget", "main user calls = 0")
    done = check(tmp_path, *words, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    lines = [line for line in done.stdout.split("\n") if line.startswith("::")]
    assert len(lines) == 1 and lines[0].startswith("::error title=main user calls = 0::")
    assert "%0A" in lines[0] and "| FAIL |" in summary.read_text()
    assert "::" not in check(tmp_path, *words).stdout


def test_programs_are_needed(tmp_path):
    done = check(tmp_path, "--budget", "main user calls = 0")
    assert done.returncode == 2 and "which program?" in done.stderr
    assert check(tmp_path, "--init").returncode == 2
    (tmp_path / "brkpoint.budget").write_text("")
    done = check(tmp_path, "--init", "--", "true")
    assert done.returncode == 2 and "exists" in done.stderr


def test_peaks_of_origins_add_up_to_that_of_the_run():
    origins = ("loader", "runtime", "user", "unknown")
    rules = "\n".join("all %s peak = 0" % who for who in (*origins, "any"))
    found = [verdict["value"] for verdict in judged(rules, "vec_fn").values()]
    assert sum(found[:-1]) == found[-1] > 0


def test_unknown_origin_is_doubt_for_runtimes_too():
    rule = "all runtime:C syscalls = 0"
    assert state(rule, "stripped-static") == judge.UNJUDGED
