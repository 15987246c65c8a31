"""A program of ours as a child: what `subprocess.Popen` gives, without what that one imports."""

from __future__ import annotations

import os
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_LOOK = 0.002  # seconds between looks at one that is waited for with a limit


class Child:
    """It runs in a session of its own, without input; `log`: a file that takes what it prints."""

    def __init__(
        self,
        words: list[str],
        environment: Mapping[str, str],
        log: int,
        inherited: Iterable[int],
    ) -> None:
        """`inherited`: descriptors that it gets under the same numbers. Raises OSError."""
        streams: list[tuple[Any, ...]] = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
        streams += [(os.POSIX_SPAWN_DUP2, log, number) for number in (1, 2)]
        for descriptor in inherited:
            os.set_inheritable(descriptor, True)
        try:
            self.pid = os.posix_spawn(
                words[0], words, environment, file_actions=streams, setsid=True
            )
        finally:
            for descriptor in inherited:
                os.set_inheritable(descriptor, False)
        self.returncode: int | None = None  # its exit status; of a signal the number, negative

    def poll(self) -> int | None:
        """The returncode."""
        return self._wait(os.WNOHANG)

    def wait(self, timeout: float | None = None) -> int | None:
        """The same, once it has ended; None where that takes longer than `timeout` seconds."""
        if timeout is None:
            return self._wait(0)
        until = time.monotonic() + timeout
        while self.poll() is None and time.monotonic() < until:
            time.sleep(_LOOK)
        return self.returncode

    def _wait(self, how: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, how)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:  # until it is waited for the number is its own
            os.kill(self.pid, number)

    def kill(self) -> None:
        """It and what stayed in its group of processes, as the recorder's heir does."""
        if self.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
