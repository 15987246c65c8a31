"""Break on a malloc that is not there yet, and look at each caller.

The article's first step in gdb: `b malloc` is pending, `r`, and then stop after stop with `bt`.
Its author counted 43 stops in the loader and 8 in libc. Here every stop is looked at.
"""

import os
import sys

import gdb

_TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path[:0] = [os.path.join(_TOP, "gdb-scripts"), _TOP]

from brkpoint_gdb import narration  # noqa: E402


def tell(story):
    said = story.type("break malloc")
    pending = "pending" in said
    story.fact(
        "malloc is pending: only a library that is loaded later has it", pending, said.strip()
    )
    story.type("starti")
    hidden = narration.loader_malloc()
    story.say("The program stands at its first instruction. Each stop from here on, by its caller:")
    loader, libc = look_at_all(story)
    tell_loader(story, loader, hidden)
    tell_libc(story, libc)


def look_at_all(story):
    """({caller: stops} in the loader, [(size in $rdi, stack)] in libc); prints each group."""
    loader, libc, inlined = {}, [], 0
    for _ in narration.stops():
        frame = gdb.newest_frame()
        inlined += frame.type() == gdb.INLINE_FRAME
        names = narration.names()
        if narration.modules()[0].startswith("ld-"):
            key = narration.outwards(names[1:], 2)
            loader[key] = loader.get(key, 0) + 1
        else:
            libc.append((narration.register("rdi"), names))
    for caller, count in sorted(loader.items(), key=lambda item: -item[1]):
        print("%4d in the loader, from %s" % (count, caller))
    print("%4d in libc" % len(libc))
    if inlined:
        story.say(
            "%d of these stops are in *inlined* copies of malloc, which libc6-dbg knows of: there"
            " the size need not be in $rdi yet. That is why brkpoint breaks on addresses." % inlined
        )
    return loader, libc


def tell_loader(story, loader, hidden):
    story.title("The loader's own malloc")
    count = sum(loader.values())
    text = "the loader calls a malloc of its own, before libc is there: %d stops" % count
    story.fact(text, count > 0, "its malloc has no name here: libc6-dbg would tell")
    story.say("The same counted at one address, that of the function itself:")
    if hidden is None:
        story.fact("that function is found", False, "neither by name nor by its code")
        return
    exact = count_at(hidden)
    print("%4d calls of the loader's malloc at %#x" % (exact, hidden))
    story.fact("it is called, whether or not it has a name", exact > 0)


def count_at(address):
    """Run again with one breakpoint at this address; how often it stops before libc's malloc."""
    narration.do("delete")
    narration.do("starti")
    narration.do("break *%#x" % address)
    return sum(narration.at(address) for _ in narration.stops())


def tell_libc(story, libc):
    story.title("libc's malloc")
    for size, names in libc:
        print("%6d bytes  %s" % (size, narration.outwards(by_whom(names[1:]), 4)))
    users = [names for _, names in libc if any("::main" in name for name in names)]
    story.fact("libc's malloc is called, too: %d times" % len(libc), len(libc) > 0)
    story.fact("none of these calls is made by main of an empty program", libc and not users)
    panics = [names for _, names in libc if any("begin_panic" in name for name in names)]
    text = "none sets up panics, as the article thought: they look for the stack's guard page,"
    story.fact(text + " or name the main thread", libc and not panics)


def by_whom(names):
    """The callers without Rust's own doors to malloc, which are on every stack."""
    return [name for name in names if not name.startswith("alloc::alloc::")] or names


narration.run(tell, __doc__)
