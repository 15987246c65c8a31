"""A trace that was written without purposes says, when it is opened, what it would have said."""

import os
import random
import shutil
import sqlite3
import subprocess
import zlib
from array import array

import pytest

from alloctrace import kept, kernels
from alloctrace.columns import schema as trace_schema
from alloctrace.history import history, packed
from alloctrace.purpose import examples
from alloctrace.spool import spool
from alloctrace.summary.summary import summarise
from alloctrace.symbols import symbols
from alloctrace.trace import explain, sql, trace
from command.main import main
from engine_runs import compile_c
from mutations import CASES, mutate
from recorder_runs import BUILT, NOT_BUILT, TOP, recorded
from reports import json_report
from test_history_c import convert, tool  # noqa: F401
from test_purpose_groups import PROGRAM
import made_chaos
import made_traces

EVERY = [3, packed.MANY]
PROGRAMS = {
    "sqlite3": ["sqlite3", ":memory:", "create table t(a); insert into t values(13)"],
    "children": ["sh", "-c", "ls / >/dev/null; (exec cat /dev/null); python3 -c 'import json'"],
}


def write(path, made, is_for_later, names=made_traces.symbolise):
    built = history.build(spool.read(made))
    counted = trace.write(path, built, names(built), {}, True, is_for_later=is_for_later)
    assert (counted is None) == is_for_later
    return path


def dump(path):
    """All that is in the tables, as a reader sees them."""
    with trace.open(path) as opened:
        table = opened._db.execute
        return {name: table("SELECT * FROM " + name).fetchall() for name in trace_schema.TABLES}


def both(folder, made, **how):
    """(path of the trace that is explained, of the one that is not)"""
    return write(folder / "now", made, False, **how), write(folder / "later", made, True, **how)


def agree(folder, made, **how):
    now, later = both(folder, made, **how)
    whole = later.read_bytes()
    told, found = dump(now), dump(later)
    assert later.read_bytes() == whole
    assert [name for name in told if told[name] != found[name]] == []
    with trace.open(now) as one, trace.open(later) as other:
        assert json_report.render(summarise(one)) == json_report.render(summarise(other))
    return told


@pytest.fixture
def run(tmp_path):
    if not BUILT:
        pytest.skip(NOT_BUILT)
    recorded(tmp_path, [compile_c(tmp_path, PROGRAM)])
    return str(tmp_path / "spool")


@pytest.mark.parametrize("many", EVERY)
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(tmp_path, monkeypatch, name, many):
    if not BUILT:
        pytest.skip(NOT_BUILT)
    recorded(tmp_path, PROGRAMS[name])
    monkeypatch.setattr(packed, "MANY", many)
    told = agree(tmp_path, str(tmp_path / "spool"), names=symbols.symbolise)
    assert len(told["purposes"]) > 5 and len(told["sites"]) > 5


@pytest.mark.parametrize("many", EVERY)
def test_whatever_happens(tmp_path, monkeypatch, many):
    monkeypatch.setattr(packed, "MANY", many)
    for seed in range(12):
        records = made_chaos.records(seed, threads=1 + seed % 3, calm=seed % 2 > 0)
        agree(tmp_path, convert(tmp_path, records, "--flush", "7")[2])


def stored(path, query):
    """As the file itself has it."""
    db = sqlite3.connect(path)
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


def test_the_file_says_so(tmp_path, run):
    now, later = both(tmp_path, run)
    purposes = "SELECT value FROM run WHERE key = 'purposes'"
    assert stored(now, purposes) == [('"each"',)] and stored(later, purposes) == [('"when read"',)]
    assert stored(later, "SELECT count(*) FROM sites") == [(0,)]
    assert stored(later, "SELECT max(purpose) FROM groups") == [(0,)]
    for table in "totals", "names", "verdicts", "stacks", "blocks", "columns", "timeline":
        query = "SELECT * FROM " + table
        assert table == "columns" or stored(now, query) == stored(later, query)
    assert not stored(now, "SELECT name FROM sqlite_master WHERE name = 'unexplained'")


