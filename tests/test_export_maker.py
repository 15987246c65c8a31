"""The C program that makes the bytes of many events: those that Python makes, whatever the trace,
and nobody left behind. It runs under gcc's sanitizers. One that is not ours is not used."""

import io
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys

import pytest

import launching
import made_exports
import mutations
from alloctrace.columns import columns
from alloctrace.columns.schema import COLUMN_NAMES
from alloctrace.trace import trace
from command import export as command_export, main
from exports import formats, maker, rows
from recorder_programs import SANITIZED, built
from start.errors import UserError

OF_EVENTS = ("csv", "ndjson", "perfetto", "heaptrack", "dhat", "pprof")
ODD = (-1, 0, 1, 2, 7, 255, 1 << 31, 1 << 44, 1 << 62, -(1 << 63), (1 << 63) - 1)
WRITES = """
import sys
sys.path[:0] = [{root!r}]
from command import main
from exports import maker
maker.FEWEST, maker.find = 0, lambda: {program!r}
sys.exit(main.main(["export", {path!r}, "--format", "csv"]))
"""


@pytest.fixture(scope="session")
def program():
    return built(maker.NAME, SANITIZED)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return made_exports.write(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module", params=[7, columns.CHUNK])
def chunked(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(columns, "CHUNK", request.param)
        return made_exports.write(tmp_path_factory.mktemp("made"))


def outcome(path, name, program):
    """(bytes, what was said, whether by the program) of a file made by it, None: by Python; or the
    error."""
    used, greeted = [], maker._greeted
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(maker, "_greeted", lambda *a: used.append(greeted(*a)) or used[-1])
        patched.setattr(maker, "FEWEST", 0)
        patched.setattr(maker, "find", lambda: program)
        try:
            with trace.open(path) as recorded, open(str(path) + ".out", "w+b") as out:
                said = formats.load(name).write(out, recorded, formats.Choice(None, False))
                out.seek(0)
                return out.read(), said, any(used)
        except (trace.TraceError, formats.CannotExport) as error:
            return type(error)


def are_alike(path, name, program, is_used=True):
    made, alone = outcome(path, name, program), outcome(path, name, None)
    if isinstance(made, tuple) and isinstance(alone, tuple):
        assert made[2] == is_used and not alone[2]
        return made[:2] == alone[:2]
    return made == alone


@pytest.mark.parametrize("name", OF_EVENTS)
def test_the_bytes_are_those_of_python(chunked, program, name):
    assert are_alike(chunked, name, program)
    assert outcome(chunked, name, program)[0] == made_exports.export(chunked, name)[0]


def test_twin_a_program_that_writes_another_digit_is_noticed(path, program, tmp_path):
    wrong = changed(program, tmp_path, b"0123456789abcdef", b"0123456789abcdeF")
    found = [name for name in OF_EVENTS if not are_alike(path, name, wrong)]
    assert {"csv", "ndjson", "heaptrack"} <= set(found)


def changed(program, folder, old, new):
    """A copy that has other bytes."""
    copy = shutil.copy(program, str(folder / maker.NAME))
    with open(copy, "rb") as file:
        data = file.read()
    assert old in data
    os.chmod(copy, 0o755)
    with open(copy, "wb") as file:
        file.write(data.replace(old, new))
    return copy


def statements(source):
    """Changes of columns and of what became known late."""
    for _ in range(mutations.CASES):
        name, value = source.choice(COLUMN_NAMES), source.choice(ODD)
        chunk = "(SELECT chunk FROM columns ORDER BY chunk LIMIT 1 OFFSET %d)" % source.randrange(
            99
        )
        field = source.choice(("base", "width", "period", "delta", "data"))
        if field == "data":
            value = source.choice((b"", b"x", os.urandom(9)))
        yield "UPDATE columns SET %s = ? WHERE name = '%s' AND chunk = %s" % (
            field, name, chunk), value  # fmt: skip
        seq = source.randrange(90)
        yield "INSERT OR REPLACE INTO late VALUES (%d, '%s', ?)" % (seq, name), value


def test_damage_ends_both_or_neither(path, program, tmp_path):
    source, damaged = random.Random(20220104), tmp_path / "t"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(columns, "CHUNK", 7)
        whole = made_exports.write(tmp_path).read_bytes()
    errors = 0
    for number, (statement, value) in enumerate(statements(source)):
        damaged.write_bytes(whole)
        with sqlite3.connect(damaged, isolation_level=None) as db:
            db.execute(statement, (value,))
        db.close()
        name = OF_EVENTS[number % len(OF_EVENTS)]
        wanted = outcome(damaged, name, None)
        assert are_alike(damaged, name, program), (name, statement, value)
        errors += wanted is trace.TraceError
    assert 0 < errors < 2 * mutations.CASES


def strangers(program, folder):
    """What may stand in its place."""
    with open(program, "rb") as file:
        data = file.read()
    for size in (0, 100, 5000, 20000):
        yield data[:size], 0o755
    yield data, 0o644
    yield b"#!/bin/sh\nexit 3\n", 0o755
    yield b"#!/bin/sh\nyes\n", 0o755
    yield b"#!/bin/sh\nexec sleep 60\n", 0o755
    yield data.replace(maker.greeting().encode(), b"%s 00000007\n" % maker.NAME.encode()), 0o755


def test_one_that_is_damaged_foreign_or_older_is_not_used(path, program, tmp_path, monkeypatch):
    monkeypatch.setattr(maker, "_PATIENCE_MS", 500)
    monkeypatch.setattr(maker, "FEWEST", 0)
    wanted, stranger = made_exports.export(path, "csv")[0], str(tmp_path / maker.NAME)
    for data, mode in strangers(program, tmp_path):
        with open(stranger, "wb") as file:
            file.write(data)
        os.chmod(stranger, mode)
        assert outcome(path, "csv", stranger)[0] == wanted
        monkeypatch.setattr(maker, "find", lambda: stranger)
        with trace.open(path) as recorded, open(os.devnull, "wb") as out:
            with maker.started(recorded, out, "rows") as made:
                assert made is None
        os.remove(stranger)


def test_few_events_and_what_is_no_file_are_made_by_python(path, program, monkeypatch):
    monkeypatch.setattr(maker, "find", lambda: program)
    with trace.open(path) as recorded, open(os.devnull, "wb") as out:
        with maker.started(recorded, out, "rows") as made:
            assert made is None
        monkeypatch.setattr(maker, "FEWEST", 0)
        with maker.started(recorded, io.BytesIO(), "rows") as made:
            assert made is None
        with maker.started(recorded, out, "rows") as made:
            assert made is not None


def test_an_error_of_ours_is_no_damage(path, program, monkeypatch):
    def fails(*_):
        raise AttributeError("of ours")

    monkeypatch.setattr(rows, "_place", fails)
    for way in (program, None):
        with pytest.raises(AttributeError, match="of ours"):
            outcome(path, "csv", way)


def test_a_full_disk_is_named(path, program, monkeypatch):
    monkeypatch.setattr(maker, "FEWEST", 0)
    monkeypatch.setattr(maker, "find", lambda: program)
    words = [str(path), "--format", "csv", "-o", "/dev/full"]
    with pytest.raises(UserError, match="cannot write /dev/full: No space left"):
        command_export.invoke(main.parser_for(command_export).parse_args(words))


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
        return list(map(int, file.read().split()))


@pytest.mark.parametrize("how", ["closed", "interrupted", "killed"])
def test_it_ends_with_us(path, program, how):
    script = WRITES.format(root=made_exports.ROOT, path=str(path), program=program)
    words = [sys.executable, "-c", script]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.read(1000)  # the rest waits until it is read
        (pid,) = children(process.pid)
        if how == "closed":
            process.stdout.close()
        else:
            process.send_signal(signal.SIGINT if how == "interrupted" else signal.SIGKILL)
        status = process.wait(timeout=launching.LIMIT_S)
        said = process.stderr.read().decode()
    assert status == {"closed": 0, "interrupted": 130, "killed": -signal.SIGKILL}[how], said
    assert "Traceback" not in said and launching.gone([pid])
