"""The file under the spool: what was written is on its way to the disk, come what may."""

from __future__ import annotations


class SpoolFile:
    """Unbuffered, so that a killed gdb loses nothing; after the first failure it stays shut."""

    def __init__(self, path):
        self._file = open(path, "xb", buffering=0)
        self.error = None

    def write(self, data):
        if self.error is not None:
            return
        try:
            if self._file.write(data) != len(data):
                self.error = "No space left on device"
        except OSError as error:
            self.error = error.strerror

    @property
    def closed(self):
        return self._file.closed

    def flush(self):
        pass

    def close(self):
        self._file.close()
