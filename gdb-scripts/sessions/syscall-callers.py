"""Catch brk and mmap, and look at each caller.

The article ends its gdb part with `catch syscall brk` and `catch syscall mmap`, and a backtrace at
each stop. Here all of them, with the phase in which they are made.
"""

import os
import sys

import gdb

_TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path[:0] = [os.path.join(_TOP, "gdb-scripts"), _TOP]

from brkpoint_gdb import narration  # noqa: E402


_NAMES = {9: "mmap", 12: "brk"}


def tell(story):
    story.type("starti")
    story.type("catch syscall brk mmap")
    story.say(
        "gdb stops twice at each system call: when it begins and when it ends. Only the first is"
        " looked at, with `bt`. A line: what is asked, how long (of brk: where to), by whom:"
    )
    main = main_address()
    found = []
    if main is not None:
        narration.do("tbreak *%#x" % main)
    in_main = False
    for _ in narration.stops():
        if main is not None and narration.at(main):
            in_main = True
            print("     main begins")
        elif narration.is_syscall_entry():
            found.append(look(in_main))
    tell_facts(story, found, main)


def main_address():
    symbol = gdb.lookup_minimal_symbol("main") if hasattr(gdb, "lookup_minimal_symbol") else None
    if symbol is not None:
        return int(symbol.value().address)
    try:
        return int(gdb.parse_and_eval("(unsigned long)&main"))
    except gdb.error:
        return None


def look(in_main):
    """(name, whether main has begun, whether only the loader is on the stack); prints it."""
    name = _NAMES[narration.register("orig_rax")]
    length = narration.register("rsi" if name == "mmap" else "rdi")
    print("%4s %#10x  %s" % (name, length, narration.outwards(narration.names(), 4)))
    files = set(narration.modules())
    return name, in_main, all(file.startswith("ld-") for file in files)


def tell_facts(story, found, main):
    story.title("What they are")
    counts = {name: [row[0] for row in found].count(name) for name in ("brk", "mmap")}
    text = "%d brk and %d mmap are made" % (counts["brk"], counts["mmap"])
    story.fact(text, bool(found), "this program makes none at all")
    loaders = [row for row in found if row[2]]
    text = "all %d have nothing but the loader on their stack" % len(found)
    story.fact(text, found and len(loaders) == len(found), "%d of them" % len(loaders))
    if main is None:
        story.fact("all come before main", False, "main has no symbol")
        return
    late = [row for row in found if row[1]]
    story.fact("all come before main: the program itself makes none", found and not late)


narration.run(tell, __doc__)
