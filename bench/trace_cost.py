#!/usr/bin/python3
"""What spool, history and trace cost an event, over made-up events: bench/trace_cost.py [EVENTS].

Addresses, sizes and times are random, as a program with a real heap has them; half of the calls
free. Prints microseconds and bytes an event: compare them with each other, not with other machines.
"""

import os
import random
import sys
import tempfile
import time

_TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True
sys.path[:0] = [_TOP, os.path.join(_TOP, "tests")]

from alloctrace.history import history  # noqa: E402
from alloctrace.model import Frame  # noqa: E402
from alloctrace.spool import spool  # noqa: E402
from alloctrace.trace import trace  # noqa: E402
from made_records import LIBC, MAIN, TOP, Made, write_spool  # noqa: E402
import size  # noqa: E402

STACKS, DEPTH, LIVE = 500, 25, 5000


def make(count, chance):
    """Records of about `count` events: malloc and free, one brk in fifty."""
    made, live = Made(), []
    stacks = [_stack(made, chance) for _ in range(STACKS)]
    for index in range(count):
        made.now += chance.randrange(40, 4000)
        stack = chance.choice(stacks)
        if len(live) > LIVE:
            made.enter("free", live.pop(chance.randrange(len(live))), stack=stack)
            made.leave("free")
            continue
        live.append(0x550000000000 + 16 * chance.randrange(1 << 24))
        made.enter("malloc", int(chance.paretovariate(0.7) * 16), stack=stack)
        if index % 50 == 0:
            made.syscall("brk", live[-1], result=live[-1], stack=chance.choice(stacks))
        made.leave("malloc", live[-1])
    return made.records


def _stack(made, chance):
    pcs = [LIBC] + [MAIN + chance.randrange(1 << 16) for _ in range(DEPTH)]
    return made.stack(*[(pc, TOP - 64 + 96 * index) for index, pc in enumerate(pcs)])


def name_frames(built):
    """Stands in for symbolise: each address is a function of its own."""
    frames = {}
    for stack in built.stacks.values():
        for pc, _ in stack.frames:
            if pc not in frames:
                where = "executable" if pc < LIBC else "system"
                frames[pc] = Frame(pc, "a", "/a", where, pc, "f%x" % pc, "a.c", pc & 1023)
    return {s.id: tuple(frames[pc] for pc, _ in s.frames) for s in built.stacks.values()}


def timed(work):
    begin = time.perf_counter()
    return work(), time.perf_counter() - begin


def main(count):
    with tempfile.TemporaryDirectory() as folder:
        spooled, traced = os.path.join(folder, "s"), os.path.join(folder, "t")
        write_spool(spooled, make(count, random.Random(7)))
        records, reading = timed(lambda: list(spool.read(spooled)))
        built, building = timed(lambda: history.build(records))
        stacks = name_frames(built)
        _, writing = timed(lambda: trace.write(traced, built, stacks, {}))
        opened, opening = timed(lambda: trace.open(traced))
        found, back = timed(lambda: sum(1 for _ in opened.events()))
        assert found == len(built.events)
        show(found, reading, building, writing, back, opening, os.path.getsize(traced))


def show(count, reading, building, writing, back, opening, size):
    print("%d events" % count)
    for what, seconds in (
        ("reading the spool", reading),
        ("building the history", building),
        ("classifying and writing the trace", writing),
        ("reading its events", back),
    ):
        print("  %-36s %6.1f us an event" % (what, seconds / count * 1e6))
    print("  %-36s %6.1f ms" % ("opening the trace", opening * 1e3))
    print("  %-36s %6.1f bytes an event" % ("size of the trace", size / count))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else size.of(100000, 100))
