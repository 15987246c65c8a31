"""Following a spool that grows, cut off at every place."""

from __future__ import annotations

import io

import pytest

from alloctrace import spool


def written():
    file = io.BytesIO()
    writer = spool.Writer(file)
    writer.info("run", pid=7, started_ns=0)
    writer.stack(1, 0, [(0x1000, 0x2000)])
    writer.enter(5, 7, 1, 0x2000, (472, 0, 0), 1)
    writer.sysenter(6, 7, 12, 0x1F00, (0,) * 6, 1, b"a path")
    return file.getvalue()


def fed(data, pieces):
    """The records of `data`, handed over in `pieces` (byte counts, the last one repeated)."""
    records, rest, at, begin = [], b"", 0, 0
    while begin < len(data):
        rest += data[begin : begin + pieces]
        begin += pieces
        found, used = spool.whole_records(rest, at)
        records += found
        at, rest = at + used, rest[used:]
    return records, rest


@pytest.mark.parametrize("pieces", [1, 7, 8, 100, 10000])
def test_however_it_arrives_the_records_are_the_same(tmp_path, pieces):
    path = tmp_path / "spool"
    path.write_bytes(written())
    assert fed(written(), pieces) == (list(spool.read(path)), b"")


def test_the_beginning_of_a_record_waits():
    records, rest = fed(written()[:-1], 10000)
    assert len(records) == 3 and rest


def test_what_is_no_spool_is_refused():
    with pytest.raises(spool.SpoolError):
        fed(b"x" * 64, 64)
    with pytest.raises(spool.SpoolError):
        fed(written()[:16] + b"\xff" * 8, 64)
