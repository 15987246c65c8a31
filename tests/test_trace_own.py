"""A trace that was written just now is not gone through once more before its report."""

import os
import shutil

import pytest

from alloctrace.columns import check
from alloctrace.trace import trace
import made_traces


@pytest.fixture
def path(tmp_path):
    where, built = str(tmp_path / "t"), made_traces.made_history()
    trace.write(where, built, made_traces.symbolise(built), {})
    return where


@pytest.fixture
def looked(monkeypatch):
    """[whether SQLite went through all], one an opening."""
    found, real = [], check._check_schema
    monkeypatch.setattr(
        check, "_check_schema", lambda db, is_own: found.append(not is_own) or real(db, is_own)
    )
    return found


def test_what_was_written_just_now_is_believed(path, looked):
    with trace.open(path, is_own=True) as opened:
        assert list(opened.events())
    with trace.open(path):
        assert looked == [False, True]


def damaged(path):
    """The same length, another content, at another time."""
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        file.write(b"\xff" * 512)
    os.utime(path, (1, 1))


def test_twin_what_was_changed_meanwhile_is_not(path, looked):
    damaged(path)
    with pytest.raises(trace.TraceError):
        trace.open(path, is_own=True)
    assert looked == [True]


def test_twin_another_file_is_not(path, looked, tmp_path):
    other = str(tmp_path / "other")
    shutil.copy(path, other)
    with trace.open(other, is_own=True):
        assert looked == [True]
