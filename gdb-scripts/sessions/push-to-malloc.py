"""From Box::new and Vec::push down to malloc.

The article reads the source of Box::new and ends at the keyword `box`: a dead end in the source. In
gdb it is none: stop in malloc, and read the stack upwards.
"""

import os
import sys

_TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path[:0] = [os.path.join(_TOP, "gdb-scripts"), _TOP]

from brkpoint_gdb import narration  # noqa: E402


_WORDS = (  # part of a function's name -> what it does on the way, first that fits
    ("in_a_", "the program's own function"),
    ("box_new_uninit", "what `box` has become: asks for the size of the type"),
    ("exchange_malloc", "what `box` has become: asks for the size of the type"),
    ("alloc::boxed::", "Box::new: one block for one value"),
    ("Box", "Box::new: one block for one value"),
    ("push", "Vec::push: there is no room for one more"),
    ("grow_one", "the Vec's raw half asks for more room"),
    ("reserve_for_push", "the Vec's raw half asks for more room"),
    ("grow_amortized", "doubles what it has, and takes at least four elements"),
    ("finish_grow", "a first block, or another one in place of the old"),
    ("rust_alloc", "the program's global allocator: here the system's"),
    ("rdl_alloc", "the standard library's name for the system's allocator"),
    ("System", "System: malloc, where the alignment allows"),
    ("alloc::alloc::", "the library's door to the global allocator"),
)


def tell(story):
    boxed = follow(story, "Box::new", "boxed::in_a_box")
    story.fact("it asks malloc for the 8072 bytes of the value, no more", boxed[0] == 8072)
    story.fact("Box::new is on the stack", any(is_box_new(n) for n in boxed[1]))
    pushed = follow(story, "Vec::push", "boxed::in_a_vec")
    story.fact("it asks malloc for 32 bytes: room for four, not for one", pushed[0] == 32)
    story.fact("Vec::push is on the stack", any("Vec" in n and "push" in n for n in pushed[1]))
    story.fact("finish_grow is on the stack", any("finish_grow" in n for n in pushed[1]))
    story.title("Where they meet")
    shared = [name for name in boxed[1] if name in pushed[1][1:]]
    print("on both ways: " + (narration.outwards(shared, 9) if shared else "nothing but malloc"))
    story.fact("both ways end in the same malloc of libc", boxed[2] == pushed[2])


def is_box_new(name):
    return ("alloc::boxed::" in name or "Box" in name) and "::new" in name


def follow(story, title, function):
    """(bytes asked, functions from malloc out to `function`, address of malloc)."""
    story.title(title)
    story.type("tbreak " + function)
    story.type("continue" if narration.alive() else "run")
    if not narration.alive() or function not in narration.names(1)[0]:
        raise narration.Unfit("%s is never called" % function)
    malloc = narration.libc_malloc()
    story.type("tbreak *%#x" % malloc)
    story.type("continue")
    if not narration.at(malloc):
        raise narration.Unfit("%s does not call malloc" % function)
    names = narration.names()
    here = next((i for i, name in enumerate(names) if function in name), len(names) - 1)
    for index, name in enumerate(names[: here + 1]):
        print("  #%-2d %s" % (index, shorten(name)))
        print("        " + meaning(name, index))
    size = narration.register("rdi")
    story.type("print $rdi")
    return size, names[: here + 1], malloc


def meaning(name, index):
    if index == 0:
        return "libc"
    return next((words for part, words in _WORDS if part in name), "passes it on")


def shorten(name):
    return narration.visible(name if len(name) < 72 else name[:71] + "…")


narration.run(tell, __doc__)
