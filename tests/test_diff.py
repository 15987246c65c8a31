"""What changed between two runs: matching in passes, sums that add up. Starts no program."""

import glob
import itertools
import json
import os
import random
import subprocess

import pytest
from alloctrace.compare import difference, entries, likeness, matching, names
from alloctrace.model import Frame
from alloctrace.trace import trace
from reports import diff_markdown, diff_text, diff_words
from reports.diff_words import change

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TRACES = sorted(glob.glob(os.path.join(TOP, "tests/data/traces/*.brkpoint")))
SIDES = ("before", "after")


def compared(before, after):
    opened = [[trace.open(path) for path in side] for side in (before, after)]
    try:
        return difference.compare(*opened)
    finally:
        for one in itertools.chain(*opened):
            one.close()


def totals(path):
    """From the table `totals` of the trace itself, which the comparison does not read."""
    with trace.open(path) as recorded:
        rows = list(recorded.totals())
    return {
        (kind, what): sum(row[what] for row in rows if row["kind"] == kind)
        for kind in ("call", "syscall")
        for what in ("count", "bytes")
    }


@pytest.mark.parametrize("one, other", itertools.product(TRACES, TRACES))
def test_rows_add_up_to_the_totals_of_each_run(one, other):
    record = compared([one], [other])
    for side, path in zip(SIDES, (one, other)):
        for (kind, what), value in totals(path).items():
            rows = [row for row in record["rows"] if row["kind"] == kind]
            assert sum(row[side][what] for row in rows) == value
    for table in record["tables"].values():
        for side, name in itertools.product(SIDES, difference.MEASURES):
            assert sum(row[side][name] for row in table) == sum(
                row[side][name] for row in record["rows"]
            )
    assert record["same"] == (one == other)


@pytest.mark.parametrize("path", TRACES)
def test_a_run_does_not_differ_from_itself(path):
    record = compared([path], [path])
    hidden = "stripped-static" in path  # its calls are not seen, which is said of each side
    assert diff_words.sentence(record) == "As far as was seen: " * hidden + "No difference."
    assert not any(row["changed"] for row in record["rows"])
    assert len(record["warnings"]) == 2 * hidden
    assert {row["how"] for row in record["rows"]} <= {"exact", "nameless"}


def test_every_page_is_written_of_every_pair():
    for one, other in zip(TRACES, TRACES[1:] + TRACES[:1]):
        record = compared([one], [other])
        for unicode in (True, False):
            text = diff_text.render(record, 80, False, unicode)
            assert all(len(line) <= 80 for line in text.split("\n")), text
            assert unicode or text.isascii()
        assert "∞" not in text and "inf" not in text
        assert diff_markdown.render(record).startswith("**")
        json.dumps(record)


# ---- matching, by plain values -------------------------------------------------------------------


def entry(**facts):
    plain = dict.fromkeys(entries.Entry._fields)
    plain.update(place=(), phase="main", origin="user", kind="call", name="malloc", module="")
    plain.update(function="f", via=(), exact=7, physical=7, cut=("f",))
    plain.update(facts)
    return entries.Entry(**plain)


def sums(count, size=0):
    return [count, size, 0, 0, 0, 0]


def keyed(rows):
    """As entries.Run has them."""
    return [(one, entries.key(one), counted) for one, counted in rows]


def matched(before, after):
    """{(how, count before, count after)}."""
    rows = matching.match([keyed(before)], [keyed(after)])
    return sorted(
        (
            row.how,
            *(sum(v[0] for v in side[1]) if side else 0 for side in (row.before, row.after)),
        )
        for row in rows
    )


LADDER = [
    ({}, {"line": 99}, "exact"),
    ({}, {"exact": 8}, "physical"),
    ({}, {"exact": 8, "physical": 8}, "cut"),
    ({}, {"exact": 8, "physical": 8, "cut": ("g", "f")}, "function"),
    ({}, {"phase": "init"}, "moved"),
    ({"function": None, "exact": -1, "physical": -1, "cut": ()},) * 2 + ("nameless",),
]


@pytest.mark.parametrize("one, other, how", LADDER)
def test_each_pass(one, other, how):
    assert matched([(entry(**one), sums(3))], [(entry(**other), sums(5))]) == [(how, 3, 5)]


@pytest.mark.parametrize(
    "changed",
    [
        {"function": "g", "exact": 8, "physical": 8, "cut": ("g",)},
        {"origin": "runtime", "owner": "C"},
        {"name": "calloc"},
        {"place": ("", "cc1")},
    ],
)
def test_what_is_no_match(changed):
    found = matched([(entry(), sums(3))], [(entry(**changed), sums(3))])
    assert found == [("gone", 3, 0), ("new", 0, 3)]


