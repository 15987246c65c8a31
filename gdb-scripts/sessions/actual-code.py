"""Count the calls of malloc inside actual_code with finish.

The article stops at actual_code, types `f` "to execute until the end of the function", sees no stop
at malloc, and concludes: 6 calls before it, 2 after it, none inside. But `f` is `frame`.
"""

import os
import re
import sys

import gdb

_TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path[:0] = [os.path.join(_TOP, "gdb-scripts"), _TOP]

from brkpoint_gdb import narration  # noqa: E402


_FUNCTION = "actual_code"
_NAME = re.compile(r"(\S*\b%s(?:::h[0-9a-f]{16})?)(?:\(.*\).*)?;?$" % _FUNCTION, re.M)


def tell(story):
    name = function_name()
    story.type("tbreak main")
    story.type("run")
    if not narration.alive():
        raise narration.Unfit("this program has no main to stop at")
    malloc = narration.libc_malloc()
    story.say("libc is there by now: malloc itself, at its address, and the function.")
    story.type("break *%#x" % malloc)
    story.type("break '%s'" % name)
    before = list(calls(malloc, lambda: not narration.at(malloc)))
    if not narration.alive():
        raise narration.Unfit("%s is never called" % name)
    for size, caller in before:
        print("%6d bytes  %s" % (size, caller))
    story.fact("%d calls come before actual_code" % len(before), bool(before))
    tell_f(story)
    inside = tell_finish(story, name, malloc)
    tell_rest(story, malloc, inside)


def function_name():
    """As gdb knows it: vec_fn::actual_code, or with a hash behind it where rustc mangles so."""
    found = gdb.execute("info functions -q %s" % _FUNCTION, to_string=True)
    match = _NAME.search(found)
    if match is None:
        raise narration.Unfit("no function %s: inlined, or stripped" % _FUNCTION)
    return match.group(1)


def calls(malloc, ended):
    """(size, caller) of each stop at malloc, until another stop or the end of the program."""
    for _ in narration.stops(ended):
        yield narration.register("rdi"), narration.outwards(narration.names()[1:], 3)


def tell_f(story):
    story.title("f")
    before = narration.register("pc")
    story.type("f")
    after = narration.register("pc")
    story.fact("f has not moved the program: it is `frame`, and only prints", before == after)


def tell_finish(story, name, malloc):
    """How many calls finish met; it goes out of the function, and stops at each malloc inside."""
    story.title("finish")
    home = gdb.newest_frame().older().pc()
    found = []
    story.type("finish", 3)
    while narration.at(malloc):
        found.append((narration.register("rdi"), narration.outwards(narration.names()[1:], 4)))
        print("     stopped at malloc: %6d bytes  %s" % found[-1])
        story.type("frame %d" % level(name), 1)
        story.type("finish", 3)
    text = "finish leaves actual_code only after %d calls of malloc inside it" % len(found)
    story.fact(text, found and narration.at(home), "it met %d" % len(found))
    # others are made by RawVec as well: the buffer of standard output, in some versions of std
    own = [row for row in found if "finish_grow" in row[1]]
    own = own or [row for row in found if "RawVec" in row[1]]
    story.fact("one of them is the first block of the Vec", len(own) == 1, "%d are" % len(own))
    return found


def level(name):
    """The frame of that function, as gdb numbers them."""
    return next(i for i, found in enumerate(narration.names()) if found == name)


def tell_rest(story, malloc, inside):
    story.title("And after it?")
    after = list(calls(malloc, lambda: not narration.at(malloc)))
    story.fact("no call of malloc comes after it", not after, "%d calls" % len(after))
    story.say(
        "The article's last two calls were these %d, inside: with `f` and then `continue` they look"
        " as if they came after." % len(inside)
    )


narration.run(tell, __doc__)
