"""Why gdb did not come to watch: said in one line, with what mends it."""

import os
from types import SimpleNamespace

import pytest

from alloctrace import symbol_gdb
from command import record, tracer
from command.errors import EngineError, UserError

OLD = (
    "Traceback (most recent call last):\n"
    "gdb.GdbError: gdb 10.1-1.7 shows no catchpoints to Python, and cannot give them conditions;"
    " gdb 11 can\n"
)


@pytest.mark.parametrize(
    "log, says",
    [
        ("ptrace: Operation not permitted.\n", "doctor"),
        (OLD, "gdb 10.1-1.7 shows no catchpoints to Python, and cannot give them conditions; "),
        ("Python scripting is not supported in this copy of GDB.\n", "not gdb-minimal"),
        ("gdb: x.so: failed to map segment from shared object", "ulimit -v"),
        ("brkpoint-recorder: memory: File too large", "the recorder cannot have its memory"),
        ("something else", "gdb could not attach to the program"),
    ],
)
def test_why_gdb_did_not_attach(monkeypatch, log, says):
    monkeypatch.setattr(tracer, "log", lambda _: log)
    process = SimpleNamespace(wait=lambda seconds: 0)
    why = str(tracer._why_not(SimpleNamespace(process=process)))
    assert says in why and "\n" not in why


@pytest.mark.parametrize("log, kept", [(OLD, ""), ("something else", "something else")])
def test_what_is_known_is_one_sentence_and_what_is_not_comes_with_gdbs_words(
    monkeypatch, log, kept
):
    monkeypatch.setattr(tracer, "log", lambda _: log)
    ready, end = os.pipe()
    os.close(end)
    process = SimpleNamespace(wait=lambda seconds: 0, poll=lambda: 0)
    with pytest.raises(EngineError) as caught:
        tracer.wait_attached(SimpleNamespace(process=process, ready=ready))
    os.close(ready)
    assert caught.value.log == kept


def test_without_gdb_the_recorder_has_names_of_symbol_tables(monkeypatch):
    def none():
        raise UserError("gdb is not installed")

    monkeypatch.setattr(tracer, "find_gdb", none)
    assert record._gdb() == "gdb"  # and when it is asked a note says that it is not there
    found, problems = symbol_gdb.ask([("/bin/true", {0x1000})], gdb="/nonexistent/gdb")
    assert found == [{}] and "gdb cannot be run for symbols" in problems[0]
