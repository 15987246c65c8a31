"""A damaged spool of many events: the reader is told so, whenever its chunks are looked at."""

import pytest

from alloctrace.history import history, packed
from alloctrace.purpose import examples
from alloctrace.spool import spool
from alloctrace.trace import trace
import made_traces
from made_records import Made
from test_history_c import convert, tool  # noqa: F401
from test_history_totals import told_totals

MINUS_ONE = (1 << 64) - 1


@pytest.fixture
def records(tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "MANY", 3)
    made = Made()
    for number in range(50):
        made.sysenter("mmap", 0, 4096 * number * number, 3, 34, MINUS_ONE)
        made.sysleave("mmap", 0x7F0000000000 + 8192 * number)
    return list(spool.read(convert(tmp_path, made.records)[2]))


def without_arguments(records):
    return [record for record in records if not isinstance(record, spool.Arguments)]


def with_torn_columns(records):
    """As long as they were, but no zlib streams."""
    return [
        record._replace(data=b"\xff" * 99) if isinstance(record, spool.Column) else record
        for record in records
    ]


@pytest.mark.parametrize("damage", [without_arguments, with_torn_columns])
def test_damage_that_is_found_late_is_told_as_such(tmp_path, records, damage):
    built = history.build(damage(records))
    assert built.has_many()
    with pytest.raises(trace.TraceError, match="damaged: "):
        list(built.events)
    with pytest.raises(trace.TraceError, match="damaged: "):
        trace.write(tmp_path / "a.trace", built, made_traces.symbolise(built), {})


def test_groups_without_any_chunk_have_no_example(tmp_path):
    made = Made()
    made.call("malloc", 8, result=0x1000)
    _, path = told_totals(tmp_path, made.records)
    kept = [record for record in spool.read(path) if not isinstance(record, spool.Column)]
    known = history.build(kept).packed
    picked = examples.of(known, range(len(known.sums.groups)))
    assert [event.name for event in picked.events] == ["malloc"] and len(picked.stands_for) == 1
