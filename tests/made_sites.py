"""The trace of a hostile target with as many sites as one likes, each with a name of its own.

A small trace of usual make is written, and its tables are filled by SQL: a million sites take
seconds, and nothing that is tested has a part in it.
"""

import json
import sqlite3
from array import array

from alloctrace.columns import columns
from alloctrace.columns.schema import EVENT_COLUMNS, PRESENT, insert_statement
from alloctrace.history import history
from alloctrace.trace import trace
from made_records import Made
from made_traces import symbolise

PID, RESULT = 77, 0x5000
LONG = 1000  # one name of so many is of LONGEST characters
LONGEST = 100_000
SHARE = 3, 17  # of so many sites one is of another place in the same function, or of another file
_NAMES = ("</script><b>%d", "\u202e%d\u200b\x1b[31m", "=%d+1", "javascript:%d", "x::y<%d, \"'&>")


def name(number, count):
    """Of the function of a site."""
    text = _NAMES[number % len(_NAMES)] % number
    return text + "n" * (LONGEST if number % max(LONG, count // 200) == 0 else number % 90)


def size(number):
    """What a site asks for, twice; what it asks for first is never given back."""
    return 17 + number * 7919 % 4001


def write(path, sites):
    """`sites` places of `user` in `main`, two allocations each, of which the second is freed."""
    made = Made()
    made.info("image", index=0, path="/bin/target", entry=0x401000, t_ns=made.now)
    made.info("phase", phase="main", t_ns=made.now, how="symbol")
    made.call("malloc", 47, result=0x4000)
    made.info("end", kind="exited", status=0, t_ns=made.tick())
    built = history.build(made.records)
    trace.write(path, built, symbolise(built), {"program": "/bin/target", "command": ["target"]})
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN")
    try:
        _fill(db, sites)
        db.execute("COMMIT")
    finally:
        db.close()
    return path


def _fill(db, sites):
    for (
        table
    ) in "functions frames stacks verdicts purposes names groups chunks columns timeline".split():
        db.execute("DELETE FROM " + table)

    def rows(table, values):
        values = iter(values)
        first = next(values)
        statement = insert_statement(table, len(first))
        db.execute(statement, first)
        db.executemany(statement, values)

    numbers = range(1, sites + 1)
    where = "target", "/bin/target", "executable"
    rows("functions", ((n, name(n, sites), "/x/%d.c" % (n % 1000), *where) for n in numbers))
    rows("frames", ((n, 0x401000 + n, 0x1000 + n, n, n % 999, 0, None, "") for n in numbers))
    rows("stacks", ((n, n - 1 if n % 40 else 0, n) for n in numbers))
    rows("verdicts", [(1, "user", None, "[]", 1, 0, "user function", "frame", None)])
    rows("purposes", ((n, name(n, sites) + "'s own", "own", "") for n in numbers))
    rows("names", [(1, "call", "malloc", "malloc"), (2, "call", "free", "free")])
    rows("groups", (row for n in numbers for row in _groups(n)))
    events = 3 * sites
    for index, first in enumerate(range(0, events, columns.CHUNK)):
        seqs = range(first, min(events, first + columns.CHUNK))
        rows("chunks", [(index, first, len(seqs))])
        rows("columns", _columns(index, seqs))
    held = sum(map(size, numbers))
    peak = {"bytes": held + size(sites), "seq": events - 2, "t_ns": events - 2, "phase": "main"}
    stages = {"seq": [0, events - 1], "t_ns": [0, events - 1], "live_bytes": {"user": [0, held]}}
    for key, value in {
        "events": events,
        "peak": peak,
        "live_by_origin": stages,
        "peaks": [],
    }.items():
        db.execute("INSERT OR REPLACE INTO run VALUES (?, ?)", (key, json.dumps(value)))


def _groups(number):
    """Both allocations of a site are one group, the free is another."""
    first, asked = 3 * (number - 1), size(number)
    who = PID, 2, 0, number, 0, 1, number  # pid, phase, image, stack, within, verdict, purpose
    sums = 2, 2 * asked, 0, 0, 0, 2, 2 * asked, 1, asked, 1, asked, asked
    yield (2 * number - 1, 1, *who, first, first, *sums, asked, 0)
    yield (2 * number, 2, *who, first + 2, first + 2, 1, *[0] * 11, 0, 0)


def _columns(index, seqs):
    present = PRESENT["dur_ns"] | PRESENT["block"]
    asks, frees = present | PRESENT["size"] | PRESENT["result"], present | PRESENT["ptr"]
    sites, thirds = [seq // 3 + 1 for seq in seqs], [seq % 3 for seq in seqs]
    values = dict.fromkeys((name_ for name_, _ in EVENT_COLUMNS), [0] * len(seqs))
    values["present"] = [frees if third == 2 else asks for third in thirds]
    values["t_ns"], values["tid"] = list(seqs), [PID] * len(seqs)
    values["group"] = [2 * site - (third < 2) for site, third in zip(sites, thirds)]
    values["size"] = [0 if third == 2 else size(site) for site, third in zip(sites, thirds)]
    values["block"] = [2 * site - (third == 0) for site, third in zip(sites, thirds)]
    values["result"] = values["ptr"] = [RESULT + block for block in values["block"]]
    for name_, delta in EVENT_COLUMNS:
        packed = columns.encode(list(array("q", values[name_])), delta)
        yield (index, name_, packed.width, int(delta), *packed[1:])