def test_a_query_sees_what_was_found_out(tmp_path, run):
    now, later = both(tmp_path, run)
    found = []
    for path in now, later:
        with trace.open(path) as opened, sql.Query(opened) as query:
            asked = "SELECT purpose, count(*), sum(bytes) FROM sites GROUP BY 1 ORDER BY 1"
            found.append(list(query.run(asked)[1]))
        with trace.open(path) as opened, sql.Query(opened) as query:
            found[-1] += query.run("SELECT purpose, count(*) FROM events GROUP BY 1 ORDER BY 1")[1]
    assert found[0] == found[1] and len(found[0]) > 4


@pytest.fixture
def kept_there(tmp_path, monkeypatch):
    """The folder where what took any time at all is kept."""
    monkeypatch.setattr(explain, "_LONG_S", -1)
    folder = tmp_path / "kept"
    kept.use(str(folder))
    yield folder
    kept.use(None)


def refuse(*_):
    raise AssertionError("it is found out again")


@pytest.mark.parametrize("many", EVERY)
def test_it_is_found_out_once(tmp_path, run, monkeypatch, kept_there, many):
    monkeypatch.setattr(packed, "MANY", many)
    now, later = both(tmp_path, run)
    assert dump(later) == dump(now)
    find_out = explain.classify.explain
    with monkeypatch.context() as patch:
        patch.setattr(explain.classify, "explain", refuse)
        assert dump(later) == dump(now)
        with trace.open(later) as opened, sql.Query(opened) as query:
            assert list(query.run("SELECT count(*) > 0 FROM sites")[1]) == [(1,)]
        copy = shutil.copyfile(later, tmp_path / "copy")
        with pytest.raises(AssertionError):  # another file
            dump(copy)
        os.utime(later, (1, 1))
        with pytest.raises(AssertionError):  # or one that was changed
            dump(later)
        patch.setattr(kernels, "_PLACES", ())
        patch.setattr(explain.classify, "explain", find_out)
        dump(later)
        patch.setattr(explain.classify, "explain", refuse)
        dump(later)
        patch.setattr(kernels, "_PLACES", (now,))
        with pytest.raises(AssertionError):  # or by other passes
            dump(later)
    for name in os.listdir(kept_there):
        (kept_there / name).write_bytes(b"damaged")
    assert dump(later) == dump(now)


def test_a_full_disk_is_told_in_one_line(tmp_path, run, monkeypatch, capsys):
    _, later = both(tmp_path, run)
    monkeypatch.setattr(sql, "FILE_LIMIT", 3)
    assert main(["sql", str(later), "select count(*) from sites"]) == 2
    assert capsys.readouterr().err == "brkpoint: sql: database or disk is full\n"


def changed(path, name, value):
    made = zlib.compress(value(zlib.decompress(stored_value(path, name))))
    return made_traces.changed(
        path, ("UPDATE unexplained SET data = ? WHERE name = ?", (made, name))
    )


def stored_value(path, name):
    return stored(path, "SELECT data FROM unexplained WHERE name = '%s'" % name)[0][0]


def test_purposes_rest_on_what_is_kept_for_them(tmp_path, run, monkeypatch):
    """Without it others would come out: it is needed."""
    monkeypatch.setattr(packed, "MANY", 3)
    monkeypatch.setattr(examples, "FIRST_EVENTS", 0)
    monkeypatch.setattr(examples, "MAX_PICKED", 0)
    now, later = both(tmp_path, run)
    assert dump(later) == dump(now)
    assert dump(changed(later, "members", lambda data: bytes(len(data)))) != dump(now)


@pytest.mark.parametrize(
    "name, value",
    [
        ("members", lambda data: data[:-1]),
        ("members", lambda data: data + data),
        ("members", lambda data: data[80:] + data[:80]),
        ("before", lambda data: data[:-8]),
        ("programs", lambda data: b"[]"),
        ("programs", lambda data: data.replace(b"shared", b"steel")),
        ("programs", lambda data: b"\xff"),
    ],
)
def test_what_does_not_fit_is_damage(tmp_path, run, name, value):
    _, later = both(tmp_path, run)
    dump(later)
    with pytest.raises(trace.TraceError, match="damaged"):
        dump(changed(later, name, value))


def test_a_bomb_is_not_unpacked(tmp_path, run):
    _, later = both(tmp_path, run)
    with pytest.raises(trace.TraceError, match="before is cut off, or too large"):
        dump(changed(later, "before", lambda data: bytes(explain._MORE << 2)))
    row = "x" * 100000, zlib.compress(bytes(explain._MORE << 2))
    assert dump(made_traces.changed(later, ("INSERT INTO unexplained VALUES (?, ?)", row)))


