"""A recorder that is killed, at random moments: what it had read and what lay in the rings comes
into the trace, each call once and in its order, by its heir (recorder/host/run/heir.h).

BRKPOINT_MOMENTS=50 (`make killed-long`) looks longer."""

import json
import mmap
import os
import random
import signal
import struct
import subprocess
import time

import launching
import pytest
import recorder_runs
from recorder_runs import NOT_BUILT, probe

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)

MOMENTS = int(os.environ.get("BRKPOINT_MOMENTS", "3"))
HEIR, RECORDER = "brkpoint-heir", "brkpoint-record"
ENDS = 5  # the probe's exit status
THREADS = 2
WORDS = 512  # of the page: the last one ends the program


class Numbered:
    """The probe `numbered` under brkpoint; `come`: how far each of its threads has come."""

    def __init__(self, folder, *more, options=()):
        page = folder / "page"
        page.write_bytes(bytes(8 * WORDS))
        with open(page, "r+b") as file:
            self._page = mmap.mmap(file.fileno(), 8 * WORDS)
        words = [probe("numbered.c", "-pthread"), str(page), str(THREADS), *more]
        command = launching.watched(
            *map(os.fsencode, words),
            options=(b"--engine", b"recorder", *options),
            trace=folder / "t.brkpoint",
        )
        self.folder, self.streams = folder, THREADS * (1 + len(more))
        self.process = subprocess.Popen(command, stdout=-1, stderr=-1)
        launching.wait_for(lambda: any(self.come()))

    def come(self):
        return struct.unpack_from("<%dQ" % self.streams, self._page)

    def pids(self, *names):
        return [launching.descendant(self.process.pid, name) for name in names]

    def strike(self, *names):
        """Kill them, in this order; how far each thread had come before."""
        found = self.pids(*names)
        come = self.come()
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        struct.pack_into("<Q", self._page, 8 * (WORDS - 1), 1)
        return come

    def finish(self):
        """(brkpoint's status, what it said, the report)"""
        err = self.process.communicate(timeout=launching.LIMIT_S)[1].decode()
        return self.process.returncode, err, launching.report(self.folder)

    def sizes(self):
        """Of each thread that asked for memory as told, the sizes in the order of the trace."""
        query = "select tid, size from events where name = 'malloc' and phase = 'main'"
        words = [launching.BRKPOINT, "sql", self.folder / "t.brkpoint", query, "--json"]
        done = subprocess.run(words, capture_output=True, check=True)
        streams = {}
        for line in done.stdout.splitlines():
            row = json.loads(line)
            streams.setdefault(row["tid"], []).append(row["size"])
        return sorted(streams.values())

    def told(self):
        """Of how many calls of each thread the trace tells, as many as there are threads: of all up
        to that one, each once, and in their order."""
        ours = [sizes for sizes in self.sizes() if sizes[0] == 33]
        assert all(sizes == list(range(33, 33 + len(sizes))) for sizes in ours)
        return sorted(map(len, ours))


def ways():
    return [{}, {"more": ["child"]}, {"options": [b"--clock", b"every"]}]


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_what_a_killed_recorder_had_recorded_is_told(tmp_path, moment):
    dice, way = random.Random(moment), ways()[moment % len(ways())]
    run = Numbered(tmp_path, *way.get("more", ()), options=way.get("options", ()))
    time.sleep(dice.random() * 0.4)
    come = run.strike(RECORDER)
    status, err, report = run.finish()
    assert status == 125 and "the target exited with status %d" % ENDS in err
    assert "the recorder was killed (SIGKILL)" in err and not report["complete"]
    told = run.told()
    begun = sorted(n for n in come if n)
    assert len(told) >= len(begun)
    assert all(n >= m for n, m in zip(told[-len(begun) :], begun)), (told, begun)
    said = "nothing of what it had recorded is lost" in err
    assert said == (report["events_lost"] == 0)
    assert report["events_lost"] <= run.streams  # each was in the middle of one


def test_sums_are_told_as_well(tmp_path):
    run = Numbered(tmp_path, options=(b"--keep", b"totals"))
    time.sleep(0.1)
    come = run.strike(RECORDER)
    status, err, report = run.finish()
    rows = [row for row in report["totals"] if row["phase"] == "main" and row["name"] == "malloc"]
    assert status == 125 and "nothing of what it had recorded is lost" in err
    assert sum(row["count"] for row in rows) >= sum(come)


def test_without_an_heir_what_is_lost_is_counted(tmp_path):
    """The negative twin: both are killed, as where memory is short. The recorder has stood still
    for a while, or it might have read all that there was."""
    run = Numbered(tmp_path)
    time.sleep(0.1)
    (recorder,) = run.pids(RECORDER)
    launching.stop(recorder)
    enough = sum(run.come()) + 3001
    launching.wait_for(lambda: sum(run.come()) > enough)
    come = run.strike(HEIR, RECORDER)
    status, err, report = run.finish()
    told, lost = run.told(), report["events_lost"]
    assert status == 125 and "%d events of what it had recorded lost" % lost in err
    assert 2 * sum(told) < 2 * sum(come) <= 2 * sum(told) + lost
