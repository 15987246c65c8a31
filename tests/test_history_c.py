"""The history in C equals the one in Python: on random targets, on stored ones, and it notices."""

import glob
import os
import random
import resource
import subprocess
import sys
import zlib

import pytest

from alloctrace.history import groups, history
from alloctrace.spool import spool
from alloctrace.summary.summary import summarise
from alloctrace.trace import trace
import made_chaos
import made_traces
from made_records import LIBC, Made, write_spool
from recorder_programs import OUT, built

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOOL = os.path.join(OUT, "brkpoint-history")  # in which rules must hold: recorder/must.h
FIELDS = (
    "seq t_ns pid tid kind name impl dur_ns size nmemb align ptr result errno args block"
    " phase image cause outer region"
).split()
PARTS = "run images modules hooks borders mains forks threads signals cost lost".split()
PARTS += ["unseen", "unfollowed", "end", "notes", "regions"]
SUMS = spool.SumRow._fields[1:] + ("own_peak_bytes",)


@pytest.fixture(scope="module", autouse=True)
def tool():
    built("brkpoint-history")


def convert(folder, records, *options):
    """(History of Python, History of C, path of the spool that C wrote)."""
    plain, made = str(folder / "plain.spool"), str(folder / "made.spool")
    write_spool(plain, records)
    subprocess.run([TOOL, *options, plain, made], check=True)
    return history.build(spool.read(plain)), history.build(spool.read(made)), made


def frames(built, id_):
    stack = built.stacks.get(id_)
    if stack is None:
        return max(0, -id_), ()
    return stack.cut, tuple(pc for pc, _ in stack.frames)


def differences(python, c):
    """What is not equal, as text; [] where all is."""
    found = [] if len(python.events) == len(c.events) else ["number of events"]
    for a, b in zip(python.events, c.events):
        found += [
            "%s of %d" % (name, a.seq) for name in FIELDS if getattr(a, name) != getattr(b, name)
        ]
        if frames(python, a.stack) != frames(c, b.stack):
            found.append("stack of %d" % a.seq)
    found += [name for name in PARTS if getattr(python, name) != getattr(c, name)]
    return found + (["blocks"] if python.blocks != c.blocks else [])


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("options", [(), ("--nodes", "40"), ("--together", "1")])
def test_random_targets_are_equal(tmp_path, threads, options):
    for seed in range(120):
        records = made_chaos.records(seed, threads=threads)
        python, c, _ = convert(tmp_path, records, *options)
        assert differences(python, c) == [], seed


def test_chunks_that_end_anywhere_are_equal(tmp_path):
    """What becomes known when the chunk is written already comes late."""
    for seed in range(60):
        python, c, _ = convert(tmp_path, made_chaos.records(seed, calm=True), "--flush", "7")
        assert differences(python, c) == [], seed
        assert len(c.packed.chunks) > 20


def test_addresses_that_repeat_come_back(tmp_path):
    """With each period, and a row more or less than what is looked at to see that it repeats."""
    for period in range(1, 10):
        pattern = [0x5000 + 16 * (at * at % 23) for at in range(period)]
        for count in (2 * period, 2 * period + 1, 2 * period + 2, 2 * period + 3, 97):
            made = Made()
            for index in range(count):
                made.call("malloc", 16, result=pattern[index % period])
            python, c, _ = convert(tmp_path, made.records)
            assert differences(python, c) == [], (period, count)


def unfolded(path):
    """All records of a spool, to the last byte; columns as what they unfold to: of two streams that
    unfold to the same, neither is the right one, and ISA-L makes now this one, now that."""
    with open(path, "rb") as file:
        data = file.read()
    head, column, at, found = spool._RECORD, spool._COLUMN.size, 16, [data[:16]]
    while at < len(data):
        length, kind = head.unpack_from(data, at)[:2]
        payload = data[at + head.size : at + head.size + length]
        if kind == spool.COLUMN and payload[column:]:
            payload = payload[:column] + zlib.decompress(payload[column:])
        found.append((kind, payload))
        at += head.size + length
    return found


def written(folder, records, *options):
    convert(folder, records, *options)
    return unfolded(folder / "made.spool")


