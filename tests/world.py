"""The world that each test finds, however the tests were started; and an end for what hangs.

A background job of a script has SIGINT ignored, `nohup` SIGHUP, a service SIGPIPE; and who runs
the tests may have blocked some. The programs that tests start would inherit all of that.
"""

from __future__ import annotations

import faulthandler
import os
import signal
from contextlib import contextmanager

import launching

LIMIT_S = 600  # for one step of a test on a busy machine; its programs have shorter limits

_FOR_PROGRAMS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP)


class TookTooLong(Exception):
    """A test did not end within its limit."""


def set_up():
    """Programs start with no signal ignored or blocked; what the tests ignored they still do."""
    for number in _FOR_PROGRAMS:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, _nothing)  # exec makes the default of a handler
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it hides how children end
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _nothing(*_):
    """A handler."""


@contextmanager
def limited(name, limit_s=LIMIT_S):
    """What is done within is ended by TookTooLong after `limit_s`, with all that it started."""

    def end(*_):
        faulthandler.dump_traceback(2, all_threads=True)
        for pid in launching.descendants(os.getpid()):
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        raise TookTooLong("%s did not end within %g s" % (name, limit_s))

    before, left = signal.signal(signal.SIGALRM, end), signal.getitimer(signal.ITIMER_REAL)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *left)
        signal.signal(signal.SIGALRM, before)