def test_keys_that_collide_are_added_up():
    many = [(entry(line=line), sums(line)) for line in (1, 2, 4)]
    assert matched(many, [(entry(line=9), sums(7))]) == [("exact", 7, 7)]


def test_the_purpose_stands_for_the_stack_of_loader_and_runtimes():
    machinery = dict(origin="loader", exact=None, physical=None, cut=None, purpose="link_map")
    one, other = entry(function="f", **machinery), entry(function="g", **machinery)
    assert matched([(one, sums(1))], [(other, sums(1))]) == [("exact", 1, 1)]
    other = other._replace(purpose="static TLS block")
    assert matched([(one, sums(1))], [(other, sums(1))]) == [("gone", 1, 0), ("new", 0, 1)]


def test_a_match_of_random_entries_loses_nothing():
    chance = random.Random(15)
    for _ in range(300):
        sides = [[[] for _ in range(chance.randint(1, 3))] for _ in SIDES]
        for run in itertools.chain(*sides):
            for _ in range(chance.randint(0, 12)):
                run.append((_random(chance), [chance.randint(0, 9) for _ in difference.MEASURES]))
        rows = matching.match(*([keyed(run) for run in side] for side in sides))
        for at, runs in enumerate(sides):
            for index, run in enumerate(runs):
                wanted = [sum(column) for column in zip(*[of for _, of in run])] or sums(0)
                vectors = [row[at + 1][1][index] for row in rows if row[at + 1]]
                assert ([sum(column) for column in zip(*vectors)] or sums(0)) == wanted


def _random(chance):
    named = chance.random() < 0.8
    return entry(
        phase=chance.choice(("init", "main")),
        purpose=chance.choice((None, "a")),
        function=chance.choice("fg") if named else None,
        exact=chance.choice((None, -1, 7, 8)),
        physical=chance.choice((-1, 7)),
        cut=chance.choice(((), ("f",), ("g", None))),
        line=chance.randint(1, 3),
    )


def test_likeness_shows_and_does_not_pair():
    gone = (entry(function="parse_line", exact=1, physical=1, cut=("a",)), sums(3, 72))
    new = (entry(function="parse_lines", exact=2, physical=2, cut=("b",)), sums(3, 72))
    other = (entry(function="draw", origin="loader", exact=3), sums(3, 72))
    rows = matching.match([keyed([gone])], [keyed([new, other])])
    (pair,) = likeness.pairs(rows)
    assert (pair[0].before[0].function, pair[1].after[0].function) == ("parse_line", "parse_lines")
    assert matched([gone], [new, other]) == [("gone", 3, 0), ("new", 0, 3), ("new", 0, 3)]


# ---- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("link_map of libm.so.6", "link_map of libm.so"),
        ("Vec growing from 32 to 64 bytes", "Vec growing from … to …"),
        ("libfoo-1.2.so.3: code", "libfoo.so: code"),
        ("prog: .bss", "the program: .bss"),
        ("first 32 bytes of a Vec", "first … of a Vec"),
        ("static TLS block", "static TLS block"),
        ("libstdc++.so.6", "libstdc++.so"),
        ("x86_64 and utf8", "x86_64 and utf8"),
        ("link_map of _x.cpython-311-x86_64-linux-gnu.so",) * 2,
        ("heap's end given back: -4096 bytes", "heap's end given back: …"),
        (None, None),
    ],
)
def test_purposes_lose_sizes_and_versions(text, wanted):
    assert names.purpose(text, "prog") == wanted


def functions(build_ids=(), lent=(), shared=()):
    return names.Functions("my-prog.debug", dict(build_ids), dict(lent), set(shared))


@pytest.mark.parametrize(
    "name, wanted",
    [
        ("my_prog::parse::h0123456789abcdef", "crate::parse"),
        ("parse_line.constprop.0.isra.1", "parse_line"),
        ("parse.__uniq.7342.llvm.99", "parse"),
        ("parse.cold", "parse"),
        ("memcpy@@GLIBC_2.14", "memcpy"),
        ("core[fd2b]::f", "core::f"),
        ("f [clone .part.0]", "f"),
    ],
)
def test_functions_lose_what_compilers_add(name, wanted):
    assert functions().name(Frame(1, "p", function=name)) == wanted


def test_the_number_of_a_closure_counts_only_at_first():
    frame = Frame(1, "p", function="my_prog::f::{closure#2}")
    assert functions().name(frame, True) != functions().name(frame)
    assert "2" not in functions().name(frame)


