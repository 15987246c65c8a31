"""A trace that is replaced, or removed, while somebody reads it: no answer is of two traces."""

import os
import shutil

import pytest

from alloctrace.trace import explain, sql, trace
from test_history_c import convert, tool  # noqa: F401
from test_unexplained import both, dump, kept_there, run, write  # noqa: F401
import made_chaos


def another(folder):
    """The path of a trace of another run."""
    records = made_chaos.records(1, calm=True)
    return write(folder / "other", convert(folder, records, "--flush", "7")[2], True)


@pytest.mark.parametrize("how", [os.replace, shutil.copyfile])
def test_what_another_run_writes_meanwhile_is_another_trace(
    tmp_path, run, monkeypatch, kept_there, how  # noqa: F811
):
    _, later = both(tmp_path, run)
    other = another(tmp_path)
    others, find_out = dump(other), explain._find_out

    def slowly(*what):
        tree = find_out(*what)
        how(other, later)
        return tree

    with monkeypatch.context() as patch:
        patch.setattr(explain, "_find_out", slowly)
        with trace.open(later):
            pass
    assert dump(later) == others


def test_it_may_be_removed_meanwhile(tmp_path, run, monkeypatch, kept_there):  # noqa: F811
    now, later = both(tmp_path, run)
    told, find_out = dump(now), explain._find_out

    def slowly(*what):
        tree = find_out(*what)
        os.remove(later)
        return tree

    monkeypatch.setattr(explain, "_find_out", slowly)
    with trace.open(later) as opened:
        assert len(list(opened.sites())) == len(told["sites"])
    with pytest.raises(trace.TraceError, match="^cannot be read: No such file or directory$"):
        trace.open(later)


@pytest.mark.parametrize("is_for_later", [True, False])
def test_a_query_is_of_the_trace_that_was_opened(tmp_path, run, is_for_later):  # noqa: F811
    path = write(tmp_path / "t", run, is_for_later)
    with trace.open(path) as opened:
        sql.Query(opened).close()
        os.replace(another(tmp_path), path)
        with pytest.raises(sql.QueryError, match="^the trace is another one than a moment ago"):
            sql.Query(opened)
        os.remove(path)
        with pytest.raises(sql.QueryError, match="^the trace is another one than a moment ago"):
            sql.Query(opened)


def test_what_is_kept_is_of_that_file(tmp_path, run, monkeypatch, kept_there):  # noqa: F811
    now, later = both(tmp_path, run)
    told = dump(now)
    other = another(tmp_path)
    shutil.copyfile(later, tmp_path / "copy")
    dump(other)
    os.rename(other, later)
    dump(later)  # is kept
    connect = trace.connect

    def then_replaced(*what):
        opened = connect(*what)
        os.replace(later, other)
        os.rename(tmp_path / "copy", later)
        return opened

    with monkeypatch.context() as patch:
        patch.setattr(trace, "connect", then_replaced)
        with trace.open(later):
            pass
    assert dump(later) == told
