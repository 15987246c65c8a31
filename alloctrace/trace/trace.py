"""The trace: the file that holds one recorded run. docs/trace-format.md.

`write` makes one, whole or not at all; `open` reads one, from a stranger too: nothing in it is
run, nothing in it is trusted, and what is damaged raises TraceError.
"""

from __future__ import annotations

import os

from alloctrace import cache_folder
from alloctrace.columns import schema as trace_schema
from alloctrace.columns.check import TraceError, check_header, connect
from .read import Trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from alloctrace.history.history import History
    from alloctrace.model import Frame
    from alloctrace.purpose.judging import Programs
    from alloctrace.summary.group_kinds import Kinds
else:
    import _sqlite3 as sqlite3  # as in columns/check.py

__all__ = ["Trace", "TraceError", "write", "open", "EXTENSION"]

EXTENSION = ".brkpoint"
_written: list[list[int] | None] = []  # the state of the last file that `write` made


def prepare() -> None:
    """Read what `write` will need: for who has time to spare before."""
    from alloctrace import leftovers  # noqa: F401
    from alloctrace.history import run_facts  # noqa: F401
    from . import unexplained, write as trace_write  # noqa: F401


def write(
    path: str | os.PathLike[str],
    history: History,
    stacks: Mapping[int, Sequence[Frame]],
    outcome: dict[str, Any],
    force: bool = False,
    tell: Callable[[str], None] = lambda what: None,
    is_for_later: bool = False,
) -> Kinds | None:
    """Classify the events of `history` and write the trace file `path`, atomically.

    `stacks`: what symbols.symbolise gave. `outcome`: a dict, may be {}; run_facts.facts says
    what it may hold. An existing file is replaced only with `force`; raises TraceError. Returns
    what was counted: summary.summarise need not read it again. `tell(what)` hears what is done.
    `is_for_later`: what allocations are for is found out when the trace is opened, where that can
    wait; nothing is counted then.
    """
    from alloctrace import leftovers  # only now: who reads a trace needs none of these
    from alloctrace.history import run_facts
    from alloctrace.purpose import judging
    from alloctrace.stacks.tree import StackTree
    from . import unexplained

    tell("judging who asked and what for")
    programs = None
    if is_for_later and unexplained.can_wait(history):
        programs = judging.judge(history, StackTree.of(stacks))
    else:
        from alloctrace.purpose import classify

        classify.classify(history, stacks)
    tell("writing")
    folder, name = os.path.split(os.fspath(path))
    try:
        with leftovers.file(folder or os.curdir, name) as temporary:
            facts = run_facts.facts(history, outcome)
            counted = _fill(temporary, facts, history, stacks, programs)
            _into_place(temporary, path, force)
        _sync(folder or os.curdir)
        _written[:] = [cache_folder.state(os.fspath(path))]
        return counted
    except OSError as error:
        raise TraceError("cannot be written: %s" % error.strerror) from None
    except (sqlite3.Error, OverflowError) as error:
        raise TraceError("cannot be written: %s" % error) from None


def open(path: str, is_own: bool = False) -> Trace:
    """The Trace at `path`, to be closed or used in a `with`; raises TraceError. `is_own`: it is
    what this process has just written, and is believed where it is still that file."""
    check_header(path)
    was = cache_folder.state(path)
    if was is None:
        raise TraceError("cannot be read: it is there no more")
    is_own = is_own and None not in _written and was in _written
    connection = connect(path, is_own)
    opened = Trace(connection, path, was)
    if opened.run.get("purposes") != trace_schema.WHEN_READ:
        return opened
    from . import explain  # only now: of most traces it is known already

    try:
        tree = explain.explain(connection, opened)
        opened = Trace(connection, path, was, explain.MORE_GROUPS)
        if tree is not None:
            opened.tree = tree
        return opened
    except TraceError:
        opened.close()
        raise


def _fill(
    path: str,
    run: dict[str, Any],
    history: History,
    stacks: Mapping[int, Sequence[Frame]],
    programs: Programs | None,
) -> Kinds | None:
    """No journal: a file that is not whole is never renamed into place."""
    from . import write as trace_write  # only now, as above

    connection = sqlite3.connect(path, isolation_level=None)
    try:
        execute = connection.execute
        packed = history.packed
        has_large = packed is not None and history.has_many() and packed.keeps_events
        execute("PRAGMA page_size=%d" % trace_schema.page_size(has_large))
        execute("PRAGMA journal_mode=OFF")
        execute("PRAGMA synchronous=OFF")
        execute("PRAGMA locking_mode=EXCLUSIVE")
        execute("PRAGMA application_id=%d" % trace_schema.APPLICATION_ID)
        execute("PRAGMA user_version=%d" % trace_schema.VERSION)
        execute("BEGIN")
        counted = trace_write.write_tables(connection, run, history, stacks, programs)
        execute("COMMIT")
        return counted
    finally:
        connection.close()


def _into_place(temporary: str, path: str | os.PathLike[str], force: bool) -> None:
    _sync(temporary)
    if force:
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)  # unlike rename it fails where there is a file already
    except FileExistsError:
        raise TraceError("exists already") from None
    except OSError:  # a file system without hard links
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        os.close(descriptor)
        os.replace(temporary, path)


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