@pytest.mark.parametrize("many", EVERY)
def test_only_trace_errors_come_out_of_damage(tmp_path, monkeypatch, many):
    monkeypatch.setattr(packed, "MANY", many)
    source, errors = random.Random(20221130), 0
    _, _, made = convert(tmp_path, made_chaos.records(1, calm=True), "--flush", "7")
    whole = write(tmp_path / "whole", made, True).read_bytes()
    for _ in range(CASES * 6):
        (tmp_path / "t").write_bytes(mutate(source, whole))
        errors += is_refused(tmp_path / "t")
    for _ in range(CASES * 6):  # single cells of sound tables
        (tmp_path / "t").write_bytes(whole)
        table = source.choice(["groups", "columns", "late", "arguments", "stacks", "verdicts"])
        name = source.choice([row[0] for row in trace_schema.row_types(table)])
        at = "%d %% max(1, (SELECT count(*) FROM %s))" % (source.randrange(1 << 20), table)
        one = "rowid = (SELECT rowid FROM %s LIMIT 1 OFFSET %s)" % (table, at)
        rows = "1" if table in ("columns", "late") else one
        odd = source.choice((-1, 0, 1, 7, 1 << 31, 1 << 62, -(1 << 63), "x", b"\xff"))
        change = "UPDATE OR IGNORE %s SET %s = ? WHERE %s" % (table, name, rows)
        path = made_traces.changed(tmp_path / "t", (change, (odd,)))
        errors += is_refused(path) if path else 0
    assert CASES < errors < CASES * 12


class Counted(array):
    """Counts how often one of its numbers is asked for."""

    asked = 0

    def __getitem__(self, index):
        Counted.asked += 1
        return super().__getitem__(index)


def test_calls_that_lie_in_each_other_without_end_cost_no_more(tmp_path, run, monkeypatch):
    _, later = both(tmp_path, run)
    (many,) = stored(later, "SELECT count(*) FROM groups")[0]
    of_mmap = "SELECT * FROM groups WHERE name IN (SELECT id FROM names WHERE name = 'mmap')"
    names = [row[0] for row in trace_schema.row_types("groups")]
    group = dict(zip(names, stored(later, of_mmap)[0]), count=0)
    insert = "INSERT INTO groups VALUES (%s)" % ",".join("?" * len(group))
    ids = range(many + 1, many + 1001)
    rows = [(insert, tuple(dict(group, id=id_, within=id_ - 1).values())) for id_ in ids]
    for name, value in (
        ("before", lambda data: data + b"\xff" * 8000),
        ("programs", lambda data: data.replace(b"shared", b"static")),
    ):
        data = zlib.compress(value(zlib.decompress(stored_value(later, name))))
        rows.append(("UPDATE unexplained SET data = ? WHERE name = ?", (data, name)))
    later = made_traces.changed(later, *rows)
    wide = explain._wide

    def counting(groups):
        wide(groups).within = Counted("I", groups.within)
        return groups

    monkeypatch.setattr(explain, "_wide", counting)
    dump(later)
    assert many + 1000 < Counted.asked < 10 * (many + 1000)


def is_refused(path):
    try:
        with trace.open(path) as opened:
            summarise(opened)
            for _ in opened.events():
                pass
    except trace.TraceError as error:
        assert "\n" not in str(error) and str(error)
        return True
    return False


@pytest.mark.skipif(not BUILT, reason=NOT_BUILT)
def test_only_who_reads_no_report_leaves_it_for_later(tmp_path, capfd):
    options = ["run", "--engine", "recorder", "--force", "-o"]
    path = str(tmp_path / "t")
    purposes = "SELECT value FROM run WHERE key = 'purposes'"
    command = [TOP + "/brkpoint", *options, path]
    for more, said in ([], '"each"'), (["--quiet"], '"when read"'):
        subprocess.run([*command, *more, "--", "/bin/true"], check=True, stderr=subprocess.DEVNULL)
        assert stored(path, purposes) == [(said,)]
    assert main(["sql", path, "select count(*) > 0 from sites where purpose is not null"]) == 0
    assert "1" in capfd.readouterr().out
    subprocess.run([*command, "--quiet", "--keep", "totals", "--", "/bin/true"], check=True)
    assert stored(path, purposes) != [('"when read"',)]  # there are no events to find it out by
