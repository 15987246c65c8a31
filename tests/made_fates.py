"""A run in which some blocks are left, temporary or live at the peak, and some calls reached the
kernel."""

from alloctrace.history import history
from alloctrace.model import Frame
from alloctrace.trace import trace
from made_records import HOOK, LIBC, MAIN, TOP, Made

CALLS = 997


def write(path):
    """Lines 0 and 1 free soon or never, 2 and 3 sometimes; 3 and 4 reach the kernel at times, 3 in
    a call inside its own. The peak is in the middle, when a large block is freed."""
    made = Made()
    made.info("image", index=0, path="/bin/target", entry=MAIN, t_ns=made.now)
    made.info("phase", phase="main", t_ns=made.now, how="symbol")
    for number in range(CALLS):
        line, tid, address = number % 5, 77 + number // 5 % 2, 0x10000 + 64 * number
        name, size = ("calloc", (1, 50 + number % 7)) if line == 3 else ("malloc", (50,))
        made.enter(name, *size, line=line, tid=tid)
        if line == 3 and number % 2:
            inside = (LIBC + HOOK["malloc"], TOP - 256), (LIBC + HOOK["calloc"], TOP - 64)
            stack = made.stack(*inside, (MAIN + line, TOP))
            made.enter("malloc", size[1], sp=TOP - 256, stack=stack, tid=tid)
            for _ in range(2):
                reach = made.stack((LIBC + 0x900, TOP - 512), *inside, (MAIN + line, TOP))
                made.syscall("brk", 4096, result=4096, sp=TOP - 512, stack=reach, tid=tid)
            made.leave("malloc", address, sp=TOP - 256, tid=tid)
        elif line == 4 and number % 11 == 0:
            made.syscall("brk", 4096, result=4096, tid=tid)
        made.leave(name, address, tid=tid)
        if line == 0 or (line in (2, 3) and number % 3):
            made.call("free", address, line=line, tid=tid)
        if number == CALLS // 2:
            made.call("malloc", 50000, result=0x4000, line=7, tid=tid)
            made.call("free", 0x4000, line=7, tid=tid)
    made.info("end", kind="exited", status=0, t_ns=made.tick())
    built = history.build(made.records)
    stacks = {id_: frames(stack.frames[-1][0] - MAIN) for id_, stack in built.stacks.items()}
    trace.write(path, built, stacks, {"program": "/bin/target"})
    return path


def frames(line):
    return (Frame(MAIN, "target", "/bin/target", "executable", 1, "main", "a.c", line),)
