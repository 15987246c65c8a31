"""brkpoint in a terminal that a test looks at: a pseudo-terminal, and its screen in memory."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

import launching
from target_programs import ROOT

COMMAND = ["/usr/bin/python3", "-B", ROOT + "/brkpoint"]


class Terminal:
    """A program in a terminal of its own. TERM=linux: what pyte understands of it is whole."""

    def __init__(self, words, columns=100, lines=40, ignores=(), **environ):
        import pyte

        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.answer = b""  # what came since the last key
        self.pid, self._fd = pty.fork()
        if not self.pid:
            for number in ignores:
                signal.signal(number, signal.SIG_IGN)
            _exec([*COMMAND, *words], columns, lines, environ)

    def read(self, seconds=0.05):
        """What came until nothing came for so long; False: the program has closed it."""
        while select.select([self._fd], [], [], seconds)[0]:
            try:
                data = os.read(self._fd, 65536)
            except OSError:  # Linux says EIO at the end
                return False
            if not data:
                return False
            self.answer += data
            self._stream.feed(data)
        return True

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait(self, text, seconds=launching.LIMIT_S):
        """Until the screen shows it."""
        until = time.monotonic() + seconds
        while text not in self.text():
            assert self.read() or text in self.text(), self.text()
            assert time.monotonic() < until, "no %r in\n%s" % (text, self.text())
        return self.text()

    def type(self, keys):
        self.answer = b""
        os.write(self._fd, keys.encode())

    def resize(self, columns, lines):
        self.screen.resize(lines, columns)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def hang_up(self):
        """Close this end of the terminal; the exit status."""
        os.close(self._fd)
        over = os.WEXITED | os.WNOHANG | os.WNOWAIT
        try:
            launching.wait_for(lambda: os.waitid(os.P_PID, self.pid, over))
        except AssertionError:
            os.kill(self.pid, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def end(self):
        """The exit status."""
        while self.read(0.2):
            if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                break
        os.close(self._fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def _exec(words, columns, lines, environ):
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    known = {"TERM": "linux", "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"], "ESCDELAY": "25"}
    try:
        os.execve(words[0], words, {**known, **environ})
    finally:
        os._exit(127)
