"""What stands in the ring is the target's: damaged, it ends in words, never in a crash. Real rings
and made ones, damaged in ever new ways and drained with the sanitizers (ring_fuzz.c)."""

import os
import re
import signal
import struct
import subprocess

import launching
import pytest
import recorder_runs
from recorder_programs import SANITIZED, built
from recorder_runs import NOT_BUILT
from recorder_watched import Watched

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)

# recorder/shared.h
CHUNKS_AT, CHUNK_SIZE, CHUNK_HEAD, CHUNKS = 128 << 10, 16384, 32, 16384


def memory_of(pid):
    """The recorder's memory file, as its process `pid` has it open."""
    for entry in os.scandir("/proc/%d/fd" % pid):
        if os.readlink(entry.path).startswith("/memfd:brkpoint-recorder ("):
            return entry.path
    raise AssertionError("no memory file")


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    """A ring with some thousand events, taken while the recorder stands still."""
    folder = tmp_path_factory.mktemp("ring")
    run, path = Watched(folder), folder / "ring"
    recorder = run.recorder()
    launching.stop(recorder)
    words = [built("ring_take"), memory_of(recorder), path]

    def is_full():
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        threads, chunks = map(int, re.findall(r"\d+", done.stdout))
        return 0 < threads < 5 and chunks > 5

    launching.wait_for(is_full)
    os.kill(recorder, signal.SIGCONT)
    assert run.finish()[0] == 5
    return path


def test_a_ring_that_is_whole(ring):
    done = subprocess.run([built("ring_fuzz"), ring], capture_output=True, text=True, check=True)
    events, lost = map(int, re.findall(r"\d+", done.stdout))
    assert events > 1000 and lost == 0


def fuzzed(path, seed):
    """(rings, how many of them said that they are damaged)"""
    words = [built("ring_fuzz", SANITIZED), path, "4", str(seed)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return tuple(map(int, re.findall(r"\d+", done.stdout)))


def test_damaged_rings_harm_nobody(ring):
    """A short run; `make recorder-fuzz-ring` is the long one."""
    rings, said = fuzzed(ring, 1)
    assert rings > 5 and rings / 4 < said


def test_made_rings_harm_nobody(tmp_path):
    path = tmp_path / "script"
    path.write_bytes(os.urandom(7919))
    assert fuzzed(path, 2)[0] > 5


DAMAGE = [
    ("a record of an unknown kind", CHUNK_HEAD, 0x77),
    ("a call of a hook that does not exist", CHUNK_HEAD, 0x01FFFF01),
    ("a chunk that is not the thread's", 0, 7),
]


@pytest.mark.parametrize("words, at, value", DAMAGE, ids=[d[0] for d in DAMAGE])
def test_a_damaged_ring_is_said_to_be(tmp_path, words, at, value):
    """In a run: the program goes on to its end, and the report says first that events are lost."""
    run = Watched(tmp_path)
    recorder = run.recorder()
    launching.stop(recorder)
    with open(memory_of(recorder), "r+b", buffering=0) as memory:
        used = wait_for_chunks(memory, 3)
        for number in used:
            memory.seek(CHUNKS_AT + number * CHUNK_SIZE + at)
            memory.write(struct.pack("<I", value))
    os.kill(recorder, signal.SIGCONT)
    status, out, _, report, _ = run.finish()
    assert (status, out) == (5, b"ends\n")
    assert report["events_lost"] > 0
    text = subprocess.run(
        [launching.BRKPOINT, "report", tmp_path / "t.brkpoint"], capture_output=True, text=True
    ).stdout
    assert "lost" in text and words in text


def wait_for_chunks(memory, wanted):
    """Chunks that hold records and that the recorder, which stands still, has not begun to read."""

    def full():
        heads = {}
        for number in range(256):
            memory.seek(CHUNKS_AT + number * CHUNK_SIZE)
            owner, following, _, _ = struct.unpack("<4I", memory.read(16))
            if owner:
                heads[number] = following - 1
        later = set(heads.values()) & set(heads)
        found = [number for number in later if heads[number] >= 0]
        return found if len(found) >= wanted else None

    return launching.wait_for(full)


def test_a_call_that_ends_while_it_is_looked_at():
    """Its end lies beyond the limit of the turn: it is not taken before those that come first."""
    done = subprocess.run([built("ring_late")], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["to 1000: entered", "to 3000: over"]


@pytest.mark.parametrize(
    "missing, calls", [("", 100), ("first", 100), ("next", 100), ("end", 100), ("before", 40)]
)
def test_links_that_are_missing(missing, calls):
    """A signal's handler that leaves by siglongjmp while the thread goes on to another chunk: the
    way is found backwards. Twin: where it cannot be, what lies behind is not read."""
    done = subprocess.run([built("ring_links"), missing], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["0 %d 0" % calls, "%d 0 0" % calls]


def test_what_a_killed_recorder_leaves_is_counted_at_any_moment():
    """Taken and left are all calls, also within a turn, when chunks have been given back; marks of
    regions are none; and a damaged ring that leads round in a circle is read once."""
    done = subprocess.run([built("unread_left")], capture_output=True, text=True, check=True)
    moments, circle = done.stdout.split("a circle\n")
    moments = [list(map(int, line.split())) for line in moments.splitlines()]
    calls = 3 * (511 - 52)  # in three chunks: every tenth record is a mark
    assert [taken + left for taken, left, _ in moments] == [calls] * len(moments)
    assert len({taken for taken, _, _ in moments}) >= 4 and moments[-1][1] == 0
    assert circle == "0 %d 0\n" % calls