def test_calls_told_as_one_make_the_same_history(tmp_path):
    """To the last byte of what is packed: rows, blocks, sums, whichever way they were told."""
    for seed in range(60):
        records = made_chaos.records(seed, calm=True)
        apart = written(tmp_path, records)
        assert written(tmp_path, records, "--together", "1") == apart, seed
    for options in ((), ("--stacks", "40", "--live", "500")):
        apart, together = tmp_path / "apart", tmp_path / "together"
        made = [TOOL, "--synthetic", "100000", *options]
        subprocess.run([*made, apart], check=True)
        subprocess.run([*made, "--together", "1", together], check=True)
        assert unfolded(apart) == unfolded(together)


def test_times_spread_between_two_stamps_cost_little(tmp_path):
    """One in 16 events has a stamp of its own; noise of a byte, the twin, costs a byte."""
    sizes = []
    for every in (16, 1):
        made, chance, pace = Made(), random.Random(1), 0
        for index in range(9000):
            pace = chance.randrange(256) if index % every == 0 else pace
            made.now += pace
            made.call("free", 0)
        python, c, path = convert(tmp_path, made.records)
        assert differences(python, c) == []
        sizes.append(os.path.getsize(path))
    assert sizes[0] + 8000 < sizes[1]


def test_late_fields_are_there(tmp_path):
    made = Made()
    made.enter("malloc", 24)
    for _ in range(40):
        made.enter("malloc", 8, sp=2**47 - 4096)
        made.leave("malloc", 0x7000, sp=2**47 - 4096)
    made.leave("malloc", 0x5000)
    python, c, _ = convert(tmp_path, made.records, "--flush", "5")
    assert c.packed.late and differences(python, c) == []


def key(group, stack, keys):
    return (
        *(group.kind, group.name, group.impl, group.pid, group.phase, group.image),
        stack,
        keys.get(group.within),
    )


def sums(groups_, stack_of):
    """{what is alike: sums}: stacks of equal frames are one stack here."""
    found, keys = {}, {}
    for group in groups_:
        keys[group.id] = key(group, stack_of(group), keys)
        row = found.setdefault(keys[group.id], [0] * len(SUMS))
        for index, name in enumerate(SUMS):
            row[index] += getattr(group, name)
    return found


def test_sums_are_those_of_the_events(tmp_path):
    for seed in range(60):
        made = Made()
        made.records = made_chaos.records(seed, calm=True)
        made.call("malloc", 1, result=0x9000)  # an exec is complete when something follows it
        python, c, _ = convert(tmp_path, made.records)
        wanted, found = groups.of_events(python.events), c.packed.sums
        expected = sums(wanted.groups, lambda group: frames(python, group.stack))
        assert sums(found.groups, lambda group: frames(c, group.stack)) == expected, seed
        assert found.peak == wanted.peak
        assert found.peaks == wanted.peaks
        assert found.timeline == wanted.timeline


def without_ends(data):
    """A spool as a killed recorder leaves it: no sums, no blocks."""
    at = 16
    while data[at + 4] not in (spool.SUMS, spool.BLOCKS) and b'"sums"' not in data[at : at + 30]:
        at += 8 + int.from_bytes(data[at : at + 4], "little")
    return data[:at]


def test_what_a_killed_recorder_wrote_is_counted_anew(tmp_path):
    for seed in range(20):
        made = Made()
        made.records = made_chaos.records(seed, calm=True)
        made.call("malloc", 1, result=0x9000)
        _, whole, path = convert(tmp_path, made.records, "--flush", "50")
        with open(path, "rb") as file:
            data = without_ends(file.read())
        with open(path, "wb") as file:
            file.write(data)
        built = history.build(spool.read(path))
        assert not built.packed.is_whole and built.events == whole.events
        names = ("count", "reached", "live_bytes", "temporary_blocks", "peak_bytes")
        for name in names + ("own_peak_bytes",):
            found = [getattr(group, name) for group in built.packed.sums.groups]
            assert found == [getattr(group, name) for group in whole.packed.sums.groups], name
        assert built.packed.sums.peak == whole.packed.sums.peak
        assert built.packed.sums.peaks == whole.packed.sums.peaks


def test_the_comparison_notices(tmp_path):
    """Its negative twin: one result of one call changes, and something is not equal."""
    records = made_chaos.records(3, calm=True)
    changed = list(records)
    leaves = [i for i, r in enumerate(records) if isinstance(r, spool.Leave)]
    for at in leaves[:9]:
        changed[at] = changed[at]._replace(result=changed[at].result + 16)
    python, _, _ = convert(tmp_path, records)
    _, c, _ = convert(tmp_path, changed)
    assert differences(python, c) != []


