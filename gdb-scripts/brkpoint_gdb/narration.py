"""How a session tells its story: commands as a person would type them, and facts that are checked.

A fact that does not hold on this machine is said, with what was found instead; the session goes on.
"""

from __future__ import annotations

import os
import re
import textwrap

import gdb

from alloctrace.escape import visible

from . import code
from .process import Process

_WIDTH = 80
_ENOSYS = (1 << 64) - 38  # what the kernel puts into rax at the entry of a system call
_SETTINGS = (
    "pagination off",
    "confirm off",
    "height 0",
    "width 0",
    "style enabled off",
    "breakpoint pending on",
    "print thread-events off",
    "print inferior-events off",
    "print frame-arguments none",
    "startup-with-shell off",
    "auto-load safe-path /nonexistent",
)
_MAX_STOPS = 5000
_HASH = re.compile(r"::h[0-9a-f]{16}$")  # rustc's mangling before v0


class Story:
    def __init__(self):
        self.held = self.failed = 0

    def title(self, text):
        print("\n== %s\n" % text)

    def say(self, text):
        print(textwrap.fill(" ".join(text.split()), _WIDTH))

    def fact(self, text, holds, found=""):
        """`found`: what there is instead, where it does not hold."""
        self.held, self.failed = self.held + bool(holds), self.failed + (not holds)
        sign = "fact:" if holds else "does NOT hold here:"
        rest = "" if holds or not found else " (%s)" % found
        whole = "%s %s%s" % (sign, visible(text), visible(rest))
        print(textwrap.fill(whole, _WIDTH, subsequent_indent="      "))

    def type(self, command, lines=None):
        """Do what a person would type; its output is shown, at most `lines` of it, and returned."""
        print("(gdb) " + command)
        output = do(command)
        rows = output.rstrip("\n").split("\n") if output.strip() else []
        for row in rows[:lines]:
            print(visible(row.expandtabs()))
        if lines is not None and len(rows) > lines:
            print("… %d more lines" % (len(rows) - lines))
        return output

    def end(self):
        print("\nFacts that hold here: %d; that do not: %d." % (self.held, self.failed))


def do(command):
    """A gdb command, its output returned; errors are output, too, as on a terminal."""
    try:
        return gdb.execute(command, to_string=True)
    except gdb.error as error:
        return str(error) + "\n"


def run(tell, introduction):
    """The whole session, and the end of gdb. `introduction`: the docstring of the file."""
    for setting in _SETTINGS:
        do("set " + setting)
    do("set debuginfod enabled off")
    story = Story()
    title, rest = introduction.strip().split("\n", 1)
    story.title(title.strip().rstrip("."))
    story.say(rest)
    try:
        tell(story)
    except (gdb.error, Unfit) as error:
        story.fact("the session goes on to its end", False, str(error))
    story.end()
    do("kill")
    gdb.execute("quit 0")


class Unfit(Exception):
    """This program or libc cannot show what comes next; says why."""


# ---- the stopped program ------------------------------------------------------------------------


def alive():
    return bool(gdb.selected_inferior().pid)


def pid():
    return gdb.selected_inferior().pid


def register(name):
    return int(gdb.parse_and_eval("$" + name)) & 0xFFFFFFFFFFFFFFFF


def mappings():
    return Process(pid()).mappings()


def libc_malloc():
    """The address of the malloc that the program calls, by the ELF tables; raises Unfit.

    musl's loader and libc are one file; of glibc before 2.32 the loader exports a malloc, too.
    """
    for item in sorted(_codes(), key=lambda item: item.is_loader):
        for names_, _, address in item.hooks(False):
            if any(named.name == "malloc" for named in names_):
                return address
    raise Unfit("no malloc is found: stripped, or a program without libc")


def loader_malloc():
    """The address of the loader's own malloc at the first instruction; None where it is hidden."""
    for item in _codes():
        if item.is_loader:
            item.role = "loader"
            found = {n.name: a for names, _, a in item.hooks(True) for n in names}
            return found.get("malloc")
    return None


def _codes():
    files = code.Map(Process(pid()))
    files.update()
    return files.all


def names(limit=64):
    """Functions of the stack, innermost first, as gdb names them; "" for one without a name."""
    found, frame = [], gdb.newest_frame()
    while frame is not None and len(found) < limit:
        found.append(frame.name() or "")
        frame = frame.older()
    return found


def modules():
    """The file that each frame's code lies in, innermost first: its last name.

    Past the loader's _start gdb walks on into the arguments; that is no code of a file.
    """
    known, found, frame = mappings(), [], gdb.newest_frame()
    while frame is not None:
        pc = frame.pc()
        mapping = next((m for m in known if m.start <= pc < m.end), None)
        if mapping is None or not mapping.path.startswith(b"/"):
            break
        found.append(base_name(mapping))
        frame = frame.older()
    return found


def outwards(functions, limit=5):
    """`malloc < fopen < main`: without rustc's hashes, and each function once in a row."""
    names_ = [_HASH.sub("", name or "?") for name in functions]
    once = [name for i, name in enumerate(names_) if name != (names_[i - 1] if i else None)]
    return visible(" < ".join(once[:limit]) + (" < …" if len(once) > limit else ""))


def is_syscall_entry():
    """At a catchpoint: whether the system call begins; it stops a second time at its end."""
    return register("rax") == _ENOSYS


def stops(until=None):
    """Continue; yield at each stop, until the program has ended or `until()` is true.

    gdb says nothing of its own at these stops, where it can be told so (gdb 13).
    """
    for _ in range(_MAX_STOPS):
        do("set suppress-cli-notifications on")
        do("continue")
        do("set suppress-cli-notifications off")
        if not alive() or (until is not None and until()):
            return
        yield
    raise Unfit("more than %d stops" % _MAX_STOPS)


def return_address():
    """At the first instruction of a function it is on top of the stack."""
    return Process(pid()).word(register("rsp"))


def at(address):
    """Whether the program stands at this address."""
    return alive() and register("pc") == address


def mapping_at(address):
    return next((m for m in mappings() if m.start <= address < m.end), None)


def base_name(mapping):
    return os.fsdecode(mapping.path).rsplit("/", 1)[-1]
