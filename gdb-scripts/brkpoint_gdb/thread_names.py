"""What threads are called, as they end: budgets have rules about them."""

from __future__ import annotations

import contextlib
import os

_MOST = 4096  # threads of a process that ends


def seen(engine, tid=None):
    """[(tid, name)] of a thread that is about to end; None: of all of one that is, or execs."""
    return list(_names("/proc/%d/task" % engine.process.pid, tid))


def tell(engine, t_ns, names):
    """They have ended, or are about to."""
    for tid, name in names:
        engine.spool.info("thread_name", pid=engine.process.pid, tid=tid, t_ns=t_ns, name=name)


def _names(folder, tid):
    with contextlib.suppress(OSError):
        for number in [str(tid)] if tid else os.listdir(folder)[:_MOST]:
            with open("%s/%s/comm" % (folder, number), errors="surrogateescape") as file:
                yield int(number), file.read().rstrip("\n")
