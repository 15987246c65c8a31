"""A small history with something of everything, and its trace, for the tests of traces."""

import shutil
import sqlite3

from alloctrace.history import history
from alloctrace.model import Frame, Purpose, Verdict
from alloctrace.purpose import classify as rules
from alloctrace.trace import trace
from made_records import LIBC, TOP, Made

USER = Verdict("user", None, ("strdup", "std::x"), False, 1, "user function", "frame")
LOADER = Verdict("loader", None, (), False, 0, "loader function", "frame", "user")
RUST = Verdict("runtime", "Rust", (), False, None, "", "phase")
LINE_BREAK = "/tmp/\x1b[31m\udcff\n.so"


def made_records():
    """A call of each kind, nested, failing, open at the end; syscalls; two phases; a module."""
    made = Made()
    made.info("image", index=0, path="/bin/target", entry=0x401000, t_ns=made.now)
    made.info("module", id=4, path=LINE_BREAK, base=LIBC, start=LIBC, end=LIBC + 99)
    made.info("phase", phase="load", t_ns=made.now, how="first instruction", rss_bytes=4096)
    made.syscall("mmap", 0, 8192, 3, 0x22, 2**32 - 1, result=0x7F1234567000, path=b"/a\xff")
    made.info("phase", phase="main", t_ns=made.tick(), how="symbol", brk=2**63 + 7)
    made.enter("malloc", 2**63)
    made.syscall("brk", 2**63 + 3, result=2**63 + 3 - 2**64)
    made.leave("malloc", 0)
    made.enter("calloc", 3, 17)
    made.enter("malloc", 51)
    made.leave("malloc", 2**64 - 16)
    made.call("posix_memalign", TOP, 3, 100, result=22)
    made.call("free", 2**64 - 16)
    made.call("malloc", 41, result=0x5000)
    made.call("realloc", 0x5000, 43, result=0x6000)
    made.info("note", text="a word \udcff")
    made.info("cost", stops=20, engine_ns=12345)
    made.info("fork", what="fork", tid=77, child=78, t_ns=made.tick())
    made.info("end", kind="exited", status=3, t_ns=made.tick())
    made.enter("malloc", 11)
    return made.records


def made_history():
    return history.build(made_records())


def symbolise(built):
    """Frames for the made stacks, with an inlined one and names of every kind."""
    return {id_: _frames(stack) for id_, stack in built.stacks.items()}


def _frames(stack):
    inner = Frame(stack.frames[0][0], "libc.so.6", "/lib/libc.so.6", "system", 4, "malloc")
    inlined = Frame(0x401001, "a b", "/x/a b", "executable", 1, "in<T>::l", "\udcff.rs", 7, True)
    outer = Frame(0x401001, "a b", "/x/a b", "executable", 1, None, None, None, False, 0, "main")
    return inner, inlined, outer


def classify(built, stacks):
    """Stands in for the rules of origin and purpose: the trace only has to keep the answers."""
    for event in built.events:
        event.verdict = (USER, LOADER, RUST, None)[event.seq % 4]
        event.purpose = (Purpose("a FILE object", "fopen", "iofopen.c"), Purpose(), None)[
            event.seq % 3
        ]


def write(path, monkeypatch, known):
    """The trace of made_history(), with the made verdicts; `known`: as trace.write takes it."""
    built = made_history()
    monkeypatch.setattr(rules, "classify", classify)
    trace.write(path, built, symbolise(built), known)
    return path


def changed(path, *statements):
    """A copy of the trace, as somebody with SQLite has changed it: by SQL, or (SQL, values). None
    where SQLite refuses it (NOT NULL, UNIQUE)."""
    copy = path.with_suffix(".changed")
    shutil.copyfile(path, copy)
    db = sqlite3.connect(copy, isolation_level=None)  # VACUUM is no part of a transaction
    try:
        for statement in statements:
            db.execute(*((statement,) if isinstance(statement, str) else statement))
    except sqlite3.IntegrityError:
        return None
    finally:
        db.close()
    return copy
