"""Why gdb did not come to watch: said in one line, with what mends it."""

from types import SimpleNamespace

import pytest

from command import tracer

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
