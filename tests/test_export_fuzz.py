"""Exports of a damaged trace: a file, or an error of one line."""

import random
import sqlite3

import pytest

import made_exports
from alloctrace.columns import schema as trace_schema
from alloctrace.trace import trace
from exports import formats
from mutations import CASES

ODD = (-1, 0, 1, 7, 1 << 31, 1 << 62, -(1 << 63), "", "x", "call", "0", b"\xff", None)
RUNS = (
    "pid",
    "command",
    "images",
    "threads",
    "thread_names",
    "children",
    "date",
    "peak",
    "program",
)
VALUES = (
    "null",
    "7",
    '"x"',
    "[]",
    "{}",
    '[{"pid": "x"}]',
    "[[7]]",
    "[null]",
    '{"bytes": "x"}',
    "-1",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return made_exports.write(tmp_path_factory.mktemp("made")).read_bytes()


def statements(source):
    for _ in range(CASES):
        table = source.choice(list(trace_schema.TABLES))
        name = source.choice([row[0] for row in trace_schema.row_types(table)])
        size = "max(1, (SELECT count(*) FROM %s))" % table
        place = "LIMIT 1 OFFSET %d %% %s" % (source.randrange(1 << 30), size)
        rows = "rowid IN (SELECT rowid FROM %s ORDER BY rowid %s)" % (table, place)
        yield "UPDATE OR IGNORE %s SET %s = ? WHERE %s" % (table, name, rows), source.choice(ODD)
    for name in RUNS:
        for value in VALUES:
            yield "UPDATE run SET value = ? WHERE key = '%s'" % name, value


def test_only_errors_of_one_line_come_out_of_damage(tmp_path, whole):
    path, errors = tmp_path / "t", 0
    for statement, value in statements(random.Random(20220104)):
        path.write_bytes(whole)
        db = sqlite3.connect(path, isolation_level=None)
        try:
            db.execute(statement, (value,))
        except sqlite3.IntegrityError:
            continue
        finally:
            db.close()
        for name in formats.NAMES:
            try:
                made_exports.export(path, name)
            except (trace.TraceError, formats.CannotExport) as error:
                errors += 1
                assert "\n" not in str(error) and str(error)
            except Exception as error:
                raise AssertionError("%s: %s %r" % (name, statement, value)) from error
    assert errors > 50
