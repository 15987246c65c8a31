"""From malloc to the kernel and back.

One byte is asked for. What malloc does about it, down to the system call, and up again with the
pointer; and why the next call needs no kernel at all.
"""

import os
import sys

_TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path[:0] = [os.path.join(_TOP, "gdb-scripts"), _TOP]

from brkpoint_gdb import narration  # noqa: E402


def tell(story):
    story.type("tbreak main")
    story.type("run")
    if not narration.alive():
        raise narration.Unfit("this program has no main to stop at")
    malloc = narration.libc_malloc()
    story.type("tbreak *%#x" % malloc)
    story.type("continue")
    if not narration.at(malloc):
        raise narration.Unfit("main calls no malloc")
    size, home = narration.register("rdi"), narration.return_address()
    story.type("print $rdi")
    story.type("bt")
    story.fact("main asks for one byte", size == 1, "this program asks for %d" % size)
    heap = "[heap]" in paths()
    story.fact("there is no heap yet", not heap, "something has made one before main")
    moved = down(story, home)
    back(story, home, moved)


def paths():
    return [os.fsdecode(mapping.path) for mapping in narration.mappings()]


def down(story, home):
    """How far the break moved, in bytes; stops at each brk until malloc has returned."""
    story.title("Down")
    narration.do("tbreak *%#x" % home)
    story.type("catch syscall brk mmap")
    breaks, stacks = [], []
    for _ in narration.stops(lambda: narration.at(home)):
        if narration.is_syscall_entry():
            stacks.append(narration.names())
            print("asks:    %s" % narration.outwards(stacks[-1], 9))
        else:
            breaks.append(narration.register("rax"))
            print("answer:  %#x" % breaks[-1])
    text = "malloc has gone to the kernel: %d system calls" % len(stacks)
    story.fact(text, bool(stacks), "it had memory left that it could give")
    inside = [names for names in stacks if any("malloc" in name for name in names)]
    story.fact("all of them from inside malloc", stacks and len(inside) == len(stacks))
    moved = breaks[-1] - breaks[0] if len(breaks) > 1 else 0
    text = "one byte was asked for, the kernel gave %d" % moved
    story.fact(text, moved >= 4096, "this libc did not move the break")
    return moved


def back(story, home, moved):
    story.title("And back")
    if not narration.at(home):
        raise narration.Unfit("malloc never returned")
    story.type("print/x $rax")
    pointer = narration.register("rax")
    mapping = narration.mapping_at(pointer)
    name = os.fsdecode(mapping.path) if mapping else "nothing"
    story.fact("the pointer lies in the heap that was just made", name == "[heap]", "in " + name)
    if mapping is None:
        return
    rest = mapping.end - pointer
    print("%d bytes of the heap lie behind the pointer" % rest)
    text = "the next calls need no kernel: what was fetched for one byte serves them"
    story.fact(text, rest > 4096 and moved > 0)
    hits = sum(narration.is_syscall_entry() for _ in narration.stops())
    story.fact("and indeed none is made until the end", hits == 0, "%d are" % hits)


narration.run(tell, __doc__)