def test_functions_without_a_name_have_a_place_only_in_the_same_file():
    frame = Frame(1, "p", "/p", offset=0x1234, start=0x1200)
    ids = {"/p": "id"}
    assert functions(ids).name(frame) is None
    assert functions(ids, shared=["id"]).name(frame) == "p+0x1200"
    assert functions(ids, {("id", 0x1200): "f"}).name(frame) == "f"
    assert functions(ids, {("other", 0x1200): "f"}).name(frame) is None


# ---- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before, after, wanted",
    [
        (0, 5, ("0 → 5", "+5", "new")),
        (5, 0, ("5 → 0", "-5", "gone")),
        (4, 3, ("4 → 3", "-1", "-25%")),
        (1000, 1001, ("1,000 → 1,001", "+1", "+0.1%")),
        (2, 200, ("2 → 200", "+198", "×100")),
        (-4, -2, ("-4 → -2", "+2", "+50%")),
        (0, 0, ("0", "", "")),
    ],
)
def test_a_change_has_both_values_and_never_infinity(before, after, wanted):
    assert change(before, after) == wanted


# ---- several runs, and the command ---------------------------------------------------------------

ALLOC, LEAK, SUCCESS = (
    next(p for p in TRACES if os.path.basename(p) == name + ".brkpoint")
    for name in ("alloc", "leak", "success")
)


def test_runs_that_disagree_are_marked():
    record = compared([ALLOC, LEAK, ALLOC], [LEAK])
    noisy = [row for row in record["rows"] if row["noisy"]]
    assert noisy and all(row["within_noise"] for row in noisy if row["changed"])
    assert record["same"] == record["peak_bytes"]["same"]
    assert "\n~ " in diff_text.render(record)
    assert not any(row["noisy"] for row in compared([ALLOC, ALLOC], [LEAK])["rows"])


def test_what_lies_outside_of_the_noise_is_a_difference():
    assert not compared([ALLOC, SUCCESS], [LEAK])["same"]


def diff(*words):
    command = [os.path.join(TOP, "brkpoint"), "diff", *words]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_statuses(tmp_path):
    assert diff(ALLOC, ALLOC).returncode == 0
    assert diff(ALLOC, LEAK).returncode == 1
    assert diff(ALLOC, ALLOC, "--", ALLOC).returncode == 0
    damaged = tmp_path / "x.brkpoint"
    damaged.write_bytes(open(ALLOC, "rb").read()[:5000])
    for words in ((ALLOC,), (ALLOC, "--"), (ALLOC, "/nowhere"), (ALLOC, str(damaged)), ()):
        done = diff(*words)
        assert (done.returncode, done.stdout) == (2, "") and done.stderr.count("\n") == 1
    done = diff(ALLOC, LEAK, "-o", str(tmp_path))
    assert done.returncode == 2


def test_the_forms(tmp_path):
    told = json.loads(diff(ALLOC, LEAK, "--json").stdout)
    assert (told["kind"], told["schema"], told["same"]) == ("diff", 1, False)
    assert diff(ALLOC, LEAK).stdout.startswith(told["sentence"].split()[0])
    path = tmp_path / "page.md"
    assert diff(ALLOC, LEAK, "--markdown", "-o", str(path)).stdout == ""
    assert path.read_text().startswith("**")


# ---- between two moments of one run --------------------------------------------------------------


def left_of(*marks):
    done = diff(LEAK, *marks, "--json")
    return done.returncode, json.loads(done.stdout)


def test_what_is_left_between_two_moments():
    with trace.open(LEAK) as recorded:
        calls = [e for e in recorded.events() if e.kind == "call" and e.phase == "main"]
        live = list(recorded.blocks())
    status, record = left_of("--from", "load")
    assert (status, record["blocks"]) == (1, len(live))
    assert record["bytes"] == sum(block.size for block in live)
    first = calls[0].seq
    status, record = left_of("--from", str(first), "--to", str(first + 1))
    assert (status, record["rows"][0]["events"]) == (1, [first])
    assert left_of("--from", "main", "--to", "main")[0] == 0
    assert left_of("--from", "0ns", "--to", "end")[1]["blocks"] == len(live)


def test_wrong_moments():
    for words in (("--from", "noon"), ("--to", "1x"), (LEAK, "--from", "main")):
        done = diff(LEAK, *words)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_left_in_words():
    said = diff(LEAK, "--from", "main", "--to", "exit").stdout
    assert "still live then" in said and "leak.c" in said
