"""CSV and NDJSON: each event in its line, read by Python, SQLite, DuckDB."""

import csv
import json
import os
from collections import Counter

import pytest

import made_exports
from alloctrace import measure
from alloctrace.trace import trace
from exports import rows
from exports.csv import quoted

DUCKDB = os.path.join(made_exports.PACKAGES, "@duckdb", "node-api")
BYTES = "sum(size * coalesce(nmemb, 1))"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return made_exports.write(tmp_path_factory.mktemp("made"))


def table(path, name, sites=False):
    """The rows as dicts of text, or of JSON's values."""
    text, _ = made_exports.export(path, name, sites=sites)
    assert len(text.splitlines()) == text.decode().count("\n")  # a row is a line
    if name == "ndjson":
        return [json.loads(line) for line in text.splitlines()]
    return list(csv.DictReader(text.decode().splitlines()))


def file_of(path, name, tmp_path):
    file = tmp_path / ("t." + name)
    file.write_bytes(made_exports.export(path, name)[0])
    return file


def events(path):
    with trace.open(path) as recorded:
        yield from recorded.events()


def shown(value):
    return "" if value is None else str(value)


def test_every_event_has_its_row_with_all_it_is(path):
    found = table(path, "csv")
    assert tuple(found[0]) == rows.EVENTS
    for row, event in zip(found, events(path)):
        for name in ("seq", "t_ns", "dur_ns", "tid", "pid", "size", "nmemb", "block", "cause"):
            assert row[name] == shown(getattr(event, name)), name
        assert row["ptr"] == shown(event.ptr if event.ptr is None else hex(event.ptr))
        assert (row["origin"], row["phase"]) == (measure.origin(event), event.phase)
    assert len(found) == len(list(events(path)))


def test_json_says_the_same_as_csv(path):
    texts, values = table(path, "csv"), table(path, "ndjson")
    assert all(set(row) == set(rows.EVENTS) for row in values)
    plain = [name for name in rows.EVENTS if name not in ("function", "purpose", "direct")]
    shorn = [{name: shown(row[name]) for name in plain} for row in values]
    assert shorn == [{name: row[name] for name in plain} for row in texts]


@pytest.mark.parametrize(
    "text, field",
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-[NSObject init]", "'-[NSObject init]"),
        ("@x,y", '"\'@x,y"'),
        ("\t=1", r"\x09=1"),
        ('a "b"\n,c', '"a ""b""\\x0a,c"'),
        ("a\udcffb\x00", r"a\xffb\x00"),
        ("plain", "plain"),
    ],
)
def test_text_is_quoted_and_no_formula(text, field):
    assert quoted(text) == field


def totals(rows_):
    """As the table `totals`: {(origin, phase, kind, name): (count, bytes)} of what is counted."""
    count, size = Counter(), Counter()
    for origin, phase, kind, name, number, bytes_ in rows_:
        count[origin, phase, kind, name] += int(number)
        size[origin, phase, kind, name] += int(float(bytes_ or 0))
    return {key: (count[key], size[key]) for key in count}


def wanted(path):
    with trace.open(path) as recorded:
        names = ("origin", "phase", "kind", "name", "count", "bytes")
        return totals([row[name] for name in names] for row in recorded.totals())


QUERY = "SELECT origin, phase, kind, name, count(*), %s FROM %s WHERE %s GROUP BY 1, 2, 3, 4"
NOT_NESTED = "kind = 'syscall' OR coalesce(cast(\"outer\" AS TEXT), '') = ''"


def by_sqlite(path, tmp_path):
    file = file_of(path, "csv", tmp_path)
    query = QUERY % ("sum(size * CASE nmemb WHEN '' THEN 1 ELSE nmemb END)", "t", NOT_NESTED)
    done = made_exports.run(
        "sqlite3", "-batch", ":memory:", ".import --csv %s t" % file, ".separator ;", query
    )
    return totals(line.split(";") for line in done.decode().splitlines())


@made_exports.needs("sqlite3")
def test_sqlite_counts_the_totals_of_the_trace(path, tmp_path):
    assert by_sqlite(path, tmp_path) == wanted(path)


@made_exports.needs("sqlite3")
def test_sqlite_sees_a_wrong_size(path, tmp_path):
    assert by_sqlite(made_exports.wrong_size(path), tmp_path) != wanted(path)


@made_exports.needs("node", DUCKDB)
def test_duckdb_counts_the_same_of_many_traces_at_once(path, tmp_path):
    """A hundred copies of CSV and one of NDJSON, each as one table."""
    file = file_of(path, "csv", tmp_path)
    for number in range(99):
        os.link(file, tmp_path / ("t%d.csv" % number))
    many = "read_csv('%s/*.csv')" % tmp_path
    one = "'%s'" % file_of(path, "ndjson", tmp_path)
    found = made_exports.duckdb(QUERY % (BYTES, many, NOT_NESTED))
    assert totals(found) == {k: (100 * n, 100 * b) for k, (n, b) in wanted(path).items()}
    assert totals(made_exports.duckdb(QUERY % (BYTES, one, NOT_NESTED))) == wanted(path)


@pytest.mark.parametrize("name", ["csv", "ndjson"])
def test_places_have_the_sums_of_the_trace(path, name):
    found = Counter()
    for row in table(path, name, sites=True):
        for column in ("count", "bytes", "live_bytes", "temporary_bytes", "peak_bytes"):
            found[column] += int(row[column])
    total = Counter()
    for all_ in made_exports.sums(path).values():
        total += all_
    names = dict(calls="count", bytes="bytes", live="live_bytes", temporary="temporary_bytes")
    names["peak"] = "peak_bytes"
    assert {names[name]: total[name] for name in names} == dict(found)
