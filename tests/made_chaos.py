"""Random spools of a target that does everything at once: longjmp, tail jumps, signals, exec …

Few addresses, few slots and few stacks, so that everything meets everything.
"""

import random

from made_records import LIBC, MAIN, OTHERS, TOP, Made

SLOTS = [TOP - 64 * index for index in range(6)] + [TOP + (2 << 20)]  # the last on another stack
BLOCKS = [0x5000 + 16 * index for index in range(7)]
CALLS = "malloc calloc realloc reallocarray free aligned_alloc posix_memalign valloc".split()
CALLS += list(OTHERS)
SYSCALLS = "mmap munmap brk mremap mprotect madvise".split()


class Chaos:
    """Makes records; `threads` of them take turns at random."""

    def __init__(self, seed, length=200, threads=1, calm=False):
        """`calm`: calls of a thread are well nested, and all return."""
        self.chance = random.Random(seed)
        self.made = Made()
        self.made.announce_others()
        self.tids = [77 + index for index in range(threads)]
        self.image = 0
        self.modules = 0
        self.stacks = [self._stack() for _ in range(8)]
        acts = [self.enter] * 8 + [self.leave] * 9 + [self.syscall] * 4 + [self.sysleave] * 2
        acts += [self.memptr, self.phase, self.call, self.call, self.call, self.module]
        if calm:
            acts = [self.nest] * 6 + [self.phase, self.module]
        acts += [self.region_begin] * 2 + [self.region_end] * 2
        for _ in range(length):
            self.chance.choice(acts)()
            if self.chance.random() < 0.004:
                self.exec()
            if self.chance.random() < 0.004:
                self.made.info("thread", tid=self.tid(), t_ns=self.made.tick())

    def tid(self):
        return self.chance.choice(self.tids)

    def _stack(self):
        """Some of the slots, innermost first; some are cut, some end where they should not."""
        depth = self.chance.randrange(1, 6)
        slots = sorted(self.chance.sample(SLOTS, depth))
        pcs = [LIBC + self.chance.randrange(3)] + [
            MAIN + self.chance.randrange(4) for _ in slots[1:]
        ]
        cut = self.chance.choice([0, 0, 0, 1, 3])
        return self.made.stack(*zip(pcs, slots), cut=cut)

    def stack(self):
        return 0 if self.chance.random() < 0.05 else self.chance.choice(self.stacks)

    def number(self):
        return self.chance.choice([0, 1, 8, 24, 24, 64, 4096, 2**40])

    def enter(self):
        name, block = self.chance.choice(CALLS), self.chance.choice(BLOCKS + [0])
        args = (self.number(), self.number(), self.number())
        if name in ("realloc", "reallocarray", "free", "rallocx", "xallocx", "dallocx"):
            args = (block,) + args[1:]
        slot = self.chance.choice(SLOTS)
        self.made.enter(name, *args, sp=slot, stack=self.stack(), tid=self.tid())

    def leave(self):
        name = self.chance.choice(CALLS)
        result = self.chance.choice(BLOCKS + BLOCKS + [0])
        self.made.leave(name, result, sp=self.chance.choice(SLOTS), tid=self.tid())

    def call(self):
        """One that behaves."""
        name, tid = self.chance.choice(["malloc", "calloc", "realloc", "free"]), self.tid()
        slot, block = self.chance.choice(SLOTS), self.chance.choice(BLOCKS)
        first = block if name in ("realloc", "free") else 24
        self.made.enter(name, first, self.number(), sp=slot, stack=self.stack(), tid=tid)
        self.made.leave(name, self.chance.choice(BLOCKS), sp=slot, tid=tid)

    def nest(self, tid=None, outer=()):
        """A call that holds others, and syscalls."""
        tid = tid or self.tid()
        slot = TOP - 4096 * tid - 64 * len(outer)
        outer = outer or ((MAIN + self.chance.randrange(3), TOP),)
        frames = ((LIBC + self.chance.randrange(2), slot),) + outer
        stack = self.made.stack(*frames)
        name = self.chance.choice(["malloc", "calloc", "realloc", "free", "aligned_alloc"])
        args = (self.chance.choice(BLOCKS + [0]), self.chance.choice([0, 8, 24, 4096]))
        args = args if name in ("realloc", "free") else (3, 24)
        self.made.enter(name, *args, sp=slot, stack=stack, tid=tid)
        for _ in range(self.chance.choice([0, 0, 0, 1, 2]) if len(outer) < 4 else 0):
            self.nest(tid, frames)
        if self.chance.random() < 0.2:
            where = {"sp": slot - 64, "stack": stack, "tid": tid}
            self.made.syscall("mmap", 0, 4096, 3, 0x22, result=0x7000000, **where)
        self.made.leave(name, self.chance.choice(BLOCKS + [0]), sp=slot, tid=tid)

    def memptr(self):
        self.made.info("memptr", tid=self.tid(), value=self.chance.choice(BLOCKS))

    def syscall(self):
        name = self.chance.choice(SYSCALLS)
        args = [self.chance.choice([0, 3, 0x22, 4096, 2**64 - 1, 0x600000]) for _ in range(6)]
        path = self.chance.choice([b"", b"", b"/lib/x.so", b"/\xff"])
        where = {"sp": self.chance.choice(SLOTS), "stack": self.stack(), "tid": self.tid()}
        self.made.sysenter(name, *args, path=path, **where)

    def sysleave(self):
        name = self.chance.choice(SYSCALLS)
        result = self.chance.choice([0, 0x600000, 0x601000, 0x5FF000, -12, -4095, -4096])
        self.made.sysleave(name, result, tid=self.tid())

    def phase(self):
        name = self.chance.choice(["load", "init", "main", "exit"])
        more = {"brk": 0x600000} if self.chance.random() < 0.5 else {}
        self.made.info("phase", phase=name, t_ns=self.made.tick(), how="made up", **more)

    def module(self):
        """The same addresses mean something else from now on."""
        self.modules += 1
        where = {"base": MAIN, "start": MAIN, "end": MAIN + 2}
        made = self.made
        if self.modules > 1:
            made.info("unmodule", id=self.modules - 1, t_ns=made.tick())
        made.info("module", id=self.modules, path="/m", loaded_ns=made.tick(), **where)

    def region_begin(self):
        """Few names: regions within themselves, and within each other."""
        where = {"tid": self.tid(), "t_ns": self.made.tick()}
        self.made.info("region_begin", value=MAIN + self.chance.randrange(3), **where)

    def region_end(self):
        self.made.info("region_end", tid=self.tid(), t_ns=self.made.tick())

    def exec(self):
        self.image += 1
        self.modules = 0
        path = "/bin/%d" % self.image
        self.made.info("image", index=self.image, path=path, entry=1, t_ns=self.made.tick())


def records(seed, **more):
    """The records of one such target."""
    return Chaos(seed, **more).made.records
