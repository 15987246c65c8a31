"""What a group of events is for: only what each of its events is for, however many there are."""

from array import array
from types import SimpleNamespace

import pytest
import recorder_runs
from recorder_runs import NOT_BUILT, recorded
from engine_runs import compile_c

from alloctrace.columns import members
from alloctrace.history import history
from alloctrace.model import Purpose
from alloctrace.purpose import classify, examples, groups as purpose_groups, questions
from alloctrace.spool import spool
from start import symbol_gdb
import made_chaos
from test_history_c import convert, tool  # noqa: F401

PROGRAM = """
#include <stdio.h>
#include <stdlib.h>
__attribute__((noinline)) static void *grab(void *p, size_t size) { return realloc(p, size); }
__attribute__((noinline)) static void drop(void *p) { free(p); }
__attribute__((noinline)) static void *one(size_t size) { return malloc(size); }
int main(void)
{
    void *p = one(10), *q = one(10);
    for (int i = 1; i < 40; i++)
        q = realloc(q, 10 + i); /* each grows */
    for (int i = 0; i < 40; i++)
        p = grab(p, i % 2 ? 1009 : 7); /* one grows, one shrinks */
    for (int i = 0; i < 40; i++)
        drop(i ? NULL : p);
    for (int i = 0; i < 40; i++)
        free(NULL);
    free(q);
    FILE *file = fopen("/dev/null", "r");
    return !file || getc(file) != EOF;
}
"""


def asked(path, many, monkeypatch):
    """The run's history, each event's purpose or each group's asked for."""
    monkeypatch.setattr("alloctrace.history.packed.MANY", 3 if many else 10**9)
    built = history.build(spool.read(path))
    assert built.has_many() == many
    classify.classify(built, symbol_gdb.symbolise(built))
    return built


def purposes(path, monkeypatch):
    """[(event, its own purpose, its group's)]"""
    few, many = asked(path, False, monkeypatch), asked(path, True, monkeypatch)
    groups, found = many.packed.sums.groups, []
    for index in range(len(many.packed.chunks)):
        for event, id_ in many.packed.chunk_events(index):
            found.append((event, few.events[event.seq].purpose, groups[id_ - 1].purpose))
    return found


@pytest.fixture
def run(tmp_path):
    if not recorder_runs.BUILT:
        pytest.skip(NOT_BUILT)
    recorded(tmp_path, [compile_c(tmp_path, PROGRAM)])
    return str(tmp_path / "spool")


@pytest.mark.parametrize("first, picked", [(3000, 20000), (0, 0), (20, 30)])
def test_a_group_says_of_no_event_what_is_not_so(run, monkeypatch, first, picked):
    monkeypatch.setattr(examples, "FIRST_EVENTS", first)
    monkeypatch.setattr(examples, "MAX_PICKED", picked)
    found = purposes(run, monkeypatch)
    for event, own, of_group in found:
        if of_group.text is not None:
            assert own.rule in of_group.rule.split(" or "), (event, own, of_group)
    growing = [row for row in found if row[0].name == "realloc" and row[0].size in range(11, 50)]
    assert {row[2].rule for row in growing} == {"realloc-known"}  # of all of them it is so
    mixed = {row[2].rule for row in found if row[0].size == 1009}
    assert mixed <= {"", "its events are for several things"} or " or " in mixed.pop()


TRIMMED = """
#define _GNU_SOURCE
#include <stdlib.h>
int main(void)
{
    char *first = malloc(100003), *last = malloc(100003);
    last = reallocarray(last, 1, 17); /* what it leaves borders on the heap's end */
    free(first);
    return !last;
}
"""


@pytest.mark.parametrize("many", [False, True])
def test_reallocarray_gives_back_the_heaps_end_as_realloc_does(tmp_path, monkeypatch, many):
    """Which it calls: the brk lies in a call within a call."""
    if not recorder_runs.BUILT:
        pytest.skip(NOT_BUILT)
    recorded(tmp_path, [compile_c(tmp_path, TRIMMED)])
    packed = asked(str(tmp_path / "spool"), many, monkeypatch).packed
    groups = packed.sums.groups
    (trim,) = [g for g in groups if g.name == "brk" and g.bytes < 0]
    around = groups[groups[trim.within - 1].within - 1]
    assert groups[trim.within - 1].name == "realloc" and around.name == "reallocarray"
    assert trim.purpose.rule == "heap-trim"


def test_the_call_around_all_others_is_found_however_deep():
    within = array("I", [0, 1, 2, 3, 0, 5, 4])
    asks = SimpleNamespace(_groups=SimpleNamespace(within=within))
    assert list(questions._Questions._roots.func(asks)) == [0, 0, 0, 0, 4, 4, 0]


LONG = """
#include <stdlib.h>
#include <sys/mman.h>
int main(int argc, char **argv)
{
    for (int i = 0; i < 20000; i++)
        free(malloc(100 + i % 7 + argc));
    for (int i = 0; i < 5; i++)
        mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); /* in a later chunk */
    return !argv;
}
"""


def _begin_before_16384(packed, *_):
    """The first chunk, of which a busy machine makes several."""
    return {index for index, (first, _, _) in enumerate(packed.chunks) if first < 16384}


