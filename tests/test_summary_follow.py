"""Following a spool that grows, cut off at every place."""

from __future__ import annotations

import io

import pytest

from alloctrace.spool import spool
from alloctrace.trace import follow
from alloctrace.trace.follow import Follow


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


def a_run(path):
    """A spool being written: one call, still open. Returns its writer and file."""
    file = open(path, "wb")
    writer = spool.Writer(file)
    writer.info("run", pid=7, started_ns=0, engine="breakpoints")
    writer.info("image", index=0, path="/no/such/program", entry=0x1000, t_ns=0)
    base = {"base": 0x1000, "start": 0x1000, "end": 0x9000}
    writer.info("module", id=1, path="/no/such/program", role="executable", loaded_ns=0, **base)
    writer.info("hook", id=1, module=1, name="malloc", impl="malloc", address=0x2000)
    writer.info("phase", phase="main", t_ns=1, how="entry of main", image=0)
    writer.stack(1, 0, [(0x2000, 0x7000), (0x3000, 0)])
    writer.enter(5, 7, 1, 0x7000, (472, 0, 0), 1)
    writer.flush()
    return writer, file


def test_events_come_once_and_are_completed_later(tmp_path):
    path = str(tmp_path / "spool")
    follower = Follow(path)
    assert follower.poll() == []
    writer, file = a_run(path)
    (event,) = follower.poll()
    assert (event.name, event.size, event.dur_ns) == ("malloc", 472, None)
    assert event.verdict is not None and len(follower.stack(event.stack)) == 2
    writer.leave(9, 7, 1, 0x7000, 0x5000)
    writer.flush()
    assert follower.poll() == [] and event.dur_ns == 4
    file.close()


def test_late_events_are_told_whose_they_are_but_not_what_for(tmp_path, monkeypatch):
    monkeypatch.setattr(follow, "_EXPLAINED", 0)
    path = str(tmp_path / "spool")
    a_run(path)[1].close()
    follower = Follow(path)
    (event,) = follower.poll()
    assert event.verdict is None
    follower.explain(event)
    assert event.verdict is not None and event.purpose is None
