"""What threads are called, as they end: budgets have rules about them."""

from __future__ import annotations

import contextlib
import os

_MOST = 4096  # threads of a process that ends


def tell(engine, t_ns, tid=None):
    """Of a thread that is about to end; None: of all, whose process is, or execs."""
    pid = engine.process.pid
    for number, name in _names("/proc/%d/task" % pid, tid):
        engine.spool.info("thread_name", pid=pid, tid=number, t_ns=t_ns, name=name)


def _names(folder, tid):
    with contextlib.suppress(OSError):
        for number in [str(tid)] if tid else os.listdir(folder)[:_MOST]:
            with open("%s/%s/comm" % (folder, number), errors="surrogateescape") as file:
                yield int(number), file.read().rstrip("\n")
