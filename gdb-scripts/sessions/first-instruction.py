"""What the kernel maps before the first instruction.

The article asks whether the memory syscalls of an empty program are the kernel's, made while it
loads the program. They are not: what the kernel maps is there before the first instruction runs,
and no tool that watches system calls ever sees it.
"""

import os
import sys

_TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path[:0] = [os.path.join(_TOP, "gdb-scripts"), _TOP]

from alloctrace.elf.elf import ElfFile  # noqa: E402
from brkpoint_gdb import narration  # noqa: E402

_PT_LOAD = 1


def tell(story):
    story.say("`starti` stops at the very first instruction of the new program.")
    story.type("starti")
    story.type("x/i $pc")
    found = narration.mappings()
    program = os.readlink("/proc/%d/exe" % narration.pid())
    names = [os.fsdecode(mapping.path) for mapping in found]
    with ElfFile(program) as elf:
        interpreter, loads = elf.interp, [s for s in elf.segments if s.type == _PT_LOAD]
    story.say(
        "No instruction has run, so no system call was made. /proc/PID/maps has, all the same:"
    )
    story.type("info proc mappings")
    tell_files(story, names, program, interpreter, loads)
    tell_rest(story, names)
    tell_syscalls(story)


def tell_files(story, names, program, interpreter, loads):
    story.title("The files")
    mapped = names.count(program)
    text = "the program's file is mapped, its %d segments in %d pieces" % (len(loads), mapped)
    story.fact(text, mapped >= len(loads) > 0)
    real = os.path.realpath(interpreter) if interpreter else None
    story.fact("so is the loader, its interpreter", real in names, "this program names none")
    if real:
        pc = narration.mapping_at(narration.register("pc"))
        story.fact("the first instruction is the loader's", os.fsdecode(pc.path) == real)
    libc = [name for name in names if "libc.so" in name or "libc-" in name]
    story.fact("libc is not there yet: the loader will map it, with mmap", not libc, str(libc))


def tell_rest(story, names):
    story.title("What is no file")
    story.fact("there is a stack", "[stack]" in names)
    story.fact("there is the vdso, the kernel's own little library", "[vdso]" in names)
    story.fact("there is no heap: no brk has moved yet", "[heap]" not in names)


def tell_syscalls(story):
    story.title("And as system calls?")
    story.type("catch syscall mmap")
    story.type("continue")
    if not narration.alive():
        story.fact("the loader's first mmap comes after all this", False, "none is ever made")
        return
    names = [narration.base_name(mapping) for mapping in narration.mappings()]
    story.say("The first mmap that any tool can see. What was mapped above was never one.")
    story.fact("the first mmap comes after all this: the stack is long there", "[stack]" in names)


narration.run(tell, __doc__)