def test_the_loaders_files_are_told_though_later_syscalls_are_not_looked_at(tmp_path, monkeypatch):
    if not recorder_runs.BUILT:
        pytest.skip(NOT_BUILT)
    recorded(tmp_path, [compile_c(tmp_path, LONG)])
    monkeypatch.setattr(examples, "_chunks_of", _begin_before_16384)
    run, made, bounds = str(tmp_path / "spool"), examples._syscalls_until, {}

    def noted(*args):
        bounds.update(made(*args))
        return bounds

    monkeypatch.setattr(examples, "_syscalls_until", noted)
    found = [row for row in purposes(run, monkeypatch) if row[0].kind == "syscall"]
    (until,) = bounds.values()
    late = [event.seq for event, _, _ in found if (event.name, event.phase) == ("mmap", "main")]
    assert 16384 <= until <= late[1]  # of five the first one is an example
    start = [(own, of) for event, own, of in found if event.phase == "load"]
    assert len(start) > 10 and all(of.text and own.rule in of.rule for own, of in start)
    # Twin: where nobody knows how far all are here, nothing is told that rests on it.
    monkeypatch.setattr(examples, "_syscalls_until", lambda *args: dict.fromkeys(bounds, 0))
    found = [row for row in purposes(run, monkeypatch) if row[0].phase == "load"]
    assert any(own.text and not of.text for _, own, of in found)


def test_what_all_have_in_common():
    from_a, from_b = Purpose("a.so: code", "code"), Purpose("b.so: code", "code")
    assert purpose_groups.agreed([from_a, from_a]) is from_a
    assert purpose_groups.agreed([from_a, from_b]).text == "various: code"
    two = purpose_groups.agreed([from_a, Purpose("a.so: data", "data")])
    assert (two.text, two.rule) == ("a.so: code or a.so: data", "code or data")


def test_twin_of_one_that_is_unknown_nothing_is_said():
    known = Purpose("a list", "list")
    assert purpose_groups.agreed([known] * 9 + [Purpose()]).text is None
    assert purpose_groups.agreed([Purpose("%d" % n, "r%d" % n) for n in range(9)]).text is None


def test_limits_tell_of_all_of_none_or_nothing():
    row = (7, 0, 0, 0, 9, 24, 96, 9, 0, 4, 0)
    made = members.of_row("malloc", 9, row)
    assert made.within(24, None) is True and made.within(None, 100) is True
    assert made.within(97, None) is False and made.within(None, 23) is False
    assert made.within(24, 24) is None and made.within(50, None) is None
    assert (made.all("nulls"), made.all("known"), made.all("grew")) == (True, False, None)
    assert made.makers == {7}


def witness(recorded_):
    """The same, counted from the events one by one."""
    groups = recorded_.sums.groups
    found, blocks = {group.id: [[], 0, 0, 0, 0, set()] for group in groups}, {}
    for index in range(len(recorded_.chunks)):
        for event, id_ in recorded_.chunk_events(index):
            row = found[id_]
            row[0] += [] if event.size is None else [event.size]
            row[1] += event.ptr == 0
            if event.kind != "call" or event.block is None:
                continue
            size = (event.size or 0) * (1 if event.nmemb is None else event.nmemb)
            key = (event.pid, event.block)
            if event.ptr and event.outer is None:
                before, maker = blocks.get(key, (0, None))
                row[2] += 1
                row[3] += event.name != "free" and size > before
                row[4] += event.name != "free" and size < before
                row[5] |= {maker} - {id_}
            if event.result and not event.failed and event.outer is None:
                blocks[key] = size, id_
    return found


@pytest.mark.parametrize("options", [(), ("--together", "1")])
def test_the_recorder_counts_members_as_events_tell(tmp_path, options):
    """Where calls do not lie in each other: their blocks are then nobody else's."""
    seen = 0
    for seed in range(15):
        _, built, _ = convert(tmp_path, plain(seed), *options)
        for id_, (sizes, *counts, makers) in witness(built.packed).items():
            made = built.packed.sums.groups[id_ - 1].members
            assert made.sized == len(sizes), seed
            assert not sizes or (made.least, made.most) == (min(sizes), max(sizes))
            assert [made.nulls, made.known, made.grew, made.shrank] == counts, seed
            assert made.makers is None or made.makers == makers, seed
            seen += made.known
    assert seen > 200


def plain(seed):
    """Records of calls one behind the other."""
    made = made_chaos.Chaos(seed, length=0).made
    chance, held = made_chaos.random.Random(seed), {}
    for _ in range(120):
        line, size = chance.randrange(4), chance.choice([0x10, 0x18, 0x400])
        act = chance.choice(["malloc", "calloc", "realloc", "realloc", "free", "null"])
        address = 0x10000 + 0x1000 * chance.randrange(9)
        if act in ("malloc", "calloc") and address not in held:
            args = (size,) if act == "malloc" else (3, size)
            made.call(act, *args, result=address, line=line)
            held[address] = True
        elif act == "realloc" and held:
            old = chance.choice(list(held))
            held.pop(old)
            new = old if address in held else address
            made.call(act, old, size, result=new, line=line)
            held[new] = True
        elif act == "free" and held:
            made.call(act, held.popitem()[0], line=line)
        elif act == "null":
            made.call("free", 0, line=line)
    return made.records