MUTATIONS = [
    ("history/calls.c", "call->back == NONE || call->back == back)", "1)"),
    ("history/calls.c", "call->sp - sp > SAME_STACK", "0"),
    ("history/calls.c", "if (call->sp > sp)", "if (0)"),
    ("history/blocks.c", "if (inner->seq > call->outer)", "if (1)"),
    ("history/blocks.c", "block.last = call->seq;\n        if", "if"),
    ("history/history.c", "while (count--)", "while (--count)"),
    ("history/syscalls.c", "t->syscall_ptr != 0 && now != t->syscall_ptr", "0"),
    ("history/processes.c", "(int)phase <= p->begun_phase", "0"),
    (
        "history/stacks.c",
        "*frame = (struct frame_node){.parent = number,",
        "*frame = (struct frame_node){",
    ),
]


HOST = os.path.join(TOP, "recorder", "host")
COMPILE = [
    "gcc",
    "-O0",
    "-iquote",
    HOST + "/history",
    "-I",
    HOST,
    "-I",
    os.path.join(TOP, "recorder"),
]
COMPILE += ["-I", OUT]


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    """{source's name: its object}: what is not changed is compiled once."""
    folder = tmp_path_factory.mktemp("right")
    sources = glob.glob(HOST + "/history/*.c") + glob.glob(TOP + "/recorder/tools/*.c")
    subprocess.run([*COMPILE, "-c", *sources], check=True, cwd=folder)
    names = [os.path.basename(path) for path in sources]
    return {name: str(folder / (name[:-2] + ".o")) for name in names}


@pytest.mark.parametrize("name, rule, other", MUTATIONS)
def test_a_changed_rule_is_noticed(tmp_path, monkeypatch, right, name, rule, other):
    with open(os.path.join(HOST, name)) as file:
        text = file.read()
    assert text.count(rule) == 1
    changed, tool = tmp_path / os.path.basename(name), str(tmp_path / "tool")
    changed.write_text(text.replace(rule, other))
    files = [path for other_name, path in right.items() if other_name != changed.name]
    subprocess.run([*COMPILE, "-o", tool, str(changed), *files, "-lisal"], check=True)
    monkeypatch.setattr(sys.modules[__name__], "TOOL", tool)
    for seed in range(60):
        python, c, _ = convert(tmp_path, made_chaos.records(seed))
        if differences(python, c):
            return
    pytest.fail("nobody noticed")


def test_a_trace_of_many_events_says_the_same(tmp_path, monkeypatch):
    """Copied chunks and examples against events that are each looked at."""
    records = made_traces.made_records()
    _, few, path = convert(tmp_path, records)
    trace.write(tmp_path / "few", few, made_traces.symbolise(few), {})
    monkeypatch.setattr("alloctrace.history.packed.MANY", 3)
    many = history.build(spool.read(path))
    assert many.has_many()
    trace.write(tmp_path / "many", many, made_traces.symbolise(many), {})
    with trace.open(tmp_path / "few") as a, trace.open(tmp_path / "many") as b:
        for x, y in zip(a.events(), b.events()):
            assert [getattr(x, name) for name in FIELDS] == [getattr(y, name) for name in FIELDS]
            assert x.verdict == y.verdict and a.stack(x.stack) == b.stack(y.stack)
        one, two = summarise(a), summarise(b)
        assert [row["count"] for row in one["totals"]] == [row["count"] for row in two["totals"]]
        for name in ("causes", "phases", "leaked", "temporary", "peak", "events"):
            assert one[name] == two[name], name


def test_a_library_loaded_again_and_again_costs_no_more_each_time(tmp_path):
    """Stacks before and after stay apart; what is gone is not looked through for ever."""
    made, count, where = Made(), 8000, {"start": LIBC, "end": LIBC + 0x1000}
    for line in range(200):
        made.call("malloc", 8, result=0x1000000 + 16 * line, line=line)
    for number in range(count):
        made.info("module", id=number + 1, path="/plugin.so", base=LIBC, image=0, **where)
        made.call("free", 0)
        made.info("unmodule", id=number + 1, t_ns=made.now)
    write_spool(str(tmp_path / "plain"), made.records)
    limit = lambda: resource.setrlimit(resource.RLIMIT_CPU, (40, 40))  # noqa: E731
    subprocess.run([TOOL, tmp_path / "plain", tmp_path / "made"], check=True, preexec_fn=limit)
    c = history.build(spool.read(str(tmp_path / "made")))
    assert len(c.packed.sums.groups) == 200 + count
