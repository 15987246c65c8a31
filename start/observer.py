"""What watches a program from outside: a process of ours, gdb or the recorder; what both can do.

It is started, waits, is told to begin, says that it watches, and ends with the program or before.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import time
from abc import ABC, abstractmethod

from alloctrace.words import signal_name

from . import surroundings
from .errors import EngineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from subprocess import Popen
    from typing import Union

    from .child import Child

    Process = Union[Popen[bytes], Child]

ATTACHED = b"A"  # sent by it when the target may exec
_PATIENCE = 60  # seconds to start and attach, on a loaded machine
_LOG_TAIL = 65536  # bytes of its own words that are kept
_LOG_LIMIT = 8 << 20  # bytes of memory that its words may take
_NOT_PERMITTED = "%s may not attach: ptrace is not permitted here; `brkpoint doctor` says why"


class Observer(ABC):
    """One that has been started. `ready`: read end, one byte from it; `log`: memory file of what it
    prints: whatever dies, no file is left.
    """

    name = ""  # what messages call it
    keeps_target = False  # whether the program runs on where it has died

    def __init__(self, process: Process, ready: int, log: int) -> None:
        self.process, self.ready, self.log = process, ready, log
        self._works = 0

    @abstractmethod
    def configure(self, program: bytes) -> None:
        """It begins, with the path of the target's program."""

    def wait_attached(self) -> None:
        """Until it watches the target; raises EngineError."""
        until = time.monotonic() + _PATIENCE
        ready, _, _ = select.select([self.ready], [], [], max(0, until - time.monotonic()))
        if not ready:
            text = "%s did not attach within %d seconds" % (self.name, _PATIENCE)
            raise EngineError(text, self.said(), self.name)
        if os.read(self.ready, 1) != ATTACHED:
            raise self._why_not()

    def works(self) -> int:
        """How often it has said, since it watches, that it has done some more work."""
        os.set_blocking(self.ready, False)
        with contextlib.suppress(OSError):
            while said := os.read(self.ready, 4096):
                self._works += len(said)
        return self._works

    def _why_not(self) -> EngineError:
        self.process.wait(_PATIENCE)
        said = self.said()
        around = surroundings.said_by(self.name, said)
        if around is not None:
            return EngineError(around)
        if "Operation not permitted" in said:
            return EngineError(_NOT_PERMITTED % self.name)
        return self.why_not(said)

    def why_not(self, said: str) -> EngineError:
        """EngineError: why it came not to watch, by what it said. What is known needs no log."""
        return EngineError("%s could not attach to the program" % self.name, said, self.name)

    def said(self) -> str:
        """The last that it printed."""
        return self._tail()[1].lstrip(b"\0").decode("utf-8", "replace")

    def _tail(self) -> tuple[int, bytes]:
        """(where it begins, the bytes)"""
        begins = max(0, os.fstat(self.log).st_size - _LOG_TAIL)
        return begins, os.pread(self.log, _LOG_TAIL, begins)

    def trim(self) -> None:
        """Free what it has printed so far, if it is much, but for the last of it. It writes on at
        its own offset."""
        if os.fstat(self.log).st_blocks * 512 > _LOG_LIMIT:
            begins, tail = self._tail()
            os.ftruncate(self.log, 0)
            os.pwrite(self.log, tail, begins)

    # What its exit status says: pure but for recorded().

    def left(self, status: int) -> str | None:
        """Why it left a program that runs on, in words, where that is no failure; or None."""
        return None

    def failure(self, status: int, said: str) -> str | None:
        """What an exit status of its own kind of failure means, in words; or None."""
        return None

    def is_told(self, said: str) -> bool:
        """Whether failure() has told what it printed, so that it need not be shown again."""
        return False

    def refusal(self, status: int, said: str) -> str | None:
        """Why it did not let the program begin, in words; or None."""
        return None

    def died(self, number: int) -> str:
        """That a signal ended it, in words: who was killed, and by what."""
        how = "was killed" if number == signal.SIGKILL else "died"
        return "%s %s (%s)" % (self.name, how, signal_name(number))

    def recorded(self) -> int | None:
        """How many events it had recorded when it died, written or not; None: nobody knows."""
        return None

    def close(self) -> None:
        """End it if it still runs, and free what belongs to it."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.ready)
        os.close(self.log)


def last_line(said: str) -> str:
    """What it printed last; "" where that is nothing."""
    lines = said.strip().splitlines()
    return re.sub(r"^brkpoint-recorder: ", "", lines[-1]) if lines else ""
