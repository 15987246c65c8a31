"""Hand-made spools for the tests of history and trace: a target that never ran."""

from alloctrace.spool import spool
from alloctrace.words import ENTRY_POINTS, MEMORY_SYSCALLS

HOOK = {name: index for index, name in enumerate(ENTRY_POINTS, 1)}
# Of another allocator: entry point, arguments, what it returns. Made.announce tells of them.
OTHERS = {
    "mallocx": ("malloc", "size flags", None),
    "rallocx": ("realloc", "ptr size flags", None),
    "xallocx": ("realloc", "ptr size flags", "size"),
    "dallocx": ("free", "ptr", None),
    "calloc_aligned": ("calloc", "nmemb size align", None),
    "stored": ("posix_memalign", "out size", None),
}
HOOK.update((name, len(ENTRY_POINTS) + index) for index, name in enumerate(OTHERS, 1))
NUMBER = {name: number for number, name in reversed(MEMORY_SYSCALLS.items())}
MAIN = 0x401000  # return addresses in main are MAIN + something
LIBC = 0x7F0000001000
TOP = 0x7FFE00000000  # main's frame; stacks grow down from here
STARTED = 5_000_000


class Made:
    """Collects records; every call advances the clock by 10 ns."""

    def __init__(self, pid=77):
        self.records, self.now, self.tid = [], STARTED, pid
        self._stacks = {}
        self.info("run", pid=pid, engine="breakpoints", started_ns=STARTED)
        for name in ENTRY_POINTS:
            self._hook(name, name=name)

    def announce_others(self):
        for label, (name, arguments, returns) in OTHERS.items():
            more = {"returns": returns} if returns else {}
            self._hook(label, name=name, arguments=arguments, **more)

    def _hook(self, impl, **more):
        number = HOOK[impl]
        self.info("hook", id=number, module=1, impl=impl, address=LIBC + number, **more)

    def info(self, type_, **data):
        data["type"] = type_
        self.records.append(spool.Info(data))

    def tick(self):
        self.now += 10
        return self.now

    def stack(self, *frames, cut=0):
        """The id of the stack of (pc, slot) pairs, innermost first."""
        key = (frames, cut)
        if key not in self._stacks:
            self._stacks[key] = len(self._stacks) + 1
            self.records.append(spool.Stack(self._stacks[key], cut, frames))
        return self._stacks[key]

    def enter(self, name, *args, sp=TOP - 64, line=1, stack=None, tid=None):
        """A call from line `line` of main; `sp` holds the return address."""
        if stack is None:
            stack = self.stack((LIBC + HOOK[name], sp), (MAIN + line, TOP))
        args = (args + (0, 0, 0))[:3]
        self.records.append(spool.Enter(self.tick(), tid or self.tid, HOOK[name], sp, *args, stack))

    def leave(self, name, result=0, sp=TOP - 64, tid=None):
        self.records.append(spool.Leave(self.tick(), tid or self.tid, HOOK[name], sp, result))

    def call(self, name, *args, result=0, sp=TOP - 64, line=1, tid=None):
        self.enter(name, *args, sp=sp, line=line, tid=tid)
        self.leave(name, result, sp, tid)

    def sysenter(self, name, *args, sp=TOP - 64, stack=None, path=b"", tid=None):
        if stack is None:
            stack = self.stack((LIBC + 0x900, sp), (MAIN + 9, TOP))
        args = (args + (0,) * 6)[:6]
        self.records.append(
            spool.SysEnter(self.tick(), tid or self.tid, NUMBER[name], sp, args, stack, path)
        )

    def sysleave(self, name, result=0, tid=None):
        self.records.append(spool.SysLeave(self.tick(), tid or self.tid, NUMBER[name], result))

    def syscall(self, name, *args, result=0, **more):
        self.sysenter(name, *args, **more)
        self.sysleave(name, result, more.get("tid"))


def write_spool(path, records):
    """Write made records as a spool file."""
    with open(path, "wb") as file:
        writer = spool.Writer(file)
        for record in records:
            _put(writer, record)


def _put(writer, record):
    if isinstance(record, spool.Info):
        data = dict(record.data)
        writer.info(data.pop("type"), **data)
    elif isinstance(record, spool.Stack):
        writer.stack(*record)
    elif isinstance(record, spool.Enter):
        t_ns, tid, hook, sp, *args, stack = record
        writer.enter(t_ns, tid, hook, sp, args, stack)
    elif isinstance(record, spool.Leave):
        writer.leave(*record)
    elif isinstance(record, spool.SysEnter):
        writer.sysenter(*record)
    else:
        writer.sysleave(*record)
