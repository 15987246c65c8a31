"""Why what was to watch did not come to it: said in one line, with what mends it."""

import os
import resource
from types import SimpleNamespace

import pytest

from start import gdb_program, recorder, symbol_gdb, trace_file, tracer
from start.errors import EngineError, UserError

OLD = (
    "Traceback (most recent call last):\n"
    "gdb.GdbError: gdb 10.1-1.7 made no catchpoint of: catch exec\n"
)
NO_MEMORY = "brkpoint-recorder: memory: File too large"
OF_RECORDER = "brkpoint-recorder: no room for the recorder's code near the program's\n"


def why_not(folder, kind, said):
    """The EngineError of an observer that has said this, and ended."""
    ready, end = os.pipe()
    os.close(end)
    (folder / "log").write_text(said)
    process = SimpleNamespace(wait=lambda seconds: 0, poll=lambda: 0)
    more = (None, None) if kind is tracer.Gdb else (None, None, None)
    with open(folder / "log", "rb") as log:
        observer = kind((process, ready, log.fileno()), *more)
        with pytest.raises(EngineError) as caught:
            observer.wait_attached()
    os.close(ready)
    return caught.value


@pytest.mark.parametrize(
    "kind, said, says",
    [
        (tracer.Gdb, "ptrace: Operation not permitted.\n", "gdb may not attach: ptrace"),
        (tracer.Gdb, OLD, "gdb 10.1-1.7 made no catchpoint of: catch exec"),
        (tracer.Gdb, "Python scripting is not supported in this copy of GDB.\n", "gdb-minimal"),
        (tracer.Gdb, "gdb: x.so: failed to map segment from shared object", "gdb has too little"),
        (tracer.Gdb, "something else", "gdb could not attach to the program"),
        (recorder.Recorder, NO_MEMORY, "the recorder cannot have its memory"),
        (recorder.Recorder, "Operation not permitted", "the recorder may not attach: ptrace"),
        (recorder.Recorder, OF_RECORDER, "no room for the recorder's code near the program's"),
        (recorder.Recorder, "", "the recorder could not attach to the program"),
    ],
)
def test_why_nobody_came_to_watch(tmp_path, kind, said, says):
    why = str(why_not(tmp_path, kind, said))
    assert says in why
    assert "\n" not in why and ("gdb" in why) == (kind is tracer.Gdb)


@pytest.mark.parametrize(
    "kind, said, says",
    [
        (tracer.Gdb, "Segmentation fault", "gdb has too little memory"),
        (tracer.Gdb, "ptrace: Operation not permitted.\n", "gdb may not attach: ptrace"),
        (recorder.Recorder, "Operation not permitted", "the recorder may not attach: ptrace"),
        (recorder.Recorder, OF_RECORDER, "no room for the recorder's code near the program's"),
    ],
)
def test_few_addresses_are_blamed_only_where_gdb_has_no_other_reason(
    tmp_path, monkeypatch, kind, said, says
):
    monkeypatch.setattr(resource, "getrlimit", lambda limit: (100 << 20, 100 << 20))
    assert says in str(why_not(tmp_path, kind, said))


@pytest.mark.parametrize("said, kept", [(OLD, ""), ("something else", "something else")])
def test_what_is_known_is_one_sentence_and_what_is_not_comes_with_gdbs_words(tmp_path, said, kept):
    assert why_not(tmp_path, tracer.Gdb, said).log == kept


def test_without_gdb_the_recorder_has_names_of_symbol_tables(monkeypatch):
    def none():
        raise UserError("gdb is not installed")

    monkeypatch.setattr(gdb_program, "find", none)
    assert trace_file._gdb() == "gdb"  # and when it is asked a note says that it is not there
    found, problems = symbol_gdb.ask([("/bin/true", {0x1000})], gdb="/nonexistent/gdb")
    assert found == [{}] and "gdb cannot be run for symbols" in problems[0]
